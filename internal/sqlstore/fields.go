package sqlstore

import (
	"encoding/binary"
	"errors"

	"teahouse/internal/im"
)

// Bodies are stored as two lists of fields: how many there are, then of each the kind, the name and the text, both with their
// lengths before them.

func encodeFields(lists ...im.Fields) []byte {
	size := 0
	for _, fs := range lists {
		size += binary.MaxVarintLen32
		for _, f := range fs {
			size += 1 + 2*binary.MaxVarintLen32 + len(f.Name) + len(f.Text)
		}
	}
	b := make([]byte, 0, size)
	for _, fs := range lists {
		b = binary.AppendUvarint(b, uint64(len(fs)))
		for _, f := range fs {
			b = append(b, byte(f.Kind))
			b = append(binary.AppendUvarint(b, uint64(len(f.Name))), f.Name...)
			b = append(binary.AppendUvarint(b, uint64(len(f.Text))), f.Text...)
		}
	}
	return b
}

var errFields = errors.New("sqlstore: a stored message cannot be read")

func decodeFields(b []byte) (body, ext im.Fields, err error) {
	r := fieldReader{b: b}
	body, ext = r.fields(), r.fields()
	if r.bad || len(r.b) > 0 {
		return nil, nil, errFields
	}
	return body, ext, nil
}

type fieldReader struct {
	b   []byte
	bad bool
}

func (r *fieldReader) fields() im.Fields {
	n := r.number()
	if n == 0 || n > uint64(len(r.b)) {
		r.bad = r.bad || n > 0
		return nil
	}
	fs := make(im.Fields, 0, n)
	for range n {
		kind := r.take(1)
		name := string(r.take(r.number()))
		text := string(r.take(r.number()))
		if r.bad || kind[0] > byte(im.JSONValue) {
			r.bad = true
			return nil
		}
		fs = append(fs, im.Field{Name: name, Value: im.Value{Kind: im.ValueKind(kind[0]), Text: text}})
	}
	return fs
}

func (r *fieldReader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *fieldReader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}
