package easemob_test

import (
	"bufio"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// request reads a request line as a server does; nil if a server would not pass it on.
func request(method, target string, body []byte) *http.Request {
	if strings.ContainsAny(method+target, " \r\n") {
		return nil
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: teahouse.test\r\n\r\n")))
	if err != nil {
		return nil
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
	return r
}

func bearers() []string {
	return []string{"", "app", "user0", "z1", "user1", "stranger", "Bearer", "Bearer nonsense", "Bearer YWMtunknown", "Basic eDp5"}
}

// FuzzSurface sends anything: never a panic, a server error or a redirect; errors always have the envelope, and what is
// answered is JSON.
func FuzzSurface(f *testing.F) {
	for i, c := range append(tenantCalls(), corners()...) {
		f.Add(c.method, c.target, []byte(c.body), uint8(1))
		f.Add(c.method, c.target, []byte(c.body), uint8(2+i%8))
	}
	w := newWorld(f, map[string]string{"open_registration": "true"})
	w.group(w.app)
	statuses := []int{200, 204, 400, 401, 403, 404, 405, 413}
	f.Fuzz(func(t *testing.T, method, target string, body []byte, token uint8) {
		r := request(method, target, body)
		if r == nil {
			return
		}
		w.t = t
		who := bearers()[int(token)%len(bearers())]
		switch {
		case strings.Contains(who, " ") || who == "Bearer":
			r.Header.Set("Authorization", who)
		case who != "":
			r.Header.Set("Authorization", "Bearer "+w.token(who))
		}
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		if !slices.Contains(statuses, rec.Code) {
			t.Errorf("got status %d: %s", rec.Code, rec.Body)
		}
		checkAnswer(t, r, rec)
		if rec.Code == http.StatusOK && r.Method != http.MethodGet {
			w.restore()
		}
	})
}

func corners() []step {
	return []step{
		{method: "GET", target: "*"}, {method: "OPTIONS", target: "*"}, {method: "CONNECT", target: "host:80"}, {method: "CONNECT", target: "/x/../y"},
		{method: "GET", target: "/"}, {method: "GET", target: "//"}, {method: "GET", target: "/../.."}, {method: "GET", target: "http://other/easemob-demo/chatdemoui/users"},
		{method: "GET", target: base + "/users/%00"}, {method: "GET", target: base + "/users/%ff%fe"}, {method: "GET", target: "/%00/%ff/users"}, {method: "PATCH", target: base + "/users"},
		{method: "DELETE", target: base + "/chatrooms/%2F/%2e%2e"}, {method: "GET", target: base + "/chatrooms/" + strings.Repeat("x,", 200)}, {method: "HEAD", target: base + "/chatrooms"},
		{method: "GET", target: base + "/users?limit=99999999999999999999&cursor=%ff"}, {method: "GET", target: base + "/chatrooms?pagenum=1&pagesize=0"}, {method: "GET", target: base + "/users?%zz=1;2"},
		{method: "GET", target: base + "/chatrooms/" + seedRoom + "/users?joined_time=true&limit=2&cursor=m2&sort=desc"}, {method: "GET", target: base + "/token?grant_type=password&username=z1&password=123456"},
		{method: "POST", target: base + "/token", body: `{"grant_type":"inherit","username":"x\u0000","autoCreateUser":true}`}, {method: "POST", target: base + "/users", body: `[{"username":"n1"},{"username":2}]`},
		{method: "POST", target: base + "/chatrooms", body: `{"name":"\u0000","owner":"z1","maxusers":"3","members":["z2"]}`}, {method: "PUT", target: base + "/chatrooms/" + seedRoom, body: `{"newowner":"z2","maxusers":null}`},
		{method: "PUT", target: base + "/metadata/chatroom/" + seedRoom + "/user/user1", body: `{"metaData":{"a":"b","\u0000":"\u0000"}}`}, {method: "GET", target: base + "/users?access_token=YWMtx"},
		{method: "GET", target: base + "/chatgroups/user/"}, {method: "GET", target: base + "/chatgroups/user/%2F"}, {method: "PUT", target: base + "/chatgroups/user/z1/joined_count"},
		{method: "GET", target: "/chatgroups/user/chatgroups/user/z1"}, {method: "POST", target: base + "/chatgroups", body: `{"groupname":"\u0000","public":1,"owner":7,"members":[8,"z2"],"maxusers":""}`},
		{method: "PUT", target: base + "/chatgroups/" + seedGroup, body: `{"desc":"d","approval":"0","newowner":null,"avatar":"a"}`},
	}
}

// checkAnswer checks what holds for every answer.
func checkAnswer(t *testing.T, r *http.Request, rec *httptest.ResponseRecorder) {
	t.Helper()
	if r.Method == http.MethodOptions {
		if rec.Code != http.StatusNoContent || rec.Body.Len() > 0 {
			t.Errorf("a preflight is answered %d %s", rec.Code, rec.Body)
		}
		return
	}
	if kind, _, err := mime.ParseMediaType(rec.Header().Get("Content-Type")); kind != "application/json" || err != nil {
		t.Errorf("got Content-Type %q", rec.Header().Get("Content-Type"))
	}
	var body map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Fatalf("got %d %q: %v", rec.Code, rec.Body, err)
	}
	if rec.Code < 400 {
		return
	}
	sentence, _ := body["error_description"].(string)
	if sentence == "" || body["timestamp"] == nil || body["duration"] == nil || body["error"] == nil && body["desc"] == nil {
		t.Errorf("got %d %s, which is no error envelope", rec.Code, rec.Body)
	}
	if rec.Code == http.StatusMethodNotAllowed && rec.Header().Get("Allow") == "" {
		t.Errorf("405 without Allow")
	}
}

// restore brings back the users and the room of the world, where a call has changed them.
func (w *world) restore() {
	w.t.Helper()
	ctx, app := w.t.Context(), im.AppCaller(w.app)
	clear(w.tokens)
	for id, kind := range map[im.RoomID]im.RoomKind{seedRoom: im.Chatroom, seedGroup: im.Group} {
		if err := w.svc.DestroyRoom(ctx, app, kind, id); err != nil && im.AsError(err).Code != im.ErrRoomNotFound.Code {
			w.t.Fatal(err)
		}
	}
	for {
		gone, more, err := w.svc.DeleteUsers(ctx, app, 500)
		if err != nil {
			w.t.Fatal(err)
		}
		if !more || len(gone) == 0 {
			break
		}
	}
	w.populate(ctx, w.app)
	w.group(w.app)
}
