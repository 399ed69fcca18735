package msynctest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/gobwas/ws"
)

const (
	readBuffer = 2048 // thousands of clients have one each
	largest    = 16 << 20
)

// Closed is the end of a connection that the server announced.
type Closed struct {
	Code   int
	Reason string
}

// Error tells the code and the reason.
func (e *Closed) Error() string { return fmt.Sprintf("closed by the server: %d %q", e.Code, e.Reason) }

// socket is a WebSocket, or SockJS on one.
type socket struct {
	conn   net.Conn
	sockjs bool
	text   bool

	in      *bufio.Reader // of whoever reads, as the two below
	header  [ws.MaxHeaderSize]byte
	payload []byte
	pending [][]byte // of a SockJS frame with several messages

	wmu sync.Mutex
	out bytes.Buffer // guarded by wmu
}

// connect opens the WebSocket, and what SockJS has inside.
func connect(ctx context.Context, cfg Config) (*socket, error) {
	url, sockjs := cfg.URL, strings.HasPrefix(cfg.URL, "http")
	if sockjs {
		url = "ws" + strings.TrimPrefix(url, "http") + "/123/" + cfg.Resource + "/websocket"
	}
	conn, early, _, err := ws.Dialer{NetDial: cfg.NetDial, ReadBufferSize: 512, WriteBufferSize: 512}.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	in := io.Reader(conn)
	if early != nil { // the server spoke at once
		left, err := early.Peek(early.Buffered())
		if err != nil {
			return nil, err
		}
		in = io.MultiReader(bytes.NewReader(slices.Clone(left)), conn)
		ws.PutReader(early)
	}
	s := &socket{conn: conn, sockjs: sockjs, text: cfg.Text, in: bufio.NewReaderSize(in, readBuffer)}
	if sockjs {
		data, _, err := s.frame()
		if err != nil || string(data) != "o" {
			return nil, fmt.Errorf("SockJS begins with %q: %w", data, err)
		}
	}
	return s, nil
}

// read returns the bytes of the next message, good until the next call.
func (s *socket) read() ([]byte, error) {
	for len(s.pending) == 0 {
		data, op, err := s.frame()
		switch {
		case err != nil:
			return nil, err
		case s.text && op == ws.OpText:
			return base64.StdEncoding.DecodeString(string(data))
		case !s.sockjs && !s.text && op == ws.OpBinary:
			return data, nil
		case !s.sockjs:
			return nil, fmt.Errorf("a frame of kind %d", op)
		}
		if err := s.unpack(data); err != nil {
			return nil, err
		}
	}
	data := s.pending[0]
	s.pending = s.pending[1:]
	return data, nil
}

// unpack reads a SockJS frame.
func (s *socket) unpack(data []byte) error {
	switch {
	case string(data) == "h":
		return nil
	case bytes.HasPrefix(data, []byte("c")):
		var code int
		var reason string
		if err := json.Unmarshal(data[1:], &[]any{&code, &reason}); err != nil {
			return err
		}
		return &Closed{code, reason}
	case bytes.HasPrefix(data, []byte("a")):
		var texts []string
		if err := json.Unmarshal(data[1:], &texts); err != nil {
			return err
		}
		for _, t := range texts {
			m, err := base64.StdEncoding.DecodeString(t)
			if err != nil {
				return err
			}
			s.pending = append(s.pending, m)
		}
		return nil
	}
	return fmt.Errorf("a SockJS frame %.20q", data)
}

// frame reads the next data frame and answers control frames before it.
func (s *socket) frame() ([]byte, ws.OpCode, error) {
	for {
		h, err := ws.ReadHeaderBuffer(s.in, s.header[:])
		if err != nil {
			return nil, 0, err
		}
		if h.Length > largest || h.Masked || !h.Fin || h.Rsv != 0 {
			return nil, 0, fmt.Errorf("a frame that no server here would send: %+v", h)
		}
		s.payload = slices.Grow(s.payload[:0], int(h.Length))[:h.Length]
		if _, err := io.ReadFull(s.in, s.payload); err != nil {
			return nil, 0, err
		}
		switch h.OpCode {
		case ws.OpPong:
		case ws.OpPing:
			if err := s.writeFrame(ws.OpPong, s.payload); err != nil {
				return nil, 0, err
			}
		case ws.OpClose:
			code, reason := ws.ParseCloseFrameData(s.payload)
			return nil, 0, &Closed{int(code), reason}
		default:
			return s.payload, h.OpCode, nil
		}
	}
}

// write sends one message.
func (s *socket) write(data []byte) error {
	switch {
	case s.text:
		return s.writeFrame(ws.OpText, base64.StdEncoding.AppendEncode(nil, data))
	case !s.sockjs:
		return s.writeFrame(ws.OpBinary, data)
	}
	return s.writeFrame(ws.OpText, []byte(`["`+base64.StdEncoding.EncodeToString(data)+`"]`))
}

// writeFrame sends a masked frame with one write.
func (s *socket) writeFrame(op ws.OpCode, data []byte) error {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	s.out.Reset()
	h := ws.Header{Fin: true, OpCode: op, Masked: true, Mask: ws.NewMask(), Length: int64(len(data))}
	if err := ws.WriteHeader(&s.out, h); err != nil {
		return err
	}
	n := s.out.Len()
	s.out.Write(data)
	ws.Cipher(s.out.Bytes()[n:], h.Mask, 0)
	_, err := s.conn.Write(s.out.Bytes())
	return err
}

// goodbye sends the closing frame.
func (s *socket) goodbye() error {
	return s.writeFrame(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))
}

// ReadFrame reads one whole frame of up to a mebibyte, for tests that look at frames themselves.
func ReadFrame(r io.Reader) (ws.Frame, error) {
	const most = 1 << 20
	h, err := ws.ReadHeader(r)
	if err != nil {
		return ws.Frame{}, err
	}
	if h.Length > most {
		return ws.Frame{}, fmt.Errorf("a frame of %d bytes", h.Length)
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}
