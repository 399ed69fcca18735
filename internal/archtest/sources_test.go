// Package archtest holds the architecture and the house rules as tests. It parses the sources itself: an answer of the
// go command would come from the test cache although the sources have changed.
//
// What is allowed stands in table_test.go, one line each.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "teahouse"

// file is one Go source.
type file struct {
	path string // from the module's root, with slashes
	dir  string // the package's folder
	test bool   // _test.go
	fset *token.FileSet
	ast  *ast.File
	text string
}

// at names a place in the file.
func (f file) at(p token.Pos) string {
	return f.path + ":" + itoa(f.fset.Position(p).Line)
}

func (f file) line(p token.Pos) int { return f.fset.Position(p).Line }

// generated reports whether nobody writes the file by hand.
func (f file) generated() bool { return ast.IsGenerated(f.ast) }

// helps reports whether the file is not part of the server: a _test.go file, or any of a package for development.
func (f file) helps() bool { return f.test || development(f.dir) }

func isTestPackage(dir string) bool {
	return strings.HasSuffix(dir, "test") || strings.HasPrefix(dir, "test/")
}

// repository is the module's root on disk.
func repository() fs.FS { return os.DirFS("../..") }

// foreign names folders that hold nothing of ours.
func foreign(name string) bool {
	return name == "node_modules" || name == "vendor" || name == "data" || name == "testdata" || name != "." && strings.HasPrefix(name, ".")
}

// texts calls fn with every text file outside foreign folders.
func texts(t *testing.T, root fs.FS, fn func(name, text string)) {
	t.Helper()
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && foreign(d.Name()) && d.Name() != ".ci":
			return fs.SkipDir
		case d.IsDir() || !isText(name):
			return nil
		}
		data, err := fs.ReadFile(root, name)
		if err == nil {
			fn(name, string(data))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isText(name string) bool {
	switch path.Ext(name) {
	case ".go", ".md", ".sql", ".yaml", ".yml", ".mod", ".json", ".js", ".sh", ".txt", ".txtar":
		return true
	}
	base := path.Base(name)
	return base == "Makefile" || base == ".npmrc" || strings.HasPrefix(name, ".ci/")
}

// parse returns every Go source of the main module. A nested module, such as tools, is not part of it.
func parse(t *testing.T, root fs.FS) (files []file) {
	t.Helper()
	nested := map[string]bool{}
	texts(t, root, func(name, _ string) {
		if path.Base(name) == "go.mod" && name != "go.mod" {
			nested[path.Dir(name)] = true
		}
	})
	texts(t, root, func(name, text string) {
		if path.Ext(name) != ".go" || nested[strings.SplitN(name, "/", 2)[0]] {
			return
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), fset, parsed, text})
	})
	return files
}

// rule looks at the sources and returns what is wrong, each with its place.
type rule func([]file) []string

// byHand is the rule for files that somebody writes.
func byHand(r rule) rule {
	return func(files []file) []string { return r(slices.DeleteFunc(slices.Clone(files), file.generated)) }
}

// hold checks a rule against the repository.
func hold(t *testing.T, r rule) {
	t.Helper()
	files := parse(t, repository())
	if len(files) < 50 {
		t.Fatalf("found %d sources only: is this the module's root?", len(files))
	}
	for _, fault := range r(files) {
		t.Error(fault)
	}
}
