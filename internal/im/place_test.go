package im_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"teahouse/internal/im"
)

// wantPlaces compares the events about places since the last look, as lines such as "+bob lounge 3": who entered (+) or left (-)
// what, by which version of the room.
func (w *world) wantPlaces(lines ...string) {
	w.t.Helper()
	var got []string
	for _, e := range w.bus.TakePlaces() {
		mark := map[im.EventKind]string{im.RoomEntered: "+", im.RoomLeft: "-"}[e.Kind]
		got = append(got, fmt.Sprintf("%s%s %s %d", mark, e.Users[0], e.Room, e.Version))
		if e.Topic != im.UserTopic(w.app.ID, e.Users[0]) || len(e.Users) != 1 || e.RoomKind != kindOfName(e.Room) || e.App != w.app.ID {
			w.t.Errorf("got the event %+v", e)
		}
	}
	same(w.t, "places", strings.Join(got, ", "), strings.Join(lines, ", "))
}

func kindOfName(id im.RoomID) im.RoomKind {
	if id == crew || strings.HasPrefix(string(id), "g") {
		return im.Group
	}
	return im.Chatroom
}

// places is where a user hears what happens, as "lounge 3", by the room's name.
func (w *world) places(user string) string {
	w.t.Helper()
	all, err := w.svc.RoomPlaces(w.t.Context(), im.UserCaller(w.app, im.Username(user)))
	must(w.t, err)
	var lines []string
	for _, p := range all {
		if p.Kind != kindOfName(p.Room) {
			w.t.Errorf("%s is of kind %d", p.Room, p.Kind)
		}
		line := fmt.Sprintf("%s %d", p.Room, p.Version)
		if p.Shielded {
			line += " shielded"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

func TestRoomPlaces(t *testing.T) {
	w := newCrew(t)
	same(t, "a stranger's", w.places("sid"), "")
	before, _ := as(t, w, "app").Room()
	as(t, w, "ann").Announce("hi")
	same(t, "with the room's version", strings.Contains(w.places("bob"), fmt.Sprintf("lounge %d", before.Version+1)), true)
	as(t, w, "bob").Shield("bob", true)
	same(t, "also what is shielded", strings.Contains(w.places("bob"), fmt.Sprintf("lounge %d shielded", before.Version+2)), true)
	_, err := w.svc.RoomPlaces(t.Context(), im.AppCaller(w.app))
	refused(t, err, im.ErrUserOnly)
	_, err = w.svc.RoomPlaces(t.Context(), im.Nobody(w.app))
	refused(t, err, im.ErrUnauthenticated)
}

// TestPlacesAreTold to those who hold connections, however a membership begins or ends.
func TestPlacesAreTold(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *world)
		want string // of "lounge" or "crew", with %d for the versions one above that before
	}{
		{"added", func(w *world) { as(t, w, "ann").AddAll("sid", "zed") }, "+sid lounge %d, +zed lounge %d"},
		{"applied", func(w *world) { as(t, w, "sid").Apply("") }, "+sid lounge %d"},
		{"entered", func(w *world) { as(t, w, "sid").Visit("") }, "+sid lounge %d"},
		{"removed", func(w *world) { as(t, w, "ann").RemoveAll("bob", "cat") }, "-bob lounge %d, -cat lounge %d"},
		{"blocked", func(w *world) { as(t, w, "ann").Block("bob") }, "-bob lounge %d"},
		{"left", func(w *world) { as(t, w, "bob").Leave() }, "-bob lounge %d"},
		{"was there already", func(w *world) { as(t, w, "bob").Visit("") }, ""},
		{"a new owner", func(w *world) { as(t, w, "ann").Transfer("bob") }, ""},
		{"destroyed", func(w *world) { as(t, w, "ann").Destroy() }, ""},
		{"muted", func(w *world) { as(t, w, "ann").Mute("bob", im.ForGood) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			room, _ := as(t, w, "app").Room()
			c.do(w)
			w.wantPlaces(strings.ReplaceAll(c.want, "%d", fmt.Sprint(room.Version+1)))
		})
	}
}

func TestPlacesInGroupsAreTold(t *testing.T) {
	w := newCrew(t)
	w.openTo("public invites")
	now := func() string {
		r, _ := inGroup(t, w, "app", crew).Room()
		return fmt.Sprint(r.Version)
	}
	inGroup(t, w, "bob", crew).Invite("", "sid")
	w.wantPlaces()
	inGroup(t, w, "sid", crew).AnswerInvitation("sid", true, "")
	w.wantPlaces("+sid crew " + now())
	inGroup(t, w, "sid", crew).Leave()
	w.wantPlaces("-sid crew " + now())
	inGroup(t, w, "app", crew).Invite("", "sid")
	w.wantPlaces("+sid crew " + now())
	as(t, w, "app").DeleteUser("sid")
	w.wantPlaces("-sid crew " + now())
	as(t, w, "app").of(im.Group).Create(im.NewRoom{ID: "g2", Name: "n", Owner: "ann", Members: []string{"bob"}})
	w.wantPlaces("+ann g2 1", "+bob g2 1")
	as(t, w, "app").DeleteUser("ann") // whose rooms go
	w.wantPlaces()
	same(t, "bob's", w.places("bob"), "")
}

// TestAPlaceIsTakenBeforeTheRoomIsTold and given up after it, so that who comes and goes is told as well.
func TestAPlaceIsTakenBeforeTheRoomIsTold(t *testing.T) {
	w := newWorld(t)
	var heard []string
	note := func(e im.Event) { heard = append(heard, string(e.Kind)) }
	for _, topic := range []im.Topic{im.RoomTopic(w.app.ID, lounge), im.UserTopic(w.app.ID, "sid"), im.RoomTopic(w.app.ID, "new")} {
		cancel, err := w.bus.Subscribe(topic, note)
		must(t, err)
		t.Cleanup(cancel)
	}
	as(t, w, "ann").Add("sid")
	as(t, w, "ann").Remove("sid")
	as(t, w, "app").Create(im.NewRoom{ID: "new", Name: "n", Owner: "sid"})
	same(t, "heard", strings.Join(heard, " "), "room_entered members_joined members_removed room_left room_entered room_created")
}

// TestPlacesOfAHurry: what is heard while places are read, applied by version, ends where the store stands.
func TestPlacesOfAHurry(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		var mu sync.Mutex
		seen := map[im.RoomID]im.Event{} // guarded by mu
		cancel, err := w.bus.Subscribe(im.UserTopic(w.app.ID, "sid"), func(e im.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Version > seen[e.Room].Version {
				seen[e.Room] = e
			}
		})
		must(t, err)
		defer cancel()
		ctx := context.WithoutCancel(t.Context())
		ids := []im.RoomID{lounge, "second", "third"}
		w.furnish("second")
		w.furnish("third")
		var fns []func() error
		for i := range 12 {
			fns = append(fns, func() error {
				_, err := w.svc.Enter(ctx, im.UserCaller(w.app, "sid"), ids[i%3], im.Entering{LeaveOthers: i%2 == 0})
				return err
			})
		}
		for _, err := range together(fns...) {
			must(t, err)
		}
		in := w.places("sid")
		for id, e := range seen {
			same(t, string(id), e.Kind == im.RoomEntered, strings.Contains(in, string(id)+" "))
		}
	})
}
