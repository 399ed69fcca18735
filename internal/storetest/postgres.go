package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Main runs the tests of a package and then stops the PostgreSQL that [Postgres] started, if it did. A package whose tests
// call Postgres needs it:
//
//	func TestMain(m *testing.M) { storetest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if err := theCluster().stop(); err != nil {
		fmt.Fprintln(os.Stderr, "storetest: stop PostgreSQL:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Postgres returns the URL of an empty schema in a PostgreSQL, dropped when the test ends. The cluster is that of
// TEAHOUSE_TEST_POSTGRES, or one started for this process from the binaries of the machine. Without either the
// test is skipped, or fails when TEAHOUSE_TEST_REQUIRE names postgres.
func Postgres(t testing.TB) string {
	t.Helper()
	base, err := theCluster().start()
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("TEAHOUSE_TEST_REQUIRE"), ","), "postgres") {
			t.Fatalf("PostgreSQL is required: %v", err)
		}
		t.Skipf("SKIPPED: no PostgreSQL to test with: %v", err)
	}
	schema := "test_" + word()
	run(t, base, `CREATE SCHEMA `+schema)
	t.Cleanup(func() { run(t, base, `DROP SCHEMA `+schema+` CASCADE`) })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func run(t testing.TB, base, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func word() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// cluster is a PostgreSQL of this process.
type cluster struct {
	once sync.Once
	url  string
	err  error

	folder string
	server *exec.Cmd
	waited chan error // receives when the server has ended
}

var theCluster = sync.OnceValue(func() *cluster { return &cluster{} })

func (c *cluster) start() (string, error) {
	c.once.Do(func() {
		if c.url = os.Getenv("TEAHOUSE_TEST_POSTGRES"); c.url != "" {
			return
		}
		if c.err = c.launch(); c.err != nil {
			c.err = errors.Join(c.err, c.stop())
		}
	})
	return c.url, c.err
}

// launch makes a cluster in a temporary folder, reached through a socket there.
func (c *cluster) launch() (err error) {
	bin, err := binaries()
	if err != nil {
		return err
	}
	as, err := owner()
	if err != nil {
		return err
	}
	if c.folder, err = os.MkdirTemp("", "pg"); err != nil { // short: a socket's path has 107 bytes
		return err
	}
	if as != nil {
		if err := os.Chown(c.folder, int(as.Credential.Uid), int(as.Credential.Gid)); err != nil {
			return err
		}
	}
	data := filepath.Join(c.folder, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "tea", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	initdb.SysProcAttr, initdb.Dir = as, c.folder
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	c.server = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", c.folder, "-h", "",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100", "-c", "shared_buffers=64MB")
	var log bytes.Buffer
	c.server.SysProcAttr, c.server.Dir, c.server.Stderr = as, c.folder, &log
	started, waited := make(chan error), make(chan error, 1)
	go func() { // ends with the server, for which stop waits
		runtime.LockOSThread() // dieWithParent is about this thread
		err := c.server.Start()
		if started <- err; err == nil {
			waited <- c.server.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	c.waited = waited
	c.url = "postgres://tea@/postgres?host=" + url.QueryEscape(c.folder)
	return c.ready(&log)
}

// ready waits until the server answers.
func (c *cluster) ready(log *bytes.Buffer) error {
	db, err := sql.Open("pgx", c.url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for {
		if err = db.PingContext(context.Background()); err == nil {
			return nil
		}
		select {
		case ended := <-c.waited:
			c.waited <- ended
			return fmt.Errorf("postgres ended: %w: %s", ended, log)
		case <-limit.C:
			return fmt.Errorf("postgres does not answer: %w", err)
		case <-poll.C:
		}
	}
}

// stop ends the server, waits for it and removes its folder.
func (c *cluster) stop() error {
	if c.waited != nil {
		_ = c.server.Process.Signal(syscall.SIGINT) // fast shutdown; an error means it has ended
		limit := time.NewTimer(20 * time.Second)
		defer limit.Stop()
		select {
		case <-c.waited:
		case <-limit.C:
			_ = c.server.Process.Signal(syscall.SIGQUIT)
			<-c.waited
		}
		c.waited = nil
	}
	if c.folder == "" {
		return nil
	}
	return os.RemoveAll(c.folder)
}

// binaries returns the folder of initdb and postgres: that in the PATH, or the newest under /usr/lib/postgresql.
func binaries() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("set TEAHOUSE_TEST_POSTGRES to the URL of one, or install its server")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 for what is no number
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// owner says as whom the server runs: PostgreSQL refuses to run as root. On Linux it dies with this process.
func owner() (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{}
	dieWithParent(attr)
	if os.Getuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("root cannot run PostgreSQL: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, nil
}
