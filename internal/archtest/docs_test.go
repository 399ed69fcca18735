package archtest

import (
	"go/ast"
	"testing"
)

func TestDocumented(t *testing.T) { hold(t, byHand(documented)) }

// documented wants a comment on every exported name outside _test.go files. One comment over a group of constants,
// variables or fields speaks for all of them.
func documented(files []file) (faults []string) {
	for _, f := range files {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if needsDoc(d) && d.Doc.Text() == "" {
					faults = append(faults, f.at(d.Pos())+": "+functionName(f, d)+" has no comment")
				}
			case *ast.GenDecl:
				faults = append(faults, undocumented(f, d)...)
			}
		}
	}
	return append(faults, unexplained(files)...)
}

func needsDoc(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return fn.Name.IsExported()
	}
	receiver, _ := receiverType(fn)
	return fn.Name.IsExported() && ast.IsExported(receiver)
}

func undocumented(f file, d *ast.GenDecl) (faults []string) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc.Text() == "" && s.Doc.Text() == "" && s.Comment.Text() == "" {
				faults = append(faults, f.at(s.Pos())+": "+s.Name.Name+" has no comment")
			}
		case *ast.ValueSpec:
			if d.Doc.Text() != "" || s.Doc.Text() != "" || s.Comment.Text() != "" {
				continue
			}
			for _, n := range s.Names {
				if n.IsExported() {
					faults = append(faults, f.at(n.Pos())+": "+n.Name+" has no comment")
				}
			}
		}
	}
	return faults
}

// unexplained lists the packages without a package comment.
func unexplained(files []file) (faults []string) {
	explained := map[string]bool{}
	for _, f := range files {
		explained[f.dir] = explained[f.dir] || f.ast.Doc.Text() != ""
	}
	for dir, ok := range explained {
		if !ok {
			faults = append(faults, dir+": no file has a package comment")
		}
	}
	return faults
}
