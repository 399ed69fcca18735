package storetest

import (
	"fmt"
	"strings"
	"time"

	"teahouse/internal/im"
)

func inboxTests() []test {
	return []test{
		{"Pair", testPair},
		{"TakePart", testTakePart},
		{"GroupSpans", testGroupSpans},
		{"ChatroomsHaveNoSpans", testChatroomSpans},
		{"DeletedUserHasNoInbox", testDeletedUserInbox},
		{"Places", testPlaces},
		{"PlacesOfMany", testPlacesOf},
		{"MessagesFor", testMessagesFor},
		{"MessagesForDevices", testMessagesForDevices},
		{"WhatNobodySaid", testWhatNobodySaid},
		{"Devices", testDevices},
		{"ForgetSpans", testForgetSpans},
		{"Tell", testTell},
	}
}

// spans prints a user's spans, such as "gtea 3-7" or "gtea 3-" without an end, "of 9" the last message, and the places.
func (e *env) spans(u im.Username, device string, of ...im.ConversationID) string {
	e.Helper()
	var lines []string
	for _, sp := range read(e, func(tx im.Tx) ([]im.Span, error) { return tx.Spans(e.app, u, device, of...) }) {
		until := fmt.Sprint(int64(sp.Until))
		if sp.Until == 1<<63-1 {
			until = ""
		}
		lines = append(lines, fmt.Sprintf("%s %d-%s of %d at %d/%d", sp.Conversation, sp.After, until, sp.Last, sp.Acked, sp.AckedByAny))
	}
	return strings.Join(lines, ", ")
}

func (e *env) takePart(c im.ConversationID, after im.MessageID, users ...im.Username) {
	e.Helper()
	e.update(func(tx im.Tx) error { return tx.TakePart(e.app, c, users, after) })
}

func (e *env) stopPart(c im.ConversationID, users ...im.Username) {
	e.Helper()
	e.update(func(tx im.Tx) error { return tx.StopPart(e.app, c, users) })
}

func testPair(e *env) {
	pair := func(from, to im.Username) im.Pair {
		return read(e, func(tx im.Tx) (im.Pair, error) { return tx.Pair(e.app, annBob, from, to) })
	}
	e.same("nobody", pair("ann", "bob"), im.Pair{})
	e.users("ann", "bob")
	e.same("both exist", pair("ann", "bob"), im.Pair{From: im.Party{Exists: true}, To: im.Party{Exists: true}})
	e.takePart(annBob, 1, "bob")
	e.same("one takes part", pair("ann", "bob"), im.Pair{From: im.Party{Exists: true}, To: im.Party{Exists: true, TakesPart: true}})
	e.stopPart(annBob, "bob")
	e.same("no longer", pair("bob", "ann"), im.Pair{From: im.Party{Exists: true}, To: im.Party{Exists: true}})
}

func testTakePart(e *env) {
	e.advance("gtea", 10)
	e.takePart("gtea", 10, number(0, 70)...)
	e.takePart("gtea", 5, "u003")
	e.same("who takes part already goes on so", e.spans("u003", ""), "gtea 10- of 10 at 0/0")
	e.stopPart("gtea", "u003", "nobody")
	e.takePart("gtea", 10, "u003", "u004")
	e.same("out and in again between two messages", e.spans("u003", ""), "gtea 10- of 10 at 0/0")
	e.advance("gtea", 20)
	e.stopPart("gtea", "u003")
	e.stopPart("gtea", "u003")
	e.advance("gtea", 30)
	e.takePart("gtea", 30, "u003")
	e.advance("gtea", 40)
	e.same("two stretches", e.spans("u003", ""), "gtea 10-20 of 40 at 0/0, gtea 30- of 40 at 0/0")
	e.same("the last of many", e.spans("u069", "", "gtea", "gcoffee"), "gtea 10- of 40 at 0/0")
	e.same("another conversation", e.spans("u069", "", "gcoffee"), "")
}

