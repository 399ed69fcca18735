package im

import (
	"context"
	"time"
	"unicode/utf8"
)

// Ask is a wish for a membership in a Group that somebody has to answer.
type Ask int8

// The asks.
const (
	Application Ask = 1 // of the user; the owner and the admins answer
	Invitation  Ask = 2 // of a member; the user answers
)

// The events of asks. They go to the topics of the users who are told.
const (
	JoinApplied    EventKind = "join_applied"    // to the owner and each admin; Users: who applies; Text: the message
	JoinAccepted   EventKind = "join_accepted"   // to the one who applied; Text: the reason
	JoinDeclined   EventKind = "join_declined"   // as join_accepted
	Invited        EventKind = "invited"         // to the one invited; Text: the message
	InviteAccepted EventKind = "invite_accepted" // to the inviter; Users: who was invited; Text: the reason
	InviteDeclined EventKind = "invite_declined" // as invite_accepted
)

// Pending is an Ask that nobody has answered. It is forgotten after a while, see [Settings].
type Pending struct {
	Ask     Ask
	Room    RoomID
	User    Username // who would become a member
	Inviter Username // of an invitation
	Message string
	Made    time.Time
}

// oldestAsk is when an ask was made that is forgotten now.
func (s Settings) oldestAsk(now time.Time) time.Time { return now.AddDate(0, 0, -s.PendingDays) }

// maxAskText bounds what an ask and its answer say, in characters.
const maxAskText = 1024

func checkAskText(arg, text string) error {
	if utf8.RuneCountInString(text) > maxAskText || !utf8.ValidString(text) {
		return ErrInvalid.With(arg)
	}
	return nil
}

// Leave takes the caller out of a room. Errors: ErrUserOnly, ErrRoomNotFound, ErrRoomDisabled, ErrNotMember, ErrOnOwner.
func (s *Service) Leave(ctx context.Context, c Caller, kind RoomKind, id RoomID) error {
	return s.inRoom(ctx, c, kind, id, Stranger, func(w *work) error {
		if c.IsApp() {
			return ErrUserOnly
		}
		standings, err := w.standings([]Username{c.User})
		if err != nil {
			return err
		}
		if fault := w.removable(standings[0], true); fault != nil {
			return fault
		}
		return w.take(standings, MembersLeft)
	})
}

// Apply has the caller join a chatroom or an open group; for a group of members only it leaves an application and tells
// the owner and admins. Who was invited joins in any case; who is a member stays one. The membership is not ByREST
// (ADR 12). Errors: ErrUserOnly, ErrRoomNotFound, ErrRoomDisabled, ErrInvalid, ErrUserNotFound, ErrBlocked, ErrRoomPrivate,
// ErrRoomFull, ErrTooManyRooms, ErrTooManyAsks.
func (s *Service) Apply(ctx context.Context, c Caller, kind RoomKind, id RoomID, message string) (joined bool, err error) {
	if err := checkAskText("message", message); err != nil {
		return false, err
	}
	if kind == Chatroom { // which clients do that speak REST only
		_, err := s.Enter(ctx, c, id, Entering{})
		return err == nil, err
	}
	err = s.inRoom(ctx, c, kind, id, Stranger, func(w *work) error {
		if c.IsApp() {
			return ErrUserOnly
		}
		staff, err := w.asked(c.User)
		if err != nil {
			return err
		}
		st, err := w.standing(c.User)
		if joined = st.Member; err != nil || joined {
			return err
		}
		if st.Blocked {
			return ErrBlocked.For(c.User).In(id)
		}
		invited, err := w.waiting(Invitation, c.User)
		if err != nil {
			return err
		}
		joined = len(invited) > 0 || w.room.Public && !w.room.MembersOnly
		switch {
		case joined:
			return w.enter([]Standing{st}, ErrRoomFull, "")
		case !w.room.Public:
			return ErrRoomPrivate.In(id)
		case w.room.Members >= w.room.MaxUsers:
			return ErrRoomFull.In(id)
		}
		return w.ask(Pending{Ask: Application, Message: message}, []Username{c.User}, func(u Username) {
			w.tell(JoinApplied, message, u, staff...)
		})
	})
	return joined, err
}

