package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/sqlstore"
)

// sendRow measures messages over HTTP: 64 clients, each message acknowledged when it is durable, all to one user.
func (b *bench) sendRow() (err error) {
	r, err := b.rig()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	body := fmt.Sprintf(`{"target_type":"users","target":[%q],"msg":{"type":"txt","msg":"hello from rest"},"from":%q,"ext":{"attr1":"v1"}}`,
		user(1), user(2))
	l := r.api.load(r.n, func(int) []byte { return r.api.post("/messages?useMsgId=true", body) })
	l.clients = writers
	before, err := r.server.batches()
	if err != nil {
		return err
	}
	if err := b.compare(r, "9", "send a message ÷ bare", l, 8); err != nil {
		return err
	}
	after, err := r.server.batches()
	if err != nil {
		return err
	}
	b.atLeast("9", "64 clients send messages: messages per commit", (after.writes-before.writes)/(after.commits-before.commits), 8, "")
	return nil
}

// groupRow compares a message to a group of 500, nobody connected, with one to a single user: in the Service, without HTTP.
func (b *bench) groupRow() (err error) {
	const size = 500
	commits := 0
	store, service, err := b.open(filepath.Join(b.dir, "group"), 0, func(sqlstore.Commit) { commits++ })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	a, err := service.CreateApp(b.ctx, im.NewApp{Key: im.AppKey{Org: org, Name: app}})
	if err != nil {
		return err
	}
	if err := (filler{b.ctx, store, a.ID, time.Now()}).users(size); err != nil {
		return err
	}
	var names []string
	for n := range size {
		names = append(names, user(n))
	}
	room, err := service.CreateRoom(b.ctx, im.AppCaller(&a), im.NewRoom{Kind: im.Group, Name: "group", Owner: names[0], Members: names[1:], MaxUsers: new(size)})
	if err != nil {
		return err
	}
	n := b.pick(2000, 500)
	send := func(to im.Address) func() (time.Duration, error) {
		m := im.NewMessage{Device: "phone", Echo: true, To: []im.Address{to}, Body: im.Body{Type: im.TextBody, Fields: im.Fields{{Name: "msg", Value: im.Text("hello")}}}}
		return func() (time.Duration, error) {
			return ownCPU(n, func() error {
				_, err := service.Send(b.ctx, im.UserCaller(&a, im.Username(names[1])), m)
				return err
			})
		}
	}
	commits = 0
	rounds := b.pick(7, 3)
	d, err := interleave(rounds, send(im.ToUser(im.Username(names[2]))), send(im.ToRoom(im.Group, room.ID)))
	if err != nil {
		return err
	}
	b.atMost("10", "a message to a group of 500 ÷ one to a user, CPU", ratio(d[1], d[0]), 5,
		fmt.Sprintf("(%s, to a user %s)", round(d[1]), round(d[0])))
	b.atMost("10", "transactions a message", float64(commits)/float64(2*n*rounds), 1, "")
	return nil
}

// ownCPU is the processor time this process spends on each of n runs.
func ownCPU(n int, run func() error) (time.Duration, error) {
	began, err := cpuOf(os.Getpid())
	if err != nil {
		return 0, err
	}
	for range n {
		if err := run(); err != nil {
			return 0, err
		}
	}
	ended, err := cpuOf(os.Getpid())
	return (ended - began) / time.Duration(n), err
}
