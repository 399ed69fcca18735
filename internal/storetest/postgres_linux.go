package storetest

import "syscall"

// dieWithParent has the kernel end the server when the thread that started it ends, however that comes.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
