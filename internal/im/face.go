package im

// Face is what the social app shows for a group.
type Face struct {
	Room RoomID
	File int64  // the number of the upload; 0: set by address
	URL  string // its address when it was set
}

// RoomMember is a member of one of several rooms.
type RoomMember struct {
	Room RoomID
	Member
}
