package msync

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/gobwas/ws"
)

// tape is a connection from which bytes come, so many at a time.
type tape struct {
	net.Conn
	rest []byte
	step int
}

func (t *tape) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, t.rest[:min(t.step, len(t.rest))])
	t.rest = t.rest[n:]
	return n, nil
}

// readAll reads messages until the end.
func readAll(b []byte, early, step, limit int) (messages []string, pongs []string, end error) {
	early = min(early, len(b), socketBuffer)
	s, err := newSocket(&tape{rest: b[early:], step: step}, b[:early], func(op ws.OpCode, p []byte) error {
		if op == ws.OpPing {
			pongs = append(pongs, string(p))
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for {
		m, _, err := s.next(limit)
		if err != nil {
			return messages, pongs, err
		}
		messages = append(messages, string(m))
	}
}

func masked(op ws.OpCode, fin bool, payload []byte) []byte {
	return ws.MustCompileFrame(ws.MaskFrameWith(ws.NewFrame(op, fin, bytes.Clone(payload)), [4]byte{1, 2, 3, 4}))
}

// FuzzSocket: however bytes arrive, the same is read, and never more than allowed.
func FuzzSocket(f *testing.F) {
	f.Add(masked(ws.OpBinary, true, []byte("hello")))
	f.Add(append(masked(ws.OpText, false, []byte("he")), append(masked(ws.OpPing, true, []byte("x")), masked(ws.OpContinuation, true, []byte("llo"))...)...))
	f.Add(masked(ws.OpBinary, true, make([]byte, 700)))
	f.Add(masked(ws.OpClose, true, nil))
	f.Add([]byte{0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1000
		messages, pongs, end := readAll(b, 0, len(b)+1, limit)
		for _, m := range messages {
			if len(m) > limit {
				t.Fatalf("a message of %d bytes", len(m))
			}
		}
		for _, early := range []int{0, 1, 10, 100} {
			for _, step := range []int{1, 7} {
				m, p, e := readAll(bytes.Clone(b), early, step, limit)
				if !equal(m, messages) || !equal(p, pongs) || (e == nil) != (end == nil) || errors.Is(e, errFraming) != errors.Is(end, errFraming) {
					t.Fatalf("early %d, step %d: %q %q %v, else %q %q %v", early, step, m, p, e, messages, pongs, end)
				}
			}
		}
	})
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// FuzzForms: what a form reads it would write the same way, and a message comes out as it went in.
func FuzzForms(f *testing.F) {
	for _, s := range []string{"", "aGVsbG8=", `["aGVsbG8="]`, `"aGVsbG8="`, `["aGVsbG8=","aGVsbG8="]`, "[]", "null", "[1]", "[\"!\"]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, form := range []form{binaryForm, textForm, sockForm} {
			for _, m := range form.messages(bytes.Clone(b)) {
				h, err := ws.ReadHeader(bytes.NewReader(form.frame(m)))
				if err != nil {
					t.Fatal(err)
				}
				whole := form.frame(m)
				payload := whole[len(whole)-int(h.Length):]
				if form == sockForm {
					payload = payload[1:] // the a of SockJS's frames
				}
				if again := form.messages(payload); len(again) != 1 || !bytes.Equal(again[0], m) {
					t.Fatalf("form %d: %q became %q", form, m, again)
				}
			}
		}
	})
}
