package im

import (
	"strconv"
	"time"
)

// Topic is the address of Events on the Bus.
type Topic string

// RoomTopic carries what happens in a room.
func RoomTopic(app AppID, room RoomID) Topic {
	return Topic("room." + strconv.FormatInt(int64(app), 10) + "." + string(room))
}

// UserTopic carries what happens to a user.
func UserTopic(app AppID, user Username) Topic {
	return Topic("user." + strconv.FormatInt(int64(app), 10) + "." + string(user))
}

// AppTopic carries what every connected user of an app is told.
func AppTopic(app AppID) Topic { return Topic("app." + strconv.FormatInt(int64(app), 10)) }

// EventKind says what an Event tells.
type EventKind string

// The events. Who is concerned stands in Event.Users, who did it in Event.By.
const (
	RoomCreated         EventKind = "room_created"
	RoomUpdated         EventKind = "room_updated"
	RoomDestroyed       EventKind = "room_destroyed"
	OwnerChanged        EventKind = "owner_changed"   // Users: the new owner, then the old one
	MembersJoined       EventKind = "members_joined"  // Text: what who enters a chatroom has to say
	MembersLeft         EventKind = "members_left"    // on their own
	MembersRemoved      EventKind = "members_removed" // by somebody else
	AdminAdded          EventKind = "admin_added"
	AdminRemoved        EventKind = "admin_removed"
	MembersMuted        EventKind = "members_muted" // Until: the end
	MembersUnmuted      EventKind = "members_unmuted"
	MuteEnded           EventKind = "mute_ended" // by itself, at Until
	MembersBlocked      EventKind = "members_blocked"
	MembersUnblocked    EventKind = "members_unblocked"
	MembersAllowed      EventKind = "members_allowed"
	MembersDisallowed   EventKind = "members_disallowed"
	FileUploaded        EventKind = "file_uploaded" // Files
	FileDeleted         EventKind = "file_deleted"  // Files
	RoomMuted           EventKind = "room_muted"
	RoomUnmuted         EventKind = "room_unmuted"
	RoomDisabled        EventKind = "room_disabled"
	RoomEnabled         EventKind = "room_enabled"
	AnnouncementChanged EventKind = "announcement_changed" // Text: the announcement
	AttributesSet       EventKind = "attributes_set"       // Attributes, Text: the notification's extension
	AttributesDeleted   EventKind = "attributes_deleted"
	MessageSent         EventKind = "message_sent"          // Message
	MessageEdited       EventKind = "message_edited"        // Message: the note, whose Of is what was edited
	MessageBroadcast    EventKind = "message_broadcast"     // to the app's topic; Message: for every connected user
	MessageRecalled     EventKind = "message_recalled"      // Message: the withdrawal, whose field msg_id names what was withdrawn
	SessionsEnded       EventKind = "sessions_ended"        // a user's tokens are gone; Text: password, deactivated, deleted
	MemberAttributesSet EventKind = "member_attributes_set" // Users: whose; Attributes: what was set, an empty value deleted

	// A user's places in rooms are told on the user's topic, to those who hold the user's connections; clients are told by the room's
	// own events, and by these only what their own user did on another device (Text of RoomEntered: "created", when that made the
	// room). RoomEntered comes before the room's event and RoomLeft after it, with its version. When a room is destroyed nobody is told one
	// by one: reading thousands of members for it would keep everybody waiting. RoomDestroyed ends all places in it, and RoomCreated
	// those of everybody whom it does not name, should one be left that was read while the room went.
	RoomEntered    EventKind = "room_entered"
	RoomLeft       EventKind = "room_left"
	RoomShielded   EventKind = "room_shielded" // the room's messages no longer come
	RoomUnshielded EventKind = "room_unshielded"

	// What concerns people goes to the topics of users. Users: whose topic it is, then the others.
	ContactAdded      EventKind = "contact_added" // told to both, like the next three but the one about asking
	ContactRemoved    EventKind = "contact_removed"
	ContactAsked      EventKind = "contact_asked"    // told to who is asked; Text: the reason
	ContactAccepted   EventKind = "contact_accepted" // By: who was asked
	ContactDeclined   EventKind = "contact_declined"
	UsersBlocked      EventKind = "users_blocked" // told to who blocked
	UsersUnblocked    EventKind = "users_unblocked"
	UserMuted         EventKind = "user_muted" // in the whole app; Text: chat, groupchat or chatroom; Until: the end
	UserUnmuted       EventKind = "user_unmuted"
	UserMuteEnded     EventKind = "user_mute_ended"   // by itself, at Until
	UserDisconnected  EventKind = "user_disconnected" // devices were asked to leave; Text: which, or empty for all
	PropertiesChanged EventKind = "properties_changed"
)

// Event is a fact after its commit, announced on the Bus. What a user has to learn who is away comes to the user's topic as
// MessageSent with a notice, whose event [Message.Notice] gives back. Of a change of a group those concerned are told so, and
// everybody else in it by the event of the room: of MembersJoined (also who joins alone, and is not told), MembersRemoved,
// OwnerChanged, AdminAdded and AdminRemoved it is for all but its Users, RoomDestroyed is for nobody. Of a chatroom, and
// of what else happens in a group, everybody is told by the event of the room.
type Event struct {
	Topic  Topic
	Kind   EventKind
	App    AppID
	At     time.Time
	By     Username // empty: an app token, or the server itself
	Device string   // of By, which is not told; empty: all of By's devices are

	Room       RoomID
	RoomKind   RoomKind
	Name       string // of the room, in what a user is told of a group
	Version    int64  // of the room. Events of different changes may overtake each other; those of one come in order
	Users      []Username
	Only       []Username // those in the room who are told, who is not in it is not; empty: all
	Members    int        // members after the event, where it changes them
	Until      time.Time
	Files      []File
	Text       string
	Attributes []Attribute
	Fields     Fields   // of RoomUpdated: what has changed, as it is now, and when
	Message    *Message // nobody may change it

	told Username // whom the event is told alone; when it is [EventKind.lasting] it is published as a notice
}
