package thinksns

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"teahouse/internal/im"
)

// Limits of what a request carries.
const (
	maxBody   = 1 << 20 // bytes of a body that is no upload
	maxFields = 1000    // parameters
	maxItems  = 2000    // elements of a list
)

// input is what a request carries: the body's fields and behind them the query's (wire/thinksns.md §1.1). A value is a
// string, json.Number, bool, nil (present but empty), a list of such, or an object.
type input map[string]any

// readInput reads query and body. What is malformed counts as empty. Errors: ErrTooLarge.
func readInput(w http.ResponseWriter, r *http.Request) (input, error) {
	in := input{}
	in.form(r.URL.Query())
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	in.body(r.Header.Get("Content-Type"), body)
	return in, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > maxBody {
		return nil, im.ErrTooLarge
	}
	var buf bytes.Buffer
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return nil, im.ErrTooLarge
	}
	return buf.Bytes(), nil // a body that breaks off is what came of it
}

// body adds the fields of a body. Whatever it says it is, what begins with a brace is read as JSON: scripts often forget
// to say.
func (in input) body(contentType string, body []byte) {
	kind, params, _ := mime.ParseMediaType(contentType)
	switch trimmed := bytes.TrimSpace(body); {
	case len(trimmed) == 0:
	case kind == "multipart/form-data":
		in.multipart(multipart.NewReader(bytes.NewReader(body), params["boundary"]))
	case strings.Contains(kind, "/json"), strings.Contains(kind, "+json"), trimmed[0] == '{':
		in.json(trimmed)
	default:
		values, _ := url.ParseQuery(string(trimmed)) // what could be read of it
		in.form(values)
	}
}

func (in input) json(body []byte) {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&fields) != nil || d.Decode(new(any)) != io.EOF {
		return
	}
	for key, v := range fields {
		in.put(key, v)
	}
}

// multipart adds the fields of a form in parts; files are left out.
func (in input) multipart(parts *multipart.Reader) {
	values := url.Values{}
	for range maxFields {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		if part.FileName() != "" || part.FormName() == "" {
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			break
		}
		values.Add(part.FormName(), string(value))
	}
	in.form(values)
}

// form adds the fields of a form. Of a name given twice the last one counts; "name[]" and "name[0]" make a list.
func (in input) form(values url.Values) {
	lists := map[string][]string{}
	for key, vs := range values {
		if name, index, ok := strings.Cut(key, "["); ok && strings.HasSuffix(index, "]") && name != "" {
			lists[name] = append(lists[name], key)
			continue
		}
		in.put(key, vs[len(vs)-1])
	}
	for name, keys := range lists {
		slices.SortFunc(keys, byIndex)
		var all []any
		for _, key := range keys {
			for _, v := range values[key] {
				all = append(all, v)
			}
		}
		in.put(name, all)
	}
}

// byIndex orders "a[2]" before "a[10]" and "a[]" before both.
func byIndex(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func (in input) put(key string, v any) {
	if _, known := in[key]; known || len(in) < maxFields {
		in[key] = tidied(key, v)
	}
}

// tidied trims texts, but for passwords; an empty one is nil (wire/thinksns.md §1.1).
func tidied(key string, v any) any {
	switch v := v.(type) {
	case string:
		s := strings.ToValidUTF8(v, "\ufffd")
		if !strings.Contains(key, "password") {
			s = strings.TrimFunc(s, func(r rune) bool { return r == 0 || unicode.IsSpace(r) })
		}
		if s == "" {
			return nil
		}
		return s
	case []any:
		for i := range v {
			v[i] = tidied(key, v[i])
		}
	}
	return v
}

// has reports whether the field came with a value.
func (in input) has(key string) bool { return in[key] != nil }

// text is a field as text, whether it came as text, number or truth value; "" when it did not come or is a list.
func (in input) text(key string) string {
	s, _ := scalar(in[key])
	return s
}

func scalar(v any) (s string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// whole reads a number without sign, fraction or leading zero, from 1 on (wire/thinksns.md §1.4).
func whole(v any) (n int64, ok bool) {
	s, ok := scalar(v)
	if !ok || s == "" || s[0] < '1' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// truth reads true, false, 0 and 1 in any clothes.
func truth(v any) (b, ok bool) {
	s, _ := scalar(v)
	switch s {
	case "1", "true":
		return true, true
	case "0", "false":
		return false, true
	}
	return false, false
}

// list reads a list of texts: separated by commas, or as a list. Empty elements and repetitions do not count. ok is false
// when an element is no text or number, or when there are too many.
func list(v any) (all []string, ok bool) {
	items, isList := v.([]any)
	if !isList {
		items = []any{v}
	}
	seen := map[string]bool{}
	for _, item := range items {
		text, isText := scalar(item)
		if item != nil && !isText {
			return nil, false
		}
		for part := range strings.SplitSeq(text, ",") {
			part = strings.TrimSpace(part)
			if part == "" || seen[part] {
				continue
			}
			if len(all) == maxItems {
				return nil, false
			}
			seen[part] = true
			all = append(all, part)
		}
	}
	return all, true
}
