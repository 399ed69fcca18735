package sqlstore

import (
	"context"
	"database/sql"
)

// conn is one SQLite connection with its prepared statements. One goroutine at a time uses it. It gives the driver
// no context that can end: database/sql and the driver would each start a goroutine per statement.
type conn struct {
	c        *sql.Conn
	prepared map[string]*sql.Stmt
}

func newConn(db *sql.DB, pragmas []string) (*conn, error) {
	c, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	for _, p := range pragmas {
		if _, err := c.ExecContext(context.Background(), "PRAGMA "+p); err != nil {
			_ = c.Close() // the first error counts
			return nil, err
		}
	}
	return &conn{c, map[string]*sql.Stmt{}}, nil
}

func (c *conn) prepare(query string) (*sql.Stmt, error) {
	if s, ok := c.prepared[query]; ok {
		return s, nil
	}
	s, err := c.c.PrepareContext(context.Background(), query)
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
	r, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (c *conn) query(_ context.Context, query string, args []any) (*sql.Rows, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

// do runs a statement without arguments, as those that begin and end transactions.
func (c *conn) do(query string) error {
	_, err := c.exec(context.Background(), query, nil)
	return err
}

func (c *conn) close() error {
	for _, s := range c.prepared {
		_ = s.Close() // the connection goes anyway
	}
	return c.c.Close()
}
