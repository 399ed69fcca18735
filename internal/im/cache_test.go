package im_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// shelf is a cache in front of a value that changes; it counts the loads.
type shelf struct {
	im.Cache[string, string]
	t     *testing.T
	now   time.Time
	truth string
	loads int
}

func newShelf(t *testing.T) *shelf { return &shelf{t: t, now: imtest.Epoch(), truth: "old"} }

// want gets the value and wants it, and so many loads until now.
func (s *shelf) want(value string, loads int) {
	s.t.Helper()
	got, err := s.Get("key", s.now, func() (string, error) { s.loads++; return s.truth, nil })
	must(s.t, err)
	same(s.t, "value and loads", fmt.Sprint(got, " ", s.loads), fmt.Sprint(value, " ", loads))
}

func TestCacheRemembersForASecond(t *testing.T) {
	s := newShelf(t)
	s.want("old", 1)
	s.truth = "new"
	s.now = s.now.Add(im.CacheAge - time.Millisecond)
	s.want("old", 1)
	s.now = s.now.Add(time.Millisecond)
	s.want("new", 2)
	s.truth = "newer"
	s.now = s.now.Add(im.CacheAge - time.Millisecond) // counted from the load, not from the first
	s.want("new", 2)
}

func TestCacheDistrustsAClockThatGoesBack(t *testing.T) {
	s := newShelf(t)
	s.want("old", 1)
	s.truth, s.now = "new", s.now.Add(-time.Hour)
	s.want("new", 2)
}

func TestCacheForgets(t *testing.T) {
	for name, forget := range map[string]func(*shelf){
		"drop":   func(s *shelf) { s.Drop("key") },
		"clear":  func(s *shelf) { s.Clear() },
		"dropIf": func(s *shelf) { s.DropIf(func(v string) bool { return v == "old" }) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			s.want("old", 1)
			s.truth = "new"
			forget(s)
			s.want("new", 2)
		})
	}
}

func TestCacheDropsOnlyWhatMatches(t *testing.T) {
	s := newShelf(t)
	s.want("old", 1)
	s.DropIf(func(v string) bool { return v == "other" })
	s.Drop("other key")
	s.truth = "new"
	s.want("old", 1)
}

// TestALoadThatRacesWithADropIsNotRemembered: what it read may be from before the change.
func TestALoadThatRacesWithADropIsNotRemembered(t *testing.T) {
	for name, forget := range map[string]func(*shelf){
		"drop":              func(s *shelf) { s.Drop("key") },
		"drop of another":   func(s *shelf) { s.Drop("other") }, // cheaper to keep one count for all
		"clear":             func(s *shelf) { s.Clear() },
		"dropIf of nothing": func(s *shelf) { s.DropIf(func(string) bool { return false }) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			got, err := s.Get("key", s.now, func() (string, error) {
				read := s.truth
				s.truth = "new"
				forget(s) // the change is committed while the load is on its way
				return read, nil
			})
			must(t, err)
			same(t, "the load itself", got, "old")
			s.want("new", 1)
			s.want("new", 1)
		})
	}
}

func TestCacheRemembersNoError(t *testing.T) {
	s := newShelf(t)
	broken := errors.New("broken")
	if _, err := s.Get("key", s.now, func() (string, error) { return "", broken }); err != broken {
		t.Errorf("got %v, want %v", err, broken)
	}
	s.want("old", 1)
}

func TestAFullCacheIsEmptied(t *testing.T) {
	var c im.Cache[int, int]
	now := imtest.Epoch()
	get := func(key int) {
		v, err := c.Get(key, now, func() (int, error) { return -key, nil })
		if err != nil || v != -key {
			t.Fatalf("%d: got %d, %v", key, v, err)
		}
	}
	for key := range im.CacheSize {
		get(key)
	}
	same(t, "full", c.Len(), im.CacheSize)
	get(0)
	same(t, "one that is there", c.Len(), im.CacheSize)
	get(im.CacheSize)
	same(t, "one more", c.Len(), 1)
}

// TestCacheUnderRace is for the race detector: after the last drop nobody sees what was before.
func TestCacheUnderRace(t *testing.T) {
	var c im.Cache[int, int]
	var mu sync.Mutex
	truth := 0
	load := func() (int, error) { mu.Lock(); defer mu.Unlock(); return truth, nil }
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				_, _ = c.Get(1, imtest.Epoch(), load)
			}
		})
	}
	wg.Go(func() {
		for i := 1; i <= 200; i++ {
			mu.Lock()
			truth = i
			mu.Unlock()
			c.DropIf(func(int) bool { return true })
			if v, _ := c.Get(1, imtest.Epoch(), load); v != i {
				t.Errorf("after change %d: got %d", i, v)
			}
		}
	})
	wg.Wait()
}
