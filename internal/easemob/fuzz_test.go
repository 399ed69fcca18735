package easemob

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"teahouse/internal/im"
	"teahouse/internal/webapi"
)

// FuzzBodies reads a body as each of the requests. It is read or refused as bad JSON with a sentence; what is read is
// within the types' promises.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", "null", `{"usernames":["z1","z2","z3"], "mute_duration":86400000}`, `{"newadmin":"z1"}`, `{"usernames":null}`,
		`{"name":"test chatroom","description":"update chatroominfo","maxusers":"200","newowner":1}`, `{"username":7,"password":"x","nickname":"\ud800"}`,
		`{"grant_type":"password","username":"z1","password":"123456","ttl":-9223372036854775808,"autoCreateUser":true}`, `[{"username":null}]`,
		`{"metaData":{"k":"v","":null},"autoDelete":"NO_DELETE"}`, `{"keys":["a",1]}`, `{"maxusers":1e400}`, `{"mute_duration":1.5}`, "{\"name\":\"\xff\"}",
		`{"superadmin":[[[[[[[[]]]]]]]]}`, `{"entities":[{"notification_ignore_1":true,"notification_ignore_":null},null]}`,
		`[{"username":1,"metadata":{"k":"v"}}]`, `{"targets":["a"],"properties":null}`, `{"applicant":"a","verifyResult":null,"reason":7}`, `{"Name":"a","name":"b"}`,
		`{"from":["a"],"to":"b","users":[1],"body":{"a":[null]},"ext":null,"sync_device":true,"msg_timestamp":"1","msg":{"type":"txt"}}`, `{"to":[null],"msgs":[{"msg_id":1}],"new_msg":[],"is_combine_ext":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, into := range []any{
			new(tokenRequest), new(registration), new([]registration), new(userChange), new(passwordChange), new(roomRequest), new(joinRequest),
			new(usernames), new(adminRequest), new(muteRequest), new(announcementRequest), new(superAdminRequest), new(keysRequest), new(attributesRequest),
			new(remarkRequest), new(askRequest), new(userMuteRequest), new(propertiesRequest),
			new(applyRequest), new(verdict), new(memberAttributesRequest), new([]memberRequest), new(membersRequest),
			new(sendRequest), new(oldRequest), new(importRequest), new(recallRequest), new(rewriteRequest),
		} {
			err := decode(data, into)
			if err != nil && (!errors.Is(err, im.ErrBadJSON) || im.AsError(err).Arg == "") {
				t.Errorf("%T: %v", into, err)
			}
			if err == nil && len(strings.TrimSpace(string(data))) > 0 && !json.Valid(data) {
				t.Errorf("%T read what is no JSON", into)
			}
		}
		var change roomRequest
		if decode(data, &change) == nil {
			if n := change.MaxUsers.ptr(); n != nil && (*n > math.MaxInt32 || *n < math.MinInt32) {
				t.Errorf("maxusers is %d", *n)
			}
			if owner := change.NewOwner.ptr(); owner != nil && !utf8.ValidString(*owner) {
				t.Errorf("newowner is %q", *owner)
			}
		}
		var user userChange
		if decode(data, &user) == nil {
			if groups, err := user.Entities.read(); err != nil && !errors.Is(err, im.ErrBadJSON) || err != nil && groups != nil {
				t.Errorf("shields: %v, %v", groups, err)
			}
		}
		var mute muteRequest
		if decode(data, &mute) == nil {
			if length := muteLength(mute.Duration.v); length < -2 {
				t.Errorf("a mute of %d ms is %d", mute.Duration.v, length)
			}
		}
	})
}

// FuzzForm reads a form of properties. Every key is there once, in order, with its first value.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"", "nickname=Tom&ext=%E8%8C%B6", "a", "a=1&a=2", "=x", "a=%zz", "a;b", "+=%20", "a=b=c", "%00=\xff", "&&", "sign=100%;5", "%", "%4", "%+1=%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all := readForm(text)
		for i, p := range all {
			if i > 0 && p.Key <= all[i-1].Key {
				t.Errorf("%q: %q stands after %q", text, p.Key, all[i-1].Key)
			}
		}
		values := url.Values{}
		for _, p := range all {
			values.Set(p.Key, p.Value)
		}
		if again := readForm(values.Encode()); !slices.Equal(again, all) {
			t.Errorf("%q: got %v, written and read again %v", text, all, again)
		}
	})
}

// FuzzMuteSeconds: a length is for good, refused, or what is left of it at once is what was asked for.
func FuzzMuteSeconds(f *testing.F) {
	for _, seed := range []int64{0, 1, -1, -2, math.MaxInt32, math.MaxInt32 + 4, math.MaxInt64, math.MinInt64} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		length, now := muteSeconds(n), time.UnixMilli(1477543557486)
		switch {
		case length == im.ForGood || length < 0:
			if n >= 0 && n <= math.MaxInt32 {
				t.Errorf("%d became %d", n, length)
			}
		case n < 0 || secondsLeft(now.Add(length), now) != n:
			t.Errorf("%d became %v, of which %d are left", n, length, secondsLeft(now.Add(length), now))
		}
	})
}

// FuzzFields reads one value as each of the field types and compares with what encoding/json makes of it.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{`"a"`, `""`, "0", "-0", "12", "1.0", "1e2", "null", "true", "false", "[]", `["a"]`, `[null]`, `{}`, `"12"`, `" 12 "`, `"\u0000"`, "9223372036854775808", `"𝟙"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want any
		if json.Unmarshal(data, &want) != nil {
			return
		}
		var plain text
		if s, ok := want.(string); (json.Unmarshal(data, &plain) == nil) != ok || plain.v != s || plain.sent != ok {
			t.Errorf("text: got %+v of %s", plain, data)
		}
		var loose looseText
		if err := json.Unmarshal(data, &loose); err == nil && want != nil && loose.v == "" && want != "" {
			t.Errorf("looseText: got nothing of %s", data)
		}
		var list texts
		items, isList := want.([]any)
		for _, item := range items {
			_, ok := item.(string)
			isList = isList && ok
		}
		if (json.Unmarshal(data, &list) == nil) != isList || isList && len(list.v) != len(items) {
			t.Errorf("texts: got %+v of %s", list, data)
		}
		var names looseTexts
		if err := json.Unmarshal(data, &names); err == nil && (len(names.v) != len(items) || want == nil) || err != nil && isList {
			t.Errorf("looseTexts: got %+v, %v of %s", names, err, data)
		}
		var truth looseFlag
		err := json.Unmarshal(data, &truth)
		if v, ok := want.(bool); ok && (err != nil || !truth.sent || truth.v != v) || err != nil && truth.sent || want == nil && truth.sent {
			t.Errorf("looseFlag: got %+v, %v of %s", truth, err, data)
		}
		var n whole
		if err := json.Unmarshal(data, &n); (err == nil) != n.sent {
			t.Errorf("whole: got %+v, %v of %s", n, err, data)
		}
		var number looseWhole
		if json.Unmarshal(data, &number) == nil && n.sent && number.v != n.v {
			t.Errorf("looseWhole: got %+v of %s", number, data)
		}
		var b flag
		if v, ok := want.(bool); (json.Unmarshal(data, &b) == nil) != ok || b.v != v {
			t.Errorf("flag: got %+v of %s", b, data)
		}
	})
}

