package sqlstore

import (
	"database/sql"
	"slices"

	"teahouse/internal/im"
)

// stays returns ErrUserNotFound when a user is gone; else the user stays until the transaction ends.
func (t *tx) stays(app im.AppID, name im.Username) error {
	var seq int64
	found, err := t.row(`SELECT seq FROM users WHERE app = $1 AND name = $2`+t.dialect.forStay, []any{int64(app), string(name)}, &seq)
	if err == nil && !found {
		err = im.ErrUserNotFound.For(name)
	}
	return err
}

func userListKey(app im.AppID, owner im.Username, list im.UserList) []any {
	return []any{int64(app), string(owner), int64(list) + 20}
}

func scanRelation(rows rows) (r im.Relation, err error) {
	err = rows.Scan(&r.User, &r.Note, &r.Seq)
	return r, err
}

const (
	userListWhere = ` FROM user_lists WHERE app = $1 AND owner = $2 AND list = $3`
	relationsOf   = `SELECT username, note, seq` + userListWhere
)

// PutRelation implements [im.UserListTx].
func (t *tx) PutRelation(app im.AppID, owner im.Username, list im.UserList, r im.Relation) (bool, error) {
	for _, name := range []im.Username{owner, r.User} {
		if err := t.stays(app, name); err != nil {
			return false, err
		}
	}
	key := userListKey(app, owner, list)
	n, err := t.exec(`UPDATE user_lists SET note = $5 WHERE app = $1 AND owner = $2 AND list = $3 AND username = $4`, append(key, string(r.User), r.Note)...)
	if err != nil || n > 0 {
		return false, err
	}
	var last int64
	if _, err := t.row(`SELECT seq`+userListWhere+` ORDER BY seq DESC LIMIT 1`, key, &last); err != nil {
		return false, err
	}
	_, err = t.exec(`INSERT INTO user_lists (app, owner, list, username, note, seq) VALUES ($1, $2, $3, $4, $5, $6)`,
		append(key, string(r.User), r.Note, last+1)...)
	return err == nil, err
}

// DeleteRelations implements [im.UserListTx].
func (t *tx) DeleteRelations(app im.AppID, owner im.Username, list im.UserList, users []im.Username) ([]im.Username, error) {
	return t.unlist(`DELETE`+userListWhere+` AND username IN ({}) RETURNING username`, users, userListKey(app, owner, list))
}

// Related implements [im.UserListTx].
func (t *tx) Related(app im.AppID, owner im.Username, of im.UserList, users []im.Username) (found []im.Relation, err error) {
	err = names(t, relationsOf+` AND username IN ({})`, users, userListKey(app, owner, of), func(query string, args []any) error {
		some, err := list(t, query, args, scanRelation)
		found = append(found, some...)
		return err
	})
	slices.SortFunc(found, func(a, b im.Relation) int { return int(a.Seq - b.Seq) })
	return slices.Compact(found), err // a name in two chunks is found twice
}

// Relations implements [im.UserListTx].
func (t *tx) Relations(app im.AppID, owner im.Username, of im.UserList, after int64, limit int) ([]im.Relation, error) {
	return list(t, relationsOf+` AND seq > $4 ORDER BY seq LIMIT $5`, append(userListKey(app, owner, of), after, int64(limit)), scanRelation)
}

// CountRelations implements [im.UserListTx].
func (t *tx) CountRelations(app im.AppID, owner im.Username, of im.UserList) (int, error) {
	var n int64
	_, err := t.row(`SELECT COUNT(*)`+userListWhere, userListKey(app, owner, of), &n)
	return int(n), err
}

// Speaker implements [im.SpeakerTx].
func (t *tx) Speaker(app im.AppID, sender, receiver im.Username) (sp im.Speaker, err error) {
	const query = `SELECT 0, chat, groupchat, chatroom FROM user_mutes WHERE app = $1 AND username = $2
		UNION ALL SELECT list, 0, 0, 0 FROM user_lists WHERE app = $1 AND owner = $3 AND list IN (21, 22) AND username = $2`
	err = t.query(query, []any{int64(app), string(sender), string(receiver)}, func(rows rows) error {
		var list int64
		var ends [3]int64
		err := rows.Scan(&list, &ends[0], &ends[1], &ends[2])
		switch im.UserList(list - 20) {
		case im.ContactList:
			sp.Contact = true
		case im.BlockedList:
			sp.Blocked = true
		default:
			for v, end := range ends {
				sp.Ends[v] = fromMS(end)
			}
		}
		return err
	})
	return sp, err
}

// Voice implements [im.SpeakerTx].
func (t *tx) Voice(app im.AppID, kind im.RoomKind, id im.RoomID, sender im.Username) (v im.Voice, err error) {
	const query = `SELECT r.disabled, r.muted, m.role, a.place, s.until, u.chat, u.groupchat, u.chatroom FROM rooms r
		LEFT JOIN members m ON m.app = r.app AND m.username = $4 AND m.kind = r.kind AND m.room = r.id
		LEFT JOIN room_lists a ON a.app = r.app AND a.room = r.id AND a.list = $5 AND a.username = $4
		LEFT JOIN room_lists s ON s.app = r.app AND s.room = r.id AND s.list = $6 AND s.username = $4
		LEFT JOIN user_mutes u ON u.app = r.app AND u.username = $4
		WHERE r.app = $1 AND r.id = $2 AND r.kind = $3`
	var disabled, muted int64
	var role, allowed, until sql.NullInt64
	var ends [3]sql.NullInt64
	found, err := t.row(query, []any{int64(app), string(id), kindCode(kind), string(sender), listCode(im.Allows), listCode(im.Mutes)},
		&disabled, &muted, &role, &allowed, &until, &ends[0], &ends[1], &ends[2])
	switch {
	case err != nil:
		return v, err
	case !found:
		return v, im.ErrRoomNotFound.In(id)
	}
	v = im.Voice{Disabled: disabled != 0, Silent: muted != 0, Member: role.Valid, Role: im.Stranger, Allowed: allowed.Valid}
	if role.Valid {
		v.Role = im.Role(role.Int64)
	}
	if until.Valid {
		v.Until = fromMS(until.Int64)
	}
	for i, end := range ends {
		if end.Valid {
			v.Anywhere.Ends[i] = fromMS(end.Int64)
		}
	}
	return v, nil
}

// forgetUser removes what stands about a user, on both sides.
func (t *tx) forgetUser(app im.AppID, name im.Username) error {
	for _, query := range []string{
		`DELETE FROM user_lists WHERE app = $1 AND owner = $2`,
		`DELETE FROM user_lists WHERE app = $1 AND username = $2`,
		`DELETE FROM properties WHERE app = $1 AND username = $2`,
	} {
		if _, err := t.exec(query, int64(app), string(name)); err != nil {
			return err
		}
	}
	return t.dropUserMute(app, name)
}
