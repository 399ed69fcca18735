package easemob

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"teahouse/internal/im"
	"teahouse/internal/webapi"
)

func query(t *testing.T, raw string) *call {
	t.Helper()
	v, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &call{query: v, r: httptest.NewRequest("GET", "/", nil)}
}

func TestNumber(t *testing.T) {
	const most = 1 << 40
	rows := []struct {
		raw  string
		want int
		ok   bool
	}{
		{"", 7, true}, {"n=1", 1, true}, {"n=0012", 12, true}, {"n=1099511627776", most, true}, {"n=1099511627777", most, true},
		{"n=18446744073709551615", most, true}, {"n=18446744073709551616", most, true}, {"n=1" + strings.Repeat("0", 300), most, true},
		{"n=2&n=x", 2, true}, {"n=0", 0, false}, {"n=-1", 0, false}, {"n=", 0, false}, {"n=abc", 0, false}, {"n=1.5", 0, false},
		{"n=1e3", 0, false}, {"n=%201", 0, false}, {"n=0x10", 0, false}, {"n=1_000", 0, false}, {"n=%EF%BC%91", 0, false},
	}
	for _, row := range rows {
		got, err := query(t, row.raw).number("n", 7)
		if got != row.want || (err == nil) != row.ok {
			t.Errorf("%q: got %d, %v, want %d, %v", row.raw, got, err, row.want, row.ok)
		}
		if err != nil && (!errors.Is(err, im.ErrInvalid) || im.AsError(err).Arg != "n") {
			t.Errorf("%q: got error %v", row.raw, err)
		}
	}
}

func TestPage(t *testing.T) {
	rows := []struct {
		raw  string
		want im.Page
		ok   bool
	}{
		{"", im.Page{Number: 1, Size: 20}, true}, {"pagenum=3", im.Page{Number: 3, Size: 20}, true},
		{"pagesize=5&pagenum=2", im.Page{Number: 2, Size: 5}, true}, {"pagesize=1001", im.Page{Number: 1, Size: 1000}, true},
		{"pagenum=0", im.Page{}, false}, {"pagesize=-1", im.Page{}, false},
	}
	for _, row := range rows {
		got, err := query(t, row.raw).page(20, 1000)
		if (err == nil) != row.ok || err == nil && got != row.want {
			t.Errorf("%q: got %v, %v, want %v, %v", row.raw, got, err, row.want, row.ok)
		}
	}
}

