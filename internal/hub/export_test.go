package hub

import "time"

// Turn does what Run does when it wakes, and returns how long it would sleep; 0: until it is woken.
func (h *Hub) Turn() time.Duration {
	until := h.turn()
	if until == 0 {
		return 0
	}
	return time.UnixMilli(until).Sub(h.cfg.Clock.Now())
}

// TellCrowds does what Run does now and then.
func (h *Hub) TellCrowds() { h.tellCrowds() }

// Written waits until nothing is being written.
func (h *Hub) Written() { h.writers.Wait() }

// Check is what Run does with a line when it looks at all, which it began at some moment.
func (l *Line) Check(began time.Time) { l.check(began.UnixMilli()) }
