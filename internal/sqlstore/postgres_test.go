package sqlstore

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"teahouse/internal/im"
	"teahouse/internal/storetest"
)

// Two transactions lock two rooms in opposite orders: one of them is run again.
func TestPostgresDeadlock(t *testing.T) {
	b := newBench(t, Config{Database: storetest.Postgres(t)})
	var rooms [2]im.Room
	for i := range rooms {
		r, err := b.addRoom(int64(i))
		if err != nil {
			t.Fatal(err)
		}
		rooms[i] = r
	}
	var runs atomic.Int32
	var both, wg sync.WaitGroup
	both.Add(2)
	for i := range rooms {
		wg.Go(func() {
			first := true
			err := b.s.Update(t.Context(), func(tx im.Tx) error {
				runs.Add(1)
				if _, err := tx.LockRoom(b.app, im.Chatroom, rooms[i].ID); err != nil {
					return err
				}
				if first {
					first = false
					both.Done()
					both.Wait()
				}
				r, err := tx.LockRoom(b.app, im.Chatroom, rooms[1-i].ID)
				if err != nil {
					return err
				}
				r.MaxUsers++
				return tx.PutRoom(r)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if runs.Load() < 3 {
		t.Errorf("%d runs: there was no deadlock", runs.Load())
	}
	b.view(func(tx im.Tx) error {
		for _, r := range rooms {
			now, err := tx.Room(b.app, im.Chatroom, r.ID)
			if err != nil || now.MaxUsers != r.MaxUsers+1 {
				t.Errorf("room %s: %d places, %v", r.ID, now.MaxUsers, err)
			}
		}
		return nil
	})
}

// Who loses every time is told so in the end.
func TestPostgresTries(t *testing.T) {
	b := newBench(t, Config{Database: storetest.Postgres(t)})
	runs := 0
	err := b.s.Update(t.Context(), func(store im.Tx) error { runs++; return store.(*tx).fail(errRace) })
	if err == nil || runs != tries {
		t.Errorf("%d runs, %v", runs, err)
	}
}

// The server ends a connection in the middle; the next call gets another.
func TestPostgresConnectionLost(t *testing.T) {
	b := newBench(t, Config{Database: storetest.Postgres(t)})
	err := b.s.Update(t.Context(), func(store im.Tx) error {
		_, err := store.(*tx).exec(`SELECT pg_terminate_backend(pg_backend_pid())`)
		return err
	})
	if !errors.Is(err, im.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if err := b.s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPostgresClosed(t *testing.T) {
	b := newBench(t, Config{Database: storetest.Postgres(t)})
	for range 2 {
		if err := b.s.Close(); err != nil {
			t.Error(err)
		}
	}
	for name, err := range map[string]error{
		"Update": b.s.Update(t.Context(), func(im.Tx) error { return nil }),
		"View":   b.s.View(t.Context(), func(im.Tx) error { return nil }),
		"Ping":   b.s.Ping(t.Context()),
	} {
		if !errors.Is(err, im.ErrUnavailable) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

func TestPostgresObserve(t *testing.T) {
	var c tally
	b := newBench(t, Config{Database: storetest.Postgres(t), Observe: c.observe})
	c.reset()
	b.update(func(tx im.Tx) error { return nil })
	if c.commits.Load() != 1 || c.updates.Load() != 1 {
		t.Errorf("%d commits of %d updates", c.commits.Load(), c.updates.Load())
	}
}

func TestPostgresBackup(t *testing.T) {
	b := newBench(t, Config{Database: storetest.Postgres(t)})
	if err := b.s.Backup(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("got %v", err)
	}
}

func TestPostgresFill(t *testing.T) {
	b := newBench(t, Config{Database: storetest.Postgres(t)})
	r, err := b.addRoom(1)
	if err != nil {
		t.Fatal(err)
	}
	b.fill(Filling{Rooms: 300, Members: 300, Room: r.ID})
	b.view(func(tx im.Tx) error {
		rooms, err := tx.RoomsAt(b.app, im.Chatroom, 299, 9)
		if err != nil || len(rooms) != 2 || rooms[1].Members != 301 {
			t.Errorf("%+v, %v", rooms, err)
		}
		return nil
	})
}
