package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"teahouse/internal/im"
)

// writer owns the only connection that writes. Its goroutine takes what is queued, runs it in one transaction and
// answers all after the commit. When a function fails that has written, the transaction is rolled back and its other
// functions run again, each in a savepoint of its own, and so do those of the batches to come: savepoints cost a fifth of a room's
// creation, and are needed only where something is undone.
type writer struct {
	store   *sqliteDB
	conn    *conn // the goroutine's
	max     int
	observe func(Commit)

	careful int // batches to come that use savepoints; the goroutine's, as those below
	vain    int // waits for company in a row that nobody came in
	skip    int // batches to come that do not wait
	reach   int // how many times as long as one takes to come the next wait for more is

	mu    sync.Mutex
	queue []*job // guarded by mu; each is of a caller who waits

	wake  chan struct{} // holds one when a first job was queued, or as many as a batch takes
	quit  chan struct{} // closed by stop
	ended chan struct{} // closed by the goroutine as its last act
	once  sync.Once
}

// job is one Update on its way.
type job struct {
	fn     func(im.Tx) error
	queued time.Time
	state  atomic.Int32 // waiting, taken or left
	done   chan struct{}

	// Written by the writer before done is closed.
	err    error
	panics any
}

const (
	waiting = iota
	taken   // the writer runs it
	left    // its caller has gone
)

const (
	longBatch  = 50 * time.Millisecond // a batch that ran so long takes no more
	carefulFor = 100                   // batches that use savepoints after one had to be undone

	firstWait = 3 * time.Millisecond  // for company, while nobody has come
	mostWait  = 15 * time.Millisecond // of one batch in all
	leastEach = 50 * time.Microsecond // that somebody is taken to need
	fewVain   = 4
	mostVain  = 10 // 1<<mostVain batches do not wait after so many waits in vain

	leastReach, mostReach = 2, 64
)

func startWriter(s *sqliteDB, c *conn, config Config) *writer {
	w := &writer{store: s, conn: c, max: config.MaxBatch, observe: config.Observe,
		skip: 1 << fewVain, reach: leastReach, wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
	go w.run()
	return w
}

// stop ends the goroutine after the batch that runs, and waits for it.
func (w *writer) stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.ended
}

func (w *writer) update(ctx context.Context, fn func(im.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{fn: fn, queued: time.Now(), done: make(chan struct{})}
	w.push(j)
	select {
	case <-j.done:
		return j.outcome()
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, left) {
			return ctx.Err()
		}
	case <-w.ended:
		if j.state.CompareAndSwap(waiting, left) {
			return im.ErrUnavailable.Because(errClosed)
		}
	}
	<-j.done
	return j.outcome()
}

func (j *job) outcome() error {
	if j.panics != nil {
		panic(j.panics)
	}
	return j.err
}

// push queues a job. Nobody is woken for one that comes while others wait already.
func (w *writer) push(j *job) {
	w.mu.Lock()
	w.queue = append(w.queue, j)
	n := len(w.queue)
	w.mu.Unlock()
	if n == 1 || n == w.max {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// length is how many jobs wait.
func (w *writer) length() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// pop takes a job that waits, or returns nil.
func (w *writer) pop() *job {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) > 0 {
		j := w.queue[0]
		w.queue[0] = nil
		w.queue = w.queue[1:]
		if j.state.CompareAndSwap(waiting, taken) {
			return j
		}
	}
	return nil
}

// run is the writer's goroutine.
func (w *writer) run() {
	clean := false
	defer func() {
		if clean {
			close(w.ended)
			return
		}
		go w.run() // a function ended the goroutine (runtime.Goexit, as t.FailNow does); batch has answered it
	}()
	for {
		select {
		case <-w.quit:
			clean = true
			return
		default:
		}
		if w.length() > 0 {
			w.batch()
			continue
		}
		select {
		case <-w.wake:
		case <-w.quit:
		}
	}
}

// next returns a job that is waiting already, or nil. Those whom the last commit answered are about to come back, so
// the others get a chance to run before the queue counts as empty.
func (w *writer) next() *job {
	for range 2 {
		if j := w.pop(); j != nil {
			return j
		}
		runtime.Gosched()
	}
	return nil
}

// follower is another job for the batch, or nil.
func (w *writer) follower(c *company) *job {
	j := w.next()
	if j == nil && w.wait(c) {
		j = w.pop()
	}
	return j
}

// company is how long a batch has waited for others, and who came.
type company struct {
	waited time.Duration
	came   int
	over   bool // nobody is expected any more
}

// wait waits for others before the commit, which costs as much for many as for one: messages that come every other millisecond share
// it. The first who comes wakes the goroutine; those after it do not, and run one right after the other. It does not wait for those who
// come only when they are answered: where nobody came, fewer and fewer batches wait, and where nobody comes any more the next wait for
// those after the first is shorter.
func (w *writer) wait(c *company) bool {
	switch {
	case w.skip > 0:
		w.skip--
		return false
	case c.over, c.waited >= mostWait:
		return false
	}
	began := time.Now()
	if c.came == 0 && !w.sleep(firstWait, 1) {
		w.vain = min(w.vain+1, mostVain)
		w.skip = 1 << w.vain
		c.waited = firstWait
		return false
	}
	w.vain = 0
	waited := c.waited + time.Since(began)
	each := max(waited/time.Duration(max(c.came, 1)), leastEach)
	w.sleep(min(time.Duration(w.reach)*each, mostWait-waited), w.max)
	n, steady := w.arrivals()
	if c.over = !steady; steady {
		w.reach = min(2*w.reach, mostReach)
	} else {
		w.reach = max(w.reach/2, leastReach)
	}
	c.waited += time.Since(began)
	c.came += n
	return n > 0
}

// arrivals are how many jobs wait, and whether more are to be expected: the last came no longer ago than twice what was between two.
func (w *writer) arrivals() (n int, steady bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n = len(w.queue); n < 2 {
		return n, false
	}
	first, last := w.queue[0].queued, w.queue[n-1].queued
	return n, time.Since(last) < 2*last.Sub(first)/time.Duration(n-1)
}

// sleep waits until so many jobs are queued, at most for so long, and reports whether they are.
func (w *writer) sleep(limit time.Duration, n int) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for w.length() < n {
		select {
		case <-w.wake: // perhaps of earlier
		case <-timer.C:
			return false
		case <-w.quit:
			return false
		}
	}
	return true
}

