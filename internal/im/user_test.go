package im_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

func TestParseUsername(t *testing.T) {
	longest := strings.Repeat("n", 64)
	for given, want := range map[string]im.Username{"bob": "bob", "BoB": "bob", "1": "1", "a.b_c-D": "a.b_c-d", "admin": "admin",
		longest: im.Username(longest), "-": "-", "..": ".."} {
		if got, err := im.ParseUsername(given); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", given, got, err, want)
		}
	}
	for given, want := range map[string]*im.Error{"": im.ErrNameMissing, longest + "n": im.ErrNameLong, strings.Repeat("茶", 22): im.ErrNameLong,
		"茶": im.ErrNameIllegal, "a b": im.ErrNameIllegal, "a/b": im.ErrNameIllegal, "a@b": im.ErrNameIllegal, "a\x00": im.ErrNameIllegal,
		"\u212a": im.ErrNameIllegal, // a Kelvin sign, whose lower case is a k
		"a`":     im.ErrNameIllegal, "a{": im.ErrNameIllegal, "@": im.ErrNameIllegal, "[": im.ErrNameIllegal, ":": im.ErrNameIllegal} {
		if _, err := im.ParseUsername(given); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", given, err, want)
		}
	}
}

func TestRegister(t *testing.T) {
	w := newWorld(t)
	u, err := w.svc.Register(t.Context(), as(t, w, "app").c, im.NewUser{Name: "Eve.1", Password: ptr("pass"), Nickname: "茶 Eve"})
	must(t, err)
	same(t, "user", u, im.User{App: w.app.ID, Name: "eve.1", UUID: u.UUID, Password: "plain:pass", Nickname: "茶 Eve", Active: true,
		Created: w.clock.Now(), Modified: w.clock.Now(), Seq: u.Seq})
	stored := as(t, w, "app").User("EVE.1")
	stored.Seq = u.Seq
	same(t, "as stored", stored, u)
	same(t, "by UUID", as(t, w, "app").User(strings.ToUpper(u.UUID)).Name, u.Name)
	same(t, "by the own UUID", as(t, w, "eve.1").User(u.UUID).Name, u.Name)
	as(t, w, "bob").fails(im.ErrNotSelf.For("eve.1").With(u.UUID)).User(u.UUID)
	as(t, w, "app").fails(im.ErrUserExists.For("eve.1")).Register("EVE.1", "other")
	same(t, "password of the first", as(t, w, "app").User("eve.1").Password, "plain:pass")
}

func TestRegisterRefused(t *testing.T) {
	w := newWorld(t, "open_registration=true")
	long := func(n int) string { return strings.Repeat("茶", n) }
	for _, c := range []struct {
		name string
		who  string
		user im.NewUser
		want *im.Error
	}{
		{"no name", "app", im.NewUser{Password: ptr("p")}, im.ErrNameMissing},
		{"illegal name", "app", im.NewUser{Name: "a b", Password: ptr("p")}, im.ErrNameIllegal.With("a b")},
		{"long name", "app", im.NewUser{Name: strings.Repeat("x", 65), Password: ptr("p")}, im.ErrNameLong},
		{"empty password", "app", im.NewUser{Name: "eve", Password: ptr("")}, im.ErrNoPassword},
		{"no password, in the open", "nobody", im.NewUser{Name: "eve"}, im.ErrNoPassword},
		{"no password, by a user", "bob", im.NewUser{Name: "eve"}, im.ErrNoPassword},
		{"long password", "app", im.NewUser{Name: "eve", Password: ptr(long(65))}, im.ErrPasswordLong},
		{"long nickname", "app", im.NewUser{Name: "eve", Password: ptr("p"), Nickname: long(101)}, im.ErrNicknameLong},
		{"reserved, in the open", "nobody", im.NewUser{Name: "Admin", Password: ptr("p")}, im.ErrNameIllegal.With("Admin")},
		{"reserved, by a user", "bob", im.NewUser{Name: "admin", Password: ptr("p")}, im.ErrNameIllegal},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.svc.Register(t.Context(), as(t, w, c.who).c, c.user)
			refused(t, err, c.want)
		})
	}
	as(t, w, "app").fails(im.ErrUserNotFound).User("eve")
	_, err := w.svc.Register(t.Context(), as(t, w, "nobody").c, im.NewUser{Name: "eve", Password: ptr(long(64)), Nickname: long(100)})
	must(t, err)
	as(t, w, "app").Register("Admin", "p")
}

