package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"teahouse/internal/im"
)

func messageTests() []test {
	return []test{
		{"Messages", testMessages},
		{"MessageWhole", testMessageWhole},
		{"Advance", testAdvance},
		{"AdvanceTogether", testAdvanceTogether},
		{"MessageOf", testMessageOf},
		{"ImportedMessage", testImported},
		{"DeleteMessages", testDeleteMessages},
		{"EditMessage", testEditMessage},
		{"Readers", testReaders},
	}
}

const annBob im.ConversationID = "uann:bob"

// talk makes a conversation between ann and bob, whose device pad has read some of it.
func (e *env) talk(tx im.Tx) error {
	id, _, err := tx.Advance(e.app, annBob, 101)
	if err != nil {
		return err
	}
	pad := im.Device{App: e.app, User: "bob", Name: "pad", Born: 3, Seen: start()}
	if _, err = tx.AddMessage(e.message(id, "ann", "bob")); err != nil {
		return err
	}
	_, err = tx.AddReader(e.app, id, im.Reader{User: "bob", At: start()})
	return firstError(err, tx.TakePart(e.app, annBob, []im.Username{"ann", "bob", "carl"}, 1), tx.StopPart(e.app, annBob, []im.Username{"carl"}),
		tx.PutDevice(pad), tx.PutPlaces(pad, map[im.ConversationID]im.MessageID{annBob: 2}))
}

// message is a text from one user's phone to another.
func (e *env) message(id im.MessageID, from, to im.Username) im.Message {
	return im.Message{App: e.app, ID: id, At: start(), From: from, Device: "phone", Client: fmt.Sprintf("c%d", id), To: im.ToUser(to),
		Body: im.Body{Type: im.TextBody, Fields: im.Fields{{Name: "msg", Value: im.Text(fmt.Sprintf("number %d", id))}}}}
}

// say stores messages after Advance, with the ids they have.
func (e *env) say(messages ...im.Message) {
	e.Helper()
	e.update(func(tx im.Tx) error {
		for _, m := range messages {
			id, _, err := tx.Advance(e.app, m.Conversation(), m.ID)
			if err != nil {
				return err
			}
			if id != m.ID {
				e.Errorf("Advance gives %d, want %d", id, m.ID)
			}
			if added, err := tx.AddMessage(m); err != nil || !added {
				return fmt.Errorf("message %d: %v %w", m.ID, added, err)
			}
		}
		return nil
	})
}

func idsOf(messages []im.Message) (ids []im.MessageID) {
	for _, m := range messages {
		ids = append(ids, m.ID)
	}
	return ids
}

func (e *env) messages(after, before im.MessageID, limit int) []im.MessageID {
	e.Helper()
	return idsOf(read(e, func(tx im.Tx) ([]im.Message, error) { return tx.Messages(e.app, after, before, limit) }))
}

func testMessages(e *env) {
	e.same("none", e.messages(0, 1<<60, 9), []im.MessageID(nil))
	e.say(e.message(7, "ann", "bob"), e.message(30, "bob", "ann"), e.message(20, "ann", "carl"))
	e.same("in their order", e.messages(0, 1<<60, 9), []im.MessageID{7, 20, 30})
	e.same("between", e.messages(7, 30, 9), []im.MessageID{20})
	e.same("few", e.messages(0, 1<<60, 2), []im.MessageID{7, 20})
	withdrawal, receipt, notice, note := e.message(12, "dan", "eve"), e.message(13, "dan", "eve"), e.message(14, "dan", "eve"), e.message(15, "dan", "eve")
	withdrawal.Body.Type, receipt.Body.Type, notice.Body.Type, note.Of = im.RecallBody, im.ReceiptBody, im.NoticeBody, 7
	e.say(withdrawal, receipt, notice, note)
	e.same("what was said", e.messages(0, 1<<60, 3), []im.MessageID{7, 20, 30})
	e.refused(im.ErrMessageNotFound.With("8"), func(tx im.Tx) error { _, err := tx.Message(e.app, 8); return err })
}

