package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"teahouse/internal/im"
)

// postgresDB is a PostgreSQL database.
type postgresDB struct {
	dialect *dialect
	texts   *texts
	db      *sql.DB
	observe func(Commit)
	within  time.Duration // in which a COMMIT or ROLLBACK must end
}

const endWithin = 10 * time.Second

func openPostgres(ctx context.Context, to target, config Config) (engine, error) {
	db := stdlib.OpenDB(*to.postgres)
	db.SetMaxOpenConns(config.Conns)
	db.SetMaxIdleConns(config.Conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), db.Close())
	}
	if err := migrate(ctx, db, goose.DialectPostgres, config.Tables); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), db.Close())
	}
	return &postgresDB{dialect: postgresDialect(), texts: &texts{}, db: db, observe: config.Observe, within: endWithin}, nil
}

// sqlTx runs statements in a transaction of database/sql; pgx keeps the prepared statements.
type sqlTx struct{ *sql.Tx }

func (t sqlTx) exec(ctx context.Context, query string, args []any) (int64, error) {
	r, err := t.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t sqlTx) query(ctx context.Context, query string, args []any) (rows, error) {
	return t.QueryContext(ctx, query, args...)
}

func (p *postgresDB) view(ctx context.Context, fn func(im.Tx) error) error {
	opts := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	_, _, err := p.once(ctx, opts, readOnly, fn)
	return err
}

const (
	tries = 6                     // of a transaction that loses against others
	pause = 10 * time.Millisecond // at most, after the first; later ones are longer
)

func (p *postgresDB) update(ctx context.Context, fn func(im.Tx) error) error {
	opts := &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	writing := func() error { return nil }
	for n := 1; ; n++ {
		commit, again, err := p.once(ctx, opts, writing, fn)
		switch {
		case again && n == tries:
			return im.ErrUnavailable.Because(err)
		case again:
			if err := wait(ctx, rand.N(time.Duration(n)*pause)); err != nil {
				return err
			}
			continue
		case err == nil:
			p.observe(commit)
		}
		return err
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once runs fn in one transaction; again tells that it lost against others. A context that ends stops everything but the
// COMMIT, whose outcome should be known. A COMMIT that the server does not answer in time has an unknown one.
func (p *postgresDB) once(ctx context.Context, opts *sql.TxOptions, writing func() error, fn func(im.Tx) error) (c Commit, again bool, err error) {
	queued := time.Now()
	t := &tx{ctx: ctx, dialect: p.dialect, texts: p.texts, writing: writing}
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return c, false, t.fail(err)
	}
	defer func() { _ = conn.Close() }() // back to the pool
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	untie := context.AfterFunc(ctx, end)
	began, err := conn.BeginTx(life, opts)
	if err != nil {
		return c, false, t.fail(err)
	}
	defer func() {
		defer time.AfterFunc(p.within, end).Stop()
		_ = began.Rollback() // nothing after a COMMIT
	}()
	t.runner = sqlTx{began}
	start := time.Now()
	if err = fn(t); err == nil {
		err = t.count()
	}
	t.over = true
	if t.failed != nil {
		if err == nil {
			err = t.failed
		}
		return c, p.dialect.isRetry(t.failed), err
	}
	if err != nil {
		return c, false, err
	}
	if !untie() {
		return c, false, ctx.Err()
	}
	ran := time.Now()
	defer time.AfterFunc(p.within, end).Stop()
	if err := began.Commit(); err != nil {
		return c, p.dialect.isRetry(err), p.dialect.wrap(err)
	}
	return Commit{Updates: 1, Wait: start.Sub(queued), Run: ran.Sub(start), Sync: time.Since(ran)}, false, nil
}

func (p *postgresDB) backup(context.Context, string) error {
	return errors.New("backup: the database is PostgreSQL: use pg_dump")
}

func (p *postgresDB) close() error { return p.db.Close() }
