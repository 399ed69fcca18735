package hub

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"teahouse/internal/im"
)

// Rooms is what the hub asks of the domain.
type Rooms interface {
	// RoomPlaces returns the rooms that the caller's user is in, and of which of them the user receives no messages.
	RoomPlaces(context.Context, im.Caller) ([]im.RoomPlace, error)
	// WentAway is told when the last session that a user had on this node is gone.
	WentAway(context.Context, im.AppID, im.Username) error
}

// Config holds what a Hub works with. Numbers and times that are zero have defaults.
type Config struct {
	Bus   im.Bus
	Clock im.Clock
	IDs   im.IDs
	Log   *slog.Logger

	Faults *im.Faults // nil: some of its own

	SignIn time.Duration // a connection that has not signed in is closed after this
	Idle   time.Duration // one from which nothing comes, after this
	Stuck  time.Duration // one that takes nothing of what is written, after this
	Crowd  time.Duration // joins and leaves of a large room are told together, this often
	Large  int           // connected users that make a room large

	Guests, FromOne int // most connections that have not signed in: in all, and of one address
}

// Hub is the sessions of this node. It is safe for concurrent use. Locks are taken in the order person, hub, room; none while a
// subscription is cancelled.
type Hub struct {
	cfg     Config
	domain  Rooms
	stats   counters
	buffers sync.Pool
	writers Group // goroutines of lines, and pens
	pens    pens
	guests  guests

	crowds, look deadline      // of telling crowds, and of looking at all lines
	wake         chan struct{} // holds one note: a deadline has moved

	mu     sync.Mutex
	lines  map[*Line]struct{}
	people map[personKey]*person
	rooms  map[roomKey]*room
	apps   map[im.AppID]*audience
	closed bool
}

// New returns a Hub without sessions. Use must be called before the first is opened.
func New(cfg Config) *Hub {
	orTime(&cfg.SignIn, 15*time.Second)
	orTime(&cfg.Idle, 2*time.Minute)
	orTime(&cfg.Stuck, 20*time.Second)
	orTime(&cfg.Crowd, time.Second)
	cfg.Large, cfg.Guests, cfg.FromOne = cmp.Or(cfg.Large, 100), cmp.Or(cfg.Guests, mostGuests), cmp.Or(cfg.FromOne, mostFromOne)
	cfg.Faults = cmp.Or(cfg.Faults, im.NewFaults(cfg.Log))
	return &Hub{
		cfg: cfg, buffers: sync.Pool{New: func() any { return new([]byte) }}, lines: map[*Line]struct{}{},
		people: map[personKey]*person{}, rooms: map[roomKey]*room{}, apps: map[im.AppID]*audience{}, wake: make(chan struct{}, 1),
		guests: guests{from: map[netip.Prefix]int{}, refused: map[error]uint64{}},
	}
}

func orTime(d *time.Duration, standard time.Duration) {
	if *d == 0 {
		*d = standard
	}
}

// Use names the domain, which in turn knows the hub as its [im.Sessions].
func (h *Hub) Use(rooms Rooms) { h.domain = rooms }

func (h *Hub) allLines() []*Line {
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := make([]*Line, 0, len(h.lines))
	for l := range h.lines {
		lines = append(lines, l)
	}
	return lines
}

// Close asks every line to end because the server stops; sessions that end from now on were not given up by their users. It
// waits until what is being written is out, or ctx ends.
func (h *Hub) Close(ctx context.Context) {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	for _, l := range h.allLines() {
		l.end(Shutdown)
	}
	done := make(chan struct{})
	go func() {
		h.writers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		for _, l := range h.allLines() {
			l.Hang()
		}
		<-done
	}
}

// Connected implements [im.Sessions].
func (h *Hub) Connected(_ context.Context, app im.AppID, users []im.Username) ([][]im.Connection, error) {
	all := make([][]im.Connection, len(users))
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, u := range users {
		if p := h.people[personKey{app, u}]; p != nil {
			for _, s := range p.live() {
				all[i] = append(all[i], s.about)
			}
		}
	}
	return all, nil
}

// Disconnect implements [im.Sessions].
func (h *Hub) Disconnect(_ context.Context, app im.AppID, u im.Username, resource string) error {
	h.mu.Lock()
	p := h.people[personKey{app, u}]
	h.mu.Unlock()
	if p != nil {
		p.end(Kicked, resource)
	}
	return nil
}

func (h *Hub) frame(e *im.Event) *Frame {
	f := &Frame{Event: e, hub: h}
	if e.Message != nil {
		f.ID = e.Message.ID
	} else {
		f.ID = h.cfg.IDs.MessageID(h.cfg.Clock.Now())
	}
	return f
}

// listener is who hears a topic: a person, a room or an audience.
type listener interface {
	hear(im.Event)
	everybody() []*person
}

// subscribe has a topic heard. Whom a fault may have kept from being told something is asked to come anew, and finds it in the store.
func (h *Hub) subscribe(topic im.Topic, l listener) (cancel func(), err error) {
	return h.cfg.Bus.Subscribe(topic, func(e im.Event) {
		defer h.cfg.Faults.Catch("event", string(e.Kind), func() {
			for _, p := range l.everybody() {
				p.end(Failed, "")
			}
		})
		l.hear(e)
	})
}

// audience is the connected users of an app, for what all are told.
type audience struct {
	hub    *Hub // its lock guards people
	people map[*person]struct{}
	cancel func()
}

// hear is told of what every connected user of an app hears.
func (a *audience) hear(e im.Event) {
	f := a.hub.frame(&e)
	for _, p := range a.everybody() {
		p.deliver(f)
	}
}

func (a *audience) everybody() []*person {
	a.hub.mu.Lock()
	defer a.hub.mu.Unlock()
	return slices.Collect(maps.Keys(a.people))
}

// joinApp lets a person hear what all of an app are told.
func (h *Hub) joinApp(p *person) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.apps[p.app]
	if a == nil {
		a = &audience{hub: h, people: map[*person]struct{}{}}
		cancel, err := h.subscribe(im.AppTopic(p.app), a)
		if err != nil {
			return err
		}
		a.cancel = cancel
		h.apps[p.app] = a
	}
	a.people[p] = struct{}{}
	return nil
}

func (h *Hub) leaveApp(p *person) {
	h.mu.Lock()
	var cancel func()
	if a := h.apps[p.app]; a != nil {
		if delete(a.people, p); len(a.people) == 0 {
			delete(h.apps, p.app)
			cancel = a.cancel
		}
	}
	h.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// without returns a copy of the slice that does not have x.
func without[T comparable](all []T, x T) []T {
	i := slices.Index(all, x)
	if i < 0 {
		return all
	}
	return slices.Concat(all[:i], all[i+1:])
}
