package thinksns_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"teahouse/internal/apidoctest"
	"teahouse/internal/blob"
	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
	"teahouse/internal/pictures"
	"teahouse/internal/sqlstore"
	"teahouse/internal/storetest"
	"teahouse/internal/thinksns"
	"teahouse/internal/transcripttest"
)

// world is a server's inside on a real store, with a clock that stands still and identifiers that count. It holds the app
// easemob-demo#chatdemoui with the accounts root (1, with a profile), 花儿 (2), 木子 (3), bob (4), eve (5) and gone (6, who
// is disabled), all with the password 123456, and two groups of root's: 10000000000001, public, with 花儿 as admin and 木子,
// and 10000000000002, private, with 木子.
type world struct {
	t      testing.TB
	clock  *imtest.Clock
	bus    *imtest.Bus
	store  *sqlstore.Store
	svc    *im.Service
	app    *im.App
	ports  im.Config
	config thinksns.Config
	api    http.Handler
	doc    *apidoctest.Validator // of the transcripts; may be shared
	tokens map[string]string     // by who
	flaky  *flakyStore
	ids    int
}

const (
	garden = "10000000000001" // public
	cellar = "10000000000002" // private
)

// makeTables makes the tables of a new database.
func makeTables(database string) error {
	s, err := sqlstore.Open(context.Background(), sqlstore.Config{Database: database, Unsynced: true})
	if err != nil {
		return err
	}
	return s.Close()
}

func newWorld(t testing.TB, configure ...func(*thinksns.Config)) *world {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{Database: storetest.SQLite(t, makeTables), Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := &world{t: t, clock: imtest.NewClock(), bus: imtest.NewBus(), store: store, tokens: map[string]string{}}
	w.flaky = &flakyStore{Store: store}
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	w.ports = im.Config{Store: w.flaky, Bus: w.bus, Clock: w.clock, IDs: &imtest.IDs{}, Passwords: imtest.Passwords{}, Log: quiet, JWTSecret: jwtKey,
		Blob: blobs, Pictures: pictures.New()}
	w.svc = im.NewService(w.ports)
	app, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "easemob-demo", Name: "chatdemoui"}, ClientID: "YXA6demo", Secret: "YXA6secret"})
	if err != nil {
		t.Fatal(err)
	}
	w.app = &app
	w.populate()
	w.bus.Take()
	w.config = thinksns.Config{Service: w.svc, Log: quiet, App: app.Key, Registration: true, NewTokenID: w.tokenID}
	for _, f := range configure {
		f(&w.config)
	}
	w.api = thinksns.New(w.config)
	return w
}

const jwtKey = "the key of the tests, of enough bytes"

func (w *world) tokenID() string {
	w.ids++
	return fmt.Sprintf("ID%014d", w.ids)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) populate() {
	w.t.Helper()
	ctx, app := w.t.Context(), im.AppCaller(w.app)
	created := time.Date(2017, 12, 17, 14, 34, 13, 0, time.UTC)
	for _, n := range []im.NewAccount{
		{Name: "root", Email: "root@example.com", Phone: "18781993582", Bio: "园丁", Location: "成都", Sex: 1,
			Avatar:     &im.Picture{URL: "https://files.example.com/root.png", Vendor: "local", Mime: "image/png", Size: 1024, Width: 64, Height: 64},
			Background: &im.Picture{URL: "https://files.example.com/bg.pdf", Vendor: "local", Mime: "application/pdf", Size: 7}},
		{Name: "花儿"}, {Name: "木子", Sex: 2}, {Name: "bob"}, {Name: "eve"}, {Name: "gone", Disabled: created},
	} {
		n.Password, n.Created = "123456", created
		_, err := w.svc.CreateAccount(ctx, app, n)
		w.must(err)
	}
	for _, n := range []im.NewGroup{
		{Name: "花儿巷", Description: "来自花儿巷的朋友", Members: []int64{2, 3}},
		{Name: "地窖", Description: "private", Public: im.Off, Members: []int64{3}},
	} {
		room, err := w.svc.StartGroup(ctx, im.UserCaller(w.app, "1"), n)
		w.must(err)
		if room.ID == garden {
			w.must(w.svc.AddAdmin(ctx, app, im.Group, garden, "2"))
		}
	}
}

// id is the account of a name.
func (w *world) id(who string) int64 {
	w.t.Helper()
	account, err := w.svc.AccountBy(w.t.Context(), w.app, im.ByName, who)
	w.must(err)
	return account.ID
}

// token logs somebody in, once.
func (w *world) token(who string) string {
	w.t.Helper()
	if w.tokens[who] == "" {
		account, err := w.svc.AccountBy(w.t.Context(), w.app, im.ByName, who)
		w.must(err)
		w.tokens[who] = thinksns.IssueForTest(w.api, jwtKey, account)
	}
	return w.tokens[who]
}

// do sends a request. who is a name, or "" for no token.
func (w *world) do(who, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	req, err := http.NewRequest(method, "http://teahouse.test"+target, strings.NewReader(body))
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, target, err)
	}
	req.ContentLength = int64(len(body))
	req.RemoteAddr = "192.0.2.1:1234"
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

