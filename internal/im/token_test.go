package im_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// forGood is the life that a token without end claims to have, in what SDKs can read.
const forGood = (1<<31 - 1) * time.Second

func TestTokenLives(t *testing.T) {
	day, hour := 24*time.Hour, time.Hour
	for _, c := range []struct {
		name     string
		setting  string
		ttl      *time.Duration
		want     time.Duration
		forGood  bool
		wantFail bool
	}{
		{name: "the app's", want: 60 * day},
		{name: "the app's choice", setting: "token_ttl=90", want: 90 * time.Second},
		{name: "the app's, for good", setting: "token_ttl=0", want: forGood, forGood: true},
		{name: "asked for", ttl: &hour, want: hour},
		{name: "shorter than the app's", setting: "token_ttl=90000", ttl: ptr(time.Millisecond), want: time.Millisecond},
		{name: "asked for good", ttl: ptr(time.Duration(0)), want: forGood, forGood: true},
		{name: "longest", ttl: ptr(forGood), want: forGood},
		{name: "beyond the longest", ttl: ptr(forGood + time.Millisecond), want: forGood},
		{name: "huge", ttl: ptr(time.Duration(math.MaxInt64)), want: forGood},
		{name: "negative", ttl: ptr(-time.Millisecond), wantFail: true},
		{name: "most negative", ttl: ptr(time.Duration(math.MinInt64)), wantFail: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.setting != "" {
				w.change(c.setting)
			}
			g, err := w.svc.IssueAppToken(t.Context(), w.app, c.ttl)
			if c.wantFail {
				refused(t, err, im.ErrInvalid.With("ttl"))
				return
			}
			must(t, err)
			same(t, "life", g.TTL, c.want)
			end := w.clock.Now().Add(c.want)
			if c.forGood {
				end = time.Time{}
			}
			same(t, "end", g.Expires, end)
			if got := as(t, w, "nobody").Enter(g.Text); !got.Expires.Equal(end) || !got.IsApp() {
				t.Errorf("got %+v, want an app token until %v", got, end)
			}
		})
	}
}

// TestATokenEndsAtItsMillisecond, whether it is remembered from a moment before or read.
func TestATokenEndsAtItsMillisecond(t *testing.T) {
	w := newWorld(t)
	g, err := w.svc.IssueUserToken(t.Context(), w.app, "bob", ptr(time.Minute))
	must(t, err)
	w.clock.Advance(time.Minute - time.Millisecond)
	as(t, w, "nobody").Enter(g.Text)
	w.clock.Advance(time.Millisecond)
	as(t, w, "nobody").fails(im.ErrTokenExpired).Enter(g.Text)
	fresh := w.another(func(*im.Config) {})
	as(t, fresh, "nobody").fails(im.ErrTokenExpired).Enter(g.Text)
	w.clock.Advance(10000 * time.Hour)
	as(t, w, "nobody").fails(im.ErrTokenExpired).Enter(g.Text)
}

func TestWhatIsNoToken(t *testing.T) {
	w := newWorld(t)
	good, err := w.svc.IssueUserToken(t.Context(), w.app, "bob", nil)
	must(t, err)
	for text, want := range map[string]*im.Error{
		"":                                im.ErrUnauthenticated,
		"abc":                             im.ErrTokenCorrupt,
		"YWM":                             im.ErrTokenCorrupt,
		"ywmt" + good.Text[4:]:            im.ErrTokenCorrupt,
		"YWMt a":                          im.ErrTokenCorrupt,
		"YWMt茶":                           im.ErrTokenCorrupt,
		"YWMt" + strings.Repeat("x", 253): im.ErrTokenCorrupt,
		"YWMt" + strings.Repeat("x", 252): im.ErrTokenBad,
		"YWMt":                            im.ErrTokenBad,
		good.Text + "0":                   im.ErrTokenBad,
		good.Text[:len(good.Text)-1]:      im.ErrTokenBad,
	} {
		as(t, w, "nobody").fails(want).Enter(text)
	}
	same(t, "the good one", as(t, w, "nobody").Enter(good.Text).User, im.Username("bob"))
}

