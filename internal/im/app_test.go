package im_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

func TestParseAppKey(t *testing.T) {
	longest := strings.Repeat("x", 64)
	for _, good := range []string{"tea#house", "easemob-demo#chatdemoui", "A.b_c-1#.x", longest + "#" + longest, "easemob#x", "x#server.json", "apis#a", "API#a"} {
		if key, err := im.ParseAppKey(good); err != nil || key.String() != good {
			t.Errorf("%q: got %v, %v", good, key, err)
		}
	}
	for _, bad := range []string{"", "tea", "#", "tea#", "#house", "tea#house#x", "te a#house", "tea/x#house", "茶#house", longest + "x#a", "a#" + longest + "x",
		".#a", "..#a", "a#.", "a#..", "_x#a", "api#a", "console#a", "docs#a", "ws#a", "websocket#a", "http-bind#a", "healthz#a", "openapi.yaml#a",
		"management#a", "easemob#server.json"} {
		if _, err := im.ParseAppKey(bad); !errors.Is(err, im.ErrInvalid) {
			t.Errorf("%q: got %v, want ErrInvalid", bad, err)
		}
	}
}

func garden() im.AppKey { return im.AppKey{Org: "tea", Name: "garden"} }

func TestCreateApp(t *testing.T) {
	w := newWorld(t)
	app, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: garden(), ClientID: "cid", Secret: "s", Settings: keyValues([]string{"batch_add=5"})})
	must(t, err)
	same(t, "app", []any{app.Key, app.ClientID, app.UUID != "", app.Created, app.Settings.Text()},
		[]any{garden(), "cid", true, w.clock.Now(), "batch_add=5\n"})
	same(t, "secret", []bool{app.SecretMatches("s"), app.SecretMatches("S"), app.SecretMatches("")}, []bool{true, false, false})
	stored, err := w.svc.App(t.Context(), garden())
	must(t, err)
	same(t, "as stored", *stored, app)
	_, err = w.svc.CreateApp(t.Context(), im.NewApp{Key: garden(), Secret: "other"})
	refused(t, err, im.ErrAppExists.With("tea#garden"))
	_, err = w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "tea", Name: "shop"}, Settings: keyValues([]string{"nosuch=1"})})
	refused(t, err, im.ErrInvalid.With("unknown setting nosuch"))
	_, err = w.svc.App(t.Context(), im.AppKey{Org: "tea", Name: "shop"})
	refused(t, err, im.ErrAppNotFound.With("tea#shop"))
	apps, err := w.svc.Apps(t.Context())
	must(t, err)
	same(t, "by key", line(apps, " ", func(a im.App) string { return a.Key.String() }), "tea#garden tea#house")
}

// TestEnsureApp makes an app, and from then on changes what is given and nothing else.
func TestEnsureApp(t *testing.T) {
	w := newWorld(t)
	made, err := w.svc.EnsureApp(t.Context(), im.NewApp{Key: garden(), ClientID: "cid", Secret: "s", Settings: keyValues([]string{"batch_add=5"})})
	must(t, err)
	w.clock.Advance(time.Hour)
	want := made
	for _, c := range []struct {
		name   string
		n      im.NewApp
		change func()
	}{
		{"nothing given", im.NewApp{}, func() {}},
		{"client id", im.NewApp{ClientID: "cid2"}, func() { want.ClientID = "cid2" }},
		{"secret", im.NewApp{Secret: "s2"}, func() { want.Secret = im.SecretHash("s2") }},
		{"a setting", im.NewApp{Settings: keyValues([]string{"max_groups=3"})},
			func() { want.Settings = im.ParseSettings("batch_add=5\nmax_groups=3\n") }},
		{"a setting again", im.NewApp{Settings: keyValues([]string{"batch_add=60"})},
			func() { want.Settings = im.ParseSettings("batch_add=60\nmax_groups=3\n") }},
	} {
		c.n.Key = garden()
		c.change()
		got, err := w.svc.EnsureApp(t.Context(), c.n)
		must(t, err)
		same(t, c.name, got, want)
		stored, err := w.svc.App(t.Context(), garden())
		must(t, err)
		same(t, c.name+": at once", *stored, want)
		got, err = w.svc.ChangeApp(t.Context(), c.n)
		must(t, err)
		same(t, c.name+": changed again", got, want)
	}
	_, err = w.svc.EnsureApp(t.Context(), im.NewApp{Key: garden(), ClientID: "cid3", Settings: keyValues([]string{"batch_add=0"})})
	refused(t, err, im.ErrInvalid)
	stored, err := w.svc.App(t.Context(), garden())
	must(t, err)
	same(t, "all or nothing", *stored, want)
	_, err = w.svc.ChangeApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "tea", Name: "shop"}})
	refused(t, err, im.ErrAppNotFound.With("tea#shop"))
}