// batch runs jobs in one transaction and answers them.
func (w *writer) batch() {
	var jobs []*job
	var broken error // why all of it is rolled back
	start := time.Now()
	var c company
	exited := true // until batch comes to its end
	defer func() {
		if exited {
			broken = errors.Join(im.ErrInternal.Because(errExit), w.conn.do("ROLLBACK"))
		}
		for _, j := range jobs {
			if broken != nil {
				j.err, j.panics = broken, nil
			}
			close(j.done)
		}
	}()
	for j := w.pop(); j != nil; j = w.follower(&c) {
		if len(jobs) == 0 {
			if err := w.conn.do("BEGIN IMMEDIATE"); err != nil {
				broken = w.store.dialect.wrap(err)
			}
		}
		jobs = append(jobs, j)
		if broken == nil {
			broken = w.apply(j, w.careful > 0)
		}
		if broken != nil || len(jobs) == w.max || time.Since(start) > longBatch {
			break
		}
	}
	w.careful = max(w.careful-1, 0)
	if broken == errUndo {
		broken = w.again(jobs)
	}
	if len(jobs) > 0 {
		broken = w.commit(broken, Commit{Updates: len(jobs), Wait: start.Sub(jobs[0].queued), Run: time.Since(start) - c.waited})
	}
	exited = false
}

var (
	errExit = errors.New("sqlstore: a function of the batch ended the goroutine")
	errUndo = errors.New("sqlstore: a function failed that has written")
)

// again rolls the batch back and runs once more, with savepoints, what has not failed.
func (w *writer) again(jobs []*job) error {
	w.careful = carefulFor
	for _, do := range []string{"ROLLBACK", "BEGIN IMMEDIATE"} {
		if err := w.conn.do(do); err != nil {
			return w.store.dialect.wrap(err)
		}
	}
	for _, j := range jobs {
		if j.err != nil || j.panics != nil {
			continue
		}
		if err := w.apply(j, true); err != nil {
			return err
		}
	}
	return nil
}

// commit ends the transaction and returns why it failed, if it did.
func (w *writer) commit(broken error, c Commit) error {
	if broken == nil {
		start := time.Now()
		err := w.conn.do("COMMIT")
		if err == nil {
			c.Sync = time.Since(start)
			w.observe(c)
			return nil
		}
		broken = w.store.dialect.wrap(err)
	}
	_ = w.conn.do("ROLLBACK") // SQLite may have done it already
	return broken
}

// apply runs one function, in a savepoint when careful. What it returns breaks the whole batch; errUndo asks for it to
// run again.
func (w *writer) apply(j *job, careful bool) (broken error) {
	wrote := false
	t := &tx{ctx: context.Background(), runner: w.conn, dialect: w.store.dialect, texts: w.store.texts}
	t.writing = func() error {
		if careful && !wrote {
			if err := w.conn.do("SAVEPOINT f"); err != nil {
				return t.fail(err)
			}
		}
		wrote = true
		return nil
	}
	j.panics, j.err = call(j.fn, t)
	if t.failed != nil {
		if j.err == nil {
			j.err = t.failed
		}
		if errors.Is(t.failed, im.ErrUnavailable) && !errors.Is(t.failed, errRace) {
			return t.failed
		}
	}
	failed := j.err != nil || j.panics != nil
	switch {
	case !wrote:
		return nil
	case !careful && failed:
		return errUndo
	case !careful:
		return nil
	case failed:
		if err := w.conn.do("ROLLBACK TO f"); err != nil {
			return w.store.dialect.wrap(err)
		}
	}
	if err := w.conn.do("RELEASE f"); err != nil {
		return w.store.dialect.wrap(err)
	}
	return nil
}

// call runs fn and catches its panic, with the stack, for the caller's goroutine.
func call(fn func(im.Tx) error, t *tx) (panics any, err error) {
	defer func() {
		t.over = true
		if p := recover(); p != nil {
			panics = fmt.Errorf("in a store function: %v\n%s", p, debug.Stack())
		}
	}()
	if err := fn(t); err != nil {
		return nil, err
	}
	return nil, t.count()
}
