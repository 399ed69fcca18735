package sqlstore

import (
	"time"

	"teahouse/internal/im"
)

const selectUserMute = `SELECT app, username, chat, groupchat, chatroom FROM user_mutes`

func scanUserMute(rows rows) (m im.UserMute, err error) {
	var ends [3]int64
	err = rows.Scan(&m.App, &m.User, &ends[0], &ends[1], &ends[2])
	for v, end := range ends {
		m.Ends[v] = fromMS(end)
	}
	return m, err
}

// UserMute implements [im.UserMuteTx].
func (t *tx) UserMute(app im.AppID, user im.Username) (im.UserMute, error) {
	all, err := list(t, selectUserMute+` WHERE app = $1 AND username = $2`, []any{int64(app), string(user)}, scanUserMute)
	if err != nil || len(all) == 0 {
		return im.UserMute{App: app, User: user}, err
	}
	return all[0], nil
}

// PutUserMute implements [im.UserMuteTx].
func (t *tx) PutUserMute(m im.UserMute) error {
	var ends [3]int64
	var due int64
	some := false
	for v, end := range m.Ends {
		ends[v] = ms(end)
		some = some || ends[v] != 0
		if ends[v] != 0 && ends[v] < ms(im.Forever()) && (due == 0 || ends[v] < due) {
			due = ends[v]
		}
	}
	if !some {
		return t.dropUserMute(m.App, m.User)
	}
	if err := t.stays(m.App, m.User); err != nil {
		return err
	}
	args := []any{int64(m.App), string(m.User), ends[0], ends[1], ends[2], due}
	n, err := t.exec(`UPDATE user_mutes SET chat = $3, groupchat = $4, chatroom = $5, due = $6 WHERE app = $1 AND username = $2`, args...)
	if err != nil || n > 0 {
		return err
	}
	_, seq, err := t.take(m.App, countUserMutes)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO user_mutes (app, username, chat, groupchat, chatroom, due, seq) VALUES ($1, $2, $3, $4, $5, $6, $7)`, append(args, seq)...)
	return err
}

func (t *tx) dropUserMute(app im.AppID, user im.Username) error {
	n, err := t.exec(`DELETE FROM user_mutes WHERE app = $1 AND username = $2`, int64(app), string(user))
	if err == nil && n > 0 {
		t.drop(app, countUserMutes, n)
	}
	return err
}

// UserMutes implements [im.UserMuteTx].
func (t *tx) UserMutes(app im.AppID, offset, limit int) ([]im.UserMute, error) {
	return list(t, selectUserMute+` WHERE app = $1 ORDER BY seq LIMIT $2 OFFSET $3`, []any{int64(app), int64(limit), int64(offset)}, scanUserMute)
}

// The due loop's queries repeat the condition of the index user_mutes_due.

// DueUserMutes implements [im.UserMuteTx].
func (t *tx) DueUserMutes(now time.Time, limit int) ([]im.UserMute, error) {
	return list(t, selectUserMute+` WHERE due > 0 AND due <= $1 ORDER BY due LIMIT $2`, []any{ms(now), int64(limit)}, scanUserMute)
}

// NextUserMuteEnd implements [im.UserMuteTx].
func (t *tx) NextUserMuteEnd() (time.Time, bool, error) {
	var due int64
	ok, err := t.row(`SELECT due FROM user_mutes WHERE due > 0 ORDER BY due LIMIT 1`, nil, &due)
	return fromMS(due), ok, err
}
