package apidoctest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json;charset=UTF-8"}} }

const (
	roomDeleted = `{"action":"delete","application":"4d7e4ba0-dc4a-11e3-90d5-e1ffbaacdaf5",
		"uri":"http://127.0.0.1:8080/easemob-demo/chatdemoui/chatrooms/1432289956668375","entities":[],
		"data":{"success":true,"id":"1432289956668375"},"timestamp":1432290072350,"duration":146,
		"organization":"easemob-demo","applicationName":"chatdemoui","properties":{}}`
	roomMissing = `{"error":"resource_not_found","exception":"com.easemob.group.exception.ResourceNotFoundException",
		"timestamp":1542363205192,"duration":0,"error_description":"grpID 1 does not exist!","properties":{}}`
	roomsPage = `{"action":"get","application":"4d7e4ba0-dc4a-11e3-90d5-e1ffbaacdaf5",PARAMS
		"uri":"http://127.0.0.1:8080/easemob-demo/chatdemoui/chatrooms","entities":[],
		"data":[{"id":"124375842267595332","name":"testchatroom","owner":"zp300","affiliations_count":631}],
		"timestamp":1477543557486,"duration":21,"organization":"easemob-demo","applicationName":"chatdemoui","count":COUNT,"properties":{}}`
	roomCreated = `{"action":"post","application":"4d7e4ba0-dc4a-11e3-90d5-e1ffbaacdaf5",
		"uri":"http://127.0.0.1:8080/easemob-demo/chatdemoui/chatrooms","entities":[],"data":{"id":"1432289956668375"},
		"timestamp":1432289956589,"duration":85,"organization":"easemob-demo","applicationName":"chatdemoui","properties":{}}`
)

func rooms(params, count string) string {
	return strings.NewReplacer("PARAMS", params, "COUNT", count).Replace(roomsPage)
}

// TestCheck has one exchange a row; want is part of what Check must say, "" that it must be content.
func TestCheck(t *testing.T) {
	const room, list = "/easemob-demo/chatdemoui/chatrooms/1432289956668375", "/easemob-demo/chatdemoui/chatrooms"
	tests := []struct {
		name, method, target, request string
		status                        int
		answer, want                  string
	}{
		{"good", "DELETE", room, "", 200, roomDeleted, ""},
		{"good error", "DELETE", room, "", 404, roomMissing, ""},
		{"wrong type", "DELETE", room, "", 200, strings.Replace(roomDeleted, `"id":"1432289956668375"`, `"id":1432289956668375`, 1), "/data/id"},
		{"missing key", "DELETE", room, "", 200, strings.Replace(roomDeleted, `"success":true,`, "", 1), "missing property 'success'"},
		{"missing key of the envelope", "DELETE", room, "", 200, strings.Replace(roomDeleted, `,"properties":{}`, "", 1), "missing property 'properties'"},
		{"unknown key", "DELETE", room, "", 200, strings.Replace(roomDeleted, `"success":true`, `"success":true,"name":"tea"`, 1), "'name' not allowed"},
		{"unknown key of the envelope", "DELETE", room, "", 200, strings.Replace(roomDeleted, `"duration"`, `"path":"/chatrooms","duration"`, 1), "path"},
		{"query in uri", "DELETE", room, "", 200, strings.Replace(roomDeleted, `68375","entities"`, `68375?a=b","entities"`, 1), "/uri"},
		{"text after the JSON", "DELETE", room, "", 200, roomDeleted + "x", "no JSON"},
		{"no body", "DELETE", room, "", 200, "", "no JSON"},
		{"error of another shape", "DELETE", room, "", 404, `{"message":"no"}`, "missing properties"},
		{"undescribed status", "DELETE", room, "", 201, roomDeleted, "no status 201"},
		{"undescribed path", "DELETE", room + "/teapot", "", 200, roomDeleted, "not described"},
		{"undescribed method", "PATCH", room, "", 200, roomDeleted, "has no PATCH"},
		{"undescribed method refused", "PATCH", room, "", 405, roomMissing, ""},
		{"body where none is read", "DELETE", room, "{}", 200, roomDeleted, ""},

		{"no query, no params", "GET", list, "", 200, rooms("", "1"), ""},
		{"query echoed", "GET", list + "?pagenum=2", "", 200, rooms(`"params":{"pagenum":["2"]},`, "1"), ""},
		{"query not echoed", "GET", list + "?pagenum=2", "", 200, rooms("", "1"), "should echo pagenum"},
		{"query echoed wrongly", "GET", list + "?pagenum=2", "", 200, rooms(`"params":{"pagenum":["3"]},`, "1"), "should echo pagenum"},
		{"echo without a query", "GET", list, "", 200, rooms(`"params":{"pagenum":["2"]},`, "1"), "which the query had not"},
		{"echo as text", "GET", list + "?pagenum=2", "", 200, rooms(`"params":{"pagenum":"2"},`, "1"), "/params/pagenum"},
		{"token in the query", "GET", list + "?access_token=YWMtx", "", 200, rooms("", "1"), ""},
		{"wrong count", "GET", list, "", 200, rooms("", "2"), "1 elements"},

		{"good request", "POST", list, `{"name":"tea","owner":"jma1","maxusers":"300"}`, 200, roomCreated, ""},
		{"accepted request without a body", "POST", list, " ", 200, roomCreated, "no body"},
		{"accepted request without a name", "POST", list, `{"owner":"jma1"}`, 200, roomCreated, "name"},
		{"accepted request of a wrong type", "POST", list, `{"name":"tea","members":"jma2"}`, 200, roomCreated, "/members"},
		{"refused request", "POST", list, `{"owner":"jma1"}`, 400, roomMissing, ""},
	}
	v := New(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequest(test.method, test.target, nil)
			err := v.check(req, []byte(test.request), test.status, jsonHeader(), []byte(test.answer))
			expect(t, err, test.want)
		})
	}
}