// enter makes users members who are none and not blocked. full is the error of a room that has not enough places, text what they
// have to say.
func (w *work) enter(fresh []Standing, full *Error, text string) error {
	if w.room.Members+len(fresh) > w.room.MaxUsers {
		return full.In(w.room.ID)
	}
	if err := joinQuota(w.app, w.room, fresh); err != nil {
		return err
	}
	members := make([]Member, len(fresh))
	for i, st := range fresh {
		members[i] = Member{User: st.User, Role: Plain, Joined: w.now, ByREST: w.rank == appRank}
	}
	return w.join(members, text)
}

// staffOf are the owner and the admins.
func staffOf(tx Tx, room Room) ([]Username, error) {
	admins, err := tx.Admins(room)
	staff := []Username{room.Owner}
	for _, m := range admins {
		staff = append(staff, m.User)
	}
	return staff, err
}

// asked are those who answer the application of a user, who may yet need none; locked together with the user.
func (w *work) asked(u Username) ([]Username, error) {
	if w.room.Kind != Group || !w.room.Public || !w.room.MembersOnly {
		return nil, nil
	}
	staff, err := staffOf(w.tx, w.room)
	if err != nil {
		return nil, err
	}
	return staff, w.tx.LockUsers(w.room.App, append(staff, u))
}

// waiting returns what waits for an answer of this sort and is not too old, by user.
func (w *work) waiting(ask Ask, users ...Username) (map[Username]Pending, error) {
	if w.room.Kind != Group {
		return nil, nil
	}
	all, err := w.tx.Pending(w.room, users)
	waiting := map[Username]Pending{}
	for _, p := range all {
		if p.Ask == ask && p.Made.After(w.app.Settings.oldestAsk(w.now)) {
			waiting[p.User] = p
		}
	}
	return waiting, err
}

// ask notes the same ask about every user, and tells of those that are new. Asking again in other words replaces the
// first; in the same words it only lives on.
func (w *work) ask(p Pending, users []Username, tell func(Username)) error {
	was, err := w.waiting(p.Ask, users...)
	if err != nil {
		return err
	}
	inRoom, of, err := w.tx.CountPending(w.room, p.Ask, users)
	if err != nil {
		return err
	}
	all := make([]Pending, len(users))
	for i, u := range users {
		p.Room, p.User, p.Made = w.room.ID, u, w.now
		all[i] = p
		before, asked := was[u]
		if !asked {
			if inRoom >= w.app.Settings.GroupPending || of[u] >= w.app.Settings.UserPending {
				return ErrTooManyAsks.For(u).In(w.room.ID)
			}
			inRoom++
		}
		if !asked || before.Inviter != p.Inviter || before.Message != p.Message {
			tell(u)
		}
	}
	return w.tx.PutPending(w.room, all)
}

// AnswerApplication makes who has applied a member, or declines with a reason. It needs an admin. The user is told, and nobody
// else: clients show it as the answer to what one has asked for oneself. To accept who is a member changes nothing. Errors:
// ErrRoomNotFound, ErrRoomDisabled, ErrForbidden, ErrInvalid, ErrUserNotFound, ErrNotPending, ErrBlocked, ErrRoomFull.
func (s *Service) AnswerApplication(ctx context.Context, c Caller, id RoomID, name string, accept bool, reason string) error {
	if err := checkAskText("reason", reason); err != nil {
		return err
	}
	u := foldName(name)
	return s.inRoom(ctx, c, Group, id, Admin, func(w *work) error {
		all, err := w.registered([]Username{u})
		if err != nil || all[0].Member && accept {
			return err
		}
		if _, err := w.answer(Application, all[0], accept); err != nil {
			return err
		}
		kind := JoinDeclined
		if accept {
			kind = JoinAccepted
		}
		w.tell(kind, reason, u, u)
		return nil
	})
}

// answer removes an ask and, when it is accepted, makes the user a member.
func (w *work) answer(ask Ask, st Standing, accept bool) (Pending, error) {
	was, err := w.waiting(ask, st.User)
	if err != nil {
		return Pending{}, err
	}
	p, asked := was[st.User]
	switch {
	case !asked:
		return p, ErrNotPending.For(st.User).In(w.room.ID)
	case accept && st.Blocked: // since the ask was made
		return p, ErrBlocked.For(st.User).In(w.room.ID)
	case accept:
		return p, w.enter([]Standing{st}, ErrRoomFull, "")
	}
	return p, w.tx.DropPending(w.room, ask, []Username{st.User})
}

