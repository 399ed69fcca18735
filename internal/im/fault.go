package im

import (
	"errors"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync"
)

// Faults are mistakes of this program that come to light while it runs: panics. Each ends what it happened in, is logged with its
// stack, and counted; the others go on.
type Faults struct {
	log *slog.Logger

	mu  sync.Mutex
	met map[string]uint64 // by where; guarded by mu
}

// NewFaults returns the faults that a log is told of.
func NewFaults(log *slog.Logger) *Faults { return &Faults{log: log, met: map[string]uint64{}} }

// Catch ends a panic. It is deferred itself, not called by what is. where is a word for what failed, subject whom or what it
// concerned; after a panic then is called, unless it is nil, and may fail likewise.
func (f *Faults) Catch(where, subject string, then func()) {
	p := recover()
	if p == nil {
		return
	}
	f.note(where, subject, p)
	if then == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			f.note(where, subject, p)
		}
	}()
	then()
}

var errFault = errors.New("a fault of this program, told before")

// Try runs fn; when it panics the error is ErrInternal.
func (f *Faults) Try(where, subject string, fn func() error) (err error) {
	defer f.Catch(where, subject, func() { err = ErrInternal.Because(errFault) })
	return fn()
}

// TryAll runs fn with all at once. When it panics, fn runs with one after the other, so that only those that it fails with are left
// undone. Errors: ErrInternal when it failed with one, or fn's, after which nothing more is done.
func TryAll[T any](f *Faults, where string, name func(T) string, all []T, fn func([]T) error) error {
	err := f.Try(where, "many", func() error { return fn(all) })
	if len(all) < 2 || !errors.Is(err, errFault) {
		return err
	}
	err = nil
	for i, one := range all {
		switch failed := f.Try(where, name(one), func() error { return fn(all[i : i+1]) }); {
		case errors.Is(failed, errFault):
			err = failed
		case failed != nil:
			return failed
		}
	}
	return err
}

func (f *Faults) note(where, subject string, p any) {
	f.mu.Lock()
	f.met[where]++
	f.mu.Unlock()
	f.log.Error("panic", "in", where, "of", subject, "err", p, "stack", string(debug.Stack()))
}

// Met tells how many there were, by where.
func (f *Faults) Met() map[string]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.met)
}
