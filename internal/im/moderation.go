package im

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"
)

// List is one of the per-room lists of users.
type List int8

// The lists of a room.
const (
	Mutes  List = 1 // may not speak until Entry.Until
	Blocks List = 2 // may not be in the room
	Allows List = 3 // exempt from RoomMute
)

// Entry is one user on one List of a room. It outlives membership.
type Entry struct {
	User  Username
	Until time.Time // Mutes: the end, [Forever] for good; otherwise zero
}

// Mute is an Entry of the Mutes list of some room, as the due loop sees it.
type Mute struct {
	App  AppID
	Room RoomID
	Entry
}

// Forever is the end of a mute without end: 2117-01-01, far beyond any stored date and still exact as a
// JavaScript number. The cloud answers the same figure (wire/easemob.md §4.14).
func Forever() time.Time { return time.UnixMilli(4638873600000) }

// ForGood is the length of a mute without end.
const ForGood time.Duration = -1

// Admins lists a room's admins, longest in the room first. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) Admins(ctx context.Context, c Caller, kind RoomKind, id RoomID) (admins []Member, err error) {
	err = s.seeInside(ctx, c, kind, id, func(tx Tx, room Room) (err error) {
		admins, err = tx.Admins(room)
		return err
	})
	return admins, err
}

// AddAdmin makes a member an admin; one who is an admin already stays one. Errors: ErrRoomNotFound, ErrForbidden,
// ErrUserNotFound, ErrNotMember, ErrOnOwner, ErrTooManyAdmins.
func (s *Service) AddAdmin(ctx context.Context, c Caller, kind RoomKind, id RoomID, name string) error {
	return s.inRoom(ctx, c, kind, id, Owner, func(w *work) error {
		st, err := w.standing(foldName(name))
		switch {
		case err != nil:
			return err
		case !st.Member:
			return w.stranger(st.User)
		case st.Role == Owner:
			return ErrOnOwner.For(st.User).In(id)
		case st.Role == Admin:
			return nil
		}
		admins, err := w.tx.Admins(w.room)
		if err != nil {
			return err
		}
		if len(admins) >= w.app.Settings.MaxAdmins {
			return ErrTooManyAdmins.With(itoa(w.app.Settings.MaxAdmins)).In(id)
		}
		w.notice(AdminAdded, []Username{st.User})
		return firstError(w.emitWithin(AdminAdded, st.User), w.tx.SetRole(w.room, st.User, Admin))
	})
}

// RemoveAdmin makes an admin a plain member. Errors: ErrRoomNotFound, ErrForbidden, ErrUserNotFound, ErrNotAdmin.
func (s *Service) RemoveAdmin(ctx context.Context, c Caller, kind RoomKind, id RoomID, name string) error {
	err := s.inRoom(ctx, c, kind, id, Owner, func(w *work) error {
		st, err := w.standing(foldName(name))
		if err != nil {
			return err
		}
		if st.Role != Admin {
			return ErrNotAdmin.For(st.User).In(id)
		}
		w.notice(AdminRemoved, []Username{st.User})
		return firstError(w.emitWithin(AdminRemoved, st.User), w.tx.SetRole(w.room, st.User, Plain))
	})
	if err == nil {
		s.demoted(ctx, c.App.ID, kind, foldName(name))
	}
	return err
}

