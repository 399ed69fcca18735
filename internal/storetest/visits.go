package storetest

import (
	"cmp"
	"slices"

	"teahouse/internal/im"
)

func visitTests() []test {
	return []test{
		{"RoomPlaces", testRoomPlaces},
		{"Visits", testVisits},
	}
}

func testRoomPlaces(e *env) {
	e.same("nowhere", read(e, func(tx im.Tx) ([]im.RoomPlace, error) { return tx.RoomPlaces(e.app, "bob") }), []im.RoomPlace(nil))
	a, b, hidden, g := e.room("ann", "bob"), e.room("bob"), e.room("ann", "bob"), e.roomOf(im.Group, "ann", "bob")
	e.room("ann")
	left := e.room("ann", "bob")
	e.leave(left, "bob")
	e.update(func(tx im.Tx) error {
		return firstError(tx.SetShield(hidden, "bob", true), tx.SetShield(b, "bob", true), tx.SetShield(b, "bob", false), tx.CountChange(g), tx.CountChange(g))
	})
	got := read(e, func(tx im.Tx) ([]im.RoomPlace, error) { return tx.RoomPlaces(e.app, "bob") })
	slices.SortFunc(got, func(a, b im.RoomPlace) int { return cmp.Compare(a.Room, b.Room) })
	want := []im.RoomPlace{{Room: a.ID, Kind: im.Chatroom, Version: 1}, {Room: b.ID, Kind: im.Chatroom, Version: 1}, {Room: g.ID, Kind: im.Group, Version: 3}}
	slices.SortFunc(want, func(a, b im.RoomPlace) int { return cmp.Compare(a.Room, b.Room) })
	e.same("places", got, want)
}

func testVisits(e *env) {
	r, s := e.room("ann"), e.room("ann")
	visits := func(users ...im.Username) (text string) {
		for _, v := range read(e, func(tx im.Tx) ([]im.Visit, error) { return tx.Visits(e.app, users) }) {
			text += map[im.RoomID]string{r.ID: "r:", s.ID: "s:"}[v.Room] + string(v.User) + " "
		}
		return text
	}
	e.roomOf(im.Group, "ann", "bob")
	e.same("none", visits("ann", "adm", "bob"), "")
	e.update(func(tx im.Tx) error {
		return firstError(
			tx.AddMembers(s, []im.Member{{User: "cat", ByREST: true}, {User: "bob"}}),
			tx.AddMembers(r, []im.Member{{User: "dora"}, {User: "cat"}, {User: "bob"}, {User: "adm"}}),
			tx.SetRole(r, "adm", im.Admin))
	})
	e.same("by room and user", visits("dora", "bob", "cat", "eve", "bob"), "r:bob r:cat r:dora s:bob ")
	e.same("no admins, no owners, no groups", visits("adm", "ann"), "")
	e.update(func(tx im.Tx) error {
		return firstError(tx.SetRole(r, "bob", im.Admin), tx.SetRole(r, "adm", im.Plain))
	})
	e.leave(s, "bob")
	e.same("of those who became or were admins, and left", visits("adm", "bob"), "r:adm ")
	e.same("of many", visits(append(number(0, 200), "dora", "cat")...), "r:cat r:dora ")
	e.update(func(tx im.Tx) error { return tx.DeleteRoom(r) })
	e.same("of a room that is gone", visits("dora", "cat"), "")
}
