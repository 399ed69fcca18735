package server

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/im"
)

// stopped is a clock that stands still.
type stopped struct{ at time.Time }

func (s *stopped) Now() time.Time { return s.at }

func (s *stopped) Timer(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

func TestRoomIDs(t *testing.T) {
	form := regexp.MustCompile(`^[1-9][0-9]{13}$`)
	for _, at := range []time.Time{roomEpoch(), time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), time.Date(2045, 12, 31, 0, 0, 0, 0, time.UTC)} {
		ids := NewIDs(&stopped{at})
		seen := map[im.RoomID]bool{}
		for range 2*roomSpan + 10 { // beyond what a second holds
			id := ids.RoomID()
			if !form.MatchString(string(id)) || seen[id] {
				t.Fatalf("%s: id %s is not 14 digits, or repeats", at, id)
			}
			seen[id] = true
		}
	}
}

func TestRoomIDsOfTwoNodesSeldomMeet(t *testing.T) {
	clock := &stopped{time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	a, b := NewIDs(clock), NewIDs(clock)
	seen := map[im.RoomID]bool{}
	meetings := 0
	for range 1000 {
		seen[a.RoomID()] = true
	}
	for range 1000 {
		if seen[b.RoomID()] {
			meetings++
		}
	}
	// About 10 meetings are expected of two random thousands in a hundred thousand.
	if meetings > 200 {
		t.Errorf("%d of 1000 ids are taken by the other node", meetings)
	}
}

func TestRoomIDsAtOnce(t *testing.T) {
	ids := NewIDs(SystemClock{})
	var mu sync.Mutex
	seen := map[im.RoomID]bool{}
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			for range 1000 {
				r := ids.RoomID()
				mu.Lock()
				if seen[r] {
					t.Errorf("%s repeats", r)
				}
				seen[r] = true
				mu.Unlock()
			}
		})
	}
	g.Wait()
}

func TestTokensAndUUIDs(t *testing.T) {
	ids := NewIDs(SystemClock{})
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		tok, u := ids.Token(), ids.UUID()
		if len(tok) != 63 || !strings.HasPrefix(tok, "YWMt") || seen[tok] {
			t.Fatalf("token %q", tok)
		}
		if !uuid.MatchString(u) || seen[u] {
			t.Fatalf("uuid %q", u)
		}
		seen[tok], seen[u] = true, true
	}
}

func TestSystemClock(t *testing.T) {
	now := SystemClock{}.Now()
	if now.Nanosecond()%int(time.Millisecond) != 0 {
		t.Errorf("%v is finer than a millisecond", now)
	}
	c, stop := SystemClock{}.Timer(time.Millisecond)
	defer stop()
	if got := <-c; got.Before(now) {
		t.Errorf("the timer fired at %v, before %v", got, now)
	}
}
