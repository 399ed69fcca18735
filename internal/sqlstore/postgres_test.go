package sqlstore

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
	if !errors.Is(err, im.ErrUnavailable) || runs != tries {
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

// mute is a server that does not answer any more: nothing reaches it.
type mute struct {
	net.Conn
	line *deadLine
}

// deadLine makes connections mute once it is cut.
type deadLine struct {
	isCut atomic.Bool
	wrote chan struct{} // one note for each write since
}

func (m mute) Write(p []byte) (int, error) {
	if !m.line.isCut.Load() {
		return m.Conn.Write(p)
	}
	select {
	case m.line.wrote <- struct{}{}:
	default:
	}
	return len(p), nil
}

// openOnLine opens a store whose server falls silent when the line is cut.
func openOnLine(t *testing.T, within time.Duration) (*postgresDB, *deadLine) {
	t.Helper()
	to, err := parseDatabase(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	line := &deadLine{wrote: make(chan struct{}, 1)}
	dial := to.postgres.DialFunc
	to.postgres.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		return mute{c, line}, err
	}
	e, err := openPostgres(t.Context(), to, Config{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.close() }) // it may not say goodbye to a silent server
	p := e.(*postgresDB)
	p.within = within
	return p, line
}

// The server falls silent; who gives up is not held, wherever the transaction is.
func TestPostgresSilent(t *testing.T) {
	nothing := func(im.Tx) error { return nil }
	query := func(tx im.Tx) error { _, err := tx.Apps(); return err }
	for name, c := range map[string]struct {
		before bool
		fn     func(im.Tx) error
	}{"BEGIN": {true, nothing}, "a statement": {false, query}} {
		t.Run(name, func(t *testing.T) {
			p, line := openOnLine(t, endWithin)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-line.wrote; cancel() }()
			line.isCut.Store(c.before)
			err := p.update(ctx, func(tx im.Tx) error { line.isCut.Store(true); return c.fn(tx) })
			if err != context.Canceled {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A COMMIT that is not answered has an unknown outcome; a ROLLBACK that is not answered does not matter.
func TestPostgresSilentAtTheEnd(t *testing.T) {
	mine := errors.New("the test's own error")
	for _, returned := range []error{nil, mine} {
		p, line := openOnLine(t, time.Millisecond)
		err := p.update(t.Context(), func(im.Tx) error { line.isCut.Store(true); return returned })
		if returned == nil && !errors.Is(err, im.ErrUnavailable) || returned != nil && err != returned {
			t.Errorf("the function returned %v, Update %v", returned, err)
		}
	}
}

// Nobody adds a token to an app that is being deleted.
func TestPostgresTokenOfDeletedApp(t *testing.T) {
	b := newBench(t, Config{Database: storetest.Postgres(t)})
	token := im.Token{Hash: im.TokenHash{1}, App: b.app, Issued: time.Now()}
	adding := make(chan error, 1)
	b.update(func(store im.Tx) error {
		if err := store.DeleteApp(b.app); err != nil {
			return err
		}
		var pid, waiting int64
		if _, err := store.(*tx).row(`SELECT pg_backend_pid()`, nil, &pid); err != nil {
			return err
		}
		go func() { adding <- b.s.Update(context.Background(), func(tx im.Tx) error { return tx.AddToken(token) }) }()
		for waiting == 0 && len(adding) == 0 {
			b.view(func(other im.Tx) error { // in a transaction of its own: each sees the activity of one moment
				_, err := other.(*tx).row(`SELECT COUNT(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))`, []any{pid}, &waiting)
				return err
			})
		}
		return nil
	})
	if err := <-adding; !errors.Is(err, im.ErrAppNotFound) {
		t.Errorf("AddToken: got %v, want ErrAppNotFound", err)
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
