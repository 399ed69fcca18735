package msynctest

import (
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/msync/pb"
)

// remembered is how many metas of messages a client knows again.
const remembered = 100

// rules is what the SDK keeps to synchronise. It compares queues by the name in their JID alone, and keeps all of it when it connects again.
type rules struct {
	queues   [][]byte // announced and not drained: JIDs
	lastKey  uint64   // the last that it acknowledged,
	lastName string   // and of which queue: the same again ends a pull
	seen     []uint64 // a ring
	next     int      // in seen
	stopped  bool     // a pull, by a batch that ended where the last one did; since it connected
}

// Got is a meta that came.
type Got struct {
	Queue *pb.JID
	Meta  *pb.Meta
}

// Body is the message in a meta of the name space CHAT.
func (g Got) Body() *pb.MessageBody { return decode(g, pb.Meta_CHAT, new(pb.MessageBody)) }

// MUC is what was done in a room.
func (g Got) MUC() *pb.MUCBody { return decode(g, pb.Meta_MUC, new(pb.MUCBody)) }

// Roster is what happened to a contact.
func (g Got) Roster() *pb.RosterBody { return decode(g, pb.Meta_ROSTER, new(pb.RosterBody)) }

// Statistic is why the session is about to end.
func (g Got) Statistic() *pb.StatisticsBody {
	return decode(g, pb.Meta_STATISTIC, new(pb.StatisticsBody))
}

// Notify is the JSON of a meta of the name space NOTIFY, "" of others.
func (g Got) Notify() string {
	if g.Meta.GetNs() != pb.Meta_NOTIFY {
		return ""
	}
	return string(g.Meta.GetPayload())
}

// Text is the text of a message, "" of other things.
func (g Got) Text() string {
	for _, c := range g.Body().GetContents() {
		return c.GetText()
	}
	return ""
}

// decode reads the payload of a meta; of another name space it is empty.
func decode[M proto.Message](g Got, ns pb.Meta_NameSpace, m M) M {
	if g.Meta.GetNs() == ns && g.Meta.Ns != nil {
		if err := proto.Unmarshal(g.Meta.GetPayload(), m); err != nil {
			panic(err) // the server made what cannot be read: fails the test
		}
	}
	return m
}

// each calls fn with the fields of a message.
func each(b []byte, fn func(n protowire.Number, v uint64, data []byte)) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		var v uint64
		var data []byte
		switch typ {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			data, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		fn(num, v, data)
	}
	return nil
}

// downlink is a CommSyncDL, undecoded.
type downlink struct {
	status              []byte
	metaID, serverID    uint64
	metas               [][]byte
	nextKey, timestamp  uint64
	queue               []byte
	isLast, statusGiven bool
}

func (d *downlink) read(b []byte) error {
	return each(b, func(n protowire.Number, v uint64, data []byte) {
		switch n {
		case 1:
			d.status, d.statusGiven = data, true
		case 2:
			d.metaID = v
		case 3:
			d.serverID = v
		case 4:
			d.metas = append(d.metas, data)
		case 5:
			d.nextKey = v
		case 6:
			d.queue = data
		case 7:
			d.isLast = v != 0
		case 8:
			d.timestamp = v
		}
	})
}

// handle does with a message what the SDK does.
func (c *Client) handle(data []byte) error {
	var command pb.MSync_Command
	var payload []byte
	err := each(data, func(n protowire.Number, v uint64, data []byte) {
		switch n {
		case 8:
			command = pb.MSync_Command(v)
		case 9:
			payload = data
		}
	})
	if err != nil {
		return err
	}
	switch command {
	case pb.MSync_SYNC:
		d := downlink{metas: c.scratch[:0]}
		if err := d.read(payload); err != nil {
			return err
		}
		c.scratch = d.metas
		return c.sync(&d)
	case pb.MSync_NOTICE:
		return c.notice(payload)
	case pb.MSync_UNREAD:
		return c.pullUnread(payload)
	}
	return nil
}

// notice notes that a queue holds something, and pulls it if it is the only one.
func (c *Client) notice(payload []byte) error {
	var n pb.CommNotice
	if err := proto.Unmarshal(payload, &n); err != nil {
		return err
	}
	q := n.GetQueue()
	c.mu.Lock()
	known := c.rules.index(q.GetName()) >= 0
	own := q.GetClientResource() == c.granted && q.GetName() == c.cfg.User
	if !known && !own {
		c.rules.queues = append(c.rules.queues, marshal(q))
	}
	pull := !known && !own && len(c.rules.queues) == 1
	c.mu.Unlock()
	if !pull {
		return nil
	}
	return c.pull(marshal(q), 0)
}

// pullUnread pulls every queue that is listed, all at once.
func (c *Client) pullUnread(payload []byte) error {
	u := new(pb.CommUnreadDL)
	if err := proto.Unmarshal(payload, u); err != nil {
		return err
	}
	c.mu.Lock()
	c.unread = u
	c.unreads++
	c.changeLocked()
	c.mu.Unlock()
	for _, q := range u.GetUnread() {
		if err := c.pull(marshal(q.GetQueue()), 0); err != nil {
			return err
		}
	}
	if c.cfg.Quiet {
		return nil
	}
	statistic := &pb.Meta{Id: new(uint64(time.Now().UnixMilli())), Ns: pb.Meta_STATISTIC.Enum(),
		Payload: marshal(&pb.StatisticsBody{Operation: pb.StatisticsBody_INFORMATION.Enum()})}
	return c.Command(pb.MSync_SYNC, &pb.CommSyncUL{Meta: statistic})
}

