package im_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// newOnline is a world in which somebody can be connected.
func newOnline(t *testing.T, settings ...string) (*world, *imtest.Sessions) {
	t.Helper()
	return online(newWorld(t, settings...))
}

func online(w *world) (*world, *imtest.Sessions) {
	var sessions imtest.Sessions
	w = w.another(func(c *im.Config) { c.Sessions = &sessions })
	return w, &sessions
}

// connects has users connect with a device each, as a surface does.
func (w *world) connects(sessions *imtest.Sessions, users ...im.Username) {
	w.t.Helper()
	for _, u := range users {
		sessions.Connect(w.app.ID, u, im.Connection{Resource: "web"})
		_, err := w.svc.OpenDevice(w.t.Context(), im.UserCaller(w.app, u), "web")
		must(w.t, err)
	}
}

// loses ends the connections of users, as a surface does.
func (w *world) loses(sessions *imtest.Sessions, users ...im.Username) {
	w.t.Helper()
	for _, u := range users {
		must(w.t, sessions.Disconnect(w.t.Context(), w.app.ID, u, ""))
		must(w.t, w.svc.WentAway(w.t.Context(), w.app.ID, u))
	}
}

// absent lists who is away, and when the visits end.
func (w *world) absent() string {
	w.t.Helper()
	var lines []string
	must(w.t, w.store.View(w.t.Context(), func(tx im.Tx) error {
		lines = nil
		all, err := tx.DueAbsences(im.Forever(), 1000)
		for _, a := range all {
			lines = append(lines, fmt.Sprintf("%s %s", a.User, span(a.Due)))
		}
		return err
	}))
	return strings.Join(lines, ", ")
}

func TestAVisitEndsAfterTheLastConnection(t *testing.T) {
	w, sessions := newOnline(t)
	w.runs()
	w.idle(time.Minute)
	w.connects(sessions, "sid")
	as(t, w, "sid").Visit("")
	as(t, w, "ann").Mute("sid", im.ForGood)
	w.idle(time.Minute) // woken by the mute
	same(t, "away", w.absent(), "")
	w.bus.Take()
	w.loses(sessions, "sid")
	same(t, "away", w.absent(), "sid 2m0s")
	w.idle(time.Minute) // and by the absence
	w.clock.Advance(time.Minute)
	w.idle(time.Minute)
	w.clock.Advance(time.Minute - time.Millisecond)
	w.want()
	w.clock.Advance(time.Millisecond)
	w.idle(time.Minute)
	room, _ := as(t, w, "app").Room()
	w.wantPlaces(fmt.Sprint("-sid lounge ", room.Version))
	w.want("lounge members_left by app [sid] of 5")
	same(t, "away", w.absent(), "")
	same(t, "muted after coming back", as(t, w, "sid").Visit(""), "6, mute for good")
}

// TestWhoComesBackStays, and has the whole time again when gone again.
func TestWhoComesBackStays(t *testing.T) {
	w, sessions := newOnline(t, "chatroom_grace_seconds=30")
	w.connects(sessions, "sid")
	as(t, w, "sid").Visit("")
	w.runs()
	w.idle(time.Minute)
	w.bus.Take()
	w.loses(sessions, "sid")
	w.idle(30 * time.Second)
	w.clock.Advance(30*time.Second - time.Millisecond)
	w.connects(sessions, "sid")
	same(t, "away", w.absent(), "")
	w.clock.Advance(time.Millisecond)
	w.idle(time.Minute)
	w.want()
	w.loses(sessions, "sid")
	same(t, "away", w.absent(), "sid 1m0s")
	w.idle(30 * time.Second)
	w.clock.Advance(30 * time.Second)
	w.idle(time.Minute)
	w.want("lounge members_left by app [sid] of 5")
}

