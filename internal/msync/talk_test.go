package msync_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// TestTalk between two: to the other, to the sender's other devices, from a peer's queue, and nothing waits when it was acknowledged.
func TestTalk(t *testing.T) {
	w := newWorld(t)
	ann, phone, bob := w.connect("ann", "web"), w.connect("ann", "phone"), w.connect("bob", "web")
	id := w.send(ann, msynctest.ToUser("bob"), "hello")
	got := w.hears(bob, "hello")[0]
	if got.Meta.GetId() != id || got.Queue.GetName() != "ann" || got.Meta.GetFrom().GetName() != "ann" || got.Meta.GetFrom().GetClientResource() != "web" ||
		got.Meta.GetTo().GetName() != "bob" || got.Meta.GetTimestamp() != uint64(imNow(w)) || got.Body().GetFrom().GetName() != "ann" {
		t.Errorf("came %v in %v", got.Meta, got.Queue)
	}
	if own := w.hears(phone, "hello")[0]; own.Queue.GetName() != "bob" {
		t.Errorf("the own message came in %v", own.Queue)
	}
	w.send(bob, msynctest.ToUser("ann"), "hi")
	w.hears(ann, "hi")
	w.hears(phone, "hi")
	for _, device := range [][2]string{{"ann", "web"}, {"ann", "phone"}, {"bob", "web"}} {
		w.readAll(device[0], device[1])
	}
}

// TestToOneDevice: a message to a device comes there, live and later, and to the sender's other devices, but to no other of the user.
func TestToOneDevice(t *testing.T) {
	w := newWorld(t)
	ann, phone := w.connect("ann", "web"), w.connect("ann", "phone")
	w.connect("bob", "pad").Kill()
	bob := w.connect("bob", "web")
	say := func(from *msynctest.Client, to, device, text string, route pb.Meta_RouteType) {
		t.Helper()
		id, err := from.Post(msynctest.Message{To: msynctest.ToUser(to), Device: device, Route: route, Body: &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text(text)}}})
		w.must(err)
		if ack, err := from.Await(w.ctx, id); err != nil || ack.Code != pb.Status_OK {
			t.Fatalf("%q was not taken: %+v, %v", text, ack, err)
		}
	}
	for _, device := range []string{"pad", "web"} {
		for _, route := range []pb.Meta_RouteType{pb.Meta_ROUTE_ALL, pb.Meta_ROUTE_ONLINE} {
			text := fmt.Sprint("to the ", device, " by ", route)
			say(ann, "bob", device, text, route)
			w.hears(phone, text)
			if device == "pad" {
				continue
			}
			if to := w.hears(bob, text)[0].Meta.GetTo(); to.GetName() != "bob" || to.GetClientResource() != "web" {
				t.Errorf("came to %v", to)
			}
		}
	}
	w.send(ann, msynctest.ToUser("bob"), "to all")
	w.hears(phone, "to all")
	w.hears(bob, "to all")
	pad := w.connect("bob", "pad")
	w.hears(pad, "to the pad by ROUTE_ALL", "to all")

	w.connect("cat", "pad").Kill()
	cat, one := w.connect("cat", "web"), w.connect("cat", "phone")
	w.connect("cat", "tv")
	say(cat, "cat", "pad", "to myself elsewhere", pb.Meta_ROUTE_ALL)
	say(cat, "cat", "phone", "to myself", pb.Meta_ROUTE_ALL)
	w.hears(one, "to myself")
	say(cat, "cat", "phone", "to myself, now", pb.Meta_ROUTE_ONLINE)
	w.hears(one, "to myself, now")
	w.hears(w.connect("cat", "pad"), "to myself elsewhere")
	for _, device := range [][2]string{{"ann", "web"}, {"ann", "phone"}, {"bob", "web"}, {"bob", "pad"}, {"cat", "web"}, {"cat", "phone"}, {"cat", "tv"}, {"cat", "pad"}} {
		w.readAll(device[0], device[1])
	}
}

