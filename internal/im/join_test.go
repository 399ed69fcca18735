package im_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// openTo changes the crew: "public", "members" for members only, "invites" for invitations by all, "unasked" for who is
// invited is in.
func (w *world) openTo(how string) {
	w.t.Helper()
	has := func(word string) *bool { return ptr(slices.Contains(strings.Fields(how), word)) }
	inGroup(w.t, w, "ann", crew).Change(im.RoomChange{Public: has("public"), MembersOnly: has("members"), AllowInvites: has("invites"),
		InviteNeedConfirm: ptr(!*has("unasked"))})
	w.bus.Take()
}

func TestLeave(t *testing.T) {
	for _, kind := range []im.RoomKind{im.Chatroom, im.Group} {
		w := newCrew(t)
		room, name := lounge, "lounge"
		if kind == im.Group {
			room, name = crew, "crew(group)"
		}
		act := func(who string) actor { return as(t, w, who).of(kind).in(room) }
		act("bob").Leave()
		act("adm").Leave()
		w.want(name+" members_left by bob [bob] of 4", name+" members_left by adm [adm] of 3")
		act("bob").fails(im.ErrNotMember.For("bob").In(room)).Leave()
		act("ann").fails(im.ErrOnOwner.For("ann").In(room)).Leave()
		act("app").fails(im.ErrUserOnly).Leave()
		same(t, "members", act("ann").Members(), "ann! ada+ cat")
		w.want()
	}
}

func TestJoinAChatroom(t *testing.T) {
	w := newWorld(t)
	sid := as(t, w, "sid")
	same(t, "joined", sid.Apply("hello"), true)
	w.want("lounge members_joined by sid [sid] of 6")
	same(t, "joined", sid.Apply(""), true)
	as(t, w, "zed").fails(im.ErrBlocked.For("zed").In(lounge)).Apply("")
	as(t, w, "app").fails(im.ErrUserOnly).Apply("")
	as(t, w, "gone").fails(im.ErrUserNotFound.For("gone").In(lounge)).Apply("")
	sid.fails(im.ErrInvalid.With("message")).Apply(strings.Repeat("茶", 1025))
	w.want()
	_, err := w.svc.MembersPage(t.Context(), sid.c, im.Chatroom, lounge, im.Page{Number: 1, Size: 9})
	must(t, err)
	for _, m := range w.members(lounge) {
		if m.ByREST != (m.User != "sid") {
			t.Errorf("%s: by REST is %v", m.User, m.ByREST)
		}
	}
}

func (w *world) members(id im.RoomID) []im.Member {
	w.t.Helper()
	all, err := w.svc.MembersPage(w.t.Context(), im.AppCaller(w.app), im.Chatroom, id, im.Page{Number: 1, Size: 99})
	must(w.t, err)
	return all
}

func TestJoinWhenThereIsNoPlace(t *testing.T) {
	w := newCrew(t, "user_max_chatrooms=1")
	w.openTo("public")
	w.furnishRoom("second")
	as(t, w, "bob").in("second").fails(im.ErrTooManyRooms.For("bob")).Apply("")
	as(t, w, "ann").Change(im.RoomChange{MaxUsers: ptr(5)})
	inGroup(t, w, "ann", crew).Change(im.RoomChange{MaxUsers: ptr(5)})
	w.bus.Take()
	as(t, w, "sid").fails(im.ErrRoomFull.In(lounge)).Apply("")
	inGroup(t, w, "sid", crew).fails(im.ErrRoomFull.In(crew)).Apply("")
	w.openTo("public members")
	inGroup(t, w, "sid", crew).fails(im.ErrRoomFull.In(crew)).Apply("")
	as(t, w, "bob").Apply("") // is in
	w.want()
}

// furnishRoom makes a chatroom of sid's.
func (w *world) furnishRoom(id im.RoomID) {
	w.t.Helper()
	as(w.t, w, "app").Create(im.NewRoom{ID: id, Name: "n", Owner: "sid"})
}

func TestApplyToAGroup(t *testing.T) {
	w := newCrew(t)
	sid, zed := inGroup(t, w, "sid", crew), inGroup(t, w, "zed", crew)
	sid.fails(im.ErrRoomPrivate.In(crew)).Apply("")
	w.openTo("members")
	sid.fails(im.ErrRoomPrivate.In(crew)).Apply("")
	w.openTo("public")
	zed.fails(im.ErrBlocked.For("zed").In(crew)).Apply("")
	same(t, "joined", sid.Apply(""), true)
	w.want("crew(group) members_joined by sid [sid] of 6")
	inGroup(t, w, "app", crew).Disable(true)
	sid.fails(im.ErrRoomDisabled.In(crew)).Apply("")
}

