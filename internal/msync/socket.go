package msync

import (
	"errors"
	"io"

	"github.com/gobwas/ws"
)

// Errors of a connection that does not keep to the protocol.
var (
	errTooLarge = errors.New("a frame is larger than allowed")
	errFraming  = errors.New("not a frame of a client")
	errGoodbye  = errors.New("the client closed the connection")
)

// socketBuffer is what every connection holds to read into: most frames of clients fit.
const socketBuffer = 512

// socket reads the frames of one WebSocket (RFC 6455). Writing is the line's.
type socket struct {
	in      io.Reader
	control func(ws.OpCode, []byte) error // is told of pings and pongs

	buf        [socketBuffer]byte
	start, end int
	head       [ws.MaxHeaderSize - 2]byte
}

// newSocket takes what the client sent right after its request.
func newSocket(in io.Reader, early []byte, control func(ws.OpCode, []byte) error) (*socket, error) {
	s := &socket{in: in, control: control}
	if s.end = copy(s.buf[:], early); s.end < len(early) {
		return nil, errFraming // before it knows our answer it has nothing to say
	}
	return s, nil
}

// Read serves the header's reader.
func (s *socket) Read(p []byte) (int, error) {
	if s.start == s.end {
		n, err := s.in.Read(s.buf[:])
		if n == 0 {
			return 0, err
		}
		s.start, s.end = 0, n
	}
	n := copy(p, s.buf[s.start:s.end])
	s.start += n
	return n, nil
}

// next returns the next message of up to limit bytes, and whether it is text. It is good until the next call.
func (s *socket) next(limit int) (message []byte, text bool, err error) {
	var whole []byte
	begun := false
	for {
		h, err := ws.ReadHeaderBuffer(s, s.head[:])
		switch {
		case errors.Is(err, ws.ErrHeaderLengthMSB), errors.Is(err, ws.ErrHeaderLengthUnexpected):
			return nil, false, errFraming
		case err != nil:
			return nil, false, err
		case !h.Masked || h.Rsv != 0 || h.OpCode.IsReserved(), h.OpCode.IsControl() && (!h.Fin || h.Length > ws.MaxControlFramePayloadSize):
			return nil, false, errFraming
		case h.Length > int64(limit-len(whole)):
			return nil, false, errTooLarge
		}
		payload, err := s.payload(h)
		if err != nil {
			return nil, false, err
		}
		switch {
		case h.OpCode == ws.OpPing, h.OpCode == ws.OpPong:
			if err := s.control(h.OpCode, payload); err != nil {
				return nil, false, err
			}
			continue
		case h.OpCode == ws.OpClose:
			return nil, false, errGoodbye
		case begun != (h.OpCode == ws.OpContinuation):
			return nil, false, errFraming
		case !begun:
			text = h.OpCode == ws.OpText
		}
		if h.Fin && !begun {
			return payload, text, nil
		}
		begun = true
		whole = append(whole, payload...)
		if h.Fin {
			return whole, text, nil
		}
	}
}

// payload reads what follows a header, in the buffer when it is there already.
func (s *socket) payload(h ws.Header) ([]byte, error) {
	n := int(h.Length)
	if s.end-s.start >= n {
		p := s.buf[s.start : s.start+n]
		s.start += n
		ws.Cipher(p, h.Mask, 0)
		return p, nil
	}
	p := make([]byte, 0, min(n, 16<<10)) // grows with what really comes
	for len(p) < n {
		if len(p) == cap(p) {
			p = append(p, 0)[:len(p)]
		}
		got, err := s.readInto(p[len(p):min(n, cap(p))])
		if err != nil {
			return nil, err
		}
		p = p[:len(p)+got]
	}
	ws.Cipher(p, h.Mask, 0)
	return p, nil
}

func (s *socket) readInto(p []byte) (int, error) {
	if s.start < s.end {
		return s.Read(p)
	}
	n, err := s.in.Read(p)
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	if n > 0 {
		err = nil
	}
	return n, err
}
