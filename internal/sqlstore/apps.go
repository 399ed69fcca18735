package sqlstore

import (
	"cmp"
	"slices"

	"teahouse/internal/im"
)

const selectApp = `SELECT id, org, name, uuid, client_id, secret, settings, created FROM apps`

func scanApp(rows rows) (a im.App, err error) {
	var secret []byte
	var settings string
	var created int64
	err = rows.Scan(&a.ID, &a.Key.Org, &a.Key.Name, &a.UUID, &a.ClientID, &secret, &settings, &created)
	copy(a.Secret[:], secret)
	a.Settings, a.Created = im.ParseSettings(settings), fromMS(created)
	return a, err
}

// App implements [im.AppTx].
func (t *tx) App(key im.AppKey) (im.App, error) { return t.app(key, "") }

// AppByID implements [im.AppTx].
func (t *tx) AppByID(id im.AppID) (im.App, error) {
	apps, err := list(t, selectApp+` WHERE id = $1`, []any{int64(id)}, scanApp)
	if err == nil && len(apps) == 0 {
		err = im.ErrAppNotFound
	}
	if err != nil {
		return im.App{}, err
	}
	return apps[0], nil
}

// LockApp implements [im.AppTx].
func (t *tx) LockApp(key im.AppKey) (im.App, error) { return t.app(key, t.dialect.forUpdate) }

func (t *tx) app(key im.AppKey, lock string) (im.App, error) {
	apps, err := list(t, selectApp+` WHERE org = $1 AND name = $2`+lock, []any{key.Org, key.Name}, scanApp)
	if err != nil {
		return im.App{}, err
	}
	if len(apps) == 0 {
		t.absent = key
		return im.App{}, im.ErrAppNotFound.With(key.String())
	}
	return apps[0], nil
}

// Apps implements [im.AppTx]. The order is Go's on both engines, whatever the collation of the database.
func (t *tx) Apps() ([]im.App, error) {
	apps, err := list(t, selectApp, nil, scanApp)
	slices.SortFunc(apps, func(a, b im.App) int {
		return cmp.Or(cmp.Compare(a.Key.Org, b.Key.Org), cmp.Compare(a.Key.Name, b.Key.Name))
	})
	return apps, err
}

// PutApp implements [im.AppTx]. Ids are never given twice, and start at 1001 (see the first migration).
func (t *tx) PutApp(a im.App) (id im.AppID, err error) {
	values := []any{a.Key.Org, a.Key.Name, a.UUID, a.ClientID, a.Secret[:], a.Settings.Text(), ms(a.Created)}
	err = t.change(`UPDATE apps SET uuid = $3, client_id = $4, secret = $5, settings = $6, created = $7
		WHERE org = $1 AND name = $2 RETURNING id`, values,
		func(rows rows) error { return rows.Scan(&id) })
	if err != nil {
		return 0, err
	}
	if id != 0 {
		if t.absent == a.Key {
			return 0, t.fail(errRace) // made since App looked; PostgreSQL only
		}
		return id, nil
	}
	t.absent = im.AppKey{}
	err = t.change(`UPDATE counters SET live = live + 1, next = next + 1 WHERE app = 0 AND kind = 23 RETURNING next`,
		nil, func(rows rows) error { return rows.Scan(&id) })
	if err != nil {
		return 0, err
	}
	n, err := t.exec(`INSERT INTO apps (org, name, uuid, client_id, secret, settings, created, id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`, append(values, int64(id))...)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, t.fail(errRace) // made since the UPDATE looked; PostgreSQL only
	}
	for _, kind := range counterKinds() {
		if _, err := t.exec(`INSERT INTO counters (app, kind, live, next) VALUES ($1, $2, 0, 0)`, int64(id), kind); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// counterKinds are what is counted in every app.
func counterKinds() []int64 {
	return []int64{
		countFiles,
		kindCode(im.Chatroom),
		kindCode(im.Group),
		countUsers,
		countSuperAdmins,
		countAccounts,
		countUserMutes,
	}
}

// appTable is a table that holds rows of apps, and its primary key.
type appTable struct{ name, key string }

// appTables are in an order in which nothing can be added to one whose rows are gone: what is added to rooms needs the room's
// row, and places become empty as long as there are rows. A test compares the names with the database's catalogue.
func appTables() []appTable {
	return []appTable{
		{"counters", "app, kind"},
		{"rooms", "app, id"},
		{"users", "app, name"},
		{"tokens", "hash"},
		{"members", "app, username, kind, room"},
		{"room_lists", "app, room, list, username"},
		{"attributes", "app, room, name"},
		{"files", "app, id"},
		{"super_admins", "app, username"},
		{"member_attributes", "app, room, username, name"},
		{"room_faces", "app, room"},
		{"pending", "app, room, ask, username"},
		{"gaps", "app, list, level, bucket"},
		{"conversations", "app, conv"},
		{"messages", "app, id"},
		{"readers", "app, message, username"},
		{"spans", "app, username, conv, since"},
		{"devices", "app, username, device"},
		{"cursors", "app, username, device, conv"},
		{"accounts", "app, id"},
		{"secrets", "app, name"},
		{"revoked_jwts", "app, id"},
		{"user_lists", "app, owner, list, username"},
		{"user_mutes", "app, username"},
		{"properties", "app, username, name"},
		{"absences", "app, username"},
	}
}

// DeleteApp implements [im.AppTx]. The app's row goes first: whoever adds a token holds it. Then the counters: whoever adds
// something else waits for their rows and then finds that they are gone.
func (t *tx) DeleteApp(app im.AppID) error {
	if _, err := t.exec(`DELETE FROM apps WHERE id = $1`, int64(app)); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM counters WHERE app = $1`, int64(app))
	return err
}

// DeleteRemains implements [im.AppTx].
func (t *tx) DeleteRemains(limit int) (deleted int, err error) {
	for _, table := range appTables() {
		for last := int64(0); ; { // 0 has counters, and is no app
			app, err := t.nextApp(table.name, last)
			if err != nil || app == 0 {
				if err != nil {
					return deleted, err
				}
				break
			}
			last = app
			gone, err := t.isGone(app)
			if err != nil {
				return deleted, err
			}
			if !gone {
				continue
			}
			n, err := t.exec(`DELETE FROM `+table.name+` WHERE (`+table.key+`) IN (SELECT `+table.key+` FROM `+table.name+` WHERE app = $1 LIMIT $2)`,
				app, int64(limit-deleted))
			if deleted += n; err != nil || deleted >= limit {
				return deleted, err
			}
		}
	}
	return deleted, nil
}

// nextApp is the next higher id of an app that has rows in the table, or 0.
func (t *tx) nextApp(table string, last int64) (app int64, err error) {
	_, err = t.row(`SELECT app FROM `+table+` WHERE app > $1 ORDER BY app LIMIT 1`, []any{last}, &app)
	return app, err
}

func (t *tx) isGone(app int64) (bool, error) {
	var id int64
	found, err := t.row(`SELECT id FROM apps WHERE id = $1`, []any{app}, &id)
	return !found, err
}
