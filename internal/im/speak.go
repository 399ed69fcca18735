package im

import "time"

// Voice is all that decides whether a user may speak in a room.
type Voice struct {
	Disabled, Silent bool // the room
	Member           bool
	Role             Role
	Allowed          bool      // to speak in a silent room
	Until            time.Time // end of the user's mute in the room; zero: none
	Anywhere         Speaker   // with regard to no receiver
}

// maySpeak decides who may speak in a room, as the clients' error words tell them apart. A mute of one's own counts also for
// those who are allowed; owner and admins are never muted with the room.
func (v Voice) maySpeak(u Username, id RoomID, now time.Time) error {
	switch {
	case !v.Member:
		return ErrNotMember.For(u).In(id)
	case v.Disabled:
		return ErrRoomDisabled.In(id)
	case v.Until.After(now):
		return ErrMemberMuted.For(u).In(id)
	case v.Silent && v.Role < Admin && !v.Allowed:
		return ErrRoomSilent.For(u).In(id)
	}
	return nil
}

// maySpeakIn is maySpeak for a user token. Errors: ErrRoomNotFound, ErrUserMuted, ErrNotMember, ErrRoomDisabled, ErrMemberMuted,
// ErrRoomSilent.
func (s *Service) maySpeakIn(tx Tx, c Caller, to Address) error {
	v, err := tx.Voice(c.App.ID, to.Kind, to.Room, c.User)
	now := s.clock.Now()
	switch {
	case err != nil:
		return err
	case v.Anywhere.Muted(VenueOf(to.Kind), now):
		return ErrUserMuted.For(c.User)
	}
	return v.maySpeak(c.User, to.Room, now)
}

// maySpeakTo decides whether a user may write to another. Errors: ErrUserMuted, ErrBlockedByUser, ErrNotContact.
func (s *Service) maySpeakTo(tx Tx, c Caller, to Username) error {
	sp, err := tx.Speaker(c.App.ID, c.User, to)
	switch {
	case err != nil:
		return err
	case sp.Muted(InChats, s.clock.Now()):
		return ErrUserMuted.For(c.User)
	case sp.Blocked:
		return ErrBlockedByUser.For(to)
	case c.App.Settings.ContactsOnly && !sp.Contact && to != c.User:
		return ErrNotContact.For(to)
	}
	return nil
}

// mayStillSpeak decides whether the caller may say something where an earlier message went.
func (s *Service) mayStillSpeak(tx Tx, c Caller, to Address) error {
	if c.IsApp() {
		return nil
	}
	if to.Room == "" {
		if _, err := tx.User(c.App.ID, to.User); err != nil {
			return err
		}
		return s.maySpeakTo(tx, c, to.User)
	}
	return s.maySpeakIn(tx, c, to)
}
