package im_test

import (
	"strings"
	"testing"

	"teahouse/internal/im"
)

func TestContactsAreMutual(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	as(t, w, "bob").Befriend("Bob", "CAT")
	w.want("notice @bob contact_added by bob [bob cat]", "notice @cat contact_added by bob [cat bob]")
	same(t, "both", []string{app.Contacts("bob"), app.Contacts("cat")}, []string{"cat", "bob"})
	app.Befriend("cat", "bob") // they are
	app.Befriend("bob", "sid")
	w.want("notice @bob contact_added by app [bob sid]", "notice @sid contact_added by app [sid bob]")
	same(t, "longest first", app.Contacts("bob"), "cat sid")
	as(t, w, "cat").Unfriend("cat", "bob")
	w.want("@cat contact_removed by cat [cat bob]", "notice @bob contact_removed by cat [bob cat]")
	app.Unfriend("cat", "bob") // they are none
	w.want()
	same(t, "left", []string{app.Contacts("bob"), app.Contacts("cat"), app.Contacts("sid")}, []string{"sid", "", "bob"})
	app.fails(im.ErrUserNotFound.For("eve")).Befriend("bob", "eve")
	app.fails(im.ErrUserNotFound.For("eve")).Befriend("eve", "bob")
	app.fails(im.ErrUserNotFound.For("eve")).Unfriend("bob", "eve")
	app.fails(im.ErrInvalid.With("bob")).Befriend("bob", "Bob")
	w.want()
}

func TestContactPages(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	for _, f := range []string{"ann", "cat", "sid", "zed", "adm"} {
		app.Befriend("bob", f)
	}
	var got []string
	for after, first := int64(0), true; first || after != 0; first = false {
		_, page, next, err := w.svc.Contacts(t.Context(), app.c, "bob", after, 2)
		must(t, err)
		got = append(got, relationLine(page))
		after = next
	}
	same(t, "pages", got, []string{"ann cat", "sid zed", "adm"})
	owner, _, _, err := w.svc.Contacts(t.Context(), app.c, "bob", 0, 1)
	must(t, err)
	same(t, "owner", owner.UUID, app.User("bob").UUID)
}

func TestRemarks(t *testing.T) {
	w := newWorld(t)
	bob := as(t, w, "bob")
	bob.fails(im.ErrNotContact.For("cat")).Remark("bob", "cat", "Kitty")
	bob.Befriend("bob", "cat")
	bob.Befriend("bob", "sid")
	w.bus.Take()
	bob.Remark("bob", "cat", strings.Repeat("名", 100))
	bob.fails(im.ErrRemarkLong.With("100")).Remark("bob", "cat", strings.Repeat("n", 101))
	same(t, "long", bob.Contacts("bob"), "cat:"+strings.Repeat("名", 100)+" sid")
	bob.Remark("bob", "cat", "Kitty")
	same(t, "the contact does not see it", as(t, w, "cat").Contacts("cat"), "bob")
	bob.Befriend("bob", "cat") // keeps it
	same(t, "kept", bob.Contacts("bob"), "cat:Kitty sid")
	bob.Unfriend("bob", "cat")
	bob.Befriend("bob", "cat")
	same(t, "forgotten with the contact", bob.Contacts("bob"), "sid cat")
	bob.fails(im.ErrUserNotFound.For("eve")).Remark("bob", "eve", "")
}

// TestContactLimit counts the contacts of both.
func TestContactLimit(t *testing.T) {
	w := newWorld(t, "user_max_contacts=2")
	app := as(t, w, "app")
	app.Befriend("bob", "cat")
	app.Befriend("bob", "sid")
	w.bus.Take()
	app.fails(im.ErrInviterContacts.For("bob").With("2")).Befriend("bob", "zed")
	app.fails(im.ErrInviteeContacts.For("bob").With("2")).Befriend("zed", "bob")
	app.Befriend("bob", "cat") // they are already
	same(t, "nothing of it stays", []string{app.Contacts("zed"), app.Contacts("bob")}, []string{"", "cat sid"})
	w.want()
	app.Ask("bob", "", "zed")
	app.fails(im.ErrInviterContacts.For("bob")).Accept("zed", "bob")
	same(t, "still asked", app.Asking("zed"), "bob")
}

func TestAskingForContacts(t *testing.T) {
	w := newWorld(t)
	bob, cat, sid := as(t, w, "bob"), as(t, w, "cat"), as(t, w, "sid")
	same(t, "asked", bob.Ask("bob", "hello", "Cat", "sid", "cat"), "cat sid")
	w.want(`notice @cat contact_asked by bob [cat bob] "hello"`, `notice @sid contact_asked by bob [sid bob] "hello"`)
	same(t, "nobody is a contact yet", bob.Contacts("bob"), "")
	bob.Ask("bob", "again", "cat")
	w.want(`notice @cat contact_asked by bob [cat bob] "again"`)
	same(t, "waiting", []string{cat.Asking("cat"), sid.Asking("sid"), bob.Asking("bob")}, []string{"bob:again", "bob:hello", ""})

	cat.Accept("cat", "bob")
	w.want("notice @cat contact_accepted by cat [cat bob]", "notice @bob contact_accepted by cat [bob cat]")
	cat.Accept("cat", "bob")
	bob.Ask("bob", "hello", "cat") // a contact already
	w.want()
	same(t, "contacts", []string{bob.Contacts("bob"), cat.Contacts("cat"), cat.Asking("cat")}, []string{"cat", "bob", ""})

	sid.Decline("sid", "bob")
	w.want("@sid contact_declined by sid [sid bob]", "notice @bob contact_declined by sid [bob sid]")
	sid.Decline("sid", "bob")
	w.want()
	sid.fails(im.ErrNotAsked.For("bob")).Accept("sid", "bob")
	bob.fails(im.ErrNotAsked.For("sid")).Accept("bob", "sid")
	same(t, "no contacts", sid.Contacts("sid"), "")
}