func testGroupSpans(e *env) {
	e.users("ann", "bob", "carl")
	r := e.roomOf(im.Group, "ann", "bob")
	c := im.Conversation("", im.ToRoom(im.Group, r.ID))
	e.same("nothing was said", e.spans("bob", ""), "")
	e.advance(c, 10)
	e.join(r, "carl")
	e.advance(c, 20)
	e.update(func(tx im.Tx) error { return tx.RemoveMembers(r, nil) })
	e.leave(r, "bob")
	e.advance(c, 30)
	at := fmt.Sprintf(" of %d at 0/0", 30)
	e.same("from the first word", e.spans("ann", ""), string(c)+" 0-"+at)
	e.same("until leaving", e.spans("bob", ""), string(c)+" 0-20"+at)
	e.same("from joining", e.spans("carl", ""), string(c)+" 10-"+at)
	e.update(func(tx im.Tx) error { return tx.DeleteRoom(r) })
	e.same("until its end", e.spans("carl", ""), string(c)+" 10-30"+at)
	e.same("who had left", e.spans("bob", ""), string(c)+" 0-20"+at)
}

func testChatroomSpans(e *env) {
	e.users("ann", "bob")
	r := e.room("ann", "bob")
	e.advance(im.Conversation("", im.ToRoom(im.Chatroom, r.ID)), 10)
	e.leave(r, "bob")
	e.same("none", e.spans("ann", "")+e.spans("bob", ""), "")
}

func testDeletedUserInbox(e *env) {
	e.users("ann", "bob")
	e.update(e.talk)
	e.update(func(tx im.Tx) error { return tx.DeleteUser(e.app, "bob") })
	e.users("bob")
	e.same("a new one of the same name", e.spans("bob", "pad"), "")
	e.refused(im.ErrDeviceNotFound.For("bob").With("pad"), func(tx im.Tx) error { _, err := tx.Device(e.app, "bob", "pad"); return err })
	e.takePart(annBob, 101, "bob")
	e.same("has no places", e.spans("bob", "pad"), "uann:bob 101- of 101 at 0/0")
	e.same("the other stays", e.spans("ann", ""), "uann:bob 1- of 101 at 0/0")
}

func testPlaces(e *env) {
	e.users("bob")
	e.update(e.talk)
	pad, furthest := im.Device{App: e.app, User: "bob", Name: "pad"}, im.Device{App: e.app, User: "bob"}
	put := func(d im.Device, place im.MessageID) {
		e.update(func(tx im.Tx) error {
			return tx.PutPlaces(d, map[im.ConversationID]im.MessageID{annBob: place, "gtea": place + 1})
		})
	}
	put(pad, 50)
	put(furthest, 60)
	e.same("each its own", e.spans("bob", "pad"), "uann:bob 1- of 101 at 50/60")
	e.same("a device without", e.spans("bob", "web"), "uann:bob 1- of 101 at 0/60")
	e.same("the furthest", e.spans("bob", ""), "uann:bob 1- of 101 at 60/60")
	put(pad, 40)
	e.same("never back", e.spans("bob", "pad"), "uann:bob 1- of 101 at 50/60")
}

