package server

import (
	"bytes"
	"strings"
	"testing"

	"teahouse/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// The whole works on PostgreSQL as it does on SQLite; the rules' tests are elsewhere.
func TestOnPostgres(t *testing.T) {
	storage := Storage{Database: storetest.Postgres(t), Data: t.TempDir()}
	n := start(t, Config{Dev: true, Storage: storage})
	if got := n.value("data"); got != "PostgreSQL" {
		t.Errorf("the text tells %q of the database", got)
	}
	base, token := n.url()+"/easemob-demo/chatdemoui", n.value("app token")
	if status, body := ask(t, "GET", base+"/chatrooms?pagenum=2&pagesize=3", token, ""); status != 200 || !strings.Contains(body, "132598658687304132") {
		t.Errorf("rooms: %d %s", status, body)
	}
	if status, _ := ask(t, "GET", n.ops()+"/readyz", "", ""); status != 200 {
		t.Errorf("readyz: %d", status)
	}
	var out bytes.Buffer
	tool := Tool{Storage: storage, Out: &out}
	if err := tool.IssueToken(t.Context(), "easemob-demo#chatdemoui", "jma1", nil); err != nil {
		t.Fatal(err)
	}
	if status, body := ask(t, "GET", base+"/users/jma1/joined_chatrooms", strings.TrimSpace(out.String()), ""); status != 200 {
		t.Errorf("with the operator's token: %d %s", status, body)
	}
	if err := tool.Backup(t.Context(), "copy"); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("Backup: %v", err)
	}
}
