package im_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// crew is the group of the tests of groups.
const crew im.RoomID = "crew"

// newCrew is a world whose group "crew" has the people of the lounge in it.
func newCrew(t *testing.T, settings ...string) *world {
	t.Helper()
	w := newWorld(t, settings...)
	w.furnishGroup(crew)
	w.bus.Take()
	return w
}

// furnishGroup makes a group with the people of the lounge in it.
func (w *world) furnishGroup(id im.RoomID) {
	w.t.Helper()
	w.furnishAs(im.Group, id)
}

// inGroup has somebody act in a group.
func inGroup(t testing.TB, w *world, who string, id im.RoomID) actor {
	return as(t, w, who).of(im.Group).in(id)
}

func TestAnyUserCreatesAGroup(t *testing.T) {
	w := newWorld(t)
	bob := as(t, w, "bob").of(im.Group)
	bob.Create(im.NewRoom{ID: crew, Name: "Bob's", Owner: "ann", Members: []string{"cat"}, Public: true, MembersOnly: true,
		AllowInvites: true, InviteNeedConfirm: ptr(false), Avatar: "https://a/b.png"})
	w.want("crew(group) room_created by bob [bob cat] of 2", "notice @cat crew(group) members_joined by bob [cat]")
	stored, roster := bob.in(crew).Room()
	same(t, "roster", roster, "bob! cat")
	same(t, "group", stored, im.Room{App: w.app.ID, ID: crew, Kind: im.Group, Name: "Bob's", Owner: "bob", MaxUsers: 200, Members: 2,
		Public: true, MembersOnly: true, AllowInvites: true, Avatar: "https://a/b.png", Created: w.clock.Now(), Seq: 1, Version: 1})
	bare, _ := bob.in(bob.Create(im.NewRoom{Name: "bare"}).ID).Room()
	same(t, "who is invited is asked", []bool{bare.Public, bare.MembersOnly, bare.AllowInvites, bare.InviteNeedConfirm}, []bool{false, false, false, true})
	as(t, w, "nobody").of(im.Group).fails(im.ErrUnauthenticated).Create(im.NewRoom{Name: "n", Owner: "ann"})
	chat := as(t, w, "app").Create(im.NewRoom{Name: "n", Owner: "ann", Public: true, MembersOnly: true, AllowInvites: true, Avatar: "a"})
	same(t, "a chatroom has none of it", []any{chat.Public, chat.MembersOnly, chat.AllowInvites, chat.InviteNeedConfirm, chat.Avatar},
		[]any{false, false, false, false, ""})
}

func TestPlacesOfGroups(t *testing.T) {
	w := newWorldSmall(t, "group_default_maxusers=7", "group_max_maxusers=9", "room_max_maxusers=5")
	app := as(t, w, "app").of(im.Group)
	same(t, "default", app.Create(im.NewRoom{Name: "n", Owner: "ann"}).MaxUsers, 7)
	app.Create(im.NewRoom{ID: crew, Name: "n", Owner: "ann", MaxUsers: ptr(9)})
	app.fails(im.ErrMaxUsersHigh.With("9")).Create(im.NewRoom{Name: "n", Owner: "ann", MaxUsers: ptr(10)})
	app.in(crew).fails(im.ErrMaxUsersHigh.With("9")).Change(im.RoomChange{MaxUsers: ptr(10)})
	as(t, w, "app").fails(im.ErrMaxUsersHigh.With("5")).Create(im.NewRoom{Name: "n", Owner: "ann", MaxUsers: ptr(6)})
	w.change("group_max_maxusers=5")
	same(t, "not above the cap", as(t, w, "app").of(im.Group).Create(im.NewRoom{Name: "n", Owner: "ann"}).MaxUsers, 5)
	inGroup(t, w, "app", crew).Change(im.RoomChange{Name: ptr("made under a higher cap")})
}