func imNow(w *world) int64 { return w.clock.Now().UnixMilli() }

// TestPull: what came while nobody was there is listed, pulled in batches, acknowledged, and gone.
func TestPull(t *testing.T) {
	w := newWorld(t)
	w.connect("bob", "web").Kill()
	ann := w.connect("ann", "web")
	var want []string
	for i := range 120 {
		want = append(want, fmt.Sprint("m", i))
		w.send(ann, msynctest.ToUser("bob"), want[i])
	}
	bob := w.connect("bob", "web")
	w.hears(bob, want...)
	w.send(ann, msynctest.ToUser("bob"), "live")
	w.hears(bob, "live")
	if bob.Repeats() != 0 {
		t.Errorf("%d came twice", bob.Repeats())
	}
	w.readAll("bob", "web")
}

// TestOnline: a message tells whether it was said while its receiver was there.
func TestOnline(t *testing.T) {
	w := newWorld(t)
	w.connect("bob", "web").Kill()
	ann := w.connect("ann", "web")
	w.send(ann, msynctest.ToUser("bob"), "before")
	w.clock.Advance(time.Second)
	bob := w.connect("bob", "web", quiet)
	w.must(bob.Pull(msynctest.ToUser("ann").JID(w.app.Key.String()), 0))
	before := w.hears(bob, "before")[0]
	w.must(bob.Pull(before.Queue, before.Meta.GetId()))
	var live []string
	for i := range 40 {
		live = append(live, fmt.Sprint("live ", i))
		w.send(ann, msynctest.ToUser("bob"), live[i])
	}
	const pushed = 32 // and the others are fetched when these are acknowledged
	got := w.hears(bob, live[:pushed]...)
	w.must(bob.Pull(before.Queue, got[pushed-1].Meta.GetId()))
	got = append(got, w.hears(bob, live[pushed:]...)...)
	if meta := before.Meta.GetMeta(); string(meta) != `{"is_online":0}` {
		t.Errorf("before: %s", meta)
	}
	for _, g := range got {
		if meta := g.Meta.GetMeta(); string(meta) != `{"is_online":1}` {
			t.Errorf("%s: %s", g.Text(), meta)
		}
	}
}

// TestPullByHand looks at the frames of a pull.
func TestPullByHand(t *testing.T) {
	w := newWorld(t)
	w.connect("dan", "web").Kill()
	ann := w.connect("ann", "web")
	first := w.send(ann, msynctest.ToUser("dan"), "one")
	second := w.send(ann, msynctest.ToUser("dan"), "two")
	dan := w.connect("dan", "web", quiet)
	unread, err := dan.Unread(w.ctx)
	w.must(err)
	if len(unread.GetUnread()) != 1 || unread.GetUnread()[0].GetQueue().GetName() != "ann" || unread.GetTimestamp() != uint64(imNow(w)) || unread.Status == nil {
		t.Fatalf("waits: %v", unread)
	}
	queue := unread.GetUnread()[0].GetQueue()
	w.must(dan.Pull(queue, 0))
	w.hears(dan, "one", "two")
	w.must(dan.Pull(queue, 0)) // not acknowledged: once more; the client knows them again
	w.must(dan.Pull(queue, first))
	if again, err := dan.Unread(w.ctx); err != nil || len(again.GetUnread()) != 0 {
		t.Errorf("waits: %v, %v", again, err)
	}
	if dan.Repeats() != 2 {
		t.Errorf("%d came again, want 2", dan.Repeats())
	}
	dan.Kill()
	w.restart()
	if n := w.waiting("dan", "web"); n != 1 {
		t.Errorf("%d wait, want 1", n)
	}
	dan = w.connect("dan", "web", quiet)
	w.must(dan.Pull(queue, second+1<<40)) // beyond the last message
	if _, err := dan.Unread(w.ctx); err != nil {
		t.Fatal(err)
	}
	dan.Kill()
	w.restart()
	w.send(w.connect("ann", "web"), msynctest.ToUser("dan"), "three")
	if n := w.waiting("dan", "web"); n != 1 {
		t.Errorf("%d wait, want the third", n)
	}
}

