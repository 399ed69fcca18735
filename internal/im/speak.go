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

// maySpeakIn is maySpeak for a user token. Errors: ErrNotMember, ErrRoomDisabled, ErrMemberMuted, ErrRoomSilent.
func (s *Service) maySpeakIn(tx Tx, c Caller, room Room) error {
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

// maySpeakTo decides whether a user may write to another.
func (s *Service) maySpeakTo(tx Tx, c Caller, m Message) error { return nil }
