package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"teahouse/internal/im"
)

func pageTests() []test {
	return []test{
		{"RoomsAt", testRoomsAt},
		{"RoomsAtRandom", testRoomsAtRandom},
		{"MembersAt", testMembersAt},
		{"MembersAtRandom", testMembersAtRandom},
	}
}

func (e *env) roomsAt(offset, limit int) []im.RoomID {
	e.Helper()
	return roomIDs(read(e, func(tx im.Tx) ([]im.Room, error) { return tx.RoomsAt(e.app, im.Chatroom, offset, limit) }))
}

func testRoomsAt(e *env) {
	e.same("no rooms", []int{len(e.roomsAt(0, 9)), len(e.roomsAt(1, 9))}, []int{0, 0})
	var rooms []im.Room
	for range 7 {
		rooms = append(rooms, e.room("ann"))
		e.roomOf(im.Group, "ann")
	}
	slices.Reverse(rooms)
	ids := roomIDs(rooms)
	e.same("first", e.roomsAt(0, 3), ids[:3])
	e.same("second", e.roomsAt(3, 3), ids[3:6])
	e.same("third", e.roomsAt(6, 3), ids[6:])
	e.same("beyond", len(e.roomsAt(7, 3)), 0)
	e.same("far beyond", len(e.roomsAt(1<<40, 3)), 0)
	for _, gone := range []int{0, 4, 6} { // the newest, one amid, the oldest
		e.update(func(tx im.Tx) error { return tx.DeleteRoom(rooms[gone]) })
	}
	left := []im.RoomID{ids[1], ids[2], ids[3], ids[5]}
	for offset := range 6 {
		e.same(fmt.Sprint("offset ", offset), e.roomsAt(offset, 2), left[min(offset, 4):min(offset+2, 4)])
	}
	newest := e.room("ann")
	e.same("with a newer one", e.roomsAt(0, 2), []im.RoomID{newest.ID, ids[1]})
}

// testRoomsAtRandom adds and deletes at random beside a plain slice, and compares every offset.
func testRoomsAtRandom(e *env) {
	rng := rand.New(rand.NewPCG(1, 2))
	var rooms []im.Room // newest first
	for range 12 {
		e.update(func(tx im.Tx) error {
			for range 30 {
				r := e.newRoom(im.Chatroom, "ann")
				if _, _, err := tx.AddRoom(r, members("ann")); err != nil {
					return err
				}
				rooms = append([]im.Room{r}, rooms...)
			}
			for range rng.IntN(30) {
				i := rng.IntN(len(rooms))
				if err := tx.DeleteRoom(rooms[i]); err != nil {
					return err
				}
				rooms = slices.Delete(rooms, i, i+1)
			}
			return nil
		})
		ids := roomIDs(rooms)
		e.view(func(tx im.Tx) error {
			for offset := 0; offset <= len(ids); offset++ {
				page, err := tx.RoomsAt(e.app, im.Chatroom, offset, 3)
				if err != nil || !slices.Equal(roomIDs(page), ids[offset:min(offset+3, len(ids))]) {
					return fmt.Errorf("offset %d of %d: %v, want %v: %w", offset, len(ids), roomIDs(page), ids[offset:min(offset+3, len(ids))], err)
				}
			}
			return nil
		})
	}
	all := read(e, func(tx im.Tx) ([]im.Room, error) { return tx.RoomsBefore(e.app, im.Chatroom, math.MaxInt64, 1000) })
	e.same("by places", roomIDs(all), roomIDs(rooms))
}

func testMembersAt(e *env) {
	r := e.room(number(0, 7)...)
	at := func(offset, limit int) []im.Username {
		return memberNames(read(e, func(tx im.Tx) ([]im.Member, error) { return tx.MembersAt(r, offset, limit) }))
	}
	e.same("first", at(0, 3), number(0, 3))
	e.same("second", at(3, 3), number(3, 6))
	e.same("third", at(6, 3), number(6, 7))
	e.same("beyond", len(at(7, 3)), 0)
	e.same("far beyond", len(at(1<<40, 3)), 0)
	e.leave(r, "u000", "u003", "u006")
	left := []im.Username{"u001", "u002", "u004", "u005"}
	for offset := range 6 {
		e.same(fmt.Sprint("offset ", offset), at(offset, 2), left[min(offset, 4):min(offset+2, 4)])
	}
	e.join(r, "u003")
	e.same("who came back", at(3, 9), []im.Username{"u005", "u003"})
}

// testMembersAtRandom is testRoomsAtRandom for members, who come back too.
func testMembersAtRandom(e *env) {
	rng := rand.New(rand.NewPCG(3, 4))
	r := e.room("owner")
	in, out := []im.Username{"owner"}, number(0, 600)
	for range 10 {
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		n := rng.IntN(150)
		e.join(r, out[:n]...)
		in, out = append(in, out[:n]...), out[n:]
		var gone []im.Username
		first := rng.IntN(len(in)) // a run, so that buckets empty, and some others
		last := min(len(in), first+rng.IntN(150))
		for i, name := range in {
			if name != "owner" && (i >= first && i < last || rng.IntN(20) == 0) {
				gone = append(gone, name)
			}
		}
		e.leave(r, gone...)
		in = slices.DeleteFunc(in, func(u im.Username) bool { return slices.Contains(gone, u) })
		out = append(out, gone...)
		e.view(func(tx im.Tx) error {
			for offset := 0; offset <= len(in); offset++ {
				page, err := tx.MembersAt(r, offset, 2)
				if err != nil || !slices.Equal(memberNames(page), in[offset:min(offset+2, len(in))]) {
					return fmt.Errorf("offset %d of %d: %v %w", offset, len(in), memberNames(page), err)
				}
			}
			return nil
		})
	}
	e.same("count", e.readRoom(r).Members, len(in))
}
