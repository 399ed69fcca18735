package dump

import (
	"bufio"
	"io"
	"strings"
)

type kind uint8

const (
	mark   kind = iota // one character
	word               // letters and digits, numbers
	quoted             // "…" or `…`: a name
	text               // '…'
)

// token is a piece of a statement.
type token struct {
	kind kind
	text string
}

// is compares with a key word or a mark, which are never quoted.
func (t token) is(s string) bool { return t.kind <= word && strings.EqualFold(t.text, s) }

// named reports whether it can be the name of a table or a column.
func (t token) named() bool { return t.kind == word || t.kind == quoted }

// constraint reports whether it begins a line of CREATE TABLE that makes no column.
func (t token) constraint() bool {
	for _, s := range []string{"PRIMARY", "KEY", "UNIQUE", "INDEX", "CONSTRAINT", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "EXCLUDE"} {
		if t.is(s) {
			return true
		}
	}
	return false
}

// scanner cuts a dump into tokens.
type scanner struct {
	in        *bufio.Reader
	line      int  // of the last token
	backslash bool // escapes in strings
	returned  []pending
}

type pending struct {
	t   token
	err error
}

// back gives a token back, to be read again.
func (s *scanner) back(t token, err error) { s.returned = append(s.returned, pending{t, err}) }

// next returns the next token, or io.EOF.
func (s *scanner) next() (token, error) {
	if n := len(s.returned); n > 0 {
		p := s.returned[n-1]
		s.returned = s.returned[:n-1]
		return p.t, p.err
	}
	for {
		c, err := s.char()
		if err != nil {
			return token{}, err
		}
		switch {
		case c <= ' ':
		case c == '\'':
			return s.until(text, '\'')
		case c == '"' || c == '`':
			return s.until(quoted, c)
		case c == '#' || c == '-' && s.follows('-'):
			if err := s.rest(); err != nil {
				return token{}, err
			}
		case c == '/' && s.follows('*'):
			if err := s.comment(); err != nil {
				return token{}, err
			}
		case wordy(c):
			return s.word(c)
		default:
			return token{mark, string(rune(c))}, nil
		}
	}
}

func wordy(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

func (s *scanner) char() (byte, error) {
	c, err := s.in.ReadByte()
	if c == '\n' {
		s.line++
	}
	return c, err
}

func (s *scanner) follows(c byte) bool {
	next, err := s.in.Peek(1)
	return err == nil && next[0] == c
}

// rest reads to the end of the line.
func (s *scanner) rest() error {
	for {
		if c, err := s.char(); err != nil || c == '\n' {
			return err
		}
	}
}

func (s *scanner) comment() error {
	for before := byte(0); ; {
		c, err := s.char()
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil || before == '*' && c == '/' {
			return err
		}
		before = c
	}
}

// word reads on; numbers have points and exponents.
func (s *scanner) word(first byte) (token, error) {
	b := []byte{first}
	digit := first >= '0' && first <= '9'
	for {
		c, err := s.in.Peek(1)
		if err != nil {
			return token{word, string(b)}, nil
		}
		sign := digit && (c[0] == '-' || c[0] == '+') && (b[len(b)-1] == 'e' || b[len(b)-1] == 'E')
		if !wordy(c[0]) && !(digit && c[0] == '.') && !sign {
			return token{word, string(b)}, nil
		}
		if len(b) >= valueMax {
			return token{}, errLong
		}
		b = append(b, c[0])
		_, _ = s.in.Discard(1) // just peeked
	}
}

// until reads what is quoted, behind the opening quote. A doubled quote is one.
func (s *scanner) until(k kind, quote byte) (token, error) {
	var b []byte
	for {
		c, err := s.char()
		switch {
		case err == io.EOF:
			return token{}, io.ErrUnexpectedEOF
		case err != nil:
			return token{}, err
		case c == quote && !s.follows(quote):
			return token{k, string(b)}, nil
		case c == quote:
			_, _ = s.in.Discard(1) // just peeked
		case c == '\\' && s.backslash && quote != '`':
			if c, err = s.char(); err != nil {
				return token{}, io.ErrUnexpectedEOF
			}
			c = unescape(c)
		}
		if len(b) >= valueMax {
			return token{}, errLong
		}
		b = append(b, c)
	}
}

// unescape is what a character means behind a backslash.
func unescape(c byte) byte {
	if i := strings.IndexByte("0nrtbZ", c); i >= 0 {
		return "\x00\n\r\t\b\x1a"[i]
	}
	return c
}
