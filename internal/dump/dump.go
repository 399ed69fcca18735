// Package dump reads the rows of one table out of a file that a program of another kind wrote: an SQL dump of MySQL,
// PostgreSQL or SQLite with INSERT statements, or a CSV file whose first line names the columns.
package dump

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Row is a row by the names of its columns in lower case. What is NULL is not in it.
type Row map[string]string

// valueMax bounds one value in bytes.
const valueMax = 16 << 20

// Read calls fn with every row of the table, in the order of the file, and line, where the row ends. Rows must have the needed
// columns, NULL or not. An error of fn ends the reading and is returned with the line.
func Read(r io.Reader, table string, need []string, fn func(line int, row Row) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	if bom, _ := in.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3) // just peeked
	}
	head, _ := in.Peek(4096)
	if isSQL(head) {
		s := &sql{scanner: scanner{in: in, line: 1, backslash: isMySQL(head)}, table: table, need: need, fn: fn}
		return s.read()
	}
	return readCSV(in, need, fn)
}

// isSQL reports whether a file begins as a dump does; a CSV file begins with the name of a column.
func isSQL(head []byte) bool {
	text := strings.TrimSpace(string(head))
	first := strings.IndexFunc(text, func(c rune) bool { return c <= ' ' || c == ';' || c == ',' })
	if first < 0 {
		return false
	}
	switch strings.ToUpper(text[:first]) {
	case "INSERT", "REPLACE", "CREATE", "DROP", "SET", "LOCK", "UNLOCK", "USE", "BEGIN", "START", "PRAGMA", "SELECT", "ALTER", "COPY":
		return text[first] != ','
	}
	return strings.HasPrefix(text, "--") || strings.HasPrefix(text, "/*") || strings.HasPrefix(text, "#")
}

// isMySQL reports whether backslashes escape in strings: they do in MySQL's dumps alone.
func isMySQL(head []byte) bool {
	text := string(head)
	return !strings.Contains(text, "PostgreSQL database dump") && !strings.HasPrefix(strings.TrimSpace(text), "PRAGMA")
}

