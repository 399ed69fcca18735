package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to date. When another process does the same at the same time one of them fails at what the
// other has done by then; so a failure is only believed when nothing has moved.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect) error {
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
	for was := int64(-1); ; {
		now := version(ctx, db)
		if now > newest {
			return fmt.Errorf("migrations: the database is of a newer version (%d, this program knows %d)", now, newest)
		}
		if now == newest {
			return nil
		}
		if _, failed := provider.Up(ctx); failed != nil && (now == was || ctx.Err() != nil) {
			return fmt.Errorf("migrations: %w", failed)
		}
		was = now
	}
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
