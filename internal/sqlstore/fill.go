package sqlstore

import (
	"context"
	"time"

	"teahouse/internal/im"
)

// Filling says with what [Fill] fills an app.
type Filling struct {
	Rooms   int       // chatrooms, each with its owner as the only member; every owner has up to 100
	Members int       // plain members to join Room, who are made users too
	Room    im.RoomID // a chatroom that exists; needed for Members
	At      time.Time // when all that is said to have happened; zero means now
}

const fillStep = 50_000 // rows of one transaction

// Fill is for benchmarks and load tests: it brings an app to a size in seconds, with counts and places as if everything had
// come one by one. It knows no rules and must not run beside other work on the same rows.
func Fill(ctx context.Context, s *Store, app im.AppID, f Filling) error {
	if f.At.IsZero() {
		f.At = time.Now()
	}
	for left := f.Rooms; left > 0; left -= fillStep {
		err := s.Update(ctx, func(t im.Tx) error { return t.(*tx).fillRooms(app, min(left, fillStep), ms(f.At)) })
		if err != nil {
			return err
		}
	}
	for left := f.Members; left > 0; left -= fillStep {
		err := s.Update(ctx, func(t im.Tx) error { return t.(*tx).fillMembers(app, f.Room, min(left, fillStep), ms(f.At)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// The statements count i from $1 to $2. Ids grow and jump about a little, as generated ones do.
const (
	fillCount = `WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $2) `
	fillID    = `CAST(10000000000000 + i * 1000 + i * 7919 % 1000 AS TEXT)`
	fillOwner = `'fill' || CAST(i / 100 AS TEXT)`
)

func (t *tx) fillRooms(app im.AppID, n int, at int64) error {
	first, err := t.takeMany(app, kindCode(im.Chatroom), n)
	if err != nil {
		return err
	}
	args := []any{first, first + int64(n) - 1, int64(app), at}
	_, err = t.exec(fillCount+`INSERT INTO rooms (app, id, kind, seq, version, members, joins, entries, owner, max_users, muted, created, name, description,
		custom, announcement, public, members_only, allow_invites, invite_confirm, disabled, avatar) SELECT $3, `+fillID+`, 11, i, 1, 1, 1, 0, `+fillOwner+`, 200, 0, $4, 'room ' || CAST(i AS TEXT), 'filled', '', '',
		0, 0, 0, 0, 0, ''
		FROM n ORDER BY 2`, args...)
	if err != nil {
		return err
	}
	_, err = t.exec(fillCount+`INSERT INTO members (app, username, kind, room, seq, role, joined, by_rest)
		SELECT $3, `+fillOwner+`, 11, `+fillID+`, 1, 2, $4, 1 FROM n ORDER BY 4`, args...)
	if err != nil {
		return err
	}
	return t.fillUsers(app, `'fill'`, first/100, (first+int64(n)-1)/100, at)
}

func (t *tx) fillMembers(app im.AppID, id im.RoomID, n int, at int64) error {
	room, err := t.LockRoom(app, im.Chatroom, id)
	if err != nil {
		return err
	}
	var joins int64
	if _, err := t.row(`SELECT joins FROM rooms WHERE app = $1 AND id = $2`, roomKey(room), &joins); err != nil {
		return err
	}
	first, last := joins+1, joins+int64(n)
	if _, err := t.exec(`UPDATE rooms SET members = members + $3, joins = $4 WHERE app = $1 AND id = $2`,
		int64(app), string(id), int64(n), last); err != nil {
		return err
	}
	if _, err := t.exec(fillCount+`INSERT INTO members (app, username, kind, room, seq, role, joined, by_rest)
		SELECT $3, 'member' || CAST(i AS TEXT), 11, CAST($5 AS TEXT), i, 0, $4, 1 FROM n ORDER BY 2`,
		first, last, int64(app), at, string(id)); err != nil {
		return err
	}
	return t.fillUsers(app, `'member'`, first, last, at)
}

// fillUsers makes those of the users that do not exist yet.
func (t *tx) fillUsers(app im.AppID, prefix string, first, last, at int64) error {
	n := int(last - first + 1)
	seq, err := t.takeMany(app, countUsers, n)
	if err != nil {
		return err
	}
	added, err := t.exec(fillCount+`INSERT INTO users (app, name, uuid, password, derived, nickname, active, created, modified, seq)
		SELECT $3, `+prefix+` || CAST(i AS TEXT), `+prefix+` || CAST(i AS TEXT), '', 0, '', 1, $4, $4, $5 + i - $1 FROM n WHERE true ORDER BY 2
		ON CONFLICT DO NOTHING`, first, last, int64(app), at, seq)
	if err != nil {
		return err
	}
	t.drop(app, countUsers, n-added)
	return nil
}

// takeMany is take for n rows; it returns the first place.
func (t *tx) takeMany(app im.AppID, kind int64, n int) (first int64, err error) {
	if _, err := t.exec(`UPDATE counters SET live = live + $3, next = next + $3 WHERE app = $1 AND kind = $2`, int64(app), kind, int64(n)); err != nil {
		return 0, err
	}
	found, err := t.row(`SELECT next FROM counters WHERE app = $1 AND kind = $2`, []any{int64(app), kind}, &first)
	if err == nil && !found {
		err = im.ErrAppNotFound
	}
	return first - int64(n) + 1, err
}
