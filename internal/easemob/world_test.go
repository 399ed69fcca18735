package easemob_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"teahouse/internal/apidoctest"
	"teahouse/internal/blob"
	"teahouse/internal/easemob"
	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
	"teahouse/internal/pictures"
	"teahouse/internal/sqlstore"
	"teahouse/internal/storetest"
)

// world is a server's inside on a real store, with a clock that stands still and identifiers that count. It holds
// the app easemob-demo#chatdemoui with the users of the documents and the room 1265710621211: owner user0, members
// user1, user2, z1, z2, z3, of whom z1 is an admin.
type world struct {
	t      testing.TB
	clock  *imtest.Clock
	bus    *imtest.Bus
	online *imtest.Sessions
	svc    *im.Service
	app    *im.App
	api    http.Handler
	config easemob.Config
	others map[string]*im.App // by org/name
	tokens map[string]string
	link   string                // of the last answer that had one
	doc    *apidoctest.Validator // of the transcripts; may be shared
}

const (
	base     = "/easemob-demo/chatdemoui"
	seedRoom = "1265710621211"
	// seedGroup is a group of the people of the room, in the tests that want one.
	seedGroup = "66021836783617"
)

// makeTables makes the tables of a new database.
func makeTables(database string) error {
	s, err := sqlstore.Open(context.Background(), sqlstore.Config{Database: database, Unsynced: true})
	if err != nil {
		return err
	}
	return s.Close()
}

func newWorld(t testing.TB, settings map[string]string, configure ...func(*easemob.Config)) *world {
	t.Helper()
	ctx := context.Background()
	store, err := sqlstore.Open(ctx, sqlstore.Config{Database: storetest.SQLite(t, makeTables), Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: imtest.NewClock(), bus: imtest.NewBus(), online: &imtest.Sessions{}, tokens: map[string]string{}, others: map[string]*im.App{}}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	w.svc = im.NewService(im.Config{Store: store, Bus: w.bus, Clock: w.clock, Blob: blobs, Pictures: pictures.New(),
		IDs: &imtest.IDs{}, Passwords: imtest.Passwords{}, Sessions: w.online, Log: quiet})
	app, err := w.svc.CreateApp(ctx, im.NewApp{Key: im.AppKey{Org: "easemob-demo", Name: "chatdemoui"},
		ClientID: "YXA6demo", Secret: "YXA6secret", Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	w.app = &app
	w.populate(ctx, w.app)
	w.bus.Take()
	w.config = easemob.Config{Service: w.svc, Log: quiet}
	for _, f := range configure {
		f(&w.config)
	}
	w.api = easemob.New(w.config)
	return w
}

func (w *world) populate(ctx context.Context, app *im.App) {
	w.t.Helper()
	caller := im.AppCaller(app)
	password := "123456"
	var users []im.NewUser
	for name := range strings.FieldsSeq("user0 user1 user2 z1 z2 z3 jma1 jma2 ceshia hxt001 jianxin1 jianxin2 stranger") {
		users = append(users, im.NewUser{Name: name, Password: &password})
	}
	if _, _, err := w.svc.RegisterBatch(ctx, caller, users); err != nil {
		w.t.Fatal(err)
	}
	places := 2000
	if _, err := w.svc.CreateRoom(ctx, caller, im.NewRoom{Kind: im.Chatroom, ID: seedRoom, Name: "seed room", Description: "of seed 004",
		Owner: "user0", Members: []string{"user1", "user2", "z1", "z2", "z3"}, MaxUsers: &places}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.svc.AddAdmin(ctx, caller, im.Chatroom, seedRoom, "z1"); err != nil {
		w.t.Fatal(err)
	}
}

// group makes the group.
func (w *world) group(app *im.App) {
	w.t.Helper()
	ctx, caller := context.Background(), im.AppCaller(app)
	if _, err := w.svc.CreateRoom(ctx, caller, im.NewRoom{Kind: im.Group, ID: seedGroup, Name: "seed group", Owner: "user0", Public: true,
		Members: []string{"user1", "user2", "z1", "z2", "z3"}}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.svc.AddAdmin(ctx, caller, im.Group, seedGroup, "z1"); err != nil {
		w.t.Fatal(err)
	}
	w.bus.Take()
}

// secondApp makes an app beside the first, with users and a room of the same names.
func (w *world) secondApp(name string) *im.App {
	w.t.Helper()
	org, app, _ := strings.Cut(name, "/")
	other, err := w.svc.CreateApp(w.t.Context(), im.NewApp{Key: im.AppKey{Org: org, Name: app}, ClientID: "YXA6other", Secret: "YXA6othersecret"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.populate(w.t.Context(), &other)
	w.others[name] = &other
	return &other
}

// token returns a token for "app" or a user's name, always the same one; "@ORG/NAME" behind it means a second app.
func (w *world) token(who string) string {
	w.t.Helper()
	if tok, ok := w.tokens[who]; ok {
		return tok
	}
	app := w.app
	user, other, foreign := strings.Cut(who, "@")
	if foreign {
		if app = w.others[other]; app == nil {
			w.t.Fatalf("token for %s: no such app", who)
		}
	}
	grant, err := w.svc.IssueAppToken(context.Background(), app, nil)
	if user != "app" {
		grant, err = w.svc.IssueUserToken(context.Background(), app, im.Username(user), nil)
	}
	if err != nil {
		w.t.Fatalf("token for %s: %v", who, err)
	}
	w.tokens[who] = grant.Text
	return grant.Text
}

// do sends a request to the surface. who is "app", a user's name or "" for no token.
func (w *world) do(who, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	req, err := http.NewRequest(method, "http://teahouse.test"+target, strings.NewReader(body))
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, target, err)
	}
	req.ContentLength = int64(len(body))
	if who != "" {
		req.Header.Set("Authorization", "Bearer "+w.token(who))
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ":")
		req.Header.Set(k, strings.TrimSpace(v))
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, req)
	return rec
}

// limit restarts the surface with a request rate for one class.
func (w *world) limit(class string, perSecond float64) {
	w.config.Limits = map[string]float64{class: perSecond}
	w.api = easemob.New(w.config)
}
