package im_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// directory is a ThinkSNS+ of 2,500 people named php1, php2, …
type directory struct {
	asked  int
	broken error // of ProfilesAfter
}

func (d *directory) profile(id int64) im.Profile {
	return im.Profile{ID: id, Name: fmt.Sprint("php", id)}
}

// Introspect implements im.Directory.
func (d *directory) Introspect(context.Context, string) (im.Profile, error) {
	return im.Profile{}, im.ErrTokenBad
}

// Profiles implements im.Directory, in the order asked for.
func (d *directory) Profiles(_ context.Context, ids []int64) (all []im.Profile, err error) {
	seen := map[int64]bool{}
	for _, id := range ids {
		if id <= 80 && !seen[id] {
			seen[id] = true
			all = append(all, d.profile(id))
		}
	}
	return all, nil
}

// ProfilesAfter implements im.Directory.
func (d *directory) ProfilesAfter(_ context.Context, after int64, limit int) (page []im.Profile, next int64, err error) {
	if d.broken != nil {
		return nil, 0, d.broken
	}
	d.asked++
	for id := after + 1; id <= 2500 && len(page) < limit; id++ {
		page, next = append(page, d.profile(id)), id
	}
	if next == 2500 {
		next = 0
	}
	return page, next, nil
}

// File implements im.Directory.
func (d *directory) File(context.Context, int64) (string, error) { return "", im.ErrUnavailable }

// hash is the person's im_pwd_hash.
func (w *world) hash(id int64) string {
	w.t.Helper()
	hash, err := w.svc.IMPassword(w.t.Context(), w.person(id), id)
	must(w.t, err)
	if len(hash) != 32 || strings.Trim(hash, "0123456789abcdef") != "" {
		w.t.Errorf("got %q, want 32 hexadecimal digits", hash)
	}
	return hash
}

func TestIMPassword(t *testing.T) {
	w := newWorld(t)
	w.people("anne", "bert")
	app, nobody := as(t, w, "app"), as(t, w, "nobody")
	app.fails(im.ErrUserNotFound).User("1")
	hash := w.hash(1)
	same(t, "always the same", w.hash(1), hash)
	same(t, "another's", w.hash(2) != hash, true)
	same(t, "elsewhere", w.another(func(*im.Config) {}).hash(1), hash)
	same(t, "nothing of it is stored", []any{app.User("1").Password, app.User("1").Derived > 0}, []any{"", true})
	nobody.Login("1", hash)
	nobody.fails(im.ErrPasswordWrong).Login("1", "")
	nobody.fails(im.ErrPasswordWrong).Login("1", w.hash(2))
	nobody.fails(im.ErrPasswordWrong).Login("1", strings.ToUpper(hash))

	other, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "tea", Name: "other"}})
	must(t, err)
	_, err = w.svc.CreateAccount(t.Context(), im.AppCaller(&other), im.NewAccount{Name: "anne"})
	must(t, err)
	theirs, err := w.svc.IMPassword(t.Context(), im.UserCaller(&other, "1"), 1)
	must(t, err)
	same(t, "of the same id in another app", theirs != hash, true)
}

func TestIMPasswordIsOnesOwn(t *testing.T) {
	w := newWorld(t)
	w.people("anne", "bert")
	w.boss(1)
	for _, c := range []struct {
		who  im.Caller
		want *im.Error
	}{
		{w.person(1), im.ErrNotSelf.For("2")}, // not even an admin
		{im.AppCaller(w.app), im.ErrNotSelf.For("2")},
		{im.Nobody(w.app), im.ErrUnauthenticated},
	} {
		hash, err := w.svc.IMPassword(t.Context(), c.who, 2)
		refused(t, err, c.want)
		same(t, "nothing comes with it", hash, "")
	}
	_, err := w.svc.IMPassword(t.Context(), w.person(9), 9)
	refused(t, err, im.ErrAccountNotFound.With("9"))
	as(t, w, "app").fails(im.ErrUserNotFound).User("9")
}

// TestIMPasswordAfterREST: the management API sets another password; asking for the hash makes it hold again.
func TestIMPasswordAfterREST(t *testing.T) {
	w := newWorld(t)
	w.people("anne", "bert")
	app, nobody := as(t, w, "app"), as(t, w, "nobody")
	hash := w.hash(1)
	app.SetPassword("1", "by rest", "")
	text := nobody.Login("1", "by rest").Text
	nobody.fails(im.ErrPasswordWrong).Login("1", hash)
	nobody.Enter(text)
	w.bus.Take()
	same(t, "the same as before", w.hash(1), hash)
	w.want(`@1 sessions_ended by 1 [1] "password"`)
	nobody.fails(im.ErrTokenBad).Enter(text) // of whoever knew the other password
	nobody.Login("1", hash)
	w.hash(1)
	w.want() // there is nothing to end
	nobody.fails(im.ErrPasswordWrong).Login("1", "by rest")

	app.Register("2", "registered by rest")
	nobody.Login("2", w.hash(2))
	as(t, w, "2").SetPassword("2", "changed by an sdk", w.hash(2))
	nobody.Login("2", "changed by an sdk")

	app.DeleteUser("1")
	w.clock.Advance(time.Second)
	again := w.hash(1)
	same(t, "a user made again has another", again != hash, true)
	nobody.Login("1", again)
}

