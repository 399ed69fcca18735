package hub_test

import (
	"slices"
	"testing"
	"time"

	"teahouse/internal/hub"
	"teahouse/internal/im"
)

// asks wants that the loop has asked for exactly these timers since the last call, the last of which it waits for.
func (w *world) asks(want ...string) {
	w.t.Helper()
	for _, length := range want {
		if got := w.clock.Waiting(); got != length {
			w.t.Fatalf("the loop sleeps for %s, want %s", got, length)
		}
	}
}

// TestSleep: the loop wakes only for what is due. The clock remembers every timer that was asked for, so each that is missing in this
// list was not.
func TestSleep(t *testing.T) {
	w := newWorld(t, func(c *hub.Config) { c.Large = 2 })
	l, p := w.line()
	close(p.release)
	w.run()
	w.asks("15s") // until who does not sign in is refused
	l.SignedIn()
	for range 15 {
		w.clock.Advance(time.Second)
	}
	w.asks("1m15s") // until it is asked whether it is there, a minute and a half after it was heard
	for range 60 {
		w.clock.Advance(time.Second)
	}
	l.Heard()
	w.clock.Advance(15 * time.Second)
	w.asks("1m15s") // the same, from when it was heard last
	l.Push([]byte("x"))
	w.asks("20s") // until it is stuck
	w.hub.Written()
	w.clock.Advance(20 * time.Second)
	w.asks("55s")
	w.clock.Advance(55 * time.Second)
	w.asks("30s") // until it is idle, two minutes after it was heard
	l.Close(hub.Closed)
	w.clock.Advance(30 * time.Second) // nobody is left: nothing is asked for
	first := w.crowd(3, "tea")
	w.inRoom(im.MembersJoined, "tea", 2, "a")
	w.asks("1s")
	w.hears(first)
}

// TestTurns: when nothing waits the hub sleeps until it is woken, and two looks at all lines are not close to each other.
func TestTurns(t *testing.T) {
	w := newWorld(t, func(c *hub.Config) { c.Large = 2 })
	sleeps := func(want time.Duration) {
		t.Helper()
		if got := w.hub.Turn(); got != want {
			t.Errorf("sleeps for %s, want %s", got, want)
		}
	}
	sleeps(0)
	first := w.crowd(3, "tea")
	sleeps(0) // connected, and nothing happens
	w.say("tea", "hello")
	w.hears(first, "message_sent hello")
	sleeps(0)
	w.inRoom(im.MembersJoined, "tea", 2, "a")
	w.clock.Advance(400 * time.Millisecond)
	w.inRoom(im.MembersJoined, "tea", 3, "b")
	sleeps(600 * time.Millisecond) // the first does not wait longer for the second
	w.hears(first)
	w.clock.Advance(600 * time.Millisecond)
	sleeps(0)
	w.hears(first, "members_joined a b")

	early, _ := w.line()
	w.clock.Advance(time.Second)
	late, _ := w.line()
	sleeps(14 * time.Second)
	w.clock.Advance(14 * time.Second)
	sleeps(5 * time.Second) // not one: looking at thousands of lines costs
	w.clock.Advance(5 * time.Second)
	w.hub.Turn()
	for _, l := range []*line{early, late} {
		if got := l.reasons(); !slices.Contains(got, hub.Refused) {
			t.Errorf("was asked to end %q", got)
		}
	}
	early.Close(hub.Refused)
	late.Close(hub.Refused)
	w.clock.Advance(5 * time.Second)
	sleeps(0)
}

// TestSetBack: when the clock is set back by an hour, nothing that was to come waits for an hour.
func TestSetBack(t *testing.T) {
	w := newWorld(t, func(c *hub.Config) { c.Large = 2 })
	l, _ := w.line()
	l.SignedIn()
	first := w.crowd(3, "tea")
	w.inRoom(im.MembersJoined, "tea", 2, "a")
	w.clock.Advance(-time.Hour)
	w.hub.Turn()
	w.hears(first, "members_joined a")
	w.clock.Advance(2*time.Minute - 5*time.Second)
	w.hub.Turn()
	if got, n := l.reasons(), l.asked.Load(); len(got) > 0 || n != 1 {
		t.Errorf("was asked to end %q, and whether anybody is there %d times", got, n)
	}
	w.clock.Advance(5 * time.Second)
	w.hub.Turn()
	if got := l.reasons(); !slices.Contains(got, hub.Idle) {
		t.Errorf("was asked to end %q", got)
	}
	l.Close(hub.Idle)
}

// TestLongLook: what comes while all lines are looked at is not taken for older than it is.
func TestLongLook(t *testing.T) {
	w := newWorld(t)
	l, _ := w.line()
	l.SignedIn()
	began := w.clock.Now()
	w.clock.Advance(time.Hour)
	l.Heard()
	l.Check(began)
	w.clock.Advance(time.Minute)
	l.Check(w.clock.Now())
	if got := l.reasons(); len(got) > 0 {
		t.Errorf("was asked to end %q", got)
	}
	l.Close(hub.Closed)
}