func TestOpenRegistration(t *testing.T) {
	w := newWorld(t)
	for _, who := range []string{"nobody", "bob"} {
		as(t, w, who).fails(im.ErrRegistration).Register("eve", "p")
	}
	as(t, w, "app").Register("silent", "")
	w.change("open_registration=true")
	as(t, w, "nobody").Register("eve", "p")
	as(t, w, "bob").Register("dan", "p")
	as(t, w, "nobody").fails(im.ErrUserExists.For("eve")).Register("eve", "p")
	as(t, w, "nobody").Login("eve", "p")
}

func TestRegisterBatch(t *testing.T) {
	w := newWorld(t, "batch_register=5")
	app := as(t, w, "app")
	user := func(name, password string) im.NewUser { return im.NewUser{Name: name, Password: &password} }
	made, taken, err := w.svc.RegisterBatch(t.Context(), app.c,
		[]im.NewUser{user("u1", "p1"), user("Bob", "hijack"), user("u2", "p2"), user("U1", "again"), {Name: "u3"}})
	must(t, err)
	same(t, "made", line(made, " ", func(u im.User) string { return string(u.Name) }), "u1 u2 u3")
	same(t, "taken", nameLine(taken), "bob u1")
	as(t, w, "nobody").Login("u1", "p1")
	as(t, w, "nobody").Login("bob", "secret")
	same(t, "no password", app.User("u3").Password, "")
	_, _, err = w.svc.RegisterBatch(t.Context(), app.c, []im.NewUser{user("u4", "p"), user("u 5", "p")})
	refused(t, err, im.ErrNameIllegal.With("u 5"))
	_, _, err = w.svc.RegisterBatch(t.Context(), app.c, []im.NewUser{user("u4", "p"), user("u5", "")})
	refused(t, err, im.ErrNoPassword)
	app.fails(im.ErrUserNotFound).User("u4") // all or nothing
	tooMany := im.ErrBatchTooLarge.With("5")
	tooMany.Count = 6
	_, _, err = w.svc.RegisterBatch(t.Context(), app.c, make([]im.NewUser, 6))
	refused(t, err, tooMany)
	for who, want := range map[string]*im.Error{"bob": im.ErrAppOnly, "nobody": im.ErrUnauthenticated} {
		_, _, err = w.svc.RegisterBatch(t.Context(), as(t, w, who).c, []im.NewUser{user("u4", "p")})
		refused(t, err, want)
	}
}

// countingPasswords counts the hashes it makes, and lets a test act before it answers.
type countingPasswords struct {
	im.Passwords
	hashes int
	during func()
}

func (p *countingPasswords) Hash(ctx context.Context, password string) (string, error) {
	p.hashes++
	return p.Passwords.Hash(ctx, password)
}

func (p *countingPasswords) Verify(ctx context.Context, encoded, password string) (bool, error) {
	ok, err := p.Passwords.Verify(ctx, encoded, password)
	if p.during != nil {
		p.during()
	}
	return ok, err
}

// TestOnlyFreeNamesAreHashed: hashing is dear.
func TestOnlyFreeNamesAreHashed(t *testing.T) {
	w := newWorld(t)
	passwords := &countingPasswords{Passwords: w.ports.Passwords}
	w = w.another(func(c *im.Config) { c.Passwords = passwords })
	var batch []im.NewUser
	for _, n := range []string{"ann", "u1", "bob", "u2", "U1"} {
		batch = append(batch, im.NewUser{Name: n, Password: ptr("p")})
	}
	_, taken, err := w.svc.RegisterBatch(t.Context(), as(t, w, "app").c, append(batch, im.NewUser{Name: "u3"}))
	must(t, err)
	same(t, "taken", nameLine(taken), "ann bob u1")
	same(t, "hashes", passwords.hashes, 2)
}

