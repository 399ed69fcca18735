package storetest

import (
	"math"

	"teahouse/internal/im"
)

func roomTests() []test {
	return []test{
		{"Room", testRoom},
		{"RoomIDTaken", testRoomIDTaken},
		{"RoomKinds", testRoomKinds},
		{"PutRoom", testPutRoom},
		{"RoomVersion", testRoomVersion},
		{"DeleteRoom", testDeleteRoom},
		{"Rooms", testRooms},
		{"RoomsBefore", testRoomsBefore},
		{"PublicGroupsBefore", testPublicGroupsBefore},
	}
}

func (e *env) readRoom(r im.Room) im.Room {
	e.Helper()
	return read(e, func(tx im.Tx) (im.Room, error) { return tx.Room(r.App, r.Kind, r.ID) })
}

func roomIDs(rooms []im.Room) (ids []im.RoomID) {
	for _, r := range rooms {
		ids = append(ids, r.ID)
	}
	return ids
}

func testRoom(e *env) {
	r := e.newRoom(im.Chatroom, "ann")
	r.Name, r.Description, r.Custom, r.Announcement, r.Muted, r.MaxUsers = "茶馆", "d'escr", `{"a":1}`, "hi\nthere", true, 4999
	r.Public, r.AllowInvites, r.Disabled, r.Avatar = true, true, true, "https://a/b"
	e.update(func(tx im.Tx) error {
		n, added, err := tx.AddRoom(r, members("ann", "bob", "carl"))
		if err == nil && (n != 1 || !added) {
			e.Errorf("got %d rooms, added %v", n, added)
		}
		return err
	})
	r.Members, r.Seq, r.Version = 3, 1, 1
	e.same("room", e.readRoom(r), r)
	e.same("locked", get(e, func(tx im.Tx) (im.Room, error) { return tx.LockRoom(e.app, r.Kind, r.ID) }), r)
	missing := im.ErrRoomNotFound.In("404")
	e.refused(missing, func(tx im.Tx) error { _, err := tx.Room(e.app, im.Chatroom, "404"); return err })
	e.refused(missing, func(tx im.Tx) error { _, err := tx.LockRoom(e.app, im.Chatroom, "404"); return err })
	all := read(e, func(tx im.Tx) ([]im.Member, error) { return tx.MembersFrom(r, 0, false, 10) })
	e.same("members", all, []im.Member{
		{User: "ann", Role: im.Owner, Joined: start(), Seq: 1}, {User: "bob", Joined: start(), Seq: 2}, {User: "carl", Joined: start(), Seq: 3}})
}

func testRoomIDTaken(e *env) {
	first := e.room("ann")
	for _, kind := range []im.RoomKind{im.Chatroom, im.Group} {
		again := first
		again.Kind, again.Name = kind, "again"
		e.update(func(tx im.Tx) error {
			if _, added, err := tx.AddRoom(again, members("bob", "carl")); err != nil || added {
				e.Errorf("kind %d: added %v, %v", kind, added, err)
			}
			return nil
		})
	}
	e.same("room", e.readRoom(first), first)
	next := e.room("ann")
	if next.Seq != first.Seq+1 {
		e.Errorf("the place after %d is %d", first.Seq, next.Seq)
	}
	e.same("rooms of bob", read(e, func(tx im.Tx) ([]im.Room, error) { return tx.JoinedRooms(e.app, "bob", im.Chatroom, 0, 9) }), []im.Room(nil))
}

func testRoomKinds(e *env) {
	c, g := e.roomOf(im.Chatroom, "ann"), e.roomOf(im.Group, "ann")
	e.refused(im.ErrRoomNotFound.In(g.ID), func(tx im.Tx) error { _, err := tx.Room(e.app, im.Chatroom, g.ID); return err })
	e.refused(im.ErrRoomNotFound.In(c.ID), func(tx im.Tx) error { _, err := tx.LockRoom(e.app, im.Group, c.ID); return err })
	e.same("places", []int64{c.Seq, g.Seq}, []int64{1, 1})
	e.same("groups", roomIDs(read(e, func(tx im.Tx) ([]im.Room, error) { return tx.RoomsAt(e.app, im.Group, 0, 9) })), []im.RoomID{g.ID})
	e.same("named", roomIDs(read(e, func(tx im.Tx) ([]im.Room, error) { return tx.Rooms(e.app, im.Group, []im.RoomID{c.ID, g.ID}) })), []im.RoomID{g.ID})
}