// TestWhoStaysWithoutAConnection: the owner, admins, those who are allowed, those whom the management API added; and everybody stays
// in groups.
func TestWhoStaysWithoutAConnection(t *testing.T) {
	w, sessions := newOnline(t, "chatroom_grace_seconds=0")
	w.register("tim", "tom", "una")
	w.connects(sessions, "ann", "bob", "sid", "tim", "tom", "una")
	for _, who := range []string{"ann", "bob", "sid", "tim", "tom"} {
		as(t, w, who).Visit("")
	}
	as(t, w, "ann").AddAdmin("tim")
	as(t, w, "ann").Allow("tom")
	as(t, w, "app").of(im.Group).Create(im.NewRoom{ID: "g1", Name: "n", Owner: "ann", Public: true})
	same(t, "joined", as(t, w, "una").of(im.Group).in("g1").Apply(""), true)
	w.bus.Take()
	w.loses(sessions, "ann", "bob", "sid", "tim", "una")
	same(t, "away", w.absent(), "sid 0s")
	w.loses(sessions, "tom")
	w.runs()
	w.idle(time.Minute)
	w.want("lounge members_left by app [sid] of 7")
	same(t, "left", as(t, w, "ann").Members(), "ann! adm+ ada+ bob cat tim+ tom")
	same(t, "away", w.absent(), "")
}

// TestAnotherConnectionKeepsTheVisit, also one that was made beside the loss of the first.
func TestAnotherConnectionKeepsTheVisit(t *testing.T) {
	w, sessions := newOnline(t, "chatroom_grace_seconds=10")
	w.connects(sessions, "sid")
	as(t, w, "sid").Visit("")
	w.bus.Take()
	must(t, w.svc.WentAway(t.Context(), w.app.ID, "sid"))
	same(t, "away", w.absent(), "")
	w.runs()
	w.idle(time.Minute)
	w.loses(sessions, "sid")
	sessions.Connect(w.app.ID, "sid", im.Connection{Resource: "pad"}) // and has not opened its device yet
	w.idle(10 * time.Second)
	w.clock.Advance(10 * time.Second)
	w.idle(time.Minute)
	w.want()
	same(t, "away", w.absent(), "")
	same(t, "in", as(t, w, "sid").in(lounge).Members(), "ann! adm+ ada+ bob cat sid")
}

// TestVisitsWithoutAConnection: who comes by REST alone, or is a plain member again, is away from the beginning.
func TestVisitsWithoutAConnection(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *world)
	}{
		{"applies", func(w *world) { as(t, w, "sid").Apply("") }},
		{"is an admin no more", func(w *world) { as(t, w, "ann").RemoveAdmin("sid") }},
		{"is allowed no more", func(w *world) { as(t, w, "ann").Disallow("sid") }},
		{"owns the room no more", func(w *world) { as(t, w, "sid").Transfer("ann") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, sessions := newOnline(t)
			if c.name != "applies" {
				w.connects(sessions, "sid")
				as(t, w, "sid").Visit("")
			}
			switch c.name {
			case "is an admin no more":
				as(t, w, "ann").AddAdmin("sid")
			case "is allowed no more":
				as(t, w, "ann").Allow("sid")
			case "owns the room no more":
				as(t, w, "ann").Transfer("sid")
			}
			must(t, sessions.Disconnect(t.Context(), w.app.ID, "sid", ""))
			same(t, "away", w.absent(), "")
			c.do(w)
			same(t, "away", w.absent(), "sid 2m0s")
		})
	}
}

// TestTheGraceBeginsAnewAtTheStart for all who are not connected by then, whatever was noted before.
func TestTheGraceBeginsAnewAtTheStart(t *testing.T) {
	w, sessions := newOnline(t)
	names := w.crowd(450) // more than two rounds
	w.change("room_max_maxusers=1000")
	as(t, w, "ann").Change(im.RoomChange{MaxUsers: ptr(1000)})
	before := w.another(func(c *im.Config) { c.Sessions = nil })
	for _, n := range append(names, "sid") {
		as(t, before, n).Visit("")
	}
	same(t, "away", strings.Count(w.absent(), "2m0s"), 451)
	must(t, w.store.Update(t.Context(), func(tx im.Tx) error { return tx.EndAbsence(w.app.ID, "u007") })) // lost with the server
	w.bus.Take()
	w.clock.Advance(time.Hour)
	w.connects(sessions, "sid")
	w.runs()
	w.idle(time.Minute)
	w.want()
	same(t, "away", strings.Count(w.absent(), "1h2m0s"), 450)
	w.clock.Advance(time.Minute)
	w.idle(time.Minute)
	w.clock.Advance(time.Minute)
	w.idle(time.Minute)
	gone := 0
	for _, e := range w.bus.Take() {
		same(t, "kind", e.Kind, im.MembersLeft)
		gone += len(e.Users)
	}
	same(t, "gone", gone, 450)
	same(t, "left", as(t, w, "ann").Members(), "ann! adm+ ada+ bob cat sid")
}

