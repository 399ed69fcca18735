package im_test

import (
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// people makes accounts 1, 2, … of these names with the password "secret1" and an address NAME@example.com.
func (w *world) people(names ...string) {
	w.t.Helper()
	for _, n := range names {
		_, err := w.svc.CreateAccount(w.t.Context(), im.AppCaller(w.app), im.NewAccount{Name: n, Email: n + "@example.com", Password: "secret1"})
		must(w.t, err)
	}
}

// person is the caller of an account.
func (w *world) person(id int64) im.Caller { return im.UserCaller(w.app, im.IMName(id)) }

// boss makes an account an admin.
func (w *world) boss(id int64) {
	must(w.t, w.svc.SetAdmin(w.t.Context(), im.AppCaller(w.app), id, true))
}

func (w *world) account(id int64) im.Account {
	w.t.Helper()
	a, err := w.svc.Account(w.t.Context(), w.app, id)
	must(w.t, err)
	return a
}

func TestSignUp(t *testing.T) {
	w := newWorld(t)
	bio := im.NewAccount{ID: 77, Name: "安安", Email: "An@Example.com", Phone: "13800138000", Password: "secret1", Bio: "x", Admin: true, Disabled: w.clock.Now()}
	a, err := w.svc.SignUp(t.Context(), w.app, bio)
	must(t, err)
	same(t, "account", a, im.Account{App: w.app.ID, Email: "an@example.com", Phone: "13800138000", Password: "bcrypt:secret1", Version: 1, Changed: imtest.Epoch(),
		Profile: im.Profile{ID: 1, Name: "安安", Created: imtest.Epoch(), Updated: imtest.Epoch()}})
	same(t, "as stored", w.account(1), a)
	for _, c := range []struct {
		name, email, phone, password string
		want                         *im.Error
	}{
		{"", "", "", "secret1", im.ErrFieldMissing.With("name")},
		{"1abc", "", "", "secret1", im.ErrInvalid.With("name")},
		{"a b c", "", "", "secret1", im.ErrInvalid.With("name")},
		{"semi;colon", "", "", "secret1", im.ErrInvalid.With("name")},
		{"bad\xffutf8", "", "", "secret1", im.ErrInvalid.With("name")},
		{strings.Repeat("安", 65), "", "", "secret1", im.ErrFieldLength.With("name")},
		{"anne", "no address", "", "secret1", im.ErrInvalid.With("email")},
		{"anne", strings.Repeat("a", 120) + "@example.com", "", "secret1", im.ErrFieldLength.With("email")},
		{"anne", "", "12345", "secret1", im.ErrInvalid.With("phone")},
		{"anne", "", "", "", im.ErrFieldMissing.With("password")},
		{"anne", "", "", "12345", im.ErrFieldLength.With("password")},
		{"anne", "", "", strings.Repeat("x", 73), im.ErrFieldLength.With("password")},
		{"安安", "", "", "secret1", im.ErrAccountTaken.With("name")},
		{"anne", "AN@example.com", "", "secret1", im.ErrAccountTaken.With("email")},
		{"anne", "", "13800138000", "secret1", im.ErrAccountTaken.With("phone")},
	} {
		_, err := w.svc.SignUp(t.Context(), w.app, im.NewAccount{Name: c.name, Email: c.email, Phone: c.phone, Password: c.password})
		refused(t, err, c.want)
	}
	for _, name := range []string{"bob", "安", "_x安", strings.Repeat("安", 64), strings.Repeat("a", 64)} {
		_, err := w.svc.SignUp(t.Context(), w.app, im.NewAccount{Name: name, Password: "123456"})
		must(t, err)
	}
	w.want() // nobody is told
}

func TestCreateAccount(t *testing.T) {
	w := newWorld(t)
	app := im.AppCaller(w.app)
	hash := "$2y$10$abcdefghijklmnopqrstuuDMJ3sxG6uO9jIx7sJ0bVXTFGKzUMr1u"
	a, err := w.svc.CreateAccount(t.Context(), app, im.NewAccount{ID: 500, Name: "x", Hash: hash, Sex: 2, Bio: "b", Location: "l", Admin: true})
	must(t, err)
	same(t, "an operator may", []any{a.ID, a.Name, a.Password, a.Sex, *a.Bio, *a.Location, a.Admin}, []any{int64(500), "x", hash, 2, "b", "l", true})
	for _, c := range []struct {
		n    im.NewAccount
		want *im.Error
	}{
		{im.NewAccount{ID: -1, Name: "y"}, im.ErrInvalid.With("id")},
		{im.NewAccount{ID: im.MaxAccountID + 1, Name: "y"}, im.ErrInvalid.With("id")},
		{im.NewAccount{ID: 500, Name: "y"}, im.ErrAccountTaken.With("id")},
		{im.NewAccount{Name: " y"}, im.ErrInvalid.With("name")},
		{im.NewAccount{Name: "y\x00"}, im.ErrInvalid.With("name")},
		{im.NewAccount{Name: strings.Repeat("y", 65)}, im.ErrFieldLength.With("name")},
		{im.NewAccount{Name: "y", Hash: "secret"}, im.ErrInvalid.With("password")},
		{im.NewAccount{Name: "y", Hash: strings.Replace(hash, "10", "15", 1)}, im.ErrInvalid.With("password")}, // would take seconds
		{im.NewAccount{Name: "y", Sex: 3}, im.ErrInvalid.With("sex")},
		{im.NewAccount{Name: "y", Bio: strings.Repeat("y", 256)}, im.ErrFieldLength.With("bio")},
	} {
		_, err := w.svc.CreateAccount(t.Context(), app, c.n)
		refused(t, err, c.want)
	}
}

func TestClassifyLogin(t *testing.T) {
	for login, want := range map[string]im.LoginField{
		"a@example.com": im.LoginEmail, "13800138000": im.LoginPhone, "8613800138000": im.LoginPhone, "+086-13800138000": im.LoginPhone,
		"ann": im.LoginName, "_a1": im.LoginName, "安安": im.LoginName, "12000138000": im.LoginID, "42": im.LoginID, "": im.LoginID,
		"a b": im.LoginID, "+8612345": im.LoginID, "a@": im.LoginID, "<a@example.com>": im.LoginID,
	} {
		same(t, login, im.ClassifyLogin(login), want)
	}
}

func TestAccountLogin(t *testing.T) {
	w := newWorld(t)
	app := im.AppCaller(w.app)
	w.people("anne", "bert")
	must(t, w.svc.SetAccountPassword(t.Context(), app, 1, "another", ""))
	phone := "13800138000"
	_, err := w.svc.SetProfile(t.Context(), app, 1, im.ProfileChange{Phone: &phone})
	must(t, err)
	_, err = w.svc.CreateAccount(t.Context(), app, im.NewAccount{Name: "nopass"})
	must(t, err)
	must(t, w.svc.DisableAccount(t.Context(), app, 2))
	for _, login := range []string{"anne", "ANNE", "anne@example.com", phone, "1"} {
		a, err := w.svc.AccountLogin(t.Context(), w.app, login, "another")
		must(t, err)
		same(t, login, a.ID, int64(1))
	}
	for _, c := range []struct {
		login, password string
		want            *im.Error
	}{
		{"anne", "secret1", im.ErrPasswordWrong.For("1")},
		{"anne", "", im.ErrPasswordWrong.For("1")},
		{"nopass", "", im.ErrPasswordWrong.For("3")},
		{"bert", "secret1", im.ErrAccountDisabled.For("2")},
		{"bert", "wrong", im.ErrAccountDisabled.For("2")},
		{"eve", "secret1", im.ErrLoginUnknown.With("name")},
		{"eve@example.com", "secret1", im.ErrLoginUnknown.With("email")},
		{"13900139000", "secret1", im.ErrLoginUnknown.With("phone")},
		{"7", "secret1", im.ErrLoginUnknown.With("id")},
		{"", "secret1", im.ErrLoginUnknown.With("id")},
		{"99999999999999999999", "secret1", im.ErrLoginUnknown.With("id")},
	} {
		_, err := w.svc.AccountLogin(t.Context(), w.app, c.login, c.password)
		refused(t, err, c.want)
	}
}

func TestEnterAccount(t *testing.T) {
	w := newWorld(t)
	app := im.AppCaller(w.app)
	w.people("anne", "bert")
	enter := func(s im.Session) error {
		_, err := w.svc.EnterAccount(t.Context(), w.app, s)
		return err
	}
	issued := w.clock.Now().Truncate(time.Second)
	ours := im.Session{Account: 1, ID: "jti1", Issued: issued, Version: 1}
	foreign := im.Session{Account: 1, Issued: issued}
	must(t, enter(ours))
	must(t, enter(foreign))
	refused(t, enter(im.Session{Account: 9}), im.ErrTokenBad)

	for i, want := range []bool{true, false} {
		first, err := w.svc.RevokeJWT(t.Context(), w.app, "jti1", issued.Add(time.Hour))
		must(t, err)
		same(t, "first", []any{i, first}, []any{i, want})
	}
	refused(t, enter(ours), im.ErrTokenBad)
	ours.ID = "jti2"
	must(t, enter(ours))
	revoked, err := w.svc.JWTRevoked(t.Context(), w.app, "jti1")
	must(t, err)
	same(t, "revoked", revoked, true)

	w.clock.Advance(time.Minute)
	must(t, w.svc.SetAccountPassword(t.Context(), w.person(1), 1, "another", "secret1"))
	refused(t, enter(ours), im.ErrTokenBad)
	refused(t, enter(foreign), im.ErrTokenBad)
	foreign.Issued = w.clock.Now().Truncate(time.Second) // in the second of the change
	must(t, enter(foreign))
	must(t, w.svc.DisableAccount(t.Context(), app, 1))
	refused(t, enter(foreign), im.ErrTokenBad)
	must(t, w.svc.EnableAccount(t.Context(), app, 1))
	ours.Version = w.account(1).Version - 1
	refused(t, enter(ours), im.ErrTokenBad) // of before it was disabled
	ours.Version++
	must(t, enter(ours))
}

// TestRevokedJWTsAreForgotten when nobody would take them anyway.
func TestRevokedJWTsAreForgotten(t *testing.T) {
	w := newWorld(t)
	for id, life := range map[string]time.Duration{"short": time.Minute, "long": 24 * time.Hour} {
		_, err := w.svc.RevokeJWT(t.Context(), w.app, id, w.clock.Now().Add(life))
		must(t, err)
	}
	w.clock.Advance(time.Hour)
	w.runs()
	w.idle(time.Minute)
	for id, want := range map[string]bool{"short": false, "long": true} {
		revoked, err := w.svc.JWTRevoked(t.Context(), w.app, id)
		must(t, err)
		same(t, id, revoked, want)
	}
}

func TestJWTSecret(t *testing.T) {
	w := newWorld(t)
	secret, err := w.svc.JWTSecret(t.Context(), w.app)
	must(t, err)
	same(t, "long", len(secret) > 32, true)
	again, err := w.another(func(*im.Config) {}).svc.JWTSecret(t.Context(), w.app)
	must(t, err)
	same(t, "the same elsewhere", again, secret)
	other, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "tea", Name: "other"}})
	must(t, err)
	theirs, err := w.svc.JWTSecret(t.Context(), &other)
	must(t, err)
	same(t, "another app's", theirs != secret, true)
	given, err := w.another(func(c *im.Config) { c.JWTSecret = "php's" }).svc.JWTSecret(t.Context(), w.app)
	must(t, err)
	same(t, "as given", given, "php's")
}

