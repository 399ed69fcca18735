package sqlstore

import (
	"database/sql"
	"math/rand/v2"
	"strings"
	"time"

	"teahouse/internal/im"
)

// Bits of messages.flags.
const (
	flagOnline = 1
	flagEcho   = 2
	flagPast   = 4
	flagAsks   = 8 // AskReceipts
)

const selectMessage = `SELECT id, conv, at, sender, device, client, flags, level, type, only_for, to_device, body, wire, raw, edits, editor, edited, about FROM messages`

// scanMessages returns a function that reads one message after the other.
func scanMessages(app im.AppID) func(rows) (im.Message, error) {
	m := im.Message{App: app}
	var id, at, flags, level, kind, edits, edited, of int64
	var conv, only string
	var body []byte
	dest := []any{&id, &conv, &at, &m.From, &m.Device, &m.Client, &flags, &level, &kind, &only, &m.ToDevice, &body, &m.Wire, &m.Raw, &edits, &m.Edit.By, &edited, &of}
	return func(rows rows) (im.Message, error) {
		err := rows.Scan(dest...)
		if err != nil {
			return m, err
		}
		m.ID, m.At, m.To = im.MessageID(id), fromMS(at), im.ConversationID(conv).With(m.From)
		m.Level, m.Body.Type = im.Level(level), im.BodyType(kind)
		m.Online, m.Echo, m.Past = flags&flagOnline != 0, flags&flagEcho != 0, flags&flagPast != 0
		m.AskReceipts = flags&flagAsks != 0
		m.Only, m.Of = usersFrom(only), im.MessageID(of)
		m.Edit.Count, m.Edit.At = int(edits), fromMS(edited)
		if len(m.Raw) == 0 {
			m.Raw = nil
		}
		m.Body.Fields, m.Ext, err = decodeFields(body)
		return m, err
	}
}

func (t *tx) messages(app im.AppID, query string, args ...any) ([]im.Message, error) {
	return list(t, selectMessage+query, append([]any{int64(app)}, args...), scanMessages(app))
}

// usersText writes names so that one can be looked for with a blank on both sides.
func usersText(names []im.Username) string {
	if len(names) == 0 {
		return ""
	}
	var b strings.Builder
	for _, n := range names {
		b.WriteString(" " + string(n))
	}
	return b.String() + " "
}

func usersFrom(text string) (names []im.Username) {
	for _, n := range strings.Fields(text) {
		names = append(names, im.Username(n))
	}
	return names
}

// Pair implements [im.MessageTx].
func (t *tx) Pair(app im.AppID, c im.ConversationID, from, to im.Username) (p im.Pair, err error) {
	const query = `SELECT
		(SELECT 1 FROM users WHERE app = $1 AND name = $3),
		(SELECT 1 FROM spans WHERE app = $1 AND username = $3 AND conv = $2 AND until = 9223372036854775807),
		(SELECT 1 FROM users WHERE app = $1 AND name = $4),
		(SELECT 1 FROM spans WHERE app = $1 AND username = $4 AND conv = $2 AND until = 9223372036854775807)`
	var found [4]sql.NullInt64
	_, err = t.row(query, []any{int64(app), string(c), string(from), string(to)}, &found[0], &found[1], &found[2], &found[3])
	p.From = im.Party{Exists: found[0].Valid, TakesPart: found[1].Valid}
	p.To = im.Party{Exists: found[2].Valid, TakesPart: found[3].Valid}
	return p, err
}

