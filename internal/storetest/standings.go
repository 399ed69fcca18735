package storetest

import (
	"fmt"

	"teahouse/internal/im"
)

func standingTests() []test {
	return []test{
		{"Standings", testStandings},
		{"StandingsOfMany", testStandingsOfMany},
		{"StandingsJoined", testStandingsJoined},
	}
}

func (e *env) standings(r im.Room, names ...im.Username) []im.Standing {
	e.Helper()
	return read(e, func(tx im.Tx) ([]im.Standing, error) { return tx.Standings(r, names) })
}

func testStandings(e *env) {
	e.users("ann", "bob", "carl", "eve")
	r, other := e.room("ann", "bob", "ghost"), e.room("carl", "eve")
	e.update(func(tx im.Tx) error {
		if err := tx.PutEntries(r, im.Blocks, []im.Entry{{User: "eve"}, {User: "nobody"}}); err != nil {
			return err
		}
		if err := tx.PutEntries(r, im.Mutes, []im.Entry{{User: "bob", Until: start()}}); err != nil {
			return err
		}
		return tx.PutEntries(other, im.Blocks, []im.Entry{{User: "ann"}})
	})
	got := e.standings(r, "eve", "ann", "nobody", "bob", "ann", "carl", "ghost")
	ann := im.Standing{User: "ann", Exists: true, Member: true, Role: im.Owner, Seq: 1, Joined: 1}
	e.same("standings", got, []im.Standing{
		{User: "eve", Exists: true, Role: im.Stranger, Blocked: true, Joined: 1},
		ann,
		{User: "nobody", Role: im.Stranger, Blocked: true},
		{User: "bob", Exists: true, Member: true, Role: im.Plain, Seq: 2, Joined: 1},
		ann,
		{User: "carl", Exists: true, Role: im.Stranger, Joined: 1},
		{User: "ghost", Member: true, Role: im.Plain, Seq: 3, Joined: 1},
	})
	e.same("of no one", e.standings(r), []im.Standing{})
	unborn := im.Room{App: e.app, Kind: im.Chatroom}
	e.same("with regard to a room to be made", e.standings(unborn, "ann"), []im.Standing{{User: "ann", Exists: true, Role: im.Stranger, Joined: 1}})
}

func testStandingsOfMany(e *env) {
	names := number(0, 1100)
	e.users(names[:70]...)
	r := e.room("owner")
	e.join(r, names[60:80]...)
	for _, n := range []int{1, 2, 4, 5, 16, 17, 64, 65, 256, 1024, 1100} {
		got := e.standings(r, names[:n]...)
		for i, s := range got {
			member := i >= 60 && i < 80
			if s.User != names[i] || s.Exists != (i < 70) || s.Member != member || member && s.Seq != int64(i-58) {
				e.Fatalf("of %d names, number %d: %+v", n, i, s)
			}
		}
		if len(got) != n {
			e.Errorf("%d standings of %d names", len(got), n)
		}
	}
}

func testStandingsJoined(e *env) {
	e.users("ann")
	for i := range 3 {
		r := e.room("ann")
		e.roomOf(im.Group, "ann")
		e.same(fmt.Sprint("chatrooms after ", i), e.standings(r, "ann")[0].Joined, i+1)
	}
	g := e.roomOf(im.Group, "bob")
	e.same("groups", e.standings(g, "ann")[0].Joined, 3)
	e.same("in the group", e.standings(g, "ann")[0].Member, false)
}
