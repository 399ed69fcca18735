package im_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"teahouse/internal/im"
)

// TestDeletionBesideJoining: however a deletion and additions mix, nothing of the user is left in any room.
func TestDeletionBesideJoining(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		app := im.AppCaller(w.app)
		for i := range 6 {
			as(t, w, "app").Create(im.NewRoom{ID: im.RoomID(fmt.Sprintf("room%d", i)), Name: "n", Owner: "ann", MaxUsers: ptr(50)})
		}
		for round := range 4 {
			name := fmt.Sprintf("guest%d", round)
			w.register(name)
			fns := each(6, func(i int) error {
				room := im.RoomID(fmt.Sprintf("room%d", i))
				if err := w.svc.AddMember(t.Context(), app, im.Chatroom, room, name); err != nil {
					return err
				}
				_, err := w.svc.MuteMembers(t.Context(), app, im.Chatroom, room, []string{name}, im.ForGood)
				return err
			})
			fns = append(fns, func() error { _, err := w.svc.DeleteUser(t.Context(), app, name); return err })
			for _, err := range together(fns...) {
				if err != nil && !errors.Is(err, im.ErrUserNotFound) && !errors.Is(err, im.ErrNotMember) {
					t.Errorf("round %d: %v", round, err)
				}
			}
			as(t, w, "app").fails(im.ErrUserNotFound).User(name)
			for i := range 6 {
				room := as(t, w, "app").in(im.RoomID(fmt.Sprintf("room%d", i)))
				detail, roster := room.Room()
				same(t, "members of "+string(detail.ID), []any{detail.Members, roster, room.Mutes()}, []any{1, "ann!", ""})
			}
		}
	})
}

// TestDestructionBesideEverything: a room that goes while others work in it is not found, and nothing of it stays.
func TestDestructionBesideEverything(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		for round := range 4 {
			id := im.RoomID(fmt.Sprintf("room%d", round))
			w.furnish(id)
			app := im.AppCaller(w.app)
			deeds := []func(ctx context.Context) error{
				func(ctx context.Context) error { return w.svc.DestroyRoom(ctx, app, im.Chatroom, id) },
				func(ctx context.Context) error { return w.svc.AddMember(ctx, app, im.Chatroom, id, "sid") },
				func(ctx context.Context) error { return w.svc.RemoveMember(ctx, app, im.Chatroom, id, "bob") },
				func(ctx context.Context) error {
					_, err := w.svc.MuteMembers(ctx, app, im.Chatroom, id, []string{"cat"}, im.ForGood)
					return err
				},
				func(ctx context.Context) error {
					_, err := w.svc.SetAttributes(ctx, app, id, im.AttributeChange{User: "ann", Set: attrs("k=v")})
					return err
				},
				func(ctx context.Context) error { return w.svc.SetAnnouncement(ctx, app, im.Chatroom, id, "hi") },
			}
			for _, err := range together(each(len(deeds), func(i int) error { return deeds[i](t.Context()) })...) {
				if err != nil && !errors.Is(err, im.ErrRoomNotFound) {
					t.Errorf("round %d: %v", round, err)
				}
			}
			as(t, w, "app").in(id).fails(im.ErrRoomNotFound).Members()
			w.furnish(id)
			again := as(t, w, "app").in(id)
			same(t, "the next of the name", []string{again.Members(), again.Mutes(), again.Attributes(), again.Announcement(), again.Blocks()},
				[]string{"ann! adm+ ada+ bob cat", "", "", "", "zed"})
			again.Destroy()
		}
	})
}

// TestRolesAreDecidedByWhatIsCommitted: an admin who is demoted may do nothing afterwards, whatever came first.
func TestRolesAreDecidedByWhatIsCommitted(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		for range 6 {
			as(t, w, "ann").AddAdmin("adm")
			as(t, w, "ann").Unmute("bob")
			w.bus.Take()
			errs := together(
				func() error {
					return w.svc.RemoveAdmin(t.Context(), im.UserCaller(w.app, "ann"), im.Chatroom, lounge, "adm")
				},
				func() error {
					_, err := w.svc.MuteMembers(t.Context(), im.UserCaller(w.app, "adm"), im.Chatroom, lounge, []string{"bob"}, im.ForGood)
					return err
				},
			)
			must(t, errs[0])
			as(t, w, "adm").fails(im.ErrForbidden).Mute("cat", im.ForGood)
			same(t, "muted if and only if it was allowed", as(t, w, "bob").Muted("bob"), errs[1] == nil)
			if errs[1] != nil && !errors.Is(errs[1], im.ErrForbidden) {
				t.Error(errs[1])
			}
		}
	})
}
