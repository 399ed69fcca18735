package hub

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"teahouse/internal/im"
)

type personKey struct {
	app  im.AppID
	user im.Username
}

// person is a user who has sessions on this node. It hears the user's topic, and stands in the rooms the user is in.
type person struct {
	personKey
	hub      *Hub
	sessions atomic.Pointer[[]*Session] // changed under mu
	loaded   chan struct{}              // closed when the rooms are known, or could not be

	mu     sync.Mutex
	cancel func()                 // of the subscription; guarded by mu, like the rest
	early  []im.Event             // of the rooms, while they are being read
	ready  bool                   // they have been read
	places map[im.RoomID]standing // also of rooms that were left, because events overtake each other
	in     int
	failed error
	gone   bool // the last session is: somebody new takes its place
}

type standing struct {
	version int64 // of the room, at the user's last coming or going
	at      time.Time
	in      bool
}

func (p *person) live() []*Session {
	if all := p.sessions.Load(); all != nil {
		return *all
	}
	return nil
}

func (p *person) deliver(f *Frame) {
	for _, s := range p.live() {
		if e := f.Event; e.Device == "" || e.By != p.user || e.Device != s.about.Resource { // the device that did it knows
			s.deliver(f)
		}
	}
}

// deliver hands over an event. A fault ends this session and no other; it finds in the store what it missed.
func (s *Session) deliver(f *Frame) {
	defer f.hub.cfg.Faults.Catch("delivery", string(s.person.user), func() { s.receiver.End(Failed) })
	s.receiver.Deliver(f)
}

// end asks sessions to end: all, or those of one device.
func (p *person) end(r Reason, resource string) {
	for _, s := range p.live() {
		if resource == "" || s.about.Resource == resource {
			s.receiver.End(r)
		}
	}
}

func (p *person) everybody() []*person { return []*person{p} }

// hear is told of what happens to the user, one event at a time.
func (p *person) hear(e im.Event) {
	switch e.Kind {
	case im.RoomEntered, im.RoomLeft, im.RoomShielded, im.RoomUnshielded:
		call(p.follow(e))
		if (e.Kind == im.RoomEntered || e.Kind == im.RoomLeft) && e.By != p.user {
			return // the room tells
		}
	case im.SessionsEnded:
		reason := Removed // deactivated, or deleted
		if e.Text == "password" {
			reason = Password
		}
		p.end(reason, "")
		return
	case im.UserDisconnected:
		p.end(Kicked, e.Text)
		return
	}
	p.deliver(p.hub.frame(&e))
}

// follow moves the user, when it is known where the user is.
func (p *person) follow(e im.Event) (cancel func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready {
		return p.move(e)
	}
	p.early = append(p.early, e)
	return nil
}

// call calls what is to be called without a lock.
func call(cancels ...func()) {
	for _, cancel := range cancels {
		if cancel != nil {
			cancel()
		}
	}
}

// move follows the user into a room, or out of it. Later changes may have been told before. cancel is to be called without a lock.
func (p *person) move(e im.Event) (cancel func()) {
	st, known := p.places[e.Room]
	in, quiet := e.Kind != im.RoomLeft, e.Kind == im.RoomShielded
	shield := quiet || e.Kind == im.RoomUnshielded
	if p.gone || known && (st.overtook(e) || shield && !st.in) {
		return nil
	}
	p.places[e.Room] = standing{e.Version, e.At, in}
	switch {
	case in:
		if !st.in {
			p.in++
		}
		if err := p.hub.enter(p, e.Room, quiet); err != nil {
			p.hub.cfg.Log.Error("room not heard", "room", string(e.Room), "err", err)
		}
	case st.in:
		p.in--
		cancel = p.hub.leave(p, e.Room)
	}
	if len(p.places) > 2*p.in+64 { // what was left long ago is not overtaken any more
		for id, st := range p.places {
			if !st.in {
				delete(p.places, id)
			}
		}
	}
	return cancel
}

// overtook reports whether an event tells of less than what is known. A later room of the name counts from 1 again.
func (st standing) overtook(e im.Event) bool {
	const late = time.Minute
	return st.version > e.Version && e.Version > 1 && e.At.Sub(st.at) < late
}

// vanish is told that a room is no more.
func (p *person) vanish(id im.RoomID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.places[id].in {
		delete(p.places, id)
	}
}

