package im

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// Page asks for one page of a list; numbers begin at 1.
type Page struct{ Number, Size int }

// offset is how many items come before the page; absurd pages lie beyond any list.
func (p Page) offset() int {
	const beyond = 1 << 40
	switch {
	case p.Number <= 1 || p.Size <= 0:
		return 0
	case p.Number-1 >= beyond/p.Size:
		return beyond
	}
	return (p.Number - 1) * p.Size
}

func itoa(n int) string { return strconv.Itoa(n) }

// batchError says how many names came and how many one call takes.
func batchError(given, limit int) error { return tooMany(ErrBatchTooLarge, given, limit) }

// tooMany says how many came and how many one call takes.
func tooMany(err *Error, given, limit int) *Error {
	e := err.With(itoa(limit))
	e.Count = given
	return e
}

// appRank outranks every role: the management API may do everything in a room.
const appRank = Owner + 1

// work is one change of one locked room by one caller.
type work struct {
	tx      Tx
	app     *App
	room    Room
	by      Username // the caller; empty: an app token
	device  string   // the caller's
	rank    Role     // the caller's
	now     time.Time
	publish func(Event) // of what changes the room
	aside   func(Event) // of what concerns single users
	gone    bool        // the room is destroyed
}

// run does the work and counts it as one change of the room, if it announces any.
func (w *work) run(fn func(*work) error) error {
	publish, changed := w.publish, false
	w.aside = publish
	w.publish = func(e Event) {
		changed = true
		publish(e)
	}
	if err := fn(w); err != nil || !changed || w.gone {
		return err
	}
	return w.tx.CountChange(w.room)
}

// inRoom locks a room, checks that the caller's role in it is at least need, runs fn, commits and publishes.
// need Stranger lets anyone of the app in. Errors: ErrRoomNotFound, ErrForbidden, ErrRoomDisabled, those of fn.
func (s *Service) inRoom(ctx context.Context, c Caller, kind RoomKind, id RoomID, need Role, fn func(*work) error) error {
	return s.inAnyRoom(ctx, c, kind, id, need, func(w *work) error {
		if w.room.Disabled {
			return ErrRoomDisabled.In(id)
		}
		return fn(w)
	})
}

// inAnyRoom is inRoom for what is done to a disabled room, too.
func (s *Service) inAnyRoom(ctx context.Context, c Caller, kind RoomKind, id RoomID, need Role, fn func(*work) error) error {
	if !c.Known() {
		return ErrUnauthenticated
	}
	return s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		room, err := tx.LockRoom(c.App.ID, kind, id)
		if err != nil {
			return err
		}
		rank, err := rankOf(tx, c, room)
		if err != nil {
			return err
		}
		if rank < need {
			return ErrForbidden.In(id)
		}
		w := &work{tx: tx, app: c.App, room: room, by: c.User, device: c.Device, rank: rank, now: s.clock.Now(), publish: emit}
		return w.run(fn)
	})
}

// seeRoom is inRoom for reading.
func (s *Service) seeRoom(ctx context.Context, c Caller, kind RoomKind, id RoomID, need Role, fn func(tx Tx, room Room) error) error {
	if !c.Known() {
		return ErrUnauthenticated
	}
	return s.store.View(ctx, func(tx Tx) error {
		room, err := tx.Room(c.App.ID, kind, id)
		if err != nil {
			return err
		}
		if need > Stranger {
			rank, err := rankOf(tx, c, room)
			if err != nil {
				return err
			}
			if rank < need {
				return ErrForbidden.In(id)
			}
		}
		return fn(tx, room)
	})
}

// seeInside is seeRoom for what is only told to those inside: of a group that is not public, to its members.
func (s *Service) seeInside(ctx context.Context, c Caller, kind RoomKind, id RoomID, fn func(tx Tx, room Room) error) error {
	return s.seeRoom(ctx, c, kind, id, Stranger, func(tx Tx, room Room) error {
		if room.Kind == Group && !room.Public {
			rank, err := rankOf(tx, c, room)
			if err != nil {
				return err
			}
			if rank < Plain {
				return ErrForbidden.In(id)
			}
		}
		return fn(tx, room)
	})
}

