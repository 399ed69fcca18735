package sqlstore

import (
	"cmp"
	"maps"
	"slices"

	"teahouse/internal/im"
)

// take counts one more row of a kind and returns how many there are now and the new row's place. It locks the
// counter until the transaction ends, so that places become visible in their order.
func (t *tx) take(app im.AppID, kind int64) (live, seq int64, err error) {
	err = t.change(`UPDATE counters SET live = live + 1, next = next + 1 WHERE app = $1 AND kind = $2 RETURNING live, next`,
		[]any{int64(app), kind}, func(rows rows) error { return rows.Scan(&live, &seq) })
	if err == nil && seq == 0 {
		err = im.ErrAppNotFound
	}
	return live, seq, err
}

// giveBack undoes take in the same transaction: the place was not used.
func (t *tx) giveBack(app im.AppID, kind int64) error {
	_, err := t.exec(`UPDATE counters SET live = live - 1, next = next - 1 WHERE app = $1 AND kind = $2`, int64(app), kind)
	return err
}

// dropped is what a transaction took away, to be counted at its end. Rows that every change of an app counts in would
// otherwise be locked while the transaction still waits for rooms and users, which others hold who wait to count.
type dropped struct {
	counts map[counter]int64   // rows less
	gaps   map[gapList][]int64 // places of rooms
}

type counter struct {
	app  im.AppID
	kind int64
}

// drop will count n rows less; their places stay empty.
func (t *tx) drop(app im.AppID, kind int64, n int) {
	if t.dropped.counts == nil {
		t.dropped.counts = map[counter]int64{}
	}
	t.dropped.counts[counter{app, kind}] += int64(n)
}

// dropRoom is drop for a room, whose place will be recorded as a gap.
func (t *tx) dropRoom(room im.Room, seq int64) {
	if t.dropped.gaps == nil {
		t.dropped.gaps = map[gapList][]int64{}
	}
	list := roomList(room.App, room.Kind)
	t.dropped.gaps[list] = append(t.dropped.gaps[list], seq)
	t.drop(room.App, kindCode(room.Kind), 1)
}

// count writes what was dropped, in one order against deadlocks: users before the rooms that are made for new ones.
func (t *tx) count() error {
	gaps, counts := t.dropped.gaps, t.dropped.counts
	for _, list := range slices.SortedFunc(maps.Keys(gaps), func(a, b gapList) int {
		return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.name, b.name))
	}) {
		if err := t.addGaps(list, gaps[list]); err != nil {
			return err
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(counts), func(a, b counter) int {
		return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(b.kind, a.kind))
	}) {
		if _, err := t.exec(`UPDATE counters SET live = live - $3 WHERE app = $1 AND kind = $2`, int64(c.app), c.kind, counts[c]); err != nil {
			return err
		}
	}
	return nil
}
