package hub_test

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"teahouse/internal/hub"
	"teahouse/internal/im"
)

// pipe is a connection whose other end reads when the test wants it to.
type pipe struct {
	net.Conn
	began   chan []byte   // a write begins
	release chan struct{} // it goes on

	mu       sync.Mutex
	closed   chan struct{}
	deadline bool // guarded by mu
}

func newPipe() *pipe {
	return &pipe{began: make(chan []byte, 1000), release: make(chan struct{}), closed: make(chan struct{})}
}

func (p *pipe) Write(b []byte) (int, error) {
	p.began <- bytes.Clone(b)
	select {
	case <-p.release:
		return len(b), nil
	case <-p.closed:
		return 0, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isClosed() {
		close(p.closed)
	}
	return nil
}

func (p *pipe) SetWriteDeadline(time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = true
	return nil
}

func (p *pipe) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// line is a line that remembers why it was asked to end.
type line struct {
	*hub.Line
	mu    sync.Mutex
	ended []hub.Reason // guarded by mu
	asked atomic.Int32 // how often, whether anybody is there
}

func (l *line) reasons() []hub.Reason {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ended)
}

// line returns a line that parts without a word when it is asked to end, and is closed when the test ends.
func (w *world) line() (*line, *pipe) {
	w.t.Helper()
	p := newPipe()
	l := &line{Line: w.hub.NewLine(p, nil)}
	if !l.Watch(func(r hub.Reason) {
		l.mu.Lock()
		l.ended = append(l.ended, r)
		l.mu.Unlock()
		if r == hub.Shutdown {
			l.Part()
		}
	}, func() { l.asked.Add(1) }) {
		w.t.Fatal("the hub takes no lines")
	}
	w.t.Cleanup(func() {
		l.Close(hub.Closed)
		w.hub.Close(w.t.Context())
	})
	return l, p
}

// stall has the line begin to write something that nobody reads.
func stall(l *line, p *pipe) {
	l.Push([]byte("first"))
	<-p.began
}

// TestQueue: what waits is bounded, what is low is dropped first, and when even what is high finds no place the line ends.
func TestQueue(t *testing.T) {
	w := newWorld(t)
	l, p := w.line()
	stall(l, p)
	frame := []byte("x")
	fill := func(level im.Level, n int) {
		for range n {
			l.PushLevel(frame, level)
		}
	}
	dropped := func(low, normal, high uint64) {
		t.Helper()
		got := w.hub.Stats().Dropped
		if got[im.LowLevel] != low || got[im.NormalLevel] != normal || got[im.HighLevel] != high {
			t.Errorf("dropped %v, want %d, %d, %d", got, low, normal, high)
		}
	}
	fill(im.LowLevel, 64)
	dropped(0, 0, 0)
	fill(im.LowLevel, 3)
	dropped(3, 0, 0)
	fill(im.NormalLevel, 128)
	dropped(3, 0, 0)
	fill(im.NormalLevel, 5)
	dropped(3, 5, 0)
	fill(im.HighLevel, 32)
	for range 32 {
		l.Push(frame)
	}
	dropped(3, 5, 0)
	if got := l.reasons(); len(got) != 0 {
		t.Errorf("ended %q though there was room", got)
	}
	l.Push(frame)
	if got := l.reasons(); !slices.Equal(got, []hub.Reason{hub.Slow}) {
		t.Errorf("ended %q, want slow", got)
	}
	if n := w.hub.Stats().Frames; n != 1+256 {
		t.Errorf("%d frames were taken", n)
	}
}

// TestBytes: what waits is bounded in bytes too, but a frame may be as large as it is.
func TestBytes(t *testing.T) {
	w := newWorld(t)
	l, p := w.line()
	stall(l, p)
	l.Push(make([]byte, 3<<20))
	if got := l.reasons(); len(got) != 0 {
		t.Fatalf("one large frame ended it: %q", got)
	}
	l.Push([]byte("x"))
	if got := l.reasons(); !slices.Equal(got, []hub.Reason{hub.Slow}) {
		t.Errorf("ended %q, want slow", got)
	}
}

// TestMerge: frames that wait together are written together, in order.
func TestMerge(t *testing.T) {
	w := newWorld(t)
	l, p := w.line()
	stall(l, p)
	var want []byte
	for i := range 200 {
		frame := fmt.Appendf(nil, "%0150d|", i)
		want = append(want, frame...)
		l.Push(frame)
	}
	close(p.release)
	var got []byte
	writes := 0
	for len(got) < len(want) {
		b := <-p.began
		if len(b) > 17<<10 {
			t.Errorf("a write of %d bytes", len(b))
		}
		got = append(got, b...)
		writes++
	}
	if !bytes.Equal(got, want) || writes > 3 {
		t.Errorf("%d writes, equal: %v", writes, bytes.Equal(got, want))
	}
	l.Part()
	<-p.closed
	if s := w.hub.Stats(); s.Frames != 201 || s.Writes != uint64(1+writes) {
		t.Errorf("%d frames in %d writes", s.Frames, s.Writes)
	}
}

