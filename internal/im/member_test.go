package im_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

func TestAddMember(t *testing.T) {
	w := newWorld(t)
	w.clock.Advance(time.Minute)
	as(t, w, "adm").Add("SID")
	w.want("lounge members_joined by adm [sid] of 6")
	members, err := w.svc.MembersPage(t.Context(), as(t, w, "sid").c, im.Chatroom, lounge, im.Page{Number: 6, Size: 1})
	must(t, err)
	same(t, "member", members, []im.Member{{User: "sid", Joined: w.clock.Now(), ByREST: true, Seq: members[0].Seq}})
	as(t, w, "app").fails(im.ErrAlreadyMember.For("sid").In(lounge)).Add("sid")
	as(t, w, "app").fails(im.ErrUserNotFound.For("eve").In(lounge)).Add("eve")
	w.want()
}

func TestAddMembers(t *testing.T) {
	w := newWorld(t)
	w.register("dan", "don")
	same(t, "those who are new", as(t, w, "ann").AddAll("Don", "bob", "sid", "don", "dan"), "don sid dan")
	w.want("lounge members_joined by ann [don sid dan] of 8")
	same(t, "members", as(t, w, "ann").Members(), "ann! adm+ ada+ bob cat don sid dan")
	as(t, w, "ann").fails(im.ErrAlreadyMember.For("bob").In(lounge)).AddAll("bob", "don")
	as(t, w, "ann").fails(im.ErrUserNotFound.For("eve").In(lounge)).AddAll("zed", "eve")
	as(t, w, "ann").fails(im.ErrFieldMissing.With("usernames")).AddAll()
	w.want()
	same(t, "all or nothing", as(t, w, "ann").Members(), "ann! adm+ ada+ bob cat don sid dan")
}

func TestAddingLiftsABlock(t *testing.T) {
	w := newWorld(t)
	same(t, "added", as(t, w, "adm").AddAll("sid", "zed"), "sid zed")
	w.want("lounge members_unblocked by adm [zed] of 5", "lounge members_joined by adm [sid zed] of 7")
	same(t, "blocked", as(t, w, "adm").Blocks(), "")
}

func TestAFullRoom(t *testing.T) {
	w := newWorld(t)
	w.register("dan")
	as(t, w, "ann").Change(im.RoomChange{MaxUsers: ptr(6)})
	w.bus.Take()
	as(t, w, "ann").fails(im.ErrTooManyMembers.In(lounge)).AddAll("sid", "dan")
	w.want()
	same(t, "those who are in need no place", as(t, w, "ann").AddAll("sid", "bob", "cat"), "sid")
	w.want("lounge members_joined by ann [sid] of 6")
	as(t, w, "ann").fails(im.ErrRoomFull.In(lounge)).Add("dan")
	as(t, w, "ann").fails(im.ErrAlreadyMember).Add("sid")
	as(t, w, "ann").fails(im.ErrRoomFull).Add("zed")
	same(t, "zed stays blocked", as(t, w, "ann").Blocks(), "zed")
	w.want()
	as(t, w, "ann").Remove("sid")
	as(t, w, "ann").Add("dan")
}

func TestJoinQuota(t *testing.T) {
	w := newWorld(t)
	w.change("user_max_chatrooms=2")
	app := as(t, w, "app")
	app.in("second").Create(im.NewRoom{ID: "second", Name: "n", Owner: "bob"})
	w.bus.Take()
	app.fails(im.ErrTooManyRooms.For("bob")).Create(im.NewRoom{Name: "n", Owner: "bob"})
	app.fails(im.ErrTooManyRooms.For("bob")).Create(im.NewRoom{Name: "n", Owner: "sid", Members: []string{"cat", "bob"}})
	app.Create(im.NewRoom{ID: "third", Name: "n", Owner: "cat"})
	w.want("third room_created by app [cat] of 1")
	app.in("third").fails(im.ErrTooManyRooms.For("bob").In("third")).Add("bob")
	app.in("third").fails(im.ErrTooManyRooms.For("bob").In("third")).AddAll("sid", "bob")
	w.want()
	same(t, "one who is in needs no room more", app.in("third").AddAll("cat", "sid"), "sid")
	app.of(im.Group).Create(im.NewRoom{ID: "crew", Name: "groups have no quota", Owner: "bob", Members: []string{"cat"}})
	app.in("second").Destroy()
	app.in("third").Add("bob")
	same(t, "rooms", app.Joined("bob"), "third lounge")
}

