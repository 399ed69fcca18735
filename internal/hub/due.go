package hub

import (
	"context"
	"sync/atomic"
	"time"
)

// lookPause is the least time between two looks at all lines.
const lookPause = 5 * time.Second

// deadline is when something is to be done; the zero value: not as things are.
type deadline struct{ at atomic.Int64 } // in milliseconds

// by makes it a moment, in milliseconds, or one before that. It reports whether the deadline has moved.
func (d *deadline) by(at int64) bool {
	for {
		old := d.at.Load()
		if old != 0 && old <= at {
			return false
		}
		if d.at.CompareAndSwap(old, at) {
			return true
		}
	}
}

// met reports whether the moment has come, and forgets it then. So it does when the moment is further ahead than any that is chosen: the
// clock was set back.
func (d *deadline) met(now time.Time, furthest time.Duration) bool {
	at, ahead := d.at.Load(), now.Add(furthest+lookPause).UnixMilli()
	return at != 0 && (at <= now.UnixMilli() || at > ahead) && d.at.CompareAndSwap(at, 0)
}

// expect has Run do something at a moment, in milliseconds, at the latest.
func (h *Hub) expect(d *deadline, at int64) {
	if !d.by(at) {
		return
	}
	select {
	case h.wake <- struct{}{}:
	default: // a note is there already
	}
}

// Run ends lines that are idle or stuck, and tells who came to large rooms and left them. It sleeps while neither is due, and returns
// nil when ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		h.sleep(ctx, h.turn())
	}
	return nil
}

// turn does what is due and returns when to come again, in milliseconds; 0: nothing is to come.
func (h *Hub) turn() int64 {
	select {
	case <-h.wake: // what it tells is looked at now
	default:
	}
	now := h.cfg.Clock.Now()
	if h.crowds.met(now, h.cfg.Crowd) {
		h.tellCrowds()
	}
	if h.look.met(now, max(h.cfg.Idle, h.cfg.SignIn, h.cfg.Stuck)) {
		if next := h.checkLines(now); next != 0 {
			h.look.by(max(next, now.Add(lookPause).UnixMilli()))
		}
	}
	crowd, look := h.crowds.at.Load(), h.look.at.Load()
	if crowd == 0 || look == 0 {
		return crowd + look
	}
	return min(crowd, look)
}

// sleep waits for a moment, or until another is expected before it.
func (h *Hub) sleep(ctx context.Context, until int64) {
	var c <-chan time.Time
	if until != 0 {
		var stop func()
		c, stop = h.cfg.Clock.Timer(time.UnixMilli(until).Sub(h.cfg.Clock.Now()))
		defer stop()
	}
	select {
	case <-ctx.Done():
	case <-c:
	case <-h.wake:
	}
}

// checkLines asks lines to end that are due, and returns when the next of them is; 0: there is none.
func (h *Hub) checkLines(now time.Time) (next int64) {
	for _, l := range h.allLines() {
		if at := l.check(now.UnixMilli()); next == 0 || at < next {
			next = at
		}
	}
	return next
}