// TestANameFreedWhileRegistering: the name was taken when we looked, so nobody is registered without the password.
func TestANameFreedWhileRegistering(t *testing.T) {
	w := newWorld(t)
	deleted := false
	late := w.another(func(c *im.Config) {
		c.Store = hookStore{Store: w.store, beforeUpdate: func() {
			if !deleted {
				deleted = true
				as(t, w, "app").DeleteUser("bob")
			}
		}}
	})
	as(t, late, "app").fails(im.ErrUserExists.For("bob")).Register("bob", "mine")
	as(t, w, "app").fails(im.ErrUserNotFound).User("bob")
	as(t, late, "app").Register("bob", "mine")
	as(t, late, "nobody").Login("bob", "mine")
}

func TestNickname(t *testing.T) {
	w := newWorld(t)
	w.clock.Advance(time.Hour)
	u, err := w.svc.SetNickname(t.Context(), as(t, w, "bob").c, "BOB", strings.Repeat("茶", 100))
	must(t, err)
	same(t, "modified", u.Modified, w.clock.Now())
	same(t, "stored", as(t, w, "app").User("bob"), u)
	_, err = w.svc.SetNickname(t.Context(), as(t, w, "bob").c, "bob", strings.Repeat("茶", 101))
	refused(t, err, im.ErrNicknameLong)
	_, err = w.svc.SetNickname(t.Context(), as(t, w, "cat").c, "bob", "x")
	refused(t, err, im.ErrNotSelf.For("bob").With(u.UUID))
	_, err = w.svc.SetNickname(t.Context(), as(t, w, "app").c, "eve", "x")
	refused(t, err, im.ErrUserNotFound.For("eve"))
	u, err = w.svc.SetNickname(t.Context(), as(t, w, "app").c, "bob", "")
	must(t, err)
	same(t, "unset", u.Nickname, "")
}

func TestSetPassword(t *testing.T) {
	w := newWorld(t)
	as(t, w, "app").Register("silent", "")
	longest := strings.Repeat("茶", 64)
	as(t, w, "bob").SetPassword("bob", longest, "secret")
	as(t, w, "nobody").Login("bob", longest)
	as(t, w, "nobody").fails(im.ErrPasswordWrong).Login("bob", "secret")
	as(t, w, "bob").fails(im.ErrPasswordWrong.For("bob")).SetPassword("bob", "new", "secret")
	as(t, w, "bob").fails(im.ErrPasswordWrong.For("bob")).SetPassword("bob", "new", "")
	as(t, w, "silent").fails(im.ErrPasswordWrong.For("silent")).SetPassword("silent", "new", "")
	as(t, w, "bob").fails(im.ErrNoPassword).SetPassword("bob", "", longest)
	as(t, w, "bob").fails(im.ErrPasswordLong).SetPassword("bob", longest+"茶", longest)
	as(t, w, "cat").fails(im.ErrNotSelf.For("bob")).SetPassword("bob", "new", longest)
	as(t, w, "nobody").fails(im.ErrUnauthenticated).SetPassword("bob", "new", longest)
	as(t, w, "nobody").Login("bob", longest)
	as(t, w, "app").SetPassword(as(t, w, "app").User("bob").UUID, "by uuid", "")
	as(t, w, "nobody").Login("bob", "by uuid")
	as(t, w, "app").SetPassword("silent", "spoken", "")
	as(t, w, "nobody").Login("silent", "spoken")
}

