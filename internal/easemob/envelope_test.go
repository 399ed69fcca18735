package easemob

import (
	"io"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// TestEncoderReuse: a buffer that is used again brings nothing of the former answer along; a large one is not kept.
func TestEncoderReuse(t *testing.T) {
	a := newAPI(t, io.Discard)
	send := func(body any) string {
		t.Helper()
		rec := httptest.NewRecorder()
		a.write(&call{w: rec, r: httptest.NewRequest("GET", "/", nil)}, 200, body)
		if got := rec.Header().Get("Content-Length"); got != strconv.Itoa(rec.Body.Len()) {
			t.Errorf("got Content-Length %s for %d bytes", got, rec.Body.Len())
		}
		return rec.Body.String()
	}
	long := strings.Repeat("x", keepBuffer+1)
	for range 3 {
		if got := send("a <b> & \u2028\nc"); got != `"a <b> & \u2028\nc"` {
			t.Errorf("got %s", got)
		}
		if got := send(long); got != `"`+long+`"` {
			t.Errorf("got %d bytes", len(got))
		}
		if got := send(none{}); got != "[]" {
			t.Errorf("got %s", got)
		}
	}
	e := a.encoders.Get().(*encoder)
	if e.buf.Cap() > keepBuffer {
		t.Errorf("a buffer of %d bytes was kept", e.buf.Cap())
	}
}

// TestUnencodable: what cannot be encoded is an internal error in the envelope's form, and logged.
func TestUnencodable(t *testing.T) {
	var log strings.Builder
	a := newAPI(t, &log)
	rec := httptest.NewRecorder()
	a.write(&call{w: rec, r: httptest.NewRequest("GET", "/", nil)}, 200, func() {})
	if rec.Code != 500 || rec.Body.String() != "{\"error\":\"internal_error\"}\n" || !strings.Contains(log.String(), "unsupported type") {
		t.Errorf("got %d %q, log %q", rec.Code, rec.Body, log.String())
	}
}

// goneWriter is a client that went away.
type goneWriter struct{ *httptest.ResponseRecorder }

func (goneWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestClientGone(t *testing.T) {
	a := newAPI(t, io.Discard)
	c := &call{w: goneWriter{httptest.NewRecorder()}, r: httptest.NewRequest("GET", "/", nil), route: &route{}}
	if status, code := a.fail(c, im.ErrRoomNotFound); status != 404 || code != "room_not_found" {
		t.Errorf("got %d %s", status, code)
	}
}

func TestActionOf(t *testing.T) {
	for method, want := range map[string]string{"GET": "get", "HEAD": "get", "POST": "post", "PUT": "put", "DELETE": "delete"} {
		if got := actionOf(method); got != want {
			t.Errorf("%s: got %s, want %s", method, got, want)
		}
	}
}

func TestMillis(t *testing.T) {
	if got := millis(time.Time{}); got != 0 {
		t.Errorf("got %d for no time", got)
	}
	if got := millis(time.UnixMilli(1477543557486)); got != 1477543557486 {
		t.Errorf("got %d", got)
	}
}

// TestDuration: an answer tells how long the call took by the service's clock.
func TestDuration(t *testing.T) {
	a := newAPI(t, io.Discard)
	rec := httptest.NewRecorder()
	c := &call{w: rec, r: httptest.NewRequest("GET", "/o/a/x", nil), route: &route{}, app: &im.App{UUID: "u"}, start: a.svc.Now().Add(-1500 * time.Microsecond)}
	a.succeed(c, answer{})
	want := `{"action":"get","application":"u","uri":"http://example.com/o/a/x","entities":[],"timestamp":1477543557486,"duration":1,"properties":{}}`
	if rec.Body.String() != want {
		t.Errorf("got %s, want %s", rec.Body, want)
	}
}