func TestSetProfile(t *testing.T) {
	w := newWorld(t)
	w.people("anne", "bert")
	set := func(c im.Caller, ch im.ProfileChange) error {
		_, err := w.svc.SetProfile(t.Context(), c, 1, ch)
		return err
	}
	anne := w.person(1)
	w.clock.Advance(time.Hour)
	must(t, set(anne, im.ProfileChange{Name: ptr("annette"), Email: ptr("New@example.com"), Bio: ptr("hello"), Location: ptr("成都"), Sex: ptr(2),
		Avatar: &im.Picture{URL: "https://example.com/a.png", Width: 3}}))
	a := w.account(1)
	same(t, "profile", []any{a.Name, a.Email, *a.Bio, *a.Location, a.Sex, *a.Avatar, a.Background == nil, a.Updated.Sub(a.Created)},
		[]any{"annette", "new@example.com", "hello", "成都", 2, im.Picture{URL: "https://example.com/a.png", Width: 3}, true, time.Hour})
	must(t, set(anne, im.ProfileChange{Bio: ptr(""), Avatar: &im.Picture{}}))
	a = w.account(1)
	same(t, "unset, the rest stays", []any{a.Bio == nil, a.Avatar == nil, a.Name, *a.Location, a.Sex}, []any{true, true, "annette", "成都", 2})
	refused(t, set(anne, im.ProfileChange{Name: ptr("bert")}), im.ErrAccountTaken.With("name"))
	refused(t, set(anne, im.ProfileChange{Name: ptr("1x")}), im.ErrInvalid.With("name"))
	refused(t, set(anne, im.ProfileChange{Sex: ptr(9)}), im.ErrInvalid.With("sex"))
	must(t, set(im.AppCaller(w.app), im.ProfileChange{Name: ptr("1x")})) // an operator may
	must(t, set(anne, im.ProfileChange{Bio: ptr("my name does not follow the rules")}))
}

