package easemob_test

import (
	"strings"
	"testing"

	"teahouse/internal/im"
)

// TestGroupsOfUsersAsWords: users may be called as other paths of groups are, and organisations and apps as well.
func TestGroupsOfUsersAsWords(t *testing.T) {
	w := newWorld(t, nil)
	w.group(w.app)
	names := strings.Fields("users admin mute roles announcement acks blocks user chatgroups is_joined joined_count")
	for _, name := range names {
		if rec := w.do("app", "POST", base+"/users", `{"username":"`+name+`","password":"x"}`); rec.Code != 200 {
			t.Fatal(rec.Body)
		}
		for path, want := range map[string]string{"/chatgroups/user/" + name: `"total":0`, "/chatgroups/user/" + name + "/joined_count": `"data":0`,
			"/chatgroups/" + seedGroup + "/user/" + name + "/is_joined": `"data":false`} {
			if rec := w.do("app", "GET", base+path, ""); rec.Code != 200 || !strings.Contains(rec.Body.String(), want) {
				t.Errorf("%s: got %d %s, want %s", path, rec.Code, rec.Body, want)
			}
		}
	}
	app, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "user", Name: "chatgroups"}})
	if err != nil {
		t.Fatal(err)
	}
	w.others["user/chatgroups"] = &app
	if rec := w.do("app@user/chatgroups", "POST", "/user/chatgroups/users", `{"username":"user","password":"x"}`); rec.Code != 200 {
		t.Fatal(rec.Body)
	}
	for path, want := range map[string]string{"/user/chatgroups/users/user": `"username":"user"`, "/user/chatgroups/users/user/joined_chatgroups": `"data":[]`,
		"/user/chatgroups/chatgroups/user/user": `"total":0`, "/user/chatgroups/chatgroups": `"data":[]`} {
		if rec := w.do("app@user/chatgroups", "GET", path, ""); rec.Code != 200 || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: got %d %s, want %s", path, rec.Code, rec.Body, want)
		}
	}
	for line, status := range map[string]int{"GET /chatgroups/user": 404, "GET /chatgroups/user/": 404, "DELETE /chatgroups/user/z1": 405, "POST /chatgroups/user/z1/joined_count": 405,
		"GET /chatgroups/user/z1/nothing": 404, "GET /chatgroups/user/z1/users/z2": 404} {
		method, path, _ := strings.Cut(line, " ")
		if rec := w.do("app", method, base+path, ""); rec.Code != status {
			t.Errorf("%s: got %d %s, want %d", line, rec.Code, rec.Body, status)
		}
	}
}
