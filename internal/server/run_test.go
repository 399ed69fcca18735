package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long tests wait for what must happen.
const patience = 30 * time.Second

// logBuffer is a log that may be written and read at once.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// node is a server under test.
type node struct {
	t      *testing.T
	text   []string // the start-up text
	log    *logBuffer
	cancel func()
	ended  chan error
}

// start runs a server on free ports until stop or the end of the test, and waits for "ready".
func start(t *testing.T, cfg Config) *node {
	t.Helper()
	cfg.Listen, cfg.OpsListen = or(cfg.Listen, "127.0.0.1:0"), or(cfg.OpsListen, "127.0.0.1:0")
	if cfg.Data == "" && cfg.Database == "" && !cfg.Dev {
		cfg.Data = t.TempDir()
	}
	n := &node{t: t, log: &logBuffer{}, ended: make(chan error, 1)}
	out, in := io.Pipe()
	cfg.Stdout, cfg.Stderr = in, n.log
	ctx, cancel := context.WithCancel(t.Context())
	n.cancel = cancel
	go func() {
		n.ended <- Run(ctx, cfg)
		in.Close()
	}()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n.text = append(n.text, lines.Text()); lines.Text() == "ready" {
			t.Cleanup(n.stop)
			return n
		}
	}
	t.Fatalf("the server did not start: %v\n%s", <-n.ended, n.log)
	return nil
}

// stop ends the server and checks that it went well. It may be called twice.
func (n *node) stop() {
	n.t.Helper()
	n.cancel()
	select {
	case err := <-n.ended:
		if err != nil {
			n.t.Errorf("Run: %v", err)
		}
		n.ended <- nil
	case <-time.After(patience):
		n.t.Fatal("Run does not return")
	}
}

