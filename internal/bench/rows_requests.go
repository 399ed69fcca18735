package main

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// The data set of the rows that compare a request with the bare handler.
func (b *bench) smallData() (dataset, error) {
	return b.fill(dataset{name: "small", users: 20_000, rosters: 1000})
}

// rig is a server on the small data set, and the bare handler, both warm.
type rig struct {
	server, bare *process
	data         dataset
	api          api
	echo         load
	rounds, n    int // of one measurement: how often, how many requests
}

func (b *bench) rig() (r rig, err error) {
	if r.data, err = b.smallData(); err != nil {
		return r, err
	}
	if r.server, err = b.serve(r.data.dir); err != nil {
		return r, err
	}
	if r.bare, err = b.bare(); err != nil {
		return r, errors.Join(err, r.server.stop())
	}
	r.api = r.data.on(r.server)
	r.rounds, r.n = b.pick(7, 3), b.pick(20_000, 8_000)
	body := fmt.Sprintf(`{"name":%q,"owner":%q,"maxusers":300}`, "testchatroom", "user1")
	bytes := api{r.bare.addr, "/echo", r.data.token}.post("/", body)
	r.echo = api{addr: r.bare.addr}.load(r.n, func(int) []byte { return bytes })
	_, err = r.echo.run()
	return r, err
}

func (r rig) stop() error { return errors.Join(r.bare.stop(), r.server.stop()) }

// compare measures a request against the bare handler and adds a line.
func (b *bench) compare(r rig, row, what string, l load, limit float64) error {
	warm := l
	warm.requests = l.requests / 4
	if _, err := warm.run(); err != nil {
		return err
	}
	d, err := interleave(r.rounds,
		func() (time.Duration, error) { return r.bare.perRequest(r.echo) },
		func() (time.Duration, error) { return r.server.perRequest(l) })
	if err != nil {
		return err
	}
	b.atMost(row, what, ratio(d[1], d[0]), limit, fmt.Sprintf("(%s, bare %s)", round(d[1]), round(d[0])))
	return b.profiled(r.server, strings.ReplaceAll(what, " ", "-"), l)
}

// creation is a load of rooms to be made: the request of the documents, each by another owner.
func creation(a api, users, n int) load {
	var made atomic.Int64 // a load is run again: the owners should go on changing
	return a.load(n, func(int) []byte {
		i := int(made.Add(1)) * 2
		return a.post("/chatrooms", fmt.Sprintf(
			`{"name":"testchatroom","description":"server create chatroom","maxusers":300,"owner":%q,"members":[%q]}`,
			user(i%users), user((i+1)%users)))
	})
}

// createRow measures room creation: server CPU per request against the bare handler.
func (b *bench) createRow() (err error) {
	r, err := b.rig()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	return b.compare(r, "2", "create a room (owner and one member)", creation(r.api, r.data.users, r.n), 7)
}

// readRow measures two reads of rooms of ten members.
func (b *bench) readRow() (err error) {
	r, err := b.rig()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	room := func(i int) string { return "/chatrooms/" + string(r.data.rostered[i%len(r.data.rostered)]) }
	detail := r.api.load(r.n, func(i int) []byte { return r.api.get(room(i)) })
	if err := b.compare(r, "3", "room detail (10 members)", detail, 2.5); err != nil {
		return err
	}
	page := r.api.load(r.n, func(i int) []byte { return r.api.get(room(i) + "/users?pagenum=1&pagesize=10") })
	return b.compare(r, "3", "page of 10 members", page, 2.5)
}
