package dump

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

const hash = "$2y$10$abcdefghijklmnopqrstuuDMJ3sxG6uO9jIx7sJ0bVXTFGKzUMr1u"

// show reads a file and prints a line for every row, and one for the error of the whole.
func show(c Config, file string) string {
	var b strings.Builder
	err := Read(strings.NewReader(file), c, func(r Row) error {
		a := r.Account
		fmt.Fprintf(&b, "%d: %d %q", r.Line, a.ID, a.Name)
		for _, s := range []string{a.Email, a.Phone, a.Password, a.Hash, a.Bio, a.Location} {
			if s != "" {
				fmt.Fprintf(&b, " %q", s)
			}
		}
		if a.Sex != 0 {
			fmt.Fprintf(&b, " sex %d", a.Sex)
		}
		for _, p := range []*im.Picture{a.Avatar, a.Background} {
			if p != nil {
				fmt.Fprintf(&b, " <%s>", p.URL)
			}
		}
		for _, at := range []time.Time{a.Created, a.Updated, a.Disabled} {
			if !at.IsZero() {
				fmt.Fprintf(&b, " %s", at.UTC().Format(time.RFC3339))
			}
		}
		if r.Err != nil {
			fmt.Fprintf(&b, " ERROR %v", r.Err)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		fmt.Fprintf(&b, "ERROR %v\n", err)
	}
	return b.String()
}

type sample struct {
	name   string
	config Config
	file   string
	want   string
}

func check(t *testing.T, samples []sample) {
	for _, c := range samples {
		t.Run(c.name, func(t *testing.T) {
			if got := show(c.config, c.file); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestCSV(t *testing.T) {
	csv := Config{Format: CSV}
	check(t, []sample{
		{"all columns", csv, "\ufeffID, Name,email,phone,password,bio,sex,location,avatar,created_at,updated_at,deleted_at,unknown\r\n" +
			`7,安安,a@example.com,13800138000,` + hash + `,"a ""bio"", of two` + "\nlines\",2,成都,https://example.com/a.png,2017-12-17 14:34:13,2018-01-01T00:00:00+08:00,1513521253,x\n",
			`2: 7 "安安" "a@example.com" "13800138000" "` + hash + `" "a \"bio\", of two\nlines" "成都" sex 2 <https://example.com/a.png> 2017-12-17T14:34:13Z 2017-12-31T16:00:00Z 2017-12-17T14:34:13Z` + "\n"},
		{"a password in clear", csv, "name,password\nann, secret \n", `2: 0 "ann" "secret"` + "\n"},
		{"a hash of another kind is no password in clear", csv, "name,password\nann,$argon2id$v=19$m=8$c2FsdA$aGFzaA\nbob,$6$salt$hash\ncat,$1$me\n",
			"2: 0 \"ann\" ERROR password: a hash that is not bcrypt\n3: 0 \"bob\" ERROR password: a hash that is not bcrypt\n4: 0 \"cat\" \"$1$me\"\n"},
		{"no values", csv, "name,id,email,created_at,sex\nNULL,NULL,\\N,,\nbob,0,,0000-00-00 00:00:00,\n",
			"2: 0 \"NULL\"\n3: 0 \"bob\" ERROR id: want a number from 1 to 9999999999999\n"},
		{"faults", csv, "name,id,sex,created_at\nann,x,,\nbob,1,male,\ncat,2,1,yesterday\ndora\neve\"x,3,0,\nfay,4,1,\n",
			"2: 0 \"ann\" ERROR id: \"x\" is not a number\n3: 1 \"bob\" ERROR sex: \"male\" is not a number\n" +
				"4: 2 \"cat\" sex 1 ERROR created_at: \"yesterday\" is not a time such as 2017-12-17 14:34:13\n" +
				"5: 0 \"\" ERROR another number of columns than the first line\n6: 0 \"\" ERROR bare \" in non-quoted-field\n7: 4 \"fay\" sex 1\n"},
		{"pictures of the site", Config{Format: CSV, Site: "https://plus.example.com/"}, "name,avatar,bg\nann,public:2018/09/x.png,nonsense\n",
			"2: 0 \"ann\" <https://plus.example.com/storage/public:MjAxOC8wOS94LnBuZw==>\n"},
		{"pictures of no site", csv, "name,avatar\nann,public:2018/09/x.png\n", "2: 0 \"ann\"\n"},
		{"no header", csv, "1,ann\n", "ERROR line 1: it must name the columns, separated by commas: there is no column name, only 1, ann\n"},
		{"empty", csv, "", "ERROR line 1: it must name the columns, separated by commas: there is no column name, only \n"},
		{"only a header", csv, "name\n", ""},
		{"no format", Config{}, "", "ERROR format \"\": want csv or sql\n"},
	})
}

// plusDump is how mysqldump writes the table of ThinkSNS+ 2.4, and others around it.
const plusDump = "-- MySQL dump 10.13  Distrib 5.7.44\n" +
	"/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n/*!40103 SET TIME_ZONE='+00:00' */;\n\n" +
	"DROP TABLE IF EXISTS `user_extras`;\nCREATE TABLE `user_extras` (\n  `user_id` int(10) unsigned NOT NULL,\n  `likes` int DEFAULT '0' COMMENT 'it''s; a (remark'\n);\n" +
	"INSERT INTO `user_extras` VALUES (1,'a;b\\'c'),(2,NULL);\n" +
	"DROP TABLE IF EXISTS `users`;\n/*!40101 SET character_set_client = utf8 */;\n" +
	"CREATE TABLE `users` (\n  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,\n  `name` varchar(100) COLLATE utf8mb4_unicode_ci NOT NULL COMMENT '用户名 (name, `key`)',\n" +
	"  `email` varchar(150) DEFAULT NULL,\n  `phone` varchar(50) DEFAULT NULL,\n  `password` varchar(191) DEFAULT NULL,\n  `bio` varchar(191) DEFAULT NULL,\n" +
	"  `sex` tinyint(4) NOT NULL DEFAULT '0',\n  `location` varchar(191) DEFAULT NULL,\n  `price` decimal(10,2) DEFAULT '0.00',\n  `avatar` varchar(255) DEFAULT NULL,\n" +
	"  `created_at` timestamp NULL DEFAULT NULL,\n  `updated_at` timestamp NULL DEFAULT NULL,\n  `deleted_at` timestamp NULL DEFAULT NULL,\n" +
	"  PRIMARY KEY (`id`),\n  UNIQUE KEY `users_name_unique` (`name`),\n  KEY `users_x` (`name`,`email`)\n) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4;\n" +
	"LOCK TABLES `users` WRITE;\n/*!40000 ALTER TABLE `users` DISABLE KEYS */;\n" +
	"INSERT INTO `users` VALUES (1,'root',NULL,'13800138000','" + hash + "',NULL,0,NULL,0.00,NULL,'2017-12-17 14:34:13','2017-12-17 14:34:13',NULL)," +
	"(2,'it\\'s \\\"安\\\"; \\\\ -- (x),','a@example.com',NULL,'" + hash + "','two\\nlines ''quoted'' \\Z\\%',2,'成都',-1.5e3,'public:2018/09/x.png','2018-01-02 03:04:05',NULL,'2019-01-01 00:00:00');\n" +
	"INSERT INTO `users` VALUES (3,_utf8mb4'nopass',NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL);\n" +
	"/*!40000 ALTER TABLE `users` ENABLE KEYS */;\nUNLOCK TABLES;\n-- Dump completed"

func TestSQL(t *testing.T) {
	sql := Config{Format: SQL}
	const head = "INSERT INTO `users` (`id`,`name`) VALUES "
	check(t, []sample{
		{"mysqldump", Config{Format: SQL, Site: "https://p"}, plusDump,
			`33: 1 "root" "13800138000" "` + hash + `" 2017-12-17T14:34:13Z 2017-12-17T14:34:13Z` + "\n" +
				`33: 2 "it's \"安\"; \\ -- (x)," "a@example.com" "` + hash + `" "two\nlines 'quoted' \x1a%" "成都" sex 2 <https://p/storage/public:MjAxOC8wOS94LnBuZw==> 2018-01-02T03:04:05Z 2019-01-01T00:00:00Z` + "\n" +
				"34: 3 \"nopass\" sex 1\n"},
		{"names its columns", sql, head + "\n(1,'a'),\n(2,'b');", "2: 1 \"a\"\n3: 2 \"b\"\n"},
		{"in any case and order", sql, "insert ignore into db.USERS(Name, Id)values('a',1)on duplicate key update id=1;" + head + "(2,'b')", "1: 1 \"a\"\n1: 2 \"b\"\nERROR line 1: the file ends inside a statement: is the dump complete?\n"},
		{"replace", sql, "REPLACE INTO users (id,name) VALUE (1,\"a\"\"b\");", "1: 1 \"a\\\"b\"\n"},
		{"prefix", Config{Format: SQL, Prefix: "ts_"}, head + "(1,'a');INSERT INTO ts_users (id,name) VALUES (2,'b');", "1: 2 \"b\"\n"},
		{"create table if not exists", sql, "CREATE TABLE IF NOT EXISTS users (id int, name text, primary key (id)); INSERT INTO users VALUES (1,'a');", "1: 1 \"a\"\n"},
		{"remarks", sql, "# INSERT INTO\n--\n/* ; ' */ /*!50003 CREATE TRIGGER x INSERT INTO users (name) VALUES ('no'); */\n" + head + "(1,/* x */'a'); -- (2,'b')", "4: 1 \"a\"\n"},
		{"numbers and bytes", sql, "INSERT INTO users (id,name,sex) VALUES (1,0x616263,1),(2,'b',TRUE),(-3,'c',0);",
			"1: 1 \"abc\" sex 1\n1: 2 \"b\" sex 1\n1: -3 \"c\" ERROR id: want a number from 1 to 9999999999999\n"},
		{"a password that is no hash", sql, "INSERT INTO users (name,password) VALUES ('a','secret');", "1: 0 \"a\" \"secret\"\n"},
		{"no plain values", sql, head + "(1,CONCAT('a','b')),(2,'c' 'd'),(3,@x),(1+1,'e'),(5,'f');",
			"1: 1 \"CONCAT\" ERROR name: not a plain value\n1: 2 \"d\" ERROR name: not a plain value\n1: 3 \"x\" ERROR name: not a plain value\n1: 1 \"e\" ERROR id: not a plain value\n1: 5 \"f\"\n"},
		{"another number of values", sql, head + "(1),(2,'b','c'),(3,'d');", "1: 0 \"\" ERROR 1 values for 2 columns\n1: 0 \"\" ERROR 3 values for 2 columns\n1: 3 \"d\"\n"},
		{"columns nobody named", sql, "INSERT INTO users VALUES (1);", "ERROR line 1: INSERT names no columns, and there was no CREATE TABLE before it\n"},
		{"insert from another table", sql, "INSERT INTO users (id) SELECT 1;", "ERROR line 1: \"SELECT\" where VALUES was expected\n"},
		{"cut in a text", sql, head + "(1,'a'),\n(2,'b", "1: 1 \"a\"\nERROR line 2: the file ends inside a statement: is the dump complete?\n"},
		{"cut in a remark", sql, "/* x", "ERROR line 1: the file ends inside a statement: is the dump complete?\n"},
		{"cut in a table", sql, "CREATE TABLE users (id int", "ERROR line 1: the file ends inside a statement: is the dump complete?\n"},
		{"a long value of ours", sql, head + "(1,'" + strings.Repeat("x", maxValue+1) + "');", "ERROR line 1: a value is longer than a MiB\n"},
		{"a long value of others", sql, "INSERT INTO other VALUES ('" + strings.Repeat("x", 3*maxValue) + "'," + strings.Repeat("9", 2*maxValue) + ");" + head + "(1,'a');", "1: 1 \"a\"\n"},
		{"nothing", sql, "", "ERROR it has nothing about a table users: do its tables have another prefix?\n"},
		{"only other statements", sql, "SET x='a;b'; DROP TABLE IF EXISTS `users`; ; SELECT 1", "ERROR it has nothing about a table users: do its tables have another prefix?\n"},
		{"nobody in it", sql, "CREATE TABLE users (id int, name text);", ""},
		{"not our table", sql, "INSERT INTO users (id) VALUES (1);", "ERROR line 1: there is no column name, only id\n"},
	})
}

// TestTable reads another table of the same dump.
func TestTable(t *testing.T) {
	var got []string
	err := Table(strings.NewReader(plusDump), SQL, "user_extras", []string{"user_id"}, func(r Record) error {
		id, _ := r.Value("user_id")
		likes, ok := r.Value("likes")
		none, okNone := r.Value("none")
		got = append(got, fmt.Sprintf("%d: %s %q %v %q %v %v", r.Line, id, likes, ok, none, okNone, r.Err))
		return nil
	})
	if want := []string{`10: 1 "a;b'c" true "" false <nil>`, `10: 2 "" false "" false <nil>`}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestReadStops gives up when fn does.
func TestReadStops(t *testing.T) {
	enough := errors.New("enough")
	for _, c := range []struct {
		format Format
		file   string
	}{{CSV, "name\na\nb\n"}, {SQL, "INSERT INTO users (name) VALUES ('a'),('b');"}} {
		n := 0
		err := Read(strings.NewReader(c.file), Config{Format: c.format}, func(Row) error { n++; return enough })
		if !errors.Is(err, enough) || n != 1 {
			t.Errorf("%s: got %v after %d rows, want it after 1", c.format, err, n)
		}
	}
}

// endless is a file without an end, of which so much was read.
type endless struct{ read int }

// Read implements io.Reader.
func (e *endless) Read(p []byte) (int, error) {
	if e.read > 4*maxRow {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'x'
	}
	e.read += len(p)
	return len(p), nil
}

// TestQuoteWithoutEnd: a row of CSV whose quote is missing does not take the rest of the file into memory.
func TestQuoteWithoutEnd(t *testing.T) {
	rest := &endless{}
	err := Read(io.MultiReader(strings.NewReader("name,id\nann,1\n\""), rest), Config{Format: CSV}, func(Row) error { return nil })
	if !errors.Is(err, errRowLong) || rest.read > maxRow+1<<20 {
		t.Errorf("got %v after %d bytes", err, rest.read)
	}
}

// TestReadPassesErrorsOn of the file itself.
func TestReadPassesErrorsOn(t *testing.T) {
	broken := errors.New("disk")
	for _, f := range []Format{CSV, SQL} {
		r := io.MultiReader(strings.NewReader("name\n/* x"), badReader{broken})
		if err := Read(r, Config{Format: f}, func(Row) error { return nil }); !errors.Is(err, broken) {
			t.Errorf("%s: got %v, want the reader's error", f, err)
		}
	}
}

type badReader struct{ err error }

// Read implements io.Reader.
func (b badReader) Read([]byte) (int, error) { return 0, b.err }

// FuzzRead wants no panic, rows of sound numbers only, and the same rows however the file arrives.
func FuzzRead(f *testing.F) {
	f.Add(plusDump, true)
	f.Add("name,id\nann,1\n", false)
	f.Add("INSERT INTO users (name) VALUES ('a\\", true)
	f.Add("CREATE TABLE users(((`a`,", true)
	f.Fuzz(func(t *testing.T, file string, sql bool) {
		c := Config{Format: CSV}
		if sql {
			c.Format = SQL
		}
		read := func(r io.Reader) (lines []string) {
			err := Read(r, c, func(r Row) error {
				if r.Err == nil && (r.Account.ID < 0 || r.Account.ID > im.MaxAccountID) {
					t.Errorf("line %d: id %d", r.Line, r.Account.ID)
				}
				lines = append(lines, fmt.Sprintf("%d %d %q %v", r.Line, r.Account.ID, r.Account.Name, r.Err))
				return nil
			})
			return append(lines, fmt.Sprint(err))
		}
		whole, bytewise := read(strings.NewReader(file)), read(oneByte{strings.NewReader(file)})
		if !slices.Equal(whole, bytewise) {
			t.Errorf("at once\n%q\nbyte by byte\n%q", whole, bytewise)
		}
	})
}

// oneByte hands out a byte at a time.
type oneByte struct{ r io.Reader }

// Read implements io.Reader.
func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }
