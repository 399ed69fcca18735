package sqlstore

import (
	"context"
	"fmt"
	"testing"

	"teahouse/internal/im"
	"teahouse/internal/storetest"
)

// counting counts the statements of a transaction.
type counting struct {
	runner
	n *int
}

func (c counting) exec(ctx context.Context, query string, args []any) (int64, error) {
	*c.n++
	return c.runner.exec(ctx, query, args)
}

func (c counting) query(ctx context.Context, query string, args []any) (rows, error) {
	*c.n++
	return c.runner.query(ctx, query, args)
}

// TestNoticesTakeFewStatements: sixty people are added to a group at once, and a group of thousands ends.
func TestNoticesTakeFewStatements(t *testing.T) {
	on := func(database string, most [][2]int) func(*testing.T) {
		return func(t *testing.T) {
			if database == "" {
				database = storetest.Postgres(t)
			}
			b := newBench(t, Config{Database: database})
			var notices []im.Message
			var users []im.User
			for i := range 8000 {
				u := im.Username(fmt.Sprintf("told%d", i))
				users = append(users, im.User{App: b.app, Name: u, UUID: string(u)})
				notices = append(notices, im.Message{ID: im.MessageID(1 + i), To: im.NoticesOf(u), Body: im.Body{Type: im.NoticeBody}})
			}
			b.update(func(x im.Tx) error { _, err := x.AddUsers(b.app, users); return err })
			for _, c := range most {
				n, want, statements := c[0], c[1], 0
				for i := range notices {
					notices[i].ID += 10_000
				}
				b.update(func(x im.Tx) error {
					statements = 0
					tx := x.(*tx)
					was := tx.runner
					defer func() { tx.runner = was }()
					tx.runner = counting{was, &statements}
					_, err := tx.Tell(b.app, notices[:n])
					return err
				})
				if statements != want {
					t.Errorf("%d notices take %d statements, want %d", n, statements, want)
				}
			}
		}
	}
	t.Run("sqlite", on("sqlite:"+t.TempDir()+"/told.db", [][2]int{{1, 4}, {60, 14}, {8000, 1009}}))
	t.Run("postgres", on("", [][2]int{{1, 4}, {60, 4}, {8000, 73}}))
}
