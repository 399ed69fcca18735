package im

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A notice tells a user what others did who may be away: that somebody asked for an answer, or that a membership, a role or a
// contact is no longer what it was. It is a message in a conversation of the user's own, written in the transaction of the fact,
// and stands in the inbox like any other (ADR 28).

// NoticesOf is the address of what a user is told.
func NoticesOf(u Username) Address { return Address{User: u, Notices: true} }

// lasting reports whether what a user is told of this kind waits for those who are away. All else is only for who is connected.
func (k EventKind) lasting() bool {
	switch k {
	case ContactAdded, ContactRemoved, ContactAsked, ContactAccepted, ContactDeclined,
		JoinApplied, JoinAccepted, JoinDeclined, Invited, InviteAccepted, InviteDeclined,
		MembersJoined, MembersRemoved, MembersUnblocked, RoomDestroyed, OwnerChanged, AdminAdded, AdminRemoved:
		return true
	}
	return false
}

// The fields of a notice's body.
const (
	noticeKind     = "kind"
	noticeBy       = "by"
	noticeRoom     = "room"
	noticeRoomKind = "room_kind"
	noticeName     = "name"
	noticeUsers    = "users" // names with blanks between them
	noticeText     = "text"
	noticeUntil    = "until" // Unix milliseconds
	noticeMembers  = "members"
)

// noticeBody is a body that tells of an event; what is empty is left out.
func noticeBody(e Event) Body {
	users := make([]string, len(e.Users))
	for i, u := range e.Users {
		users[i] = string(u)
	}
	until := int64(0)
	if !e.Until.IsZero() {
		until = e.Until.UnixMilli()
	}
	fields := Fields{{noticeKind, Text(string(e.Kind))}}
	for _, f := range (Fields{
		{noticeBy, Text(string(e.By))}, {noticeRoom, Text(string(e.Room))}, {noticeRoomKind, numberOf(int64(e.RoomKind))}, {noticeName, Text(e.Name)},
		{noticeUsers, Text(strings.Join(users, " "))}, {noticeText, Text(e.Text)}, {noticeUntil, numberOf(until)}, {noticeMembers, numberOf(int64(e.Members))},
	}) {
		if f.Text != "" {
			fields = append(fields, f)
		}
	}
	return Body{NoticeBody, fields}
}

// numberOf is a number, or an empty text for 0.
func numberOf(n int64) Value {
	if n == 0 {
		return Value{}
	}
	return Value{NumberValue, strconv.FormatInt(n, 10)}
}

// Notice is the event that a notice tells of: its kind, App, At, By, Room, RoomKind, Name, Users, Text, Until and Members, with
// the topic of the user. false: the message is no notice.
func (m Message) Notice() (e Event, ok bool) {
	if m.Body.Type != NoticeBody {
		return Event{}, false
	}
	e = Event{Topic: UserTopic(m.App, m.To.User), App: m.App, At: m.At}
	for _, f := range m.Body.Fields {
		number, _ := strconv.ParseInt(f.Text, 10, 64)
		switch f.Name {
		case noticeKind:
			e.Kind = EventKind(f.Text)
		case noticeBy:
			e.By = Username(f.Text)
		case noticeRoom:
			e.Room = RoomID(f.Text)
		case noticeRoomKind:
			e.RoomKind = RoomKind(number)
		case noticeName:
			e.Name = f.Text
		case noticeUsers:
			for _, u := range strings.Fields(f.Text) {
				e.Users = append(e.Users, Username(u))
			}
		case noticeText:
			e.Text = f.Text
		case noticeUntil:
			e.Until = time.UnixMilli(number)
		case noticeMembers:
			e.Members = int(number)
		}
	}
	return e, true
}

// notice tells each of some users what became of their own part in a group; who is in a chatroom is connected, and hears it
// from the room's event.
func (w *work) notice(kind EventKind, users []Username) {
	if w.room.Kind != Group {
		return
	}
	for _, u := range users {
		w.tell(kind, "", u, u)
	}
}

// noticeOthers is notice for those of the users who have not done it themselves.
func (w *work) noticeOthers(kind EventKind, users []Username) {
	w.notice(kind, slices.DeleteFunc(slices.Clone(users), func(u Username) bool { return u == w.by }))
}

// noticeOwner tells the new owner of a group and the old one.
func (w *work) noticeOwner(to, from Username) {
	if w.room.Kind == Group {
		w.tellOf(roomEvent(w.room, OwnerChanged, to, from), to, from)
	}
}

// noticeEnd tells all members of a group that it is no more.
func (w *work) noticeEnd() error {
	if w.room.Kind != Group {
		return nil
	}
	members, err := w.tx.MembersFrom(w.room, 0, false, w.room.Members)
	for _, m := range members {
		w.tellOf(roomEvent(w.room, RoomDestroyed), m.User)
	}
	return err
}

// keepNotices writes those of a transaction's events that wait for users, at its end, and returns the events with the messages
// of the notices in their places. What is for users who are gone falls out. Whoever has locked users before in the same
// transaction has locked these with them.
func (s *Service) keepNotices(tx Tx, events []Event) ([]Event, error) {
	var at []int
	var to []Username
	var notices []Message
	for i, e := range events {
		if e.told == "" || !e.Kind.lasting() {
			continue
		}
		at, to = append(at, i), append(to, e.told)
	}
	if len(at) == 0 {
		return events, nil
	}
	app := events[at[0]].App
	if err := tx.LockUsers(app, to); err != nil { // who tells a user something holds the user; so nobody waits for the conversation
		return nil, err
	}
	for _, i := range at { // ids taken now are above those of the users' notices until now
		e := events[i]
		notices = append(notices, Message{App: app, ID: s.ids.MessageID(e.At), At: e.At, To: NoticesOf(e.told), Body: noticeBody(e)})
	}
	kept, err := tx.Tell(app, notices)
	if err != nil {
		return nil, err
	}
	said := make(map[int]*Message, len(kept))
	for i := range kept {
		said[at[i]] = &kept[i]
	}
	var all []Event
	for i, e := range events {
		m, isNotice := said[i]
		switch {
		case !isNotice:
			all = append(all, e)
		case m.ID != 0:
			all = append(all, Event{Topic: e.Topic, Kind: MessageSent, App: e.App, At: e.At, By: e.By, Message: m})
		}
	}
	return all, nil
}