func TestATokenOfAnotherApp(t *testing.T) {
	w := newWorld(t)
	g, err := w.svc.IssueAppToken(t.Context(), w.app, nil)
	must(t, err)
	app, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "tea", Name: "garden"}})
	must(t, err)
	for range 2 { // read, then remembered
		_, err = w.svc.Authenticate(t.Context(), &app, g.Text)
		refused(t, err, im.ErrTokenBad)
		as(t, w, "nobody").Enter(g.Text)
	}
}

func TestClientToken(t *testing.T) {
	w := newWorld(t)
	g, err := w.svc.ClientToken(t.Context(), w.app, "id", "client secret", ptr(time.Hour))
	must(t, err)
	same(t, "life", g.TTL, time.Hour)
	same(t, "of no user", g.User == nil, true)
	same(t, "app token", as(t, w, "nobody").Enter(g.Text).IsApp(), true)
	for _, c := range []struct {
		id, secret string
		want       *im.Error
	}{
		{"", "client secret", im.ErrClientID}, {"ID", "client secret", im.ErrClientID}, {"id", "", im.ErrClientSecret},
		{"id", "client secret ", im.ErrClientSecret}, {"other", "other", im.ErrClientID},
	} {
		_, err := w.svc.ClientToken(t.Context(), w.app, c.id, c.secret, nil)
		refused(t, err, c.want)
	}
	bare, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "tea", Name: "bare"}})
	must(t, err)
	_, err = w.svc.ClientToken(t.Context(), &bare, "", "", nil)
	refused(t, err, im.ErrClientID)
	bare, err = w.svc.ChangeApp(t.Context(), im.NewApp{Key: bare.Key, ClientID: "id"})
	must(t, err)
	_, err = w.svc.ClientToken(t.Context(), &bare, "id", "", nil)
	refused(t, err, im.ErrClientSecret)
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	as(t, w, "app").Register("silent", "")
	g := as(t, w, "nobody").Login("BOB", "secret")
	same(t, "user", g.User.Name, im.Username("bob"))
	c := as(t, w, "nobody").Enter(g.Text)
	same(t, "caller", []any{c.User, c.App.ID, c.IsApp()}, []any{im.Username("bob"), w.app.ID, false})
	nobody := as(t, w, "nobody")
	nobody.fails(im.ErrPasswordWrong.For("bob")).Login("bob", "Secret")
	nobody.fails(im.ErrPasswordWrong.For("bob")).Login("bob", "")
	nobody.fails(im.ErrLoginUnknown.For("eve")).Login("Eve", "secret")
	nobody.fails(im.ErrPasswordWrong.For("silent")).Login("silent", "")
	nobody.fails(im.ErrPasswordWrong.For("silent")).Login("silent", "secret")
	as(t, w, "app").SetActive("bob", false)
	nobody.fails(im.ErrUserInactive.For("bob")).Login("bob", "secret")
	nobody.fails(im.ErrPasswordWrong.For("bob")).Login("bob", "wrong") // tells a stranger nothing
	as(t, w, "app").SetActive("bob", true)
	nobody.Login("bob", "secret")
	_, err := w.svc.PasswordToken(t.Context(), w.app, "bob", "secret", ptr(-time.Second))
	refused(t, err, im.ErrInvalid.With("ttl"))
}

func TestInheritToken(t *testing.T) {
	w := newWorld(t)
	inherit := func(who, name string, create bool, want *im.Error) im.Grant {
		t.Helper()
		g, err := w.svc.InheritToken(t.Context(), as(t, w, who).c, name, create, nil)
		as(t, w, who).fails(want).check(err)
		return g
	}
	g := inherit("app", "BOB", false, nil)
	same(t, "user", as(t, w, "nobody").Enter(g.Text).User, im.Username("bob"))
	inherit("app", "Eve", false, im.ErrUserNotFound.For("eve"))
	as(t, w, "app").fails(im.ErrUserNotFound).User("eve")
	inherit("app", "a b", true, im.ErrNameIllegal)
	inherit("app", "", true, im.ErrNameMissing)
	g = inherit("app", "Eve", true, nil)
	same(t, "made", []any{g.User.Name, g.User.Active, g.User.Password}, []any{im.Username("eve"), true, ""})
	same(t, "as stored", as(t, w, "app").User("eve"), *g.User)
	again := inherit("app", "eve", true, nil)
	same(t, "made once", again.User.UUID, g.User.UUID)
	inherit("bob", "bob", false, im.ErrAppOnly)
	inherit("nobody", "bob", false, im.ErrUnauthenticated)
	as(t, w, "app").SetActive("bob", false)
	inherit("app", "bob", false, im.ErrUserInactive.For("bob"))
	inherit("app", "bob", true, im.ErrUserInactive.For("bob"))
	same(t, "his password stays", as(t, w, "app").User("bob").Password, "plain:secret")
}

