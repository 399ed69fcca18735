package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	lib "modernc.org/sqlite/lib"

	"teahouse/internal/im"
	"teahouse/internal/storetest"
)

// databases are an empty one of each engine.
func databases() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "new", "test.db") },
		"postgres": func(t *testing.T) string { return storetest.Postgres(t) },
	}
}

// each runs a test on every engine.
func each(t *testing.T, test func(t *testing.T, database string)) {
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) { test(t, database(t)) })
	}
}

// Several processes open an empty database at once.
func TestOpenTogether(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				s, err := Open(t.Context(), Config{Database: database})
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(s.Ping(t.Context()), s.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// Two processes work on one database, as the server and a command do.
func TestTwoStores(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		b := newBench(t, Config{Database: database})
		stores := []*Store{b.s, openFile(t, Config{Database: database})}
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for j := range 10 {
					err := stores[i%2].Update(t.Context(), func(tx im.Tx) error {
						_, err := tx.AddUser(im.User{App: b.app, Name: im.Username(fmt.Sprint(i, "-", j))})
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, s := range stores {
			err := s.View(t.Context(), func(tx im.Tx) error {
				users, err := tx.Users(b.app, 0, 100)
				if len(users) != 40 || users[39].Seq != 40 {
					t.Errorf("%d users", len(users))
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestReopen(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		b := newBench(t, Config{Database: database})
		r, err := b.addRoom(1)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.s.Close(); err != nil {
			t.Fatal(err)
		}
		b.s = openFile(t, Config{Database: database})
		b.view(func(tx im.Tx) error { _, err := tx.Room(b.app, im.Chatroom, r.ID); return err })
	})
}

// A commit waits for the disk, unless a test has asked that it does not.
func TestSynced(t *testing.T) {
	for unsynced, want := range map[bool]int64{false: 2, true: 0} {
		s := openFile(t, Config{Database: databases()["sqlite"](t), Unsynced: unsynced})
		var got int64
		err := s.Update(t.Context(), func(t im.Tx) error {
			_, err := t.(*tx).row(`PRAGMA synchronous`, nil, &got)
			return err
		})
		if err != nil || got != want {
			t.Errorf("unsynced %v: got synchronous %d, %v, want %d", unsynced, got, err, want)
		}
	}
}

// Every table of the database has rows of an app that has everything, and none once the app is deleted.
func TestDeleteAppEverywhere(t *testing.T) {
	each(t, func(t *testing.T, database string) {
		s := openFile(t, Config{Database: database})
		b := &bench{TB: t, s: s}
		b.app = storetest.Everything(t, s)
		count := func() map[string]int64 {
			counts := map[string]int64{}
			b.run(func(t *tx) error {
				tables, err := list(t, t.dialect.catalogue, nil, func(rows rows) (name string, err error) {
					err = rows.Scan(&name)
					return name, err
				})
				for _, name := range tables {
					column := "app"
					if name == "apps" {
						column = "id"
					}
					if strings.HasPrefix(name, "goose_") || strings.HasPrefix(name, "sqlite_") {
						continue
					}
					var n int64
					if _, err := t.row(`SELECT COUNT(*) FROM `+name+` WHERE `+column+` = $1`, []any{int64(b.app)}, &n); err != nil {
						return err
					}
					counts[name] = n
				}
				return err
			})
			return counts
		}
		before := count()
		if len(before) != len(appTables())+1 {
			t.Errorf("%d tables, but DeleteApp knows %d", len(before), len(appTables())+1)
		}
		for name, n := range before {
			if n == 0 {
				t.Errorf("storetest.Everything puts nothing into %s", name)
			}
		}
		b.update(func(tx im.Tx) error { return tx.DeleteApp(b.app) })
		b.update(func(tx im.Tx) error { _, err := tx.DeleteRemains(1000); return err })
		for name, n := range count() {
			if n != 0 {
				t.Errorf("%d rows are left in %s", n, name)
			}
		}
	})
}

// Only servers change tables; they and who makes an app make them. Nobody uses tables of another version.
func TestTables(t *testing.T) {
	for may, want := range map[Tables][4]error{ // by version: 0, 4, 5, 6 of 5
		Upgrade: {nil, nil, nil, errNewer},
		Make:    {nil, errOlder, nil, errNewer},
		Keep:    {errEmpty, errOlder, nil, errNewer},
	} {
		for i, now := range []int64{0, 4, 5, 6} {
			if err := may.refuse(now, 5); !errors.Is(err, want[i]) {
				t.Errorf("Tables %d: version %d of 5: got %v, want %v", may, now, err, want[i])
			}
		}
	}
	each(t, func(t *testing.T, database string) {
		if _, err := Open(t.Context(), Config{Database: database, Tables: Keep}); !errors.Is(err, errEmpty) {
			t.Errorf("an empty database: got %v, want %v", err, errEmpty)
		}
		b := &bench{TB: t, s: openFile(t, Config{Database: database, Tables: Make})}
		openFile(t, Config{Database: database, Tables: Keep})
		b.run(func(t *tx) error {
			_, err := t.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, ` + map[bool]string{true: "1", false: "true"}[t.dialect.forUpdate == ""] + `)`)
			return err
		})
		for _, may := range []Tables{Upgrade, Make, Keep} {
			if _, err := Open(t.Context(), Config{Database: database, Tables: may}); !errors.Is(err, errNewer) {
				t.Errorf("Tables %d: got %v, want %v", may, err, errNewer)
			}
		}
	})
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, database := range map[string]string{
		"no engine":         "tea.db",
		"a folder":          "sqlite:" + dir,
		"below a file":      "sqlite:" + filepath.Join(garbage, "x"),
		"not a database":    "sqlite:" + garbage,
		"nobody listens":    "postgres://u@127.0.0.1:1/d?connect_timeout=2",
		"no such directory": "postgres:///d?host=" + dir,
	} {
		if s, err := Open(t.Context(), Config{Database: database}); err == nil {
			t.Errorf("%s: it opens", name)
			_ = s.Close()
		}
	}
}

// More Views than readers wait for each other; one that is given up does not.
func TestReaders(t *testing.T) {
	b := newBench(t, Config{Readers: 2})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 20 {
				if err := b.s.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.view(func(im.Tx) error {
		return b.s.View(t.Context(), func(im.Tx) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := b.s.View(ctx, func(im.Tx) error { return nil }); err != context.Canceled {
				t.Errorf("got %v", err)
			}
			return nil
		})
	})
}

// A reader whose COMMIT fails comes back without a transaction, or a new one comes back.
func TestReaderCommitFails(t *testing.T) {
	for name, spoil := range map[string]func(*conn) error{
		"over already": func(c *conn) error { return c.do("COMMIT") },
		"stays open": func(c *conn) error { // as long as rows are open an interrupted connection refuses all
			rows, err := c.query(t.Context(), `SELECT name FROM sqlite_schema`, nil)
			if err == nil && !rows.Next() {
				err = errors.New("no rows")
			}
			lib.Xsqlite3_interrupt(c.lite.tls, c.lite.db)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Config{Readers: 1})
			err := b.s.View(t.Context(), func(store im.Tx) error { return spoil(store.(*tx).runner.(*conn)) })
			if err == nil {
				t.Error("the COMMIT did not fail")
			}
			r, err := b.addRoom(1)
			if err != nil {
				t.Fatal(err)
			}
			b.view(func(tx im.Tx) error { _, err := tx.Room(b.app, im.Chatroom, r.ID); return err })
		})
	}
}

func TestBackup(t *testing.T) {
	b := newBench(t, Config{})
	r, err := b.addRoom(1)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "copy'); --.db")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := int64(2); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := b.addRoom(n); err != nil {
				t.Error(err)
			}
		}
	})
	err = b.s.Backup(t.Context(), file)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	copied := openFile(t, Config{Database: "sqlite:" + file})
	err = copied.View(t.Context(), func(tx im.Tx) error {
		rooms, err := tx.RoomsAt(b.app, im.Chatroom, 0, 100_000)
		if err != nil {
			return err
		}
		if int64(len(rooms)) != rooms[0].Seq || rooms[len(rooms)-1].ID != r.ID {
			t.Errorf("%d rooms, the last place is %d", len(rooms), rooms[0].Seq)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestBackupRefuses(t *testing.T) {
	b := newBench(t, Config{})
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.s.Backup(t.Context(), there); !errors.Is(err, os.ErrExist) {
		t.Errorf("onto a file that exists: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fresh := filepath.Join(t.TempDir(), "fresh")
	if err := b.s.Backup(ctx, fresh); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a failed backup leaves its file: %v", err)
	}
}

// Nothing runs on after Close, however often.
func TestNoGoroutineLeft(t *testing.T) {
	database := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	before := goleak.IgnoreCurrent()
	for range 5 {
		s, err := Open(t.Context(), Config{Database: database})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Ping(t.Context()), s.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	goleak.VerifyNone(t, before)
}
