package im_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

func TestCreateRoom(t *testing.T) {
	w := newWorld(t)
	room := as(t, w, "app").Create(im.NewRoom{ID: "kitchen", Name: "Kitchen", Description: "d", Custom: "c", Owner: "Sid",
		Members: []string{"BOB", "sid", "bob", "cat"}, MaxUsers: ptr(3)})
	w.want("kitchen room_created by app [sid bob cat] of 3")
	stored, roster := as(t, w, "app").in("kitchen").Room()
	same(t, "roster: folded, each once", roster, "sid! bob cat")
	room.Seq = stored.Seq
	same(t, "answered as stored", room, stored)
	same(t, "room", stored, im.Room{App: w.app.ID, ID: "kitchen", Kind: im.Chatroom, Name: "Kitchen", Description: "d",
		Custom: "c", Owner: "sid", MaxUsers: 3, Members: 3, Created: w.clock.Now(), Seq: stored.Seq, Version: 1})
}

func TestCreateRoomDefaults(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings []string
		want     int
	}{
		{"of seed 004", nil, 200},
		{"set", []string{"room_default_maxusers=7"}, 7},
		{"not above the cap", []string{"room_default_maxusers=70", "room_max_maxusers=50"}, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorldSmall(t, c.settings...)
			same(t, "places", as(t, w, "app").Create(im.NewRoom{Name: "n", Owner: "ann"}).MaxUsers, c.want)
		})
	}
}

// newWorldSmall is a world without the lounge, whose six people may not fit what a test sets.
func newWorldSmall(t *testing.T, settings ...string) *world {
	t.Helper()
	w := newWorld(t)
	as(t, w, "app").Destroy()
	w.change(settings...)
	w.bus.Take()
	return w
}

func TestCreateRoomRefused(t *testing.T) {
	w := newWorld(t, "room_max_maxusers=300")
	long := func(n int) string { return strings.Repeat("茶", n) }
	for _, c := range []struct {
		name string
		room im.NewRoom
		want *im.Error
	}{
		{"no name", im.NewRoom{Owner: "ann"}, im.ErrFieldMissing.With("name")},
		{"no owner", im.NewRoom{Name: "n"}, im.ErrFieldMissing.With("owner")},
		{"name too long", im.NewRoom{Name: long(129), Owner: "ann"}, im.ErrNameTooLong.With("128")},
		{"description too long", im.NewRoom{Name: "n", Owner: "ann", Description: long(513)}, im.ErrDescTooLong.With("512")},
		{"custom too long", im.NewRoom{Name: "n", Owner: "ann", Custom: strings.Repeat("x", 8193)}, im.ErrInvalid.With("custom")},
		{"no place", im.NewRoom{Name: "n", Owner: "ann", MaxUsers: ptr(0)}, im.ErrInvalid.With("maxusers")},
		{"too many places", im.NewRoom{Name: "n", Owner: "ann", MaxUsers: ptr(301)}, im.ErrMaxUsersHigh.With("300")},
		{"more members than places", im.NewRoom{Name: "n", Owner: "ann", MaxUsers: ptr(2), Members: []string{"bob", "cat"}}, im.ErrTooManyMembers.With("members")},
		{"no such owner", im.NewRoom{Name: "n", Owner: "eve"}, im.ErrUserNotFound.For("eve")},
		{"no such member", im.NewRoom{Name: "n", Owner: "ann", Members: []string{"bob", "Eve"}}, im.ErrUserNotFound.For("eve")},
		{"illegal id", im.NewRoom{Name: "n", Owner: "ann", ID: "A1"}, im.ErrInvalid.With("roomid")},
		{"id taken", im.NewRoom{Name: "n", Owner: "ann", ID: lounge}, im.ErrRoomExists.In(lounge)},
	} {
		t.Run(c.name, func(t *testing.T) { as(t, w, "app").fails(c.want).Create(c.room) })
	}
	w.want()
	same(t, "rooms", as(t, w, "app").Joined("ann"), "lounge")
}

