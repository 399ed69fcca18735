package im_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"teahouse/internal/im"
)

// runs starts the due loop on a Service that has just been made, as after a restart, and ends it with the test. The
// loop is looking at the store when runs returns; wait for it with idle.
func (w *world) runs() (stop func()) {
	w.t.Helper()
	w.svc = im.NewService(w.ports)
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.svc.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	}
	w.t.Cleanup(stop)
	return stop
}

// idle waits until a due loop has done what is due and asked for a timer, and wants its length.
func (w *world) idle(want time.Duration) {
	w.t.Helper()
	same(w.t, "the loop waits", w.waits(), want.String())
}

// waits is the clock's Waiting for those who have not all day: a loop that was not woken never asks for a timer.
func (w *world) waits() string {
	w.t.Helper()
	asked := make(chan string, 1)
	go func() { asked <- w.clock.Waiting() }()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	select {
	case length := <-asked:
		return length
	case <-limit.C:
		w.t.Fatal("the loop has not asked for a timer")
		return ""
	}
}

func TestAMuteEndsByItself(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", 30*time.Second)
	as(t, w, "ann").Mute("cat", im.ForGood)
	w.bus.Take()
	w.runs()
	w.idle(30 * time.Second)
	w.clock.Advance(30*time.Second - time.Millisecond)
	w.want()
	w.clock.Advance(time.Millisecond)
	w.idle(time.Minute)
	w.want("lounge mute_ended by app [bob] of 5 until 30s")
	same(t, "mutes", as(t, w, "ann").Mutes(), "cat for good")
	w.clock.Advance(time.Minute)
	w.idle(time.Minute)
	w.want()
	as(t, w, "ann").Unmute("bob")
	w.want()
}

// TestAMuteInAGroupEnds tells the kind of the room, too.
func TestAMuteInAGroupEnds(t *testing.T) {
	w := newWorld(t)
	as(t, w, "app").of(im.Group).Create(im.NewRoom{ID: "crew", Name: "n", Owner: "ann", Members: []string{"bob"}})
	as(t, w, "ann").of(im.Group).in("crew").Mute("bob", time.Second)
	w.bus.Take()
	w.clock.Advance(time.Second)
	w.runs()
	w.idle(time.Minute)
	w.want("crew(group) mute_ended by app [bob] of 2 until 1s")
}

// TestMutesThatEndedWhileNothingRan are announced at the start, earliest first, each with its own end.
func TestMutesThatEndedWhileNothingRan(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", time.Hour)
	as(t, w, "ann").Mute("cat", time.Minute)
	as(t, w, "ann").Mute("ada", 48*time.Hour)
	w.bus.Take()
	w.clock.Advance(24 * time.Hour)
	w.runs()
	w.idle(time.Minute)
	w.want("lounge mute_ended by app [cat] of 5 until 1m0s", "lounge mute_ended by app [bob] of 5 until 1h0m0s")
	same(t, "mutes", as(t, w, "ann").Mutes(), "ada 48h0m0s")
}

// TestManyMutesAtOnce are more than one round takes.
func TestManyMutesAtOnce(t *testing.T) {
	w := newWorld(t, "batch_add=500")
	names := w.crowd(300)
	as(t, w, "ann").Change(im.RoomChange{MaxUsers: ptr(1000)})
	as(t, w, "ann").AddAll(names...)
	as(t, w, "ann").MuteAll(time.Minute, names...)
	w.bus.Take()
	w.clock.Advance(time.Hour)
	w.runs()
	w.idle(time.Minute)
	seen := map[im.Username]int{}
	for _, e := range w.bus.Take() {
		seen[e.Users[0]]++
	}
	for _, n := range names {
		if seen[im.Username(n)] != 1 {
			t.Errorf("%s: announced %d times, want once", n, seen[im.Username(n)])
		}
	}
}

// TestAnEarlierMuteWakesTheLoop, which would sleep for longer.
func TestAnEarlierMuteWakesTheLoop(t *testing.T) {
	w := newWorld(t)
	w.runs()
	w.idle(time.Minute)
	as(t, w, "ann").Mute("bob", 40*time.Second)
	w.idle(40 * time.Second)
	as(t, w, "ann").Mute("cat", 10*time.Second)
	w.idle(10 * time.Second)
	w.bus.Take()
	w.clock.Advance(10 * time.Second)
	w.idle(30 * time.Second)
	w.want("lounge mute_ended by app [cat] of 5 until 10s")
	w.clock.Advance(30 * time.Second)
	w.idle(time.Minute)
	w.want("lounge mute_ended by app [bob] of 5 until 40s")
}