func TestApplications(t *testing.T) {
	w := newCrew(t)
	w.openTo("public members")
	w.register("tim")
	sid, tim, adm := inGroup(t, w, "sid", crew), inGroup(t, w, "tim", crew), inGroup(t, w, "adm", crew)
	same(t, "joined", sid.Apply("please"), false)
	w.want(`notice @ann crew(group) join_applied by sid [sid] "please"`, `notice @adm crew(group) join_applied by sid [sid] "please"`, `notice @ada crew(group) join_applied by sid [sid] "please"`)
	sid.Apply("please")
	w.want()
	w.clock.Advance(time.Second)
	sid.Apply("pretty please")
	tim.Apply("")
	same(t, "told again of other words", len(w.bus.Take()), 6)
	for _, who := range []string{"ann", "adm"} {
		same(t, "awaiting "+who, as(t, w, who).Awaiting(who), "crew?sid pretty please, crew?tim ")
	}
	same(t, "awaiting a member", as(t, w, "bob").Awaiting("bob"), "")
	same(t, "awaiting who applies", as(t, w, "app").Awaiting("sid"), "")
	as(t, w, "bob").fails(im.ErrNotSelf).Awaiting("ann")

	adm.AnswerApplication("Sid", true, "welcome")
	w.want("crew(group) members_joined by adm [sid] of 6", `notice @sid crew(group) join_accepted by adm [sid] "welcome"`)
	adm.AnswerApplication("sid", true, "")
	w.want()
	adm.AnswerApplication("tim", false, "no")
	w.want(`notice @tim crew(group) join_declined by adm [tim] "no"`)
	same(t, "members", adm.Members(), "ann! adm+ ada+ bob cat sid")
	for _, accept := range []bool{true, false} {
		adm.fails(im.ErrNotPending.For("tim").In(crew)).AnswerApplication("tim", accept, "")
	}
	adm.fails(im.ErrNotPending.For("sid").In(crew)).AnswerApplication("sid", false, "")
	adm.fails(im.ErrUserNotFound.For("eve").In(crew)).AnswerApplication("eve", true, "")
	adm.fails(im.ErrInvalid.With("reason")).AnswerApplication("tim", true, strings.Repeat("x", 1025))
	same(t, "awaiting", as(t, w, "ann").Awaiting("ann"), "")
	w.want()
}

func TestAcceptingIntoAFullGroup(t *testing.T) {
	w := newCrew(t)
	w.openTo("public members")
	inGroup(t, w, "sid", crew).Apply("")
	ann := inGroup(t, w, "ann", crew)
	ann.Change(im.RoomChange{MaxUsers: ptr(5)})
	w.bus.Take()
	ann.fails(im.ErrRoomFull.In(crew)).AnswerApplication("sid", true, "")
	w.want()
	ann.Change(im.RoomChange{MaxUsers: ptr(6)})
	ann.AnswerApplication("sid", true, "")
}

func TestInvitations(t *testing.T) {
	w := newCrew(t)
	w.register("tim")
	ann, bob, sid := inGroup(t, w, "ann", crew), inGroup(t, w, "bob", crew), inGroup(t, w, "sid", crew)
	bob.fails(im.ErrForbidden).Invite("", "sid")
	same(t, "invited", ann.Invite("come", "Sid", "cat", "eve", "zed"), "sid ok, cat already_member, eve user_not_found, zed blocked")
	w.want(`notice @sid crew(group) invited by ann [sid] "come"`)
	same(t, "again", ann.Invite("come", "sid"), "sid ok")
	w.want()
	w.openTo("invites members")
	same(t, "by another", bob.Invite("come", "sid", "tim"), "sid ok, tim ok")
	w.want(`notice @sid crew(group) invited by bob [sid] "come"`, `notice @tim crew(group) invited by bob [tim] "come"`)
	same(t, "awaiting", as(t, w, "sid").Awaiting("sid"), "crew<bob come")

	sid.AnswerInvitation("Sid", true, "thanks")
	w.want("crew(group) members_joined by sid [sid] of 6", `notice @bob crew(group) invite_accepted by sid [sid] "thanks"`)
	sid.AnswerInvitation("sid", true, "")
	w.want()
	inGroup(t, w, "tim", crew).AnswerInvitation("tim", false, "busy")
	w.want(`notice @bob crew(group) invite_declined by tim [tim] "busy"`)
	same(t, "members", ann.Members(), "ann! adm+ ada+ bob cat sid")
	for _, accept := range []bool{true, false} {
		inGroup(t, w, "tim", crew).fails(im.ErrNotPending.For("tim").In(crew)).AnswerInvitation("tim", accept, "")
	}
	ann.fails(im.ErrNotSelf).AnswerInvitation("tim", true, "")
	ann.fails(im.ErrAlreadyMember.For("sid").In(crew)).Invite("", "sid")
	ann.fails(im.ErrInvalid.With("message")).Invite(strings.Repeat("x", 1025), "tim")
	sid.fails(im.ErrInvalid.With("reason")).AnswerInvitation("sid", false, strings.Repeat("x", 1025))
	w.want()
}