// TestSaidAgain: a client that got no answer says it again under the same id, which is the same message.
func TestSaidAgain(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	m := msynctest.Message{ID: 7, To: msynctest.ToUser("bob"), Body: &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text("once")}}}
	var ids []uint64
	for range 3 {
		_, err := ann.Post(m)
		w.must(err)
		ack, err := ann.Await(w.ctx, 7)
		w.must(err)
		ids = append(ids, ack.ServerID)
		w.must(ann.Reconnect(w.ctx))
	}
	w.restart()
	w.must(ann.Reconnect(w.ctx))
	w.must(bob.Reconnect(w.ctx))
	w.send(ann, msynctest.ToUser("bob"), "end")
	w.hears(bob, "once", "end")
	if ids[0] != ids[1] || ids[0] != ids[2] {
		t.Errorf("ids %v", ids)
	}
	other := w.connect("ann", "phone") // another device's 7 is another message
	_, err := other.Post(m)
	w.must(err)
	w.hears(bob, "once")
}

// TestWhilePulling: what is said while a queue is pulled comes behind it.
func TestWhilePulling(t *testing.T) {
	w := newWorld(t)
	w.connect("bob", "web").Kill()
	ann := w.connect("ann", "web")
	w.send(ann, msynctest.ToUser("bob"), "one")
	bob := w.connect("bob", "web", quiet)
	w.send(ann, msynctest.ToUser("bob"), "two") // listed or not, it waits for the pull
	queue := msynctest.ToUser("ann").JID(w.app.Key.String())
	w.must(bob.Pull(queue, 0))
	got, err := bob.Wait(w.ctx, 2)
	w.must(err)
	w.send(ann, msynctest.ToUser("bob"), "three") // is pushed, though two are not acknowledged
	w.must(bob.Pull(queue, got[1].Meta.GetId()))
	w.hears(bob, "one", "two", "three")
}

// TestFlow: a client that acknowledges nothing is pushed a few, and gets the rest when it does.
func TestFlow(t *testing.T) {
	w := newWorld(t)
	bob := w.connect("bob", "web", quiet)
	ann := w.connect("ann", "web")
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint("m", i))
		w.send(ann, msynctest.ToUser("bob"), want[i])
	}
	if _, err := bob.Unread(w.ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(bob.Got()); n > 64 {
		t.Errorf("%d were pushed although none was acknowledged", n)
	}
	for n := len(bob.Got()); n < 100; {
		w.must(bob.Pull(msynctest.ToUser("ann").JID(w.app.Key.String()), bob.Got()[n-1].Meta.GetId()))
		got, err := bob.Wait(w.ctx, n+1)
		w.must(err)
		n = len(got)
	}
	w.hears(bob, want...)
}