// pull asks for a queue; a key acknowledges what came up to it.
func (c *Client) pull(queue []byte, key uint64) error {
	if c.cfg.Quiet {
		return nil
	}
	return c.pullQueue(queue, key)
}

func (c *Client) pullQueue(queue []byte, key uint64) error {
	var b []byte
	if key != 0 {
		b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), key)
	}
	b = protowire.AppendBytes(protowire.AppendTag(b, 3, protowire.BytesType), queue)
	return c.Write(&pb.MSync{Version: pb.MSync_MSYNC_V1.Enum(), Command: pb.MSync_SYNC.Enum(), EncryptType: []pb.EncryptType{0}, Payload: b})
}

// sync takes an acknowledgement or metas. Every downlink with a meta id is an acknowledgement, and its metas do not count as messages.
func (c *Client) sync(d *downlink) error {
	if d.metaID != 0 {
		return c.acknowledged(d)
	}
	if len(d.metas) > 0 && d.queue == nil {
		return errors.New("metas without a queue: the SDK drops them")
	}
	for _, m := range d.metas {
		if err := c.take(d.queue, m); err != nil {
			return err
		}
	}
	queue, key := c.afterSync(d)
	if queue == nil {
		return nil
	}
	return c.pull(queue, key)
}

// afterSync is what to ask for next: nil for nothing.
func (c *Client) afterSync(d *downlink) (queue []byte, key uint64) {
	if d.queue == nil || !d.isLast && d.nextKey == 0 {
		return nil, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.rules
	switch {
	case d.isLast && len(d.metas) > 0: // it looks for the queue under the wrong name and keeps it
	case d.isLast:
		r.drop(nameOf(d.queue))
	case d.nextKey != r.lastKey || nameOf(d.queue) != r.lastName:
		r.lastKey, r.lastName = d.nextKey, nameOf(d.queue)
		return d.queue, d.nextKey
	default:
		r.drop(nameOf(d.queue))
		r.stopped = true
	}
	if len(r.queues) > 0 {
		return r.queues[0], 0
	}
	return nil, 0
}

// take keeps a meta, unless it is a message that was seen.
func (c *Client) take(queue, meta []byte) error {
	var id uint64
	var ns pb.Meta_NameSpace
	err := each(meta, func(n protowire.Number, v uint64, _ []byte) {
		switch n {
		case 1:
			id = v
		case 5:
			ns = pb.Meta_NameSpace(v)
		}
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	repeated := ns == pb.Meta_CHAT && c.rules.saw(id)
	if repeated {
		c.repeats++
	}
	c.mu.Unlock()
	if repeated {
		return known(meta)
	}
	if c.cfg.Each != nil {
		c.cfg.Each(queue, meta)
		return nil
	}
	g := Got{new(pb.JID), new(pb.Meta)}
	if err := errors.Join(proto.Unmarshal(queue, g.Queue), proto.Unmarshal(meta, g.Meta)); err != nil {
		return err
	}
	if c.ownInChatroom(g) {
		return nil
	}
	if c.cfg.Keep == nil || c.cfg.Keep(g) {
		c.mu.Lock()
		c.got = append(c.got, g)
		c.changeLocked()
		c.mu.Unlock()
	}
	return c.receipt(g)
}

// known drops a message that was seen.
func known(meta []byte) error {
	var m pb.Meta
	if err := proto.Unmarshal(meta, &m); err != nil {
		return err
	}
	if len(Got{Meta: &m}.Body().GetContents()) == 0 {
		return errors.New("a message without a content came again: the SDK throws and tells nobody what came with it")
	}
	return nil
}

// ownInChatroom reports a message that this very client sent to a chatroom.
func (c *Client) ownInChatroom(g Got) bool {
	from := g.Meta.GetFrom()
	return g.Meta.GetNs() == pb.Meta_CHAT && from.GetName() == c.cfg.User && from.GetClientResource() == c.Resource() &&
		g.Body().GetType() == pb.MessageBody_CHATROOM
}

// receipt tells the sender of a message that it arrived.
func (c *Client) receipt(g Got) error {
	if !c.cfg.Delivery || g.Meta.GetNs() != pb.Meta_CHAT || g.Body().GetType() != pb.MessageBody_CHAT || g.Meta.GetFrom().GetName() == c.cfg.User {
		return nil
	}
	_, err := c.Post(Message{To: ToUser(g.Meta.GetFrom().GetName()),
		Body: &pb.MessageBody{Type: pb.MessageBody_DELIVER_ACK.Enum(), AckMessageId: g.Meta.Id}})
	return err
}

func (r *rules) index(name string) int {
	return slices.IndexFunc(r.queues, func(q []byte) bool { return nameOf(q) == name })
}

func (r *rules) drop(name string) {
	if i := r.index(name); i >= 0 {
		r.queues = slices.Delete(r.queues, i, i+1)
	}
}

// saw notes an id and reports whether it was among the last.
func (r *rules) saw(id uint64) bool {
	switch {
	case slices.Contains(r.seen, id):
		return true
	case len(r.seen) < remembered:
		r.seen = append(r.seen, id)
	default:
		r.seen[r.next] = id
		r.next = (r.next + 1) % remembered
	}
	return false
}

// nameOf is the name in a JID.
func nameOf(jid []byte) (name string) {
	_ = each(jid, func(n protowire.Number, _ uint64, data []byte) { // what is not a JID has no name
		if n == 2 {
			name = string(data)
		}
	})
	return name
}
