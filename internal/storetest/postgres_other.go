//go:build !linux

package storetest

import "syscall"

// dieWithParent does nothing here: only [Main] ends the server.
func dieWithParent(*syscall.SysProcAttr) {}
