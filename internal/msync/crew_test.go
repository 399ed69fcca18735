package msync_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

func textBody(text string) *pb.MessageBody {
	return &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text(text)}}
}

// tripping is a log whose handler is at fault when something is refused.
type tripping struct{ slog.Handler }

func (t tripping) Enabled(context.Context, slog.Level) bool { return true }

func (t tripping) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "refused" {
		panic("planted")
	}
	return nil
}

// TestFault: a fault of ours ends the connection that met it, and no other.
func TestFault(t *testing.T) {
	w := newWorld(t)
	w.log = slog.New(tripping{})
	w.restart()
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	if _, err := ann.Post(msynctest.Message{To: msynctest.ToUser("nobody"), Body: textBody("hello")}); err != nil {
		t.Fatal(err)
	}
	w.ends(ann, 1011)
	w.send(bob, msynctest.ToUser("ann"), "hi")
	w.hears(w.connect("ann", "web"), "hi")
}

// TestManyAtOnce: the crew grows with the work and shrinks after it.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	const many = 100
	var clients []*msynctest.Client
	for i := range many {
		name := fmt.Sprint("user", i)
		w.register(name)
		clients = append(clients, w.connect(name, "web"))
	}
	release := make(chan struct{})
	hold := func() { <-release }
	w.store.before.Store(&hold)
	var ids []uint64
	for _, c := range clients {
		id, err := c.Post(msynctest.Message{To: msynctest.ToUser("ann"), Body: textBody("hello")})
		w.must(err)
		ids = append(ids, id)
	}
	close(release)
	for i, c := range clients {
		if ack, err := c.Await(w.ctx, ids[i]); err != nil || ack.Code != 0 {
			t.Errorf("%v, %v", ack, err)
		}
	}
}
