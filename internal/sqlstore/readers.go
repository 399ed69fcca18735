package sqlstore

import (
	"database/sql"

	"teahouse/internal/im"
)

// AddReader implements [im.ReaderTx].
func (t *tx) AddReader(app im.AppID, id im.MessageID, r im.Reader) (int, error) {
	var count int64
	err := t.change(`INSERT INTO readers (app, message, username, seq, at)
		SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS TEXT), COALESCE(MAX(seq), 0) + 1, CAST($4 AS BIGINT) FROM readers WHERE app = $1 AND message = $2
		ON CONFLICT DO NOTHING RETURNING seq`,
		[]any{int64(app), int64(id), string(r.User), ms(r.At)}, func(rows rows) error { return rows.Scan(&count) })
	return int(count), err
}

// countReaders is the number of the last.
const countReaders = `SELECT MAX(seq) FROM readers WHERE app = $1 AND message = $2`

// CountReaders implements [im.ReaderTx].
func (t *tx) CountReaders(app im.AppID, id im.MessageID) (int, error) {
	var count sql.NullInt64
	_, err := t.row(countReaders, []any{int64(app), int64(id)}, &count)
	return int(count.Int64), err
}

const selectReaders = `SELECT username, seq, at FROM readers WHERE app = $1 AND message = $2 AND seq > $3 ORDER BY seq LIMIT $4`

// Readers implements [im.ReaderTx].
func (t *tx) Readers(app im.AppID, id im.MessageID, after, limit int) ([]im.Reader, error) {
	var seq, at int64
	return list(t, selectReaders, []any{int64(app), int64(id), int64(after), int64(limit)}, func(rows rows) (r im.Reader, err error) {
		err = rows.Scan(&r.User, &seq, &at)
		r.Seq, r.At = int(seq), fromMS(at)
		return r, err
	})
}
