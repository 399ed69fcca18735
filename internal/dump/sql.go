package dump

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// parser reads statements. Of those that are not about the table it keeps nothing.
type parser struct {
	lexer
	table   string
	need    []string
	columns []string // as CREATE TABLE names them
	seen    bool     // a statement about the table
	fn      func(Record) error
}

func readSQL(r io.Reader, table string, need []string, fn func(Record) error) error {
	p := parser{lexer: lexer{in: bufio.NewReaderSize(r, 1<<16), line: 1}, table: strings.ToLower(table), need: need, fn: fn}
	for {
		t, err := p.next()
		if err == nil && t.kind == tokenEnd {
			if !p.seen {
				err = fmt.Errorf("it has nothing about a table %s: do its tables have another prefix?", p.table)
			}
			return err
		}
		switch {
		case err != nil:
		case t.is("CREATE"):
			err = p.create()
		case t.is("INSERT"), t.is("REPLACE"):
			err = p.insert()
		case !t.mark(';'):
			err = p.skip()
		}
		if err != nil {
			return err
		}
	}
}

var (
	errTruncated = errors.New("the file ends inside a statement: is the dump complete?")
	errNoColumns = errors.New("INSERT names no columns, and there was no CREATE TABLE before it")
)

// skip reads to the end of a statement and keeps nothing of it.
func (p *parser) skip() error {
	p.careless = true
	defer func() { p.careless = false }()
	for {
		t, err := p.next()
		if err != nil || t.mark(';') || t.kind == tokenEnd {
			return err
		}
	}
}

// name reads the name of a table, of which the last part counts.
func (p *parser) name(first token) (name string, after token, err error) {
	t := first
	for {
		if t.kind != tokenWord && t.kind != tokenName {
			return "", t, nil
		}
		name = strings.ToLower(t.text)
		if t, err = p.next(); err != nil || !t.mark('.') {
			return name, t, err
		}
		if t, err = p.next(); err != nil {
			return "", t, err
		}
	}
}

// create remembers the columns of our table.
func (p *parser) create() error {
	t, err := p.next()
	if err != nil {
		return err
	}
	if !t.is("TABLE") {
		return p.rest(t)
	}
	for t.is("TABLE") || t.is("IF") || t.is("NOT") || t.is("EXISTS") {
		if t, err = p.next(); err != nil {
			return err
		}
	}
	name, t, err := p.name(t)
	if err != nil {
		return err
	}
	if name != p.table || !t.mark('(') {
		return p.rest(t)
	}
	p.seen, p.columns = true, nil
	for first, depth := true, 1; depth > 0; {
		if t, err = p.inside(); err != nil {
			return err
		}
		switch {
		case t.mark('('):
			depth++
		case t.mark(')'):
			depth--
		case t.mark(',') && depth == 1:
			first = true
			continue
		case first && (t.kind == tokenName || t.kind == tokenWord && !isKey(t)):
			p.columns = append(p.columns, strings.ToLower(t.text))
		}
		first = false
	}
	return p.skip()
}

// isKey reports whether a definition is not that of a column.
func isKey(t token) bool {
	for _, w := range []string{"PRIMARY", "UNIQUE", "KEY", "INDEX", "CONSTRAINT", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK"} {
		if t.is(w) {
			return true
		}
	}
	return false
}

// rest skips what follows a token that was read already.
func (p *parser) rest(t token) error {
	if t.mark(';') || t.kind == tokenEnd {
		return nil
	}
	return p.skip()
}

// inside reads a token of a statement that is not over.
func (p *parser) inside() (token, error) {
	t, err := p.next()
	if err == nil && t.kind == tokenEnd {
		err = atLine(p.line, errTruncated)
	}
	return t, err
}

func (p *parser) unexpected(t token, want string) error {
	return atLine(p.line, fmt.Errorf("%q where %s was expected", clip(t.text), want))
}

