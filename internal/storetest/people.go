package storetest

import (
	"time"

	"teahouse/internal/im"
)

func peopleTests() []test {
	return []test{
		{"Relations", testRelations},
		{"RelationsPaged", testRelationsPaged},
		{"RelationsApart", testRelationsApart},
		{"RelationOfNobody", testRelationOfNobody},
		{"UserMutes", testUserMutes},
		{"Speaker", testSpeaker},
		{"Voice", testVoice},
		{"Properties", testProperties},
		{"ForgottenUser", testForgottenUser},
	}
}

// duePeopleTests look at all apps.
func duePeopleTests() []test {
	return []test{
		{"DueUserMutes", testDueUserMutes},
	}
}

func (e *env) relate(owner im.Username, list im.UserList, user im.Username, note string) bool {
	e.Helper()
	return get(e, func(tx im.Tx) (bool, error) {
		return tx.PutRelation(e.app, owner, list, im.Relation{User: user, Note: note})
	})
}

func (e *env) relations(owner im.Username, list im.UserList) (users []im.Username) {
	e.Helper()
	for _, r := range read(e, func(tx im.Tx) ([]im.Relation, error) { return tx.Relations(e.app, owner, list, 0, 9999) }) {
		users = append(users, r.User)
	}
	return users
}

func testRelations(e *env) {
	e.users("ann", "bob", "carl", "dora")
	e.same("none", e.relations("ann", im.ContactList), []im.Username(nil))
	e.same("added", []bool{e.relate("ann", im.ContactList, "dora", ""), e.relate("ann", im.ContactList, "bob", "x"), e.relate("ann", im.ContactList, "carl", "")},
		[]bool{true, true, true})
	e.same("again", e.relate("ann", im.ContactList, "dora", "朵"), false)
	e.same("longest on it first, who is put again stays", read(e, func(tx im.Tx) ([]im.Relation, error) {
		return tx.Relations(e.app, "ann", im.ContactList, 0, 9)
	}), []im.Relation{{User: "dora", Note: "朵", Seq: 1}, {User: "bob", Note: "x", Seq: 2}, {User: "carl", Seq: 3}})
	e.same("of one side only", e.relations("dora", im.ContactList), []im.Username(nil))
	count := func() int {
		return read(e, func(tx im.Tx) (int, error) { return tx.CountRelations(e.app, "ann", im.ContactList) })
	}
	e.same("count", count(), 3)
	gone := get(e, func(tx im.Tx) ([]im.Username, error) {
		return tx.DeleteRelations(e.app, "ann", im.ContactList, []im.Username{"carl", "nobody", "dora", "carl"})
	})
	e.same("in the order given", gone, []im.Username{"carl", "dora"})
	e.same("left", e.relations("ann", im.ContactList), []im.Username{"bob"})
	e.relate("ann", im.ContactList, "dora", "")
	e.same("who comes back comes last", e.relations("ann", im.ContactList), []im.Username{"bob", "dora"})
	e.same("count", count(), 2)
}

func testRelationsPaged(e *env) {
	names := number(0, 30)
	e.users(append(names, "ann")...)
	for _, n := range names {
		e.relate("ann", im.BlockedList, n, "")
	}
	var got []im.Username
	for after, size := int64(0), 0; ; {
		page := read(e, func(tx im.Tx) ([]im.Relation, error) { return tx.Relations(e.app, "ann", im.BlockedList, after, 7) })
		if len(page) == 0 {
			break
		}
		size = max(size, len(page))
		e.same("no longer than asked", size, 7)
		for _, r := range page {
			got = append(got, r.User)
		}
		after = page[len(page)-1].Seq
	}
	e.same("all pages", got, names)
	some := read(e, func(tx im.Tx) ([]im.Relation, error) {
		return tx.Related(e.app, "ann", im.BlockedList, append(number(5, 1500), "u002", "u005"))
	})
	e.same("among many", len(some), 26)
	e.same("longest on it first", some[0], im.Relation{User: "u002", Seq: 3})
	e.same("of none", len(read(e, func(tx im.Tx) ([]im.Relation, error) { return tx.Related(e.app, "ann", im.BlockedList, nil) })), 0)
}

