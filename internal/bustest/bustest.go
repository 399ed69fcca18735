// Package bustest holds the promises of im.Bus as a test suite. Every implementation runs it.
package bustest

import (
	"context"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"teahouse/internal/im"
)

// patience is how long the suite waits for what must happen. It is spent only when a promise is broken.
const patience = 30 * time.Second

// Run checks every promise. open returns a fresh bus, which it closes with t.Cleanup where that is needed.
func Run(t *testing.T, open func(*testing.T) im.Bus) {
	for name, test := range map[string]func(*testing.T, im.Bus){
		"Delivers":            delivers,
		"OneOrderForAll":      oneOrderForAll,
		"NothingAfterCancel":  nothingAfterCancel,
		"PublishFromInside":   publishFromInside,
		"SubscribeFromInside": subscribeFromInside,
		"CancelFromInside":    cancelFromInside,
		"CancelEachOther":     cancelEachOther,
		"CrossPublish":        crossPublish,
		"Churn":               churn,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func publish(t *testing.T, b im.Bus, ev im.Event) {
	t.Helper()
	if err := b.Publish(context.Background(), ev); err != nil {
		t.Errorf("Publish: %v", err)
	}
}

func subscribe(t *testing.T, b im.Bus, topic im.Topic, fn func(im.Event)) (cancel func()) {
	t.Helper()
	cancel, err := b.Subscribe(topic, fn)
	if err != nil {
		t.Errorf("Subscribe: %v", err)
		return func() {}
	}
	return cancel
}

// next returns what arrives on c, or ends the test.
func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing arrived")
		panic("unreachable")
	}
}

// wait ends the test unless the group ends.
func wait(t *testing.T, g *sync.WaitGroup) {
	t.Helper()
	done := make(chan struct{})
	go func() { g.Wait(); close(done) }()
	next(t, done)
}

// collect subscribes and passes what it hears on.
func collect(t *testing.T, b im.Bus, topic im.Topic, size int) (<-chan im.Event, func()) {
	t.Helper()
	c := make(chan im.Event, size)
	return c, subscribe(t, b, topic, func(ev im.Event) { c <- ev })
}

func delivers(t *testing.T, b im.Bus) {
	if err := b.Ping(context.Background()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	publish(t, b, im.Event{Topic: "nobody listens"})
	mine, cancel := collect(t, b, im.RoomTopic(1, "42"), 10)
	defer cancel()
	want := im.Event{
		Topic: im.RoomTopic(1, "42"), Kind: im.MembersMuted, App: 1, At: time.UnixMilli(1489072189508), By: "zp300",
		Room: "42", RoomKind: im.Chatroom, Users: []im.Username{"z1", "z2"}, Members: 3,
		Until: time.UnixMilli(1489158589481), Text: "text", Attributes: []im.Attribute{{Key: "k", Value: "v", Setter: "z1", AutoDelete: true}},
	}
	publish(t, b, im.Event{Topic: im.RoomTopic(2, "42")})
	publish(t, b, im.Event{Topic: im.UserTopic(1, "42")})
	publish(t, b, want)
	if got := next(t, mine); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func oneOrderForAll(t *testing.T, b im.Bus) {
	const publishers, events = 8, 200
	var calling [3]atomic.Int32
	heard := make([]chan im.Event, len(calling))
	for i := range heard {
		heard[i] = make(chan im.Event, publishers*events)
		defer subscribe(t, b, "room.1.42", func(ev im.Event) {
			if calling[i].Add(1) != 1 {
				t.Error("a subscriber was called twice at once")
			}
			heard[i] <- ev
			calling[i].Add(-1)
		})()
	}
	var g sync.WaitGroup
	for p := range publishers {
		g.Go(func() {
			for n := range events {
				publish(t, b, im.Event{Topic: "room.1.42", Text: strconv.Itoa(p), Members: n})
			}
		})
	}
	wait(t, &g)
	last := map[string]int{}
	for range publishers * events {
		first := next(t, heard[0])
		if n, ok := last[first.Text]; ok && first.Members != n+1 {
			t.Fatalf("publisher %s: event %d after %d", first.Text, first.Members, n)
		}
		last[first.Text] = first.Members
		for _, c := range heard[1:] {
			if got := next(t, c); got.Text != first.Text || got.Members != first.Members {
				t.Fatalf("subscribers hear different orders: %s/%d and %s/%d", first.Text, first.Members, got.Text, got.Members)
			}
		}
	}
}

func nothingAfterCancel(t *testing.T, b im.Bus) {
	stop := make(chan struct{})
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					publish(t, b, im.Event{Topic: "room.1.42"})
				}
			}
		})
	}
	for range 300 {
		var over atomic.Bool
		heard := make(chan struct{}, 1)
		cancel := subscribe(t, b, "room.1.42", func(im.Event) {
			select {
			case heard <- struct{}{}:
			default:
			}
			for range 10 { // a call takes a moment, and must be over when cancel returns
				runtime.Gosched()
			}
			if over.Load() {
				t.Error("called after cancel returned")
			}
		})
		next(t, heard)
		cancel()
		over.Store(true)
		cancel() // twice is harmless
	}
	close(stop)
	wait(t, &g)
}