func testPlacesOf(e *env) {
	crowd := number(0, 40)
	e.users(append(crowd, "bob")...)
	e.update(e.talk)
	put := func(places ...im.Place) {
		e.update(func(tx im.Tx) error { return tx.PutPlacesOf(e.app, places) })
	}
	of := func(device string, upTo im.MessageID) im.Place {
		return im.Place{User: "bob", Device: device, With: im.ToUser("ann"), UpTo: upTo}
	}
	put()
	put(of("pad", 50), of("gone", 90))
	e.same("of a device", e.spans("bob", "pad"), "uann:bob 1- of 101 at 50/50")
	e.same("not of one that is gone", e.spans("bob", "gone"), "uann:bob 1- of 101 at 0/50")
	put(of("pad", 40))
	e.same("never back", e.spans("bob", "pad"), "uann:bob 1- of 101 at 50/50")
	e.update(func(tx im.Tx) error { return tx.PutDevice(im.Device{App: e.app, User: "bob", Name: "web"}) })
	put(of("web", 70), of("pad", 60), of("web", 65))
	e.same("of both", []string{e.spans("bob", "pad"), e.spans("bob", "web")}, []string{"uann:bob 1- of 101 at 60/70", "uann:bob 1- of 101 at 70/70"})
	e.advance("gtea", 9)
	var many []im.Place
	e.takePart("gtea", 1, crowd...)
	e.update(func(tx im.Tx) (err error) {
		many = nil
		for i, u := range crowd {
			many = append(many, im.Place{User: u, Device: "tv", With: im.ToRoom(im.Group, "tea"), UpTo: im.MessageID(2 + i%7)})
			err = firstError(err, tx.PutDevice(im.Device{App: e.app, User: u, Name: "tv"}))
		}
		return err
	})
	put(many...)
	for i, u := range crowd {
		e.same(string(u), e.spans(u, "tv"), fmt.Sprintf("gtea 1- of 9 at %d/%[1]d", 2+i%7))
	}
}

func testMessagesFor(e *env) {
	e.users("ann", "x_y", "xzy", "zoe")
	r := e.roomOf(im.Group, "ann", "x_y", "xzy", "zoe")
	at := im.MessageID(0)
	var all []im.Message
	for _, change := range []func(m *im.Message){
		func(*im.Message) {},
		func(m *im.Message) { m.From = "x_y" },                                                                 // 2: own, over REST
		func(m *im.Message) { m.From, m.Echo = "x_y", true },                                                   // 3: own, of the phone
		func(m *im.Message) { m.From, m.Echo, m.Device = "x_y", true, "web" },                                  // 4: own, of the web
		func(m *im.Message) { m.Online = true },                                                                // 5
		func(m *im.Message) { m.Past = true },                                                                  // 6
		func(m *im.Message) { m.Only = []im.Username{"zoe", "x_y"} },                                           // 7
		func(m *im.Message) { m.Only = []im.Username{"zoe"} },                                                  // 8
		func(m *im.Message) { m.Only = []im.Username{"zoe"}; m.From = "x_y"; m.Echo = true; m.Device = "web" }, // 9
	} {
		at++
		m := e.message(at, "ann", "")
		m.To = im.ToRoom(im.Group, r.ID)
		change(&m)
		all = append(all, m)
	}
	e.say(all...)
	c := all[0].Conversation()
	inbox := func(u im.Username, device string, after, until im.MessageID, limit int) string {
		d := im.Device{App: e.app, User: u, Name: device}
		found := read(e, func(tx im.Tx) ([]im.Message, error) { return tx.MessagesFor(d, c, after, until, limit) })
		n := read(e, func(tx im.Tx) (int, error) { return tx.CountMessages(d, c, after, until) })
		if limit >= 9 && n != len(found) {
			e.Errorf("%s %s: counts %d, finds %d", u, device, n, len(found))
		}
		for _, m := range found {
			if !m.For(u, device) {
				e.Errorf("message %d stands in the inbox of %s, and For denies it", m.ID, u)
			}
		}
		return fmt.Sprint(idsOf(found))
	}
	for _, tt := range []struct{ user, device, want string }{
		{"x_y", "phone", "[1 4 7 9]"},
		{"x_y", "web", "[1 3 7]"},
		{"x_y", "pad", "[1 3 4 7 9]"},
		{"x_y", "", "[1 7]"},
		{"xzy", "phone", "[1 2 3 4]"}, // the _ of another's name stands for itself
		{"zoe", "", "[1 2 3 4 7 8 9]"},
		{"ann", "", "[2 3 4]"}, // 9 is for zoe alone
	} {
		e.same(tt.user+" "+tt.device, inbox(im.Username(tt.user), tt.device, 0, 99, 9), tt.want)
	}
	e.same("a stretch", inbox("zoe", "", 2, 7, 9), "[3 4 7]")
	e.same("few", inbox("zoe", "", 0, 99, 2), "[1 2]")
}

