package im

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

const (
	dueBatch   = 256
	dueIdle    = time.Minute        // look again even when nothing of ours is due: another node may have stopped
	dueRetry   = 5 * time.Second    // after the store failed
	tokenGrace = 7 * 24 * time.Hour // an expired token is told from an unknown one this long
	tokenSweep = time.Hour
	sweepBatch = 1000
)

// Run announces facts that fall due, such as the end of a mute, also those that fell due while no server ran. It
// returns nil when ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var swept time.Time
	var unread sweeper
	var called roll
	for ctx.Err() == nil {
		wait, err := s.due(ctx, called.done)
		if err == nil && !called.done {
			if err = s.call(ctx, &called); err == nil {
				continue
			}
		}
		if now := s.clock.Now(); err == nil && now.Sub(swept) >= tokenSweep {
			if err = firstError(s.sweepTokens(ctx, now), s.forget(ctx, now)); err == nil {
				swept = now
			}
		}
		if err == nil {
			var more bool
			if more, err = s.sweepUnread(ctx, &unread); more {
				continue
			}
		}
		if err != nil && ctx.Err() == nil {
			s.log.Error("due facts", "err", err)
			wait = min(wait, dueRetry)
		}
		c, stop := s.clock.Timer(wait)
		select {
		case <-ctx.Done():
		case <-c:
		case <-s.wake:
		}
		stop()
	}
	return nil
}

// nudge makes the due loop look again, because something may be due sooner than it thinks.
func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // a note is there already
	}
}

// due applies everything that is due, absences only when these count, and returns how long to wait for the next.
func (s *Service) due(ctx context.Context, absences bool) (time.Duration, error) {
	for {
		var apply func() error
		var end time.Time
		var more bool
		now := s.clock.Now()
		err := s.store.View(ctx, func(tx Tx) (err error) {
			if apply, err = s.dueNow(ctx, tx, now, absences); err != nil || apply != nil {
				return err
			}
			end, more, err = nextEnd(tx)
			return err
		})
		switch {
		case err != nil:
			return dueRetry, err
		case apply != nil:
			if err := apply(); err != nil {
				return dueRetry, err
			}
		case more:
			return min(max(end.Sub(now), 0), dueIdle), nil
		default:
			return dueIdle, nil
		}
	}
}

// dueNow returns what applies some of what is due; nil when nothing is.
func (s *Service) dueNow(ctx context.Context, tx Tx, now time.Time, absences bool) (apply func() error, err error) {
	mutes, err := tx.DueMutes(now, dueBatch)
	if err != nil || len(mutes) > 0 {
		return func() error { return s.endMutes(ctx, mutes) }, err
	}
	userMutes, err := tx.DueUserMutes(now, dueBatch)
	if err != nil || len(userMutes) > 0 {
		return func() error { return s.endUserMutes(ctx, userMutes) }, err
	}
	if !absences {
		return nil, nil
	}
	away, err := tx.DueAbsences(now, dueBatch)
	if err != nil || len(away) > 0 {
		return func() error { return s.endAbsences(ctx, away) }, err
	}
	return nil, nil
}

// nextEnd is the earliest end of a mute in a room or in a whole app, or of an absence.
func nextEnd(tx Tx) (end time.Time, ok bool, err error) {
	for _, next := range []func() (time.Time, bool, error){tx.NextMuteEnd, tx.NextUserMuteEnd, tx.NextAbsence} {
		other, also, err := next()
		if err != nil {
			return end, ok, err
		}
		if also && (!ok || other.Before(end)) {
			end, ok = other, true
		}
	}
	return end, ok, nil
}

// endMutes removes mutes that are over and announces those that this node removed.
func (s *Service) endMutes(ctx context.Context, mutes []Mute) error {
	var events []Event
	err := s.store.Update(ctx, func(tx Tx) error {
		events = events[:0]
		rooms, err := lockRoomsOf(tx, mutes)
		if err != nil {
			return err
		}
		counted := map[roomKey]bool{}
		for _, m := range mutes {
			ended, err := tx.EndMute(m)
			if err != nil {
				return err
			}
			key := roomKey{m.App, m.Room}
			room, stands := rooms[key]
			if !ended || !stands {
				continue
			}
			if !counted[key] {
				counted[key] = true
				if err := tx.CountChange(room); err != nil {
					return err
				}
			}
			e := roomEvent(room, MuteEnded, m.User)
			e.App, e.At, e.Until = m.App, s.clock.Now(), m.Until
			if e.within() {
				if e.Only, err = audience(tx, room, e.Users); err != nil {
					return err
				}
			}
			events = append(events, e)
		}
		return nil
	})
	if err == nil {
		s.publish(ctx, events)
	}
	return err
}

type roomKey struct {
	app  AppID
	room RoomID
}

// lockRoomsOf locks the rooms of mutes, each once and in one order. Rooms that are gone are left out.
func lockRoomsOf(tx Tx, mutes []Mute) (map[roomKey]Room, error) {
	rooms := map[roomKey]Room{}
	for _, m := range mutes {
		rooms[roomKey{m.App, m.Room}] = Room{}
	}
	keys := slices.SortedFunc(maps.Keys(rooms), func(a, b roomKey) int {
		return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.room, b.room))
	})
	for _, k := range keys {
		room, err := tx.LockRoom(k.app, Chatroom, k.room)
		if errors.Is(err, ErrRoomNotFound) { // a mute does not say of which kind its room is
			room, err = tx.LockRoom(k.app, Group, k.room)
		}
		switch {
		case errors.Is(err, ErrRoomNotFound):
			delete(rooms, k)
		case err != nil:
			return nil, err
		default:
			rooms[k] = room
		}
	}
	return rooms, nil
}

// sweepTokens removes tokens that expired long ago, and forgets JWTs that were revoked and are over.
func (s *Service) sweepTokens(ctx context.Context, now time.Time) error {
	return firstError(
		s.sweep(ctx, func(tx Tx) (int, error) { return tx.DeleteExpiredTokens(now.Add(-tokenGrace), sweepBatch) }),
		s.sweep(ctx, func(tx Tx) (int, error) { return tx.DeleteRevokedJWTs(now, sweepBatch) }))
}
