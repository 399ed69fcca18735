package thinksns

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// FuzzInput reads anything as query and body: bounded, trimmed, valid text, and of the kinds that input promises.
func FuzzInput(f *testing.F) {
	for _, seed := range [][3]string{
		{"a=1&b[]=2&b[]=3&c[1]=x&c[0]=y", "application/json", `{"a":1,"b":[1,"2",null,{"c":[]}],"password":" x ","old_password":" y "}`},
		{"", "application/x-www-form-urlencoded", "a=+1+&a=2&b%5B%5D=&%zz=1;c=2"},
		{"x=1", "multipart/form-data; boundary=XX", "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX--\r\n"},
		{"[]=1&a[b=2&[a]=3", "", `{"a":`}, {"", "text/json", "[1]"}, {"", "application/vnd.api+json", `{"a":true}{"b":1}`}, {"", "x", "\xff\x00=\xfe"},
	} {
		f.Add(seed[0], seed[1], []byte(seed[2]))
	}
	f.Fuzz(func(t *testing.T, query, kind string, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.URL.RawQuery = query
		r.Header["Content-Type"] = []string{kind}
		in, err := readInput(httptest.NewRecorder(), r)
		if err != nil {
			if len(body) <= maxBody {
				t.Fatal(err)
			}
			return
		}
		if len(in) > maxFields {
			t.Errorf("%d fields", len(in))
		}
		for key, v := range in {
			checkValue(t, key, v)
			if s := in.text(key); s != "" && !in.has(key) {
				t.Errorf("%s: the text %q of nothing", key, s)
			}
			if n, ok := whole(v); ok && n < 1 {
				t.Errorf("%s: the number %d", key, n)
			}
			all, ok := list(v)
			for i, item := range all {
				if item == "" || item != strings.TrimSpace(item) || strings.Contains(item, ",") || slices.Contains(all[:i], item) {
					t.Errorf("%s: the list %q", key, all)
				}
			}
			if len(all) > maxItems || !ok && all != nil {
				t.Errorf("%s: %d items, %v", key, len(all), ok)
			}
		}
	})
}

func checkValue(t *testing.T, key string, v any) {
	t.Helper()
	switch v := v.(type) {
	case nil, bool, json.Number, map[string]any:
	case string:
		if v == "" || !utf8.ValidString(v) || !strings.Contains(key, "password") && v != strings.TrimSpace(v) {
			t.Errorf("%s is %q", key, v)
		}
	case []any:
		for _, item := range v {
			checkValue(t, key, item)
		}
	default:
		t.Errorf("%s is a %T", key, v)
	}
}

// FuzzToken reads anything as a token: refused as unauthenticated, or made with the key.
func FuzzToken(f *testing.F) {
	tk := testTokens(imtest.NewClock())
	good, err := tk.issue(testKey, 7, 1, "x")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{good, "", "..", good[:40], good + "=", strings.Replace(good, ".", "..", 1), "eyJhbGciOiJub25lIn0.eyJzdWIiOjF9."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(key, text string) (*claims, error){tk.read, tk.readOld} {
			c, err := read(testKey, text)
			if err != nil && im.AsError(err).Kind != im.Unauthenticated {
				t.Errorf("%q: %v", text, err)
			}
			if err == nil && (c.Subject != 7 || !strings.HasPrefix(text, good[:strings.LastIndex(good, ".")])) {
				t.Errorf("%q: got %+v", text, c)
			}
			if err != nil && len(text) > 8 && strings.Contains(err.Error(), text) {
				t.Errorf("the error repeats the token: %v", err)
			}
		}
	})
}

// FuzzOverride: a POST stays one, or becomes one of three methods, and its body is left whole.
func FuzzOverride(f *testing.F) {
	for _, seed := range [][3]string{{"", "", "_method=PUT&a=b"}, {"patch", "", ""}, {"GET", "_method=DELETE", "x"}, {"", "_method[]=PUT", `{"_method":"delete"}`}} {
		f.Add(seed[0], seed[1], []byte(seed[2]))
	}
	f.Fuzz(func(t *testing.T, header, query string, body []byte) {
		r := httptest.NewRequest("POST", "/api/v2/easemob/group", bytes.NewReader(body))
		r.Header.Set("X-HTTP-Method-Override", header)
		r.URL.RawQuery = query
		overrideMethod(r)
		if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, r.Method) {
			t.Errorf("the method is %s", r.Method)
		}
		var left bytes.Buffer
		if _, err := left.ReadFrom(r.Body); err != nil || !bytes.Equal(left.Bytes(), body) {
			t.Errorf("the body became %q, %v", left.Bytes(), err)
		}
	})
}
