package msync_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// Tests of what clients do now and then: a line that fails between two words, a list that is not gone through.

// about makes a receipt or a withdrawal.
func about(kind pb.MessageBody_Type, to string, of uint64) msynctest.Message {
	return msynctest.Message{To: msynctest.ToUser(to), Body: &pb.MessageBody{Type: &kind, AckMessageId: &of}}
}

// TestReceiptsAgain: SDK 4.21 looks at the content of whatever comes a second time. Were there none, it would tell the application
// nothing of what came with it.
func TestReceiptsAgain(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web", quiet), w.connect("bob", "web")
	id := w.send(ann, msynctest.ToUser("bob"), "hello")
	w.hears(bob, "hello")
	slip := w.send(bob, msynctest.ToUser("ann"), "slip")
	w.hears(ann, "slip") // which is fetched; what comes now follows it
	for _, m := range []msynctest.Message{about(pb.MessageBody_DELIVER_ACK, "ann", id), about(pb.MessageBody_READ_ACK, "ann", id),
		{To: msynctest.ToUser("ann"), Body: &pb.MessageBody{Type: pb.MessageBody_CHANNEL_ACK.Enum()}}, about(pb.MessageBody_RECALL, "ann", slip)} {
		local, err := bob.Post(m)
		w.must(err)
		if ack, err := bob.Await(w.ctx, local); err != nil || ack.Code != pb.Status_OK {
			t.Fatal(ack, err)
		}
	}
	told := []string{"deliver_ack", "read_ack", "channel_ack", "recall"}
	w.hears(ann, told...)
	w.must(ann.Reconnect(w.ctx)) // none of it was acknowledged
	w.send(bob, msynctest.ToUser("ann"), "new")
	w.must(ann.Pull(msynctest.ToUser("bob").JID(w.app.Key.String()), 0))
	w.hears(ann, "new")
	if n := ann.Repeats(); n != len(told) { // the slip is gone
		t.Errorf("%d came again, want %d", n, len(told))
	}
}

// TestListIsNotGoneThrough: SDK 4.8 does not ask for a queue whose pull a broken line has cut short, however often it is told of it. It
// gets what waits there all the same, and what is said after that.
func TestListIsNotGoneThrough(t *testing.T) {
	w := newWorld(t)
	w.connect("dan", "web").Kill()
	ann := w.connect("ann", "web")
	w.send(ann, msynctest.ToUser("dan"), "one")
	dan := w.connect("dan", "web", quiet)
	heartbeat := func(want int) {
		t.Helper()
		if u, err := dan.Unread(w.ctx); err != nil || len(u.GetUnread()) != want {
			t.Errorf("%v, %v are listed, want %d", u.GetUnread(), err, want)
		}
	}
	heartbeat(1)
	w.send(ann, msynctest.ToUser("dan"), "two")
	heartbeat(0)
	got := w.hears(dan, "one", "two")
	w.must(dan.Pull(got[1].Queue, got[1].Meta.GetId()))
	w.send(ann, msynctest.ToUser("dan"), "three")
	w.hears(dan, "three") // and does not acknowledge it
	heartbeat(0)
	heartbeat(1)
	w.send(ann, msynctest.ToUser("dan"), "four")
	heartbeat(0)
	w.hears(dan, "four") // after the third, again
	if n := dan.Repeats(); n != 1 {
		t.Errorf("%d came again, want one", n)
	}
}

// TestManyReceipts: who comes back to many messages tells at once of each that it has arrived.
func TestManyReceipts(t *testing.T) {
	w := newWorld(t)
	w.shutDown()
	w.rate = 5
	w.start()
	w.connect("dan", "web").Kill()
	ann := w.connect("ann", "web")
	const waiting = 30
	for range waiting {
		_, err := w.svc.Send(w.ctx, w.root(), im.NewMessage{From: "ann", To: []im.Address{im.ToUser("dan")}, Body: im.Body{Type: im.TextBody}})
		w.must(err)
	}
	w.connect("dan", "web", func(c *msynctest.Config) { c.Delivery = true })
	if got, err := ann.Wait(w.ctx, waiting); err != nil || textsOf(got)[waiting-1] != "deliver_ack" {
		t.Errorf("%q, %v", textsOf(got), err)
	}
}

