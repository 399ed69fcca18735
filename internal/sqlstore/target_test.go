package sqlstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseDatabase(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ database, file, host, bad string }{
		{database: "sqlite:data/tea.db", file: filepath.Join(here, "data/tea.db")},
		{database: "sqlite:/var/lib/tea.db", file: "/var/lib/tea.db"},
		{database: "sqlite:///var/lib/tea.db", file: "/var/lib/tea.db"},
		{database: "sqlite:/a b/ü?mode=memory#x%41.db", file: "/a b/ü?mode=memory#x%41.db"},
		{database: "postgres://u:p@db.example:5433/tea", host: "db.example"},
		{database: "postgresql://u:p@db.example/tea?sslmode=disable", host: "db.example"},
		{database: "sqlite:", bad: "path of a file"},
		{database: "sqlite::memory:", bad: "path of a file"},
		{database: "sqlite:folder/", bad: "path of a file"},
		{database: "sqlite:a\x00b", bad: "path of a file"},
		{database: "sqlite://tea.db", bad: "without //"},
		{database: "", bad: "want sqlite:PATH"},
		{database: "tea.db", bad: "want sqlite:PATH"},
		{database: "mysql://u@h/d", bad: "want sqlite:PATH"},
		{database: "postgres://u:secret@h:notaport/d", bad: "database"},
	} {
		to, err := parseDatabase(c.database)
		switch {
		case c.bad != "":
			if err == nil || !strings.Contains(err.Error(), c.bad) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: got error %v, want one of %q, without the password", c.database, err, c.bad)
			}
		case err != nil:
			t.Errorf("%q: %v", c.database, err)
		case c.host != "" && to.postgres.Host != c.host:
			t.Errorf("%q: host %q", c.database, to.postgres.Host)
		case to.file != c.file:
			t.Errorf("%q: file %q, want %q", c.database, to.file, c.file)
		}
	}
}

// The path arrives at SQLite as it was given, whatever is in it.
func TestOddPath(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a b", "ü?mode=memory&x=1#%41%.db")
	s := openFile(t, Config{Database: "sqlite:" + file})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() == 0 || info.Mode().Perm() != 0o600 {
		t.Errorf("size %d, mode %v", info.Size(), info.Mode())
	}
}

func TestURI(t *testing.T) {
	for file, want := range map[string]string{"/a b/c?d.db": "file:///a%20b/c%3Fd.db", "C:/tea.db": "file:///C:/tea.db"} {
		if got := (target{file: file}).uri(); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
}

func FuzzParseDatabase(f *testing.F) {
	for _, s := range []string{"sqlite:data/tea.db", "sqlite:///x", "sqlite://x", "sqlite::memory:", "postgres://u:p@h:1/d?sslmode=disable",
		"postgresql:///d?host=/tmp", "", ":", "sqlite:a%zz?b#c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		to, err := parseDatabase(s)
		if err != nil {
			return
		}
		if (to.file == "") == (to.postgres == nil) {
			t.Fatalf("%q is %+v", s, to)
		}
		if to.file != "" && (!filepath.IsAbs(to.file) || strings.ContainsAny(to.uri()[len("file://"):], "?#")) {
			t.Fatalf("%q is the file %q, %q", s, to.file, to.uri())
		}
	})
}