// testMessagesForDevices is about messages between two, and to oneself, that are for one device.
func testMessagesForDevices(e *env) {
	e.users("ann", "bob")
	say := func(id im.MessageID, from, to im.Username, device, toDevice string) {
		m := e.message(id, from, to)
		m.Echo, m.Device, m.ToDevice = true, device, toDevice
		e.say(m)
	}
	say(1, "ann", "bob", "web", "pad")
	say(2, "ann", "bob", "web", "")
	say(3, "bob", "ann", "pad", "web")
	say(4, "bob", "bob", "web", "pad")
	say(5, "bob", "bob", "web", "")
	for _, tt := range []struct{ user, with, device, want string }{
		{"bob", "ann", "pad", "[1 2]"},
		{"bob", "ann", "web", "[2 3]"},
		{"bob", "ann", "", "[1 2]"},
		{"ann", "bob", "pad", "[1 2]"},
		{"ann", "bob", "web", "[3]"},
		{"bob", "bob", "pad", "[4 5]"},
		{"bob", "bob", "tv", "[5]"},
		{"bob", "bob", "web", "[]"},
	} {
		d := im.Device{App: e.app, User: im.Username(tt.user), Name: tt.device}
		c := im.Conversation(d.User, im.ToUser(im.Username(tt.with)))
		found := read(e, func(tx im.Tx) ([]im.Message, error) { return tx.MessagesFor(d, c, 0, 99, 9) })
		e.same(tt.user+" "+tt.device+" with "+tt.with, fmt.Sprint(idsOf(found)), tt.want)
		e.same("counted", read(e, func(tx im.Tx) (int, error) { return tx.CountMessages(d, c, 0, 99) }), len(found))
		for _, m := range found {
			if !m.For(d.User, d.Name) {
				e.Errorf("message %d stands in the inbox of %s on %s, and For denies it", m.ID, d.User, d.Name)
			}
		}
	}
}

// testWhatNobodySaid waits for devices, and is not counted otherwise.
func testWhatNobodySaid(e *env) {
	e.users("ann", "bob")
	for i, change := range []func(m *im.Message){
		func(*im.Message) {},
		func(m *im.Message) { m.Body.Type = im.CustomBody },
		func(m *im.Message) { m.Body.Type = im.RecallBody },
		func(m *im.Message) { m.Body.Type = im.ReceiptBody },
		func(m *im.Message) { m.Body.Type = im.NoticeBody },
		func(m *im.Message) { m.Of = 1 },
	} {
		m := e.message(im.MessageID(i+1), "ann", "bob")
		change(&m)
		e.say(m)
	}
	count := func(device string) int {
		return read(e, func(tx im.Tx) (int, error) {
			return tx.CountMessages(im.Device{App: e.app, User: "bob", Name: device}, annBob, 0, 99)
		})
	}
	e.same("for a device, and otherwise", []int{count("pad"), count("")}, []int{6, 2})
}

func testDevices(e *env) {
	e.users("ann", "bob")
	e.update(e.talk)
	device := func() im.Device {
		return read(e, func(tx im.Tx) (im.Device, error) { return tx.Device(e.app, "bob", "pad") })
	}
	pad := im.Device{App: e.app, User: "bob", Name: "pad", Born: 3, Seen: start()}
	e.same("as written", device(), pad)
	pad.Seen = start().Add(time.Hour)
	web := pad
	web.Name, web.Seen = "web", start()
	e.update(func(tx im.Tx) error { return firstError(tx.PutDevice(pad), tx.PutDevice(web)) })
	e.same("written again", device(), pad)
	e.refused(im.ErrUserNotFound.For("nobody"), func(tx im.Tx) error { return tx.PutDevice(im.Device{App: e.app, User: "nobody", Name: "pad"}) })
	forget := func(since time.Time) int {
		return get(e, func(tx im.Tx) (int, error) { return tx.ForgetDevices(e.app, since, 9) })
	}
	e.same("none is old", forget(start()), 0)
	e.same("one is", forget(start().Add(time.Hour)), 1)
	e.same("the other stays with its places", e.spans("bob", "pad"), "uann:bob 1- of 101 at 2/0")
	e.same("both are", forget(start().Add(2*time.Hour)), 1)
	e.same("without its places", e.spans("bob", "pad"), "uann:bob 1- of 101 at 0/0")
}

