package dump

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// rows reads a dump of the table users into lines of "line: column=value column=value".
func rows(t *testing.T, text string, need ...string) (string, error) {
	t.Helper()
	var b strings.Builder
	err := Read(strings.NewReader(text), "users", need, func(line int, row Row) error {
		fmt.Fprintf(&b, "%d:", line)
		for _, k := range slices.Sorted(maps.Keys(row)) {
			fmt.Fprintf(&b, " %s=%q", k, row[k])
		}
		b.WriteString("\n")
		return nil
	})
	return b.String(), err
}

func TestRead(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"mysqldump --complete-insert", `-- MySQL dump 10.13  Distrib 5.7.44
/*!40101 SET NAMES utf8 */;
LOCK TABLES ` + "`users`" + ` WRITE;
INSERT INTO ` + "`other`" + ` (` + "`id`" + `) VALUES (9);
INSERT INTO ` + "`users` (`id`, `name`, `password`, `deleted_at`) VALUES" + ` (1,'创始人','$2y$10$ab/c.',NULL),(-2,'it\'s a \\ and a ''; --',"x",'2018-01-01 00:00:00');
UNLOCK TABLES;
`, "5: id=\"1\" name=\"创始人\" password=\"$2y$10$ab/c.\"\n5: deleted_at=\"2018-01-01 00:00:00\" id=\"-2\" name=\"it's a \\\\ and a '; --\" password=\"x\"\n"},
		{"mysqldump as it is", "DROP TABLE IF EXISTS `users`;\nCREATE TABLE `users` (\n  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,\n  `Name` varchar(100) COLLATE utf8mb4_unicode_ci DEFAULT 'a,b',\n" +
			"  `cash` decimal(10,2) NOT NULL, -- the key\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `users_name_unique` (`Name`)\n) ENGINE=InnoDB COMMENT='x;y';\n\nINSERT INTO `users` VALUES (1,'a\\nb',1.5e-3),\n(2,_binary 'c',0);\n",
			"10: cash=\"1.5e-3\" id=\"1\" name=\"a\\nb\"\n11: cash=\"0\" id=\"2\" name=\"c\"\n"},
		{"pg_dump --inserts", "--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.users (\n    id bigint NOT NULL,\n    name text\n);\nINSERT INTO public.users (id, \"name\") VALUES (1, 'back\\slash''s') ON CONFLICT DO NOTHING;\n",
			"8: id=\"1\" name=\"back\\\\slash's\"\n"},
		{"sqlite3 .dump", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE IF NOT EXISTS \"users\" (\"id\" integer primary key, name varchar);\nINSERT INTO users VALUES(1,'a\\');\nCOMMIT;\n", "4: id=\"1\" name=\"a\\\\\"\n"},
		{"csv", "\xef\xbb\xbfID, name,deleted_at\r\n1,\"a,\n\"\"b\"\"\",NULL\r\n2,,\\N\r\n", "2: id=\"1\" name=\"a,\\n\\\"b\\\"\"\n4: id=\"2\" name=\"\"\n"},
		{"csv of a column that is called as a statement", "set,id,name\n1,2,3\n", "2: id=\"2\" name=\"3\" set=\"1\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := rows(t, c.text, "id", "name")
			if err != nil || got != c.want {
				t.Errorf("%v\n got %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "first line"},
		{"no such table", "INSERT INTO others (id) VALUES (1);", "no table users"},
		{"no such column", "INSERT INTO users (id) VALUES (1);", "no column name"},
		{"no such column in the table", "CREATE TABLE users (id int);", "no column name"},
		{"no word", "(", "no column id"},
		{"no such column in the csv", "id\n1\n", "no column name"},
		{"no columns", "\nINSERT INTO users VALUES (1);", "line 2: the INSERT names no columns"},
		{"too few values", "INSERT INTO users (id,name) VALUES (1);", "more or fewer"},
		{"too many values", "INSERT INTO users (id,name) VALUES (1,2,3);", "more or fewer"},
		{"copy", "-- PostgreSQL database dump\nCOPY public.users (id, name) FROM stdin;\n1\tann\n\\.\n", "--inserts"},
		{"cut in a string", "INSERT INTO users (id,name) VALUES (1,'a", "unexpected EOF"},
		{"cut in a row", "INSERT INTO users (id,name) VALUES (1,", "unexpected EOF"},
		{"cut in a comment", "/* abc", "unexpected EOF"},
		{"nonsense", "INSERT INTO users (id,name) SELECT 1, 2;", "not an SQL dump"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := rows(t, c.text, "id", "name"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v, want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestReadStops(t *testing.T) {
	want := errors.New("enough")
	for _, text := range []string{"INSERT INTO users (id) VALUES (1),\n(2),\n(3);", "id\n1\n2\n3\n"} {
		n := 0
		err := Read(strings.NewReader(text), "users", nil, func(int, Row) error {
			if n++; n == 2 {
				return want
			}
			return nil
		})
		if n != 2 || !errors.Is(err, want) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: got %d rows, %v", text, n, err)
		}
	}
}

func TestReadFailure(t *testing.T) {
	r := io.MultiReader(strings.NewReader("INSERT INTO users (id) VALUES (1),"), failing{})
	if err := Read(r, "users", nil, func(int, Row) error { return nil }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func FuzzRead(f *testing.F) {
	f.Add("INSERT INTO `users` (`id`,`name`) VALUES (1,'a\\'b'),(NULL,_binary 'x') ON DUPLICATE KEY UPDATE id=1;")
	f.Add("CREATE TABLE IF NOT EXISTS users (id int, KEY (id));INSERT INTO users VALUES (1);")
	f.Add("id,name\n1,\"a\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		_ = Read(strings.NewReader(text), "users", []string{"id"}, func(line int, row Row) error {
			if line < 1 || line > 1+strings.Count(text, "\n") {
				t.Errorf("%q: line %d", text, line)
			}
			return nil
		})
	})
}
