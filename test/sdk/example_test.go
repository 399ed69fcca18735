package sdk_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	examples = "../../examples"
	demoRoom = "1432266600611977" // of the emulator; jma2 is its owner
)

// TestExample plays the chatroom of examples/ in two terminals, as the README tells; its page is a scenario of web/example.mjs.
func TestExample(t *testing.T) {
	readSources(t)
	install(t)
	sameVersions(t)
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(examples, "chatroom"))); err != nil {
		t.Fatal(err)
	}
	_ = os.RemoveAll(filepath.Join(folder, "node_modules")) // of somebody who tried the example
	packages, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(packages, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	address := serve(t, build(t))
	enter := func(user string, flags ...string) *terminal {
		return open(t, append([]string{filepath.Join(folder, "chat.js"), user, "--server", address, "--app", app}, flags...)...)
	}

	owner, guest := enter("jma2"), enter("jma1")
	owner.sees("jma2 is in the chatroom " + demoRoom)
	guest.sees("jma1 is in the chatroom " + demoRoom)
	guest.types("the water boils")
	owner.sees("jma1: the water boils")
	owner.types("/mute jma1")
	guest.sees("* you are muted until ")
	guest.types("and the leaves?")
	guest.sees("! not done: 507 you are muted in this room")
	owner.types("/unmute jma1")
	guest.sees("* you may speak again")
	guest.types("the leaves float")
	if got := owner.sees("jma1: the "); got != "jma1: the leaves float" {
		t.Errorf("after the mute the owner hears %q", got)
	}
	guest.types("/mute jma2")
	guest.sees("! not done: 17 you have no permission")
	guest.leaves(0)
	owner.sees("* jma1 left; members: 1")
	owner.leaves(0)

	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--password", "wrong"}, "17 invalid password"},
		{[]string{"--app", "easemob-demo#elsewhere"}, "17 Could not find application for easemob-demo/elsewhere"},
		{[]string{"--room", "1"}, "705 there is no such room"},
		{[]string{"--server", "http://127.0.0.1:9"}, "-2 the server does not answer"},
		{[]string{"--nonsense"}, "Unknown option '--nonsense'"},
	} {
		stranger := enter("jma3", c.flags...)
		stranger.sees(c.want)
		stranger.leaves(1)
	}
}

// sameVersions wants the example to name the packages that are tested here.
func sameVersions(t *testing.T) {
	t.Helper()
	dependencies := func(file string) (d struct{ Dependencies map[string]string }) {
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &d)
		}
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	tested := dependencies("package.json").Dependencies
	for name, version := range dependencies(filepath.Join(examples, "chatroom", "package.json")).Dependencies {
		if tested[name] != version {
			t.Errorf("the example has %s %s, tested is %q", name, version, tested[name])
		}
	}
}

// terminal is a program of Node with somebody who types and reads.
type terminal struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // closed at the end of what it says
}

const reading = 20 * time.Second // until a line must have come

func open(t *testing.T, args ...string) *terminal {
	t.Helper()
	x := &terminal{t: t, cmd: exec.Command("node", args...), lines: make(chan string, 100)}
	in, err := x.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := x.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	x.in, x.cmd.Stderr = in, x.cmd.Stdout
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.cmd.Process.Kill() }) // unless it has ended
	go func() {
		defer close(x.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			x.lines <- lines.Text()
		}
	}()
	return x
}

func (x *terminal) types(line string) {
	x.t.Helper()
	if _, err := fmt.Fprintln(x.in, line); err != nil {
		x.t.Fatal(err)
	}
}

// sees waits for a line that begins so.
func (x *terminal) sees(beginning string) string {
	x.t.Helper()
	late := time.After(reading)
	var others []string
	for {
		select {
		case line, more := <-x.lines:
			if strings.HasPrefix(line, beginning) {
				return line
			}
			if others = append(others, line); more {
				continue
			}
		case <-late:
		}
		x.t.Fatalf("%v: no line begins with %q; there were %q", x.cmd.Args[2:], beginning, others)
	}
}

// leaves ends what is typed and wants the program to end with a code.
func (x *terminal) leaves(code int) {
	x.t.Helper()
	_ = x.in.Close() // it may have ended
	for range x.lines {
	}
	_ = x.cmd.Wait() // the code tells
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Errorf("%v ends with %d, want %d", x.cmd.Args[2:], got, code)
	}
}
