package msync

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// down is a message of the command SYNC to a client: an acknowledgement, or a part of a queue.
type down struct {
	status   *pb.Status // nil: OK; clients want one in every frame
	metaID   uint64     // of what is acknowledged
	serverID im.MessageID
	metas    [][]byte
	nextKey  im.MessageID
	queue    im.Address
	last     bool
	at       time.Time
}

// append makes the whole message.
func (d down) append(dst []byte, app im.AppKey) []byte {
	size := 128
	for _, m := range d.metas {
		size += len(m) + 8
	}
	payload := make([]byte, 0, size)
	status := []byte{8, 0}
	if d.status != nil {
		status, _ = proto.Marshal(d.status) // never fails: its texts are ours
	}
	payload = protowire.AppendTag(payload, 1, protowire.BytesType)
	payload = protowire.AppendBytes(payload, status)
	payload = appendNumber(payload, 2, d.metaID)
	payload = appendNumber(payload, 3, uint64(d.serverID))
	for _, m := range d.metas {
		payload = protowire.AppendTag(payload, 4, protowire.BytesType)
		payload = protowire.AppendBytes(payload, m)
	}
	payload = appendNumber(payload, 5, uint64(d.nextKey))
	if d.queue != (im.Address{}) {
		payload = appendQueue(payload, 6, app, d.queue)
	}
	if d.last {
		payload = appendNumber(payload, 7, 1)
	}
	if !d.at.IsZero() {
		payload = appendNumber(payload, 8, uint64(d.at.UnixMilli()))
	}
	return appendCommand(dst, pb.MSync_SYNC, payload)
}

func appendNumber(b []byte, field protowire.Number, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

// appendCommand makes the envelope.
func appendCommand(b []byte, command pb.MSync_Command, payload []byte) []byte {
	b = append(b, 1<<3, 0) // version
	b = append(b, 8<<3, byte(command))
	b = protowire.AppendTag(b, 9, protowire.BytesType)
	return protowire.AppendBytes(b, payload)
}

// appendQueue writes the name of a queue: whom the conversation is with.
func appendQueue(b []byte, field protowire.Number, app im.AppKey, a im.Address) []byte {
	name, domain := string(a.User), pb.UserDomain
	switch {
	case a.Room != "":
		name, domain = string(a.Room), pb.RoomDomain
	case a.Notices:
		domain = pb.NoticeDomain
	}
	return pb.AppendJID(b, field, app, name, domain, "")
}

// marshal makes a message of one of the rare commands.
func marshal(command pb.MSync_Command, payload proto.Message) []byte {
	b, _ := proto.Marshal(payload) // never fails: its texts are ours, or came out of a message
	return appendCommand(nil, command, b)
}

// queueAddress reads the name of a queue; ok is false for one that nobody can have. Rooms are told apart from their kind by the kind
// that the client has heard of them: the name of a queue does not say it, and only groups have queues that are asked for.
func queueAddress(q *pb.JID) (a im.Address, ok bool) {
	if q.GetDomain() == pb.RoomDomain {
		id, err := im.ParseRoomID(q.GetName())
		return im.ToRoom(im.Group, id), err == nil
	}
	name, err := im.ParseUsername(q.GetName())
	if q.GetDomain() == pb.NoticeDomain {
		return im.NoticesOf(name), err == nil
	}
	return im.ToUser(name), err == nil
}