// testMessageWhole writes every field.
func testMessageWhole(e *env) {
	m := e.message(50, "bob", "ann")
	m.Ext = im.Fields{
		{Name: "z", Value: im.Value{Kind: im.NumberValue, Text: "12345678901234567890.10"}}, {Name: "a", Value: im.Value{Kind: im.BoolValue, Text: "true"}},
		{Name: "", Value: im.Value{Kind: im.JSONValue, Text: `{"b":[1,null]}`}}, {Name: "a", Value: im.Text("茶 \x00 <&>")},
	}
	m.Wire, m.Raw = "some", []byte{0, 1, 2, 255}
	m.Echo, m.AskReceipts, m.ToDevice = true, true, "pad"
	room := m
	room.ID, room.Client, room.To = 51, "c51", im.ToRoom(im.Group, "12345678901234")
	room.Only, room.Level, room.Online, room.At = []im.Username{"x_y", "bob"}, im.LowLevel, true, start().Add(-time.Hour)
	room.Edit, room.Of = im.Edit{Count: 3, By: "ann", At: start().Add(time.Minute)}, 50
	bare := im.Message{App: e.app, ID: 52, At: start(), From: "admin", To: im.ToRoom(im.Chatroom, "tea"), Body: im.Body{Type: im.CommandBody}, Level: im.HighLevel}
	e.say(m, room, bare)
	for _, want := range []im.Message{m, room, bare} {
		e.same("whole", read(e, func(tx im.Tx) (im.Message, error) { return tx.Message(e.app, want.ID) }), want)
	}
}

func (e *env) advance(c im.ConversationID, id im.MessageID) im.MessageID {
	e.Helper()
	next, _ := e.advanceFrom(c, id)
	return next
}

// advanceFrom is advance, with the last id before.
func (e *env) advanceFrom(c im.ConversationID, id im.MessageID) (next, prev im.MessageID) {
	e.Helper()
	e.update(func(tx im.Tx) (err error) { next, prev, err = tx.Advance(e.app, c, id); return err })
	return next, prev
}

func testAdvance(e *env) {
	e.same("the first", e.advance(annBob, 100), im.MessageID(100))
	e.same("above", e.advance(annBob, 200), im.MessageID(200))
	if third, fourth := e.advance(annBob, 150), e.advance(annBob, 200); third <= 200 || fourth <= third || fourth > 200+2<<22 {
		e.Errorf("not above: got %d and %d", third, fourth)
	}
	same := e.advance(annBob, 9<<22)
	if next := e.advance(annBob, same); next <= same || next > same+1<<22 {
		e.Errorf("the same: got %d after %d", next, same)
	}
	e.same("above again", e.advance(annBob, 99<<22), im.MessageID(99<<22))
	e.same("another", e.advance("gtea", 150), im.MessageID(150))
	last := func(c im.ConversationID) im.MessageID {
		return read(e, func(tx im.Tx) (im.MessageID, error) { return tx.Last(e.app, c) })
	}
	first, none := e.advanceFrom("gmate", 7)
	second, before := e.advanceFrom("gmate", 9)
	e.same("with the last before", []im.MessageID{first, none, second, before}, []im.MessageID{7, 0, 9, 7})
	e.same("the last of each", []im.MessageID{last(annBob), last("gtea"), last("gcoffee")}, []im.MessageID{99 << 22, 150, 0})
}