func TestCreateRoomAtTheLimits(t *testing.T) {
	w := newWorld(t)
	as(t, w, "app").Create(im.NewRoom{ID: "big", Owner: "ann", Members: []string{"bob"}, MaxUsers: ptr(2),
		Name: strings.Repeat("茶", 128), Description: strings.Repeat("茶", 512), Custom: strings.Repeat("x", 8192)})
	as(t, w, "app").Create(im.NewRoom{ID: "most", Name: "with / in it", Owner: "ann", MaxUsers: ptr(5000)})
	as(t, w, "app").fails(im.ErrMaxUsersHigh.With("5000")).Create(im.NewRoom{Name: "n", Owner: "ann", MaxUsers: ptr(5001)})
	one := as(t, w, "app").Create(im.NewRoom{Name: "n", Owner: "ann", MaxUsers: ptr(1)})
	as(t, w, "app").in(one.ID).fails(im.ErrRoomFull).Add("bob")
}

func TestAnIdIsTakenByRoomsOfEitherKind(t *testing.T) {
	w := newWorld(t)
	as(t, w, "app").of(im.Group).fails(im.ErrRoomExists.In(lounge)).Create(im.NewRoom{ID: lounge, Name: "n", Owner: "ann"})
	as(t, w, "app").of(im.Group).fails(im.ErrRoomNotFound.In(lounge)).Members()
	as(t, w, "app").of(im.Group).fails(im.ErrRoomNotFound.In(lounge)).Destroy()
	as(t, w, "app").of(im.Group).Create(im.NewRoom{ID: "crew", Name: "n", Owner: "ann"})
	w.want("crew(group) room_created by app [ann] of 1", "notice @ann crew(group) members_joined by app [ann]")
	as(t, w, "app").in("crew").fails(im.ErrRoomNotFound.In("crew")).Members()
	same(t, "groups", as(t, w, "app").of(im.Group).Joined("ann"), "crew")
	same(t, "chatrooms", as(t, w, "app").Joined("ann"), "lounge")
}

func TestGeneratedIdsSkipTakenOnes(t *testing.T) {
	w := newWorld(t)
	for _, id := range []im.RoomID{"10000000000001", "10000000000002"} {
		as(t, w, "app").Create(im.NewRoom{ID: id, Name: "n", Owner: "ann"})
	}
	same(t, "id", as(t, w, "app").Create(im.NewRoom{Name: "n", Owner: "ann"}).ID, im.RoomID("10000000000003"))
	same(t, "id", as(t, w, "app").Create(im.NewRoom{Name: "n", Owner: "ann"}).ID, im.RoomID("10000000000004"))
}

// stuckIDs has one room id only.
type stuckIDs struct{ im.IDs }

func (stuckIDs) RoomID() im.RoomID { return "10000000000001" }

func TestTheSearchForAnIdEnds(t *testing.T) {
	w := newWorld(t)
	stuck := w.another(func(c *im.Config) { c.IDs = stuckIDs{c.IDs} })
	as(t, stuck, "app").Create(im.NewRoom{Name: "n", Owner: "ann"})
	as(t, stuck, "app").fails(im.ErrInternal).Create(im.NewRoom{Name: "n", Owner: "ann"})
	same(t, "rooms", as(t, w, "app").Joined("ann"), "10000000000001 lounge")
}

func TestChangeRoom(t *testing.T) {
	w := newWorld(t)
	before, _ := as(t, w, "ann").Room()
	as(t, w, "ann").Change(im.RoomChange{Name: ptr("茶馆")})
	as(t, w, "ann").Change(im.RoomChange{Description: ptr("")})
	as(t, w, "ann").Change(im.RoomChange{Custom: ptr(`{"a":"/"}`)})
	as(t, w, "ann").Change(im.RoomChange{MaxUsers: ptr(5)})
	w.want("lounge room_updated by ann [] of 5 name=茶馆", "lounge room_updated by ann [] of 5",
		`lounge room_updated by ann [] of 5 custom={"a":"/"}`, "lounge room_updated by ann [] of 5 max_users=5")
	got, _ := as(t, w, "ann").Room()
	before.Name, before.Custom, before.MaxUsers, before.Version = "茶馆", `{"a":"/"}`, 5, before.Version+4
	same(t, "room", got, before)
	as(t, w, "ann").Change(im.RoomChange{})
	got, _ = as(t, w, "ann").Room()
	same(t, "nothing given", got, before)
	w.want()
}

