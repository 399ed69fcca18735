package plus

import (
	"context"
	"sync"
	"time"

	"teahouse/internal/im"
)

// entry is an answer, or the wait for one.
type entry[V any] struct {
	done       chan struct{} // closed when the outcome is there
	former     *outcome[V]   // the last answer, while this one is awaited; nil: none
	outcome[V]               // not to be read before done
}

// outcome is what became of a question.
type outcome[V any] struct {
	value V
	err   error
	since time.Time // when the other side said so
	until time.Time // when to ask again
}

// wait waits for the outcome, which another caller may be asking for.
func (e *entry[V]) wait(ctx context.Context) error {
	select {
	case <-e.done:
		return nil
	default:
	}
	select {
	case <-e.done:
		return nil
	case <-ctx.Done():
		return im.ErrUnavailable.Because(context.Cause(ctx))
	}
}

func (e *entry[V]) settled() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// memory remembers outcomes by key and lets one caller ask for each. It holds at most size entries, in two halves: when
// the young half is full the old one is dropped, and with it what nobody asked for lately.
type memory[K comparable, V any] struct {
	half int

	mu         sync.Mutex
	young, old map[K]*entry[V] // guarded by mu
}

func newMemory[K comparable, V any](size int) *memory[K, V] {
	return &memory[K, V]{half: size / 2, young: map[K]*entry[V]{}}
}

// claim returns the entry of a key. When mine is true nothing is known, or what is known is too old, and the caller must
// settle the entry: others wait for it.
func (m *memory[K, V]) claim(now time.Time, key K) (e *entry[V], mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, young := m.young[key]
	if e == nil {
		e = m.old[key]
	}
	if e == nil || e.settled() && !now.Before(e.until) {
		fresh := &entry[V]{done: make(chan struct{})}
		if e != nil && e.err == nil {
			fresh.former = &e.outcome
		}
		e, mine, young = fresh, true, false
	}
	if !young {
		if len(m.young) >= m.half {
			m.young, m.old = map[K]*entry[V]{}, m.young
		}
		m.young[key] = e
	}
	return e, mine
}

// settle tells everybody who waits.
func (m *memory[K, V]) settle(e *entry[V], o outcome[V]) {
	e.outcome, e.former = o, nil
	close(e.done)
}