// rankOf is the caller's role in the room; an app token outranks the owner.
func rankOf(tx Tx, c Caller, room Room) (Role, error) {
	if c.IsApp() {
		return appRank, nil
	}
	standings, err := tx.Standings(room, []Username{c.User})
	if err != nil {
		return Stranger, err
	}
	return standings[0].Role, nil
}

// roomEvent tells of a change of a locked room, which the caller counts.
func roomEvent(r Room, kind EventKind, users ...Username) Event {
	return Event{Topic: RoomTopic(r.App, r.ID), Kind: kind, Room: r.ID, RoomKind: r.Kind, Version: r.Version + 1, Users: users, Members: r.Members}
}

// emit announces something about the room after the commit.
func (w *work) emit(kind EventKind, users ...Username) { w.publish(roomEvent(w.room, kind, users...)) }

// emitWithin is emit of what is not for everybody in the room.
func (w *work) emitWithin(kind EventKind, users ...Username) error {
	return w.publishWithin(roomEvent(w.room, kind, users...))
}

// publishWithin is publish of what is not for everybody in the room: the owner, the admins and those whom it concerns are told.
func (w *work) publishWithin(e Event) error {
	if !e.within() {
		w.publish(e)
		return nil
	}
	staff, err := staffOf(w.tx, w.room)
	if err != nil {
		return err
	}
	each := [][]Username{e.Users}
	if slices.ContainsFunc(e.Users, func(u Username) bool { return slices.Contains(staff, u) }) { // users hear of themselves only, staff of all
		each = slices.Collect(slices.Chunk(e.Users, 1))
	}
	for _, users := range each {
		e.Users, e.Only = users, dedupe(slices.Concat(users, staff))
		w.publish(e)
	}
	return nil
}

// within reports whether the event is only for those whom it concerns and the staff of its room. In groups all hear who is muted.
func (e Event) within() bool {
	switch e.Kind {
	case AdminAdded, AdminRemoved, MembersAllowed, MembersDisallowed, MembersBlocked, MembersUnblocked:
		return true
	case MembersMuted, MembersUnmuted, MuteEnded:
		return e.RoomKind == Chatroom
	}
	return false
}

// audience are the users and the staff of the room, each once.
func audience(tx Tx, room Room, users []Username) ([]Username, error) {
	staff, err := staffOf(tx, room)
	return dedupe(slices.Concat(users, staff)), err
}

// emitUpdate tells what has changed in the room, under the names that clients know (wire/msync.md §7.2).
func (w *work) emitUpdate(was Room) {
	e := roomEvent(w.room, RoomUpdated)
	texts := func(name, was, is string) {
		if is != was {
			e.Fields = append(e.Fields, Field{name, Text(is)})
		}
	}
	flags := func(name string, was, is bool) {
		if is != was {
			e.Fields = append(e.Fields, Field{name, Value{BoolValue, strconv.FormatBool(is)}})
		}
	}
	r := w.room
	texts("name", was.Name, r.Name)
	texts("description", was.Description, r.Description)
	texts("custom", was.Custom, r.Custom)
	texts("avatar", was.Avatar, r.Avatar)
	if r.MaxUsers != was.MaxUsers {
		e.Fields = append(e.Fields, Field{"max_users", Value{NumberValue, itoa(r.MaxUsers)}})
	}
	flags("public", was.Public, r.Public)
	flags("members_only", was.MembersOnly, r.MembersOnly)
	flags("allow_user_invites", was.AllowInvites, r.AllowInvites)
	flags("invite_need_confirm", was.InviteNeedConfirm, r.InviteNeedConfirm)
	e.Fields = append(e.Fields, Field{"last_modified", Value{NumberValue, strconv.FormatInt(w.now.UnixMilli(), 10)}})
	w.publish(e)
}

// tell announces to single users what concerns one in the room; it is no change of the room.
func (w *work) tell(kind EventKind, text string, concerned Username, to ...Username) {
	e := roomEvent(w.room, kind, concerned)
	e.Text = text
	w.tellOf(e, to...)
}

