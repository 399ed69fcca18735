package im_test

import (
	"testing"
	"time"

	"teahouse/internal/im"
)

// personal is one call of the Service about a user, who is bob.
type personal struct {
	name string
	who  string // own: the app and bob; app: the app; all: anyone with a token
	call func(a actor)
}

func personalCalls() []personal {
	return []personal{
		{"Contacts", "own", func(a actor) { a.Contacts("bob") }},
		{"ContactRequests", "own", func(a actor) { a.Asking("bob") }},
		{"AddContact", "own", func(a actor) { a.Befriend("bob", "cat") }},
		{"RemoveContact", "own", func(a actor) { a.Unfriend("bob", "cat") }},
		{"SetRemark", "own", func(a actor) { a.Remark("bob", "zed", "Z") }},
		{"AskContacts", "own", func(a actor) { a.Ask("bob", "", "cat") }},
		{"AcceptContact", "own", func(a actor) { a.Accept("bob", "zed") }},
		{"DeclineContact", "own", func(a actor) { a.Decline("bob", "cat") }},
		{"UserBlocks", "own", func(a actor) { a.UserBlocks("bob") }},
		{"BlockUsers", "own", func(a actor) { a.BlockUsers("bob", "cat") }},
		{"UnblockUsers", "own", func(a actor) { a.UnblockUsers("bob", "cat") }},
		{"Connections", "own", func(a actor) { a.Devices("bob") }},
		{"Disconnect", "own", func(a actor) { a.Disconnect("bob", "") }},
		{"SetProperties", "own", func(a actor) { a.SetProperties("bob", "k=v") }},
		{"DeleteProperties", "own", func(a actor) { a.DeleteProperties("bob") }},
		{"Properties", "all", func(a actor) { a.Properties("", "bob") }},
		{"Online", "collection", func(a actor) { a.Online("bob") }},
		{"MuteUser", "app", func(a actor) { a.MuteUser("bob", lengths{im.InChats: time.Hour}) }},
		{"MutesOfUser", "app", func(a actor) { a.MutesOf("bob") }},
		{"MutedUsers", "app", func(a actor) { a.MutedUsers() }},
		{"PropertyBytes", "app", func(a actor) {
			a.t.Helper()
			_, err := a.w.svc.PropertyBytes(a.t.Context(), a.c)
			a.check(err)
		}},
	}
}

// TestPersonalAuthority asks every call as everybody; ann, who owns bob's room, is a stranger to his affairs. A refusal
// announces nothing.
func TestPersonalAuthority(t *testing.T) {
	w := newWorld(t)
	as(t, w, "app").Befriend("bob", "zed")
	w.bus.Take()
	other := map[string]*im.Error{"own": im.ErrNotSelf.For("bob"), "app": im.ErrAppOnly, "all": nil, "collection": im.ErrNotSelf}
	for _, c := range personalCalls() {
		t.Run(c.name, func(t *testing.T) {
			self := other[c.who]
			if c.who == "own" {
				self = nil
			}
			for who, want := range map[string]*im.Error{"app": nil, "bob": self, "ann": other[c.who], "nobody": im.ErrUnauthenticated} {
				c.call(as(t, w, who).fails(want))
				if want != nil {
					w.want()
				}
				w.bus.Take()
			}
		})
	}
}

// TestStrangersLearnNothing of who exists.
func TestStrangersLearnNothing(t *testing.T) {
	w := newWorld(t)
	ann := as(t, w, "ann").fails(im.ErrNotSelf.For("eve"))
	ann.Contacts("eve")
	ann.Befriend("eve", "bob")
	ann.BlockUsers("eve", "bob")
	ann.Devices("eve")
	ann.Disconnect("eve", "")
	ann.SetProperties("eve", "k=v")
	ann.DeleteProperties("eve")
}

// TestDeletedUsersHaveNoRelations, on neither side.
func TestDeletedUsersHaveNoRelations(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	app.Befriend("bob", "cat")
	app.Befriend("sid", "bob")
	app.Ask("bob", "", "zed")
	app.Ask("zed", "", "bob")
	app.BlockUsers("bob", "cat")
	app.BlockUsers("cat", "bob")
	app.SetProperties("bob", "k=v")
	app.MuteUser("bob", lengths{im.InChats: im.ForGood})
	app.DeleteUser("bob")
	app.Register("bob", "secret")
	same(t, "nothing is left", []string{app.Contacts("bob"), app.Contacts("cat"), app.Contacts("sid"), app.Asking("bob"), app.Asking("zed"),
		app.UserBlocks("bob"), app.UserBlocks("cat"), app.Properties("", "bob"), app.MutesOf("bob"), app.MutedUsers()}, make([]string, 10))
}
