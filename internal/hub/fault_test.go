package hub_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// frail returns a world whose faults are counted.
func frail(t *testing.T, change ...func(*hub.Config)) (*world, *im.Faults) {
	f := im.NewFaults(slog.New(slog.DiscardHandler))
	return newWorld(t, append(change, func(c *hub.Config) { c.Faults = f })...), f
}

func met(t *testing.T, f *im.Faults, where string, want uint64) {
	t.Helper()
	if got := f.Met()[where]; got != want {
		t.Errorf("%d faults in %s, want %d", got, where, want)
	}
}

// stumbler is a surface at fault with texts.
type stumbler struct {
	ear
	encode bool // in encoding, or in taking what is encoded
}

func (s *stumbler) Deliver(f *hub.Frame) {
	bad := f.Event.Text == "bad"
	if bad && !s.encode {
		panic("planted")
	}
	if f.Wire(hub.Form{Protocol: "test"}, func() []byte {
		if bad {
			panic("planted")
		}
		return []byte("x")
	}) != nil {
		s.ear.Deliver(f)
	}
}

func (w *world) stumbler(user im.Username, encode bool) *stumbler {
	s := &stumbler{encode: encode}
	session, err := w.hub.Open(w.t.Context(), im.UserCaller(w.app, user), im.Connection{Resource: "web"}, 0, s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { session.Close(w.t.Context()) })
	w.place(im.RoomEntered, user, "tea", 1)
	return s
}

// TestFaultInDelivery ends the session that it happened to; the others in the room hear.
func TestFaultInDelivery(t *testing.T) {
	w, f := frail(t)
	bad := w.stumbler("ann", false)
	ear, s := w.open("bob", "web")
	defer s.Close(t.Context())
	w.place(im.RoomEntered, "bob", "tea", 2)
	w.say("tea", "bad")
	w.say("tea", "good")
	w.hears(ear, "message_sent bad", "message_sent good")
	w.ends(&bad.ear, hub.Failed)
	met(t, f, "delivery", 1)
}

// TestFaultInEncoding is told once, however many would have heard the event, and ends nobody.
func TestFaultInEncoding(t *testing.T) {
	w, f := frail(t)
	ann, bob := w.stumbler("ann", true), w.stumbler("bob", true)
	w.say("tea", "bad")
	w.say("tea", "good")
	for _, s := range []*stumbler{ann, bob} {
		w.hears(&s.ear, "message_sent good")
		w.ends(&s.ear)
	}
	met(t, f, "encoding", 1)
}

// badIDs are identifiers that fail while they are told to: what the hub tells of anything but a message, it numbers.
type badIDs struct {
	imtest.IDs
	on atomic.Bool
}

func (b *badIDs) MessageID(now time.Time) im.MessageID {
	if b.on.Load() {
		panic("planted")
	}
	return b.IDs.MessageID(now)
}

// TestFaultInAnEvent asks those to come anew who may have missed something, and whoever published goes on.
func TestFaultInAnEvent(t *testing.T) {
	ids := &badIDs{}
	w, f := frail(t, func(c *hub.Config) { c.IDs, c.Large = ids, 2 })
	ann, s1 := w.open("ann", "web")
	defer s1.Close(t.Context())
	bob, s2 := w.open("bob", "web")
	defer s2.Close(t.Context())
	w.place(im.RoomEntered, "bob", "tea", 2)
	for i, c := range []struct {
		publish  func()
		ann, bob []hub.Reason
	}{
		{func() { w.publish(im.Event{Topic: im.UserTopic(w.app.ID, "ann"), Kind: im.ContactAsked}) }, []hub.Reason{hub.Failed}, nil},
		{func() { w.inRoom(im.RoomMuted, "tea", 3) }, nil, []hub.Reason{hub.Failed}},
		{func() { w.publish(im.Event{Topic: im.AppTopic(w.app.ID), Kind: im.MessageBroadcast}) }, []hub.Reason{hub.Failed}, []hub.Reason{hub.Failed}},
	} {
		ids.on.Store(true)
		c.publish()
		ids.on.Store(false)
		w.ends(ann, c.ann...)
		w.ends(bob, c.bob...)
		met(t, f, "event", uint64(i+1))
	}
	w.say("tea", "hello")
	w.hears(bob, "message_sent hello")
}