func TestChangeGroup(t *testing.T) {
	w := newCrew(t)
	ann := inGroup(t, w, "ann", crew)
	was, _ := ann.Room()
	long := strings.Repeat("茶", 1024)
	for _, step := range []struct {
		change im.RoomChange
		told   string
		want   func(*im.Room)
	}{
		{im.RoomChange{Public: ptr(true)}, " public=true", func(r *im.Room) { r.Public = true }},
		{im.RoomChange{MembersOnly: ptr(true)}, " members_only=true", func(r *im.Room) { r.MembersOnly = true }},
		{im.RoomChange{AllowInvites: ptr(true)}, " allow_user_invites=true", func(r *im.Room) { r.AllowInvites = true }},
		{im.RoomChange{InviteNeedConfirm: ptr(false)}, " invite_need_confirm=false", func(r *im.Room) { r.InviteNeedConfirm = false }},
		{im.RoomChange{Avatar: &long}, " avatar=" + long, func(r *im.Room) { r.Avatar = long }},
		{im.RoomChange{Public: ptr(false), Avatar: ptr("")}, " avatar= public=false", func(r *im.Room) { r.Public, r.Avatar = false, "" }},
	} {
		ann.Change(step.change)
		w.want("crew(group) room_updated by ann [] of 5" + step.told)
		step.want(&was)
		was.Version++
		got, _ := ann.Room()
		same(t, "group", got, was)
	}
	ann.fails(im.ErrInvalid.With("avatar")).Change(im.RoomChange{Avatar: ptr(long + "茶")})
	as(t, w, "ann").of(im.Group).fails(im.ErrInvalid.With("avatar")).Create(im.NewRoom{Name: "n", Avatar: long + "茶"})
	ann.Change(im.RoomChange{Name: ptr("Bob's"), AllowInvites: ptr(false), NewOwner: ptr("bob")})
	got, roster := ann.Room()
	same(t, "settings and owner", []any{got.Name, got.AllowInvites, roster}, []any{"Bob's", false, "bob! ann adm+ ada+ cat"})
	as(t, w, "ann").Change(im.RoomChange{Public: ptr(true), Avatar: ptr("a")})
	chat, _ := as(t, w, "ann").Room()
	same(t, "a chatroom has none of it", []any{chat.Public, chat.Avatar}, []any{false, ""})
}

func TestADisabledGroup(t *testing.T) {
	w := newCrew(t)
	app, ann, cat := inGroup(t, w, "app", crew), inGroup(t, w, "ann", crew), inGroup(t, w, "cat", crew)
	for who, want := range map[string]*im.Error{"ann": im.ErrAppOnly, "nobody": im.ErrUnauthenticated} {
		inGroup(t, w, who, crew).fails(want).Disable(true)
	}
	app.Disable(true)
	app.Disable(true)
	w.want("crew(group) room_disabled by app [] of 5")
	room, roster := cat.Room()
	same(t, "it is still read", []any{room.Disabled, roster}, []any{true, "ann! adm+ ada+ bob cat"})
	disabled := im.ErrRoomDisabled.In(crew)
	for _, a := range []actor{app, ann} {
		a.fails(disabled).Add("sid")
		a.fails(disabled).Remove("bob")
		a.fails(disabled).Change(im.RoomChange{Name: ptr("n")})
		a.fails(disabled).Mute("bob", time.Hour)
		a.fails(disabled).Announce("n")
		a.fails(disabled).Send(saying("x", im.ToRoom(im.Group, crew)))
	}
	ann.fails(disabled).Destroy()
	cat.fails(im.ErrForbidden.In(crew)).Destroy()
	cat.fails(disabled).Remove("cat")
	w.want()
	app.Disable(false)
	w.want("crew(group) room_enabled by app [] of 5")
	ann.Add("sid")
	app.Disable(true)
	app.Destroy()
	app.fails(im.ErrRoomNotFound.In(crew)).Disable(true)
}

func TestADeletedUserLeavesADisabledGroup(t *testing.T) {
	w := newCrew(t)
	inGroup(t, w, "app", crew).Disable(true)
	as(t, w, "app").DeleteUser("cat")
	same(t, "members", inGroup(t, w, "ann", crew).Members(), "ann! adm+ ada+ bob")
	as(t, w, "app").DeleteUser("ann")
	inGroup(t, w, "bob", crew).fails(im.ErrRoomNotFound.In(crew)).Members()
}

