package dump

import (
	"bufio"
	"encoding/hex"
	"errors"
	"io"
	"strings"
)

// kind is a sort of token.
type kind uint8

const (
	tokenEnd  kind = iota // of the file
	tokenWord             // a keyword, a name or a number
	tokenName             // a name in backquotes
	tokenText             // text in quotes, its escapes undone
	tokenMark             // anything else, one byte
)

type token struct {
	kind kind
	text string
}

func (t token) is(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}
func (t token) mark(c byte) bool { return t.kind == tokenMark && t.text[0] == c }

// lexer cuts MySQL's SQL into tokens. Remarks are passed over, also those that MySQL runs.
type lexer struct {
	in       *bufio.Reader
	line     int
	careless bool // texts are not kept, however long
	buf      []byte
}

// next returns the next token; at the end of the file tokenEnd.
func (l *lexer) next() (token, error) {
	for {
		c, err := l.byte()
		if errors.Is(err, io.EOF) {
			return token{kind: tokenEnd}, nil
		}
		if err != nil {
			return token{}, err
		}
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c == '#' || c == '-' && l.dashes():
			err = l.toLineEnd()
		case c == '/' && l.peek() == '*':
			err = l.remark()
		case c == '\'' || c == '"':
			return l.quote(tokenText, c, true)
		case c == '`':
			return l.quote(tokenName, c, false)
		case isWord(c):
			return l.word(c)
		default:
			return token{tokenMark, string(rune(c & 0x7f))}, nil
		}
		if err != nil {
			return token{}, err
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '.' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (l *lexer) byte() (byte, error) {
	c, err := l.in.ReadByte()
	if c == '\n' && err == nil {
		l.line++
	}
	return c, err
}

// peek returns the next byte, 0 at the end.
func (l *lexer) peek() byte {
	next, _ := l.in.Peek(1)
	if len(next) == 0 {
		return 0
	}
	return next[0]
}

// dashes reports whether a dash begins a remark: another follows, and white space.
func (l *lexer) dashes() bool {
	next, _ := l.in.Peek(2)
	return len(next) > 0 && next[0] == '-' && (len(next) == 1 || next[1] <= ' ')
}

func (l *lexer) toLineEnd() error {
	for {
		c, err := l.byte()
		if errors.Is(err, io.EOF) || c == '\n' {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// remark skips to the end of a remark, whose first byte was read.
func (l *lexer) remark() error {
	if _, err := l.byte(); err != nil { // the star
		return err
	}
	last := byte(0)
	for {
		c, err := l.byte()
		if errors.Is(err, io.EOF) {
			return atLine(l.line, errTruncated)
		}
		if err != nil || last == '*' && c == '/' {
			return err
		}
		last = c
	}
}

func (l *lexer) keep(c byte) error {
	if l.careless {
		return nil
	}
	if len(l.buf) >= maxValue {
		return atLine(l.line, errValueLong)
	}
	l.buf = append(l.buf, c)
	return nil
}

// quote reads what stands between quotes; a doubled quote is one, and with escapes a backslash changes what follows.
func (l *lexer) quote(k kind, quote byte, escapes bool) (token, error) {
	l.buf = l.buf[:0]
	for {
		c, err := l.byte()
		switch {
		case errors.Is(err, io.EOF):
			return token{}, atLine(l.line, errTruncated)
		case err != nil:
			return token{}, err
		case c == quote:
			if l.peek() != quote {
				return token{k, string(l.buf)}, nil
			}
			_, _ = l.byte() // it was peeked at
		case c == '\\' && escapes:
			if c, err = l.byte(); err != nil {
				return token{}, atLine(l.line, errTruncated)
			}
			c = unescape(c)
		}
		if err := l.keep(c); err != nil {
			return token{}, err
		}
	}
}

func unescape(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'b':
		return '\b'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'Z':
		return 26
	}
	return c
}

// word reads a keyword, a name or a number. A full stop belongs to numbers only: db.users are three tokens.
func (l *lexer) word(first byte) (token, error) {
	if first == '.' && !isDigit(l.peek()) {
		return token{tokenMark, "."}, nil
	}
	l.buf = append(l.buf[:0], first)
	numeric := isDigit(first) || first == '.'
	for {
		c := l.peek()
		exponent := numeric && (c == '-' || c == '+') && strings.ContainsAny(string(l.buf[len(l.buf)-1:]), "eE") && !strings.HasPrefix(string(l.buf), "0x")
		if !exponent && (!isWord(c) || c == '.' && !numeric) {
			return token{tokenWord, string(l.buf)}, nil
		}
		_, _ = l.byte() // it was peeked at
		if len(l.buf) >= maxValue {
			if l.careless {
				continue
			}
			return token{}, atLine(l.line, errValueLong)
		}
		l.buf = append(l.buf, c)
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// constant is the text of a word that is a value: hexadecimal ones stand for bytes.
func constant(word string) string {
	if digits, ok := strings.CutPrefix(word, "0x"); ok {
		if b, err := hex.DecodeString(digits); err == nil {
			return string(b)
		}
	}
	switch strings.ToUpper(word) {
	case "TRUE":
		return "1"
	case "FALSE":
		return "0"
	}
	return word
}
