package im_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// saying is a text.
func saying(text string, to ...im.Address) im.NewMessage {
	return im.NewMessage{To: to, Body: words(text)}
}

// Send sends a message and returns the ids.
func (a actor) Send(n im.NewMessage) (ids []im.MessageID) {
	a.t.Helper()
	sent, err := a.w.svc.Send(a.t.Context(), a.c, n)
	a.check(err)
	for _, s := range sent {
		ids = append(ids, s.ID)
	}
	return ids
}

// Rewrite edits a message and returns what it says then.
func (a actor) Rewrite(id im.MessageID, r im.Rewriting) string {
	a.t.Helper()
	m, err := a.w.svc.Rewrite(a.t.Context(), a.c, id, r)
	a.check(err)
	return content(m)
}

// content is a message in one line: sender, type, body, extension, how often who edited it, and what it is about.
func content(m im.Message) string {
	s := fmt.Sprintf("%s %d %v %v", m.From, m.Body.Type, m.Body.Fields, m.Ext)
	if m.Edit.Count > 0 {
		s += fmt.Sprintf(" edit %d by %s after %s", m.Edit.Count, m.Edit.By, span(m.Edit.At))
	}
	if m.Of != 0 {
		s += " of another"
	}
	return s
}

// Wait returns the contents that wait for a device, which is known.
func (a actor) Wait(device string, with im.Address) string {
	a.t.Helper()
	got, err := a.w.svc.Pull(a.t.Context(), a.c, device, with, 0, 100)
	a.check(err)
	lines := make([]string, len(got.Messages))
	for i, m := range got.Messages {
		lines[i] = content(m)
	}
	return strings.Join(lines, "; ")
}

func TestRewrite(t *testing.T) {
	w := newWorld(t)
	app, ann, bob := as(t, w, "app"), as(t, w, "ann"), as(t, w, "bob")
	bob.Open("phone")
	n := saying("one", im.ToUser("bob"))
	n.Wire, n.Raw, n.Ext = "wire", []byte("raw"), im.Fields{{Name: "a", Value: im.Text("1")}, {Name: "b", Value: im.Text("2")}}
	id := ann.Send(n)[0]
	w.bus.Take()
	w.clock.Advance(time.Hour) // there is no time limit

	combined := im.Rewriting{Body: words("two"), NewExt: true, Combine: true, Ext: im.Fields{{Name: "c", Value: im.Text("3")}, {Name: "a", Value: im.Text("9")}}}
	same(t, "combined", ann.Rewrite(id, combined), "ann 1 [{msg {0 two}}] [{a {0 9}} {b {0 2}} {c {0 3}}] edit 1 by ann after 1h0m0s")
	events := w.bus.Take()
	if len(events) != 2 || events[0].Kind != im.MessageEdited || events[0].Message.Of != id || events[0].Topic != im.UserTopic(w.app.ID, "bob") ||
		events[1].Topic != im.UserTopic(w.app.ID, "ann") || events[0].Message.Raw != nil {
		t.Errorf("events: got %+v", events)
	}
	replaced := im.Rewriting{By: "Moderator", NewExt: true}
	same(t, "replaced", app.Rewrite(id, replaced), "ann 1 [{msg {0 two}}] [] edit 2 by moderator after 1h0m0s")
	same(t, "who has not received it, and the notes", bob.Wait("phone", im.ToUser("ann")),
		"ann 1 [{msg {0 two}}] [] edit 2 by moderator after 1h0m0s; "+
			"ann 1 [{msg {0 two}}] [{a {0 9}} {b {0 2}} {c {0 3}}] edit 1 by ann after 1h0m0s of another; "+
			"ann 1 [{msg {0 two}}] [] edit 2 by moderator after 1h0m0s of another")
}

func TestRewriteRefused(t *testing.T) {
	w := newWorld(t, "message_max_bytes=256")
	app, ann := as(t, w, "app"), as(t, w, "ann")
	text := ann.Send(saying("one", im.ToUser("bob")))[0]
	special := func(kind im.BodyType) im.MessageID {
		n := saying("one", im.ToUser("bob"))
		n.Body.Type = kind
		return ann.Send(n)[0]
	}
	image, command := special(im.ImageBody), special(im.CommandBody)
	edit := im.Rewriting{Body: words("two")}
	ext := im.Rewriting{NewExt: true, Ext: im.Fields{{Name: "k", Value: im.Text("v")}}}
	as(t, w, "nobody").fails(im.ErrUnauthenticated).Rewrite(text, edit)
	as(t, w, "bob").fails(im.ErrNotSelf).Rewrite(text, edit)
	ann.fails(im.ErrNotSelf.For("bob")).Rewrite(text, im.Rewriting{By: "bob", Body: words("two")})
	app.fails(im.ErrMessageNotFound.With("7")).Rewrite(7, edit)
	app.fails(im.ErrFieldMissing.With("new_msg")).Rewrite(text, im.Rewriting{})
	app.fails(im.ErrNameIllegal).Rewrite(text, im.Rewriting{By: "a b", Body: words("two")})
	app.fails(im.ErrEditKind).Rewrite(image, edit)
	app.fails(im.ErrEditKind).Rewrite(image, im.Rewriting{Body: im.Body{Type: im.ImageBody}})
	app.fails(im.ErrEditKind).Rewrite(command, ext)
	app.fails(im.ErrMessageLarge.With("256")).Rewrite(text, im.Rewriting{Body: words(strings.Repeat("x", 254))})
	same(t, "an image gets an extension", app.Rewrite(image, ext), "ann 2 [{msg {0 one}}] [{k {0 v}}] edit 1 by admin after 0s")
	for range 10 {
		app.Rewrite(text, edit)
	}
	app.fails(im.ErrEditLimit.With("10")).Rewrite(text, edit)
	w.bus.Take()
	recalled := ann.Send(saying("x", im.ToUser("bob")))[0]
	ann.Recall(recalled)
	for _, e := range w.bus.Take() {
		if e.Kind == im.MessageRecalled {
			app.fails(im.ErrMessageNotFound).Rewrite(e.Message.ID, edit)
		}
	}
}

// RecallFrom withdraws a message that went to an address.
func (a actor) RecallFrom(id im.MessageID, to im.Address) im.Message {
	a.t.Helper()
	m, err := a.w.svc.Recall(a.t.Context(), a.c, id, im.Recalling{To: to})
	a.check(err)
	return m
}

func TestRecallAddress(t *testing.T) {
	w := newWorld(t)
	ann := as(t, w, "ann")
	id := ann.Send(saying("x", im.ToUser("bob")))[0]
	ann.fails(im.ErrMessageElsewhere).RecallFrom(id, im.ToUser("cat"))
	ann.fails(im.ErrMessageElsewhere).RecallFrom(id, im.ToRoom(im.Chatroom, "bob"))
	w.change("recall_seconds=0")
	as(t, w, "ann").fails(im.ErrRecallOff).RecallFrom(id, im.ToUser("bob"))
	w.change("recall_seconds=60")
	w.clock.Advance(61 * time.Second)
	as(t, w, "ann").fails(im.ErrRecallLate).RecallFrom(id, im.ToUser("bob"))
	w.change("recall_seconds=61")
	of, _, _ := as(t, w, "ann").RecallFrom(id, im.ToUser("BOB")).Withdrawal()
	same(t, "recalled", of, id)
	as(t, w, "ann").fails(im.ErrMessageNotFound).RecallFrom(id, im.ToUser("bob"))
}

