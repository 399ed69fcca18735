package hub

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"teahouse/internal/im"
)

// The bounds of what waits to be written to one connection.
const (
	mostFrames   = 256
	mostBytes    = 1 << 20
	lowFrames    = mostFrames / 4     // with more than these waiting, what is of a low level is dropped
	normalFrames = mostFrames * 3 / 4 // and what is of a normal one
	mergeBytes   = 16 << 10           // frames are merged into writes of about this size
	partingTime  = 5 * time.Second    // for the last words to somebody who does not read
)

// Line is the outgoing half of one connection: a bounded queue. While there is something to write it stands in the queue of the
// hub's pens, or, when the system takes no more for the moment, has a goroutine of its own. Frames that wait together are merged into
// one write. When the queue is full the reader is too slow: the line ends.
type Line struct {
	hub   *Hub
	conn  net.Conn
	raw   syscall.RawConn       // of conn; nil: a pen cannot write to it without waiting
	guest atomic.Pointer[Guest] // until it has signed in
	end   func(Reason)
	ask   func()

	heard atomic.Int64 // when something came last, in milliseconds
	asked atomic.Int64 // what heard was when the client was asked whether it is there
	known atomic.Bool  // it has signed in

	mu      sync.Mutex
	waiting [][]byte // guarded by mu, like the rest
	bytes   int
	since   int64 // when the write in progress began, in milliseconds; 0: there is none
	state   lineState
}

type lineState uint8

const (
	lineOpen    lineState = iota
	lineParting           // what waits is written, then our half is closed
	lineClosed
)

// NewLine returns the line of a connection, of which the hub knows from Watch on. guest is who was admitted with it; nil: nobody was
// asked.
func (h *Hub) NewLine(conn net.Conn, guest *Guest) *Line {
	l := &Line{hub: h, conn: conn, raw: rawOf(conn)}
	l.guest.Store(guest)
	l.Heard()
	return l
}

// Watch has end called, once or several times, when the hub wants the line to end: too slow, idle, not signed in in time, or the
// server stops; and ask when nothing has come for so long that the client should say that it is there. Neither may block. false: the
// server has stopped, and the connection is closed. Else Close must be called in the end.
func (l *Line) Watch(end func(Reason), ask func()) bool {
	l.end, l.ask = end, ask
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		_ = l.conn.Close()
		l.guest.Swap(nil).Leave()
		return false
	}
	h.lines[l] = struct{}{}
	at, _ := l.due()
	h.expect(&h.look, at)
	return true
}

// Heard notes that something came.
func (l *Line) Heard() { l.heard.Store(l.hub.cfg.Clock.Now().UnixMilli()) }

// SignedIn notes that the connection is somebody's: it may be idle for longer.
func (l *Line) SignedIn() {
	l.known.Store(true)
	l.guest.Swap(nil).Leave()
}

// Push queues a whole frame, which nobody may change any more. It does not wait.
func (l *Line) Push(frame []byte) { l.push(frame, mostFrames, im.HighLevel) }

// PushLevel queues a frame that may be dropped when many wait: the lower its level the earlier.
func (l *Line) PushLevel(frame []byte, level im.Level) {
	switch level {
	case im.LowLevel:
		l.push(frame, lowFrames, level)
	case im.NormalLevel:
		l.push(frame, normalFrames, level)
	default:
		l.push(frame, mostFrames, level)
	}
}

func (l *Line) push(frame []byte, most int, level im.Level) {
	l.mu.Lock()
	switch {
	case l.state != lineOpen:
		l.mu.Unlock()
		return
	case len(l.waiting) >= most && most < mostFrames:
		l.mu.Unlock()
		l.hub.stats.drop(level)
		return
	case len(l.waiting) >= mostFrames, l.bytes+len(frame) > mostBytes && len(l.waiting) > 0:
		l.mu.Unlock()
		l.end(Slow)
		return
	}
	l.waiting = append(l.waiting, frame)
	l.bytes += len(frame)
	l.startLocked()
	l.mu.Unlock()
	l.hub.stats.frames.Add(1)
}

// startLocked makes sure that somebody writes.
func (l *Line) startLocked() {
	if l.since != 0 {
		return
	}
	l.since = l.hub.cfg.Clock.Now().UnixMilli()
	l.hub.expect(&l.hub.look, l.since+l.hub.cfg.Stuck.Milliseconds())
	switch {
	case l.raw == nil:
		l.hub.writers.Go(l.write)
	case l.hub.pens.add(l):
		l.hub.writers.Go(l.hub.pen)
	}
}

// take returns what waits. Only who writes takes.
func (l *Line) take() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	frames := l.waiting
	l.waiting, l.bytes = nil, 0
	return frames
}

// rest reports whether more came while it was written. If not, who writes is done.
func (l *Line) rest() (more bool) {
	l.mu.Lock()
	if more = len(l.waiting) > 0 && l.state != lineClosed; more {
		l.since = l.hub.cfg.Clock.Now().UnixMilli()
	} else {
		l.since = 0
	}
	last := l.state == lineParting
	l.mu.Unlock()
	if !more && last {
		l.bow()
	}
	return more
}

