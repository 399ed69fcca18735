package pb

import (
	"google.golang.org/protobuf/encoding/protowire"

	"teahouse/internal/im"
)

// Pieces of protobuf that are written one behind the other, without a message in between: what many receivers get is encoded
// once, and with as few allocations as the buffer needs.

// Domains of names (wire/msync.md §4).
const (
	UserDomain   = "easemob.com"
	RoomDomain   = "conference.easemob.com"
	NoticeDomain = "notice.easemob.com" // of the queue in which a user finds events; ours alone
)

// appendText writes a field of text.
func appendText(b []byte, num protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), s)
}

// appendBytes writes a field of bytes.
func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

// appendNumber writes a field of a whole number, an enum or a bool.
func appendNumber(b []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

// open begins a field that holds a message, which is written behind it and ended by shut with the place that open returned.
func open(b []byte, num protowire.Number) ([]byte, int) {
	b = append(protowire.AppendTag(b, num, protowire.BytesType), 0)
	return b, len(b)
}

// shut puts the length before what was written since open. Short messages are not moved for it.
func shut(b []byte, at int) []byte {
	n := len(b) - at
	for range protowire.SizeVarint(uint64(n)) - 1 {
		b = append(b, 0)
	}
	copy(b[len(b)-n:], b[at:at+n])
	protowire.AppendVarint(b[:at-1], uint64(n)) // in place: the room for it was made
	return b
}

// Fields of JID.
const (
	jidApp      = 1
	jidName     = 2
	jidDomain   = 3
	jidResource = 4
)

// AppendJID writes a field that names a user, a room or a queue, and where resource is not empty one device.
func AppendJID(b []byte, num protowire.Number, app im.AppKey, name, domain, resource string) []byte {
	b, at := open(b, num)
	b = protowire.AppendTag(b, jidApp, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(app.Org)+1+len(app.Name)))
	b = append(append(append(b, app.Org...), '#'), app.Name...)
	b = appendText(b, jidName, name)
	b = appendText(b, jidDomain, domain)
	if resource != "" {
		b = appendText(b, jidResource, resource)
	}
	return shut(b, at)
}

// appendName writes a field with a JID of a name alone, as clients have it where the app is known.
func appendName(b []byte, num protowire.Number, name string) []byte {
	b, at := open(b, num)
	return shut(appendText(b, jidName, name), at)
}
