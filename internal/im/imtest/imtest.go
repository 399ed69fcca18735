// Package imtest holds what tests of the domain and of the surfaces stand on: a clock that moves when told,
// identifiers that count, a bus that remembers, and passwords that cost nothing.
package imtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"teahouse/internal/im"
)

// Epoch is where test clocks begin: the moment of seed 004's first sample.
func Epoch() time.Time { return time.UnixMilli(1477543557486) }

// Clock is an [im.Clock] that stands still until Advance.
type Clock struct {
	mu     sync.Mutex
	now    time.Time   // guarded by mu
	timers []*timer    // guarded by mu
	waits  chan string // one note for each Timer call
}

type timer struct {
	at time.Time
	c  chan time.Time
}

// NewClock returns a clock at [Epoch].
func NewClock() *Clock { return &Clock{now: Epoch(), waits: make(chan string, 1000)} }

// Now implements [im.Clock].
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Timer implements [im.Clock].
func (c *Clock) Timer(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{c.now.Add(d), make(chan time.Time, 1)}
	c.timers = append(c.timers, t)
	c.fireLocked()
	select {
	case c.waits <- d.String():
	default:
	}
	return t.c, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.timers = slices.DeleteFunc(c.timers, func(x *timer) bool { return x == t })
	}
}

// Waiting blocks until somebody has asked for a timer since the last call, and returns its length.
func (c *Clock) Waiting() string { return <-c.waits }

// Advance moves the clock and fires the timers that are due.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.fireLocked()
}

func (c *Clock) fireLocked() {
	c.timers = slices.DeleteFunc(c.timers, func(t *timer) bool {
		if t.at.After(c.now) {
			return false
		}
		t.c <- c.now
		return true
	})
}

// IDs is an [im.IDs] that counts, so that answers can be stored.
type IDs struct {
	mu                  sync.Mutex
	uuids, rooms, texts int64        // guarded by mu
	last                im.MessageID // guarded by mu
}

func (i *IDs) next(n *int64) int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	*n++
	return *n
}

// UUID implements [im.IDs].
func (i *IDs) UUID() string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i.next(&i.uuids)) }

// RoomID implements [im.IDs].
func (i *IDs) RoomID() im.RoomID {
	return im.RoomID(fmt.Sprintf("%014d", 10000000000000+i.next(&i.rooms)))
}

// MessageID implements [im.IDs].
func (i *IDs) MessageID(now time.Time) im.MessageID {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last = max(i.last, im.MessageIDAt(now)) + 1
	return i.last
}

// Token implements [im.IDs].
func (i *IDs) Token() string { return fmt.Sprintf("YWMt%059d", i.next(&i.texts)) }

// Bus is an [im.Bus] that remembers what was published and hands it to subscribers at once.
type Bus struct {
	mu     sync.Mutex
	events []im.Event                          // guarded by mu
	places []im.Event                          // guarded by mu; see TakePlaces
	subs   map[im.Topic]map[int]func(im.Event) // guarded by mu
	next   int                                 // guarded by mu
	came   chan struct{}                       // one note for each event
}

// NewBus returns an empty bus.
func NewBus() *Bus {
	return &Bus{subs: map[im.Topic]map[int]func(im.Event){}, came: make(chan struct{}, 10_000)}
}

// Publish implements [im.Bus].
func (b *Bus) Publish(_ context.Context, e im.Event) error {
	b.mu.Lock()
	switch e.Kind {
	case im.RoomEntered, im.RoomLeft:
		b.places = append(b.places, e)
	default:
		b.events = append(b.events, e)
	}
	var fns []func(im.Event)
	for _, fn := range b.subs[e.Topic] {
		fns = append(fns, fn)
	}
	b.mu.Unlock()
	for _, fn := range fns {
		fn(e)
	}
	select {
	case b.came <- struct{}{}:
	default:
	}
	return nil
}

// Subscribe implements [im.Bus].
func (b *Bus) Subscribe(topic im.Topic, fn func(im.Event)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs[topic] == nil {
		b.subs[topic] = map[int]func(im.Event){}
	}
	b.next++
	n := b.next
	b.subs[topic][n] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs[topic], n)
	}, nil
}

// Ping implements [im.Bus].
func (*Bus) Ping(context.Context) error { return nil }

// Take returns the events since the last Take, but not those of TakePlaces, which come with others and which no client is told.
func (b *Bus) Take() []im.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.events
	b.events, b.places = nil, nil
	return events
}

// TakePlaces returns the events RoomEntered and RoomLeft since the last Take or TakePlaces.
func (b *Bus) TakePlaces() []im.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	places := b.places
	b.places = nil
	return places
}

// Await blocks until an event of the kind has come and returns it; those before it are dropped.
func (b *Bus) Await(kind im.EventKind) im.Event {
	for {
		b.mu.Lock()
		for len(b.events) > 0 {
			e := b.events[0]
			b.events = b.events[1:]
			if e.Kind == kind {
				b.mu.Unlock()
				return e
			}
		}
		b.mu.Unlock()
		<-b.came
	}
}

// Passwords is an [im.Passwords] for tests: it stores passwords as they are.
type Passwords struct{}

// Hash implements [im.Passwords].
func (Passwords) Hash(_ context.Context, password string) (string, error) {
	return "plain:" + password, nil
}

// Bcrypt implements [im.Passwords].
func (Passwords) Bcrypt(_ context.Context, password string) (string, error) {
	return "bcrypt:" + password, nil
}

// Verify implements [im.Passwords].
func (Passwords) Verify(_ context.Context, encoded, password string) (bool, error) {
	return encoded == "plain:"+password || encoded == "bcrypt:"+password, nil
}
