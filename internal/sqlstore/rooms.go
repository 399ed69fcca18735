package sqlstore

import (
	"math"

	"teahouse/internal/im"
)

const (
	roomColumns = `rooms.id, rooms.kind, rooms.seq, rooms.version, rooms.members, rooms.owner, rooms.max_users, rooms.muted, rooms.created,
		rooms.name, rooms.description, rooms.custom, rooms.announcement,
		rooms.public, rooms.members_only, rooms.allow_invites, rooms.invite_confirm, rooms.disabled, rooms.avatar`
	selectRoom = `SELECT ` + roomColumns + ` FROM rooms`
	oneRoom    = selectRoom + ` WHERE app = $1 AND id = $2`
)

// scanRooms returns a function that reads one room after the other, into the same places.
func scanRooms(app im.AppID) func(rows) (im.Room, error) {
	r := im.Room{App: app}
	var kind, members, maxUsers, muted, created, public, membersOnly, invites, confirm, disabled int64
	dest := []any{&r.ID, &kind, &r.Seq, &r.Version, &members, &r.Owner, &maxUsers, &muted, &created,
		&r.Name, &r.Description, &r.Custom, &r.Announcement, &public, &membersOnly, &invites, &confirm, &disabled, &r.Avatar}
	return func(rows rows) (im.Room, error) {
		err := rows.Scan(dest...)
		r.Kind, r.Members, r.MaxUsers, r.Muted, r.Created = kindFrom(kind), int(members), int(maxUsers), muted != 0, fromMS(created)
		r.Public, r.MembersOnly, r.AllowInvites, r.InviteNeedConfirm, r.Disabled = public != 0, membersOnly != 0, invites != 0, confirm != 0, disabled != 0
		return r, err
	}
}

func (t *tx) rooms(app im.AppID, query string, args ...any) ([]im.Room, error) {
	return list(t, query, append([]any{int64(app)}, args...), scanRooms(app))
}

// room reads one room. The kind is compared here: the key alone finds the row.
func (t *tx) room(query string, app im.AppID, kind im.RoomKind, id im.RoomID) (room im.Room, err error) {
	found := false
	scan := scanRooms(app)
	err = t.query(query, []any{int64(app), string(id)}, func(rows rows) (err error) {
		found = true
		room, err = scan(rows)
		return err
	})
	if err == nil && (!found || room.Kind != kind) {
		return im.Room{}, im.ErrRoomNotFound.In(id)
	}
	return room, err
}

// Room implements [im.RoomTx].
func (t *tx) Room(app im.AppID, kind im.RoomKind, id im.RoomID) (im.Room, error) {
	return t.room(oneRoom, app, kind, id)
}

// LockRoom implements [im.RoomTx]. SQLite has one writer, who needs no lock.
func (t *tx) LockRoom(app im.AppID, kind im.RoomKind, id im.RoomID) (im.Room, error) {
	return t.room(oneRoom+t.dialect.forUpdate, app, kind, id)
}

// CountChange implements [im.RoomTx].
func (t *tx) CountChange(room im.Room) error {
	n, err := t.exec(`UPDATE rooms SET version = version + 1 WHERE app = $1 AND id = $2`, roomKey(room)...)
	if err == nil && n == 0 {
		err = im.ErrRoomNotFound.In(room.ID)
	}
	return err
}

// Rooms implements [im.RoomTx].
func (t *tx) Rooms(app im.AppID, kind im.RoomKind, ids []im.RoomID) ([]im.Room, error) {
	byID := make(map[im.RoomID]im.Room, len(ids))
	const query = selectRoom + ` WHERE app = $1 AND id IN ({})`
	scan := scanRooms(app)
	err := names(t, query, ids, []any{int64(app)}, func(query string, args []any) error {
		return t.query(query, args, func(rows rows) error {
			r, err := scan(rows)
			if r.Kind == kind {
				byID[r.ID] = r
			}
			return err
		})
	})
	var rooms []im.Room
	for _, id := range ids {
		if r, ok := byID[id]; ok {
			rooms = append(rooms, r)
		}
	}
	return rooms, err
}

