package hub_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/hub"
	"teahouse/internal/im"
)

// TestRoom: who is in a room hears it, from coming to leaving.
func TestRoom(t *testing.T) {
	w := newWorld(t)
	w.domain.places["ann"] = []im.RoomPlace{{Room: "tea", Kind: im.Chatroom, Version: 3}}
	w.domain.places["cat"] = []im.RoomPlace{{Room: "tea", Kind: im.Chatroom, Version: 3, Shielded: true}}
	ann, s1 := w.open("ann", "web")
	defer s1.Close(t.Context())
	bob, s2 := w.open("bob", "web")
	cat, s3 := w.open("cat", "web") // has shielded it before
	w.say("tea", "one")
	w.hears(ann, "message_sent one")
	w.hears(bob)
	w.place(im.RoomEntered, "bob", "tea", 4)
	w.say("tea", "two")
	w.hears(bob, "message_sent two")
	w.place(im.RoomShielded, "bob", "tea", 4)
	w.say("tea", "three")
	w.publish(im.Event{Topic: im.RoomTopic(w.app.ID, "tea"), Kind: im.MessageSent, Room: "tea", Text: "for some", Only: []im.Username{"ann", "bob"}})
	w.inRoom(im.MembersMuted, "tea", 4, "bob")
	w.hears(bob, "room_shielded bob", "members_muted bob") // only the messages are shielded
	w.place(im.RoomUnshielded, "bob", "tea", 4)
	w.say("tea", "four")
	w.hears(bob, "room_unshielded bob", "message_sent four")
	w.inRoom(im.MembersRemoved, "tea", 5, "bob")
	w.place(im.RoomLeft, "bob", "tea", 5)
	w.say("tea", "five")
	w.hears(bob, "members_removed bob")
	w.place(im.RoomShielded, "bob", "tea", 5) // late
	w.say("tea", "not there")
	w.hears(bob, "room_shielded bob")
	w.hears(cat, "members_muted bob", "members_removed bob")
	s3.Close(t.Context())
	w.place(im.RoomEntered, "bob", "tea", 7) // comes back, and the order is mixed up
	w.place(im.RoomLeft, "bob", "tea", 6)
	w.say("tea", "six")
	w.hears(bob, "message_sent six")
	s2.Close(t.Context())
	w.say("tea", "seven")
	w.hears(bob)
	w.hears(ann, "message_sent two", "message_sent three", "message_sent for some", "members_muted bob", "message_sent four", "members_removed bob",
		"message_sent five", "message_sent not there",
		"message_sent six", "message_sent seven")
	w.holds(0, 1, 1, 1)
}

// TestOwnActs: what a user did on one device is told the user's others; where it is not known which, all.
func TestOwnActs(t *testing.T) {
	w := newWorld(t)
	web, s1 := w.open("ann", "web")
	defer s1.Close(t.Context())
	phone, s2 := w.open("ann", "phone")
	defer s2.Close(t.Context())
	bob, s3 := w.open("bob", "web")
	defer s3.Close(t.Context())
	act := func(kind im.EventKind, by im.Username, device string, version int64) {
		w.publish(im.Event{Topic: im.UserTopic(w.app.ID, "ann"), Kind: kind, By: by, Device: device, Room: "tea", RoomKind: im.Chatroom, Version: version, Users: []im.Username{"ann"}})
	}
	w.place(im.RoomEntered, "bob", "tea", 1)
	act(im.RoomEntered, "ann", "web", 2)
	act(im.RoomLeft, "ann", "", 3)
	act(im.RoomEntered, "bob", "web", 4) // who adds others may have a device of the same name
	act(im.RoomEntered, "", "", 5)
	w.hears(web, "room_left ann")
	w.hears(phone, "room_entered ann", "room_left ann")
	w.publish(im.Event{Topic: im.RoomTopic(w.app.ID, "tea"), Kind: im.MemberAttributesSet, By: "ann", Device: "web", Room: "tea", RoomKind: im.Group, Version: 6, Users: []im.Username{"ann"}})
	w.hears(web)
	w.hears(phone, "member_attributes_set ann")
	w.hears(bob, "member_attributes_set ann")
	w.publish(im.Event{Topic: im.RoomTopic(w.app.ID, "tea"), Kind: im.RoomDestroyed, By: "ann", Room: "tea", RoomKind: im.Chatroom, Version: 7})
	w.hears(web, "room_destroyed")
	w.hears(phone, "room_destroyed")
}

