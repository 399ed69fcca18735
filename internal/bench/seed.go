package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"time"

	"teahouse/internal/bus"
	"teahouse/internal/im"
	"teahouse/internal/passwords"
	"teahouse/internal/server"
	"teahouse/internal/sqlstore"
)

// dataset is a data folder that was filled before the server sees it.
type dataset struct {
	name    string
	users   int
	rooms   []im.RoomID // those of roster members
	roster  int         // members of each of rooms, the owner included
	crowded []im.RoomID // rooms of the sizes in crowds
	crowds  []int

	dir   string
	token string // of the app
}

const (
	org = "bench"
	app = "app"
)

// user is the name of the n-th user of a data set.
func user(n int) string { return "user" + strconv.Itoa(n) }

// open returns the store of the data set and a Service on it.
func (b *bench) open(dir string, batch int, observe func(sqlstore.Commit)) (*sqlstore.Store, *im.Service, error) {
	store, err := sqlstore.Open(b.ctx, sqlstore.Config{
		Database: "sqlite:" + filepath.Join(dir, "teahouse.db"), MaxBatch: batch, Observe: observe,
	})
	if err != nil {
		return nil, nil, err
	}
	clock := server.SystemClock{}
	return store, im.NewService(im.Config{
		Store: store, Bus: bus.NewLocal(), Clock: clock, IDs: server.NewIDs(clock, 0),
		Passwords: passwords.New(passwords.Light()), Log: slog.New(slog.DiscardHandler),
	}), nil
}

// fill makes a data set of so many rooms, or returns the one of that name that was made before.
func (b *bench) fill(d dataset, rooms int) (_ dataset, err error) {
	if have, ok := b.data[d.name]; ok {
		return have, nil
	}
	began := time.Now()
	d.dir = filepath.Join(b.dir, d.name)
	store, service, err := b.open(d.dir, 0, nil)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	a, err := service.CreateApp(b.ctx, im.NewApp{Key: im.AppKey{Org: org, Name: app}, ClientID: "bench", Secret: "bench",
		Settings: map[string]string{"room_max_maxusers": "1000000", "user_max_chatrooms": "1000000"}})
	if err != nil {
		return d, err
	}
	grant, err := service.IssueAppToken(b.ctx, &a, nil)
	if err != nil {
		return d, err
	}
	d.token = grant.Text
	if err := d.write(b.ctx, store, a.ID, rooms); err != nil {
		return d, err
	}
	b.data[d.name] = d
	b.say("  filled %s: %d rooms, %d users, rooms of %v members, in %s", d.name, rooms, d.users, d.crowds, round(time.Since(began)))
	return d, nil
}

// write fills the store with the users, then the rooms, then the crowded rooms.
func (d *dataset) write(ctx context.Context, store *sqlstore.Store, a im.AppID, rooms int) error {
	now := time.Now()
	f := filler{ctx, store}
	err := f.each(d.users, func(tx im.Tx, n int) error {
		_, err := tx.AddUser(im.User{App: a, Name: im.Username(user(n)), UUID: fmt.Sprintf("00000000-0000-0000-0000-%012d", n),
			Active: true, Created: now, Modified: now, Seq: int64(n + 1)})
		return err
	})
	if err != nil {
		return err
	}
	d.rooms = roomIDs(rooms)
	err = f.each(rooms, func(tx im.Tx, n int) error {
		return addRoom(tx, a, d.rooms[n], now, d.names(n*d.roster, d.roster))
	})
	if err != nil {
		return err
	}
	for i, size := range d.crowds {
		id := im.RoomID("crowd" + strconv.Itoa(i))
		d.crowded = append(d.crowded, id)
		if err := f.each(1, func(tx im.Tx, _ int) error { return addRoom(tx, a, id, now, d.names(0, size)) }); err != nil {
			return err
		}
	}
	return nil
}

// names are n users from the first on; after the last comes the first again.
func (d *dataset) names(first, n int) []im.Username {
	all := make([]im.Username, n)
	for i := range all {
		all[i] = im.Username(user((first + i) % d.users))
	}
	return all
}

func addRoom(tx im.Tx, a im.AppID, id im.RoomID, now time.Time, names []im.Username) error {
	members := make([]im.Member, len(names))
	for i, n := range names {
		members[i] = im.Member{User: n, Joined: now, ByREST: true}
	}
	members[0].Role = im.Owner
	room := im.Room{App: a, ID: id, Kind: im.Chatroom, Name: "room " + string(id), Description: "made by the benchmark",
		Owner: names[0], MaxUsers: 1_000_000, Created: now}
	_, added, err := tx.AddRoom(room, members)
	if err == nil && !added {
		err = fmt.Errorf("room id %s is taken", id)
	}
	return err
}

// roomIDs are ids as a server gives them at about a hundred rooms a second: 14 digits, the seconds and then five digits in
// no order.
func roomIDs(n int) []im.RoomID {
	r := rand.New(rand.NewPCG(1, 2))
	const perSecond, span, base = 100, 100_000, 10_000_000_000_000
	ids := make([]im.RoomID, n)
	var start, stride int
	for i := range ids {
		if i%perSecond == 0 {
			start, stride = r.IntN(span), 1+2*r.IntN(span/10)
		}
		if stride%5 == 0 {
			stride += 2
		}
		ids[i] = im.RoomID(strconv.Itoa(base + i/perSecond*span + (start+i%perSecond*stride)%span))
	}
	return ids
}

// filler writes many rows with few commits.
type filler struct {
	ctx   context.Context
	store *sqlstore.Store
}

// each calls fn for 0 to n-1.
func (f filler) each(n int, fn func(tx im.Tx, n int) error) error {
	const perCommit = 10_000
	for first := 0; first < n; first += perCommit {
		err := f.store.Update(f.ctx, func(tx im.Tx) error {
			for i := first; i < min(n, first+perCommit); i++ {
				if err := fn(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// on is the data set's app at a server.
func (d dataset) on(p *process) api {
	return api{p.addr, "/" + org + "/" + app, d.token}
}
