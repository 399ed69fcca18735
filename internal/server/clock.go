package server

import "time"

// SystemClock is the im.Clock of production.
type SystemClock struct{}

// Now tells the time in whole milliseconds, the precision of the store and of the wires.
func (SystemClock) Now() time.Time { return time.UnixMilli(time.Now().UnixMilli()) }

// Timer implements im.Clock.
func (SystemClock) Timer(d time.Duration) (c <-chan time.Time, stop func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
