package msync_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"teahouse/internal/hub"
)

// knock asks for a WebSocket from an address and wants this status; 0: to be let in, as far as that goes without a connection.
func (w *world) knock(address string, status int, word string) {
	w.t.Helper()
	r := httptest.NewRequest("GET", "/websocket", nil)
	r.RemoteAddr = address
	r.Header.Set("Upgrade", "websocket")
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, r)
	if status == 0 {
		if answer.Code == http.StatusTooManyRequests || answer.Code == http.StatusServiceUnavailable {
			w.t.Errorf("%s is turned away: %s", address, answer.Body)
		}
		return
	}
	if answer.Code != status || !strings.Contains(answer.Body.String(), word) || answer.Header().Get("Retry-After") == "" {
		w.t.Errorf("%s: %d %v %s, want %d %s", address, answer.Code, answer.Header(), answer.Body, status, word)
	}
}

// guests waits until so many are connected who have not signed in.
func (w *world) guests(want int) {
	w.t.Helper()
	for w.hub.Stats().Guests != want {
		if w.ctx.Err() != nil {
			w.t.Fatalf("%d have not signed in, want %d", w.hub.Stats().Guests, want)
		}
		runtime.Gosched()
	}
}

// TestTooManyGuests: more than so many who have not signed in are turned away before their connection is one, and who has signed in is
// none of them.
func TestTooManyGuests(t *testing.T) {
	w := newWorld(t)
	w.limit = func(c *hub.Config) { c.Guests, c.FromOne = 3, 2 }
	w.restart()
	ann, bob := w.open("ann", "web", quiet), w.open("bob", "web", quiet)
	w.guests(2)
	w.knock("pipe", http.StatusTooManyRequests, "reach_limit") // as these two
	w.knock("10.0.0.1:4711", 0, "")
	w.guests(2)
	if _, err := ann.Provision(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.guests(1)
	w.connect("cat", "web")
	w.guests(1)
	bob.Kill()
	w.guests(0)

	full, err := w.hub.Admit("10.0.0.1")
	w.must(err)
	for range 2 {
		w.open("bob", "web", quiet)
	}
	w.guests(3)
	w.knock("10.0.0.2:4711", http.StatusServiceUnavailable, "service_unavailable")
	full.Leave()
	w.knock("10.0.0.2:4711", 0, "")
}

// TestLongGreeting: who has not signed in may not send as much as who has.
func TestLongGreeting(t *testing.T) {
	w := newWorld(t)
	var start bytes.Buffer
	w.must(ws.WriteHeader(&start, ws.Header{Fin: true, OpCode: ws.OpBinary, Masked: true, Length: 40 << 10}))
	stranger := w.open("cat", "web", quiet)
	go stranger.Conn().Write(start.Bytes()) //nolint:errcheck // the server may have hung up
	w.endsManual(stranger, 1009)
	known := w.connect("cat", "web", quiet, manual)
	go known.Conn().Write(frame(ws.OpBinary, true, bytes.Repeat([]byte{0xff}, 40<<10))) //nolint:errcheck // as above
	w.endsManual(known, 1002)
}
