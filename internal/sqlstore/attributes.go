package sqlstore

import (
	"cmp"
	"slices"

	"teahouse/internal/im"
)

func scanAttribute(rows rows) (a im.Attribute, err error) {
	var auto int64
	err = rows.Scan(&a.Key, &a.Value, &a.Setter, &auto)
	a.AutoDelete = auto != 0
	return a, err
}

// byKey sorts, and drops what two chunks of names found twice.
func byKey(all []im.Attribute) []im.Attribute {
	slices.SortFunc(all, func(a, b im.Attribute) int { return cmp.Compare(a.Key, b.Key) })
	return slices.CompactFunc(all, func(a, b im.Attribute) bool { return a.Key == b.Key })
}

const attributesOf = `SELECT name, value, setter, auto_delete FROM attributes WHERE app = $1 AND room = $2`

// Attributes implements [im.AttributeTx].
func (t *tx) Attributes(room im.Room, keys ...string) (all []im.Attribute, err error) {
	if len(keys) == 0 {
		all, err = list(t, attributesOf, roomKey(room), scanAttribute)
		return byKey(all), err
	}
	err = names(t, attributesOf+` AND name IN ({})`, keys, roomKey(room), func(query string, args []any) error {
		some, err := list(t, query, args, scanAttribute)
		all = append(all, some...)
		return err
	})
	return byKey(all), err
}

// PutAttributes implements [im.AttributeTx]. ErrRoomNotFound when the room is gone.
func (t *tx) PutAttributes(room im.Room, all []im.Attribute) error {
	for _, a := range all {
		n, err := t.exec(`INSERT INTO attributes (app, room, name, value, setter, auto_delete)
			SELECT app, id, $3, $4, $5, $6 FROM rooms WHERE app = $1 AND id = $2
			ON CONFLICT (app, room, name) DO UPDATE SET value = $4, setter = $5, auto_delete = $6`,
			int64(room.App), string(room.ID), a.Key, a.Value, string(a.Setter), bit(a.AutoDelete))
		if err != nil {
			return err
		}
		if n == 0 {
			return im.ErrRoomNotFound.In(room.ID)
		}
	}
	return nil
}

// DeleteAttributes implements [im.AttributeTx].
func (t *tx) DeleteAttributes(room im.Room, keys []string) error {
	const query = `DELETE FROM attributes WHERE app = $1 AND room = $2 AND name IN ({})`
	return names(t, query, keys, roomKey(room), func(query string, args []any) error {
		_, err := t.exec(query, args...)
		return err
	})
}

// DropAttributesOf implements [im.AttributeTx]. It looks first: most members leave without having set any.
func (t *tx) DropAttributesOf(room im.Room, users []im.Username) (dropped []im.Attribute, err error) {
	const query = attributesOf + ` AND auto_delete = 1 AND setter IN ({})`
	err = names(t, query, users, roomKey(room), func(query string, args []any) error {
		some, err := list(t, query, args, scanAttribute)
		dropped = append(dropped, some...)
		return err
	})
	if err != nil || len(dropped) == 0 {
		return nil, err
	}
	dropped = byKey(dropped)
	keys := make([]string, len(dropped))
	for i, a := range dropped {
		keys[i] = a.Key
	}
	return dropped, t.DeleteAttributes(room, keys)
}
