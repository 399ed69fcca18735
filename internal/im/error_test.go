package im_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"teahouse/internal/im"
)

func TestErrorsAreCopied(t *testing.T) {
	cause := errors.New("cause")
	before := *im.ErrNotMember
	e := im.ErrNotMember.With("arg").For("bob").In("room").Because(cause)
	same(t, "the declared one", *im.ErrNotMember, before)
	want := before
	want.Arg, want.User, want.Room, want.Err = "arg", "bob", "room", cause
	same(t, "the copy", *e, want)
	e.With("other").For("cat").In("lounge").Because(nil)
	same(t, "the copy", *e, want)
}

func TestErrorIs(t *testing.T) {
	cause := errors.New("cause")
	e := fmt.Errorf("wrapped: %w", im.ErrForbidden.In("lounge").Because(cause))
	for _, c := range []struct {
		target error
		want   bool
	}{
		{im.ErrForbidden, true}, {im.ErrForbidden.In("other").For("bob"), true}, {cause, true},
		{im.ErrNotSelf, false}, {errors.New("forbidden"), false}, {&im.Error{Code: "forbidden"}, true},
	} {
		same(t, fmt.Sprintf("is %v", c.target), errors.Is(e, c.target), c.want)
	}
	same(t, "a declared one is not another of its kind", errors.Is(im.ErrNotSelf, im.ErrAppOnly), false)
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		err  *im.Error
		want string
	}{
		{im.ErrForbidden, "the caller's role does not allow this"},
		{im.ErrNotMember.For("bob").In("lounge"), "the user is not a member of the room [bob] [lounge]"},
		{im.ErrInvalid.With("ttl").Because(errors.New("negative")), "a value is not valid [ttl]: negative"},
	} {
		same(t, c.err.Code, c.err.Error(), c.want)
	}
}

func TestAsError(t *testing.T) {
	e := im.ErrNotAdmin.For("bob")
	same(t, "found", im.AsError(fmt.Errorf("wrapped: %w", e)) == e, true)
	for _, err := range []error{errors.New("disk"), context.Canceled, fmt.Errorf("wrapped: %w", context.DeadlineExceeded)} {
		got := im.AsError(err)
		same(t, "code", got.Code, "internal")
		same(t, "the cause is kept", errors.Is(got, err), true)
	}
	same(t, "the declared one has none", im.ErrInternal.Err, nil)
}

// declared reads error.go: the names of the errors in the order of their declaration, with kind, code and text.
func declared(t *testing.T) (names []string, fields map[string][3]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	must(t, err)
	fields = map[string][3]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		call, ok := spec.Values[0].(*ast.CallExpr)
		if !ok || fmt.Sprint(call.Fun) != "declare" {
			return true
		}
		var f [3]string
		for i, arg := range call.Args {
			switch arg := arg.(type) {
			case *ast.Ident:
				f[i] = arg.Name
			case *ast.BasicLit:
				f[i], err = strconv.Unquote(arg.Value)
				must(t, err)
			}
		}
		names = append(names, spec.Names[0].Name)
		fields[spec.Names[0].Name] = f
		return true
	})
	return names, fields
}

// TestErrorsListsAllThatAreDeclared, each once and in this order, under a code of its own.
func TestErrorsListsAllThatAreDeclared(t *testing.T) {
	names, fields := declared(t)
	all := im.Errors()
	if len(all) != len(names) || len(all) < 50 {
		t.Fatalf("Errors() has %d, error.go declares %d", len(all), len(names))
	}
	codes := map[string]bool{}
	for i, e := range all {
		same(t, names[i], [3]string{e.Kind.String(), e.Code, e.Text}, fields[names[i]])
		if codes[e.Code] || e.Code == "" || strings.ToLower(e.Code) != e.Code || strings.ContainsAny(e.Code, " -") {
			t.Errorf("%s: the code %q is used twice or is no lower-case word", names[i], e.Code)
		}
		codes[e.Code] = true
		if e.Text == "" || e.Arg != "" || e.User != "" || e.Room != "" || e.Count != 0 || e.Err != nil {
			t.Errorf("%s: got %+v, want a text and no nouns", names[i], *e)
		}
	}
}

func TestKinds(t *testing.T) {
	var names []string
	for k := im.Internal; k <= im.Unavailable; k++ {
		names = append(names, k.String())
	}
	same(t, "names", strings.Join(names, " "), "Internal Invalid Unauthenticated Denied NotFound Conflict Exhausted Unavailable")
	same(t, "the zero Error is internal", (&im.Error{}).Kind, im.Internal)
}
