package server

import (
	"slices"
	"testing"
	"time"

	"teahouse/internal/msynctest"
)

// loses cuts a device's connection off.
func (s *stage) loses(device string) {
	s.t.Helper()
	s.clients[device].Kill()
	delete(s.clients, device)
}

// hears wants that a text to a room reaches these devices, and no other.
func (s *stage) hears(from string, room msynctest.Target, text string, devices ...string) {
	s.t.Helper()
	s.mark(s.devices()...)
	s.says(from, room, text)
	got := s.mark(s.devices()...)
	user, _ := who(from)
	want := "CHATROOM by " + user + " to @ text " + text
	for _, d := range s.devices() {
		if heard := slices.Contains(got[d], want); heard != slices.Contains(devices, d) {
			s.t.Errorf("%q: %s was told %q", text, d, got[d])
		}
	}
}

// absent wants that the others in a room are told within some time that a user is gone, and not before.
func (s *turned) absent(user, count string, after time.Duration, inside ...string) {
	s.t.Helper()
	s.mark(s.devices()...)
	s.wait(after - time.Second)
	for d, told := range s.mark(s.devices()...) {
		if len(told) != 0 {
			s.t.Errorf("too early %s is told %q", d, told)
		}
	}
	s.wait(time.Second)
	want := "ABSENCE by " + user + " of " + count
	for _, d := range inside {
		s.comes(d, want)
	}
	s.mark(s.devices()...)
}

// TestGrace: who loses the connection stays in a chatroom for two minutes, and goes on when it is back.
func TestGrace(t *testing.T) {
	s := newTurned(t, "own", "mem", "vic", "vic/phone")
	id := s.room("chatrooms", `{"name":"r","description":"d","maxusers":50,"owner":"own","members":["mem"]}`)
	room, at := msynctest.ToRoom(id), "/chatrooms/"+id
	s.joins("vic", id)
	s.hears("own", room, "all here", "mem", "vic", "vic/phone")

	s.loses("vic") // one device stays
	s.wait(5 * time.Minute)
	s.hears("own", room, "one device", "mem", "vic/phone")
	s.loses("vic/phone")
	s.wait(119 * time.Second)
	s.connect("vic/tablet") // another device of the same user
	if got := s.mark(s.devices()...); len(got["own"]) != 0 {
		t.Errorf("the owner was told %q", got["own"])
	}
	s.hears("own", room, "back in time", "mem", "vic/tablet")
	s.hears("vic/tablet", room, "I am back", "own", "mem")
	s.wait(10 * time.Minute)
	s.hears("own", room, "and stays", "mem", "vic/tablet")

	s.loses("vic/tablet")
	s.absent("vic", "2", 2*time.Minute, "own", "mem")
	s.connect("vic")
	s.hears("own", room, "too late", "mem")
	s.refused("vic", room, saidOutside)

	s.loses("mem") // added by REST
	s.loses("own")
	s.wait(time.Hour)
	s.connect("own")
	s.connect("mem")
	s.hears("own", room, "stays until removed", "mem")

	s.joins("vic", id) // who is given something stays, too
	s.rest("own", "POST", at+"/white/users/vic", "")
	s.loses("vic")
	s.wait(time.Hour)
	s.connect("vic")
	s.hears("own", room, "allowed", "mem", "vic")
	s.rest("own", "DELETE", at+"/white/users/vic", "")
	s.rest("own", "POST", at+"/admin", `{"newadmin":"vic"}`)
	s.loses("vic")
	s.wait(time.Hour)
	s.connect("vic")
	s.hears("own", room, "admin", "mem", "vic")
	s.rest("own", "DELETE", at+"/admin/vic", "")
	s.loses("vic")
	s.absent("vic", "2", 2*time.Minute, "own", "mem")

}

// TestGraceOfTheApp is another time than two minutes, and is given also to who says goodbye.
func TestGraceOfTheApp(t *testing.T) {
	s := newTurned(t, "own", "mem", "vic")
	id := s.room("chatrooms", `{"name":"r","description":"d","maxusers":50,"owner":"own","members":["mem"]}`)
	s.set("chatroom_grace_seconds=10")
	s.joins("vic", id)
	s.loses("vic")
	s.absent("vic", "2", 10*time.Second, "own", "mem")
	s.connect("vic")
	s.joins("vic", id)
	if err := s.clients["vic"].Logout(); err != nil {
		t.Fatal(err)
	}
	delete(s.clients, "vic")
	s.absent("vic", "2", 10*time.Second, "own", "mem")
}

// TestGraceOverRestart: when the server comes back the two minutes begin anew.
func TestGraceOverRestart(t *testing.T) {
	s := newTurned(t, "own", "vic", "mem")
	id := s.room("chatrooms", `{"name":"r","description":"d","maxusers":50,"owner":"own"}`)
	room := msynctest.ToRoom(id)
	s.joins("vic", id)
	s.joins("mem", id)
	s.loses("mem")
	s.wait(100 * time.Second)
	s.n.stop()
	s.clients = map[string]*msynctest.Client{}
	s.clock.Advance(time.Hour)
	s.n = start(t, Config{Dev: true, Clock: s.clock, Storage: Storage{Data: s.dir}})
	s.connect("own")
	s.wait(time.Minute)
	s.connect("vic")
	s.hears("own", room, "after the restart", "vic")
	s.absent("mem", "2", time.Minute, "own", "vic")
	s.hears("own", room, "one less", "vic")
	s.connect("mem")
	s.refused("mem", room, saidOutside)
}
