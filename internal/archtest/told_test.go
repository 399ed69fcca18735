package archtest

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestLinks follows every relative link of the documents.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)
	texts(t, repository(), func(name, text string) {
		if path.Ext(name) != ".md" {
			return
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if target := path.Join(path.Dir(name), m[1]); !fs.ValidPath(target) {
				t.Errorf("%s: a link out of the repository: %s", name, m[1])
			} else if _, err := fs.Stat(repository(), target); err != nil {
				t.Errorf("%s: a dead link: %s", name, m[1])
			}
		}
	})
}

// TestTold wants what operators can set and watch in the guides in both languages, and every function that starts
// goroutines in the page about architecture.
func TestTold(t *testing.T) {
	guides := []string{"docs/operations.md", "docs/operations.zh-CN.md"}
	for _, c := range []struct {
		source, pattern, as string
		guides              []string
	}{
		{"cmd/teahouse/cli.go", `env:"(TEAHOUSE_\w+)"`, "$1", guides},
		{"internal/im/settings.go", `(?:number\(|\{)"([a-z]+_[a-z_]+)", "`, "$1", guides},
		{"internal/server/metrics.go", `Name: "(teahouse_\w+[a-z])"`, "$1", guides},
		{"internal/server/metrics.go", `latency\("(\w+)"`, "teahouse_store_${1}_seconds", guides},
		{"internal/easemob/limits.go", `= "([a-z-]+)"`, "$1", guides},
		{"internal/server/limits.go", `const perPerson = "([a-z-]+)"`, "$1", guides},
	} {
		pattern := regexp.MustCompile(c.pattern)
		source := read(t, c.source)
		found := pattern.FindAllStringSubmatchIndex(source, -1)
		if len(found) == 0 {
			t.Errorf("%s: nothing matches %s", c.source, c.pattern)
		}
		for _, m := range found {
			word := string(pattern.ExpandString(nil, c.as, source, m))
			for _, g := range c.guides {
				if !notBuilt(word) && !strings.Contains(read(t, g), "`"+word) {
					t.Errorf("%s does not tell of %s (%s)", g, word, c.source)
				}
			}
		}
	}
	architecture := read(t, "docs/architecture.md")
	for name := range goroutines() {
		if _, short, _ := strings.Cut(name, "/"); !strings.Contains(architecture, strings.TrimPrefix(short, "internal/")) && !strings.Contains(architecture, name) {
			t.Errorf("docs/architecture.md does not tell of the goroutine of %s", name)
		}
	}
}

// notBuilt reports whether a variable is for what is to come; the guides name those flags in one sentence.
func notBuilt(word string) bool {
	return word == "TEAHOUSE_BUS"
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := fs.ReadFile(repository(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