func testPutRoom(e *env) {
	r := e.room("ann", "bob")
	r.Name, r.Description, r.Custom, r.Announcement, r.Muted, r.MaxUsers, r.Owner = "n", "d", "c", "a", true, 7, "bob"
	r.MembersOnly, r.InviteNeedConfirm, r.Avatar = true, true, "b"
	e.update(func(tx im.Tx) error {
		changed := r
		changed.Members, changed.Seq, changed.Version = 99, 99, 99
		return tx.PutRoom(changed)
	})
	e.same("room", e.readRoom(r), r)
	for i := range 5 {
		flags := []*bool{&r.Public, &r.MembersOnly, &r.AllowInvites, &r.InviteNeedConfirm, &r.Disabled}
		for j, f := range flags {
			*f = i == j
		}
		e.update(func(tx im.Tx) error { return tx.PutRoom(r) })
		e.same("one flag", e.readRoom(r), r)
	}
	gone := e.newRoom(im.Chatroom, "ann")
	e.refused(im.ErrRoomNotFound.In(gone.ID), func(tx im.Tx) error { return tx.PutRoom(gone) })
}

// The version grows by one with every CountChange that is committed, and with nothing else; every method reads it.
func testRoomVersion(e *env) {
	r := e.room("ann")
	count := func(tx im.Tx) error { return tx.CountChange(r) }
	for want := int64(2); want < 5; want++ {
		e.update(count)
		e.same("counted", e.readRoom(r).Version, want)
	}
	err := e.store.Update(e.Context(), func(tx im.Tx) error {
		if err := count(tx); err != nil {
			e.Error(err)
		}
		if locked, err := tx.LockRoom(e.app, r.Kind, r.ID); err != nil || locked.Version != 5 {
			e.Errorf("got version %d, %v; want 5", locked.Version, err)
		}
		return errTest
	})
	if err != errTest {
		e.Errorf("got %v, want the very error", err)
	}
	gone := e.room("ann")
	e.update(func(tx im.Tx) error { return tx.DeleteRoom(gone) })
	e.refused(im.ErrRoomNotFound.In(gone.ID), func(tx im.Tx) error { return tx.CountChange(gone) })
	e.refused(im.ErrRoomNotFound.In(r.ID), func(tx im.Tx) error { _, err := tx.LockRoom(e.app, im.Group, r.ID); return err })
	e.join(r, "bob")
	e.update(func(tx im.Tx) error { return tx.PutRoom(r) })
	one := func(rooms []im.Room, err error) (im.Room, error) { return rooms[0], err }
	for name, look := range map[string]func(im.Tx) (im.Room, error){
		"Room":        func(tx im.Tx) (im.Room, error) { return tx.Room(e.app, r.Kind, r.ID) },
		"Rooms":       func(tx im.Tx) (im.Room, error) { return one(tx.Rooms(e.app, r.Kind, []im.RoomID{r.ID})) },
		"RoomsBefore": func(tx im.Tx) (im.Room, error) { return one(tx.RoomsBefore(e.app, r.Kind, math.MaxInt64, 1)) },
		"RoomsAt":     func(tx im.Tx) (im.Room, error) { return one(tx.RoomsAt(e.app, r.Kind, 0, 1)) },
		"JoinedRooms": func(tx im.Tx) (im.Room, error) { return one(tx.JoinedRooms(e.app, "ann", r.Kind, 0, 1)) },
	} {
		e.same(name, read(e, look).Version, 4)
	}
}

