package im_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// lossyBus loses every event.
type lossyBus struct {
	im.Bus
	err error
}

// Publish implements [im.Bus].
func (b lossyBus) Publish(context.Context, im.Event) error { return b.err }

// Ping implements [im.Bus].
func (b lossyBus) Ping(context.Context) error { return b.err }

// failing is the world as a node sees it whose transactions fail when they reach a step.
func (w *world) failing(step string, err error) *world {
	return w.another(func(c *im.Config) {
		c.Store = hookStore{Store: w.store, update: func(fn func(im.Tx) error) func(im.Tx) error {
			return func(tx im.Tx) error { return fn(txHook{Tx: tx, step: step, failed: err}) }
		}}
	})
}

// TestWhatFailsLateIsNotAnnounced: each of these has announced something in its transaction before it fails.
func TestWhatFailsLateIsNotAnnounced(t *testing.T) {
	full := errors.New("the disk is full")
	for _, c := range []struct {
		step string
		do   func(w *world, c im.Caller) error
	}{
		{"members", func(w *world, c im.Caller) error {
			return w.svc.AddMember(w.t.Context(), c, im.Chatroom, lounge, "zed")
		}},
		{"role", func(w *world, c im.Caller) error { return w.svc.AddAdmin(w.t.Context(), c, im.Chatroom, lounge, "bob") }},
		{"role", func(w *world, c im.Caller) error {
			return w.svc.ChangeRoom(w.t.Context(), c, im.Chatroom, lounge, im.RoomChange{Name: ptr("new"), NewOwner: ptr("bob")})
		}},
		{"delete", func(w *world, c im.Caller) error { _, err := w.svc.DeleteUser(w.t.Context(), c, "ann"); return err }},
		{"delete", func(w *world, c im.Caller) error { _, _, err := w.svc.DeleteUsers(w.t.Context(), c, 2); return err }},
	} {
		w := newWorld(t)
		text := as(t, w, "nobody").Login("ann", "secret").Text
		before := snapshot(t, w, lounge)
		if err := c.do(w.failing(c.step, full), as(t, w, "app").c); !errors.Is(err, full) {
			t.Errorf("%s: got %v, want %v", c.step, err, full)
		}
		w.want()
		same(t, c.step+": nothing of it stays", snapshot(t, w, lounge), before)
		as(t, w, "nobody").Enter(text)
	}
}

// TestTheAppsQuotaIsFoundLate, when the room is in the store already.
func TestTheAppsQuotaIsFoundLate(t *testing.T) {
	w := newWorld(t, "max_chatrooms=1")
	as(t, w, "app").fails(im.ErrAppRooms).Create(im.NewRoom{ID: "second", Name: "n", Owner: "ann"})
	w.want()
	as(t, w, "app").in("second").fails(im.ErrRoomNotFound).Members()
	same(t, "joined", as(t, w, "app").Joined("ann"), "lounge")
}

