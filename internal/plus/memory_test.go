package plus

import (
	"testing"
	"time"
)

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory[int, int](10)
	now := time.Unix(0, 0)
	learn := func(key int) bool {
		e, mine := m.claim(now, key)
		if mine {
			m.settle(e, outcome[int]{value: key, until: now.Add(time.Hour)})
		}
		return mine
	}
	for key := range 100 {
		if !learn(key) || learn(key) {
			t.Errorf("%d: asked for not at all, or twice", key)
		}
		if learn(0) {
			t.Errorf("after %d: what is in use was forgotten", key)
		}
		if n := len(m.young) + len(m.old); n > 10 {
			t.Fatalf("holds %d", n)
		}
	}
	if !learn(1) {
		t.Error("what nobody asked for was kept")
	}
}