func TestIMPasswordOfPHP(t *testing.T) {
	w := newWorld(t)
	w.people("anne")
	_, err := w.svc.CreateAccount(t.Context(), im.AppCaller(w.app), im.NewAccount{Name: "nopass"})
	must(t, err)
	hmac := w.hash(2)
	php := w.another(func(c *im.Config) { c.MD5Passwords = true })
	sum := func() string {
		s := md5.Sum([]byte(php.account(1).Password))
		return hex.EncodeToString(s[:])
	}
	same(t, "MD5 of the stored hash", php.hash(1), sum())
	as(t, php, "nobody").Login("1", php.hash(1))
	must(t, php.svc.SetAccountPassword(t.Context(), php.person(1), 1, "another", "secret1"))
	same(t, "follows the password", php.hash(1), sum())
	as(t, php, "nobody").Login("1", php.hash(1))
	same(t, "nobody shares PHP's for accounts without a password", php.hash(2), hmac)
	same(t, "not e10adc39…", php.hash(2) != "e10adc3949ba59abbe56e057f20f883e", true)
}

func TestSetAccountPassword(t *testing.T) {
	w := newWorld(t)
	w.people("anne", "bert")
	w.boss(2)
	nobody := as(t, w, "nobody")
	hash := w.hash(1)
	text := nobody.Login("1", hash).Text
	w.bus.Take()
	set := func(c im.Caller, password, old string) error {
		return w.svc.SetAccountPassword(t.Context(), c, 1, password, old)
	}
	refused(t, set(w.person(1), "another", "wrong"), im.ErrPasswordWrong.For("1"))
	refused(t, set(w.person(1), "", "secret1"), im.ErrFieldMissing.With("password"))
	refused(t, set(w.person(1), "short", "secret1"), im.ErrFieldLength.With("password"))
	refused(t, set(w.person(1), strings.Repeat("x", 73), "secret1"), im.ErrFieldLength.With("password"))
	nobody.Enter(text)

	must(t, set(w.person(1), "another", "secret1"))
	w.want(`@1 sessions_ended by 1 [1] "password"`)
	nobody.fails(im.ErrTokenBad).Enter(text)
	nobody.fails(im.ErrPasswordWrong).Login("1", hash)
	same(t, "a new hash", w.hash(1) != hash, true)
	nobody.Login("1", w.hash(1))
	same(t, "version", w.account(1).Version, int64(2))

	must(t, set(w.person(2), "by the admin", ""))
	must(t, set(im.AppCaller(w.app), "x", "")) // an operator's choice
	_, err := w.svc.AccountLogin(t.Context(), w.app, "anne", "x")
	must(t, err)

	_, err = w.svc.CreateAccount(t.Context(), im.AppCaller(w.app), im.NewAccount{Name: "nopass"})
	must(t, err)
	must(t, w.svc.SetAccountPassword(t.Context(), w.person(3), 3, "my first", ""))
	as(t, w, "app").fails(im.ErrUserNotFound).User("3") // nothing was to be ended
}

func TestResetIMPassword(t *testing.T) {
	w := newWorld(t)
	w.people("anne", "bert")
	w.boss(2)
	nobody := as(t, w, "nobody")
	reset := func(c im.Caller, id int64) error { return w.svc.ResetIMPassword(t.Context(), c, id) }
	must(t, reset(w.person(1), 1)) // which makes the user
	hash := w.hash(1)
	text := nobody.Login("1", hash).Text
	w.bus.Take()
	for _, c := range []im.Caller{w.person(1), w.person(2), im.AppCaller(w.app)} {
		must(t, reset(c, 1))
		w.want(fmt.Sprintf(`@1 sessions_ended by %s [1] "password"`, orApp(c.User)))
		nobody.fails(im.ErrTokenBad).Enter(text)
		nobody.fails(im.ErrPasswordWrong).Login("1", hash)
		hash = w.hash(1)
		text = nobody.Login("1", hash).Text
	}
	refused(t, reset(w.person(1), 2), im.ErrNotSelf.For("2"))
	refused(t, reset(im.Nobody(w.app), 1), im.ErrUnauthenticated)
	refused(t, reset(im.AppCaller(w.app), 9), im.ErrAccountNotFound.With("9"))
}