func TestChangeRoomRefused(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		change im.RoomChange
		want   *im.Error
	}{
		{"slash in the name", im.RoomChange{Name: ptr("a/b")}, im.ErrInvalid.With("name")},
		{"no name", im.RoomChange{Name: ptr("")}, im.ErrInvalid.With("name")},
		{"slash in the description", im.RoomChange{Description: ptr("/")}, im.ErrInvalid.With("description")},
		{"name too long", im.RoomChange{Name: ptr(strings.Repeat("茶", 129))}, im.ErrNameTooLong},
		{"description too long", im.RoomChange{Description: ptr(strings.Repeat("茶", 513))}, im.ErrDescTooLong},
		{"custom too long", im.RoomChange{Custom: ptr(strings.Repeat("x", 8193))}, im.ErrInvalid.With("custom")},
		{"no place", im.RoomChange{MaxUsers: ptr(0)}, im.ErrInvalid.With("maxusers")},
		{"too many places", im.RoomChange{MaxUsers: ptr(5001)}, im.ErrMaxUsersHigh.With("5000")},
		{"fewer places than members", im.RoomChange{MaxUsers: ptr(4)}, im.ErrMaxUsersLow.In(lounge)},
		{"good name, bad places", im.RoomChange{Name: ptr("good"), MaxUsers: ptr(4)}, im.ErrMaxUsersLow},
		{"good name, bad owner", im.RoomChange{Name: ptr("good"), NewOwner: ptr("sid")}, im.ErrNotMember.For("sid").In(lounge)},
		{"owner of today", im.RoomChange{NewOwner: ptr("ANN")}, im.ErrSameOwner.For("ann").In(lounge)},
		{"no such owner", im.RoomChange{NewOwner: ptr("eve")}, im.ErrUserNotFound.For("eve").In(lounge)},
	} {
		t.Run(c.name, func(t *testing.T) { as(t, w, "ann").fails(c.want).Change(c.change) })
	}
	w.want()
	room, roster := as(t, w, "ann").Room()
	same(t, "unchanged", []any{room.Name, room.MaxUsers, roster}, []any{"The Lounge", 200, "ann! adm+ ada+ bob cat"})
}

func TestARoomMadeUnderAHigherCapKeepsItsPlaces(t *testing.T) {
	w := newWorld(t)
	w.change("room_max_maxusers=50")
	as(t, w, "ann").Change(im.RoomChange{Name: ptr("new")})
	room, _ := as(t, w, "ann").Room()
	same(t, "places", room.MaxUsers, 200)
	as(t, w, "ann").fails(im.ErrMaxUsersHigh.With("50")).Change(im.RoomChange{MaxUsers: ptr(200)})
}

func TestTransfer(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", time.Hour)
	w.bus.Take()
	as(t, w, "ann").Change(im.RoomChange{Name: ptr("Bob's"), NewOwner: ptr("Bob")})
	w.want("lounge room_updated by ann [] of 5 name=Bob's", "lounge owner_changed by ann [bob ann] of 5",
		"lounge members_unmuted by ann [bob] of 5")
	room, roster := as(t, w, "bob").Room()
	same(t, "owner, roster", []any{room.Owner, room.Name, roster}, []any{im.Username("bob"), "Bob's", "bob! ann adm+ ada+ cat"})
	same(t, "mutes: an owner has none", as(t, w, "bob").Mutes(), "")
	as(t, w, "ann").fails(im.ErrForbidden.In(lounge)).Transfer("ann")
	as(t, w, "ann").fails(im.ErrForbidden.In(lounge)).Mute("cat", time.Hour)
	as(t, w, "bob").Mute("ann", time.Hour)
	as(t, w, "app").Transfer("adm")
	same(t, "an admin becomes the owner", as(t, w, "adm").Admins(), "ada+")
}

