package thinksns

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// failed words an error on a route and returns the answer, and what was logged.
func failed(t *testing.T, rt *route, err error) (*httptest.ResponseRecorder, string) {
	t.Helper()
	var log strings.Builder
	a := New(Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	rec := httptest.NewRecorder()
	a.fail(&call{w: rec, r: httptest.NewRequest("PUT", "/api/v2/x", nil), route: rt}, err)
	return rec, log.String()
}

// TestEveryErrorHasAForm: each error of the domain comes out with a status that clients know and a sentence for people, and
// tells nothing of our inside. Only what is ours to mend is logged.
func TestEveryErrorHasAForm(t *testing.T) {
	for _, e := range im.Errors() {
		full := e.With("ARG").For("USER").In("ROOM").Because(errors.New("disk on fire"))
		rec, log := failed(t, &route{method: "PUT", path: "/x"}, full)
		if !slices.Contains([]int{401, 403, 404, 405, 413, 422, 429, 500}, rec.Code) {
			t.Errorf("%s: the status %d", e.Code, rec.Code)
		}
		if (rec.Code == 401) != (e.Kind == im.Unauthenticated && e.Code != im.ErrRegistration.Code) {
			t.Errorf("%s: %d: 401 is for bad tokens alone", e.Code, rec.Code)
		}
		var body map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil || body["message"] == nil || !strings.HasPrefix(rec.Body.String(), `{"message":`) {
			t.Errorf("%s: %s", e.Code, rec.Body)
		}
		for _, inner := range []string{"fire", "USER", "ROOM", e.Text, "{arg}"} {
			if strings.Contains(rec.Body.String(), inner) {
				t.Errorf("%s: %s tells %q", e.Code, rec.Body, inner)
			}
		}
		if logged := strings.Contains(log, "disk on fire"); logged != (e.Kind == im.Internal || e.Kind == im.Unavailable) {
			t.Errorf("%s: logged %q", e.Code, log)
		}
	}
}

// TestErrorForms has the statuses and sentences that are not what the error's kind would say.
func TestErrorForms(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{im.ErrPathUnknown, `404 {"message":""}`},
		{im.ErrUnsupported.With("GET, HEAD"), `405 {"message":"The PUT method is not supported for this route. Supported methods: GET, HEAD."}`},
		{im.ErrRoomNotFound, `404 {"message":["该群组不存在或已被删除"]}`},
		{im.ErrUserNotFound, `404 {"message":["用户不存在或已经被删除"]}`},
		{im.ErrForbidden, `403 {"message":["没有权限"]}`},
		{im.ErrNotSelf, `403 {"message":["没有权限"]}`},
		{im.ErrTokenExpired, `401 {"message":"Unauthenticated."}`},
		{im.ErrRateLimited, `429 {"message":"Too Many Attempts."}`},
		{im.ErrUnavailable, `500 {"message":["Server Error"]}`},
		{im.ErrAppNotFound, `500 {"message":["环信未开启或者配置信息不全"]}`},
		{im.ErrTooManyMembers, `422 {"message":"提交的信息验证错误","errors":{"members":["群成员数量超过上限"]}}`},
		{im.ErrMaxUsersHigh.With("2000"), `422 {"message":"提交的信息验证错误","errors":{"maxusers":["maxusers 的最大长度为 2000 位"]}}`},
		{im.ErrInvalid, `422 {"message":["提交的信息验证错误"]}`},
		{errors.New("disk on fire"), `500 {"message":["Server Error"]}`},
		{faults{{"b", []string{"1", "2"}}, {"a", []string{`"`}}}, `422 {"message":"提交的信息验证错误","errors":{"b":["1","2"],"a":["\""]}}`},
	} {
		rec, _ := failed(t, nil, row.err)
		if got := strconv.Itoa(rec.Code) + " " + rec.Body.String(); got != row.want {
			t.Errorf("%v:\n got %s\nwant %s", row.err, got, row.want)
		}
	}
}

// TestWordsAreOfErrors: what a route words must be an error of the domain.
func TestWordsAreOfErrors(t *testing.T) {
	known := map[string]bool{}
	for _, e := range im.Errors() {
		known[e.Code] = true
	}
	for _, rt := range (&API{}).routes() {
		for _, w := range rt.words {
			if code, _, _ := strings.Cut(w.code, ":"); !known[code] || w.form.status < 400 || w.form.text == "" {
				t.Errorf("%s %s words %+v", rt.method, rt.path, w)
			}
		}
	}
}

// TestPreflight: any page may call, with any header, and without credentials.
func TestPreflight(t *testing.T) {
	a := New(Config{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	r := httptest.NewRequest("OPTIONS", "/api/v2/easemob/group", nil)
	r.Header.Set("Access-Control-Request-Headers", "authorization,x-requested-with,x-anything")
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, r)
	for header, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "authorization,x-requested-with,x-anything",
		"Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", "Access-Control-Allow-Credentials": "",
	} {
		if got := rec.Header().Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	if rec.Code != 204 || rec.Body.Len() > 0 {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}
