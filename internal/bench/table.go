package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// The verdicts of a line.
const (
	metTarget    = "pass"
	missedTarget = "MISS"
	nearTarget   = "near" // of a short run: its few rounds tell no more
	information  = "info"
)

// near is how far from its target a short run may be: it is there to notice what has become twice as dear.
const near = 2

// line is one line of the table.
type line struct {
	row, what, measured, target, verdict string
}

func (b *bench) add(l line) {
	b.lines = append(b.lines, l)
	b.say("  %-4s %s: %s (%s)", l.verdict, l.what, l.measured, l.target)
}

// verdict judges by the number that should not be above 1.
func (b *bench) verdict(excess float64) string {
	switch {
	case excess <= 1:
		return metTarget
	case b.short && excess <= near:
		return nearTarget
	}
	return missedTarget
}

// atMost adds a ratio that should not be above a limit; detail tells the measured numbers.
func (b *bench) atMost(row, what string, ratio, limit float64, detail string) {
	b.add(line{row, what, fmt.Sprintf("%.2f× %s", ratio, detail), fmt.Sprintf("≤ %g×", limit), b.verdict(ratio / limit)})
}

// atLeast adds a number that should not be below a limit.
func (b *bench) atLeast(row, what string, n, limit float64, detail string) {
	b.add(line{row, what, fmt.Sprintf("%.1f %s", n, detail), fmt.Sprintf("≥ %g", limit), b.verdict(limit / n)})
}

// within adds a duration that should be below a limit.
func (b *bench) within(row, what string, took, limit time.Duration, detail string) {
	b.add(line{row, what, fmt.Sprintf("%s %s", round(took), detail), "< " + limit.String(), b.verdict(ratio(took, limit))})
}

// tell adds a number without a target.
func (b *bench) tell(row, what, measured string) {
	b.add(line{row, what, measured, "–", information})
}

// round makes a duration readable.
func round(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
	case d < time.Second:
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// print writes the table, as Markdown that also reads well as it is.
func (b *bench) print(w io.Writer) {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	mode := "full"
	if b.short {
		mode = "short"
	}
	fmt.Fprintf(w, "%s run, %s, %d CPUs, %s/%s, %s, took %.0f s, load average at the end %s\n\n", mode,
		time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		time.Since(b.began).Seconds(), strings.Join(strings.Fields(string(load))[:1], ""))
	t := tabwriter.NewWriter(w, 0, 4, 1, ' ', 0)
	fmt.Fprintln(t, "| row\t| what\t| measured\t| target\t| \t|")
	fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|")
	for _, l := range b.lines {
		fmt.Fprintf(t, "| %s\t| %s\t| %s\t| %s\t| %s\t|\n", l.row, l.what, l.measured, l.target, l.verdict)
	}
	_ = t.Flush() // standard output: nobody to tell
}

// median returns the middle value; values is sorted by it.
func median[T int64 | float64 | time.Duration](values []T) T {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// interleave runs every measurement once a round, one after the other, and returns their medians.
func interleave(rounds int, measure ...func() (time.Duration, error)) ([]time.Duration, error) {
	all := make([][]time.Duration, len(measure))
	for range rounds {
		for i, m := range measure {
			d, err := m()
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], d)
		}
	}
	medians := make([]time.Duration, len(measure))
	for i := range all {
		medians[i] = median(all[i])
	}
	return medians, nil
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }
