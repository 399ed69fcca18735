package sqlstore

import (
	"path/filepath"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// TestStatementsHaveAnIndex: what is asked of one room, user or conversation reads no rows of others. The statements are as the
// methods write them; that of public groups has to say what the partial index says, and nothing that another index says.
func TestStatementsHaveAnIndex(t *testing.T) {
	s := openFile(t, Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "test.db")})
	inbox := inboxArgs(im.Device{App: 1000, User: "ann", Name: "web"}, "gcrew", 1, 9)
	key := []any{int64(1000), "x"}
	for _, c := range []struct {
		query string
		args  []any
		plan  string
	}{
		{publicGroups, []any{int64(1000), int64(9), int64(10)}, "rooms USING INDEX rooms_public (app=? AND seq<?)"},
		{countInbox, append(inbox, int64(im.RecallBody)), "messages USING INDEX messages_conv (app=? AND conv=? AND id>? AND id<?)"},
		{selectMessage + standsInInbox + ` ORDER BY id LIMIT $8`, append(inbox, int64(5)), "messages USING INDEX messages_conv (app=? AND conv=? AND id>? AND id<?)"},
		{selectReaders, []any{int64(1000), int64(7), int64(0), int64(9)}, "readers USING INDEX readers_seq (app=? AND message=? AND seq>?)"},
		{countReaders, []any{int64(1000), int64(7)}, "readers USING COVERING INDEX readers_seq (app=? AND message=?)"},
		{selectUser + ` WHERE app = $1 AND uuid = $2`, key, "users USING INDEX users_uuid (app=? AND uuid=?)"},
		{selectFile + ` WHERE app = $1 AND number = $2`, []any{int64(1000), int64(7)}, "files USING INDEX files_number (app=? AND number=?)"},
		{`DELETE FROM members WHERE app = $1 AND room = $2`, key, "members USING INDEX members_seq (app=? AND room=?)"},
		{`DELETE FROM files WHERE app = $1 AND room = $2 AND purpose = 32`, key, "files USING INDEX files_room (app=? AND room=?)"},
		{`DELETE FROM room_lists WHERE app = $1 AND username = $2`, key, "room_lists USING INDEX room_lists_user (app=? AND username=?)"},
		{`DELETE FROM pending WHERE app = $1 AND username = $2`, key, "pending USING INDEX pending_user (app=? AND username=?)"},
		{`DELETE FROM user_lists WHERE app = $1 AND username = $2`, key, "user_lists USING INDEX user_lists_user (app=? AND username=?)"},
		{roomPlaces, key, "m USING PRIMARY KEY (app=? AND username=?); CORRELATED SCALAR SUBQUERY 1; SEARCH r USING PRIMARY KEY (app=? AND id=?)"},
		{strings.Replace(visits, "{}", "$2", 1), key, "members USING PRIMARY KEY (app=? AND username=? AND kind=?)"},
		{visitors, []any{int64(1000), "x", int64(9)}, "members USING INDEX members_visits ((app,username)>(?,?))"},
		{`SELECT app, username, due FROM absences WHERE due <= $1 ORDER BY due, app, username LIMIT $2`, []any{int64(9), int64(9)}, "absences USING COVERING INDEX absences_due (due<?)"},
	} {
		plan, err := planOf(t, s, c.query, c.args)
		if err != nil || plan != "SEARCH "+c.plan {
			t.Errorf("%s\ngot the plan %q, %v\nwant %q", c.query, plan, err, "SEARCH "+c.plan)
		}
	}
}

func planOf(t *testing.T, s *Store, query string, args []any) (string, error) {
	var plan []string
	err := s.View(t.Context(), func(x im.Tx) error {
		return x.(*tx).query(`EXPLAIN QUERY PLAN `+query, args, func(rows rows) error {
			var id, parent, unused int64
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			plan = append(plan, detail)
			return err
		})
	})
	return strings.Join(plan, "; "), err
}
