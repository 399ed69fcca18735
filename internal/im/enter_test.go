package im_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// Visit enters the chatroom over a connection and tells what the user learns, such as "6, muted, allowed, mute 1m0s".
func (a actor) Visit(ext string) string { a.t.Helper(); return a.visit(im.Entering{Ext: ext}) }

// VisitOnly is Visit that leaves all other chatrooms.
func (a actor) VisitOnly() string { a.t.Helper(); return a.visit(im.Entering{LeaveOthers: true}) }

func (a actor) visit(in im.Entering) string {
	a.t.Helper()
	got, err := a.w.svc.Enter(a.t.Context(), a.c, a.room, in)
	a.check(err)
	if err != nil {
		return ""
	}
	s := fmt.Sprint(got.Room.Members)
	if got.Room.Muted {
		s += ", muted"
	}
	if got.Allowed {
		s += ", allowed"
	}
	if !got.MutedUntil.IsZero() {
		s += ", mute " + span(got.MutedUntil)
	}
	return s
}

func TestEnter(t *testing.T) {
	w := newWorld(t)
	sid := as(t, w, "sid")
	same(t, "inside", sid.Visit("hello"), "6")
	w.want(`lounge members_joined by sid [sid] of 6 "hello"`)
	same(t, "inside again", sid.Visit("hello again"), "6")
	w.want()
	for _, m := range w.members(lounge) {
		same(t, string(m.User)+" by REST", m.ByREST, m.User != "sid")
	}
	inside, err := w.svc.Enter(t.Context(), sid.c, lounge, im.Entering{})
	must(t, err)
	room, _ := as(t, w, "app").Room()
	same(t, "the room", inside.Room, room)
	as(t, w, "zed").fails(im.ErrBlocked.For("zed").In(lounge)).Visit("")
	as(t, w, "app").fails(im.ErrUserOnly).Visit("")
	as(t, w, "nobody").fails(im.ErrUnauthenticated).Visit("")
	as(t, w, "gone").fails(im.ErrUserNotFound.For("gone").In(lounge)).Visit("")
	sid.in("nosuch").fails(im.ErrRoomNotFound.In("nosuch")).Visit("")
	sid.fails(im.ErrInvalid.With("ext")).Visit(strings.Repeat("茶", 1025))
	sid.fails(im.ErrInvalid.With("ext")).Visit("\xff")
	as(t, w, "app").of(im.Group).Create(im.NewRoom{ID: "g1", Name: "n", Owner: "ann", Public: true})
	w.bus.Take()
	sid.in("g1").fails(im.ErrRoomNotFound.In("g1")).Visit("")
	w.want()
}

func TestEnterWhenThereIsNoPlace(t *testing.T) {
	w := newWorld(t, "user_max_chatrooms=1")
	w.furnishRoom("second")
	as(t, w, "ann").Change(im.RoomChange{MaxUsers: ptr(5)})
	w.register("tim")
	w.bus.Take()
	as(t, w, "bob").in("second").fails(im.ErrTooManyRooms.For("bob").In("second")).Visit("")
	as(t, w, "tim").fails(im.ErrRoomFull.In(lounge)).Visit("")
	same(t, "who is in needs no place", as(t, w, "bob").Visit(""), "5")
	w.want()
	as(t, w, "tim").in("second").Visit("")
	as(t, w, "tim").in(lounge).fails(im.ErrRoomFull.In(lounge)).VisitOnly()
	same(t, "who cannot enter stays where they were", as(t, w, "app").Joined("tim"), "second")
}

// TestEnterTellsHowThingsStand: what a client shows at the door.
func TestEnterTellsHowThingsStand(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", time.Minute)
	as(t, w, "ann").Allow("bob")
	as(t, w, "ann").MuteRoom(true)
	w.bus.Take()
	for who, want := range map[string]string{"ann": "5, muted, allowed", "adm": "5, muted, allowed", "bob": "5, muted, allowed, mute 1m0s", "cat": "5, muted"} {
		same(t, who, as(t, w, who).Visit(""), want)
	}
	w.clock.Advance(time.Minute)
	same(t, "a mute that is over", as(t, w, "bob").Visit(""), "5, muted, allowed")
	w.want()
}

// TestAMuteSurvivesLeaving, however somebody leaves, and comes back.
func TestAMuteSurvivesLeaving(t *testing.T) {
	w := newWorld(t)
	as(t, w, "sid").Visit("")
	for _, leave := range []func(){
		as(t, w, "sid").Leave,
		func() { as(t, w, "ann").Remove("sid") },
	} {
		as(t, w, "ann").Mute("sid", time.Hour)
		leave()
		same(t, "back", as(t, w, "sid").Visit(""), "6, mute 1h0m0s")
		_, err := w.svc.Send(t.Context(), as(t, w, "sid").c, im.NewMessage{To: []im.Address{im.ToRoom(im.Chatroom, lounge)}, Body: words("x")})
		refused(t, err, im.ErrMemberMuted.For("sid").In(lounge))
	}
}

func TestLeaveOthers(t *testing.T) {
	w := newWorld(t)
	for _, id := range []im.RoomID{"added", "office", "a1", "z1"} {
		as(t, w, "app").Create(im.NewRoom{ID: id, Name: "n", Owner: "ann"})
	}
	w.register("tim")
	as(t, w, "app").in("added").Add("tim")
	for _, id := range []im.RoomID{"office", "a1", "z1"} {
		as(t, w, "tim").in(id).Visit("")
	}
	as(t, w, "ann").in("office").AddAdmin("tim")
	w.change("user_max_chatrooms=4")
	w.bus.Take()
	tim := as(t, w, "tim")
	tim.fails(im.ErrTooManyRooms).Visit("")
	same(t, "inside", tim.VisitOnly(), "6")
	w.want("a1 members_left by tim [tim] of 1", "z1 members_left by tim [tim] of 1", "lounge members_joined by tim [tim] of 6")
	same(t, "stays", tim.Joined("tim"), "office added lounge") // the newest room first: all joined at once
	same(t, "inside", tim.VisitOnly(), "6")
	w.want()
	same(t, "from within", tim.in("added").VisitOnly(), "2")
	w.want("lounge members_left by tim [tim] of 5")
	same(t, "the owner stays the owner", as(t, w, "ann").VisitOnly(), "5, allowed")
	same(t, "ann's", as(t, w, "ann").in("a1").Members(), "ann!")
}