// FuzzPlainTexts: what is read without encoding/json is read as encoding/json does.
func FuzzPlainTexts(f *testing.F) {
	for _, seed := range []string{`[]`, `["a","b"]`, ` ["a" , "茶"]`, `["a\u0041"]`, `["a\"b"]`, `[null]`, `[1,"a"]`, "[\"\xff\"]", `["a",["b"]]`, `["]"]`, `[",", ""]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want []string
		trimmed := strings.TrimSpace(s)
		if json.Unmarshal([]byte(s), &want) != nil || !strings.HasPrefix(trimmed, "[") {
			return
		}
		if got, ok := plainTexts(trimmed); ok && !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", s, got, want)
		}
	})
}

// FuzzTidyPath: a tidy path has no empty and no plain dot segments, says the same in both forms, and stays as it is.
func FuzzTidyPath(f *testing.F) {
	for _, seed := range []string{"/", "//", "/a/b/", "/a/%2F/b", "/a/./../b", "/%2e%2E/", "/a//%2F//", "*", "/%E8%8C%B6", "/a?b=c", "/a;b/c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil || !strings.HasPrefix(u.Path, "/") {
			return
		}
		wasNames := strings.Count(strings.Trim(u.EscapedPath(), "/"), "/")
		webapi.TidyPath(u)
		escaped := u.EscapedPath()
		for _, seg := range strings.Split(escaped, "/")[1:] {
			if seg == "." || seg == ".." || seg == "" && escaped != "/" {
				t.Errorf("%q became %q", raw, escaped)
			}
		}
		if names := strings.Count(strings.Trim(escaped, "/"), "/"); names > wasNames {
			t.Errorf("%q became %q, which has more segments", raw, escaped)
		}
		if plain, err := url.PathUnescape(escaped); err != nil || plain != u.Path {
			t.Errorf("%q: %q and %q differ", raw, u.Path, escaped)
		}
		again := *u
		webapi.TidyPath(&again)
		if again.EscapedPath() != escaped {
			t.Errorf("%q: %q became %q the second time", raw, escaped, again.EscapedPath())
		}
	})
}

// FuzzBearerOf: a token is what stands behind the scheme, without blanks around it.
func FuzzBearerOf(f *testing.F) {
	for _, seed := range []string{"", "Bearer", "Bearer x", "bearer  x ", "Basic x", "Bearer\tx", "Bearer Bearer x", "\u00a0Bearer x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{header}
		token, given := bearerOf(r)
		if token != strings.TrimSpace(token) || !strings.HasSuffix(strings.TrimSpace(header), token) || !given && token != "" {
			t.Errorf("%q: got %q, %v", header, token, given)
		}
		if len(token) == 0 && given {
			t.Errorf("%q: an empty token is given", header)
		}
	})
}

// FuzzQuery reads numbers and cursors of a query: within bounds or refused as invalid, and every cursor comes back.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"1", "0", "-1", "", "abc", "m1", "mzzzz", "m-1", "18446744073709551616", "1 ", "m+1", "\xff"} {
		f.Add(seed, int64(36))
	}
	f.Fuzz(func(t *testing.T, value string, place int64) {
		c := &call{query: url.Values{"n": {value}, "cursor": {value}}}
		n, err := c.number("n", 1)
		if err != nil && !errors.Is(err, im.ErrInvalid) || err == nil && (n < 1 || n > 1<<40) {
			t.Errorf("%q: got the number %d, %v", value, n, err)
		}
		at, err := c.after('m')
		if err != nil && !errors.Is(err, im.ErrInvalid) || err == nil && value != "" && at < 1 {
			t.Errorf("%q: got the place %d, %v", value, at, err)
		}
		if place < 1 {
			return
		}
		c.query.Set("cursor", cursorText('m', place))
		if back, err := c.after('m'); back != place || err != nil {
			t.Errorf("%d: got %d, %v", place, back, err)
		}
	})
}

// FuzzContent reads an object as content and writes it: nothing is lost, and what was written is read as the same.
func FuzzContent(f *testing.F) {
	for _, seed := range []string{
		`{"msg":"hello"}`, `{"url":"u","size":{"width":480,"height":720},"length":10.50,"x":1e400,"big":12345678901234567890}`, `{"b":true,"n":null,"l":[1, "a", {}]}`,
		`{"a":1,"b":2,"a":3}`, `{"":"","\u0000":"\u0000","\ud800":"\ud800","茶":"<&>\u2028"}`, `{"type":"txt","msg":1,"type":"img"}`, `{}`, ` { "a" : { "b" : [ 1 ] } } `, `{"":{"&<>":[]}}`,
		"{\"a\":{\"b\xff\":[\"\xc3\xe8\x8c\"]}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var read fields
		if err := decode(data, &read); err != nil || !read.sent {
			return
		}
		written := answered(t, object(read.v))
		if !utf8.Valid(written) {
			t.Errorf("%q was written as %q", data, written)
		}
		var again fields
		if err := decode(written, &again); err != nil || !slices.Equal(again.v, read.v) {
			t.Errorf("%s was written as %s: %v", data, written, err)
		}
		if got, want := exactly(t, written), exactly(t, data); !reflect.DeepEqual(got, want) {
			t.Errorf("%s was written as %s", data, written)
		}
		if body, err := contentWithType(read); err == nil {
			var shown fields
			text := answered(t, withType(body))
			if err := decode(text, &shown); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if back, err := contentWithType(shown); err != nil || back.Type != body.Type || !slices.Equal(back.Fields, body.Fields) {
				t.Errorf("%s came back as %v, %v", text, back, err)
			}
		}
	})
}

// answered writes a value as answers and history files do.
func answered(t *testing.T, v any) []byte {
	t.Helper()
	e := newEncoder().(*encoder)
	if err := e.enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return e.buf.Bytes()
}

// exactly is a JSON value with its numbers as they are written.
func exactly(t *testing.T, data []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

// FuzzHistoryQuery reads old queries: a range or a refusal.
func FuzzHistoryQuery(f *testing.F) {
	for _, seed := range []string{"", "select *", "select * where timestamp>1403164734226", "select+*+where+timestamp<1+and+timestamp>=0", "SELECT * WHERE timestamp = 7 ORDER BY timestamp ASC",
		"select * where timestamp>999999999999999 and timestamp<0", "select * where and", "select * order by timestamp desc", "select * where timestamp>1 or timestamp<2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		from, to, err := readQuery(text)
		if err != nil && !errors.Is(err, im.ErrHistoryFormat) {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && (from.UnixMilli() < 0 || to.UnixMilli() < 0 || from.UnixMilli() > 1e15 || to.UnixMilli() > 1e15) {
			t.Errorf("%q: from %d to %d", text, from.UnixMilli(), to.UnixMilli())
		}
	})
}
