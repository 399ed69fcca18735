package easemob_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"teahouse/internal/easemob"
)

// The hosts are those that the request came to, or those of the public URL; SDKs compare ports as texts and need the
// brackets of an address.
func TestDiscoveryHosts(t *testing.T) {
	for _, c := range []struct{ public, url, want string }{
		{"", "http://im.example.com/", `{"protocol":"http","domain":"im.example.com","port":"80"}`},
		{"", "https://im.example.com/", `{"protocol":"https","domain":"im.example.com","port":"443"}`},
		{"", "http://127.0.0.1:8080/", `{"protocol":"http","domain":"127.0.0.1","port":"8080"}`},
		{"", "http://[::1]:8080/", `{"protocol":"http","domain":"[::1]","port":"8080"}`},
		{"", "http://[::1]/", `{"protocol":"http","domain":"[::1]","port":"80"}`},
		{"https://chat.example.com", "http://10.0.0.1:8080/", `{"protocol":"https","domain":"chat.example.com","port":"443"}`},
		{"https://chat.example.com:8443/", "http://10.0.0.1:8080/", `{"protocol":"https","domain":"chat.example.com","port":"8443"}`},
	} {
		w := newWorld(t, nil, func(config *easemob.Config) { config.PublicURL = c.public })
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, c.url+"easemob/server.json?app_key=easemob-demo%23chatdemoui", nil))
		want := `"rest":{"hosts":[` + c.want + `]},"msync-wx":{"hosts":[` + c.want + `]},"msync-ws":{"hosts":[` + c.want + `]}`
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s at %s: %d %s\nwant %s", c.url, c.public, rec.Code, rec.Body, want)
		}
		if rec.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: pages of other origins cannot read it", c.url)
		}
	}
}
