package thinksns

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// DefaultPerMinute is how many requests a person may send a minute (wire/thinksns.md §1.2).
const DefaultPerMinute = 600

// maxBuckets bounds the limiter's memory; when there are more, all are forgotten.
const maxBuckets = 100_000

// limiter holds a bucket for each person, and for each address without a token. A bucket holds a minute's worth.
type limiter struct {
	perMinute int
	mu        sync.Mutex
	buckets   map[string]*rate.Limiter // guarded by mu
}

func newLimiter(perMinute int) *limiter {
	if perMinute <= 0 {
		return nil
	}
	return &limiter{perMinute: perMinute, buckets: map[string]*rate.Limiter{}}
}

// take takes cost requests out of a bucket and tells how many are left; or how long to wait for the next.
func (l *limiter) take(who string, cost int, now time.Time) (left int, wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[who]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			clear(l.buckets)
		}
		b = rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)
		l.buckets[who] = b
	}
	if ok = b.AllowN(now, cost); !ok {
		wait = time.Duration((1 - b.TokensAt(now)) / float64(b.Limit()) * float64(time.Second))
	}
	return max(0, int(b.TokensAt(now))), wait, ok
}
