package thinksns_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"teahouse/internal/easemob"
	"teahouse/internal/im"
)

// doing is one action in the matrix: the request on either surface, and what each role hears, in a public group and in a
// private one. ID stands for the group, ME for the caller.
type doing struct {
	what, social, easemob string
	public, private       string // of the social app
	user                  string // of a user token on the Easemob API, where the group's kind does not matter to it
}

// roles are the columns: root owns the group, 花儿 is an admin, 木子 a member, bob a stranger; the last has no token.
const roles = "root 花儿 木子 bob -"

func doings() []doing {
	const g, rest = "/api/v2/easemob/group", "/easemob-demo/chatdemoui/chatgroups/ID"
	change := func(more string) string { return "PATCH " + g + "?im_group_id=ID&groupname=n&desc=d" + more }
	asItIs := "&public=&members_only=&allowinvites="
	return []doing{
		{"read", "GET " + g + "?im_group_id=ID", "GET " + rest, "200 200 200 200 401", "200 200 200 404 401", "200 200 200 200 401"},
		{"read shortly", "GET " + g + "s?im_group_id=ID", "GET " + rest + "/users?pagenum=1&pagesize=9", "200 200 200 200 401", "200 200 200 404 401", "200 200 200 200 401"},
		{"see the face", "GET " + g + "/face?im_group_id=ID", "", "200 200 200 200 401", "200 200 200 200 401", ""},
		{"rename", change(asItIs), `PUT ` + rest + ` {"groupname":"n"}`, "201 201 403 403 401", "201 201 403 404 401", "200 200 401 401 401"},
		{"change", change(asItIs + "&maxusers=9"), `PUT ` + rest + ` {"maxusers":9}`, "201 403 403 403 401", "201 403 403 404 401", "200 401 401 401 401"},
		{"pass on", change(asItIs + "&new_owner_user=3"), `PUT ` + rest + ` {"newowner":"3"}`, "201 403 403 403 401", "201 403 403 404 401", "200 401 401 401 401"},
		{"delete", "DELETE " + g + "?im_group_id=ID", "DELETE " + rest, "204 400 400 400 401", "204 400 400 400 401", "200 401 401 401 401"},
		{"add another", "POST " + g + "/member?im_group_id=ID&members=5", "POST " + rest + "/users/5", "201 201 201 403 401", "201 201 201 404 401", "200 200 200 401 401"},
		{"join", "POST " + g + "/member?im_group_id=ID&members=ME", "POST " + rest + "/users/ME", "201 201 201 201 401", "201 201 201 404 401", "403 403 403 401 401"},
		{"remove a member", "DELETE " + g + "/member?im_group_id=ID&members=7", "DELETE " + rest + "/users/7", "204 204 403 403 401", "204 204 403 404 401", "200 200 401 401 401"},
		{"remove an admin", "DELETE " + g + "/member?im_group_id=ID&members=8", "DELETE " + rest + "/users/8", "204 204 403 403 401", "204 204 403 404 401", "200 401 401 401 401"},
		{"remove the owner", "DELETE " + g + "/member?im_group_id=ID&members=1", "DELETE " + rest + "/users/1", "422 422 403 403 401", "422 422 403 404 401", "403 403 401 401 401"},
		{"leave", "DELETE " + g + "/member?im_group_id=ID&members=ME", "DELETE " + rest + "/users/ME", "422 204 204 403 401", "422 204 204 404 401", "403 200 200 403 401"},
		{"learn the own password", "GET /api/v2/easemob/password?user_id=ME", "", "201 201 201 201 401", "201 201 201 201 401", ""},
		{"learn another's password", "GET /api/v2/easemob/password?user_id=5", "", "403 403 403 403 401", "403 403 403 403 401", ""},
		{"give another a new password", "PUT /api/v2/easemob/password?user_id=5", "", "403 403 403 403 401", "403 403 403 403 401", ""},
		{"register another", "POST /api/v2/easemob/register/5", "", "201 201 201 201 401", "201 201 201 201 401", ""},
	}
}

// TestAuthority asks every cell, each in a group of its own. What a user token hears on the Easemob API about the same groups
// stands beside it: that surface has rules of its own (wire/thinksns.md §5).
func TestAuthority(t *testing.T) {
	w := newWorld(t)
	ctx, app := t.Context(), im.AppCaller(w.app)
	for _, name := range []string{"member", "admin"} { // 7 and 8
		_, err := w.svc.CreateAccount(ctx, app, im.NewAccount{Name: name})
		w.must(err)
	}
	w.must(w.svc.RegisterAllIM(ctx, app, nil))
	rest := easemob.New(easemob.Config{Service: w.svc, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	for _, d := range doings() {
		t.Run(d.what, func(t *testing.T) {
			w.t = t
			for i, who := range strings.Fields(roles) {
				check := func(surface, want string, public im.Toggle, send func(who, request string) *httptest.ResponseRecorder, request string) {
					rec := send(who, w.inNewGroup(public, who, request))
					if got := fmt.Sprint(rec.Code); got != strings.Fields(want)[i] {
						t.Errorf("%s as %s: got %s %s, want %s", surface, who, got, rec.Body, strings.Fields(want)[i])
					}
				}
				check("social, public", d.public, im.On, w.social, d.social)
				check("social, private", d.private, im.Off, w.social, d.social)
				if d.easemob != "" {
					send := func(who, request string) *httptest.ResponseRecorder { return w.withUserToken(rest, who, request) }
					check("easemob, public", d.user, im.On, send, d.easemob)
				}
			}
		})
	}
}

// inNewGroup makes a group and puts it and the caller into a request.
func (w *world) inNewGroup(public im.Toggle, who, request string) string {
	w.t.Helper()
	ctx, app := w.t.Context(), im.AppCaller(w.app)
	room, err := w.svc.StartGroup(ctx, im.UserCaller(w.app, "1"), im.NewGroup{Name: "n", Public: public, Members: []int64{2, 3, 7, 8}})
	w.must(err)
	for _, admin := range []string{"2", "8"} {
		w.must(w.svc.AddAdmin(ctx, app, im.Group, room.ID, admin))
	}
	me := "1"
	if who != "-" {
		me = fmt.Sprint(w.id(who))
	}
	return strings.NewReplacer("ID", string(room.ID), "ME", me).Replace(request)
}

func (w *world) social(who, request string) *httptest.ResponseRecorder {
	w.t.Helper()
	method, target, _ := strings.Cut(request, " ")
	if who == "-" {
		who = ""
	}
	return w.do(who, method, target, "")
}

// withUserToken sends a request to the Easemob API with the token of a person's user.
func (w *world) withUserToken(rest http.Handler, who, request string) *httptest.ResponseRecorder {
	w.t.Helper()
	method, target, _ := strings.Cut(request, " ")
	target, body, _ := strings.Cut(target, " ")
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	if who != "-" {
		grant, err := w.svc.IssueUserToken(w.t.Context(), w.app, im.IMName(w.id(who)), nil)
		w.must(err)
		req.Header.Set("Authorization", "Bearer "+grant.Text)
	}
	rec := httptest.NewRecorder()
	rest.ServeHTTP(rec, req)
	return rec
}
