package im_test

import (
	"testing"
	"time"

	"teahouse/internal/im"
)

type lengths = map[im.Venue]time.Duration

func TestMuteUser(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	app.MuteUser("Bob", lengths{im.InChats: time.Minute, im.InChatrooms: im.ForGood})
	w.want(`@bob user_muted by app [bob] until 1m0s "chat"`, `@bob user_muted by app [bob] until for good "chatroom"`)
	app.MuteUser("cat", lengths{im.InGroups: time.Hour})
	app.MuteUser("bob", lengths{im.InChats: 0, im.InGroups: 2 * time.Minute})
	w.want(`@cat user_muted by app [cat] until 1h0m0s "groupchat"`,
		`@bob user_unmuted by app [bob] "chat"`, `@bob user_muted by app [bob] until 2m0s "groupchat"`)
	same(t, "bob", app.MutesOf("bob"), "groupchat 2m0s, chatroom for good")
	same(t, "all", app.MutedUsers(), "bob[groupchat 2m0s, chatroom for good] cat[groupchat 1h0m0s]")
	app.MuteUser("bob", lengths{im.InChats: 0, im.InGroups: 0, im.InChatrooms: 0})
	w.want(`@bob user_unmuted by app [bob] "groupchat"`, `@bob user_unmuted by app [bob] "chatroom"`)
	same(t, "all", app.MutedUsers(), "cat[groupchat 1h0m0s]")
	same(t, "one without", app.MutesOf("bob"), "")
	app.fails(im.ErrUserNotFound.For("eve")).MuteUser("eve", lengths{im.InChats: 1})
	app.fails(im.ErrUserNotFound.For("eve")).MutesOf("eve")
	app.fails(im.ErrFieldMissing.With("chat")).MuteUser("bob", nil)
	app.fails(im.ErrInvalid.With("groupchat")).MuteUser("bob", lengths{im.InChats: 1, im.InGroups: -2})
	for _, who := range []string{"bob", "ann"} {
		as(t, w, who).fails(im.ErrAppOnly).MuteUser("bob", lengths{im.InChats: 0})
		as(t, w, who).fails(im.ErrAppOnly).MutesOf("bob")
		as(t, w, who).fails(im.ErrAppOnly).MutedUsers()
	}
	as(t, w, "nobody").fails(im.ErrUnauthenticated).MuteUser("bob", lengths{im.InChats: 0})
	w.want()
}

// TestUserMutesEnd by themselves, one by one, also those that ended while nothing ran.
func TestUserMutesEnd(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	app.MuteUser("cat", lengths{im.InChats: 2 * time.Second})
	app.MuteUser("bob", lengths{im.InChats: time.Second, im.InGroups: 2 * time.Second, im.InChatrooms: 20 * time.Second})
	app.MuteUser("sid", lengths{im.InChats: im.ForGood})
	w.bus.Take()
	w.clock.Advance(3 * time.Second)
	same(t, "over, though not announced", app.MutedUsers(), "cat[] bob[chatroom 20s] sid[chat for good]")
	w.runs()
	w.idle(17 * time.Second)
	w.want(`@bob user_mute_ended by app [bob] until 1s "chat"`, `@bob user_mute_ended by app [bob] until 2s "groupchat"`,
		`@cat user_mute_ended by app [cat] until 2s "chat"`)
	same(t, "all", app.MutedUsers(), "bob[chatroom 20s] sid[chat for good]")
	w.clock.Advance(17 * time.Second)
	w.idle(time.Minute)
	w.want(`@bob user_mute_ended by app [bob] until 20s "chatroom"`)
	same(t, "all", app.MutedUsers(), "sid[chat for good]")
}

// TestAnEarlierUserMuteWakesTheLoop, and the loop sees whichever ends first: a mute in a room or one in the app.
func TestAnEarlierUserMuteWakesTheLoop(t *testing.T) {
	w := newWorld(t)
	w.runs()
	w.idle(time.Minute)
	as(t, w, "ann").Mute("bob", 30*time.Second)
	w.idle(30 * time.Second)
	as(t, w, "app").MuteUser("cat", lengths{im.InChats: 20 * time.Second})
	w.idle(20 * time.Second)
	w.bus.Take()
	w.clock.Advance(20 * time.Second)
	w.idle(10 * time.Second)
	w.want(`@cat user_mute_ended by app [cat] until 20s "chat"`)
	w.clock.Advance(10 * time.Second)
	w.idle(time.Minute)
	w.want("lounge mute_ended by app [bob] of 5 until 30s")
}

// TestTwoNodesEndUserMutesOnce: each claims what is due in the transaction that ends it.
func TestTwoNodesEndUserMutesOnce(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		names := w.crowd(30)
		for _, n := range names {
			as(t, w, "app").MuteUser(n, lengths{im.InChats: 30 * time.Second, im.InGroups: 30 * time.Second})
		}
		w.bus.Take()
		other := w.another(func(*im.Config) {})
		w.runs()
		other.runs()
		w.idle(30 * time.Second)
		w.idle(30 * time.Second)
		w.clock.Advance(30 * time.Second)
		w.idle(time.Minute)
		w.idle(time.Minute)
		same(t, "events", len(w.bus.Take()), 2*len(names))
	})
}

// TestALongerUserMuteIsNotEnded although it is set between the loop's look and its deed.
func TestALongerUserMuteIsNotEnded(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	app.MuteUser("bob", lengths{im.InChats: 10 * time.Second})
	app.MuteUser("cat", lengths{im.InChats: 10 * time.Second})
	w.clock.Advance(10 * time.Second)
	w.bus.Take()
	done := false
	meanwhile := w.another(func(c *im.Config) {
		c.Store = hookStore{Store: w.store, afterView: func() {
			if !done {
				done = true
				app.MuteUser("bob", lengths{im.InChats: time.Hour})
				app.DeleteUser("cat")
			}
		}}
	})
	meanwhile.runs()
	w.waits()
	w.want(`@bob user_muted by app [bob] until 1h0m10s "chat"`, "lounge members_left by app [cat] of 4", `@cat sessions_ended by app [cat] "deleted"`)
	same(t, "bob", app.MutesOf("bob"), "chat 1h0m10s")
}
