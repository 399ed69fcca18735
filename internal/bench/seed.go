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

// dataset is a data folder that was filled before the server sees it. Its users are user(0) and so on.
type dataset struct {
	name    string
	users   int   // registered one by one
	rosters int   // rooms of ten of these users
	rooms   int   // rooms of one owner, filled fast
	spare   int   // users in no room but one of their own
	crowds  []int // sizes of crowded rooms
	tokened bool  // users have tokens
	hall    bool  // a chatroom of the first user
	small   int   // chatrooms of smallSize of the others

	rostered []im.RoomID // the ids of rosters
	tokens   []string    // of the users
	dir      string
	token    string // of the app
}

const (
	org = "bench"
	app = "app"
)

// rosterSize is how many members a room of dataset.rosters has, the owner included.
const rosterSize = 10

// user is the name of the n-th user that was registered one by one.
func user(n int) string { return "user" + strconv.Itoa(n) }

// spareUser is the name of the n-th user of those in one room of their own. The crowds are made of them too.
func spareUser(n int) string { return "member" + strconv.Itoa(n+2) }

func crowdID(n int) im.RoomID { return im.RoomID("crowd" + strconv.Itoa(n)) }

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
		Store: store, Bus: bus.NewLocal(), Clock: clock, IDs: server.NewIDs(clock),
		Passwords: passwords.New(passwords.Light()), Log: slog.New(slog.DiscardHandler),
	}), nil
}

// fill makes a data set, or returns the one of that name that was made before.
func (b *bench) fill(d dataset) (_ dataset, err error) {
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
	f := filler{b.ctx, store, a.ID, began}
	if err := errors.Join(f.users(d.users), f.rosters(&d), sqlstore.Fill(b.ctx, store, a.ID, sqlstore.Filling{Rooms: d.rooms}),
		f.crowd("spare", d.spare)); err != nil {
		return d, err
	}
	if d.hall || d.small > 0 {
		if err := f.places(d); err != nil {
			return d, err
		}
	}
	if d.tokened {
		d.tokens = make([]string, d.users)
		err := atOnce(d.users, writers, func(i int) error {
			grant, err := service.IssueUserToken(b.ctx, &a, im.Username(user(i)), nil)
			d.tokens[i] = grant.Text
			return err
		})
		if err != nil {
			return d, err
		}
	}
	for i, size := range d.crowds {
		if err := f.crowd(crowdID(i), size); err != nil {
			return d, err
		}
	}
	b.data[d.name] = d
	b.say("  filled %s in %s", d.name, round(time.Since(began)))
	return d, nil
}

// filler writes many rows with few commits.
type filler struct {
	ctx   context.Context
	store *sqlstore.Store
	app   im.AppID
	now   time.Time
}

// users registers users.
func (f filler) users(n int) error {
	return f.store.Update(f.ctx, func(tx im.Tx) error {
		for i := range n {
			_, err := tx.AddUser(im.User{App: f.app, Name: im.Username(user(i)), UUID: fmt.Sprintf("00000000-0000-0000-0000-%012d", i),
				Active: true, Created: f.now, Modified: f.now, Seq: int64(i + 1)})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// rosters makes rooms of ten users.
func (f filler) rosters(d *dataset) error {
	d.rostered = roomIDs(d.rosters)
	return f.store.Update(f.ctx, func(tx im.Tx) error {
		for n, id := range d.rostered {
			var names []im.Username
			for i := range rosterSize {
				names = append(names, im.Username(user((n*rosterSize+i)%d.users)))
			}
			if err := f.room(tx, id, names...); err != nil {
				return err
			}
		}
		return nil
	})
}

// places makes the chatrooms of the realtime rows.
func (f filler) places(d dataset) error {
	return f.store.Update(f.ctx, func(tx im.Tx) error {
		err := f.room(tx, hall, im.Username(user(0)))
		for n := 0; n < d.small && err == nil; n++ {
			var names []im.Username
			for i := range smallSize {
				names = append(names, im.Username(user(1+n*smallSize+i)))
			}
			err = f.room(tx, smallRoom(n), names...)
		}
		return err
	})
}

// crowd makes a room of so many members.
func (f filler) crowd(id im.RoomID, size int) error {
	if size == 0 {
		return nil
	}
	err := f.store.Update(f.ctx, func(tx im.Tx) error { return f.room(tx, id, "owner") })
	if err != nil {
		return err
	}
	return sqlstore.Fill(f.ctx, f.store, f.app, sqlstore.Filling{Room: id, Members: size - 1})
}

// room makes a room of the named members, the owner first.
func (f filler) room(tx im.Tx, id im.RoomID, names ...im.Username) error {
	members := make([]im.Member, len(names))
	for i, n := range names {
		members[i] = im.Member{User: n, Joined: f.now, ByREST: true}
	}
	members[0].Role = im.Owner
	room := im.Room{App: f.app, ID: id, Kind: im.Chatroom, Name: "room " + string(id), Description: "made by the benchmark",
		Owner: names[0], MaxUsers: 1_000_000, Created: f.now}
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

// on is the data set's app at a server.
func (d dataset) on(p *process) api {
	return api{p.addr, "/" + org + "/" + app, d.token}
}