// value returns what the start-up text says of a key.
func (n *node) value(key string) string {
	n.t.Helper()
	for _, line := range n.text {
		if rest, ok := strings.CutPrefix(line, key+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func (n *node) url() string { return n.value("listening on") }

func (n *node) ops() string { return strings.TrimSuffix(n.value("operations"), "/metrics") }

// ask sends a request on a connection of its own and returns the status and the body.
func ask(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	if strings.HasPrefix(body, "--X\r\n") {
		req.Header.Set("Content-Type", "multipart/form-data; boundary=X")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

func TestStartStop50(t *testing.T) {
	before := goleak.IgnoreCurrent()
	cfg := Config{Storage: Storage{Data: t.TempDir()}}
	for range 50 {
		n := start(t, cfg)
		if status, _ := ask(t, "GET", n.url()+"/healthz", "", ""); status != 200 {
			t.Fatalf("healthz: %d", status)
		}
		n.stop()
	}
	goleak.VerifyNone(t, before)
}

func TestStopDuringStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Run(ctx, Config{Listen: "127.0.0.1:0", OpsListen: "off", Dev: true, Stdout: io.Discard, Logging: Logging{Stderr: io.Discard}})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestPaths(t *testing.T) {
	n := start(t, Config{Dev: true})
	token := n.value("app token")
	for _, c := range []struct {
		path string
		want int
	}{
		{"/healthz", 200}, {"/openapi.yaml", 200}, {"/docs/", 200},
		{"/easemob-demo/chatdemoui/chatrooms", 200}, {"/easemob-demo/chatdemoui/chatrooms/1432259621444159", 200},
		{"/nobody/nothing/chatrooms", 404}, {"/", 200}, {"/nobody", 404}, {"//websocket", 426}, {"//ws/info", 200},
		{"/console/", 404}, {"/api/v2/easemob/group", 401}, {"/api/v2", 404}, {"/api/v22", 404}, {"/api/sdk/v1", 404}, {"/websocket", 426}, {"/ws", 404}, {"/ws/info", 200}, {"/ws/1/2/websocket", 426},
		{"/http-bind", 404}, {"/_dev/clock", 404}, {"/easemob/server.json", 400}, {"/easemob/server.json?app_key=nobody%23nothing", 404}, {"/easemob/server.json?app_key=easemob-demo%23chatdemoui", 200}, {"/healthz/x", 404},
	} {
		status, body := ask(t, "GET", n.url()+c.path, token, "")
		if status != c.want {
			t.Errorf("%s: %d, want %d: %.200s", c.path, status, c.want, body)
		}
		if status == 404 && !json.Valid([]byte(body)) {
			t.Errorf("%s: not JSON: %.200s", c.path, body)
		}
	}
	if status, _ := ask(t, "POST", n.url()+"/", token, "{}"); status != 404 {
		t.Errorf("POST /: %d", status)
	}
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ok", "/debug/pprof/": "goroutine",
		"/metrics": `teahouse_http_requests_total{code="",route="GET /chatrooms/{id}",status="200"} 1`,
	} {
		if status, body := ask(t, "GET", n.ops()+path, "", ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("ops %s: %d, lacks %q", path, status, want)
		}
	}
	_, body := ask(t, "GET", n.ops()+"/metrics", "", "")
	for _, name := range []string{
		"teahouse_http_request_seconds_bucket", "teahouse_http_panics_total 0", "teahouse_build_info{",
		"teahouse_store_batch_updates_count", "teahouse_store_wait_seconds_sum", "teahouse_store_sync_seconds_sum",
		"go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(body, name) {
			t.Errorf("metrics lack %s", name)
		}
	}
}

func TestOpsOff(t *testing.T) {
	n := start(t, Config{OpsListen: "off"})
	if n.value("operations") != "" {
		t.Errorf("the text names an operations listener: %q", n.text)
	}
	if status, _ := ask(t, "GET", n.url()+"/metrics", "", ""); status == 200 {
		t.Error("the main listener shows metrics")
	}
}

func TestServeWithoutAppSaysWhatToType(t *testing.T) {
	n := start(t, Config{})
	if text := strings.Join(n.text, "\n"); !strings.Contains(text, "teahouse app create") {
		t.Errorf("text: %s", text)
	}
}

func TestListenFailsBeforeAnythingElse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, cfg := range []Config{{Listen: l.Addr().String()}, {Listen: "127.0.0.1:0", OpsListen: l.Addr().String()}} {
		cfg.Data = filepath.Join(t.TempDir(), "data")
		err := Run(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), "listen") {
			t.Errorf("Run on a taken port: %v", err)
		}
		if _, err := os.Stat(cfg.Data); err == nil {
			t.Error("it made the data folder")
		}
	}
}

func TestAppAtStart(t *testing.T) {
	yes, no := true, false
	cfg := Config{Storage: Storage{Data: t.TempDir()}, App: AppConfig{Key: "acme#chat", OpenRegistration: &yes}}
	first := start(t, cfg)
	id, secret := first.value("client id"), first.value("client secret")
	if id == "" || secret == "" {
		t.Fatalf("no credentials printed: %q", first.text)
	}
	grant := fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, id, secret)
	user := func(n *node, name string) int {
		status, _ := ask(t, "POST", n.url()+"/acme/chat/users", "", `{"username":"`+name+`","password":"123456"}`)
		return status
	}
	if status, body := ask(t, "POST", first.url()+"/acme/chat/token", "", grant); status != 200 {
		t.Errorf("token: %d %s", status, body)
	}
	if status := user(first, "ann"); status != 200 {
		t.Errorf("open registration: %d", status)
	}
	first.stop()

	cfg.App.OpenRegistration = nil // what is not given stays
	second := start(t, cfg)
	if second.value("client id") != id || second.value("client secret") != "" {
		t.Errorf("second start: %q", second.text)
	}
	if status, _ := ask(t, "POST", second.url()+"/acme/chat/token", "", grant); status != 200 {
		t.Errorf("the credentials changed: %d", status)
	}
	if status := user(second, "bob"); status != 200 {
		t.Errorf("open registration was forgotten: %d", status)
	}
	second.stop()

	cfg.App = AppConfig{Key: "acme#chat", ClientID: "my-id", Secret: "my-secret", OpenRegistration: &no}
	third := start(t, cfg)
	if third.value("client id") != "my-id" || strings.Contains(strings.Join(third.text, "\n"), "my-secret") {
		t.Errorf("third start: %q", third.text)
	}
	if status := user(third, "cid"); status != 401 {
		t.Errorf("open registration was not closed: %d", status)
	}
	if status, _ := ask(t, "POST", third.url()+"/acme/chat/token", "", `{"grant_type":"client_credentials","client_id":"my-id","client_secret":"my-secret"}`); status != 200 {
		t.Errorf("the given credentials: %d", status)
	}
}