// TestRooms: a group waits, a chatroom does not.
func TestRooms(t *testing.T) {
	w := newWorld(t)
	ann, bob, dan := w.connect("ann", "web"), w.connect("bob", "web"), w.connect("dan", "web")
	w.connect("cat", "web").Kill()
	team, lounge := msynctest.ToGroup("team"), msynctest.ToRoom("lounge")
	w.send(ann, team, "group")
	if got := w.hears(bob, "group")[0]; got.Queue.GetName() != "team" || got.Queue.GetDomain() != msynctest.RoomDomain {
		t.Errorf("came in %v", got.Queue)
	}
	w.refused(dan, team, pb.Status_FAIL, "not in group or chatroom")
	w.refused(dan, lounge, pb.Status_FAIL, "not in group or chatroom")
	w.refused(dan, msynctest.ToRoom("nowhere"), pb.Status_FAIL, "group not found")
	w.refused(dan, msynctest.ToGroup("nowhere"), pb.Status_FAIL, "group not found")
	w.refused(dan, msynctest.ToUser("nobody"), pb.Status_FAIL, "username nobody doesn't exist!")
	if ack, err := dan.Join(w.ctx, "lounge", "", false); err != nil || ack.Code != pb.Status_OK || len(ack.Metas) != 1 {
		t.Fatalf("join: %+v, %v", ack, err)
	}
	w.send(ann, lounge, "room")
	if got := w.hears(dan, "room")[0]; got.Queue.GetName() != "lounge" {
		t.Errorf("came in %v", got.Queue)
	}
	ann.Forget()
	w.send(dan, lounge, "from dan")
	w.hears(ann, "from dan")
	if ack, err := dan.Leave(w.ctx, "lounge"); err != nil || ack.Code != pb.Status_OK {
		t.Fatalf("leave: %+v, %v", ack, err)
	}
	dan.Forget()
	w.send(ann, lounge, "without dan")
	w.send(ann, msynctest.ToUser("dan"), "end")
	w.hears(dan, "end")
	cat := w.connect("cat", "web")
	w.hears(cat, "group")
}

// TestDirectedAndOnline: some of a room, and only those who are there.
func TestDirectedAndOnline(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	w.connect("cat", "web").Kill()
	post := func(m msynctest.Message, text string) {
		t.Helper()
		m.Body = &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text(text)}}
		id, err := ann.Post(m)
		w.must(err)
		if ack, err := ann.Await(w.ctx, id); err != nil || ack.Code != pb.Status_OK {
			t.Fatalf("%s: %+v, %v", text, ack, err)
		}
	}
	team, lounge := msynctest.ToGroup("team"), msynctest.ToRoom("lounge")
	post(msynctest.Message{To: team, Route: pb.Meta_ROUTE_DIRECT, Directed: []string{"cat"}}, "to cat")
	post(msynctest.Message{To: team, Route: pb.Meta_ROUTE_ONLINE}, "online group")
	post(msynctest.Message{To: msynctest.ToUser("bob"), Route: pb.Meta_ROUTE_ONLINE}, "online")
	post(msynctest.Message{To: msynctest.ToUser("cat"), Route: pb.Meta_ROUTE_ONLINE}, "for nobody")
	post(msynctest.Message{To: team}, "to all")
	w.hears(bob, "online group", "online", "to all")
	cat := w.connect("cat", "web")
	w.hears(cat, "to cat", "to all")
	for _, c := range []*msynctest.Client{bob, cat} {
		ack, err := c.Join(w.ctx, "lounge", "", false)
		if err != nil || ack.Code != pb.Status_OK {
			t.Fatalf("join: %+v, %v", ack, err)
		}
	}
	bob.Forget()
	post(msynctest.Message{To: lounge, Route: pb.Meta_ROUTE_ONLINE}, "online room")
	post(msynctest.Message{To: lounge, Route: pb.Meta_ROUTE_DIRECT, Directed: []string{"cat"}}, "cat in the room")
	post(msynctest.Message{To: lounge}, "room")
	w.hears(bob, "online room", "room")
	w.hears(cat, "online room", "cat in the room", "room")
}

// TestOnlineOvertakes: what is for those online only may overtake what was said before, which comes nevertheless.
func TestOnlineOvertakes(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	w.send(ann, msynctest.ToUser("bob"), "known")
	w.hears(bob, "known")
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hold := func(e im.Event) {
		if m := e.Message; m != nil && !m.Online && m.To.User == "bob" {
			once.Do(func() { close(held) })
			<-release
		}
	}
	w.bus.before.Store(&hold)
	id, err := ann.Post(msynctest.Message{To: msynctest.ToUser("bob"), Body: &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text("slow")}}})
	w.must(err)
	<-held
	_, err = w.svc.Send(w.ctx, w.as("ann"), im.NewMessage{To: []im.Address{im.ToUser("bob")}, Online: true, Body: im.Body{Type: im.TextBody,
		Fields: im.Fields{{Name: "msg", Value: im.Text("fast")}}}})
	w.must(err)
	w.hears(bob, "fast")
	close(release)
	w.bus.before.Store(nil)
	_, err = ann.Await(w.ctx, id)
	w.must(err)
	w.hears(bob, "slow")
}

