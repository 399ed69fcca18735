package msynctest_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

const app = "demo#chat"

// server is the other end of one connection: a test plays it by hand.
type server struct {
	t      *testing.T
	conn   net.Conn
	in     *bufio.Reader
	sockjs bool
}

// dial returns what a client is configured with to come to the server that came returns.
func dial(t *testing.T, cfg msynctest.Config) (msynctest.Config, func() *server) {
	ends := make(chan net.Conn, 2)
	cfg.App, cfg.User, cfg.Token = app, "alice", "secret"
	if cfg.URL == "" {
		cfg.URL = "ws://teahouse/websocket"
	}
	cfg.NetDial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		ends <- theirs
		return ours, nil
	}
	return cfg, func() *server {
		s := &server{t: t, conn: <-ends}
		s.in = bufio.NewReader(s.conn)
		t.Cleanup(func() { _ = s.conn.Close() })
		_, err := ws.Upgrade(struct {
			io.Reader
			io.Writer
		}{s.in, s.conn})
		if err != nil {
			t.Error(err)
		}
		return s
	}
}

func (s *server) send(op ws.OpCode, data []byte) {
	s.t.Helper()
	if _, err := s.conn.Write(ws.MustCompileFrame(ws.NewFrame(op, true, data))); err != nil { // one write: a pipe waits for readers of nothing
		s.t.Error(err)
	}
}

// say sends a command.
func (s *server) say(command pb.MSync_Command, payload proto.Message) {
	s.t.Helper()
	data := marshal(s.t, &pb.MSync{Command: &command, Payload: marshal(s.t, payload)})
	if s.sockjs {
		s.send(ws.OpText, []byte(`a["`+base64.StdEncoding.EncodeToString(data)+`"]`))
		return
	}
	s.send(ws.OpBinary, data)
}

// hear reads the next message.
func (s *server) hear() *pb.MSync {
	s.t.Helper()
	f, err := msynctest.ReadFrame(s.in)
	if err != nil {
		s.t.Error(err)
		return nil
	}
	data := ws.UnmaskFrameInPlace(f).Payload
	if s.sockjs {
		var texts []string
		if err := json.Unmarshal(data, &texts); err != nil || len(texts) != 1 {
			s.t.Errorf("heard %q: %v", data, err)
		}
		if data, err = base64.StdEncoding.DecodeString(texts[0]); err != nil {
			s.t.Error(err)
		}
	}
	m := new(pb.MSync)
	if err := proto.Unmarshal(data, m); err != nil {
		s.t.Error(err)
	}
	return m
}

// hearSync reads the next SYNC.
func (s *server) hearSync() *pb.CommSyncUL {
	s.t.Helper()
	m := s.hear()
	if m.GetCommand() != pb.MSync_SYNC {
		s.t.Errorf("heard %v, want a SYNC", m.GetCommand())
	}
	up := new(pb.CommSyncUL)
	if err := proto.Unmarshal(m.GetPayload(), up); err != nil {
		s.t.Error(err)
	}
	return up
}

// wantPull reads the next SYNC and wants that it asks for a queue.
func (s *server) wantPull(queue string, key uint64) {
	s.t.Helper()
	if up := s.hearSync(); up.GetQueue().GetName() != queue || up.GetKey() != key {
		s.t.Errorf("pulled %q with key %d, want %q with %d", up.GetQueue().GetName(), up.GetKey(), queue, key)
	}
}

// provision lets the client in.
func (s *server) provision() *pb.MSync {
	s.t.Helper()
	m := s.hear()
	s.say(pb.MSync_PROVISION, &pb.Provision{Status: &pb.Status{}, Resource: new("granted")})
	return m
}

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Error(err)
	}
	return data
}

func user(name string) *pb.JID { return msynctest.ToUser(name).JID(app) }

func text(t *testing.T, id uint64, words string) *pb.Meta {
	body := &pb.MessageBody{Type: pb.MessageBody_CHAT.Enum(), Contents: []*pb.MessageBody_Content{msynctest.Text(words)}}
	return &pb.Meta{Id: &id, From: user("bob"), To: user("alice"), Ns: pb.Meta_CHAT.Enum(), Payload: marshal(t, body)}
}

// open lets a client in, and returns both ends.
func open(t *testing.T, cfg msynctest.Config) (*msynctest.Client, *server) {
	t.Helper()
	cfg, came := dial(t, cfg)
	served := make(chan *server, 1)
	go func() {
		s := came()
		if s.sockjs = cfg.URL[0] == 'h'; s.sockjs {
			s.send(ws.OpText, []byte("o"))
		}
		s.provision()
		served <- s
		if !cfg.Quiet {
			if m := s.hear(); m.GetCommand() != pb.MSync_UNREAD {
				t.Errorf("after the provision: %v", m)
			}
		}
		close(served)
	}()
	c, err := msynctest.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	s := <-served
	<-served
	return c, s
}

