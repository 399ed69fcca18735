package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"teahouse/internal/im"
)

func transactionTests() []test {
	return []test{
		{"Rollback", testRollback},
		{"RollbackBesideOthers", testRollbackBesideOthers},
		{"ErrorUnchanged", testErrorUnchanged},
		{"Panic", testPanic},
		{"ViewDoesNotWrite", testViewDoesNotWrite},
		{"ViewIsOneMoment", testViewIsOneMoment},
		{"OwnWrites", testOwnWrites},
		{"AfterTheEnd", testAfterTheEnd},
		{"ContextEnded", testContextEnded},
		{"ContextEndsWhileWaiting", testContextEndsWhileWaiting},
		{"Ping", testPing},
	}
}

var errTest = errors.New("the test's own error")

func (e *env) exists(name im.Username) bool {
	e.Helper()
	err := e.store.View(e.Context(), func(tx im.Tx) error { _, err := tx.User(e.app, name); return err })
	if err != nil {
		e.wantError(im.ErrUserNotFound.For(name), err)
	}
	return err == nil
}

func testRollback(e *env) {
	e.users("ann")
	r := e.room("ann")
	err := e.store.Update(e.Context(), func(tx im.Tx) error {
		_, err := tx.AddUser(e.user("bob"))
		if err := firstError(err, tx.AddMembers(r, members("bob")), tx.DeleteUser(e.app, "ann"), tx.DeleteRoom(r)); err != nil {
			return err
		}
		return errTest
	})
	if err != errTest {
		e.Errorf("got %v, want the very error", err)
	}
	e.same("users", []bool{e.exists("ann"), e.exists("bob")}, []bool{true, false})
	e.same("room", e.readRoom(r), r)
	e.same("members", memberNames(e.everyone(r)), []im.Username{"ann"})
}

// Functions that fail, that succeed and that only look run at once; each has its own outcome.
func testRollbackBesideOthers(e *env) {
	names := number(0, 60)
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			err := e.store.Update(e.Context(), func(tx im.Tx) error {
				if i%3 == 2 {
					_, err := tx.User(e.app, "nobody")
					return err
				}
				if _, err := tx.AddUser(e.user(name)); err != nil {
					return err
				}
				if i%3 == 1 {
					return errTest
				}
				return nil
			})
			if want := []error{nil, errTest, im.ErrUserNotFound}[i%3]; !errors.Is(err, want) {
				e.Errorf("%s: got %v, want %v", name, err, want)
			}
		})
	}
	wg.Wait()
	for i, name := range names {
		if e.exists(name) != (i%3 == 0) {
			e.Errorf("%s exists: %v", name, i%3 != 0)
		}
	}
}

func testErrorUnchanged(e *env) {
	mine := im.ErrRoomFull.In("room").For("ann").Because(errTest)
	for name, run := range map[string]func(context.Context, func(im.Tx) error) error{"View": e.store.View, "Update": e.store.Update} {
		if err := run(e.Context(), func(im.Tx) error { return mine }); err != error(mine) {
			e.Errorf("%s: got %v, want the very error", name, err)
		}
	}
}

func testPanic(e *env) {
	for _, run := range []func(context.Context, func(im.Tx) error) error{e.store.Update, e.store.View} {
		func() {
			defer func() {
				if recover() == nil {
					e.Error("the panic went missing")
				}
			}()
			_ = run(e.Context(), func(tx im.Tx) error {
				_, _ = tx.AddUser(e.user("ann"))
				panic("the test panics")
			})
		}()
	}
	e.same("written before the panic", e.exists("ann"), false)
	e.users("ann")
	e.same("written after it", e.exists("ann"), true)
}

func testViewDoesNotWrite(e *env) {
	err := e.store.View(e.Context(), func(tx im.Tx) error { _, err := tx.AddUser(e.user("ann")); return err })
	e.wantError(im.ErrInternal, err)
	e.same("written", e.exists("ann"), false)
}