// TestRoomAgain: nobody of a room that was destroyed is in the next of the name, but who enters it.
func TestRoomAgain(t *testing.T) {
	w := newWorld(t)
	ann, s1 := w.open("ann", "web")
	defer s1.Close(t.Context())
	bob, s2 := w.open("bob", "web")
	defer s2.Close(t.Context())
	w.place(im.RoomEntered, "ann", "tea", 7)
	w.place(im.RoomEntered, "bob", "tea", 8)
	w.inRoom(im.RoomDestroyed, "tea", 9)
	w.hears(ann, "room_destroyed")
	w.hears(bob, "room_destroyed")
	w.holds(0, 2, 2, 0)
	w.place(im.RoomEntered, "bob", "tea", 1)
	w.inRoom(im.RoomCreated, "tea", 1, "bob")
	w.say("tea", "new")
	w.hears(ann)
	w.hears(bob, "room_created bob", "message_sent new")
	w.place(im.RoomEntered, "ann", "tea", 2)
	w.say("tea", "both")
	w.hears(ann, "message_sent both")
	w.hears(bob, "message_sent both")
	w.place(im.RoomEntered, "bob", "tea", 1) // the end of this one is not heard of, but the next's beginning
	w.inRoom(im.RoomCreated, "tea", 1, "bob")
	w.say("tea", "newer")
	w.hears(ann, "room_created bob")
	w.hears(bob, "room_created bob", "message_sent newer")
	w.place(im.RoomEntered, "ann", "bar", 20) // leaves, and comes into a later room of the name
	w.place(im.RoomLeft, "ann", "bar", 21)
	w.clock.Advance(time.Hour)
	w.place(im.RoomEntered, "ann", "bar", 5)
	w.say("bar", "another")
	w.hears(ann, "message_sent another")
}

// TestWhileReading: what happens to a user's rooms while they are read is not lost, and does not count when it is older.
func TestWhileReading(t *testing.T) {
	w := newWorld(t)
	w.domain.hold, w.domain.began = make(chan struct{}), make(chan struct{}, 1)
	w.domain.places["ann"] = []im.RoomPlace{{Room: "old", Kind: im.Chatroom, Version: 3}, {Room: "left", Kind: im.Chatroom, Version: 3}}
	came := make(chan *hub.Session, 1)
	ear := &ear{}
	go func() {
		e, s, err := w.try("ann", "web", 0)
		if err != nil {
			t.Error(err)
		}
		ear = e
		came <- s
	}()
	<-w.domain.began
	w.place(im.RoomEntered, "ann", "new", 9)
	w.place(im.RoomLeft, "ann", "left", 4)
	w.place(im.RoomLeft, "ann", "old", 2)
	close(w.domain.hold)
	s := <-came
	defer s.Close(t.Context())
	for _, room := range []im.RoomID{"old", "left", "new"} {
		w.say(room, string(room))
	}
	w.hears(ear, "message_sent old", "message_sent new")
}

// TestOvertaken: a change that is told after a later one of the same thing is told no more.
func TestOvertaken(t *testing.T) {
	w := newWorld(t)
	ann, s := w.open("ann", "web")
	defer s.Close(t.Context())
	w.place(im.RoomEntered, "ann", "tea", 1)
	w.inRoom(im.MembersUnmuted, "tea", 5, "bob")
	w.inRoom(im.MembersMuted, "tea", 4, "bob")
	w.inRoom(im.MembersMuted, "tea", 4, "cat")
	w.inRoom(im.MembersMuted, "tea", 6, "bob")
	w.inRoom(im.RoomMuted, "tea", 8)
	w.inRoom(im.RoomUnmuted, "tea", 7)
	w.inRoom(im.AdminAdded, "tea", 3, "bob")
	w.hears(ann, "members_unmuted bob", "members_muted cat", "members_muted bob", "room_muted", "admin_added bob")
}

// TestOnly: what concerns some in the room is told to them alone.
func TestOnly(t *testing.T) {
	w := newWorld(t)
	ann, s1 := w.open("ann", "web")
	defer s1.Close(t.Context())
	bob, s2 := w.open("bob", "web")
	defer s2.Close(t.Context())
	w.place(im.RoomEntered, "ann", "tea", 1)
	w.publish(im.Event{Topic: im.RoomTopic(w.app.ID, "tea"), Kind: im.MembersBlocked, Room: "tea", RoomKind: im.Chatroom, Users: []im.Username{"x"}, Only: []im.Username{"bob", "ann"}})
	w.publish(im.Event{Topic: im.RoomTopic(w.app.ID, "tea"), Kind: im.MembersBlocked, Room: "tea", RoomKind: im.Chatroom, Users: []im.Username{"y"}, Only: []im.Username{"bob"}})
	w.hears(ann, "members_blocked x")
	w.hears(bob)
}

