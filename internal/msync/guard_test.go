package msync_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"teahouse/internal/msynctest"
)

// mute is a connection whose client is not heard any more.
type mute struct {
	net.Conn
	on *atomic.Bool
}

func (m mute) Write(p []byte) (int, error) {
	if m.on.Load() {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

// TestSameBatch: the acknowledgement of a batch is lost with the connection. The client, which does not go on after a batch that ends where
// the last one did (wire/msync.md §3), gets the rest anyway.
func TestSameBatch(t *testing.T) {
	w := newWorld(t)
	ann, there := w.connect("ann", "web"), w.connect("bob", "web")
	w.send(ann, msynctest.ToUser("bob"), "hello")
	w.hears(there, "hello")
	there.Kill()
	w.restart() // what bob has is written
	ann = w.connect("ann", "web")
	const messages = 230
	for i := range messages {
		w.send(ann, msynctest.ToUser("bob"), fmt.Sprint("m", i))
	}
	var came atomic.Int64
	lost := new(atomic.Bool) // of the first connection
	first, last := make(chan struct{}), make(chan struct{})
	bob := w.connect("bob", "web", func(c *msynctest.Config) {
		c.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := w.dial(ctx, network, addr)
			return mute{conn, lost}, err
		}
		c.Each = func(_, _ []byte) {
			switch came.Add(1) {
			case 1:
				lost.Store(true)
				close(first)
			case messages:
				close(last)
			}
		}
	})
	<-first
	lost = new(atomic.Bool)
	if err := bob.Reconnect(w.ctx); err != nil {
		t.Fatal(err)
	}
	for range 200 { // answers come in order: what the client pulls is answered between heartbeats
		select {
		case <-last:
			return
		default:
		}
		if _, err := bob.Unread(w.ctx); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("%d of %d came", came.Load(), messages)
}
