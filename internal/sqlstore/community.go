package sqlstore

import (
	"cmp"
	"slices"

	"teahouse/internal/im"
)

// MembersOf implements [im.CommunityTx].
func (t *tx) MembersOf(app im.AppID, ids []im.RoomID, limit int) (all []im.RoomMember, err error) {
	const query = `SELECT room, username, role, joined, seq, by_rest FROM members WHERE app = $1 AND room IN ({}) ORDER BY room, seq LIMIT $2`
	scan := func(rows rows) (m im.RoomMember, err error) {
		var role, joined, byREST int64
		err = rows.Scan(&m.Room, &m.User, &role, &joined, &m.Seq, &byREST)
		m.Role, m.Joined, m.ByREST = im.Role(role), fromMS(joined), byREST != 0
		return m, err
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids))) // by room, also over several statements
	for len(ids) > 0 && len(all) < limit {
		chunk := ids[:min(len(ids), maxNames)]
		ids = ids[len(chunk):]
		err := names(t, query, chunk, []any{int64(app), int64(limit - len(all))}, func(query string, args []any) error {
			some, err := list(t, query, args, scan)
			all = append(all, some...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// RoomsAmong implements [im.CommunityTx].
func (t *tx) RoomsAmong(app im.AppID, user im.Username, kind im.RoomKind, ids []im.RoomID) (among []im.RoomID, err error) {
	const query = `SELECT room FROM members WHERE app = $1 AND username = $2 AND kind = $3 AND room IN ({})`
	in := make(map[im.RoomID]bool, len(ids))
	err = names(t, query, ids, []any{int64(app), string(user), kindCode(kind)}, func(query string, args []any) error {
		return t.query(query, args, func(rows rows) error {
			var id im.RoomID
			err := rows.Scan(&id)
			in[id] = true
			return err
		})
	})
	for _, id := range ids {
		if in[id] {
			among = append(among, id)
		}
	}
	return among, err
}

// PutFace implements [im.CommunityTx]. ErrRoomNotFound when the room is gone.
func (t *tx) PutFace(app im.AppID, f im.Face) error {
	n, err := t.exec(`INSERT INTO room_faces (app, room, file, url) SELECT app, id, $3, $4 FROM rooms WHERE app = $1 AND id = $2
		ON CONFLICT (app, room) DO UPDATE SET file = $3, url = $4`, int64(app), string(f.Room), f.File, f.URL)
	if err == nil && n == 0 {
		err = im.ErrRoomNotFound.In(f.Room)
	}
	return err
}

// Faces implements [im.CommunityTx].
func (t *tx) Faces(app im.AppID, ids []im.RoomID) (faces []im.Face, err error) {
	const query = `SELECT room, file, url FROM room_faces WHERE app = $1 AND room IN ({})`
	err = names(t, query, ids, []any{int64(app)}, func(query string, args []any) error {
		some, err := list(t, query, args, func(rows rows) (f im.Face, err error) {
			err = rows.Scan(&f.Room, &f.File, &f.URL)
			return f, err
		})
		faces = append(faces, some...)
		return err
	})
	slices.SortFunc(faces, func(a, b im.Face) int { return cmp.Compare(a.Room, b.Room) })
	return slices.CompactFunc(faces, func(a, b im.Face) bool { return a.Room == b.Room }), err
}
