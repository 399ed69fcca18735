package thinksns_test

import (
	"fmt"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// heard returns what was said since, one line a message: who, where, what, and the extension's fields with their kinds.
func (w *world) heard() (lines []string) {
	for _, e := range w.bus.Take() {
		if e.Kind != im.MessageSent {
			continue
		}
		m := e.Message
		if m.To.Notices { // of the SDKs, of which the people's clients show nothing
			continue
		}
		said, _ := m.Body.Fields.Get("msg")
		line := fmt.Sprintf("%s in %s: %s", m.From, m.To.Room, said.Text)
		for _, f := range m.Ext {
			line += fmt.Sprintf(" %s=%s", f.Name, map[im.ValueKind]string{im.TextValue: "", im.JSONValue: "json:"}[f.Kind]+f.Text)
		}
		if m.Body.Type != im.TextBody || m.To.Kind != im.Group || m.Body.Fields[0].Kind != im.TextValue {
			line += fmt.Sprintf(" WRONG %+v", m)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestSystemMessages is wire/thinksns.md §3.9: who hears what after which call. What changes nothing says nothing.
func TestSystemMessages(t *testing.T) {
	w := newWorld(t)
	const g = "/api/v2/easemob/group"
	change := "?im_group_id=" + garden + "&groupname=n&desc=d"
	for _, row := range []struct{ who, method, target, want string }{
		{"root", "POST", g + "?groupname=g&desc=d&members=2,3", `admin in 10000000000003: root创建了群聊！ type=ts_group_create group_id=10000000000003`},
		{"root", "PATCH", g + change, `admin in 10000000000001: root修改了群信息！ type=ts_group_change group_id=10000000000001`},
		{"花儿", "PATCH", g + change + "&new_owner_user=1", `admin in 10000000000001: 花儿修改了群信息！ type=ts_group_change group_id=10000000000001`},
		{"root", "PATCH", g + change + "&new_owner_user=3", `admin in 10000000000001: 木子已成为新群主！ type=ts_group_change group_id=10000000000001`},
		{"花儿", "POST", g + "/member?im_group_id=" + garden + "&members=5,2,4,", `admin in 10000000000001: 花儿邀请了eve、bob加入了群聊。 type=ts_user_join uid=json:["5","4"]`},
		{"花儿", "POST", g + "/member?im_group_id=" + garden + "&members=5", ""},
		{"bob", "DELETE", g + "/member?im_group_id=" + garden + "&members=5", ""},
		{"花儿", "DELETE", g + "/member?im_group_id=" + garden + "&members=4,5", `admin in 10000000000001: 花儿已将bob、eve移出群聊。 type=ts_user_exit uid=4,5`},
		{"花儿", "DELETE", g + "/member?im_group_id=" + garden + "&members=4", ""},
		{"root", "PATCH", g + "?im_group_id=" + garden, ""},
		{"木子", "DELETE", g + "?im_group_id=" + garden, ""},
		{"root", "POST", "/api/v2/easemob/register-old-users", ""},
		{"root", "PUT", "/api/v2/easemob/password", ""},
	} {
		rec := w.do(row.who, row.method, row.target, "")
		if got := strings.Join(w.heard(), "\n"); got != row.want {
			t.Errorf("%s %s as %s → %d\n got %s\nwant %s", row.method, row.target, row.who, rec.Code, got, row.want)
		}
	}
}

// TestSystemMessagesOfMany: more people than one message holds are told in several, each of the usual form.
func TestSystemMessagesOfMany(t *testing.T) {
	w := newWorld(t)
	var batch []im.NewAccount
	for i := range 150 {
		batch = append(batch, im.NewAccount{ID: int64(1001 + i), Name: fmt.Sprintf("名字很长的一位朋友%d", i)})
	}
	_, err := w.svc.ImportAccounts(t.Context(), im.AppCaller(w.app), batch)
	w.must(err)
	var ids []string
	for _, a := range batch {
		ids = append(ids, fmt.Sprint(a.ID))
	}
	all := "?im_group_id=" + garden + "&members=" + strings.Join(ids, ",")
	for _, c := range []struct {
		method string
		want   int
	}{{"POST", 201}, {"DELETE", 204}} {
		rec := w.do("root", c.method, "/api/v2/easemob/group/member"+all, "")
		lines := w.heard()
		if rec.Code != c.want || len(lines) < 2 {
			t.Fatalf("%s: %d %s, %d messages", c.method, rec.Code, rec.Body, len(lines))
		}
		said := strings.Join(lines, "\n")
		for _, a := range batch {
			n := 0
			for _, behind := range []string{"、", "加入了群聊。", "移出群聊。"} {
				n += strings.Count(said, a.Name+behind)
			}
			if n != 1 {
				t.Errorf("%s: %s is told %d times", c.method, a.Name, n)
			}
		}
	}
}

// TestSystemMessagesAreStored: who was away finds them, and who was removed does not.
func TestSystemMessagesAreStored(t *testing.T) {
	w := newWorld(t)
	w.do("root", "DELETE", "/api/v2/easemob/group/member?im_group_id="+garden+"&members=3", "")
	var inRoom []im.Member
	w.must(w.store.View(t.Context(), func(tx im.Tx) (err error) {
		room, err := tx.Room(w.app.ID, im.Group, garden)
		if err == nil {
			inRoom, err = tx.MembersFrom(room, 0, false, 9)
		}
		return err
	}))
	if len(inRoom) != 2 {
		t.Errorf("got %+v", inRoom)
	}
	if lines := w.heard(); len(lines) != 1 {
		t.Errorf("got %q", lines)
	}
}
