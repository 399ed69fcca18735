package server

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Who opens the server's address in a browser is told where to go on, and nothing that a stranger must not know.
func TestHome(t *testing.T) {
	for name, c := range map[string]struct {
		cfg         Config
		host        string
		want, never []string
	}{
		"the emulator": {Config{Dev: true, App: AppConfig{Key: "easemob-demo#chatdemoui", Secret: "pssst"}}, "127.0.0.1:8080",
			[]string{"ws://127.0.0.1:8080/websocket", "easemob-demo#chatdemoui", "jma2 is the owner"}, []string{"ORG#APP", "pssst"}},
		"a server":       {Config{App: AppConfig{Key: "acme#chat"}}, "10.0.0.1", []string{"ws://10.0.0.1/websocket", "ORG#APP"}, []string{"emulator", "acme"}},
		"behind a proxy": {Config{PublicURL: "https://im.example.com/"}, "10.0.0.1", []string{"wss://im.example.com/websocket", "https://im.example.com/ws"}, []string{"10.0.0.1"}},
		"a forged host":  {Config{}, "<script>alert(1)</script>", []string{"&lt;script&gt;"}, []string{"<script>"}},
	} {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Host = c.host
		(&server{cfg: c.cfg}).homeHandler()(w, r)
		body := w.Body.String()
		for _, want := range append(c.want, `<a href="/docs/">`) {
			if !strings.Contains(body, want) {
				t.Errorf("%s: lacks %q", name, want)
			}
		}
		for _, never := range c.never {
			if strings.Contains(body, never) {
				t.Errorf("%s: tells %q", name, never)
			}
		}
	}
}
