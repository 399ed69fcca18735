package easemob_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/easemob"
	"teahouse/internal/im"
)

// TestPreflight: every path answers a browser's preflight, also paths that nothing serves (wire/clients.md §1.13).
func TestPreflight(t *testing.T) {
	w := newWorld(t, nil)
	targets := []string{"/", "/nothing", "/nowhere/app/chatrooms", base + "/token", base + "/users", base + "/users/z1/password", base + "/chatrooms",
		base + "/chatrooms/" + seedRoom + "/mute/z1,z2", base + "//chatrooms//", base + "/metadata/chatroom/1/user/2/forced", base + "/nothing/at/all"}
	for _, target := range targets {
		rec := w.do("", http.MethodOptions, target, "", "Origin: https://page.example", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization,x-own")
		h := rec.Header()
		if rec.Code != http.StatusNoContent || rec.Body.Len() != 0 || h.Get("Access-Control-Allow-Origin") != "*" ||
			h.Get("Access-Control-Allow-Methods") != "GET, POST, PUT, DELETE, OPTIONS" || h.Get("Access-Control-Allow-Headers") != "authorization,x-own" ||
			h.Get("Access-Control-Max-Age") != "86400" || h.Get("Vary") != "Access-Control-Request-Headers" {
			t.Errorf("%s: got %d %v %s", target, rec.Code, h, rec.Body)
		}
	}
	for asked, want := range map[string]string{
		"": "Authorization, Content-Type, Accept, restrict-access, share-secret, thumbnail", "x-a": "x-a",
		strings.Repeat("x", 1024): "Authorization, Content-Type, Accept, restrict-access, share-secret, thumbnail",
	} {
		rec := w.do("", http.MethodOptions, "/", "", "Access-Control-Request-Headers: "+asked)
		if got := rec.Header().Get("Access-Control-Allow-Headers"); got != want {
			t.Errorf("asked %.20q: got %q, want %q", asked, got, want)
		}
	}
}

// TestHeaders: all answers may be read by any page and name their type and length.
func TestHeaders(t *testing.T) {
	w := newWorld(t, nil)
	for target, status := range map[string]int{base + "/chatrooms": 200, base + "/chatrooms/nowhere": 404, "/nothing": 404, "/no/app/users": 404} {
		rec := w.do("app", "GET", target, "")
		h := rec.Header()
		if rec.Code != status || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Content-Type") != "application/json" || h.Get("Content-Length") != fmt.Sprint(rec.Body.Len()) {
			t.Errorf("%s: got %d %v", target, rec.Code, h)
		}
	}
}

