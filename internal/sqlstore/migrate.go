package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Tables says what [Open] may do to the tables of a database.
type Tables int

const (
	Upgrade Tables = iota // make them and bring them up to date: servers
	Make                  // make them in an empty database
	Keep                  // use them as they are
)

var (
	errOlder = errors.New("the database is of an older version: start \"teahouse serve\" of this version on it once, or use the program that belongs to it")
	errNewer = errors.New("the database is of a newer version: use the program that belongs to it")
	errEmpty = errors.New("the database has no tables yet: start \"teahouse serve\" on it once")
)

// migrate brings the tables to the version of this program, as far as it may. When another process does the same at the same
// time one of them fails at what the other has done by then; so a failure is only believed when nothing has moved.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, may Tables) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if dialect == goose.DialectSQLite3 {
		files = sqliteFiles{files}
	}
	provider, err := goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	now := version(ctx, db)
	if err := may.refuse(now, newest); err != nil {
		return err
	}
	for was := int64(-1); now != newest; {
		if _, failed := provider.Up(ctx); failed != nil && (now == was || ctx.Err() != nil) {
			return fmt.Errorf("migrations: %w", failed)
		}
		was, now = now, version(ctx, db)
	}
	return nil
}

// refuse tells why tables of version now, 0 for none, must be left alone by a program whose tables are of version mine.
func (may Tables) refuse(now, mine int64) error {
	switch {
	case now > mine:
		return fmt.Errorf("%w (it is %d, this program's is %d)", errNewer, now, mine)
	case now == mine, may == Upgrade, may == Make && now == 0:
		return nil
	case now == 0:
		return errEmpty
	}
	return fmt.Errorf("%w (it is %d, this program's is %d)", errOlder, now, mine)
}

// version is the newest migration the database has seen, 0 for none.
func version(ctx context.Context, db *sql.DB) int64 {
	var v sql.NullInt64
	err := db.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version WHERE is_applied`).Scan(&v)
	if err != nil {
		return 0 // no table yet
	}
	return v.Int64
}

// sqliteFiles uncovers what the migrations say to SQLite alone.
type sqliteFiles struct{ fs.FS }

// Open implements [fs.FS].
func (f sqliteFiles) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return sqliteFile{file, strings.NewReader(strings.NewReplacer("/*sqlite", "", "*/", "").Replace(string(text)))}, nil
}

type sqliteFile struct {
	fs.File
	text *strings.Reader
}

// Read implements [fs.File].
func (f sqliteFile) Read(p []byte) (int, error) { return f.text.Read(p) }
