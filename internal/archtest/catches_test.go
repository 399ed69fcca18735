package archtest

import (
	"strings"
	"testing"
)

// TestRulesCatch plants a violation of each rule in memory, and what comes close to one.
func TestRulesCatch(t *testing.T) {
	const product, test = "internal/im/x.go", "internal/im/x_test.go"
	long := "package im\n\nfunc f() {\n" + strings.Repeat("\tf()\n", maxFunction-1) + "}\n"
	fits := strings.Replace(long, "\tf()\n", "", 1)
	methods := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("\tM" + itoa(i) + "()\n")
		}
		return "package im\n\ntype i interface {\n\terror\n" + b.String() + "}\n"
	}
	for _, c := range []struct {
		name         string
		rule         rule
		path, source string
		want         string
	}{
		{"long function", functionLength, product, long, "61 lines"},
		{"function that just fits", functionLength, product, fits, ""},
		{"long file", fileLength, product, "package im\n" + strings.Repeat("\n", maxFile), "501 lines"},
		{"large interface", interfaceSize, product, methods(11), "11 methods"},
		{"interface that just fits", interfaceSize, product, methods(10), ""},
		{"init", noInit, product, "package im\nfunc init() {}", "init function"},
		{"method init", noInit, product, "package im\ntype T int\nfunc (T) init() {}", ""},
		{"variable", noVariables, product, "package im\nvar cache = map[string]int{}", "variable cache"},
		{"variable without a value", noVariables, product, "package im\nvar a, b int", "variable b"},
		{"variable of another package's call", noVariables, product, `package im; import "sync"; var once = sync.OnceFunc(nil)`, "variable once"},
		{"error", noVariables, product, `package im; import "errors"; var errX = errors.New("x")`, ""},
		{"assertion", noVariables, product, "package im\nvar _ error = T{}", ""},
		{"embedded", noVariables, product, "package im\n\n//go:embed x\nvar x string", ""},
		{"goroutine", listedGoroutines, product, "package im\nfunc f() { go f() }", "im.f starts"},
		{"goroutine of a group", listedGoroutines, product, "package im\nfunc f() { var g group; g.Go(f) }", "im.f starts"},
		{"goroutine of a field's group", listedGoroutines, product, "package im\nfunc f() { s.all.Go(f) }", "im.f starts"},
		{"timer", listedGoroutines, product, `package im; import "time"; func f() { time.AfterFunc(1, f) }`, "im.f starts"},
		{"goroutine of a test", listedGoroutines, test, "package im\nfunc f() { go f() }", ""},
		{"sleep", noSleep, test, `package im; import "time"; func f() { time.Sleep(1) }`, "sleeps"},
		{"sleep in a test package", noSleep, "internal/bustest/x.go", `package bustest; import "time"; func f() { time.Sleep(1) }`, "sleeps"},
		{"note", noNotes, product, "package im\n\n// TO" + "DO: later", "TO" + "DO"},
		{"undocumented function", documented, product, "// Package im.\npackage im\nfunc F() {}", "im.F has no comment"},
		{"undocumented method", documented, product, "// Package im.\npackage im\n\n// T is.\ntype T int\nfunc (*T) M() {}", "im.(*T).M has"},
		{"undocumented type", documented, product, "// Package im.\npackage im\ntype T int", "T has no comment"},
		{"undocumented constant", documented, product, "// Package im.\npackage im\nconst C = 1", "C has no comment"},
		{"group under one comment", documented, product, "// Package im.\npackage im\n\n// Two.\nconst (\n\tA = 1\n\tB = 2\n)", ""},
		{"method of an unexported type", documented, product, "// Package im.\npackage im\ntype t int\nfunc (t) String() {}", ""},
		{"no package comment", documented, product, "package im", "no file has a package comment"},
	} {
		t.Run(c.name, func(t *testing.T) { catches(t, c.rule, c.path, c.source, c.want) })
	}
}
