package sqlstore

import (
	"cmp"
	"slices"
	"time"

	"teahouse/internal/im"
)

func askCode(a im.Ask) int64 { return int64(a) + 30 }

const selectPending = `SELECT p.ask, p.room, p.username, p.inviter, p.message, p.made FROM pending p`

func scanPending(rows rows) (p im.Pending, err error) {
	var ask, made int64
	err = rows.Scan(&ask, &p.Room, &p.User, &p.Inviter, &p.Message, &made)
	p.Ask, p.Made = im.Ask(ask-30), fromMS(made)
	return p, err
}

// PutPending implements [im.PendingTx].
func (t *tx) PutPending(room im.Room, all []im.Pending) error {
	for _, p := range all {
		n, err := t.exec(`INSERT INTO pending (app, room, ask, username, inviter, message, made)
			SELECT app, id, $3, $4, $5, $6, $7 FROM rooms WHERE app = $1 AND id = $2
			ON CONFLICT (app, room, ask, username) DO UPDATE SET inviter = $5, message = $6, made = $7`,
			int64(room.App), string(room.ID), askCode(p.Ask), string(p.User), string(p.Inviter), p.Message, ms(p.Made))
		if err != nil {
			return err
		}
		if n == 0 {
			return im.ErrRoomNotFound.In(room.ID)
		}
	}
	return nil
}

// Pending implements [im.PendingTx].
func (t *tx) Pending(room im.Room, users []im.Username) (all []im.Pending, err error) {
	const query = selectPending + ` WHERE p.app = $1 AND p.room = $2 AND p.ask IN (31, 32) AND p.username IN ({})`
	err = names(t, query, users, roomKey(room), func(query string, args []any) error {
		some, err := list(t, query, args, scanPending)
		all = append(all, some...)
		return err
	})
	slices.SortFunc(all, func(a, b im.Pending) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Ask, b.Ask))
	})
	return slices.Compact(all), err // a name in two chunks is found twice
}

// DropPending implements [im.PendingTx].
func (t *tx) DropPending(room im.Room, ask im.Ask, users []im.Username) error {
	const query = `DELETE FROM pending WHERE app = $1 AND room = $2 AND ask = $3 AND username IN ({})`
	return names(t, query, users, append(roomKey(room), askCode(ask)), func(query string, args []any) error {
		_, err := t.exec(query, args...)
		return err
	})
}

// dropAsks removes the asks of users who become members.
func (t *tx) dropAsks(room im.Room, members []im.Member) error {
	users := make([]im.Username, len(members))
	for i, m := range members {
		users[i] = m.User
	}
	const query = `DELETE FROM pending WHERE app = $1 AND room = $2 AND ask IN (31, 32) AND username IN ({})`
	return names(t, query, users, roomKey(room), func(query string, args []any) error {
		_, err := t.exec(query, args...)
		return err
	})
}

// CountPending implements [im.PendingTx].
func (t *tx) CountPending(room im.Room, ask im.Ask, users []im.Username) (inRoom int, of map[im.Username]int, err error) {
	var waiting int64
	_, err = t.row(`SELECT COUNT(*) FROM pending WHERE app = $1 AND room = $2 AND ask = $3`, append(roomKey(room), askCode(ask)), &waiting)
	if err != nil {
		return 0, nil, err
	}
	of = map[im.Username]int{}
	const query = `SELECT username, COUNT(*) FROM pending WHERE app = $1 AND ask = $2 AND username IN ({}) GROUP BY username`
	err = names(t, query, users, []any{int64(room.App), askCode(ask)}, func(query string, args []any) error {
		return t.query(query, args, func(rows rows) error {
			var user im.Username
			var n int64
			err := rows.Scan(&user, &n)
			of[user] = int(n)
			return err
		})
	})
	return int(waiting), of, err
}

// Awaiting implements [im.PendingTx].
func (t *tx) Awaiting(app im.AppID, user im.Username, oldest time.Time, limit int) (all []im.Pending, err error) {
	for _, query := range []string{
		selectPending + ` WHERE p.app = $1 AND p.username = $2 AND p.ask = 32 AND p.made > $3 ORDER BY p.made DESC LIMIT $4`,
		selectPending + ` JOIN members m ON m.app = p.app AND m.room = p.room
			WHERE m.app = $1 AND m.username = $2 AND m.kind = 12 AND m.role >= 1 AND p.ask = 31 AND p.made > $3 ORDER BY p.made DESC LIMIT $4`,
	} {
		some, err := list(t, query, []any{int64(app), string(user), ms(oldest), int64(limit)}, scanPending)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b im.Pending) int {
		return cmp.Or(a.Made.Compare(b.Made), cmp.Compare(a.Room, b.Room), cmp.Compare(a.User, b.User))
	})
	return all, nil
}

// DeletePending implements [im.PendingTx].
func (t *tx) DeletePending(app im.AppID, until time.Time, limit int) (int, error) {
	const key = `app, room, ask, username`
	return t.exec(`DELETE FROM pending WHERE (`+key+`) IN (SELECT `+key+` FROM pending WHERE app = $1 AND made <= $2 LIMIT $3)`,
		int64(app), ms(until), int64(limit))
}
