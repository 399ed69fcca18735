package im

import (
	"context"
	"time"
)

// UserListTx keeps the lists of users that every user has.
type UserListTx interface {
	// PutRelation puts a user on one of the owner's lists, at its end, or writes the note of one who is on it and keeps the
	// place; added tells which. ErrUserNotFound when either of them is gone.
	PutRelation(app AppID, owner Username, list UserList, r Relation) (added bool, err error)
	// DeleteRelations takes the named users off the list and returns those who were on it, in the order given.
	DeleteRelations(app AppID, owner Username, list UserList, users []Username) ([]Username, error)
	// Related returns those of the named users who are on the list, longest on it first.
	Related(app AppID, owner Username, list UserList, users []Username) ([]Relation, error)
	// Relations returns up to limit users with Seq above after, longest on the list first.
	Relations(app AppID, owner Username, list UserList, after int64, limit int) ([]Relation, error)
	// CountRelations tells how many are on the list.
	CountRelations(app AppID, owner Username, list UserList) (int, error)
}

// UserMuteTx keeps the mutes that hold in the whole app.
type UserMuteTx interface {
	// UserMute returns a user's mutes; one without any has no Ends.
	UserMute(AppID, Username) (UserMute, error)
	// PutUserMute writes a user's mutes, or removes the row when there are none. ErrUserNotFound when the user is gone.
	PutUserMute(UserMute) error
	// UserMutes returns up to limit users with mutes, first muted first, skipping offset.
	UserMutes(app AppID, offset, limit int) ([]UserMute, error)
	// DueUserMutes returns up to limit users of any app of whom a mute ends at or before now, earliest first.
	DueUserMutes(now time.Time, limit int) ([]UserMute, error)
	// NextUserMuteEnd returns the earliest end of any mute of any app, not of those for good; ok is false when there is none.
	NextUserMuteEnd() (end time.Time, ok bool, err error)
}

// SpeakerTx answers what the rule about who may speak asks of the people.
type SpeakerTx interface {
	// Speaker tells how a user stands who is about to speak to another. It is one statement and its cost grows with nothing. A
	// user who is unknown has no standing.
	Speaker(app AppID, sender, receiver Username) (Speaker, error)
	// Voice tells how a user stands who is about to speak in a room, or returns ErrRoomNotFound with the id. It is one statement,
	// too.
	Voice(app AppID, kind RoomKind, id RoomID, sender Username) (Voice, error)
}

// PropertyTx keeps the properties of users.
type PropertyTx interface {
	// Properties returns what the named users have set, by user and key.
	Properties(app AppID, users []Username) ([]Property, error)
	// PutProperties writes a user's properties, replacing those of the same keys. ErrUserNotFound when the user is gone.
	PutProperties(app AppID, user Username, all []Property) error
	// DeleteProperties removes all of a user.
	DeleteProperties(AppID, Username) error
	// PropertyBytes is the length of all keys and values of the app.
	PropertyBytes(AppID) (int64, error)
}

// Connection is one connected device of a user.
type Connection struct {
	Resource string // names the connection among the user's
	UUID     string
	Name     string
	Says     string // to the connection whose place it takes
}

// Sessions knows the connected devices of users on every node.
type Sessions interface {
	// Connected returns the connected devices of each named user, in the order of the names, longest connected first.
	Connected(ctx context.Context, app AppID, users []Username) ([][]Connection, error)
	// Disconnect asks a user's device, or with no resource all of them, to leave, and does not wait until they have. One
	// that is not connected is no error.
	Disconnect(ctx context.Context, app AppID, user Username, resource string) error
}

// NoSessions are the [Sessions] of a server without a realtime surface: nobody is ever connected.
type NoSessions struct{}

// Connected implements [Sessions].
func (NoSessions) Connected(_ context.Context, _ AppID, users []Username) ([][]Connection, error) {
	return make([][]Connection, len(users)), nil
}

// Disconnect implements [Sessions].
func (NoSessions) Disconnect(context.Context, AppID, Username, string) error { return nil }
