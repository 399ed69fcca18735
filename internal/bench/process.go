package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What a server says at start.
const (
	listeningOn = "listening on"
	operations  = "operations"
)

// process is a child that serves HTTP: the server, or the bare handler.
type process struct {
	cmd   *exec.Cmd
	addr  string        // host:port
	ops   string        // URL of the metrics; the bare handler has none
	ready time.Duration // from the start of the process until it said so
}

// serve starts the server on a data folder.
func (b *bench) serve(data string, flags ...string) (*process, error) {
	return b.start(b.server, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--rate-limits", "off",
		"--log-level", "warn"}, flags...)...)
}

// bare starts this programme as the bare handler.
func (b *bench) bare() (*process, error) { return b.again("-echo") }

// fan starts this programme as what the realtime rows are compared with.
func (b *bench) fan() (*process, error) { return b.again("-fan") }

func (b *bench) again(flag string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.start(self, flag)
}

func (b *bench) start(name string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(b.ctx, name, args...)}
	p.cmd.Stderr = b.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.await(out, began); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// await reads the start-up text up to its last line.
func (p *process) await(out io.Reader, began time.Time) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		text := lines.Text()
		if rest, ok := strings.CutPrefix(text, listeningOn); ok {
			p.addr = strings.TrimPrefix(strings.TrimSpace(rest), "http://")
		}
		if rest, ok := strings.CutPrefix(text, operations); ok {
			p.ops = strings.TrimSpace(rest)
		}
		if text == "ready" {
			p.ready = time.Since(began)
			return nil
		}
	}
	return errors.Join(fmt.Errorf("%s ended before it was ready", filepath.Base(p.cmd.Path)), lines.Err())
}

// stop ends the process in good order.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	err := p.cmd.Wait()
	if s, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() == syscall.SIGTERM {
		return nil // the bare handler knows no better
	}
	return err
}

// ticks per second of the times in /proc/PID/stat, fixed for user space.
const ticks = 100

// cpu is the processor time the process has used, its threads and the kernel's work for it included (proc(5)).
func (p *process) cpu() (time.Duration, error) { return cpuOf(p.cmd.Process.Pid) }

func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold blanks
	fields := strings.Fields(rest)                // from field 3 on
	const utime, stime = 14 - 3, 15 - 3
	if len(fields) <= stime {
		return 0, errors.New("/proc/PID/stat: too short")
	}
	user, err := strconv.ParseInt(fields[utime], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[stime], 10, 64)
	return time.Duration(user+system) * time.Second / ticks, err
}

// resident is the process's memory in bytes: what it wrote, and with the mapped parts of the binary.
func (p *process) resident() (anonymous, all int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for l := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(l, ":")
		if key != "VmRSS" && key != "RssAnon" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, 0, err
		}
		if key == "VmRSS" {
			all = n << 10
		} else {
			anonymous = n << 10
		}
	}
	return anonymous, all, nil
}

// metric reads one unlabelled number of the server's metrics.
func (p *process) metric(name string) (float64, error) {
	r, err := http.Get(p.ops)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("the server has no metric %s", name)
}

// settledMemory is what the process holds after it has given back what it can.
func (p *process) settledMemory() (int64, error) {
	for range 2 { // what the first finds unused may keep other things alive
		r, err := http.Post(strings.TrimSuffix(p.ops, "/metrics")+"/debug/free", "", nil)
		if err != nil {
			return 0, err
		}
		if err := r.Body.Close(); err != nil {
			return 0, err
		}
		if r.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("POST /debug/free: %s", r.Status)
		}
	}
	_, all, err := p.resident()
	return all, err
}

// heap writes a profile of the memory, when the programme was asked for profiles.
func (b *bench) heap(p *process, name string) error {
	if b.profile == "" {
		return nil
	}
	return fetch(strings.TrimSuffix(p.ops, "/metrics")+"/debug/pprof/heap?gc=1", filepath.Join(b.profile, name+"-heap.pprof"))
}

// profiled repeats a load while the server writes a CPU profile, when the programme was asked for profiles.
func (b *bench) profiled(p *process, name string, l load) error {
	return b.watched(p, name, func() error { _, err := l.run(); return err })
}

// watched is profiled for anything that can be repeated.
func (b *bench) watched(p *process, name string, run func() error) error {
	if b.profile == "" {
		return nil
	}
	const seconds = 8
	var stop atomic.Bool
	var err error
	var running sync.WaitGroup
	running.Go(func() {
		defer stop.Store(true)
		err = fetch(fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", strings.TrimSuffix(p.ops, "/metrics"), seconds),
			filepath.Join(b.profile, name+".pprof"))
	})
	defer running.Wait()
	for !stop.Load() {
		if err := run(); err != nil {
			return err
		}
	}
	return err
}

func fetch(url, file string) (err error) {
	r, err := http.Get(url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, r.Body)
	return err
}
