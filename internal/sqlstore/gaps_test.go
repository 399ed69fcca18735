package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"teahouse/internal/im"
)

// model is a list as plain slices: which places are taken, in order.
type model struct {
	live []int64
	next int64
}

// grow gives n more places.
func (m *model) grow(n int) {
	for range n {
		m.next++
		m.live = append(m.live, m.next)
	}
}

// remove takes out the rows at these offsets, which ascend, and returns their places.
func (m *model) remove(offsets []int) (seqs []int64) {
	left := m.live[:0]
	from := 0
	for _, i := range offsets {
		seqs = append(seqs, m.live[i])
		left = append(left, m.live[from:i]...)
		from = i + 1
	}
	m.live = append(left, m.live[from:]...)
	return seqs
}

// removeRun takes out the rows from one offset to before another.
func (m *model) removeRun(from, to int) (seqs []int64) {
	seqs = slices.Clone(m.live[from:to])
	m.live = slices.Delete(m.live, from, to)
	return seqs
}

// at is the place of a row that stands skip rows after (or before) a place, as the SQL of a page finds it.
func (m *model) at(p place, fromEnd bool) int64 {
	i, found := slices.BinarySearch(m.live, p.seq)
	if fromEnd {
		if !found {
			i--
		}
		return m.live[i-int(p.skip)]
	}
	return m.live[i+int(p.skip)]
}

// check compares offsets of the list with the model, in both directions.
func (m *model) check(t *tx, list gapList, offsets []int) error {
	for _, k := range offsets {
		p, err := t.fromStart(list, int64(len(m.live)), m.next, int64(k))
		if err != nil {
			return err
		}
		if got := m.at(p, false); got != m.live[k] || p.skip >= 1<<bucketBits {
			return fmt.Errorf("offset %d of %d from the start: %+v is place %d, want %d", k, len(m.live), p, got, m.live[k])
		}
		p, err = t.fromEnd(list, int64(len(m.live)), m.next, int64(k))
		if err != nil {
			return err
		}
		if got, want := m.at(p, true), m.live[len(m.live)-1-k]; got != want || p.skip >= 1<<bucketBits {
			return fmt.Errorf("offset %d of %d from the end: %+v is place %d, want %d", k, len(m.live), p, got, want)
		}
	}
	return nil
}

// run gives the store's transaction to fn.
func (b *bench) run(fn func(*tx) error) {
	b.Helper()
	b.update(func(t im.Tx) error { return fn(t.(*tx)) })
}

func every(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func some(rng *rand.Rand, n int) []int {
	if n <= 30 {
		return every(n)
	}
	picked := []int{0, 1, n - 2, n - 1}
	for range 26 {
		picked = append(picked, rng.IntN(n))
	}
	return picked
}

// Small lists: every offset after every step.
func TestGapsSmall(t *testing.T) {
	b := newBench(t, Config{})
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 1))
		list, m := gapList{b.app, fmt.Sprint("small", seed)}, &model{}
		b.run(func(t *tx) error {
			if err := t.forgetGaps(list); err != nil {
				return err
			}
			*m = model{}
			for range 8 {
				m.grow(rng.IntN(150))
				rate := rng.Float64()
				seqs := m.remove(slices.DeleteFunc(every(len(m.live)), func(int) bool { return rng.Float64() > rate }))
				if err := t.addGaps(list, seqs); err != nil {
					return err
				}
				if err := m.check(t, list, every(len(m.live))); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// A list of millions of places, so that buckets of every level come to be, also wholly empty ones.
func TestGapsLarge(t *testing.T) {
	b := newBench(t, Config{})
	rng := rand.New(rand.NewPCG(7, 7))
	list, m := gapList{b.app, "large"}, &model{}
	m.grow(4_300_000)
	scattered := func() []int64 {
		offsets := make([]int, 1000)
		for i := range offsets {
			offsets[i] = rng.IntN(len(m.live))
		}
		slices.Sort(offsets)
		return m.remove(slices.Compact(offsets))
	}
	steps := []struct {
		name   string
		remove func() []int64
	}{
		{"scattered", scattered},
		{"a run of a bucket", func() []int64 { return m.removeRun(1_000_000, 1_020_000) }},
		{"the whole top bucket", func() []int64 {
			from, _ := slices.BinarySearch(m.live, 1<<topLevel+1)
			to, _ := slices.BinarySearch(m.live, 2<<topLevel+1)
			return m.removeRun(from, to)
		}},
		{"the start", func() []int64 { return m.removeRun(0, 40_000) }},
		{"the end", func() []int64 { return m.removeRun(len(m.live)-30_000, len(m.live)) }},
		{"scattered again", scattered},
	}
	for _, step := range steps {
		seqs := step.remove()
		b.run(func(t *tx) error {
			if err := t.addGaps(list, seqs); err != nil {
				return err
			}
			if err := m.check(t, list, some(rng, len(m.live))); err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
			return nil
		})
	}
	var below int64
	b.run(func(t *tx) error {
		_, err := t.row(`SELECT COUNT(*) FROM gaps WHERE app = $1 AND list = $2 AND level = $3 AND bucket >= $4 AND bucket < $5`,
			[]any{int64(b.app), list.name, int64(topLevel - bucketBits), int64(1 << bucketBits), int64(2 << bucketBits)}, &below)
		return err
	})
	if below != 0 {
		t.Errorf("%d buckets are kept below one that is wholly gone", below)
	}
	m.grow(1000)
	b.run(func(t *tx) error { return m.check(t, list, some(rng, len(m.live))) })
}

// Fill must leave what one-by-one creation leaves.
func TestFill(t *testing.T) {
	b := newBench(t, Config{})
	r, err := b.addRoom(1)
	if err != nil {
		t.Fatal(err)
	}
	b.fill(Filling{Rooms: 450, Members: 230, Room: r.ID})
	b.fill(Filling{Rooms: 50, Members: 20, Room: r.ID})
	b.view(func(tx im.Tx) error {
		rooms, err := tx.RoomsAt(b.app, im.Chatroom, 0, 1000)
		if err != nil {
			return err
		}
		for i, room := range rooms {
			if room.Seq != int64(501-i) {
				t.Fatalf("room %d has place %d", i, room.Seq)
			}
		}
		first, err := tx.Rooms(b.app, im.Chatroom, []im.RoomID{r.ID})
		if err != nil || len(rooms) != 501 || first[0].Members != 251 {
			t.Errorf("%d rooms, %d members in the first, %v", len(rooms), first[0].Members, err)
		}
		all, err := tx.MembersAt(r, 240, 1000)
		if err != nil || len(all) != 11 || all[10].Seq != 251 {
			t.Errorf("last members: %+v, %v", all, err)
		}
		standings, err := tx.Standings(rooms[0], []im.Username{rooms[0].Owner, all[0].User})
		if err != nil || !standings[0].Exists || standings[0].Role != im.Owner || !standings[1].Exists {
			t.Errorf("standings %+v, %v", standings, err)
		}
		return err
	})
	if err := Fill(context.Background(), b.s, b.app+1, Filling{Rooms: 1}); err == nil {
		t.Error("filled an app that does not exist")
	}
}