func testForgetSpans(e *env) {
	e.advance("gtea", 10)
	e.takePart("gtea", 5, "ann", "bob", "carl")
	e.stopPart("gtea", "ann", "bob")
	e.advance("gtea", 20)
	e.stopPart("gtea", "carl")
	e.takePart("gtea", 20, "dora")
	forget := func(before im.MessageID, limit int) int {
		return get(e, func(tx im.Tx) (int, error) { return tx.ForgetSpans(e.app, before, limit) })
	}
	e.same("none ended before", forget(10, 9), 0)
	e.same("by and by", []int{forget(20, 1), forget(20, 9), forget(20, 9)}, []int{1, 1, 0})
	e.same("later", e.spans("carl", ""), "gtea 5-20 of 20 at 0/0")
	e.same("without end", []any{forget(1<<63-1, 9), e.spans("dora", "")}, []any{1, "gtea 20- of 20 at 0/0"})
}

func testTell(e *env) {
	e.users(append(number(0, 70), "ann")...)
	notice := func(u im.Username, id im.MessageID, text string) im.Message {
		return im.Message{App: e.app, ID: id, At: start(), To: im.NoticesOf(u), Body: im.Body{Type: im.NoticeBody, Fields: im.Fields{{Name: "text", Value: im.Text(text)}}}}
	}
	var told []im.Message
	tell := func(notices ...im.Message) (ids string) {
		e.update(func(tx im.Tx) (err error) {
			told, err = tx.Tell(e.app, notices)
			ids = ""
			for _, m := range told {
				ids += fmt.Sprintf("%s %d after %d, ", m.To.User, m.ID, m.Prev)
			}
			return err
		})
		return ids
	}
	e.same("nobody", tell(), "")
	e.same("the first, and nobody's", tell(notice("ann", 7, "one"), notice("nobody", 8, "x")), "ann 7 after 0, nobody 0 after 0, ")
	const later = 99 << 22
	ids := tell(notice("ann", 5, "two"), notice("u003", 6, "x"), notice("ann", later, "three"))
	second := told[0].ID
	if second <= 7 || second > 7+1<<22 {
		e.Errorf("older than the last: got %d", second)
	}
	e.same("two of one, older", ids, fmt.Sprintf("ann %d after 7, u003 6 after 0, ann %d after %[1]d, ", second, later))
	e.same("takes part from the first on", e.spans("ann", ""), fmt.Sprintf("nann 0- of %d at 0/0", later))
	e.same("who does not exist", e.spans("nobody", ""), "")
	var many []im.Message
	for i, u := range number(0, 70) {
		many = append(many, notice(u, im.MessageID(100+i), "all"))
	}
	if got := tell(many...); !strings.HasPrefix(got, "u000 100 after 0, ") || !strings.HasSuffix(got, "u069 169 after 0, ") || !strings.Contains(got, "u003 103 after 6, ") {
		e.Errorf("many: got %s", got)
	}
	ann := im.Device{App: e.app, User: "ann", Name: "pad"}
	found := read(e, func(tx im.Tx) ([]im.Message, error) { return tx.MessagesFor(ann, "nann", 0, later, 9) })
	want := []im.Message{notice("ann", 7, "one"), notice("ann", second, "two"), notice("ann", later, "three")}
	e.same("as written", found, want)
	e.same("no history", len(read(e, func(tx im.Tx) ([]im.Message, error) { return tx.Messages(e.app, 0, 999, 99) })), 0)
	e.update(func(tx im.Tx) error { return tx.DeleteUser(e.app, "ann") })
	e.users("ann")
	e.same("another of the name", e.spans("ann", ""), "")
	e.same("begins anew", tell(notice("ann", 9, "new")), "ann 9 after 0, ")
}