// TestFaultInACrowd: the loop goes on, and the next crowd is told.
func TestFaultInACrowd(t *testing.T) {
	ids := &badIDs{}
	w, f := frail(t, func(c *hub.Config) { c.IDs, c.Large = ids, 2 })
	first := w.crowd(3, "tea")
	w.inRoom(im.MembersJoined, "tea", 2, "a")
	ids.on.Store(true)
	w.pass(time.Second)
	ids.on.Store(false)
	w.pass(time.Second)
	w.hears(first)
	met(t, f, "crowd", 1)
	w.inRoom(im.MembersJoined, "tea", 3, "b")
	w.pass(time.Second)
	w.hears(first, "members_joined b")
}

// badConn is a connection at fault when it is written to.
type badConn struct{ *pipe }

func (badConn) Write([]byte) (int, error) { panic("planted") }

// badSystem is one at fault when the system is.
type badSystem struct{ badConn }

func (badSystem) SyscallConn() (syscall.RawConn, error) { return badRaw{}, nil }

type badRaw struct{ syscall.RawConn }

func (badRaw) Write(func(uintptr) bool) error { panic("planted") }

// TestFaultInWriting ends the line that is written to, whoever writes; the pen goes on with the next.
func TestFaultInWriting(t *testing.T) {
	w, f := frail(t)
	l := listen(t)
	for i, conn := range []net.Conn{badConn{newPipe()}, badSystem{badConn{newPipe()}}} {
		var ended atomic.Value
		bad := w.hub.NewLine(conn, nil)
		bad.Watch(func(r hub.Reason) { ended.Store(r) }, func() {})
		good := dial(t, w.hub, l)
		bad.Push([]byte("x"))
		good.line.Push([]byte("hello"))
		got := make([]byte, 5)
		if _, err := io.ReadFull(good.reader, got); err != nil || string(got) != "hello" {
			t.Errorf("another line was written %q, %v", got, err)
		}
		w.hub.Written()
		if ended.Load() != hub.Failed {
			t.Errorf("asked to end as %v", ended.Load())
		}
		met(t, f, "writing", uint64(i+1))
		bad.Push([]byte("more"))
		bad.Close(hub.Failed)
	}
	w.hub.Close(t.Context())
}

// TestFaultInALook closes the line that cannot be asked to end, and the others are looked at.
func TestFaultInALook(t *testing.T) {
	w, f := frail(t)
	p := newPipe()
	bad := w.hub.NewLine(p, nil)
	bad.Watch(func(hub.Reason) { panic("planted") }, func() {})
	good, _ := w.line()
	w.clock.Advance(15 * time.Second)
	w.hub.Turn()
	if !p.isClosed() {
		t.Error("the line is open")
	}
	if got := good.reasons(); len(got) != 1 || got[0] != hub.Refused {
		t.Errorf("the other was asked to end %q", got)
	}
	met(t, f, "looking", 1)
	bad.Close(hub.Refused)
}

// TestFaultInComing: who cannot be told everything is not let in, nor who comes at the same time, and may come again.
func TestFaultInComing(t *testing.T) {
	w, f := frail(t)
	w.domain.hold, w.domain.began = make(chan struct{}), make(chan struct{}, 10)
	w.hub.Use(badDomain{w.domain})
	results := make(chan error, 2)
	try := func() { _, _, err := w.try("ann", "web", 0); results <- err }
	go try()
	<-w.domain.began
	go try()
	close(w.domain.hold)
	for range 2 {
		if err := <-results; !errors.Is(err, im.ErrInternal) {
			t.Errorf("got %v", err)
		}
	}
	if n := f.Met()["sign-in"]; n == 0 {
		t.Error("the fault is not counted")
	}
	w.holds(0, 0, 0, 0)
	w.hub.Use(w.domain)
	_, s := w.open("ann", "web")
	s.Close(t.Context())
}

// badDomain is at fault with everybody's rooms.
type badDomain struct{ *domain }

func (b badDomain) RoomPlaces(ctx context.Context, c im.Caller) ([]im.RoomPlace, error) {
	_, _ = b.domain.RoomPlaces(ctx, c)
	panic("planted")
}
