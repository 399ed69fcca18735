package hub_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"teahouse/internal/hub"
)

// TestReader reads what comes, now or later, until the end, a deadline or a close.
func TestReader(t *testing.T) {
	near, far := ends(t, listen(t))
	piped, other := net.Pipe()
	for name, pair := range map[string][2]net.Conn{"TCP": {near, far}, "without system calls": {piped, other}} {
		t.Run(name, func(t *testing.T) {
			conn, far := pair[0], pair[1]
			defer conn.Close()
			r := hub.NewReader(conn)
			read := func(want string) {
				t.Helper()
				got := make([]byte, len(want))
				if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
					t.Fatalf("read %q, %v; want %q", got, err, want)
				}
			}
			go func() { _, _ = far.Write([]byte("one, two")) }()
			read("one")
			read(", two")
			_ = conn.SetReadDeadline(time.Now().Add(-time.Second))
			if _, err := r.Read(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("after the deadline: %v", err)
			}
			_ = conn.SetReadDeadline(time.Time{})
			go func() { _, _ = far.Write([]byte("three")); _ = far.Close() }()
			read("three")
			if n, err := r.Read(make([]byte, 9)); n != 0 || err != io.EOF {
				t.Errorf("at the end: %d, %v", n, err)
			}
			_ = conn.Close()
			if _, err := r.Read(make([]byte, 9)); !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("when it is closed: %v", err)
			}
		})
	}
}
