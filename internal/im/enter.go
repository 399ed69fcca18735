package im

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Entering is how a user enters a chatroom over a connection.
type Entering struct {
	Ext         string // told to those inside
	LeaveOthers bool   // leave every other chatroom that the user visits
}

// Inside is what a user learns who is in a chatroom.
type Inside struct {
	Room       Room
	Allowed    bool      // may speak while the room is muted
	MutedUntil time.Time // zero: not muted
}

// Visit is a membership of a chatroom that lasts while the user is connected: the user entered, and is a plain member (ADR 12).
type Visit struct {
	Room RoomID
	User Username
}

// Enter has the caller's user enter a chatroom, or tells one who is in it, and then nobody else, how things stand. A mute from
// before counts on. All or nothing: who cannot enter leaves no other room. Errors: ErrUserOnly, ErrInvalid (the extension),
// ErrRoomNotFound, ErrRoomDisabled, ErrUserNotFound, ErrBlocked, ErrRoomFull, ErrTooManyRooms.
func (s *Service) Enter(ctx context.Context, c Caller, id RoomID, in Entering) (inside Inside, err error) {
	if !c.Known() {
		return Inside{}, ErrUnauthenticated
	}
	if err := checkAskText("ext", in.Ext); err != nil {
		return Inside{}, err
	}
	for range deleteTries {
		err = s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) (err error) {
			inside, err = s.enter(tx, emit, c, id, in)
			return err
		})
		if err != errJoined {
			break
		}
	}
	switch err {
	case nil:
		s.lookAway(ctx, c.App.ID, c.User) // who came by REST, or was disconnected meanwhile
	case errJoined:
		err = ErrUnavailable.Because(err)
	}
	return inside, err
}

func (s *Service) enter(tx Tx, emit func(Event), c Caller, id RoomID, in Entering) (inside Inside, err error) {
	var others []RoomID
	if in.LeaveOthers {
		if others, err = visited(tx, c, id); err != nil {
			return inside, err
		}
	}
	rooms, err := lockChatrooms(tx, c.App.ID, append(others, id))
	if err != nil {
		return inside, err
	}
	room, stands := rooms[id]
	switch {
	case !stands:
		return inside, ErrRoomNotFound.In(id)
	case c.IsApp():
		return inside, ErrUserOnly
	case room.Disabled:
		return inside, ErrRoomDisabled.In(id)
	}
	if in.LeaveOthers {
		if err := s.leaveOthers(tx, emit, c, id, rooms); err != nil {
			return inside, err
		}
	}
	w := &work{tx: tx, app: c.App, room: room, device: c.Device, rank: Stranger, now: s.clock.Now(), publish: emit}
	err = w.run(func(w *work) (err error) { inside, err = w.visit(c.User, in.Ext); return err })
	return inside, err
}

// visited are the chatrooms that the caller's user visits, but one.
func visited(tx Tx, c Caller, but RoomID) (ids []RoomID, err error) {
	visits, err := tx.Visits(c.App.ID, []Username{c.User})
	for _, v := range visits {
		if v.Room != but {
			ids = append(ids, v.Room)
		}
	}
	return ids, err
}

// lockChatrooms locks those of the chatrooms that exist, each once and in one order.
func lockChatrooms(tx Tx, app AppID, ids []RoomID) (map[RoomID]Room, error) {
	rooms := map[RoomID]Room{}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		room, err := tx.LockRoom(app, Chatroom, id)
		switch {
		case err == nil:
			rooms[id] = room
		case !errors.Is(err, ErrRoomNotFound):
			return nil, err
		}
	}
	return rooms, nil
}

// leaveOthers ends the visits of the caller's user but that to one room. All of the rooms are locked; with a visit that began since
// they were looked up the transaction starts again.
func (s *Service) leaveOthers(tx Tx, emit func(Event), c Caller, but RoomID, rooms map[RoomID]Room) error {
	if err := tx.LockUsers(c.App.ID, []Username{c.User}); err != nil {
		return err
	}
	others, err := visited(tx, c, but)
	if err != nil {
		return err
	}
	for _, id := range others {
		room, locked := rooms[id]
		if !locked {
			return errJoined
		}
		if err := s.endVisits(tx, emit, room, c.Device, []Username{c.User}); err != nil {
			return err
		}
	}
	return nil
}

// endVisits takes users out of a locked chatroom that they visit; device is the one that leaves.
func (s *Service) endVisits(tx Tx, emit func(Event), room Room, device string, users []Username) error {
	standings, err := tx.Standings(room, users)
	if err != nil {
		return err
	}
	w := &work{tx: tx, room: room, device: device, now: s.clock.Now(), publish: emit}
	return w.run(func(w *work) error { return w.take(standings, MembersLeft) })
}

// visit makes a user a member who is none, and tells how things stand.
func (w *work) visit(u Username, ext string) (inside Inside, err error) {
	st, err := w.standing(u)
	switch {
	case err != nil:
		return inside, err
	case st.Blocked:
		return inside, ErrBlocked.For(u).In(w.room.ID)
	}
	inside.Room = w.room
	if !st.Member {
		if err := w.enter([]Standing{st}, ErrRoomFull, ext); err != nil {
			return inside, err
		}
		inside.Room = w.room
		inside.Room.Version++
	}
	mutes, err := w.tx.Entries(w.room, Mutes, u)
	if err != nil {
		return inside, err
	}
	if mutes = running(mutes, w.now); len(mutes) > 0 {
		inside.MutedUntil = mutes[0].Until
	}
	inside.Allowed, err = mayDuringMute(w.tx, w.room, st)
	return inside, err
}

// mayDuringMute tells whether somebody may speak in a room that is muted: owner and admins may, and who is on the allow list.
func mayDuringMute(tx Tx, room Room, st Standing) (bool, error) {
	if st.Role >= Admin {
		return true, nil
	}
	entries, err := tx.Entries(room, Allows, st.User)
	return len(entries) > 0, err
}
