package storetest

import (
	"slices"

	"teahouse/internal/im"
)

func communityTests() []test {
	return []test{
		{"MembersOf", testMembersOf},
		{"RoomsAmong", testRoomsAmong},
		{"Faces", testFaces},
	}
}

func testMembersOf(e *env) {
	a, b, c := e.roomOf(im.Group, "zoe", "ann"), e.roomOf(im.Group, "bob", "ann", "carl"), e.roomOf(im.Group, "dora")
	e.leave(b, "ann")
	e.join(a, "carl")
	of := func(limit int, ids ...im.RoomID) (lines []string) {
		for _, m := range read(e, func(tx im.Tx) ([]im.RoomMember, error) { return tx.MembersOf(e.app, ids, limit) }) {
			line := string(m.Room[len(m.Room)-1:]) + " " + string(m.User)
			if m.Role == im.Owner {
				line += "!"
			}
			lines = append(lines, line)
			e.same("joined", []any{m.Joined.Equal(start()), m.Seq > 0, m.ByREST}, []any{true, true, false})
		}
		return lines
	}
	e.same("of none", of(9), []string(nil))
	e.same("of one", of(9, c.ID), []string{"3 dora!"})
	e.same("of all", of(9, c.ID, "none", a.ID, b.ID, c.ID), []string{"1 zoe!", "1 ann", "1 carl", "2 bob!", "2 carl", "3 dora!"})
	e.same("cut", of(4, a.ID, b.ID), []string{"1 zoe!", "1 ann", "1 carl", "2 bob!"})
	many := make([]im.RoomID, 0, 2200)
	for _, n := range number(0, 1100) {
		many = append(many, "x"+im.RoomID(n))
	}
	e.same("among many", of(9, slices.Concat([]im.RoomID{b.ID}, many, []im.RoomID{a.ID, b.ID})...),
		[]string{"1 zoe!", "1 ann", "1 carl", "2 bob!", "2 carl"})
	e.same("cut among many", of(1, slices.Concat([]im.RoomID{b.ID}, many, []im.RoomID{a.ID})...), []string{"1 zoe!"})
}

func testRoomsAmong(e *env) {
	a, b := e.roomOf(im.Group, "zoe", "ann"), e.roomOf(im.Group, "ann")
	chat := e.room("ann")
	among := func(u im.Username, kind im.RoomKind, ids ...im.RoomID) []im.RoomID {
		return read(e, func(tx im.Tx) ([]im.RoomID, error) { return tx.RoomsAmong(e.app, u, kind, ids) })
	}
	e.same("none", among("ann", im.Group), []im.RoomID(nil))
	e.same("in the order of the names", among("ann", im.Group, b.ID, "none", chat.ID, a.ID), []im.RoomID{b.ID, a.ID})
	e.same("of another", among("zoe", im.Group, b.ID, a.ID), []im.RoomID{a.ID})
	e.same("of the other kind", among("ann", im.Chatroom, b.ID, chat.ID), []im.RoomID{chat.ID})
	e.leave(a, "ann")
	e.same("left", among("ann", im.Group, b.ID, a.ID), []im.RoomID{b.ID})
}

func testFaces(e *env) {
	a, b := e.roomOf(im.Group, "zoe"), e.roomOf(im.Group, "ann")
	faces := func(ids ...im.RoomID) []im.Face {
		return read(e, func(tx im.Tx) ([]im.Face, error) { return tx.Faces(e.app, ids) })
	}
	e.same("none", faces(a.ID, b.ID), []im.Face(nil))
	e.update(func(tx im.Tx) error {
		return firstError(tx.PutFace(e.app, im.Face{Room: b.ID, File: 7, URL: "https://x/7"}), tx.PutFace(e.app, im.Face{Room: a.ID, URL: "https://x/a"}))
	})
	e.same("by room", faces(b.ID, "none", a.ID, b.ID), []im.Face{{Room: a.ID, URL: "https://x/a"}, {Room: b.ID, File: 7, URL: "https://x/7"}})
	e.update(func(tx im.Tx) error { return tx.PutFace(e.app, im.Face{Room: b.ID, File: 8}) })
	e.same("replaced", faces(b.ID), []im.Face{{Room: b.ID, File: 8}})
	e.refused(im.ErrRoomNotFound.In("none"), func(tx im.Tx) error { return tx.PutFace(e.app, im.Face{Room: "none", File: 1}) })
	e.update(func(tx im.Tx) error { return tx.DeleteRoom(b) })
	e.same("gone with the room", faces(a.ID, b.ID), []im.Face{{Room: a.ID, URL: "https://x/a"}})
}
