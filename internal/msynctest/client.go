// Package msynctest is a client of the official SDKs' protocol, for tests and the benchmark: what it sends, and how it
// pulls, acknowledges and drops what it has seen, is what SDK 4.21.1 does (wire/msync.md §2 to §7, §12).
package msynctest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"teahouse/internal/msync/pb"
)

// Domains of the names of users, and of groups and chatrooms.
const (
	UserDomain = "easemob.com"
	RoomDomain = "conference.easemob.com"
)

// Config is who connects where. A zero field has its default.
type Config struct {
	URL      string // ws://host:port/websocket, or http://host:port/ws for SockJS, the form of SDKs up to 4.8
	App      string // org#app
	User     string
	Token    string
	Password string // instead of a token
	Resource string // default "webim_web_1"
	Says     string // to the client whose place it takes
	FirstID  uint64 // the first local id; default: by the clock, as the SDK counts
	Actions  string // the version of what it understands; default "v5.2", that of SDK 4.21

	// NetDial opens the connection; default: TCP. A test in memory returns one end of a net.Pipe.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)

	Manual   bool // nothing reads but Recv, and methods that wait for an answer
	Text     bool // base64 in text frames, as mini-programs send and expect
	Quiet    bool // neither asks what waits nor pulls nor acknowledges by itself
	Delivery bool // sends a receipt for every message of another user, as the SDK's option delivery does

	// Keep tells which of the metas are kept for Got and those that wait; nil: all.
	Keep func(Got) bool

	// Each is given every meta instead of it being kept, undecoded, with the JID of its queue. Both are good until it returns. It is
	// called by whoever reads. Own messages to chatrooms, which the SDK drops, come too.
	Each func(queue, meta []byte)

	// Raw is given every message that comes while the client reads by itself, and nothing else is done with it: what it costs is
	// up to a benchmark. The bytes are good until it returns.
	Raw func(message []byte)
}

// Client is one client. Its methods may be called by several goroutines, Recv and methods that wait by one only if
// Config.Manual is set.
type Client struct {
	cfg    Config
	socket *socket

	mu      sync.Mutex
	changed chan struct{}   // guarded by mu: closed when anything below changes; nil: nobody waits
	ended   error           // guarded by mu: why the reading ended
	got     []Got           // guarded by mu
	acks    map[uint64]*Ack // guarded by mu: what was sent, nil until it is answered
	unread  *pb.CommUnreadDL
	unreads int    // guarded by mu, as is unread: how many answers to UNREAD came
	repeats int    // guarded by mu
	nextID  uint64 // guarded by mu
	rules   rules  // guarded by mu
	granted string // guarded by mu: the resource

	scratch [][]byte      // of whoever reads
	done    chan struct{} // closed when the loop has ended; nil: no loop
}

// Refused is a failed provision.
type Refused struct {
	Code   pb.Status_ErrorCode
	Reason string
}

// Error tells the code and the reason.
func (e *Refused) Error() string { return fmt.Sprintf("provision refused: %v %q", e.Code, e.Reason) }

// Dial connects and provisions.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	c, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if _, err := c.Provision(ctx); err != nil {
		c.Kill()
		return nil, err
	}
	return c, nil
}

// Open connects and says nothing yet.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Resource == "" {
		cfg.Resource = "webim_web_1"
	}
	if cfg.FirstID == 0 {
		cfg.FirstID = uint64(time.Since(time.Date(2010, 2, 1, 0, 0, 0, 0, time.UTC)).Milliseconds())
	}
	c := &Client{cfg: cfg, nextID: cfg.FirstID, granted: cfg.Resource}
	var err error
	c.socket, err = connect(ctx, cfg)
	return c, err
}

// Reconnect drops the connection if there is one, connects and provisions again. What the SDK keeps over that is kept: the metas it
// has seen, its list of queues and the last key. What was not acknowledged is answered with ErrLost.
func (c *Client) Reconnect(ctx context.Context) error {
	c.Kill()
	socket, err := connect(ctx, c.cfg)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.socket, c.ended, c.done, c.rules.stopped = socket, nil, nil, false
	c.mu.Unlock()
	_, err = c.Provision(ctx)
	return err
}