func wantTexts(t *testing.T, got []msynctest.Got, want ...string) {
	t.Helper()
	var texts []string
	for _, g := range got {
		texts = append(texts, g.Text())
	}
	if !slices.Equal(texts, want) {
		t.Errorf("came %q, want %q", texts, want)
	}
}

func TestProvision(t *testing.T) {
	cfg, came := dial(t, msynctest.Config{Quiet: true, Resource: "r1"})
	heard := make(chan *pb.MSync, 1)
	go func() { heard <- came().provision() }()
	c, err := msynctest.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Kill()
	m := <-heard
	var p pb.Provision
	if err := proto.Unmarshal(m.GetPayload(), &p); err != nil {
		t.Fatal(err)
	}
	if m.GetAuth() != "$t$secret" || m.GetGuid().GetName() != "alice" || m.GetGuid().GetAppKey() != app || p.GetResource() != "r1" || p.GetAuthToken() != `{"token":"$t$secret"}` {
		t.Errorf("said %v with %v", m, &p)
	}
	if c.Resource() != "granted" {
		t.Errorf("the resource is %q", c.Resource())
	}
}

func TestRefused(t *testing.T) {
	cfg, came := dial(t, msynctest.Config{})
	go func() {
		s := came()
		s.hear()
		s.say(pb.MSync_PROVISION, &pb.Provision{Status: &pb.Status{ErrorCode: pb.Status_FAIL.Enum(), Reason: new("Sorry, token expired")}})
	}()
	_, err := msynctest.Dial(t.Context(), cfg)
	var refused *msynctest.Refused
	if !errors.As(err, &refused) || refused.Code != pb.Status_FAIL || refused.Reason != "Sorry, token expired" {
		t.Errorf("got %v", err)
	}
}

// TestPull drains two queues that UNREAD lists, with keys, and one that a notice announces.
func TestPull(t *testing.T) {
	c, s := open(t, msynctest.Config{})
	bob, carol := user("bob"), user("carol")
	s.say(pb.MSync_UNREAD, &pb.CommUnreadDL{Status: &pb.Status{}, Unread: []*pb.MetaQueue{{Queue: bob, N: new(uint32(2))}, {Queue: carol, N: new(uint32(1))}}})
	s.wantPull("bob", 0)
	s.wantPull("carol", 0)
	if up := s.hearSync(); up.GetMeta().GetNs() != pb.Meta_STATISTIC {
		t.Errorf("after the pulls: %v", up)
	}
	s.say(pb.MSync_SYNC, &pb.CommSyncDL{Queue: bob, Metas: []*pb.Meta{text(t, 1, "one"), text(t, 2, "two")}, NextKey: new(uint64(2))})
	s.wantPull("bob", 2)
	s.say(pb.MSync_SYNC, &pb.CommSyncDL{Queue: bob, IsLast: new(true)})
	s.say(pb.MSync_NOTICE, &pb.CommNotice{Queue: carol})
	s.wantPull("carol", 0)
	s.say(pb.MSync_NOTICE, &pb.CommNotice{Queue: bob}) // a pull is running
	s.say(pb.MSync_NOTICE, &pb.CommNotice{Queue: bob}) // on the list already
	s.say(pb.MSync_SYNC, &pb.CommSyncDL{Queue: carol, IsLast: new(true)})
	s.wantPull("bob", 0)
	s.say(pb.MSync_SYNC, &pb.CommSyncDL{Queue: bob, Metas: []*pb.Meta{text(t, 2, "two"), text(t, 3, "three")}, NextKey: new(uint64(3))})
	s.wantPull("bob", 3)
	s.say(pb.MSync_SYNC, &pb.CommSyncDL{Queue: bob, NextKey: new(uint64(3))}) // the same key ends the pull
	s.say(pb.MSync_NOTICE, &pb.CommNotice{Queue: bob})
	s.wantPull("bob", 0)
	wantTexts(t, c.Got(), "one", "two", "three")
	if c.Repeats() != 1 || !c.Stopped() {
		t.Errorf("%d repeats, stopped: %v; want 1, true", c.Repeats(), c.Stopped())
	}
}