// TestAMuteFarAway is looked at every minute: another node may have set a nearer one.
func TestAMuteFarAway(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", time.Hour)
	w.runs()
	w.idle(time.Minute)
	elsewhere := w.another(func(*im.Config) {})
	as(t, elsewhere, "ann").Mute("cat", 61*time.Second)
	w.bus.Take()
	w.clock.Advance(time.Minute)
	w.idle(time.Second)
	w.clock.Advance(time.Second)
	w.idle(time.Minute)
	w.want("lounge mute_ended by app [cat] of 5 until 1m1s")
}

// TestALongerMuteIsNotEnded although it is set between the loop's look and its deed.
func TestALongerMuteIsNotEnded(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(ann actor)
		left string
		want []string
	}{
		{"longer", func(ann actor) { ann.Mute("bob", time.Hour) }, "bob 1h0m10s",
			[]string{"lounge members_muted by ann [bob] of 5 until 1h0m10s"}},
		{"for good", func(ann actor) { ann.Mute("bob", im.ForGood) }, "bob for good",
			[]string{"lounge members_muted by ann [bob] of 5 until for good"}},
		{"lifted", func(ann actor) { ann.Unmute("bob") }, "", []string{"lounge members_unmuted by ann [bob] of 5"}},
		{"blocked", func(ann actor) { ann.Block("bob") }, "", []string{"lounge members_removed by ann [bob] of 4",
			"lounge members_unmuted by ann [bob] of 4", "lounge members_blocked by ann [bob] of 4"}},
		{"destroyed", func(ann actor) { ann.Destroy() }, "-", []string{"lounge room_destroyed by ann [] of 5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			as(t, w, "ann").Mute("bob", 10*time.Second)
			w.bus.Take()
			w.clock.Advance(10 * time.Second)
			meanwhile := w.another(func(p *im.Config) {
				done := false
				p.Store = hookStore{Store: w.store, afterView: func() {
					if !done {
						done = true
						c.do(as(t, w, "ann"))
					}
				}}
			})
			meanwhile.runs()
			w.waits()
			w.want(c.want...)
			if c.left != "-" {
				same(t, "mutes", as(t, w, "ann").Mutes(), c.left)
			}
		})
	}
}

// TestTwoNodesAnnounceOnce: each claims what is due in the transaction that ends it.
func TestTwoNodesAnnounceOnce(t *testing.T) {
	onEngines(t, []string{"batch_add=60"}, func(t *testing.T, w *world) {
		names := w.crowd(40)
		as(t, w, "ann").AddAll(names...)
		as(t, w, "ann").MuteAll(30*time.Second, names...)
		w.bus.Take()
		other := w.another(func(*im.Config) {})
		w.runs()
		other.runs()
		w.idle(30 * time.Second)
		w.idle(30 * time.Second)
		w.clock.Advance(30 * time.Second)
		w.idle(time.Minute)
		w.idle(time.Minute)
		var got []string
		for _, e := range w.bus.Take() {
			got = append(got, nameLine(e.Users))
		}
		if len(got) != len(names) {
			t.Errorf("got %d events, want %d: %s", len(got), len(names), strings.Join(got, " "))
		}
	})
}

// TestTheLoopSurvivesTheStore: what fails is logged and tried again, by the clock.
func TestTheLoopSurvivesTheStore(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", 10*time.Second)
	w.bus.Take()
	var broken atomic.Bool
	frail := w.another(func(c *im.Config) {
		c.Store = hookStore{Store: w.store, fail: func() error {
			if broken.Load() {
				return errors.New("the disk is gone")
			}
			return nil
		}}
	})
	broken.Store(true)
	frail.runs()
	w.idle(5 * time.Second)
	w.clock.Advance(5 * time.Second)
	w.idle(5 * time.Second)
	broken.Store(false)
	w.clock.Advance(5 * time.Second)
	w.idle(time.Minute)
	w.want("lounge mute_ended by app [bob] of 5 until 10s")
	broken.Store(true)
	w.clock.Advance(time.Minute)
	w.idle(5 * time.Second)
	w.want()
}