// Play implements [transcripttest.World]. {token} stands for the caller's token, which then is not in the header. A body that
// holds \r\n is written as in a Go string.
func (w *world) Play(s transcripttest.Step) *httptest.ResponseRecorder {
	w.t.Helper()
	who := s.Who
	body := s.Body
	if strings.Contains(body, `\r\n`) {
		body = unquoted(w.t, body)
	}
	if all := s.Target + body + strings.Join(s.Heads, ""); strings.Contains(all, "{token}") {
		fill := func(text string) string { return strings.ReplaceAll(text, "{token}", w.token(s.Who)) }
		s.Target, body, who = fill(s.Target), fill(body), ""
		for i := range s.Heads {
			s.Heads[i] = fill(s.Heads[i])
		}
	}
	rec := w.do(who, s.Method, s.Target, body, s.Heads...)
	w.checkDescribed(s, rec)
	return rec
}

// unquoted writes out what stands for bytes, as in a Go string.
func unquoted(t testing.TB, text string) string {
	t.Helper()
	plain, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// checkDescribed holds an answer against the API's description, unless another method has the path. A HEAD is a GET to it.
func (w *world) checkDescribed(s transcripttest.Step, rec *httptest.ResponseRecorder) {
	w.t.Helper()
	method := s.Method
	switch all := s.Target + s.Body + strings.Join(s.Heads, ""); {
	case method == http.MethodHead:
		method = http.MethodGet
	case strings.Contains(all, "_method") || strings.Contains(all, "Method-Override"):
		method = http.MethodPatch
	}
	req, err := http.NewRequest(method, "http://teahouse.test"+s.Target, nil)
	w.must(err)
	if w.doc.Describes(req) {
		w.doc.CheckAnswer(w.t, req, rec.Code, rec.Header(), rec.Body.Bytes())
	}
}

// flakyStore is a store whose writes fail while it is told so.
type flakyStore struct {
	*sqlstore.Store
	failAfter int               // writes that still succeed; 0: all
	watch     func(im.Tx) im.Tx // of reads; may be nil
}

// View implements [im.Store].
func (f *flakyStore) View(ctx context.Context, fn func(im.Tx) error) error {
	if f.watch == nil {
		return f.Store.View(ctx, fn)
	}
	return f.Store.View(ctx, func(tx im.Tx) error { return fn(f.watch(tx)) })
}

// Update implements [im.Store].
func (f *flakyStore) Update(ctx context.Context, fn func(im.Tx) error) error {
	if f.failAfter < 0 {
		return im.ErrUnavailable
	}
	if f.failAfter > 0 {
		if f.failAfter--; f.failAfter == 0 {
			f.failAfter = -1
		}
	}
	return f.Store.Update(ctx, fn)
}

// Command implements [transcripttest.World]: "advance 24h" turns the clock; "close" and "open" registration; "limit N"
// requests a minute; "break N" lets N writes succeed and no more, "mend" all; "say" nothing; "rest METHOD…" is a call of the management API; "disable NAME", "relogin NAME".
func (w *world) Command(cmd string) {
	w.t.Helper()
	verb, rest, _ := strings.Cut(cmd, " ")
	ctx, app := w.t.Context(), im.AppCaller(w.app)
	restart := func() { w.api = thinksns.New(w.config) }
	switch verb {
	case "advance":
		d, err := time.ParseDuration(rest)
		w.must(err)
		w.clock.Advance(d)
	case "close", "open":
		w.config.Registration = verb == "open"
		restart()
	case "limit":
		_, err := fmt.Sscan(rest, &w.config.PerMinute)
		w.must(err)
		restart()
	case "break":
		_, err := fmt.Sscan(rest, &w.flaky.failAfter)
		w.must(err)
	case "mend":
		w.flaky.failAfter = 0
	case "disable":
		w.must(w.svc.DisableAccount(ctx, app, w.id(rest)))
	case "disable-group":
		w.must(w.svc.DisableRoom(ctx, app, im.Group, im.RoomID(rest), true))
	case "block":
		_, err := w.svc.BlockMembers(ctx, app, im.Group, garden, []string{rest}, false)
		w.must(err)
	case "admin":
		w.must(w.svc.SetAdmin(ctx, app, w.id(rest), true))
	case "elsewhere":
		w.config.App = im.AppKey{Org: "no", Name: "app"}
		restart()
	case "relogin":
		delete(w.tokens, rest)
	case "avatar":
		w.must(w.svc.ChangeRoom(ctx, app, im.Group, garden, im.RoomChange{Avatar: &rest}))
	case "rest-group": // made by the management API, with users who are no people
		w.restGroup(rest)
	case "said": // what was said in groups since, on purpose: see messages_test.go
	default:
		w.t.Fatalf("unknown command %q", cmd)
	}
}

func (w *world) restGroup(id string) {
	w.t.Helper()
	ctx, app, password := w.t.Context(), im.AppCaller(w.app), "x"
	for _, name := range []string{"jma1", "ceshia"} {
		_, _, err := w.svc.RegisterBatch(ctx, app, []im.NewUser{{Name: name, Password: &password}})
		w.must(err)
	}
	_, err := w.svc.CreateRoom(ctx, app, im.NewRoom{Kind: im.Group, ID: im.RoomID(id), Name: "of the management API", Owner: "jma1",
		Members: []string{"ceshia", "1"}, Public: true, Custom: "own text"})
	w.must(err)
}
