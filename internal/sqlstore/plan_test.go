package sqlstore

import (
	"path/filepath"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// TestPublicGroupsHaveAnIndex: the page of public groups reads no other rooms. The statement has to say what the partial index
// says, word by word, and nothing that another index says.
func TestPublicGroupsHaveAnIndex(t *testing.T) {
	s := openFile(t, Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "test.db")})
	var plan []string
	err := s.View(t.Context(), func(x im.Tx) error {
		return x.(*tx).query(`EXPLAIN QUERY PLAN `+publicGroups, []any{int64(1000), int64(9), int64(10)}, func(rows rows) error {
			var id, parent, unused int64
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			plan = append(plan, detail)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan, "; "); got != "SEARCH rooms USING INDEX rooms_public (app=? AND seq<?)" {
		t.Errorf("got the plan %q", got)
	}
}
