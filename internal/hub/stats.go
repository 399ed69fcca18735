package hub

import (
	"maps"
	"sync"
	"sync/atomic"

	"teahouse/internal/im"
)

// Stats is what the hub has done since it was made, and what it holds now.
type Stats struct {
	Lines, Sessions, Users, Rooms int
	Guests                        int               // connections that have not signed in
	TurnedAway                    map[error]uint64  // connections that were not admitted, by why
	Opened                        uint64            // sessions
	Ended                         map[Reason]uint64 // lines, by reason
	Frames, Writes                uint64            // given to lines, and the writes they were merged into
	Dropped                       map[im.Level]uint64
	Encoded                       map[string]uint64 // events made into bytes, by protocol
}

type counters struct {
	opened, frames, writes atomic.Uint64
	dropped                [3]atomic.Uint64 // by level: low, normal, high
	mu                     sync.Mutex
	ended                  map[Reason]uint64 // guarded by mu
	encodings              map[string]uint64 // guarded by mu
}

func (c *counters) drop(l im.Level) { c.dropped[l+1].Add(1) }

func (c *counters) end(r Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.ended = map[Reason]uint64{}
	}
	c.ended[r]++
}

func (c *counters) encoded(protocol string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.encodings == nil {
		c.encodings = map[string]uint64{}
	}
	c.encodings[protocol]++
}

// Stats returns the numbers of this moment.
func (h *Hub) Stats() Stats {
	c := &h.stats
	s := Stats{Opened: c.opened.Load(), Frames: c.frames.Load(), Writes: c.writes.Load(), Ended: map[Reason]uint64{}, Dropped: map[im.Level]uint64{}}
	for _, l := range []im.Level{im.LowLevel, im.NormalLevel, im.HighLevel} {
		s.Dropped[l] = c.dropped[l+1].Load()
	}
	for _, r := range reasons() {
		s.Ended[r] = 0
	}
	c.mu.Lock()
	maps.Copy(s.Ended, c.ended)
	s.Encoded = maps.Clone(c.encodings)
	c.mu.Unlock()
	s.TurnedAway = map[error]uint64{ErrFull: 0, ErrAddressFull: 0}
	h.guests.mu.Lock()
	s.Guests = h.guests.all
	maps.Copy(s.TurnedAway, h.guests.refused)
	h.guests.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Lines, s.Users, s.Rooms = len(h.lines), len(h.people), len(h.rooms)
	for _, p := range h.people {
		s.Sessions += len(p.live())
	}
	return s
}