func TestBatchLimits(t *testing.T) {
	w := newWorld(t, "batch_add=3", "batch_remove=2")
	ann := as(t, w, "ann")
	w.register("dan")
	four, three := []string{"sid", "dan", "bob", "cat"}, []string{"bob", "cat", "dan"}
	adds, removes := im.ErrBatchTooLarge.With("3"), im.ErrBatchTooLarge.With("2")
	adds.Count, removes.Count = 4, 3
	ann.fails(adds).AddAll(four...)
	ann.fails(adds).MuteAll(time.Hour, four...)
	ann.fails(adds).BlockAll(four...)
	ann.fails(adds).Allow(four...)
	ann.fails(removes).RemoveAll(three...)
	ann.fails(removes).Unmute(three...)
	ann.fails(removes).Unblock(three...)
	ann.fails(removes).Disallow(three...)
	w.want()
	same(t, "three at once", ann.AddAll("sid", "dan", "bob"), "sid dan")
	same(t, "two at once", ann.RemoveAll("sid", "dan"), "sid ok, dan ok")
	none := im.ErrFieldMissing.With("usernames")
	ann.fails(none).MuteAll(time.Hour)
	ann.fails(none).Unmute()
	ann.fails(none).BlockAll()
	ann.fails(none).Unblock()
	ann.fails(none).Allow()
	ann.fails(none).Disallow()
	ann.fails(none).RemoveAll()
}

func TestRemoveMembers(t *testing.T) {
	w := newWorld(t)
	same(t, "name by name", as(t, w, "adm").RemoveAll("cat", "eve", "Sid", "ada", "ann", "adm", "CAT"),
		"cat ok, eve user_not_found, sid not_member, ada forbidden, ann on_owner, adm forbidden")
	w.want("lounge members_removed by adm [cat] of 4")
	same(t, "nobody there", as(t, w, "adm").RemoveAll("eve", "cat"), "eve user_not_found, cat not_member")
	as(t, w, "adm").fails(im.ErrUserNotFound.For("eve").In(lounge)).Remove("eve")
	as(t, w, "adm").fails(im.ErrNotMember.For("cat").In(lounge)).Remove("cat")
	w.want()
	same(t, "by the app", as(t, w, "app").RemoveAll("adm", "ada", "ann"), "adm ok, ada ok, ann on_owner")
	w.want("lounge members_removed by app [adm ada] of 2")
	same(t, "left", as(t, w, "bob").Members(), "ann! bob")
}

func TestLeaving(t *testing.T) {
	w := newWorld(t)
	as(t, w, "bob").Remove("BOB")
	w.want("lounge members_left by bob [bob] of 4")
	same(t, "one name in a list is leaving, too", as(t, w, "adm").RemoveAll("adm"), "adm ok")
	w.want("lounge members_left by adm [adm] of 3")
	as(t, w, "ann").fails(im.ErrOnOwner.For("ann").In(lounge)).Remove("ann")
	as(t, w, "sid").fails(im.ErrNotMember.For("sid").In(lounge)).Remove("sid")
	as(t, w, "cat").fails(im.ErrForbidden).RemoveAll("cat", "ada")
	same(t, "left", as(t, w, "cat").Members(), "ann! ada+ cat")
}

// TestWhatGoesWithMembership follows bob, an allowed admin with attributes, a mute and a block to come.
func TestWhatGoesWithMembership(t *testing.T) {
	w := newWorld(t)
	ann := as(t, w, "ann")
	ann.AddAdmin("bob")
	ann.Allow("bob", "cat")
	ann.Mute("bob", time.Hour)
	set := func(user, key string, auto bool) {
		as(t, w, user).SetAttributes(im.AttributeChange{User: user, AutoDelete: auto, Set: []im.Attribute{{Key: key, Value: "v"}}})
	}
	set("bob", "stays", false)
	set("bob", "goes", true)
	set("cat", "other", true)
	w.bus.Take()
	ann.Remove("bob")
	w.want("lounge members_removed by ann [bob] of 4", "lounge attributes_deleted by ann [] of 4 goes=v(bob)~")
	same(t, "allowed", ann.Allows(), "cat")
	same(t, "attributes", ann.Attributes(), "other=v(cat)~ stays=v(bob)")
	same(t, "a mute survives", ann.Mutes(), "bob 1h0m0s")
	ann.Add("bob")
	same(t, "the role is gone", ann.Members(), "ann! adm+ ada+ cat bob")
	same(t, "still muted", as(t, w, "bob").Muted("bob"), true)
}

