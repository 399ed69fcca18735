package archtest

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestCitations looks up every section and decision that a source cites.
func TestCitations(t *testing.T) {
	known := map[string]map[string]bool{
		"easemob":  sectionsOf(read(t, "docs/wire/easemob.md")),
		"clients":  sectionsOf(read(t, "docs/wire/clients.md")),
		"msync":    sectionsOf(read(t, "docs/wire/msync.md")),
		"thinksns": sectionsOf(read(t, "docs/wire/thinksns.md")),
	}
	cited := regexp.MustCompile(`\b(wire/(?:easemob|clients|msync|thinksns)\.md|wire|clients|msync|thinksns)((?:,? (?:to |and )?§[0-9]+(?:\.[0-9]+)*)+)`)
	number := regexp.MustCompile(`§([0-9.]*[0-9])`)
	decision := regexp.MustCompile(`\bADR ([0-9]+)\b`)
	found := 0
	texts(t, repository(), func(name, text string) {
		for _, m := range cited.FindAllStringSubmatch(text, -1) {
			page := "easemob" // also of wire alone
			for _, other := range []string{"clients", "msync", "thinksns"} {
				if strings.Contains(m[1], other) {
					page = other
				}
			}
			for _, n := range number.FindAllStringSubmatch(m[2], -1) {
				found++
				if !known[page][n[1]] {
					t.Errorf("%s: docs/wire/%s.md has no section %s", name, page, n[1])
				}
			}
		}
		for _, m := range decision.FindAllStringSubmatch(text, -1) {
			if pages, err := fs.Glob(repository(), fmt.Sprintf("docs/adr/%04s-*.md", m[1])); err != nil || len(pages) != 1 {
				t.Errorf("%s: there is no ADR %s", name, m[1])
			}
		}
	})
	if found < 50 {
		t.Errorf("only %d citations found: does the pattern still fit?", found)
	}
}

// sectionsOf returns the numbers that a page can be cited by: those of its headings, of ranges of headings, of the rows
// of numbered tables, and of its numbered points.
func sectionsOf(page string) map[string]bool {
	heading := regexp.MustCompile(`^#+ ([0-9]+(?:\.[0-9]+)?)(?: to ([0-9]+)\.([0-9]+))?[. ]`)
	row := regexp.MustCompile(`^\| ([0-9]+) \|`)
	point := regexp.MustCompile(`^\* \*\*([0-9.]+)\*\*`)
	known := map[string]bool{}
	section := ""
	for line := range strings.Lines(page) {
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
			known[section] = true
			if major, first, ok := strings.Cut(section, "."); ok && m[2] == major {
				for n := atoi(first); n <= atoi(m[3]); n++ {
					known[major+"."+itoa(n)] = true
				}
			}
		} else if m := row.FindStringSubmatch(line); m != nil {
			known[section+"."+m[1]] = true
		} else if m := point.FindStringSubmatch(line); m != nil {
			known[m[1]] = true
		}
	}
	return known
}

func atoi(s string) (n int) {
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}