func TestProfiles(t *testing.T) {
	w := newWorld(t)
	w.people("anne", "bert", "carl")
	must(t, w.svc.DisableAccount(t.Context(), im.AppCaller(w.app), 2))
	list := func(w *world) string {
		profiles, err := w.svc.Profiles(t.Context(), w.app, []int64{3, 1, 2, 99, 1})
		must(t, err)
		return line(profiles, " ", func(p im.Profile) string { return p.Name })
	}
	same(t, "by id, without who is disabled", list(w), "anne carl")
	same(t, "of the directory", list(w.another(func(c *im.Config) { c.Directory = &directory{} })), "php3 php1 php2")
	found := func(q im.AccountQuery) string {
		accounts, err := w.svc.FindAccounts(t.Context(), w.app, q)
		must(t, err)
		return line(accounts, " ", func(a im.Account) string { return a.Name })
	}
	same(t, "all", found(im.AccountQuery{Limit: 9}), "anne carl")
	same(t, "others", found(im.AccountQuery{Limit: 9, Except: 1}), "carl")
	_, err := w.svc.AccountBy(t.Context(), w.app, im.ByName, "Carl")
	must(t, err)
	_, err = w.svc.AccountBy(t.Context(), w.app, im.ByName, "bert")
	refused(t, err, im.ErrAccountNotFound.With("bert"))
	_, err = w.svc.Account(t.Context(), w.app, 2)
	refused(t, err, im.ErrAccountNotFound.With("2"))
}

