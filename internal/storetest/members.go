package storetest

import (
	"fmt"
	"time"

	"teahouse/internal/im"
)

func memberTests() []test {
	return []test{
		{"AddMembers", testAddMembers},
		{"AddManyMembers", testAddManyMembers},
		{"AddMembersTwice", testAddMembersTwice},
		{"AddMembersWithoutRoom", testAddMembersWithoutRoom},
		{"RemoveMembers", testRemoveMembers},
		{"SetRole", testSetRole},
		{"MembersFrom", testMembersFrom},
		{"Admins", testAdmins},
		{"JoinedRooms", testJoinedRooms},
		{"JoinedRoomsKinds", testJoinedRoomsKinds},
		{"RolesIn", testRolesIn},
	}
}

func memberNames(all []im.Member) (names []im.Username) {
	for _, m := range all {
		names = append(names, m.User)
	}
	return names
}

// everyone lists a room's members, oldest first.
func (e *env) everyone(r im.Room) []im.Member {
	e.Helper()
	return read(e, func(tx im.Tx) ([]im.Member, error) { return tx.MembersFrom(r, 0, false, 1000) })
}

func testAddMembers(e *env) {
	r := e.room("ann")
	more := []im.Member{
		{User: "carl", Role: im.Admin, Joined: start().Add(time.Millisecond), ByREST: true, Seq: 77},
		{User: "bob", Role: im.Plain, Joined: start().Add(time.Second)},
	}
	e.update(func(tx im.Tx) error { return tx.AddMembers(r, more) })
	e.update(func(tx im.Tx) error { return tx.AddMembers(r, nil) })
	more[0].Seq, more[1].Seq = 2, 3
	e.same("members", e.everyone(r), append([]im.Member{{User: "ann", Role: im.Owner, Joined: start(), Seq: 1}}, more...))
	e.same("count", e.readRoom(r).Members, 3)
}

// Every length of a batch, through every way of splitting it into statements.
func testAddManyMembers(e *env) {
	for _, n := range []int{1, 3, 4, 5, 15, 16, 17, 60, 64, 65, 300} {
		r := e.room("owner")
		e.join(r, number(0, n)...)
		all := e.everyone(r)
		e.same(fmt.Sprintf("%d members", n), memberNames(all[1:]), number(0, n))
		for i, m := range all {
			if m.Seq != int64(i+1) {
				e.Fatalf("member %d of %d has place %d", i, n, m.Seq)
			}
		}
		e.same("count", e.readRoom(r).Members, n+1)
		e.leave(r, number(0, n)...)
		e.same("count", e.readRoom(r).Members, 1)
		e.same("left", memberNames(e.everyone(r)), []im.Username{"owner"})
	}
}

func testAddMembersTwice(e *env) {
	r := e.room("ann", "bob")
	e.refused(im.ErrAlreadyMember.In(r.ID), func(tx im.Tx) error { return tx.AddMembers(r, members("carl", "bob")) })
	err := e.store.Update(e.Context(), func(tx im.Tx) error {
		_ = tx.AddMembers(r, members("carl", "bob")) // swallowed: the transaction is lost all the same
		return nil
	})
	e.wantError(im.ErrAlreadyMember.In(r.ID), err)
	e.same("members", memberNames(e.everyone(r)), []im.Username{"ann", "bob"})
	e.same("count", e.readRoom(r).Members, 2)
}

func testAddMembersWithoutRoom(e *env) {
	gone := e.newRoom(im.Chatroom, "ann")
	refused := im.ErrRoomNotFound.In(gone.ID)
	e.refused(refused, func(tx im.Tx) error { return tx.AddMembers(gone, members("ann")) })
	e.refused(refused, func(tx im.Tx) error { return tx.PutEntries(gone, im.Mutes, []im.Entry{{User: "ann"}}) })
	e.refused(refused, func(tx im.Tx) error { return tx.PutAttributes(gone, []im.Attribute{{Key: "k"}}) })
}

func testRemoveMembers(e *env) {
	r, other := e.room("ann", "bob", "carl"), e.room("ann", "bob")
	e.leave(r, "bob", "nobody", "bob")
	e.same("members", memberNames(e.everyone(r)), []im.Username{"ann", "carl"})
	e.same("count", e.readRoom(r).Members, 2)
	e.same("others", memberNames(e.everyone(other)), []im.Username{"ann", "bob"})
	e.leave(r, "bob")
	e.same("count", e.readRoom(r).Members, 2)
	e.join(r, "bob")
	all := e.everyone(r)
	e.same("who comes back comes last", memberNames(all), []im.Username{"ann", "carl", "bob"})
	e.same("at a new place", all[2].Seq, 4)
}

func testSetRole(e *env) {
	r, other := e.room("ann", "bob"), e.room("ann", "bob")
	e.update(func(tx im.Tx) error { return tx.SetRole(r, "bob", im.Admin) })
	e.same("role", e.everyone(r)[1].Role, im.Admin)
	e.same("role elsewhere", e.everyone(other)[1].Role, im.Plain)
	e.refused(im.ErrNotMember.For("eve").In(r.ID), func(tx im.Tx) error { return tx.SetRole(r, "eve", im.Admin) })
}

