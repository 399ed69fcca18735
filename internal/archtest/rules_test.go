package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The budgets.
const (
	maxFunction  = 60  // lines
	maxFile      = 500 // lines
	maxInterface = 10  // methods; larger ones are composed of named parts
	maxModules   = 15  // that the server binary depends on directly
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestFunctionLength(t *testing.T) { hold(t, functionLength) }

func functionLength(files []file) (faults []string) {
	excused := longFunctions()
	used := map[string]bool{}
	eachFunction(files, func(f file, fn *ast.FuncDecl, name string) {
		lines := f.line(fn.End()) - f.line(fn.Pos()) + 1
		if lines <= maxFunction {
			return
		}
		if used[name] = true; excused[name] == "" {
			faults = append(faults, fmt.Sprintf("%s: %s has %d lines, more than %d", f.at(fn.Pos()), name, lines, maxFunction))
		}
	})
	return append(faults, unused(files, excused, used, "longFunctions")...)
}

// unused finds excuses that nothing needs any more; planted sources are too few to tell.
func unused(files []file, excuses map[string]string, used map[string]bool, table string) (faults []string) {
	for name := range excuses {
		if !used[name] && len(files) > 50 {
			faults = append(faults, name+": its excuse in "+table+" of internal/archtest is not needed any more")
		}
	}
	return faults
}

// eachFunction calls fn with every function and method and its name, such as internal/im.(*Service).Run.
func eachFunction(files []file, fn func(file, *ast.FuncDecl, string)) {
	for _, f := range files {
		for _, d := range f.ast.Decls {
			if decl, ok := d.(*ast.FuncDecl); ok {
				fn(f, decl, functionName(f, decl))
			}
		}
	}
}

func functionName(f file, fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return f.dir + "." + fn.Name.Name
	}
	receiver, star := receiverType(fn)
	if star {
		return f.dir + ".(*" + receiver + ")." + fn.Name.Name
	}
	return f.dir + "." + receiver + "." + fn.Name.Name
}

func receiverType(fn *ast.FuncDecl) (name string, star bool) {
	e := fn.Recv.List[0].Type
	if s, ok := e.(*ast.StarExpr); ok {
		e, star = s.X, true
	}
	switch g := e.(type) {
	case *ast.IndexExpr:
		e = g.X
	case *ast.IndexListExpr:
		e = g.X
	}
	return e.(*ast.Ident).Name, star
}

func TestFileLength(t *testing.T) { hold(t, byHand(fileLength)) }

func fileLength(files []file) (faults []string) {
	for _, f := range files {
		if n := strings.Count(f.text, "\n"); n > maxFile {
			faults = append(faults, fmt.Sprintf("%s: %d lines, more than %d", f.path, n, maxFile))
		}
	}
	return faults
}

func TestInterfaceSize(t *testing.T) { hold(t, interfaceSize) }

func interfaceSize(files []file) (faults []string) {
	for _, f := range files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			i, ok := n.(*ast.InterfaceType)
			if !ok {
				return true
			}
			methods := 0
			for _, m := range i.Methods.List {
				methods += len(m.Names)
			}
			if methods > maxInterface {
				faults = append(faults, fmt.Sprintf("%s: an interface of %d methods, more than %d: compose it", f.at(i.Pos()), methods, maxInterface))
			}
			return true
		})
	}
	return faults
}

func TestInit(t *testing.T) { hold(t, byHand(noInit)) }

func noInit(files []file) (faults []string) {
	eachFunction(files, func(f file, fn *ast.FuncDecl, _ string) {
		if fn.Name.Name == "init" && fn.Recv == nil {
			faults = append(faults, f.at(fn.Pos())+": an init function")
		}
	})
	return faults
}

func TestVariables(t *testing.T) { hold(t, byHand(noVariables)) }

// noVariables refuses package-level variables, which any function could change, but for: assertions (var _ I = T{}),
// errors made by errors.New, fmt.Errorf or declare, regexp.MustCompile, embedded files, and the flags of tests.
func noVariables(files []file) (faults []string) {
	excused, used := variables(), map[string]bool{}
	for _, f := range files {
		for _, d := range f.ast.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			for _, s := range decl.Specs {
				spec := s.(*ast.ValueSpec)
				for i, name := range spec.Names {
					full := f.dir + "." + name.Name
					if name.Name == "_" || constant(f, spec, i) || embedded(decl, spec) {
						continue
					}
					if used[full] = true; excused[full] == "" {
						faults = append(faults, f.at(name.Pos())+": the package-level variable "+name.Name)
					}
				}
			}
		}
	}
	return append(faults, unused(files, excused, used, "variables")...)
}

// constant reports whether the i-th value is made by a call whose result nobody changes.
func constant(f file, spec *ast.ValueSpec, i int) bool {
	if i >= len(spec.Values) {
		return false
	}
	call, ok := spec.Values[i].(*ast.CallExpr)
	if !ok {
		return false
	}
	switch callee(call) {
	case "errors.New", "fmt.Errorf", "declare", "regexp.MustCompile":
		return true
	}
	return f.test && strings.HasPrefix(callee(call), "flag.")
}

// callee is the name of what is called: "f", "pkg.F" or "value.Method".
func callee(call *ast.CallExpr) string {
	switch fn := call.Fun.(type) {
	case *ast.Ident:
		return fn.Name
	case *ast.SelectorExpr:
		if x, ok := fn.X.(*ast.Ident); ok {
			return x.Name + "." + fn.Sel.Name
		}
		return "." + fn.Sel.Name
	}
	return ""
}

func embedded(decl *ast.GenDecl, spec *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{decl.Doc, spec.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

func TestGoroutines(t *testing.T) { hold(t, listedGoroutines) }

// listedGoroutines refuses what starts a goroutine outside the listed functions: go statements, WaitGroup.Go and its
// likes, AfterFunc. Tests may.
func listedGoroutines(files []file) (faults []string) {
	listed, used := goroutines(), map[string]bool{}
	eachFunction(files, func(f file, fn *ast.FuncDecl, name string) {
		if f.helps() || fn.Body == nil {
			return
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if !starts(n) {
				return true
			}
			if used[name] = true; listed[name] == "" {
				faults = append(faults, f.at(n.Pos())+": "+name+" starts a goroutine and is not listed in internal/archtest")
			}
			return true
		})
	})
	return append(faults, unused(files, listed, used, "goroutines")...)
}

func starts(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.CallExpr:
		_, method, _ := strings.Cut(callee(n), ".")
		return method == "Go" || method == "AfterFunc"
	}
	return false
}

func TestSleep(t *testing.T) { hold(t, noSleep) }

// noSleep refuses time.Sleep in tests: they wait for what they wait for.
func noSleep(files []file) (faults []string) {
	for _, f := range files {
		if !f.test && !isTestPackage(f.dir) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && callee(call) == "time.Sleep" {
				faults = append(faults, f.at(n.Pos())+": a test that sleeps")
			}
			return true
		})
	}
	return faults
}

func TestNotes(t *testing.T) { hold(t, noNotes) }

// noNotes refuses notes to oneself in comments: what is to be done belongs into an issue.
func noNotes(files []file) (faults []string) {
	notes := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
	for _, f := range files {
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				if m := notes.FindString(c.Text); m != "" {
					faults = append(faults, f.at(c.Pos())+": "+m)
				}
			}
		}
	}
	return faults
}
