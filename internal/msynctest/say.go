package msynctest

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	"teahouse/internal/msync/pb"
)

// ErrLost answers what was sent and not acknowledged before the connection ended.
var ErrLost = errors.New("the connection ended before the acknowledgement")

// Target is whom a message is for.
type Target struct {
	Name string
	Type pb.MessageBody_Type // CHAT, GROUPCHAT or CHATROOM
}

// ToUser is a user.
func ToUser(name string) Target { return Target{name, pb.MessageBody_CHAT} }

// ToGroup is a group.
func ToGroup(id string) Target { return Target{id, pb.MessageBody_GROUPCHAT} }

// ToRoom is a chatroom.
func ToRoom(id string) Target { return Target{id, pb.MessageBody_CHATROOM} }

// JID names the target in an app.
func (t Target) JID(app string) *pb.JID {
	domain := RoomDomain
	if t.Type == pb.MessageBody_CHAT {
		domain = UserDomain
	}
	return &pb.JID{AppKey: &app, Name: &t.Name, Domain: &domain}
}

// Message is what to send.
type Message struct {
	ID       uint64 // the local id; default: the next
	To       Target
	Body     *pb.MessageBody // type, from and to are set if they are absent
	Ext      []*pb.KeyValue  // of the meta
	Route    pb.Meta_RouteType
	Directed []string
	Device   string // of the user To, the one it is for; default: all
}

// Ack is how the server answered.
type Ack struct {
	Code     pb.Status_ErrorCode
	Reason   string
	ServerID uint64
	Time     uint64 // milliseconds
	Metas    []*pb.Meta
	NoStatus bool // the SDK waits for ever
	Lost     bool // the connection ended first
}

// Text is the content of a text message.
func Text(text string) *pb.MessageBody_Content {
	return &pb.MessageBody_Content{Type: pb.MessageBody_Content_TEXT.Enum(), Text: &text}
}

// Send sends a message with one content and waits for its acknowledgement. Errors: ErrLost; the context's. A refusal is no
// error but in the Ack.
func (c *Client) Send(ctx context.Context, to Target, content *pb.MessageBody_Content) (Ack, error) {
	id, err := c.Post(Message{To: to, Body: &pb.MessageBody{Contents: []*pb.MessageBody_Content{content}}})
	if err != nil {
		return Ack{}, err
	}
	return c.Await(ctx, id)
}

// Post sends a message and returns its local id, for Await.
func (c *Client) Post(m Message) (uint64, error) {
	body := m.Body
	if body.Type == nil || body.From == nil || body.To == nil {
		body = proto.CloneOf(body)
	}
	if body.Type == nil {
		body.Type = m.To.Type.Enum()
	}
	if body.From == nil {
		body.From = &pb.JID{Name: &c.cfg.User}
	}
	if body.To == nil {
		body.To = &pb.JID{Name: &m.To.Name}
	}
	meta := &pb.Meta{To: m.To.JID(c.cfg.App), Ns: pb.Meta_CHAT.Enum(), Payload: marshal(body), RouteType: &m.Route, Ext: m.Ext, DirectedUsers: m.Directed}
	if m.ID != 0 {
		meta.Id = &m.ID
	}
	if m.Device != "" {
		meta.To.ClientResource = &m.Device
	}
	return c.PostMeta(meta)
}

// PostMeta sends a meta as it is, with the next local id if it has none, and returns the id, for Await.
func (c *Client) PostMeta(m *pb.Meta) (uint64, error) {
	c.mu.Lock()
	if m.Id == nil {
		m.Id = new(c.nextID)
		c.nextID++
	}
	if c.acks == nil {
		c.acks = map[uint64]*Ack{}
	}
	c.acks[m.GetId()] = nil
	c.mu.Unlock()
	return m.GetId(), c.Command(pb.MSync_SYNC, &pb.CommSyncUL{Meta: m})
}

// acknowledged notes the answer to what is awaited.
func (c *Client) acknowledged(d *downlink) error {
	ack := Ack{ServerID: d.serverID, Time: d.timestamp, NoStatus: !d.statusGiven}
	var status pb.Status
	if err := proto.Unmarshal(d.status, &status); err != nil {
		return err
	}
	ack.Code, ack.Reason = status.GetErrorCode(), status.GetReason()
	for _, data := range d.metas {
		m := new(pb.Meta)
		if err := proto.Unmarshal(data, m); err != nil {
			return err
		}
		ack.Metas = append(ack.Metas, m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, awaited := c.acks[d.metaID]; awaited {
		c.acks[d.metaID] = &ack
		c.changeLocked()
	}
	return nil
}

// Await waits for the acknowledgement of what was sent with an id, once. Errors: ErrLost; the context's.
func (c *Client) Await(ctx context.Context, id uint64) (Ack, error) {
	var ack *Ack
	err := c.until(ctx, func() bool {
		if ack = c.acks[id]; ack != nil {
			delete(c.acks, id)
		}
		return ack != nil
	})
	switch {
	case err != nil:
		return Ack{}, err
	case ack.Lost:
		return *ack, ErrLost
	}
	return *ack, nil
}

// Join enters a chatroom. The room's state is in the answer's meta.
func (c *Client) Join(ctx context.Context, room, ext string, leaveOthers bool) (Ack, error) {
	return c.inRoom(ctx, room, &pb.MUCBody{Operation: pb.MUCBody_JOIN.Enum(), Ext: &ext, LeaveOtherRooms: &leaveOthers})
}

// Leave leaves a chatroom.
func (c *Client) Leave(ctx context.Context, room string) (Ack, error) {
	return c.inRoom(ctx, room, &pb.MUCBody{Operation: pb.MUCBody_LEAVE.Enum()})
}

func (c *Client) inRoom(ctx context.Context, room string, body *pb.MUCBody) (Ack, error) {
	body.MucId, body.From, body.IsChatroom = ToRoom(room).JID(c.cfg.App), &pb.JID{Name: &c.cfg.User}, new(true)
	id, err := c.PostMeta(&pb.Meta{To: body.MucId, Ns: pb.Meta_MUC.Enum(), Payload: marshal(body)})
	if err != nil {
		return Ack{}, err
	}
	return c.Await(ctx, id)
}

// Pull asks for a queue as a client would; a key that is not 0 acknowledges what came up to it.
func (c *Client) Pull(queue *pb.JID, key uint64) error { return c.pullQueue(marshal(queue), key) }

// Got returns what came, in order.
func (c *Client) Got() []Got {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

// Repeats is how many messages came that the client had seen, and dropped.
func (c *Client) Repeats() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.repeats
}

// Stopped reports whether a batch that ended where the last one did has stopped a pull since the client connected: what waits behind it
// comes after a heartbeat or two.
func (c *Client) Stopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rules.stopped
}

// Forget drops what came so far, for a test that goes on to the next thing.
func (c *Client) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = nil
}

// Wait waits until n metas have come since the start, or Forget, and returns all that came.
func (c *Client) Wait(ctx context.Context, n int) ([]Got, error) {
	var got []Got
	err := c.until(ctx, func() bool { got = slices.Clone(c.got); return len(got) >= n })
	return got, err
}

// WaitFor waits for a meta that matches and returns the first. The match may not call methods of the client.
func (c *Client) WaitFor(ctx context.Context, match func(Got) bool) (Got, error) {
	var got Got
	err := c.until(ctx, func() bool {
		i := slices.IndexFunc(c.got, match)
		if i >= 0 {
			got = c.got[i]
		}
		return i >= 0
	})
	return got, err
}
