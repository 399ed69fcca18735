package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestDeadline(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		ago   time.Duration
		bytes int64
		want  time.Duration // from now
	}{
		{0, 0, time.Minute}, {30 * time.Second, 0, 30 * time.Second}, {time.Hour, 10 << 20, time.Minute}, {time.Hour, 0, -59 * time.Minute},
		{30 * time.Second, 10 << 10, 40 * time.Second},
	} {
		got := deadline(now.Add(-c.ago), c.bytes, time.Minute).Sub(now)
		if d := got - c.want; d < 0 || d > 10*time.Second {
			t.Errorf("%v ago, %d bytes: got %v, want %v", c.ago, c.bytes, got, c.want)
		}
	}
}

// TestStream: a surface may take a body that is larger than the server's limit, up to one of its own, as it comes.
func TestStream(t *testing.T) {
	s := bare(io.Discard)
	s.bodyLimit = 1000
	ts := httptest.NewServer(s.serveHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/file" {
			r.Body.(interface{ Stream(int64) }).Stream(5000)
		}
		n, err := io.Copy(io.Discard, r.Body)
		if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		} else if err == nil {
			_, _ = w.Write(bytes.Repeat([]byte("x"), int(n)))
		}
	})))
	defer ts.Close()
	for _, c := range []struct {
		path string
		size int
		want int
	}{{"/", 1000, 200}, {"/", 1001, 413}, {"/file", 1001, 200}, {"/file", 5000, 200}, {"/file", 5001, 413}} {
		res, err := http.Post(ts.URL+c.path, "text/plain", strings.NewReader(strings.Repeat("x", c.size)))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != c.want || c.want == 200 && len(answer) != c.size {
			t.Errorf("%s with %d bytes: got %d and %d bytes, %v, want %d", c.path, c.size, res.StatusCode, len(answer), err, c.want)
		}
	}
}
