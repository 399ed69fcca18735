package sqlstore

import (
	"cmp"
	"slices"

	"teahouse/internal/im"
)

// MemberAttributes implements [im.MemberAttributeTx].
func (t *tx) MemberAttributes(room im.Room, users []im.Username) (all []im.MemberAttribute, err error) {
	const query = `SELECT username, name, value FROM member_attributes WHERE app = $1 AND room = $2 AND username IN ({})`
	err = names(t, query, users, roomKey(room), func(query string, args []any) error {
		some, err := list(t, query, args, func(rows rows) (a im.MemberAttribute, err error) {
			err = rows.Scan(&a.User, &a.Key, &a.Value)
			return a, err
		})
		all = append(all, some...)
		return err
	})
	slices.SortFunc(all, func(a, b im.MemberAttribute) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Key, b.Key))
	})
	return slices.Compact(all), err // a name in two chunks is found twice
}

// PutMemberAttributes implements [im.MemberAttributeTx].
func (t *tx) PutMemberAttributes(room im.Room, all []im.MemberAttribute) error {
	for _, a := range all {
		key := append(roomKey(room), string(a.User), a.Key)
		if a.Value == "" {
			_, err := t.exec(`DELETE FROM member_attributes WHERE app = $1 AND room = $2 AND username = $3 AND name = $4`, key...)
			if err != nil {
				return err
			}
			continue
		}
		n, err := t.exec(`INSERT INTO member_attributes (app, room, username, name, value)
			SELECT app, id, $3, $4, $5 FROM rooms WHERE app = $1 AND id = $2
			ON CONFLICT (app, room, username, name) DO UPDATE SET value = $5`, append(key, a.Value)...)
		if err != nil {
			return err
		}
		if n == 0 {
			return im.ErrRoomNotFound.In(room.ID)
		}
	}
	return nil
}

// DropMemberAttributes implements [im.MemberAttributeTx].
func (t *tx) DropMemberAttributes(room im.Room, users []im.Username) error {
	const query = `DELETE FROM member_attributes WHERE app = $1 AND room = $2 AND username IN ({})`
	return names(t, query, users, roomKey(room), func(query string, args []any) error {
		_, err := t.exec(query, args...)
		return err
	})
}

// SetShield implements [im.ShieldTx].
func (t *tx) SetShield(room im.Room, user im.Username, on bool) error {
	n, err := t.exec(`UPDATE members SET shielded = $5 WHERE app = $1 AND room = $2 AND kind = $3 AND username = $4`,
		append(roomKey(room), kindCode(room.Kind), string(user), bit(on))...)
	if err == nil && n == 0 {
		err = im.ErrNotMember.For(user).In(room.ID)
	}
	return err
}

// Shields implements [im.ShieldTx].
func (t *tx) Shields(room im.Room, users ...im.Username) ([]im.Username, error) {
	type placed struct {
		user im.Username
		seq  int64
	}
	scan := func(rows rows) (p placed, err error) { err = rows.Scan(&p.user, &p.seq); return p, err }
	var found []placed
	var err error
	const all = `SELECT username, seq FROM members WHERE app = $1 AND room = $2 AND shielded = 1`
	if len(users) == 0 {
		found, err = list(t, all+` ORDER BY seq`, roomKey(room), scan)
	} else {
		const named = all + ` AND kind = $3 AND username IN ({})`
		err = names(t, named, users, append(roomKey(room), kindCode(room.Kind)), func(query string, args []any) error {
			some, err := list(t, query, args, scan)
			found = append(found, some...)
			return err
		})
	}
	slices.SortFunc(found, func(a, b placed) int { return cmp.Compare(a.seq, b.seq) })
	var shielding []im.Username
	for _, p := range slices.Compact(found) {
		shielding = append(shielding, p.user)
	}
	return shielding, err
}
