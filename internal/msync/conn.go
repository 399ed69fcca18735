package msync

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// conn is one connection. A goroutine reads it, and handles what it has read on a stack of the crew: its own stays small.
type conn struct {
	srv    *Server
	ctx    context.Context //nolint:containedctx // of the server: a connection outlives the request it came with
	socket *socket
	line   *hub.Line
	form   form // written under endMu, by the reader
	fixed  bool // the form does not go by the first frame

	// Of who signed in. The reader sets them before the session is opened.
	caller  im.Caller
	self    im.Caller // the same, with the app's settings of now: of the reader alone
	token   string
	device  string
	since   im.MessageID // what was said before it signed in is not above it
	each    bool         // it reads no lists of who came and went
	beats   int
	session *hub.Session
	limits  limits

	live atomic.Bool // events are told; set under mu, with the answer to the sign-in
	pull sync.Mutex  // held while the inbox is read, by one at a time; before mu

	mu         sync.Mutex
	feeds      map[im.Address]*feed // guarded by mu, like the next three
	kept       int                  // how many feeds the last look for quiet ones left
	unanswered int                  // messages that were pushed and are not acknowledged
	fetching   bool

	endMu     sync.Mutex // after mu: a push under mu may find the line full
	ended     hub.Reason // guarded by endMu, like the next
	successor string     // what the connection says that takes this one's place
}

// read reads one message after the other and has it handled, until the connection ends.
func (c *conn) read() {
	defer c.srv.faults.Catch("connection", "", func() { c.leave(errFailed) })
	for {
		frame, text, err := c.socket.next(c.mostFrame())
		if err == nil {
			c.srv.crew.do(func() { err = c.handleFrame(frame, text) })
		}
		if err != nil {
			c.leave(err)
			return
		}
	}
}

// control answers a ping, and takes an answer, which stands for a heartbeat: who is at the other end is there and has nothing to say.
func (c *conn) control(op ws.OpCode, payload []byte) (err error) {
	switch {
	case !c.limits.frame(c.srv.service.Now()):
		return errFlood
	case op == ws.OpPing:
		c.line.Push(wsFrame(ws.OpPong, payload))
	case c.session != nil:
		c.srv.crew.do(func() { err = c.handlePong() })
	}
	return err
}

