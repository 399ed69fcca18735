package msync

import (
	"encoding/json"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// muc enters a chatroom or leaves it; all else about rooms goes over REST (wire/msync.md §7.1).
func (c *conn) muc(meta *pb.Meta) (a answer, op operation, err error) {
	var body pb.MUCBody
	if err := proto.Unmarshal(meta.GetPayload(), &body); err != nil {
		return a, opJoin, im.ErrInvalid.With("payload")
	}
	id := im.RoomID(body.GetMucId().GetName())
	if id == "" {
		id = im.RoomID(meta.GetTo().GetName())
	}
	switch {
	case body.Operation == nil || !body.GetIsChatroom():
		return a, opJoin, im.ErrUnsupported
	case body.GetOperation() == pb.MUCBody_LEAVE:
		err := c.srv.service.Leave(c.ctx, c.self, im.Chatroom, id)
		if errors.Is(err, im.ErrOnOwner) { // leaves the page, and stays in the room
			err = nil
		}
		return a, opJoin, err
	case body.GetOperation() != pb.MUCBody_JOIN:
		return a, opJoin, im.ErrUnsupported
	}
	inside, err := c.srv.service.Enter(c.ctx, c.self, id, im.Entering{Ext: readable(body.GetExt()), LeaveOthers: body.GetLeaveOtherRooms()})
	if err != nil {
		return a, opJoin, err
	}
	a.metas = [][]byte{c.insideMeta(meta, &body, inside)}
	return a, opJoin, nil
}

// readable puts a mark where an application has cut a character in two.
func readable(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// insideMeta tells who has entered a chatroom how things stand in it (wire/msync.md §7.1).
func (c *conn) insideMeta(meta *pb.Meta, body *pb.MUCBody, inside im.Inside) []byte {
	muted := int64(0)
	if !inside.MutedUntil.IsZero() {
		muted = inside.MutedUntil.UnixMilli()
	}
	name := string(c.caller.User)
	if given := body.GetFrom().GetName(); strings.EqualFold(given, name) { // clients look for it as they have it
		name = given
	}
	info, _ := json.Marshal(map[string]any{name: map[string]any{ // never fails
		"is_all_mute": inside.Room.Muted, "create_timestamp": inside.Room.Created.UnixMilli(), "is_in_white_list": inside.Allowed,
		"member_count": inside.Room.Members, "mute_duration": muted,
	}})
	app, now := c.caller.App.Key.String(), c.srv.service.Now()
	payload, _ := proto.Marshal(&pb.MUCBody{MucId: body.GetMucId(), Operation: pb.MUCBody_JOIN.Enum(), IsChatroom: proto.Bool(true),
		From:   &pb.JID{AppKey: &app, Name: proto.String(string(c.caller.User)), Domain: proto.String(pb.UserDomain)},
		Status: &pb.MUCBody_Status{ErrorCode: pb.MUCBody_Status_OK.Enum(), ChatroomInfo: proto.String(string(info))}})
	wire, _ := proto.Marshal(&pb.Meta{Id: proto.Uint64(meta.GetId()), From: body.GetMucId(), Timestamp: proto.Uint64(uint64(now.UnixMilli())),
		Ns: pb.Meta_MUC.Enum(), Payload: payload})
	return wire
}

// roster does what SDK 3.x says about contacts; later ones use REST (wire/msync.md §8).
func (c *conn) roster(meta *pb.Meta) error {
	var body pb.RosterBody
	if err := proto.Unmarshal(meta.GetPayload(), &body); err != nil {
		return im.ErrInvalid.With("payload")
	}
	const most = 20 // names at once
	if len(body.GetTo()) == 0 || len(body.GetTo()) > most || body.Operation == nil {
		return im.ErrInvalid.With("to")
	}
	for _, jid := range body.GetTo() {
		if err := c.relate(body.GetOperation(), jid.GetName(), readable(body.GetReason())); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) relate(op pb.RosterBody_Operation, name, reason string) (err error) {
	s, self := c.srv.service, string(c.caller.User)
	switch op {
	case pb.RosterBody_ADD:
		_, err = s.AskContacts(c.ctx, c.self, self, []string{name}, reason)
	case pb.RosterBody_REMOVE:
		_, _, err = s.RemoveContact(c.ctx, c.self, self, name)
	case pb.RosterBody_ACCEPT:
		err = s.AcceptContact(c.ctx, c.self, self, name)
	case pb.RosterBody_DECLINE:
		err = s.DeclineContact(c.ctx, c.self, self, name)
	case pb.RosterBody_BAN:
		_, _, err = s.BlockUsers(c.ctx, c.self, self, []string{name})
	case pb.RosterBody_ALLOW:
		_, _, err = s.UnblockUsers(c.ctx, c.self, self, []string{name})
	default:
		err = im.ErrUnsupported
	}
	return err
}