// Provision logs in. After it a client that is not Manual reads by itself, and one that is not Quiet asks what waits. Errors: *Refused.
func (c *Client) Provision(ctx context.Context) (*pb.Provision, error) {
	if err := c.Write(c.provisioning()); err != nil {
		return nil, err
	}
	for {
		m, err := c.receive(ctx)
		if err != nil {
			return nil, err
		}
		if m.GetCommand() != pb.MSync_PROVISION {
			continue // what came early was taken note of
		}
		var p pb.Provision
		if err := proto.Unmarshal(m.GetPayload(), &p); err != nil {
			return nil, err
		}
		if p.Status == nil {
			return nil, errors.New("the answer to a provision has no status")
		}
		if code := p.GetStatus().GetErrorCode(); code != pb.Status_OK {
			return &p, &Refused{code, p.GetStatus().GetReason()}
		}
		c.mu.Lock()
		c.granted = p.GetResource()
		c.mu.Unlock()
		if !c.cfg.Manual {
			c.Listen()
		}
		if !c.cfg.Quiet {
			err = c.Command(pb.MSync_UNREAD, &pb.CommUnreadUL{})
		}
		return &p, err
	}
}

func (c *Client) provisioning() *pb.MSync {
	ms := strconv.FormatInt(time.Now().UnixMilli(), 10)
	p := &pb.Provision{
		OsType: pb.Provision_OS_OTHER.Enum(), Version: new("4.21.1"), Resource: &c.cfg.Resource, DeviceUuid: new("web_" + ms), DeviceName: new("webim"),
		ActionVersion: new(cmp.Or(c.cfg.Actions, "v5.2")), SessionId: new(ms + ":"), CompressType: []pb.Provision_CompressType{0}, EncryptType: []pb.EncryptType{0},
		ProtocolCompressType: []pb.Provision_CompressType{pb.Provision_COMPRESS_LZ4},
	}
	m := &pb.MSync{Command: pb.MSync_PROVISION.Enum(), Guid: c.jid()}
	if c.cfg.Token != "" {
		auth := "$t$" + c.cfg.Token
		m.Auth, p.AuthToken = &auth, new(`{"token":"`+auth+`"}`)
		if c.socket.sockjs {
			p.Auth = &auth
		}
	}
	if c.cfg.Says != "" {
		p.Reason = &c.cfg.Says
	}
	if c.cfg.Password != "" {
		p.Password = &c.cfg.Password
	}
	m.Payload = marshal(p)
	return m
}

// jid is the client's own.
func (c *Client) jid() *pb.JID {
	return &pb.JID{AppKey: &c.cfg.App, Name: &c.cfg.User, Domain: new(UserDomain), ClientResource: new(c.Resource())}
}

// Resource is the one that the server granted.
func (c *Client) Resource() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.granted
}

// Listen lets the client read by itself from now on, as those that are not Manual do after the provision.
func (c *Client) Listen() {
	c.cfg.Manual = false
	c.done = make(chan struct{})
	go c.loop(c.socket, c.done)
}

// loop reads until the connection ends.
func (c *Client) loop(s *socket, done chan struct{}) {
	defer close(done)
	for c.cfg.Raw != nil {
		data, err := s.read()
		if err != nil {
			c.end(s, err)
			return
		}
		c.cfg.Raw(data)
	}
	for {
		if _, err := c.step(s, false); err != nil {
			return
		}
	}
}

// Recv reads one message and does with it what the SDK does. Only for clients that are Manual. Errors: *Closed when the server
// said goodbye.
func (c *Client) Recv(ctx context.Context) (*pb.MSync, error) {
	if !c.cfg.Manual {
		return nil, errors.New("this client reads by itself")
	}
	return c.receive(ctx)
}

// Next reads one message of a client that has not signed in or is Manual. Errors: as of Recv.
func (c *Client) Next(ctx context.Context) (*pb.MSync, error) {
	if c.done != nil {
		return nil, errors.New("this client reads by itself")
	}
	return c.receive(ctx)
}

