package im

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Venue is where people speak; a mute of the whole app holds in some of them.
type Venue int8

// The venues.
const (
	InChats     Venue = iota // between two
	InGroups                 // in any group
	InChatrooms              // in any chatroom
	venues
)

// String returns the venue's name on the wires.
func (v Venue) String() string { return [...]string{"chat", "groupchat", "chatroom"}[v] }

// VenueOf is the venue of the rooms of a kind.
func VenueOf(kind RoomKind) Venue {
	if kind == Group {
		return InGroups
	}
	return InChatrooms
}

// UserMute holds a user's mutes in the whole app.
type UserMute struct {
	App  AppID
	User Username
	Ends [venues]time.Time // by [Venue]; zero: not muted there, [Forever]: for good
}

// running is the mute without what has ended at now.
func (m UserMute) running(now time.Time) UserMute {
	for v, end := range m.Ends {
		if !end.After(now) {
			m.Ends[v] = time.Time{}
		}
	}
	return m
}

// Speaker is how the people stand when one is about to speak.
type Speaker struct {
	Ends    [venues]time.Time // of the sender's mutes; also such that have ended but are not announced yet
	Blocked bool              // the receiver has blocked the sender
	Contact bool              // the receiver has the sender as a contact
}

// Muted reports whether the sender may not speak anywhere at a venue.
func (sp Speaker) Muted(v Venue, now time.Time) bool { return sp.Ends[v].After(now) }

// MuteUser silences a user in the whole app; it needs an app token. lengths say for how long at which venues: 0 ends a mute,
// [ForGood] sets one without end, a venue that is missing stays as it is. Errors: ErrAppOnly, ErrUserNotFound, ErrFieldMissing,
// ErrInvalid.
func (s *Service) MuteUser(ctx context.Context, c Caller, name string, lengths map[Venue]time.Duration) error {
	if err := c.mustBeApp(); err != nil {
		return err
	}
	if len(lengths) == 0 {
		return ErrFieldMissing.With(InChats.String())
	}
	for v, length := range lengths {
		if length < 0 && length != ForGood {
			return ErrInvalid.With(v.String())
		}
	}
	user := foldName(name)
	err := s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		if err := tx.LockUsers(c.App.ID, []Username{user}); err != nil {
			return err
		}
		if _, err := tx.User(c.App.ID, user); err != nil {
			return err
		}
		m, err := tx.UserMute(c.App.ID, user)
		if err != nil {
			return err
		}
		now := s.clock.Now()
		for v := range venues {
			length, given := lengths[v]
			was := m.Ends[v]
			switch {
			case !given || length == 0 && was.IsZero():
			case length == 0:
				m.Ends[v] = time.Time{}
				emit(userMuteEvent(m, v, UserUnmuted, time.Time{}))
			default:
				m.Ends[v] = muteEnd(now, length)
				emit(userMuteEvent(m, v, UserMuted, m.Ends[v]))
			}
		}
		return tx.PutUserMute(m)
	})
	if err == nil {
		s.nudge()
	}
	return err
}

// userMuteEvent tells a user of a mute at a venue, which the event's text names.
func userMuteEvent(m UserMute, v Venue, kind EventKind, until time.Time) Event {
	return Event{Topic: UserTopic(m.App, m.User), Kind: kind, App: m.App, Users: []Username{m.User}, Until: until, Text: v.String()}
}

// MutesOfUser returns a user's mutes in the whole app that have not ended; it needs an app token. Errors: ErrAppOnly,
// ErrUserNotFound.
func (s *Service) MutesOfUser(ctx context.Context, c Caller, name string) (m UserMute, err error) {
	if err := c.mustBeApp(); err != nil {
		return UserMute{}, err
	}
	err = s.store.View(ctx, func(tx Tx) error {
		u, err := tx.User(c.App.ID, foldName(name))
		if err != nil {
			return err
		}
		m, err = tx.UserMute(c.App.ID, u.Name)
		return err
	})
	return m.running(s.clock.Now()), err
}

// MutedUsers lists who is muted in the whole app, first muted first, page by page from 1; it needs an app token. Errors:
// ErrAppOnly.
func (s *Service) MutedUsers(ctx context.Context, c Caller, page Page) (muted []UserMute, err error) {
	if err := c.mustBeApp(); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		muted, err = tx.UserMutes(c.App.ID, page.offset(), page.Size)
		return err
	})
	now := s.clock.Now()
	for i, m := range muted {
		muted[i] = m.running(now)
	}
	return muted, err
}

// endUserMutes removes mutes of the whole app that are over and announces those that this node removed.
func (s *Service) endUserMutes(ctx context.Context, due []UserMute) error {
	slices.SortFunc(due, func(a, b UserMute) int { return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.User, b.User)) }) // one order of locks
	var events []Event
	err := s.store.Update(ctx, func(tx Tx) error {
		events = events[:0]
		now := s.clock.Now()
		for _, d := range due {
			if err := tx.LockUsers(d.App, []Username{d.User}); err != nil {
				return err
			}
			m, err := tx.UserMute(d.App, d.User)
			if err != nil {
				return err
			}
			left := m.running(now)
			if left == m {
				continue
			}
			for v := range venues {
				if end := m.Ends[v]; end != left.Ends[v] {
					e := userMuteEvent(m, v, UserMuteEnded, end)
					e.At = now
					events = append(events, e)
				}
			}
			if err := tx.PutUserMute(left); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.publish(ctx, events)
	}
	return err
}
