// Package dump reads the rows of one table out of a file of a ThinkSNS+: CSV with a header, or what mysqldump writes. It
// knows the table of users.
package dump

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"teahouse/internal/im"
)

// Format is the form of a file.
type Format string

// The formats.
const (
	CSV Format = "csv"
	SQL Format = "sql"
)

// Config tells how to read a file.
type Config struct {
	Format Format
	Prefix string // of the dump's table names
	Site   string // base address of the ThinkSNS+, for pictures that it keeps itself; empty: these are left out
}

// Row is one person of the file.
type Row struct {
	Line    int
	Account im.NewAccount
	Err     error // why it cannot be read; Account has what was read
}

// Record is one row of a table.
type Record struct {
	Line   int
	Err    error // why it cannot be read, then it may hold anything
	fields []field
}

// Value returns what stands in a column, named in lower case; ok is false for no value.
func (r Record) Value(column string) (text string, ok bool) {
	for _, f := range r.fields {
		if f.column == column {
			return f.text, !f.null
		}
	}
	return "", false
}

// Table calls fn for every row of a table, in the order of the file, until fn fails; the Record holds until then. It keeps no
// more than one row in memory. Columns that are needed must be there. A CSV file is one table. Its own errors are about the
// file as a whole and name the line.
func Table(r io.Reader, f Format, table string, need []string, fn func(Record) error) error {
	switch f {
	case CSV:
		return readCSV(r, need, fn)
	case SQL:
		return readSQL(r, table, need, fn)
	}
	return fmt.Errorf("format %q: want csv or sql", f)
}

// Read calls fn for every person of the file, as [Table] does.
func Read(r io.Reader, c Config, fn func(Row) error) error {
	return Table(r, c.Format, c.Prefix+"users", []string{"name"}, func(r Record) error { return fn(c.row(r)) })
}

// field is one column of one row.
type field struct {
	column, text string
	null         bool
}

// maxValue bounds one value, so that a file that is none of ours does not fill the memory.
const maxValue = 1 << 20

var errValueLong = errors.New("a value is longer than a MiB")

// row makes a Row of what the columns say; those that accounts do not have are passed over.
func (c Config) row(record Record) Row {
	r := Row{Line: record.Line, Err: record.Err}
	a := &r.Account
	for _, f := range record.fields {
		if f.null {
			continue
		}
		text := strings.TrimSpace(f.text)
		if err := c.put(a, f.column, text); err != nil && r.Err == nil {
			r.Err = fmt.Errorf("%s: %w", f.column, err)
		}
	}
	return r
}

func (c Config) put(a *im.NewAccount, column, text string) (err error) {
	switch column {
	case "id":
		if a.ID, err = number(text); err == nil && text != "" && (a.ID <= 0 || a.ID > im.MaxAccountID) {
			err = fmt.Errorf("want a number from 1 to %d", int64(im.MaxAccountID))
		}
	case "name":
		a.Name = text
	case "email":
		a.Email = text
	case "phone":
		a.Phone = text
	case "password":
		switch {
		case strings.HasPrefix(text, "$2") || c.Format == SQL:
			a.Hash = text
		case otherHash.MatchString(text):
			err = errOtherHash
		default:
			a.Password = text
		}
	case "bio":
		a.Bio = text
	case "location":
		a.Location = text
	case "sex":
		var n int64
		n, err = number(text)
		a.Sex = int(n)
	case "avatar":
		a.Avatar = c.picture(text)
	case "bg", "background":
		a.Background = c.picture(text)
	case "created_at":
		a.Created, err = moment(text)
	case "updated_at":
		a.Updated, err = moment(text)
	case "deleted_at":
		a.Disabled, err = moment(text)
	}
	return err
}

// otherHash are the hashes of other systems. Taken for passwords in clear they would open the accounts to who has seen the file.
var otherHash = regexp.MustCompile(`^\$(argon2[a-z]*|[0-9a-z]{1,8})\$.+\$`)

var errOtherHash = errors.New("a hash that is not bcrypt")

func number(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		err = fmt.Errorf("%q is not a number", clip(text))
	}
	return n, err
}

// missing tells which column is not there.
func missing(columns, need []string) error {
	for _, n := range need {
		if !slices.Contains(columns, n) {
			return fmt.Errorf("there is no column %s, only %s", n, clip(strings.Join(columns, ", ")))
		}
	}
	return nil
}

func clip(s string) string {
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// moment reads a time: as MySQL writes it, which is UTC in a dump, as the standard does, or in seconds.
func moment(text string) (time.Time, error) {
	if text == "" || strings.HasPrefix(text, "0000-00-00") {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateTime, time.RFC3339, time.DateOnly, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 {
			return t, nil
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && n < 1<<34 {
		return time.Unix(n, 0).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 2017-12-17 14:34:13", clip(text))
}

// picture is what a column of ThinkSNS+ leads to: an address, or "channel:path" of a file that the site keeps
// (wire/thinksns.md §7.2).
func (c Config) picture(text string) *im.Picture {
	if len(text) > maxAddress {
		return nil
	}
	if strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") {
		return &im.Picture{URL: text}
	}
	channel, path, ok := strings.Cut(text, ":")
	if !ok || path == "" || c.Site == "" {
		return nil
	}
	return &im.Picture{Vendor: "local",
		URL: strings.TrimSuffix(c.Site, "/") + "/storage/" + channel + ":" + base64.StdEncoding.EncodeToString([]byte(path))}
}

const maxAddress = 1024

// lineError is an error about a file at one line.
type lineError struct {
	line int
	err  error
}

// Error names the line.
func (e lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

// Unwrap returns the cause.
func (e lineError) Unwrap() error { return e.err }

func atLine(line int, err error) error { return lineError{line, err} }