func orApp(u im.Username) string {
	if u == "" {
		return "app"
	}
	return string(u)
}

func TestRegisterIM(t *testing.T) {
	w := newWorld(t)
	w.people("anne", "bert", "carl", "dora")
	app := as(t, w, "app")
	anne := w.person(1)
	must(t, w.svc.RegisterIM(t.Context(), anne, 2))
	uuid := app.User("2").UUID
	must(t, w.svc.RegisterIM(t.Context(), anne, 2))
	same(t, "left alone", app.User("2").UUID, uuid)
	refused(t, w.svc.RegisterIM(t.Context(), anne, 99), im.ErrAccountNotFound.With("99"))
	refused(t, w.svc.RegisterIM(t.Context(), im.Nobody(w.app), 1), im.ErrUnauthenticated)
	must(t, w.svc.DisableAccount(t.Context(), im.AppCaller(w.app), 4))
	refused(t, w.svc.RegisterIM(t.Context(), anne, 4), im.ErrAccountNotFound.With("4"))

	must(t, w.svc.RegisterIMBatch(t.Context(), anne, []int64{3, 2, 99, 4, 3}))
	app.User("3")
	app.fails(im.ErrUserNotFound).User("4")
	app.fails(im.ErrUserNotFound).User("99")
	refused(t, w.svc.RegisterIMBatch(t.Context(), anne, nil), im.ErrFieldMissing.With("user_ids"))
	refused(t, w.svc.RegisterIMBatch(t.Context(), anne, make([]int64, 501)), im.ErrBatchTooLarge.With("500"))
	as(t, w, "nobody").Login("3", w.hash(3))
	w.want()
}

func TestRegisterAllIM(t *testing.T) {
	w := newWorld(t)
	names := make([]string, 1003)
	for i := range names {
		names[i] = fmt.Sprint("person", i)
	}
	w.people(names...)
	must(t, w.svc.DisableAccount(t.Context(), im.AppCaller(w.app), 7))
	app := as(t, w, "app")
	app.Register("5", "by rest")
	uuid := app.User("5").UUID
	var steps []int
	all := func(c im.Caller) {
		t.Helper()
		must(t, w.svc.RegisterAllIM(t.Context(), c, func(done int) { steps = append(steps, done) }))
	}
	all(w.person(1))
	same(t, "steps", steps, []int{1000, 1002})
	same(t, "who was there stays", app.User("5").UUID, uuid)
	app.fails(im.ErrUserNotFound).User("7")
	app.User("1003")

	app.DeleteUser("9")
	all(w.person(1)) // too soon
	app.fails(im.ErrUserNotFound).User("9")
	all(w.person(2)) // somebody else
	app.User("9")
	app.DeleteUser("9")
	w.clock.Advance(10 * time.Second)
	all(w.person(1))
	app.User("9")
	refused(t, w.svc.RegisterAllIM(t.Context(), im.Nobody(w.app), nil), im.ErrUnauthenticated)
}

// TestRegisterAllIMFails: a failure is no reason to rest, or the next answer would claim what nobody did.
func TestRegisterAllIMFails(t *testing.T) {
	d := &directory{broken: im.ErrUnavailable}
	w := newWorld(t).another(func(c *im.Config) { c.Directory = d })
	refused(t, w.svc.RegisterAllIM(t.Context(), w.person(1), nil), im.ErrUnavailable)
	refused(t, w.svc.RegisterAllIM(t.Context(), w.person(1), nil), im.ErrUnavailable)
	d.broken = nil
	must(t, w.svc.RegisterAllIM(t.Context(), w.person(1), nil))
	as(t, w, "app").User("2500")
}

// TestBesideThinkSNS has no accounts of its own.
func TestBesideThinkSNS(t *testing.T) {
	d := &directory{}
	w := newWorld(t).another(func(c *im.Config) { c.Directory = d })
	app := as(t, w, "app")
	must(t, w.svc.RegisterAllIM(t.Context(), w.person(1), nil))
	same(t, "pages", d.asked, 3)
	app.User("2500")
	as(t, w, "nobody").Login("42", w.hash(42))
	as(t, w, "nobody").Login("2600", w.hash(2600)) // whom the directory let in
	must(t, w.svc.RegisterIMBatch(t.Context(), w.person(1), []int64{60, 90}))
	refused(t, w.svc.ResetIMPassword(t.Context(), im.AppCaller(w.app), 90), im.ErrAccountNotFound.With("90"))
	refused(t, w.svc.SetAccountPassword(t.Context(), w.person(1), 1, "another", ""), im.ErrAccountNotFound.With("1"))
}
