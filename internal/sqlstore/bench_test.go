package sqlstore

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"teahouse/internal/im"
)

// bench is a store with an app, for benchmarks.
type bench struct {
	testing.TB
	s   *Store
	app im.AppID
}

func newBench(t testing.TB, config Config) *bench {
	t.Helper()
	b := &bench{TB: t, s: openFile(t, config)}
	b.update(func(tx im.Tx) (err error) {
		b.app, err = tx.PutApp(im.App{Key: im.AppKey{Org: "o", Name: "a"}, Settings: im.DefaultSettings(), Created: time.Now()})
		return err
	})
	return b
}

func (b *bench) update(fn func(im.Tx) error) {
	b.Helper()
	if err := b.s.Update(context.Background(), fn); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) view(fn func(im.Tx) error) {
	b.Helper()
	if err := b.s.View(context.Background(), fn); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) fill(f Filling) {
	b.Helper()
	if err := Fill(context.Background(), b.s, b.app, f); err != nil {
		b.Fatal(err)
	}
}

// addRoom stores a room with an owner.
func (b *bench) addRoom(n int64) (im.Room, error) {
	owner := im.Username(fmt.Sprintf("user%d", n%1000))
	r := im.Room{App: b.app, ID: im.RoomID(fmt.Sprintf("%014d", 20_000_000_000_000+n/1000*100_000+n*7919%100_000)), Kind: im.Chatroom,
		Name: "a room", Description: "of a benchmark", Owner: owner, MaxUsers: 200, Created: time.Now()}
	return r, b.s.Update(context.Background(), func(tx im.Tx) error {
		_, _, err := tx.AddRoom(r, []im.Member{{User: owner, Role: im.Owner, Joined: r.Created, ByREST: true}})
		return err
	})
}

// cpu is what the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs fn b.N times and reports CPU per operation.
func measure(b *testing.B, fn func(i int)) {
	b.ReportAllocs()
	start := cpu()
	i := 0
	for b.Loop() {
		fn(i)
		i++
	}
	b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
}

func BenchmarkAddRoom(b *testing.B) {
	for name, batch := range map[string]int{"batched": 256, "unbatched": 1} {
		b.Run(name, func(b *testing.B) {
			var commits, updates atomic.Int64
			e := newBench(b, Config{MaxBatch: batch, Observe: func(c Commit) { commits.Add(1); updates.Add(int64(c.Updates)) }})
			var next atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			commits.Store(0)
			updates.Store(0)
			start := cpu()
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if _, err := e.addRoom(n); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
			b.ReportMetric(float64(updates.Load())/float64(commits.Load()), "updates/commit")
		})
	}
}

func BenchmarkRoom(b *testing.B) {
	e := newBench(b, Config{})
	r, err := e.addRoom(1)
	if err != nil {
		b.Fatal(err)
	}
	measure(b, func(int) {
		e.view(func(tx im.Tx) error { _, err := tx.Room(e.app, im.Chatroom, r.ID); return err })
	})
}

func BenchmarkEmptyView(b *testing.B) {
	e := newBench(b, Config{})
	measure(b, func(int) { e.view(func(tx im.Tx) error { return nil }) })
}

// BenchmarkRoomsAt reads pages of 20 of a small and of a huge app. The huge one has deletions all over.
func BenchmarkRoomsAt(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		e := newBench(b, Config{})
		e.fill(Filling{Rooms: n})
		live, state := n, ""
		pages := func(name string, offset func(i int) int) {
			b.Run(fmt.Sprintf("%d/%s%s", n, state, name), func(b *testing.B) {
				measure(b, func(i int) {
					e.view(func(tx im.Tx) error {
						rooms, err := tx.RoomsAt(e.app, im.Chatroom, offset(i), 20)
						if err == nil && len(rooms) == 0 {
							return fmt.Errorf("no rooms at %d", offset(i))
						}
						return err
					})
				})
			})
		}
		all := func() {
			pages("first", func(int) int { return 0 })
			pages("sequence", func(i int) int { return i * 20 % min(960, live-20) })
			pages("deep", func(i int) int { return i * 7919 * 101 % live })
		}
		all()
		e.update(func(tx im.Tx) error {
			gone := 0
			for offset := live - 10; offset > 0 && gone < 3000; offset -= max(1, n/3000) + 1 {
				rooms, err := tx.RoomsAt(e.app, im.Chatroom, offset, 1)
				if err != nil {
					return err
				}
				if err := tx.DeleteRoom(rooms[0]); err != nil {
					return err
				}
				gone++
			}
			live -= gone
			return nil
		})
		state = "deleted/"
		all()
		b.Run(fmt.Sprintf("%d/before", n), func(b *testing.B) {
			measure(b, func(i int) {
				e.view(func(tx im.Tx) error {
					_, err := tx.RoomsBefore(e.app, im.Chatroom, int64(i*7919*101%n+20), 20)
					return err
				})
			})
		})
	}
}

func BenchmarkMembersAt(b *testing.B) {
	for _, n := range []int{2000, 100_000} {
		e := newBench(b, Config{})
		r, err := e.addRoom(1)
		if err != nil {
			b.Fatal(err)
		}
		e.fill(Filling{Room: r.ID, Members: n})
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			measure(b, func(i int) {
				e.view(func(tx im.Tx) error {
					all, err := tx.MembersAt(r, i*7919%(n-1000), 1000)
					if err == nil && len(all) != 1000 {
						return fmt.Errorf("%d members", len(all))
					}
					return err
				})
			})
		})
	}
}

func BenchmarkStandings(b *testing.B) {
	e := newBench(b, Config{})
	r, err := e.addRoom(1)
	if err != nil {
		b.Fatal(err)
	}
	e.fill(Filling{Room: r.ID, Members: 10_000})
	for _, n := range []int{1, 60} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			measure(b, func(i int) {
				users := make([]im.Username, n)
				for j := range users {
					users[j] = im.Username(fmt.Sprintf("member%d", (i*61+j)%20_000))
				}
				e.view(func(tx im.Tx) error { _, err := tx.Standings(r, users); return err })
			})
		})
	}
}

// BenchmarkAddMembers does what adding members to a room does to the store, each time with users of their own.
func BenchmarkAddMembers(b *testing.B) {
	for _, size := range []int{2000, 100_000} {
		for _, n := range []int{1, 60} {
			b.Run(fmt.Sprintf("%d/%d", size, n), func(b *testing.B) {
				e := newBench(b, Config{})
				r, err := e.addRoom(1)
				if err != nil {
					b.Fatal(err)
				}
				e.fill(Filling{Room: r.ID, Members: size})
				measure(b, func(i int) {
					users := make([]im.Username, n)
					members := make([]im.Member, n)
					for j := range users {
						users[j] = im.Username(fmt.Sprintf("new%d", i*n+j))
						members[j] = im.Member{User: users[j], Joined: time.Now(), ByREST: true}
					}
					e.update(func(tx im.Tx) error {
						room, err := tx.LockRoom(e.app, im.Chatroom, r.ID)
						if err != nil {
							return err
						}
						if _, err := tx.Standings(room, users); err != nil {
							return err
						}
						return tx.AddMembers(room, members)
					})
				})
			})
		}
	}
}
