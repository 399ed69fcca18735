package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"teahouse/internal/plustest"
)

// visit plays what a client of ThinkSNS+ does with a token: it learns its password for messaging, signs in with it, makes a
// group and reads it.
func visit(t *testing.T, n *node, token, user string, member int) {
	t.Helper()
	var password struct {
		Hash string `json:"im_pwd_hash"`
	}
	fetch(t, n, token, "GET", "/api/v2/easemob/password", "", 201, &password)
	var grant struct {
		Token string `json:"access_token"`
	}
	fetch(t, n, "", "POST", "/easemob-demo/chatdemoui/token", fmt.Sprintf(`{"grant_type":"password","username":%q,"password":%q}`, user, password.Hash), 200, &grant)
	var made struct {
		Group string `json:"im_group_id"`
	}
	fetch(t, n, token, "POST", "/api/v2/easemob/group", fmt.Sprintf(`{"groupname":"g","desc":"d","members":"%d,"}`, member), 201, &made)
	if len(made.Group) != 14 {
		t.Errorf("the group's id is %q", made.Group)
	}
	var groups []struct {
		Owner        string `json:"owner"`
		Count        int    `json:"affiliations_count"`
		Affiliations []struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
		} `json:"affiliations"`
	}
	fetch(t, n, token, "GET", "/api/v2/easemob/group?im_group_id="+made.Group, "", 200, &groups)
	if len(groups) != 1 || groups[0].Owner != user || groups[0].Count != 2 || len(groups[0].Affiliations) != 2 {
		t.Errorf("got %+v", groups)
	}
	var joined struct {
		Data []struct {
			ID string `json:"groupid"`
		} `json:"data"`
	}
	fetch(t, n, grant.Token, "GET", "/easemob-demo/chatdemoui/users/"+user+"/joined_chatgroups", "", 200, &joined)
	if !strings.Contains(fmt.Sprint(joined), made.Group) {
		t.Errorf("the SDK's groups are %+v, without %s", joined, made.Group)
	}
}

func fetch(t *testing.T, n *node, token, method, path, body string, want int, into any) {
	t.Helper()
	status, answer := ask(t, method, n.url()+path, token, body)
	if status != want {
		t.Fatalf("%s %s: %d %s, want %d", method, path, status, answer, want)
	}
	if err := json.Unmarshal([]byte(answer), into); err != nil {
		t.Fatalf("%s %s: %s: %v", method, path, answer, err)
	}
}

// TestStandalone: the emulator has accounts, and what they do in the social app is what SDKs see.
func TestStandalone(t *testing.T) {
	n := start(t, Config{Dev: true})
	if got := n.value("ThinkSNS+"); got != n.url()+"/api/v2/ (standalone)" {
		t.Errorf("the text says %q", got)
	}
	var login struct {
		Token string `json:"access_token"`
	}
	fetch(t, n, "", "POST", "/api/v2/auth/login", `{"login":"root","password":"123456"}`, 200, &login)
	visit(t, n, login.Token, "1", 2)
	var people []struct{ Name string }
	fetch(t, n, login.Token, "GET", "/api/v2/user/follow-mutual", "", 200, &people)
	if len(people) != 3 {
		t.Errorf("got %+v", people)
	}
}

// TestStandaloneStays: started again, the emulator makes nothing twice, and its tokens stay good.
func TestStandaloneStays(t *testing.T) {
	dir := t.TempDir()
	n := start(t, Config{Dev: true, Storage: Storage{Data: dir}})
	var login struct {
		Token string `json:"access_token"`
	}
	fetch(t, n, "", "POST", "/api/v2/auth/login", `{"login":"root","password":"123456"}`, 200, &login)
	n.stop()
	n = start(t, Config{Dev: true, Storage: Storage{Data: dir}})
	visit(t, n, login.Token, "1", 2)
}

// TestSidecar: beside a ThinkSNS+ its tokens and people are good here, and calls that are its own are not answered.
func TestSidecar(t *testing.T) {
	plus := plustest.New(t)
	plus.Add(plustest.User{ID: 7, Name: "seven"}, plustest.User{ID: 8, Name: "eight"})
	n := start(t, Config{Dev: true, ThinkSNS: ThinkSNSConfig{Mode: "sidecar", URL: plus.URL}})
	visit(t, n, plus.Login(7), "7", 8)
	for path, want := range map[string]int{"/api/v2/easemob/password": 401, "/api/v2/users": 404, "/api/v2/auth/login": 404} {
		if status, body := ask(t, "GET", n.url()+path, "nobody's", ""); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
	plus.Stop()
	if status, body := ask(t, "GET", n.url()+"/api/v2/easemob/password", "another", ""); status != 500 || !strings.Contains(body, "Server Error") {
		t.Errorf("while it does not answer: %d %s", status, body)
	}
}

// TestSocialAppMissing: the app may be made later.
func TestSocialAppMissing(t *testing.T) {
	n := start(t, Config{ThinkSNS: ThinkSNSConfig{Mode: "standalone", App: "acme#later"}})
	if status, body := ask(t, "POST", n.url()+"/api/v2/auth/login", "", `{"login":"a"}`); status != 500 || !strings.Contains(body, "环信未开启") {
		t.Errorf("got %d %s", status, body)
	}
	if !strings.Contains(n.log.String(), "does not exist yet") {
		t.Errorf("the log says %s", n.log)
	}
}
