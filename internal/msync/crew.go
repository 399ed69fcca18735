package msync

import (
	"iter"
	"sync"
)

// mostResting bounds the stacks that are kept for what comes next.
const mostResting = 32

// crew lends stacks to those who handle what connections have read. Whoever goes through the store needs a large one: a connection at rest
// should not hold it, and no message should make a stack grow. A hand is a coroutine: to have something done on its stack wakes no other
// thread, as leaving it to another goroutine would.
type crew struct {
	mu      sync.Mutex
	resting []*hand // guarded by mu
}

// hand is a stack, and what is done on it.
type hand struct {
	job  func()
	next func() (struct{}, bool) // does the job
	stop func()
}

// do does a job on a large stack, and returns when it is done. The job must not panic.
func (w *crew) do(job func()) {
	h := w.take()
	h.job = job
	h.next()
	h.job = nil
	w.put(h)
}

func (w *crew) take() *hand {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.resting) - 1; n >= 0 {
		h := w.resting[n]
		w.resting = w.resting[:n]
		return h
	}
	h := &hand{}
	h.next, h.stop = iter.Pull(func(yield func(struct{}) bool) {
		for done := true; done; {
			h.job()
			done = yield(struct{}{})
		}
	})
	return h
}

func (w *crew) put(h *hand) {
	w.mu.Lock()
	if len(w.resting) < mostResting {
		w.resting = append(w.resting, h)
		h = nil
	}
	w.mu.Unlock()
	if h != nil {
		h.stop()
	}
}

// close gives the resting stacks back.
func (w *crew) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.resting {
		h.stop()
	}
	w.resting = nil
}