// MuteMembers silences members for a while, or with [ForGood] until they are unmuted; length 0 unmutes. A mute
// replaces an earlier one. All or nothing. Errors: ErrRoomNotFound, ErrForbidden, ErrBatchTooLarge, ErrInvalid,
// ErrUserNotFound, ErrNotMember, ErrOnOwner.
func (s *Service) MuteMembers(ctx context.Context, c Caller, kind RoomKind, id RoomID, names []string, length time.Duration) ([]Entry, error) {
	users, err := batch(names, c.App.Settings.BatchAdd)
	if err != nil {
		return nil, err
	}
	if length < 0 && length != ForGood {
		return nil, ErrInvalid.With("mute_duration")
	}
	entries := make([]Entry, len(users))
	err = s.inRoom(ctx, c, kind, id, Admin, func(w *work) error {
		until := muteEnd(w.now, length)
		for i, u := range users {
			entries[i] = Entry{u, until}
		}
		all, err := w.registered(users)
		if err != nil {
			return err
		}
		if err := firstError(w.members(all), w.outranksAll(all)); err != nil {
			return err
		}
		if length == 0 {
			return w.unmute(users)
		}
		e := roomEvent(w.room, MembersMuted, users...)
		e.Until = until
		return firstError(w.publishWithin(e), w.tx.PutEntries(w.room, Mutes, entries))
	})
	if err == nil {
		s.nudge()
	}
	return entries, err
}

func muteEnd(now time.Time, length time.Duration) time.Time {
	if end := now.Add(length); length != ForGood && end.Before(Forever()) {
		return end
	}
	return Forever()
}

// UnmuteMembers ends mutes before their time; users who are not muted stay so. It works on users who have left,
// too. Errors: ErrRoomNotFound, ErrForbidden, ErrBatchTooLarge, ErrUserNotFound.
func (s *Service) UnmuteMembers(ctx context.Context, c Caller, kind RoomKind, id RoomID, names []string) ([]Username, error) {
	users, err := batch(names, c.App.Settings.BatchRemove)
	if err != nil {
		return nil, err
	}
	err = s.inRoom(ctx, c, kind, id, Admin, func(w *work) error {
		all, err := w.registered(users)
		if err != nil {
			return err
		}
		if err := w.outranksAll(all); err != nil {
			return err
		}
		return w.unmute(users)
	})
	return users, err
}

// UnmuteAll ends the mutes of everybody who is no admin, and returns whose. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) UnmuteAll(ctx context.Context, c Caller, kind RoomKind, id RoomID) (users []Username, err error) {
	err = s.inRoom(ctx, c, kind, id, Admin, func(w *work) error {
		users = nil
		mutes, err := w.tx.Entries(w.room, Mutes)
		if err != nil || len(mutes) == 0 {
			return err
		}
		names := make([]Username, len(mutes))
		for i, e := range mutes {
			names[i] = e.User
		}
		all, err := w.standings(names)
		if err != nil {
			return err
		}
		for _, st := range all {
			if st.Role < Admin {
				users = append(users, st.User)
			}
		}
		return w.unmute(users)
	})
	return users, err
}

func (w *work) unmute(users []Username) error {
	lifted, err := w.tx.DeleteEntries(w.room, Mutes, users)
	if err == nil && len(lifted) > 0 {
		err = w.emitWithin(MembersUnmuted, lifted...)
	}
	return err
}

// MuteList returns the mutes that have not ended, oldest first; it needs an admin. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) MuteList(ctx context.Context, c Caller, kind RoomKind, id RoomID) (mutes []Entry, err error) {
	now := s.clock.Now()
	err = s.seeRoom(ctx, c, kind, id, Admin, func(tx Tx, room Room) error {
		all, err := tx.Entries(room, Mutes)
		mutes = running(all, now)
		return err
	})
	return mutes, err
}

// running leaves out mutes that have ended but are not yet announced as ended.
func running(all []Entry, now time.Time) []Entry {
	var mutes []Entry
	for _, e := range all {
		if e.Until.After(now) {
			mutes = append(mutes, e)
		}
	}
	return mutes
}

// IsMuted tells whether a user is on the room's mute list, to an admin or the user. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) IsMuted(ctx context.Context, c Caller, kind RoomKind, id RoomID, name string) (muted bool, err error) {
	u := foldName(name)
	now := s.clock.Now()
	err = s.seeRoom(ctx, c, kind, id, adminOrSelf(c, u), func(tx Tx, room Room) error {
		all, err := tx.Entries(room, Mutes, u)
		muted = len(running(all, now)) > 0
		return err
	})
	return muted, err
}

// adminOrSelf is the role needed to see what stands about u.
func adminOrSelf(c Caller, u Username) Role {
	if c.User == u {
		return Stranger
	}
	return Admin
}