// TestARetriedTransactionAnnouncesOnce: a store may run a function again.
func TestARetriedTransactionAnnouncesOnce(t *testing.T) {
	w := newWorld(t)
	w.register("dan")
	again := w.another(func(c *im.Config) {
		c.Store = hookStore{Store: w.store, update: func(fn func(im.Tx) error) func(im.Tx) error {
			tries := 0
			return func(tx im.Tx) error {
				err := fn(tx)
				if tries++; tries == 1 {
					return errAgain
				}
				return err
			}
		}, retry: true}
	})
	ann := as(t, again, "ann")
	same(t, "added", ann.AddAll("sid", "zed", "dan", "bob"), "sid zed dan")
	same(t, "muted", ann.MuteAll(0, "cat"), "cat 0s")
	same(t, "removed", ann.RemoveAll("sid", "eve", "dan"), "sid ok, eve user_not_found, dan ok")
	same(t, "blocked", ann.BlockAll("cat", "eve"), "cat ok, eve user_not_found")
	same(t, "unblocked", ann.Unblock("cat", "eve"), "cat ok, eve user_not_found")
	same(t, "allowed", ann.Allow("bob", "eve"), "bob ok, eve user_not_found")
	same(t, "set", as(t, again, "bob").SetAttributes(im.AttributeChange{User: "bob", Set: attrs("a=1", "b b=1")}), "a ok, b b attribute_key_illegal")
	same(t, "deleted", as(t, again, "bob").DeleteAttributes("bob", false, "a", "c"), "a ok, c ok")
	w.want("lounge members_unblocked by ann [zed] of 5", "lounge members_joined by ann [sid zed dan] of 8",
		"lounge members_removed by ann [sid dan] of 6",
		"lounge members_removed by ann [cat] of 5", "lounge members_blocked by ann [cat] of 5",
		"lounge members_unblocked by ann [cat] of 5", "lounge members_allowed by ann [bob] of 5",
		"lounge attributes_set by bob [] of 5 a=1(bob)", "lounge attributes_deleted by bob [] of 5 a=1(bob)")
	made, taken, err := again.svc.RegisterBatch(t.Context(), as(t, w, "app").c, []im.NewUser{{Name: "new"}, {Name: "bob"}})
	must(t, err)
	same(t, "made, taken", []int{len(made), len(taken)}, []int{1, 1})
	as(t, again, "app").SetPassword("bob", "new", "")
	as(t, again, "app").Change(im.RoomChange{Name: ptr("n"), NewOwner: ptr("bob")})
	w.want(`@bob sessions_ended by app [bob] "password"`, "lounge room_updated by app [] of 5 name=n", "lounge owner_changed by app [bob ann] of 5")
	gone, more, err := again.svc.DeleteUsers(t.Context(), as(t, w, "app").c, 2)
	must(t, err)
	same(t, "gone, more", []any{len(gone), more}, []any{2, true})
	same(t, "events", len(w.bus.Take()), 4) // two left the lounge, two sessions ended
}

// TestALostEventIsLogged and nothing worse: the fact is in the store.
func TestALostEventIsLogged(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	deaf := w.another(func(c *im.Config) {
		c.Bus, c.Log = lossyBus{Bus: c.Bus, err: errors.New("no route")}, slog.New(slog.NewTextHandler(&log, nil))
	})
	as(t, deaf, "ann").Add("sid")
	same(t, "members", as(t, w, "ann").Members(), "ann! adm+ ada+ bob cat sid")
	for _, want := range []string{`msg="event lost"`, "kind=members_joined", "room=lounge", `err="no route"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("got log %q, want %s in it", log.String(), want)
		}
	}
}

// ctxBus remembers whether the context it was called with had ended.
type ctxBus struct {
	im.Bus
	ended *bool
}

// Publish implements [im.Bus].
func (b ctxBus) Publish(ctx context.Context, e im.Event) error {
	*b.ended = ctx.Err() != nil
	return b.Bus.Publish(ctx, e)
}

// TestWhoHangsUpAfterTheCommit does not keep the fact from the others.
func TestWhoHangsUpAfterTheCommit(t *testing.T) {
	w := newWorld(t)
	ended := true
	ctx, cancel := context.WithCancel(t.Context())
	w = w.another(func(c *im.Config) {
		c.Bus = ctxBus{Bus: c.Bus, ended: &ended}
		c.Store = hookStore{Store: w.store, afterUpdate: cancel}
	})
	must(t, w.svc.MuteRoom(ctx, as(t, w, "ann").c, im.Chatroom, lounge, true))
	same(t, "published with a context that had ended", ended, false)
	w.want("lounge room_muted by ann [] of 5")
}

func TestTopics(t *testing.T) {
	topics := map[im.Topic]bool{}
	for _, topic := range []im.Topic{im.RoomTopic(1, "23"), im.RoomTopic(12, "3"), im.UserTopic(1, "23"), im.UserTopic(12, "3"), im.RoomTopic(2, "23")} {
		topics[topic] = true
	}
	same(t, "all differ", len(topics), 5)
	same(t, "room", im.RoomTopic(7, "lounge"), im.Topic("room.7.lounge"))
	same(t, "user", im.UserTopic(7, "bob"), im.Topic("user.7.bob"))
}
