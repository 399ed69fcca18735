package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"teahouse/internal/im"
)

// sqliteDB is an embedded database: a writer with its connection, and a pool of readers.
type sqliteDB struct {
	to      target
	dialect *dialect
	texts   *texts
	db      *sql.DB
	writer  *writer

	slots chan struct{} // one for every reader in use; all of them once closed
	mu    sync.Mutex    // guards what follows
	free  []*conn       // readers, the last used last: the warm one is used again; nil: one is to be opened
	done  bool
}

const busyMS = 10_000 // how long a process waits for another's transaction

func writerPragmas(config Config) []string {
	synchronous := "FULL"
	if config.Unsynced {
		synchronous = "OFF"
	}
	return []string{
		fmt.Sprintf("busy_timeout = %d", busyMS),
		"journal_mode = WAL",
		"synchronous = " + synchronous,
		"temp_store = MEMORY",
		"cache_size = -8000",
		"wal_autocheckpoint = 4000",
		"journal_size_limit = 67108864",
	}
}

func readerPragmas() []string {
	return []string{
		fmt.Sprintf("busy_timeout = %d", busyMS),
		"query_only = 1",
		"temp_store = MEMORY",
		"cache_size = -4000",
	}
}

func openSQLite(ctx context.Context, to target, config Config) (engine, error) {
	if err := makeFile(to.file); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", to.uri()+fmt.Sprintf("?_txlock=immediate&_pragma=busy_timeout(%d)", busyMS))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(config.Readers + 2) // and the writer, and Backup
	s := &sqliteDB{to: to, dialect: sqliteDialect(), texts: &texts{}, db: db, slots: make(chan struct{}, config.Readers)}
	write, err := s.connect(ctx, config)
	if err != nil {
		for _, r := range s.free {
			_ = r.close()
		}
		_ = db.Close() // the first error counts
		return nil, fmt.Errorf("database %s: %w", to.file, err)
	}
	s.writer = startWriter(s, write, config)
	return s, nil
}

// connect makes the tables, the writer's connection, which it returns, and the readers.
func (s *sqliteDB) connect(ctx context.Context, config Config) (*conn, error) {
	write, err := s.firstConn(ctx, config)
	if err != nil {
		return nil, err
	}
	if err = migrate(ctx, s.db, goose.DialectSQLite3, config.Tables); err == nil {
		for len(s.free) < config.Readers && err == nil {
			var r *conn
			if r, err = newConn(s.to.uri(), readerPragmas()); err == nil {
				s.free = append(s.free, r)
			}
		}
	}
	if err != nil {
		_ = write.close()
		return nil, err
	}
	return write, nil
}

// firstConn switches a new file to WAL. Two processes that do so at once make SQLite say "busy" without waiting.
func (s *sqliteDB) firstConn(ctx context.Context, config Config) (*conn, error) {
	for deadline := time.Now().Add(busyMS * time.Millisecond); ; {
		c, err := newConn(s.to.uri(), writerPragmas(config))
		if err == nil || !isBusy(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return c, err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// makeFile makes an empty database that only its owner may read: it holds password hashes.
func makeFile(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return f.Close()
}

func (s *sqliteDB) view(ctx context.Context, fn func(im.Tx) error) (err error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.slots }()
	r, err := s.borrow()
	if err != nil {
		return err
	}
	defer func() { s.giveBack(r) }()
	if err := r.do("BEGIN"); err != nil {
		return s.dialect.wrap(err)
	}
	t := &tx{ctx: ctx, runner: r, dialect: s.dialect, texts: s.texts, writing: readOnly}
	defer func() {
		t.over = true
		if e := r.do("COMMIT"); e != nil {
			r = rescue(r)
			if err == nil {
				err = s.dialect.wrap(e)
			}
		}
	}()
	if err := fn(t); err != nil {
		return err
	}
	return t.failed
}

// rescue ends the transaction of a reader whose COMMIT failed. When that fails as well the reader is given up, and nil
// returned.
func rescue(r *conn) *conn {
	_ = r.do("ROLLBACK") // what counts is whether a transaction is open
	if r.lite.inTransaction() {
		_ = r.close() // it is of no use
		return nil
	}
	return r
}

func (s *sqliteDB) borrow() (*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return nil, im.ErrUnavailable.Because(errClosed)
	}
	last := len(s.free) - 1
	if s.free[last] == nil {
		r, err := newConn(s.to.uri(), readerPragmas())
		if err != nil {
			return nil, s.dialect.wrap(err)
		}
		s.free[last] = r
	}
	r := s.free[last]
	s.free = s.free[:last]
	return r, nil
}

func (s *sqliteDB) giveBack(r *conn) {
	s.mu.Lock()
	s.free = append(s.free, r)
	s.mu.Unlock()
}

// update runs fn again when it found a message's id taken: what Advance gives next is another.
func (s *sqliteDB) update(ctx context.Context, fn func(im.Tx) error) (err error) {
	for range tries {
		if err = s.writer.update(ctx, fn); !s.dialect.isRetry(err) {
			break
		}
	}
	return err
}

// backup lets SQLite write the copy, and makes it durable. The one statement takes long, so it may be interrupted.
func (s *sqliteDB) backup(ctx context.Context, file string) (err error) {
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done {
		return im.ErrUnavailable.Because(errClosed)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // never onto a file that exists
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			_ = os.Remove(file) // it is of no use
		}
	}()
	if _, err := s.db.ExecContext(ctx, `VACUUM INTO $1`, file); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func (s *sqliteDB) close() error {
	s.mu.Lock()
	again := s.done
	s.done = true
	s.mu.Unlock()
	if again {
		return nil
	}
	s.writer.stop()
	for range cap(s.slots) { // wait for the Views that run
		s.slots <- struct{}{}
	}
	defer func() {
		for range cap(s.slots) { // Views to come find the store closed
			<-s.slots
		}
	}()
	var errs []error
	for _, r := range s.free {
		if r != nil {
			errs = append(errs, r.close())
		}
	}
	return errors.Join(append(errs, s.writer.conn.close(), s.db.Close())...)
}
