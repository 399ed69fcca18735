package imtest

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"teahouse/internal/im"
)

func fired(c <-chan time.Time) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestClock(t *testing.T) {
	c := NewClock()
	if !c.Now().Equal(Epoch()) {
		t.Fatalf("got %v, want %v", c.Now(), Epoch())
	}
	now, _ := c.Timer(0)
	second, _ := c.Timer(time.Second)
	minute, stop := c.Timer(time.Minute)
	hour, _ := c.Timer(time.Hour)
	for _, want := range []string{"0s", "1s", "1m0s", "1h0m0s"} {
		if got := c.Waiting(); got != want {
			t.Errorf("waiting: got %s, want %s", got, want)
		}
	}
	if got := []bool{fired(now), fired(second)}; got[0] != true || got[1] != false {
		t.Errorf("at once: got %v", got)
	}
	c.Advance(time.Second - time.Millisecond)
	if fired(second) {
		t.Error("fired a millisecond early")
	}
	c.Advance(time.Millisecond)
	if !fired(second) {
		t.Error("did not fire in time")
	}
	stop()
	c.Advance(time.Hour)
	if fired(minute) {
		t.Error("fired after it was stopped")
	}
	if !fired(hour) || fired(hour) {
		t.Error("want one firing")
	}
	if want := Epoch().Add(time.Hour + time.Second); !c.Now().Equal(want) {
		t.Errorf("got %v, want %v", c.Now(), want)
	}
}

func TestIDs(t *testing.T) {
	var ids IDs
	uuid, room, token := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`), regexp.MustCompile(`^[1-9][0-9]{13}$`), regexp.MustCompile(`^YWMt\w{59}$`)
	seen := map[string]bool{}
	for range 20 {
		u, r, k := ids.UUID(), string(ids.RoomID()), ids.Token()
		if !uuid.MatchString(u) || !room.MatchString(r) || !token.MatchString(k) || seen[u] || seen[r] || seen[k] {
			t.Errorf("got %s %s %s, want new ones of the right form", u, r, k)
		}
		seen[u], seen[r], seen[k] = true, true, true
	}
}

func TestBus(t *testing.T) {
	b := NewBus()
	var heard []string
	hear := func(e im.Event) { heard = append(heard, e.Text) }
	publish := func(topic im.Topic, kind im.EventKind, text string) {
		if err := b.Publish(t.Context(), im.Event{Topic: topic, Kind: kind, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	cancel, err := b.Subscribe("a", hear)
	if err != nil {
		t.Fatal(err)
	}
	publish("a", im.RoomMuted, "1")
	publish("b", im.RoomMuted, "2")
	cancel()
	publish("a", im.RoomUnmuted, "3")
	if got := fmt.Sprint(heard); got != "[1]" {
		t.Errorf("heard %s, want [1]", got)
	}
	if e := b.Await(im.RoomUnmuted); e.Text != "3" {
		t.Errorf("awaited %q, want 3", e.Text)
	}
	if left := b.Take(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	publish("a", im.RoomMuted, "4")
	if took := b.Take(); len(took) != 1 || took[0].Text != "4" {
		t.Errorf("took %v", took)
	}
}

func TestPasswords(t *testing.T) {
	var p Passwords
	hash, err := p.Hash(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[[2]string]bool{{hash, "secret"}: true, {hash, "Secret"}: false, {"", ""}: false, {"", "secret"}: false} {
		if ok, err := p.Verify(t.Context(), given[0], given[1]); err != nil || ok != want {
			t.Errorf("%v: got %v, %v, want %v", given, ok, err, want)
		}
	}
}