func TestImportAccounts(t *testing.T) {
	w := newWorld(t)
	app := im.AppCaller(w.app)
	hash := "$2y$10$abcdefghijklmnopqrstuuDMJ3sxG6uO9jIx7sJ0bVXTFGKzUMr1u"
	created := time.UnixMilli(1_500_000_000_000)
	batch := []im.NewAccount{
		{ID: 42, Name: "anne", Email: "a@example.com", Hash: hash, Created: created},
		{ID: 43, Name: "bert", Password: "secret1", Disabled: created},
		{Name: "carl"},
		{ID: 44, Name: "ANNE"},
		{ID: 45, Name: "dora", Email: "A@example.com"},
		{ID: 46, Name: ""},
		{Name: "bad\xff"},
	}
	told := func() string {
		results, err := w.svc.ImportAccounts(t.Context(), app, batch)
		must(t, err)
		return line(results, "; ", func(r im.ImportedAccount) string {
			text := string(im.IMName(r.ID))
			if r.Same {
				text += " same"
			}
			if r.Err != nil {
				text += " " + r.Err.Code + " " + r.Err.Arg
			}
			return text
		})
	}
	faults := "44 account_taken name; 45 account_taken email; 46 field_missing name; 0 invalid name"
	same(t, "first", told(), "42; 43; 46; "+faults)
	same(t, "again", told(), "42 same; 43 same; 46 same; "+faults)
	a := w.account(42)
	same(t, "as it was", []any{a.Password, a.Created.UnixMilli(), a.Email}, []any{hash, created.UnixMilli(), "a@example.com"})
	_, err := w.svc.AccountLogin(t.Context(), w.app, "bert", "secret1")
	refused(t, err, im.ErrAccountDisabled)
	_, err = w.svc.ImportAccounts(t.Context(), w.person(42), batch)
	refused(t, err, im.ErrAppOnly)
}