// TestASettingOfAnAppInUse: what a caller holds does not change under it.
func TestASettingOfAnAppInUse(t *testing.T) {
	w := newWorld(t, "batch_add=5")
	held, err := w.svc.App(t.Context(), w.app.Key)
	must(t, err)
	_, err = w.svc.ChangeApp(t.Context(), im.NewApp{Key: w.app.Key, Settings: keyValues([]string{"batch_add=6"})})
	must(t, err)
	same(t, "held", held.Settings.Text(), "batch_add=5\n")
	now, err := w.svc.App(t.Context(), w.app.Key)
	must(t, err)
	same(t, "asked for again", now.Settings.Text(), "batch_add=6\n")
}

// TestAnotherProcessIsSeenWithinASecond, and not asked about more often.
func TestAnotherProcessIsSeenWithinASecond(t *testing.T) {
	w := newWorld(t)
	looks := 0
	serve := w.another(func(c *im.Config) { c.Store = hookStore{Store: w.store, afterView: func() { looks++ }} })
	groups := func(want, wantLooks int) {
		t.Helper()
		app, err := serve.svc.App(t.Context(), w.app.Key)
		must(t, err)
		same(t, "max_groups, looks", []int{app.Settings.MaxGroups, looks}, []int{want, wantLooks})
	}
	groups(0, 1)
	w.change("max_groups=7") // by another process
	groups(0, 1)
	w.clock.Advance(time.Second - time.Millisecond)
	groups(0, 1)
	w.clock.Advance(time.Millisecond)
	groups(7, 2)
	groups(7, 2)
	must(t, w.svc.DeleteApp(t.Context(), w.app.Key))
	groups(7, 2)
	w.clock.Advance(time.Second)
	for i := range 2 {
		_, err := serve.svc.App(t.Context(), w.app.Key)
		refused(t, err, im.ErrAppNotFound)
		same(t, "that there is none is not remembered", looks, 3+i)
	}
}

func TestDeleteApp(t *testing.T) {
	w := newWorld(t)
	text := as(t, w, "nobody").Login("bob", "secret").Text
	as(t, w, "nobody").Enter(text)
	must(t, w.svc.DeleteApp(t.Context(), w.app.Key))
	as(t, w, "nobody").fails(im.ErrTokenBad).Enter(text)
	_, err := w.svc.App(t.Context(), w.app.Key)
	refused(t, err, im.ErrAppNotFound.With("tea#house"))
	refused(t, w.svc.DeleteApp(t.Context(), w.app.Key), im.ErrAppNotFound)
	app, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: w.app.Key})
	must(t, err)
	same(t, "another number", app.ID != w.app.ID, true)
	w.app = &app
	as(t, w, "app").fails(im.ErrUserNotFound).User("bob")
	as(t, w, "app").fails(im.ErrRoomNotFound).Members()
}

// TestEnsureAppTogether: of several who make one app with credentials of their own the first wins.
func TestEnsureAppTogether(t *testing.T) {
	w := newWorld(t)
	for _, mine := range []string{"first", "second"} {
		app, err := w.svc.EnsureApp(t.Context(), im.NewApp{Key: garden(), FreshID: mine, FreshSecret: mine})
		must(t, err)
		same(t, "client id", app.ClientID, "first")
		same(t, mine+" matches", app.SecretMatches(mine), mine == "first")
	}
}

// TestDeleteAppAgain: what an interrupted deletion has left goes with the next.
func TestDeleteAppAgain(t *testing.T) {
	w := newWorld(t)
	must(t, w.store.Update(t.Context(), func(tx im.Tx) error { return tx.DeleteApp(w.app.ID) }))
	refused(t, w.svc.DeleteApp(t.Context(), w.app.Key), im.ErrAppNotFound)
	must(t, w.store.Update(t.Context(), func(tx im.Tx) error {
		n, err := tx.DeleteRemains(1)
		same(t, "rows left", n, 0)
		return err
	}))
}

func TestReady(t *testing.T) {
	w := newWorld(t)
	must(t, w.svc.Ready(t.Context()))
	same(t, "now", w.svc.Now(), w.clock.Now())
	broken := errors.New("broken")
	noBus := w.another(func(c *im.Config) { c.Bus = lossyBus{Bus: c.Bus, err: broken} })
	if err := noBus.svc.Ready(t.Context()); !errors.Is(err, broken) {
		t.Errorf("without a bus: got %v, want %v", err, broken)
	}
	noStore := w.another(func(c *im.Config) { c.Store = hookStore{Store: w.store, ping: broken} })
	if err := noStore.svc.Ready(t.Context()); !errors.Is(err, broken) {
		t.Errorf("without a store: got %v, want %v", err, broken)
	}
}
