package apidoctest

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"teahouse/internal/apidoc"
)

// operation is one described call.
type operation struct {
	method, path string
	*openapi3.Operation
}

func (o operation) String() string { return o.method + " " + o.path }

func operations(v *Validator) (list []operation) {
	for _, p := range v.paths {
		for method, op := range p.item.Operations() {
			list = append(list, operation{method, p.path, op})
		}
	}
	slices.SortFunc(list, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return list
}

// examples returns the examples of a media type by name.
func examples(media *openapi3.MediaType) map[string]any {
	all := map[string]any{}
	if media.Example != nil {
		all["example"] = media.Example
	}
	for name, e := range media.Examples {
		all[name] = e.Value.Value
	}
	return all
}

// TestDocumentIsOpenAPI lets kin-openapi check the document by the rules of OpenAPI 3.1, its examples included.
func TestDocumentIsOpenAPI(t *testing.T) {
	v := New(t)
	if !v.doc.IsOpenAPI31OrLater() {
		t.Errorf("the document is OpenAPI %s", v.doc.OpenAPI)
	}
	if err := v.doc.Validate(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestEverySchemaCompiles leaves no schema to fail at its first use.
func TestEverySchemaCompiles(t *testing.T) {
	v := New(t)
	for name := range v.doc.Components.Schemas {
		if _, err := v.schema("#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryOperationIsDescribed(t *testing.T) {
	v := New(t)
	tags := map[string]bool{}
	for _, tag := range v.doc.Tags {
		tags[tag.Name] = true
	}
	ids := map[string]string{}
	for _, op := range operations(v) {
		if op.OperationID == "" || op.Summary == "" || op.Description == "" || len(op.Tags) != 1 || !tags[op.Tags[0]] {
			t.Errorf("%s: wants an operationId, a summary, a description and one declared tag", op)
		}
		if other := ids[op.OperationID]; other != "" {
			t.Errorf("%s: has the operationId of %s", op, other)
		}
		ids[op.OperationID] = op.String()
		for _, media := range bodies(t, op) {
			if len(examples(media)) == 0 {
				t.Errorf("%s: a body without an example", op)
			}
		}
		if !strings.HasPrefix(op.path, "/{org}/{app}/") {
			continue
		}
		for _, status := range []string{"200", "400", "401", "403", "404", "405", "413", "429", "500", "503"} {
			if r := op.Responses.Value(status); r == nil {
				t.Errorf("%s: no answer %s", op, status)
			} else if status != "200" && !strings.HasPrefix(r.Ref, "#/components/responses/") {
				t.Errorf("%s: answer %s is not a shared one", op, status)
			}
		}
	}
}

// bodies returns the media types of an operation's request and of its answers.
func bodies(t *testing.T, op operation) (list []*openapi3.MediaType) {
	t.Helper()
	if op.RequestBody != nil {
		for _, media := range op.RequestBody.Value.Content {
			list = append(list, media)
		}
	}
	for status, r := range op.Responses.Map() {
		if status == "200" && len(r.Value.Content) == 0 {
			t.Errorf("%s: answer 200 without a body", op)
		}
		for _, media := range r.Value.Content {
			list = append(list, media)
		}
	}
	return list
}

// TestExamplesAreTrue checks every example against its schema, and its request line against its operation.
func TestExamplesAreTrue(t *testing.T) {
	v := New(t)
	uses := 0
	for _, op := range operations(v) {
		for _, media := range bodies(t, op) {
			if media.Schema.Ref == "" {
				continue // plain text
			}
			for name, e := range examples(media) {
				text, _ := json.Marshal(e)
				if _, err := v.judge(media, text); err != nil {
					t.Errorf("%s, example %s: %v", op, name, err)
				}
				uses++
			}
		}
		for name, e := range answers(op) {
			checkExampleURI(t, v, op, name, e)
		}
	}
	if uses < 500 {
		t.Errorf("only %d examples were checked", uses)
	}
}

// successMedia is the JSON of an operation's answer 200, or 201 where there is none; nil when it has no JSON.
func successMedia(op operation) *openapi3.MediaType {
	for _, status := range []string{"200", "201"} {
		if r := op.Responses.Value(status); r != nil {
			return r.Value.Content[jsonType]
		}
	}
	return nil
}

// answers returns the examples of an operation's JSON answer 200.
func answers(op operation) map[string]any {
	if media := successMedia(op); media != nil {
		return examples(media)
	}
	return nil
}

func checkExampleURI(t *testing.T, v *Validator, op operation, name string, example any) {
	t.Helper()
	answer, _ := example.(map[string]any)
	uri, ok := answer["uri"].(string)
	if !ok {
		return
	}
	u, err := url.Parse(uri)
	if err != nil {
		t.Errorf("%s, example %s: %v", op, name, err)
		return
	}
	if p, _, _ := v.find(op.method, u); p.path != op.path {
		t.Errorf("%s, example %s: its uri %s belongs to %q", op, name, uri, p.path)
	}
}

// TestNoHosts: whoever reads the description must not be sent to anybody's server.
func TestNoHosts(t *testing.T) {
	for _, m := range regexp.MustCompile(`(?i)\b(?:https?|wss?)://([^/\s"'\\)]*)`).FindAllStringSubmatch(apidoc.Document(), -1) {
		if m[1] != "im.example.com" && !strings.HasPrefix(m[1], "[^") && m[1] != "" {
			t.Errorf("the description names the host %q", m[1])
		}
	}
	v := New(t)
	for _, s := range v.doc.Servers {
		if s.URL != "/" {
			t.Errorf("the description names the server %q, want / alone", s.URL)
		}
	}
}
