package hub

import (
	"runtime"
	"slices"
	"sync"
)

// pens are goroutines that write to many lines in turn, as long as lines wait for them. A pen does not wait for a reader: what the system
// does not take at once is left to a goroutine of the line. A few goroutines that write to many connections cost less than one for
// each, and what comes for a line while they are at others is merged into one write.
type pens struct {
	mu      sync.Mutex
	waiting []*Line // guarded by mu, like the rest; from head on
	head    int
	running int
}

const (
	penful  = 64   // lines that a pen takes at a time
	crowded = 2048 // waiting lines for which another pen is worth it
)

// add queues a line; start: somebody must run another pen.
func (p *pens) add(l *Line) (start bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, l)
	wait := len(p.waiting) - p.head
	if start = p.running == 0 || wait > p.running*crowded && p.running < runtime.GOMAXPROCS(0); start {
		p.running++
	}
	return start
}

// next takes the lines that have waited longest into a slice; none: the pen is done.
func (p *pens) next(lines []*Line) []*Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.waiting[p.head:min(len(p.waiting), p.head+penful)]
	lines = append(lines[:0], taken...)
	clear(taken)
	switch p.head += len(taken); {
	case len(lines) == 0:
		p.waiting, p.head = p.waiting[:0], 0
		p.running--
	case p.head > len(p.waiting)/2:
		p.waiting, p.head = slices.Delete(p.waiting, 0, p.head), 0
	}
	return lines
}

// pen writes to the lines that wait until none does.
func (h *Hub) pen() {
	buf := h.buffers.Get().(*[]byte)
	defer h.buffers.Put(buf)
	t := try{}
	t.fn = t.write
	for lines := h.pens.next(make([]*Line, 0, penful)); len(lines) > 0; lines = h.pens.next(lines) {
		for _, l := range lines {
			h.dip(l, buf, &t)
		}
	}
}

// dip writes what waits for one line.
func (h *Hub) dip(l *Line, buf *[]byte, t *try) {
	defer h.cfg.Faults.Catch("writing", "", l.fail)
	frames := l.take()
	for len(frames) > 0 {
		t.data, frames = merge(buf, frames)
		h.stats.writes.Add(1)
		switch n, err := t.on(l.raw); {
		case err != nil:
			l.Hang()
			frames = nil
		case n < len(t.data): // the reader is behind
			rest := slices.Clone(t.data[n:])
			h.writers.Go(func() { l.catchUp(rest, frames) })
			return
		}
	}
	if l.rest() && h.pens.add(l) {
		h.writers.Go(h.pen)
	}
}
