package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"teahouse/internal/dump"
	"teahouse/internal/im"
)

// AccountImport names a file of accounts.
type AccountImport struct {
	File   string // "-": standard input
	Format string // csv, sql; empty: by the file's name
	Prefix string // of the dump's tables
	Site   string // base address of the ThinkSNS+ whose pictures are kept where they are
	Stdin  io.Reader
}

const (
	importBatch  = 500
	importFaults = 1000 // that are told one by one
)

// ImportAccounts brings the accounts of a file along, while servers run. What is there already stays as it is, so an import
// can be repeated. Rows that are left out are printed with the reason.
func (t Tool) ImportAccounts(ctx context.Context, app string, i AccountImport) error {
	format, err := i.format()
	if err != nil {
		return err
	}
	return t.onOnlyApp(ctx, app, func(c core, app *im.App) error {
		in, size, err := i.open()
		if err != nil {
			return err
		}
		run := &importing{tool: t, service: c.service, by: im.AppCaller(app), now: SystemClock{}.Now}
		run.bar = bar{to: t.stderr(), tty: isTerminal(t.stderr()), size: size, now: run.now, in: &countingReader{r: in}}
		config := dump.Config{Format: format, Prefix: i.Prefix, Site: i.Site}
		err = dump.Read(run.bar.in, config, func(r dump.Row) error { return run.take(ctx, r) })
		err = errors.Join(err, run.flush(ctx), in.Close())
		run.bar.end(run.done())
		return errors.Join(run.report(), err)
	})
}

func (i AccountImport) format() (dump.Format, error) {
	f := strings.ToLower(i.Format)
	if f == "" {
		f = strings.TrimPrefix(strings.ToLower(filepath.Ext(i.File)), ".")
	}
	if f != string(dump.CSV) && f != string(dump.SQL) {
		return "", fmt.Errorf("%s: say with --format csv or --format sql what it is", i.File)
	}
	return dump.Format(f), nil
}

func (i AccountImport) open() (in io.ReadCloser, size int64, err error) {
	if i.File == "-" {
		return io.NopCloser(i.Stdin), 0, nil
	}
	f, err := os.Open(i.File)
	if err != nil {
		return nil, 0, err
	}
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	return f, size, nil
}

// importing is one run of an import.
type importing struct {
	tool    Tool
	service *im.Service
	by      im.Caller
	now     func() time.Time
	bar     bar

	batch             []im.NewAccount
	lines             []int // of the batch
	added, same, left int
	faults            []importFault
}

type importFault struct {
	Line   int    `json:"line"`
	ID     int64  `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason"`
}

func (r *importing) done() int { return r.added + r.same + r.left }

func (r *importing) take(ctx context.Context, row dump.Row) error {
	if row.Err != nil {
		r.leave(row.Line, row.Account, row.Err)
		return ctx.Err()
	}
	r.batch, r.lines = append(r.batch, row.Account), append(r.lines, row.Line)
	if len(r.batch) < importBatch {
		return nil
	}
	return r.flush(ctx)
}

func (r *importing) leave(line int, a im.NewAccount, reason error) {
	r.left++
	if len(r.faults) < importFaults {
		r.faults = append(r.faults, importFault{line, a.ID, a.Name, reason.Error()})
	}
}

func (r *importing) flush(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	results, err := r.service.ImportAccounts(ctx, r.by, r.batch)
	if err != nil {
		return err
	}
	for i, res := range results {
		switch {
		case res.Err != nil:
			r.leave(r.lines[i], r.batch[i], accountWords(res.Err))
		case res.Same:
			r.same++
		default:
			r.added++
		}
	}
	r.batch, r.lines = r.batch[:0], r.lines[:0]
	r.bar.show(r.done())
	return nil
}

func (r *importing) report() error {
	if r.tool.JSON {
		return r.tool.printJSON(struct {
			Imported int           `json:"imported"`
			Same     int           `json:"already_there"`
			Left     int           `json:"left_out"`
			Faults   []importFault `json:"faults"`
		}{r.added, r.same, r.left, append([]importFault{}, r.faults...)})
	}
	for _, f := range r.faults {
		who := ""
		if f.ID != 0 {
			who += fmt.Sprintf(" id %d", f.ID)
		}
		if f.Name != "" {
			who += fmt.Sprintf(" %q", f.Name)
		}
		r.tool.printf("line %d%s: %s\n", f.Line, who, f.Reason)
	}
	if more := r.left - len(r.faults); more > 0 {
		r.tool.printf("… and %d more\n", more)
	}
	r.tool.printf("imported %d, there already %d, left out %d\n", r.added, r.same, r.left)
	return nil
}

// countingReader counts the bytes that were read.
type countingReader struct {
	r io.Reader
	n atomic.Int64
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// bar tells how far an import is: on a terminal a bar that grows, otherwise a line now and then.
type bar struct {
	to   io.Writer
	tty  bool
	size int64 // of the file in bytes; 0: unknown
	in   *countingReader
	now  func() time.Time
	last time.Time
}

const (
	barWidth = 30
	barRest  = 100 * time.Millisecond // between two pictures of the bar
	lineRest = 5 * time.Second        // between two lines
)

func (b *bar) show(done int) {
	rest := lineRest
	if b.tty {
		rest = barRest
	}
	if now := b.now(); now.Sub(b.last) >= rest {
		b.last = now
		b.draw(done, b.part())
	}
}

// part is how much of the file was read, from 0 to 1; below 0: unknown.
func (b *bar) part() float64 {
	if b.size == 0 {
		return -1
	}
	return min(float64(b.in.n.Load())/float64(b.size), 1)
}

func (b *bar) draw(done int, part float64) {
	text := fmt.Sprintf("%d accounts", done)
	if part >= 0 {
		text = fmt.Sprintf("%3.0f %%  %s", 100*part, text)
	}
	if !b.tty {
		fmt.Fprintln(b.to, strings.TrimSpace(text))
		return
	}
	if full := int(part * barWidth); part >= 0 {
		text = "[" + strings.Repeat("#", full) + strings.Repeat(" ", barWidth-full) + "] " + text
	}
	fmt.Fprintf(b.to, "\r%s ", text)
}

// end draws the last picture.
func (b *bar) end(done int) {
	if b.tty {
		b.draw(done, b.part())
		fmt.Fprintln(b.to)
	}
}