// TestTwoNodesEndAnAbsenceOnce: each claims it in the transaction that ends the visits.
func TestTwoNodesEndAnAbsenceOnce(t *testing.T) {
	onEngines(t, []string{"chatroom_grace_seconds=30"}, func(t *testing.T, w *world) {
		names := w.crowd(40)
		w.furnish("second")
		other := w.another(func(*im.Config) {})
		w.runs()
		other.runs()
		w.idle(time.Minute)
		w.idle(time.Minute)
		for _, n := range names {
			as(t, w, n).Visit("")
			as(t, w, n).in("second").Visit("")
		}
		w.bus.Take()
		w.clock.Advance(time.Minute)
		w.clock.Advance(time.Minute)
		gone := map[im.RoomID]int{}
		for gone[lounge]+gone["second"] < 80 {
			e := w.bus.Await(im.MembersLeft)
			gone[e.Room] += len(e.Users)
		}
		same(t, "gone", gone, map[im.RoomID]int{lounge: 40, "second": 40})
		same(t, "left", as(t, w, "ann").Members(), "ann! adm+ ada+ bob cat")
		w.waits() // until both have ended what they claimed
		w.want()
	})
}

// TestAnAbsenceEndsBesideComingBack: either is first, and no absence is left of it.
func TestAnAbsenceEndsBesideComingBack(t *testing.T) {
	onEngines(t, []string{"chatroom_grace_seconds=0"}, func(t *testing.T, w *world) {
		w, sessions := online(w)
		for round := range 5 {
			w.connects(sessions, "sid")
			as(t, w, "sid").Visit("")
			w.loses(sessions, "sid")
			stop := w.runs()
			w.connects(sessions, "sid")
			w.waits()
			stop()
			same(t, fmt.Sprintf("away in round %d", round), w.absent(), "")
			w.loses(sessions, "sid")
			w.runs()
			for strings.Contains(w.places("sid"), "lounge") {
				w.waits()
			}
		}
	})
}

// TestWentAwayThatFails is told to who called it, and begins nothing.
func TestWentAwayThatFails(t *testing.T) {
	w, sessions := newOnline(t)
	as(t, w, "sid").Visit("")
	must(t, w.store.Update(t.Context(), func(tx im.Tx) error { return tx.EndAbsence(w.app.ID, "sid") }))
	lost := errors.New("no other node answers")
	sessions.Fail(lost)
	if err := w.svc.WentAway(t.Context(), w.app.ID, "sid"); !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
	same(t, "away", w.absent(), "")
	as(t, w, "bob").Visit("") // whoever enters has entered
	sessions.Fail(nil)
	must(t, w.svc.WentAway(t.Context(), w.app.ID+1, "sid"))
	must(t, w.svc.WentAway(t.Context(), w.app.ID, "nosuch"))
	same(t, "away", w.absent(), "")
}

// TestAbsencesOfManyVisits end one user after the other.
func TestAbsencesOfManyVisits(t *testing.T) {
	due := []im.Absence{{Visitor: im.Visitor{User: "ann"}}, {Visitor: im.Visitor{User: "bob"}}, {Visitor: im.Visitor{User: "cat"}}}
	for _, c := range []struct{ ann, bob, cat, want int }{
		{0, 0, 0, 3},
		{1, 1, 1, 3},
		{im.AbsenceVisits / 2, im.AbsenceVisits / 2, 0, 3},
		{im.AbsenceVisits / 2, im.AbsenceVisits / 2, 1, 2},
		{im.AbsenceVisits, 1, 0, 1},
		{im.AbsenceVisits + 1, 0, 0, 1},
	} {
		var visits []im.Visit
		for u, n := range map[im.Username]int{"ann": c.ann, "bob": c.bob, "cat": c.cat} {
			for range n {
				visits = append(visits, im.Visit{User: u})
			}
		}
		same(t, fmt.Sprint(c), len(im.AtOnce(due, visits)), c.want)
	}
}
