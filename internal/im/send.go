package im

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// NewMessage is something to be said.
type NewMessage struct {
	From        string    // who says it, for app tokens: empty is admin, and nobody checks; user tokens name nobody else than their user
	Device      string    // the device that says it
	Client      string    // the device's own id of the message; the same message again has the same one
	To          []Address // each gets a message of its own; all of one kind
	Body        Body
	Ext         Fields
	Only        []string  // of a room's members, those who receive it; empty: all
	ToDevice    string    // of the user to whom it goes, the one that receives it; empty: all
	Level       Level     // of a chatroom's message
	Online      bool      // only for those who are connected now
	Echo        bool      // the sender's own devices receive it too
	AskReceipts bool      // of a message to a group: the sender wants to know who has read it
	At          time.Time // when it was sent; zero: now
	Wire        string    // the wire that Raw is of
	Raw         []byte
}

// Most of what one call takes (wire/easemob.md §8.1).
const (
	mostUsers     = 600
	mostGroups    = 3
	mostChatrooms = 10
	mostOnly      = 20
)

// Sent tells what became of a message to one address.
type Sent struct {
	To Address
	ID MessageID
}

// Send says something. What it returns is stored; it stands in the order of n.To, and an address named twice gets one message. An
// app token may speak as anybody, and no rule of who may speak applies but that of disabled groups: to whom or where nobody is,
// nothing is stored, and that is no error (wire/easemob.md §8.1). A user token speaks as its user, to addresses that exist, when
// maySpeak lets it. All or nothing. Errors: ErrFieldMissing, ErrInvalid, ErrTooManyReceivers, ErrTooManyDirected,
// ErrMessageLarge, ErrNotSelf, those of a bad sender, ErrUserNotFound, ErrRoomNotFound, ErrRoomDisabled and those of
// [Service.maySpeak].
func (s *Service) Send(ctx context.Context, c Caller, n NewMessage) ([]Sent, error) {
	m, err := s.newMessage(c, n)
	if err != nil {
		return nil, err
	}
	to, err := receivers(n.To)
	if err != nil {
		return nil, err
	}
	ids := map[Address]MessageID{}
	for _, a := range to {
		ids[a] = 0
	}
	each := slices.SortedFunc(maps.Keys(ids), inOrder)
	err = s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		if err := lockParties(tx, m, each); err != nil {
			return err
		}
		for _, a := range each {
			m.To = a
			if ids[a], err = s.send(tx, emit, c, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sent := make([]Sent, len(to))
	for i, a := range to {
		sent[i] = Sent{a, ids[a]}
	}
	return sent, nil
}

// receivers folds whom a message goes to and checks their number.
func receivers(to []Address) ([]Address, error) {
	if len(to) == 0 {
		return nil, ErrFieldMissing.With("to")
	}
	most := mostUsers
	switch to[0].Kind {
	case Group:
		most = mostGroups
	case Chatroom:
		most = mostChatrooms
	}
	if len(to) > most {
		return nil, tooMany(ErrTooManyReceivers, len(to), most)
	}
	folded := make([]Address, len(to))
	for i, a := range to {
		if a.Notices {
			return nil, ErrInvalid.With("to")
		}
		a.User = foldName(string(a.User))
		folded[i] = a
	}
	return folded, nil
}

// inOrder compares addresses: who sends to several at once locks them in the same order as others do.
func inOrder(a, b Address) int {
	return cmp.Or(cmp.Compare(a.Room, b.Room), cmp.Compare(a.User, b.User))
}

// lockParties locks the sender and the receivers of one message to several users. One after the other, as sayToUser locks those
// who do not take part yet, they would be locked after conversations, and in no order.
func lockParties(tx Tx, m Message, to []Address) error {
	if len(to) < 2 || to[0].Room != "" {
		return nil
	}
	names := []Username{m.From}
	for _, a := range to {
		if _, err := ParseUsername(string(a.User)); err == nil { // others are nobody's
			names = append(names, a.User)
		}
	}
	return tx.LockUsers(m.App, names)
}

// newMessage checks what does not depend on whom the message goes to.
func (s *Service) newMessage(c Caller, n NewMessage) (Message, error) {
	from, err := speaker(c, n.From)
	if err != nil {
		return Message{}, err
	}
	now := s.clock.Now()
	m := Message{App: c.App.ID, At: n.At, From: from, Device: n.Device, Client: n.Client, Body: n.Body, Ext: n.Ext, Only: dedupe(fold(n.Only)), ToDevice: n.ToDevice,
		Level: n.Level, Online: n.Online, Echo: n.Echo, AskReceipts: n.AskReceipts, Wire: n.Wire, Raw: n.Raw}
	if m.At.IsZero() {
		m.At = now
	}
	switch {
	case len(m.Only) > mostOnly:
		return Message{}, tooMany(ErrTooManyDirected, len(m.Only), mostOnly)
	case n.Body.Type == 0 || n.Body.Type >= RecallBody:
		return Message{}, ErrFieldMissing.With("type")
	case n.Body.Fields.size()+n.Ext.size() > c.App.Settings.MaxMessage, len(n.Raw) > c.App.Settings.mostRaw():
		return Message{}, ErrMessageLarge.With(itoa(c.App.Settings.MaxMessage))
	}
	if err := fits(c, n.Device, n.Client, ""); err != nil {
		return Message{}, err
	}
	if !namesDevice(n.ToDevice) {
		return Message{}, ErrInvalid.With("to")
	}
	for _, name := range m.Only {
		if _, err := ParseUsername(string(name)); err != nil {
			return Message{}, err
		}
	}
	return m, nil
}

// mostRaw is how many bytes a message may have on the sender's wire: small fields have more around them than in them, and wires
// carry what we do not read.
func (s Settings) mostRaw() int { return 8*s.MaxMessage + 4096 }

// speaker is who a message comes from.
func speaker(c Caller, from string) (Username, error) {
	switch {
	case !c.Known():
		return "", ErrUnauthenticated
	case !c.IsApp() && from != "" && foldName(from) != c.User:
		return "", ErrNotSelf.For(foldName(from))
	case !c.IsApp():
		return c.User, nil
	case from == "":
		return systemUser, nil
	}
	return ParseUsername(from)
}

// send stores one message to one address. Its id is given also when nobody is there to receive it.
func (s *Service) send(tx Tx, emit func(Event), c Caller, m Message) (MessageID, error) {
	m.Client = again(m.Client, m.To, 0, m.Body, m.Ext)
	same, found, err := saidBefore(tx, m.App, m.From, m.Device, m.Client)
	if err != nil || found {
		return same, err
	}
	m.ID = s.ids.MessageID(s.clock.Now())
	if m.To.Room != "" {
		err = s.sayInRoom(tx, c, &m)
	} else {
		err = s.sayToUser(tx, c, &m)
	}
	switch {
	case errors.Is(err, errNobody):
		return m.ID, nil
	case err != nil:
		return 0, err
	}
	if _, err := tx.AddMessage(m); err != nil {
		return 0, err
	}
	for _, topic := range m.topics() {
		emit(Event{Topic: topic, Kind: MessageSent, Room: m.To.Room, RoomKind: m.To.Kind, Message: &m})
	}
	return m.ID, nil
}

// topics are where those listen who receive the message now.
func (m Message) topics() []Topic {
	switch {
	case m.To.Room != "":
		return []Topic{RoomTopic(m.App, m.To.Room)}
	case m.Echo && m.From != m.To.User:
		return []Topic{UserTopic(m.App, m.To.User), UserTopic(m.App, m.From)}
	}
	return []Topic{UserTopic(m.App, m.To.User)}
}

// errNobody says that a message has no receiver.
var errNobody = errors.New("nobody receives the message")

// sayInRoom gives a message to a room its number.
func (s *Service) sayInRoom(tx Tx, c Caller, m *Message) error {
	m.ToDevice = "" // which is of a user
	if !c.IsApp() {
		if err := s.maySpeakIn(tx, c, m.To); err != nil {
			return err
		}
		return m.place(tx)
	}
	switch room, err := tx.Room(m.App, m.To.Kind, m.To.Room); {
	case errors.Is(err, ErrRoomNotFound):
		return errNobody
	case err != nil:
		return err
	case room.Disabled: // the one rule that binds app tokens too (ADR 19)
		return ErrRoomDisabled.In(room.ID)
	}
	return m.place(tx)
}

// place gives a message its number in the conversation. One that stands in no inbox keeps the one it has: it is in nobody's order.
func (m *Message) place(tx Tx) (err error) {
	if !m.Online {
		m.ID, m.Prev, err = tx.Advance(m.App, m.Conversation(), m.ID)
	}
	return err
}

// sayToUser gives a message to a user its number.
func (s *Service) sayToUser(tx Tx, c Caller, m *Message) error {
	if _, err := ParseUsername(string(m.To.User)); err != nil { // nobody is called so
		if c.IsApp() {
			return errNobody
		}
		return ErrUserNotFound.For(m.To.User)
	}
	m.Only, m.AskReceipts = nil, false     // which are of rooms
	m.Echo = m.Echo || m.From == m.To.User // who writes to oneself receives it
	pair, err := m.pair(tx)
	switch {
	case err != nil:
		return err
	case !pair.To.Exists && c.IsApp():
		return errNobody
	case !pair.To.Exists:
		return ErrUserNotFound.For(m.To.User)
	case !c.IsApp():
		if err := s.maySpeakTo(tx, c, m.To.User); err != nil {
			return err
		}
	}
	return m.placeBetween(tx, pair)
}

// pair looks at the two of a message between two users. Those who do not take part yet are locked, before the conversation, as
// everyone locks them; one may have been deleted until then.
func (m *Message) pair(tx Tx) (Pair, error) {
	conv := m.Conversation()
	pair, err := tx.Pair(m.App, conv, m.From, m.To.User)
	fresh := pair.fresh(m.From, m.To.User)
	if err != nil || len(fresh) == 0 || m.Online {
		return pair, err
	}
	if err := tx.LockUsers(m.App, fresh); err != nil {
		return pair, err
	}
	return tx.Pair(m.App, conv, m.From, m.To.User)
}

// placeBetween is place between two users. From the first message on that is not Online each of the two who exists takes part in the
// conversation.
func (m *Message) placeBetween(tx Tx, pair Pair) error {
	if err := m.place(tx); err != nil || m.Online {
		return err
	}
	return tx.TakePart(m.App, m.Conversation(), pair.fresh(m.From, m.To.User), m.ID-1)
}

// placeAbout gives a number to what tells of another message. Of one that was for those online only it may be the first that the two
// find in their inboxes.
func (m *Message) placeAbout(tx Tx, of Message) error {
	if !of.Online || of.To.User == "" {
		return m.place(tx)
	}
	pair, err := m.pair(tx)
	if err != nil {
		return err
	}
	return m.placeBetween(tx, pair)
}

// Pair is what sending needs to know of two users: who exists, and who takes part in their conversation.
type Pair struct{ From, To Party }

// Party is one of the two.
type Party struct{ Exists, TakesPart bool }

// fresh are those who exist and do not take part yet.
func (p Pair) fresh(from, to Username) (names []Username) {
	if p.To.Exists && !p.To.TakesPart {
		names = append(names, to)
	}
	if p.From.Exists && !p.From.TakesPart && from != to {
		names = append(names, from)
	}
	return names
}
