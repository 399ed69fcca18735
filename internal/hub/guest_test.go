package hub_test

import (
	"errors"
	"fmt"
	"testing"

	"teahouse/internal/hub"
)

// guests wants so many who have not signed in.
func (w *world) guests(want int) {
	w.t.Helper()
	if got := w.hub.Stats().Guests; got != want {
		w.t.Errorf("%d have not signed in, want %d", got, want)
	}
}

// admit wants that somebody may come, or why not.
func (w *world) admit(address string, want error) *hub.Guest {
	w.t.Helper()
	g, err := w.hub.Admit(address)
	if !errors.Is(err, want) || (g == nil) != (want != nil) {
		w.t.Errorf("%s: got %v, %v, want %v", address, g, err, want)
	}
	return g
}

// TestGuests: so many of one address, so many in all. Who has signed in or gone makes room.
func TestGuests(t *testing.T) {
	w := newWorld(t, func(c *hub.Config) { c.Guests, c.FromOne = 5, 2 })
	first := w.admit("10.0.0.1:4711", nil)
	second := w.admit("10.0.0.1:4712", nil)
	w.admit("10.0.0.1:4713", hub.ErrAddressFull)
	w.admit("[::ffff:10.0.0.1]:4714", hub.ErrAddressFull)
	w.admit("10.0.0.1", hub.ErrAddressFull)
	w.guests(2)
	first.Leave()
	first.Leave()
	w.guests(1)
	first = w.admit("10.0.0.1:4713", nil)

	v6 := w.admit("[2001:db8::1]:1", nil)
	w.admit("[2001:db8::ffff:1%eth0]:1", nil) // of the same network
	w.admit("2001:db8::2", hub.ErrAddressFull)
	w.admit("[2001:db8:0:1::1]:1", nil)
	w.admit("10.0.0.2:1", hub.ErrFull)
	w.admit("10.0.0.1:1", hub.ErrFull)
	v6.Leave()
	w.admit("pipe", nil)
	w.guests(5)

	signs, closes, late := w.hub.NewLine(newPipe(), first), w.hub.NewLine(newPipe(), second), newPipe()
	for _, l := range []*hub.Line{signs, closes} {
		l.Watch(func(hub.Reason) {}, func() {})
	}
	signs.SignedIn()
	w.guests(4)
	closes.Close(hub.Refused)
	w.guests(3)
	signs.Close(hub.Closed)
	w.guests(3)
	last := w.admit("10.0.0.3:1", nil)
	w.hub.Close(t.Context())
	w.hub.NewLine(late, last).Watch(func(hub.Reason) {}, func() {}) // after the server has stopped
	w.guests(3)
	if n := w.hub.Stats().TurnedAway; n[hub.ErrAddressFull] != 4 || n[hub.ErrFull] != 2 {
		t.Errorf("turned away: %v", n)
	}
}

// TestOneAddressComesBack: thousands behind one address who come back together are let in, and one address leaves room for others.
func TestOneAddressComesBack(t *testing.T) {
	w := newWorld(t)
	const office = 9000
	for i := range office {
		w.admit(fmt.Sprint("10.0.0.1:", 1024+i), nil)
	}
	for i := 0; w.hub.Stats().TurnedAway[hub.ErrAddressFull] == 0; i++ {
		if _, err := w.hub.Admit("10.0.0.1:1"); err != nil && i < 1000 {
			t.Fatalf("only %d were let in", office+i)
		}
	}
	w.admit("10.0.0.2:1", nil)
}
