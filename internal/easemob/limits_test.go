package easemob

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// TestLimiter: a bucket of one second's worth, of slow classes one minute's, for each app and class, refilled by the clock.
func TestLimiter(t *testing.T) {
	now := imtest.Epoch()
	l := newLimiter(map[string]float64{"a": 2, "b": 1, "slow": 2.0 / 60})
	rows := []struct {
		later time.Duration
		app   im.AppID
		class string
		wait  time.Duration
		ok    bool
	}{
		{0, 1, "a", 0, true}, {0, 1, "a", 0, true}, {0, 1, "a", 500 * time.Millisecond, false},
		{0, 1, "a", 500 * time.Millisecond, false}, // asking costs nothing
		{0, 2, "a", 0, true}, {0, 1, "b", 0, true}, {0, 1, "b", time.Second, false},
		{0, 1, "slow", 0, true}, {0, 1, "slow", 0, true}, {0, 1, "slow", 30 * time.Second, false}, // a minute's worth
		{0, 1, "unknown", 0, true},
		{499 * time.Millisecond, 1, "a", time.Millisecond, false}, {time.Millisecond, 1, "a", 0, true}, {0, 1, "a", 500 * time.Millisecond, false},
		{time.Hour, 1, "a", 0, true}, {0, 1, "a", 0, true}, {0, 1, "a", 500 * time.Millisecond, false},
		{-time.Hour, 1, "a", 0, true}, // a clock set back stops nobody
	}
	for i, row := range rows {
		now = now.Add(row.later)
		wait, ok := l.allow(bucketKey{row.app, row.class, true}, now)
		if ok != row.ok || (wait-row.wait).Abs() > time.Microsecond {
			t.Errorf("row %d: got %s, %v, want %s, %v", i, wait, ok, row.wait, row.ok)
		}
	}
	if _, ok := newLimiter(nil).allow(bucketKey{1, "a", true}, now); !ok {
		t.Error("no limits refuse")
	}
}

// TestMemoryFollowsTheBody: a length that is only announced takes no memory.
func TestMemoryFollowsTheBody(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	r.ContentLength = maxBody
	c := &call{w: httptest.NewRecorder(), r: r}
	data, err := c.body()
	if err != nil || string(data) != "x" || cap(data) > 4*firstRead {
		t.Errorf("got %q, %v in %d bytes", data, err, cap(data))
	}
}

// TestLimiterAtOnce: many at once get no more than the bucket holds.
func TestLimiterAtOnce(t *testing.T) {
	l := newLimiter(map[string]float64{"a": 100})
	var wg sync.WaitGroup
	var mu sync.Mutex
	allowed := 0
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, ok := l.allow(bucketKey{1, "a", true}, imtest.Epoch()); ok {
					mu.Lock()
					allowed++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if allowed != 100 {
		t.Errorf("got %d allowed, want 100", allowed)
	}
}

// TestClasses: every route counts in a class that has a documented rate.
func TestClasses(t *testing.T) {
	rates := DocumentedLimits()
	for _, rt := range (&API{}).routes() {
		if rates[rt.class] == 0 {
			t.Errorf("%s %s is of class %q, which has no rate", rt.method, rt.path, rt.class)
		}
	}
}