// load reads which rooms the user is in, and follows.
func (p *person) load(ctx context.Context, c im.Caller) error {
	defer close(p.loaded)
	err := p.hub.cfg.Faults.Try("sign-in", string(p.user), func() error {
		cancel, err := p.hub.subscribe(im.UserTopic(p.app, p.user), p)
		p.mu.Lock()
		p.cancel = cancel
		p.mu.Unlock()
		if err == nil {
			err = p.hub.joinApp(p)
		}
		if err != nil {
			return err
		}
		places, err := p.hub.domain.RoomPlaces(ctx, c)
		if err == nil {
			call(p.settle(places)...)
		}
		return err
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready, p.failed, p.early = true, err, nil
	return err
}

// settle puts the user into rooms, and follows what was heard while they were read.
func (p *person) settle(places []im.RoomPlace) (cancels []func()) {
	now := p.hub.cfg.Clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = true
	for _, at := range places {
		kind := im.RoomEntered
		if at.Shielded {
			kind = im.RoomShielded
		}
		cancels = append(cancels, p.move(im.Event{Kind: kind, At: now, Room: at.Room, Version: at.Version}))
	}
	for _, e := range p.early {
		cancels = append(cancels, p.move(e))
	}
	p.early = nil
	return cancels
}

// forget undoes load.
func (p *person) forget() {
	p.mu.Lock()
	cancel := p.cancel
	var rooms []im.RoomID
	for id, st := range p.places {
		if st.in {
			rooms = append(rooms, id)
		}
	}
	p.places, p.in = nil, 0
	p.mu.Unlock()
	for _, id := range rooms {
		call(p.hub.leave(p, id))
	}
	p.hub.leaveApp(p)
	call(cancel)
}

// Receiver is a surface's end of a session.
type Receiver interface {
	// Deliver hands over an event. It must not block, nor call the hub.
	Deliver(*Frame)
	// End asks the session to end and does not wait until it has. It may be called several times.
	End(Reason)
	// Replaced is End because the device has connected anew.
	Replaced(by im.Connection)
}

// Session is one live connection of a device that has signed in.
type Session struct {
	person   *person
	about    im.Connection
	receiver Receiver
	once     sync.Once
}

// Open makes a session for the caller's user. One that the same device has ends, as Replaced. most bounds the sessions of the user
// on this node, 0 does not. From now on events may come. Errors: im.ErrTooManyDevices, those of the store.
func (h *Hub) Open(ctx context.Context, c im.Caller, about im.Connection, most int, r Receiver) (*Session, error) {
	s := &Session{about: about, receiver: r}
	for {
		p, first := h.person(c)
		if first {
			if err := p.load(context.WithoutCancel(ctx), c); err != nil {
				h.drop(p)
				return nil, err
			}
		} else {
			select {
			case <-p.loaded:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		switch added, err := p.add(s, most); {
		case err != nil:
			if p.abandoned() {
				h.drop(p)
			}
			return nil, err
		case added:
			h.stats.opened.Add(1)
			return s, nil
		}
	}
}

// person returns who the caller is on this node; first tells that nobody has loaded it.
func (h *Hub) person(c im.Caller) (p *person, first bool) {
	key := personKey{c.App.ID, c.User}
	h.mu.Lock()
	defer h.mu.Unlock()
	if p = h.people[key]; p != nil {
		return p, false
	}
	p = &person{personKey: key, hub: h, loaded: make(chan struct{}), places: map[im.RoomID]standing{}}
	h.people[key] = p
	return p, true
}

// add puts a session beside the others; false: the person is gone.
func (p *person) add(s *Session, most int) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || p.failed != nil {
		return false, nil
	}
	live := slices.Clone(p.live())
	for i, old := range live {
		if old.about.Resource == s.about.Resource {
			live = slices.Delete(live, i, i+1)
			old.receiver.Replaced(s.about)
			break
		}
	}
	if most > 0 && len(live) >= most {
		return false, im.ErrTooManyDevices.For(p.user)
	}
	s.person = p
	live = append(live, s)
	p.sessions.Store(&live)
	return true, nil
}

// abandoned reports whether a person has no session, and never will.
func (p *person) abandoned() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = p.gone || len(p.live()) == 0
	return p.gone
}

// drop forgets a person.
func (h *Hub) drop(p *person) {
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	h.mu.Lock()
	if h.people[p.personKey] == p {
		delete(h.people, p.personKey)
	}
	h.mu.Unlock()
	p.forget()
}

// Close ends the session. When it was the user's last on this node, the domain is told that the user went away.
func (s *Session) Close(ctx context.Context) {
	s.once.Do(func() {
		p := s.person
		p.mu.Lock()
		live := without(p.live(), s)
		p.sessions.Store(&live)
		last := len(live) == 0 && !p.gone
		p.gone = p.gone || last
		p.mu.Unlock()
		if !last {
			return
		}
		h := p.hub
		h.drop(p)
		h.mu.Lock()
		closed := h.closed
		h.mu.Unlock()
		if closed { // the server stops; the users have not gone
			return
		}
		if err := h.domain.WentAway(context.WithoutCancel(ctx), p.app, p.user); err != nil {
			h.cfg.Log.Error("not noted that a user went away", "user", string(p.user), "err", err)
		}
	})
}