func TestReceivers(t *testing.T) {
	w := newWorld(t)
	app, ann := as(t, w, "app"), as(t, w, "ann")
	users := func(n int) (to []im.Address) {
		for i := range n {
			to = append(to, im.ToUser(im.Username(fmt.Sprintf("u%03d", i))))
		}
		return to
	}
	rooms := func(kind im.RoomKind, n int) (to []im.Address) {
		for i := range n {
			to = append(to, im.ToRoom(kind, im.RoomID(fmt.Sprintf("r%d", i))))
		}
		return to
	}
	for _, c := range []struct {
		most int
		to   func(n int) []im.Address
	}{
		{600, users},
		{3, func(n int) []im.Address { return rooms(im.Group, n) }},
		{10, func(n int) []im.Address { return rooms(im.Chatroom, n) }},
	} {
		same(t, "as many as may be", len(app.Send(saying("x", c.to(c.most)...))), c.most)
		want := im.ErrTooManyReceivers.With(fmt.Sprint(c.most))
		want.Count = c.most + 1
		app.fails(want).Send(saying("x", c.to(c.most+1)...))
	}
	w.want() // nobody is there
	app.fails(im.ErrFieldMissing.With("to")).Send(saying("x"))
	directed := saying("x", im.ToRoom(im.Chatroom, lounge))
	for i := range 20 {
		directed.Only = append(directed.Only, fmt.Sprintf("u%d", i), fmt.Sprintf("U%d", i))
	}
	app.Send(directed)
	directed.Only = append(directed.Only, "one more")
	app.fails(im.ErrTooManyDirected.With("20")).Send(directed)

	ids := app.Send(saying("x", im.ToUser("cat"), im.ToUser("Bob"), im.ToUser("bob"), im.ToUser("no body"), im.ToUser("BOB")))
	if ids[1] != ids[2] || ids[1] != ids[4] || ids[0] == ids[1] || ids[3] == 0 {
		t.Errorf("named twice: got %v", ids)
	}
	ann.fails(im.ErrUserNotFound.For("no body")).Send(saying("x", im.ToUser("no body")))
	spoofed := saying("x", im.ToUser("bob"))
	spoofed.From = "cat"
	ann.fails(im.ErrNotSelf.For("cat")).Send(spoofed)
	spoofed.From = "ANN"
	ann.Send(spoofed)
}

// History reads the history of the app as contents.
func (a actor) History(from, to time.Time) string {
	a.t.Helper()
	messages, _, err := a.w.svc.History(a.t.Context(), a.c, from, to, 0, 1000)
	a.check(err)
	lines := make([]string, len(messages))
	for i, m := range messages {
		lines[i] = m.To.String() + ":" + content(m)
	}
	return strings.Join(lines, "; ")
}

func (a actor) Broadcast(n im.NewMessage, to im.Audience) im.MessageID {
	a.t.Helper()
	id, err := a.w.svc.Broadcast(a.t.Context(), a.c, n, to)
	a.check(err)
	return id
}

func TestBroadcast(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	n := saying("hello")
	for _, to := range []im.Audience{im.ConnectedUsers, im.AllUsers, im.AllChatrooms} {
		as(t, w, "ann").fails(im.ErrAppOnly).Broadcast(n, to)
		as(t, w, "nobody").fails(im.ErrUnauthenticated).Broadcast(n, to)
		app.fails(im.ErrFieldMissing.With("type")).Broadcast(im.NewMessage{}, to)
	}
	w.want()

	id := app.Broadcast(n, im.ConnectedUsers)
	events := w.bus.Take()
	if len(events) != 1 || events[0].Topic != im.AppTopic(w.app.ID) || events[0].Kind != im.MessageBroadcast || events[0].Message.ID != id ||
		content(*events[0].Message) != "admin 1 [{msg {0 hello}}] []" {
		t.Errorf("to the connected: got %+v", events)
	}
	end := imtest.Epoch().Add(time.Hour)
	same(t, "nothing is stored", app.History(imtest.Epoch(), end), "")

	w.crowd(200)
	n.From = "ann"
	app.Broadcast(n, im.AllUsers)
	each := func(from, to time.Time) []string { // who has heard it, each as often as they have
		return slices.Sorted(slices.Values(strings.Split(app.History(from, to), "; ")))
	}
	said := func(to string) string { return to + ":ann 1 [{msg {0 hello}}] []" }
	if got := each(imtest.Epoch(), end); len(got) != 206 || len(slices.Compact(got)) != 206 || !slices.Contains(got, said("adm")) || slices.Contains(got, said("ann")) {
		t.Errorf("to all users: got %d, %v", len(got), got)
	}
	w.clock.Advance(time.Hour)
	for i := range 101 {
		w.furnish(im.RoomID(fmt.Sprintf("r%d", i)))
	}
	app.of(im.Group).Create(im.NewRoom{ID: "agroup", Name: "g", Owner: "ann"})
	w.bus.Take()
	app.Broadcast(n, im.AllChatrooms)
	for _, e := range w.bus.Take() {
		if e.Kind != im.MessageSent || !e.Message.Broadcast {
			t.Errorf("%s of %s is no broadcast", e.Kind, e.Room)
		}
	}
	if got := each(end, end.Add(time.Hour)); len(got) != 102 || len(slices.Compact(got)) != 102 || !slices.Contains(got, said("lounge")) {
		t.Errorf("to all chatrooms: got %d, %v", len(got), got)
	}
}

