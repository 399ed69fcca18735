package msync_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// TestProvision tries every way to sign in (wire/msync.md §2.3), in every form of the wire.
func TestProvision(t *testing.T) {
	w := newWorld(t, "user_max_devices=2")
	foreign, expired, left, deactivated := w.badTokens()
	mismatch := "Sorry, token or password does not match login info"
	for name, c := range map[string]struct {
		change func(*msynctest.Config)
		code   pb.Status_ErrorCode
		reason string
	}{
		"token":            {nil, pb.Status_OK, ""},
		"password":         {func(c *msynctest.Config) { c.Token, c.Password = "", "secret" }, pb.Status_OK, ""},
		"name in capitals": {func(c *msynctest.Config) { c.User = "ANN" }, pb.Status_OK, ""},
		"wrong password":   {func(c *msynctest.Config) { c.Token, c.Password = "", "wrong" }, pb.Status_FAIL, mismatch},
		"nothing":          {func(c *msynctest.Config) { c.Token = "" }, pb.Status_FAIL, mismatch},
		"nonsense":         {func(c *msynctest.Config) { c.Token = "YWMt" }, pb.Status_FAIL, mismatch},
		"another's token":  {func(c *msynctest.Config) { c.Token = w.token("bob") }, pb.Status_FAIL, mismatch},
		"app token":        {func(c *msynctest.Config) { c.Token = w.token("app") }, pb.Status_FAIL, mismatch},
		"foreign token":    {func(c *msynctest.Config) { c.Token = foreign }, pb.Status_FAIL, mismatch},
		"expired token":    {func(c *msynctest.Config) { c.Token = expired }, pb.Status_FAIL, "Sorry, token expired"},
		"unknown user":     {func(c *msynctest.Config) { c.User = "nobody" }, pb.Status_FAIL, "Sorry, user not found"},
		"deleted user":     {func(c *msynctest.Config) { c.User, c.Token = "quits", left }, pb.Status_FAIL, "Sorry, user not found"},
		"unknown password": {func(c *msynctest.Config) { c.User, c.Token, c.Password = "nobody", "", "x" }, pb.Status_FAIL, "Sorry, user not found"},
		"deactivated":      {func(c *msynctest.Config) { c.User, c.Token = "gone", deactivated }, pb.Status_IM_FORBIDDEN, "Sorry, user is deactivated"},
		"no app":           {func(c *msynctest.Config) { c.App = "no#app" }, pb.Status_UNAUTHORIZED, "Sorry, app not found"},
		"long resource":    {func(c *msynctest.Config) { c.Resource = fmt.Sprintf("%0300d", 1) }, pb.Status_WRONG_PARAMETER, "device is not valid"},
	} {
		for form, url := range map[string]string{"binary": "ws://teahouse/websocket", "SockJS": "http://teahouse/ws"} {
			t.Run(name+" in "+form, func(t *testing.T) {
				cfg := w.config("ann", "web")
				cfg.URL = url
				if c.change != nil {
					c.change(&cfg)
				}
				if form == "SockJS" && len(cfg.Resource) > 100 {
					return // it stands in the path
				}
				client, err := msynctest.Dial(w.ctx, cfg)
				var refused *msynctest.Refused
				switch {
				case c.code == pb.Status_OK && err != nil:
					t.Error(err)
				case c.code != pb.Status_OK && (!errors.As(err, &refused) || refused.Code != c.code || refused.Reason != c.reason):
					t.Errorf("got %v, want %v %q", err, c.code, c.reason)
				}
				if client != nil {
					client.Kill()
				}
			})
		}
	}
}

// badTokens are those of a user of another app, of ann but expired, and of the users quits, who is deleted, and gone, who is deactivated.
func (w *world) badTokens() (foreign, expired, left, deactivated string) {
	w.t.Helper()
	other, err := w.svc.CreateApp(w.ctx, im.NewApp{Key: im.AppKey{Org: "other", Name: "house"}, ClientID: "id", Secret: "s"})
	w.must(err)
	_, _, err = w.svc.RegisterBatch(w.ctx, im.AppCaller(&other), []im.NewUser{{Name: "ann", Password: new("secret")}})
	w.must(err)
	theirs, err := w.svc.IssueUserToken(w.ctx, &other, "ann", nil)
	w.must(err)
	short := time.Second
	old, err := w.svc.IssueUserToken(w.ctx, w.app, "ann", &short)
	w.must(err)
	w.register("gone", "quits")
	left = w.token("quits")
	_, err = w.svc.DeleteUser(w.ctx, w.root(), "quits")
	w.must(err)
	deactivated = w.token("gone")
	_, err = w.svc.SetActive(w.ctx, w.root(), "gone", false)
	w.must(err)
	w.clock.Advance(2 * time.Second)
	return theirs.Text, old.Text, left, deactivated
}

