package storetest

import (
	"time"

	"teahouse/internal/im"
)

func listTests() []test {
	return []test{
		{"Entries", testEntries},
		{"EntriesNamed", testEntriesNamed},
		{"DeleteEntries", testDeleteEntries},
		{"ListsApart", testListsApart},
	}
}

func (e *env) entries(r im.Room, list im.List, names ...im.Username) []im.Entry {
	e.Helper()
	return read(e, func(tx im.Tx) ([]im.Entry, error) { return tx.Entries(r, list, names...) })
}

func entryNames(all []im.Entry) (names []im.Username) {
	for _, en := range all {
		names = append(names, en.User)
	}
	return names
}

func (e *env) put(r im.Room, list im.List, entries ...im.Entry) {
	e.Helper()
	e.update(func(tx im.Tx) error { return tx.PutEntries(r, list, entries) })
}

func testEntries(e *env) {
	r := e.room("ann")
	e.same("empty", e.entries(r, im.Mutes), []im.Entry(nil))
	until := start().Add(7 * time.Millisecond)
	e.put(r, im.Mutes, im.Entry{User: "zoe", Until: until}, im.Entry{User: "bob", Until: im.Forever()})
	e.put(r, im.Mutes, im.Entry{User: "carl", Until: until})
	e.put(r, im.Mutes)
	e.put(r, im.Mutes, im.Entry{User: "zoe", Until: until.Add(1)}, im.Entry{User: "dora", Until: until})
	got := e.entries(r, im.Mutes)
	e.same("longest on it first, who is put again stays", got, []im.Entry{
		{User: "zoe", Until: until}, {User: "bob", Until: im.Forever()}, {User: "carl", Until: until}, {User: "dora", Until: until}})
	if got[1].Until != im.Forever() {
		e.Errorf("got %v, want the very value of Forever", got[1].Until)
	}
	e.put(r, im.Mutes, im.Entry{User: "zoe", Until: until.Add(time.Hour)})
	e.put(r, im.Mutes, im.Entry{User: "eve", Until: until}, im.Entry{User: "fay", Until: until}, im.Entry{User: "eve", Until: im.Forever()})
	eve := e.entries(r, im.Mutes, "eve")
	e.same("given twice, the last counts", eve, []im.Entry{{User: "eve", Until: im.Forever()}})
	many := number(0, 70)
	var entries []im.Entry
	for _, n := range many {
		entries = append(entries, im.Entry{User: n})
	}
	e.put(r, im.Allows, entries...)
	e.same("many", entryNames(e.entries(r, im.Allows)), many)
	e.same("replaced", e.entries(r, im.Mutes)[0], im.Entry{User: "zoe", Until: until.Add(time.Hour)})
}

func testEntriesNamed(e *env) {
	r := e.room("ann")
	e.put(r, im.Allows, im.Entry{User: "zoe"}, im.Entry{User: "bob"}, im.Entry{User: "carl"})
	got := e.entries(r, im.Allows, "carl", "nobody", "zoe", "zoe")
	e.same("those of the named", got, []im.Entry{{User: "zoe"}, {User: "carl"}})
	e.same("none of them", e.entries(r, im.Allows, "nobody"), []im.Entry(nil))
	many := e.entries(r, im.Allows, append(number(0, 1200), "bob", "zoe")...)
	e.same("among many", entryNames(many), []im.Username{"zoe", "bob"})
}

func testDeleteEntries(e *env) {
	r := e.room("ann")
	e.put(r, im.Blocks, im.Entry{User: "zoe"}, im.Entry{User: "bob"}, im.Entry{User: "carl"})
	gone := get(e, func(tx im.Tx) ([]im.Username, error) {
		return tx.DeleteEntries(r, im.Blocks, []im.Username{"carl", "nobody", "zoe", "carl"})
	})
	e.same("in the order given", gone, []im.Username{"carl", "zoe"})
	e.same("left", entryNames(e.entries(r, im.Blocks)), []im.Username{"bob"})
	none := get(e, func(tx im.Tx) ([]im.Username, error) { return tx.DeleteEntries(r, im.Blocks, []im.Username{"zoe"}) })
	e.same("again", none, []im.Username(nil))
	e.put(r, im.Blocks, im.Entry{User: "zoe"})
	e.same("who comes back comes last", entryNames(e.entries(r, im.Blocks)), []im.Username{"bob", "zoe"})
}

