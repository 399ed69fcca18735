package im_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// faults are those of a test, and what the log says of them.
func faults() (*im.Faults, *bytes.Buffer) {
	var log bytes.Buffer
	return im.NewFaults(slog.New(slog.NewTextHandler(&log, nil))), &log
}

// TestFaults: a panic becomes an error, is told with the stack and counted; what is done about it may fail, too.
func TestFaults(t *testing.T) {
	f, log := faults()
	if err := f.Try("here", "x", func() error { return nil }); err != nil || log.Len() > 0 {
		t.Errorf("without a fault: %v, %s", err, log)
	}
	fails := errors.New("as usual")
	if err := f.Try("here", "x", func() error { return fails }); !errors.Is(err, fails) || log.Len() > 0 {
		t.Errorf("an error: %v, %s", err, log)
	}
	if err := f.Try("here", "bob", func() error { panic("planted") }); !errors.Is(err, im.ErrInternal) {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"in=here", "of=bob", "err=planted", "fault_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not have %s: %s", want, log)
		}
	}
	then := false
	func() {
		defer f.Catch("there", "cat", func() { then = true; panic("once more") })
		panic("planted")
	}()
	if !then || !strings.Contains(log.String(), "once more") {
		t.Errorf("done: %v; %s", then, log)
	}
	same(t, "counted", fmt.Sprint(f.Met()), "map[here:1 there:2]")
}

// TestTryAll: with whom it fails is left out, and no other; an error ends it.
func TestTryAll(t *testing.T) {
	f, _ := faults()
	var done []int
	do := func(bad int, broken error) error {
		done = nil
		return im.TryAll(f, "here", func(n int) string { return fmt.Sprint(n) }, []int{1, 2, 3}, func(some []int) error {
			if slices.Contains(some, bad) {
				panic("planted")
			}
			done = append(done, some...)
			return broken
		})
	}
	broken := errors.New("no disk")
	for _, c := range []struct {
		bad    int
		broken error
		want   error
		done   string
	}{{0, nil, nil, "[1 2 3]"}, {2, nil, im.ErrInternal, "[1 3]"}, {3, broken, broken, "[1]"}, {0, broken, broken, "[1 2 3]"}} {
		if err := do(c.bad, c.broken); !errors.Is(err, c.want) || fmt.Sprint(done) != c.done {
			t.Errorf("%v: got %v, done %v", c, err, done)
		}
	}
}

// poisoned is a store at fault with one user's mute.
type poisoned struct {
	im.Store
	user im.Username
}

func (p *poisoned) Update(ctx context.Context, fn func(im.Tx) error) error {
	return p.Store.Update(ctx, func(tx im.Tx) error { return fn(poisonedTx{tx, p.user}) })
}

type poisonedTx struct {
	im.Tx
	user im.Username
}

func (p poisonedTx) EndMute(m im.Mute) (bool, error) {
	if m.User == p.user {
		panic("planted")
	}
	return p.Tx.EndMute(m)
}

// TestOneMuteIsAtFault: it is tried again in a while, and does not keep other mutes from ending, nor what comes after mutes.
func TestOneMuteIsAtFault(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		for _, u := range []string{"ada", "bob", "cat"} {
			as(t, w, "ann").Mute(u, 10*time.Second)
		}
		grant, err := w.svc.IssueUserToken(t.Context(), w.app, "cat", ptr(time.Second))
		must(t, err)
		w.bus.Take()
		w.clock.Advance(8 * 24 * time.Hour)
		bad := &poisoned{Store: w.store, user: "bob"}
		f, log := faults()
		frail := w.another(func(c *im.Config) { c.Store, c.Faults = bad, f })
		stop := frail.runs()
		w.idle(5 * time.Second)
		var ended []string
		for _, e := range w.bus.Take() {
			ended = append(ended, string(e.Users[0]))
		}
		slices.Sort(ended)
		same(t, "ended", strings.Join(ended, " "), "ada cat")
		as(t, w, "nobody").fails(im.ErrTokenBad).Enter(grant.Text) // swept
		w.clock.Advance(5 * time.Second)
		w.idle(5 * time.Second)
		stop()
		if met := f.Met()["due facts"]; met != 3 { // with the others, alone, and again
			t.Errorf("%d faults: %s", met, log)
		}
		if !strings.Contains(log.String(), "mute of bob in lounge") {
			t.Errorf("the log does not say whose: %s", log)
		}
		w.runs() // a server without the fault
		w.idle(time.Minute)
		w.want("lounge mute_ended by app [bob] of 5 until 10s")
	})
}
