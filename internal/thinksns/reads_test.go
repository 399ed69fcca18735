package thinksns_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// counted counts the reads that a call about many groups could make once a group or once a person.
type counted struct {
	im.Tx
	reads *[]string
}

func (c counted) note(what string) { *c.reads = append(*c.reads, what) }

// Room implements [im.Tx], as the methods below do.
func (c counted) Room(a im.AppID, k im.RoomKind, id im.RoomID) (im.Room, error) {
	c.note("Room")
	return c.Tx.Room(a, k, id)
}

func (c counted) Rooms(a im.AppID, k im.RoomKind, ids []im.RoomID) ([]im.Room, error) {
	c.note("Rooms")
	return c.Tx.Rooms(a, k, ids)
}

func (c counted) RoomsAmong(a im.AppID, u im.Username, k im.RoomKind, ids []im.RoomID) ([]im.RoomID, error) {
	c.note("RoomsAmong")
	return c.Tx.RoomsAmong(a, u, k, ids)
}

func (c counted) MembersOf(a im.AppID, ids []im.RoomID, limit int) ([]im.RoomMember, error) {
	c.note("MembersOf")
	return c.Tx.MembersOf(a, ids, limit)
}

func (c counted) MembersFrom(r im.Room, after int64, desc bool, limit int) ([]im.Member, error) {
	c.note("MembersFrom")
	return c.Tx.MembersFrom(r, after, desc, limit)
}

func (c counted) Standings(r im.Room, names []im.Username) ([]im.Standing, error) {
	c.note("Standings")
	return c.Tx.Standings(r, names)
}

func (c counted) Faces(a im.AppID, ids []im.RoomID) ([]im.Face, error) {
	c.note("Faces")
	return c.Tx.Faces(a, ids)
}

func (c counted) Accounts(a im.AppID, ids []int64) ([]im.Account, error) {
	c.note("Accounts")
	return c.Tx.Accounts(a, ids)
}

func (c counted) AccountBy(a im.AppID, k im.AccountKey, v string) (im.Account, error) {
	c.note("AccountBy")
	return c.Tx.AccountBy(a, k, v)
}

func (c counted) FileByNumber(a im.AppID, n int64) (im.File, error) {
	c.note("FileByNumber")
	return c.Tx.FileByNumber(a, n)
}

// TestManyGroups: iOS asks for all its groups at once. However many they are, the store is read the same number of times.
func TestManyGroups(t *testing.T) {
	const groups, members, people = 500, 50, 300
	w := newWorld(t)
	var accounts []im.NewAccount
	for i := range people {
		accounts = append(accounts, im.NewAccount{Name: fmt.Sprintf("p%03d", i), Hash: "$2y$10$" + strings.Repeat("x", 53)})
	}
	_, err := w.svc.ImportAccounts(t.Context(), im.AppCaller(w.app), accounts)
	w.must(err)
	first := w.id("p000")
	var ids []string
	w.must(w.store.Update(t.Context(), func(tx im.Tx) error {
		ids = nil
		for g := range groups {
			room := im.Room{App: w.app.ID, ID: im.RoomID(fmt.Sprint(20_000_000_000_000 + g)), Kind: im.Group, Name: "n", Owner: "1", MaxUsers: 200, Created: w.clock.Now()}
			all := []im.Member{{User: "1", Role: im.Owner, Joined: w.clock.Now()}}
			for m := range members - 1 {
				all = append(all, im.Member{User: im.IMName(first + int64((g*7+m)%people)), Joined: w.clock.Now()})
			}
			if _, _, err := tx.AddRoom(room, all); err != nil {
				return err
			}
			ids = append(ids, string(room.ID))
		}
		return nil
	}))
	w.token("root")
	var reads []string
	w.flaky.watch = func(tx im.Tx) im.Tx { return counted{tx, &reads} }
	for _, n := range []int{1, groups} {
		reads = nil
		rec := w.do("root", "GET", "/api/v2/easemob/group?im_group_id="+strings.Join(ids[:n], ","), "")
		var answer []struct {
			Count        int   `json:"affiliations_count"`
			Affiliations []any `json:"affiliations"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || len(answer) != n {
			t.Fatalf("%d groups: %d, %v", n, len(answer), err)
		}
		for _, g := range answer {
			if g.Count != members || len(g.Affiliations) != members {
				t.Fatalf("%d groups: got one of %d with %d", n, g.Count, len(g.Affiliations))
			}
		}
		if got, want := strings.Join(reads, " "), "Accounts Rooms RoomsAmong Faces MembersOf Accounts"; got != want {
			t.Errorf("%d groups:\n got %s\nwant %s", n, got, want)
		}
	}
}