func testMembersFrom(e *env) {
	r := e.room(number(0, 7)...)
	e.leave(r, "u002", "u006")
	page := func(after int64, desc bool, limit int) ([]im.Username, int64) {
		all := read(e, func(tx im.Tx) ([]im.Member, error) { return tx.MembersFrom(r, after, desc, limit) })
		if len(all) == 0 {
			return nil, 0
		}
		return memberNames(all), all[len(all)-1].Seq
	}
	first, last := page(0, false, 3)
	e.same("oldest first", first, []im.Username{"u000", "u001", "u003"})
	second, last := page(last, false, 3)
	e.same("then", second, []im.Username{"u004", "u005"})
	third, _ := page(last, false, 3)
	e.same("then nothing", third, []im.Username(nil))
	first, last = page(0, true, 2)
	e.same("newest first", first, []im.Username{"u005", "u004"})
	second, _ = page(last, true, 9)
	e.same("then the older", second, []im.Username{"u003", "u001", "u000"})
}

func testAdmins(e *env) {
	r := e.room("ann", "bob", "carl", "dora")
	none := read(e, func(tx im.Tx) ([]im.Member, error) { return tx.Admins(r) })
	e.same("none", none, []im.Member(nil))
	e.update(func(tx im.Tx) error {
		if err := tx.SetRole(r, "dora", im.Admin); err != nil {
			return err
		}
		return tx.SetRole(r, "bob", im.Admin)
	})
	two := read(e, func(tx im.Tx) ([]im.Member, error) { return tx.Admins(r) })
	e.same("longest in the room first", memberNames(two), []im.Username{"bob", "dora"})
	e.same("all of it", two[0], im.Member{User: "bob", Role: im.Admin, Joined: start(), Seq: 2})
}

func testJoinedRooms(e *env) {
	a, b, c := e.room("ann"), e.room("ann"), e.room("ann")
	for i, r := range []im.Room{b, c, a} {
		e.update(func(tx im.Tx) error {
			return tx.AddMembers(r, []im.Member{{User: "bob", Joined: start().Add(time.Duration(i) * time.Millisecond)}})
		})
	}
	joined := func(offset, limit int) []im.RoomID {
		return roomIDs(read(e, func(tx im.Tx) ([]im.Room, error) { return tx.JoinedRooms(e.app, "bob", im.Chatroom, offset, limit) }))
	}
	e.same("last joined first", joined(0, 9), []im.RoomID{a.ID, c.ID, b.ID})
	e.same("a page", joined(1, 1), []im.RoomID{c.ID})
	e.same("beyond", joined(3, 9), []im.RoomID(nil))
	full := read(e, func(tx im.Tx) ([]im.Room, error) { return tx.JoinedRooms(e.app, "bob", im.Chatroom, 0, 1) })
	e.same("the room", full[0], e.readRoom(a))
}

func testJoinedRoomsKinds(e *env) {
	c, g := e.roomOf(im.Chatroom, "ann"), e.roomOf(im.Group, "ann")
	for kind, want := range map[im.RoomKind]im.RoomID{im.Chatroom: c.ID, im.Group: g.ID} {
		got := read(e, func(tx im.Tx) ([]im.Room, error) { return tx.JoinedRooms(e.app, "ann", kind, 0, 9) })
		e.same("rooms", roomIDs(got), []im.RoomID{want})
	}
}

func testRolesIn(e *env) {
	a, b, c, g := e.room("ann", "bob"), e.room("bob"), e.room("ann", "bob"), e.roomOf(im.Group, "bob")
	e.update(func(tx im.Tx) error { return tx.SetRole(c, "bob", im.Admin) })
	roles := func(user im.Username, kind im.RoomKind, ids ...im.RoomID) []im.Role {
		return read(e, func(tx im.Tx) ([]im.Role, error) { return tx.RolesIn(e.app, user, kind, ids) })
	}
	e.same("in the order of the ids", roles("bob", im.Chatroom, c.ID, "404", a.ID, b.ID, c.ID),
		[]im.Role{im.Admin, im.Stranger, im.Plain, im.Owner, im.Admin})
	e.same("of the kind", roles("bob", im.Chatroom, g.ID, a.ID), []im.Role{im.Stranger, im.Plain})
	e.same("groups", roles("bob", im.Group, g.ID), []im.Role{im.Owner})
	e.same("a stranger's", roles("eve", im.Chatroom, a.ID), []im.Role{im.Stranger})
	e.same("in no room", roles("bob", im.Chatroom), []im.Role{})
	var many []im.RoomID
	for range 70 {
		many = append(many, b.ID, a.ID)
	}
	got := roles("ann", im.Chatroom, many...)
	e.same("of many", []any{len(got), got[138], got[139]}, []any{140, im.Stranger, im.Owner})
}