// TestOnlyListens: SDKs have no heartbeat as long as something comes. Who only listens in a chatroom where something is said all the time
// says nothing at all, and is there all the same.
func TestOnlyListens(t *testing.T) {
	w := newWorld(t)
	w.shutDown()
	w.limit = func(c *hub.Config) { c.Stuck = time.Hour } // the clock leaps
	w.start()
	dan := w.connect("dan", "web", quiet, manual)
	if ack, err := dan.Join(w.ctx, "lounge", "", false); err != nil || ack.Code != pb.Status_OK {
		t.Fatal(ack, err)
	}
	for range 3 {
		w.clock.Advance(91 * time.Second)
		ping, err := msynctest.ReadFrame(dan.Conn())
		if err != nil || ping.Header.OpCode != ws.OpPing {
			t.Fatal(ping.Header, err)
		}
		_, err = dan.Conn().Write(append(frame(ws.OpPong, true, ping.Payload), frame(ws.OpPing, true, nil)...))
		w.must(err)
		if pong, err := msynctest.ReadFrame(dan.Conn()); err != nil || pong.Header.OpCode != ws.OpPong { // so ours was heard
			t.Fatal(pong.Header, err)
		}
	}
	w.send(w.connect("ann", "web"), msynctest.ToRoom("lounge"), "hello")
	for len(dan.Got()) == 0 {
		recv(w, dan)
	}
	w.must(w.disk.Update(w.ctx, func(tx im.Tx) error { return tx.DeleteTokens(w.app.ID, "dan") })) // behind the back
	w.clock.Advance(91 * time.Second)
	if _, err := msynctest.ReadFrame(dan.Conn()); err != nil {
		t.Fatal(err)
	}
	go dan.Conn().Write(frame(ws.OpPong, true, nil)) //nolint:errcheck // what follows tells
	w.endsManual(dan, 1008)
}

