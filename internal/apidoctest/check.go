package apidoctest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	jsonType = "application/json"
	formType = "multipart/form-data"
	anyType  = "*/*"
)

func (v *Validator) check(req *http.Request, reqBody []byte, status int, header http.Header, body []byte) error {
	path, op, ok := v.find(req.Method, req.URL)
	switch {
	case !ok:
		return errors.New("the path is not described")
	case op == nil && status == http.StatusMethodNotAllowed:
		return v.checkError("MethodNotAllowed", header, body)
	case op == nil:
		return fmt.Errorf("%s has no %s", path.path, req.Method)
	}
	response := op.Responses.Value(strconv.Itoa(status))
	if response == nil {
		return fmt.Errorf("%s %s has no status %d", req.Method, path.path, status)
	}
	errs := []error{v.checkAnswer(req, response.Value, header, body)}
	if status < 300 {
		errs = append(errs, v.checkRequest(op, reqBody))
	}
	return errors.Join(errs...)
}

// checkResponse checks the status and the answer of a described call.
func (v *Validator) checkResponse(req *http.Request, status int, header http.Header, body []byte) error {
	path, op, _ := v.find(req.Method, req.URL)
	if op == nil {
		return errors.New("the call is not described")
	}
	response := op.Responses.Value(strconv.Itoa(status))
	if response == nil {
		return fmt.Errorf("%s %s has no status %d", req.Method, path.path, status)
	}
	return v.checkAnswer(nil, response.Value, header, body)
}

func (v *Validator) checkUnknown(req *http.Request, status int, header http.Header, body []byte) error {
	path, op, found := v.find(req.Method, req.URL)
	switch {
	case op != nil:
		return fmt.Errorf("it is described, as %s", path.path)
	case status == http.StatusNotFound:
		return v.checkError("NotFound", header, body)
	case status == http.StatusForbidden && bytes.Contains(body, []byte("service not open!")):
		return v.checkError("Forbidden", header, body)
	case status == http.StatusMethodNotAllowed && found:
		return v.checkError("MethodNotAllowed", header, body)
	}
	return fmt.Errorf("want 404 (405 on a described path, 403 from a service that is not offered)")
}

// checkError checks an answer against one of the shared error responses.
func (v *Validator) checkError(name string, header http.Header, body []byte) error {
	response := v.doc.Components.Responses[name]
	if response == nil {
		return fmt.Errorf("the description has no response %s", name)
	}
	return v.checkAnswer(nil, response.Value, header, body)
}

// checkAnswer checks type and body of an answer. The request is nil for errors outside of any operation.
func (v *Validator) checkAnswer(req *http.Request, response *openapi3.Response, header http.Header, body []byte) error {
	if len(response.Content) == 0 {
		if len(body) > 0 {
			return errors.New("the answer should have no body")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("the answer's Content-Type %q: %w", header.Get("Content-Type"), err)
	}
	media := response.Content[kind]
	if media == nil {
		media = response.Content[anyType] // a file
	}
	if media == nil {
		return fmt.Errorf("the answer is %s, which is not described", kind)
	}
	if kind != jsonType || response.Content[kind] == nil {
		return nil
	}
	value, err := v.judge(media, body)
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	if req == nil {
		return nil
	}
	return errors.Join(checkParams(media, req.URL.Query(), value), checkCount(value))
}

func (v *Validator) checkRequest(op *openapi3.Operation, body []byte) error {
	if op.RequestBody == nil {
		return nil // some clients send {} where nothing is read (clients §1.3)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		if op.RequestBody.Value.Required {
			return errors.New("the request has no body, but the description wants one")
		}
		return nil
	}
	media := op.RequestBody.Value.Content[jsonType]
	if media == nil && op.RequestBody.Value.Content[formType] != nil {
		return nil // it holds a file
	}
	if media == nil {
		return nil // a form
	}
	if _, err := v.judge(media, body); err != nil {
		return fmt.Errorf("the request was accepted, but: %w", err)
	}
	return nil
}

// checkParams checks the echo of the query (wire/easemob.md §1.3), which a schema cannot: it is there if and
// only if there was a query, and has its values. A token in the query need not be echoed.
func checkParams(media *openapi3.MediaType, query url.Values, value any) error {
	answer, ok := value.(map[string]any)
	if !ok || !hasEnvelope(media) {
		return nil
	}
	echo, _ := answer["params"].(map[string]any)
	for name, values := range query {
		if name == "access_token" {
			continue
		}
		list, _ := echo[name].([]any)
		if !slices.EqualFunc(list, values, func(got any, want string) bool { return got == want }) {
			return fmt.Errorf("params should echo %s as %q, not %v", name, values, echo[name])
		}
	}
	for name := range echo {
		if !query.Has(name) {
			return fmt.Errorf("params has %s, which the query had not", name)
		}
	}
	return nil
}

// hasEnvelope reports whether the answer is built on an envelope that has params.
func hasEnvelope(media *openapi3.MediaType) bool {
	return slices.ContainsFunc(media.Schema.Value.AllOf, func(part *openapi3.SchemaRef) bool {
		return part.Value.Properties["params"] != nil
	})
}

// checkCount checks that count, where there is one, is the number of elements (wire/easemob.md §1.3).
func checkCount(value any) error {
	answer, _ := value.(map[string]any)
	count, ok := answer["count"].(json.Number)
	if !ok {
		return nil
	}
	want := 0
	for _, key := range []string{"data", "entities"} {
		if list, ok := answer[key].([]any); ok {
			want = max(want, len(list))
		}
	}
	if count.String() != strconv.Itoa(want) {
		return fmt.Errorf("count is %s, but the answer has %d elements", count, want)
	}
	return nil
}
