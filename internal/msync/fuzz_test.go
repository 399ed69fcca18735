package msync_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// faults is a log that keeps what a server says of its own mistakes: to who asked they look like a refusal.
type faults struct {
	slog.Handler
	mu  sync.Mutex
	all []string // guarded by mu
}

func (f *faults) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (f *faults) Handle(_ context.Context, r slog.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	said := r.Message
	r.Attrs(func(a slog.Attr) bool { said += " " + a.String(); return true })
	f.all = append(f.all, said)
	return nil
}

// none wants that there were no mistakes since it was asked last.
func (f *faults) none(t testing.TB) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) > 0 {
		t.Errorf("the server logged %q", f.all)
	}
	f.all = nil
}

// faults has the server start again with such a log.
func (w *world) faults() *faults {
	f := &faults{}
	w.log = slog.New(f)
	w.restart()
	return f
}

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

// FuzzFrame sends a frame of anything, from a stranger or from who has signed in: what is said after it is answered, or it ends the
// connection with a reason that is no mistake of the server; and somebody else notices nothing.
func FuzzFrame(f *testing.F) {
	for _, m := range recorded(f) {
		f.Add(m, true)
		f.Add(m, false)
	}
	w := newWorld(f)
	w.ctx = context.Background() // however long it takes
	faults := w.faults()
	witness := w.connect("bob", "web", quiet)
	cfg := w.config("cat", "web")
	cfg.Quiet, cfg.Manual = true, true
	var regular *msynctest.Client // stays as long as it may: to sign in takes its time
	last := uint64(1 << 62)       // id of what is said after the frames, another one each time
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
		last++
		both := append(frame(ws.OpBinary, true, message), frame(ws.OpBinary, true, statistic(last))...)
		go c.Conn().Write(both) //nolint:errcheck // the server may have hung up
		for over := false; !over; {
			m, err := c.Next(ctx)
			var closed *msynctest.Closed
			var down pb.CommSyncDL
			switch {
			case errors.As(err, &closed):
				over = true
			case err != nil:
				t.Fatalf("ended without a reason: %v", err)
			default:
				over = m.GetCommand() == pb.MSync_SYNC && unmarshal(m, &down) == nil && down.GetMetaId() == last
			}
		}
		faults.none(t)
		if _, err := witness.Unread(ctx); err != nil {
			t.Fatalf("somebody else's session: %v", err)
		}
	})
}

// statistic is a message that is acknowledged, and that is all.
func statistic(id uint64) []byte {
	payload, _ := proto.Marshal(&pb.CommSyncUL{Meta: &pb.Meta{Id: &id, Ns: pb.Meta_STATISTIC.Enum()}}) // never fails
	b, _ := proto.Marshal(&pb.MSync{Command: pb.MSync_SYNC.Enum(), Payload: payload})
	return b
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

// FuzzStream has a stranger send bytes that need not be frames: the server makes no mistake, and nothing is left of the connection.
func FuzzStream(f *testing.F) {
	for _, m := range recorded(f)[:10] {
		f.Add(frame(ws.OpBinary, true, m))
		f.Add(append(frame(ws.OpBinary, false, m[:1]), frame(ws.OpContinuation, true, m[1:])...))
		f.Add(frame(ws.OpText, true, []byte(hex.EncodeToString(m))))
	}
	f.Add(frame(ws.OpClose, true, nil))
	w := newWorld(f)
	w.ctx = context.Background()
	faults := w.faults()
	cfg := w.config("cat", "web")
	cfg.Quiet, cfg.Manual = true, true
	f.Fuzz(func(t *testing.T, stream []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c, err := msynctest.Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
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
		c.Kill()
		for w.hub.Stats().Lines > 0 {
			if ctx.Err() != nil {
				t.Fatal("the connection does not end")
			}
			runtime.Gosched()
		}
		faults.none(t)
	})
}
