package hub

// Reason says why a session, or the connection under it, ends.
type Reason string

// The reasons.
const (
	LoggedOut Reason = "logged_out" // the client said so
	Closed    Reason = "closed"     // the client's end of the connection is gone
	Slow      Reason = "slow"       // it reads slower than it is written to
	Idle      Reason = "idle"       // nothing came for too long
	Refused   Reason = "refused"    // it did not sign in, or not in time
	Broken    Reason = "broken"     // what it sends is none of the protocol
	Flood     Reason = "flood"      // it sends more than it may
	Failed    Reason = "failed"     // the server made a mistake
	Shutdown  Reason = "shutdown"   // the server stops

	// These end sessions for good: the client is told and does not come back by itself.
	Replaced Reason = "replaced" // the device has connected anew
	Kicked   Reason = "kicked"   // somebody asked it to leave
	Password Reason = "password" // the user's password was changed
	Removed  Reason = "removed"  // the user is deleted or deactivated
)

func reasons() []Reason {
	return []Reason{LoggedOut, Closed, Slow, Idle, Refused, Broken, Flood, Failed, Shutdown, Replaced, Kicked, Password, Removed}
}