func TestHistoryFile(t *testing.T) {
	w := newWorld(t, "message_days=2")
	app := as(t, w, "app")
	hour := imtest.Epoch().UTC().Truncate(time.Hour)
	name := hour.Format("2006010215")
	file := func(a actor, hour string) im.HistoryFile {
		f, err := w.svc.HistoryFile(t.Context(), a.c, hour)
		a.check(err)
		return f
	}
	read := func(f im.HistoryFile) (n int, err error) {
		err = w.svc.ReadHistoryFile(t.Context(), w.app, f, func(messages []im.Message) error { n += len(messages); return nil })
		return n, err
	}
	const count = 1001
	for range count {
		app.Send(saying("x", im.ToRoom(im.Chatroom, lounge)))
	}
	file(as(t, w, "ann").fails(im.ErrAppOnly), name)
	file(as(t, w, "nobody").fails(im.ErrUnauthenticated), name)
	for _, bad := range []string{"", "20161027", "2016102799", "201610270000", "2016-02-01", "+016102704"} {
		file(app.fails(im.ErrHistoryFormat.With(bad)), bad)
	}
	file(app.fails(im.ErrHistoryNone.With(name)), name) // the hour is not over
	w.clock.Advance(time.Hour + time.Minute)
	app.Send(saying("later", im.ToRoom(im.Chatroom, lounge)))
	f := file(app, name)
	if n, err := read(f); n != count || err != nil {
		t.Errorf("got %d messages, %v", n, err)
	}
	forged := f
	forged.Hour = hour.Add(time.Hour).Format("2006010215")
	if _, err := read(forged); im.AsError(err).Code != im.ErrLinkBad.Code {
		t.Errorf("another hour: got %v", err)
	}
	forged = f
	forged.Expires++
	if _, err := read(forged); im.AsError(err).Code != im.ErrLinkBad.Code {
		t.Errorf("another end: got %v", err)
	}
	w.clock.Advance(time.Hour)
	if _, err := read(f); im.AsError(err).Code != im.ErrLinkBad.Code {
		t.Errorf("expired: got %v", err)
	}
	before := hour.Add(-time.Hour).Format("2006010215")
	file(app.fails(im.ErrHistoryNone.With(before)), before)
	w.change("history_zone=8", "message_days=2")
	file(as(t, w, "app"), hour.Add(8*time.Hour).Format("2006010215"))
	w.change("history_zone=0", "message_days=2")
	w.clock.Advance(48 * time.Hour)
	file(as(t, w, "app").fails(im.ErrHistoryOld.With(name)), name)
}

func TestImportReceiver(t *testing.T) {
	w := newWorld(t)
	n := saying("old", im.ToUser("BOB"))
	n.At = imtest.Epoch().Add(-time.Hour)
	if _, err := w.svc.Import(t.Context(), im.AppCaller(w.app), n); err != nil {
		t.Fatal(err)
	}
	n.To = nil
	_, err := w.svc.Import(t.Context(), im.AppCaller(w.app), n)
	refused(t, err, im.ErrFieldMissing.With("to"))
	late := saying("of a faster clock", im.ToUser("bob"))
	late.At = imtest.Epoch().Add(10 * time.Minute)
	if _, err := w.svc.Import(t.Context(), im.AppCaller(w.app), late); err != nil {
		t.Fatal(err)
	}
	late.At = time.UnixMilli(imtest.Epoch().UnixMicro()) // microseconds taken for milliseconds
	_, err = w.svc.Import(t.Context(), im.AppCaller(w.app), late)
	refused(t, err, im.ErrInvalid.With("msg_timestamp"))
	same(t, "history", as(t, w, "app").History(n.At, n.At.Add(time.Minute)), "bob:admin 1 [{msg {0 old}}] []")
	w.want()
}

