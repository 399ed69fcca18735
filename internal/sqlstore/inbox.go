package sqlstore

import (
	"cmp"
	"database/sql"
	"maps"
	"slices"
	"strings"

	"teahouse/internal/im"
)

// TakePart implements [im.InboxTx].
func (t *tx) TakePart(app im.AppID, c im.ConversationID, users []im.Username, after im.MessageID) error {
	const insert = `WITH v(i, n) AS (VALUES {})
		INSERT INTO spans (app, username, conv, since, until) SELECT $1, v.n, $2, $3, 9223372036854775807 FROM v
		WHERE NOT EXISTS (SELECT 1 FROM spans s WHERE s.app = $1 AND s.username = v.n AND s.conv = $2 AND s.until = 9223372036854775807)
		ON CONFLICT (app, username, conv, since) DO UPDATE SET until = excluded.until`
	for len(users) > 0 {
		n := t.dialect.chunk(len(users))
		args := append(make([]any, 0, 3+n), int64(app), string(c), int64(after))
		for _, u := range users[:n] {
			args = append(args, string(u))
		}
		if _, err := t.exec(t.texts.repeat(insert, `(#,CAST(? AS TEXT))`, 4, n), args...); err != nil {
			return err
		}
		users = users[n:]
	}
	return nil
}

// Last implements [im.MessageTx].
func (t *tx) Last(app im.AppID, c im.ConversationID) (im.MessageID, error) {
	var last int64
	_, err := t.row(`SELECT last FROM conversations WHERE app = $1 AND conv = $2`, []any{int64(app), string(c)}, &last)
	return im.MessageID(last), err
}

// StopPart implements [im.InboxTx].
func (t *tx) StopPart(app im.AppID, c im.ConversationID, users []im.Username) error {
	last, err := t.Last(app, c)
	if err != nil {
		return err
	}
	return names(t, `UPDATE spans SET until = $3 WHERE app = $1 AND conv = $2 AND until = 9223372036854775807 AND username IN ({})`, users,
		[]any{int64(app), string(c), int64(last)}, func(query string, args []any) error {
			_, err := t.exec(query, args...)
			return err
		})
}

// listen lets new members of a group take part in its conversation.
func (t *tx) listen(room im.Room, members []im.Member) error {
	if room.Kind != im.Group || len(members) == 0 {
		return nil
	}
	c := im.Conversation("", im.ToRoom(room.Kind, room.ID))
	last, err := t.Last(room.App, c)
	if err != nil {
		return err
	}
	users := make([]im.Username, len(members))
	for i, m := range members {
		users[i] = m.User
	}
	return t.TakePart(room.App, c, users, last)
}

// stopListening ends what listen began.
func (t *tx) stopListening(room im.Room, users []im.Username) error {
	if room.Kind != im.Group {
		return nil
	}
	return t.StopPart(room.App, im.Conversation("", im.ToRoom(room.Kind, room.ID)), users)
}

// stopAllListening is stopListening for all members.
func (t *tx) stopAllListening(room im.Room) error {
	if room.Kind != im.Group {
		return nil
	}
	c := im.Conversation("", im.ToRoom(room.Kind, room.ID))
	last, err := t.Last(room.App, c)
	if err != nil {
		return err
	}
	_, err = t.exec(`UPDATE spans SET until = $3 WHERE app = $1 AND conv = $2 AND until = 9223372036854775807
		AND username IN (SELECT username FROM members WHERE app = $1 AND room = $4)`, int64(room.App), string(c), int64(last), string(room.ID))
	return err
}

const selectSpans = `SELECT s.conv, s.since, s.until, c.last, k.place, a.place FROM spans s
	JOIN conversations c ON c.app = s.app AND c.conv = s.conv
	LEFT JOIN cursors k ON k.app = s.app AND k.username = s.username AND k.device = $3 AND k.conv = s.conv
	LEFT JOIN cursors a ON a.app = s.app AND a.username = s.username AND a.device = '' AND a.conv = s.conv
	WHERE s.app = $1 AND s.username = $2`

// Spans implements [im.InboxTx].
func (t *tx) Spans(app im.AppID, u im.Username, device string, of ...im.ConversationID) (spans []im.Span, err error) {
	var conv string
	var since, until, last int64
	var acked, furthest sql.NullInt64
	scan := func(rows rows) (im.Span, error) {
		err := rows.Scan(&conv, &since, &until, &last, &acked, &furthest)
		return im.Span{Conversation: im.ConversationID(conv), After: im.MessageID(since), Until: im.MessageID(until), Last: im.MessageID(last),
			Acked: im.MessageID(acked.Int64), AckedByAny: im.MessageID(furthest.Int64)}, err
	}
	key := []any{int64(app), string(u), device}
	if len(of) == 0 {
		spans, err = list(t, selectSpans, key, scan)
	} else {
		err = names(t, selectSpans+` AND s.conv IN ({})`, of, key, func(query string, args []any) error {
			some, err := list(t, query, args, scan)
			spans = append(spans, some...)
			return err
		})
	}
	slices.SortFunc(spans, func(a, b im.Span) int {
		return cmp.Or(cmp.Compare(a.Conversation, b.Conversation), cmp.Compare(a.After, b.After))
	})
	return spans, err
}