// handlePong is handleFrame for an answer to ask.
func (c *conn) handlePong() (err error) {
	defer c.srv.faults.Catch("connection", string(c.caller.User), func() { err = errFailed })
	c.line.Heard()
	if c.over() {
		return errOver
	}
	if err := c.beat(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offeredLocked() // there is no answer to list them in: next time they are pushed
	c.fetchLocked()
	return nil
}

// ask asks the client whether it is there: what runs it answers. SDKs have no heartbeat while something comes (wire/msync.md §12), and
// need not say anything to what comes in chatrooms.
func (c *conn) ask() { c.line.Push(wsFrame(ws.OpPing, nil)) }

// mostFrame bounds the next message.
func (c *conn) mostFrame() int {
	if c.session == nil {
		return mostGreeting
	}
	return mostFrame
}

// handleFrame handles one message. An error ends the connection.
func (c *conn) handleFrame(frame []byte, text bool) (err error) {
	defer c.srv.faults.Catch("connection", string(c.caller.User), func() { err = errFailed })
	c.line.Heard()
	if c.over() {
		return errOver
	}
	return c.take(frame, text)
}

// take handles what one frame holds.
func (c *conn) take(frame []byte, text bool) error {
	if !c.fixed {
		c.fixed = true
		if text {
			c.endMu.Lock()
			c.form = textForm
			c.endMu.Unlock()
		}
	}
	if text == (c.form == binaryForm) {
		return errForm
	}
	messages := c.form.messages(frame)
	if len(messages) == 0 {
		return errForm
	}
	for _, message := range messages {
		var m pb.MSync
		if err := proto.Unmarshal(message, &m); err != nil {
			return errForm
		}
		if err := c.handle(&m); err != nil {
			return err
		}
	}
	return nil
}

// Errors that end a connection.
var (
	errForm      = errors.New("not a message of the protocol")
	errTwice     = errors.New("signed in twice")
	errFlood     = errors.New("more than a client may send")
	errRefused   = errors.New("not signed in")
	errLoggedOut = errors.New("logged out")
	errFailed    = errors.New("a fault of the server")
	errOver      = errors.New("said after the last words")
)

// handle does what one message asks for.
func (c *conn) handle(m *pb.MSync) error {
	if !c.limits.frame(c.srv.service.Now()) {
		return errFlood
	}
	if c.session == nil {
		if m.GetCommand() != pb.MSync_PROVISION {
			return c.unknown(m)
		}
		return c.provision(m)
	}
	switch m.GetCommand() {
	case pb.MSync_SYNC:
		return c.sync(m)
	case pb.MSync_UNREAD:
		return c.unread()
	case pb.MSync_LOGOUT:
		c.line.Push(c.form.frame(marshal(pb.MSync_LOGOUT, &pb.Logout{Status: okStatus()})))
		return errLoggedOut
	case pb.MSync_PROVISION:
		return errTwice
	}
	return errForm
}

func okStatus() *pb.Status { return &pb.Status{ErrorCode: pb.Status_OK.Enum()} }

// unknown answers who has not signed in.
func (c *conn) unknown(m *pb.MSync) error {
	var up pb.CommSyncUL
	if m.GetCommand() == pb.MSync_SYNC && proto.Unmarshal(m.GetPayload(), &up) == nil && up.GetMeta() != nil {
		c.push(down{status: &pb.Status{ErrorCode: pb.Status_UNAUTHORIZED.Enum(), Reason: proto.String("not signed in")}, metaID: up.GetMeta().GetId()})
	}
	return errRefused
}

// key names the app, once somebody has signed in.
func (c *conn) key() im.AppKey {
	if c.caller.App == nil {
		return im.AppKey{}
	}
	return c.caller.App.Key
}

func (c *conn) push(d down) { c.line.Push(c.form.frame(d.append(nil, c.key()))) }

// leave ends the connection from its reading side.
func (c *conn) leave(err error) {
	reason := hub.Closed
	switch {
	case errors.Is(err, errLoggedOut):
		reason = hub.LoggedOut
	case errors.Is(err, errRefused):
		reason = hub.Refused
	case errors.Is(err, errFailed):
		reason = hub.Failed
	case errors.Is(err, errFlood):
		reason = hub.Flood
	case errors.Is(err, errForm), errors.Is(err, errFraming), errors.Is(err, errTooLarge), errors.Is(err, errTwice):
		reason = hub.Broken
	}
	goodbye, said := errors.Is(err, errGoodbye), c.over()
	if reason != hub.Closed || goodbye {
		c.finish(reason, err)
	}
	if c.over() && !(goodbye && said) {
		c.drain()
	}
	reason, _ = c.end(reason)
	c.live.Store(false)
	c.mu.Lock()
	c.feeds = nil
	c.mu.Unlock()
	if c.session != nil {
		c.session.Close(c.ctx)
	}
	c.line.Close(reason)
	c.srv.log.Debug("connection ended", "user", string(c.caller.User), "device", c.device, "reason", string(reason), "cause", err)
}

// over reports whether the last words are said: nothing that comes after them is done.
func (c *conn) over() bool {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	return c.ended != ""
}

// drain waits until the client has taken the last words and hung up, for as long as the line allows.
func (c *conn) drain() {
	for {
		if _, err := c.socket.in.Read(c.socket.buf[:]); err != nil {
			return
		}
	}
}

// End implements [hub.Receiver].
func (c *conn) End(r hub.Reason) { c.finish(r, nil) }

// Replaced implements [hub.Receiver].
func (c *conn) Replaced(by im.Connection) {
	c.endMu.Lock()
	c.successor = by.Says
	c.endMu.Unlock()
	c.finish(hub.Replaced, nil)
}

// end notes why the connection ends, and returns why it does; first tells that nothing ended it before.
func (c *conn) end(r hub.Reason) (reason hub.Reason, first bool) {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	if first = c.ended == ""; first {
		c.ended = r
	}
	return c.ended, first
}

// finish says the last words, once.
func (c *conn) finish(r hub.Reason, cause error) {
	if _, first := c.end(r); !first {
		return
	}
	if r == hub.Slow || r == hub.Idle { // who does not read needs no words
		c.line.Hang() // the reader notices
		return
	}
	c.endMu.Lock()
	form, says := c.form, c.successor // the reader may be at the first frame
	c.endMu.Unlock()
	var words [][]byte
	if op, ok := farewell(r); ok {
		words = append(words, c.farewell(op, says))
	}
	if form == sockForm {
		words = append(words, wsFrame(ws.OpText, []byte(`c[3000,"Go away!"]`)))
	}
	code, text := goodbye(r, cause)
	c.line.Part(append(words, wsFrame(ws.OpClose, ws.NewCloseFrameBody(code, text)))...)
}

// farewell is the operation that tells a client why it is thrown out, after which it does not come back by itself.
func farewell(r hub.Reason) (pb.StatisticsBody_Operation, bool) {
	switch r {
	case hub.Replaced:
		return pb.StatisticsBody_USER_LOGIN_ANOTHER_DEVICE, true
	case hub.Kicked:
		return pb.StatisticsBody_USER_KICKED_BY_OTHER_DEVICE, true
	case hub.Password:
		return pb.StatisticsBody_USER_KICKED_BY_CHANGE_PASSWORD, true
	case hub.Removed:
		return pb.StatisticsBody_USER_REMOVED, true
	}
	return 0, false
}

func (c *conn) farewell(op pb.StatisticsBody_Operation, says string) []byte {
	now := c.srv.service.Now()
	meta := pb.AppendStatistic(nil, c.caller.App.Key, c.caller.User, im.MessageIDAt(now), now, op, says)
	return c.form.frame(down{metas: [][]byte{meta}, queue: im.ToUser(c.caller.User), last: true}.append(nil, c.caller.App.Key))
}

// goodbye is the status of a WebSocket that ends, and why.
func goodbye(r hub.Reason, cause error) (ws.StatusCode, string) {
	switch {
	case errors.Is(cause, errTooLarge):
		return ws.StatusMessageTooBig, cause.Error()
	case r == hub.Broken:
		return ws.StatusProtocolError, cause.Error()
	case r == hub.Failed:
		return ws.StatusInternalServerError, errFailed.Error()
	case r == hub.Shutdown:
		return ws.StatusGoingAway, "the server stops"
	case r == hub.LoggedOut, r == hub.Closed:
		return ws.StatusNormalClosure, ""
	}
	return ws.StatusPolicyViolation, string(r)
}

// Deliver implements [hub.Receiver].
func (c *conn) Deliver(f *hub.Frame) {
	m := f.Event.Message
	switch {
	case m == nil:
		c.tell(f)
	case f.Event.Kind == im.MessageBroadcast:
		c.proclaim(*m)
	case m.To.Kind == im.Chatroom:
		if c.meant(m) {
			c.pass(f, m, m.To, m.Level)
		}
	case !m.Online:
		c.hear(f, m)
	case c.meant(m): // it is in no order
		c.pass(f, m, m.Conversation().With(c.caller.User), im.HighLevel)
	}
}

// meant reports whether a message that stands in no inbox is for this device.
func (c *conn) meant(m *im.Message) bool {
	switch {
	case m.To.User == c.caller.User && m.ToDevice != "" && m.ToDevice != c.device:
		return false
	case m.From == c.caller.User:
		return m.Echo && m.Device != c.device
	}
	return len(m.Only) == 0 || slices.Contains(m.Only, c.caller.User)
}

// listens reports whether events are told: from the moment at which the client was told that it is signed in.
func (c *conn) listens() bool {
	if c.live.Load() {
		return true
	}
	c.mu.Lock() // the client may be told just now
	defer c.mu.Unlock()
	return c.live.Load()
}

// pass pushes a message that stands in no inbox.
func (c *conn) pass(f *hub.Frame, m *im.Message, queue im.Address, level im.Level) {
	if !c.listens() {
		return
	}
	app := c.caller.App.Key
	wire := f.Wire(hub.Form{Protocol: c.form.protocol(), User: queue.User}, func() []byte {
		return c.form.frame(down{metas: [][]byte{c.srv.meta(app, m, true)}, queue: queue, last: true}.append(nil, app))
	})
	if wire != nil {
		c.line.PushLevel(wire, level)
	}
}

// proclaim pushes a message for everybody who is connected, to each as if it were for them alone.
func (c *conn) proclaim(m im.Message) {
	if !c.listens() {
		return
	}
	m.To = im.ToUser(c.caller.User)
	if meta := c.meta(&m); meta != nil {
		d := down{metas: [][]byte{meta}, queue: im.ToUser(m.From), last: true}
		c.line.PushLevel(c.form.frame(d.append(nil, c.caller.App.Key)), im.HighLevel)
	}
}

// meta is a message in the client's form; nil when a fault keeps it from being one, which is told in the log.
func (c *conn) meta(m *im.Message) []byte {
	defer c.srv.faults.Catch("encoding", "message "+m.ID.String(), nil)
	return c.srv.meta(c.caller.App.Key, m, m.ID > c.since)
}

// tell pushes an event that is not a message.
func (c *conn) tell(f *hub.Frame) {
	const crowd = 100 // names among which nobody looks for their own
	if !c.listens() {
		return
	}
	e, app := f.Event, c.caller.App.Key
	form := hub.Form{Protocol: c.form.protocol()}
	if c.each {
		form.Variant = 1
	}
	if len(e.Users) <= crowd {
		for _, u := range e.Users {
			if u == c.caller.User {
				form.User = u
			}
		}
	}
	queue := im.ToRoom(e.RoomKind, e.Room)
	if e.Room == "" {
		queue = im.ToUser(c.caller.User)
	}
	wire := f.Wire(form, func() []byte {
		metas := pb.EventMetas(app, f.ID, e, form.User, c.each)
		if len(metas) == 0 {
			return nil
		}
		return c.form.frame(down{metas: metas, queue: queue, last: true}.append(nil, app))
	})
	switch {
	case wire == nil:
	case e.RoomKind == im.Chatroom && (e.Kind == im.MembersJoined || e.Kind == im.MembersLeft):
		c.line.PushLevel(wire, im.NormalLevel)
	default:
		c.line.Push(wire)
	}
}
