package hub

import "sync"

// Group counts goroutines of which new ones may start while somebody waits for all, which a [sync.WaitGroup] forbids. The zero value
// has none.
type Group struct {
	mu   sync.Mutex
	n    int
	idle chan struct{}
}

// Go runs fn in a goroutine.
func (g *Group) Go(fn func()) {
	g.Enter()
	go func() {
		defer g.Leave()
		fn()
	}()
}

// Enter counts something that a goroutine does which was not started by Go, until Leave.
func (g *Group) Enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
}

// Leave ends what Enter began.
func (g *Group) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// Wait blocks until no goroutine runs.
func (g *Group) Wait() {
	g.mu.Lock()
	if g.n == 0 {
		g.mu.Unlock()
		return
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	idle := g.idle
	g.mu.Unlock()
	<-idle
}