// MuteRoom makes a room silent but for the owner, admins and those allowed; or ends that. The mute list is not
// touched. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) MuteRoom(ctx context.Context, c Caller, kind RoomKind, id RoomID, muted bool) error {
	return s.inRoom(ctx, c, kind, id, Admin, func(w *work) error {
		if w.room.Muted == muted {
			return nil
		}
		w.room.Muted = muted
		if muted {
			w.emit(RoomMuted)
		} else {
			w.emit(RoomUnmuted)
		}
		return w.tx.PutRoom(w.room)
	})
}

// BlockMembers bars users from a room and takes them out of it; single says that the call names one user in its
// path. From a group users can be barred who are not in it (wire/clients.md §2.10). Blocking one who is blocked succeeds,
// blocking several who all are is ErrAlreadyBlocks. Errors:
// ErrRoomNotFound, ErrForbidden, ErrBatchTooLarge; for one user, or when nothing was done, ErrUserNotFound,
// ErrNotMember, ErrOnOwner.
func (s *Service) BlockMembers(ctx context.Context, c Caller, kind RoomKind, id RoomID, names []string, single bool) ([]Outcome, error) {
	judge := func(w *work, st Standing) *Error {
		if st.Exists && (st.Blocked || kind == Group && !st.Member) {
			return nil
		}
		return w.removable(st, false)
	}
	return outcomes(s.nameByName(ctx, c, kind, id, Admin, names, c.App.Settings.BatchAdd, judge, func(w *work, fit []Standing) error {
		if fresh := slices.DeleteFunc(slices.Clone(fit), func(st Standing) bool { return st.Blocked }); len(fresh) > 0 {
			return w.block(fresh)
		}
		if single || len(fit) < len(dedupe(fold(names))) {
			return nil
		}
		return ErrAlreadyBlocks.For(fit[0].User).In(id)
	}))
}

func (w *work) block(fresh []Standing) error {
	names := usersOf(fresh)
	inside := slices.DeleteFunc(slices.Clone(fresh), func(st Standing) bool { return !st.Member })
	if len(inside) > 0 {
		if err := w.take(inside, MembersRemoved); err != nil {
			return err
		}
	}
	if err := w.unmute(names); err != nil {
		return err
	}
	return firstError(w.emitWithin(MembersBlocked, names...), w.tx.PutEntries(w.room, Blocks, entriesOf(names)))
}

// entriesOf are entries without an end.
func entriesOf(users []Username) []Entry {
	entries := make([]Entry, len(users))
	for i, u := range users {
		entries[i].User = u
	}
	return entries
}

// UnblockMembers lets users in again; they do not become members. Errors: ErrRoomNotFound, ErrForbidden,
// ErrBatchTooLarge; when nobody was blocked ErrUserNotFound, ErrNotBlocked.
func (s *Service) UnblockMembers(ctx context.Context, c Caller, kind RoomKind, id RoomID, names []string) ([]Outcome, error) {
	judge := func(w *work, st Standing) *Error {
		switch {
		case !st.Exists:
			return w.missing(st.User)
		case !st.Blocked:
			return ErrNotBlocked.For(st.User).In(id)
		}
		return nil
	}
	return outcomes(s.nameByName(ctx, c, kind, id, Admin, names, c.App.Settings.BatchRemove, judge, func(w *work, fit []Standing) error {
		w.notice(MembersUnblocked, usersOf(fit))
		return w.lift(usersOf(fit))
	}))
}

// BlockList returns the blocked users, oldest first; it needs an admin. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) BlockList(ctx context.Context, c Caller, kind RoomKind, id RoomID) ([]Entry, error) {
	return s.list(ctx, c, kind, id, Blocks)
}

func (s *Service) list(ctx context.Context, c Caller, kind RoomKind, id RoomID, list List) (entries []Entry, err error) {
	err = s.seeRoom(ctx, c, kind, id, Admin, func(tx Tx, room Room) (err error) {
		entries, err = tx.Entries(room, list)
		return err
	})
	return entries, err
}

