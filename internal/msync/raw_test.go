package msync_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

func manual(c *msynctest.Config) { c.Manual = true }
func sockJS(c *msynctest.Config) { c.URL = "http://teahouse/ws" }
func text(c *msynctest.Config)   { c.Text = true }

// deaf is a bus that nobody hears.
type deaf struct{}

func (deaf) Publish(context.Context, im.Event) error            { return nil }
func (deaf) Subscribe(im.Topic, func(im.Event)) (func(), error) { return func() {}, nil }
func (deaf) Ping(context.Context) error                         { return nil }
func unmarshal(m *pb.MSync, into proto.Message) error           { return proto.Unmarshal(m.GetPayload(), into) }

// recv reads the next message of a client that is read by hand, or has not signed in.
func recv(w *world, c *msynctest.Client) *pb.MSync {
	w.t.Helper()
	m, err := c.Next(w.ctx)
	w.must(err)
	return m
}

// endsManual reads until the end, and wants it to be announced.
func (w *world) endsManual(c *msynctest.Client, code int) {
	w.t.Helper()
	var err error
	for err == nil {
		_, err = c.Next(w.ctx)
	}
	var closed *msynctest.Closed
	if !errors.As(err, &closed) || closed.Code != code {
		w.t.Errorf("ended with %v, want code %d", err, code)
	}
}

// frame is a whole masked frame.
func frame(op ws.OpCode, fin bool, payload []byte) []byte {
	return ws.MustCompileFrame(ws.MaskFrameWith(ws.NewFrame(op, fin, bytes.Clone(payload)), [4]byte{1, 2, 3, 4}))
}

func heartbeat() []byte {
	b, _ := proto.Marshal(&pb.MSync{Command: pb.MSync_UNREAD.Enum()}) // never fails
	return b
}

// TestBrokenFrames end the connection with the reason, whoever sends them, and nobody else notices.
func TestBrokenFrames(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	huge := ws.Header{Fin: true, OpCode: ws.OpBinary, Masked: true, Length: 1 << 30}
	var header bytes.Buffer
	w.must(ws.WriteHeader(&header, huge))
	rsv := frame(ws.OpBinary, true, heartbeat())
	rsv[0] |= 0x40
	endless := bytes.Clone(header.Bytes())
	endless[2] = 0x80
	parts := frame(ws.OpBinary, false, make([]byte, 400<<10))
	for name, c := range map[string]struct {
		bytes []byte
		code  int
	}{
		"not masked":            {ws.MustCompileFrame(ws.NewBinaryFrame(heartbeat())), 1002},
		"a reserved opcode":     {frame(3, true, heartbeat()), 1002},
		"a reserved control":    {frame(0xb, true, nil), 1002},
		"a reserved bit":        {rsv, 1002},
		"a ping in parts":       {frame(ws.OpPing, false, nil), 1002},
		"a long ping":           {frame(ws.OpPing, true, make([]byte, 126)), 1002},
		"a part of nothing":     {frame(ws.OpContinuation, true, heartbeat()), 1002},
		"two at once":           {append(frame(ws.OpBinary, false, nil), frame(ws.OpBinary, true, heartbeat())...), 1002},
		"huge":                  {header.Bytes(), 1009},
		"a negative length":     {endless, 1002},
		"huge in parts":         {append(parts, frame(ws.OpContinuation, true, make([]byte, 200<<10))...), 1009},
		"not protobuf":          {frame(ws.OpBinary, true, []byte{0xff, 0xff}), 1002},
		"a payload that is not": {frame(ws.OpBinary, true, []byte{0x40, 0x00, 0x4a, 0x02, 0xff, 0xff}), 1002},
		"a sync of nothing":     {frame(ws.OpBinary, true, []byte{0x40, 0x00}), 1002},
	} {
		t.Run(name, func(t *testing.T) {
			stranger := w.open("cat", "web", quiet)
			go stranger.Conn().Write(c.bytes) //nolint:errcheck // the server may have hung up
			code := c.code
			if name == "a payload that is not" || name == "a sync of nothing" {
				code = 1008 // of whom nothing but to sign in is wanted
			}
			w.endsManual(stranger, code)
			known := w.connect("cat", "web", quiet, manual)
			go known.Conn().Write(c.bytes) //nolint:errcheck // as above
			w.endsManual(known, c.code)
		})
	}
	known := w.connect("cat", "web", quiet, manual)
	go known.Conn().Write(frame(ws.OpText, true, []byte(base64.StdEncoding.EncodeToString(heartbeat())))) //nolint:errcheck // as above
	w.endsManual(known, 1002)
	w.send(ann, msynctest.ToUser("bob"), "hello")
	w.hears(bob, "hello")
}

