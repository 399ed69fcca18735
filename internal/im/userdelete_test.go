package im_test

import (
	"fmt"
	"testing"
	"time"

	"teahouse/internal/im"
)

// TestDeleteUser follows bob, who owns two rooms, is an admin in the lounge and a member of a group.
func TestDeleteUser(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	app.Create(im.NewRoom{ID: "his", Name: "n", Owner: "bob", Members: []string{"cat", "sid"}})
	app.of(im.Group).Create(im.NewRoom{ID: "hisgroup", Name: "n", Owner: "bob"})
	app.of(im.Group).Create(im.NewRoom{ID: "crew", Name: "n", Owner: "ann", Members: []string{"bob"}})
	as(t, w, "ann").AddAdmin("bob")
	as(t, w, "ann").Allow("bob")
	as(t, w, "ann").MuteAll(time.Hour, "bob", "cat")
	as(t, w, "bob").SetAttributes(im.AttributeChange{User: "bob", AutoDelete: true, Set: attrs("k=v")})
	app.AddSuperAdmin("bob")
	w.bus.Take()
	uuid := app.User("bob").UUID
	gone, err := w.svc.DeleteUser(t.Context(), as(t, w, "bob").c, "BOB")
	must(t, err)
	same(t, "who", []any{gone.Name, gone.UUID}, []any{im.Username("bob"), uuid})
	w.want("his room_destroyed by bob [] of 3",
		"lounge members_left by bob [bob] of 4", "lounge attributes_deleted by bob [] of 4 k=v(bob)~",
		"crew(group) members_left by bob [bob] of 1", "hisgroup(group) room_destroyed by bob [] of 1", `@bob sessions_ended by bob [bob] "deleted"`)
	app.fails(im.ErrUserNotFound.For("bob")).User("bob")
	app.fails(im.ErrUserNotFound).User(uuid)
	app.fails(im.ErrUserNotFound.For("bob")).DeleteUser("bob")
	app.in("his").fails(im.ErrRoomNotFound).Members()
	same(t, "members", app.Members(), "ann! adm+ ada+ cat")
	as(t, w, "nobody").fails(im.ErrLoginUnknown.For("bob")).Login("bob", "secret")
	as(t, w, "cat").fails(im.ErrNotSelf.For("ann")).DeleteUser("ann")
	app.Register("bob", "another bob")
	same(t, "nothing of the old one is left", []any{app.SuperAdmins(), app.Muted("bob"), app.Allows(), app.Joined("bob"), app.Mutes()},
		[]any{"", false, "", "", "cat 1h0m0s"})
}

// TestDeleteUserOfManyRooms has more rooms than are looked at in one go.
func TestDeleteUserOfManyRooms(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	must(t, w.store.Update(t.Context(), func(tx im.Tx) error {
		for i := range 201 {
			room := im.Room{App: w.app.ID, Kind: im.Chatroom, ID: im.RoomID(fmt.Sprintf("own%d", i)), Owner: "bob"}
			if _, _, err := tx.AddRoom(room, []im.Member{{User: "bob", Role: im.Owner}}); err != nil {
				return err
			}
			room.ID, room.Owner = im.RoomID(fmt.Sprintf("in%d", i)), "ann"
			if _, _, err := tx.AddRoom(room, []im.Member{{User: "ann", Role: im.Owner}, {User: "bob"}}); err != nil {
				return err
			}
		}
		return nil
	}))
	app.DeleteUser("bob")
	count := map[im.EventKind]int{}
	for _, e := range w.bus.Take() {
		count[e.Kind]++
	}
	same(t, "events", count, map[im.EventKind]int{im.RoomDestroyed: 201, im.MembersLeft: 202, im.SessionsEnded: 1})
	page, err := w.svc.RoomsPage(t.Context(), app.c, im.Chatroom, im.Page{Number: 1, Size: 1000})
	must(t, err)
	same(t, "rooms", len(page), 202)
}

func TestDeleteUsers(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	text := as(t, w, "nobody").Login("ann", "secret").Text
	as(t, w, "nobody").Enter(text)
	steps := []struct {
		limit int
		gone  string
		more  bool
	}{{2, "ann adm", true}, {4, "ada bob cat sid", true}, {1, "zed", false}, {3, "", false}}
	for i, c := range steps {
		gone, more, err := w.svc.DeleteUsers(t.Context(), app.c, c.limit)
		must(t, err)
		same(t, "gone", line(gone, " ", func(u im.User) string { return string(u.Name) }), c.gone)
		same(t, "more", more, c.more)
		if i == 0 {
			w.want("lounge room_destroyed by app [] of 5", `@ann sessions_ended by app [ann] "deleted"`, `@adm sessions_ended by app [adm] "deleted"`)
			as(t, w, "nobody").fails(im.ErrTokenBad).Enter(text)
		}
	}
}
