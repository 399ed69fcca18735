// Package bus carries events from where they happen to who is concerned: im.Bus.
package bus

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"sync"

	"teahouse/internal/im"
)

// Local is an im.Bus inside one process. Publish runs the subscribers itself and returns after them, except when
// a subscriber of any topic publishes on a topic that is busy: then the event waits for its turn on the topic's
// queue and Publish returns at once.
//
// cancel waits for a call of its fn that is in progress, so do not hold a lock that fn takes. From inside any
// subscriber's fn it does not wait: two subscribers may cancel each other.
type Local struct {
	mu     sync.Mutex // never held while a subscriber runs
	topics map[im.Topic]*topic
}

// topic is in Local.topics while it has subscribers or is busy. Local.mu guards its fields.
type topic struct {
	name  im.Topic
	subs  []*subscription // replaced, never changed in place: the publisher whose turn it is reads its copy
	busy  bool            // some publisher has the turn
	queue []queued        // who comes next; as long as there are publishers waiting
}

// queued is an event that waits for its turn. With a turn channel its publisher waits for it and delivers the
// event itself; without one (published from inside a subscriber) whoever has the turn before delivers it.
type queued struct {
	ev   im.Event
	turn chan struct{}
}

// subscription is one Subscribe. Local.mu guards all but fn.
type subscription struct {
	fn        func(im.Event)
	cancelled bool
	running   bool
	idle      chan struct{} // closed when the call in progress ends; made by the first who waits for it
}

// NewLocal returns an empty bus.
func NewLocal() *Local { return &Local{topics: map[im.Topic]*topic{}} }

// Ping answers nil: there are no other nodes.
func (l *Local) Ping(context.Context) error { return nil }

// Subscribe implements im.Bus.
func (l *Local) Subscribe(name im.Topic, fn func(im.Event)) (cancel func(), err error) {
	s := &subscription{fn: fn}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.topics[name]
	if t == nil {
		t = &topic{name: name}
		l.topics[name] = t
	}
	t.subs = append(slices.Clip(t.subs), s)
	return func() { l.cancel(t, s) }, nil
}

func (l *Local) cancel(t *topic, s *subscription) {
	l.mu.Lock()
	if !s.cancelled {
		s.cancelled = true
		t.subs = slices.DeleteFunc(slices.Clone(t.subs), func(o *subscription) bool { return o == s })
		l.forgetLocked(t)
	}
	var idle chan struct{}
	if s.running {
		if s.idle == nil {
			s.idle = make(chan struct{})
		}
		idle = s.idle
	}
	l.mu.Unlock()
	if idle != nil && !insideSubscriber() {
		<-idle
	}
}

// Publish implements im.Bus. Publishers of one topic take turns in the order in which they came, so every
// subscriber hears the same order, one event at a time.
func (l *Local) Publish(_ context.Context, ev im.Event) error {
	l.mu.Lock()
	t := l.topics[ev.Topic]
	if t == nil {
		l.mu.Unlock()
		return nil
	}
	if !t.busy {
		t.busy = true
		l.mu.Unlock()
		l.deliver(t, ev)
		return nil
	}
	l.mu.Unlock()
	// Looking at the stack takes microseconds, so it is done without the lock and only when the topic is busy.
	var turn chan struct{}
	if !insideSubscriber() {
		turn = make(chan struct{})
	}
	l.mu.Lock()
	if t = l.topics[ev.Topic]; t == nil {
		l.mu.Unlock()
		return nil
	}
	if t.busy {
		t.queue = append(t.queue, queued{ev, turn})
		l.mu.Unlock()
		if turn == nil {
			return nil
		}
		<-turn
	} else {
		t.busy = true
		l.mu.Unlock()
	}
	l.deliver(t, ev)
	return nil
}

// deliver is called by who has the turn. It gives ev to every subscriber, then what subscribers have published
// meanwhile, and hands the turn on.
func (l *Local) deliver(t *topic, ev im.Event) {
	for again := true; again; {
		ev, again = l.deliverOne(t, ev)
	}
}

func (l *Local) deliverOne(t *topic, ev im.Event) (next im.Event, again bool) {
	finished := false
	defer func() {
		if !finished { // a subscriber panicked: others must not wait for this turn to end
			l.abandon(t)
		}
	}()
	l.mu.Lock()
	subs := t.subs
	l.mu.Unlock()
	for _, s := range subs {
		l.call(s, ev)
	}
	next, again = l.handOver(t)
	finished = true
	return next, again
}

// handOver ends the turn, or returns the next event when its publisher does not wait to deliver it.
func (l *Local) handOver(t *topic) (next im.Event, again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(t.queue) == 0 {
		t.busy = false
		t.queue = nil
		l.forgetLocked(t)
		return im.Event{}, false
	}
	head := t.queue[0]
	t.queue[0] = queued{}
	t.queue = t.queue[1:]
	if head.turn != nil {
		close(head.turn)
		return im.Event{}, false
	}
	return head.ev, true
}

// abandon passes the turn to the next publisher that waits. Events between, which nobody waits to deliver, are
// lost: the bus delivers at most once.
func (l *Local) abandon(t *topic) {
	for again := true; again; {
		_, again = l.handOver(t)
	}
}

// call runs one subscriber. It stays a frame of its own on the stack: insideSubscriber looks for it.
//
//go:noinline
func (l *Local) call(s *subscription, ev im.Event) {
	l.mu.Lock()
	if s.cancelled {
		l.mu.Unlock()
		return
	}
	s.running = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		s.running = false
		if s.idle != nil {
			close(s.idle)
			s.idle = nil
		}
		l.mu.Unlock()
	}()
	s.fn(ev)
}

func (l *Local) forgetLocked(t *topic) {
	if len(t.subs) == 0 && !t.busy {
		delete(l.topics, t.name)
	}
}

// insideSubscriber reports whether the calling goroutine is running a subscriber, of whatever topic. Waiting
// there, for a turn or for a call to end, could be waiting for oneself.
func insideSubscriber() bool {
	call := runtime.FuncForPC(reflect.ValueOf((*Local).call).Pointer()).Name()
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if f.Function == call {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}
