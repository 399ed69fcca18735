package msync_test

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"teahouse/internal/im"
	"teahouse/internal/msynctest"
)

// planting is a transaction at fault with one user.
type planting struct {
	im.Tx
	user im.Username
	on   *atomic.Bool
}

func (p planting) trip(u im.Username) {
	if p.on.Load() && u == p.user {
		panic("planted")
	}
}

func (p planting) PutPlacesOf(app im.AppID, places []im.Place) error {
	for _, at := range places {
		p.trip(at.User)
	}
	return p.Tx.PutPlacesOf(app, places)
}

func (p planting) MessagesFor(d im.Device, c im.ConversationID, after, until im.MessageID, limit int) ([]im.Message, error) {
	p.trip(d.User)
	return p.Tx.MessagesFor(d, c, after, until, limit)
}

// plant begins a life of the server in which it is at fault with a user while on is.
func plant(w *world, user im.Username) (on *atomic.Bool) {
	on = new(atomic.Bool)
	w.caught = im.NewFaults(w.log)
	w.wrap = func(tx im.Tx) im.Tx { return planting{tx, user, on} }
	w.restart()
	return on
}

// TestFaultInAnAcknowledgement: what others have read is written, and what one has is asked for again.
func TestFaultInAnAcknowledgement(t *testing.T) {
	w := newWorld(t)
	on := plant(w, "bob")
	ann, bob, cat := w.connect("ann", "web"), w.connect("bob", "web"), w.connect("cat", "web")
	for _, text := range []string{"hello", "again"} { // the first is read from the store, the second comes live
		w.send(ann, msynctest.ToUser("bob"), text)
		w.hears(bob, text)
		if text == "hello" {
			w.readAll("bob", "web")
			on.Store(true)
		}
	}
	for w.caught.Met()["acknowledgement"] == 0 {
		runtime.Gosched()
	}
	w.send(ann, msynctest.ToUser("cat"), "hello")
	w.hears(cat, "hello")
	w.readAll("cat", "web")
	if n := w.waiting("bob", "web"); n != 1 {
		t.Errorf("%d messages wait for bob, want 1", n)
	}
	on.Store(false)
	w.hears(w.connect("bob", "web"), "again") // to a client that has forgotten it
	w.readAll("bob", "web")
}

// TestFaultInReading ends the connection of the device whose inbox cannot be read; when it can, the device gets everything.
func TestFaultInReading(t *testing.T) {
	w := newWorld(t)
	on := plant(w, "bob")
	ann, bob, cat := w.connect("ann", "web"), w.connect("bob", "web"), w.connect("cat", "web")
	on.Store(true)
	w.send(ann, msynctest.ToGroup("team"), "hello") // a conversation that neither has been told of: it is read
	w.hears(cat, "hello")
	w.ends(bob, 1011)
	if met := w.caught.Met(); met["inbox"]+met["connection"] != 1 { // it is pushed, or asked for
		t.Errorf("faults counted: %v", met)
	}
	on.Store(false)
	w.send(ann, msynctest.ToGroup("team"), "again")
	w.hears(cat, "again")
	if err := bob.Reconnect(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.hears(bob, "hello", "again")
}

// TestFaultInEncoding: of a message that cannot be encoded nobody hears, which is told once; it ends no connection, and keeps nothing else
// back, be it live or later.
func TestFaultInEncoding(t *testing.T) {
	w := newWorld(t)
	w.caught = im.NewFaults(w.log)
	w.restart()
	w.server.Stumble(func(m *im.Message) bool {
		text, _ := m.Body.Fields.Get("msg")
		return text.Text == "bad"
	})
	ann, bob, cat := w.connect("ann", "web"), w.connect("bob", "web"), w.connect("cat", "web")
	for _, c := range []*msynctest.Client{ann, bob, cat} {
		if _, err := c.Join(w.ctx, "lounge", "", false); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []msynctest.Target{msynctest.ToRoom("lounge"), msynctest.ToGroup("team")} {
		for _, text := range []string{"first", "bad", "last"} {
			w.send(ann, to, text)
		}
		w.hears(bob, "first", "last")
		w.hears(cat, "first", "last")
	}
	if n := w.caught.Met()["encoding"]; n < 2 || n > 4 { // once in the room; in the group once live, or in what each fetches
		t.Errorf("%d faults counted", n)
	}
	w.readAll("cat", "web")
	cat.Kill()
	w.send(ann, msynctest.ToUser("cat"), "bad")
	w.send(ann, msynctest.ToGroup("team"), "bad")
	w.send(ann, msynctest.ToGroup("team"), "later")
	again := w.connect("cat", "web")
	w.hears(again, "later")
	if texts := textsOf(bob.Got()); slices.Contains(texts, "bad") {
		t.Errorf("bob heard %q", texts)
	}
}