// TestTooManyDevices: one more than may be is told so; a device that comes again is not one more.
func TestTooManyDevices(t *testing.T) {
	w := newWorld(t, "user_max_devices=2")
	w.connect("ann", "d0")
	w.connect("ann", "d1")
	_, err := msynctest.Dial(w.ctx, w.config("ann", "d2"))
	var refused *msynctest.Refused
	if !errors.As(err, &refused) || refused.Code != pb.Status_TOO_MANY_DEVICES {
		t.Errorf("got %v", err)
	}
	w.connect("ann", "d1")
}

// TestStrangers end when they do anything but sign in.
func TestStrangers(t *testing.T) {
	w := newWorld(t)
	c := w.open("ann", "web", quiet)
	id, err := c.Post(msynctest.Message{To: msynctest.ToUser("bob"), Body: &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text("hello")}}})
	w.must(err)
	m := recv(w, c)
	var d pb.CommSyncDL
	w.must(unmarshal(m, &d))
	if d.GetMetaId() != id || d.GetStatus().GetErrorCode() != pb.Status_UNAUTHORIZED {
		t.Errorf("answered %v", &d)
	}
	w.endsManual(c, 1008)
	for _, command := range []pb.MSync_Command{pb.MSync_UNREAD, pb.MSync_LOGOUT, pb.MSync_NOTICE, 77} {
		c := w.open("ann", "web", quiet)
		w.must(c.Command(command, &pb.CommUnreadUL{}))
		w.endsManual(c, 1008)
	}
}

// TestTwice: who signs in twice is no client of ours.
func TestTwice(t *testing.T) {
	w := newWorld(t)
	c := w.connect("ann", "web", quiet, manual)
	if _, err := c.Provision(w.ctx); err == nil {
		t.Error("signed in twice")
	}
}

// TestReplaced: a device that comes again takes the place of itself, which is told before it ends.
func TestReplaced(t *testing.T) {
	w := newWorld(t)
	first := w.connect("ann", "web", everything)
	second := w.connect("ann", "web", func(cfg *msynctest.Config) { cfg.Says = "my tablet" })
	if why := w.told(first, pb.StatisticsBody_USER_LOGIN_ANOTHER_DEVICE); why != "my tablet" {
		t.Errorf("the other device says %q", why)
	}
	w.ends(first, 1008)
	w.send(w.connect("bob", "web"), msynctest.ToUser("ann"), "hello")
	w.hears(second, "hello")
	third := w.connect("ann", "web", everything)
	w.connect("ann", "web", func(cfg *msynctest.Config) { cfg.Says = "\xff" })
	if why := w.told(third, pb.StatisticsBody_USER_LOGIN_ANOTHER_DEVICE); why != "" {
		t.Errorf("the other device says %q, which is no text", why)
	}
}

// TestEndlessNames: what a device calls itself is kept while it is connected, and shown to others: unless it is long, or no text.
func TestEndlessNames(t *testing.T) {
	w := newWorld(t)
	c := w.open("ann", "web", quiet)
	payload, err := proto.Marshal(&pb.Provision{Resource: new("web"), DeviceUuid: new(strings.Repeat("x", 20_000)), DeviceName: new("\xff")})
	w.must(err)
	w.must(c.Write(&pb.MSync{Command: pb.MSync_PROVISION.Enum(), Guid: &pb.JID{AppKey: new(w.app.Key.String()), Name: new("ann")}, Auth: new(w.token("ann")), Payload: payload}))
	var answer pb.Provision
	if m := recv(w, c); unmarshal(m, &answer) != nil || answer.GetStatus().GetErrorCode() != pb.Status_OK {
		t.Fatalf("got %v", m)
	}
	got, err := w.hub.Connected(w.ctx, w.app.ID, []im.Username{"ann"})
	if want := (im.Connection{Resource: "web"}); err != nil || len(got[0]) != 1 || got[0][0] != want {
		t.Errorf("got %.200v, %v", got, err)
	}
}

// TestReplacedAtOnce: also who is not quite signed in when the device comes again is told, or both would come back for ever.
func TestReplacedAtOnce(t *testing.T) {
	w := newWorld(t)
	held, release := make(chan struct{}, 10), make(chan struct{})
	hold := func() {
		held <- struct{}{}
		<-release
	}
	w.connect("ann", "web").Kill()
	w.holdsNobody("ann")
	w.store.before.Store(&hold)
	first, second := w.open("ann", "web", everything), w.open("ann", "web")
	ended := make(chan error, 2)
	go func() {
		_, err := first.Provision(w.ctx)
		ended <- err
	}()
	<-held
	go func() {
		_, err := second.Provision(w.ctx)
		ended <- err
	}()
	<-held
	close(release)
	w.store.before.Store(nil)
	if a, b := <-ended, <-ended; (a == nil) == (b == nil) {
		t.Errorf("ended with %v and %v", a, b)
	}
	w.told(first, pb.StatisticsBody_USER_LOGIN_ANOTHER_DEVICE)
}

