// Command report reads the events of "go test -json" on standard input and tells people what happened: a line per
// package, all that a failed test said, and at the end what was skipped and why. It exits with 1 when anything failed.
//
// A test adds a line to the end with t.Attr("report", "…").
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of "go test -json" (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Elapsed    float64
	Output     string
	Key, Value string // of attributes
}

type testName struct{ pkg, test string }

// report collects what the end needs.
type report struct {
	out     io.Writer
	output  map[testName][]string // what each test said, until it passes; test "" is the package
	passed  int
	failed  int
	causes  []string // what failed, and how what it said begins
	skipped []string
	notes   []string
}

func main() {
	r := &report{out: os.Stdout, output: map[testName][]string{},
		skipped: os.Args[1:]} // what the caller could not even try
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
	os.Exit(r.end())
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(r.out, line) // not an event: shown as it is
			} else {
				r.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	name := testName{e.Package, e.Test}
	switch e.Action {
	case "output":
		r.output[name] = append(r.output[name], e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "attr":
		if e.Key == "report" {
			r.notes = append(r.notes, e.Value)
		}
	case "pass":
		r.pass(e, name)
	case "fail":
		r.fail(e, name)
	case "skip":
		r.skip(e, name)
	}
}

func (r *report) pass(e event, name testName) {
	if e.Test == "" {
		from := ""
		if strings.Contains(strings.Join(r.output[name], ""), "(cached)") {
			from = " (cached)"
		}
		fmt.Fprintf(r.out, "ok    %s  %.1fs%s\n", e.Package, e.Elapsed, from)
	} else {
		r.passed++
	}
	delete(r.output, name)
}

func (r *report) fail(e event, name testName) {
	if e.Test == "" {
		fmt.Fprintf(r.out, "FAIL  %s  %.1fs\n", e.Package, e.Elapsed)
	}
	r.failed++ // a package also counts: it may fail without a test
	said := strings.Join(r.output[name], "")
	fmt.Fprint(r.out, said)
	delete(r.output, name)
	if b := beginning(said); b != "" {
		r.causes = append(r.causes, strings.TrimSpace(e.Package+" "+e.Test)+"\n"+b)
	}
}

// beginning returns the first lines of what a test said, which tell what is wrong, without those of the go command.
func beginning(said string) string {
	const most = 20
	var kept []string
	for line := range strings.Lines(said) {
		if text := strings.TrimSpace(line); !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") && len(kept) < most {
			kept = append(kept, fmt.Sprintf("    %.300s\n", strings.TrimRight(line, "\n")))
		}
	}
	return strings.Join(kept, "")
}

func (r *report) skip(e event, name testName) {
	if e.Test == "" { // a package without tests
		return
	}
	why := "no reason given"
	for _, line := range r.output[name] {
		if !strings.HasPrefix(strings.TrimSpace(line), "---") && !strings.HasPrefix(line, "===") {
			why = strings.TrimSpace(line)
		}
	}
	r.skipped = append(r.skipped, e.Package+" "+e.Test+": "+why)
	delete(r.output, name)
}

// end writes the summary and returns the exit code.
func (r *report) end() int {
	fmt.Fprintln(r.out)
	for _, n := range r.notes {
		fmt.Fprintln(r.out, n)
	}
	if len(r.skipped) > 0 {
		fmt.Fprintf(r.out, "\n!!! SKIPPED %d parts:\n", len(r.skipped))
		for _, s := range r.skipped {
			fmt.Fprintln(r.out, "!!!   "+s)
		}
		fmt.Fprintln(r.out, "!!! To make skipped parts fail: TEAHOUSE_TEST_REQUIRE=postgres,sdk,browser make test")
	}
	for _, cause := range r.causes { // again: what follows a failure may be long, and of a log one often sees the end
		fmt.Fprint(r.out, "\nFAIL  "+cause)
	}
	fmt.Fprintf(r.out, "\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, len(r.skipped))
	if r.failed > 0 || r.passed == 0 {
		return 1
	}
	return 0
}
