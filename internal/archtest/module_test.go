package archtest

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestModules counts the modules whose packages product code imports: more are more to update and to trust.
func TestModules(t *testing.T) {
	data, err := fs.ReadFile(repository(), "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var required []string
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) > 1 && strings.Contains(fields[0], ".") && strings.HasPrefix(fields[1], "v") {
			required = append(required, fields[0])
		}
	}
	used := usedModules(parse(t, repository()), required)
	if len(used) > maxModules {
		t.Errorf("the server depends on %d modules, more than %d: %s", len(used), maxModules, strings.Join(used, ", "))
	}
	if len(used) < 3 {
		t.Errorf("found only %s: is go.mod read right?", used)
	}
}

// usedModules returns the required modules that product code imports directly.
func usedModules(files []file, required []string) (used []string) {
	for _, f := range files {
		if f.helps() {
			continue
		}
		for _, spec := range f.ast.Imports {
			target := strings.Trim(spec.Path.Value, `"`)
			best := ""
			for _, m := range required {
				if (target == m || strings.HasPrefix(target, m+"/")) && len(m) > len(best) {
					best = m
				}
			}
			if best != "" && !slices.Contains(used, best) {
				used = append(used, best)
			}
		}
	}
	slices.Sort(used)
	return used
}

// TestPaths refuses the paths of somebody's machine in any text of the repository.
func TestPaths(t *testing.T) {
	machine := machinePaths()
	texts(t, repository(), func(name, text string) {
		if m := machine.FindString(text); m != "" {
			t.Errorf("%s: the path of a machine: %s", name, m)
		}
	})
}

func machinePaths() *regexp.Regexp {
	return regexp.MustCompile(`(^|[\s"'=(:` + "`" + `])/(home|root|work|Users|mnt)/\w+`)
}

func TestPathsCatches(t *testing.T) {
	for text, want := range map[string]bool{
		"see " + "/ho" + "me/ann/notes": true,
		`"` + "/wo" + `rk/x"`:           true,
		"/usr/lib/postgresql/15/bin":    false,
		"https://host/home/page":        false,
		"./work/x":                      false,
		"network/root/x":                false,
	} {
		if got := machinePaths().MatchString(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
