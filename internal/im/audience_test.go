package im_test

import (
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// TestAudiences: who in a room is told what moderation does; "-" for all.
func TestAudiences(t *testing.T) {
	const bobAndStaff = "bob ann adm ada"
	for _, c := range []struct {
		name            string
		prepare, do     func(ann actor)
		kind            im.EventKind
		chatroom, group string
	}{
		{"mute", nil, func(ann actor) { ann.Mute("bob", time.Hour) }, im.MembersMuted, bobAndStaff, "-"},
		{"mute an admin", nil, func(ann actor) { ann.Mute("adm", time.Hour) }, im.MembersMuted, "adm ann ada", "-"},
		{"mute two", nil, func(ann actor) { ann.MuteAll(time.Hour, "cat", "bob") }, im.MembersMuted, "cat bob ann adm ada", "-"},
		{"unmute", func(ann actor) { ann.Mute("bob", time.Hour) }, func(ann actor) { ann.Unmute("bob") }, im.MembersUnmuted, bobAndStaff, "-"},
		{"unmute by muting for no time", func(ann actor) { ann.Mute("bob", time.Hour) }, func(ann actor) { ann.Mute("bob", 0) }, im.MembersUnmuted, bobAndStaff, "-"},
		{"mute ends", func(ann actor) { ann.Mute("bob", time.Second) }, func(ann actor) {
			ann.w.clock.Advance(time.Second)
			ann.w.runs()
			ann.w.idle(time.Minute)
		}, im.MuteEnded, bobAndStaff, "-"},
		{"promote", nil, func(ann actor) { ann.AddAdmin("bob") }, im.AdminAdded, bobAndStaff, bobAndStaff},
		{"demote", nil, func(ann actor) { ann.RemoveAdmin("adm") }, im.AdminRemoved, "adm ann ada", "adm ann ada"},
		{"allow", nil, func(ann actor) { ann.Allow("bob", "cat") }, im.MembersAllowed, "bob cat ann adm ada", "bob cat ann adm ada"},
		{"disallow", func(ann actor) { ann.Allow("bob") }, func(ann actor) { ann.Disallow("bob") }, im.MembersDisallowed, bobAndStaff, bobAndStaff},
		{"block", nil, func(ann actor) { ann.Block("bob") }, im.MembersBlocked, bobAndStaff, bobAndStaff},
		{"unblock", nil, func(ann actor) { ann.Unblock("zed") }, im.MembersUnblocked, "zed ann adm ada", "zed ann adm ada"},
		{"remove", nil, func(ann actor) { ann.Remove("bob") }, im.MembersRemoved, "-", "-"},
		{"add", nil, func(ann actor) { ann.Add("sid") }, im.MembersJoined, "-", "-"},
		{"mute all", nil, func(ann actor) { ann.MuteRoom(true) }, im.RoomMuted, "-", "-"},
		{"announce", nil, func(ann actor) { ann.Announce("x") }, im.AnnouncementChanged, "-", "-"},
		{"hand over", nil, func(ann actor) { ann.Transfer("bob") }, im.OwnerChanged, "-", "-"},
		{"destroy", nil, func(ann actor) { ann.Destroy() }, im.RoomDestroyed, "-", "-"},
	} {
		for kind, want := range map[im.RoomKind]string{im.Chatroom: c.chatroom, im.Group: c.group} {
			w := newCrew(t)
			ann := as(t, w, "ann")
			if kind == im.Group {
				ann = ann.of(kind).in(crew)
			}
			if c.prepare != nil {
				c.prepare(ann)
			}
			w.bus.Take()
			c.do(ann)
			told := "nobody"
			for _, e := range w.bus.Take() {
				if e.Kind != c.kind || e.Topic != im.RoomTopic(w.app.ID, ann.room) {
					continue
				}
				if told = strings.Trim(nameLine(e.Only), "[]"); len(e.Only) == 0 {
					told = "-"
				}
			}
			same(t, c.name+" in "+string(ann.room), told, want)
		}
	}
}
