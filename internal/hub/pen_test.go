package hub_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"testing"

	"teahouse/internal/bus"
	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// wire is a line over TCP and the reader's end of it.
type wire struct {
	line   *hub.Line
	reader net.Conn
	ended  chan hub.Reason
}

func newHub(t *testing.T) *hub.Hub {
	clock := imtest.NewClock()
	h := hub.New(hub.Config{Bus: bus.NewLocal(), Clock: clock, IDs: &imtest.IDs{}, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { h.Close(t.Context()) })
	return h
}

func dial(t *testing.T, h *hub.Hub, l net.Listener) wire {
	t.Helper()
	conn, reader := ends(t, l)
	w := wire{h.NewLine(conn, nil), reader, make(chan hub.Reason, 100)}
	if !w.line.Watch(func(r hub.Reason) { w.ended <- r }, func() {}) {
		t.Fatal("the hub is closed")
	}
	t.Cleanup(func() { w.line.Close(hub.Closed); _ = reader.Close() })
	return w
}

// ends are the two ends of a connection over TCP.
func ends(t *testing.T, l net.Listener) (near, far net.Conn) {
	t.Helper()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// numbered is a frame that can be told from others.
func numbered(n, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(n))
	return b
}

// wantNumbered reads frames and wants them in order.
func wantNumbered(t *testing.T, r io.Reader, from, to, size int) {
	t.Helper()
	b := make([]byte, size)
	for n := from; n < to; n++ {
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatalf("frame %d: %v", n, err)
		}
		if got := int(binary.BigEndian.Uint32(b)); got != n {
			t.Fatalf("frame %d came instead of %d", got, n)
		}
	}
}

// TestPens has many lines written to at once: each gets its frames in order, with fewer writes than frames.
func TestPens(t *testing.T) {
	h, l := newHub(t), listen(t)
	const lines, frames, size = 100, 200, 50
	var wires []wire
	for range lines {
		wires = append(wires, dial(t, h, l))
	}
	for n := range frames {
		f := numbered(n, size)
		for _, w := range wires {
			w.line.Push(f)
		}
	}
	for _, w := range wires {
		wantNumbered(t, w.reader, 0, frames, size)
	}
	if s := h.Stats(); s.Frames != lines*frames || s.Writes > s.Frames {
		t.Errorf("%d frames in %d writes", s.Frames, s.Writes)
	}
}

// TestBehind fills the buffers of one connection, whose reader does not read: others are written to, and when it reads it gets
// everything in order.
func TestBehind(t *testing.T) {
	h, l := newHub(t), listen(t)
	slow, quick := dial(t, h, l), dial(t, h, l)
	const size = 64 << 10
	sent := 0
	for range 200 { // 12 MiB: more than the system takes
		slow.line.PushLevel(numbered(sent, size), im.HighLevel)
		quick.line.Push(numbered(sent, 10))
		wantNumbered(t, quick.reader, sent, sent+1, 10)
		if sent++; len(slow.ended) > 0 {
			break
		}
	}
	if len(slow.ended) == 0 {
		t.Fatal("the system took 12 MiB without a reader")
	}
	if r := <-slow.ended; r != hub.Slow {
		t.Errorf("ended as %s, want slow", r)
	}
	wantNumbered(t, slow.reader, 0, sent-1, size) // the last was refused
}

// TestPart writes the last words after what waits, and nothing after them.
func TestPart(t *testing.T) {
	h, l := newHub(t), listen(t)
	w := dial(t, h, l)
	const size = 64 << 10
	sent := 0
	for ; len(w.ended) == 0; sent++ {
		w.line.Push(numbered(sent, size))
	}
	w.line.Part([]byte("good"), []byte("bye"))
	w.line.Push([]byte("more"))
	wantNumbered(t, w.reader, 0, sent-1, size) // the last was refused
	if rest, err := io.ReadAll(w.reader); err != nil || !bytes.Equal(rest, []byte("goodbye")) {
		t.Errorf("last came %q, %v", rest, err)
	}
}