func testListsApart(e *env) {
	r, other := e.room("ann"), e.room("ann")
	e.put(r, im.Mutes, im.Entry{User: "m", Until: start()})
	e.put(r, im.Blocks, im.Entry{User: "b"})
	e.put(r, im.Allows, im.Entry{User: "a"})
	e.put(other, im.Mutes, im.Entry{User: "o", Until: start()})
	e.leave(r, "ann") // entries outlive membership
	for list, want := range map[im.List]im.Username{im.Mutes: "m", im.Blocks: "b", im.Allows: "a"} {
		e.same("list", entryNames(e.entries(r, list)), []im.Username{want})
	}
	e.update(func(tx im.Tx) error {
		_, err := tx.DeleteEntries(r, im.Mutes, []im.Username{"b", "a", "o", "m"})
		return err
	})
	e.same("left", []int{len(e.entries(r, im.Mutes)), len(e.entries(r, im.Blocks)), len(e.entries(r, im.Allows)), len(e.entries(other, im.Mutes))},
		[]int{0, 1, 1, 1})
}

// The due loop sees every app, so these have a store of their own.
func dueTests() []test {
	return []test{
		{"DeleteExpiredTokens", testExpiredTokens},
		{"DeleteRevokedJWTs", testExpiredJWTs},
		{"DueMutes", testDueMutes},
		{"NextMuteEnd", testNextMuteEnd},
		{"EndMute", testEndMute},
	}
}

func after(seconds int) time.Time { return start().Add(time.Duration(seconds) * time.Second) }

func testDueMutes(e *env) {
	r, g := e.room("ann"), e.roomOf(im.Group, "ann")
	other := newEnv(e.T, e.store)
	other.app = e.newApp("other")
	third := other.room("ann")
	e.put(r, im.Mutes, im.Entry{User: "late", Until: after(30)}, im.Entry{User: "first", Until: after(1)}, im.Entry{User: "never", Until: im.Forever()})
	e.put(g, im.Mutes, im.Entry{User: "third", Until: after(3)})
	e.put(g, im.Blocks, im.Entry{User: "blocked"})
	other.put(third, im.Mutes, im.Entry{User: "second", Until: after(2)})
	due := func(now time.Time, limit int) []im.Mute {
		return read(e, func(tx im.Tx) ([]im.Mute, error) { return tx.DueMutes(now, limit) })
	}
	e.same("before", due(after(1).Add(-time.Millisecond), 9), []im.Mute(nil))
	first := im.Mute{App: e.app, Room: r.ID, Entry: im.Entry{User: "first", Until: after(1)}}
	second := im.Mute{App: other.app, Room: third.ID, Entry: im.Entry{User: "second", Until: after(2)}}
	e.same("at its end", due(after(1), 9), []im.Mute{first})
	e.same("limited, earliest first", due(after(20), 2), []im.Mute{first, second})
	e.same("three", len(due(after(20), 9)), 3)
	e.same("a mute for good is never due", len(due(im.Forever().Add(time.Hour), 9)), 4)
}

func testNextMuteEnd(e *env) {
	next := func() (at time.Time, ok bool) {
		e.view(func(tx im.Tx) (err error) { at, ok, err = tx.NextMuteEnd(); return err })
		return at, ok
	}
	r := e.room("ann")
	if at, ok := next(); ok {
		e.Errorf("no mute ends at %v", at)
	}
	e.put(r, im.Mutes, im.Entry{User: "never", Until: im.Forever()})
	if at, ok := next(); ok {
		e.Errorf("a mute for good ends at %v", at)
	}
	e.put(r, im.Mutes, im.Entry{User: "late", Until: after(9)}, im.Entry{User: "early", Until: after(2)})
	e.put(r, im.Allows, im.Entry{User: "allowed"})
	if at, ok := next(); !ok || at != after(2) {
		e.Errorf("got %v %v, want %v", at, ok, after(2))
	}
	e.put(r, im.Mutes, im.Entry{User: "early", Until: after(20)})
	if at, ok := next(); !ok || at != after(9) {
		e.Errorf("got %v %v, want %v", at, ok, after(9))
	}
}

func testEndMute(e *env) {
	r := e.room("ann")
	e.put(r, im.Mutes, im.Entry{User: "bob", Until: after(1)}, im.Entry{User: "carl", Until: after(1)})
	end := func(user im.Username, until time.Time) bool {
		m := im.Mute{App: e.app, Room: r.ID, Entry: im.Entry{User: user, Until: until}}
		return get(e, func(tx im.Tx) (bool, error) { return tx.EndMute(m) })
	}
	e.put(r, im.Mutes, im.Entry{User: "carl", Until: after(5)})
	e.same("changed meanwhile", end("carl", after(1)), false)
	e.same("as it was", end("bob", after(1)), true)
	e.same("gone", end("bob", after(1)), false)
	e.same("left", entryNames(e.entries(r, im.Mutes)), []im.Username{"carl"})
}
