//go:build !unix

package hub

import "errors"

const canTry = false

func sysWrite(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func sysRead(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
