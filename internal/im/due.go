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
	dueIdle    = time.Minute     // look again even when nothing of ours is due: another node may have stopped
	dueRetry   = 5 * time.Second // after the store failed
	tokenSweep = time.Hour
	sweepBatch = 1000
)

// TokenGrace is how long an expired token is told from an unknown one.
const TokenGrace = 7 * 24 * time.Hour

// rounds is how far the due loop has come with what it does besides.
type rounds struct {
	swept  time.Time
	unread sweeper
	called roll
}

// Run announces facts that fall due, such as the end of a mute, also those that fell due while no server ran. It
// returns nil when ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var r rounds
	for ctx.Err() == nil {
		wait, err := s.round(ctx, &r)
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.Error("due facts", "err", err)
			wait = dueRetry
		case wait == 0:
			continue
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

// round does what is due, and returns how long to wait for more; 0: there is more at once. What fails waits for the next round; a fault
// (see [Faults]) keeps nothing else from being done.
func (s *Service) round(ctx context.Context, r *rounds) (wait time.Duration, err error) {
	more := false
	var fault error
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"mutes", func() error { return s.dueMutes(ctx) }},
		{"mutes in the whole app", func() error { return s.dueUserMutes(ctx) }},
		{"absences", func() error { return s.dueAbsences(ctx, r.called) }},
		{"visitors", func() error { return s.call(ctx, &r.called) }},
		{"what is over", func() error { return s.sweepOver(ctx, r) }},
		{"files", func() (err error) { more, err = s.sweepUnread(ctx, &r.unread); return err }},
	} {
		if err := s.faults.Try("due facts", step.what, step.do); errors.Is(err, errFault) {
			fault = err
		} else if err != nil {
			return 0, err
		}
	}
	if fault != nil || more || !r.called.done {
		return 0, fault
	}
	return s.untilDue(ctx)
}

// untilDue is how long nothing is due.
func (s *Service) untilDue(ctx context.Context) (wait time.Duration, err error) {
	wait = dueIdle
	err = s.store.View(ctx, func(tx Tx) error {
		end, some, err := nextEnd(tx)
		if some {
			wait = min(max(end.Sub(s.clock.Now()), 0), dueIdle)
		}
		return err
	})
	return wait, err
}

func (s *Service) dueMutes(ctx context.Context) error {
	return drain(ctx, s, func(tx Tx, now time.Time) ([]Mute, error) { return tx.DueMutes(now, dueBatch) },
		func(m Mute) string { return "mute of " + string(m.User) + " in " + string(m.Room) }, s.endMutes)
}

func (s *Service) dueUserMutes(ctx context.Context) error {
	return drain(ctx, s, func(tx Tx, now time.Time) ([]UserMute, error) { return tx.DueUserMutes(now, dueBatch) },
		func(m UserMute) string { return "mute of " + string(m.User) }, s.endUserMutes)
}

// dueAbsences ends none while it is not known who is absent.
func (s *Service) dueAbsences(ctx context.Context, called roll) error {
	if !called.done {
		return nil
	}
	return drain(ctx, s, func(tx Tx, now time.Time) ([]Absence, error) { return tx.DueAbsences(now, dueBatch) },
		func(a Absence) string { return "absence of " + string(a.User) }, s.endAbsences)
}

// drain applies what is due of one kind, a batch at a time, until nothing is.
func drain[T any](ctx context.Context, s *Service, read func(Tx, time.Time) ([]T, error), name func(T) string, apply func(context.Context, []T) error) error {
	for {
		var some []T
		err := s.store.View(ctx, func(tx Tx) (err error) { some, err = read(tx, s.clock.Now()); return err })
		if err != nil || len(some) == 0 {
			return err
		}
		if err := TryAll(s.faults, "due facts", name, some, func(some []T) error { return apply(ctx, some) }); err != nil {
			return err
		}
	}
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

// sweepOver removes now and then what is over.
func (s *Service) sweepOver(ctx context.Context, r *rounds) error {
	now := s.clock.Now()
	if now.Sub(r.swept) < tokenSweep {
		return nil
	}
	err := firstError(s.sweepTokens(ctx, now), s.forget(ctx, now))
	if err == nil {
		r.swept = now
	}
	return err
}

// sweepTokens removes tokens that expired long ago, and forgets JWTs that were revoked and are over.
func (s *Service) sweepTokens(ctx context.Context, now time.Time) error {
	return firstError(
		s.sweep(ctx, func(tx Tx) (int, error) { return tx.DeleteExpiredTokens(now.Add(-TokenGrace), sweepBatch) }),
		s.sweep(ctx, func(tx Tx) (int, error) { return tx.DeleteRevokedJWTs(now, sweepBatch) }))
}
