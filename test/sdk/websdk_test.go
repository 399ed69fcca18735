package sdk_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Narrow the scenarios while looking at one: go test ./test/sdk -run WebSDK -scenarios 'mute'.
var (
	scenarios = flag.String("scenarios", "", "regular expression of the names of scenarios to play")
	sdks      = flag.String("sdks", "", "regular expression of the SDKs to play them with")
	show      = flag.Bool("show", false, "print the frames of the scenarios played")
	record    = flag.Bool("record", false, "write the frames of the scenarios into internal/msync/testdata/vectors")
)

// A job is one published SDK.
type job struct {
	SDK    string `json:"sdk"`
	Bundle string `json:"bundle"`
	Style  int    `json:"style"`  // 3 or 4: callbacks or promises
	SockJS bool   `json:"sockjs"` // speaks base64 inside SockJS
	All    bool   `json:"all"`    // plays every scenario, not only those of the core
}

func jobs() []job {
	all := []job{
		{SDK: "4.21.1", Bundle: "node_modules/easemob-websdk/Easemob-chat.js", Style: 4, All: true},
		{SDK: "4.13.0", Bundle: "node_modules/websdk-4.13/Easemob-chat.js", Style: 4},
		{SDK: "4.8.1", Bundle: "node_modules/websdk-4.8/Easemob-chat.js", Style: 4, SockJS: true},
		{SDK: "3.6.3", Bundle: "node_modules/websdk-3.6/Easemob-chat-3.6.3.js", Style: 3, SockJS: true},
		{SDK: "agora-1.4.0", Bundle: "node_modules/agora-chat/Agora-chat.js", Style: 4},
	}
	wanted := regexp.MustCompile(*sdks)
	return slices.DeleteFunc(all, func(j job) bool { return !wanted.MatchString(j.SDK) })
}

// The apps of the server: one as it comes, and one with little room.
const (
	chatApp  = "acme#chat"
	tightApp = "acme#tight"
)

// TestWebSDK plays the scenarios of web/*.mjs with the published SDKs against the built server. They live in two homes:
// in Node, where jsdom lends them a window, and in a browser without a screen.
func TestWebSDK(t *testing.T) {
	readSources(t)
	install(t)
	binary := build(t)
	t.Run("jsdom", func(t *testing.T) {
		play(t, binary, *record, func(t *testing.T, origin string) *exec.Cmd {
			return exec.Command("node", "web/node.mjs", origin)
		})
	})
	t.Run("browser", func(t *testing.T) {
		browser := chromium(t)
		profile, err := os.MkdirTemp("", "teahouse-browser")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(profile) // its processes may still be writing: nobody minds what stays
		play(t, binary, false, func(t *testing.T, origin string) *exec.Cmd {
			return exec.Command(browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
				"--disable-background-networking", "--disable-component-update", "--disable-background-timer-throttling",
				"--user-data-dir="+profile, origin+"/web/page.html")
		})
	})
}

// chromium finds the browser.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	unavailable(t, "browser", "the browser's half of the SDKs' scenarios needs Chromium")
	return ""
}

// stage is what the scenarios of one home have around them: a server, and an address at which they get their files, ask
// for commands and tell their results.
type stage struct {
	t      *testing.T
	binary string
	data   string
	listen string
	record bool
	apps   map[string]map[string]string

	mu     sync.Mutex
	server *exec.Cmd
	log    bytes.Buffer

	plan    []named
	results chan result
	end     chan string // closed, or why the home broke off
}

type named struct{ SDK, Name string }

type result struct {
	SDK, Name, Error string
	MS               int
	Users            []string // who takes part
}

const scenariosTake = 6 * time.Minute

// play starts a server and a home, and makes a subtest of each scenario.
func play(t *testing.T, binary string, record bool, home func(*testing.T, string) *exec.Cmd) {
	s := &stage{t: t, binary: binary, data: t.TempDir(), record: record, results: make(chan result, 1000), end: make(chan string, 1)}
	s.found()
	if record {
		s.forget()
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.kill() })
	control := httptest.NewServer(s.handler())
	t.Cleanup(control.Close)

	cmd := home(t, control.URL)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = 10 * time.Second // a browser is many processes; they end when the first has
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(over)
	}()
	broken := ""
	select {
	case broken = <-s.end:
	case <-over:
		select {
		case broken = <-s.end:
		default:
			broken = "it ended early"
		}
	case <-time.After(scenariosTake):
		broken = "it takes too long"
	}
	_ = cmd.Process.Kill() // it may have ended
	<-over
	s.kill()
	s.tell(broken)
	if t.Failed() || *show {
		t.Logf("the home said:\n%s", grep(said.String(), func(line string) bool { return !strings.Contains(line, "ERROR:dbus/") }))
	}
	if broken != "" || *show {
		t.Logf("the server said:\n%s", grep(s.log.String(), func(string) bool { return true }))
	}
}