func expect(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v, want no complaint", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want a complaint with %q", err, want)
	}
}

func TestContentType(t *testing.T) {
	v := New(t)
	req := httptest.NewRequest("DELETE", "/easemob-demo/chatdemoui/chatrooms/1432289956668375", nil)
	for kind, want := range map[string]string{
		"":                                "Content-Type",
		"text/plain":                      "not described",
		"application/json":                "",
		"application/json; charset=utf-8": "",
	} {
		expect(t, v.check(req, nil, 200, http.Header{"Content-Type": {kind}}, []byte(roomDeleted)), want)
	}
	health := httptest.NewRequest("GET", "/healthz", nil)
	expect(t, v.check(health, nil, 200, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte("ok")), "")
	notModified := httptest.NewRequest("GET", "/openapi.yaml", nil)
	expect(t, v.check(notModified, nil, 304, http.Header{}, nil), "")
	expect(t, v.check(notModified, nil, 304, http.Header{}, []byte("x")), "no body")
}

func TestCheckUnknown(t *testing.T) {
	const app = "/easemob-demo/chatdemoui"
	v := New(t)
	for _, test := range []struct {
		method, target string
		status         int
		answer, want   string
	}{
		{"GET", app + "/teapots", 404, roomMissing, ""},
		{"GET", "/", 404, roomMissing, ""},
		{"GET", app + "/teapots", 404, `{"error":"x"}`, "missing properties"},
		{"GET", app + "/teapots", 200, roomDeleted, "want 404"},
		{"GET", app + "/teapots", 405, roomMissing, "want 404"},
		{"PATCH", app + "/chatrooms", 405, roomMissing, ""},
		{"PATCH", app + "/chatrooms", 404, roomMissing, ""},
		{"GET", app + "/chatrooms", 404, roomMissing, "it is described"},
	} {
		req := httptest.NewRequest(test.method, test.target, nil)
		expect(t, v.checkUnknown(req, test.status, jsonHeader(), []byte(test.answer)), test.want)
	}
}

// recorder is a testing.TB that notes whether it was failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestCheckFailsTheTest(t *testing.T) {
	v := New(t)
	req := httptest.NewRequest("DELETE", "/easemob-demo/chatdemoui/chatrooms/1432289956668375", nil)
	good, bad, unknown := &recorder{TB: t}, &recorder{TB: t}, &recorder{TB: t}
	v.Check(good, req, nil, 200, jsonHeader(), []byte(roomDeleted))
	v.Check(bad, req, nil, 200, jsonHeader(), []byte(`{}`))
	v.CheckUnknown(unknown, req, 404, jsonHeader(), []byte(roomMissing))
	if good.failed || !bad.failed || !unknown.failed {
		t.Errorf("good failed %t, bad failed %t, unknown failed %t; want false, true, true", good.failed, bad.failed, unknown.failed)
	}
}
