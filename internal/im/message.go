package im

import (
	"strconv"
	"strings"
	"time"
)

// MessageID numbers a Message. Ids have 18 or 19 digits, tell the time to the millisecond, are unique in an App and grow
// within a conversation: they are its order, and how far a Device has read (ADR 15).
type MessageID int64

// The bits of an id above the place within a millisecond count milliseconds from 2015.
const (
	idTimeShift = 22
	idEpoch     = 1420070400000
)

// MessageIDAt is the smallest id of a moment's millisecond. Before 2015 and after 2084 there are none.
func MessageIDAt(t time.Time) MessageID {
	const last = 1<<(63-idTimeShift) - 1
	return MessageID(min(max(t.UnixMilli()-idEpoch, 0), last) << idTimeShift)
}

// Time is the moment an id was made at, to the millisecond.
func (id MessageID) Time() time.Time { return time.UnixMilli(int64(id)>>idTimeShift + idEpoch) }

// String writes the id as the wires do, in decimal digits.
func (id MessageID) String() string { return strconv.FormatInt(int64(id), 10) }

// ParseMessageID reads what String writes. Errors: ErrMessageNotFound: nothing else has such an id.
func ParseMessageID(s string) (MessageID, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n == 0 {
		return 0, ErrMessageNotFound.With(s)
	}
	return MessageID(n), nil
}

// Address is where a message goes: to a user, or to the room of a kind.
type Address struct {
	User    Username
	Notices bool // what the user is told, see [Message.Notice]
	Kind    RoomKind
	Room    RoomID
}

// ToUser is the address of a user.
func ToUser(u Username) Address { return Address{User: u} }

// ToRoom is the address of a room.
func ToRoom(kind RoomKind, id RoomID) Address { return Address{Kind: kind, Room: id} }

// String names the user or room.
func (a Address) String() string { return string(a.User) + string(a.Room) }

// ConversationID names the messages between two users, or in a room, in the store.
type ConversationID string

// Conversation is where messages from u to an address stand. Both directions between two users are one; notices come from nobody.
func Conversation(u Username, to Address) ConversationID {
	switch {
	case to.Kind == Group:
		return ConversationID("g" + to.Room)
	case to.Kind == Chatroom:
		return ConversationID("c" + to.Room)
	case to.Notices:
		return ConversationID("n" + to.User)
	case u < to.User:
		return ConversationID("u" + u + ":" + to.User)
	}
	return ConversationID("u" + to.User + ":" + u)
}

// With is whom the conversation is with, as u sees it.
func (c ConversationID) With(u Username) Address {
	if c == "" {
		return Address{}
	}
	switch name := string(c[1:]); c[0] {
	case 'g':
		return ToRoom(Group, RoomID(name))
	case 'c':
		return ToRoom(Chatroom, RoomID(name))
	case 'n':
		return NoticesOf(Username(name))
	default:
		first, second, _ := strings.Cut(name, ":")
		if Username(first) == u {
			return ToUser(Username(second))
		}
		return ToUser(Username(first))
	}
}

// BodyType says what a message is.
type BodyType uint8

// The types of body (wire/easemob.md §8.3).
const (
	TextBody BodyType = 1 + iota
	ImageBody
	AudioBody
	VideoBody
	FileBody
	LocationBody
	CommandBody // for programs, not shown
	CustomBody
	RecallBody  // a message is withdrawn; made by Recall only, read by Message.Withdrawal
	ReceiptBody // something was delivered or read; made by Receipt only, read by Message.Receipt
	NoticeBody  // an event of which a user is told; made by the Service only
)

// Body is what a message says: the fields of wire/easemob.md §8.3 under the names they have there, and whatever else the
// sender put in.
type Body struct {
	Type   BodyType
	Fields Fields
}

// text is the text of a field, empty when there is none.
func (b Body) text(name string) string {
	v, _ := b.Fields.Get(name)
	return v.Text
}

// Level is how readily a chatroom's message is dropped under load.
type Level int8

// The levels.
const (
	NormalLevel Level = 0
	HighLevel   Level = 1
	LowLevel    Level = -1
)

// Message is what was said. It is stored once, whoever receives it.
type Message struct {
	App         AppID
	ID          MessageID
	At          time.Time // when it was sent, which the management API may say; Edit has the time of an edit
	From        Username
	Device      string // the sender's; empty for the management API
	Client      string // the mark under which the device's saying the same again is found; empty for the management API
	To          Address
	Body        Body
	Ext         Fields
	Only        []Username // of a room's members, those who receive it; empty: all
	ToDevice    string     // of the user whom it goes to, the one that receives it; empty: all
	Level       Level
	Online      bool // for those who are connected when it is sent: it stands in no inbox
	Echo        bool // the sender's devices receive it too
	Past        bool // imported: it stands in the history, not in an inbox
	AskReceipts bool // of a group's message: its sender wants to know who has read it
	Edit        Edit
	Of          MessageID // the message whose edited content this one tells those who have it already; 0: it is no such note
	Prev        MessageID // of an event only: the last of the conversation before this one; 0: there was none, or this one is Online and in no order
	Broadcast   bool      // of an event only: it is said in every chatroom of the app

	Wire string // the wire the sender spoke, when Raw is kept
	Raw  []byte // the sender's own bytes on that wire, to forward unchanged
}

// Edit tells of the changes made to a message after it was sent.
type Edit struct {
	Count int // 0: none
	By    Username
	At    time.Time // of the last one
}

// Spoken reports whether the message was said by somebody: what tells of another message, or of an event, was not.
func (m Message) Spoken() bool { return m.Body.Type < RecallBody && m.Of == 0 }

// Conversation is where the message stands.
func (m Message) Conversation() ConversationID { return Conversation(m.From, m.To) }

// For reports whether a device of u, who is a party of the conversation, finds the message in the inbox when it has not sent it. The
// empty device stands for all.
func (m Message) For(u Username, device string) bool {
	if m.Online || m.Past || m.From == u && !m.Echo || !m.reaches(u, device) {
		return false
	}
	for _, name := range m.Only {
		if name == u {
			return true
		}
	}
	return len(m.Only) == 0 || m.From == u
}

// reaches reports whether the message is not for another device of u.
func (m Message) reaches(u Username, device string) bool {
	return m.ToDevice == "" || m.ToDevice == device || device == "" || m.To.User != u
}
