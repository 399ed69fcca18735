// Package storetest holds the promises of im.Store as tests, for every engine to pass, and finds a PostgreSQL to
// test with.
package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// Run tests every promise of im.Store. open returns a store of its own each time; tests that may share one do, each in an
// app of its own.
func Run(t *testing.T, open func(t *testing.T) im.Store) {
	shared := open(t)
	for _, test := range sharedTests() {
		t.Run(test.name, func(t *testing.T) { test.run(newEnv(t, shared)) })
	}
	for _, test := range ownTests() {
		t.Run(test.name, func(t *testing.T) { test.run(newEnv(t, open(t))) })
	}
}

type test struct {
	name string
	run  func(*env)
}

// sharedTests keep to their app.
func sharedTests() []test {
	return join(
		appTests(),
		userTests(),
		tokenTests(),
		roomTests(),
		memberTests(),
		visitTests(),
		standingTests(),
		listTests(),
		attributeTests(),
		fileTests(),
		superAdminTests(),
		memberAttributeTests(),
		pendingTests(),
		communityTests(),
		pageTests(),
		messageTests(),
		inboxTests(),
		transactionTests(),
		raceTests(),
		accountTests(),
		peopleTests(),
	)
}

// ownTests look at all apps.
func ownTests() []test { return join(dueTests(), duePeopleTests(), absenceTests(), tenantTests()) }

func join(lists ...[]test) (all []test) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// env is one test with an app of its own.
type env struct {
	*testing.T
	store im.Store
	app   im.AppID
	rooms int // made by room, for their ids
}

func newEnv(t *testing.T, s im.Store) *env {
	e := &env{T: t, store: s}
	e.app = e.newApp(strings.ReplaceAll(t.Name(), "/", "."))
	return e
}

// Start is the moment around which the tests play; it has milliseconds.
func start() time.Time { return time.UnixMilli(1_700_000_000_123) }

func (e *env) newApp(name string) im.AppID {
	e.Helper()
	app := im.App{Key: im.AppKey{Org: "org", Name: name}, UUID: "uuid-" + name, Settings: im.DefaultSettings(), Created: start()}
	return get(e, func(tx im.Tx) (im.AppID, error) { return tx.PutApp(app) })
}

// get runs fn in an Update and returns what it returns.
func get[T any](e *env, fn func(im.Tx) (T, error)) (v T) {
	e.Helper()
	e.update(func(tx im.Tx) (err error) { v, err = fn(tx); return err })
	return v
}

// read is get in a View.
func read[T any](e *env, fn func(im.Tx) (T, error)) (v T) {
	e.Helper()
	e.view(func(tx im.Tx) (err error) { v, err = fn(tx); return err })
	return v
}

func (e *env) update(fn func(im.Tx) error) {
	e.Helper()
	if err := e.store.Update(e.Context(), fn); err != nil {
		e.Fatalf("Update: %v", err)
	}
}

func (e *env) view(fn func(im.Tx) error) {
	e.Helper()
	if err := e.store.View(e.Context(), fn); err != nil {
		e.Fatalf("View: %v", err)
	}
}

// refused runs fn in an Update and wants this error, by code and with these nouns.
func (e *env) refused(want *im.Error, fn func(im.Tx) error) {
	e.Helper()
	e.wantError(want, e.store.Update(e.Context(), fn))
}

func (e *env) wantError(want *im.Error, err error) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Fatalf("got error %v, want %v", err, want)
	}
	got := im.AsError(err)
	if got.User != want.User || got.Room != want.Room || got.Arg != want.Arg {
		e.Errorf("got nouns user %q room %q arg %q, want %q %q %q", got.User, got.Room, got.Arg, want.User, want.Room, want.Arg)
	}
}

// same compares the printed forms.
func (e *env) same(what string, got, want any) {
	e.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		e.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// users adds users.
func (e *env) users(names ...im.Username) {
	e.Helper()
	e.update(func(tx im.Tx) error {
		for _, n := range names {
			if added, err := tx.AddUser(e.user(n)); err != nil || !added {
				return fmt.Errorf("add %s: %v %w", n, added, err)
			}
		}
		return nil
	})
}

func (e *env) user(name im.Username) im.User {
	return im.User{App: e.app, Name: name, UUID: "uuid-" + string(name), Password: "hash", Active: true,
		Created: start(), Modified: start()}
}

// newRoom is a room that is not stored yet.
func (e *env) newRoom(kind im.RoomKind, owner im.Username) im.Room {
	e.rooms++
	return im.Room{App: e.app, ID: im.RoomID(fmt.Sprintf("%014d", 10_000_000_000_000+e.rooms)), Kind: kind, Name: "room", Owner: owner,
		MaxUsers: 200, Created: start().Add(time.Duration(e.rooms) * time.Second)}
}

// room stores a chatroom with an owner and plain members, and returns it as stored.
func (e *env) room(names ...im.Username) im.Room {
	e.Helper()
	return e.roomOf(im.Chatroom, names...)
}

func (e *env) roomOf(kind im.RoomKind, names ...im.Username) im.Room {
	e.Helper()
	r := e.newRoom(kind, names[0])
	return get(e, func(tx im.Tx) (im.Room, error) {
		if _, added, err := tx.AddRoom(r, members(names...)); err != nil || !added {
			return im.Room{}, fmt.Errorf("add room %s: %v %w", r.ID, added, err)
		}
		return tx.Room(e.app, kind, r.ID)
	})
}

// members makes the first name the owner.
func members(names ...im.Username) (all []im.Member) {
	for i, n := range names {
		m := im.Member{User: n, Joined: start()}
		if i == 0 {
			m.Role = im.Owner
		}
		all = append(all, m)
	}
	return all
}

// join adds plain members.
func (e *env) join(r im.Room, names ...im.Username) {
	e.Helper()
	e.update(func(tx im.Tx) error { return tx.AddMembers(r, members(append([]im.Username{""}, names...)...)[1:]) })
}

// leave takes members out.
func (e *env) leave(r im.Room, names ...im.Username) {
	e.Helper()
	e.update(func(tx im.Tx) error {
		standings, err := tx.Standings(r, names)
		if err != nil {
			return err
		}
		return tx.RemoveMembers(r, standings)
	})
}

// number makes names "u000", "u001", …
func number(from, to int) (names []im.Username) {
	for i := from; i < to; i++ {
		names = append(names, im.Username(fmt.Sprintf("u%03d", i)))
	}
	return names
}
