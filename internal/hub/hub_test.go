package hub_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"teahouse/internal/bus"
	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// domain says who is in which rooms, and remembers who went away.
type domain struct {
	mu     sync.Mutex
	places map[im.Username][]im.RoomPlace // guarded by mu, like the rest
	err    error
	gone   []im.Username
	hold   chan struct{} // RoomPlaces waits for it, after it has told that it began
	began  chan struct{}
}

func (d *domain) RoomPlaces(_ context.Context, c im.Caller) ([]im.RoomPlace, error) {
	d.mu.Lock()
	places, err, hold := d.places[c.User], d.err, d.hold
	d.mu.Unlock()
	select {
	case d.began <- struct{}{}:
	default:
	}
	if hold != nil {
		<-hold
	}
	return places, err
}

func (d *domain) WentAway(_ context.Context, _ im.AppID, u im.Username) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, u)
	return nil
}

// world is a hub on a bus, with a clock that stands still.
type world struct {
	t      testing.TB
	bus    *bus.Local
	clock  *imtest.Clock
	domain *domain
	hub    *hub.Hub
	app    *im.App
}

func newWorld(t testing.TB, change ...func(*hub.Config)) *world {
	w := &world{t: t, bus: bus.NewLocal(), clock: imtest.NewClock(), domain: &domain{places: map[im.Username][]im.RoomPlace{}},
		app: &im.App{ID: 7, Key: im.AppKey{Org: "tea", Name: "house"}}}
	cfg := hub.Config{Bus: w.bus, Clock: w.clock, IDs: &imtest.IDs{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, f := range change {
		f(&cfg)
	}
	w.hub = hub.New(cfg)
	w.hub.Use(w.domain)
	return w
}

// run runs the hub's loop until the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() { _ = w.hub.Run(ctx) })
	w.t.Cleanup(func() { cancel(); loop.Wait() })
}

// pass moves the clock, second by second, with the hub doing what is due.
func (w *world) pass(d time.Duration) {
	for ; d > 0; d -= time.Second {
		w.clock.Advance(time.Second)
		w.hub.Turn()
	}
}

// ear is a surface's end of a session, which remembers.
type ear struct {
	mu    sync.Mutex
	heard []string // guarded by mu, like the rest
	ended []hub.Reason
	wire  bool // it encodes what it hears
}

func (e *ear) Deliver(f *hub.Frame) {
	if e.wire {
		f.Wire(hub.Form{Protocol: "test"}, func() []byte { return []byte(f.Event.Kind) })
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var users []string
	for _, u := range f.Event.Users {
		users = append(users, string(u))
	}
	e.heard = append(e.heard, strings.TrimSpace(string(f.Event.Kind)+" "+f.Event.Text+strings.Join(users, " ")))
}

func (e *ear) Replaced(im.Connection) { e.End(hub.Replaced) }

func (e *ear) End(r hub.Reason) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = append(e.ended, r)
}

// hears wants exactly these events since the last call.
func (w *world) hears(e *ear, want ...string) {
	w.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Equal(e.heard, want) {
		w.t.Errorf("heard %q, want %q", e.heard, want)
	}
	e.heard = nil
}

func (w *world) ends(e *ear, want ...hub.Reason) {
	w.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Equal(e.ended, want) {
		w.t.Errorf("asked to end %q, want %q", e.ended, want)
	}
	e.ended = nil
}

func (w *world) try(user im.Username, device string, most int) (*ear, *hub.Session, error) {
	e := &ear{}
	s, err := w.hub.Open(context.Background(), im.UserCaller(w.app, user), im.Connection{Resource: device}, most, e)
	return e, s, err
}

func (w *world) open(user im.Username, device string) (*ear, *hub.Session) {
	w.t.Helper()
	e, s, err := w.try(user, device, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return e, s
}

func (w *world) publish(e im.Event) {
	e.App, e.At = w.app.ID, w.clock.Now()
	_ = w.bus.Publish(context.Background(), e)
}

// place tells that a user's place in a chatroom begins or ends.
func (w *world) place(kind im.EventKind, user im.Username, room im.RoomID, version int64) {
	w.publish(im.Event{Topic: im.UserTopic(w.app.ID, user), Kind: kind, Room: room, RoomKind: im.Chatroom, Version: version, Users: []im.Username{user}})
}

// inRoom tells something in a chatroom.
func (w *world) inRoom(kind im.EventKind, room im.RoomID, version int64, users ...im.Username) {
	w.publish(im.Event{Topic: im.RoomTopic(w.app.ID, room), Kind: kind, Room: room, RoomKind: im.Chatroom, Version: version, Users: users})
}

// say tells a text in a chatroom.
func (w *world) say(room im.RoomID, text string) {
	w.publish(im.Event{Topic: im.RoomTopic(w.app.ID, room), Kind: im.MessageSent, Room: room, RoomKind: im.Chatroom, Text: text})
}

func (w *world) holds(lines, sessions, users, rooms int) {
	w.t.Helper()
	s := w.hub.Stats()
	if s.Lines != lines || s.Sessions != sessions || s.Users != users || s.Rooms != rooms {
		w.t.Errorf("holds %d lines, %d sessions, %d users, %d rooms; want %d, %d, %d, %d", s.Lines, s.Sessions, s.Users, s.Rooms, lines, sessions, users, rooms)
	}
}

// TestSessions of one user hear what the user hears; a device has one; with the last the user goes away.
func TestSessions(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	web, s1 := w.open("ann", "web")
	phone, s2 := w.open("ann", "phone")
	topic := im.UserTopic(w.app.ID, "ann")
	w.publish(im.Event{Topic: topic, Kind: im.ContactAsked})
	w.hears(web, "contact_asked")
	w.hears(phone, "contact_asked")
	again, s3 := w.open("ann", "web")
	w.ends(web, hub.Replaced)
	w.publish(im.Event{Topic: topic, Kind: im.ContactAdded})
	w.hears(web)
	w.hears(phone, "contact_added")
	w.hears(again, "contact_added")
	if got, err := w.hub.Connected(ctx, w.app.ID, []im.Username{"bob", "ann"}); err != nil || len(got[0]) != 0 || len(got[1]) != 2 || got[1][0].Resource != "phone" {
		t.Errorf("connected: %v, %v", got, err)
	}
	w.publish(im.Event{Topic: topic, Kind: im.UserDisconnected, Text: "web"})
	w.ends(again, hub.Kicked)
	w.ends(phone)
	_ = w.hub.Disconnect(ctx, w.app.ID, "ann", "")
	_ = w.hub.Disconnect(ctx, w.app.ID, "nobody", "")
	w.ends(phone, hub.Kicked)
	w.publish(im.Event{Topic: topic, Kind: im.SessionsEnded, Text: "password"})
	w.publish(im.Event{Topic: topic, Kind: im.SessionsEnded, Text: "deactivated"})
	w.ends(phone, hub.Password, hub.Removed)
	w.holds(0, 2, 1, 0)
	for _, s := range []*hub.Session{s1, s2, s2} {
		s.Close(ctx)
	}
	if len(w.domain.gone) != 0 {
		t.Errorf("%v went away, but is here", w.domain.gone)
	}
	s3.Close(ctx)
	s3.Close(ctx)
	if !slices.Equal(w.domain.gone, []im.Username{"ann"}) {
		t.Errorf("%v went away, want ann", w.domain.gone)
	}
	w.holds(0, 0, 0, 0)
	w.publish(im.Event{Topic: topic, Kind: im.ContactAdded})
	w.hears(again)
}

// TestLoadFails: who cannot be told everything is not let in, and may come again.
func TestLoadFails(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("no store")
	w.domain.err, w.domain.hold = broken, make(chan struct{})
	results := make(chan error, 5)
	for i := range 5 {
		go func() {
			_, s, err := w.try("ann", fmt.Sprint("d", i), 0)
			if err == nil {
				s.Close(context.Background())
			}
			results <- err
		}()
	}
	close(w.domain.hold)
	for range 5 {
		if err := <-results; !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
	w.holds(0, 0, 0, 0)
	w.domain.err = nil
	e, s := w.open("ann", "web")
	defer s.Close(t.Context())
	w.publish(im.Event{Topic: im.UserTopic(w.app.ID, "ann"), Kind: im.ContactAsked})
	w.hears(e, "contact_asked")
}

// TestTooManyDevices: of several that come at once as many get in as may, and those hear.
func TestTooManyDevices(t *testing.T) {
	w := newWorld(t)
	for range 300 {
		type in struct {
			e *ear
			s *hub.Session
		}
		came := make(chan in, 6)
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				switch e, s, err := w.try("ann", fmt.Sprint("d", i), 2); {
				case err == nil:
					came <- in{e, s}
				case !errors.Is(err, im.ErrTooManyDevices):
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		if len(came) != 2 {
			t.Fatalf("%d came in, want 2", len(came))
		}
		w.publish(im.Event{Topic: im.UserTopic(w.app.ID, "ann"), Kind: im.ContactAsked})
		for range 2 {
			one := <-came
			w.hears(one.e, "contact_asked")
			one.s.Close(t.Context())
		}
		w.holds(0, 0, 0, 0)
		if t.Failed() {
			return
		}
	}
}

// TestAll: what all of an app are told comes once, also to those who come while others go.
func TestAll(t *testing.T) {
	w := newWorld(t)
	ann, s1 := w.open("ann", "web")
	bob, s2 := w.open("bob", "web")
	w.publish(im.Event{Topic: im.AppTopic(w.app.ID), Kind: im.MessageBroadcast})
	w.hears(ann, "message_broadcast")
	w.hears(bob, "message_broadcast")
	s1.Close(t.Context())
	s2.Close(t.Context())
	w.publish(im.Event{Topic: im.AppTopic(w.app.ID), Kind: im.MessageBroadcast})
	w.hears(ann)
	cat, s3 := w.open("cat", "web")
	defer s3.Close(t.Context())
	w.publish(im.Event{Topic: im.AppTopic(w.app.ID), Kind: im.MessageBroadcast})
	w.hears(cat, "message_broadcast")
}

// TestShutdown: lines are told that the server stops, nobody comes any more, and who goes then has not gone away.
func TestShutdown(t *testing.T) {
	w := newWorld(t)
	_, s := w.open("ann", "web")
	l, conn := w.line()
	w.hub.Close(t.Context())
	if got := l.reasons(); !slices.Equal(got, []hub.Reason{hub.Shutdown}) {
		t.Errorf("the line was asked to end %q", got)
	}
	s.Close(t.Context())
	if len(w.domain.gone) != 0 {
		t.Errorf("%v went away", w.domain.gone)
	}
	l.Close(hub.Shutdown)
	late := newPipe()
	if w.hub.NewLine(late, nil).Watch(func(hub.Reason) {}, func() {}) || !late.isClosed() || !conn.isClosed() {
		t.Error("a connection that came too late is open")
	}
	w.holds(0, 0, 0, 0)
	if n := w.hub.Stats().Ended[hub.Shutdown]; n != 1 {
		t.Errorf("%d lines ended because of it", n)
	}
}

// TestChurn has everything happen at once; in the end nothing is left.
func TestChurn(t *testing.T) {
	w := newWorld(t, func(c *hub.Config) { c.Large = 3 })
	const people, rounds = 6, 150
	rooms := []im.RoomID{"r0", "r1", "r2"}
	for p := range people {
		w.domain.places[im.Username(fmt.Sprint("u", p))] = []im.RoomPlace{{Room: rooms[p%3], Kind: im.Chatroom, Version: 5}}
	}
	var all sync.WaitGroup
	for p := range people {
		user := im.Username(fmt.Sprint("u", p))
		for d := range 2 {
			all.Go(func() {
				for range rounds {
					_, s, err := w.try(user, fmt.Sprint("d", d), 0)
					if err != nil {
						t.Error(err)
						return
					}
					s.Close(t.Context())
				}
			})
		}
		all.Go(func() {
			for i := range rounds {
				w.place([]im.EventKind{im.RoomEntered, im.RoomLeft}[i%2], user, rooms[(p+i)%3], int64(10+i))
			}
		})
	}
	for _, room := range rooms {
		all.Go(func() {
			for i := range rounds {
				w.say(room, "x")
				w.inRoom([]im.EventKind{im.MembersJoined, im.MembersLeft, im.RoomDestroyed, im.RoomCreated}[i%4], room, int64(i), "u1")
			}
		})
	}
	all.Go(func() {
		for range rounds {
			w.publish(im.Event{Topic: im.AppTopic(w.app.ID), Kind: im.MessageBroadcast})
			_ = w.hub.Stats()
			w.hub.TellCrowds()
			_, _ = w.hub.Connected(t.Context(), w.app.ID, []im.Username{"u0", "u1"})
		}
	})
	all.Wait()
	w.holds(0, 0, 0, 0)
	e, s := w.open("u0", "web")
	defer s.Close(t.Context())
	w.say("r0", "still here")
	w.hears(e, "message_sent still here")
}
