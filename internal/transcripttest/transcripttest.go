// Package transcripttest plays stored conversations with a surface and compares its answers whole. A line of a transcript
// begins with
//
//	#    a remark
//	!    a command of the surface's tests
//	>    the request: METHOD TARGET [as WHO], then headers, then the body; {{TEXT*N}} stands for N copies of TEXT in which
//	     # is the copy's number
//	     a body "form NAME=VALUE & NAME=@FILE|TYPE|TEXT" is sent as a multipart form
//	<    the answer: the status, behind it "(NAME: N)" where the second world answers another, then headers, then the body
//
// go test … -update writes the answers; read them against the document before a commit.
package transcripttest

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
	"testing"
	"unicode/utf8"
)

// Main is TestMain of a package with transcripts.
func Main(m *testing.M) {
	flag.Bool("update", false, "write the answers of the transcripts")
	flag.Parse()
	os.Exit(m.Run())
}

// Update reports whether answers are to be written.
func Update() bool { return flag.Lookup("update").Value.(flag.Getter).Get().(bool) }

// Step is a request with its stored answer, or a run of other lines.
type Step struct {
	Lines  []string // remarks, commands and blank lines, as they stand
	Method string
	Target string
	Who    string
	Heads  []string
	Body   string
	Want   []string
}

// World is what a transcript plays in. It fails its test when something goes wrong.
type World interface {
	// Play sends a request, with its copies written out.
	Play(Step) *httptest.ResponseRecorder
	// Command runs a line that begins with "!".
	Command(string)
}

// Script is a folder of transcripts.
type Script struct {
	Files   string   // such as testdata/*.http
	Headers []string // of answers, which are stored where they are set
	Worlds  []func(t *testing.T) World
	Second  string // what the second world is called, where there are two
}

// Run plays every file in fresh worlds. Several worlds may differ in the status only.
func (s Script) Run(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(s.Files)
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	t.Run("files", func(t *testing.T) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
				t.Parallel()
				s.play(t, file)
			})
		}
	})
}

func (s Script) play(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(data) {
		t.Fatalf("%s is not UTF-8", file)
	}
	steps := parse(string(data))
	var answers [][]*httptest.ResponseRecorder
	for _, world := range s.Worlds {
		answers = append(answers, replay(world(t), steps))
	}
	var out strings.Builder
	for i, step := range steps {
		if step.Method == "" {
			fmt.Fprintln(&out, strings.Join(step.Lines, "\n"))
			continue
		}
		got := s.answerLines(t, step, i, answers)
		if !Update() && strings.Join(got, "\n") != strings.Join(step.Want, "\n") {
			t.Errorf("%s %s as %q %s\n got %s\nwant %s", step.Method, step.Target, step.Who, step.Body, strings.Join(got, "\n     "), strings.Join(step.Want, "\n     "))
		}
		writeStep(&out, step, got)
	}
	if Update() {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// replay runs the steps; those that are no requests are answered by nil.
func replay(w World, steps []Step) []*httptest.ResponseRecorder {
	answers := make([]*httptest.ResponseRecorder, len(steps))
	for i, s := range steps {
		if s.Method != "" {
			answers[i] = w.Play(s.expanded())
		} else if cmd, ok := strings.CutPrefix(s.Lines[0], "! "); ok {
			w.Command(cmd)
		}
	}
	return answers
}

// answerLines is the stored form of an answer in all worlds.
func (s Script) answerLines(t *testing.T, step Step, i int, answers [][]*httptest.ResponseRecorder) []string {
	t.Helper()
	first := answers[0][i]
	status, body := fmt.Sprint(first.Code), first.Body.String()
	for _, other := range answers[1:] {
		if other[i].Code != first.Code {
			status += fmt.Sprintf(" (%s: %d)", s.Second, other[i].Code)
		}
		if other[i].Body.String() != body {
			t.Errorf("%s %s: the worlds differ in more than the status\n first %s\n other %s", step.Method, step.Target, body, other[i].Body)
		}
	}
	lines := []string{status}
	for _, h := range s.Headers {
		if v := first.Header().Get(h); v != "" {
			lines = append(lines, h+": "+v)
		}
	}
	if strings.Contains(body, "\n") {
		t.Errorf("%s %s: a raw newline in the answer", step.Method, step.Target)
	}
	if step.Method == http.MethodHead { // the server sends no body
		return lines
	}
	return append(lines, body)
}

func parse(text string) (steps []Step) {
	var cur *Step
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "> ") && (cur == nil || len(cur.Want) > 0 || cur.Method == ""):
			steps = append(steps, Step{})
			cur = &steps[len(steps)-1]
			request, who, _ := strings.Cut(line[2:], " as ")
			cur.Method, cur.Target, _ = strings.Cut(request, " ")
			cur.Who = who
		case strings.HasPrefix(line, "> "):
			if rest := line[2:]; cur.Body == "" && isHeader(rest) {
				cur.Heads = append(cur.Heads, rest)
			} else {
				cur.Body += rest
			}
		case strings.HasPrefix(line, "< "):
			cur.Want = append(cur.Want, line[2:])
		default:
			steps = append(steps, Step{Lines: []string{line}})
			cur = nil
		}
	}
	return steps
}

// macro is {{TEXT*N}}.
var macro = regexp.MustCompile(`\{\{(.+?)\*(\d+)\}\}`)

// expanded is the step as it is sent.
func (s Step) expanded() Step {
	s.Target, s.Body = expand(s.Target), expand(s.Body)
	heads := make([]string, len(s.Heads))
	for i, h := range s.Heads {
		heads[i] = expand(h)
	}
	s.Heads = heads
	if fields, ok := strings.CutPrefix(s.Body, "form "); ok {
		s.Body = Form(fields)
		s.Heads = append(s.Heads, "Content-Type: "+FormType)
	}
	return s
}

// FormType is the Content-Type of what [Form] makes.
const FormType = "multipart/form-data; boundary=limit"

// Form makes a multipart body of "NAME=VALUE & NAME=@FILE|TYPE|TEXT".
func Form(fields string) string {
	var b strings.Builder
	for field := range strings.SplitSeq(fields, " & ") {
		name, value, _ := strings.Cut(field, "=")
		head := fmt.Sprintf("Content-Disposition: form-data; name=%q", name)
		if file, ok := strings.CutPrefix(value, "@"); ok {
			parts := strings.SplitN(file, "|", 3)
			head += fmt.Sprintf("; filename=%q\r\nContent-Type: %s", parts[0], parts[1])
			value = parts[2]
		}
		b.WriteString("--limit\r\n" + head + "\r\n\r\n" + value + "\r\n")
	}
	return b.String() + "--limit--\r\n"
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
	return ok && !strings.ContainsAny(name, "{}[]\" =&\\")
}

func writeStep(out *strings.Builder, s Step, got []string) {
	fmt.Fprintf(out, "> %s %s", s.Method, s.Target)
	if s.Who != "" {
		fmt.Fprintf(out, " as %s", s.Who)
	}
	fmt.Fprintln(out)
	for _, h := range s.Heads {
		fmt.Fprintf(out, "> %s\n", h)
	}
	if s.Body != "" {
		fmt.Fprintf(out, "> %s\n", s.Body)
	}
	for _, line := range got {
		fmt.Fprintf(out, "< %s\n", line)
	}
}
