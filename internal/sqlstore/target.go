package sqlstore

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// target is where a database is.
type target struct {
	file     string          // SQLite: the absolute path
	postgres *pgx.ConnConfig // PostgreSQL, else nil
}

// parseDatabase reads "sqlite:PATH" and "postgres://…".
func parseDatabase(s string) (target, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	switch {
	case ok && scheme == "sqlite":
		return parseFile(rest)
	case ok && (scheme == "postgres" || scheme == "postgresql") && strings.HasPrefix(rest, "//"):
		config, err := pgx.ParseConfig(s)
		if err != nil {
			return target{}, fmt.Errorf("database: %w", err) // pgx leaves the password out
		}
		return target{postgres: config}, nil
	}
	return target{}, fmt.Errorf("database: want sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")
}

func parseFile(path string) (target, error) {
	if strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///") {
		return target{}, fmt.Errorf("database: sqlite:%s: want sqlite:PATH, without //", path)
	}
	if path == "" || path == ":memory:" || strings.ContainsRune(path, 0) || strings.HasSuffix(path, "/") {
		return target{}, fmt.Errorf("database: sqlite:%s: want the path of a file", path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return target{}, fmt.Errorf("database: %w", err)
	}
	return target{file: abs}, nil
}

// uri names the file so that no character of its path is read as an option.
func (t target) uri() string {
	path := filepath.ToSlash(t.file)
	if !strings.HasPrefix(path, "/") { // C:/…
		path = "/" + path
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath()
}