func TestPlainMembersAddWhereInvitesAreAllowed(t *testing.T) {
	w := newCrew(t)
	ann, bob := inGroup(t, w, "ann", crew), inGroup(t, w, "bob", crew)
	bob.fails(im.ErrForbidden.In(crew)).Add("sid")
	ann.Change(im.RoomChange{AllowInvites: ptr(true)})
	w.bus.Take()
	bob.Add("sid")
	w.want("crew(group) members_joined by bob [sid] of 6", "notice @sid crew(group) members_joined by bob [sid]")
	w.register("tim", "tom")
	same(t, "several", bob.AddAll("tim", "sid", "tom"), "tim tom")
	bob.fails(im.ErrBlocked.In(crew).For("zed")).Add("zed")
	inGroup(t, w, "zed", crew).fails(im.ErrForbidden.In(crew)).Add("zed")
	as(t, w, "app").Register("eve", "")
	inGroup(t, w, "eve", crew).fails(im.ErrForbidden.In(crew)).Add("eve")
	same(t, "the block stands", ann.Blocks(), "zed")
	inGroup(t, w, "adm", crew).Add("zed")
	bob.fails(im.ErrForbidden.In(crew)).Remove("tim")
}

func TestAdminsDescribeAGroup(t *testing.T) {
	w := newCrew(t)
	adm := inGroup(t, w, "adm", crew)
	adm.Change(im.RoomChange{Name: ptr("n"), Description: ptr("d"), Custom: ptr("c"), Avatar: ptr("a")})
	room, _ := adm.Room()
	same(t, "described", []string{room.Name, room.Description, room.Custom, room.Avatar}, []string{"n", "d", "c", "a"})
	for _, ch := range []im.RoomChange{
		{MaxUsers: ptr(100)}, {Public: ptr(true)}, {MembersOnly: ptr(true)}, {AllowInvites: ptr(true)}, {InviteNeedConfirm: ptr(false)},
		{NewOwner: ptr("adm")}, {Name: ptr("x"), MaxUsers: ptr(100)},
	} {
		adm.fails(im.ErrForbidden.In(crew)).Change(ch)
	}
	inGroup(t, w, "bob", crew).fails(im.ErrForbidden.In(crew)).Change(im.RoomChange{Name: ptr("x")})
	as(t, w, "adm").fails(im.ErrForbidden.In(lounge)).Change(im.RoomChange{Name: ptr("x")})
}

func TestPublicGroups(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app").of(im.Group)
	for i, id := range strings.Fields("g1 g2 g3 g4 g5") {
		app.Create(im.NewRoom{ID: im.RoomID(id), Name: id, Owner: "ann", Public: i%2 == 0})
	}
	page := func(after int64) (string, int64) {
		rooms, next, err := w.svc.PublicGroups(t.Context(), as(t, w, "sid").c, after, 2)
		must(t, err)
		return roomLine(rooms), next
	}
	line, next := page(0)
	same(t, "newest first", line, "g5 g3")
	app.in("g4").Change(im.RoomChange{Public: ptr(true)})
	app.in("g2").Change(im.RoomChange{Public: ptr(true)})
	line, next = page(next)
	same(t, "the rest", line, "g2 g1")
	same(t, "no more", next, int64(0))
}

func TestMemberships(t *testing.T) {
	w := newCrew(t)
	as(t, w, "app").of(im.Group).Create(im.NewRoom{ID: "g2", Name: "n", Owner: "adm", Members: []string{"bob"}})
	same(t, "with roles", inGroup(t, w, "adm", "").Memberships("ADM"), "g2=2 crew=1 of 2")
	same(t, "plain", inGroup(t, w, "app", "").Memberships("bob"), "g2=0 crew=0 of 2")
	same(t, "chatrooms", as(t, w, "ann").Memberships("ann"), "lounge=2 of 1")
	same(t, "nobody's", as(t, w, "sid").Memberships("sid"), " of 0")
	same(t, "count", inGroup(t, w, "bob", "").JoinedCount("Bob"), 2)
	list, total, err := w.svc.Memberships(t.Context(), as(t, w, "app").c, "bob", im.Group, im.Page{Number: 2, Size: 1})
	must(t, err)
	same(t, "a page", []any{len(list), list[0].ID, total}, []any{1, crew, 2})
	for who, want := range map[string]bool{"BOB": true, "zed": false, "sid": false, "eve": false} {
		got, err := w.svc.IsMember(t.Context(), as(t, w, "sid").c, im.Group, crew, who)
		must(t, err)
		same(t, who, got, want)
	}
}

