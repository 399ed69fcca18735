package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"teahouse/internal/im"
)

// conn is one SQLite connection with its prepared statements. One goroutine at a time uses it.
type conn struct {
	lite     *lite
	prepared map[string]*liteStmt
}

func newConn(uri string, pragmas []string) (*conn, error) {
	l, err := openLite(uri)
	if err != nil {
		return nil, err
	}
	c := &conn{l, map[string]*liteStmt{}}
	for _, p := range pragmas {
		if err := c.do("PRAGMA " + p); err != nil {
			_ = c.close() // the first error counts
			return nil, err
		}
	}
	return c, nil
}

func (c *conn) prepare(query string) (*liteStmt, error) {
	if s, ok := c.prepared[query]; ok {
		return s, nil
	}
	s, err := c.lite.prepare(query)
	if err == nil {
		c.prepared[query] = s
	}
	return s, err
}

func (c *conn) exec(_ context.Context, query string, args []any) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	if err := s.bind(args); err != nil {
		return 0, err
	}
	for {
		if row, err := s.step(); !row {
			return c.lite.changes(), err
		}
	}
}

func (c *conn) query(_ context.Context, query string, args []any) (rows, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	if err := s.bind(args); err != nil {
		return nil, err
	}
	return &liteRows{stmt: s}, nil
}

// do runs a statement without arguments, as those that begin and end transactions.
func (c *conn) do(query string) error {
	_, err := c.exec(context.Background(), query, nil)
	return err
}

func (c *conn) close() error {
	for _, s := range c.prepared {
		s.close()
	}
	return c.lite.close()
}

// liteRows are the rows of one run of a statement.
type liteRows struct {
	stmt *liteStmt
	err  error
	over bool
}

// Next implements rows.
func (r *liteRows) Next() bool {
	if r.over {
		return false
	}
	var row bool
	row, r.err = r.stmt.step()
	r.over = !row
	return row
}

// Scan implements rows.
func (r *liteRows) Scan(dest ...any) error {
	for i, d := range dest {
		switch d := d.(type) {
		case *int64:
			*d = r.stmt.int64(i)
		case *string:
			*d = r.stmt.string(i)
		case *im.Username:
			*d = im.Username(r.stmt.raw(i))
		case *im.RoomID:
			*d = im.RoomID(r.stmt.raw(i))
		case *im.AppID:
			*d = im.AppID(r.stmt.int64(i))
		case *[]byte:
			*d = slices.Clone(r.stmt.raw(i))
		case *sql.NullInt64:
			d.Int64, d.Valid = r.stmt.int64(i), !r.stmt.null(i)
		default:
			return fmt.Errorf("sqlite: cannot scan into %T", d)
		}
	}
	return nil
}

// Err implements rows.
func (r *liteRows) Err() error { return r.err }

// Close implements rows.
func (r *liteRows) Close() error {
	if !r.over {
		r.over = true
		r.stmt.reset()
	}
	return nil
}
