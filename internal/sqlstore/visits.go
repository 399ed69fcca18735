package sqlstore

import (
	"cmp"
	"slices"
	"time"

	"teahouse/internal/im"
)

// visits walks the memberships of each user by the primary key.
const visits = `SELECT room, username FROM members WHERE app = $1 AND kind = 11 AND by_rest = 0 AND role = 0 AND username IN ({})`

// Visits implements [im.VisitTx]. The order is Go's on both engines, whatever the collation of the database.
func (t *tx) Visits(app im.AppID, users []im.Username) (all []im.Visit, err error) {
	err = names(t, visits, users, []any{int64(app)}, func(query string, args []any) error {
		var v im.Visit
		dest := []any{&v.Room, &v.User}
		some, err := list(t, query, args, func(rows rows) (im.Visit, error) { err := rows.Scan(dest...); return v, err })
		all = append(all, some...)
		return err
	})
	slices.SortFunc(all, func(a, b im.Visit) int { return cmp.Or(cmp.Compare(a.Room, b.Room), cmp.Compare(a.User, b.User)) })
	return all, err
}

// visitors is answered by the index members_visits alone, which holds nothing else: it says what that index says.
const visitors = `SELECT DISTINCT app, username FROM members WHERE kind + 0 = 11 AND by_rest = 0 AND role = 0 AND (app, username) > ($1, $2)
	ORDER BY app, username LIMIT $3`

// Visitors implements [im.VisitTx].
func (t *tx) Visitors(after im.Visitor, limit int) ([]im.Visitor, error) {
	return list(t, visitors, []any{int64(after.App), string(after.User), int64(limit)}, func(rows rows) (v im.Visitor, err error) {
		err = rows.Scan(&v.App, &v.User)
		return v, err
	})
}

// PutAbsences implements [im.VisitTx].
func (t *tx) PutAbsences(app im.AppID, users []im.Username, due time.Time) error {
	const insert = `INSERT INTO absences (app, username, due) SELECT app, name, $2 FROM users WHERE app = $1 AND name IN ({})
		ON CONFLICT (app, username) DO UPDATE SET due = excluded.due`
	return names(t, insert, users, []any{int64(app), ms(due)}, func(query string, args []any) error {
		_, err := t.exec(query, args...)
		return err
	})
}

// EndAbsence implements [im.VisitTx].
func (t *tx) EndAbsence(app im.AppID, user im.Username) error {
	_, err := t.exec(`DELETE FROM absences WHERE app = $1 AND username = $2`, int64(app), string(user))
	return err
}

// DueAbsences implements [im.VisitTx].
func (t *tx) DueAbsences(now time.Time, limit int) ([]im.Absence, error) {
	var a im.Absence
	var due int64
	dest := []any{&a.App, &a.User, &due}
	return list(t, `SELECT app, username, due FROM absences WHERE due <= $1 ORDER BY due, app, username LIMIT $2`, []any{ms(now), int64(limit)}, func(rows rows) (im.Absence, error) {
		err := rows.Scan(dest...)
		a.Due = fromMS(due)
		return a, err
	})
}

// NextAbsence implements [im.VisitTx].
func (t *tx) NextAbsence() (time.Time, bool, error) {
	var due int64
	ok, err := t.row(`SELECT due FROM absences ORDER BY due LIMIT 1`, nil, &due)
	return fromMS(due), ok, err
}

// ClaimAbsence implements [im.VisitTx].
func (t *tx) ClaimAbsence(a im.Absence) (bool, error) {
	n, err := t.exec(`DELETE FROM absences WHERE app = $1 AND username = $2 AND due = $3`, int64(a.App), string(a.User), ms(a.Due))
	return n == 1, err
}