// AllowMembers exempts members from RoomMute and reports name by name. A personal mute still counts. Errors:
// ErrRoomNotFound, ErrForbidden, ErrBatchTooLarge; when nothing was done ErrUserNotFound, ErrNotMember.
func (s *Service) AllowMembers(ctx context.Context, c Caller, kind RoomKind, id RoomID, names []string) ([]Outcome, error) {
	judge := func(w *work, st Standing) *Error {
		switch {
		case !st.Exists:
			return w.missing(st.User)
		case !st.Member:
			return w.stranger(st.User)
		}
		return nil
	}
	return outcomes(s.nameByName(ctx, c, kind, id, Admin, names, c.App.Settings.BatchAdd, judge, func(w *work, fit []Standing) error {
		users := usersOf(fit)
		were, err := w.tx.Entries(w.room, Allows, users...)
		if err != nil {
			return err
		}
		users = slices.DeleteFunc(users, func(u Username) bool {
			return slices.ContainsFunc(were, func(e Entry) bool { return e.User == u })
		})
		if len(users) == 0 {
			return nil
		}
		return firstError(w.emitWithin(MembersAllowed, users...), w.tx.PutEntries(w.room, Allows, entriesOf(users)))
	}))
}

// DisallowMembers takes users off the allow list; those who are not on it stay so. Errors: ErrRoomNotFound,
// ErrForbidden, ErrBatchTooLarge, ErrUserNotFound.
func (s *Service) DisallowMembers(ctx context.Context, c Caller, kind RoomKind, id RoomID, names []string) ([]Username, error) {
	users, err := batch(names, c.App.Settings.BatchRemove)
	if err != nil {
		return nil, err
	}
	err = s.inRoom(ctx, c, kind, id, Admin, func(w *work) error {
		if _, err := w.registered(users); err != nil {
			return err
		}
		off, err := w.tx.DeleteEntries(w.room, Allows, users)
		if err == nil && len(off) > 0 {
			err = w.emitWithin(MembersDisallowed, off...)
		}
		return err
	})
	if err == nil {
		s.demoted(ctx, c.App.ID, kind, users...)
	}
	return users, err
}

// AllowList returns the allowed users, oldest first; it needs an admin. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) AllowList(ctx context.Context, c Caller, kind RoomKind, id RoomID) ([]Entry, error) {
	return s.list(ctx, c, kind, id, Allows)
}

// IsAllowed tells whether a user may speak during RoomMute, to an admin or the user: owner and admins may, and
// who is on the allow list. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) IsAllowed(ctx context.Context, c Caller, kind RoomKind, id RoomID, name string) (allowed bool, err error) {
	u := foldName(name)
	err = s.seeRoom(ctx, c, kind, id, adminOrSelf(c, u), func(tx Tx, room Room) error {
		standings, err := tx.Standings(room, []Username{u})
		if err == nil {
			allowed, err = mayDuringMute(tx, room, standings[0])
		}
		return err
	})
	return allowed, err
}

// Announcement returns a room's announcement. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) Announcement(ctx context.Context, c Caller, kind RoomKind, id RoomID) (text string, err error) {
	err = s.seeInside(ctx, c, kind, id, func(_ Tx, room Room) error {
		text = room.Announcement
		return nil
	})
	return text, err
}

// SetAnnouncement changes a room's announcement. Errors: ErrRoomNotFound, ErrForbidden, ErrAnnounceLong.
func (s *Service) SetAnnouncement(ctx context.Context, c Caller, kind RoomKind, id RoomID, text string) error {
	return s.inRoom(ctx, c, kind, id, Admin, func(w *work) error {
		if utf8.RuneCountInString(text) > maxAnnouncement {
			return ErrAnnounceLong.In(id)
		}
		w.room.Announcement = text
		e := roomEvent(w.room, AnnouncementChanged)
		e.Text = text
		w.publish(e)
		return w.tx.PutRoom(w.room)
	})
}