func TestCursor(t *testing.T) {
	for _, place := range []int64{1, 35, 36, 1 << 40, 1<<63 - 1} {
		got, err := query(t, "cursor="+cursorText('m', place)).after('m')
		if got != place || err != nil {
			t.Errorf("got %d, %v, want %d", got, err, place)
		}
	}
	if got := cursorText('m', 0); got != "" {
		t.Errorf("the end has the cursor %q", got)
	}
	for _, raw := range []string{"", "cursor="} {
		if got, err := query(t, raw).after('m'); got != 0 || err != nil {
			t.Errorf("%q: got %d, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"m", "r1", "m0", "m-1", "m1.5", "m ", "m1m!", "1", "\x00", "m" + strings.Repeat("z", 99), "茶"} {
		if got, err := query(t, "cursor="+url.QueryEscape(raw)).after('m'); !errors.Is(err, im.ErrInvalid) || got != 0 {
			t.Errorf("%q: got %d, %v", raw, got, err)
		}
	}
}

func TestBearerOf(t *testing.T) {
	rows := []struct {
		header, token string
		given         bool
	}{
		{"", "", false}, {"Bearer", "", false}, {"Bearer ", "", false}, {"Basic abc", "", false}, {"Bearerabc", "", false},
		{"Bearer abc", "abc", true}, {"bearer abc", "abc", true}, {"BEARER   abc  ", "abc", true}, {"  Bearer abc", "abc", true},
		{"Bearer a b", "a b", true},
	}
	for _, row := range rows {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", row.header)
		if token, given := bearerOf(r); token != row.token || given != row.given {
			t.Errorf("%q: got %q, %v, want %q, %v", row.header, token, given, row.token, row.given)
		}
	}
}

func TestTidyPath(t *testing.T) {
	rows := []struct{ in, path, escaped string }{
		{"/a/b", "/a/b", "/a/b"}, {"/", "/", "/"}, {"//", "/", "/"}, {"/a/", "/a", "/a"}, {"//a///b//", "/a/b", "/a/b"},
		{"/a%2Fb/", "/a/b", "/a%2Fb"}, {"/a/%2F/b", "/a///b", "/a/%2F/b"}, {"/a/%2fb", "/a//b", "/a/%2fb"},
		{"/a/./b", "/a/./b", "/a/%2E/b"}, {"/a/..", "/a/..", "/a/%2E%2E"}, {"/../a", "/../a", "/%2E%2E/a"}, {"/a/...", "/a/...", "/a/..."},
		{"/a/.b/", "/a/.b", "/a/.b"}, {"/a/%2E%2E/", "/a/..", "/a/%2E%2E"}, {"/a%2Cb//c,d", "/a,b/c,d", "/a%2Cb/c,d"}, {"/%E8%8C%B6//x", "/茶/x", "/%E8%8C%B6/x"},
	}
	for _, row := range rows {
		u, err := url.Parse("http://host" + row.in)
		if err != nil {
			t.Fatal(err)
		}
		webapi.TidyPath(u)
		if u.Path != row.path || u.EscapedPath() != row.escaped {
			t.Errorf("%s: got %s, %s, want %s, %s", row.in, u.Path, u.EscapedPath(), row.path, row.escaped)
		}
	}
}

func TestList(t *testing.T) {
	for in, want := range map[string]string{"": "", ",": "", "a": "a", "a,b": "a|b", ",a,,b,": "a|b", "a b": "a b"} {
		if got := strings.Join(list(in), "|"); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// chunked is a reader whose length a request does not know.
type chunked struct{ io.Reader }

func TestBody(t *testing.T) {
	big := bytes.Repeat([]byte("x"), maxBody)
	rows := []struct {
		name string
		body io.Reader
		want int
		err  *im.Error
	}{
		{"none", nil, 0, nil}, {"empty", strings.NewReader(""), 0, nil}, {"some", strings.NewReader("{}"), 2, nil},
		{"behind a byte order mark", strings.NewReader("\ufeff{}"), 2, nil},
		{"chunked", chunked{strings.NewReader("{}")}, 2, nil}, {"chunked and empty", chunked{strings.NewReader("")}, 0, nil},
		{"the largest", bytes.NewReader(big), maxBody, nil}, {"too large", bytes.NewReader(append(big, 'x')), 0, im.ErrTooLarge},
		{"the largest, chunked", chunked{bytes.NewReader(big)}, maxBody, nil},
		{"too large, chunked", chunked{bytes.NewReader(append(big, 'x'))}, 0, im.ErrTooLarge},
		{"broken off", chunked{iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("{}")))}, 0, im.ErrBadJSON},
	}
	for _, row := range rows {
		r, err := http.NewRequest("POST", "http://host/", row.body)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := row.body.(chunked); ok {
			r.ContentLength = -1 // as a server sees it
		}
		data, err := (&call{w: httptest.NewRecorder(), r: r}).body()
		if row.err == nil && (err != nil || len(data) != row.want) || row.err != nil && !errors.Is(err, row.err) {
			t.Errorf("%s: got %d bytes, %v, want %d, %v", row.name, len(data), err, row.want, row.err)
		}
	}
}

func TestDecode(t *testing.T) {
	type body struct {
		Text   text            `json:"text"`
		Loose  looseText       `json:"loose"`
		List   texts           `json:"list"`
		Whole  whole           `json:"whole"`
		Number looseWhole      `json:"number"`
		Flag   flag            `json:"flag"`
		Names  looseTexts      `json:"names"`
		Truth  looseFlag       `json:"truth"`
		Map    map[string]text `json:"map"`
	}
	good := []struct{ in, want string }{
		{"", "{}"}, {" \n", "{}"}, {"{}", "{}"}, {`{"other":1}`, "{}"},
		{`{"text":"a\u8336"}`, "a茶"}, {`{"loose":"a"}`, "a"}, {`{"loose":0}`, "0"}, {`{"loose":12345678901234567890123}`, "12345678901234567890123"},
		{`{"loose":null}`, "{}"}, {`{"list":["a","b"]}`, "a|b"}, {`{"list":[]}`, ""}, {`{"number":"12"}`, "12"}, {`{"number":" 12 "}`, "12"},
		{`{"number":-5}`, "-5"}, {`{"number":null}`, "{}"}, {`{"number":""}`, "{}"}, {`{"whole":9223372036854775808}`, "9223372036854775807"},
		{`{"whole":-9223372036854775809}`, "-9223372036854775808"}, {`{"flag":true}`, "true"}, {`{"flag":false}`, "{}"}, {`{"map":{"k":"v"}}`, "v"},
		{`{"names":["a",7,"8"]}`, "a|7|8"}, {`{"names":[]}`, ""}, {`{"names":["\u8336"]}`, "茶"}, {`{"truth":true}`, "true"}, {`{"truth":"True"}`, "true"}, {`{"truth":1}`, "true"},
		{`{"truth":"1"}`, "true"}, {`{"truth":false}`, "false"}, {`{"truth":"false"}`, "false"}, {`{"truth":0}`, "false"}, {`{"truth":"0"}`, "false"}, {`{"truth":""}`, "{}"}, {`{"truth":null}`, "{}"},
	}
	for _, row := range good {
		var b body
		if err := decode([]byte(row.in), &b); err != nil {
			t.Errorf("%s: %v", row.in, err)
		}
		if got := seen(b.Text, b.Loose, b.List, b.Whole, b.Number, b.Flag, b.Names, b.Truth, b.Map); got != row.want {
			t.Errorf("%s: got %s, want %s", row.in, got, row.want)
		}
	}
	bad := []struct{ in, want string }{
		{`{`, "unexpected end of JSON input"}, {`{}{}`, "invalid character '{' after top-level value"}, {`[]`, "the body: array is not an object"},
		{"null", "the body: null is not an object"}, {`"x"`, "the body: string is not an object"}, {`1`, "the body: number is not an object"}, {`true`, "the body: bool is not an object"},
		{`{"text":null}`, "field text: null is not a string"}, {`{"text":1}`, "field text: number is not a string"}, {`{"text":{}}`, "field text: object is not a string"},
		{`{"loose":true}`, "field loose: bool is not a string"}, {`{"loose":1.5}`, "field loose: number is not a string"}, {`{"loose":-1}`, "field loose: number is not a string"},
		{`{"list":null}`, "field list: null is not a list"}, {`{"list":"a"}`, "field list: string is not a list"}, {`{"list":[null]}`, "field list: null is not a string"},
		{`{"list":[1]}`, "field list: number is not a string"}, {`{"whole":"1"}`, "field whole: string is not a whole number"}, {`{"whole":1.0}`, "field whole: number is not a whole number"},
		{`{"whole":null}`, "field whole: null is not a whole number"}, {`{"number":"x"}`, "field number: string is not a whole number"}, {`{"number":"1.5"}`, "field number: string is not a whole number"},
		{`{"number":[]}`, "field number: array is not a whole number"}, {`{"flag":null}`, "field flag: null is not true or false"}, {`{"flag":"true"}`, "field flag: string is not true or false"},
		{`{"names":[true]}`, "field names: bool is not a string"}, {`{"names":[null]}`, "field names: null is not a string"}, {`{"names":"a"}`, "field names: string is not a list"},
		{`{"names":null}`, "field names: null is not a list"}, {`{"names":[1.5]}`, "field names: number is not a string"}, {`{"truth":2}`, "field truth: number is not true or false"},
		{`{"truth":"yes"}`, "field truth: string is not true or false"}, {`{"truth":{}}`, "field truth: object is not true or false"}, {`{"truth":[]}`, "field truth: array is not true or false"},
		{`{"map":[]}`, "field map: array is not an object"}, {`{"map":{"k":null}}`, "field map: null is not a string"},
	}
	for _, row := range bad {
		var b body
		err := decode([]byte(row.in), &b)
		if !errors.Is(err, im.ErrBadJSON) || im.AsError(err).Arg != row.want {
			t.Errorf("%s: got %v, want %s", row.in, err, row.want)
		}
	}
}

// seen shows the one field that was sent, or {}.
func seen(plain text, loose looseText, list texts, n whole, number looseWhole, f flag, names looseTexts, truth looseFlag, m map[string]text) string {
	switch {
	case plain.ptr() != nil:
		return *plain.ptr()
	case loose.ptr() != nil:
		return *loose.ptr()
	case list.sent:
		return strings.Join(list.v, "|")
	case n.sent:
		return strconv.FormatInt(n.v, 10)
	case number.ptr() != nil:
		return strconv.Itoa(*number.ptr())
	case f.v:
		return "true"
	case names.sent:
		return strings.Join(names.v, "|")
	case truth.ptr() != nil:
		return strconv.FormatBool(*truth.ptr())
	case len(m) > 0:
		return m["k"].v
	}
	return "{}"
}

func TestLoosePtr(t *testing.T) {
	for v, want := range map[int64]int{0: 0, -1: -1, 1<<31 - 1: 1<<31 - 1, 1 << 31: 1<<31 - 1, 1<<63 - 1: 1<<31 - 1, -1 << 63: -1 << 31} {
		if got := (looseWhole{whole{true, v}}).ptr(); got == nil || *got != want {
			t.Errorf("%d: got %v, want %d", v, got, want)
		}
	}
}

func TestMuteLength(t *testing.T) {
	for ms, want := range map[int64]string{0: "0s", 1: "1ms", 86400000: "24h0m0s", -1: "-1ns", -2: "-2ns", -1 << 63: "-2ns", 1<<63 - 1: "-1ns", 9223372036854: "2562047h47m16.854s", 9223372036855: "-1ns"} {
		if got := muteLength(ms).String(); got != want {
			t.Errorf("%d: got %s, want %s", ms, got, want)
		}
	}
}

// TestDeviceOf: the Web SDK escapes nothing of its resource; a browser escapes only what no address may have.
func TestDeviceOf(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "version=v3": "", "resource=webim_web_1": "webim_web_1", "version=v3&resource=a+b/c==&x=1": "a+b/c==",
		"resource=a%20b": "a b", "resource=100%": "100%", "resource=%": "%", "resource=%4": "%4", "resource=%zz%41": "%zzA", "resource=%C3%BC&resource=2": "ü",
	} {
		if got := deviceOf(query); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}
