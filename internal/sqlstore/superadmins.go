package sqlstore

import (
	"time"

	"teahouse/internal/im"
)

// AddSuperAdmin implements [im.SuperAdminTx]. Who is one already keeps the place in the list.
func (t *tx) AddSuperAdmin(app im.AppID, user im.Username, at time.Time) error {
	_, seq, err := t.take(app, countSuperAdmins)
	if err != nil {
		return err
	}
	n, err := t.exec(`INSERT INTO super_admins (app, username, granted, seq) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		int64(app), string(user), ms(at), seq)
	if err == nil && n == 0 {
		err = t.giveBack(app, countSuperAdmins)
	}
	return err
}

// RemoveSuperAdmin implements [im.SuperAdminTx].
func (t *tx) RemoveSuperAdmin(app im.AppID, user im.Username) (bool, error) {
	n, err := t.exec(`DELETE FROM super_admins WHERE app = $1 AND username = $2`, int64(app), string(user))
	if err == nil && n == 1 {
		t.drop(app, countSuperAdmins, 1)
	}
	return n == 1, err
}

// SuperAdmins implements [im.SuperAdminTx].
func (t *tx) SuperAdmins(app im.AppID, offset, limit int) ([]im.Username, error) {
	return list(t, `SELECT username FROM super_admins WHERE app = $1 ORDER BY seq LIMIT $2 OFFSET $3`,
		[]any{int64(app), int64(limit), int64(offset)}, func(rows rows) (user im.Username, err error) {
			err = rows.Scan(&user)
			return user, err
		})
}

// IsSuperAdmin implements [im.SuperAdminTx].
func (t *tx) IsSuperAdmin(app im.AppID, user im.Username) (bool, error) {
	var seq int64
	return t.row(`SELECT seq FROM super_admins WHERE app = $1 AND username = $2`, []any{int64(app), string(user)}, &seq)
}