// TestRewriteTogether edits one message from several sides: every edit counts, and leaves a note.
func TestRewriteTogether(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		ann := as(t, w, "ann")
		id := ann.Send(saying("x", im.ToUser("bob")))[0]
		const sides = 6
		edits := make([]func() error, sides)
		for i := range edits {
			edits[i] = func() error {
				_, err := w.svc.Rewrite(t.Context(), ann.c, id, im.Rewriting{Body: words(fmt.Sprint(i))})
				return err
			}
		}
		same(t, "edits", tally(together(edits...)), map[string]int{"ok": sides})
		bob := as(t, w, "bob")
		bob.Open("web")
		got, err := w.svc.Pull(t.Context(), bob.c, "web", address("ann"), 0, 100)
		must(t, err)
		messages := got.Messages
		last := messages[len(messages)-1]
		if len(messages) != 1+sides || messages[0].ID != id || messages[0].Edit.Count != sides || last.Edit.Count != sides || last.Of != id ||
			fmt.Sprint(last.Body) != fmt.Sprint(messages[0].Body) {
			t.Errorf("got %d messages, first %s, last %s", len(messages), content(messages[0]), content(last))
		}
	})
}

// TestSendToManyTogether sends to the same people from several sides, each naming them in another order.
func TestSendToManyTogether(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		app, people := as(t, w, "app"), []string{"ann", "adm", "ada", "bob", "cat", "sid", "zed"}
		const sides, each = 6, 3
		sends := make([]func() error, sides)
		for i := range sends {
			var to []im.Address
			for j := range people {
				to = append(to, im.ToUser(im.Username(people[(i+j)%len(people)])))
			}
			if i%2 == 0 {
				slices.Reverse(to)
			}
			sends[i] = func() (err error) {
				for range each {
					_, e := w.svc.Send(t.Context(), app.c, saying("x", to...))
					err = errors.Join(err, e)
				}
				return err
			}
		}
		same(t, "sends", tally(together(sends...)), map[string]int{"ok": sides})
		for _, name := range people {
			n, err := w.svc.OfflineCount(t.Context(), app.c, name)
			if err != nil || n != sides*each {
				t.Errorf("%s has %d messages, %v", name, n, err)
			}
		}
	})
}

func TestWhoMayNotWriteMayNotRewrite(t *testing.T) {
	w := newCrew(t)
	app, cat, ann, bob := as(t, w, "app"), as(t, w, "cat"), inGroup(t, w, "ann", crew), as(t, w, "bob")
	edit := im.Rewriting{Body: words("again")}
	inCrew, toBob := cat.Say("#crew", "one"), cat.Say("bob", "two")
	ann.Mute("cat", im.ForGood)
	cat.fails(im.ErrMemberMuted.For("cat").In(crew)).Rewrite(inCrew, edit)
	ann.Unmute("cat")
	ann.MuteRoom(true)
	cat.fails(im.ErrRoomSilent.For("cat").In(crew)).Rewrite(inCrew, edit)
	ann.MuteRoom(false)
	bob.BlockUsers("bob", "cat")
	cat.fails(im.ErrBlockedByUser.For("bob")).Rewrite(toBob, edit)
	ann.Remove("cat")
	cat.fails(im.ErrNotMember.For("cat").In(crew)).Rewrite(inCrew, edit)
	app.Rewrite(inCrew, edit)
	app.Rewrite(toBob, edit)
	ann.Destroy()
	cat.fails(im.ErrRoomNotFound.In(crew)).Rewrite(inCrew, edit)
	app.Rewrite(inCrew, edit)
	app.DeleteUser("bob")
	cat.fails(im.ErrUserNotFound.For("bob")).Rewrite(toBob, edit)
}

