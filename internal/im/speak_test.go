package im_test

import (
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// TestSpeaking is who may speak where, cell by cell.
func TestSpeaking(t *testing.T) {
	muted := func(a actor) { a.MuteAll(time.Hour, "bob", "cat") }
	silent := func(a actor) { a.MuteRoom(true); a.Allow("cat") }
	cases := []struct {
		state string
		do    func(a actor)
		want  map[string]*im.Error // who is not named may speak
	}{
		{"at peace", func(actor) {}, nil},
		{"two muted", muted, map[string]*im.Error{"bob": im.ErrMemberMuted, "cat": im.ErrMemberMuted}},
		{"all muted but cat", silent, map[string]*im.Error{"bob": im.ErrRoomSilent}},
		{"both", func(a actor) { silent(a); muted(a) }, map[string]*im.Error{"bob": im.ErrMemberMuted, "cat": im.ErrMemberMuted}},
		{"an admin muted, and all", func(a actor) { silent(a); a.Mute("adm", im.ForGood) }, map[string]*im.Error{"adm": im.ErrMemberMuted, "bob": im.ErrRoomSilent}},
		{"one blocked", func(a actor) { a.Block("bob") }, map[string]*im.Error{"bob": im.ErrNotMember}},
		{"destroyed", func(a actor) { a.Destroy() }, map[string]*im.Error{"ann": im.ErrRoomNotFound,
			"adm": im.ErrRoomNotFound, "bob": im.ErrRoomNotFound, "cat": im.ErrRoomNotFound, "sid": im.ErrRoomNotFound}},
		{"disabled", func(a actor) { a.Disable(true) }, map[string]*im.Error{"app": im.ErrRoomDisabled, "ann": im.ErrRoomDisabled, "adm": im.ErrRoomDisabled, "bob": im.ErrRoomDisabled, "cat": im.ErrRoomDisabled}},
	}
	for _, c := range cases {
		for _, kind := range []im.RoomKind{im.Group, im.Chatroom} {
			if kind == im.Chatroom && c.state == "disabled" {
				continue
			}
			w := newCrew(t)
			room, to := crew, "#crew"
			if kind == im.Chatroom {
				room, to = lounge, "*lounge"
			}
			c.do(as(t, w, "app").of(kind).in(room))
			for _, who := range []string{"app", "ann", "adm", "bob", "cat", "sid"} {
				want := c.want[who]
				if who == "sid" && want == nil {
					want = im.ErrNotMember
				}
				as(t, w, who).fails(want).Say(to, c.state)
			}
			w.clock.Advance(2 * time.Hour)
			if c.state == "two muted" {
				as(t, w, "bob").Say(to, "a mute ends by itself")
			}
		}
	}
}

// TestSpeakingToAUser: who may write to whom; the management API always may.
func TestSpeakingToAUser(t *testing.T) {
	forAnHour := func(v im.Venue) func(w *world) {
		return func(w *world) { as(w.t, w, "app").MuteUser("ann", map[im.Venue]time.Duration{v: time.Hour}) }
	}
	cases := []struct {
		state    string
		settings []string
		do       func(w *world)
		want     map[string]*im.Error // by address
	}{
		{"at peace", nil, func(*world) {}, nil},
		{"muted in chats", nil, forAnHour(im.InChats), map[string]*im.Error{"bob": im.ErrUserMuted, "ann": im.ErrUserMuted}},
		{"muted in groups", nil, forAnHour(im.InGroups), map[string]*im.Error{"#crew": im.ErrUserMuted}},
		{"muted in chatrooms", nil, forAnHour(im.InChatrooms), map[string]*im.Error{"*lounge": im.ErrUserMuted}},
		{"blocked", nil, func(w *world) { as(w.t, w, "bob").BlockUsers("bob", "ann") }, map[string]*im.Error{"bob": im.ErrBlockedByUser}},
		{"has blocked", nil, func(w *world) { as(w.t, w, "ann").BlockUsers("ann", "bob") }, nil},
		{"contacts only", []string{"contacts_only=true"}, func(*world) {}, map[string]*im.Error{"bob": im.ErrNotContact}},
		{"a contact", []string{"contacts_only=true"}, func(w *world) { as(w.t, w, "app").Befriend("ann", "bob") }, nil},
	}
	for _, c := range cases {
		t.Run(c.state, func(t *testing.T) {
			w := newCrew(t, c.settings...)
			c.do(w)
			for _, to := range []string{"bob", "ann", "#crew", "*lounge"} {
				as(t, w, "ann").fails(c.want[to]).Say(to, "hello")
				as(t, w, "app").Say(to, "hello", func(n *im.NewMessage) { n.From = "ann" })
			}
			w.clock.Advance(time.Hour)
			if strings.HasPrefix(c.state, "muted") {
				for to := range c.want {
					as(t, w, "ann").Say(to, "a mute ends by itself")
				}
			}
		})
	}
}