// testAdvanceTogether sends from several sides at once: no id is given twice.
func testAdvanceTogether(e *env) {
	const sides, each = 4, 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []im.MessageID
	for range sides {
		wg.Go(func() {
			for range each {
				var id im.MessageID
				err := e.store.Update(e.Context(), func(tx im.Tx) (err error) { id, _, err = tx.Advance(e.app, "gtea", 5); return err })
				if err != nil {
					e.Error(err)
				}
				mu.Lock()
				got = append(got, id)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(got)
	e.same("the first", got[0], im.MessageID(5))
	e.same("each once", len(slices.Compact(got)), sides*each)
}

func testMessageOf(e *env) {
	m := e.message(7, "ann", "bob")
	silent := m
	silent.ID, silent.Client = 8, ""
	another := silent
	another.ID = 9
	e.say(m, silent, another)
	of := func(device, client string) string {
		var id im.MessageID
		found := read(e, func(tx im.Tx) (found bool, err error) {
			id, found, err = tx.MessageOf(e.app, "ann", device, client)
			return found, err
		})
		return fmt.Sprint(id, found)
	}
	e.same("its own id", of("phone", "c7"), "7 true")
	e.same("another device", of("pad", "c7"), "0 false")
	e.same("another id", of("phone", "c8"), "0 false")
	e.same("no id", of("phone", ""), "0 false")
}

func testImported(e *env) {
	m := e.message(7, "ann", "bob")
	m.Past = true
	add := func(m im.Message) bool {
		return get(e, func(tx im.Tx) (bool, error) { return tx.AddMessage(m) })
	}
	e.same("free, then taken", []bool{add(m), add(m)}, []bool{true, false})
	m.ID, m.Client = 5, ""
	e.same("older", add(m), true)
	m.ID, m.Past, m.Online = 4, false, true
	e.same("for those online only", add(m), true)
	e.same("history", e.messages(0, 1<<60, 9), []im.MessageID{4, 5, 7})
	e.same("the conversation has not moved", e.advance(annBob, 6), im.MessageID(6))
}

func testDeleteMessages(e *env) {
	for id := im.MessageID(10); id < 15; id++ {
		e.say(e.message(id, "ann", "bob"))
	}
	e.update(func(tx im.Tx) error { return tx.DeleteMessage(e.app, 12) })
	e.refused(im.ErrMessageNotFound.With("12"), func(tx im.Tx) error { return tx.DeleteMessage(e.app, 12) })
	before := func(id im.MessageID, limit int) int {
		return get(e, func(tx im.Tx) (int, error) { return tx.DeleteMessagesBefore(e.app, id, limit) })
	}
	e.same("by and by", []int{before(14, 2), before(14, 2), before(14, 2)}, []int{2, 1, 0})
	e.same("left", e.messages(0, 1<<60, 9), []im.MessageID{14})
	_, last := e.advanceFrom(annBob, 1)
	e.same("the conversation stays where it is", last, im.MessageID(14))
}

// testEditMessage writes what an edit changes, and nothing else.
func testEditMessage(e *env) {
	m := e.message(7, "ann", "bob")
	m.Wire, m.Raw = "some", []byte("raw")
	e.say(m, e.message(8, "ann", "bob"))
	edited := m
	edited.Body.Fields, edited.Ext = im.Fields{{Name: "msg", Value: im.Text("new")}}, im.Fields{{Name: "k", Value: im.Text("v")}}
	edited.Wire, edited.Raw, edited.Edit = "", nil, im.Edit{Count: 2, By: "carl", At: start().Add(time.Hour)}
	change := edited
	change.From, change.To, change.At, change.Echo, change.Of = "eve", im.ToUser("eve"), start().Add(time.Hour), true, 9
	e.update(func(tx im.Tx) error { return tx.PutMessage(change) })
	e.same("edited", read(e, func(tx im.Tx) (im.Message, error) { return tx.Message(e.app, 7) }), edited)
	e.same("the other one", read(e, func(tx im.Tx) (im.Message, error) { return tx.Message(e.app, 8) }), e.message(8, "ann", "bob"))
	e.refused(im.ErrMessageNotFound.With("9"), func(tx im.Tx) error { return tx.PutMessage(e.message(9, "ann", "bob")) })
}

// testReaders notes who has read what.
func testReaders(e *env) {
	add := func(id im.MessageID, u im.Username) int {
		return get(e, func(tx im.Tx) (int, error) {
			if err := tx.LockUsers(e.app, []im.Username{"ann"}); err != nil {
				return 0, err
			}
			return tx.AddReader(e.app, id, im.Reader{User: u, At: start()})
		})
	}
	readers := func(id im.MessageID, after, limit int) (text string) {
		for _, r := range read(e, func(tx im.Tx) ([]im.Reader, error) { return tx.Readers(e.app, id, after, limit) }) {
			e.same("at", r.At, start())
			text += fmt.Sprintf("%s %d ", r.User, r.Seq)
		}
		n := read(e, func(tx im.Tx) (int, error) { return tx.CountReaders(e.app, id) })
		return text + fmt.Sprint("of ", n)
	}
	e.say(e.message(7, "ann", "bob"), e.message(8, "ann", "bob"), e.message(9, "ann", "bob"))
	e.same("nobody", readers(7, 0, 9), "of 0")
	e.same("each once", []int{add(7, "zoe"), add(7, "bob"), add(7, "zoe"), add(7, "carl"), add(8, "zoe"), add(9, "zoe")}, []int{1, 2, 0, 3, 1, 1})
	e.same("in their order", readers(7, 0, 9), "zoe 1 bob 2 carl 3 of 3")
	e.same("a page", readers(7, 1, 1), "bob 2 of 3")
	e.update(func(tx im.Tx) error { return tx.DeleteMessage(e.app, 7) })
	e.same("with the message", readers(7, 0, 9)+readers(8, 0, 9), "of 0zoe 1 of 1")
	e.update(func(tx im.Tx) error {
		for range 3 {
			if _, err := tx.DeleteMessagesBefore(e.app, 9, 1); err != nil {
				return err
			}
		}
		return nil
	})
	e.same("with old messages", readers(8, 0, 9)+readers(9, 0, 9), "of 0zoe 1 of 1")
	e.same("the messages", e.messages(0, 99, 9), []im.MessageID{9})
}
