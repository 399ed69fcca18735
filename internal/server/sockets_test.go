package server

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"teahouse/internal/msynctest"
)

// refusedIn wants that a device may not sign in.
func (s *stage) refusedIn(device, want string) {
	s.t.Helper()
	c, err := msynctest.Dial(s.ctx, s.config(device))
	var refused *msynctest.Refused
	if !errors.As(err, &refused) || refused.Error() != want {
		s.t.Errorf("%s: %v, want %s", device, err, want)
	}
	if err == nil {
		c.Kill()
	}
}

// TestTooManyDevices: a user has so many at once, of which one may come again in the place of itself.
func TestTooManyDevices(t *testing.T) {
	s := newTurned(t, "ann", "ann/phone", "bob")
	s.set("user_max_devices=2")
	const no = `provision refused: TOO_MANY_DEVICES "Sorry, too many devices"`
	s.refusedIn("ann/tablet", no)
	former := s.clients["ann/phone"]
	s.connect("ann/phone")
	if g, err := former.WaitFor(s.ctx, func(g msynctest.Got) bool { return line(g) == "end USER_LOGIN_ANOTHER_DEVICE" }); err != nil {
		t.Errorf("the former session: %v, %v", g, err)
	}
	s.refusedIn("ann/tablet", no)
	s.connect("bob/phone") // others have devices of their own
	if err := s.clients["ann"].Logout(); err != nil {
		t.Fatal(err)
	}
	delete(s.clients, "ann")
	for range 100 { // the server notices that the connection has ended
		c, err := msynctest.Dial(s.ctx, s.config("ann/tablet"))
		if err == nil {
			c.Kill()
			return
		}
	}
	t.Error("a place that was left stays taken")
}

// TestTokenEnds: an old token lets nobody in, and ends no session.
func TestTokenEnds(t *testing.T) {
	s := newTurned(t, "ann")
	s.wait(10 * time.Second)
	s.set("token_ttl=60")
	s.login("ann")
	s.connect("ann/phone")
	s.wait(2 * time.Minute)
	s.refusedIn("ann/tablet", `provision refused: FAIL "Sorry, token expired"`)
	s.mark(s.devices()...)
	s.rest("", "POST", "/users/ann/deactivate", "")
	s.refusedIn("ann/tablet", `provision refused: IM_FORBIDDEN "Sorry, user is deactivated"`)
}

// TestTooFast: what one connection may say in a second, of which two seconds' worth may come at once.
func TestTooFast(t *testing.T) {
	limits := filepath.Join(t.TempDir(), "limits")
	if err := os.WriteFile(limits, []byte("socket-messages = 2/s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	clock := newTurned(t).clock
	s := newStage(t, Config{Clock: clock, RateLimits: limits}, "ann", "bob")
	for range 4 {
		s.refused("ann", msynctest.ToUser("bob"), "")
	}
	s.refused("ann", msynctest.ToUser("bob"), "7 traffic limit")
	s.refused("bob", msynctest.ToUser("ann"), "")
	clock.Advance(time.Second)
	s.refused("ann", msynctest.ToUser("bob"), "")
}

// TestOwnerLeaves: pages leave a chatroom when they are closed, those of its owner, too, who stays in it.
func TestOwnerLeaves(t *testing.T) {
	s := newStage(t, Config{}, "own", "mem")
	id := s.room("chatrooms", `{"name":"r","description":"d","maxusers":50,"owner":"own","members":["mem"]}`)
	ack, err := s.clients["own"].Leave(s.ctx, id)
	s.ok("the owner leaves", ack, err)
	s.quiet("the owner leaves")
	s.hears("mem", msynctest.ToRoom(id), "to the owner", "own")
	s.hears("own", msynctest.ToRoom(id), "from the owner", "mem")
}

// TestNotSignedIn: who does not sign in, or says something else before, is hung up on; who is in notices nothing of it.
func TestNotSignedIn(t *testing.T) {
	s := newTurned(t, "ann")
	silent, err := msynctest.Open(s.ctx, s.config("ann/silent"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(silent.Kill)
	early, err := msynctest.Open(s.ctx, s.config("ann/early"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(early.Kill)
	silent.Listen()
	early.Listen()
	if _, err := early.Join(s.ctx, "lounge", "", false); err == nil {
		if _, err = early.Unread(s.ctx); err == nil {
			t.Error("somebody who has not signed in is answered")
		}
	}
	var closed *msynctest.Closed
	if err := early.Ended(s.ctx); !errors.As(err, &closed) {
		t.Errorf("said something before signing in: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- silent.Ended(s.ctx) }()
	for range 100 {
		s.wait(5 * time.Second)
		select {
		case err := <-ended:
			if !errors.As(err, &closed) {
				t.Errorf("said nothing: %v", err)
			}
			s.mark("ann")
			return
		default:
		}
	}
	t.Error("a connection of nobody stays")
}