// Advance implements [im.MessageTx]. ErrAppNotFound when the conversation is new and the app is gone.
func (t *tx) Advance(app im.AppID, c im.ConversationID, id im.MessageID) (next, prev im.MessageID, err error) {
	var last, before int64
	err = t.change(`UPDATE conversations SET prev = last, last = CASE WHEN last < $3 THEN $3 ELSE last + $4 END WHERE app = $1 AND conv = $2 RETURNING last, prev`,
		[]any{int64(app), string(c), int64(id), step()}, func(rows rows) error { return rows.Scan(&last, &before) })
	if err != nil || last > 0 {
		return im.MessageID(last), im.MessageID(before), err
	}
	if err := t.holdApp(app); err != nil {
		return 0, 0, err
	}
	n, err := t.exec(`INSERT INTO conversations (app, conv, last) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, int64(app), string(c), int64(id))
	if err == nil && n == 0 {
		err = t.fail(errRace) // made since the UPDATE looked; PostgreSQL only
	}
	return id, 0, err
}

// step is how far after the last of a conversation the next comes when a clock is behind. Many ids stand side by side, so that the very
// next may be a message's of another conversation.
func step() int64 { return 1 + rand.Int64N(1<<22) }

// holdApp keeps an app from being deleted until the transaction ends. ErrAppNotFound when it is gone.
func (t *tx) holdApp(app im.AppID) error {
	var id int64
	found, err := t.row(`SELECT id FROM apps WHERE id = $1`+t.dialect.forStay, []any{int64(app)}, &id)
	if err == nil && !found {
		err = im.ErrAppNotFound
	}
	return err
}

// AddMessage implements [im.MessageTx]. What comes after Advance finds the app held.
func (t *tx) AddMessage(m im.Message) (bool, error) {
	if m.Past || m.Online {
		if err := t.holdApp(m.App); err != nil {
			return false, err
		}
	}
	flags := bit(m.Online)*flagOnline | bit(m.Echo)*flagEcho | bit(m.Past)*flagPast | bit(m.AskReceipts)*flagAsks
	n, err := t.exec(`INSERT INTO messages (app, id, conv, at, sender, device, client, flags, level, type, only_for, to_device, body, wire, raw, edits, editor, edited, about)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING`,
		int64(m.App), int64(m.ID), string(m.Conversation()), ms(m.At), string(m.From), m.Device, m.Client, flags, int64(m.Level),
		int64(m.Body.Type), usersText(m.Only), m.ToDevice, encodeFields(m.Body.Fields, m.Ext), m.Wire, bytesOf(m.Raw),
		int64(m.Edit.Count), string(m.Edit.By), ms(m.Edit.At), int64(m.Of))
	if err == nil && n == 0 && !m.Past {
		err = t.fail(errRace) // another node made the same id, or stored the same message of the device
	}
	return n == 1, err
}

// bytesOf is never nil: that would be NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Message implements [im.MessageTx].
func (t *tx) Message(app im.AppID, id im.MessageID) (im.Message, error) {
	all, err := t.messages(app, ` WHERE app = $1 AND id = $2`, int64(id))
	if err != nil {
		return im.Message{}, err
	}
	if len(all) == 0 {
		return im.Message{}, im.ErrMessageNotFound.With(id.String())
	}
	return all[0], nil
}

// MessageOf implements [im.MessageTx].
func (t *tx) MessageOf(app im.AppID, from im.Username, device, client string) (im.MessageID, bool, error) {
	var id int64
	found, err := t.row(`SELECT id FROM messages WHERE app = $1 AND sender = $2 AND device = $3 AND client = $4 AND client <> ''`,
		[]any{int64(app), string(from), device, client}, &id)
	return im.MessageID(id), found, err
}

// PutMessage implements [im.MessageTx].
func (t *tx) PutMessage(m im.Message) error {
	n, err := t.exec(`UPDATE messages SET body = $3, wire = $4, raw = $5, edits = $6, editor = $7, edited = $8 WHERE app = $1 AND id = $2`,
		int64(m.App), int64(m.ID), encodeFields(m.Body.Fields, m.Ext), m.Wire, bytesOf(m.Raw), int64(m.Edit.Count), string(m.Edit.By), ms(m.Edit.At))
	if err == nil && n == 0 {
		err = im.ErrMessageNotFound.With(m.ID.String())
	}
	return err
}

// DeleteMessage implements [im.MessageTx].
func (t *tx) DeleteMessage(app im.AppID, id im.MessageID) error {
	n, err := t.exec(`DELETE FROM messages WHERE app = $1 AND id = $2`, int64(app), int64(id))
	if err != nil {
		return err
	}
	if n == 0 {
		return im.ErrMessageNotFound.With(id.String())
	}
	_, err = t.exec(`DELETE FROM readers WHERE app = $1 AND message = $2`, int64(app), int64(id))
	return err
}

// Messages implements [im.MessageTx].
func (t *tx) Messages(app im.AppID, after, before im.MessageID, limit int) ([]im.Message, error) {
	return t.messages(app, ` WHERE app = $1 AND id > $2 AND id < $3 AND type < $4 AND about = 0 ORDER BY id LIMIT $5`,
		int64(after), int64(before), int64(im.RecallBody), int64(limit))
}

// forget runs a removal with a limit after a look whether there is anything, so that a round without work writes nothing.
func (t *tx) forget(look, remove string, args ...any) (int, error) {
	var one int64
	if found, err := t.row(look, args[:len(args)-1], &one); err != nil || !found {
		return 0, err
	}
	return t.exec(remove, args...)
}

// DeleteMessagesBefore implements [im.MessageTx].
func (t *tx) DeleteMessagesBefore(app im.AppID, id im.MessageID, limit int) (int, error) {
	readers, err := t.forget(`SELECT 1 FROM readers WHERE app = $1 AND message < $2 LIMIT 1`,
		`DELETE FROM readers WHERE (app, message, username) IN (SELECT app, message, username FROM readers WHERE app = $1 AND message < $2 LIMIT $3)`,
		int64(app), int64(id), int64(limit))
	if err != nil || readers == limit { // the messages come when their readers are gone
		return readers, err
	}
	return t.forget(`SELECT 1 FROM messages WHERE app = $1 AND id < $2 LIMIT 1`,
		`DELETE FROM messages WHERE app = $1 AND id IN (SELECT id FROM messages WHERE app = $1 AND id < $2 ORDER BY id LIMIT $3)`,
		int64(app), int64(id), int64(limit))
}

// ForgetDevices implements [im.InboxTx].
func (t *tx) ForgetDevices(app im.AppID, since time.Time, limit int) (int, error) {
	type device struct{ user, name string }
	old, err := list(t, `SELECT username, device FROM devices WHERE app = $1 AND seen < $2 ORDER BY seen LIMIT $3`,
		[]any{int64(app), ms(since), int64(limit)}, func(rows rows) (d device, err error) {
			err = rows.Scan(&d.user, &d.name)
			return d, err
		})
	if err != nil {
		return 0, err
	}
	forgotten := 0
	for _, d := range old {
		n, err := t.exec(`DELETE FROM devices WHERE app = $1 AND username = $2 AND device = $3 AND seen < $4`, int64(app), d.user, d.name, ms(since))
		if err == nil && n > 0 {
			forgotten++
			_, err = t.exec(`DELETE FROM cursors WHERE app = $1 AND username = $2 AND device = $3`, int64(app), d.user, d.name)
		}
		if err != nil {
			return forgotten, err
		}
	}
	return forgotten, nil
}

// ForgetSpans implements [im.InboxTx].
func (t *tx) ForgetSpans(app im.AppID, before im.MessageID, limit int) (int, error) {
	return t.forget(`SELECT 1 FROM spans WHERE app = $1 AND until < $2 AND until < 9223372036854775807 LIMIT 1`,
		`DELETE FROM spans WHERE (app, username, conv, since) IN (SELECT app, username, conv, since FROM spans
			WHERE app = $1 AND until < $2 AND until < 9223372036854775807 LIMIT $3)`,
		int64(app), int64(before), int64(limit))
}