// Invite asks users into a group, name by name: an admin may, and where the group allows it any member. A member's right to
// invite is enough, also where who applies needs an admin's consent (wire/easemob.md §6.5). Who has applied, or is invited
// by an app token, or into a group that does not ask, is a member at once. Errors: ErrRoomNotFound, ErrRoomDisabled,
// ErrBatchTooLarge, ErrInvalid, ErrTooManyMembers, ErrRoomFull, ErrTooManyAsks; when nobody was invited ErrForbidden,
// ErrUserNotFound, ErrAlreadyMember, ErrBlocked.
func (s *Service) Invite(ctx context.Context, c Caller, id RoomID, names []string, message string) ([]Outcome, error) {
	if err := checkAskText("message", message); err != nil {
		return nil, err
	}
	judge := func(w *work, st Standing) *Error {
		switch {
		case w.rank < Admin && !w.room.AllowInvites:
			return ErrForbidden.For(st.User).In(id)
		case !st.Exists:
			return w.missing(st.User)
		case st.Member:
			return ErrAlreadyMember.For(st.User).In(id)
		case st.Blocked:
			return ErrBlocked.For(st.User).In(id)
		}
		return nil
	}
	return outcomes(s.nameByName(ctx, c, Group, id, Plain, names, c.App.Settings.BatchAdd, judge, func(w *work, fit []Standing) error {
		applied, err := w.waiting(Application, usersOf(fit)...)
		if err != nil {
			return err
		}
		var ready []Standing
		var asked []Username
		for _, st := range fit {
			if _, wants := applied[st.User]; wants || c.IsApp() || !w.room.InviteNeedConfirm {
				ready = append(ready, st)
			} else {
				asked = append(asked, st.User)
			}
		}
		if len(ready) > 0 {
			if err := w.enter(ready, ErrTooManyMembers, ""); err != nil {
				return err
			}
			w.noticeOthers(MembersJoined, usersOf(ready))
		}
		if len(asked) == 0 {
			return nil
		}
		if w.room.Members >= w.room.MaxUsers {
			return ErrRoomFull.In(id)
		}
		return w.ask(Pending{Ask: Invitation, Inviter: c.User, Message: message}, asked, func(u Username) {
			w.tell(Invited, message, u, u)
		})
	}))
}

// AnswerInvitation has a user who was invited join, or decline with a reason; the inviter is told. To accept as a member
// changes nothing. A user token answers for its own user. Errors: ErrNotSelf, ErrRoomNotFound, ErrRoomDisabled, ErrInvalid,
// ErrUserNotFound, ErrNotPending, ErrBlocked, ErrRoomFull.
func (s *Service) AnswerInvitation(ctx context.Context, c Caller, id RoomID, name string, accept bool, reason string) error {
	u := foldName(name)
	if err := firstError(c.mustBe(u), checkAskText("reason", reason)); err != nil {
		return err
	}
	return s.inRoom(ctx, c, Group, id, Stranger, func(w *work) error {
		invited, err := w.waiting(Invitation, u)
		if err != nil {
			return err
		}
		if err := w.tx.LockUsers(w.room.App, []Username{u, invited[u].Inviter}); err != nil { // all who are told, at once
			return err
		}
		st, err := w.standing(u)
		if err != nil || st.Member && accept {
			return err
		}
		p, err := w.answer(Invitation, st, accept)
		if err != nil {
			return err
		}
		kind := InviteDeclined
		if accept {
			kind = InviteAccepted
			w.noticeOthers(MembersJoined, []Username{u})
		}
		w.tell(kind, reason, u, p.Inviter)
		return nil
	})
}

// maxAwaiting bounds how many asks of either sort a user is shown.
const maxAwaiting = 1000

// Awaiting returns what a user has to answer, of either sort the newest thousand: invitations, and applications to the
// groups whose owner or admin the user is. Oldest first. Errors: ErrNotSelf, ErrUserNotFound.
func (s *Service) Awaiting(ctx context.Context, c Caller, name string) (waiting []Pending, err error) {
	oldest := c.App.Settings.oldestAsk(s.clock.Now())
	err = s.store.View(ctx, func(tx Tx) error {
		u, err := lookUp(tx, c, name)
		if err != nil {
			return err
		}
		waiting, err = tx.Awaiting(c.App.ID, u.Name, oldest, maxAwaiting)
		return err
	})
	return waiting, err
}