// TestAMuteWhoseEndFailsToCommit is announced when it is committed, not before.
func TestAMuteWhoseEndFailsToCommit(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", 10*time.Second)
	w.bus.Take()
	w.clock.Advance(10 * time.Second)
	failures := 1
	frail := w.another(func(c *im.Config) {
		c.Store = hookStore{Store: w.store, update: func(fn func(im.Tx) error) func(im.Tx) error {
			return func(tx im.Tx) error {
				due, err := tx.DueMutes(w.clock.Now(), 1)
				if err = errors.Join(err, fn(tx)); err == nil && len(due) > 0 && failures > 0 {
					failures--
					err = errors.New("no commit")
				}
				return err
			}
		}}
	})
	frail.runs()
	w.idle(5 * time.Second)
	w.want()
	w.clock.Advance(5 * time.Second)
	w.idle(time.Minute)
	w.want("lounge mute_ended by app [bob] of 5 until 10s")
}

func TestExpiredTokensAreSwept(t *testing.T) {
	w := newWorld(t)
	grant := func(ttl time.Duration) string {
		g, err := w.svc.IssueUserToken(t.Context(), w.app, "bob", &ttl)
		must(t, err)
		return g.Text
	}
	short, hour, day, forever := grant(time.Millisecond), grant(time.Hour), grant(30*24*time.Hour), grant(0)
	w.runs()
	w.idle(time.Minute)
	w.clock.Advance(7*24*time.Hour + time.Millisecond) // the short one ended exactly the grace ago
	w.idle(time.Minute)
	nobody := as(t, w, "nobody")
	nobody.fails(im.ErrTokenExpired).Enter(short)
	w.clock.Advance(time.Hour - time.Millisecond) // an hour after the last sweep, less a millisecond
	w.idle(time.Minute)
	nobody.fails(im.ErrTokenExpired).Enter(short)
	w.clock.Advance(time.Minute)
	w.idle(time.Minute)
	nobody.fails(im.ErrTokenBad).Enter(short)
	w.clock.Advance(time.Hour)
	w.idle(time.Minute)
	for text, want := range map[string]*im.Error{hour: im.ErrTokenBad, day: nil, forever: nil} {
		nobody.fails(want).Enter(text)
	}
}

// TestAllExpiredTokensAreSwept in one go, also when they are more than one transaction takes.
func TestAllExpiredTokensAreSwept(t *testing.T) {
	w := newWorld(t)
	must(t, w.store.Update(t.Context(), func(tx im.Tx) error {
		for i := range 2001 {
			tok := im.Token{App: w.app.ID, User: "bob", Issued: w.clock.Now(), Expires: w.clock.Now().Add(time.Second)}
			tok.Hash[0], tok.Hash[1] = byte(i), byte(i>>8)
			if err := tx.AddToken(tok); err != nil {
				return err
			}
		}
		return nil
	}))
	w.clock.Advance(30 * 24 * time.Hour)
	w.runs()
	w.idle(time.Minute)
	must(t, w.store.Update(t.Context(), func(tx im.Tx) error {
		n, err := tx.DeleteExpiredTokens(w.clock.Now(), 5000)
		same(t, "left", n, 0)
		return err
	}))
}

// TestRunEnds with its context, wherever the loop is.
func TestRunEnds(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.svc.Run(ctx); err != nil {
		t.Errorf("ended before it began: %v", err)
	}
	stop := w.runs()
	w.idle(time.Minute)
	stop()
	for i := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		ending := w.another(func(c *im.Config) {
			c.Store = hookStore{Store: w.store, fail: func() error {
				if n++; n > i {
					cancel()
				}
				return ctx.Err()
			}}
		})
		if err := ending.svc.Run(ctx); err != nil {
			t.Errorf("ended in transaction %d: %v", i, err)
		}
	}
}

// TestALoopStartsAgain after it was stopped: what fell due in between is announced once.
func TestALoopStartsAgain(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		as(t, w, "ann").Mute("bob", time.Second)
		w.bus.Take()
		w.clock.Advance(time.Minute)
		stop := w.runs()
		w.idle(time.Minute)
		stop()
		w.want(fmt.Sprintf("lounge mute_ended by app [bob] of 5 until %v", time.Duration(i)*time.Minute+time.Second))
	}
}
