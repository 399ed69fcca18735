package sqlstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// SQLite's own interface, without database/sql and the driver between. They cost more than SQLite itself: the driver
// opens every connection with a mutex that each read of a column takes, names all parameters and columns of
// every statement anew, and allocates for each argument.

// lite is one SQLite connection without a mutex of its own: one goroutine at a time uses it and its statements.
type lite struct {
	tls *libc.TLS
	db  uintptr
}

// liteError is a failure that SQLite reports.
type liteError struct {
	code int // extended
	text string
}

// Error implements error.
func (e *liteError) Error() string { return fmt.Sprintf("sqlite: %s (%d)", e.text, e.code) }

var (
	errMemory = errors.New("sqlite: out of memory")
	errNested = errors.New("sqlite: a statement is used inside its own rows")
)

const (
	pointerSize = 8       // or less, in memory that was cleared
	maxTexts    = 1 << 30 // bytes of one statement's texts: beyond what SQLite takes, and its lengths are 32 bits
)

func openLite(uri string) (*lite, error) {
	l := &lite{tls: libc.NewTLS()}
	if err := l.open(uri); err != nil {
		_ = l.close() // the first error counts
		return nil, err
	}
	return l, nil
}

func (l *lite) open(uri string) error {
	name, err := libc.CString(uri)
	if err != nil {
		return err
	}
	defer libc.Xfree(l.tls, name)
	out := l.tls.Alloc(pointerSize)
	defer l.tls.Free(pointerSize)
	clear(libc.GoBytes(out, pointerSize))
	rc := lib.Xsqlite3_open_v2(l.tls, name, out, lib.SQLITE_OPEN_READWRITE|lib.SQLITE_OPEN_NOMUTEX|lib.SQLITE_OPEN_URI, 0)
	if l.db = pointerAt(out); rc == lib.SQLITE_OK {
		rc = lib.Xsqlite3_extended_result_codes(l.tls, l.db, 1)
	}
	if rc != lib.SQLITE_OK {
		return l.fail(rc)
	}
	return nil
}

func pointerAt(p uintptr) uintptr {
	return uintptr(binary.NativeEndian.Uint64(libc.GoBytes(p, pointerSize)))
}

func (l *lite) fail(rc int32) error {
	return &liteError{int(rc), libc.GoString(lib.Xsqlite3_errmsg(l.tls, l.db))}
}

// close ends the connection; its statements are closed by then.
func (l *lite) close() error {
	rc := lib.Xsqlite3_close(l.tls, l.db)
	if rc != lib.SQLITE_OK {
		return l.fail(rc)
	}
	l.tls.Close()
	return nil
}

// liteStmt is a prepared statement. It is bound and stepped, and reset before it is bound again.
type liteStmt struct {
	lite    *lite
	stmt    uintptr
	params  []int   // which argument each parameter takes, from 0: SQLite numbers $2 $1 in the order they appear
	busy    bool    // between the first step and reset
	texts   uintptr // memory that bound texts point into
	textLen int
}

func (l *lite) prepare(query string) (*liteStmt, error) {
	text, err := libc.CString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(l.tls, text)
	out := l.tls.Alloc(pointerSize)
	defer l.tls.Free(pointerSize)
	clear(libc.GoBytes(out, pointerSize))
	if rc := lib.Xsqlite3_prepare_v3(l.tls, l.db, text, -1, lib.SQLITE_PREPARE_PERSISTENT, out, 0); rc != lib.SQLITE_OK {
		return nil, l.fail(rc)
	}
	s := &liteStmt{lite: l, stmt: pointerAt(out)}
	for i := range lib.Xsqlite3_bind_parameter_count(l.tls, s.stmt) {
		name := libc.GoString(lib.Xsqlite3_bind_parameter_name(l.tls, s.stmt, i+1))
		n, err := strconv.Atoi(strings.TrimPrefix(name, "$"))
		if err != nil || n < 1 {
			s.close()
			return nil, fmt.Errorf("sqlite: a parameter %q: want $1, $2 and so on", name)
		}
		s.params = append(s.params, n-1)
	}
	return s, nil
}

