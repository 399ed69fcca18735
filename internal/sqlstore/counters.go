package sqlstore

import (
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

// drop counts n rows less; their places stay empty.
func (t *tx) drop(app im.AppID, kind int64, n int) error {
	_, err := t.exec(`UPDATE counters SET live = live - $3 WHERE app = $1 AND kind = $2`, int64(app), kind, int64(n))
	return err
}