// TestNoMessages: a frame of SockJS with no message in it is none of the protocol: nothing would count how many come.
func TestNoMessages(t *testing.T) {
	w := newWorld(t)
	for _, text := range []string{"", "[]", "null"} {
		c := w.open("cat", "web", quiet, sockJS)
		go c.Conn().Write(frame(ws.OpText, true, []byte(text))) //nolint:errcheck // the server may have hung up
		w.endsManual(c, 3000)
	}
}

// TestParts: a message may come in parts, with pings between.
func TestParts(t *testing.T) {
	w := newWorld(t)
	c := w.connect("ann", "web", quiet, manual)
	b := heartbeat()
	all := frame(ws.OpBinary, false, b[:1])
	all = append(all, frame(ws.OpPing, true, []byte("are you there"))...)
	all = append(all, frame(ws.OpContinuation, false, nil)...)
	all = append(all, frame(ws.OpPong, true, []byte("whatever"))...)
	all = append(all, frame(ws.OpContinuation, true, b[1:])...)
	go func() {
		for i := range all { // byte by byte
			if _, err := c.Conn().Write(all[i : i+1]); err != nil {
				t.Error(err)
			}
		}
	}()
	pong, err := msynctest.ReadFrame(c.Conn())
	if err != nil || pong.Header.OpCode != ws.OpPong || string(pong.Payload) != "are you there" {
		t.Errorf("got %v, %v", pong, err)
	}
	if m := recv(w, c); m.GetCommand() != pb.MSync_UNREAD {
		t.Errorf("got %v", m)
	}
}

// TestHandshakeOfTheEnd: who says goodbye is answered.
func TestHandshakeOfTheEnd(t *testing.T) {
	w := newWorld(t)
	c := w.connect("ann", "web", quiet, manual)
	go c.Conn().Write(frame(ws.OpClose, true, ws.NewCloseFrameBody(1000, "bye"))) //nolint:errcheck // the answer tells
	w.endsManual(c, 1000)
}

// TestForged: the body that others are shown says who sent it and to whom as the envelope does, and so does the kind of the message.
func TestForged(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	name := func(s string) *pb.JID { return &pb.JID{Name: &s} }
	content := []*pb.MessageBody_Content{msynctest.Text("forged")}
	body := func(kind pb.MessageBody_Type, from, to string) *pb.MessageBody {
		return &pb.MessageBody{Type: &kind, From: name(from), To: name(to), Contents: content}
	}
	for what, m := range map[string]msynctest.Message{
		"sender":                {To: msynctest.ToUser("bob"), Body: body(pb.MessageBody_CHAT, "cat", "bob")},
		"receiver":              {To: msynctest.ToUser("bob"), Body: body(pb.MessageBody_CHAT, "ann", "cat")},
		"group to a user":       {To: msynctest.ToUser("bob"), Body: body(pb.MessageBody_GROUPCHAT, "ann", "bob")},
		"chatroom to a user":    {To: msynctest.ToUser("bob"), Body: body(pb.MessageBody_CHATROOM, "ann", "bob")},
		"chat to a group":       {To: msynctest.ToGroup("team"), Body: body(pb.MessageBody_CHAT, "ann", "team")},
		"chatroom to a group":   {To: msynctest.ToGroup("team"), Body: body(pb.MessageBody_CHATROOM, "ann", "team")},
		"group to a chatroom":   {To: msynctest.ToRoom("lounge"), Body: body(pb.MessageBody_GROUPCHAT, "ann", "lounge")},
		"no kind":               {To: msynctest.ToUser("bob"), Body: body(pb.MessageBody_NORMAL, "ann", "bob")},
		"nobody":                {To: msynctest.ToUser(""), Body: body(pb.MessageBody_CHAT, "ann", "")},
		"two contents":          {To: msynctest.ToUser("bob"), Body: &pb.MessageBody{Contents: append(content, content...)}},
		"receipt of a stranger": {To: msynctest.ToUser("bob"), Body: &pb.MessageBody{Type: pb.MessageBody_READ_ACK.Enum(), From: name("cat"), AckMessageId: new(uint64(1))}},
	} {
		id, err := ann.Post(m)
		w.must(err)
		ack, err := ann.Await(w.ctx, id)
		if err != nil || ack.Code == pb.Status_OK || ack.Reason == "" {
			t.Errorf("%s: %+v, %v", what, ack, err)
		}
	}
	queue := &pb.JID{AppKey: new(w.app.Key.String()), Name: new("bob"), Domain: new("notice.easemob.com")}
	spy := w.connect("ann", "spy", quiet, manual)
	w.must(spy.Pull(queue, 0)) // another's notices
	w.endsManual(spy, 1002)
	w.send(ann, msynctest.ToUser("bob"), "true")
	w.hears(bob, "true")
}

