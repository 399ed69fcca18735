package hub

import (
	"net"
	"sync"
	"sync/atomic"
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

// Line is the outgoing half of one connection: a bounded queue, which is written by a goroutine that lives while there is something
// to write. Frames that wait together are merged into one write. When the queue is full the reader is too slow: the line ends.
type Line struct {
	hub  *Hub
	conn net.Conn
	end  func(Reason)

	heard atomic.Int64 // when something came last, in milliseconds
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

// NewLine returns the line of a connection, of which the hub knows from Watch on.
func (h *Hub) NewLine(conn net.Conn) *Line {
	l := &Line{hub: h, conn: conn}
	l.Heard()
	return l
}

// Watch has end called, once or several times, when the hub wants the line to end: too slow, idle, not signed in in time, or the
// server stops; it must not block. false: the server has stopped, and the connection is closed. Else Close must be called in the
// end.
func (l *Line) Watch(end func(Reason)) bool {
	l.end = end
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		_ = l.conn.Close()
		return false
	}
	h.lines[l] = struct{}{}
	return true
}

// Heard notes that something came.
func (l *Line) Heard() { l.heard.Store(l.hub.cfg.Clock.Now().UnixMilli()) }

// SignedIn notes that the connection is somebody's: it may be idle for longer.
func (l *Line) SignedIn() { l.known.Store(true) }

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
	if l.since == 0 {
		l.since = l.hub.cfg.Clock.Now().UnixMilli()
		l.hub.writers.Go(l.write)
	}
}

// write writes what waits until nothing does.
func (l *Line) write() {
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 || l.state == lineClosed {
			l.since = 0
			last := l.state == lineParting
			l.mu.Unlock()
			if last {
				l.bow()
			}
			return
		}
		frames := l.waiting
		l.waiting, l.bytes = nil, 0
		l.since = l.hub.cfg.Clock.Now().UnixMilli()
		l.mu.Unlock()
		if err := l.send(frames); err != nil {
			l.hang()
		}
	}
}

// send writes frames, merged.
func (l *Line) send(frames [][]byte) error {
	if len(frames) == 1 {
		l.hub.stats.writes.Add(1)
		_, err := l.conn.Write(frames[0])
		return err
	}
	buf := l.hub.buffers.Get().(*[]byte)
	defer l.hub.buffers.Put(buf)
	merged := (*buf)[:0]
	for i, f := range frames {
		merged = append(merged, f...)
		if i+1 < len(frames) && len(merged)+len(frames[i+1]) <= mergeBytes {
			continue
		}
		l.hub.stats.writes.Add(1)
		if _, err := l.conn.Write(merged); err != nil {
			return err
		}
		merged = merged[:0]
	}
	if cap(merged) <= 2*mergeBytes {
		*buf = merged
	}
	return nil
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
		l.hang()
	}
}

// hang closes the connection, which whoever reads it notices.
func (l *Line) hang() {
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
	l.hang()
}

// check ends the line when nothing comes, or nothing that is written is read, for too long.
func (l *Line) check(now time.Time) {
	silent := now.Sub(time.UnixMilli(l.heard.Load()))
	l.mu.Lock()
	since := l.since
	l.mu.Unlock()
	switch {
	case !l.known.Load() && silent > l.hub.cfg.SignIn:
		l.end(Refused)
	case silent > l.hub.cfg.Idle:
		l.end(Idle)
	case since > 0 && now.Sub(time.UnixMilli(since)) > l.hub.cfg.Stuck:
		l.end(Slow)
	}
}