func testRelationsApart(e *env) {
	e.users("ann", "bob", "carl", "dora")
	e.relate("ann", im.ContactList, "bob", "")
	e.relate("ann", im.BlockedList, "carl", "")
	e.relate("ann", im.AskingList, "dora", "please")
	e.relate("bob", im.BlockedList, "ann", "")
	e.update(func(tx im.Tx) error {
		_, err := tx.DeleteRelations(e.app, "ann", im.ContactList, []im.Username{"carl", "dora", "ann"})
		return err
	})
	for list, want := range map[im.UserList]im.Username{im.ContactList: "bob", im.BlockedList: "carl", im.AskingList: "dora"} {
		e.same("list", e.relations("ann", list), []im.Username{want})
	}
	e.same("of another", e.relations("bob", im.BlockedList), []im.Username{"ann"})
}

func testRelationOfNobody(e *env) {
	e.users("ann")
	e.refused(im.ErrUserNotFound.For("bob"), func(tx im.Tx) error {
		_, err := tx.PutRelation(e.app, "ann", im.ContactList, im.Relation{User: "bob"})
		return err
	})
	e.refused(im.ErrUserNotFound.For("bob"), func(tx im.Tx) error {
		_, err := tx.PutRelation(e.app, "bob", im.ContactList, im.Relation{User: "ann"})
		return err
	})
	e.refused(im.ErrUserNotFound.For("bob"), func(tx im.Tx) error {
		return tx.PutProperties(e.app, "bob", []im.Property{{Key: "k"}})
	})
	e.refused(im.ErrUserNotFound.For("bob"), func(tx im.Tx) error { return tx.PutUserMute(e.muted("bob", 1, 0, 0)) })
}

// muted is a mute whose ends are seconds after the start; 0 is none and -1 for good.
func (e *env) muted(user im.Username, seconds ...int) im.UserMute {
	m := im.UserMute{App: e.app, User: user}
	for v, s := range seconds {
		switch {
		case s < 0:
			m.Ends[v] = im.Forever()
		case s > 0:
			m.Ends[v] = after(s)
		}
	}
	return m
}

func (e *env) mute(m im.UserMute) {
	e.Helper()
	e.update(func(tx im.Tx) error { return tx.PutUserMute(m) })
}

func testUserMutes(e *env) {
	e.users("ann", "bob", "carl")
	mutes := func(offset, limit int) []im.UserMute {
		return read(e, func(tx im.Tx) ([]im.UserMute, error) { return tx.UserMutes(e.app, offset, limit) })
	}
	one := func(user im.Username) im.UserMute {
		return read(e, func(tx im.Tx) (im.UserMute, error) { return tx.UserMute(e.app, user) })
	}
	e.same("none", mutes(0, 9), []im.UserMute(nil))
	e.same("of one without", one("ann"), im.UserMute{App: e.app, User: "ann"})
	carl, ann := e.muted("carl", 1, 0, -1), e.muted("ann", 0, 2, 3)
	e.mute(carl)
	e.mute(ann)
	e.mute(e.muted("bob", 5, 5, 5))
	e.same("one", one("carl"), carl)
	if end := one("carl").Ends[im.InChatrooms]; end != im.Forever() {
		e.Errorf("got %v, want the very value of Forever", end)
	}
	e.mute(e.muted("bob", 0, 0, 0))
	e.same("lifted", one("bob"), im.UserMute{App: e.app, User: "bob"})
	e.mute(e.muted("bob", 0, 0, 0))
	carl = e.muted("carl", 0, 0, 7)
	e.mute(carl)
	e.same("first muted first, who is muted again stays", mutes(0, 9), []im.UserMute{carl, ann})
	e.same("a page", mutes(1, 1), []im.UserMute{ann})
	e.same("beyond", mutes(2, 9), []im.UserMute(nil))
}

