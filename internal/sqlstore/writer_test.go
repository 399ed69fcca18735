package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"teahouse/internal/im"
)

// tally counts what commits tell.
type tally struct{ commits, updates, largest atomic.Int64 }

func (c *tally) observe(commit Commit) {
	c.commits.Add(1)
	c.updates.Add(int64(commit.Updates))
	c.largest.Store(max(c.largest.Load(), int64(commit.Updates)))
}

func (c *tally) reset() {
	c.commits.Store(0)
	c.updates.Store(0)
	c.largest.Store(0)
}

// crowd adds n users from each of 64 goroutines.
func (b *bench) crowd(n int) {
	b.Helper()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range n {
				err := b.s.Update(context.Background(), func(tx im.Tx) error {
					_, err := tx.AddUser(im.User{App: b.app, Name: im.Username(fmt.Sprintf("u%d-%d", i, j))})
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestGroupCommit(t *testing.T) { synctest.Test(t, groupCommit) } // however slow the machine is

func groupCommit(t *testing.T) {
	var c tally
	b := newBench(t, Config{Observe: c.observe})
	c.reset()
	b.crowd(20)
	if c.updates.Load() != 64*20 {
		t.Errorf("%d updates were observed, want %d", c.updates.Load(), 64*20)
	}
	if each := float64(c.updates.Load()) / float64(c.commits.Load()); each < 8 {
		t.Errorf("%.1f updates per commit, want at least 8", each)
	}
}

func TestMaxBatch(t *testing.T) {
	for _, most := range []int{1, 5} {
		var c tally
		b := newBench(t, Config{MaxBatch: most, Observe: c.observe})
		b.crowd(2)
		if c.largest.Load() > int64(most) {
			t.Errorf("a commit of %d updates, want at most %d", c.largest.Load(), most)
		}
	}
}

// A function that ends its goroutine, as t.FailNow does, must not end the writer.
func TestGoexit(t *testing.T) {
	b := newBench(t, Config{})
	for range 3 {
		err := b.s.Update(t.Context(), func(tx im.Tx) error {
			if _, err := tx.AddUser(im.User{App: b.app, Name: "ann"}); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
		if !errors.Is(err, im.ErrInternal) {
			t.Errorf("got %v, want ErrInternal", err)
		}
	}
	b.update(func(tx im.Tx) error {
		if added, err := tx.AddUser(im.User{App: b.app, Name: "ann"}); err != nil || !added {
			t.Errorf("afterwards: %v %v", added, err)
		}
		return nil
	})
}

func TestPanicTellsWhere(t *testing.T) {
	b := newBench(t, Config{})
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "oops") || !strings.Contains(got, "TestPanicTellsWhere") {
			t.Errorf("got %s", got)
		}
	}()
	_ = b.s.Update(t.Context(), func(im.Tx) error { panic("oops") })
}

// pragma sets something of the writer's connection.
func (b *bench) pragma(text string) {
	b.Helper()
	b.run(func(t *tx) error { return t.runner.(*conn).do("PRAGMA " + text) })
}

// The disk is full: the change is refused as a whole, and the store goes on when there is room again.
func TestFull(t *testing.T) {
	b := newBench(t, Config{})
	var pages int64
	b.run(func(t *tx) error { _, err := t.row(`PRAGMA page_count`, nil, &pages); return err })
	b.pragma(fmt.Sprintf("max_page_count = %d", pages+20))
	add := func(name im.Username) error {
		return b.s.Update(t.Context(), func(tx im.Tx) error {
			for i := range 50 {
				u := im.User{App: b.app, Name: im.Username(fmt.Sprint(name, i)), Nickname: strings.Repeat("x", 4000)}
				if _, err := tx.AddUser(u); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := add("big"); !errors.Is(err, im.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	b.view(func(tx im.Tx) error {
		users, err := tx.Users(b.app, 0, 100)
		if len(users) != 0 {
			t.Errorf("%d users are left of a refused change", len(users))
		}
		return err
	})
	b.pragma("max_page_count = 1000000")
	if err := add("big"); err != nil {
		t.Error(err)
	}
}

// Another process writes for longer than we wait.
func TestBusy(t *testing.T) {
	b := newBench(t, Config{})
	b.pragma("busy_timeout = 10")
	other := openFile(t, Config{Database: "sqlite:" + b.file()})
	err := other.Update(t.Context(), func(im.Tx) error {
		err := b.s.Update(t.Context(), func(tx im.Tx) error { _, err := tx.AddUser(im.User{App: b.app, Name: "ann"}); return err })
		if !errors.Is(err, im.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		return b.s.View(t.Context(), func(tx im.Tx) error { _, err := tx.Users(b.app, 0, 9); return err })
	})
	if err != nil {
		t.Fatal(err)
	}
	b.update(func(tx im.Tx) error { _, err := tx.AddUser(im.User{App: b.app, Name: "ann"}); return err })
}

func (b *bench) file() string { return b.s.engine.(*sqliteDB).to.file }

// Whoever is answered nil finds the change after Close, everybody is answered, and those who come later are refused.
func TestCloseUnderLoad(t *testing.T) {
	b := newBench(t, Config{})
	var kept sync.Map
	var wg sync.WaitGroup
	started := make(chan struct{}, 64)
	for i := range 64 {
		wg.Go(func() {
			for j := range 1_000_000 {
				name := im.Username(fmt.Sprintf("u%d-%d", i, j))
				err := b.s.Update(context.Background(), func(tx im.Tx) error { _, err := tx.AddUser(im.User{App: b.app, Name: name}); return err })
				if err == nil {
					err = b.s.View(context.Background(), func(tx im.Tx) error { return nil })
					kept.Store(name, true)
				}
				if err != nil {
					if !errors.Is(err, im.ErrUnavailable) {
						t.Errorf("got %v, want ErrUnavailable", err)
					}
					return
				}
				if j == 1 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 32 {
		<-started
	}
	for range 2 {
		if err := b.s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	wg.Wait()
	for name, err := range map[string]error{
		"Update": b.s.Update(t.Context(), func(im.Tx) error { return nil }),
		"View":   b.s.View(t.Context(), func(im.Tx) error { return nil }),
		"Ping":   b.s.Ping(t.Context()),
		"Backup": b.s.Backup(t.Context(), t.TempDir()+"/b"),
	} {
		if !errors.Is(err, im.ErrUnavailable) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	again := openFile(t, Config{Database: "sqlite:" + b.file()})
	err := again.View(t.Context(), func(tx im.Tx) error {
		for name := range kept.Range {
			if _, err := tx.User(b.app, name.(im.Username)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestUndo: a function that fails after it has written makes the others of its batch run once more, and leaves nothing;
// while savepoints are in use they run once.
func TestUndo(t *testing.T) { synctest.Test(t, undo) } // no batch is over because the machine is slow

func undo(t *testing.T) {
	b := newBench(t, Config{})
	for round, want := range []int64{2, 1} {
		name := func(i int) im.Username { return im.Username(fmt.Sprintf("user%d-%d", round, i)) }
		var runs [5]atomic.Int64
		errs := b.oneBatch(len(runs), func(i int, tx im.Tx) error {
			runs[i].Add(1)
			if _, err := tx.AddUser(im.User{App: b.app, Name: name(i)}); err != nil {
				return err
			}
			if i == 2 {
				return errLate
			}
			return nil
		})
		b.update(func(tx im.Tx) error {
			for i := range runs {
				if _, err := tx.User(b.app, name(i)); (err == nil) != (i != 2) || (errs[i] == errLate) != (i == 2) {
					t.Errorf("round %d: function %d answered %v, its user: %v", round, i, errs[i], err)
				}
				if n := runs[i].Load(); i < 2 && n != want || n > want || n < 1 {
					t.Errorf("round %d: function %d ran %d times, want %d", round, i, n, want)
				}
			}
			return nil
		})
	}
}

// TestRace: who found an id taken runs again, and is told when it never wins; the others of the batch do not learn of it.
func TestRace(t *testing.T) { synctest.Test(t, race) } // as above

func race(t *testing.T) {
	b := newBench(t, Config{})
	name := func(i int) im.Username { return im.Username(fmt.Sprint("user", i)) }
	var runs [3]atomic.Int64
	errs := b.oneBatch(len(runs), func(i int, store im.Tx) error {
		n := runs[i].Add(1)
		if _, err := store.AddUser(im.User{App: b.app, Name: name(i)}); err != nil {
			return err
		}
		if i == 1 && n < 3 || i == 2 {
			return store.(*tx).fail(errRace)
		}
		return nil
	})
	if errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], im.ErrUnavailable) || runs[2].Load() < tries {
		t.Errorf("answered %v, the last after %d runs", errs, runs[2].Load())
	}
	b.update(func(tx im.Tx) error {
		for i := range runs {
			if _, err := tx.User(b.app, name(i)); (err == nil) != (i != 2) {
				t.Errorf("user %d: %v", i, err)
			}
		}
		return nil
	})
}

var errLate = errors.New("a quota is found to be used up")

// oneBatch runs functions in one transaction, in their order, and returns what each answered.
func (b *bench) oneBatch(n int, fn func(i int, tx im.Tx) error) []error {
	b.Helper()
	w := b.s.engine.(*sqliteDB).writer
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	var once sync.Once
	wg.Go(func() {
		_ = b.s.Update(context.Background(), func(im.Tx) error {
			once.Do(func() { close(held) })
			<-hold
			return nil
		})
	})
	<-held
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = b.s.Update(context.Background(), func(tx im.Tx) error { return fn(i, tx) }) })
		for w.length() <= i {
			runtime.Gosched()
		}
	}
	close(hold)
	wg.Wait()
	return errs
}

// TestGone: who has gone keeps nobody waiting for company.
func TestGone(t *testing.T) {
	b := newBench(t, Config{})
	w := b.s.engine.(*sqliteDB).writer
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = b.s.Update(context.Background(), func(im.Tx) error { close(held); <-hold; return nil })
	})
	<-held
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() { _ = b.s.Update(ctx, func(im.Tx) error { t.Error("ran"); return nil }) })
	for w.length() == 0 {
		runtime.Gosched()
	}
	j := w.queue[0]
	cancel()
	for j.state.Load() != left {
		runtime.Gosched()
	}
	if got := w.pop(); got != nil {
		t.Error("a job was taken whose caller has gone")
	}
	close(hold)
	wg.Wait()
}

// TestCompany waits for others before a commit, but seldom where nobody comes.
func TestCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &writer{max: 40, reach: leastReach, wake: make(chan struct{}, 1), quit: make(chan struct{})}
		// wait returns for how long a batch waits when others come so often, and how many it finds.
		wait := func(every time.Duration, many int) (waited time.Duration, found int) {
			w.queue = nil
			for i := range many { // not quite evenly: what happens at the same moment has no order
				defer time.AfterFunc(every*time.Duration(i+1)+time.Duration(i*i)*time.Microsecond, func() { w.push(&job{queued: time.Now()}) }).Stop()
			}
			began := time.Now()
			for c := new(company); w.wait(c); w.queue = nil {
				found += w.length()
			}
			return time.Since(began), found
		}
		for n := range 3 {
			if d, _ := wait(0, 0); d != firstWait {
				t.Fatalf("waited %s for nobody", d)
			}
			for range 2 << n {
				if d, _ := wait(0, 0); d > 0 {
					t.Fatalf("after %d waits in vain it waited again", n+1)
				}
			}
		}
		for _, row := range []struct {
			what   string
			every  time.Duration
			many   int
			reach  int // before
			found  int
			waited time.Duration
			then   int // reach
		}{
			{"they come back at once", 30 * time.Microsecond, 3, leastReach, 3, 330 * time.Microsecond, leastReach},
			{"they come back slowly", 2 * time.Millisecond, 1, leastReach, 1, 6 * time.Millisecond, leastReach},
			{"steadily", 900 * time.Microsecond, 20, leastReach, 16, mostWait, 8 * leastReach},
			{"no more", time.Millisecond, 1, 2 * leastReach, 1, 5 * time.Millisecond, leastReach},
			{"very steadily", 900 * time.Microsecond, 20, mostReach, 16, mostWait, mostReach},
			{"a full batch", 10 * time.Microsecond, 40, 16, 40, 2410 * time.Microsecond, 16},
		} {
			w.reach = row.reach
			if d, n := wait(row.every, row.many); n != row.found || d != row.waited || w.reach != row.then {
				t.Errorf("%s: waited %s for %d, then reaches %d; want %s, %d, %d", row.what, d, n, w.reach, row.waited, row.found, row.then)
			}
		}
		if w.vain != 0 || w.skip != 0 {
			t.Error("it waits less although somebody came")
		}
		close(w.quit)
		if d, _ := wait(0, 0); d > 0 {
			t.Errorf("it stops after %s", d)
		}
	})
}
