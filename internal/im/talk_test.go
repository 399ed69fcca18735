package im_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// words is a text message.
func words(s string) im.Body {
	return im.Body{Type: im.TextBody, Fields: im.Fields{{Name: "msg", Value: im.Text(s)}}}
}

// address reads "bob", "#group" or "*chatroom".
func address(to string) im.Address {
	switch to[0] {
	case '#':
		return im.ToRoom(im.Group, im.RoomID(to[1:]))
	case '*':
		return im.ToRoom(im.Chatroom, im.RoomID(to[1:]))
	}
	return im.ToUser(im.Username(to))
}

// Say sends a text from the actor's device "phone", or over the management API from its system user.
func (a actor) Say(to, text string, change ...func(*im.NewMessage)) im.MessageID {
	a.t.Helper()
	n := im.NewMessage{To: []im.Address{address(to)}, Body: words(text)}
	if !a.c.IsApp() {
		n.Device, n.Echo = "phone", true
	}
	for _, c := range change {
		c(&n)
	}
	sent, err := a.w.svc.Send(a.t.Context(), a.c, n)
	a.check(err)
	if err != nil {
		return 0
	}
	return sent[0].ID
}

// Open has the actor's device come, and tells what waits for it: "bob 2, #crew 1".
func (a actor) Open(device string) string {
	a.t.Helper()
	unread, err := a.w.svc.OpenDevice(a.t.Context(), a.c, device)
	a.check(err)
	var lines []string
	for _, u := range unread {
		if u.With.Notices { // see Told
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %d", addressText(u.With), u.Count))
	}
	return strings.Join(lines, ", ")
}

func addressText(a im.Address) string {
	switch a.Kind {
	case im.Group:
		return "#" + string(a.Room)
	case im.Chatroom:
		return "*" + string(a.Room)
	}
	return string(a.User)
}

// Read fetches and acknowledges all that waits for a device in a conversation.
func (a actor) Read(device, with string) string {
	a.t.Helper()
	var all []string
	for {
		got, err := a.w.svc.Pull(a.t.Context(), a.c, device, address(with), 0, 2)
		a.check(err)
		for _, m := range got.Messages {
			all = append(all, said(m))
		}
		if n := len(got.Messages); n > 0 {
			a.check(a.w.svc.Acknowledge(a.t.Context(), a.c, device, address(with), got.Messages[n-1].ID))
		}
		if !got.More {
			return strings.Join(all, " ")
		}
	}
}

func TestMessageToAUser(t *testing.T) {
	w := newWorld(t)
	app, bob := as(t, w, "app"), as(t, w, "bob")
	id := app.Say("bob", "one")
	same(t, "the id tells the time", id.Time(), w.clock.Now())
	if s := id.String(); len(s) < 18 || len(s) > 19 {
		t.Errorf("the id %s has %d digits", s, len(s))
	}
	as(t, w, "ann").Say("bob", "two")
	same(t, "what waits", bob.Open("web"), "admin 1, ann 1")
	same(t, "read", bob.Read("web", "ann"), "two")
	same(t, "what waits after that", bob.Open("web"), "admin 1")
	same(t, "read", bob.Read("web", "admin"), "one")
	same(t, "again", bob.Read("web", "admin"), "")
	same(t, "the sender's phone", as(t, w, "ann").Open("phone"), "")
	same(t, "the sender's other device", as(t, w, "ann").Open("pad"), "bob 1")
}

func TestMessageToNobody(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	for _, to := range []string{"nosuch", "#nosuch", "*nosuch", "#lounge"} {
		if app.Say(to, "hello") == 0 {
			t.Errorf("%s: no id", to)
		}
	}
	ann := as(t, w, "ann")
	ann.fails(im.ErrUserNotFound.For("nosuch")).Say("nosuch", "hello")
	ann.fails(im.ErrRoomNotFound.In("nosuch")).Say("#nosuch", "hello")
	as(t, w, "nobody").fails(im.ErrUnauthenticated).Say("bob", "hello")
	same(t, "history", len(w.history()), 0)
	w.register("nosuch")
	same(t, "who is registered later", as(t, w, "nosuch").Open("web"), "")
}

// history is all that was said, in its order.
func (w *world) history() []string {
	w.t.Helper()
	all, more, err := w.svc.History(w.t.Context(), im.AppCaller(w.app), time.Time{}, w.clock.Now().Add(time.Hour), 0, 1000)
	must(w.t, err)
	same(w.t, "more", more, false)
	var texts []string
	for _, m := range all {
		texts = append(texts, string(m.From)+">"+addressText(m.To)+":"+said(m))
	}
	return texts
}

// TestASenderWhoComesLater: a name may have spoken over the management API before anybody registered it.
func TestASenderWhoComesLater(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	from := func(n *im.NewMessage) { n.From = "Eve" }
	app.Say("bob", "before", from)
	w.register("eve")
	as(t, w, "bob").Say("eve", "answer")
	same(t, "eve receives", as(t, w, "eve").Open("web"), "bob 1")
	same(t, "eve reads", as(t, w, "eve").Read("web", "bob"), "answer")
	app.fails(im.ErrNameIllegal).Say("bob", "x", func(n *im.NewMessage) { n.From = "a:b" })
}

// TestAUserWhoComesBack: who is deleted and registered anew finds nothing of the old one, and receives.
func TestAUserWhoComesBack(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Say("bob", "old")
	as(t, w, "app").DeleteUser("bob")
	w.register("bob")
	same(t, "nothing of the old one", as(t, w, "bob").Open("web"), "")
	as(t, w, "ann").Say("bob", "new")
	same(t, "receives", as(t, w, "bob").Open("web")+": "+as(t, w, "bob").Read("web", "ann"), "ann 1: new")
	same(t, "the other once", as(t, w, "ann").Open("pad")+": "+as(t, w, "ann").Read("pad", "bob"), "bob 2: old new")
}

func TestOneself(t *testing.T) {
	w := newWorld(t)
	ann := as(t, w, "ann")
	ann.Open("phone")
	ann.Open("pad")
	ann.Say("ann", "note")
	same(t, "the device that wrote it", ann.Read("phone", "ann"), "")
	same(t, "another", ann.Read("pad", "ann"), "note")
}

func TestMessageToAGroup(t *testing.T) {
	w := newCrew(t)
	group := as(t, w, "app").of(im.Group).in(crew)
	ann, bob, sid := as(t, w, "ann"), as(t, w, "bob"), as(t, w, "sid")
	bob.Open("web")
	ann.Say("#crew", "one")
	group.Add("sid")
	ann.Say("#crew", "two")
	group.Remove("bob")
	ann.Say("#crew", "three")
	sid.fails(nil).Say("#crew", "four")
	bob.fails(im.ErrNotMember.For("bob").In(crew)).Say("#crew", "five")
	same(t, "removed: what was said before", bob.Read("web", "#crew"), "one two")
	same(t, "joined: what was said since", sid.Open("web")+": "+sid.Read("web", "#crew"), "#crew 3: two three four")
	group.Add("bob")
	ann.Say("#crew", "six")
	same(t, "back: not what was said meanwhile", bob.Read("web", "#crew"), "six")
	group.Destroy()
	same(t, "destroyed: what was said before", as(t, w, "cat").Open("web")+": "+as(t, w, "cat").Read("web", "#crew"), "#crew 5: one two three four six")
}

func TestShieldedGroup(t *testing.T) {
	w := newCrew(t)
	ann, bob := as(t, w, "ann"), as(t, w, "bob")
	bob.Open("web")
	shield := func(on bool) {
		must(t, w.svc.SetShield(t.Context(), bob.c, im.Group, crew, "bob", on))
	}
	ann.Say("#crew", "one")
	shield(true)
	ann.Say("#crew", "two")
	same(t, "what was said before", bob.Read("web", "#crew"), "one")
	bob.Say("#crew", "three")
	shield(false)
	same(t, "not what was said meanwhile", bob.Read("web", "#crew"), "")
	ann.Say("#crew", "four")
	same(t, "what is said since", bob.Read("web", "#crew"), "four")
	shield(true)
	inGroup(t, w, "app", crew).Remove("bob")
	inGroup(t, w, "app", crew).Add("bob")
	ann.Say("#crew", "five")
	same(t, "it ends with the membership", bob.Read("web", "#crew"), "five")
}

func TestMessageToAChatroom(t *testing.T) {
	w := newWorld(t)
	as(t, w, "bob").Say("*lounge", "hello")
	same(t, "no inbox", as(t, w, "ann").Open("web")+as(t, w, "bob").Open("web"), "")
	same(t, "history", w.history(), []string{"bob>*lounge:hello"})
	as(t, w, "sid").fails(im.ErrNotMember.For("sid").In(lounge)).Say("*lounge", "hello")
}

func TestDirectedMessage(t *testing.T) {
	w := newCrew(t)
	as(t, w, "app").Say("#crew", "for cat", func(n *im.NewMessage) { n.Only = []string{"Cat", "sid"} })
	same(t, "others", as(t, w, "bob").Open("web"), "")
	same(t, "who is named", as(t, w, "cat").Open("web"), "#crew 1")
	same(t, "who is named and no member", as(t, w, "sid").Open("web"), "")
}

// TestOnlineOnly: what is for those online only stands in no inbox, and in no order: what is said before and after it is contiguous.
func TestOnlineOnly(t *testing.T) {
	w := newCrew(t)
	as(t, w, "app").Say("bob", "now", func(n *im.NewMessage) { n.Online = true })
	same(t, "no inbox", as(t, w, "bob").Open("web"), "")
	same(t, "history", w.history(), []string{"admin>bob:now"})

	ann, bob := as(t, w, "ann"), as(t, w, "bob")
	ann.Open("pad")
	online := func(n *im.NewMessage) { n.Online = true }
	w.bus.Take()
	first := ann.Say("bob", "one")
	for _, to := range []string{"bob", "#crew", "*lounge"} {
		ann.Say(to, "typing", online)
	}
	second := ann.Say("bob", "two")
	for _, e := range w.bus.Take() {
		want := im.MessageID(0)
		if e.Message.ID == second {
			want = first
		}
		same(t, said(*e.Message)+" comes after", e.Message.Prev, want)
	}
	same(t, "what waits", []string{bob.Open("web"), ann.Open("pad")}, []string{"ann 2", "bob 2"})
	same(t, "what is read", []string{bob.Read("web", "ann"), ann.Read("pad", "bob")}, []string{"one two", "one two"})
	bob.BlockUsers("bob", "ann")
	ann.fails(im.ErrBlockedByUser).Say("bob", "typing", online)
}

func TestSendTwice(t *testing.T) {
	w := newWorld(t)
	again := func(client string) func(*im.NewMessage) { return func(n *im.NewMessage) { n.Client = client } }
	ann := as(t, w, "ann")
	first := ann.Say("bob", "once", again("c1"))
	w.bus.Take()
	same(t, "the same id", ann.Say("bob", "once", again("c1")), first)
	same(t, "no event", len(w.bus.Take()), 0)
	if ann.Say("bob", "two", again("c2")) == first || as(t, w, "cat").Say("bob", "three", again("c1")) == first {
		t.Error("another message got the same id")
	}
	same(t, "read", as(t, w, "bob").Open("web"), "ann 2, cat 1")
	both := func(n *im.NewMessage) { n.To = append(n.To, address("cat")) }
	same(t, "to two", ann.Say("bob", "four", again("c3"), both), ann.Say("bob", "four", again("c3"), both))
	same(t, "read once", as(t, w, "cat").Open("web"), "ann 1, bob 1")
}

func TestSendToMany(t *testing.T) {
	w := newWorld(t)
	sent, err := w.svc.Send(t.Context(), im.AppCaller(w.app), im.NewMessage{Body: words("all"), To: []im.Address{address("bob"), address("nosuch"), address("cat")}})
	must(t, err)
	same(t, "each its own", []any{len(sent), sent[0].To, sent[0].ID != sent[2].ID}, []any{3, address("bob"), true})
	same(t, "history", w.history(), []string{"admin>bob:all", "admin>cat:all"})
	_, err = w.svc.Send(t.Context(), im.UserCaller(w.app, "ann"), im.NewMessage{Body: words("all"), To: []im.Address{address("bob"), address("nosuch")}})
	refused(t, err, im.ErrUserNotFound.For("nosuch"))
	same(t, "all or nothing", len(w.history()), 2)
}

func TestBadMessages(t *testing.T) {
	w := newWorld(t, "message_max_bytes=256")
	app := as(t, w, "app")
	app.fails(im.ErrMessageLarge.With("256")).Say("bob", strings.Repeat("x", 254))
	app.Say("bob", strings.Repeat("x", 253))
	app.fails(im.ErrMessageLarge).Say("bob", strings.Repeat("x", 200), func(n *im.NewMessage) {
		n.Ext = im.Fields{{Name: "key", Value: im.Text(strings.Repeat("x", 60))}}
	})
	app.fails(im.ErrFieldMissing.With("type")).Say("bob", "x", func(n *im.NewMessage) { n.Body.Type = 0 })
	app.fails(im.ErrFieldMissing.With("type")).Say("bob", "x", func(n *im.NewMessage) { n.Body.Type = im.RecallBody })
	app.fails(im.ErrFieldMissing.With("to")).Say("bob", "x", func(n *im.NewMessage) { n.To = nil })
	app.Say("bob", "x", func(n *im.NewMessage) { n.Wire, n.Raw = "wire", make([]byte, 8*256+4096) })
	app.fails(im.ErrMessageLarge).Say("bob", "x", func(n *im.NewMessage) { n.Wire, n.Raw = "wire", make([]byte, 8*256+4097) })
	app.fails(im.ErrInvalid.With("device")).Say("bob", "x", func(n *im.NewMessage) { n.Device = strings.Repeat("d", 257) })
	app.fails(im.ErrInvalid.With("client")).Say("bob", "x", func(n *im.NewMessage) { n.Client = strings.Repeat("c", 65) })
}

func TestMessageEvents(t *testing.T) {
	w := newCrew(t)
	topics := func() (list []string) {
		for _, e := range w.bus.Take() {
			if e.Kind == im.MessageSent || e.Kind == im.MessageRecalled {
				list = append(list, fmt.Sprintf("%s %s %s", e.Topic, e.Kind, said(*e.Message)))
			}
		}
		return list
	}
	user := func(n string) string { return string(im.UserTopic(w.app.ID, im.Username(n))) }
	as(t, w, "app").Say("bob", "one")
	same(t, "from the management API", topics(), []string{user("bob") + " message_sent one"})
	id := as(t, w, "ann").Say("bob", "two")
	same(t, "to the sender's devices too", topics(), []string{user("bob") + " message_sent two", user("ann") + " message_sent two"})
	as(t, w, "ann").Say("ann", "three")
	same(t, "once to oneself", topics(), []string{user("ann") + " message_sent three"})
	as(t, w, "ann").Say("#crew", "four")
	same(t, "to a room", topics(), []string{string(im.RoomTopic(w.app.ID, crew)) + " message_sent four"})
	as(t, w, "app").Say("nosuch", "five")
	same(t, "to nobody", len(topics()), 0)
	as(t, w, "ann").Recall(id)
	same(t, "withdrawn", topics(), []string{user("bob") + " message_recalled -" + id.String(), user("ann") + " message_recalled -" + id.String()})
}

// Recall withdraws a message.
func (a actor) Recall(id im.MessageID) {
	a.t.Helper()
	_, err := a.w.svc.Recall(a.t.Context(), a.c, id, im.Recalling{})
	a.check(err)
}

func TestRecall(t *testing.T) {
	w := newCrew(t)
	ann, bob, cat := as(t, w, "ann"), as(t, w, "bob"), as(t, w, "cat")
	bob.Open("web")
	id := ann.Say("#crew", "oops")
	same(t, "one has read it", bob.Read("web", "#crew"), "oops")
	bob.fails(im.ErrNotSelf.For("ann")).Recall(id)
	as(t, w, "nobody").fails(im.ErrUnauthenticated).Recall(id)
	w.bus.Take()
	ann.Recall(id)
	withdrawal := w.bus.Take()[0].Message.ID
	ann.fails(im.ErrMessageNotFound).Recall(withdrawal)
	same(t, "who has read it is told", bob.Read("web", "#crew"), "-"+id.String())
	same(t, "who has not never reads it", cat.Open("web")+": "+cat.Read("web", "#crew"), "#crew 1: -"+id.String())
	ann.fails(im.ErrMessageNotFound.With(id.String())).Recall(id)
	late := ann.Say("bob", "late")
	w.clock.Advance(2 * time.Minute)
	as(t, w, "app").Recall(late)
	late = ann.Say("bob", "late")
	w.clock.Advance(2*time.Minute + time.Millisecond)
	as(t, w, "app").fails(im.ErrRecallLate.With(late.String())).Recall(late)
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	bob := as(t, w, "bob")
	at := w.clock.Now().Add(-48 * time.Hour)
	n := im.NewMessage{From: "ann", To: []im.Address{address("bob")}, Body: words("old"), At: at}
	as(t, w, "app").Say("bob", "new")
	for range 3 {
		id, err := w.svc.Import(t.Context(), im.AppCaller(w.app), n)
		must(t, err)
		same(t, "its time", id.Time(), at)
	}
	same(t, "history in the order of time", w.history(), []string{"ann>bob:old", "ann>bob:old", "ann>bob:old", "admin>bob:new"})
	same(t, "no inbox", bob.Open("web"), "admin 1")
	_, err := w.svc.Import(t.Context(), im.UserCaller(w.app, "ann"), n)
	refused(t, err, im.ErrAppOnly)
	n.At = w.clock.Now().AddDate(0, 0, -180)
	_, err = w.svc.Import(t.Context(), im.AppCaller(w.app), n)
	must(t, err)
	n.At = n.At.Add(-time.Millisecond)
	_, err = w.svc.Import(t.Context(), im.AppCaller(w.app), n)
	refused(t, err, im.ErrHistoryOld.With(strconv.FormatInt(n.At.UnixMilli(), 10)))
}

func TestOfflineCount(t *testing.T) {
	w := newCrew(t)
	app, bob := as(t, w, "app"), as(t, w, "bob")
	count := func() int {
		n, err := w.svc.OfflineCount(t.Context(), app.c, "bob")
		must(t, err)
		return n
	}
	delivered := func(id im.MessageID) bool {
		ok, err := w.svc.Delivered(t.Context(), app.c, "bob", id)
		must(t, err)
		return ok
	}
	same(t, "nothing", count(), 0)
	id := app.Say("bob", "one")
	app.Say("#crew", "two")
	bob.Say("#crew", "own")
	same(t, "two of others", []any{count(), delivered(id)}, []any{2, false})
	bob.Open("web")
	bob.Open("pad")
	bob.Read("web", "admin")
	same(t, "one device has read", []any{count(), delivered(id), delivered(1)}, []any{1, true, false})
	ann := as(t, w, "ann")
	oops, typo := ann.Say("bob", "oops"), ann.Say("bob", "typo")
	ann.Recall(oops)
	ann.Rewrite(typo, im.Rewriting{Body: words("type")})
	ann.Receipt(im.ReceiptRead, bob.Say("ann", "hello"))
	online := ann.Say("bob", "typing", func(n *im.NewMessage) { n.Online = true })
	same(t, "nobody said withdrawals, edits and receipts", []any{count(), bob.Open("web")}, []any{2, "#crew 2, ann 5"})
	bob.Read("web", "ann")
	same(t, "nobody acknowledges what is for those online", []any{count(), delivered(typo), delivered(online)}, []any{1, true, false})
	for _, f := range []func(im.Caller, string) error{
		func(c im.Caller, name string) error { _, err := w.svc.OfflineCount(t.Context(), c, name); return err },
		func(c im.Caller, name string) error { _, err := w.svc.Delivered(t.Context(), c, name, id); return err },
	} {
		must(t, f(bob.c, "bob"))
		refused(t, f(bob.c, "ann"), im.ErrNotSelf)
		refused(t, f(app.c, "nosuch"), im.ErrUserNotFound)
	}
}

func TestDevices(t *testing.T) {
	w := newWorld(t)
	app, bob := as(t, w, "app"), as(t, w, "bob")
	app.Say("bob", "one")
	same(t, "the first device", bob.Open("web")+": "+bob.Read("web", "admin"), "admin 1: one")
	w.clock.Advance(time.Hour)
	app.Say("bob", "two")
	same(t, "a new one starts where nobody has read", bob.Open("pad")+": "+bob.Read("pad", "admin"), "admin 1: two")
	same(t, "each device reads for itself", bob.Read("web", "admin"), "two")
	w.clock.Advance(time.Hour)
	same(t, "all is read", bob.Open("tv"), "")
	app.Say("bob", "three")
	bob.Read("web", "admin")
	same(t, "known before the message", bob.Read("tv", "admin"), "three")
	for _, name := range []string{"", strings.Repeat("x", 257)} {
		bob.fails(im.ErrInvalid.With("device")).Open(name)
	}
	app.fails(im.ErrInvalid.With("device")).Open("web")
	as(t, w, "nobody").fails(im.ErrUnauthenticated).Open("web")
	_, err := w.svc.Pull(t.Context(), bob.c, "unknown", address("admin"), 0, 1)
	refused(t, err, im.ErrDeviceNotFound.With("unknown"))
	refused(t, w.svc.Acknowledge(t.Context(), bob.c, "unknown", address("admin"), 1), im.ErrDeviceNotFound.With("unknown"))
}

func TestMessageIDs(t *testing.T) {
	early, late := im.MessageIDAt(time.UnixMilli(-1<<62)), im.MessageIDAt(time.UnixMilli(1<<62))
	same(t, "before all and after all", []bool{early == 0, late > 1<<62}, []bool{true, true})
	for _, s := range []string{"", "0", "-1", "x", "9223372036854775808", "1.5", "+"} {
		if _, err := im.ParseMessageID(s); err == nil {
			t.Errorf("%q is read as an id", s)
		}
	}
	id, err := im.ParseMessageID("1029457500870543736")
	must(t, err)
	same(t, "written as read", id.String(), "1029457500870543736")
	same(t, "before ids", im.MessageIDAt(time.Unix(0, 0)), im.MessageID(0))
	for _, c := range []struct {
		u    im.Username
		with string
	}{{"ann", "bob"}, {"bob", "ann"}, {"ann", "ann"}, {"ann", "#crew"}, {"ann", "*lounge"}} {
		same(t, c.with, im.Conversation(c.u, address(c.with)).With(c.u), address(c.with))
	}
	same(t, "both directions are one", im.Conversation("bob", address("ann")), im.Conversation("ann", address("bob")))
	same(t, "no conversation", im.ConversationID("").With("ann"), im.Address{})
}

func TestAPlaceIsNeverBeyondTheConversation(t *testing.T) {
	w := newWorld(t)
	app, bob := as(t, w, "app"), as(t, w, "bob")
	bob.Open("web")
	app.Say("bob", "one")
	must(t, w.svc.Acknowledge(t.Context(), bob.c, "web", address("admin"), 1<<62))
	app.Say("bob", "two")
	same(t, "what came later", bob.Read("web", "admin"), "two")
	must(t, w.svc.Acknowledge(t.Context(), bob.c, "web", address("cat"), 1<<62)) // nothing stands there
	as(t, w, "cat").Say("bob", "three")
	same(t, "the first of a conversation", bob.Read("web", "cat"), "three")
}

func TestDirectedToNobody(t *testing.T) {
	w := newCrew(t)
	for only, fault := range map[string]*im.Error{"cat bob": im.ErrNameIllegal, "": im.ErrNameMissing, strings.Repeat("x", 65): im.ErrNameLong} {
		as(t, w, "app").fails(fault).Say("#crew", "psst", func(n *im.NewMessage) { n.Only = []string{only} })
	}
	same(t, "bob", as(t, w, "bob").Open("web"), "")
	device := func(name string) func(*im.NewMessage) { return func(n *im.NewMessage) { n.ToDevice = name } }
	for _, name := range []string{strings.Repeat("x", 257), "\xff", "a\x00"} {
		as(t, w, "cat").fails(im.ErrInvalid.With("to")).Say("bob", "psst", device(name))
		as(t, w, "bob").fails(im.ErrInvalid.With("device")).Open(name)
	}
	as(t, w, "cat").Say("#crew", "to all", device("pad"))
	same(t, "of a group there are no devices", as(t, w, "bob").Open("web"), "#crew 1")
}
