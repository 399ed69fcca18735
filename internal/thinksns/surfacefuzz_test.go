package thinksns_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"teahouse/internal/im"
	"teahouse/internal/thinksns"
)

// FuzzSurface sends anything: never a panic or a server's error; errors always have a message, and what is answered is JSON.
func FuzzSurface(f *testing.F) {
	const g = "/api/v2/easemob/group"
	for i, c := range [][4]string{
		{"GET", g + "?im_group_id=" + garden + ",1,,x", "", ""}, {"POST", g, "application/json", `{"groupname":"g","desc":"d","members":[2,"3"]}`},
		{"PATCH", g + "?im_group_id=" + garden + "&groupname=n&desc=d&public=maybe", "", ""}, {"DELETE", g + "/member", "", "im_group_id=" + garden + "&members=2"},
		{"POST", g, "", "_method=DELETE&im_group_id=" + cellar}, {"GET", "/api/v2/users/%ff%00", "", ""}, {"GET", "/api/v2/users?id=1,2&limit=-1&offset=99999999999999999999", "", ""},
		{"POST", "/api/v2/auth/login", "application/json", `{"login":"\u0000","password":["x"]}`}, {"POST", "/api/v2/users", "", "name=%00&password=x"},
		{"POST", "/api/v2/files", "multipart/form-data; boundary=X", "--X\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nGIF89a\r\n--X--"},
		{"GET", "/api/v2/files/uploaded/%2e%2e", "", ""}, {"OPTIONS", "*", "", ""}, {"GET", "/api/v2//easemob/../group/", "", ""}, {"CONNECT", "x:1", "", ""},
		{"POST", g, "application/json", `{"groupname":"\u0000","desc":"\ud800"}`}, {"PUT", "/api/v2/user/password", "", "password=123456&old_password=x"},
	} {
		f.Add(c[0], c[1], c[2], []byte(c[3]), uint8(i))
	}
	w := newWorld(f)
	callers := []string{"", "root", "花儿", "bob"}
	accounts := map[string]im.Account{}
	for _, who := range callers[1:] {
		account, err := w.svc.AccountBy(f.Context(), w.app, im.ByName, who)
		w.must(err)
		account.Version = 0 // whatever password is set
		accounts[who] = account
	}
	f.Fuzz(func(t *testing.T, method, target, kind string, body []byte, who uint8) {
		if strings.ContainsAny(method+target, " \r\n") {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: teahouse.test\r\n\r\n")))
		if err != nil {
			return
		}
		r.Body, r.ContentLength, r.RemoteAddr = io.NopCloser(strings.NewReader(string(body))), int64(len(body)), "192.0.2.1:1"
		r.Header["Content-Type"] = []string{kind}
		caller := callers[int(who)%len(callers)]
		if caller != "" { // each has another token: they log out, too
			r.Header.Set("Authorization", "Bearer "+thinksns.IssueForTest(w.api, jwtKey, accounts[caller]))
		}
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		if !slices.Contains([]int{200, 201, 204, 302, 400, 401, 403, 404, 405, 413, 422}, rec.Code) {
			t.Fatalf("got status %d: %s", rec.Code, rec.Body)
		}
		if kind := rec.Header().Get("Content-Type"); rec.Body.Len() == 0 || rec.Code == http.StatusOK && (strings.HasPrefix(kind, "image/") || kind == "application/octet-stream") {
			return
		}
		var answer any
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			t.Fatalf("got %d %q: %v", rec.Code, rec.Body, err)
		}
		if object, _ := answer.(map[string]any); rec.Code >= 400 && object["message"] == nil {
			t.Errorf("got %d %s, which says nothing", rec.Code, rec.Body)
		}
	})
}
