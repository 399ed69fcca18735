package storetest

import (
	"maps"
	"slices"

	"teahouse/internal/im"
)

func memberAttributeTests() []test {
	return []test{
		{"MemberAttributes", testMemberAttributes},
		{"DropMemberAttributes", testDropMemberAttributes},
		{"Shields", testShields},
	}
}

func (e *env) memberAttributes(r im.Room, users ...im.Username) []im.MemberAttribute {
	e.Helper()
	return read(e, func(tx im.Tx) ([]im.MemberAttribute, error) { return tx.MemberAttributes(r, users) })
}

func (e *env) setMemberAttributes(r im.Room, all ...im.MemberAttribute) {
	e.Helper()
	e.update(func(tx im.Tx) error { return tx.PutMemberAttributes(r, all) })
}

func testMemberAttributes(e *env) {
	r, other := e.roomOf(im.Group, "ann", "bob"), e.roomOf(im.Group, "ann", "bob")
	e.same("none", e.memberAttributes(r, "ann", "bob"), []im.MemberAttribute(nil))
	b1 := im.MemberAttribute{User: "bob", Key: "b", Value: "二"}
	b2 := im.MemberAttribute{User: "bob", Key: "B", Value: "2"}
	a := im.MemberAttribute{User: "ann", Key: "z", Value: "3"}
	e.setMemberAttributes(r, b1, b2, a)
	e.setMemberAttributes(other, im.MemberAttribute{User: "bob", Key: "b", Value: "other"})
	e.same("by user and key", e.memberAttributes(r, "bob", "none", "ann", "bob"), []im.MemberAttribute{a, b2, b1})
	e.same("of one", e.memberAttributes(r, "ann"), []im.MemberAttribute{a})
	e.same("of nobody", e.memberAttributes(r), []im.MemberAttribute(nil))
	many := append(append([]im.Username{"bob"}, number(0, 1100)...), "bob")
	e.same("among many", e.memberAttributes(r, many...), []im.MemberAttribute{b2, b1})
	b1.Value = "new"
	gone := b2
	gone.Value = ""
	e.setMemberAttributes(r, b1, gone, im.MemberAttribute{User: "ann", Key: "nosuch"})
	e.same("replaced and removed", e.memberAttributes(r, "bob", "ann"), []im.MemberAttribute{a, b1})
	e.setMemberAttributes(r, im.MemberAttribute{User: "ann", Key: "z"}, a, im.MemberAttribute{User: "bob", Key: "b", Value: "x"}, im.MemberAttribute{User: "bob", Key: "b"})
	e.same("in their order", e.memberAttributes(r, "bob", "ann"), []im.MemberAttribute{a})
	e.setMemberAttributes(r)
	e.update(func(tx im.Tx) error { return tx.DeleteRoom(r) })
	e.same("went with the room", e.memberAttributes(r, "bob", "ann"), []im.MemberAttribute(nil))
	e.same("the other room's stay", len(e.memberAttributes(other, "bob")), 1)
	e.refused(im.ErrRoomNotFound.In(r.ID), func(tx im.Tx) error { return tx.PutMemberAttributes(r, []im.MemberAttribute{a}) })
}

func testDropMemberAttributes(e *env) {
	r := e.roomOf(im.Group, "ann", "bob", "carl")
	for _, user := range []im.Username{"ann", "bob", "carl"} {
		e.setMemberAttributes(r, im.MemberAttribute{User: user, Key: "a", Value: "1"}, im.MemberAttribute{User: user, Key: "b", Value: "2"})
	}
	e.update(func(tx im.Tx) error { return tx.DropMemberAttributes(r, []im.Username{"carl", "none", "ann"}) })
	e.update(func(tx im.Tx) error { return tx.DropMemberAttributes(r, nil) })
	e.same("left", e.memberAttributes(r, "ann", "bob", "carl"),
		[]im.MemberAttribute{{User: "bob", Key: "a", Value: "1"}, {User: "bob", Key: "b", Value: "2"}})
}

func testShields(e *env) {
	r, g, other := e.room("ann", "bob", "carl"), e.roomOf(im.Group, "ann", "bob"), e.room("ann", "bob")
	shields := func(r im.Room, users ...im.Username) []im.Username {
		e.Helper()
		return read(e, func(tx im.Tx) ([]im.Username, error) { return tx.Shields(r, users...) })
	}
	set := func(r im.Room, user im.Username, on bool) {
		e.Helper()
		e.update(func(tx im.Tx) error { return tx.SetShield(r, user, on) })
	}
	e.same("none", shields(r), []im.Username(nil))
	set(r, "carl", true)
	set(r, "bob", true)
	set(r, "bob", true)
	set(g, "bob", true)
	e.same("longest in the room first", shields(r), []im.Username{"bob", "carl"})
	e.same("of the named", shields(r, append(append([]im.Username{"carl"}, number(0, 1100)...), "carl", "ann")...), []im.Username{"carl"})
	e.same("of a group", shields(g), []im.Username{"bob"})
	e.same("of a room beside it", shields(other), []im.Username(nil))
	set(r, "bob", false)
	set(r, "ann", false)
	e.same("no more", shields(r, "bob", "ann"), []im.Username(nil))
	e.leave(r, "carl")
	e.join(r, "carl")
	e.same("who comes back does not shield", shields(r), []im.Username(nil))
	e.refused(im.ErrNotMember.For("eve").In(r.ID), func(tx im.Tx) error { return tx.SetShield(r, "eve", true) })
}

// belong makes rows around memberships of a room.
func belong(tx im.Tx, r im.Room) error {
	return firstError(
		tx.PutMemberAttributes(r, []im.MemberAttribute{{User: "bob", Key: "k", Value: "v"}}),
		tx.SetShield(r, "bob", true),
		tx.PutPending(r, []im.Pending{applies(r, "carl", 1), invited(r, "ann", "bob", 2)}))
}

// joinReads use the reading methods about what belongs to a membership or leads to one.
func joinReads() []access {
	names := []im.Username{"ann", "bob"}
	return []access{
		{"MemberAttributes", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.MemberAttributes(r, names) }},
		{"Pending", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.Pending(r, names) }},
		{"Awaiting", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Awaiting(app, "ann", start(), 9) }},
		{"CountPending", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) {
			n, of, err := tx.CountPending(r, im.Invitation, names)
			return append(slices.Collect(maps.Keys(of)), number(0, n)...), err
		}},
		{"Shields", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.Shields(r) }},
	}
}

// joinWrites use the methods that change it.
func joinWrites() []access {
	names := []im.Username{"ann", "bob"}
	return []access{
		{"PutMemberAttributes", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) {
			return nil, tx.PutMemberAttributes(r, []im.MemberAttribute{{User: "bob", Key: "k", Value: "new"}})
		}},
		{"DropMemberAttributes", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.DropMemberAttributes(r, names) }},
		{"PutPending", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) {
			return nil, tx.PutPending(r, []im.Pending{applies(r, "eve", 1)})
		}},
		{"DropPending", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) {
			return nil, tx.DropPending(r, im.Invitation, names)
		}},
		{"DeletePending", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.DeletePending(app, after(99), 9) }},
		{"SetShield", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.SetShield(r, "ann", true) }},
	}
}
