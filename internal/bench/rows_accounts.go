package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"teahouse/internal/im"
)

// accountsRow brings people of a ThinkSNS+ along and registers all of them for messages, in the Service, without HTTP.
func (b *bench) accountsRow() (err error) {
	store, service, err := b.open(filepath.Join(b.dir, "accounts"), 0, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	a, err := service.CreateApp(b.ctx, im.NewApp{Key: im.AppKey{Org: org, Name: app}})
	if err != nil {
		return err
	}
	operator, people := im.AppCaller(&a), b.pick(100_000, 20_000)
	began := time.Now()
	const batch = 500 // as the command has it
	for first := 1; first <= people; first += batch {
		accounts := make([]im.NewAccount, batch)
		for i := range accounts {
			accounts[i] = im.NewAccount{ID: int64(first + i), Name: fmt.Sprint("person", first+i), Email: fmt.Sprintf("person%d@example.com", first+i),
				Hash: "$2y$10$abcdefghijklmnopqrstuuDMJ3sxG6uO9jIx7sJ0bVXTFGKzUMr1u"}
		}
		if _, err := service.ImportAccounts(b.ctx, operator, accounts); err != nil {
			return err
		}
	}
	b.tell("11", fmt.Sprintf("import %d accounts", people), round(time.Since(began)))
	for _, what := range []string{"register %d old users", "… again, when all are registered"} {
		began = time.Now()
		if err := service.RegisterAllIM(b.ctx, operator, nil); err != nil {
			return err
		}
		limit := 20 * time.Second * time.Duration(people) / 100_000
		if what[0] == 'r' {
			what = fmt.Sprintf(what, people)
		}
		b.within("11", what, time.Since(began), limit, "")
	}
	return nil
}