// TestOpenForWeeks: a page that stays open renews its token over REST, of which the connection hears nothing. The token that it signed in
// with is forgotten some time after its end, and nobody has changed the password.
func TestOpenForWeeks(t *testing.T) {
	w := newWorld(t)
	w.shutDown()
	w.limit = func(c *hub.Config) { c.Idle, c.Stuck = 1000*time.Hour, 1000*time.Hour } // the clock leaps
	w.start()
	day := 24 * time.Hour
	brief, err := w.svc.IssueUserToken(w.ctx, w.app, "ann", &day)
	w.must(err)
	ann := w.connect("ann", "web", func(c *msynctest.Config) { c.Token = brief.Text })
	w.clock.Advance(day + im.TokenGrace)
	w.must(w.disk.Update(w.ctx, func(tx im.Tx) error { _, err := tx.DeleteExpiredTokens(w.clock.Now(), 10); return err }))
	for range 3 {
		if _, err := ann.Unread(w.ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoId: what has no id is said as often as it comes.
func TestNoId(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	for range 2 {
		m := &pb.MessageBody{Type: pb.MessageBody_CHAT.Enum(), Contents: []*pb.MessageBody_Content{msynctest.Text("ok")}}
		payload, err := proto.Marshal(m)
		w.must(err)
		_, err = ann.PostMeta(&pb.Meta{Id: new(uint64(0)), To: msynctest.ToUser("bob").JID(w.app.Key.String()), Ns: pb.Meta_CHAT.Enum(), Payload: payload})
		w.must(err)
	}
	w.hears(bob, "ok", "ok")
}

// TestNameInCapitals: who signs in as Bob finds in the answer to joining what there is about Bob.
func TestNameInCapitals(t *testing.T) {
	w := newWorld(t)
	bob := w.connect("bob", "web", func(c *msynctest.Config) { c.User = "Bob" })
	ack, err := bob.Join(w.ctx, "lounge", "", false)
	if err != nil || len(ack.Metas) != 1 {
		t.Fatal(ack, err)
	}
	if info := (msynctest.Got{Meta: ack.Metas[0]}).MUC().GetStatus().GetChatroomInfo(); !strings.HasPrefix(info, `{"Bob":{"`) {
		t.Errorf("got %s", info)
	}
}

// TestListsOfNames: clients before v5.1 do not know the list of who came or went with others, and take the first for all.
func TestListsOfNames(t *testing.T) {
	w := newWorld(t)
	for actions, want := range map[string]string{
		"v5.2": "PRESENCE bob[bob cat] 3; ABSENCE bob[bob cat] 1", "v5.1": "PRESENCE bob[bob cat] 3; ABSENCE bob[bob cat] 1", "v10.0": "PRESENCE bob[bob cat] 3; ABSENCE bob[bob cat] 1",
		"v5.0": "PRESENCE bob[] 3; PRESENCE cat[] 3; ABSENCE bob[] 1; ABSENCE cat[] 1", "none": "PRESENCE bob[] 3; PRESENCE cat[] 3; ABSENCE bob[] 1; ABSENCE cat[] 1",
	} {
		room := im.RoomID("many" + strings.ReplaceAll(actions, ".", ""))
		w.furnish(im.Chatroom, room, "dan")
		dan := w.connect("dan", "web", everything, func(c *msynctest.Config) { c.Actions = actions })
		names := []string{"bob", "cat"}
		_, err := w.svc.AddMembers(w.ctx, w.root(), im.Chatroom, room, names)
		w.must(err)
		_, err = w.svc.RemoveMembers(w.ctx, w.root(), im.Chatroom, room, names)
		w.must(err)
		got, err := dan.Wait(w.ctx, strings.Count(want, ";")+1)
		w.must(err)
		var told []string
		for _, g := range got {
			told = append(told, fmt.Sprintf("%v %s%v %d", g.MUC().GetOperation(), g.MUC().GetFrom().GetName(), g.MUC().GetMembers(), g.MUC().GetMucMemberCount()))
		}
		if line := strings.Join(told, "; "); line != want {
			t.Errorf("%s: got %s, want %s", actions, line, want)
		}
		dan.Kill()
	}
}

// TestHalfCharacters: applications cut texts short in the middle of a character, which JavaScript has as two, and SDKs send the half.
func TestHalfCharacters(t *testing.T) {
	w := newWorld(t)
	const half, mark = "cut \xed\xa0\xbd", "cut \uFFFD"
	ann, bob := w.connect("ann", "web", everything), w.connect("bob", "web")
	if ack, err := ann.Join(w.ctx, "lounge", "", false); err != nil || ack.Code != pb.Status_OK {
		t.Fatal(ack, err)
	}
	mucID := msynctest.ToRoom("lounge").JID(w.app.Key.String())
	enter, err := proto.Marshal(&pb.MUCBody{MucId: mucID, Operation: pb.MUCBody_JOIN.Enum(), IsChatroom: new(true), Ext: new(half)})
	w.must(err)
	body, err := proto.Marshal(&pb.MessageBody{Type: pb.MessageBody_CHATROOM.Enum(), Contents: []*pb.MessageBody_Content{msynctest.Text(half)}})
	w.must(err)
	for _, m := range []*pb.Meta{{Ns: pb.Meta_MUC.Enum(), Payload: enter}, {Ns: pb.Meta_CHAT.Enum(), To: mucID, Payload: body}} {
		id, err := bob.PostMeta(m)
		w.must(err)
		if ack, err := bob.Await(w.ctx, id); err != nil || ack.Code != pb.Status_OK {
			t.Errorf("%+v, %v", ack, err)
		}
	}
	_, err = ann.WaitFor(w.ctx, func(g msynctest.Got) bool { return g.Text() == mark })
	w.must(err)
	_, err = ann.WaitFor(w.ctx, func(g msynctest.Got) bool {
		return g.MUC().GetOperation() == pb.MUCBody_PRESENCE && g.MUC().GetExt() == mark
	})
	w.must(err)
}

// TestToldAgain: a client does not acknowledge what ends with the key that it acknowledged last, which the server may never have heard of
// because the line broke. So the same is told again under another key.
func TestToldAgain(t *testing.T) {
	w := newWorld(t)
	ann, dan := w.connect("ann", "web"), w.connect("dan", "web", quiet, manual)
	w.send(ann, msynctest.ToUser("dan"), "one")
	queue := msynctest.ToUser("ann").JID(w.app.Key.String())
	last := uint64(0)
	next := func() *pb.CommSyncDL {
		t.Helper()
		var down pb.CommSyncDL
		w.must(unmarshal(recv(w, dan), &down))
		return &down
	}
	for i := range 4 {
		if i == 1 || i == 3 {
			w.must(dan.Reconnect(w.ctx))
		}
		if i > 0 {
			w.must(dan.Pull(queue, 0))
		}
		down := next()
		if key := down.GetNextKey(); len(down.GetMetas()) != 1 || key == 0 || key == last {
			t.Fatalf("%d: %v", i, down)
		}
		last = down.GetNextKey()
	}
	w.must(dan.Pull(queue, last))
	if down := next(); !down.GetIsLast() || len(down.GetMetas()) > 0 {
		t.Errorf("%v", down)
	}
	dan.Kill()
	w.readAll("dan", "web")
}

// TestEventLost: what no event has told of comes with a heartbeat.
func TestEventLost(t *testing.T) {
	w := newWorld(t)
	dan := w.connect("dan", "web")
	elsewhere := im.NewService(im.Config{Store: w.disk, Bus: deaf{}, Clock: w.clock, IDs: w.ids, Log: w.log})
	_, err := elsewhere.Send(w.ctx, w.root(), im.NewMessage{From: "ann", To: []im.Address{im.ToUser("dan")}, Body: im.Body{Type: im.TextBody,
		Fields: im.Fields{{Name: "msg", Value: im.Text("lost")}}}})
	w.must(err)
	for range 10 {
		_, err := dan.Unread(w.ctx)
		w.must(err)
	}
	w.hears(dan, "lost")
}

// TestListIsNotGoneThroughAndNothingIsSaid: the same where the answers to pings are all that comes.
func TestListIsNotGoneThroughAndNothingIsSaid(t *testing.T) {
	w := newWorld(t)
	w.shutDown()
	w.limit = func(c *hub.Config) { c.Stuck = time.Hour } // the clock leaps
	w.start()
	w.connect("dan", "web").Kill()
	w.send(w.connect("ann", "web"), msynctest.ToUser("dan"), "one")
	dan := w.connect("dan", "web", quiet, manual)
	deadline, _ := w.ctx.Deadline()
	w.must(dan.Conn().SetReadDeadline(deadline))
	pushed := false
	for range 2 {
		w.clock.Advance(91 * time.Second)
		for answered := false; !answered; {
			f, err := msynctest.ReadFrame(dan.Conn())
			w.must(err)
			switch f.Header.OpCode {
			case ws.OpPing: // and one of ours: when it is answered our pong was heard
				_, err := dan.Conn().Write(append(frame(ws.OpPong, true, nil), frame(ws.OpPing, true, nil)...))
				w.must(err)
			case ws.OpPong:
				answered = true
			case ws.OpBinary:
				pushed = true
			}
		}
	}
	for !pushed {
		f, err := msynctest.ReadFrame(dan.Conn())
		w.must(err)
		pushed = f.Header.OpCode == ws.OpBinary
	}
}