func testDueUserMutes(e *env) {
	e.users("ann", "bob", "carl")
	other := newEnv(e.T, e.store)
	other.app = e.newApp("other")
	other.users("ann")
	due := func(now time.Time, limit int) []im.UserMute {
		return read(e, func(tx im.Tx) ([]im.UserMute, error) { return tx.DueUserMutes(now, limit) })
	}
	next := func() (at time.Time, ok bool) {
		e.view(func(tx im.Tx) (err error) { at, ok, err = tx.NextUserMuteEnd(); return err })
		return at, ok
	}
	if at, ok := next(); ok {
		e.Errorf("no mute ends at %v", at)
	}
	e.mute(e.muted("carl", -1, -1, 0))
	if at, ok := next(); ok {
		e.Errorf("a mute for good ends at %v", at)
	}
	ann, bob, foreign := e.muted("ann", 9, -1, 2), e.muted("bob", 1, 0, 0), other.muted("ann", 0, 3, 0)
	e.mute(ann)
	e.mute(bob)
	other.mute(foreign)
	e.same("before", due(after(1).Add(-time.Millisecond), 9), []im.UserMute(nil))
	e.same("at its end", due(after(1), 9), []im.UserMute{bob})
	e.same("limited, earliest first", due(after(20), 2), []im.UserMute{bob, ann})
	e.same("of all apps", due(after(20), 9), []im.UserMute{bob, ann, foreign})
	e.same("for good is never due", len(due(im.Forever().Add(time.Hour), 9)), 3)
	if at, ok := next(); !ok || at != after(1) {
		e.Errorf("got %v %v, want %v", at, ok, after(1))
	}
	e.mute(e.muted("bob", 0, 0, 0))
	e.mute(e.muted("ann", 9, -1, 0))
	if at, ok := next(); !ok || at != after(3) {
		e.Errorf("got %v %v, want %v", at, ok, after(3))
	}
	e.update(func(tx im.Tx) error { return tx.DeleteUser(other.app, "ann") })
	e.same("with the user", due(after(20), 9), []im.UserMute{e.muted("ann", 9, -1, 0)})
}

func testSpeaker(e *env) {
	e.users("ann", "bob", "carl")
	speaker := func(sender, receiver im.Username) im.Speaker {
		return read(e, func(tx im.Tx) (im.Speaker, error) { return tx.Speaker(e.app, sender, receiver) })
	}
	e.same("nothing stands", speaker("ann", "bob"), im.Speaker{})
	e.same("of nobody", speaker("nobody", "noone"), im.Speaker{})
	ann := e.muted("ann", 1, 2, -1)
	e.mute(ann)
	e.same("muted", speaker("ann", "bob"), im.Speaker{Ends: ann.Ends})
	e.relate("bob", im.ContactList, "ann", "")
	e.relate("carl", im.ContactList, "bob", "")
	e.relate("carl", im.BlockedList, "bob", "")
	e.relate("bob", im.AskingList, "carl", "")
	e.same("a contact of the receiver", speaker("ann", "bob"), im.Speaker{Ends: ann.Ends, Contact: true})
	e.same("the other way", speaker("bob", "ann"), im.Speaker{})
	e.same("blocked by the receiver", speaker("bob", "carl"), im.Speaker{Contact: true, Blocked: true})
	e.same("has blocked, and was asked", speaker("carl", "bob"), im.Speaker{})
}

// testVoice: all that decides whether somebody may speak in a room, in one look.
func testVoice(e *env) {
	e.users("ann", "bob", "carl")
	room := e.room("ann", "bob")
	voice := func(u im.Username) im.Voice {
		return read(e, func(tx im.Tx) (im.Voice, error) { return tx.Voice(e.app, room.Kind, room.ID, u) })
	}
	e.same("the owner", voice("ann"), im.Voice{Member: true, Role: im.Owner})
	e.same("a member", voice("bob"), im.Voice{Member: true, Role: im.Plain})
	e.same("a stranger", voice("carl"), im.Voice{Role: im.Stranger})
	e.same("nobody", voice("nobody"), im.Voice{Role: im.Stranger})
	bob := e.muted("bob", 1, 2, -1)
	e.mute(bob)
	end := start().Add(time.Hour)
	e.update(func(tx im.Tx) error {
		room.Muted, room.Disabled = true, true
		return firstError(tx.PutRoom(room), tx.SetRole(room, "bob", im.Admin),
			tx.PutEntries(room, im.Mutes, []im.Entry{{User: "bob", Until: end}}), tx.PutEntries(room, im.Allows, []im.Entry{{User: "bob"}}),
			tx.PutEntries(room, im.Mutes, []im.Entry{{User: "carl", Until: end}}))
	})
	e.same("with everything", voice("bob"), im.Voice{Disabled: true, Silent: true, Member: true, Role: im.Admin, Allowed: true, Until: end,
		Anywhere: im.Speaker{Ends: bob.Ends}})
	e.same("a muted stranger", voice("carl"), im.Voice{Disabled: true, Silent: true, Role: im.Stranger, Until: end})
	e.refused(im.ErrRoomNotFound.In("nowhere"), func(tx im.Tx) error { _, err := tx.Voice(e.app, room.Kind, "nowhere", "ann"); return err })
	e.refused(im.ErrRoomNotFound.In(room.ID), func(tx im.Tx) error { _, err := tx.Voice(e.app, im.Group, room.ID, "ann"); return err })
}

