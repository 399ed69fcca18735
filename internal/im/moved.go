package im

import (
	"context"
	"errors"
	"strconv"
)

// MovedGroup is what a ThinkSNS+ knew of a group at the cloud: not its name, nor its members.
type MovedGroup struct {
	ID    RoomID
	Owner int64
	Face  string // the number of an upload there, or an address; empty: none
}

// Moved tells what became of a moved group.
type Moved struct {
	Made  bool // it was missing, and has nobody but its owner now
	Faced bool // it has got its face
	Lost  bool // its face is an upload, and there is no ThinkSNS+ to ask for the address
}

// What the app shows of a group of which nobody knows more; its owner can say better.
const (
	movedName        = "群聊"
	movedDescription = "暂无描述"
)

// MoveGroup makes a group of another server under its old id unless it is there, and gives it its face unless it has one; doing
// it again changes nothing. It is for operators. Errors: ErrInvalid, ErrUserNotFound (the owner), ErrFileNotFound, ErrAppRooms,
// those of [Directory].
func (s *Service) MoveGroup(ctx context.Context, app *App, g MovedGroup) (m Moved, err error) {
	if _, err := ParseRoomID(string(g.ID)); err != nil {
		return m, err
	}
	var room Room
	err = s.store.View(ctx, func(tx Tx) (err error) { room, err = tx.Room(app.ID, Group, g.ID); return err })
	if errors.Is(err, ErrRoomNotFound) {
		room, err = s.remake(ctx, app, g)
		m.Made = err == nil
	}
	if err != nil || g.Face == "" || room.Avatar != "" {
		return m, err
	}
	address := g.Face
	if number, e := strconv.ParseInt(g.Face, 10, 64); e == nil {
		if s.directory == nil {
			m.Lost = true
			return m, nil
		}
		if address, err = s.directory.File(ctx, number); err != nil {
			return m, err
		}
	}
	err = s.ChangeRoom(ctx, AppCaller(app), Group, g.ID, RoomChange{Avatar: &address})
	m.Faced = err == nil
	return m, err
}

// remake makes the group with its owner, who is registered when the social app knows the person.
func (s *Service) remake(ctx context.Context, app *App, g MovedGroup) (Room, error) {
	c := AppCaller(app)
	if err := s.RegisterIM(ctx, c, g.Owner); err != nil && !errors.Is(err, ErrAccountNotFound) {
		return Room{}, err
	}
	return s.CreateRoom(ctx, c, NewRoom{Kind: Group, ID: g.ID, Name: movedName, Description: movedDescription,
		Owner: string(IMName(g.Owner)), AllowInvites: true})
}
