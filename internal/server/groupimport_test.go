package server_test

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"teahouse/internal/plustest"
	"teahouse/internal/server"
)

const imGroup = "INSERT INTO `ts_im_group` (`id`, `im_group_id`, `user_id`, `group_face`, `type`) VALUES (1,'36036128342017',1,'11',0),\n" +
	"(2,'36036128342018',2,NULL,0),(3,'36036128342019',1,'12',0),\n(4,'36036128342020',9,0,0),(5,'',1,NULL,0),(6,'36036128342021','x',NULL,0);\n"

// TestImportGroups brings the table im_group along, first without asking the ThinkSNS+ and then with it.
func TestImportGroups(t *testing.T) {
	php := plustest.New(t)
	php.Add(plustest.User{ID: 1, Name: "ann"}, plustest.User{ID: 2, Name: "bob"})
	php.AddFile(11, "https://cdn.example.com/11.png")
	out := &bytes.Buffer{}
	tool := server.Tool{Storage: server.Storage{Data: filepath.Join(t.TempDir(), "data")}, Logging: server.Logging{Stderr: io.Discard}, Out: out}
	if err := tool.CreateApp(t.Context(), "my-org#social", "", ""); err != nil {
		t.Fatal(err)
	}
	run := func(url, want string) {
		t.Helper()
		out.Reset()
		err := tool.ImportGroups(t.Context(), "", server.GroupImport{File: "-", Format: "sql", Prefix: "ts_", URL: url, Stdin: strings.NewReader(imGroup)})
		if err != nil || out.String() != want {
			t.Errorf("%v\n got %s\nwant %s", err, out, want)
		}
	}
	const faults = "line 3, group 36036128342020: its owner 9 is not registered\nline 3, group : a value is not valid [roomid]\n" +
		"line 3, group 36036128342021: \"x\" is no number of a user\n"
	const nobody = "line 1, group 36036128342017: its owner 1 is not registered\nline 2, group 36036128342018: its owner 2 is not registered\n" +
		"line 2, group 36036128342019: its owner 1 is not registered\n"
	run("", nobody+faults+"made 0, there already 0, left out 6, faces 0\n")
	run(php.URL, "line 2, group 36036128342019: without its face: the ThinkSNS+ has no file 12\n"+faults+"made 3, there already 0, left out 3, faces 1\n")
	run("", faults+"made 0, there already 3, left out 3, faces 0\n1 faces are uploads of the ThinkSNS+: add --thinksns-url to give their addresses\n")
	php.AddFile(12, "https://cdn.example.com/12.png")
	run(php.URL, faults+"made 0, there already 3, left out 3, faces 1\n")

	php.Fail(500, "")
	if err := tool.ImportGroups(t.Context(), "", server.GroupImport{File: "-", Format: "csv", URL: php.URL, Stdin: strings.NewReader("im_group_id,user_id\n36036128342030,1\n")}); err == nil {
		t.Error("the ThinkSNS+ fails, and the import does not")
	}
	for _, url := range []string{"social.example.com", "ftp://x"} {
		if err := tool.ImportGroups(t.Context(), "", server.GroupImport{File: "-", Format: "csv", URL: url}); err == nil || !strings.Contains(err.Error(), "--thinksns-url") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}
