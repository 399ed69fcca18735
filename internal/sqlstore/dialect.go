package sqlstore

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"teahouse/internal/im"
)

// dialect is all that differs between the engines' SQL and errors.
type dialect struct {
	forUpdate string             // ends a SELECT that locks its row
	forStay   string             // ends a SELECT whose row may not be deleted until the transaction ends
	hidden    string             // follows a column that must not lead to an index: it seems to name few rows and may name many
	catalogue string             // lists the tables
	chunk     func(rows int) int // how many of these rows the next INSERT takes: few lengths, few texts
	isUnique  func(error) bool   // a key is taken
	isDown    func(error) bool   // the engine cannot answer now; on SQLite the transaction is lost
	isRetry   func(error) bool   // the transaction should be run again
}

func sqliteDialect() *dialect {
	return &dialect{
		catalogue: `SELECT name FROM sqlite_master WHERE type = 'table'`,
		chunk: func(rows int) int {
			switch {
			case rows >= 16:
				return 16
			case rows >= 4:
				return 4
			}
			return 1
		},
		isUnique: func(err error) bool {
			code, _ := sqliteCode(err)
			return code == lib.SQLITE_CONSTRAINT_PRIMARYKEY || code == lib.SQLITE_CONSTRAINT_UNIQUE
		},
		isDown:  sqliteDown,
		isRetry: func(err error) bool { return errors.Is(err, errRace) },
	}
}

// sqliteCode returns SQLite's extended code of an error; false when it is no error of SQLite's.
func sqliteCode(err error) (code int, ok bool) {
	if e := (*liteError)(nil); errors.As(err, &e) {
		return e.code, true
	}
	if e := (*sqlite.Error)(nil); errors.As(err, &e) { // of migrations and backups, through database/sql
		return e.Code(), true
	}
	return 0, false
}

// sqliteDown is true for everything after which SQLite may have rolled the transaction back by itself, and for
// what is no error of SQLite's at all: the connection is broken.
func sqliteDown(err error) bool {
	code, ok := sqliteCode(err)
	if !ok {
		return true
	}
	switch code & 0xff {
	case lib.SQLITE_ERROR, lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH, lib.SQLITE_TOOBIG, lib.SQLITE_RANGE:
		return false
	}
	return true
}

func isBusy(err error) bool {
	code, _ := sqliteCode(err)
	return code&0xff == lib.SQLITE_BUSY
}

func postgresDialect() *dialect {
	code := func(err error) string {
		var e *pgconn.PgError
		if errors.As(err, &e) {
			return e.Code
		}
		return ""
	}
	return &dialect{
		forUpdate: " FOR UPDATE",
		forStay:   " FOR KEY SHARE",
		hidden:    " || ''",
		catalogue: `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`,
		chunk:     func(rows int) int { return min(rows, 256) },
		isUnique:  func(err error) bool { return code(err) == "23505" },
		isDown: func(err error) bool {
			c := code(err)
			return c == "" || c[:2] == "08" || c[:2] == "53" || c[:2] == "57" || c[:2] == "58" || c == "25006" || c == "55P03"
		},
		isRetry: func(err error) bool {
			c := code(err)
			return c == "40001" || c == "40P01" || errors.Is(err, errRace)
		},
	}
}

// errRace asks for another run: a row appeared between two statements of a transaction, or a message's id is taken.
var errRace = errors.New("sqlstore: lost a race")

// wrap turns an engine's error into the domain's.
func (d *dialect) wrap(err error) error {
	if d.isDown(err) {
		return im.ErrUnavailable.Because(err)
	}
	return im.ErrInternal.Because(err)
}
