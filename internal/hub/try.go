package hub

import (
	"net"
	"syscall"
)

// try writes once, without waiting.
type try struct {
	data []byte
	n    int
	err  error
	fn   func(fd uintptr) bool // write, made once
}

func (t *try) write(fd uintptr) bool {
	t.n, t.err = tryWrite(fd, t.data)
	return true
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