// AddRoom implements [im.RoomTx].
func (t *tx) AddRoom(room im.Room, members []im.Member) (rooms int, added bool, err error) {
	live, seq, err := t.take(room.App, kindCode(room.Kind))
	if err != nil {
		return 0, false, err
	}
	n, err := t.exec(`INSERT INTO rooms (app, id, kind, seq, version, members, joins, entries, owner, max_users, muted, created,
		name, description, custom, announcement, public, members_only, allow_invites, invite_confirm, disabled, avatar)
		VALUES ($1, $2, $3, $4, 1, $5, $5, 0, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING`,
		int64(room.App), string(room.ID), kindCode(room.Kind), seq, int64(len(members)), string(room.Owner),
		int64(room.MaxUsers), bit(room.Muted), ms(room.Created), room.Name, room.Description, room.Custom, room.Announcement,
		bit(room.Public), bit(room.MembersOnly), bit(room.AllowInvites), bit(room.InviteNeedConfirm), bit(room.Disabled), room.Avatar)
	if err != nil {
		return 0, false, err
	}
	if n == 0 {
		return int(live) - 1, false, t.giveBack(room.App, kindCode(room.Kind))
	}
	if err := t.insertMembers(room, members, 1); err != nil {
		return 0, false, err
	}
	return int(live), true, t.listen(room, members)
}

// PutRoom implements [im.RoomTx].
func (t *tx) PutRoom(room im.Room) error {
	n, err := t.exec(`UPDATE rooms SET owner = $3, max_users = $4, muted = $5, created = $6, name = $7, description = $8,
		custom = $9, announcement = $10, public = $11, members_only = $12, allow_invites = $13, invite_confirm = $14,
		disabled = $15, avatar = $16 WHERE app = $1 AND id = $2`,
		append(roomKey(room), string(room.Owner), int64(room.MaxUsers), bit(room.Muted),
			ms(room.Created), room.Name, room.Description, room.Custom, room.Announcement, bit(room.Public),
			bit(room.MembersOnly), bit(room.AllowInvites), bit(room.InviteNeedConfirm), bit(room.Disabled), room.Avatar)...)
	if err == nil && n == 0 {
		err = im.ErrRoomNotFound.In(room.ID)
	}
	return err
}

// DeleteRoom implements [im.RoomTx].
func (t *tx) DeleteRoom(room im.Room) error {
	var seq int64
	err := t.change(`DELETE FROM rooms WHERE app = $1 AND id = $2 RETURNING seq`, roomKey(room),
		func(rows rows) error { return rows.Scan(&seq) })
	if err != nil {
		return err
	}
	if seq == 0 {
		return im.ErrRoomNotFound.In(room.ID)
	}
	if err := t.stopAllListening(room); err != nil {
		return err
	}
	for _, query := range []string{
		`DELETE FROM members WHERE app = $1 AND room = $2`,
		`DELETE FROM room_lists WHERE app = $1 AND room = $2`,
		`DELETE FROM attributes WHERE app = $1 AND room = $2`,
		`DELETE FROM member_attributes WHERE app = $1 AND room = $2`,
		`DELETE FROM room_faces WHERE app = $1 AND room = $2`,
		`DELETE FROM pending WHERE app = $1 AND room = $2`,
	} {
		if _, err := t.exec(query, roomKey(room)...); err != nil {
			return err
		}
	}
	if err := t.deleteShared(room); err != nil {
		return err
	}
	if err := t.forgetGaps(memberList(room)); err != nil {
		return err
	}
	t.dropRoom(room, seq)
	return nil
}

// RoomsBefore implements [im.RoomTx].
func (t *tx) RoomsBefore(app im.AppID, kind im.RoomKind, before int64, limit int) ([]im.Room, error) {
	return t.rooms(app, selectRoom+` WHERE app = $1 AND kind = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4`,
		kindCode(kind), before, int64(limit))
}

// publicGroups is answered by the index rooms_public, which holds nothing else; +kind, because SQLite would rather read all
// groups by the index that begins with the kind.
const publicGroups = selectRoom + ` WHERE app = $1 AND +kind = 12 AND public = 1 AND seq < $2 ORDER BY seq DESC LIMIT $3`

// PublicGroupsBefore implements [im.RoomTx].
func (t *tx) PublicGroupsBefore(app im.AppID, before int64, limit int) ([]im.Room, error) {
	return t.rooms(app, publicGroups, before, int64(limit))
}

// RoomsAt implements [im.RoomTx].
func (t *tx) RoomsAt(app im.AppID, kind im.RoomKind, offset, limit int) ([]im.Room, error) {
	at := place{seq: math.MaxInt64}
	if offset > 0 {
		var live, next int64
		_, err := t.row(`SELECT live, next FROM counters WHERE app = $1 AND kind = $2`, []any{int64(app), kindCode(kind)}, &live, &next)
		if err != nil || int64(offset) >= live {
			return nil, err
		}
		if at, err = t.fromEnd(roomList(app, kind), live, next, int64(offset)); err != nil {
			return nil, err
		}
	}
	return t.rooms(app, selectRoom+` WHERE app = $1 AND kind = $2 AND seq <= $3 ORDER BY seq DESC LIMIT $4 OFFSET $5`,
		kindCode(kind), at.seq, int64(limit), at.skip)
}