func testDeleteRoom(e *env) {
	r, other := e.room("ann", "bob"), e.room("ann")
	fill := func(r im.Room) func(tx im.Tx) error {
		return func(tx im.Tx) error {
			if err := tx.PutAttributes(r, []im.Attribute{{Key: "k", Value: "v", Setter: "ann"}}); err != nil {
				return err
			}
			return tx.PutEntries(r, im.Blocks, []im.Entry{{User: "eve"}})
		}
	}
	e.update(fill(r))
	e.update(fill(other))
	e.leave(r, "bob")
	e.update(func(tx im.Tx) error { return tx.DeleteRoom(r) })
	e.refused(im.ErrRoomNotFound.In(r.ID), func(tx im.Tx) error { _, err := tx.Room(e.app, r.Kind, r.ID); return err })
	e.refused(im.ErrRoomNotFound.In(r.ID), func(tx im.Tx) error { return tx.DeleteRoom(r) })

	again := e.newRoom(im.Chatroom, "carl")
	again.ID = r.ID
	e.update(func(tx im.Tx) error { _, _, err := tx.AddRoom(again, members("carl")); return err })
	look := func(r im.Room) (n [3]int) {
		e.view(func(tx im.Tx) error {
			all, err := tx.MembersAt(r, 0, 9)
			entries, err2 := tx.Entries(r, im.Blocks)
			attributes, err3 := tx.Attributes(r)
			n = [3]int{len(all), len(entries), len(attributes)}
			return firstError(err, err2, err3)
		})
		return n
	}
	e.same("a new room of the same id has nothing of the old", look(again), [3]int{1, 0, 0})
	e.same("the other room", look(other), [3]int{1, 1, 1})
	e.same("joined", roomIDs(read(e, func(tx im.Tx) ([]im.Room, error) { return tx.JoinedRooms(e.app, "ann", im.Chatroom, 0, 9) })), []im.RoomID{other.ID})
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func testRooms(e *env) {
	a, b, c := e.room("ann"), e.room("ann"), e.room("ann")
	named := func(ids ...im.RoomID) []im.RoomID {
		return roomIDs(read(e, func(tx im.Tx) ([]im.Room, error) { return tx.Rooms(e.app, im.Chatroom, ids) }))
	}
	e.same("in the order of the names", named(c.ID, "404", a.ID, b.ID), []im.RoomID{c.ID, a.ID, b.ID})
	e.same("none", named(), []im.RoomID(nil))
	e.same("none of them", named("1", "2"), []im.RoomID(nil))
}

func testRoomsBefore(e *env) {
	var all []im.RoomID
	for range 5 {
		all = append([]im.RoomID{e.room("ann").ID}, all...)
	}
	e.roomOf(im.Group, "ann")
	page := func(before int64, limit int) []im.Room {
		return read(e, func(tx im.Tx) ([]im.Room, error) { return tx.RoomsBefore(e.app, im.Chatroom, before, limit) })
	}
	first := page(math.MaxInt64, 2)
	e.same("first page", roomIDs(first), all[:2])
	second := page(first[1].Seq, 2)
	e.same("second page", roomIDs(second), all[2:4])
	e.same("last page", roomIDs(page(second[1].Seq, 2)), all[4:])
}

func testPublicGroupsBefore(e *env) {
	var public []im.RoomID
	for i := range 6 {
		g := e.roomOf(im.Group, "ann")
		if g.Public = i%2 == 0; g.Public {
			e.update(func(tx im.Tx) error { return tx.PutRoom(g) })
			public = append([]im.RoomID{g.ID}, public...)
		}
	}
	chatroom := e.room("ann")
	chatroom.Public = true // has no meaning there
	e.update(func(tx im.Tx) error { return tx.PutRoom(chatroom) })
	page := func(before int64, limit int) []im.Room {
		return read(e, func(tx im.Tx) ([]im.Room, error) { return tx.PublicGroupsBefore(e.app, before, limit) })
	}
	first := page(math.MaxInt64, 2)
	e.same("first page", roomIDs(first), public[:2])
	e.same("the room", first[0], e.readRoom(first[0]))
	e.same("last page", roomIDs(page(first[1].Seq, 2)), public[2:])
	first[0].Public = false
	e.update(func(tx im.Tx) error { return tx.PutRoom(first[0]) })
	e.update(func(tx im.Tx) error { return tx.DeleteRoom(first[1]) })
	e.same("what is left", roomIDs(page(math.MaxInt64, 9)), public[2:])
}