// TestThePasswordChangesWhileItIsCompared, which takes long: the old one opens nothing any more.
func TestThePasswordChangesWhileItIsCompared(t *testing.T) {
	w := newWorld(t)
	passwords := &countingPasswords{Passwords: w.ports.Passwords}
	slow := w.another(func(c *im.Config) { c.Passwords = passwords })
	meanwhile := func(do func()) {
		passwords.during = func() { passwords.during = nil; do() }
	}
	meanwhile(func() { as(t, w, "app").SetPassword("bob", "new", "") })
	as(t, slow, "nobody").fails(im.ErrPasswordWrong.For("bob")).Login("bob", "secret")
	meanwhile(func() { as(t, w, "app").SetPassword("bob", "newer", "") })
	as(t, slow, "bob").fails(im.ErrPasswordWrong.For("bob")).SetPassword("bob", "newest", "new")
	as(t, w, "nobody").Login("bob", "newer")
	meanwhile(func() { as(t, w, "app").SetActive("bob", false) })
	as(t, slow, "nobody").fails(im.ErrUserInactive.For("bob")).Login("bob", "newer")
	meanwhile(func() { as(t, w, "app").DeleteUser("cat") })
	as(t, slow, "nobody").fails(im.ErrLoginUnknown.For("cat")).Login("cat", "secret")
}

func TestSetActive(t *testing.T) {
	w := newWorld(t)
	as(t, w, "app").SetActive("Bob", false)
	same(t, "active", as(t, w, "app").User("bob").Active, false)
	same(t, "stays a member", as(t, w, "app").Members(), "ann! adm+ ada+ bob cat")
	as(t, w, "app").fails(im.ErrUserNotFound.For("eve")).SetActive("eve", true)
	as(t, w, "app").SetActive("bob", true)
	same(t, "active", as(t, w, "app").User("bob").Active, true)
}

func TestUsers(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		limit int
		want  string
	}{
		{1, "ann | adm | ada | bob | cat | sid | zed"}, {3, "ann adm ada | bob cat sid | zed"},
		{6, "ann adm ada bob cat sid | zed"}, {7, "ann adm ada bob cat sid zed"}, {8, "ann adm ada bob cat sid zed"},
	} {
		var pages []string
		for after := int64(0); len(pages) == 0 || after != 0; {
			users, next, err := w.svc.Users(t.Context(), as(t, w, "app").c, after, c.limit)
			must(t, err)
			pages = append(pages, line(users, " ", func(u im.User) string { return string(u.Name) }))
			after = next
		}
		same(t, fmt.Sprint("pages of ", c.limit), strings.Join(pages, " | "), c.want)
	}
}

// TestOnlyASCIIFolds: the Kelvin sign is no k, although its lower case is.
func TestOnlyASCIIFolds(t *testing.T) {
	w := newWorld(t)
	as(t, w, "app").Register("k", "secret")
	as(t, w, "app").fails(im.ErrUserNotFound).User("\u212a")
	same(t, "ASCII", as(t, w, "app").User("K").Name, im.Username("k"))
}

// TestUsersAreFoundByUUID in every call about one user.
func TestUsersAreFoundByUUID(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	uuid := app.User("bob").UUID
	app.SetPassword(uuid, "new", "")
	app.SetActive(uuid, false)
	u, err := w.svc.SetNickname(t.Context(), app.c, strings.ToUpper(uuid), "Bobby")
	must(t, err)
	same(t, "who", []any{u.Name, u.Nickname, u.Active}, []any{im.Username("bob"), "Bobby", false})
	app.DeleteUser(uuid)
	app.fails(im.ErrUserNotFound.For("bob")).User("bob")
}

// TestAForgottenCheckGrantsNothing: a caller that nobody filled in is nobody.
func TestAForgottenCheckGrantsNothing(t *testing.T) {
	w := newWorld(t)
	for _, c := range []im.Caller{{}, {App: w.app}, im.UserCaller(w.app, ""), im.Nobody(w.app)} {
		if c.IsApp() {
			t.Errorf("%+v is an app", c)
		}
	}
	err := w.svc.DestroyRoom(t.Context(), im.Caller{App: w.app}, im.Chatroom, lounge)
	refused(t, err, im.ErrUnauthenticated)
}
