package im_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// uploads is the part of a ThinkSNS+ that knows the people 1 and 2 and the upload 11.
type uploads struct{ im.Directory }

func (uploads) Profiles(_ context.Context, ids []int64) (known []im.Profile, err error) {
	for _, id := range ids {
		if id == 1 || id == 2 {
			known = append(known, im.Profile{ID: id})
		}
	}
	return known, nil
}

func (uploads) File(_ context.Context, id int64) (string, error) {
	if id != 11 {
		return "", im.ErrFileNotFound
	}
	return "https://social.example.com/11.png", nil
}

// TestMoveGroup brings groups of another server along, beside a ThinkSNS+ and without one.
func TestMoveGroup(t *testing.T) {
	w := newWorld(t)
	ports := w.ports
	ports.Directory = uploads{}
	beside := im.NewService(ports)
	move := func(svc *im.Service, id im.RoomID, owner int64, face string, want im.Moved, wantErr error) {
		t.Helper()
		got, err := svc.MoveGroup(t.Context(), w.app, im.MovedGroup{ID: id, Owner: owner, Face: face})
		if got != want || !errors.Is(err, wantErr) {
			t.Errorf("%s of %d with %.50q: got %+v, %v, want %+v, %v", id, owner, face, got, err, want, wantErr)
		}
	}
	const first, second, third = "36036128342017", "36036128342018", "36036128342019"
	move(beside, first, 1, "11", im.Moved{Made: true, Faced: true}, nil)
	move(beside, first, 1, "11", im.Moved{}, nil)
	details, err := w.svc.RoomDetails(t.Context(), im.AppCaller(w.app), im.Group, []im.RoomID{first})
	if err != nil {
		t.Fatal(err)
	}
	if room := details[0].Room; room.Owner != "1" || room.Members != 1 || room.Avatar != "https://social.example.com/11.png" || room.Public || room.Name == "" {
		t.Errorf("got %+v", room)
	}
	move(w.svc, second, 2, "11", im.Moved{}, im.ErrUserNotFound) // registered by nobody
	move(beside, second, 2, "12", im.Moved{Made: true}, im.ErrFileNotFound)
	move(w.svc, second, 2, "11", im.Moved{Lost: true}, nil)
	move(beside, second, 1, "https://cdn.example.com/a.png", im.Moved{Faced: true}, nil) // whoever owns it now
	move(beside, third, 3, "", im.Moved{}, im.ErrUserNotFound)
	move(beside, third, 0, "", im.Moved{}, im.ErrUserNotFound)
	move(beside, "a b", 1, "", im.Moved{}, im.ErrInvalid)
	move(beside, "", 1, "", im.Moved{}, im.ErrInvalid)
	move(beside, third, 1, "http://"+strings.Repeat("a", 2000), im.Moved{Made: true}, im.ErrInvalid)
}