func publishFromInside(t *testing.T, b im.Bus) {
	var heard [2]chan int
	for i := range heard {
		heard[i] = make(chan int, 10)
		defer subscribe(t, b, "room.1.42", func(ev im.Event) {
			heard[i] <- ev.Members
			if ev.Members == 1 {
				publish(t, b, im.Event{Topic: ev.Topic, Members: 2})
			}
		})()
	}
	publish(t, b, im.Event{Topic: "room.1.42", Members: 1})
	for _, c := range heard {
		for _, want := range []int{1, 2, 2} {
			if got := next(t, c); got != want {
				t.Fatalf("heard %d, want %d", got, want)
			}
		}
	}
}

func subscribeFromInside(t *testing.T, b im.Bus) {
	heard := make(chan im.Event, 10)
	cancels := make(chan func(), 1)
	var once sync.Once
	defer subscribe(t, b, "room.1.42", func(im.Event) {
		once.Do(func() { cancels <- subscribe(t, b, "room.1.42", func(ev im.Event) { heard <- ev }) })
	})()
	publish(t, b, im.Event{Topic: "room.1.42", Members: 1})
	defer next(t, cancels)()
	publish(t, b, im.Event{Topic: "room.1.42", Members: 2})
	for next(t, heard).Members != 2 { // whether it hears the first one is not promised
	}
}

func cancelFromInside(t *testing.T, b im.Bus) {
	var calls atomic.Int32
	cancels := make(chan func(), 1)
	cancels <- subscribe(t, b, "room.1.42", func(im.Event) {
		calls.Add(1)
		next(t, cancels)()
	})
	fence, cancel := collect(t, b, "room.1.42", 10)
	defer cancel()
	for range 3 {
		publish(t, b, im.Event{Topic: "room.1.42"})
		next(t, fence)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("called %d times, want 1", n)
	}
}

// cancelEachOther runs two subscribers at the same time, each cancelling the other.
func cancelEachOther(t *testing.T, b im.Bus) {
	for range 100 {
		var mu sync.Mutex
		var cancels [2]func()
		var inside, g sync.WaitGroup
		inside.Add(2)
		g.Add(2)
		mu.Lock()
		for i := range cancels {
			cancels[i] = subscribe(t, b, im.Topic("room.1."+strconv.Itoa(i)), func(im.Event) {
				inside.Done()
				inside.Wait()
				mu.Lock()
				cancel := cancels[1-i]
				mu.Unlock()
				cancel()
				g.Done()
			})
		}
		mu.Unlock()
		for i := range cancels {
			g.Go(func() { publish(t, b, im.Event{Topic: im.Topic("room.1." + strconv.Itoa(i))}) })
		}
		wait(t, &g)
		cancels[0]()
		cancels[1]()
	}
}

// crossPublish has the subscribers of two topics publish on the other's topic.
func crossPublish(t *testing.T, b im.Bus) {
	const events = 200
	heard := make(chan struct{}, 4*events)
	topics := []im.Topic{"room.1.0", "room.1.1"}
	for i := range topics {
		defer subscribe(t, b, topics[i], func(ev im.Event) {
			heard <- struct{}{}
			if ev.Text == "" {
				publish(t, b, im.Event{Topic: topics[1-i], Text: "echo"})
			}
		})()
	}
	var g sync.WaitGroup
	for _, topic := range topics {
		g.Go(func() {
			for range events {
				publish(t, b, im.Event{Topic: topic})
			}
		})
	}
	wait(t, &g)
	for range 4 * events {
		next(t, heard)
	}
}

// churn joins, leaves and publishes at once, from inside and outside, with a lock like a hub's that is never held
// while calling the bus. It fails by deadlock or by the race detector.
func churn(t *testing.T, b im.Bus) {
	var mu sync.Mutex
	cancels := map[int]func(){}
	join := func(n int, fn func(im.Event)) {
		cancel := subscribe(t, b, im.Topic("room.1."+strconv.Itoa(n%5)), fn)
		mu.Lock()
		old := cancels[n]
		cancels[n] = cancel
		mu.Unlock()
		if old != nil {
			old()
		}
	}
	leave := func(n int) {
		mu.Lock()
		cancel := cancels[n]
		delete(cancels, n)
		mu.Unlock()
		if cancel != nil {
			cancel()
		}
	}
	var fn func(im.Event)
	fn = func(ev im.Event) {
		switch r := rand.IntN(100); {
		case r < 5:
			join(rand.IntN(50), fn)
		case r < 15:
			leave(rand.IntN(50))
		case r < 25 && ev.Members < 3: // echoes of echoes must die out
			publish(t, b, im.Event{Topic: im.Topic("room.1." + strconv.Itoa(rand.IntN(5))), Members: ev.Members + 1})
		}
		mu.Lock() // what a hub does to find its sessions
		defer mu.Unlock()
		_ = len(cancels)
	}
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for range 500 {
				switch rand.IntN(4) {
				case 0:
					join(rand.IntN(50), fn)
				case 1:
					leave(rand.IntN(50))
				default:
					publish(t, b, im.Event{Topic: im.Topic("room.1." + strconv.Itoa(rand.IntN(5)))})
				}
			}
		})
	}
	wait(t, &g)
	for n := range 50 {
		leave(n)
	}
}
