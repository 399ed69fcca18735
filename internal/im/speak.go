package im

import "time"

// speech is all that decides whether a user may speak in a room.
type speech struct {
	room    Room
	member  bool
	role    Role
	allowed bool
	muted   time.Time // end of the user's mute; zero: none
}

// maySpeak decides who may speak in a room, as the clients' error words tell them apart. A mute of one's own counts also for
// those who are allowed; owner and admins are never muted with the room.
func (p speech) maySpeak(u Username, now time.Time) error {
	switch {
	case !p.member:
		return ErrNotMember.For(u).In(p.room.ID)
	case p.room.Disabled:
		return ErrRoomDisabled.In(p.room.ID)
	case p.muted.After(now):
		return ErrMemberMuted.For(u).In(p.room.ID)
	case p.room.Muted && p.role < Admin && !p.allowed:
		return ErrRoomSilent.For(u).In(p.room.ID)
	}
	return nil
}

// maySpeakIn is maySpeak for a user token. Errors: ErrUserMuted, ErrNotMember, ErrRoomDisabled, ErrMemberMuted, ErrRoomSilent.
func (s *Service) maySpeakIn(tx Tx, c Caller, room Room) error {
	if _, err := s.mayAnywhere(tx, c, VenueOf(room.Kind), ""); err != nil {
		return err
	}
	standings, err := tx.Standings(room, []Username{c.User})
	if err != nil {
		return err
	}
	p := speech{room: room, member: standings[0].Member, role: standings[0].Role}
	mutes, err := tx.Entries(room, Mutes, c.User)
	if err != nil {
		return err
	}
	if len(mutes) > 0 {
		p.muted = mutes[0].Until
	}
	if room.Muted {
		allows, err := tx.Entries(room, Allows, c.User)
		if err != nil {
			return err
		}
		p.allowed = len(allows) > 0
	}
	return p.maySpeak(c.User, s.clock.Now())
}

// maySpeakTo decides whether a user may write to another. Errors: ErrUserMuted, ErrBlockedByUser, ErrNotContact.
func (s *Service) maySpeakTo(tx Tx, c Caller, to Username) error {
	sp, err := s.mayAnywhere(tx, c, InChats, to)
	switch {
	case err != nil:
		return err
	case sp.Blocked:
		return ErrBlockedByUser.For(to)
	case c.App.Settings.ContactsOnly && !sp.Contact && to != c.User:
		return ErrNotContact.For(to)
	}
	return nil
}

// mayAnywhere refuses whom the management API has muted in the whole app.
func (s *Service) mayAnywhere(tx Tx, c Caller, venue Venue, to Username) (Speaker, error) {
	sp, err := tx.Speaker(c.App.ID, c.User, to)
	if err == nil && sp.Muted(venue, s.clock.Now()) {
		err = ErrUserMuted.For(c.User)
	}
	return sp, err
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
	room, err := tx.Room(c.App.ID, to.Kind, to.Room)
	if err != nil {
		return err
	}
	return s.maySpeakIn(tx, c, room)
}