// write writes what waits until nothing does.
func (l *Line) write() {
	defer l.hub.cfg.Faults.Catch("writing", "", l.fail)
	for more := true; more; more = l.rest() {
		if err := l.send(l.take()); err != nil {
			l.Hang()
		}
	}
}

// catchUp writes what a pen could not, and then on until nothing waits.
func (l *Line) catchUp(begun []byte, frames [][]byte) {
	defer l.hub.cfg.Faults.Catch("writing", "", l.fail)
	_, err := l.conn.Write(begun)
	if err == nil {
		err = l.send(frames)
	}
	if err != nil {
		l.Hang()
	}
	if l.rest() {
		l.write()
	}
}

// fail ends the line after a fault in writing to it.
func (l *Line) fail() {
	defer l.Hang()
	l.end(Failed)
}

// send writes frames, merged.
func (l *Line) send(frames [][]byte) error {
	buf := l.hub.buffers.Get().(*[]byte)
	defer l.hub.buffers.Put(buf)
	for len(frames) > 0 {
		var merged []byte
		merged, frames = merge(buf, frames)
		l.hub.stats.writes.Add(1)
		if _, err := l.conn.Write(merged); err != nil {
			return err
		}
	}
	return nil
}

// merge returns the bytes of one write, which may be in buf, and the frames after it.
func merge(buf *[]byte, frames [][]byte) (merged []byte, rest [][]byte) {
	n, size := 1, len(frames[0])
	for n < len(frames) && size+len(frames[n]) <= mergeBytes {
		size += len(frames[n])
		n++
	}
	if n == 1 {
		return frames[0], frames[1:]
	}
	merged = slices.Grow((*buf)[:0], mergeBytes)
	for _, f := range frames[:n] {
		merged = append(merged, f...)
	}
	*buf = merged
	return merged, frames[n:]
}

// Part writes last words after what waits, whatever the bounds, and ends our half of the connection then. A reader who does not read
// them has a little time for it.
func (l *Line) Part(words ...[]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != lineOpen {
		return
	}
	l.state = lineParting
	l.waiting = append(l.waiting, words...)
	_ = l.conn.SetWriteDeadline(time.Now().Add(partingTime)) // a closed one needs none
	l.startLocked()
}

// bow ends our half of the connection after the last words. Closing it while something that the other side sent is unread would make
// the network take them back; so whoever reads closes it, when the other side has hung up or had a little time for it.
func (l *Line) bow() {
	half, ok := l.conn.(interface{ CloseWrite() error })
	if !ok || l.conn.SetReadDeadline(time.Now().Add(partingTime)) != nil || half.CloseWrite() != nil {
		l.Hang()
	}
}

// Hang closes the connection, which whoever reads it notices.
func (l *Line) Hang() {
	l.mu.Lock()
	l.state, l.waiting = lineClosed, nil
	l.mu.Unlock()
	_ = l.conn.Close()
}

// Close closes the connection at once, and tells the statistics why the line ended. The hub forgets the line.
func (l *Line) Close(r Reason) {
	l.hub.mu.Lock()
	_, open := l.hub.lines[l]
	delete(l.hub.lines, l)
	l.hub.mu.Unlock()
	if open {
		l.hub.stats.end(r)
	}
	l.Hang()
	l.guest.Swap(nil).Leave()
}

// setBack has nothing of the line be later than the clock says, which may have been set back.
func (l *Line) setBack() {
	heard := l.heard.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.hub.cfg.Clock.Now().UnixMilli() // not of when the looking began: something may have come since
	if heard > now {
		l.heard.CompareAndSwap(heard, now)
	}
	l.since = min(l.since, now)
}

// due is when the line is to end, in milliseconds, and why, unless something comes, or what is written is read. Without a reason the
// client is to be asked whether it is there.
func (l *Line) due() (at int64, why Reason) {
	cfg, heard := &l.hub.cfg, l.heard.Load()
	limit, why := cfg.Idle, Idle
	switch {
	case !l.known.Load():
		limit, why = cfg.SignIn, Refused
	case l.asked.Load() != heard:
		limit, why = cfg.Idle*3/4, "" // longer than between heartbeats
	}
	at = heard + limit.Milliseconds()
	l.mu.Lock()
	defer l.mu.Unlock()
	if stuck := l.since + cfg.Stuck.Milliseconds(); l.since > 0 && stuck < at {
		return stuck, Slow
	}
	return at, why
}

// check asks the line to end if it is due, and returns when it is, or was.
func (l *Line) check(now int64) (at int64) {
	defer l.hub.cfg.Faults.Catch("looking", "", l.Hang)
	l.setBack()
	heard := l.heard.Load()
	at, why := l.due()
	switch {
	case at > now:
	case why == "":
		l.asked.Store(heard)
		l.ask()
		at, _ = l.due()
	default:
		l.end(why)
	}
	return at
}