func readCSV(in io.Reader, need []string, fn func(int, Row) error) error {
	c := csv.NewReader(in)
	c.ReuseRecord = true
	first, err := c.Read()
	if err != nil {
		return fmt.Errorf("the first line, which should name the columns: %w", err)
	}
	columns := make([]string, len(first))
	for i, name := range first {
		columns[i] = strings.ToLower(strings.TrimSpace(name))
	}
	if err := missing(columns, need); err != nil {
		return err
	}
	for {
		values, err := c.Read()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		row := make(Row, len(columns))
		for i, v := range values {
			if v != `\N` && v != "NULL" { // as MySQL and its tools write it
				row[columns[i]] = v
			}
		}
		line, _ := c.FieldPos(0)
		if err := fn(line, row); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func missing(columns, need []string) error {
	for _, n := range need {
		if !slices.Contains(columns, n) {
			return fmt.Errorf("there is no column %s, only %s", n, strings.Join(columns, ", "))
		}
	}
	return nil
}

// sql reads the statements of a dump.
type sql struct {
	scanner
	table   string
	need    []string
	fn      func(int, Row) error
	columns []string // of the table, as its CREATE TABLE names them
	seen    bool     // a statement about the table
}

var (
	errCopy    = errors.New("the dump has COPY instead of INSERT: make it with pg_dump --inserts")
	errColumns = errors.New("the INSERT names no columns and there is no CREATE TABLE before it: make the dump with --complete-insert, or with the tables' structure")
	errCount   = errors.New("a row has more or fewer values than there are columns")
	errSyntax  = errors.New("not an SQL dump")
	errLong    = fmt.Errorf("a value of more than %d bytes", valueMax)
)

func (s *sql) read() error {
	for {
		t, err := s.next()
		switch {
		case err == io.EOF && !s.seen:
			return fmt.Errorf("the dump has no table %s", s.table)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("line %d: %w", s.line, err)
		case t.is(";"):
			continue
		}
		if err := s.statement(t); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("line %d: %w", s.line, err)
		}
	}
}

// statement reads one statement, whose first word is given.
func (s *sql) statement(first token) error {
	switch {
	case first.is("INSERT") || first.is("REPLACE"):
		return s.insert()
	case first.is("CREATE"):
		return s.create()
	case first.is("COPY"):
		name, err := s.name()
		if err == nil && name == s.table {
			return errCopy
		}
		if err != nil {
			return err
		}
	}
	return s.skip()
}

// skip reads to the end of the statement.
func (s *sql) skip() error {
	for {
		t, err := s.next()
		if err == io.EOF || err == nil && t.is(";") {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// name reads the name of a table, of which the last part counts.
func (s *sql) name() (string, error) {
	t, err := s.next()
	for err == nil {
		if !t.named() {
			return "", errSyntax
		}
		dot, e := s.next()
		if e != nil || !dot.is(".") {
			s.back(dot, e)
			return strings.ToLower(t.text), nil
		}
		t, err = s.next()
	}
	return "", err
}

// create reads the columns of the table's CREATE TABLE.
func (s *sql) create() error {
	t, err := s.next()
	if err != nil || !t.is("TABLE") {
		s.back(t, err)
		return s.skip()
	}
	name, err := s.name()
	if err == nil && name == "if" { // NOT EXISTS
		if _, err = s.next(); err == nil {
			if _, err = s.next(); err == nil {
				name, err = s.name()
			}
		}
	}
	if err != nil || name != s.table {
		return errors.Join(err, s.skip())
	}
	s.seen, s.columns = true, nil
	depth, begins := 0, false
	for {
		t, err := s.next()
		switch {
		case err != nil:
			return err
		case t.is(";"):
			return missing(s.columns, s.need)
		case t.is("("):
			depth++
			begins = depth == 1
			continue
		case t.is(")"):
			depth--
		case depth == 1 && t.is(","):
			begins = true
			continue
		case begins && t.named() && !t.constraint():
			s.columns = append(s.columns, strings.ToLower(t.text))
		}
		begins = false
	}
}

// insert reads the rows of an INSERT into the table.
func (s *sql) insert() error {
	t, err := s.next()
	for err == nil && !t.is("INTO") { // IGNORE, OR REPLACE
		t, err = s.next()
	}
	if err != nil {
		return err
	}
	name, err := s.name()
	if err != nil || name != s.table {
		return errors.Join(err, s.skip())
	}
	s.seen = true
	columns := s.columns
	if t, err = s.next(); err == nil && t.is("(") {
		if columns, err = s.list(); err == nil {
			t, err = s.next()
		}
	}
	switch {
	case err != nil:
		return err
	case !t.is("VALUES"):
		return errSyntax
	case len(columns) == 0:
		return errColumns
	}
	if err := missing(columns, s.need); err != nil {
		return err
	}
	return s.rows(columns)
}

// list reads names up to the closing parenthesis.
func (s *sql) list() (names []string, err error) {
	for {
		switch t, err := s.next(); {
		case err != nil:
			return nil, err
		case t.is(")"):
			return names, nil
		case t.named():
			names = append(names, strings.ToLower(t.text))
		case !t.is(","):
			return nil, errSyntax
		}
	}
}

// rows reads (…),(…); and hands each row over.
func (s *sql) rows(columns []string) error {
	for {
		t, err := s.next()
		switch {
		case err == io.EOF || err == nil && t.is(";"):
			return nil
		case err != nil:
			return err
		case t.is(","):
			continue
		case t.is("ON"): // CONFLICT, DUPLICATE KEY
			return s.skip()
		case !t.is("("):
			return errSyntax
		}
		row, err := s.values(columns)
		if err != nil {
			return err
		}
		if err := s.fn(s.line, row); err != nil {
			return err
		}
	}
}

// values reads one row behind its opening parenthesis.
func (s *sql) values(columns []string) (Row, error) {
	row := make(Row, len(columns))
	for i := 0; ; {
		t, err := s.next()
		switch {
		case err != nil:
			return nil, err
		case t.is(","):
			i++
			continue
		case t.is(")"):
			if i != len(columns)-1 {
				return nil, errCount
			}
			return row, nil
		case i >= len(columns):
			return nil, errCount
		case t.is("NULL"), t.is("-"), t.is("+"), t.kind == word && (t.text[0] == '_' || t.is("E") || t.is("X") || t.is("B")): // what stands before a string
			if t.is("-") {
				row[columns[i]] = "-"
			}
		case t.kind == word || t.kind == quoted || t.kind == text:
			row[columns[i]] += t.text
		default:
			return nil, errSyntax
		}
	}
}
