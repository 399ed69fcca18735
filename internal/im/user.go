package im

import (
	"time"
)

// Username names a User in its App. It is stored and compared in lower case.
type Username string

// User is an account of an App.
type User struct {
	App      AppID
	Name     Username
	UUID     string
	Password string // encoded hash, see [Passwords]; empty: only inherit tokens work
	Nickname string // display name of pushes; empty: unset
	Active   bool
	Created  time.Time
	Modified time.Time
	Seq      int64 // place in the list of the app's users: grows with creation
}
