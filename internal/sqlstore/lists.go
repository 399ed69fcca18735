package sqlstore

import (
	"slices"
	"time"

	"teahouse/internal/im"
)

// PutEntries implements [im.ListTx]. Who is on the list already keeps the place on it.
// ErrRoomNotFound when the room is gone.
func (t *tx) PutEntries(room im.Room, list im.List, entries []im.Entry) error {
	entries = lastOfEach(entries)
	if len(entries) == 0 {
		return nil
	}
	var place int64
	err := t.change(`UPDATE rooms SET entries = entries + $3 WHERE app = $1 AND id = $2 RETURNING entries`,
		append(roomKey(room), int64(len(entries))), func(rows rows) error { return rows.Scan(&place) })
	if err != nil {
		return err
	}
	if place == 0 {
		return im.ErrRoomNotFound.In(room.ID)
	}
	const insert = `INSERT INTO room_lists (app, room, list, username, until, place) VALUES {}
		ON CONFLICT (app, room, list, username) DO UPDATE SET until = excluded.until`
	for place -= int64(len(entries)); len(entries) > 0; {
		n := t.dialect.chunk(len(entries))
		args := listKey(room, list)
		for _, e := range entries[:n] {
			place++
			args = append(args, string(e.User), ms(e.Until), place)
		}
		if _, err := t.exec(t.texts.repeat(insert, `($1,$2,$3,?,?,?)`, 4, n), args...); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// lastOfEach drops all but the last entry of a user: PostgreSQL puts no row twice in one statement.
func lastOfEach(entries []im.Entry) []im.Entry {
	seen := make(map[im.Username]bool, len(entries))
	var kept []im.Entry
	for _, e := range slices.Backward(entries) {
		if !seen[e.User] {
			seen[e.User] = true
			kept = append(kept, e)
		}
	}
	slices.Reverse(kept)
	return kept
}

func listKey(room im.Room, list im.List) []any {
	return []any{int64(room.App), string(room.ID), listCode(list)}
}

// DeleteEntries implements [im.ListTx].
func (t *tx) DeleteEntries(room im.Room, list im.List, users []im.Username) ([]im.Username, error) {
	const query = `DELETE FROM room_lists WHERE app = $1 AND room = $2 AND list = $3 AND username IN ({}) RETURNING username`
	return t.unlist(query, users, listKey(room, list))
}

// unlist takes users off a list and returns those who were on it, each once and in the order given. The query returns their names.
func (t *tx) unlist(query string, users []im.Username, key []any) (were []im.Username, err error) {
	gone := map[im.Username]bool{}
	err = names(t, query, users, key, func(query string, args []any) error {
		return t.change(query, args, func(rows rows) error {
			var user im.Username
			err := rows.Scan(&user)
			gone[user] = true
			return err
		})
	})
	for _, user := range users {
		if gone[user] {
			were = append(were, user)
			delete(gone, user)
		}
	}
	return were, err
}

// Entries implements [im.ListTx].
func (t *tx) Entries(room im.Room, kind im.List, users ...im.Username) (entries []im.Entry, err error) {
	type placed struct {
		im.Entry
		place int64
	}
	scan := func(rows rows) (e placed, err error) {
		var until int64
		err = rows.Scan(&e.User, &until, &e.place)
		e.Until = fromMS(until)
		return e, err
	}
	const all = `SELECT username, until, place FROM room_lists WHERE app = $1 AND room = $2 AND list = $3`
	var found []placed
	if len(users) == 0 {
		found, err = list(t, all, listKey(room, kind), scan)
	} else {
		err = names(t, all+` AND username IN ({})`, users, listKey(room, kind), func(query string, args []any) error {
			some, err := list(t, query, args, scan)
			found = append(found, some...)
			return err
		})
	}
	slices.SortFunc(found, func(a, b placed) int { return int(a.place - b.place) })
	for i, e := range found {
		if i == 0 || e.place != found[i-1].place { // a name in two chunks is found twice
			entries = append(entries, e.Entry)
		}
	}
	return entries, err
}

// The due loop's queries repeat the condition of the index room_lists_due. A mute for good is never due.

// DueMutes implements [im.ListTx].
func (t *tx) DueMutes(now time.Time, limit int) ([]im.Mute, error) {
	return list(t, `SELECT app, room, username, until FROM room_lists WHERE list = 21 AND until <= $1 ORDER BY until LIMIT $2`,
		[]any{min(ms(now), ms(im.Forever())-1), int64(limit)}, func(rows rows) (m im.Mute, err error) {
			var until int64
			err = rows.Scan(&m.App, &m.Room, &m.User, &until)
			m.Until = fromMS(until)
			return m, err
		})
}

// NextMuteEnd implements [im.ListTx].
func (t *tx) NextMuteEnd() (time.Time, bool, error) {
	var until int64
	ok, err := t.row(`SELECT until FROM room_lists WHERE list = 21 AND until < $1 ORDER BY until LIMIT 1`,
		[]any{ms(im.Forever())}, &until)
	return fromMS(until), ok, err
}

// EndMute implements [im.ListTx].
func (t *tx) EndMute(m im.Mute) (bool, error) {
	n, err := t.exec(`DELETE FROM room_lists WHERE app = $1 AND room = $2 AND list = 21 AND username = $3 AND until = $4`,
		int64(m.App), string(m.Room), string(m.User), ms(m.Until))
	return n == 1, err
}
