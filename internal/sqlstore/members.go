package sqlstore

import (
	"database/sql"
	"math"

	"teahouse/internal/im"
)

const memberColumns = `username, role, joined, seq, by_rest FROM members WHERE app = $1 AND room = $2`

// scanMembers returns a function that reads one member after the other, into the same places.
func scanMembers() func(rows) (im.Member, error) {
	var m im.Member
	var role, joined, byREST int64
	dest := []any{&m.User, &role, &joined, &m.Seq, &byREST}
	return func(rows rows) (im.Member, error) {
		err := rows.Scan(dest...)
		m.Role, m.Joined, m.ByREST = im.Role(role), fromMS(joined), byREST != 0
		return m, err
	}
}

func (t *tx) members(room im.Room, where string, args ...any) ([]im.Member, error) {
	return list(t, `SELECT `+memberColumns+where, append([]any{int64(room.App), string(room.ID)}, args...), scanMembers())
}

// AddMembers implements [im.MemberTx]. ErrAlreadyMember when one is in the room, ErrRoomNotFound when it is gone.
func (t *tx) AddMembers(room im.Room, members []im.Member) error {
	if len(members) == 0 {
		return nil
	}
	var joins int64
	err := t.change(`UPDATE rooms SET members = members + $3, joins = joins + $3 WHERE app = $1 AND id = $2 RETURNING joins`,
		[]any{int64(room.App), string(room.ID), int64(len(members))},
		func(rows rows) error { return rows.Scan(&joins) })
	if err != nil {
		return err
	}
	if joins == 0 {
		return im.ErrRoomNotFound.In(room.ID)
	}
	if room.Kind == im.Group {
		if err := t.dropAsks(room, members); err != nil {
			return err
		}
	}
	if err := t.insertMembers(room, members, joins-int64(len(members))+1); err != nil {
		return err
	}
	return t.listen(room, members)
}

const insertMember = `INSERT INTO members (app, kind, room, username, role, joined, seq, by_rest) VALUES {}`

// insertMembers writes members to consecutive places from first on.
func (t *tx) insertMembers(room im.Room, members []im.Member, first int64) error {
	key := []any{int64(room.App), kindCode(room.Kind), string(room.ID)}
	var joined any
	for len(members) > 0 {
		n := t.dialect.chunk(len(members))
		args := append(make([]any, 0, 3+5*n), key...)
		for _, m := range members[:n] {
			if at := ms(m.Joined); joined != at { // mostly all the same
				joined = at
			}
			args = append(args, string(m.User), int64(m.Role), joined, first, bit(m.ByREST))
			first++
		}
		_, err := t.exec(t.texts.repeat(insertMember, `($1,$2,$3,?,?,?,?,?)`, 4, n), args...)
		if t.failed != nil && t.dialect.isUnique(t.failed) {
			t.failed = im.ErrAlreadyMember.In(room.ID).Because(t.failed)
			return t.failed
		}
		if err != nil {
			return err
		}
		members = members[n:]
	}
	return nil
}

