package im

import "time"

// RoomID names a Room in its App.
type RoomID string

// RoomKind tells chatrooms from groups. Both are rooms: one roster, one set of rules.
type RoomKind int8

// The kinds of room.
const (
	Chatroom RoomKind = 1
	Group    RoomKind = 2
)

// Role is a Member's rank in a Room. A higher role outranks a lower one.
type Role int8

// The roles. Stranger is the role of a user who is not a member.
const (
	Stranger Role = -1
	Plain    Role = 0
	Admin    Role = 1
	Owner    Role = 2
)

// Room is a conversation of many members under moderation.
type Room struct {
	App          AppID
	ID           RoomID
	Kind         RoomKind
	Name         string
	Description  string
	Custom       string // the application's own text
	Owner        Username
	MaxUsers     int  // places, the owner's included
	Members      int  // members now, the owner included; kept by the store
	Muted        bool // RoomMute: only owner, admins and those allowed may speak
	Announcement string
	Created      time.Time
	Seq          int64 // place in the list of the app's rooms of this kind: grows with creation; given by the store
}

// Member is a User's standing in a Room.
type Member struct {
	User   Username
	Role   Role
	Joined time.Time
	Seq    int64 // place in the room's member list: grows with joining; given by the store
	ByREST bool  // added by the management API: stays however often the user connects (design decision 17)
}

// Standing is what the rules about members need to know of one named user, read in one go.
type Standing struct {
	User    Username
	Exists  bool
	Member  bool
	Role    Role // Stranger unless Member
	Seq     int64
	Blocked bool
	Joined  int // rooms of the room's kind the user is in
}

// List is one of the per-room lists of users.
type List int8

// The lists of a room.
const (
	Mutes  List = 1 // may not speak until Entry.Until
	Blocks List = 2 // may not be in the room
	Allows List = 3 // exempt from RoomMute
)

// Entry is one user on one List of a room. It outlives membership.
type Entry struct {
	User  Username
	Until time.Time // Mutes: the end, [Forever] for good; otherwise zero
}

// Mute is an Entry of the Mutes list of some room, as the due loop sees it.
type Mute struct {
	App  AppID
	Room RoomID
	Entry
}

// Forever is the end of a mute without end: 2117-01-01, far beyond any stored date and still exact as a
// JavaScript number. The cloud answers the same figure (easemob-rest.md §4.14).
func Forever() time.Time { return time.UnixMilli(4638873600000) }

// Attribute is one key of a room's metadata.
type Attribute struct {
	Key, Value string
	Setter     Username // who set it
	AutoDelete bool     // goes when its setter leaves the room
}
