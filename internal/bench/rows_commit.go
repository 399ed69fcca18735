package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/sqlstore"
)

const writers = 64

// commitRow measures how many writes share a commit, and what that is worth.
func (b *bench) commitRow() error {
	if err := b.commitHTTP(); err != nil {
		return err
	}
	return b.commitDirect()
}

// commitHTTP counts the acknowledged writes of each commit while 64 clients make rooms.
func (b *bench) commitHTTP() (err error) {
	d, err := b.smallData()
	if err != nil {
		return err
	}
	p, err := b.serve(d.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	l := creation(d.on(p), d.users, b.pick(30_000, 10_000))
	l.clients = writers
	before, err := p.batches()
	if err != nil {
		return err
	}
	took, err := l.run()
	if err != nil {
		return err
	}
	after, err := p.batches()
	if err != nil {
		return err
	}
	perCommit := (after.writes - before.writes) / (after.commits - before.commits)
	b.atLeast("1", "64 clients make rooms: writes per commit", perCommit, 8,
		fmt.Sprintf("(%.0f rooms/s)", float64(l.requests)/took.Seconds()))
	return nil
}

type batches struct{ writes, commits float64 }

func (p *process) batches() (n batches, err error) {
	if n.writes, err = p.metric("teahouse_store_batch_updates_sum"); err != nil {
		return n, err
	}
	n.commits, err = p.metric("teahouse_store_batch_updates_count")
	return n, err
}

// commitDirect compares the rate of 64 goroutines that make rooms with and without shared commits.
func (b *bench) commitDirect() error {
	var perRoom [2]func() (time.Duration, error)
	var closing []func() error
	var commits, writes atomic.Int64
	for i, batch := range []int{0, 1} {
		observe := func(c sqlstore.Commit) {}
		if i == 0 {
			observe = func(c sqlstore.Commit) { commits.Add(1); writes.Add(int64(c.Updates)) }
		}
		m, err := b.maker(batch, observe)
		if err != nil {
			return err
		}
		closing = append(closing, m.store.Close)
		perRoom[i] = func() (time.Duration, error) { return m.run(time.Duration(b.pick(3000, 1000)) * time.Millisecond) }
	}
	d, err := interleave(b.pick(5, 3), perRoom[:]...)
	for _, c := range closing {
		err = errors.Join(err, c())
	}
	if err != nil {
		return err
	}
	b.atLeast("1", "64 goroutines make rooms: rate with group commit ÷ without", ratio(d[1], d[0]), 8,
		fmt.Sprintf("× (%.0f/s, without %.0f/s; %.0f writes per commit)", 1/d[0].Seconds(), 1/d[1].Seconds(),
			float64(writes.Load())/float64(max(commits.Load(), 1))))
	return nil
}

// maker makes rooms in its own process.
type maker struct {
	bench   *bench
	store   *sqlstore.Store
	service *im.Service
	app     im.App
	made    atomic.Int64
}

func (b *bench) maker(batch int, observe func(sqlstore.Commit)) (m *maker, err error) {
	m = &maker{bench: b}
	if m.store, m.service, err = b.open(filepath.Join(b.dir, "batch"+strconv.Itoa(batch)), batch, observe); err != nil {
		return nil, err
	}
	if m.app, err = m.service.CreateApp(b.ctx, im.NewApp{Key: im.AppKey{Org: org, Name: app}}); err != nil {
		return nil, err
	}
	return m, filler{b.ctx, m.store, m.app.ID, time.Now()}.users(owners)
}

// owners is how many users own the rooms: so many that none has many, whose counting would be measured too.
const owners = 50_000

// run makes rooms from 64 goroutines for a while and returns the time for each.
func (m *maker) run(during time.Duration) (time.Duration, error) {
	var running sync.WaitGroup
	errs := make([]error, writers)
	began := time.Now()
	first := m.made.Load()
	for w := range writers {
		running.Go(func() {
			for time.Since(began) < during && errs[w] == nil {
				n := m.made.Add(1)
				_, errs[w] = m.service.CreateRoom(m.bench.ctx, im.AppCaller(&m.app),
					im.NewRoom{Kind: im.Chatroom, Name: "testchatroom", Owner: user(int(n) % owners)})
			}
		})
	}
	running.Wait()
	return time.Since(began) / time.Duration(max(m.made.Load()-first, 1)), errors.Join(errs...)
}
