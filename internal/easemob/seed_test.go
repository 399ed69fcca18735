package easemob_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// seedCall is one call of seed 004: the curl line and the sample answer.
type seedCall struct{ name, curl, sample string }

func seedCalls(t *testing.T) (calls []seedCall) {
	t.Helper()
	data, err := os.ReadFile("testdata/seed004.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		if name, ok := strings.CutPrefix(line, "== "); ok {
			calls = append(calls, seedCall{name, lines[i+1], lines[i+2]})
		}
	}
	return calls
}

// seedPlace is what the world holds before a call, besides the world's own.
type seedPlace struct {
	rooms  []im.NewRoom // made in order
	muted  []string     // for 24 hours
	absent []string     // users taken away
	// The document's slips of the pen: texts of the sample and what they should be.
	slips map[string]string
}

func seedRoomOf(id im.RoomID, name, description, owner string, members ...string) im.NewRoom {
	places := 2000
	return im.NewRoom{Kind: im.Chatroom, ID: id, Name: name, Description: description, Owner: owner, Members: members, MaxUsers: &places}
}

func seedPlaces() map[string]seedPlace {
	made := seedRoomOf("1432259621444159", "hxt001room0516", "chatroom description", "hxt001")
	numbered := func(members ...string) []im.NewRoom {
		return []im.NewRoom{seedRoomOf("96330911796167468", "room", "", "user0", members...)}
	}
	return map[string]seedPlace{
		"list rooms": {rooms: []im.NewRoom{
			seedRoomOf("132598658687304132", "123456", "", "55"), seedRoomOf("124375913398796852", "azpp", "", "zp300"),
			seedRoomOf("124375842267595332", "testchatroom", "", "zp300"),
			seedRoomOf("newer1", "x", "", "user0"), seedRoomOf("newer2", "x", "", "user0"), seedRoomOf("newer3", "x", "", "user0"),
		}},
		"rooms of a user": {rooms: []im.NewRoom{seedRoomOf("1432266600611977", "testchatroom", "", "hxt001", "jma1")}},
		"room detail":     {rooms: []im.NewRoom{made}},
		"create":          {},
		"change":          {rooms: []im.NewRoom{made}},
		"delete":          {rooms: []im.NewRoom{made}, slips: map[string]string{"1432289956668375": "1432259621444159"}}, // another room's id
		"list members":    {rooms: []im.NewRoom{seedRoomOf(seedRoom, "room", "", "user0", "z1", "user1", "user2", "z3")}},
		"add a member":    {rooms: numbered()},
		"add members":     {rooms: numbered()},
		"remove a member": {rooms: numbered("jianxin1")},
		"remove members": {rooms: numbered("jianxin1"), absent: []string{"jianxin2"},
			slips: map[string]string{"jianxni2": "jianxin2", "user jianxni2 doesn't exist.": "user jianxin2 doesn't exist."}}, // letters changed places
		"list admins":     {},
		"add an admin":    {},
		"remove an admin": {},
		"list mutes":      {muted: []string{"z3", "z1", "z2"}},
		"mute":            {},
		"unmute":          {muted: []string{"z3", "z1", "z2"}},
	}
}

// TestSeed004 sends the document's own curl lines and compares the answers with the document's samples.
func TestSeed004(t *testing.T) {
	places := seedPlaces()
	calls := seedCalls(t)
	if len(calls) != 17 {
		t.Fatalf("got %d calls, want 17", len(calls))
	}
	for _, call := range calls {
		t.Run(strings.ReplaceAll(call.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			place, ok := places[call.name]
			if !ok {
				t.Fatalf("no place for %q", call.name)
			}
			w := newWorld(t, nil)
			w.furnish(place)
			server := httptest.NewServer(w.api)
			defer server.Close()
			req := curl(t, call.curl)
			sent := w.redirected(req, server.URL)
			res, err := server.Client().Do(sent)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var got, want map[string]any
			if err := json.NewDecoder(res.Body).Decode(&got); err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("got %d, %v", res.StatusCode, err)
			}
			if err := json.Unmarshal([]byte(call.sample), &want); err != nil {
				t.Fatal(err)
			}
			compare(t, "", corrected(want, place.slips), got)
			if uri, want := got["uri"], server.URL+req.URL.Path; uri != want {
				t.Errorf("got uri %v, want %s", uri, want)
			}
			end := float64(w.clock.Now().Add(24 * time.Hour).UnixMilli())
			for _, at := range expires(got["data"]) {
				if at != end {
					t.Errorf("got expire %v, want %v", at, end)
				}
			}
		})
	}
}

