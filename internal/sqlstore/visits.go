package sqlstore

import (
	"cmp"
	"slices"

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
