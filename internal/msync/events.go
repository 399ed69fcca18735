package msync

import (
	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// eventMetas returns the Metas that tell one of e.Users, or with u empty anybody else, of an event that is not a message; none when
// clients are not told. Clients read only the first of those whom a Meta concerns: what is done to several users is told in
// several Metas, in order. Notices use the same encoding, so it lives beside that of messages.
func eventMetas(app im.AppKey, id im.MessageID, e *im.Event, u im.Username) [][]byte {
	return pb.EventMetas(app, id, e, u)
}
