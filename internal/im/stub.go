package im

// NoticesOf is the address of what a user is told.
func NoticesOf(u Username) Address { return Address{User: u, Notices: true} }
