package sqlstore

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"teahouse/internal/im"
)

// runner runs statements inside an open transaction.
type runner interface {
	exec(ctx context.Context, query string, args []any) (int64, error)
	query(ctx context.Context, query string, args []any) (rows, error)
}

// rows is what both engines' rows have in common; rows is one.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// tx is im.Tx for one run of one function.
type tx struct {
	ctx     context.Context // looked at before every statement
	runner  runner
	dialect *dialect
	texts   *texts
	writing func() error // called before every write

	absent  im.AppKey // what App did not find last
	dropped dropped

	failed error // the first error of the engine: the transaction cannot be committed any more
	over   bool  // the function has returned
}

var (
	errReadOnly = errors.New("sqlstore: a View writes")
	errOver     = errors.New("sqlstore: a transaction is used after its end")
	errText     = errors.New("sqlstore: the text holds a zero byte or is not UTF-8")
)

func readOnly() error { return im.ErrInternal.Because(errReadOnly) }

// ready is asked before every statement. Text that PostgreSQL could not hold is refused on both engines.
func (t *tx) ready(args []any) error {
	if t.over {
		return im.ErrInternal.Because(errOver)
	}
	if t.failed != nil {
		return t.failed
	}
	if err := t.ctx.Err(); err != nil {
		return err
	}
	for _, a := range args {
		if s, ok := a.(string); ok && (strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s)) {
			return im.ErrInvalid.Because(errText)
		}
	}
	return nil
}

// fail remembers an error of the engine and returns what the caller sees of it.
func (t *tx) fail(err error) error {
	if ctx := t.ctx.Err(); ctx != nil {
		t.failed = ctx
	} else {
		t.failed = t.dialect.wrap(err)
	}
	return t.failed
}

// exec runs a writing statement and returns how many rows it touched.
func (t *tx) exec(query string, args ...any) (int, error) {
	if err := t.ready(args); err != nil {
		return 0, err
	}
	if err := t.writing(); err != nil {
		return 0, err
	}
	n, err := t.runner.exec(t.ctx, query, args)
	if err != nil {
		return 0, t.fail(err)
	}
	return int(n), nil
}

// change runs a writing statement that returns rows.
func (t *tx) change(query string, args []any, scan func(rows) error) error {
	if err := t.ready(args); err != nil {
		return err
	}
	if err := t.writing(); err != nil {
		return err
	}
	return t.each(query, args, scan)
}

// query runs a reading statement and calls scan for every row, until scan returns errEnough.
func (t *tx) query(query string, args []any, scan func(rows) error) error {
	if err := t.ready(args); err != nil {
		return err
	}
	return t.each(query, args, scan)
}

// errEnough ends a query early.
var errEnough = errors.New("sqlstore: enough rows")

func (t *tx) each(query string, args []any, scan func(rows) error) error {
	rows, err := t.runner.query(t.ctx, query, args)
	if err != nil {
		return t.fail(err)
	}
	defer func() { _ = rows.Close() }() // also when scan panics; the first error counts
	for rows.Next() {
		if err := scan(rows); err != nil {
			if err == errEnough {
				return nil
			}
			return t.fail(err)
		}
	}
	if err := rows.Err(); err != nil {
		return t.fail(err)
	}
	if err := rows.Close(); err != nil {
		return t.fail(err)
	}
	return nil
}

// row reads at most one row into dest.
func (t *tx) row(query string, args []any, dest ...any) (found bool, err error) {
	err = t.query(query, args, func(rows rows) error { found = true; return rows.Scan(dest...) })
	return found, err
}

// list reads every row of a query.
func list[T any](t *tx, query string, args []any, scan func(rows) (T, error)) (all []T, err error) {
	err = t.query(query, args, func(rows rows) error {
		one, err := scan(rows)
		all = append(all, one)
		return err
	})
	return all, err
}

// ms is how a time is stored; the zero time is 0.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMS(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Codes of kinds and lists: see the first migration.
func kindCode(k im.RoomKind) int64    { return int64(k) + 10 }
func kindFrom(code int64) im.RoomKind { return im.RoomKind(code - 10) }
func listCode(l im.List) int64        { return int64(l) + 20 }

const (
	countUsers       = 21
	countSuperAdmins = 22
	countAccounts    = 24
	countUserMutes   = 26
)
