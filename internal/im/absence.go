package im

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Visitor is somebody who visits a chatroom.
type Visitor struct {
	App  AppID
	User Username
}

// Absence says that a visitor is not connected, and when the visits end because of it (ADR 12).
type Absence struct {
	Visitor
	Due time.Time
}

const (
	absenceBatch  = 64   // absences that end in one transaction
	absenceVisits = 1000 // visits, of more than one user
	missBatch     = 200
)

// grace is how long who is not connected stays in the chatrooms visited.
func (s Settings) grace() time.Duration { return time.Duration(s.ChatroomGrace) * time.Second }

// WentAway is called when a user may have lost the last connection, or has come into a chatroom perhaps without any. When the user
// visits chatrooms and is connected nowhere the visits end after the app's grace period, unless a device is opened before.
func (s *Service) WentAway(ctx context.Context, app AppID, u Username) error {
	if online, err := s.online(ctx, app, []Username{u}); err != nil || online[u] {
		return err
	}
	var visits []Visit
	err := s.store.View(ctx, func(tx Tx) (err error) { visits, err = tx.Visits(app, []Username{u}); return err })
	if err != nil || len(visits) == 0 {
		return err
	}
	if err := s.miss(ctx, app, []Username{u}); err != nil {
		return err
	}
	s.nudge()
	return nil
}

// lookAway is WentAway after the commit of something that makes visitors of users. What fails is made up for when a server starts.
func (s *Service) lookAway(ctx context.Context, app AppID, users ...Username) {
	for _, u := range users {
		if err := s.WentAway(context.WithoutCancel(ctx), app, u); err != nil {
			s.log.Error("absence", "user", string(u), "err", err)
		}
	}
}

// demoted is called for those who had a reason to stay in a room without a connection, and have it no more.
func (s *Service) demoted(ctx context.Context, app AppID, kind RoomKind, users ...Username) {
	if kind == Chatroom {
		s.lookAway(ctx, app, users...)
	}
}

// miss begins absences, anew where they have begun.
func (s *Service) miss(ctx context.Context, id AppID, users []Username) error {
	app, err := s.appByID(ctx, id)
	if errors.Is(err, ErrAppNotFound) { // going, and its users with it
		return nil
	}
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		if err := tx.LockUsers(id, users); err != nil {
			return err
		}
		return tx.PutAbsences(id, users, s.clock.Now().Add(app.Settings.grace()))
	})
}

// online tells which of the users are connected.
func (s *Service) online(ctx context.Context, app AppID, users []Username) (map[Username]bool, error) {
	devices, err := s.sessions.Connected(ctx, app, users)
	online := map[Username]bool{}
	for i, d := range devices {
		online[users[i]] = len(d) > 0
	}
	return online, err
}

// roll is how far a server that starts has looked for visitors who did not come back.
type roll struct {
	after Visitor
	done  bool
}

// call begins the absences of the next visitors who are not connected: nobody noted who lost the connection while no server ran, or
// with a server. So the grace period begins anew for all of them.
func (s *Service) call(ctx context.Context, r *roll) error {
	if r.done {
		return nil
	}
	var visitors []Visitor
	err := s.store.View(ctx, func(tx Tx) (err error) { visitors, err = tx.Visitors(r.after, missBatch); return err })
	if err != nil {
		return err
	}
	for rest := visitors; len(rest) > 0; {
		app := rest[0].App
		var users []Username
		for len(rest) > 0 && rest[0].App == app {
			users = append(users, rest[0].User)
			rest = rest[1:]
		}
		online, err := s.online(ctx, app, users)
		if err != nil {
			return err
		}
		away := slices.DeleteFunc(users, func(u Username) bool { return online[u] })
		if len(away) == 0 {
			continue
		}
		name := func(u Username) string { return "absence of " + string(u) }
		err = TryAll(s.faults, "due facts", name, away, func(some []Username) error { return s.miss(ctx, app, some) })
		if err != nil && !errors.Is(err, errFault) { // of who is at fault the visits go on until the next start
			return err
		}
	}
	if r.done = len(visitors) < missBatch; !r.done {
		r.after = visitors[len(visitors)-1]
	}
	return nil
}

// endAbsences ends what is due of one app, and the visits of those whom this node claims. Who is connected after all stays.
func (s *Service) endAbsences(ctx context.Context, due []Absence) error {
	app := due[0].App
	due = slices.DeleteFunc(slices.Clone(due), func(a Absence) bool { return a.App != app })
	due = due[:min(len(due), absenceBatch)]
	online, err := s.online(ctx, app, usersAway(due))
	if err != nil {
		return err
	}
	return s.update(ctx, app, "", func(tx Tx, emit func(Event)) error {
		visits, err := tx.Visits(app, usersAway(due))
		if err != nil {
			return err
		}
		some := atOnce(due, visits)
		users := usersAway(some)
		var ids []RoomID
		for _, v := range visits {
			if slices.Contains(users, v.User) {
				ids = append(ids, v.Room)
			}
		}
		rooms, err := lockChatrooms(tx, app, ids)
		if err != nil {
			return err
		}
		if err := tx.LockUsers(app, users); err != nil {
			return err
		}
		var gone []Username
		for _, a := range some {
			claimed, err := tx.ClaimAbsence(a)
			if err != nil {
				return err
			}
			if claimed && !online[a.User] {
				gone = append(gone, a.User)
			}
		}
		return s.dropOut(tx, emit, app, rooms, gone)
	})
}

func usersAway(all []Absence) []Username {
	users := make([]Username, len(all))
	for i, a := range all {
		users[i] = a.User
	}
	return users
}

// atOnce are the absences that can end in one transaction: at least one, and not those of many users who visit many rooms.
func atOnce(due []Absence, visits []Visit) []Absence {
	of := map[Username]int{}
	for _, v := range visits {
		of[v.User]++
	}
	left := absenceVisits
	for i, a := range due {
		if left -= of[a.User]; left < 0 {
			return due[:max(i, 1)]
		}
	}
	return due
}

// dropOut ends the visits of users in locked rooms, but of those who are on the allow list. What they visit since the rooms were
// looked up they have come into without a connection, and an absence of its own follows.
func (s *Service) dropOut(tx Tx, emit func(Event), app AppID, rooms map[RoomID]Room, users []Username) error {
	visits, err := tx.Visits(app, users)
	if err != nil {
		return err
	}
	for len(visits) > 0 {
		id := visits[0].Room
		var inside []Username
		for len(visits) > 0 && visits[0].Room == id {
			inside = append(inside, visits[0].User)
			visits = visits[1:]
		}
		room, locked := rooms[id]
		if !locked {
			continue
		}
		allowed, err := tx.Entries(room, Allows, inside...)
		if err != nil {
			return err
		}
		inside = slices.DeleteFunc(inside, func(u Username) bool {
			return slices.ContainsFunc(allowed, func(e Entry) bool { return e.User == u })
		})
		if len(inside) == 0 {
			continue
		}
		if err := s.endVisits(tx, emit, room, "", inside); err != nil {
			return err
		}
	}
	return nil
}
