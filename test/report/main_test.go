package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name, events string
		code         int
		want         []string
	}{
		{"passes", `{"Action":"pass","Package":"p","Test":"T"}
{"Action":"output","Package":"p","Output":"ok p (cached)\n"}
{"Action":"pass","Package":"p","Elapsed":1.25}`, 0, []string{"ok    p  1.2s (cached)", "1 passed, 0 failed, 0 skipped"}},
		{"fails", `{"Action":"output","Package":"p","Test":"T","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"T"}
{"Action":"fail","Package":"p"}
{"Action":"pass","Package":"q"}`, 1, []string{"got 1, want 2", "FAIL  p", "ok    q  0.0s\n\n\nFAIL  p T\n    got 1, want 2\n\n0 passed, 2 failed"}},
		{"skips", `{"Action":"output","Package":"p","Test":"T","Output":"=== RUN   T\n"}
{"Action":"output","Package":"p","Test":"T","Output":"    x_test.go:1: SKIPPED: no engine\n"}
{"Action":"output","Package":"p","Test":"T","Output":"--- SKIP: T (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"T"}
{"Action":"pass","Package":"p","Test":"U"}`, 0, []string{"!!! SKIPPED 1 parts:", "p T: x_test.go:1: SKIPPED: no engine", "1 passed, 0 failed, 1 skipped"}},
		{"does not build", `{"Action":"build-output","ImportPath":"p","Output":"undefined: x\n"}
{"Action":"fail","Package":"p"}`, 1, []string{"undefined: x", "0 passed, 1 failed"}},
		{"notes", `{"Action":"attr","Package":"p","Test":"T","Key":"report","Value":"sdk: 21 of 59 pass"}
{"Action":"pass","Package":"p","Test":"T"}`, 0, []string{"sdk: 21 of 59 pass"}},
		{"says nothing", ``, 1, []string{"0 passed, 0 failed"}},
		{"no event", `go: cannot find main module` + "\n", 1, []string{"go: cannot find main module"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			r := &report{out: &out, output: map[testName][]string{}}
			if err := r.read(strings.NewReader(c.events)); err != nil {
				t.Fatal(err)
			}
			if code := r.end(); code != c.code {
				t.Errorf("got exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}