// TestFlood: who sends more than may be is told so, and goes on; who sends without end is cut off.
func TestFlood(t *testing.T) {
	w := newWorld(t)
	w.shutDown()
	w.rate = 5
	w.start()
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	for range 10 {
		w.send(ann, msynctest.ToUser("bob"), "x")
	}
	w.refused(ann, msynctest.ToUser("bob"), pb.Status_PERMISSION_DENIED, "traffic limit")
	cat := w.connect("cat", "web", quiet)
	for range 200 {
		if err := cat.Command(pb.MSync_UNREAD, &pb.CommUnreadUL{}); err != nil {
			break
		}
	}
	w.ends(cat, 1008)
	w.over("flood", 1)
	if _, err := bob.Wait(w.ctx, 10); err != nil {
		t.Error(err)
	}
}

// TestGarbage: ten thousand frames of noise do nothing to anybody but who sends them.
func TestGarbage(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	r := rand.New(rand.NewPCG(1, 2))
	send := func(c *msynctest.Client, n int) {
		go func() { // what the server says in between is not wanted
			for {
				if _, err := c.Next(w.ctx); err != nil {
					return
				}
			}
		}()
		for range n {
			noise := make([]byte, r.IntN(200))
			for i := range noise {
				noise[i] = byte(r.Uint32())
			}
			if r.IntN(2) == 0 { // within what is read
				noise = append([]byte{0x40, byte(r.IntN(5)), 0x4a, byte(len(noise))}, noise...)
			}
			if err := c.WriteBytes(noise); err != nil {
				return
			}
		}
	}
	for range 400 {
		send(w.open("cat", "web", quiet), 5)
		send(w.connect("cat", "web", quiet, manual), 20)
	}
	w.send(ann, msynctest.ToUser("bob"), "hello")
	w.hears(bob, "hello")
	if s := w.hub.Stats(); s.Lines > 20 {
		t.Errorf("%d connections are left", s.Lines)
	}
}

// TestSlowReader: who does not read loses low messages of a room first, and then the connection; others notice nothing.
func TestSlowReader(t *testing.T) {
	w := newWorld(t)
	ann := w.connect("ann", "web")
	slow, good := w.connect("cat", "web", quiet, manual), w.connect("bob", "web")
	for _, c := range []*msynctest.Client{slow, good} {
		if ack, err := c.Join(w.ctx, "lounge", "", false); err != nil || ack.Code != pb.Status_OK {
			t.Fatal(ack, err)
		}
	}
	came := 0
	post := func(n int, level int64) {
		t.Helper()
		ext := []*pb.KeyValue{{Key: new("chatroom_msg_tag"), Type: pb.KeyValue_INT.Enum(), VarintValue: &level}}
		for range n {
			id, err := ann.Post(msynctest.Message{To: msynctest.ToRoom("lounge"), Ext: ext, Body: &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text("m")}}})
			w.must(err)
			_, err = ann.Await(w.ctx, id)
			w.must(err)
			came++
			_, err = good.Wait(w.ctx, came) // who reads is not behind
			w.must(err)
		}
	}
	post(100, 2)
	post(200, 1)
	post(100, 0)
	w.send(ann, msynctest.ToUser("cat"), "hello") // finds no place either
	s := w.hub.Stats()
	if s.Dropped[im.LowLevel] == 0 || s.Dropped[im.NormalLevel] == 0 || s.Dropped[im.HighLevel] != 0 {
		t.Errorf("dropped %v", s.Dropped)
	}
	w.over("slow", 1)
	again := w.connect("cat", "web")
	w.hears(again, "hello")
}

// TestHalfClosed: who will not say any more is gone.
func TestHalfClosed(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	served := make(chan error, 1)
	go func() { served <- w.http.Serve(listener) }()
	c := w.connect("ann", "web", quiet, manual, func(c *msynctest.Config) {
		c.URL, c.NetDial = "ws://"+listener.Addr().String()+"/websocket", nil
	})
	w.must(c.Conn().(*net.TCPConn).CloseWrite())
	var ended error
	for ended == nil {
		_, ended = c.Next(w.ctx)
	}
	w.holdsNobody("ann")
	w.shutDown()
	<-served
	w.start()
}

// over waits until so many connections have ended for a reason.
func (w *world) over(r hub.Reason, n uint64) {
	w.t.Helper()
	for w.hub.Stats().Ended[r] != n {
		if err := w.ctx.Err(); err != nil {
			w.t.Fatalf("ended: %v", w.hub.Stats().Ended)
		}
		runtime.Gosched()
	}
}

// holdsNobody wants that a user is not connected.
func (w *world) holdsNobody(user im.Username) {
	w.t.Helper()
	for {
		got, err := w.hub.Connected(w.ctx, w.app.ID, []im.Username{user})
		w.must(errors.Join(err, w.ctx.Err()))
		if len(got[0]) == 0 {
			return
		}
	}
}
