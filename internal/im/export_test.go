package im

import (
	"context"
	"time"
)

// What the tests of package im_test see of the inside.

// Start begins the absences of all visitors who are not connected, as Run does before anything else.
func (s *Service) Start(ctx context.Context) (err error) {
	for r := (roll{}); err == nil && !r.done; {
		err = s.call(ctx, &r)
	}
	return err
}

// Due applies what is due, as Run does.
func (s *Service) Due(ctx context.Context) error {
	return firstError(s.dueMutes(ctx), s.dueUserMutes(ctx), s.dueAbsences(ctx, roll{done: true}))
}

// Cache is the cache of apps and tokens.
type Cache[K comparable, V any] struct{ cache[K, V] }

// Get is get.
func (c *Cache[K, V]) Get(key K, now time.Time, load func() (V, error)) (V, error) {
	return c.get(key, now, load)
}

// Drop is drop.
func (c *Cache[K, V]) Drop(key K) { c.drop(key) }

// Clear is clear.
func (c *Cache[K, V]) Clear() { c.clear() }

// DropIf is dropIf.
func (c *Cache[K, V]) DropIf(match func(V) bool) { c.dropIf(match) }

// Len is how many entries are remembered.
func (c *Cache[K, V]) Len() int { return len(c.entries) }

// CacheSize and CacheAge bound a cache.
const (
	CacheSize = cacheSize
	CacheAge  = cacheAge
)

// Offset is how many items come before the page.
func (p Page) Offset() int { return p.offset() }

// AtOnce are the absences that end in one transaction.
func AtOnce(due []Absence, visits []Visit) []Absence { return atOnce(due, visits) }

// AbsenceVisits is how many visits of more than one user end in one transaction.
const AbsenceVisits = absenceVisits

// NoticeBodyOf is the body of a notice.
func NoticeBodyOf(e Event) Body { return noticeBody(e) }

// BodyOfReceipt is how a receipt is kept.
func BodyOfReceipt(r Receipt) Body { return r.body() }
