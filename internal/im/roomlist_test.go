package im_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// newHouse is a world with the chatrooms a, b, c, d, e of owner bob instead of the lounge, made in this order, and
// one group.
func newHouse(t *testing.T) *world {
	t.Helper()
	w := newWorldSmall(t)
	as(t, w, "app").of(im.Group).Create(im.NewRoom{ID: "gg", Name: "g", Owner: "bob"})
	for _, id := range strings.Fields("aa bb cc dd ee") {
		w.clock.Advance(time.Second)
		as(t, w, "app").Create(im.NewRoom{ID: im.RoomID(id), Name: id, Owner: "bob"})
	}
	w.bus.Take()
	return w
}

func TestRoomsPage(t *testing.T) {
	w := newHouse(t)
	page := func(kind im.RoomKind, number, size int) string {
		rooms, err := w.svc.RoomsPage(t.Context(), as(t, w, "sid").c, kind, im.Page{Number: number, Size: size})
		must(t, err)
		return roomLine(rooms)
	}
	for _, c := range []struct {
		number, size int
		want         string
	}{
		{1, 2, "ee dd"}, {2, 2, "cc bb"}, {3, 2, "aa"}, {4, 2, ""}, {1, 5, "ee dd cc bb aa"}, {2, 5, ""}, {0, 1, "ee"},
	} {
		same(t, fmt.Sprint("page ", c.number, " of ", c.size), page(im.Chatroom, c.number, c.size), c.want)
	}
	same(t, "groups", page(im.Group, 1, 10), "gg")
	as(t, w, "app").in("dd").Destroy()
	same(t, "without the destroyed", page(im.Chatroom, 2, 2), "bb aa")
}

func TestRoomsAfter(t *testing.T) {
	w := newHouse(t)
	for _, c := range []struct {
		limit int
		want  string
	}{
		{1, "ee | dd | cc | bb | aa"}, {2, "ee dd | cc bb | aa"}, {4, "ee dd cc bb | aa"}, {5, "ee dd cc bb aa"}, {6, "ee dd cc bb aa"},
	} {
		var pages []string
		for after := int64(0); len(pages) == 0 || after != 0; {
			rooms, next, err := w.svc.RoomsAfter(t.Context(), as(t, w, "sid").c, im.Chatroom, after, c.limit)
			must(t, err)
			pages = append(pages, roomLine(rooms))
			after = next
		}
		same(t, fmt.Sprint("pages of ", c.limit), strings.Join(pages, " | "), c.want)
	}
}

func TestTheRoomCursorSurvivesChange(t *testing.T) {
	w := newHouse(t)
	rooms, next, err := w.svc.RoomsAfter(t.Context(), as(t, w, "sid").c, im.Chatroom, 0, 2)
	must(t, err)
	same(t, "first page", roomLine(rooms), "ee dd")
	as(t, w, "app").in("dd").Destroy()
	as(t, w, "app").Create(im.NewRoom{ID: "ff", Name: "f", Owner: "bob"})
	rooms, next, err = w.svc.RoomsAfter(t.Context(), as(t, w, "sid").c, im.Chatroom, next, 3)
	must(t, err)
	same(t, "the rest", roomLine(rooms), "cc bb aa")
	same(t, "no more", next, int64(0))
}

func TestJoinedRooms(t *testing.T) {
	w := newHouse(t)
	for _, id := range []im.RoomID{"cc", "aa", "ee"} {
		w.clock.Advance(time.Second)
		as(t, w, "app").in(id).Add("sid")
	}
	same(t, "last joined first", as(t, w, "sid").Joined("Sid"), "ee aa cc")
	page := func(number, size int) string {
		rooms, err := w.svc.JoinedRooms(t.Context(), as(t, w, "app").c, "sid", im.Chatroom, im.Page{Number: number, Size: size})
		must(t, err)
		return roomLine(rooms)
	}
	same(t, "page 2", page(2, 2), "cc")
	same(t, "page 3", page(3, 1), "cc")
	same(t, "page 4", page(4, 1), "")
	as(t, w, "sid").in("aa").Remove("sid")
	as(t, w, "app").in("cc").Destroy()
	same(t, "left", as(t, w, "app").Joined("sid"), "ee")
	same(t, "nobody's", as(t, w, "app").Joined("zed"), "")
}

// TestTenantsNeverMeet has another app with a user and a room of the same names.
func TestTenantsNeverMeet(t *testing.T) {
	w := newWorld(t)
	other := *w
	app, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "tea", Name: "garden"}})
	must(t, err)
	other.app = &app
	other.register("bob", "dan")
	as(t, &other, "app").Create(im.NewRoom{ID: lounge, Name: "theirs", Owner: "bob", Members: []string{"dan"}})
	other.want("lounge room_created by app [bob dan] of 2")
	same(t, "ours", as(t, w, "app").Members(), "ann! adm+ ada+ bob cat")
	same(t, "theirs", as(t, &other, "app").Members(), "bob! dan")
	as(t, w, "app").fails(im.ErrUserNotFound.For("dan")).Add("dan")
	as(t, w, "app").fails(im.ErrUserNotFound.For("dan")).User("dan")
	as(t, &other, "bob").Announce("theirs")
	as(t, &other, "bob").Mute("dan", time.Hour)
	as(t, &other, "bob").Destroy()
	same(t, "ours", as(t, w, "app").Members(), "ann! adm+ ada+ bob cat")
	same(t, "announcement", as(t, w, "app").Announcement(), "")
	as(t, &other, "app").DeleteUser("bob")
	same(t, "our bob", as(t, w, "app").User("bob").Name, im.Username("bob"))
}