// TestDetailsTellTheRole: a user who asks learns the own role.
func TestDetailsTellTheRole(t *testing.T) {
	w := newCrew(t)
	for who, want := range map[string]im.Role{"ann": im.Owner, "adm": im.Admin, "bob": im.Plain, "sid": im.Stranger, "app": im.Stranger} {
		d, err := w.svc.RoomDetails(t.Context(), as(t, w, who).c, im.Group, []im.RoomID{crew})
		must(t, err)
		same(t, who, d[0].Role, want)
	}
	inGroup(t, w, "bob", crew).Shield("bob", true)
	for who, want := range map[string]bool{"ann": false, "bob": true, "sid": false, "app": false} {
		d, err := w.svc.RoomDetails(t.Context(), as(t, w, who).c, im.Group, []im.RoomID{crew})
		must(t, err)
		same(t, who+" shields", d[0].Shielded, want)
	}
}

func TestStrangersAreBarredFromAGroup(t *testing.T) {
	w := newCrew(t)
	ann := inGroup(t, w, "ann", crew)
	ann.Block("sid")
	w.want("crew(group) members_blocked by ann [sid] of 5")
	w.register("tim", "tom")
	same(t, "several", ann.BlockAll("tim", "bob", "eve", "sid"), "tim ok, bob ok, eve user_not_found, sid ok")
	w.want("crew(group) members_removed by ann [bob] of 4", "notice @bob crew(group) members_removed by ann [bob]", "crew(group) members_blocked by ann [tim bob] of 4")
	same(t, "blocks", ann.Blocks(), "zed sid tim bob")
	ann.fails(im.ErrUserNotFound.For("eve")).Block("eve")
	as(t, w, "ann").fails(im.ErrNotMember.For("sid").In(lounge)).Block("sid")
}

func TestMembersOnline(t *testing.T) {
	w, sessions := newCrew(t).connected(map[im.Username][]im.Connection{"bob": {{Resource: "web"}}, "sid": {{Resource: "web"}}})
	look := func(page im.Page) string {
		members, online, err := w.svc.MembersOnline(t.Context(), as(t, w, "cat").c, im.Group, crew, page)
		must(t, err)
		return fmt.Sprint(memberLine(members), online)
	}
	same(t, "all", look(im.Page{Number: 1, Size: 10}), "ann! adm+ ada+ bob cat[false false false true false]")
	same(t, "a page", look(im.Page{Number: 2, Size: 3}), "bob cat[true false]")
	same(t, "none", look(im.Page{Number: 9, Size: 3}), "[]")
	sessions.Fail(im.ErrUnavailable)
	_, _, err := w.svc.MembersOnline(t.Context(), as(t, w, "cat").c, im.Group, crew, im.Page{Number: 1, Size: 3})
	refused(t, err, im.ErrUnavailable)
}

func TestUnmuteAll(t *testing.T) {
	w := newCrew(t)
	ann, adm := inGroup(t, w, "ann", crew), inGroup(t, w, "adm", crew)
	unmute := func() string {
		users, err := w.svc.UnmuteAll(t.Context(), adm.c, im.Group, crew)
		must(t, err)
		return nameLine(users)
	}
	same(t, "nobody is muted", unmute(), "")
	for _, name := range []string{"bob", "ada", "cat"} {
		ann.Mute(name, time.Hour)
	}
	ann.Remove("cat")
	w.bus.Take()
	same(t, "members, and who has left", unmute(), "bob cat")
	w.want("crew(group) members_unmuted by adm [bob cat] of 4")
	same(t, "an admin stays muted", ann.Mutes(), "ada 1h0m0s")
	same(t, "again", unmute(), "")
	w.want()
}

// TestInsideAGroup: of a group that is not public strangers learn what it is, not who is in it; a public one is open to all.
func TestInsideAGroup(t *testing.T) {
	w := newCrew(t)
	seen := func(who string) string {
		_, roster := inGroup(t, w, who, crew).Room()
		return roster
	}
	same(t, "not public", []string{seen("sid"), seen("cat"), seen("app")}, []string{"ann!", "ann! adm+ ada+ bob cat", "ann! adm+ ada+ bob cat"})
	inGroup(t, w, "ann", crew).Change(im.RoomChange{Public: ptr(true)})
	same(t, "public", seen("sid"), seen("cat"))
	same(t, "members", inGroup(t, w, "sid", crew).Members(), inGroup(t, w, "cat", crew).Members())
}