// TestKeysOfTheFuture: who acknowledges what nobody has said yet gets it nevertheless.
func TestKeysOfTheFuture(t *testing.T) {
	w := newWorld(t)
	ann, queue := w.connect("ann", "web"), msynctest.ToUser("ann").JID(w.app.Key.String())
	for i, key := range []uint64{1 << 62, 1<<63 - 1, 1<<64 - 1} {
		dan := fmt.Sprint("dan", i)
		w.register(dan)
		w.connect(dan, "web").Kill()
		w.send(ann, msynctest.ToUser(dan), "one")
		c := w.connect(dan, "web", quiet)
		w.must(c.Pull(queue, key))
		if _, err := c.Unread(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.send(ann, msynctest.ToUser(dan), "two")
		w.hears(c, "two")
	}
}

// TestQueueOfNobody: a queue of a name that nobody has is answered, and that is all.
func TestQueueOfNobody(t *testing.T) {
	w := newWorld(t)
	faults := w.faults()
	dan := w.connect("dan", "web", quiet, manual)
	for _, domain := range []string{msynctest.UserDomain, msynctest.RoomDomain} {
		for _, name := range []string{"", "nobody", "\x00", "\xff", strings.Repeat("x", 1000)} {
			for _, key := range []uint64{0, 7} {
				w.must(dan.Pull(&pb.JID{Name: &name, Domain: &domain}, key))
				var down pb.CommSyncDL
				if m := recv(w, dan); unmarshal(m, &down) != nil || !down.GetIsLast() || len(down.GetMetas()) > 0 {
					t.Errorf("%q: got %v", name, m)
				}
			}
		}
	}
	if _, err := dan.Unread(w.ctx); err != nil {
		t.Fatal(err)
	}
	faults.none(t)
}

// TestManyQueues: a client that finds more waiting than it may have unanswered gets all of it, without anything else happening.
func TestManyQueues(t *testing.T) {
	w := newWorld(t)
	w.connect("dan", "web").Kill()
	for i := range 6 {
		name := fmt.Sprint("u", i)
		w.register(name)
		c := w.connect(name, "web")
		for range 45 {
			w.send(c, msynctest.ToUser("dan"), "x")
		}
	}
	dan := w.connect("dan", "web")
	if got, err := dan.Wait(w.ctx, 270); err != nil {
		t.Fatalf("%d of 270 came: %v", len(got), err)
	}
	w.readAll("dan", "web")
}

// TestWhileFetching: what is said after the store was read, and before the device is told what was found, comes too.
func TestWhileFetching(t *testing.T) {
	w := newWorld(t)
	elsewhere := im.NewService(im.Config{Store: w.disk, Bus: w.bus, Clock: w.clock, IDs: w.ids, Log: w.log})
	say := func(text string) {
		t.Helper()
		_, err := elsewhere.Send(w.ctx, w.root(), im.NewMessage{From: "ann", To: []im.Address{im.ToUser("dan")}, Body: im.Body{Type: im.TextBody,
			Fields: im.Fields{{Name: "msg", Value: im.Text(text)}}}})
		w.must(err)
	}
	dan := w.connect("dan", "web")
	read, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hold := func() {
		once.Do(func() {
			close(read)
			<-release
		})
	}
	w.store.after.Store(&hold)
	say("one")
	<-read
	say("two")
	close(release)
	w.hears(dan, "one", "two")
}
