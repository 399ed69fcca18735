package dump

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readCSV reads a header and rows. Columns may come in any order.
func readCSV(r io.Reader, need []string, fn func(Record) error) error {
	in := bufio.NewReader(r)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // it was peeked at
	}
	row := &bounded{r: in}
	reader := csv.NewReader(row)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	row.left = maxRow
	columns, err := header(reader, need)
	if err != nil {
		return err
	}
	fields := make([]field, len(columns))
	for {
		row.left = maxRow
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var fault *csv.ParseError
		switch {
		case errors.As(err, &fault):
			err = fn(Record{Line: fault.StartLine, Err: fault.Err})
		case err != nil:
			return err
		default:
			line, _ := reader.FieldPos(0)
			err = fn(csvRecord(line, columns, record, fields))
		}
		if err != nil {
			return err
		}
	}
}

// maxRow bounds the bytes of one row: after a quote that is missing the rest of the file would be one.
const maxRow = 8 << 20

var errRowLong = errors.New("a row is longer than 8 MiB: is a quote missing?")

// bounded reads no more than is left.
type bounded struct {
	r    io.Reader
	left int
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRowLong
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func header(reader *csv.Reader, need []string) (columns []string, err error) {
	first, err := reader.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, atLine(1, err)
	}
	for _, name := range first {
		columns = append(columns, strings.ToLower(strings.TrimSpace(name)))
	}
	if err := missing(columns, need); err != nil {
		return nil, atLine(1, fmt.Errorf("it must name the columns, separated by commas: %w", err))
	}
	return columns, nil
}

var errColumns = errors.New("another number of columns than the first line")

func csvRecord(line int, columns, values []string, fields []field) Record {
	if len(values) != len(columns) {
		return Record{Line: line, Err: errColumns}
	}
	for i, text := range values {
		if len(text) > maxValue {
			return Record{Line: line, Err: errValueLong}
		}
		fields[i] = field{columns[i], text, text == "" || text == `\N` || text == "NULL" && columns[i] != "name"} // as MySQL and its tools write it
	}
	return Record{Line: line, fields: fields}
}