// crowd has n users in a room, of whom the first is returned.
func (w *world) crowd(n int, room im.RoomID) *ear {
	var first *ear
	for i := range n {
		user := im.Username(fmt.Sprintf("u%04d", i))
		w.domain.places[user] = []im.RoomPlace{{Room: room, Kind: im.Chatroom, Version: 1}}
		e, s := w.open(user, "web")
		e.wire = true
		w.t.Cleanup(func() { s.Close(w.t.Context()) })
		if i == 0 {
			first = e
		}
	}
	return first
}

// TestCrowd: in a large room who comes and who goes is told once a second, and of each only the last; in a small one at once.
func TestCrowd(t *testing.T) {
	w := newWorld(t, func(c *hub.Config) { c.Large = 5 })
	first := w.crowd(5, "tea")
	w.inRoom(im.MembersJoined, "tea", 10, "a")
	w.hears(first, "members_joined a")
	_, s := w.open("u0005", "web")
	w.place(im.RoomEntered, "u0005", "tea", 11)
	defer s.Close(t.Context())
	for i, e := range []struct {
		kind  im.EventKind
		users []im.Username
	}{{im.MembersJoined, []im.Username{"b", "c"}}, {im.MembersLeft, []im.Username{"a"}}, {im.MembersJoined, []im.Username{"d"}},
		{im.MembersLeft, []im.Username{"b"}}, {im.MembersJoined, []im.Username{"a"}}, {im.MembersRemoved, []im.Username{"u0000"}}} {
		w.inRoom(e.kind, "tea", int64(12+i), e.users...)
	}
	w.hears(first, "members_removed u0000") // who is removed is told at once
	w.say("tea", "hello")
	w.hears(first, "message_sent hello")
	w.pass(time.Second)
	w.hears(first, "members_left b u0000", "members_joined c d a")
	w.pass(time.Second)
	w.hears(first)
}

// TestLargeCrowd: the names of one event are bounded.
func TestLargeCrowd(t *testing.T) {
	w := newWorld(t, func(c *hub.Config) { c.Large = 1 })
	first := w.crowd(2, "tea")
	for i := range 1201 {
		w.inRoom(im.MembersJoined, "tea", int64(i+2), im.Username(fmt.Sprint("n", i)))
	}
	w.hub.TellCrowds()
	var names []int
	for _, h := range first.heard {
		names = append(names, strings.Count(h, " "))
	}
	if !slices.Equal(names, []int{500, 500, 201}) {
		t.Errorf("told of %v", names)
	}
}

// TestEncodedOnce: however many hear an event, it is made into bytes once.
func TestEncodedOnce(t *testing.T) {
	w := newWorld(t)
	w.crowd(1000, "tea")
	w.say("tea", "hello")
	if n := w.hub.Stats().Encoded["test"]; n != 1 {
		t.Errorf("encoded %d times", n)
	}
	w.say("tea", "again")
	if n := w.hub.Stats().Encoded["test"]; n != 2 {
		t.Errorf("encoded %d times", n)
	}
}

// TestRemovedAtOnce: after a removal has been told no message comes, whoever speaks at the same time.
func TestRemovedAtOnce(t *testing.T) {
	w := newWorld(t)
	ann, s := w.open("ann", "web")
	defer s.Close(t.Context())
	for i := range int64(100) {
		w.place(im.RoomEntered, "ann", "tea", 2*i+1)
		var all sync.WaitGroup
		stop := make(chan struct{})
		for range 2 {
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						w.say("tea", "x")
					}
				}
			})
		}
		w.place(im.RoomLeft, "ann", "tea", 2*i+2)
		ann.mu.Lock()
		before := len(ann.heard)
		ann.mu.Unlock()
		w.say("tea", "late")
		close(stop)
		all.Wait()
		ann.mu.Lock()
		after := ann.heard
		ann.heard = nil
		ann.mu.Unlock()
		if slices.Contains(after, "message_sent late") || len(after) > before+2 { // one each may have been on its way
			t.Fatalf("heard %d after the end", len(after)-before)
		}
	}
}
