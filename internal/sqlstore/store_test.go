package sqlstore

import (
	"path/filepath"
	"testing"

	"teahouse/internal/im"
	"teahouse/internal/storetest"
)

// openFile opens a store in a temporary folder.
func openFile(t testing.TB, config Config) *Store {
	t.Helper()
	if config.Database == "" {
		config.Database = "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	}
	s, err := Open(t.Context(), config)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) im.Store { return openFile(t, Config{}) })
}

func TestMain(m *testing.M) { storetest.Main(m) }

func TestPostgres(t *testing.T) {
	storetest.Postgres(t) // skips here, not in every part
	storetest.Run(t, func(t *testing.T) im.Store { return openFile(t, Config{Database: storetest.Postgres(t)}) })
}
