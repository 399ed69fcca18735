// Package script tells stories about the built binary, one per file of testdata.
package script

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"teahouse/internal/plustest"
)

const (
	patience   = 30 * time.Second // a story waits so long for what must happen
	allStories = 3 * time.Minute  // with all of them
)

var update = flag.Bool("update", false, "rewrite what the stories compare with")

// TestMain builds the binary. It runs as the command teahouse in every story.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(withBinary(m))
}

func withBinary(m *testing.M) int {
	dir, err := os.MkdirTemp("", "teahouse-script-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "teahouse"), "teahouse/cmd/teahouse")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		panic(err)
	}
	return m.Run()
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Deadline: time.Now().Add(allStories), // or a server that starts where it should refuse keeps us
		Setup: func(e *testscript.Env) error {
			e.Values[worldKey{}] = &world{servers: map[string]*serving{}}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "finish": finish, "ask": ask, "until": until, "upload": upload, "picture": picture, "people": people,
			"want": want, "take": take, "setenv": setenv, "moment": moment, "plus": plus(t),
		},
	})
}

// TestStoriesAreToldToTheEnd: stop is testscript's own command, and ends a story early as if all were well.
func TestStoriesAreToldToTheEnd(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "stop") || strings.HasPrefix(line, "skip") {
				t.Errorf("%s:%d: %s: a server is stopped with \"finish\"", name, n+1, line)
			}
		}
	}
}

// serving is a server that a story started.
type serving struct {
	cmd  *exec.Cmd
	text *watched
	log  *watched
}

// world is what a story has running.
type world struct {
	servers map[string]*serving
	plus    *plustest.Server
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// watched collects output; ready is closed when a line "ready" or the end comes.
type watched struct {
	mu    sync.Mutex
	b     bytes.Buffer
	ready chan struct{}
	once  sync.Once
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Write(p)
	if strings.HasSuffix(w.b.String(), "\nready\n") {
		w.once.Do(func() { close(w.ready) })
	}
	return len(p), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// start NAME COMMAND… runs teahouse COMMAND… on free ports until it is ready. Its text is in the file NAME; the
// variables URL, OPS, ID, SECRET and TOKEN hold what the text says.
func start(ts *testscript.TestScript, _ bool, args []string) {
	s := &serving{text: &watched{ready: make(chan struct{})}, log: &watched{ready: make(chan struct{})}}
	s.cmd = exec.Command("teahouse", append(args[1:], "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")...)
	s.cmd.Dir = ts.MkAbs(".")
	s.cmd.Env = []string{"TMPDIR=" + ts.Getenv("TMPDIR"), "PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME")}
	s.cmd.Stdout, s.cmd.Stderr = s.text, s.log
	ts.Check(s.cmd.Start())
	worldOf(ts).servers[args[0]] = s
	ts.Defer(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	select {
	case <-s.text.ready:
	case <-time.After(patience):
		ts.Fatalf("no line ready:\n%s%s", s.text, s.log)
	}
	text := s.text.String()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
	for key, name := range map[string]string{"listening on": "URL", "operations": "OPS", "client id": "ID", "client secret": "SECRET", "app token": "TOKEN"} {
		for line := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(line, key+" "); ok {
				ts.Setenv(name, strings.TrimSuffix(strings.TrimSpace(value), "/metrics"))
			}
		}
	}
}

// finish NAME sends SIGTERM and wants exit code 0. What the server logged is in the file NAME.log.
func finish(ts *testscript.TestScript, _ bool, args []string) {
	s := worldOf(ts).servers[args[0]]
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	timer := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	err := s.cmd.Wait()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".log"), []byte(s.log.String()), 0o600))
	if err != nil {
		ts.Fatalf("%v\n%s", err, s.log)
	}
}
