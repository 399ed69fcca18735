package im

import "time"

// PendingTx keeps asks that nobody has answered.
type PendingTx interface {
	// PutPending writes asks, replacing those of the same room, sort and user, or returns ErrRoomNotFound.
	PutPending(Room, []Pending) error
	// Pending returns the asks of the named users in a room, by user and sort.
	Pending(Room, []Username) ([]Pending, error)
	// DropPending removes the asks of one sort of the named users in a room.
	DropPending(Room, Ask, []Username) error
	// CountPending returns how many asks of a sort a room has, and how many each of the users has in all rooms.
	CountPending(Room, Ask, []Username) (inRoom int, of map[Username]int, err error)
	// Awaiting returns the invitations of a user and the applications to rooms whose owner or admin the user is, made
	// after oldest; of either the newest up to limit; oldest first.
	Awaiting(app AppID, user Username, oldest time.Time, limit int) ([]Pending, error)
	// DeletePending removes up to limit asks made at t or before, and tells how many.
	DeletePending(app AppID, t time.Time, limit int) (int, error)
}
