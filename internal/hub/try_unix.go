//go:build unix

package hub

import "syscall"

const canTry = true

// tryWrite writes what the system takes at once.
func tryWrite(fd uintptr, data []byte) (int, error) {
	for {
		switch n, err := syscall.Write(int(fd), data); err {
		case nil:
			return n, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, err
		}
	}
}