// standsInInbox is Message.For in SQL, and leaves out what the device itself sent; $5 is the user, $6 the device, $7 what the
// user's name looks like in only_for, $8 the other user of the conversation.
const standsInInbox = ` WHERE app = $1 AND conv = $2 AND id > $3 AND id <= $4 AND (flags & 5) = 0
	AND (sender <> $5 OR ((flags & 2) <> 0 AND device <> $6 AND $6 <> ''))
	AND (only_for = '' OR sender = $5 OR only_for LIKE $7 ESCAPE '\')
	AND (to_device = '' OR to_device = $6 OR $6 = '' OR (sender = $5 AND $5 <> $8))`

func inboxArgs(d im.Device, c im.ConversationID, after, until im.MessageID) []any {
	like := "% " + strings.ReplaceAll(string(d.User), "_", `\_`) + " %"
	return []any{int64(d.App), string(c), int64(after), int64(until), string(d.User), d.Name, like, string(c.With(d.User).User)}
}

// MessagesFor implements [im.InboxTx].
func (t *tx) MessagesFor(d im.Device, c im.ConversationID, after, until im.MessageID, limit int) ([]im.Message, error) {
	return list(t, selectMessage+standsInInbox+` ORDER BY id LIMIT $9`, append(inboxArgs(d, c, after, until), int64(limit)), scanMessages(d.App))
}

// countInbox leaves out what nobody said, unless a device asks; $9 is the first type of that.
const countInbox = `SELECT COUNT(*) FROM messages` + standsInInbox + ` AND ($6 <> '' OR type < $9 AND about = 0)`

// CountMessages implements [im.InboxTx].
func (t *tx) CountMessages(d im.Device, c im.ConversationID, after, until im.MessageID) (int, error) {
	var n int64
	_, err := t.row(countInbox, append(inboxArgs(d, c, after, until), int64(im.RecallBody)), &n)
	return int(n), err
}

// Device implements [im.InboxTx].
func (t *tx) Device(app im.AppID, u im.Username, name string) (im.Device, error) {
	var born, seen int64
	found, err := t.row(`SELECT born, seen FROM devices WHERE app = $1 AND username = $2 AND device = $3`,
		[]any{int64(app), string(u), name}, &born, &seen)
	if err == nil && !found {
		err = im.ErrDeviceNotFound.For(u).With(name)
	}
	return im.Device{App: app, User: u, Name: name, Born: im.MessageID(born), Seen: fromMS(seen)}, err
}

// PutDevice implements [im.InboxTx].
func (t *tx) PutDevice(d im.Device) error {
	n, err := t.exec(`INSERT INTO devices (app, username, device, born, seen) SELECT app, name, $3, $4, $5 FROM users WHERE app = $1 AND name = $2
		ON CONFLICT (app, username, device) DO UPDATE SET born = excluded.born, seen = excluded.seen`,
		int64(d.App), string(d.User), d.Name, int64(d.Born), ms(d.Seen))
	if err == nil && n == 0 {
		err = im.ErrUserNotFound.For(d.User)
	}
	return err
}

// PutPlaces implements [im.PlaceTx].
func (t *tx) PutPlaces(d im.Device, places map[im.ConversationID]im.MessageID) error {
	for _, c := range slices.Sorted(maps.Keys(places)) {
		_, err := t.exec(`INSERT INTO cursors (app, username, device, conv, place) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (app, username, device, conv) DO UPDATE SET place = excluded.place WHERE cursors.place < excluded.place`,
			int64(d.App), string(d.User), d.Name, string(c), int64(places[c]))
		if err != nil {
			return err
		}
	}
	return nil
}

// The places of devices, and in the second statement those of the furthest. Several may be of one: a statement changes a row once.
const (
	placesOf = `WITH v(i, n, d, c, p) AS (VALUES {})
		INSERT INTO cursors (app, username, device, conv, place)
		SELECT s.app, v.n, v.d, v.c, MAX(v.p) FROM v JOIN devices s ON s.app = $1 AND s.username = v.n AND s.device = v.d
		WHERE v.i >= 0 GROUP BY s.app, v.n, v.d, v.c`
	furthestOf = `WITH v(i, n, d, c, p) AS (VALUES {})
		INSERT INTO cursors (app, username, device, conv, place)
		SELECT s.app, v.n, '', v.c, MAX(v.p) FROM v JOIN devices s ON s.app = $1 AND s.username = v.n AND s.device = v.d
		WHERE v.i >= 0 GROUP BY s.app, v.n, v.c`
	orFurther = ` ON CONFLICT (app, username, device, conv) DO UPDATE SET place = excluded.place WHERE cursors.place < excluded.place`
)

// PutPlacesOf implements [im.PlaceTx].
func (t *tx) PutPlacesOf(app im.AppID, places []im.Place) error {
	for len(places) > 0 {
		n := t.dialect.chunk(len(places))
		args := append(make([]any, 0, 1+4*n), int64(app))
		for _, p := range places[:n] {
			args = append(args, string(p.User), p.Device, string(im.Conversation(p.User, p.With)), int64(p.UpTo))
		}
		for _, insert := range []string{placesOf + orFurther, furthestOf + orFurther} {
			if _, err := t.exec(t.texts.repeat(insert, `(#,CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS TEXT),CAST(? AS BIGINT))`, 2, n), args...); err != nil {
				return err
			}
		}
		places = places[n:]
	}
	return nil
}