// insert reads the rows of an INSERT into our table.
func (p *parser) insert() error {
	t, err := p.next()
	for err == nil && (t.is("INTO") || t.is("IGNORE") || t.is("LOW_PRIORITY") || t.is("HIGH_PRIORITY") || t.is("DELAYED")) {
		t, err = p.next()
	}
	if err != nil {
		return err
	}
	name, t, err := p.name(t)
	if err != nil {
		return err
	}
	if name != p.table {
		return p.rest(t)
	}
	p.seen = true
	columns := p.columns
	if t.mark('(') {
		if columns, err = p.list(); err == nil {
			t, err = p.inside()
		}
	}
	switch {
	case err != nil:
		return err
	case !t.is("VALUES") && !t.is("VALUE"):
		return p.unexpected(t, "VALUES")
	case len(columns) == 0:
		return atLine(p.line, errNoColumns)
	}
	if err := missing(columns, p.need); err != nil {
		return atLine(p.line, err)
	}
	return p.rows(columns)
}

// list reads names up to the closing bracket.
func (p *parser) list() (names []string, err error) {
	for {
		t, err := p.inside()
		switch {
		case err != nil:
			return nil, err
		case t.mark(')'):
			return names, nil
		case t.kind == tokenName || t.kind == tokenWord:
			names = append(names, strings.ToLower(t.text))
		case !t.mark(','):
			return nil, p.unexpected(t, "a column")
		}
	}
}

func (p *parser) rows(columns []string) error {
	fields := make([]field, len(columns))
	for {
		t, err := p.inside()
		if err != nil {
			return err
		}
		if !t.mark('(') {
			return p.unexpected(t, "(")
		}
		record, err := p.tuple(columns, fields)
		if err != nil {
			return err
		}
		if err := p.fn(record); err != nil {
			return err
		}
		if t, err = p.next(); err != nil {
			return err
		}
		if !t.mark(',') {
			if t.kind == tokenEnd {
				return atLine(p.line, errTruncated)
			}
			return p.rest(t) // such as ON DUPLICATE KEY UPDATE
		}
	}
}

// tuple reads the values of one row and its closing bracket.
func (p *parser) tuple(columns []string, fields []field) (Record, error) {
	line, n, fault := p.line, 0, error(nil)
	for {
		f, last, odd, err := p.value()
		if err != nil {
			return Record{}, err
		}
		if n < len(columns) {
			f.column = columns[n]
			fields[n] = f
			if odd && fault == nil {
				fault = fmt.Errorf("%s: not a plain value", f.column)
			}
		}
		n++
		if last {
			break
		}
	}
	if n != len(columns) {
		return Record{Line: line, Err: fmt.Errorf("%d values for %d columns", n, len(columns))}, nil
	}
	return Record{Line: line, Err: fault, fields: fields}, nil
}

// value reads up to the next comma or the closing bracket. odd is true for what is more than a constant.
func (p *parser) value() (f field, last, odd bool, err error) {
	f.null = true
	minus, depth, seen := "", 0, 0
	for {
		t, err := p.inside()
		if err != nil {
			return f, false, false, err
		}
		switch {
		case t.mark('('):
			depth++
		case t.mark(')') && depth > 0:
			depth--
		case depth > 0:
		case t.mark(',') || t.mark(')'):
			return f, t.mark(')'), odd || seen != 1, nil
		case t.mark('-') && seen == 0:
			minus = "-"
			continue
		case t.kind == tokenText:
			f.text, f.null = t.text, false
		case t.kind == tokenWord && strings.HasPrefix(t.text, "_"): // the character set of the text that follows
			continue
		case t.is("NULL") || t.is("DEFAULT"):
		case t.kind == tokenWord:
			f.text, f.null = minus+constant(t.text), false
			odd = odd || !strings.ContainsAny(t.text[:1], "0123456789.") && !t.is("TRUE") && !t.is("FALSE")
		default:
			odd = true
		}
		if seen++; depth > 0 {
			odd = true
		}
	}
}