// Another transaction commits between two reads of a View.
func testViewIsOneMoment(e *env) {
	e.users("ann")
	r := e.room("ann")
	e.view(func(tx im.Tx) error {
		first, err := tx.Room(e.app, r.Kind, r.ID)
		if err != nil {
			return err
		}
		done := make(chan error)
		go func() {
			done <- e.store.Update(context.Background(), func(tx im.Tx) error {
				_, err := tx.AddUser(e.user("bob"))
				return firstError(err, tx.AddMembers(r, members("bob")), tx.DeleteUser(e.app, "ann"))
			})
		}()
		if err := <-done; err != nil {
			return err
		}
		second, err := tx.Room(e.app, r.Kind, r.ID)
		if err != nil {
			return err
		}
		e.same("the room again", second, first)
		users, err := tx.Users(e.app, 0, 9)
		if len(users) != 1 || users[0].Name != "ann" {
			e.Errorf("users: %+v", users)
		}
		return err
	})
	e.same("after the View", []bool{e.exists("ann"), e.exists("bob")}, []bool{false, true})
}

func testOwnWrites(e *env) {
	e.update(func(tx im.Tx) error {
		if _, err := tx.AddUser(e.user("ann")); err != nil {
			return err
		}
		if _, err := tx.User(e.app, "ann"); err != nil {
			return err
		}
		r := e.newRoom(im.Chatroom, "ann")
		if _, _, err := tx.AddRoom(r, members("ann")); err != nil {
			return err
		}
		standings, err := tx.Standings(r, []im.Username{"ann"})
		if err == nil && (!standings[0].Member || standings[0].Joined != 1) {
			err = fmt.Errorf("got %+v", standings)
		}
		return err
	})
}

func testAfterTheEnd(e *env) {
	e.users("ann")
	for _, run := range []func(context.Context, func(im.Tx) error) error{e.store.Update, e.store.View} {
		var kept im.Tx
		if err := run(e.Context(), func(tx im.Tx) error { kept = tx; return nil }); err != nil {
			e.Fatal(err)
		}
		if _, err := kept.User(e.app, "ann"); !errors.Is(err, im.ErrInternal) {
			e.Errorf("a transaction answers %v after its end", err)
		}
	}
}

func testContextEnded(e *env) {
	ctx, cancel := context.WithCancel(e.Context())
	cancel()
	for name, run := range map[string]func(context.Context, func(im.Tx) error) error{"View": e.store.View, "Update": e.store.Update} {
		err := run(ctx, func(tx im.Tx) error { _, err := tx.Users(e.app, 0, 1); return err })
		if err != context.Canceled {
			e.Errorf("%s: got %v", name, err)
		}
	}
	ctx, cancel = context.WithCancel(e.Context())
	err := e.store.View(ctx, func(tx im.Tx) error {
		cancel()
		_, err := tx.Users(e.app, 0, 1)
		return err
	})
	if err != context.Canceled {
		e.Errorf("cancelled inside a View: got %v", err)
	}
	e.users("ann")
	e.same("afterwards", e.exists("ann"), true)
}

// One transaction holds a room; another that waits for it is given up.
func testContextEndsWhileWaiting(e *env) {
	r := e.room("ann")
	lock := func(tx im.Tx) error { _, err := tx.LockRoom(e.app, r.Kind, r.ID); return err }
	held, release, first := make(chan struct{}), make(chan struct{}), make(chan error)
	var once sync.Once
	go func() {
		first <- e.store.Update(context.Background(), func(tx im.Tx) error {
			if err := lock(tx); err != nil {
				return err
			}
			once.Do(func() { close(held) })
			<-release
			_, err := tx.AddUser(e.user("first"))
			return err
		})
	}()
	<-held
	ctx, cancel := context.WithCancel(context.Background())
	second := make(chan error)
	var passed atomic.Bool
	go func() {
		second <- e.store.Update(ctx, func(tx im.Tx) error {
			if err := lock(tx); err != nil {
				return err
			}
			passed.Store(true)
			_, err := tx.AddUser(e.user("second"))
			return err
		})
	}()
	cancel()
	if err := <-second; err != context.Canceled || passed.Load() {
		e.Errorf("got %v, past the lock: %v", err, passed.Load())
	}
	close(release)
	if err := <-first; err != nil {
		e.Errorf("the holder of the lock: %v", err)
	}
	e.same("users", []bool{e.exists("first"), e.exists("second")}, []bool{true, false})
}

func testPing(e *env) {
	if err := e.store.Ping(e.Context()); err != nil {
		e.Error(err)
	}
}