// TestLastWords come after what waits, once, then the connection is closed. Who does not read them has a little time.
func TestLastWords(t *testing.T) {
	w := newWorld(t)
	l, p := w.line()
	stall(l, p)
	l.Push([]byte("second"))
	l.Part([]byte("bye"), []byte("!"))
	l.Push([]byte("too late"))
	l.Part([]byte("bye again"))
	p.mu.Lock()
	deadline := p.deadline
	p.mu.Unlock()
	if !deadline {
		t.Error("the last words may take for ever")
	}
	close(p.release)
	if got := string(<-p.began); got != "secondbye!" {
		t.Errorf("wrote %q", got)
	}
	<-p.closed
	l.Close(hub.Kicked)
	l.Close(hub.Closed)
	l.Part([]byte("after all"))
	l.Push([]byte("after all"))
	if s := w.hub.Stats(); s.Lines != 0 || s.Ended[hub.Kicked] != 1 || s.Ended[hub.Closed] != 0 {
		t.Errorf("stats %+v", s)
	}
	select {
	case b := <-p.began:
		t.Errorf("wrote %q", b)
	default:
	}
}

// TestPartIdle: a line with nothing to write closes at once, with and without words.
func TestPartIdle(t *testing.T) {
	w := newWorld(t)
	l, p := w.line()
	l.Part()
	<-p.closed
	l, p = w.line()
	close(p.release)
	l.Part([]byte("bye"))
	if got := string(<-p.began); got != "bye" {
		t.Errorf("wrote %q", got)
	}
	<-p.closed
	_ = l
}

// TestLooks: lines that say nothing, or take nothing, are asked to end.
func TestLooks(t *testing.T) {
	w := newWorld(t)
	stranger, _ := w.line()
	known, _ := w.line()
	known.SignedIn()
	stuck, p := w.line()
	stuck.SignedIn()
	w.pass(14 * time.Second)
	stall(stuck, p)
	if got := stranger.reasons(); len(got) != 0 {
		t.Errorf("a stranger was asked to end after 14 s: %q", got)
	}
	w.pass(6 * time.Second)
	if got := stranger.reasons(); len(got) == 0 || got[0] != hub.Refused {
		t.Errorf("a stranger was asked to end after 20 s: %q", got)
	}
	w.pass(20 * time.Second)
	if got := stuck.reasons(); len(got) == 0 || got[0] != hub.Slow {
		t.Errorf("who takes nothing for 25 s was asked to end: %q", got)
	}
	w.pass(70 * time.Second)
	if n := known.asked.Load(); n != 1 {
		t.Errorf("who said nothing for 110 s was asked %d times", n)
	}
	known.Heard()
	w.pass(85 * time.Second)
	if n := known.asked.Load(); n != 1 {
		t.Errorf("who spoke 85 s ago was asked %d times in all", n)
	}
	w.pass(25 * time.Second)
	if got, n := known.reasons(), known.asked.Load(); len(got) != 0 || n != 2 {
		t.Errorf("who spoke was asked to end: %q, and whether anybody is there %d times", got, n)
	}
	w.pass(20 * time.Second)
	if got := known.reasons(); len(got) == 0 || got[0] != hub.Idle {
		t.Errorf("who said nothing for 130 s was asked to end: %q", got)
	}
}

// TestLineChurn: lines are pushed to, part and close while the server stops; nothing is left behind.
func TestLineChurn(t *testing.T) {
	for range 50 {
		w := newWorld(t)
		var all sync.WaitGroup
		for i := range 8 {
			p := newPipe()
			close(p.release)
			l := w.hub.NewLine(p, nil)
			if !l.Watch(func(r hub.Reason) {
				if i%2 == 0 {
					l.Part([]byte(r))
				}
			}, func() {}) {
				t.Fatal("not watched")
			}
			for range 2 {
				all.Go(func() {
					for range 100 {
						l.Push([]byte("x"))
					}
				})
			}
			all.Go(func() {
				if i%3 == 0 {
					l.Part([]byte("y"))
				}
				l.Close(hub.Closed)
			})
		}
		all.Go(func() { w.hub.Close(t.Context()) })
		all.Wait()
		w.hub.Close(t.Context())
		w.holds(0, 0, 0, 0)
	}
}
