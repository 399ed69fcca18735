package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

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
	want := []im.RoomPlace{{Room: a.ID, Kind: im.Chatroom, Version: 1}, {Room: b.ID, Kind: im.Chatroom, Version: 1}, {Room: hidden.ID, Kind: im.Chatroom, Version: 1, Shielded: true}, {Room: g.ID, Kind: im.Group, Version: 3}}
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

// absenceTests look at all apps.
func absenceTests() []test {
	return []test{
		{"Visitors", testVisitors},
		{"Absences", testAbsences},
		{"AbsencesOfUsersWhoAreGone", testAbsencesGone},
		{"AppByID", testAppByID},
	}
}

func testVisitors(e *env) {
	other := newEnv(e.T, e.store)
	other.app = e.newApp("second")
	for _, x := range []*env{e, other} {
		r, s, g := x.room("ann"), x.room("ann"), x.roomOf(im.Group, "ann")
		for _, room := range []im.Room{r, s, g} {
			x.update(func(tx im.Tx) error {
				return tx.AddMembers(room, []im.Member{{User: "dora"}, {User: "bob"}, {User: "rest", ByREST: true}, {User: "adm", Role: im.Admin}})
			})
		}
		x.join(g, "eve")
	}
	page := func(after im.Visitor, limit int) []im.Visitor {
		return read(e, func(tx im.Tx) ([]im.Visitor, error) { return tx.Visitors(after, limit) })
	}
	all := []im.Visitor{{App: e.app, User: "bob"}, {App: e.app, User: "dora"}, {App: other.app, User: "bob"}, {App: other.app, User: "dora"}}
	e.same("each once", page(im.Visitor{}, 9), all)
	e.same("a page", page(im.Visitor{}, 3), all[:3])
	for i, v := range all {
		e.same("after one", len(page(v, 9)), 3-i)
	}
}

// absent prints what is due at a moment.
func (e *env) absent(at time.Time) (text string) {
	e.Helper()
	for _, a := range read(e, func(tx im.Tx) ([]im.Absence, error) { return tx.DueAbsences(at, 9) }) {
		text += fmt.Sprintf("%d.%s %v ", a.App-e.app, a.User, a.Due.Sub(start()))
	}
	return text
}

func testAbsences(e *env) {
	e.users("ann", "bob", "cat")
	put := func(after time.Duration, users ...im.Username) {
		e.Helper()
		e.update(func(tx im.Tx) error { return tx.PutAbsences(e.app, users, start().Add(after)) })
	}
	next := func() string {
		var due time.Time
		ok := read(e, func(tx im.Tx) (ok bool, err error) { due, ok, err = tx.NextAbsence(); return ok, err })
		if !ok {
			return "none"
		}
		return due.Sub(start()).String()
	}
	claim := func(user im.Username, after time.Duration) bool {
		a := im.Absence{Visitor: im.Visitor{App: e.app, User: user}, Due: start().Add(after)}
		return get(e, func(tx im.Tx) (bool, error) { return tx.ClaimAbsence(a) })
	}
	e.same("none", next()+e.absent(start()), "none")
	put(time.Second, "bob", "ann")
	put(time.Minute, "cat")
	e.same("next", next(), "1s")
	e.same("before", e.absent(start().Add(time.Second-time.Millisecond)), "")
	put(2*time.Second, "bob", "bob")
	e.same("earliest first", e.absent(start().Add(time.Minute)), "0.ann 1s 0.bob 2s 0.cat 1m0s ")
	e.same("at the moment", e.absent(start().Add(2*time.Second)), "0.ann 1s 0.bob 2s ")
	e.same("claimed as it was before", claim("bob", time.Second), false)
	e.same("claimed", []bool{claim("bob", 2*time.Second), claim("bob", 2*time.Second), claim("eve", 0)}, []bool{true, false, false})
	e.update(func(tx im.Tx) error { return firstError(tx.EndAbsence(e.app, "ann"), tx.EndAbsence(e.app, "eve")) })
	e.same("left", e.absent(start().Add(time.Hour)), "0.cat 1m0s ")
	e.same("next", next(), "1m0s")
}

func testAbsencesGone(e *env) {
	e.users("ann", "bob")
	e.update(func(tx im.Tx) error { return tx.PutAbsences(e.app, append(number(0, 150), "ann", "bob"), start()) })
	e.same("those who exist", e.absent(start()), "0.ann 0s 0.bob 0s ")
	e.update(func(tx im.Tx) error { return tx.DeleteUser(e.app, "ann") })
	e.same("deleted", e.absent(start()), "0.bob 0s ")
}

func testAppByID(e *env) {
	app := read(e, func(tx im.Tx) (im.App, error) { return tx.AppByID(e.app) })
	e.same("app", app, read(e, func(tx im.Tx) (im.App, error) { return tx.App(app.Key) }))
	e.wantError(im.ErrAppNotFound, e.store.View(e.Context(), func(tx im.Tx) error { _, err := tx.AppByID(e.app + 1); return err }))
}