// told waits for the meta that says why a session ends.
func (w *world) told(c *msynctest.Client, why pb.StatisticsBody_Operation) (reason string) {
	w.t.Helper()
	got, err := c.WaitFor(w.ctx, func(g msynctest.Got) bool { return g.Meta.GetNs() == pb.Meta_STATISTIC })
	if err != nil {
		w.t.Fatalf("was told nothing: %v", err)
	}
	if got.Statistic().GetOperation() != why || got.Queue.GetName() == "" {
		w.t.Errorf("was told %v in %v; want %v", got.Statistic(), got.Queue, why)
	}
	return got.Statistic().GetReason()
}

// TestEnds: sessions are told why the server ends them.
func TestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end func(w *world) error
		why pb.StatisticsBody_Operation
	}{
		"kicked":      {func(w *world) error { return w.svc.Disconnect(w.ctx, w.root(), "dan", "web") }, pb.StatisticsBody_USER_KICKED_BY_OTHER_DEVICE},
		"password":    {func(w *world) error { return w.svc.SetPassword(w.ctx, w.root(), "dan", "other", "") }, pb.StatisticsBody_USER_KICKED_BY_CHANGE_PASSWORD},
		"deleted":     {func(w *world) error { _, err := w.svc.DeleteUser(w.ctx, w.root(), "dan"); return err }, pb.StatisticsBody_USER_REMOVED},
		"deactivated": {func(w *world) error { _, err := w.svc.SetActive(w.ctx, w.root(), "dan", false); return err }, pb.StatisticsBody_USER_REMOVED},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			dan, old, ann := w.connect("dan", "web", everything), w.connect("dan", "old", everything, sockJS), w.connect("ann", "web")
			w.must(c.end(w))
			w.told(dan, c.why)
			w.ends(dan, 1008)
			if name != "kicked" {
				w.told(old, c.why)
				w.ends(old, 3000)
			}
			if _, err := ann.Unread(w.ctx); err != nil {
				t.Errorf("another's session: %v", err)
			}
		})
	}
}

// TestBehindTheBack: a token that another process has ended ends the session at a heartbeat; one that has expired does not.
func TestBehindTheBack(t *testing.T) {
	w := newWorld(t)
	short := 10 * time.Second
	brief, err := w.svc.IssueUserToken(w.ctx, w.app, "ann", &short)
	w.must(err)
	ann := w.connect("ann", "web", func(c *msynctest.Config) { c.Token = brief.Text })
	bob, cat := w.connect("bob", "web", everything), w.connect("cat", "web", everything)
	elsewhere := im.NewService(im.Config{Store: w.disk, Bus: deaf{}, Clock: w.clock, IDs: w.ids, Log: w.log})
	w.must(w.disk.Update(w.ctx, func(tx im.Tx) error { return tx.DeleteTokens(w.app.ID, "bob") }))
	_, err = elsewhere.DeleteUser(w.ctx, w.root(), "cat")
	w.must(err)
	w.clock.Advance(15 * time.Second)
	for _, c := range []*msynctest.Client{ann, bob, cat} {
		_, _ = c.Unread(w.ctx)
		_, _ = c.Unread(w.ctx)
	}
	w.told(bob, pb.StatisticsBody_USER_KICKED_BY_CHANGE_PASSWORD)
	w.told(cat, pb.StatisticsBody_USER_REMOVED)
	if _, err := ann.Unread(w.ctx); err != nil {
		t.Errorf("who signed in in time: %v", err)
	}
}

// TestLogout is answered, and the session is over.
func TestLogout(t *testing.T) {
	w := newWorld(t)
	c := w.connect("ann", "web", quiet, manual)
	w.must(c.Command(pb.MSync_LOGOUT, &pb.Logout{}))
	if m := recv(w, c); m.GetCommand() != pb.MSync_LOGOUT {
		t.Errorf("answered %v", m)
	}
	w.endsManual(c, 1000)
}

// TestForms: the same conversation in binary frames, in text frames and in SockJS's.
func TestForms(t *testing.T) {
	w := newWorld(t)
	ann, old, mini := w.connect("ann", "web"), w.connect("bob", "old", sockJS), w.connect("cat", "mini", text)
	for i, c := range []*msynctest.Client{ann, old, mini} {
		w.send(c, msynctest.ToGroup("team"), fmt.Sprint(i))
	}
	w.hears(ann, "1", "2")
	w.hears(old, "0", "2")
	w.hears(mini, "0", "1")
	w.restart()
	w.ends(old, 3000)
	w.ends(mini, 1001)
}