func TestRoomDetails(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	app.Create(im.NewRoom{ID: "bb", Name: "B", Owner: "bob", Members: []string{"ann"}})
	app.of(im.Group).Create(im.NewRoom{ID: "gg", Name: "G", Owner: "bob"})
	details, err := w.svc.RoomDetails(t.Context(), app.c, im.Chatroom, []im.RoomID{"bb", "nosuch", "gg", lounge})
	must(t, err)
	same(t, "those that exist, in this order", len(details), 2)
	same(t, "first", []any{details[0].Name, memberLine(details[0].Roster)}, []any{"B", "bob! ann"})
	same(t, "second", []any{details[1].Name, memberLine(details[1].Roster)}, []any{"The Lounge", "ann! adm+ ada+ bob cat"})
	for _, ids := range [][]im.RoomID{{"nosuch", "other"}, {"gg"}} {
		_, err = w.svc.RoomDetails(t.Context(), app.c, im.Chatroom, ids)
		refused(t, err, im.ErrRoomNotFound.In(ids[0]))
	}
	_, err = w.svc.RoomDetails(t.Context(), app.c, im.Chatroom, nil)
	refused(t, err, im.ErrRoomNotFound)
	as(t, w, "ann").Transfer("cat")
	_, roster := app.Room()
	same(t, "the owner is foremost", roster, "cat! ann adm+ ada+ bob")
}

func TestMembersPage(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		number, size int
		want         string
	}{
		{1, 2, "ann! adm+"}, {2, 2, "ada+ bob"}, {3, 2, "cat"}, {4, 2, ""}, {1, 5, "ann! adm+ ada+ bob cat"}, {2, 5, ""},
		{0, 2, "ann! adm+"}, {-7, 2, "ann! adm+"}, {1, 6, "ann! adm+ ada+ bob cat"}, {1 << 62, 1000, ""},
	} {
		m, err := w.svc.MembersPage(t.Context(), as(t, w, "app").c, im.Chatroom, lounge, im.Page{Number: c.number, Size: c.size})
		must(t, err)
		same(t, fmt.Sprint("page ", c.number, " of ", c.size), memberLine(m), c.want)
	}
}

// walk follows the cursor to the end: the pages, separated by |.
func walk(t *testing.T, w *world, q im.MemberQuery) string {
	t.Helper()
	var pages []string
	for {
		m, next, err := w.svc.MembersAfter(t.Context(), as(t, w, "app").c, im.Chatroom, lounge, q)
		must(t, err)
		pages = append(pages, memberLine(m))
		if next == 0 {
			return strings.Join(pages, " | ")
		}
		if len(pages) > 10 {
			t.Fatal("the cursor does not end")
		}
		q.After = next
	}
}

func TestMembersAfter(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		query im.MemberQuery
		want  string
	}{
		{im.MemberQuery{Limit: 1}, "ann! | adm+ | ada+ | bob | cat"},
		{im.MemberQuery{Limit: 2}, "ann! adm+ | ada+ bob | cat"},
		{im.MemberQuery{Limit: 4}, "ann! adm+ ada+ bob | cat"},
		{im.MemberQuery{Limit: 5}, "ann! adm+ ada+ bob cat"},
		{im.MemberQuery{Limit: 6}, "ann! adm+ ada+ bob cat"},
		{im.MemberQuery{Limit: 2, Desc: true}, "cat bob | ada+ adm+ | ann!"},
		{im.MemberQuery{Limit: 5, Desc: true}, "cat bob ada+ adm+ ann!"},
		{im.MemberQuery{Limit: 1, SkipOwner: true}, "adm+ | ada+ | bob | cat"},
		{im.MemberQuery{Limit: 2, SkipOwner: true}, "adm+ ada+ | bob cat"},
		{im.MemberQuery{Limit: 3, SkipOwner: true}, "adm+ ada+ bob | cat"},
		{im.MemberQuery{Limit: 4, SkipOwner: true}, "adm+ ada+ bob cat"},
		{im.MemberQuery{Limit: 1, Desc: true, SkipOwner: true}, "cat | bob | ada+ | adm+"},
		{im.MemberQuery{Limit: 2, Desc: true, SkipOwner: true}, "cat bob | ada+ adm+"},
		{im.MemberQuery{Limit: 3, Desc: true, SkipOwner: true}, "cat bob ada+ | adm+"},
		{im.MemberQuery{Limit: 4, Desc: true, SkipOwner: true}, "cat bob ada+ adm+"},
	} {
		same(t, fmt.Sprintf("%+v", c.query), walk(t, w, c.query), c.want)
	}
	as(t, w, "ann").Transfer("ada")
	same(t, "the owner in the middle", walk(t, w, im.MemberQuery{Limit: 2, SkipOwner: true}), "ann adm+ | bob cat")
	same(t, "the owner at the boundary", walk(t, w, im.MemberQuery{Limit: 3, SkipOwner: true}), "ann adm+ bob | cat")
}

// TestTheCursorSurvivesChange: who joins and leaves between pages shifts nobody.
func TestTheCursorSurvivesChange(t *testing.T) {
	w := newWorld(t)
	q := im.MemberQuery{Limit: 2}
	first, next, err := w.svc.MembersAfter(t.Context(), as(t, w, "app").c, im.Chatroom, lounge, q)
	must(t, err)
	same(t, "first page", memberLine(first), "ann! adm+")
	as(t, w, "app").RemoveAll("adm", "ada")
	as(t, w, "app").Add("sid")
	as(t, w, "app").Add("ada")
	q.After = next
	same(t, "the rest", walk(t, w, q), "bob cat | sid ada")
}

func TestAdminsOfARoom(t *testing.T) {
	w := newWorld(t, "room_max_admins=3")
	as(t, w, "ann").AddAdmin("Cat")
	w.want("lounge admin_added by ann [cat] of 5")
	as(t, w, "ann").AddAdmin("cat") // is one already
	w.want()
	same(t, "longest in the room first", as(t, w, "sid").Admins(), "adm+ ada+ cat+")
	as(t, w, "ann").fails(im.ErrTooManyAdmins.With("3").In(lounge)).AddAdmin("bob")
	as(t, w, "ann").AddAdmin("cat")
	as(t, w, "ann").fails(im.ErrNotMember.For("sid").In(lounge)).AddAdmin("sid")
	as(t, w, "ann").fails(im.ErrUserNotFound.For("eve").In(lounge)).AddAdmin("eve")
	as(t, w, "ann").fails(im.ErrUserNotFound.For("eve").In(lounge)).RemoveAdmin("eve")
	as(t, w, "ann").fails(im.ErrNotAdmin.For("sid").In(lounge)).RemoveAdmin("sid")
	w.want()
	as(t, w, "ann").RemoveAdmin("ADM")
	w.want("lounge admin_removed by ann [adm] of 5")
	as(t, w, "adm").fails(im.ErrForbidden.In(lounge)).Mute("bob", time.Hour)
	as(t, w, "ann").AddAdmin("bob")
	same(t, "admins", as(t, w, "bob").Admins(), "ada+ bob+ cat+")
}

// TestDetailsListSoManyMembersInAll: rooms beyond that name their owner only.
func TestDetailsListSoManyMembersInAll(t *testing.T) {
	w := newWorld(t, "room_max_maxusers=10000", "batch_add=500")
	names := w.crowd(2600)
	for _, id := range []im.RoomID{"r1", "r2", "r3"} {
		as(t, w, "app").Create(im.NewRoom{ID: id, Name: "n", Owner: "ann", Members: names, MaxUsers: ptr(5000)})
	}
	details, err := w.svc.RoomDetails(t.Context(), as(t, w, "app").c, im.Chatroom, []im.RoomID{"r1", "r2", "r3"})
	must(t, err)
	same(t, "members listed", []int{len(details[0].Roster), len(details[1].Roster), len(details[2].Roster)}, []int{2601, 2399, 1})
	same(t, "the last one's", memberLine(details[2].Roster), "ann!")
	same(t, "counted", details[2].Members, 2601)
}