// TestURI: scheme and host are those of the public URL, or as the client came.
func TestURI(t *testing.T) {
	w := newWorld(t, nil)
	uri := func(api http.Handler, target string) string {
		t.Helper()
		req := httptest.NewRequest("GET", target, nil)
		req.Header.Set("Authorization", "Bearer "+w.token("app"))
		rec := httptest.NewRecorder()
		api.ServeHTTP(rec, req)
		var body struct {
			URI string `json:"uri"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		return body.URI
	}
	at := func(public string) http.Handler {
		c := w.config
		c.PublicURL = public
		return easemob.New(c)
	}
	rows := []struct{ public, target, want string }{
		{"", "http://im.example:8080" + base + "/chatrooms?pagenum=1", "http://im.example:8080" + base + "/chatrooms"},
		{"", "https://im.example" + base + "/chatrooms/", "https://im.example" + base + "/chatrooms"},
		{"https://chat.example", "http://10.0.0.1" + base + "/chatrooms", "https://chat.example" + base + "/chatrooms"},
		{"https://chat.example/", "http://10.0.0.1" + base + "//chatrooms", "https://chat.example" + base + "/chatrooms"},
		{"https://chat.example", "http://10.0.0.1" + base + "/chatrooms/" + seedRoom + "%2Cb%20c", "https://chat.example" + base + "/chatrooms/" + seedRoom + "%2Cb%20c"},
	}
	for _, row := range rows {
		if got := uri(at(row.public), row.target); got != row.want {
			t.Errorf("public %q, %s: got %s, want %s", row.public, row.target, got, row.want)
		}
	}
}

// TestObserve: every finished request is told with its route, status and code.
func TestObserve(t *testing.T) {
	var seen []string
	w := newWorld(t, nil, func(c *easemob.Config) {
		c.Observe = func(route string, status int, code string, took time.Duration) {
			if took < 0 {
				t.Errorf("%s took %s", route, took)
			}
			seen = append(seen, fmt.Sprintf("%s %d %s", route, status, code))
		}
	})
	rows := []struct{ who, method, target, want string }{
		{"app", "GET", "/chatrooms", "GET /chatrooms 200 "},
		{"app", "HEAD", "/chatrooms/", "GET /chatrooms 200 "},
		{"app", "GET", "/chatrooms/nowhere", "GET /chatrooms/{id} 404 room_not_found"},
		{"", "GET", "/chatrooms/" + seedRoom, "GET /chatrooms/{id} 401 unauthenticated"},
		{"user1", "POST", "/chatrooms/" + seedRoom + "/ban", "POST /chatrooms/{id}/ban 401 forbidden"},
		{"app", "DELETE", "/chatrooms/" + seedRoom + "/ban", "DELETE /chatrooms/{id}/{verb} 200 "},
		{"app", "DELETE", "/chatrooms/" + seedRoom + "/users/nobody", "DELETE /chatrooms/{id}/users/{users} 400 user_not_found"},
		{"app", "POST", "/chatrooms/" + seedRoom + "/users", "POST /chatrooms/{id}/users 400 field_missing"},
		{"app", "PATCH", "/chatrooms", "* unknown 405 unsupported"},
		{"", "GET", "/nothing", "* unknown 404 path_unknown"},
	}
	for _, row := range rows {
		seen = nil
		w.do(row.who, row.method, base+row.target, "")
		if got := strings.Join(seen, "; "); got != row.want {
			t.Errorf("%s %s: got %q, want %q", row.method, row.target, got, row.want)
		}
	}
}

// TestBodyLimit: a body of the limit is read, a larger one refused, with or without a length; nothing changes.
func TestBodyLimit(t *testing.T) {
	w := newWorld(t, nil)
	server := httptest.NewServer(w.api)
	defer server.Close()
	const limit = 1 << 20
	padded := func(size int) []byte {
		head := `{"announcement":"a"`
		return []byte(head + strings.Repeat(" ", size-len(head)-1) + "}")
	}
	send := func(body io.Reader) (int, string) {
		t.Helper()
		req, err := http.NewRequest("POST", server.URL+base+"/chatrooms/"+seedRoom+"/announcement", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+w.token("app"))
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(data)
	}
	for name, row := range map[string]struct {
		body io.Reader
		want int
	}{
		"the limit":          {bytes.NewReader(padded(limit)), 200},
		"the limit, chunked": {struct{ io.Reader }{bytes.NewReader(padded(limit))}, 200},
		"beyond":             {bytes.NewReader(padded(limit + 1)), 413},
		"beyond, chunked":    {struct{ io.Reader }{bytes.NewReader(padded(limit + 1))}, 413},
	} {
		status, body := send(row.body)
		if status != row.want || status == 413 && !strings.Contains(body, `"error_description":"Request Entity Too Large"`) {
			t.Errorf("%s: got %d %s, want %d", name, status, body, row.want)
		}
	}
}

// TestBodyLimitEverywhere: every call that reads a body refuses one that is too large.
func TestBodyLimitEverywhere(t *testing.T) {
	w := newWorld(t, nil)
	body := strings.Repeat(" ", 1<<20) + "{}"
	room, group := base+"/chatrooms/"+seedRoom, base+"/chatgroups/"+seedGroup
	for _, line := range []string{
		"POST " + base + "/token", "POST " + base + "/users", "PUT " + base + "/users/z1", "PUT " + base + "/users/z1/password", "POST " + base + "/chatrooms", "PUT " + room,
		"POST " + room + "/users", "POST " + room + "/admin", "POST " + room + "/mute", "POST " + room + "/blocks/users", "POST " + room + "/white/users", "POST " + room + "/announcement",
		"POST " + base + "/chatrooms/super_admin", "POST " + base + "/metadata/chatroom/" + seedRoom, "PUT " + base + "/metadata/chatroom/" + seedRoom + "/user/z1",
		"PUT " + base + "/metadata/chatroom/" + seedRoom + "/user/z1/forced", "DELETE " + base + "/metadata/chatroom/" + seedRoom + "/user/z1",
		"DELETE " + base + "/metadata/chatroom/" + seedRoom + "/user/z1/forced",
		"POST " + base + "/chatgroups", "PUT " + group, "POST " + group + "/users", "POST " + group + "/mute", "DELETE " + group + "/blocks/users", "POST " + base + "/users/z1/joined_chatgroups",
	} {
		method, target, _ := strings.Cut(line, " ")
		if rec := w.do("app", method, target, body); rec.Code != 413 {
			t.Errorf("%s: got %d %s, want 413", line, rec.Code, rec.Body)
		}
	}
	if rec := w.do("app", "GET", room, body); rec.Code != 200 { // nobody reads it
		t.Errorf("GET: got %d %s", rec.Code, rec.Body)
	}
}

// TestClientLeaves: a client that leaves while the store works is no failure of ours.
func TestClientLeaves(t *testing.T) {
	var log strings.Builder
	seen := ""
	w := newWorld(t, nil, func(c *easemob.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Observe = func(_ string, status int, code string, _ time.Duration) { seen = fmt.Sprint(status, " ", code) }
	})
	w.do("app", "GET", base+"/chatrooms", "") // the app and the token are remembered
	ctx, leave := context.WithCancel(t.Context())
	leave()
	for _, line := range []string{"GET " + base + "/chatrooms", "POST " + base + "/chatrooms/" + seedRoom + "/ban"} {
		method, target, _ := strings.Cut(line, " ")
		req := httptest.NewRequestWithContext(ctx, method, target, nil)
		req.Header.Set("Authorization", "Bearer "+w.token("app"))
		w.api.ServeHTTP(httptest.NewRecorder(), req)
		if seen != "503 unavailable" || log.Len() > 0 {
			t.Errorf("%s: got %s, log %q", line, seen, log.String())
		}
	}
}

// TestRealHEAD: a HEAD answers the headers of a GET and no body.
func TestRealHEAD(t *testing.T) {
	w := newWorld(t, nil)
	server := httptest.NewServer(w.api)
	defer server.Close()
	lengths := map[string]string{}
	for _, method := range []string{"GET", "HEAD"} {
		req, err := http.NewRequest(method, server.URL+base+"/chatrooms", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+w.token("app"))
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(res.Body)
		if err != nil || res.Body.Close() != nil || method == "HEAD" && len(data) > 0 {
			t.Errorf("%s: got %q, %v", method, data, err)
		}
		lengths[method] = fmt.Sprint(res.StatusCode, res.Header.Get("Content-Type"), res.Header.Get("Content-Length"))
	}
	if lengths["GET"] != lengths["HEAD"] {
		t.Errorf("got %v", lengths)
	}
}

// TestManyAtOnce: answers of requests that run at once do not mix.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.token("app")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				name := fmt.Sprintf("nobody%d", i)
				rec := w.do("app", "DELETE", base+"/chatrooms/"+seedRoom+"/users/"+name, "")
				if want := "username " + name + " doesn't exist!"; !strings.Contains(rec.Body.String(), want) || !json.Valid(rec.Body.Bytes()) {
					t.Errorf("got %s, want %s", rec.Body, want)
				}
			}
		})
	}
	wg.Wait()
}

// TestSettingsAtOnce: a changed setting counts for the next request.
func TestSettingsAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	status := func() int { return w.do("app", "DELETE", base+"/chatrooms/"+seedRoom+"/users/nobody", "").Code }
	if got := status(); got != 400 {
		t.Errorf("got %d, want 400", got)
	}
	if _, err := w.svc.ChangeApp(context.Background(), im.NewApp{Key: w.app.Key, Settings: map[string]string{"error_profile": im.ProfileV2}}); err != nil {
		t.Fatal(err)
	}
	if got := status(); got != 404 {
		t.Errorf("got %d, want 404", got)
	}
}

// TestDocumentedLimits: every class of the table has a rate, and no other.
func TestDocumentedLimits(t *testing.T) {
	want := map[string]float64{"token": 300, "users": 100, "users-delete": 30, "chatrooms-list": 50, "chatrooms-joined": 50, "chatrooms-create": 50, "chatrooms": 100, "chatfiles": 100, "discovery": 300, "chatgroups": 100,
		"messages": 100, "messages-users": 100, "messages-chatgroups": 20, "messages-chatrooms": 100, "messages-broadcast": 10.0 / 60, "chatmessages": 10.0 / 60}
	got := easemob.DocumentedLimits()
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for class, rate := range want {
		if got[class] != rate {
			t.Errorf("%s: got %v, want %v", class, got[class], rate)
		}
	}
	got["token"] = 1
	if again := easemob.DocumentedLimits(); again["token"] != 300 {
		t.Errorf("a caller's change stays: %v", again)
	}
}

// tenantCalls are calls that name something of an app.
func tenantCalls() []step {
	room, group := base+"/chatrooms/"+seedRoom, base+"/chatgroups/"+seedGroup
	one := `{"usernames":["z2"],"mute_duration":1000,"newadmin":"z2","announcement":"x","name":"x","metaData":{"k":"v"},"keys":["k"],"superadmin":"z2","nickname":"x","newpassword":"x","id_list":["` + seedGroup + `"],
		"to":["z2"],"type":"txt","body":{"msg":"x"},"target_type":"users","target":["z2"],"msg":{"type":"txt","msg":"x"},"users":["z2"],"msg_id":"7","chat_type":"chat","new_ext":{}}`
	var calls []step
	for _, line := range []string{
		"GET " + base + "/users", "DELETE " + base + "/users?limit=1", "POST " + base + "/users", "GET " + base + "/users/z1", "PUT " + base + "/users/z1", "DELETE " + base + "/users/z1",
		"PUT " + base + "/users/z1/password", "POST " + base + "/users/z1/activate", "POST " + base + "/users/z1/deactivate", "GET " + base + "/users/z1/joined_chatrooms",
		"GET " + base + "/sdk/users/z1/token/expires", "GET " + base + "/chatrooms", "POST " + base + "/chatrooms", "GET " + room, "PUT " + room, "DELETE " + room,
		"GET " + room + "/users", "POST " + room + "/users", "POST " + room + "/users/jma1", "DELETE " + room + "/users/z1", "DELETE " + room + "/users/z1,z2",
		"GET " + room + "/admin", "POST " + room + "/admin", "DELETE " + room + "/admin/z1", "GET " + room + "/mute", "POST " + room + "/mute", "DELETE " + room + "/mute/z2",
		"GET " + base + "/sdk/chatrooms/" + seedRoom + "/mute/z1", "POST " + room + "/ban", "DELETE " + room + "/ban", "GET " + room + "/blocks/users", "POST " + room + "/blocks/users",
		"POST " + room + "/blocks/users/z2", "DELETE " + room + "/blocks/users/z2", "GET " + room + "/white/users", "GET " + room + "/white/users/z1", "POST " + room + "/white/users",
		"POST " + room + "/white/users/z2", "DELETE " + room + "/white/users/z2", "GET " + room + "/announcement", "POST " + room + "/announcement", "GET " + base + "/chatrooms/super_admin",
		"POST " + base + "/chatrooms/super_admin", "DELETE " + base + "/chatrooms/super_admin/z1", "POST " + base + "/metadata/chatroom/" + seedRoom,
		"PUT " + base + "/metadata/chatroom/" + seedRoom + "/user/z1", "DELETE " + base + "/metadata/chatroom/" + seedRoom + "/user/z1/forced",
		"GET " + base + "/chatgroups", "POST " + base + "/chatgroups", "GET " + base + "/publicchatgroups", "GET " + base + "/users/z1/joined_chatgroups", "POST " + base + "/users/z1/joined_chatgroups",
		"GET " + base + "/chatgroups/user/z1", "GET " + base + "/chatgroups/user/z1/joined_count", "GET " + group, "PUT " + group, "DELETE " + group, "POST " + group + "/disable", "POST " + group + "/enable",
		"GET " + group + "/user/z1/is_joined", "GET " + group + "/roles", "GET " + group + "/acks/1", "GET " + group + "/users", "POST " + group + "/users", "POST " + group + "/users/jma1",
		"DELETE " + group + "/users/z1", "GET " + group + "/admin", "POST " + group + "/admin", "DELETE " + group + "/admin/z1", "GET " + group + "/mute", "POST " + group + "/mute", "DELETE " + group + "/mute/z2",
		"GET " + base + "/sdk/chatgroups/" + seedGroup + "/mute/z1", "POST " + group + "/ban", "DELETE " + group + "/ban", "GET " + group + "/blocks/users", "POST " + group + "/blocks/users",
		"POST " + group + "/blocks/users/z2", "DELETE " + group + "/blocks/users/z2", "DELETE " + group + "/blocks/users", "GET " + group + "/white/users", "GET " + group + "/white/users/z1",
		"POST " + group + "/white/users", "POST " + group + "/white/users/z2", "DELETE " + group + "/white/users/z2", "GET " + group + "/announcement", "POST " + group + "/announcement",
		"POST " + base + "/messages", "POST " + base + "/messages/users", "POST " + base + "/messages/chatgroups", "POST " + base + "/messages/chatrooms", "POST " + base + "/messages/chatgroups/users",
		"POST " + base + "/messages/chatrooms/users", "POST " + base + "/messages/broadcast", "POST " + base + "/messages/users/broadcast", "POST " + base + "/messages/chatrooms/broadcast",
		"POST " + base + "/messages/users/import", "POST " + base + "/messages/chatgroups/import", "POST " + base + "/messages/msg_recall", "POST " + base + "/messages/recall",
		"POST " + base + "/messages/batch_recall", "PUT " + base + "/messages/rewrite/7", "GET " + base + "/users/z1/offline_msg_count", "GET " + base + "/users/z1/offline_msg_status/7",
		"GET " + base + "/chatmessages", "GET " + base + "/chatmessages/2016102704",
	} {
		method, target, _ := strings.Cut(line, " ")
		calls = append(calls, step{method: method, target: target, body: one})
	}
	return calls
}

// TestTenants: a token of one app opens no call of another, though both have the same users and rooms; and what one app
// does changes nothing of the other.
func TestTenants(t *testing.T) {
	w := newWorld(t, nil)
	w.group(w.app)
	w.group(w.secondApp("acme/chat"))
	state := func(who, at string) string {
		t.Helper()
		var all strings.Builder
		for _, path := range []string{"/users?limit=100", "/chatrooms", "/chatrooms/" + seedRoom, "/chatrooms/" + seedRoom + "/mute", "/chatrooms/" + seedRoom + "/blocks/users",
			"/chatrooms/" + seedRoom + "/white/users", "/chatrooms/" + seedRoom + "/admin", "/chatrooms/" + seedRoom + "/announcement", "/chatrooms/super_admin", "/users/z1/joined_chatrooms", "/chatgroups", "/chatgroups/" + seedGroup,
			"/chatgroups/" + seedGroup + "/mute", "/chatgroups/" + seedGroup + "/blocks/users", "/chatgroups/" + seedGroup + "/white/users", "/chatgroups/" + seedGroup + "/announcement", "/chatgroups/user/z1"} {
			rec := w.do(who, "GET", at+path, "")
			if rec.Code != 200 {
				t.Errorf("%s: got %d %s", path, rec.Code, rec.Body)
			}
			all.WriteString(rec.Body.String() + "\n")
		}
		return all.String()
	}
	ours, theirs := state("app", base), state("app@acme/chat", "/acme/chat")
	for _, who := range []string{"app@acme/chat", "z1@acme/chat", "user0@acme/chat"} {
		for _, c := range tenantCalls() {
			rec := w.do(who, c.method, c.target, c.body)
			if rec.Code != 401 || strings.Contains(rec.Body.String(), "seed room") || strings.Contains(rec.Body.String(), "seed group") {
				t.Errorf("%s %s as %s: got %d %s", c.method, c.target, who, rec.Code, rec.Body)
			}
		}
	}
	if now := state("app", base); now != ours {
		t.Errorf("another app's tokens changed ours:\n got %s\nwant %s", now, ours)
	}
	calls := tenantCalls()
	slices.SortStableFunc(calls, func(a, b step) int { return destructive(a) - destructive(b) })
	for _, c := range calls {
		if rec := w.do("app", c.method, c.target, c.body); rec.Code >= 500 {
			t.Errorf("%s %s: got %d %s", c.method, c.target, rec.Code, rec.Body)
		}
	}
	if now := state("app@acme/chat", "/acme/chat"); now != theirs {
		t.Errorf("our calls changed theirs:\n got %s\nwant %s", now, theirs)
	}
}

// destructive sorts what takes the room or users away behind the rest.
func destructive(c step) int {
	if c.method == "DELETE" && !strings.Contains(c.target, "/mute/") {
		return 1
	}
	return 0
}
