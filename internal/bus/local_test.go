package bus_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"teahouse/internal/bus"
	"teahouse/internal/bustest"
	"teahouse/internal/im"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocal(t *testing.T) {
	bustest.Run(t, func(*testing.T) im.Bus { return bus.NewLocal() })
}

func TestPanicPassesTheTurnOn(t *testing.T) {
	b := bus.NewLocal()
	calls := 0
	cancel, err := b.Subscribe("room.1.42", func(ev im.Event) {
		if calls++; calls == 1 {
			_ = b.Publish(context.Background(), ev) // queued behind the panic, and lost with it
			panic("subscriber")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	publish := func() (recovered any) {
		defer func() { recovered = recover() }()
		_ = b.Publish(context.Background(), im.Event{Topic: "room.1.42"})
		return nil
	}
	if got := publish(); got != "subscriber" {
		t.Errorf("recovered %v, want the subscriber's panic", got)
	}
	if got := publish(); got != nil || calls != 2 {
		t.Errorf("after the panic: recovered %v, calls %d; want nil, 2", got, calls)
	}
	cancel()
}

func BenchmarkPublish(b *testing.B) {
	for _, parallel := range []bool{false, true} {
		name := map[bool]string{false: "alone", true: "contended"}[parallel]
		b.Run(name, func(b *testing.B) {
			l := bus.NewLocal()
			if _, err := l.Subscribe("room.1.42", func(im.Event) {}); err != nil {
				b.Fatal(err)
			}
			ev := im.Event{Topic: "room.1.42"}
			if !parallel {
				for b.Loop() {
					_ = l.Publish(context.Background(), ev)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_ = l.Publish(context.Background(), ev)
				}
			})
		})
	}
}