func TestDevTwiceOnOneFolder(t *testing.T) {
	cfg := Config{Dev: true, Storage: Storage{Data: t.TempDir()}}
	rooms := regexp.MustCompile(`"id":\s*"(\d+)"`)
	var lists [2][][]string
	for i := range lists {
		n := start(t, cfg)
		_, body := ask(t, "GET", n.url()+"/easemob-demo/chatdemoui/chatrooms?pagenum=1&pagesize=100", n.value("app token"), "")
		lists[i] = rooms.FindAllStringSubmatch(body, -1)
		n.stop()
	}
	if len(lists[0]) != len(demoRooms()) || !slices.EqualFunc(lists[0], lists[1], slices.Equal) {
		t.Errorf("rooms after the first start %q, after the second %q", lists[0], lists[1])
	}
}

// A start that was killed while it made the demo data is completed by the next, whatever it had made.
func TestDevAfterInterruptedStart(t *testing.T) {
	cfg := Config{Dev: true, Storage: Storage{Data: t.TempDir()}}
	n := start(t, cfg)
	base, token := n.url()+"/easemob-demo/chatdemoui", n.value("app token")
	const room = "/chatrooms/1265710621211"
	for _, path := range []string{"/chatrooms/1432266600611977", "/users/jma1", room + "/admin/z1"} {
		if status, body := ask(t, "DELETE", base+path, token, ""); status != 200 {
			t.Fatalf("%s: %d %s", path, status, body)
		}
	}
	n.stop()
	n = start(t, cfg)
	base, token = n.url()+"/easemob-demo/chatdemoui", n.value("app token")
	for path, want := range map[string]string{"/users/jma1": "jma1", "/chatrooms/1432266600611977": "jma1", room + "/admin": "z1"} {
		if status, body := ask(t, "GET", base+path, token, ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// Settings that forbid some of the demo data do not keep the emulator from starting.
func TestDevWithOtherSettings(t *testing.T) {
	cfg := Config{Dev: true, Storage: Storage{Data: t.TempDir()}}
	start(t, cfg).stop()
	tool := Tool{Storage: cfg.Storage, Out: io.Discard}
	if err := tool.SetApp(t.Context(), devApp, []string{"room_max_maxusers=250", "batch_register=5"}); err != nil {
		t.Fatal(err)
	}
	start(t, cfg)
}

func TestDevWarnsOfItsPublicSecret(t *testing.T) {
	for listen, want := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true} {
		n := start(t, Config{Dev: true, Listen: listen})
		if got := strings.Contains(n.log.String(), "client secret is public"); got != want {
			t.Errorf("on %s: warned %v, want %v", listen, got, want)
		}
		if want && !strings.HasPrefix(n.url(), "http://localhost:") {
			t.Errorf("url %s", n.url())
		}
	}
}

func TestDevRemovesItsFolder(t *testing.T) {
	n := start(t, Config{Dev: true})
	file, _, _ := strings.Cut(n.value("data"), " ")
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	n.stop()
	if _, err := os.Stat(filepath.Dir(file)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", filepath.Dir(file), err)
	}
}

// half sends a request without the end of its body.
func half(t *testing.T, n *node, body string) net.Conn {
	t.Helper()
	address := strings.TrimPrefix(n.url(), "http://")
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "POST /easemob-demo/chatdemoui/chatrooms HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n",
		address, n.value("app token"), len(body))
	line, err := bufio.NewReaderSize(c, 16).ReadString('\n') // "100 Continue": the surface reads the body
	if err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q, %v", line, err)
	}
	return c
}

