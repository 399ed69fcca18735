package im

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Role is a Member's rank in a Room. A higher role outranks a lower one.
type Role int8

// The roles. Stranger is the role of a user who is not a member.
const (
	Stranger Role = -1
	Plain    Role = 0
	Admin    Role = 1
	Owner    Role = 2
)

// Member is a User's standing in a Room.
type Member struct {
	User   Username
	Role   Role
	Joined time.Time
	Seq    int64 // place in the room's member list: grows with joining; given by the store
	ByREST bool  // added by the management API: stays however often the user connects (ADR 12)
}

// Standing is what the rules about members need to know of one named user, read in one go.
type Standing struct {
	User    Username
	Exists  bool
	Member  bool
	Role    Role // Stranger unless Member
	Seq     int64
	Blocked bool
	Joined  int // rooms of the room's kind the user is in
}

// AddMember puts one user into a room; it lifts a block. In a group that allows it a plain member may, too, but not lift a
// block. Errors: ErrRoomNotFound, ErrForbidden, ErrBlocked, ErrUserNotFound,
// ErrAlreadyMember, ErrRoomFull, ErrTooManyRooms.
func (s *Service) AddMember(ctx context.Context, c Caller, kind RoomKind, id RoomID, name string) error {
	_, err := s.addMembers(ctx, c, kind, id, []Username{foldName(name)}, ErrRoomFull)
	return err
}

// AddMembers puts several users into a room and returns those who were not in it. All or nothing: one who does
// not exist or may not join refuses all. Errors: as AddMember, ErrBatchTooLarge, ErrTooManyMembers for a full
// room, ErrAlreadyMember when all are in.
func (s *Service) AddMembers(ctx context.Context, c Caller, kind RoomKind, id RoomID, names []string) ([]Username, error) {
	users, err := batch(names, c.App.Settings.BatchAdd)
	if err != nil {
		return nil, err
	}
	return s.addMembers(ctx, c, kind, id, users, ErrTooManyMembers)
}

func (s *Service) addMembers(ctx context.Context, c Caller, kind RoomKind, id RoomID, names []Username, full *Error) (added []Username, err error) {
	need := Admin
	if kind == Group {
		need = Plain
	}
	err = s.inRoom(ctx, c, kind, id, need, func(w *work) error {
		if w.rank < Admin && !w.room.AllowInvites {
			return ErrForbidden.In(id)
		}
		all, err := w.registered(names)
		if err != nil {
			return err
		}
		for _, st := range all {
			if st.Blocked && w.rank < Admin {
				return ErrBlocked.For(st.User).In(id)
			}
		}
		if added, err = w.admit(all, full); err == nil && len(added) == 0 {
			err = ErrAlreadyMember.For(names[0]).In(id)
		}
		return err
	})
	return added, err
}