func TestAskingIsAllOrNothing(t *testing.T) {
	w := newWorld(t, "batch_add=2", "user_max_contacts=2")
	bob := as(t, w, "bob")
	bob.fails(im.ErrUserNotFound.For("eve")).Ask("bob", "", "cat", "eve")
	bob.fails(im.ErrInvalid.With("bob")).Ask("bob", "", "cat", "bob")
	bob.fails(im.ErrFieldMissing.With("usernames")).Ask("bob", "")
	bob.fails(im.ErrBatchTooLarge.With("2")).Ask("bob", "", "cat", "sid", "zed")
	bob.fails(im.ErrInvalid.With("reason")).Ask("bob", strings.Repeat("x", 1025), "cat")
	w.want()
	same(t, "not asked", as(t, w, "cat").Asking("cat"), "")
	as(t, w, "zed").Ask("zed", "", "cat")
	as(t, w, "sid").Ask("sid", "", "cat")
	w.bus.Take()
	bob.fails(im.ErrInviteeContacts.For("cat").With("2")).Ask("bob", "", "ada", "cat")
	as(t, w, "sid").Ask("sid", "", "cat") // waits already
	w.want("notice @cat contact_asked by sid [cat sid]")
	same(t, "not asked", as(t, w, "ada").Asking("ada"), "")
}

// TestAskingWhoBlocked looks like success and does nothing.
func TestAskingWhoBlocked(t *testing.T) {
	w := newWorld(t)
	as(t, w, "cat").BlockUsers("cat", "bob")
	w.bus.Take()
	same(t, "answer", as(t, w, "bob").Ask("bob", "hello", "cat"), "cat")
	w.want()
	same(t, "not asked", as(t, w, "cat").Asking("cat"), "")
}

// TestBefriendingEndsRequests on both sides.
func TestBefriendingEndsRequests(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	app.Ask("bob", "", "cat")
	app.Ask("cat", "", "bob")
	app.Ask("sid", "", "bob")
	app.Befriend("bob", "cat")
	same(t, "waiting", []string{app.Asking("bob"), app.Asking("cat")}, []string{"sid", ""})
}

// TestContactsAtOnce: two who befriend each other and others do not wait for each other for good, and all see both sides.
func TestContactsAtOnce(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		names := w.crowd(8)
		errs := make(chan error)
		for i := range names {
			go func() {
				var failed error
				for j := range names {
					if i != j {
						if _, _, err := w.svc.AddContact(t.Context(), im.AppCaller(w.app), names[i], names[j]); err != nil {
							failed = err
						}
					}
				}
				errs <- failed
			}()
		}
		for range names {
			must(t, <-errs)
		}
		for _, n := range names {
			same(t, n, len(strings.Fields(as(t, w, "app").Contacts(n))), len(names)-1)
		}
		same(t, "events", len(w.bus.Take()), len(names)*(len(names)-1))
	})
}

func TestUserBlocks(t *testing.T) {
	w := newWorld(t, "user_max_blocks=3")
	bob, app := as(t, w, "bob"), as(t, w, "app")
	bob.BlockUsers("bob", "Cat", "sid", "cat")
	w.want("@bob users_blocked by bob [bob cat sid]")
	app.BlockUsers("bob", "sid", "zed")
	w.want("@bob users_blocked by app [bob zed]")
	bob.BlockUsers("bob", "cat")
	w.want()
	same(t, "blocks", bob.UserBlocks("bob"), "cat sid zed")
	bob.fails(im.ErrTooManyBlocks.For("bob").With("3")).BlockUsers("bob", "cat", "ann")
	bob.fails(im.ErrBatchTooLarge.With("3")).BlockUsers("bob", "cat", "ann", "adm", "ada")
	bob.fails(im.ErrUserNotFound.For("eve")).BlockUsers("bob", "eve")
	bob.fails(im.ErrInvalid.With("bob")).BlockUsers("bob", "bob")
	bob.fails(im.ErrFieldMissing.With("usernames")).BlockUsers("bob")
	same(t, "unchanged", bob.UserBlocks("bob"), "cat sid zed")
	bob.UnblockUsers("bob", "sid", "ann")
	w.want("@bob users_unblocked by bob [bob sid]")
	bob.UnblockUsers("bob", "sid")
	bob.fails(im.ErrUserNotFound.For("eve")).UnblockUsers("bob", "eve")
	w.want()
	same(t, "left", bob.UserBlocks("bob"), "cat zed")
	same(t, "of one side only", as(t, w, "cat").UserBlocks("cat"), "")
}

// TestBlockedContactsStay: to block is not to end a friendship.
func TestBlockedContactsStay(t *testing.T) {
	w := newWorld(t)
	bob := as(t, w, "bob")
	bob.Befriend("bob", "cat")
	bob.BlockUsers("bob", "cat")
	same(t, "contacts", bob.Contacts("bob"), "cat")
}
