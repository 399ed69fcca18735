package storetest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"teahouse/internal/im"
)

func pendingTests() []test {
	return []test{
		{"Pending", testPending},
		{"PendingEnds", testPendingEnds},
		{"CountPending", testCountPending},
		{"Awaiting", testAwaiting},
		{"DeletePending", testDeletePending},
	}
}

func applies(r im.Room, user im.Username, seconds int) im.Pending {
	return im.Pending{Ask: im.Application, Room: r.ID, User: user, Message: "因为", Made: after(seconds)}
}

func invited(r im.Room, user, by im.Username, seconds int) im.Pending {
	return im.Pending{Ask: im.Invitation, Room: r.ID, User: user, Inviter: by, Made: after(seconds)}
}

func (e *env) ask(r im.Room, all ...im.Pending) {
	e.Helper()
	e.update(func(tx im.Tx) error { return tx.PutPending(r, all) })
}

func (e *env) pending(r im.Room, users ...im.Username) []im.Pending {
	e.Helper()
	return read(e, func(tx im.Tx) ([]im.Pending, error) { return tx.Pending(r, users) })
}

func testPending(e *env) {
	r, other := e.roomOf(im.Group, "ann"), e.roomOf(im.Group, "ann")
	e.same("none", e.pending(r, "bob"), []im.Pending(nil))
	bob, bobToo, carl := applies(r, "bob", 1), invited(r, "bob", "ann", 2), invited(r, "carl", "", 3)
	e.ask(r, carl, bobToo, bob)
	e.ask(r)
	e.ask(other, applies(other, "bob", 4))
	e.same("by user and sort", e.pending(r, "none", "carl", "bob", "carl"), []im.Pending{bob, bobToo, carl})
	e.same("among many", e.pending(r, append(append([]im.Username{"carl"}, number(0, 1100)...), "carl")...), []im.Pending{carl})
	bobToo.Inviter, bobToo.Message, bobToo.Made = "eve", "m", after(9)
	e.ask(r, bobToo)
	e.same("replaced", e.pending(r, "bob"), []im.Pending{bob, bobToo})
	e.update(func(tx im.Tx) error { return tx.DropPending(r, im.Application, []im.Username{"carl", "bob", "none"}) })
	e.same("one sort dropped", e.pending(r, "carl", "bob"), []im.Pending{bobToo, carl})
	gone := e.newRoom(im.Group, "ann")
	e.refused(im.ErrRoomNotFound.In(gone.ID), func(tx im.Tx) error { return tx.PutPending(gone, []im.Pending{bob}) })
}

// testPendingEnds: becoming a member, and the end of the room, the user or the inviter, end an ask.
func testPendingEnds(e *env) {
	e.users("bob", "carl")
	r, other, chat := e.roomOf(im.Group, "ann"), e.roomOf(im.Group, "ann"), e.room("ann")
	for _, room := range []im.Room{r, other} {
		e.ask(room, applies(room, "bob", 1), invited(room, "bob", "carl", 1), invited(room, "dora", "carl", 1), invited(room, "eve", "bob", 1), applies(room, "fay", 1))
	}
	left := func(r im.Room) (names []string) {
		for _, p := range e.pending(r, "bob", "dora", "eve", "fay") {
			names = append(names, fmt.Sprintf("%s%d", p.User, p.Ask))
		}
		return names
	}
	e.join(chat, "bob")
	e.same("a chatroom does not matter", left(r), []string{"bob1", "bob2", "dora2", "eve2", "fay1"})
	e.join(r, "bob", "fay")
	e.same("members", left(r), []string{"dora2", "eve2"})
	e.update(func(tx im.Tx) error { return tx.DeleteUser(e.app, "bob") })
	e.same("the user is gone", left(other), []string{"dora2", "fay1"})
	e.update(func(tx im.Tx) error { return tx.DeleteUser(e.app, "carl") })
	e.same("the inviter is gone", left(other), []string{"fay1"})
	e.update(func(tx im.Tx) error { return tx.DeleteRoom(other) })
	e.same("the room is gone", left(other), []string(nil))
}

func testCountPending(e *env) {
	r, other := e.roomOf(im.Group, "ann"), e.roomOf(im.Group, "ann")
	e.ask(r, applies(r, "bob", 1), applies(r, "carl", 1), invited(r, "bob", "ann", 1))
	e.ask(other, applies(other, "bob", 1), applies(other, "dora", 1))
	count := func(r im.Room, ask im.Ask, users ...im.Username) string {
		e.Helper()
		return read(e, func(tx im.Tx) (string, error) {
			n, of, err := tx.CountPending(r, ask, users)
			text := fmt.Sprint(n)
			for _, u := range slices.Sorted(maps.Keys(of)) {
				text += fmt.Sprintf(" %s:%d", u, of[u])
			}
			return text, err
		})
	}
	e.same("applications", count(r, im.Application, "bob", "dora", "eve", "bob"), "2 bob:2 dora:1")
	e.same("invitations", count(r, im.Invitation, "bob", "dora"), "1 bob:1")
	e.same("of nobody", count(other, im.Invitation), "0")
	e.same("among many", count(other, im.Application, append(append([]im.Username{"bob"}, number(0, 1100)...), "bob")...), "2 bob:2")
}

func testAwaiting(e *env) {
	owned, ruled, member, chat := e.roomOf(im.Group, "ann"), e.roomOf(im.Group, "bob", "ann"), e.roomOf(im.Group, "bob", "ann"), e.room("ann")
	e.update(func(tx im.Tx) error { return tx.SetRole(ruled, "ann", im.Admin) })
	first, second, third := applies(owned, "carl", 3), invited(member, "ann", "bob", 4), applies(ruled, "carl", 5)
	e.ask(owned, first, invited(owned, "eve", "ann", 9))
	e.ask(member, second, applies(member, "carl", 1))
	e.ask(ruled, third, applies(ruled, "dora", 2))
	e.ask(chat, applies(chat, "carl", 5))
	awaiting := func(user im.Username, oldest time.Time, limit int) []im.Pending {
		e.Helper()
		return read(e, func(tx im.Tx) ([]im.Pending, error) { return tx.Awaiting(e.app, user, oldest, limit) })
	}
	e.same("oldest first", awaiting("ann", start(), 9), []im.Pending{applies(ruled, "dora", 2), first, second, third})
	e.same("not too old", awaiting("ann", after(3), 9), []im.Pending{second, third})
	e.same("the newest of either", awaiting("ann", start(), 1), []im.Pending{second, third})
	e.same("of who applies", awaiting("carl", start(), 9), []im.Pending(nil))
}

func testDeletePending(e *env) {
	r := e.roomOf(im.Group, "ann")
	e.ask(r, applies(r, "bob", 1), applies(r, "carl", 2), invited(r, "dora", "ann", 2), applies(r, "eve", 3))
	remove := func(until, limit int) int {
		e.Helper()
		return get(e, func(tx im.Tx) (int, error) { return tx.DeletePending(e.app, after(until), limit) })
	}
	e.same("none so old", remove(0, 9), 0)
	e.same("up to a limit", remove(2, 2), 2)
	e.same("the rest", remove(2, 2), 1)
	e.same("left", e.pending(r, "bob", "carl", "dora", "eve"), []im.Pending{applies(r, "eve", 3)})
}