// TestSessionsEnd with what ends them, at once: also where the token is remembered.
func TestSessionsEnd(t *testing.T) {
	for _, c := range []struct {
		name, event string
		end         func(w *world)
	}{
		{"password changed by the app", `@bob sessions_ended by app [bob] "password"`, func(w *world) { as(w.t, w, "app").SetPassword("BOB", "new", "") }},
		{"password changed by bob", `@bob sessions_ended by bob [bob] "password"`, func(w *world) { as(w.t, w, "bob").SetPassword("bob", "new", "secret") }},
		{"deactivated", `@bob sessions_ended by app [bob] "deactivated"`, func(w *world) { as(w.t, w, "app").SetActive("Bob", false) }},
		{"deleted", `@bob sessions_ended by app [bob] "deleted"`, func(w *world) { as(w.t, w, "app").DeleteUser("bob") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			as(t, w, "bob").Remove("bob")
			nobody := as(t, w, "nobody")
			remembered, unseen, cats := nobody.Login("bob", "secret").Text, nobody.Login("bob", "secret").Text, nobody.Login("cat", "secret").Text
			app, err := w.svc.IssueAppToken(t.Context(), w.app, nil)
			must(t, err)
			for _, text := range []string{remembered, cats, app.Text} {
				nobody.Enter(text)
			}
			w.bus.Take()
			c.end(w)
			w.want(c.event)
			nobody.fails(im.ErrTokenBad).Enter(remembered)
			nobody.fails(im.ErrTokenBad).Enter(unseen)
			nobody.Enter(cats)
			nobody.Enter(app.Text)
		})
	}
}

func TestWhatEndsNoSession(t *testing.T) {
	w := newWorld(t)
	text := as(t, w, "nobody").Login("bob", "secret").Text
	as(t, w, "bob").fails(im.ErrPasswordWrong.For("bob")).SetPassword("bob", "new", "wrong")
	as(t, w, "app").SetActive("bob", true)
	_, err := w.svc.SetNickname(t.Context(), as(t, w, "bob").c, "bob", "Bobby")
	must(t, err)
	w.want()
	as(t, w, "nobody").Enter(text)
}

// TestAnotherNodeSeesTheEndWithinASecond: its cache is told nothing.
func TestAnotherNodeSeesTheEndWithinASecond(t *testing.T) {
	w := newWorld(t)
	other := w.another(func(*im.Config) {})
	text := as(t, w, "nobody").Login("bob", "secret").Text
	as(t, other, "nobody").Enter(text)
	as(t, w, "app").SetPassword("bob", "new", "")
	w.clock.Advance(time.Second)
	as(t, other, "nobody").fails(im.ErrTokenBad).Enter(text)
}

// TestATokenLoadedWhileItEnds is read before the end and must not be remembered after it.
func TestATokenLoadedWhileItEnds(t *testing.T) {
	w := newWorld(t)
	text := as(t, w, "nobody").Login("bob", "secret").Text
	ended := false
	slow := w.another(func(c *im.Config) {
		c.Store = hookStore{Store: w.store, afterView: func() {
			if !ended {
				ended = true
				as(t, w, "app").SetPassword("bob", "new", "")
			}
		}}
	})
	w.svc = slow.svc // one Service does both
	as(t, slow, "nobody").Enter(text)
	same(t, "ended meanwhile", ended, true)
	as(t, slow, "nobody").fails(im.ErrTokenBad).Enter(text)
}
