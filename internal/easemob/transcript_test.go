package easemob_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/apidoctest"
	"teahouse/internal/easemob"
	"teahouse/internal/im"
	"teahouse/internal/transcripttest"
)

// The commands of these transcripts: "advance 24h" turns the clock, "set KEY=VALUE" changes the app's setting, "limits
// CLASS=N", "online USER/RESOURCE" connects a device, "app ORG/NAME" makes a second app with users and a room of the same
// names, "deliver USER OTHER" has a device of the user receive all messages from another. A request is sent as "app" or as a
// user, with @ORG/NAME behind it of a second app. {{url}} in a target is the link of an earlier answer; a compressed file is
// shown as a list of its lines. Every transcript runs under both error profiles in a fresh world each.

func TestMain(m *testing.M) { transcripttest.Main(m) }

// reached collects the routes that transcripts have reached, and whether one succeeded.
type reached struct {
	mu     sync.Mutex
	routes map[string]bool // guarded by mu
}

func (r *reached) observe(route string, status int, _ string, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes[route] = r.routes[route] || status == http.StatusOK
}

func TestTranscripts(t *testing.T) {
	doc := apidoctest.New(t)
	seen := &reached{routes: map[string]bool{}}
	under := func(profile string) func(*testing.T) transcripttest.World {
		return func(t *testing.T) transcripttest.World {
			w := newWorld(t, map[string]string{"error_profile": profile}, func(c *easemob.Config) { c.Observe = seen.observe })
			w.doc = doc
			return w
		}
	}
	transcripttest.Script{
		Files: "testdata/*.http", Headers: []string{"Allow", "Retry-After", "Content-Disposition"}, Second: "v2",
		Worlds: []func(*testing.T) transcripttest.World{under(im.Profile450), under(im.ProfileV2)},
	}.Run(t)
	for _, route := range easemob.Routes() {
		if !seen.routes[route] {
			t.Errorf("no transcript of a success of %s", route)
		}
	}
}

// Play implements [transcripttest.World]: it holds every answer against the API's description. A HEAD is a GET to it.
func (w *world) Play(s transcripttest.Step) *httptest.ResponseRecorder {
	w.t.Helper()
	s.Target = strings.ReplaceAll(s.Target, "{{url}}", w.link)
	rec := w.do(s.Who, s.Method, s.Target, s.Body, s.Heads...)
	method := s.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	req, err := http.NewRequest(method, "http://teahouse.test"+s.Target, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if !w.doc.Describes(req) {
		w.doc.CheckUnknown(w.t, req, rec.Code, rec.Header(), rec.Body.Bytes())
		return rec
	}
	w.doc.Check(w.t, req, []byte(s.Body), rec.Code, rec.Header(), rec.Body.Bytes())
	if rec.Header().Get("Content-Type") == "application/gzip" {
		rec.Body = bytes.NewBufferString("[" + strings.Join(w.unzipped(rec), ",") + "]")
	} else if _, rest, ok := strings.Cut(rec.Body.String(), `"url":"http://teahouse.test`); ok {
		w.link, _, _ = strings.Cut(rest, `"`)
	}
	return rec
}

// unzipped are the lines of a compressed file.
func (w *world) unzipped(rec *httptest.ResponseRecorder) []string {
	w.t.Helper()
	zip, err := gzip.NewReader(rec.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// step is a request.
type step struct{ method, target, body string }

// Command implements [transcripttest.World].
func (w *world) Command(cmd string) { w.command(cmd) }

func (w *world) command(cmd string) {
	w.t.Helper()
	verb, rest, _ := strings.Cut(cmd, " ")
	key, value, _ := strings.Cut(rest, "=")
	switch verb {
	case "advance":
		d, err := time.ParseDuration(rest)
		if err != nil {
			w.t.Fatal(err)
		}
		w.clock.Advance(d)
	case "set":
		app, err := w.svc.ChangeApp(w.t.Context(), im.NewApp{Key: w.app.Key, Settings: map[string]string{key: value}})
		if err != nil {
			w.t.Fatal(err)
		}
		*w.app = app
	case "app":
		w.secondApp(rest)
	case "online": // USER/RESOURCE
		user, resource, _ := strings.Cut(rest, "/")
		w.online.Connect(w.app.ID, im.Username(user), im.Connection{Resource: resource, UUID: "uuid-of-" + resource, Name: "a " + resource})
	case "deliver":
		w.deliver(strings.Cut(rest, " "))
	case "ask": // USER GROUP
		w.ask(strings.Cut(rest, " "))
	case "reads": // USER MESSAGE
		w.reads(strings.Cut(rest, " "))
	case "limits":
		var n float64
		if _, err := fmt.Sscan(value, &n); err != nil {
			w.t.Fatal(err)
		}
		w.limit(key, n)
	default:
		w.t.Fatalf("unknown command %q", cmd)
	}
}

// ask has a user say something in a group and ask who has read it.
func (w *world) ask(name, group string, _ bool) {
	w.t.Helper()
	_, err := w.svc.Send(w.t.Context(), im.UserCaller(w.app, im.Username(name)), im.NewMessage{Body: im.Body{Type: im.TextBody}, AskReceipts: true,
		To: []im.Address{im.ToRoom(im.Group, im.RoomID(group))}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// reads has a user tell of having read a message.
func (w *world) reads(name, message string, _ bool) {
	w.t.Helper()
	id, err := im.ParseMessageID(message)
	if err == nil {
		_, err = w.svc.Receipt(w.t.Context(), im.UserCaller(w.app, im.Username(name)), im.NewReceipt{Kind: im.ReceiptRead, Of: id})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// deliver has a device of a user receive all that waits from another.
func (w *world) deliver(name, from string, _ bool) {
	w.t.Helper()
	c, with := im.UserCaller(w.app, im.Username(name)), im.ToUser(im.Username(from))
	_, err := w.svc.OpenDevice(w.t.Context(), c, "phone")
	if err != nil {
		w.t.Fatal(err)
	}
	got, err := w.svc.Pull(w.t.Context(), c, "phone", with, 0, 100)
	n := len(got.Messages)
	if err != nil || n == 0 {
		w.t.Fatalf("%s from %s: %d messages, %v", name, from, n, err)
	}
	if err := w.svc.Acknowledge(w.t.Context(), c, "phone", with, got.Messages[n-1].ID); err != nil {
		w.t.Fatal(err)
	}
}
