package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The big data set.
func (b *bench) million() (dataset, error) {
	return b.fill(dataset{name: "million", rooms: 1_000_000})
}

// startRow measures from the start of the process until it is ready.
func (b *bench) startRow() error {
	tries := b.pick(9, 5)
	empty := func() (string, func() error, error) {
		dir, err := os.MkdirTemp(b.dir, "empty-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	if err := b.starts("start, no data", tries, 200*time.Millisecond, empty); err != nil {
		return err
	}
	d, err := b.million()
	if err != nil {
		return err
	}
	return b.starts(fmt.Sprintf("start, %d rooms", d.rooms), tries, time.Second,
		func() (string, func() error, error) { return d.dir, func() error { return nil }, nil })
}

func (b *bench) starts(what string, tries int, limit time.Duration, folder func() (string, func() error, error)) error {
	var took []time.Duration
	for range tries {
		dir, remove, err := folder()
		if err != nil {
			return err
		}
		p, err := b.serve(dir)
		if err != nil {
			return err
		}
		took = append(took, p.ready)
		if err := errors.Join(p.stop(), remove()); err != nil {
			return err
		}
	}
	b.within("7", what, median(took), limit, fmt.Sprintf("(median of %d, slowest %s)", tries, round(took[len(took)-1])))
	return nil
}

// memoryRow measures the memory of an idle server.
func (b *bench) memoryRow() (err error) {
	p, err := b.serve(filepath.Join(b.dir, "idle"))
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	_, fresh, err := p.resident()
	if err := errors.Join(err, p.stop()); err != nil {
		return err
	}
	const mib = 1 << 20
	b.add(line{"8", "memory of an idle server", fmt.Sprintf("%.1f MB", float64(fresh)/mib), "< 40 MB", b.verdict(float64(fresh) / (40 * mib))})

	d, err := b.smallData()
	if err != nil {
		return err
	}
	if p, err = b.serve(d.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	l := creation(d.on(p), d.users, b.pick(50_000, 10_000))
	if _, err := l.run(); err != nil {
		return err
	}
	_, loaded, err := p.resident()
	if err != nil {
		return err
	}
	rest := time.Duration(b.pick(30, 5)) * time.Second
	time.Sleep(rest)
	anonymous, idle, err := p.resident()
	b.tell("8", fmt.Sprintf("… after %d rooms were made, and %s of rest", l.requests, rest),
		fmt.Sprintf("%.1f MB, then %.1f MB (%.1f MB without the binary)", float64(loaded)/mib, float64(idle)/mib, float64(anonymous)/mib))
	return err
}
