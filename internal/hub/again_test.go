package hub

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// places are Rooms of which somebody is in some.
type places []im.RoomPlace

// RoomPlaces implements [Rooms].
func (p places) RoomPlaces(context.Context, im.Caller) ([]im.RoomPlace, error) { return p, nil }

// WentAway implements [Rooms].
func (places) WentAway(context.Context, im.AppID, im.Username) error { return nil }

// hearing is a [Receiver] that notes the kinds of what it is told.
type hearing []string

// Deliver implements [Receiver].
func (h *hearing) Deliver(f *Frame) { *h = append(*h, string(f.Event.Kind)) }

// End implements [Receiver].
func (*hearing) End(Reason) {}

func (*hearing) Replaced(im.Connection) {}

// TestARoomMadeAgain begins anew: who is in the new one hears it, and who was left of the old one does not. Versions begin at 1
// with every room (ADR 14).
func TestARoomMadeAgain(t *testing.T) {
	app := &im.App{ID: 7}
	bus := imtest.NewBus()
	tell := func(topic im.Topic, kind im.EventKind, version int64, users ...im.Username) {
		t.Helper()
		e := im.Event{Topic: topic, Kind: kind, App: 7, Room: "tea", RoomKind: im.Chatroom, Version: version, Users: users}
		if err := bus.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	room := im.RoomTopic(7, "tea")
	for name, destroy := range map[string]bool{"destroyed": true, "the end was not heard": false} {
		h := New(Config{Bus: bus, Clock: imtest.NewClock(), IDs: &imtest.IDs{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		h.Use(places{{Room: "tea", Kind: im.Chatroom, Version: 9}})
		var ann, bob hearing
		for u, r := range map[im.Username]*hearing{"ann": &ann, "bob": &bob} {
			s, err := h.Open(t.Context(), im.UserCaller(app, u), im.Connection{Resource: "web"}, 0, r)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close(context.Background()) })
		}
		if destroy {
			tell(room, im.RoomDestroyed, 10)
		}
		tell(im.UserTopic(7, "ann"), im.RoomEntered, 1, "ann")
		tell(room, im.RoomCreated, 1, "ann")
		ann, bob = nil, nil
		tell(room, im.RoomMuted, 2)
		if got := strings.Join(ann, " ") + "; " + strings.Join(bob, " "); got != "room_muted; " {
			t.Errorf("%s: ann and bob hear %q, want ann alone to", name, got)
		}
	}
}