// TestForgets shows that a message comes twice when a hundred others came between.
func TestForgets(t *testing.T) {
	c, s := open(t, msynctest.Config{})
	push := func(id uint64) {
		s.say(pb.MSync_SYNC, &pb.CommSyncDL{Queue: user("bob"), Metas: []*pb.Meta{text(t, id, fmt.Sprint(id))}, IsLast: new(true)})
	}
	for id := range uint64(101) {
		push(id + 1)
	}
	push(2)
	push(1)
	if _, err := c.Wait(t.Context(), 102); err != nil {
		t.Fatal(err)
	}
	if got := c.Got(); len(got) != 102 || got[101].Text() != "1" || c.Repeats() != 1 {
		t.Errorf("%d came and %d were repeats", len(got), c.Repeats())
	}
}

func TestSend(t *testing.T) {
	c, s := open(t, msynctest.Config{FirstID: 7, Quiet: true})
	go func() {
		up := s.hearSync()
		if m := up.GetMeta(); m.GetId() != 7 || m.GetTo().GetName() != "r1" || m.GetTo().GetDomain() != msynctest.RoomDomain {
			t.Errorf("sent %v", m)
		}
		s.send(ws.OpPing, nil)
		if f, err := msynctest.ReadFrame(s.in); err != nil || f.Header.OpCode != ws.OpPong {
			t.Errorf("answered a ping with %v, %v", f.Header, err)
		}
		s.say(pb.MSync_SYNC, &pb.CommSyncDL{Status: &pb.Status{ErrorCode: pb.Status_USER_MUTED.Enum(), Reason: new("muted")}, MetaId: new(uint64(7))})
		s.hearSync()
		s.send(ws.OpClose, ws.NewCloseFrameBody(4001, "enough"))
	}()
	ack, err := c.Send(t.Context(), msynctest.ToRoom("r1"), msynctest.Text("hello"))
	if err != nil || ack.Code != pb.Status_USER_MUTED || ack.Reason != "muted" || ack.NoStatus {
		t.Errorf("got %+v, %v", ack, err)
	}
	if _, err := c.Send(t.Context(), msynctest.ToRoom("r1"), msynctest.Text("again")); !errors.Is(err, msynctest.ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
	var closed *msynctest.Closed
	if err := c.Ended(t.Context()); !errors.As(err, &closed) || closed.Code != 4001 || closed.Reason != "enough" {
		t.Errorf("ended with %v", err)
	}
}

// TestReconnect keeps the last key, as the SDK does: a batch that ends where the last one ended is neither acknowledged nor continued.
func TestReconnect(t *testing.T) {
	cfg, came := dial(t, msynctest.Config{Quiet: false})
	heard := make(chan *pb.CommSyncUL, 1)
	go func() {
		for range 2 {
			s := came()
			s.provision()
			s.hear()
			s.say(pb.MSync_SYNC, &pb.CommSyncDL{Queue: user("bob"), Metas: []*pb.Meta{text(t, 5, "five")}, NextKey: new(uint64(5))})
			go s.say(pb.MSync_UNREAD, &pb.CommUnreadDL{Status: &pb.Status{}}) // is answered with statistics
			up := s.hearSync()
			if up.GetMeta() == nil {
				s.hearSync()
			}
			heard <- up
		}
	}()
	c, err := msynctest.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if up := <-heard; up.GetKey() != 5 {
		t.Errorf("the first time it should acknowledge: %v", up)
	}
	if err := c.Reconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer c.Kill()
	if up := <-heard; up.GetMeta() == nil {
		t.Errorf("the second time: %v", up)
	}
	wantTexts(t, c.Got(), "five")
}

func TestManual(t *testing.T) {
	c, s := open(t, msynctest.Config{Manual: true, Quiet: true})
	go s.say(pb.MSync_NOTICE, &pb.CommNotice{Queue: user("bob")})
	if m, err := c.Recv(t.Context()); err != nil || m.GetCommand() != pb.MSync_NOTICE {
		t.Errorf("got %v, %v", m, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	if _, err := c.Recv(ctx); err == nil {
		t.Error("nothing came, and no error")
	}
}

func TestSockJS(t *testing.T) {
	c, s := open(t, msynctest.Config{URL: "http://teahouse/ws"})
	s.send(ws.OpText, []byte("h"))
	s.say(pb.MSync_SYNC, &pb.CommSyncDL{Queue: user("bob"), Metas: []*pb.Meta{text(t, 1, "one")}, NextKey: new(uint64(1))})
	s.wantPull("bob", 1)
	s.send(ws.OpText, []byte(`c[3000,"Go away!"]`))
	var closed *msynctest.Closed
	if err := c.Ended(t.Context()); !errors.As(err, &closed) || closed.Code != 3000 {
		t.Errorf("ended with %v", err)
	}
	wantTexts(t, c.Got(), "one")
}
