package sqlstore

import (
	"slices"
	"strings"

	"teahouse/internal/im"
)

// noticesOf begins the name of a conversation of notices; that of the user follows.
const noticesOf = "n"

// Tell implements [im.NoticeTx]. A statement changes a conversation once: several notices of one user come one after the other.
func (t *tx) Tell(app im.AppID, messages []im.Message) ([]im.Message, error) {
	told := slices.Clone(messages)
	at := map[im.Username]int{} // of whom the notice is in the round
	var round []*im.Message
	for i := range told {
		m := &told[i]
		if _, twice := at[m.To.User]; twice {
			if err := t.tellEach(app, round, at); err != nil {
				return nil, err
			}
			round = round[:0]
			clear(at)
		}
		at[m.To.User] = len(round)
		round = append(round, m)
	}
	return told, t.tellEach(app, round, at)
}

// tellEach tells each of several users one thing.
func (t *tx) tellEach(app im.AppID, round []*im.Message, at map[im.Username]int) error {
	fresh, err := t.advanceEach(app, round, at)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		if err := t.holdApp(app); err != nil {
			return err
		}
		const part = `INSERT INTO spans (app, username, conv, since, until) SELECT app, name, '` + noticesOf + `' || name, 0, 9223372036854775807
			FROM users WHERE app = $1 AND name IN ({}) ON CONFLICT DO NOTHING`
		err := names(t, part, fresh, []any{int64(app)}, func(query string, args []any) error { _, err := t.exec(query, args...); return err })
		if err != nil {
			return err
		}
	}
	return t.addNotices(app, slices.DeleteFunc(round, func(m *im.Message) bool { return m.ID == 0 }))
}

// advanceEach is Advance for each conversation of those users who exist; the others' messages lose their IDs. It returns whose
// first notices these are.
func (t *tx) advanceEach(app im.AppID, round []*im.Message, at map[im.Username]int) (fresh []im.Username, err error) {
	const advance = `WITH v(i, n, id) AS (VALUES {})
		INSERT INTO conversations (app, conv, last, prev) SELECT u.app, '` + noticesOf + `' || u.name, v.id, 0 FROM v JOIN users u ON u.app = $1 AND u.name = v.n WHERE v.i >= 0
		ON CONFLICT (app, conv) DO UPDATE SET prev = conversations.last,
			last = CASE WHEN conversations.last < excluded.last THEN excluded.last ELSE conversations.last + $2 END
		RETURNING conv, last, prev`
	for left := round; len(left) > 0; {
		n := t.dialect.chunk(len(left))
		args := append(make([]any, 0, 2+2*n), int64(app), step())
		for _, m := range left[:n] {
			args = append(args, string(m.To.User), int64(m.ID))
			m.ID = 0
		}
		left = left[n:]
		var conv string
		var last, prev int64
		err := t.change(t.texts.repeat(advance, `(#,CAST(? AS TEXT),CAST(? AS BIGINT))`, 3, n), args, func(rows rows) error {
			err := rows.Scan(&conv, &last, &prev)
			u := im.Username(strings.TrimPrefix(conv, noticesOf))
			round[at[u]].ID, round[at[u]].Prev = im.MessageID(last), im.MessageID(prev)
			if prev == 0 {
				fresh = append(fresh, u)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// addNotices stores messages that have their IDs.
func (t *tx) addNotices(app im.AppID, round []*im.Message) error {
	const insert = `INSERT INTO messages (app, id, conv, at, sender, device, client, flags, level, type, only_for, to_device, body, wire, raw, edits, editor, edited, about)
		VALUES {} ON CONFLICT DO NOTHING`
	for len(round) > 0 {
		n := t.dialect.chunk(len(round))
		args := append(make([]any, 0, 3+4*n), int64(app), int64(im.NoticeBody), bytesOf(nil))
		for _, m := range round[:n] {
			args = append(args, int64(m.ID), noticesOf+string(m.To.User), ms(m.At), encodeFields(m.Body.Fields, nil))
		}
		added, err := t.exec(t.texts.repeat(insert, `($1,?,?,?,'','','',0,0,$2,'','',?,'',$3,0,'',0,0)`, 4, n), args...)
		if err == nil && added < n {
			err = t.fail(errRace) // another node made one of the ids
		}
		if err != nil {
			return err
		}
		round = round[n:]
	}
	return nil
}

// forgetNotices removes all that a user was told.
func (t *tx) forgetNotices(app im.AppID, u im.Username) error {
	for _, table := range []string{"messages", "conversations"} {
		if _, err := t.exec(`DELETE FROM `+table+` WHERE app = $1 AND conv = $2`, int64(app), noticesOf+string(u)); err != nil {
			return err
		}
	}
	return nil
}