func TestInvitedAndInAtOnce(t *testing.T) {
	w := newCrew(t)
	w.register("tim")
	same(t, "by the app", inGroup(t, w, "app", crew).Invite("", "sid"), "sid ok")
	w.want("crew(group) members_joined by app [sid] of 6", "notice @sid crew(group) members_joined by app [sid]")
	w.openTo("invites unasked members")
	same(t, "unasked", inGroup(t, w, "bob", crew).Invite("", "tim"), "tim ok")
	w.want("crew(group) members_joined by bob [tim] of 7", "notice @tim crew(group) members_joined by bob [tim]")
	inGroup(t, w, "ann", crew).Change(im.RoomChange{MaxUsers: ptr(7)})
	inGroup(t, w, "ann", crew).Unblock("zed")
	w.bus.Take()
	inGroup(t, w, "bob", crew).fails(im.ErrTooManyMembers.In(crew)).Invite("", "zed")
	w.openTo("")
	inGroup(t, w, "ann", crew).fails(im.ErrRoomFull.In(crew)).Invite("", "zed")
	w.want()
}

// TestBothWantIt: an application and an invitation need no further answer.
func TestBothWantIt(t *testing.T) {
	w := newCrew(t)
	w.register("tim")
	w.openTo("public members")
	inGroup(t, w, "sid", crew).Apply("")
	inGroup(t, w, "ann", crew).Invite("", "tim")
	w.bus.Take()
	same(t, "who has applied is invited", inGroup(t, w, "ann", crew).Invite("", "sid"), "sid ok")
	same(t, "who was invited applies", inGroup(t, w, "tim", crew).Apply(""), true)
	w.want("crew(group) members_joined by ann [sid] of 6", "notice @sid crew(group) members_joined by ann [sid]", "crew(group) members_joined by tim [tim] of 7")
	same(t, "awaiting", as(t, w, "ann").Awaiting("ann")+as(t, w, "tim").Awaiting("tim"), "")
}

// TestWhoIsInvitedIntoAPrivateGroupMayApply, which only others may not.
func TestWhoIsInvitedIntoAPrivateGroupMayApply(t *testing.T) {
	w := newCrew(t)
	inGroup(t, w, "ann", crew).Invite("", "sid")
	same(t, "joined", inGroup(t, w, "sid", crew).Apply(""), true)
}

// TestAsksAreAnsweredByWhateverHappens to the user or the group.
func TestAsksAreAnsweredByWhateverHappens(t *testing.T) {
	for name, happens := range map[string]func(w *world){
		"added":             func(w *world) { inGroup(w.t, w, "ann", crew).Add("sid"); inGroup(w.t, w, "sid", crew).Leave() },
		"user deleted":      func(w *world) { as(w.t, w, "app").DeleteUser("sid"); w.register("sid") },
		"group destroyed":   func(w *world) { inGroup(w.t, w, "ann", crew).Destroy(); w.furnishGroup(crew) },
		"too long ago":      func(w *world) { w.clock.Advance(30 * 24 * time.Hour) },
		"applicant invited": func(w *world) { inGroup(w.t, w, "ann", crew).Invite("", "sid"); inGroup(w.t, w, "sid", crew).Leave() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newCrew(t)
			w.openTo("public members")
			inGroup(t, w, "sid", crew).Apply("please")
			happens(w)
			w.openTo("public members")
			same(t, "awaiting", as(t, w, "ann").Awaiting("ann"), "")
			inGroup(t, w, "ann", crew).fails(im.ErrNotPending.For("sid").In(crew)).AnswerApplication("sid", true, "")
			same(t, "applies again", inGroup(t, w, "sid", crew).Apply("please"), false)
			same(t, "is told of again", len(w.bus.Take()), 3)
		})
	}
}

