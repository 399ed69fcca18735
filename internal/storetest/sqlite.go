package storetest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// template is an embedded database with its tables made, and nothing in them.
type template struct {
	once sync.Once
	data []byte
	err  error
}

var theTemplate = sync.OnceValue(func() *template { return &template{} })

// SQLite returns an embedded database in a file of its own. Making the tables takes longer than many a test: they are made once
// for this process, by makeTables, which opens and closes a store, and copied from then on.
func SQLite(t testing.TB, makeTables func(database string) error) string {
	t.Helper()
	p := theTemplate()
	p.once.Do(func() { p.data, p.err = fill(makeTables) })
	if p.err != nil {
		t.Fatalf("make the tables: %v", p.err)
	}
	file := filepath.Join(t.TempDir(), "world.db")
	if err := os.WriteFile(file, p.data, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + file
}

func fill(makeTables func(database string) error) ([]byte, error) {
	folder, err := os.MkdirTemp("", "tables")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	file := filepath.Join(folder, "template.db")
	if err := makeTables("sqlite:" + file); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}
