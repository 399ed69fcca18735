package storetest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"

	"teahouse/internal/im"
)

func raceTests() []test {
	return []test{
		{"LockRoomLosesNothing", testLockRoomLosesNothing},
		{"RoomVersionsInOrder", testRoomVersionsInOrder},
		{"LockUsersLosesNothing", testLockUsersLosesNothing},
		{"UserNameRace", testUserNameRace},
		{"RoomIDRace", testRoomIDRace},
		{"AppRace", testAppRace},
		{"RoomsRace", testRoomsRace},
		{"MembersRace", testMembersRace},
		{"MuteClaimRace", testMuteClaimRace},
	}
}

// together runs fn n times at once, numbered, and fails the test for every error.
func (e *env) together(n int, fn func(i int) error) {
	e.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := fn(i); err != nil {
				e.Errorf("number %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

const (
	writers = 8
	rounds  = 10
)

func testLockRoomLosesNothing(e *env) {
	r := e.room("ann")
	was := r.MaxUsers
	e.together(writers, func(int) error {
		for range rounds {
			err := e.store.Update(e.Context(), func(tx im.Tx) error {
				now, err := tx.LockRoom(e.app, r.Kind, r.ID)
				if err != nil {
					return err
				}
				now.MaxUsers++
				return tx.PutRoom(now)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	e.same("updates kept", e.readRoom(r).MaxUsers-was, writers*rounds)
}

// Every transaction that counts gets a version of its own, one more than that of the commit before it.
func testRoomVersionsInOrder(e *env) {
	r := e.room("ann")
	var mu sync.Mutex
	given := map[int64]bool{}
	e.together(writers, func(int) error {
		for range rounds {
			var now im.Room
			err := e.store.Update(e.Context(), func(tx im.Tx) (err error) {
				if now, err = tx.LockRoom(e.app, r.Kind, r.ID); err != nil {
					return err
				}
				if now.Version > 1 && now.Name != strconv.FormatInt(now.Version, 10) {
					e.Errorf("who follows version %d does not see what it wrote, but %q", now.Version, now.Name)
				}
				now.Version++
				now.Name = strconv.FormatInt(now.Version, 10)
				if err := tx.CountChange(now); err != nil {
					return err
				}
				return tx.PutRoom(now)
			})
			if err != nil {
				return err
			}
			mu.Lock()
			if given[now.Version] {
				e.Errorf("version %d was given twice", now.Version)
			}
			given[now.Version] = true
			mu.Unlock()
		}
		return nil
	})
	e.same("the last version", e.readRoom(r).Version, 1+writers*rounds)
}

func testLockUsersLosesNothing(e *env) {
	e.users("ann", "bob")
	e.together(writers, func(i int) error {
		for range rounds {
			err := e.store.Update(e.Context(), func(tx im.Tx) error {
				both := []im.Username{"ann", "bob"}
				if err := tx.LockUsers(e.app, []im.Username{both[i%2], both[1-i%2]}); err != nil { // both orders
					return err
				}
				u, err := tx.User(e.app, "ann")
				if err != nil {
					return err
				}
				n, _ := strconv.Atoi(u.Nickname) // "" is 0
				u.Nickname = strconv.Itoa(n + 1)
				return tx.PutUser(u)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	e.same("updates kept", e.readUser("ann").Nickname, strconv.Itoa(writers*rounds))
}

func testUserNameRace(e *env) {
	for round := range rounds {
		name := im.Username(fmt.Sprint("ann", round))
		var got atomic.Int32
		e.together(writers, func(int) error {
			var added bool
			err := e.store.Update(e.Context(), func(tx im.Tx) (err error) { added, err = tx.AddUser(e.user(name)); return err })
			if added {
				got.Add(1)
			}
			return err
		})
		e.same("who got the name", got.Load(), 1)
	}
}

func testRoomIDRace(e *env) {
	for range rounds {
		r := e.newRoom(im.Chatroom, "ann")
		var got atomic.Int32
		e.together(writers, func(i int) error {
			var added bool
			err := e.store.Update(e.Context(), func(tx im.Tx) (err error) {
				mine := r
				mine.Kind = im.RoomKind(1 + i%2)
				_, added, err = tx.AddRoom(mine, members("ann"))
				return err
			})
			if added {
				got.Add(1)
			}
			return err
		})
		e.same("who got the id", got.Load(), 1)
	}
	chatrooms, groups := e.walkRooms(im.Chatroom), e.walkRooms(im.Group)
	e.same("rooms", chatrooms+groups, rounds)
}

// walkRooms compares the pages by offset with the pages by place and returns the number of rooms.
func (e *env) walkRooms(kind im.RoomKind) int {
	e.Helper()
	all := read(e, func(tx im.Tx) ([]im.Room, error) { return tx.RoomsBefore(e.app, kind, math.MaxInt64, 10_000) })
	for i, r := range all {
		at := read(e, func(tx im.Tx) ([]im.Room, error) { return tx.RoomsAt(e.app, kind, i, 1) })
		if len(at) != 1 || at[0].ID != r.ID {
			e.Fatalf("at offset %d: %v, want %s", i, roomIDs(at), r.ID)
		}
	}
	return len(all)
}

func testAppRace(e *env) {
	key := e.key("raced")
	var created atomic.Int32
	e.together(writers, func(int) error {
		var mine bool
		err := e.store.Update(e.Context(), func(tx im.Tx) error {
			mine = false
			_, err := tx.App(key)
			if err == nil || !errors.Is(err, im.ErrAppNotFound) {
				return err
			}
			mine = true
			_, err = tx.PutApp(im.App{Key: key, Settings: im.DefaultSettings(), Created: start()})
			return err
		})
		if mine {
			created.Add(1)
		}
		return err
	})
	e.same("who made the app", created.Load(), 1)
}

// Rooms come and go at once; the places stay dense and the offsets right.
func testRoomsRace(e *env) {
	rooms := make([][]im.Room, writers)
	for i := range rooms {
		for range rounds {
			rooms[i] = append(rooms[i], e.newRoom(im.Chatroom, "ann"))
		}
	}
	e.together(writers, func(i int) error {
		for n, r := range rooms[i] {
			err := e.store.Update(e.Context(), func(tx im.Tx) error { _, _, err := tx.AddRoom(r, members("ann", "bob")); return err })
			if err == nil && n%2 == 1 {
				err = e.store.Update(e.Context(), func(tx im.Tx) error { return tx.DeleteRoom(rooms[i][n-1]) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	e.same("rooms", e.walkRooms(im.Chatroom), writers*rounds/2)
	newest := read(e, func(tx im.Tx) ([]im.Room, error) { return tx.RoomsAt(e.app, im.Chatroom, 0, 1) })
	e.same("newest place", newest[0].Seq, writers*rounds)
}

// Members come and go at once under the room's lock.
func testMembersRace(e *env) {
	r := e.room("owner")
	e.together(writers, func(i int) error {
		mine := number(i*rounds, (i+1)*rounds)
		for n, name := range mine {
			err := e.store.Update(e.Context(), func(tx im.Tx) error {
				room, err := tx.LockRoom(e.app, r.Kind, r.ID)
				if err != nil {
					return err
				}
				return tx.AddMembers(room, []im.Member{{User: name, Joined: start()}})
			})
			if err == nil && n%2 == 1 {
				err = e.store.Update(e.Context(), func(tx im.Tx) error {
					room, err := tx.LockRoom(e.app, r.Kind, r.ID)
					if err != nil {
						return err
					}
					standings, err := tx.Standings(room, mine[n-1:n])
					return firstError(err, tx.RemoveMembers(room, standings))
				})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	all := e.everyone(r)
	e.same("members", len(all), 1+writers*rounds/2)
	e.same("counted", e.readRoom(r).Members, len(all))
	e.same("last place", all[len(all)-1].Seq, 1+writers*rounds)
	for i, m := range all {
		at := read(e, func(tx im.Tx) ([]im.Member, error) { return tx.MembersAt(r, i, 1) })
		if len(at) != 1 || at[0] != m {
			e.Fatalf("at offset %d: %v, want %v", i, at, m)
		}
	}
}

// A mute's end is claimed by exactly one.
func testMuteClaimRace(e *env) {
	r := e.room("ann")
	for i := range rounds {
		until := after(i)
		e.put(r, im.Mutes, im.Entry{User: "bob", Until: until})
		var claims atomic.Int32
		e.together(writers, func(int) error {
			var mine bool
			err := e.store.Update(e.Context(), func(tx im.Tx) (err error) {
				mine, err = tx.EndMute(im.Mute{App: e.app, Room: r.ID, Entry: im.Entry{User: "bob", Until: until}})
				return err
			})
			if mine {
				claims.Add(1)
			}
			return err
		})
		e.same("claims", claims.Load(), 1)
	}
}
