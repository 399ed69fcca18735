package archtest

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestImports(t *testing.T) { hold(t, imports) }

// imports holds every import against the table.
func imports(files []file) (faults []string) {
	table := layers()
	seen := map[string]bool{}
	for _, f := range files {
		l, listed := table[f.dir]
		if strings.HasPrefix(f.dir, "test/") {
			l, listed = table["test/*"]
		}
		if !listed && !seen[f.dir] {
			faults = append(faults, f.dir+": a package that the table of internal/archtest does not know")
		}
		seen[f.dir] = true
		if !listed {
			continue
		}
		for _, spec := range f.ast.Imports {
			target := strings.Trim(spec.Path.Value, `"`)
			if why := forbidden(f, l, target); why != "" {
				faults = append(faults, f.at(spec.Pos())+": imports "+target+": "+why)
			}
		}
	}
	for dir := range table {
		if !seen[dir] && dir != "test/*" && len(files) > 50 {
			faults = append(faults, dir+": in the table of internal/archtest, but there is no such package")
		}
	}
	return faults
}

// forbidden says why a file may not import the target, or "".
func forbidden(f file, l layer, target string) string {
	ours, isOurs := strings.CutPrefix(target, module+"/")
	switch {
	case isOurs:
		return forbiddenOurs(f, l, ours)
	case !strings.Contains(strings.Split(target, "/")[0], "."): // the standard library
		impure := slices.Contains([]string{"net/http", "database/sql", "encoding/json"}, target)
		if l.pure && !f.test && impure {
			return "the domain knows neither wires nor databases"
		}
		return ""
	}
	allowed := l.third
	if f.helps() {
		allowed = slices.Concat(l.third, l.tests, anyTest())
	}
	if !slices.ContainsFunc(allowed, func(m string) bool { return target == m || strings.HasPrefix(target, m+"/") }) {
		return "not in the table of internal/archtest"
	}
	return ""
}

func forbiddenOurs(f file, l layer, target string) string {
	switch {
	case target == f.dir: // an external test of the package
		return ""
	case isTestPackage(target) && f.helps():
		return ""
	case isTestPackage(target):
		return "packages ending in test are imported by tests only"
	}
	if by, guarded := onlyImportedBy()[target]; guarded && !slices.Contains(by, f.dir) {
		return "only " + strings.Join(by, ", ") + " may"
	}
	if slices.Contains(l.ours, target) || f.test && slices.Contains(l.tests, target) {
		return ""
	}
	return "not in the table of internal/archtest"
}

// TestImportsCatches plants violations in memory.
func TestImportsCatches(t *testing.T) {
	for _, c := range []struct{ name, path, source, want string }{
		{"the domain imports the web", "internal/im/x.go", `package im; import _ "net/http"`, "neither wires nor databases"},
		{"the domain imports an adapter", "internal/im/x.go", `package im; import _ "teahouse/internal/sqlstore"`, "not in the table"},
		{"the domain imports a module", "internal/im/x.go", `package im; import _ "golang.org/x/sync/errgroup"`, "not in the table"},
		{"a surface imports an adapter", "internal/easemob/x.go", `package easemob; import _ "teahouse/internal/sqlstore"`, "not in the table"},
		{"a surface imports a driver", "internal/easemob/x.go", `package easemob; import _ "modernc.org/sqlite"`, "not in the table"},
		{"an adapter imports an adapter", "internal/bus/x.go", `package bus; import _ "teahouse/internal/sqlstore"`, "not in the table"},
		{"an adapter imports a surface", "internal/sqlstore/x.go", `package sqlstore; import _ "teahouse/internal/easemob"`, "not in the table"},
		{"a surface imports the root", "internal/easemob/x.go", `package easemob; import _ "teahouse/internal/server"`, "only cmd/teahouse"},
		{"a test imports the root", "internal/easemob/x_test.go", `package easemob; import _ "teahouse/internal/server"`, "only cmd/teahouse"},
		{"product code imports a test package", "internal/server/x.go", `package server; import _ "teahouse/internal/im/imtest"`, "by tests only"},
		{"a black-box test looks inside", "test/sdk/x_test.go", `package sdk; import _ "teahouse/internal/im"`, "not in the table"},
		{"a package nobody knows", "internal/util/x.go", `package util`, "does not know"},
		{"a module like one that is allowed", "internal/passwords/x.go", `package passwords; import _ "golang.org/x/cryptography"`, "not in the table"},
		{"fine: a test imports a test package", "internal/server/x_test.go", `package server; import _ "teahouse/internal/im/imtest"`, ""},
		{"fine: a surface's test imports its store", "internal/easemob/x_test.go", `package easemob; import _ "teahouse/internal/sqlstore"`, ""},
		{"fine: an external test", "internal/bus/x_test.go", `package bus_test; import _ "teahouse/internal/bus"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) { catches(t, imports, c.path, c.source, c.want) })
	}
}

// catches plants one source and wants the rule to say so; want "" means that it is silent.
func catches(t *testing.T, r rule, path, source, want string) {
	t.Helper()
	faults := strings.Join(r(parse(t, fstest.MapFS{path: {Data: []byte(source)}})), "\n")
	if want == "" && faults != "" || !strings.Contains(faults, want) {
		t.Errorf("got %q, want %q", faults, want)
	}
}
