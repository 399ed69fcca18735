// Command bench measures a built Teahouse against its performance targets and prints one table: what was measured, the
// target, and whether it was met. Ratios compare two things measured in turns in one run on one machine.
// docs/benchmarks.md explains the rows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	short := flag.Bool("short", false, "smaller loads, for CI: at most three minutes")
	only := flag.String("only", "", "run only these rows, a comma list of: "+strings.Join(names(rows()), ", "))
	dir := flag.String("dir", "", "where the temporary data goes; choose a disk, not memory (default: the system's temporary folder)")
	server := flag.String("server", "", "server binary to measure (default: built from this module)")
	profile := flag.String("profile", "", "folder for a CPU profile of the server under each load (the numbers suffer a little)")
	echo := flag.Bool("echo", false, "be the bare handler that the server is compared with")
	fan := flag.Bool("fan", false, "be the bare program that realtime connections are compared with")
	flag.Parse()
	if *echo {
		exit(serveEcho(os.Stdout))
	}
	if *fan {
		exit(serveFan(os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{ctx: ctx, short: *short, server: *server, profile: *profile, log: os.Stderr, began: time.Now()}
	exit(b.run(*dir, *only))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// row is a part of the programme that can be run alone.
type row struct {
	name string
	run  func(*bench) error
}

func rows() []row {
	return []row{
		{"start", (*bench).startRow},
		{"memory", (*bench).memoryRow},
		{"commit", (*bench).commitRow},
		{"create", (*bench).createRow},
		{"read", (*bench).readRow},
		{"batch", (*bench).batchRow},
		{"members", (*bench).membersRow},
		{"list", (*bench).listRow},
		{"send", (*bench).sendRow},
		{"group", (*bench).groupRow},
		{"accounts", (*bench).accountsRow},
		{"community", (*bench).communityRow},
		{"room", (*bench).roomRow},
		{"crowd", (*bench).crowdRow},
		{"rooms", (*bench).roomsRow},
		{"idle", (*bench).idleRow},
		{"chat", (*bench).chatRow},
		{"return", (*bench).returnRow},
	}
}

func names(rs []row) (ns []string) {
	for _, r := range rs {
		ns = append(ns, r.name)
	}
	return ns
}

// bench is one run of the programme.
type bench struct {
	ctx     context.Context // ends with the first signal
	short   bool
	server  string // the binary that is measured
	profile string // folder of profiles, or ""
	dir     string // everything temporary
	log     io.Writer
	began   time.Time
	data    map[string]dataset // what was filled already, by name
	lines   []line
}

var errMissed = errors.New("a target was missed")

// run measures the chosen rows and prints the table. errMissed when a target is missed.
func (b *bench) run(dir, only string) (err error) {
	if runtime.GOOS != "linux" {
		return errors.New("CPU times and memory of the server are read from /proc: this programme needs Linux")
	}
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(dir, "teahouse-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.data = map[string]dataset{}
	if b.server == "" {
		b.server = filepath.Join(b.dir, "teahouse")
		build := exec.CommandContext(b.ctx, "go", "build", "-o", b.server, "teahouse/cmd/teahouse")
		build.Stderr = b.log
		if err := build.Run(); err != nil {
			return fmt.Errorf("build the server: %w", err)
		}
	}
	missed := 0
	for _, r := range chosen {
		b.say("%s …", r.name)
		if err := r.run(b); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	b.print(os.Stdout)
	for _, l := range b.lines {
		if l.verdict == missedTarget {
			missed++
		}
	}
	if missed > 0 {
		return fmt.Errorf("%w: %d of them", errMissed, missed)
	}
	return nil
}

func choose(only string) ([]row, error) {
	if only == "" {
		return rows(), nil
	}
	var chosen []row
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(rows(), func(r row) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only %s: want one of %s", name, strings.Join(names(rows()), ", "))
		}
		chosen = append(chosen, rows()[i])
	}
	return chosen, nil
}

// say tells about the progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.log, "%6.1fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// pick chooses between the size of a full run and that of a short one.
func (b *bench) pick(full, short int) int {
	if b.short {
		return short
	}
	return full
}