func (s *liteStmt) close() {
	lib.Xsqlite3_finalize(s.lite.tls, s.stmt) // it repeats the error of the last step
	lib.Xsqlite3_free(s.lite.tls, s.texts)
}

// bind gives every parameter its value. Texts are copied to memory of the statement's own.
func (s *liteStmt) bind(args []any) error {
	if s.busy {
		return errNested
	}
	size := 1
	for _, n := range s.params {
		if n >= len(args) {
			return fmt.Errorf("sqlite: no argument for $%d", n+1)
		}
		switch a := args[n].(type) {
		case string:
			size += len(a)
		case []byte:
			size += len(a)
		}
	}
	if size > maxTexts {
		return &liteError{lib.SQLITE_TOOBIG, "texts are too long"}
	}
	if err := s.grow(size); err != nil {
		return err
	}
	free := s.texts
	for i, n := range s.params {
		rc, used := s.bindOne(int32(i+1), args[n], free)
		if rc != lib.SQLITE_OK {
			return s.lite.fail(rc)
		}
		free += uintptr(used)
	}
	return nil
}

// grow makes room for so many bytes of texts. What was bound before is bound anew or not looked at any more.
func (s *liteStmt) grow(size int) error {
	if size <= s.textLen {
		return nil
	}
	size += size / 2
	lib.Xsqlite3_free(s.lite.tls, s.texts)
	s.textLen = 0
	if s.texts = lib.Xsqlite3_malloc(s.lite.tls, int32(size)); s.texts == 0 {
		return errMemory
	}
	s.textLen = size
	return nil
}

// bindOne gives one parameter its value; a text goes to free and uses some bytes there.
func (s *liteStmt) bindOne(i int32, arg any, free uintptr) (rc int32, used int) {
	switch a := arg.(type) {
	case int64:
		return lib.Xsqlite3_bind_int64(s.lite.tls, s.stmt, i, a), 0
	case string:
		copy(libc.GoBytes(free, len(a)), a)
		return lib.Xsqlite3_bind_text(s.lite.tls, s.stmt, i, free, int32(len(a)), lib.SQLITE_STATIC), len(a)
	case []byte:
		copy(libc.GoBytes(free, len(a)), a)
		return lib.Xsqlite3_bind_blob(s.lite.tls, s.stmt, i, free, int32(len(a)), lib.SQLITE_STATIC), len(a)
	}
	return lib.SQLITE_MISUSE, 0
}

// step finds the next row; false at the end and on errors. After either the statement is reset.
func (s *liteStmt) step() (row bool, err error) {
	s.busy = true
	rc := lib.Xsqlite3_step(s.lite.tls, s.stmt)
	if rc == lib.SQLITE_ROW {
		return true, nil
	}
	if rc != lib.SQLITE_DONE {
		err = s.lite.fail(rc)
	}
	s.reset()
	return false, err
}

func (s *liteStmt) reset() {
	if s.busy {
		s.busy = false
		lib.Xsqlite3_reset(s.lite.tls, s.stmt) // it repeats the error of the last step
	}
}

func (s *liteStmt) int64(column int) int64 {
	return lib.Xsqlite3_column_int64(s.lite.tls, s.stmt, int32(column))
}

func (s *liteStmt) null(column int) bool {
	return lib.Xsqlite3_column_type(s.lite.tls, s.stmt, int32(column)) == lib.SQLITE_NULL
}

func (s *liteStmt) string(column int) string { return string(s.raw(column)) }

// raw is a text's or blob's bytes, valid until the next step.
func (s *liteStmt) raw(column int) []byte {
	p := lib.Xsqlite3_column_blob(s.lite.tls, s.stmt, int32(column))
	n := lib.Xsqlite3_column_bytes(s.lite.tls, s.stmt, int32(column))
	if p == 0 || n == 0 {
		return nil
	}
	return libc.GoBytes(p, int(n))
}

// inTransaction reports whether a transaction is open.
func (l *lite) inTransaction() bool { return lib.Xsqlite3_get_autocommit(l.tls, l.db) == 0 }

// changes is how many rows the last writing statement touched.
func (l *lite) changes() int64 { return int64(lib.Xsqlite3_changes(l.tls, l.db)) }
