package msync

import (
	"errors"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// sync says something, or asks for a queue.
func (c *conn) sync(m *pb.MSync) error {
	var up pb.CommSyncUL
	if err := proto.Unmarshal(m.GetPayload(), &up); err != nil {
		return errForm
	}
	if meta := up.GetMeta(); meta != nil {
		return c.say(meta)
	}
	if up.GetQueue() == nil {
		return errForm
	}
	with, ok := queueAddress(up.GetQueue())
	switch {
	case with.Notices && with.User != c.caller.User:
		return errForm
	case !ok: // nothing is in it, and nothing is remembered of it
		c.push(down{last: true})
		return nil
	}
	if err := c.pullQueue(c.ctx, with, placeOf(up.GetKey())); err != nil {
		return c.failed("queue", err)
	}
	return nil
}

// failed logs what the client is not told, and ends a connection whose device is gone.
func (c *conn) failed(what string, err error) error {
	switch {
	case c.ctx.Err() != nil:
		return err
	case errors.Is(err, im.ErrDeviceNotFound): // forgotten, or deleted with the user
		return errRefused
	case im.AsError(err).Kind == im.Internal || im.AsError(err).Kind == im.Unavailable:
		c.srv.log.Error("not read", "what", what, "user", string(c.caller.User), "err", err)
	}
	return nil
}

// beat is done at each heartbeat: it looks whether the client may still be here, and now and then into the store, for what is to be
// fetched then.
func (c *conn) beat() error {
	const lookEvery = 10 // heartbeats
	if c.beats++; c.beats > 1 {
		if err := c.stillGood(); err != nil {
			return err
		}
	}
	if c.beats%lookEvery == 0 {
		unread, err := c.srv.service.OpenDevice(c.ctx, c.self, c.device)
		if err != nil {
			return c.failed("unread", err)
		}
		c.mu.Lock()
		for _, u := range unread {
			if f := c.feedLocked(u.With); len(f.pushed) == 0 && !f.busy {
				f.dirty = true
			}
		}
		c.mu.Unlock()
	}
	return nil
}

// unread answers what waits. It is the heartbeat too.
func (c *conn) unread() error {
	if err := c.beat(); err != nil {
		return err
	}
	c.mu.Lock()
	queues := c.offeredLocked()
	c.fetchLocked()
	c.mu.Unlock()
	payload := []byte{1<<3 | 2, 2, 8, 0} // status OK
	for _, with := range queues {
		queue := appendQueue(nil, 1, c.caller.App.Key, with)
		queue = appendNumber(queue, 2, 1)
		payload = protowire.AppendBytes(protowire.AppendTag(payload, 2, protowire.BytesType), queue)
	}
	payload = appendNumber(payload, 3, uint64(c.srv.service.Now().UnixMilli()))
	c.line.Push(c.form.frame(appendCommand(nil, pb.MSync_UNREAD, payload)))
	return nil
}

// stillGood ends sessions whose token is gone: a command of another process ended it. One that has expired was good when the
// client signed in, and is forgotten in the end; the client has another by then.
func (c *conn) stillGood() error {
	app, err := c.srv.service.App(c.ctx, c.caller.App.Key)
	if err == nil {
		_, err = c.srv.service.Authenticate(c.ctx, app, c.token)
	}
	switch {
	case errors.Is(err, im.ErrAppNotFound):
		c.End(hub.Removed)
	case errors.Is(err, im.ErrTokenBad):
		return c.tokenGone(app)
	case err != nil && !errors.Is(err, im.ErrTokenExpired):
		return c.failed("token", err)
	}
	return nil
}

// tokenGone ends the session of a user who is gone or deactivated, or whose password was changed.
func (c *conn) tokenGone(app *im.App) error {
	u, err := c.srv.service.User(c.ctx, im.AppCaller(app), string(c.caller.User))
	expires := c.caller.Expires
	switch {
	case errors.Is(err, im.ErrUserNotFound), err == nil && !u.Active:
		c.End(hub.Removed)
	case err != nil:
		return c.failed("user", err)
	case expires.IsZero() || c.srv.service.Now().Before(expires.Add(im.TokenGrace)):
		c.End(hub.Password)
	}
	return nil
}

// say does what one Meta says, and acknowledges it.
func (c *conn) say(meta *pb.Meta) error {
	app, err := c.srv.service.App(c.ctx, c.caller.App.Key) // its settings may have changed
	if err != nil {
		return c.failed("app", err)
	}
	c.self.App = app
	switch ns := meta.GetNs(); {
	case ns == pb.Meta_STATISTIC:
		c.acknowledge(meta, answer{}, nil, opSend)
	case ns == pb.Meta_CHAT:
		a, op, err := c.chat(meta)
		c.acknowledge(meta, a, err, op)
	case !c.limits.say(c.srv.service.Now()):
		c.acknowledge(meta, answer{}, im.ErrRateLimited, opSend)
	case ns == pb.Meta_MUC:
		a, op, err := c.muc(meta)
		c.acknowledge(meta, a, err, op)
	case ns == pb.Meta_ROSTER:
		c.acknowledge(meta, answer{}, c.roster(meta), opSend)
	default:
		c.acknowledge(meta, answer{}, im.ErrUnsupported, opSend)
	}
	return nil
}

// answer is what an acknowledgement holds besides its status.
type answer struct {
	id    im.MessageID
	metas [][]byte
}

// acknowledge tells the client what became of what it said. It always has a status (wire/msync.md §6).
func (c *conn) acknowledge(meta *pb.Meta, a answer, err error, op operation) {
	d := down{metaID: meta.GetId(), serverID: a.id, metas: a.metas, at: c.srv.service.Now()}
	if len(a.metas) > 0 {
		d.queue = im.ToUser(c.caller.User) // frames with metas have one
	}
	if err != nil {
		code, reason := statusFor(err, op)
		if im.AsError(err).Kind == im.Internal && c.ctx.Err() == nil {
			c.srv.log.Error("not said", "user", string(c.caller.User), "err", err)
		} else {
			c.srv.log.Debug("refused", "user", string(c.caller.User), "ns", meta.GetNs().String(), "err", err)
		}
		d = down{status: &pb.Status{ErrorCode: code.Enum(), Reason: proto.String(reason)}, metaID: meta.GetId(), at: d.at}
	}
	c.push(d)
}

// chat says a message, or something about one.
func (c *conn) chat(meta *pb.Meta) (answer, operation, error) {
	said, err := pb.ReadBody(meta.GetPayload())
	if err == nil && !isReceipt(said.Type) && !c.limits.say(c.srv.service.Now()) {
		err = im.ErrRateLimited
	}
	if err != nil {
		return answer{}, opSend, err
	}
	to, err := c.receiver(meta, said)
	if err != nil {
		return answer{}, opSend, err
	}
	client := ""
	if id := meta.GetId(); id != 0 { // none; SDKs make 0 of an application's own id that is no number
		client = strconv.FormatUint(id, 10)
	}
	switch said.Type {
	case pb.MessageBody_CHAT, pb.MessageBody_GROUPCHAT, pb.MessageBody_CHATROOM:
		n := im.NewMessage{Device: c.device, Client: client, To: []im.Address{to}, Body: said.Body, Ext: said.Ext, Echo: true, Level: levelOf(meta),
			AskReceipts: said.Asks, Online: meta.GetRouteType() == pb.Meta_ROUTE_ONLINE}
		if said.From == string(c.caller.User) && said.To == to.String() { // else others would show what it says
			n.Wire, n.Raw = pb.Wire, meta.GetPayload()
		}
		if to.Room != "" {
			n.Only = meta.GetDirectedUsers()
		} else {
			n.ToDevice = meta.GetTo().GetClientResource()
		}
		sent, err := c.srv.service.Send(c.ctx, c.self, n)
		if err != nil {
			return answer{}, opSend, err
		}
		return answer{id: sent[0].ID}, opSend, nil
	}
	return c.about(meta, said, to, client)
}

// isReceipt reports what clients send for each message that comes: who was away sends as many at once as have waited, and sends none a
// second time. Only the number of frames limits them.
func isReceipt(t pb.MessageBody_Type) bool {
	return t == pb.MessageBody_DELIVER_ACK || t == pb.MessageBody_READ_ACK || t == pb.MessageBody_CHANNEL_ACK
}

// receiver is whom a message goes to. What the envelope says of sender and receiver, and what the body says, which is what other
// clients show, must be the same: the body is forwarded as it came.
func (c *conn) receiver(meta *pb.Meta, said pb.Said) (to im.Address, err error) {
	name, toRoom := meta.GetTo().GetName(), meta.GetTo().GetDomain() == pb.RoomDomain
	switch {
	case said.From != "" && !strings.EqualFold(said.From, string(c.caller.User)):
		return to, im.ErrNotSelf.For(im.Username(said.From))
	case name == "" || said.To != "" && !strings.EqualFold(said.To, name):
		return to, im.ErrInvalid.With("to")
	case said.Type == pb.MessageBody_CHAT && toRoom, (said.Type == pb.MessageBody_GROUPCHAT || said.Type == pb.MessageBody_CHATROOM) && !toRoom:
		return to, im.ErrInvalid.With("type")
	case !toRoom:
		return im.ToUser(im.Username(strings.ToLower(name))), nil
	case said.Type == pb.MessageBody_CHATROOM:
		return im.ToRoom(im.Chatroom, im.RoomID(name)), nil
	case said.Type == pb.MessageBody_GROUPCHAT:
		return im.ToRoom(im.Group, im.RoomID(name)), nil
	}
	return c.roomOf(im.RoomID(name))
}

// roomOf finds out of which kind a room is, where a message does not say it.
func (c *conn) roomOf(id im.RoomID) (im.Address, error) {
	for _, kind := range []im.RoomKind{im.Group, im.Chatroom} {
		switch _, err := c.srv.service.IsMember(c.ctx, c.self, kind, id, string(c.caller.User)); {
		case err == nil:
			return im.ToRoom(kind, id), nil
		case !errors.Is(err, im.ErrRoomNotFound):
			return im.Address{}, err
		}
	}
	return im.Address{}, im.ErrRoomNotFound.In(id)
}

// levelOf is the priority of a chatroom's message (wire/msync.md §4).
func levelOf(meta *pb.Meta) im.Level {
	for _, kv := range meta.GetExt() {
		if kv.GetKey() == "chatroom_msg_tag" {
			switch kv.GetVarintValue() {
			case 0:
				return im.HighLevel
			case 2:
				return im.LowLevel
			}
		}
	}
	return im.NormalLevel
}
