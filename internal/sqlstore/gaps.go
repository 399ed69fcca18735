package sqlstore

import (
	"slices"
	"strconv"

	"teahouse/internal/im"
)

// Places in a list (rooms of an app, members of a room) are given densely from 1 and never again. As long as
// nothing is deleted the n-th row stands at place n. For every deletion the gaps table counts a missing place in
// three buckets, 128, 128² and 128³ places wide, so that the row at any offset is found by looking at the
// buckets and then skipping fewer than 128 rows. A bucket wholly gone has no buckets below it.

// gapList names a list in the gaps table.
type gapList struct {
	app  im.AppID
	name string
}

// roomList and memberList never give the same name, whatever the id.
func roomList(app im.AppID, kind im.RoomKind) gapList {
	return gapList{app, "#" + strconv.Itoa(int(kind))}
}

func memberList(room im.Room) gapList { return gapList{room.App, "@" + string(room.ID)} }

// place says where in the list to begin: at seq, after skipping rows that exist.
type place struct{ seq, skip int64 }

const (
	bucketBits = 7 // a bucket holds 128 of the level below
	topLevel   = 3 * bucketBits
)

// bucketOf returns the number of the bucket of a level that holds a place.
func bucketOf(seq int64, level int) int64 { return (seq - 1) >> level }

// addGaps records that the rows at these places are gone. Their order is one, against deadlocks.
func (t *tx) addGaps(list gapList, seqs []int64) error {
	slices.Sort(seqs)
	for level := bucketBits; level <= topLevel; level += bucketBits {
		for i, n := 0, 0; i < len(seqs); i += n {
			bucket := bucketOf(seqs[i], level)
			for n = 1; i+n < len(seqs) && bucketOf(seqs[i+n], level) == bucket; n++ {
			}
			if err := t.addGap(list, level, bucket, int64(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// addGap counts n more in one bucket. It asks for the sum with a second statement, because a journal that SQLite keeps for an
// upsert that returns rows makes long transactions slow.
func (t *tx) addGap(list gapList, level int, bucket, n int64) error {
	key := []any{int64(list.app), list.name, int64(level), bucket}
	_, err := t.exec(`INSERT INTO gaps (app, list, level, bucket, gone) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (app, list, level, bucket) DO UPDATE SET gone = gaps.gone + $5`, append(key, n)...)
	if err != nil || level == bucketBits {
		return err
	}
	var gone int64
	_, err = t.row(`SELECT gone FROM gaps WHERE app = $1 AND list = $2 AND level = $3 AND bucket = $4`, key, &gone)
	if err != nil || gone < 1<<level {
		return err
	}
	_, err = t.exec(`DELETE FROM gaps WHERE app = $1 AND list = $2 AND level = $3 AND bucket >= $4 AND bucket < $5`,
		int64(list.app), list.name, int64(level-bucketBits), bucket<<bucketBits, (bucket+1)<<bucketBits)
	return err
}

// forgetGaps removes all that is recorded of a list.
func (t *tx) forgetGaps(list gapList) error {
	_, err := t.exec(`DELETE FROM gaps WHERE app = $1 AND list = $2`, int64(list.app), list.name)
	return err
}

// fromStart finds the row after the first offset ones of a list of live rows whose last place given is next.
func (t *tx) fromStart(list gapList, live, next, offset int64) (place, error) {
	if live == next {
		return place{seq: offset + 1}, nil
	}
	return t.walk(list, next, offset, false)
}

// fromEnd is fromStart seen from the end of the list.
func (t *tx) fromEnd(list gapList, live, next, offset int64) (place, error) {
	if live == next {
		return place{seq: next - offset}, nil
	}
	return t.walk(list, next, offset, true)
}

// walk goes down the levels, each time into the bucket in which the offset falls.
func (t *tx) walk(list gapList, next, offset int64, fromEnd bool) (place, error) {
	w := walker{low: 1, high: next, offset: offset, fromEnd: fromEnd}
	for level := topLevel; level >= bucketBits; level -= bucketBits {
		gone, err := t.step(list, level, &w)
		if err != nil {
			return place{}, err
		}
		if gone == 0 {
			return w.exact(), nil // nothing is missing in there
		}
	}
	if fromEnd {
		return place{w.high, w.offset}, nil
	}
	return place{w.low, w.offset}, nil
}

const gapsOf = `SELECT bucket, gone FROM gaps WHERE app = $1 AND list = $2 AND level = $3 AND bucket >= $4 AND bucket <= $5 ORDER BY bucket`

// step reads the counted buckets of one level between the walker's bounds until it knows in which the offset falls,
// narrows the bounds to that, and returns how many are missing within.
func (t *tx) step(list gapList, level int, w *walker) (gone int64, err error) {
	query := gapsOf
	if w.fromEnd {
		query += ` DESC`
	}
	args := []any{int64(list.app), list.name, int64(level), bucketOf(w.low, level), bucketOf(w.high, level)}
	found := false
	err = t.query(query, args, func(rows rows) error {
		var bucket, n int64
		if err := rows.Scan(&bucket, &n); err != nil {
			return err
		}
		switch found, gone = w.pass(level, bucket, n); {
		case found:
			return errEnough
		default:
			return nil
		}
	})
	return gone, err
}

// walker holds the bounds of the places still in question, and how many rows of them to skip.
type walker struct {
	low, high, offset int64
	fromEnd           bool
}

// pass moves over the places before a counted bucket and then over the bucket itself. It is done, with the bounds
// narrowed, when the offset falls into either; gone is what is missing within the bounds.
func (w *walker) pass(level int, bucket, missing int64) (done bool, gone int64) {
	low, high := max(bucket<<level+1, w.low), min((bucket+1)<<level, w.high)
	before := low - w.low // places before the bucket: none is missing
	if w.fromEnd {
		before = w.high - high
	}
	if w.offset < before {
		return true, 0
	}
	w.offset -= before
	if live := high - low + 1 - missing; w.offset >= live {
		w.offset -= live
		if w.fromEnd {
			w.high = low - 1
		} else {
			w.low = high + 1
		}
		return false, 0
	}
	w.low, w.high = low, high
	return true, missing
}

// exact is the place of the offset when nothing is missing before it.
func (w *walker) exact() place {
	if w.fromEnd {
		return place{seq: w.high - w.offset}
	}
	return place{seq: w.low + w.offset}
}
