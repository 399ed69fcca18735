package msync_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// recorded are the messages that published SDKs sent.
func recorded(f *testing.F) (messages [][]byte) {
	f.Helper()
	files, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			digits, note, _ := strings.Cut(strings.TrimSpace(line), " # ")
			if !strings.HasPrefix(note, "up") {
				continue
			}
			b, err := hex.DecodeString(digits)
			if err != nil {
				f.Fatalf("%s: %v", file, err)
			}
			messages = append(messages, b)
		}
	}
	return messages
}

// FuzzFrame sends a frame of anything, from a stranger or from who has signed in: it is answered or ends the connection with a reason,
// and somebody else notices nothing.
func FuzzFrame(f *testing.F) {
	for _, m := range recorded(f) {
		f.Add(m, true)
		f.Add(m, false)
	}
	w := newWorld(f)
	w.ctx = context.Background() // however long it takes
	witness := w.connect("bob", "web", quiet)
	cfg := w.config("cat", "web")
	cfg.Quiet, cfg.Manual = true, true
	var regular *msynctest.Client // stays as long as it may: to sign in takes its time
	f.Cleanup(func() {
		if regular != nil {
			regular.Kill()
		}
	})
	f.Fuzz(func(t *testing.T, message []byte, known bool) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c := regular
		if !known || c == nil || c.Over() {
			c = meet(ctx, t, cfg, known)
		}
		if known {
			regular = c
		} else {
			defer c.Kill()
		}
		both := append(frame(ws.OpBinary, true, message), frame(ws.OpBinary, true, heartbeat())...)
		go c.Conn().Write(both) //nolint:errcheck // the server may have hung up
		for {
			m, err := c.Next(ctx)
			var closed *msynctest.Closed
			if errors.As(err, &closed) || err == nil && m.GetCommand() == pb.MSync_UNREAD {
				break
			}
			if err != nil {
				t.Fatalf("ended without a reason: %v", err)
			}
		}
		if _, err := witness.Unread(ctx); err != nil {
			t.Fatalf("somebody else's session: %v", err)
		}
	})
}

// meet connects, and signs in.
func meet(ctx context.Context, t *testing.T, cfg msynctest.Config, known bool) *msynctest.Client {
	t.Helper()
	c, err := msynctest.Open(ctx, cfg)
	if err == nil && known {
		_, err = c.Provision(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// FuzzStream has a stranger send bytes that need not be frames.
func FuzzStream(f *testing.F) {
	for _, m := range recorded(f)[:10] {
		f.Add(frame(ws.OpBinary, true, m))
		f.Add(append(frame(ws.OpBinary, false, m[:1]), frame(ws.OpContinuation, true, m[1:])...))
		f.Add(frame(ws.OpText, true, []byte(hex.EncodeToString(m))))
	}
	f.Add(frame(ws.OpClose, true, nil))
	w := newWorld(f)
	w.ctx = context.Background()
	cfg := w.config("cat", "web")
	cfg.Quiet, cfg.Manual = true, true
	f.Fuzz(func(t *testing.T, stream []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c, err := msynctest.Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Kill()
		written := make(chan struct{})
		go func() {
			defer close(written)
			_, _ = c.Conn().Write(bytes.Clone(stream)) // the server may have hung up
		}()
		go func() { // what the server says in between
			buf := make([]byte, 1024)
			for {
				if _, err := c.Conn().Read(buf); err != nil {
					return
				}
			}
		}()
		<-written
	})
}