// furnish brings the world into the state that the sample was taken in.
func (w *world) furnish(p seedPlace) {
	w.t.Helper()
	app := im.AppCaller(w.app)
	password := "x"
	for _, name := range []string{"zp300", "55"} {
		if _, err := w.svc.Register(w.t.Context(), app, im.NewUser{Name: name, Password: &password}); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, r := range p.rooms {
		if r.ID == seedRoom {
			if err := w.svc.DestroyRoom(w.t.Context(), app, im.Chatroom, seedRoom); err != nil {
				w.t.Fatal(err)
			}
		}
		if _, err := w.svc.CreateRoom(w.t.Context(), app, r); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, name := range p.muted {
		if _, err := w.svc.MuteMembers(w.t.Context(), app, im.Chatroom, seedRoom, []string{name}, 24*time.Hour); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, name := range p.absent {
		if _, err := w.svc.DeleteUser(w.t.Context(), app, name); err != nil {
			w.t.Fatal(err)
		}
	}
}

// redirected is the request with our host and our app token.
func (w *world) redirected(req *http.Request, server string) *http.Request {
	w.t.Helper()
	base, err := url.Parse(server)
	if err != nil {
		w.t.Fatal(err)
	}
	out := req.Clone(w.t.Context())
	out.URL.Scheme, out.URL.Host, out.Host = base.Scheme, base.Host, base.Host
	if !strings.HasPrefix(out.Header.Get("Authorization"), "Bearer YWMt") {
		w.t.Errorf("the line has no token: %v", out.Header)
	}
	out.Header.Set("Authorization", "Bearer "+w.token("app"))
	return out
}

// curl reads a curl line as curl would: -X with or without a blank, -d makes a POST and names the form type, -i.
func curl(t *testing.T, line string) *http.Request {
	t.Helper()
	words := shellWords(t, line)
	if len(words) == 0 || words[0] != "curl" {
		t.Fatalf("no curl line: %s", line)
	}
	method, target, body, header := "", "", "", http.Header{}
	for i := 1; i < len(words); i++ {
		next := func() string {
			if i++; i == len(words) {
				t.Fatalf("%s wants a value: %s", words[i-1], line)
			}
			return words[i]
		}
		switch word := words[i]; {
		case word == "-X":
			method = next()
		case strings.HasPrefix(word, "-X"):
			method = word[2:]
		case word == "-H":
			name, value, _ := strings.Cut(next(), ":")
			header.Add(name, strings.TrimSpace(value))
		case word == "-d":
			body = next()
			header.Set("Content-Type", "application/x-www-form-urlencoded")
		case word == "-i":
		case strings.HasPrefix(word, "-") || target != "":
			t.Fatalf("cannot read %q in %s", word, line)
		default:
			target = word
		}
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	return req
}

// shellWords splits a line as a shell does, except that & is an ordinary character: the document forgot to quote one.
func shellWords(t *testing.T, line string) (words []string) {
	t.Helper()
	var word strings.Builder
	var quote rune
	begun := false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, begun = c, true
		case quote == 0 && c == ' ':
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if quote != 0 {
		t.Fatalf("an open quote: %s", line)
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}

// corrected replaces the slips of the pen in a sample.
func corrected(sample map[string]any, slips map[string]string) map[string]any {
	var fix func(any) any
	fix = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = fix(v[k])
			}
		case []any:
			for i := range v {
				v[i] = fix(v[i])
			}
		case string:
			if right, ok := slips[v]; ok {
				return right
			}
		}
		return v
	}
	return fix(sample).(map[string]any)
}

// loose tells the keys whose values a sample does not determine.
func loose(path string) bool {
	switch path {
	case "/timestamp", "/duration", "/application", "/uri":
		return true
	}
	return strings.HasSuffix(path, "/affiliations_count") || strings.HasSuffix(path, "/expire")
}

// compare checks that got has what the sample has, in the same types and, where it is determined, the same value.
func compare(t *testing.T, path string, want, got any) {
	t.Helper()
	if reflect.TypeOf(got) != reflect.TypeOf(want) {
		t.Errorf("%s: got %T %v, want %T %v", path, got, got, want, want)
		return
	}
	switch want := want.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(want)) {
			value, ok := got.(map[string]any)[key]
			if !ok {
				t.Errorf("%s/%s is missing", path, key)
				continue
			}
			compare(t, path+"/"+key, want[key], value)
		}
	case []any:
		list := got.([]any)
		if len(list) != len(want) {
			t.Errorf("%s: got %d elements, want %d", path, len(list), len(want))
			return
		}
		for i := range want {
			compare(t, fmt.Sprintf("%s/%d", path, i), want[i], list[i])
		}
	default:
		generated := path == "/data/id" && want == "1432289956668375" // a new room's
		if got != want && !loose(path) && !generated {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

// expires collects the ends of mutes in an answer's data.
func expires(data any) (ends []float64) {
	list, _ := data.([]any)
	for _, item := range list {
		if entry, ok := item.(map[string]any); ok && entry["expire"] != nil {
			ends = append(ends, entry["expire"].(float64))
		}
	}
	return ends
}