func TestStopLetsRequestsFinish(t *testing.T) {
	const body = `{"name":"late","description":"x","owner":"jma1"}`
	n := start(t, Config{Dev: true})
	c := half(t, n, body)
	n.cancel()
	for { // the listener closes at once
		probe, err := net.Dial("tcp", strings.TrimPrefix(n.url(), "http://"))
		if err != nil {
			break
		}
		probe.Close()
	}
	if _, err := io.WriteString(c, body); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(c)
	if !bytes.Contains(answer, []byte("200 OK")) || !bytes.Contains(answer, []byte(`"id"`)) {
		t.Errorf("answer: %s", answer)
	}
	n.stop()
}

func TestStopCutsOffSlowRequests(t *testing.T) {
	n := start(t, Config{Dev: true, StopWithin: 50 * time.Millisecond})
	c := half(t, n, "never sent")
	n.stop()
	if answer, _ := io.ReadAll(c); bytes.Contains(answer, []byte("200 OK")) {
		t.Errorf("answer: %s", answer)
	}
	if !strings.Contains(n.log.String(), "requests were cut off") {
		t.Errorf("log: %s", n.log)
	}
}

// Whoever sends too much hears so, though the connection is in the middle of the body then.
func TestBodyLimit(t *testing.T) {
	n := start(t, Config{Dev: true})
	url, token := n.url()+"/easemob-demo/chatdemoui/chatrooms", n.value("app token")
	large := `{"name":"` + strings.Repeat("x", 4<<20) + `"}`
	for range 5 {
		if status, body := ask(t, "POST", url, token, large); status != 413 {
			t.Errorf("%d %.200s", status, body)
		}
		req, err := http.NewRequestWithContext(t.Context(), "POST", url, struct{ io.Reader }{strings.NewReader(large)}) // chunked
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 413 {
			t.Errorf("chunked: %d", res.StatusCode)
		}
	}
}

// TestTooLargeIsAnsweredAtOnce although the client sends nothing of what it announces.
func TestTooLargeIsAnsweredAtOnce(t *testing.T) {
	n := start(t, Config{Dev: true})
	c, err := net.Dial("tcp", strings.TrimPrefix(n.url(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /easemob-demo/chatdemoui/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n{")
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if !strings.Contains(line, " 413 ") {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestNoSecretsInTheLog(t *testing.T) {
	n := start(t, Config{Dev: true, Logging: Logging{LogLevel: "debug"}})
	token := n.value("app token")
	base := n.url() + "/easemob-demo/chatdemoui"
	ask(t, "GET", base+"/chatrooms?access_token="+token+"&pagesize=3", token, "")
	ask(t, "POST", base+"/token", "", `{"grant_type":"password","username":"jma1","password":"123456"}`)
	ask(t, "POST", base+"/chatrooms", token, `{"name":"unspeakable"}`)
	n.stop()
	log := n.log.String()
	for _, secret := range []string{token, "123456", "unspeakable", devSecret} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	if !strings.Contains(log, "access_token=***&pagesize=3") {
		t.Errorf("log: %s", log)
	}
}

// TestFilesOfAnotherDatabase: servers on two databases do not share a folder of files, for each would sweep away the other's.
func TestFilesOfAnotherDatabase(t *testing.T) {
	data, other := t.TempDir(), "sqlite:"+filepath.Join(t.TempDir(), "other.db")
	start(t, Config{Storage: Storage{Data: data}}).stop()
	start(t, Config{Storage: Storage{Data: data}}).stop()
	err := Run(t.Context(), Config{Listen: "127.0.0.1:0", OpsListen: "off", Storage: Storage{Data: data, Database: other}, Stdout: io.Discard, Logging: Logging{Stderr: io.Discard}})
	if err == nil || !strings.Contains(err.Error(), "the files of another database") {
		t.Errorf("got %v", err)
	}
}