// TestRecallSaidTwice: the answer was lost, and the device says it again.
func TestRecallSaidTwice(t *testing.T) {
	w := newWorld(t, "message_max_bytes=256")
	ann, bob := as(t, w, "ann"), as(t, w, "bob")
	bob.Open("web")
	recall := func(a actor, id im.MessageID, r im.Recalling) im.Message {
		m, err := w.svc.Recall(t.Context(), a.c, id, r)
		a.check(err)
		return m
	}
	id, other := ann.Say("bob", "oops"), ann.Say("bob", "well")
	r := im.Recalling{To: im.ToUser("bob"), Device: "phone", Client: "c2", Ext: "sorry"}
	w.bus.Take()
	first := recall(ann, id, r)
	var topics []im.Topic
	for _, e := range w.bus.Take() {
		topics = append(topics, e.Topic)
		of, ext, ok := e.Message.Withdrawal()
		same(t, "what is told", []any{e.Kind, of, ext, ok, e.Message.Device}, []any{im.MessageRecalled, id, "sorry", true, "phone"})
	}
	same(t, "to", topics, []im.Topic{im.UserTopic(w.app.ID, "bob"), im.UserTopic(w.app.ID, "ann")})
	w.clock.Advance(time.Hour)
	w.change("recall_seconds=0")
	ann = as(t, w, "ann")
	again := recall(ann, id, r)
	same(t, "the same, also when it would be refused", []any{again.ID, again.At}, []any{first.ID, first.At})
	w.want()
	same(t, "told once", bob.Read("web", "ann"), "well -"+id.String())
	same(t, "the device that did it knows", ann.Open("phone"), "")
	recall(ann.fails(im.ErrRecallOff), other, r)
	recall(ann.fails(im.ErrMessageLarge.With("256")), other, im.Recalling{Ext: strings.Repeat("x", 257)})
	recall(ann.fails(im.ErrInvalid.With("device")), other, im.Recalling{Device: strings.Repeat("x", 257)})
	_, _, ok := im.Message{}.Withdrawal()
	same(t, "something else", ok, false)
}

// TestRewriteSaidTwice: as above, of an edit.
func TestRewriteSaidTwice(t *testing.T) {
	w := newWorld(t)
	ann, bob := as(t, w, "ann"), as(t, w, "bob")
	bob.Open("web")
	sent := w.clock.Now()
	id, other := ann.Say("bob", "typo"), ann.Say("bob", "x")
	w.clock.Advance(time.Minute)
	edit := im.Rewriting{Body: words("type"), Device: "phone", Client: "c1"}
	rewrite := func(a actor, id im.MessageID, r im.Rewriting) im.Message {
		m, err := w.svc.Rewrite(t.Context(), a.c, id, r)
		a.check(err)
		return m
	}
	first := rewrite(ann, id, edit)
	w.bus.Take()
	w.clock.Advance(time.Minute)
	rewrite(ann, id, im.Rewriting{Body: words("types")})
	for _, e := range w.bus.Take() {
		m := e.Message
		same(t, "what the note tells", []any{m.Of, m.At, m.Edit.Count, m.Edit.By, m.Edit.At}, []any{id, sent, 2, im.Username("ann"), w.clock.Now()})
	}
	again := rewrite(ann, id, edit)
	w.want()
	for _, m := range []im.Message{first, again} {
		same(t, "as it was", []any{m.ID, m.Of, said(m), m.At, m.Edit.Count, m.To}, []any{id, im.MessageID(0), "type", sent, 1, im.ToUser("bob")})
	}
	same(t, "told once", bob.Read("web", "ann"), "types x type types")
	same(t, "the other devices know", ann.Open("phone"), "bob 1") // the edit without a device
	rewrite(ann.fails(im.ErrInvalid.With("device")), other, im.Rewriting{Body: words("x"), Device: strings.Repeat("x", 257)})
}
