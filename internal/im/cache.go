package im

import (
	"sync"
	"time"
)

// cacheAge is how old a remembered app or token may be: a change made by another process is seen within it
// (ADR 5). Changes made by this Service are seen at once.
const cacheAge = time.Second

// cacheSize bounds each cache; a full one is emptied, which costs one store read per entry in use.
const cacheSize = 100_000

type cached[V any] struct {
	value V
	at    time.Time
}

// cache remembers what the store said for a short while.
type cache[K comparable, V any] struct {
	mu      sync.RWMutex
	entries map[K]cached[V] // guarded by mu
	drops   uint64          // guarded by mu; a load that began before a drop is not remembered
}

// get returns the value of key, from memory when it is young enough. Errors are not remembered.
func (c *cache[K, V]) get(key K, now time.Time, load func() (V, error)) (V, error) {
	c.mu.RLock()
	e, ok := c.entries[key]
	drops := c.drops
	c.mu.RUnlock()
	if age := now.Sub(e.at); ok && age >= 0 && age < cacheAge {
		return e.value, nil
	}
	v, err := load()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops == drops {
		if c.entries == nil || len(c.entries) >= cacheSize {
			c.entries = map[K]cached[V]{}
		}
		c.entries[key] = cached[V]{v, now}
	}
	return v, nil
}

func (c *cache[K, V]) drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
	c.drops++
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = nil
	c.drops++
}

// dropIf forgets every entry that match picks.
func (c *cache[K, V]) dropIf(match func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.entries {
		if match(e.value) {
			delete(c.entries, k)
		}
	}
	c.drops++
}