// RemoveMembers implements [im.MemberTx]. It counts those whom it found.
func (t *tx) RemoveMembers(room im.Room, members []im.Standing) error {
	users := make([]im.Username, len(members))
	for i, m := range members {
		users[i] = m.User
	}
	if err := t.stopListening(room, users); err != nil {
		return err
	}
	query := `DELETE FROM members WHERE app = $1 AND room` + t.dialect.hidden + ` = $2 AND kind = $3 AND username IN ({}) RETURNING seq`
	var gone []int64
	err := names(t, query, users, append(roomKey(room), kindCode(room.Kind)), func(query string, args []any) error {
		return t.change(query, args, func(rows rows) error {
			var seq int64
			err := rows.Scan(&seq)
			gone = append(gone, seq)
			return err
		})
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	_, err = t.exec(`UPDATE rooms SET members = members - $3 WHERE app = $1 AND id = $2`, append(roomKey(room), int64(len(gone)))...)
	if err != nil {
		return err
	}
	return t.addGaps(memberList(room), gone)
}

// roomKey is a room's primary key. The kind is not in it: PostgreSQL, when it knows little of the tables, would rather read
// all rooms of the kind.
func roomKey(room im.Room) []any { return []any{int64(room.App), string(room.ID)} }

// SetRole implements [im.MemberTx]. ErrNotMember when there is no such member.
func (t *tx) SetRole(room im.Room, user im.Username, role im.Role) error {
	n, err := t.exec(`UPDATE members SET role = $5 WHERE app = $1 AND room = $2 AND kind = $3 AND username = $4`,
		append(roomKey(room), kindCode(room.Kind), string(user), int64(role))...)
	if err == nil && n == 0 {
		err = im.ErrNotMember.For(user).In(room.ID)
	}
	return err
}

// MembersFrom implements [im.MemberTx].
func (t *tx) MembersFrom(room im.Room, after int64, desc bool, limit int) ([]im.Member, error) {
	if !desc {
		return t.members(room, ` AND seq > $3 ORDER BY seq LIMIT $4`, after, int64(limit))
	}
	if after == 0 {
		after = math.MaxInt64
	}
	return t.members(room, ` AND seq < $3 ORDER BY seq DESC LIMIT $4`, after, int64(limit))
}

// MembersAt implements [im.MemberTx].
func (t *tx) MembersAt(room im.Room, offset, limit int) ([]im.Member, error) {
	var at place
	if offset > 0 {
		var live, next int64
		_, err := t.row(`SELECT members, joins FROM rooms WHERE app = $1 AND id = $2`, roomKey(room), &live, &next)
		if err != nil || int64(offset) >= live {
			return nil, err
		}
		if at, err = t.fromStart(memberList(room), live, next, int64(offset)); err != nil {
			return nil, err
		}
	}
	return t.members(room, ` AND seq >= $3 ORDER BY seq LIMIT $4 OFFSET $5`, at.seq, int64(limit), at.skip)
}

// Admins implements [im.MemberTx].
func (t *tx) Admins(room im.Room) ([]im.Member, error) {
	return t.members(room, ` AND role = 1 ORDER BY seq`)
}

// JoinedRooms implements [im.MemberTx]. Rooms joined in the same millisecond come newest first.
func (t *tx) JoinedRooms(app im.AppID, user im.Username, kind im.RoomKind, offset, limit int) ([]im.Room, error) {
	const query = selectRoom + ` JOIN members m ON m.app = rooms.app AND m.room = rooms.id
		WHERE m.app = $1 AND m.username = $2 AND m.kind = $3 ORDER BY m.joined DESC, rooms.seq DESC LIMIT $4 OFFSET $5`
	return t.rooms(app, query, string(user), kindCode(kind), int64(limit), int64(offset))
}

// RolesIn implements [im.MemberTx].
func (t *tx) RolesIn(app im.AppID, user im.Username, kind im.RoomKind, ids []im.RoomID) ([]im.Role, error) {
	roles := make(map[im.RoomID]im.Role, len(ids))
	const query = `SELECT room, role FROM members WHERE app = $1 AND username = $2 AND kind = $3 AND room IN ({})`
	err := names(t, query, ids, []any{int64(app), string(user), kindCode(kind)}, func(query string, args []any) error {
		var id im.RoomID
		var role int64
		dest := []any{&id, &role}
		return t.query(query, args, func(rows rows) error {
			err := rows.Scan(dest...)
			roles[id] = im.Role(role)
			return err
		})
	})
	all := make([]im.Role, len(ids))
	for i, id := range ids {
		all[i] = im.Stranger
		if role, ok := roles[id]; ok {
			all[i] = role
		}
	}
	return all, err
}

// roomPlaces walks the user's memberships and looks every room up by its key; a join, PostgreSQL answers by reading all rooms.
const roomPlaces = `SELECT m.room, m.kind, (SELECT r.version FROM rooms r WHERE r.app = m.app AND r.id = m.room), m.shielded FROM members m
	WHERE m.app = $1 AND m.username = $2`

// RoomPlaces implements [im.MemberTx].
func (t *tx) RoomPlaces(app im.AppID, user im.Username) ([]im.RoomPlace, error) {
	var p im.RoomPlace
	var kind, shielded int64
	dest := []any{&p.Room, &kind, &p.Version, &shielded}
	return list(t, roomPlaces, []any{int64(app), string(user)}, func(rows rows) (im.RoomPlace, error) {
		err := rows.Scan(dest...)
		p.Kind, p.Shielded = kindFrom(kind), shielded != 0
		return p, err
	})
}

// standings looks every name up by key: joins, PostgreSQL might answer by reading whole tables. The rooms a user is in are
// walked once: their number, and in the bits above it place and role in the room asked about. Nobody is looked for on the
// lists of a room that never had any.
const standings = `WITH v(i, n) AS (VALUES {})
	SELECT v.i,
		(SELECT u.seq FROM users u WHERE u.app = $1 AND u.name = v.n),
		(SELECT COUNT(*) + CAST(SUM(CASE WHEN m.room = $2 THEN (m.seq * 4 + m.role + 1) * 1048576 ELSE 0 END) AS BIGINT)
			FROM members m WHERE m.app = $1 AND m.username = v.n AND m.kind = $3),
		CASE WHEN (SELECT r.entries FROM rooms r WHERE r.app = $1 AND r.id = $2) > 0 THEN
			(SELECT b.place FROM room_lists b WHERE b.app = $1 AND b.room = $2 AND b.list = 22 AND b.username = v.n) END
	FROM v`

const joinedBits = 20 // of the number of rooms in the third column of standings

// Standings implements [im.MemberTx].
func (t *tx) Standings(room im.Room, users []im.Username) ([]im.Standing, error) {
	all := make([]im.Standing, len(users))
	for first := 0; first < len(users); first += maxNames {
		if err := t.standings(room, users[first:min(len(users), first+maxNames)], all[first:]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (t *tx) standings(room im.Room, users []im.Username, all []im.Standing) error {
	size := padded(len(users))
	args := append(append(make([]any, 0, 3+size), roomKey(room)...), kindCode(room.Kind))
	for i, u := range users {
		all[i].User = u
		args = append(args, string(u))
	}
	for len(args) < 3+size {
		args = append(args, "")
	}
	var i int64
	var user, rooms, blocked sql.NullInt64
	dest := []any{&i, &user, &rooms, &blocked}
	return t.query(t.texts.repeat(standings, `(#,CAST(? AS TEXT))`, 4, size), args, func(row rows) error {
		if err := row.Scan(dest...); err != nil || i >= int64(len(users)) {
			return err
		}
		member := rooms.Int64 >> joinedBits
		s := &all[i]
		s.Exists, s.Member, s.Blocked, s.Role = user.Valid, member > 0, blocked.Valid, im.Stranger
		s.Joined = int(rooms.Int64 & (1<<joinedBits - 1))
		if s.Member {
			s.Seq, s.Role = (member-1)/4, im.Role((member-1)%4)
		}
		return nil
	})
}