// tell makes the subtests.
func (s *stage) tell(broken string) {
	close(s.results)
	got := map[named]result{}
	for r := range s.results {
		got[named{r.SDK, r.Name}] = r
	}
	passed := 0
	for _, n := range s.plan {
		s.t.Run(n.SDK+"/"+n.Name, func(t *testing.T) {
			switch r, there := got[n]; {
			case !there:
				t.Error("did not end")
			case r.Error != "":
				t.Errorf("after %d ms: %s\nthe server said of them:\n%s", r.MS, r.Error, s.said(r.Users))
			default:
				passed++
			}
		})
	}
	if broken != "" {
		s.t.Errorf("the home broke off: %s", broken)
	}
	if len(s.plan) == 0 {
		s.t.Error("no scenario was planned")
	}
	summary := fmt.Sprintf("%s: %d of %d scenarios pass", s.t.Name(), passed, len(s.plan))
	fmt.Println(summary)
	s.t.Attr("report", summary)
}

// found makes the apps before the server starts.
func (s *stage) found() {
	s.t.Helper()
	s.apps = map[string]map[string]string{}
	for name, key := range map[string]string{"chat": chatApp, "tight": tightApp} {
		var made struct {
			ClientID     string `json:"client_id"`
			ClientSecret string `json:"client_secret"`
		}
		out := s.command("app", "create", key, "--json")
		if err := json.Unmarshal(out, &made); err != nil {
			s.t.Fatalf("%v: %s", err, out)
		}
		s.apps[name] = map[string]string{"key": key, "id": made.ClientID, "secret": made.ClientSecret}
	}
	s.command("app", "set", tightApp, "user_max_chatrooms=2", "chatroom_grace_seconds=1", "user_max_devices=2", "recall_seconds=1")
	s.command("app", "set", chatApp, "open_registration=true")
}

// vectors is where frames are recorded.
const vectors = "../../internal/msync/testdata/vectors"

// forget removes what was recorded before.
func (s *stage) forget() {
	s.t.Helper()
	old, err := filepath.Glob(filepath.Join(vectors, "*.txt"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *stage) command(args ...string) []byte {
	s.t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(s.binary, append(args, "--data", s.data)...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, &said)
	}
	return out
}

// start starts the server, at its former address if it had one.
func (s *stage) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	listen := s.listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	cmd := exec.Command(s.binary, "serve", "--data", s.data, "--listen", listen, "--ops-listen", "off", "--rate-limits", "off",
		"--thinksns", "off", "--log-level", "debug", "--app", chatApp)
	cmd.Stderr = &s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			s.listen = strings.TrimPrefix(strings.TrimSpace(rest), "http://")
		}
		if lines.Text() == "ready" {
			s.server = cmd
			return nil
		}
	}
	_ = cmd.Process.Kill()
	return fmt.Errorf("the server does not start: %v\n%s", cmd.Wait(), &s.log)
}

// kill ends the server without a chance to tidy up.
func (s *stage) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return
	}
	_ = s.server.Process.Kill()
	_ = s.server.Wait()
	s.server = nil
}

// said returns what a server that has ended said of users, and what was wrong.
func (s *stage) said(users []string) string {
	about := regexp.MustCompile(`\b(` + strings.Join(append(users, "WARN", "ERROR"), "|") + `)\b`)
	return grep(s.log.String(), about.MatchString)
}

// grep returns the lines of a text that fit, the last of them if they are many.
func grep(text string, fits func(line string) bool) string {
	const most = 8000
	var kept []string
	for line := range strings.Lines(text) {
		if fits(line) {
			kept = append(kept, line)
		}
	}
	text = strings.Join(kept, "")
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return text
}

// handler answers the home: files of this folder, and below /control/ what web/world.mjs asks for.
func (s *stage) handler() http.Handler {
	mux := http.NewServeMux()
	here := http.FileServer(http.Dir("."))
	mux.Handle("/", here)
	mux.Handle("/examples/", http.StripPrefix("/examples", http.FileServer(http.Dir(examples))))
	mux.Handle("/examples/chatroom/node_modules/", http.StripPrefix("/examples/chatroom", here))
	on := func(path string, answer func(body *json.Decoder) (any, error)) {
		mux.HandleFunc("POST /control/"+path, func(w http.ResponseWriter, r *http.Request) {
			v, err := answer(json.NewDecoder(r.Body))
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v) // the home notices
		})
	}
	on("config", func(*json.Decoder) (any, error) {
		return map[string]any{"url": "http://" + s.listen, "apps": s.apps, "jobs": jobs(), "only": *scenarios, "record": s.record, "show": *show, "parallel": parallel}, nil
	})
	on("plan", func(b *json.Decoder) (any, error) { return true, b.Decode(&s.plan) })
	on("result", func(b *json.Decoder) (any, error) {
		var r result
		err := b.Decode(&r)
		s.results <- r
		return true, err
	})
	on("kill", func(*json.Decoder) (any, error) { s.kill(); return true, nil })
	on("start", func(*json.Decoder) (any, error) { return true, s.start() })
	on("vectors", func(b *json.Decoder) (any, error) {
		var v struct{ File, Text string }
		if err := b.Decode(&v); err != nil {
			return nil, err
		}
		return true, os.WriteFile(filepath.Join(vectors, filepath.Base(v.File)), []byte(v.Text), 0o644)
	})
	on("done", func(*json.Decoder) (any, error) { s.end <- ""; return true, nil })
	on("broken", func(b *json.Decoder) (any, error) {
		var v struct{ Error string }
		err := b.Decode(&v)
		s.end <- v.Error
		return true, err
	})
	return mux
}

// parallel scenarios of a home play at a time; they do not know of each other.
const parallel = 4
