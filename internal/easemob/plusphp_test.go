package easemob_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// php plays an unmodified ThinkSNS+ that serves /api/v2/easemob itself and calls us in place of the cloud: before every
// call it asks for a new token, it announces no Content-Type, only the status 200 is a success to it, and after a failure
// it reads error_description and nothing else.
type php struct {
	t    *testing.T
	base string
	id   string
	key  string
}

func newPHP(t *testing.T) (*php, *world) {
	t.Helper()
	w := newWorld(t, nil)
	server := httptest.NewServer(w.api)
	t.Cleanup(server.Close)
	return &php{t: t, base: server.URL + base + "/", id: w.app.ClientID, key: "YXA6secret"}, w
}

// send is one request as PHP's HTTP client sends it.
func (p *php) send(method, path, token, contentType string, body any) (status int, answer map[string]any) {
	p.t.Helper()
	var text io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		text = strings.NewReader(string(data))
	}
	req, err := http.NewRequest(method, p.base+path, text)
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		p.t.Fatalf("%s %s: %d: %v", method, path, res.StatusCode, err)
	}
	return res.StatusCode, answer
}

// call is a call with a token of its own. failure is what PHP shows to its users.
func (p *php) call(method, path string, body any) (answer map[string]any, failure string) {
	p.t.Helper()
	status, grant := p.send("POST", "token", "", "", map[string]string{"grant_type": "client_credentials", "client_id": p.id, "client_secret": p.key})
	token, _ := grant["access_token"].(string)
	if status != http.StatusOK || token == "" {
		p.t.Fatalf("token: %d %v", status, grant)
	}
	status, answer = p.send(method, path, token, "", body)
	if status == http.StatusOK {
		return answer, ""
	}
	if failure, _ = answer["error_description"].(string); failure == "" {
		p.t.Errorf("%s %s: %d without error_description: %v", method, path, status, answer)
	}
	return nil, failure
}

func (p *php) must(method, path string, body any) map[string]any {
	p.t.Helper()
	answer, failure := p.call(method, path, body)
	if failure != "" {
		p.t.Fatalf("%s %s %v: %s", method, path, body, failure)
	}
	return answer
}

// field walks down an answer: names of fields, places in lists.
func field(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			found, ok := m[s]
			if v = found; !ok {
				t.Fatalf("%v: no field %q in %v", path, s, m)
			}
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				t.Fatalf("%v: no element %d in %v", path, s, v)
			}
			v = l[s]
		}
	}
	return v
}

func wantField(t *testing.T, v any, want any, path ...any) {
	t.Helper()
	if got := field(t, v, path...); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v: got %v, want %v", path, got, want)
	}
}

// login is what a client does with the im_pwd_hash that PHP gave it.
func (p *php) login(user, password string) bool {
	status, answer := p.send("POST", "token", "", "application/json", map[string]any{"grant_type": "password", "username": user, "password": password, "timestamp": 1})
	return status == http.StatusOK && answer["access_token"] != ""
}

type phpUser struct {
	Username any    `json:"username"` // a number or text, as it came to PHP
	Password string `json:"password"`
}

const (
	pwd1 = "2daefb9dcd6d7d7898b62cf85d0a9fc3"
	pwd2 = "e10adc3949ba59abbe56e057f20f883e"
)

func TestPHPRegisters(t *testing.T) {
	p, w := newPHP(t)
	p.must("POST", "users", phpUser{1, pwd1})
	p.must("POST", "users", phpUser{"2", pwd1})
	if _, failure := p.call("POST", "users", phpUser{1, pwd1}); !strings.Contains(failure, "unique") {
		t.Errorf("a second time: %q", failure)
	}
	p.must("POST", "users", []phpUser{{3, pwd1}, {"4", pwd1}})
	p.must("POST", "users", []phpUser{{4, pwd2}, {5, pwd1}}) // who is there is left alone, the others come in
	for user, password := range map[string]string{"1": pwd1, "2": pwd1, "3": pwd1, "4": pwd1, "5": pwd1} {
		if !p.login(user, password) {
			t.Errorf("%s cannot log in", user)
		}
	}
	wantField(t, p.must("GET", "users/5", nil), "5", "entities", 0, "username")

	// The administrator chose open registration: no token at all.
	if status, answer := p.send("POST", "users", "", "application/json", phpUser{6, pwd1}); status == http.StatusOK {
		t.Errorf("while registration is closed: %v", answer)
	}
	w.command("set open_registration=true")
	if status, answer := p.send("POST", "users", "", "application/json", phpUser{6, pwd1}); status != http.StatusOK {
		t.Errorf("open registration: %d %v", status, answer)
	}
}

// TestPHPSetsPasswords: GET and PUT password of PHP look for the user and register it or set the password.
func TestPHPSetsPasswords(t *testing.T) {
	p, _ := newPHP(t)
	if status, _ := p.send("GET", "users/7", p.token(), "", nil); status != http.StatusNotFound {
		t.Errorf("nobody yet: got %d, want 404", status)
	}
	p.must("POST", "users", phpUser{7, pwd1})
	p.must("GET", "users/7", nil)
	p.must("PUT", "users/7/password", map[string]any{"oldpassword": nil, "newpassword": pwd2})
	if !p.login("7", pwd2) || p.login("7", pwd1) {
		t.Error("the password did not change")
	}
	p.must("PUT", "users/7/password", map[string]any{"oldpassword": pwd2, "newpassword": pwd1})
	if !p.login("7", pwd1) {
		t.Error("the password did not change")
	}
}

func (p *php) token() string {
	_, grant := p.send("POST", "token", "", "", map[string]string{"grant_type": "client_credentials", "client_id": p.id, "client_secret": p.key})
	return fmt.Sprint(grant["access_token"])
}

// TestPHPRegistersOldUsers: PHP asks for everybody in one call, and registers the others in batches of twenty.
func TestPHPRegistersOldUsers(t *testing.T) {
	p, w := newPHP(t)
	const before, all = 1234, 1300
	for first := 1; first <= before; first += 60 {
		var batch []im.NewUser
		for id := first; id < min(first+60, before+1); id++ {
			batch = append(batch, im.NewUser{Name: fmt.Sprint(id)})
		}
		if _, _, err := w.svc.RegisterBatch(t.Context(), im.AppCaller(w.app), batch); err != nil {
			t.Fatal(err)
		}
	}
	registered := map[string]bool{}
	answer := p.must("GET", "users?limit=100000", nil)
	for i := range field(t, answer, "entities").([]any) {
		registered[fmt.Sprint(field(t, answer, "entities", i, "username"))] = true
	}
	var missing []phpUser
	for id := 1; id <= all; id++ {
		if !registered[fmt.Sprint(id)] {
			missing = append(missing, phpUser{id, pwd1})
		}
	}
	if len(missing) != all-before {
		t.Errorf("%d of %d seem to be missing", len(missing), all-before)
	}
	for ; len(missing) > 0; missing = missing[min(20, len(missing)):] {
		p.must("POST", "users", missing[:min(20, len(missing))])
	}
	if !p.login(fmt.Sprint(all), pwd1) {
		t.Error("the last one is not registered")
	}
}