// receive reads until the context's deadline.
func (c *Client) receive(ctx context.Context) (*pb.MSync, error) {
	deadline, _ := ctx.Deadline()
	_ = c.socket.conn.SetReadDeadline(deadline) // when the server has hung up, what it said before is still to be read
	m, err := c.step(c.socket, true)
	_ = c.socket.conn.SetReadDeadline(time.Time{}) // as above
	return m, err
}

// step reads one message, acts on it, and returns it if it is wanted.
func (c *Client) step(s *socket, wanted bool) (*pb.MSync, error) {
	data, err := s.read()
	if err == nil {
		if err = c.handle(data); errors.Is(err, io.ErrClosedPipe) { // hung up: what was said before is still to be read
			err = nil
		}
	}
	if err != nil {
		c.end(s, err)
		return nil, err
	}
	if !wanted {
		return nil, nil
	}
	m := new(pb.MSync)
	return m, proto.Unmarshal(data, m)
}

func (c *Client) end(s *socket, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s != c.socket || c.ended != nil {
		return
	}
	c.ended = err
	for id, ack := range c.acks {
		if ack == nil {
			c.acks[id] = &Ack{Lost: true}
		}
	}
	c.changeLocked()
}

// changeLocked wakes who waits.
func (c *Client) changeLocked() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// until waits until the condition holds, and reads meanwhile if the client is Manual. The condition may not call methods of the
// client. Errors: the context's; why the connection ended, if it does first.
func (c *Client) until(ctx context.Context, holdsLocked func() bool) error {
	for {
		c.mu.Lock()
		holds, ended := holdsLocked(), c.ended
		if !holds && ended == nil && c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		switch {
		case holds:
			return nil
		case ended != nil:
			return ended
		case c.cfg.Manual:
			if _, err := c.receive(ctx); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Write sends a message as it is.
func (c *Client) Write(m *pb.MSync) error { return c.socket.write(marshal(m)) }

// WriteBytes sends what need not be a message.
func (c *Client) WriteBytes(data []byte) error { return c.socket.write(data) }

// Conn is the connection below the frames, for tests that break it.
func (c *Client) Conn() net.Conn { return c.socket.conn }

// Command sends a command.
func (c *Client) Command(cmd pb.MSync_Command, payload proto.Message) error {
	return c.Write(&pb.MSync{Version: pb.MSync_MSYNC_V1.Enum(), Command: &cmd, DeviceId: new(uint32), EncryptType: []pb.EncryptType{0}, Payload: marshal(payload)})
}

// Unread asks what waits, as heartbeats do, and returns the answer.
func (c *Client) Unread(ctx context.Context) (*pb.CommUnreadDL, error) {
	c.mu.Lock()
	before := c.unreads
	c.mu.Unlock()
	if err := c.Command(pb.MSync_UNREAD, &pb.CommUnreadUL{}); err != nil {
		return nil, err
	}
	var answer *pb.CommUnreadDL
	err := c.until(ctx, func() bool { answer = c.unread; return c.unreads > before })
	return answer, err
}

// Logout says goodbye and closes.
func (c *Client) Logout() error {
	err := c.Command(pb.MSync_LOGOUT, &pb.Logout{SessionId: new("1:"), Reason: new("inner:logout")})
	return errors.Join(err, c.Close())
}

// Close ends the connection with a closing frame and waits for the loop.
func (c *Client) Close() error {
	err := c.socket.goodbye()
	c.Kill()
	return err
}

// Kill drops the connection without a word, and waits for the loop.
func (c *Client) Kill() {
	_ = c.socket.conn.Close() // it may be closed already
	if c.done != nil {
		<-c.done
	}
	c.end(c.socket, net.ErrClosed)
}

// Over reports whether the connection has ended.
func (c *Client) Over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended != nil
}

// Ended waits for the end of the connection and returns why it ended: a *Closed when the server said it.
func (c *Client) Ended(ctx context.Context) error {
	err := c.until(ctx, func() bool { return false })
	var closed *Closed
	if errors.As(err, &closed) {
		return closed
	}
	return err
}

func marshal(m proto.Message) []byte {
	data, err := proto.Marshal(m)
	if err != nil {
		panic(err) // text that is not UTF-8: a mistake of the test
	}
	return data
}
