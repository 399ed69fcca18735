package im_test

import (
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

func TestBlock(t *testing.T) {
	w := newWorld(t)
	as(t, w, "adm").Block("Bob")
	w.want("lounge members_removed by adm [bob] of 4", "lounge members_blocked by adm [bob] of 4")
	same(t, "oldest first", as(t, w, "adm").Blocks(), "zed bob")
	same(t, "members", as(t, w, "bob").Members(), "ann! adm+ ada+ cat")
	as(t, w, "adm").Block("bob") // blocked already: succeeds
	w.want()
	as(t, w, "bob").fails(im.ErrForbidden).Add("bob")
	as(t, w, "adm").fails(im.ErrNotMember.For("sid").In(lounge)).Block("sid")
	as(t, w, "adm").fails(im.ErrUserNotFound.For("eve").In(lounge)).Block("eve")
	as(t, w, "adm").fails(im.ErrForbidden.For("ada").In(lounge)).Block("ada")
	as(t, w, "adm").fails(im.ErrOnOwner.For("ann").In(lounge)).Block("ann")
	as(t, w, "ann").Block("ada")
	same(t, "admins", as(t, w, "ann").Admins(), "adm+")
}

func TestBlockAll(t *testing.T) {
	w := newWorld(t)
	same(t, "name by name", as(t, w, "adm").BlockAll("zed", "Cat", "eve", "sid", "ada", "ann", "bob", "cat"),
		"zed ok, cat ok, eve user_not_found, sid not_member, ada forbidden, ann on_owner, bob ok")
	w.want("lounge members_removed by adm [cat bob] of 3", "lounge members_blocked by adm [cat bob] of 3")
	as(t, w, "adm").fails(im.ErrAlreadyBlocks.For("cat").In(lounge)).BlockAll("cat", "zed")
	as(t, w, "adm").fails(im.ErrUserNotFound.For("eve").In(lounge)).BlockAll("eve", "sid")
	same(t, "one of them blocked already", as(t, w, "adm").BlockAll("sid", "zed"), "sid not_member, zed ok")
	w.want()
	same(t, "blocked", as(t, w, "adm").Blocks(), "zed cat bob")
}

// TestWhatABlockTakes: unlike leaving it ends a mute, too.
func TestWhatABlockTakes(t *testing.T) {
	w := newWorld(t)
	ann := as(t, w, "ann")
	ann.AddAdmin("bob")
	ann.Allow("bob", "cat")
	ann.MuteAll(time.Hour, "bob", "cat")
	as(t, w, "bob").SetAttributes(im.AttributeChange{User: "bob", AutoDelete: true, Set: []im.Attribute{{Key: "k", Value: "v"}}})
	w.bus.Take()
	ann.Block("bob")
	w.want("lounge members_removed by ann [bob] of 4", "lounge attributes_deleted by ann [] of 4 k=v(bob)~",
		"lounge members_unmuted by ann [bob] of 4", "lounge members_blocked by ann [bob] of 4")
	same(t, "mutes, allowed, admins", []string{ann.Mutes(), ann.Allows(), ann.Admins(), ann.Attributes()},
		[]string{"cat 1h0m0s", "cat", "adm+ ada+", ""})
}

func TestUnblock(t *testing.T) {
	w := newWorld(t)
	as(t, w, "adm").Block("bob")
	w.bus.Take()
	same(t, "name by name", as(t, w, "adm").Unblock("Zed", "eve", "cat", "sid", "bob", "zed"),
		"zed ok, eve user_not_found, cat not_blocked, sid not_blocked, bob ok")
	w.want("lounge members_unblocked by adm [zed bob] of 4")
	as(t, w, "adm").fails(im.ErrNotBlocked.For("zed").In(lounge)).Unblock("zed", "eve")
	as(t, w, "adm").fails(im.ErrUserNotFound.For("eve").In(lounge)).Unblock("eve", "zed")
	w.want()
	same(t, "blocked", as(t, w, "adm").Blocks(), "")
	same(t, "they are no members", as(t, w, "zed").Members(), "ann! adm+ ada+ cat")
	as(t, w, "adm").Add("zed")
	w.want("lounge members_joined by adm [zed] of 5")
}

func TestAllow(t *testing.T) {
	w := newWorld(t)
	same(t, "name by name", as(t, w, "adm").Allow("Cat", "eve", "sid", "ann", "bob", "cat"),
		"cat ok, eve user_not_found, sid not_member, ann ok, bob ok")
	w.want("lounge members_allowed by adm [cat] of 5", "lounge members_allowed by adm [ann] of 5", "lounge members_allowed by adm [bob] of 5") // ann hears of all
	same(t, "oldest first", as(t, w, "adm").Allows(), "cat ann bob")
	as(t, w, "adm").fails(im.ErrNotMember.For("sid").In(lounge)).Allow("sid", "eve")
	as(t, w, "adm").fails(im.ErrUserNotFound.For("eve").In(lounge)).Allow("eve", "sid")
	as(t, w, "adm").fails(im.ErrNotMember.For("zed").In(lounge)).Allow("zed")
	as(t, w, "adm").fails(im.ErrUserNotFound.For("eve").In(lounge)).Disallow("cat", "eve")
	w.want()
	same(t, "taken off", as(t, w, "adm").Disallow("Cat", "sid", "bob"), "cat sid bob")
	w.want("lounge members_disallowed by adm [cat bob] of 5")
	as(t, w, "adm").Disallow("cat")
	w.want()
	same(t, "allowed", as(t, w, "adm").Allows(), "ann")
}

func TestWhoMaySpeakInAMutedRoom(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Allow("Cat")
	for name, want := range map[string]bool{"ann": true, "adm": true, "bob": false, "CAT": true, "sid": false, "zed": false, "eve": false} {
		same(t, name, as(t, w, "app").Allowed(name), want)
	}
	same(t, "cat asks", as(t, w, "cat").Allowed("cat"), true)
	same(t, "adm asks", as(t, w, "adm").Allowed("adm"), true)
	same(t, "sid asks", as(t, w, "sid").Allowed("sid"), false)
}

func TestAnnouncement(t *testing.T) {
	w := newWorld(t)
	same(t, "none at first", as(t, w, "sid").Announcement(), "")
	as(t, w, "adm").Announce("茶 / tea")
	w.want(`lounge announcement_changed by adm [] of 5 "茶 / tea"`)
	same(t, "announcement", as(t, w, "zed").Announcement(), "茶 / tea")
	longest := strings.Repeat("茶", 512)
	as(t, w, "adm").fails(im.ErrAnnounceLong.In(lounge)).Announce(longest + "茶")
	w.want()
	same(t, "announcement", as(t, w, "bob").Announcement(), "茶 / tea")
	as(t, w, "app").Announce(longest)
	same(t, "announcement", as(t, w, "bob").Announcement(), longest)
	w.bus.Take()
	as(t, w, "ann").Announce("")
	w.want("lounge announcement_changed by ann [] of 5")
	same(t, "announcement", as(t, w, "bob").Announcement(), "")
}

// TestAllowTwice announces only what is new.
func TestAllowTwice(t *testing.T) {
	w := newWorld(t)
	as(t, w, "adm").Allow("bob")
	w.want("lounge members_allowed by adm [bob] of 5")
	same(t, "answered alike", as(t, w, "adm").Allow("bob", "cat"), "bob ok, cat ok")
	w.want("lounge members_allowed by adm [cat] of 5")
	as(t, w, "adm").Allow("cat")
	w.want()
	same(t, "allowed", as(t, w, "adm").Allows(), "bob cat")
}
