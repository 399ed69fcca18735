package sqlstore

import (
	"cmp"
	"slices"

	"teahouse/internal/im"
)

// Properties implements [im.PropertyTx].
func (t *tx) Properties(app im.AppID, users []im.Username) (all []im.Property, err error) {
	const query = `SELECT username, name, value FROM properties WHERE app = $1 AND username IN ({})`
	err = names(t, query, users, []any{int64(app)}, func(query string, args []any) error {
		some, err := list(t, query, args, func(rows rows) (p im.Property, err error) {
			err = rows.Scan(&p.User, &p.Key, &p.Value)
			return p, err
		})
		all = append(all, some...)
		return err
	})
	slices.SortFunc(all, func(a, b im.Property) int { return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Key, b.Key)) })
	return slices.Compact(all), err // a name in two chunks is found twice
}

// PutProperties implements [im.PropertyTx].
func (t *tx) PutProperties(app im.AppID, user im.Username, all []im.Property) error {
	if err := t.stays(app, user); err != nil {
		return err
	}
	for _, p := range all {
		_, err := t.exec(`INSERT INTO properties (app, username, name, value, size) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (app, username, name) DO UPDATE SET value = $4, size = $5`,
			int64(app), string(user), p.Key, p.Value, int64(len(p.Key)+len(p.Value)))
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteProperties implements [im.PropertyTx].
func (t *tx) DeleteProperties(app im.AppID, user im.Username) error {
	_, err := t.exec(`DELETE FROM properties WHERE app = $1 AND username = $2`, int64(app), string(user))
	return err
}

// PropertyBytes implements [im.PropertyTx]. It reads every row of the app: only an operator's page asks.
func (t *tx) PropertyBytes(app im.AppID) (n int64, err error) {
	_, err = t.row(`SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM properties WHERE app = $1`, []any{int64(app)}, &n)
	return n, err
}
