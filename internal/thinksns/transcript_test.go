package thinksns_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/apidoctest"
	"teahouse/internal/thinksns"
	"teahouse/internal/transcripttest"
)

func TestMain(m *testing.M) { transcripttest.Main(m) }

// reached collects the routes that transcripts have reached, and whether one succeeded.
type reached struct {
	mu     sync.Mutex
	routes map[string]bool // guarded by mu
}

func (r *reached) observe(route string, status int, _ string, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes[route] = r.routes[route] || status < http.StatusBadRequest
}

func TestTranscripts(t *testing.T) {
	doc := apidoctest.New(t)
	seen := &reached{routes: map[string]bool{}}
	transcripttest.Script{
		Files: "testdata/*.http", Headers: []string{"Allow", "Retry-After", "Location", "X-RateLimit-Limit", "X-RateLimit-Remaining"},
		Worlds: []func(*testing.T) transcripttest.World{func(t *testing.T) transcripttest.World {
			w := newWorld(t, func(c *thinksns.Config) { c.Observe = seen.observe })
			w.doc = doc
			return w
		}},
	}.Run(t)
	for _, route := range thinksns.Routes() {
		if !seen.routes[strings.TrimPrefix(route, "ANY ")] && !seen.routes[route] {
			t.Errorf("no transcript of a success of %s", route)
		}
	}
}
