package server

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
)

// logger returns the logger these settings ask for.
func (l Logging) logger() (*slog.Logger, error) {
	level, format, err := l.level()
	if err != nil {
		return nil, err
	}
	w := l.stderr()
	tty := isTerminal(w)
	if format == "" && tty {
		format = "text"
	}
	if format != "text" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})), nil
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level: level, TimeFormat: time.StampMilli, NoColor: !tty || os.Getenv("NO_COLOR") != "",
	})), nil
}

func (l Logging) stderr() io.Writer {
	if l.Stderr == nil {
		return os.Stderr
	}
	return l.Stderr
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