func TestDestroyRoom(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", time.Hour)
	as(t, w, "ann").Allow("cat")
	as(t, w, "bob").SetAttributes(im.AttributeChange{User: "bob", Set: []im.Attribute{{Key: "k", Value: "v"}}})
	w.bus.Take()
	as(t, w, "ann").Destroy()
	w.want("lounge room_destroyed by ann [] of 5")
	as(t, w, "ann").fails(im.ErrRoomNotFound.In(lounge)).Destroy()
	same(t, "joined", as(t, w, "bob").Joined("bob"), "")
	as(t, w, "app").Create(im.NewRoom{ID: lounge, Name: "again", Owner: "ann", Members: []string{"bob", "cat", "zed"}})
	same(t, "nothing of the old one is left", []string{as(t, w, "ann").Mutes(), as(t, w, "ann").Allows(),
		as(t, w, "ann").Blocks(), as(t, w, "ann").Attributes(), as(t, w, "ann").Members()},
		[]string{"", "", "", "", "ann! bob cat zed"})
}

func TestSuperAdminsCreateRooms(t *testing.T) {
	w := newWorld(t)
	as(t, w, "bob").fails(im.ErrForbidden).Create(im.NewRoom{Name: "n"})
	as(t, w, "app").AddSuperAdmin("Bob")
	room := as(t, w, "bob").Create(im.NewRoom{Name: "n", Owner: "ann", Members: []string{"cat"}})
	same(t, "the caller is the owner, whatever was given", room.Owner, im.Username("bob"))
	w.want(string(room.ID) + " room_created by bob [bob cat] of 2")
	as(t, w, "app").RemoveSuperAdmin("bob")
	as(t, w, "bob").fails(im.ErrForbidden).Create(im.NewRoom{Name: "n"})
	as(t, w, "nobody").fails(im.ErrUnauthenticated).Create(im.NewRoom{Name: "n"})
}

func TestSuperAdmins(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	for _, name := range []string{"cat", "bob", "ann", "bob"} {
		app.AddSuperAdmin(name)
	}
	same(t, "first granted first", app.SuperAdmins(), "cat bob ann")
	names, err := w.svc.SuperAdmins(t.Context(), app.c, im.Page{Number: 2, Size: 2})
	must(t, err)
	same(t, "page 2", nameLine(names), "ann")
	app.RemoveSuperAdmin("BOB")
	app.RemoveSuperAdmin("bob") // none any more: stays so
	app.RemoveSuperAdmin("nobody-of-that-name")
	same(t, "left", app.SuperAdmins(), "cat ann")
	app.fails(im.ErrUserNotFound.For("eve")).AddSuperAdmin("Eve")
	for who, want := range map[string]*im.Error{"cat": im.ErrAppOnly, "nobody": im.ErrUnauthenticated} {
		as(t, w, who).fails(want).AddSuperAdmin("bob")
		as(t, w, who).fails(want).RemoveSuperAdmin("ann")
		as(t, w, who).fails(want).SuperAdmins()
	}
	same(t, "untouched", app.SuperAdmins(), "cat ann")
}

func TestAppRoomQuota(t *testing.T) {
	w := newWorld(t, "max_chatrooms=2", "max_groups=1")
	app := as(t, w, "app")
	app.Create(im.NewRoom{Name: "n", Owner: "ann"})
	app.fails(im.ErrAppRooms.With("tea#house")).Create(im.NewRoom{Name: "n", Owner: "ann"})
	app.of(im.Group).Create(im.NewRoom{Name: "n", Owner: "ann"})
	app.of(im.Group).fails(im.ErrAppRooms).Create(im.NewRoom{Name: "n", Owner: "ann"})
	app.Destroy()
	app.Create(im.NewRoom{Name: "n", Owner: "ann"})
	w.change("max_chatrooms=0")
	as(t, w, "app").Create(im.NewRoom{Name: "n", Owner: "ann"})
}

func TestParseRoomID(t *testing.T) {
	for _, good := range []string{"a1", "lounge", "0123", strings.Repeat("z", 64), "usersx", "counts"} {
		if id, err := im.ParseRoomID(good); err != nil || string(id) != good {
			t.Errorf("%q: got %q, %v", good, id, err)
		}
	}
	for _, bad := range []string{"", "a", strings.Repeat("z", 65), "A1", "a-b", "a_b", "a b", "茶茶", "count", "user", "a`", "a{", "a/", "a:"} {
		if _, err := im.ParseRoomID(bad); !errors.Is(err, im.ErrInvalid) {
			t.Errorf("%q: got %v, want ErrInvalid", bad, err)
		}
	}
}