// tellOf announces an event of the room to single users alone. Who is told what lasts is locked at the end of the transaction:
// who locks other users before locks these with them.
func (w *work) tellOf(e Event, to ...Username) {
	e.Version, e.Members, e.Name = 0, 0, w.room.Name
	for _, u := range to {
		if u == "" { // an app token is not listening
			continue
		}
		e.Topic, e.told = UserTopic(w.room.App, u), u
		w.aside(e)
	}
}

// standing returns one user's standing. Errors: ErrUserNotFound.
func (w *work) standing(u Username) (Standing, error) {
	standings, err := w.registered([]Username{u})
	if err != nil {
		return Standing{}, err
	}
	return standings[0], nil
}

// standings reads the named users' standing; LockRoom keeps it true until the commit.
func (w *work) standings(names []Username) ([]Standing, error) {
	if err := w.tx.LockUsers(w.app.ID, names); err != nil {
		return nil, err
	}
	return w.tx.Standings(w.room, names)
}

// registered is standings of users who all exist. Errors: ErrUserNotFound.
func (w *work) registered(names []Username) ([]Standing, error) {
	standings, err := w.standings(names)
	if err != nil {
		return nil, err
	}
	for _, st := range standings {
		if !st.Exists {
			return nil, w.missing(st.User)
		}
	}
	return standings, nil
}

func (w *work) missing(u Username) *Error  { return ErrUserNotFound.For(u).In(w.room.ID) }
func (w *work) stranger(u Username) *Error { return ErrNotMember.For(u).In(w.room.ID) }

// members refuses users who are not in the room.
func (w *work) members(standings []Standing) error {
	for _, st := range standings {
		if !st.Member {
			return w.stranger(st.User)
		}
	}
	return nil
}

// outranks refuses what is done to an equal or higher rank: to the owner by anyone, to an admin by another.
func (w *work) outranks(st Standing) error {
	switch {
	case st.Role == Owner:
		return ErrOnOwner.For(st.User).In(w.room.ID)
	case st.Role >= w.rank:
		return ErrForbidden.For(st.User).In(w.room.ID)
	}
	return nil
}

func (w *work) outranksAll(standings []Standing) error {
	for _, st := range standings {
		if err := w.outranks(st); err != nil {
			return err
		}
	}
	return nil
}

func usersOf(standings []Standing) []Username {
	users := make([]Username, len(standings))
	for i, st := range standings {
		users[i] = st.User
	}
	return users
}

func fold(names []string) []Username {
	folded := make([]Username, len(names))
	for i, n := range names {
		folded[i] = foldName(n)
	}
	return folded
}

func dedupe(names []Username) []Username {
	seen := make(map[Username]bool, len(names))
	return slices.DeleteFunc(names, func(n Username) bool {
		twice := seen[n]
		seen[n] = true
		return twice
	})
}

// batch folds names, each once, and checks their number.
func batch(names []string, limit int) ([]Username, error) {
	if len(names) == 0 {
		return nil, ErrFieldMissing.With("usernames")
	}
	if len(names) > limit {
		return nil, batchError(len(names), limit)
	}
	return dedupe(fold(names)), nil
}

// Outcome is what became of one name of a call that answers name by name.
type Outcome struct {
	User Username
	Err  *Error // nil: done
}

// nameByName locks a room, lets judge say for each named user whether anything stands against it, and does it to those
// who are fit, if there are any. It reports name by name.
func (s *Service) nameByName(ctx context.Context, c Caller, kind RoomKind, id RoomID, need Role, names []string, limit int,
	judge func(*work, Standing) *Error, do func(w *work, fit []Standing) error) (results []Outcome, err error) {
	users, err := batch(names, limit)
	if err != nil {
		return nil, err
	}
	err = s.inRoom(ctx, c, kind, id, need, func(w *work) error {
		all, err := w.standings(users)
		if err != nil {
			return err
		}
		var fit []Standing
		results = make([]Outcome, len(all))
		for i, st := range all {
			results[i] = Outcome{st.User, judge(w, st)}
			if results[i].Err == nil {
				fit = append(fit, st)
			}
		}
		if len(fit) == 0 {
			return nil
		}
		return do(w, fit)
	})
	return results, err
}

// outcomes makes the first failure the error of a call that did nothing.
func outcomes(all []Outcome, err error) ([]Outcome, error) {
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o.Err == nil {
			return all, nil
		}
	}
	return nil, all[0].Err
}