func (e *env) properties(users ...im.Username) []im.Property {
	e.Helper()
	return read(e, func(tx im.Tx) ([]im.Property, error) { return tx.Properties(e.app, users) })
}

func (e *env) set(user im.Username, all ...im.Property) {
	e.Helper()
	e.update(func(tx im.Tx) error { return tx.PutProperties(e.app, user, all) })
}

func testProperties(e *env) {
	e.users("ann", "bob", "carl")
	bytes := func() int64 { return read(e, func(tx im.Tx) (int64, error) { return tx.PropertyBytes(e.app) }) }
	e.same("none", e.properties("ann", "nobody"), []im.Property(nil))
	e.same("bytes", bytes(), 0)
	e.set("bob", im.Property{Key: "sign", Value: "茶"}, im.Property{Key: "ext"})
	e.set("ann", im.Property{Key: "sign", Value: "old"})
	e.set("ann", im.Property{Key: "sign", Value: "new one"}, im.Property{Key: "birth", Value: "1"})
	e.set("carl", im.Property{Key: "mail", Value: "m"})
	want := []im.Property{{User: "ann", Key: "birth", Value: "1"}, {User: "ann", Key: "sign", Value: "new one"}, {User: "bob", Key: "ext"}, {User: "bob", Key: "sign", Value: "茶"}}
	e.same("by user and key", e.properties("bob", "nobody", "ann", "bob"), want)
	e.same("among many", e.properties(append(number(0, 1200), "ann", "bob", "ann")...), want)
	e.same("of nobody", e.properties(), []im.Property(nil))
	e.same("bytes", bytes(), 6+11+3+7+5)
	e.update(func(tx im.Tx) error { return tx.DeleteProperties(e.app, "ann") })
	e.update(func(tx im.Tx) error { return tx.DeleteProperties(e.app, "nobody") })
	e.same("deleted", e.properties("ann"), []im.Property(nil))
	e.same("bytes", bytes(), 3+7+5)
}

// With a user go the rows on both sides.
func testForgottenUser(e *env) {
	e.users("ann", "bob", "carl")
	for _, list := range []im.UserList{im.ContactList, im.BlockedList, im.AskingList} {
		for _, pair := range [][2]im.Username{{"ann", "bob"}, {"bob", "ann"}, {"ann", "carl"}, {"carl", "ann"}} {
			e.relate(pair[0], list, pair[1], "")
		}
	}
	e.set("bob", im.Property{Key: "k", Value: "v"})
	e.set("ann", im.Property{Key: "k", Value: "v"})
	e.mute(e.muted("bob", 1, 2, 3))
	e.mute(e.muted("ann", 1, 2, 3))
	e.update(func(tx im.Tx) error { return tx.DeleteUser(e.app, "bob") })
	e.users("bob")
	for _, list := range []im.UserList{im.ContactList, im.BlockedList, im.AskingList} {
		e.same("of bob", e.relations("bob", list), []im.Username(nil))
		e.same("of ann", e.relations("ann", list), []im.Username{"carl"})
		e.same("of carl", e.relations("carl", list), []im.Username{"ann"})
	}
	e.same("properties", e.properties("ann", "bob"), []im.Property{{User: "ann", Key: "k", Value: "v"}})
	e.same("mutes", read(e, func(tx im.Tx) ([]im.UserMute, error) { return tx.UserMutes(e.app, 0, 9) }), []im.UserMute{e.muted("ann", 1, 2, 3)})
}
