// Package apidoctest checks recorded HTTP exchanges against the description in apidoc, so that the server and
// its description cannot drift apart. Only tests import it.
//
// kin-openapi reads the document; the values are judged by a JSON Schema 2020-12 validator directly, because
// kin-openapi leaves out keywords of 3.1 without a word where a schema does not compile.
package apidoctest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"teahouse/internal/apidoc"
)

// Validator knows the description. Parallel tests may share one.
type Validator struct {
	doc   *openapi3.T
	paths []template // the most literal first

	mu       sync.Mutex
	compiler *jsonschema.Compiler          // guarded by mu
	schemas  map[string]*jsonschema.Schema // by reference; guarded by mu
}

// New reads the description. It fails t when the description cannot be read.
func New(t testing.TB) *Validator {
	t.Helper()
	v, err := load(apidoc.Document())
	if err != nil {
		t.Fatalf("reading the API description: %v", err)
	}
	return v
}

// Check fails t unless the description has the request's path, method and status, and the answer is as it says.
// For statuses below 300 it also checks the request's body. Bodies count as JSON whatever the Content-Type of
// the request says; the answer has to name its type.
func (v *Validator) Check(t testing.TB, req *http.Request, reqBody []byte, status int, header http.Header, body []byte) {
	t.Helper()
	if err := v.check(req, reqBody, status, header, body); err != nil {
		t.Errorf("%s %s → %d is not as the API description says: %v\nanswer: %s", req.Method, req.URL, status, err, clip(body))
	}
}

// CheckUnknown is Check for a request that the description does not have: it fails t when the description does
// have it, when the status is not 404 (405 where another method has the path, 403 from a service that is not offered), and
// when the answer is no error envelope.
func (v *Validator) CheckUnknown(t testing.TB, req *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	if err := v.checkUnknown(req, status, header, body); err != nil {
		t.Errorf("%s %s → %d should be an answer to an unknown call: %v\nanswer: %s", req.Method, req.URL, status, err, clip(body))
	}
}

const location = "mem:///openapi.json"

// Describes reports whether the description has the request's path and method.
func (v *Validator) Describes(req *http.Request) bool {
	_, op, _ := v.find(req.Method, req.URL)
	return op != nil
}

func load(document string) (*Validator, error) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(document))
	if err != nil {
		return nil, err
	}
	text, err := yaml.YAMLToJSON([]byte(document))
	if err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource(location, whole); err != nil {
		return nil, err
	}
	return &Validator{
		doc: doc, paths: templates(doc), compiler: compiler, schemas: map[string]*jsonschema.Schema{},
	}, nil
}

// schema returns the compiled schema that ref names, such as #/components/schemas/User.
func (v *Validator) schema(ref string) (*jsonschema.Schema, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.schemas[ref]; s != nil {
		return s, nil
	}
	if !strings.HasPrefix(ref, "#/components/schemas/") {
		return nil, fmt.Errorf("the description does not name a schema of its components here, but %q", ref)
	}
	s, err := v.compiler.Compile(location + ref)
	if err != nil {
		return nil, err
	}
	v.schemas[ref] = s
	return s, nil
}

// judge checks a JSON text against the schema of a media type and returns its value.
func (v *Validator) judge(media *openapi3.MediaType, text []byte) (any, error) {
	if media.Schema == nil {
		return nil, fmt.Errorf("the description has no schema here")
	}
	s, err := v.schema(media.Schema.Ref)
	if err != nil {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	return value, plainly(s.Validate(value))
}

// plainly words a validation error one line a fault. A closed answer whose envelope has a fault has all keys
// of the envelope for unknown as well; those are left out unless they are all there is.
func plainly(err error) error {
	var whole *jsonschema.ValidationError
	if !errors.As(err, &whole) {
		return err
	}
	var faults, unknown []string
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		at := "/" + strings.Join(e.InstanceLocation, "/")
		if _, closed := e.ErrorKind.(*kind.FalseSchema); closed {
			unknown = append(unknown, at+": unknown key")
		} else if len(e.Causes) == 0 {
			faults = append(faults, at+": "+e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
		}
	}
	walk(whole)
	if len(faults) == 0 {
		faults = unknown
	}
	slices.Sort(faults)
	return errors.New(strings.Join(slices.Compact(faults), "\n\t"))
}

func clip(body []byte) string {
	const most = 4000
	if len(body) > most {
		return string(body[:most]) + " …"
	}
	return string(body)
}

// CheckAnswer is Check without the request's body, for calls that take it in several forms.
func (v *Validator) CheckAnswer(t testing.TB, req *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	if err := v.checkResponse(req, status, header, body); err != nil {
		t.Errorf("%s %s → %d is not as the API description says: %v\nanswer: %s", req.Method, req.URL, status, err, clip(body))
	}
}
