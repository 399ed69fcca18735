package easemob

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The types of body fields. They differ from Go's in two ways: they know whether the field was sent, and null is
// no value of theirs. The loose ones read what ThinkSNS+ sends (wire/clients.md §1.5).

// text is a JSON string.
type text struct {
	sent bool
	v    string
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		return wrongType[string](b)
	}
	t.sent = true
	return json.Unmarshal(b, &t.v)
}

// ptr is the value if it was sent.
func (t text) ptr() *string {
	if !t.sent {
		return nil
	}
	return &t.v
}

// looseText is a JSON string, or a whole number that is read as its digits, or null that is read as absent.
type looseText struct{ text }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *looseText) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		return nil
	case strings.Trim(string(b), "0123456789") == "":
		t.sent, t.v = true, string(b)
		return nil
	}
	return t.text.UnmarshalJSON(b)
}

// texts is a list of JSON strings.
type texts struct {
	sent bool
	v    []string
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *texts) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		return wrongType[[]string](b)
	}
	if v, ok := plainTexts(string(b)); ok {
		t.sent, t.v = true, v
		return nil
	}
	var items []*string // of text would decode every item on its own
	if err := json.Unmarshal(b, &items); err != nil {
		return err
	}
	t.sent, t.v = true, make([]string, len(items))
	for i, it := range items {
		if it == nil {
			return wrongType[string]([]byte("null"))
		}
		t.v[i] = *it
	}
	return nil
}

// looseTexts is a list of JSON strings, or of whole numbers that are read as their digits.
type looseTexts struct{ texts }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *looseTexts) UnmarshalJSON(b []byte) error {
	if t.texts.UnmarshalJSON(b) == nil {
		return nil
	}
	var items []looseText
	if b[0] != '[' {
		return wrongType[[]string](b)
	}
	if err := json.Unmarshal(b, &items); err != nil {
		return err
	}
	t.sent, t.v = true, make([]string, len(items))
	for i, it := range items {
		if !it.sent {
			return wrongType[string]([]byte("null"))
		}
		t.v[i] = it.v
	}
	return nil
}

// plainTexts reads a valid JSON list of strings without escapes, such as every list of usernames is; false for others.
func plainTexts(s string) ([]string, bool) {
	v := make([]string, 0, strings.Count(s, ",")+1)
	for i := 1; ; i++ {
		switch s[i] {
		case ' ', '\t', '\r', '\n', ',':
		case ']':
			return v, true
		case '"':
			n := strings.IndexByte(s[i+1:], '"')
			item := s[i+1 : i+1+n]
			if strings.IndexByte(item, '\\') >= 0 || !utf8.ValidString(item) {
				return nil, false
			}
			v = append(v, item)
			i += n + 1
		default:
			return nil, false
		}
	}
}

// whole is a JSON number without a fraction; beyond 64 bits all numbers are the same to us.
type whole struct {
	sent bool
	v    int64
}

// UnmarshalJSON implements [json.Unmarshaler].
func (n *whole) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return wrongType[int64](b)
	}
	n.sent, n.v = true, v
	return nil
}

// duration is a JSON number, which need not be whole: clients compute it. What is left over counts as another one.
type duration struct{ whole }

// UnmarshalJSON implements [json.Unmarshaler].
func (n *duration) UnmarshalJSON(b []byte) error {
	if err := n.whole.UnmarshalJSON(b); err == nil {
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return wrongType[int64](b)
	}
	n.sent = true
	switch {
	case v < 0: // none that means anything
		n.v = math.MinInt64
	case v >= math.MaxInt64:
		n.v = math.MaxInt64
	default:
		n.v = int64(math.Ceil(v))
	}
	return nil
}

// numeric is a whole number, also as text.
type numeric struct{ whole }

// UnmarshalJSON implements [json.Unmarshaler].
func (n *numeric) UnmarshalJSON(b []byte) error {
	s := string(b)
	if b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	if s == "" || n.whole.UnmarshalJSON([]byte(s)) != nil {
		return wrongType[int64](b)
	}
	return nil
}

// looseWhole is a whole number, also as text; null and "" are read as absent.
type looseWhole struct{ whole }

// UnmarshalJSON implements [json.Unmarshaler].
func (n *looseWhole) UnmarshalJSON(b []byte) error {
	s := string(b)
	if b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		s = strings.TrimSpace(s)
	}
	if s == "" || s == "null" {
		return nil
	}
	if err := n.whole.UnmarshalJSON([]byte(s)); err != nil {
		return wrongType[int64](b)
	}
	return nil
}

// ptr is the value if it was sent, as an int; what does not fit is out of every range anyway.
func (n looseWhole) ptr() *int {
	if !n.sent {
		return nil
	}
	v := int(min(max(n.v, -1<<31), 1<<31-1))
	return &v
}

// flag is true or false.
type flag struct{ v bool }

// UnmarshalJSON implements [json.Unmarshaler].
func (f *flag) UnmarshalJSON(b []byte) error {
	if string(b) != "true" && string(b) != "false" {
		return wrongType[bool](b)
	}
	f.v = b[0] == 't'
	return nil
}

// looseFlag is true or false, also as text or as 1 and 0; null and "" are read as absent.
type looseFlag struct{ sent, v bool }

// UnmarshalJSON implements [json.Unmarshaler].
func (f *looseFlag) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `"`)) {
	case "true", "1":
		f.sent, f.v = true, true
	case "false", "0":
		f.sent, f.v = true, false
	case "", "null":
	default:
		return wrongType[bool](b)
	}
	return nil
}

// ptr is the value if it was sent.
func (f looseFlag) ptr() *bool {
	if !f.sent {
		return nil
	}
	return &f.v
}

// wrongType says what was found where a T belongs; encoding/json adds the field's name.
func wrongType[T any](b []byte) error {
	found := "number"
	switch b[0] {
	case '"':
		found = "string"
	case '[':
		found = "array"
	case '{':
		found = "object"
	case 't', 'f':
		found = "bool"
	case 'n':
		found = "null"
	}
	return &json.UnmarshalTypeError{Value: found, Type: reflect.TypeFor[T]()}
}
