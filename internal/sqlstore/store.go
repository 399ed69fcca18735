package sqlstore

import (
	"context"
	"errors"
	"time"

	"teahouse/internal/im"
)

// Config of a [Store].
type Config struct {
	Database string       // "sqlite:PATH" or "postgres://…"
	Tables   Tables       // what may be done to the tables
	MaxBatch int          // SQLite: most Updates in one commit; 0 means 256, 1 none together
	Readers  int          // SQLite: connections that read; 0 means 4
	Conns    int          // PostgreSQL: most connections; 0 means 16
	Unsynced bool         // SQLite: commits do not wait for the disk, and do not survive a machine that stops; for tests
	Observe  func(Commit) // called after every commit, by one goroutine at a time on SQLite; nil for none
}

// Commit tells of one commit that brought at least one Update to its end.
type Commit struct {
	Updates int           // functions in it, also those that failed
	Wait    time.Duration // how long the first of them waited for its turn
	Run     time.Duration // from the first function's start to the last's end
	Sync    time.Duration // the commit itself
}

func (c Config) withDefaults() Config {
	if c.MaxBatch <= 0 {
		c.MaxBatch = 256
	}
	if c.Readers <= 0 {
		c.Readers = 4
	}
	if c.Conns <= 0 {
		c.Conns = 16
	}
	if c.Observe == nil {
		c.Observe = func(Commit) {}
	}
	return c
}

// Store is im.Store on one database.
type Store struct {
	engine engine
}

var _ im.Store = (*Store)(nil)

// engine is a database of one make.
type engine interface {
	view(ctx context.Context, fn func(im.Tx) error) error
	update(ctx context.Context, fn func(im.Tx) error) error
	backup(ctx context.Context, file string) error
	close() error
}

var errClosed = errors.New("sqlstore: the store is closed")

// Open opens the database, makes it if it is a file that does not exist, and brings its tables up to date, if it may. Several
// processes may have one database open. On SQLite it starts the writer goroutine, which [Store.Close] ends.
func Open(ctx context.Context, config Config) (*Store, error) {
	to, err := parseDatabase(config.Database)
	if err != nil {
		return nil, err
	}
	config = config.withDefaults()
	open := openSQLite
	if to.postgres != nil {
		open = openPostgres
	}
	e, err := open(ctx, to, config)
	if err != nil {
		return nil, err
	}
	return &Store{e}, nil
}

// View implements [im.Store]. fn must not call the store again.
func (s *Store) View(ctx context.Context, fn func(im.Tx) error) error { return s.engine.view(ctx, fn) }

// Update implements [im.Store]. fn must not call the store again. When ctx ends before fn's turn comes, fn is not
// run; once it runs, Update waits for the outcome. When fn panics, nothing of it stays and Update panics.
func (s *Store) Update(ctx context.Context, fn func(im.Tx) error) error {
	return s.engine.update(ctx, fn)
}

// Identity is a word that names the database, and every copy of it.
func (s *Store) Identity(ctx context.Context) (name string, err error) {
	err = s.Update(ctx, func(t im.Tx) (err error) { name, err = t.(*tx).identity(); return err })
	return name, err
}

// Ping implements [im.Store].
func (s *Store) Ping(ctx context.Context) error {
	return s.engine.view(ctx, func(t im.Tx) error {
		var next int64
		_, err := t.(*tx).row(`SELECT next FROM counters WHERE app = 0 AND kind = 23`, nil, &next)
		return err
	})
}

// Backup writes a consistent copy of the embedded database to a new file while others use it.
func (s *Store) Backup(ctx context.Context, file string) error { return s.engine.backup(ctx, file) }

// Close waits for what is running, answers what still waits with ErrUnavailable, ends the writer goroutine and closes
// the database. It may be called twice.
func (s *Store) Close() error { return s.engine.close() }
