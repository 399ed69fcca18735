package sqlstore

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	lib "modernc.org/sqlite/lib"
)

// openTestConn returns a connection to a new file with a table t(n, s, b).
func openTestConn(t *testing.T) *conn {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a b?c.db") // the name is no option
	if err := makeFile(file); err != nil {
		t.Fatal(err)
	}
	c, err := newConn(target{file: file}.uri(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.do(`CREATE TABLE t (n BIGINT PRIMARY KEY, s TEXT, b BYTEA)`); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *conn) insert(t *testing.T, n int64, s string, b []byte) error {
	t.Helper()
	// SQLite numbers the parameters 1, 2, 3 in the order they stand here.
	_, err := c.exec(t.Context(), `INSERT INTO t (b, s, n) VALUES ($3, $2, $1)`, []any{n, s, b})
	return err
}

func TestLiteValues(t *testing.T) {
	c := openTestConn(t)
	long := strings.Repeat("长", 10_000)
	for n, s := range []string{"", "a", long, "b", "nul\x00inside"} {
		if err := c.insert(t, int64(n), s, []byte(s)); err != nil {
			t.Fatal(err)
		}
		rows, err := c.query(t.Context(), `SELECT b, n, s FROM t WHERE s = $1 AND n = $2`, []any{s, int64(n)})
		if err != nil {
			t.Fatal(err)
		}
		var gotN int64
		var gotS string
		var gotB []byte
		if !rows.Next() {
			t.Fatalf("%.20q is not found: %v", s, rows.Err())
		}
		if err := rows.Scan(&gotB, &gotN, &gotS); err != nil {
			t.Fatal(err)
		}
		if gotN != int64(n) || gotS != s || string(gotB) != s {
			t.Errorf("got %d %.20q %.20q, want %d %.20q twice", gotN, gotS, gotB, n, s)
		}
		if rows.Next() || rows.Err() != nil {
			t.Errorf("more than one row, or %v", rows.Err())
		}
	}
}

func TestLiteErrors(t *testing.T) {
	c := openTestConn(t)
	if err := c.insert(t, 1, "a", nil); err != nil {
		t.Fatal(err)
	}
	err := c.insert(t, 1, "b", nil)
	if code, ok := sqliteCode(err); !ok || code != lib.SQLITE_CONSTRAINT_PRIMARYKEY {
		t.Errorf("a taken key: got %v", err)
	}
	if err := c.insert(t, 2, "b", nil); err != nil {
		t.Errorf("after an error: %v", err)
	}
	if _, err := c.exec(t.Context(), `DELETE FROM t WHERE n = $1`, nil); err == nil {
		t.Error("an argument is missing and nobody cares")
	}
	if _, err := c.exec(t.Context(), `DELETE FROM t WHERE n = $1`, []any{1.5}); err == nil {
		t.Error("a float is bound")
	}
	if err := c.do(`SELECT nothing FROM nowhere`); err == nil {
		t.Error("a statement without a table is prepared")
	}
	if _, err := newConn(target{file: filepath.Join(t.TempDir(), "missing.db")}.uri(), nil); err == nil {
		t.Error("a missing file is opened")
	}
}

func TestLiteNested(t *testing.T) {
	c := openTestConn(t)
	for n := range int64(3) {
		if err := c.insert(t, n, "a", nil); err != nil {
			t.Fatal(err)
		}
	}
	const all = `SELECT n FROM t`
	rows, err := c.query(t.Context(), all, nil)
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	if _, err := c.query(t.Context(), all, nil); !errors.Is(err, errNested) {
		t.Errorf("a statement inside its own rows: got %v, want %v", err, errNested)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	if rows.Next() {
		t.Error("rows after Close")
	}
	if n, err := c.exec(t.Context(), `UPDATE t SET s = $1`, []any{"b"}); n != 3 || err != nil {
		t.Errorf("changed %d rows, %v; want 3", n, err)
	}
}