func TestTheInvitersDeletionEndsInvitations(t *testing.T) {
	w := newCrew(t)
	inGroup(t, w, "adm", crew).Invite("", "sid")
	as(t, w, "app").DeleteUser("adm")
	inGroup(t, w, "sid", crew).fails(im.ErrNotPending).AnswerInvitation("sid", true, "")
}

func TestLimitsOfAsks(t *testing.T) {
	w := newCrew(t, "group_max_pending=3", "user_max_pending=2")
	names := w.crowd(5)
	w.register("eve")
	w.openTo("public members")
	ann := inGroup(t, w, "ann", crew)
	for _, n := range names[:3] {
		inGroup(t, w, n, crew).Apply("")
	}
	inGroup(t, w, "u003", crew).fails(im.ErrTooManyAsks.For("u003").In(crew)).Apply("")
	same(t, "one who waits may repeat it", inGroup(t, w, "u002", crew).Apply("now"), false)
	ann.AnswerApplication("u002", false, "")
	inGroup(t, w, "u003", crew).Apply("")
	w.bus.Take()
	same(t, "as many invitations", ann.Invite("", "sid", "u002"), "sid ok, u002 ok")
	ann.fails(im.ErrTooManyAsks.For("eve").In(crew)).Invite("", "u004", "eve")
	same(t, "all or nothing", as(t, w, "app").Awaiting("u004"), "")
}

func TestLimitsOfAsksOfAUser(t *testing.T) {
	w := newCrew(t, "user_max_pending=2")
	for i := range 3 {
		inGroup(t, w, "app", im.RoomID(fmt.Sprintf("g%d", i))).Create(im.NewRoom{ID: im.RoomID(fmt.Sprintf("g%d", i)), Name: "n", Owner: "ann", Public: true, MembersOnly: true})
	}
	sid := as(t, w, "sid").of(im.Group)
	for _, id := range []im.RoomID{"g0", "g1"} {
		sid.in(id).Apply("")
		inGroup(t, w, "ann", id).Invite("", "cat")
	}
	sid.in("g2").fails(im.ErrTooManyAsks.For("sid").In("g2")).Apply("")
	inGroup(t, w, "ann", "g2").fails(im.ErrTooManyAsks.For("cat").In("g2")).Invite("", "bob", "cat")
	same(t, "all or nothing", as(t, w, "bob").Awaiting("bob"), "")
	inGroup(t, w, "cat", "g0").AnswerInvitation("cat", false, "")
	inGroup(t, w, "ann", "g2").Invite("", "bob", "cat")
	same(t, "awaiting", as(t, w, "cat").Awaiting("cat"), "g1<ann , g2<ann ")
}

// TestOldAsksAreForgotten also by the store.
func TestOldAsksAreForgotten(t *testing.T) {
	w := newCrew(t, "pending_days=2", "user_max_pending=1")
	w.openTo("public members")
	inGroup(t, w, "sid", crew).Apply("")
	w.clock.Advance(48 * time.Hour)
	inGroup(t, w, "app", crew).Create(im.NewRoom{ID: "other", Name: "n", Owner: "ann", Public: true, MembersOnly: true})
	w.runs()
	w.waits()
	room := im.Room{App: w.app.ID, ID: crew, Kind: im.Group}
	must(t, w.store.View(t.Context(), func(tx im.Tx) error {
		left, err := tx.Pending(room, []im.Username{"sid"})
		same(t, "left", len(left), 0)
		return err
	}))
	same(t, "joined", inGroup(t, w, "sid", "other").Apply(""), false)
}

func TestNoAskBringsInWhoIsBlocked(t *testing.T) {
	w := newCrew(t)
	ann, sid, blocked := inGroup(t, w, "ann", crew), inGroup(t, w, "sid", crew), im.ErrBlocked.For("sid").In(crew)
	w.openTo("public members")
	sid.Apply("please")
	ann.Block("sid")
	ann.fails(blocked).AnswerApplication("sid", true, "")
	ann.AnswerApplication("sid", false, "")
	ann.Unblock("sid")
	ann.Invite("come", "sid")
	ann.Block("sid")
	sid.fails(blocked).AnswerInvitation("sid", true, "")
	inGroup(t, w, "app", crew).fails(blocked).AnswerInvitation("sid", true, "")
	same(t, "members", ann.Members(), "ann! adm+ ada+ bob cat")
	sid.AnswerInvitation("sid", false, "")
}
