package easemob_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"teahouse/internal/apidoctest"
	"teahouse/internal/easemob"
	"teahouse/internal/im"
)

// Transcripts are stored conversations with the surface, compared whole. A line of a transcript begins with
//
//	#    a remark
//	!    a command: "advance 24h" turns the clock, "set KEY=VALUE" changes the app's setting, "limits CLASS=N",
//	     "app ORG/NAME" makes a second app with users and a room of the same names
//	>    the request: METHOD TARGET [as app | as USER][@ORG/NAME], then headers, then the body; {{TEXT*N}} stands for
//	     N copies of TEXT in which # is the copy's number
//	<    the answer: the status, "(v2: N)" behind it where today's cloud answers another, then the body
//
// Every transcript runs under both error profiles in a fresh world each; their answers may differ in the status
// only. go test ./internal/easemob -update writes the answers; read them against the document before a commit.
func update() bool { return flag.Lookup("update").Value.(flag.Getter).Get().(bool) }

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the answers of the transcripts")
	flag.Parse()
	os.Exit(m.Run())
}

// step is a request with its stored answer, or a run of other lines.
type step struct {
	lines  []string // remarks, commands and blank lines, as they stand
	method string
	target string
	who    string
	heads  []string
	body   string
	want   []string
}

func parse(text string) (steps []step) {
	var cur *step
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "> ") && (cur == nil || len(cur.want) > 0 || cur.method == ""):
			steps = append(steps, step{})
			cur = &steps[len(steps)-1]
			request, who, _ := strings.Cut(line[2:], " as ")
			cur.method, cur.target, _ = strings.Cut(request, " ")
			cur.who = who
		case strings.HasPrefix(line, "> "):
			if rest := line[2:]; cur.body == "" && isHeader(rest) {
				cur.heads = append(cur.heads, rest)
			} else {
				cur.body += rest
			}
		case strings.HasPrefix(line, "< "):
			cur.want = append(cur.want, line[2:])
		default:
			steps = append(steps, step{lines: []string{line}})
			cur = nil
		}
	}
	return steps
}

// macro is {{TEXT*N}}.
var macro = regexp.MustCompile(`\{\{(.+?)\*(\d+)\}\}`)

// expanded is the step as it is sent.
func (s step) expanded() step {
	s.target, s.body = expand(s.target), expand(s.body)
	heads := make([]string, len(s.heads))
	for i, h := range s.heads {
		heads[i] = expand(h)
	}
	s.heads = heads
	return s
}

func expand(s string) string {
	return macro.ReplaceAllStringFunc(s, func(m string) string {
		parts := macro.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2])
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(parts[1], "#", strconv.Itoa(i+1)))
		}
		return b.String()
	})
}

func isHeader(s string) bool {
	name, _, ok := strings.Cut(s, ": ")
	return ok && !strings.ContainsAny(name, "{}[]\" ")
}

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
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	doc := apidoctest.New(t)
	seen := &reached{routes: map[string]bool{}}
	t.Run("files", func(t *testing.T) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
				t.Parallel()
				testTranscript(t, doc, seen, file)
			})
		}
	})
	for _, route := range easemob.Routes() {
		if !seen.routes[route] {
			t.Errorf("no transcript of a success of %s", route)
		}
	}
}

func testTranscript(t *testing.T, doc *apidoctest.Validator, seen *reached, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(data) {
		t.Fatalf("%s is not UTF-8", file)
	}
	steps := parse(string(data))
	seed := replay(t, doc, seen, steps, im.Profile450)
	cloud := replay(t, doc, seen, steps, im.ProfileV2)
	var out strings.Builder
	for i, s := range steps {
		if s.method == "" {
			fmt.Fprintln(&out, strings.Join(s.lines, "\n"))
			continue
		}
		got := answerLines(t, s, seed[i], cloud[i])
		if !update() && strings.Join(got, "\n") != strings.Join(s.want, "\n") {
			t.Errorf("%s %s as %q %s\n got %s\nwant %s", s.method, s.target, s.who, s.body, strings.Join(got, "\n     "), strings.Join(s.want, "\n     "))
		}
		writeStep(&out, s, got)
	}
	if update() {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func writeStep(out *strings.Builder, s step, got []string) {
	fmt.Fprintf(out, "> %s %s", s.method, s.target)
	if s.who != "" {
		fmt.Fprintf(out, " as %s", s.who)
	}
	fmt.Fprintln(out)
	for _, h := range s.heads {
		fmt.Fprintf(out, "> %s\n", h)
	}
	if s.body != "" {
		fmt.Fprintf(out, "> %s\n", s.body)
	}
	for _, line := range got {
		fmt.Fprintf(out, "< %s\n", line)
	}
}

// answerLines is the stored form of an answer under both profiles.
func answerLines(t *testing.T, s step, seed, cloud *httptest.ResponseRecorder) []string {
	t.Helper()
	status := fmt.Sprint(seed.Code)
	if cloud.Code != seed.Code {
		status += fmt.Sprintf(" (v2: %d)", cloud.Code)
	}
	lines := []string{status}
	for _, h := range []string{"Allow", "Retry-After"} {
		if v := seed.Header().Get(h); v != "" {
			lines = append(lines, h+": "+v)
		}
	}
	body := seed.Body.String()
	if cloud.Body.String() != body {
		t.Errorf("%s %s: the profiles differ in more than the status\n 450 %s\n v2  %s", s.method, s.target, body, cloud.Body)
	}
	if strings.Contains(body, "\n") {
		t.Errorf("%s %s: a raw newline in the answer", s.method, s.target)
	}
	if s.method == http.MethodHead {
		return lines // the server sends no body
	}
	return append(lines, body)
}

// replay runs the steps in a fresh world; steps that are no requests are answered by nil.
func replay(t *testing.T, doc *apidoctest.Validator, seen *reached, steps []step, profile string) []*httptest.ResponseRecorder {
	t.Helper()
	w := newWorld(t, map[string]string{"error_profile": profile}, func(c *easemob.Config) { c.Observe = seen.observe })
	w.doc = doc
	answers := make([]*httptest.ResponseRecorder, len(steps))
	for i, s := range steps {
		if s.method == "" {
			if cmd, ok := strings.CutPrefix(s.lines[0], "! "); ok {
				w.command(cmd)
			}
			continue
		}
		s = s.expanded()
		answers[i] = w.do(s.who, s.method, s.target, s.body, s.heads...)
		w.check(s, answers[i])
	}
	return answers
}

// check compares an answer with the API's description. A HEAD is a GET to it.
func (w *world) check(s step, rec *httptest.ResponseRecorder) {
	w.t.Helper()
	method := s.method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	req, err := http.NewRequest(method, "http://teahouse.test"+s.target, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if !w.doc.Describes(req) {
		w.doc.CheckUnknown(w.t, req, rec.Code, rec.Header(), rec.Body.Bytes())
		return
	}
	w.doc.Check(w.t, req, []byte(s.body), rec.Code, rec.Header(), rec.Body.Bytes())
}

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
