package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

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
	n := start(t, Config{Dev: true, Logging: Logging{LogLevel: "debug"}})
	if got := n.value("ThinkSNS+"); got != n.url()+"/api/v2/ (standalone)" {
		t.Errorf("the text says %q", got)
	}
	var login struct {
		Token string `json:"access_token"`
	}
	fetch(t, n, "", "POST", "/api/v2/auth/login", `{"login":"root","password":"123456"}`, 200, &login)
	visit(t, n, login.Token, "1", 2)
	image := "GIF89a" + strings.Repeat("x", 3<<20)
	form := "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"big.gif\"\r\n\r\n" + image + "\r\n--X--\r\n"
	req, err := http.NewRequestWithContext(t.Context(), "POST", n.url()+"/api/v2/files?token="+login.Token, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "multipart/form-data; boundary=X")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 201 {
		t.Errorf("an upload beyond the limit of other bodies: %d %s", res.StatusCode, body)
	}
	if status, body := ask(t, "GET", n.url()+"/api/v2/files/1", "", ""); status != 200 || body != image { // the client follows
		t.Errorf("the upload: %d, %d bytes", status, len(body))
	}
	if strings.Contains(n.log.String(), login.Token) {
		t.Error("the log holds a token")
	}
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
	plus.AddFile(11, "https://plus.example.com/face.png")
	seven := plus.Login(7)
	var made struct {
		Group string `json:"im_group_id"`
		Face  string `json:"group_face"`
	}
	fetch(t, n, seven, "POST", "/api/v2/easemob/group", `{"groupname":"g","desc":"d"}`, 201, &made)
	change := `{"im_group_id":"` + made.Group + `","groupname":"g","desc":"d","group_face":`
	fetch(t, n, seven, "PATCH", "/api/v2/easemob/group", change+`"11"}`, 201, &made)
	if made.Face != "https://plus.example.com/face.png" {
		t.Errorf("the face is %q", made.Face)
	}
	if status, body := ask(t, "PATCH", n.url()+"/api/v2/easemob/group", seven, change+`12}`); status != 422 || !strings.Contains(body, "文件不存在") {
		t.Errorf("an upload that is not there: %d %s", status, body)
	}
	if status, body := ask(t, "POST", n.url()+"/api/v2/easemob/group/member", seven, `{"im_group_id":"`+made.Group+`","members":"8,9"}`); status != 422 || !strings.Contains(body, "用户不存在") {
		t.Errorf("somebody who is not there: %d %s", status, body)
	}
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

// TestSidecarVouches: who has the key of the ThinkSNS+ lets people in while that does not answer, by their tokens' signatures, and
// asks it as long as it does.
func TestSidecarVouches(t *testing.T) {
	const key = "the key of both of them, 32 bytes"
	plus := plustest.New(t)
	plus.Add(plustest.User{ID: 7, Name: "seven"}, plustest.User{ID: 8, Name: "eight"})
	n := start(t, Config{Dev: true, ThinkSNS: ThinkSNSConfig{Mode: "sidecar", URL: plus.URL, JWTSecret: key}})
	signed := func(key string, id int, life time.Duration) string {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": id, "exp": time.Now().Add(life).Unix()})
		text, err := token.SignedString([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	ours := signed(key, 7, time.Hour)
	password := func(token string) int {
		status, _ := ask(t, "GET", n.url()+"/api/v2/easemob/password", token, "")
		return status
	}
	if got := password(ours); got != 401 {
		t.Errorf("a token that it refuses: %d, want 401", got)
	}
	visit(t, n, plus.Login(8), "8", 7)
	var made struct {
		Group string `json:"im_group_id"`
	}
	fetch(t, n, plus.Login(7), "POST", "/api/v2/easemob/group", `{"groupname":"g","desc":"d","members":"8"}`, 201, &made)
	base, token := n.url()+"/easemob-demo/chatdemoui", n.value("app token")
	ask(t, "POST", base+"/users", token, `{"username":"9","password":"x"}`)
	if status, body := ask(t, "POST", base+"/chatgroups/"+made.Group+"/users/9", token, ""); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	plus.Stop()
	var groups []struct {
		Count        int `json:"affiliations_count"`
		Affiliations []struct{ ID int }
	}
	fetch(t, n, signed(key, 7, 3*time.Hour), "GET", "/api/v2/easemob/group?im_group_id="+made.Group, "", 200, &groups)
	if len(groups) != 1 || groups[0].Count != 3 || len(groups[0].Affiliations) != 2 {
		t.Errorf("while it does not answer, those whom we know: got %+v", groups)
	}
	for what, c := range map[string]struct {
		token string
		want  int
	}{
		"signed": {signed(key, 7, 2*time.Hour), 201}, "signed with another key": {signed("another key of as many bytes....", 7, time.Hour), 500},
		"expired": {signed(key, 7, -time.Hour), 500}, "no token": {"x", 500},
	} {
		if got := password(c.token); got != c.want {
			t.Errorf("while it does not answer, %s: %d, want %d", what, got, c.want)
		}
	}
}

// TestThinkSNSOff: settings of what is turned off do not matter, so that a script may leave them; those that only miss the mode are
// told.
func TestThinkSNSOff(t *testing.T) {
	given := ThinkSNSConfig{App: "a#b", Registration: "open", URL: "http://127.0.0.1:1", JWTSecret: "0123456789abcdef", IMPassword: md5Hash}
	explicit := given
	explicit.Mode = modeOff
	for _, c := range []struct {
		config ThinkSNSConfig
		faults int
	}{
		{explicit, 0}, {given, 1}, {ThinkSNSConfig{URL: given.URL}, 1}, {ThinkSNSConfig{Registration: "open"}, 1},
		{ThinkSNSConfig{Registration: "off", IMPassword: "hmac", App: "a#b"}, 0}, {ThinkSNSConfig{}, 0},
		{ThinkSNSConfig{Mode: sidecar, URL: given.URL, Registration: "off", IMPassword: "hmac"}, 0},
		{ThinkSNSConfig{Mode: standalone, Registration: "off"}, 0}, {ThinkSNSConfig{Mode: standalone, URL: given.URL}, 1},
	} {
		if errs := c.config.withDefaults("a#b").check(); len(errs) != c.faults {
			t.Errorf("%+v: %v, want %d", c.config, errs, c.faults)
		}
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
