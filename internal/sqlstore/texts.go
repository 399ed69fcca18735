package sqlstore

import (
	"strconv"
	"strings"
	"sync"
)

// texts makes and keeps statements whose length depends on a number of values. Few lengths exist, so that
// the engines see few statements.
type texts struct {
	made sync.Map // textKey → string
}

type textKey struct {
	base string
	n    int
}

const maxNames = 1024 // names in one statement

// padded returns the number of places for n values: 1, 4, 16, 64, 256 or 1024.
func padded(n int) int {
	size := 1
	for size < n {
		size *= 4
	}
	return size
}

// repeat returns base with its {} replaced by n comma-separated copies of part, in which every ? is the next
// placeholder, counted from $first.
func (t *texts) repeat(base, part string, first, n int) string {
	key := textKey{base, n}
	if s, ok := t.made.Load(key); ok {
		return s.(string)
	}
	var b strings.Builder
	before, after, _ := strings.Cut(base, "{}")
	b.WriteString(before)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		for _, c := range part {
			switch c {
			case '?':
				b.WriteByte('$')
				b.WriteString(strconv.Itoa(first))
				first++
			case '#':
				b.WriteString(strconv.Itoa(i))
			default:
				b.WriteRune(c)
			}
		}
	}
	b.WriteString(after)
	s := b.String()
	t.made.Store(key, s)
	return s
}

// names calls fn with chunks of the names, padded to one of few lengths by repeating the last, and with the statement for
// that length. fixed come before the names in the statement's arguments.
func names[S ~string](t *tx, base string, all []S, fixed []any, fn func(query string, args []any) error) error {
	for len(all) > 0 {
		chunk := all[:min(len(all), maxNames)]
		all = all[len(chunk):]
		size := padded(len(chunk))
		args := make([]any, 0, len(fixed)+size)
		args = append(args, fixed...)
		for i := range size {
			args = append(args, string(chunk[min(i, len(chunk)-1)]))
		}
		if err := fn(t.texts.repeat(base, "?", len(fixed)+1, size), args); err != nil {
			return err
		}
	}
	return nil
}
