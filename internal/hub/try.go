package hub

import (
	"io"
	"net"
	"syscall"
)

// try makes system calls on a connection that do not wait for the network.
type try struct {
	data []byte
	n    int
	err  error
	fn   func(fd uintptr) bool // write or read, made once
}

// write writes once. What the system does not take at once is not written.
func (t *try) write(fd uintptr) bool {
	t.call(sysWrite, fd)
	return true
}

// read reads once. false: there is nothing to read yet.
func (t *try) read(fd uintptr) bool { return t.call(sysRead, fd) }

func (t *try) call(sys func(uintptr, []byte) (int, error), fd uintptr) (done bool) {
	for {
		switch t.n, t.err = sys(fd, t.data); t.err {
		case syscall.EINTR:
		case syscall.EAGAIN:
			t.n, t.err = 0, nil
			return false
		default:
			return true
		}
	}
}

// on returns how much the system took.
func (t *try) on(raw syscall.RawConn) (int, error) {
	if err := raw.Write(t.fn); err != nil {
		return 0, err
	}
	return t.n, t.err
}

// rawOf is the way to a connection's system calls; nil: it has none, as with TLS.
func rawOf(conn net.Conn) syscall.RawConn {
	if s, ok := conn.(syscall.Conn); ok && canTry {
		if raw, err := s.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// reader reads a connection.
type reader struct {
	raw syscall.RawConn
	try try
}

// NewReader returns a reader of a connection, for one goroutine at a time.
func NewReader(conn net.Conn) io.Reader {
	raw := rawOf(conn)
	if raw == nil {
		return conn
	}
	r := &reader{raw: raw}
	r.try.fn = r.try.read
	return r
}

// Read implements [io.Reader].
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r.try.data = p
	err := r.raw.Read(r.try.fn)
	r.try.data = nil
	switch {
	case err != nil:
		return 0, err
	case r.try.err != nil:
		return 0, r.try.err
	case r.try.n == 0:
		return 0, io.EOF
	}
	return r.try.n, nil
}