// admit puts those who are not in the room into it, and lifts their blocks. full is the error of a room that has not enough
// places.
func (w *work) admit(all []Standing, full *Error) (added []Username, err error) {
	var fresh []Standing
	var members []Member
	var blocked []Username
	for _, st := range all {
		if st.Member {
			continue
		}
		fresh = append(fresh, st)
		added = append(added, st.User)
		members = append(members, Member{User: st.User, Role: Plain, Joined: w.now, ByREST: true})
		if st.Blocked {
			blocked = append(blocked, st.User)
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	if w.room.Members+len(fresh) > w.room.MaxUsers {
		return nil, full.In(w.room.ID)
	}
	if err := joinQuota(w.app, w.room, fresh); err != nil {
		return nil, err
	}
	if err := w.lift(blocked); err != nil {
		return nil, err
	}
	if err := w.join(members, ""); err != nil {
		return nil, err
	}
	w.noticeOthers(MembersJoined, added)
	return added, nil
}

// join makes users members and tells of it; text is what they have to say.
func (w *work) join(members []Member, text string) error {
	users := make([]Username, len(members))
	for i, m := range members {
		users[i] = m.User
	}
	w.room.Members += len(members)
	w.places(RoomEntered, users)
	e := roomEvent(w.room, MembersJoined, users...)
	e.Text = text
	w.publish(e)
	return w.tx.AddMembers(w.room, members)
}

// lift takes users off the block list because they are added again (wire/clients.md §2.10).
func (w *work) lift(blocked []Username) error {
	if len(blocked) == 0 {
		return nil
	}
	if err := w.emitWithin(MembersUnblocked, blocked...); err != nil {
		return err
	}
	_, err := w.tx.DeleteEntries(w.room, Blocks, blocked)
	return err
}

// RemoveMember takes one user out of a room; a user token may take out its own user. Errors: ErrRoomNotFound,
// ErrForbidden, ErrUserNotFound, ErrNotMember, ErrOnOwner.
func (s *Service) RemoveMember(ctx context.Context, c Caller, kind RoomKind, id RoomID, name string) error {
	_, err := outcomes(s.RemoveMembers(ctx, c, kind, id, []string{name}))
	return err
}

// RemoveMembers takes several users out of a room and reports name by name, also when nobody could be taken out
// (wire/clients.md §2.8). A user token may take out its own user. Errors: ErrRoomNotFound, ErrForbidden,
// ErrBatchTooLarge.
func (s *Service) RemoveMembers(ctx context.Context, c Caller, kind RoomKind, id RoomID, names []string) ([]Outcome, error) {
	need, event, self := Admin, MembersRemoved, false
	if len(names) == 1 && !c.IsApp() && foldName(names[0]) == c.User {
		need, event, self = Stranger, MembersLeft, true
	}
	judge := func(w *work, st Standing) *Error { return w.removable(st, self) }
	return s.nameByName(ctx, c, kind, id, need, names, c.App.Settings.BatchRemove, judge, func(w *work, fit []Standing) error {
		return w.take(fit, event)
	})
}

func (w *work) removable(st Standing, self bool) *Error {
	switch {
	case !st.Exists:
		return w.missing(st.User)
	case !st.Member:
		return w.stranger(st.User)
	case self && st.Role != Owner:
		return nil
	}
	if err := w.outranks(st); err != nil {
		return AsError(err)
	}
	return nil
}

// take removes members and what goes with membership: the role, the shield, a place on the allow list, the member's
// attributes, and the room's that are marked so. A mute stays (wire/easemob.md §4.14).
func (w *work) take(gone []Standing, kind EventKind) error {
	if err := w.tx.RemoveMembers(w.room, gone); err != nil {
		return err
	}
	names := usersOf(gone)
	w.room.Members -= len(gone)
	w.emit(kind, names...)
	w.places(RoomLeft, names)
	if kind == MembersRemoved {
		w.notice(kind, names)
	}
	if _, err := w.tx.DeleteEntries(w.room, Allows, names); err != nil {
		return err
	}
	if w.room.Kind == Group {
		if err := w.tx.DropMemberAttributes(w.room, names); err != nil {
			return err
		}
	}
	dropped, err := w.tx.DropAttributesOf(w.room, names)
	if err == nil && len(dropped) > 0 {
		w.emitAttributes(AttributesDeleted, dropped, "")
	}
	return err
}

// leave takes a user who is being deleted out of a room, or destroys the room when it is the user's.
func (s *Service) leave(tx Tx, emit func(Event), r Room, u Username) error {
	room, err := tx.LockRoom(r.App, r.Kind, r.ID)
	if errors.Is(err, ErrRoomNotFound) { // destroyed since it was looked up
		return nil
	}
	if err != nil {
		return err
	}
	w := &work{tx: tx, room: room, now: s.clock.Now(), publish: emit}
	return w.run(func(w *work) error {
		if room.Owner == u {
			return w.destroy()
		}
		standings, err := tx.Standings(room, []Username{u})
		if err != nil || !standings[0].Member {
			return err
		}
		return w.take(standings, MembersLeft)
	})
}

// leaveForGood takes a user out of all rooms and locks the user, together with those who are told of it. Errors: errJoined.
func (s *Service) leaveForGood(tx Tx, emit func(Event), u User) error {
	locked := []Username{u.Name}
	err := s.leaveAll(tx, func(e Event) {
		if emit(e); e.told != "" {
			locked = append(locked, e.told)
		}
	}, u)
	if err != nil {
		return err
	}
	if err := tx.LockUsers(u.App, locked); err != nil {
		return err
	}
	return inNoRoom(tx, u.App, u.Name)
}

// IsMember tells whether a user is in a room. Errors: ErrRoomNotFound.
func (s *Service) IsMember(ctx context.Context, c Caller, kind RoomKind, id RoomID, name string) (member bool, err error) {
	err = s.seeRoom(ctx, c, kind, id, Stranger, func(tx Tx, room Room) error {
		standings, err := tx.Standings(room, []Username{foldName(name)})
		if err == nil {
			member = standings[0].Member
		}
		return err
	})
	return member, err
}

// MembersPage lists members, longest in the room first, page by page from 1. Errors: ErrRoomNotFound, ErrForbidden for
// strangers of a group that is not public.
func (s *Service) MembersPage(ctx context.Context, c Caller, kind RoomKind, id RoomID, page Page) (members []Member, err error) {
	err = s.seeInside(ctx, c, kind, id, func(tx Tx, room Room) (err error) {
		members, err = tx.MembersAt(room, page.offset(), page.Size)
		return err
	})
	return members, err
}

// MemberQuery asks for members after the place of a former answer.
type MemberQuery struct {
	After     int64 // 0 to begin
	Desc      bool  // newest first instead of longest in the room first
	Limit     int
	SkipOwner bool
}

// MembersAfter lists members. next is 0 on the last page. Errors: as MembersPage.
func (s *Service) MembersAfter(ctx context.Context, c Caller, kind RoomKind, id RoomID, q MemberQuery) (members []Member, next int64, err error) {
	err = s.seeInside(ctx, c, kind, id, func(tx Tx, room Room) (err error) {
		members, err = tx.MembersFrom(room, q.After, q.Desc, q.Limit+2) // one to know of a next page, one for the owner
		return err
	})
	if q.SkipOwner {
		members = slices.DeleteFunc(members, func(m Member) bool { return m.Role == Owner })
	}
	if len(members) > q.Limit {
		members = members[:q.Limit]
		next = members[q.Limit-1].Seq
	}
	return members, next, err
}
