package script

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// socialCall is a call of the documents of the social app, with the answer that they show; "*" stands for what no two servers
// share.
type socialCall struct {
	method, path, body string
	status             int
	want               string
}

// socialCalls are the calls in the order of the documents. {made} is the group that an earlier one made.
func socialCalls() []socialCall {
	person := func(id, owner int, name string) string {
		return fmt.Sprintf(`{"id":%d,"name":"%s","bio":null,"sex":0,"location":null,"created_at":"*","updated_at":"*","is_owner":%d,`+
			`"avatar":null,"bg":null,"verified":null,"extra":null,"certification":null}`, id, name, owner)
	}
	const (
		group = `"id":"36036128342017","name":"花儿巷","description":"来自花儿巷的朋友","membersonly":false,"allowinvites":true,"maxusers":300,` +
			`"affiliations_count":3,"public":true`
		change = `{"groupname":"花儿巷","desc":"来自花儿巷的朋友","public":true,"maxusers":300,"members_only":false,"allowinvites":true,` +
			`"group_face":"","im_group_id":"36036128342017"}`
		create = `{"groupname":"花儿巷","desc":"来自花儿巷的朋友","public":true,"maxusers":200,"members_only":false,"allowinvites":true,"members":"2,3"}`
	)
	people := person(1, 1, "root") + "," + person(2, 0, "花儿") + "," + person(3, 0, "木子")
	return []socialCall{
		{"POST", "register/2", "", 201, `[]`},
		{"POST", "register", `{"user_ids":"1,2,3"}`, 201, `[]`},
		{"POST", "register-old-users", "", 201, `{}`},
		{"PUT", "password", "", 201, `[]`},
		{"GET", "password", "", 201, `{"message":["成功"],"im_pwd_hash":"*"}`},
		{"GET", "group?im_group_id=36036128342017", "", 200,
			`[{` + group + `,"owner":"1","created":"*","custom":"","affiliations":[` + people + `],"group_face":""}]`},
		{"GET", "groups?im_group_id=36036128342017", "", 200, `[{` + group + `,"affiliations":[{"member":"2"},{"member":"3"},{"owner":"1"}]}]`},
		{"POST", "group", create, 201, `{"message":["成功"],"im_group_id":"*"}`},
		{"PATCH", "group", change, 201, change},
		{"DELETE", "group?im_group_id={made}", "", 204, `null`},
		{"GET", "group/face?im_group_id=36036128342017", "", 200, `[{"im_group_id":"36036128342017","group_face":0}]`},
		{"POST", "group/member", `{"im_group_id":36036128342017,"members":"4"}`, 201, `[]`},
		{"DELETE", "group/member", `{"im_group_id":36036128342017,"members":"4"}`, 204, `null`},
	}
}

// TestSeed000 makes the calls with a JSON body to a fresh emulator, and with all parameters in the query to another.
func TestSeed000(t *testing.T) {
	t.Run("body", func(t *testing.T) { socialStory(t, false) })
	t.Run("query", func(t *testing.T) { socialStory(t, true) })
}

func socialStory(t *testing.T, inQuery bool) {
	base, _ := dev(t)
	_, login := social(t, base, "", "POST", "auth/login", `{"login":"root","password":"123456"}`)
	in, _ := login.(map[string]any)
	token, _ := in["access_token"].(string)
	made := ""
	for _, c := range socialCalls() {
		path, body := "easemob/"+strings.ReplaceAll(c.path, "{made}", made), c.body
		if inQuery && body != "" {
			path, body = path+"?"+query(t, body), ""
		}
		status, got := social(t, base, token, c.method, path, body)
		if answer, ok := got.(map[string]any); ok && c.method == "POST" {
			if id, ok := answer["im_group_id"].(string); ok {
				made = id
			}
		}
		var want any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if status != c.status || !holds(got, want) {
			t.Errorf("%s %s: %d %v\nwant %d %s", c.method, path, status, got, c.status, c.want)
		}
	}
}

// query writes an object's fields as a query.
func query(t *testing.T, object string) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(object))
	dec.UseNumber()
	fields := map[string]any{}
	if err := dec.Decode(&fields); err != nil {
		t.Fatal(err)
	}
	values := url.Values{}
	for name, v := range fields {
		values.Set(name, fmt.Sprint(v))
	}
	return values.Encode()
}

// social makes a call of the social app's API and returns what it answers.
func social(t *testing.T, base, token, method, path, body string) (status int, answer any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+"/api/v2/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil && res.StatusCode != http.StatusNoContent {
		t.Errorf("%s %s: %d %v", method, path, res.StatusCode, err)
	}
	return res.StatusCode, answer
}
