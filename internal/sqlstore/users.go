package sqlstore

import (
	"slices"

	"teahouse/internal/im"
)

const selectUser = `SELECT name, uuid, password, derived, nickname, active, created, modified, seq FROM users`

func (t *tx) users(app im.AppID, where string, args ...any) ([]im.User, error) {
	return list(t, selectUser+where, append([]any{int64(app)}, args...), func(rows rows) (im.User, error) {
		u := im.User{App: app}
		var active, created, modified int64
		err := rows.Scan(&u.Name, &u.UUID, &u.Password, &u.Derived, &u.Nickname, &active, &created, &modified, &u.Seq)
		u.Active, u.Created, u.Modified = active != 0, fromMS(created), fromMS(modified)
		return u, err
	})
}

// User implements [im.UserTx].
func (t *tx) User(app im.AppID, name im.Username) (im.User, error) {
	users, err := t.users(app, ` WHERE app = $1 AND name = $2`, string(name))
	if err != nil {
		return im.User{}, err
	}
	if len(users) == 0 {
		return im.User{}, im.ErrUserNotFound.For(name)
	}
	return users[0], nil
}

// LockUsers implements [im.UserTx], in one order against deadlocks: that of Go, whatever the collation of the database. SQLite
// has one writer, who needs no lock.
func (t *tx) LockUsers(app im.AppID, users []im.Username) error {
	if t.dialect.forUpdate == "" {
		return nil
	}
	sorted := slices.Sorted(slices.Values(users))
	query := `SELECT name FROM users WHERE app = $1 AND name IN ({}) ORDER BY name COLLATE "C"` + t.dialect.forUpdate
	return names(t, query, sorted, []any{int64(app)}, func(query string, args []any) error {
		return t.query(query, args, func(rows) error { return nil })
	})
}

// UserByUUID implements [im.UserTx].
func (t *tx) UserByUUID(app im.AppID, uuid string) (im.User, error) {
	users, err := t.users(app, ` WHERE app = $1 AND uuid = $2`, uuid)
	if err != nil {
		return im.User{}, err
	}
	if len(users) == 0 {
		return im.User{}, im.ErrUserNotFound.With(uuid)
	}
	return users[0], nil
}

// Users implements [im.UserTx].
func (t *tx) Users(app im.AppID, after int64, limit int) ([]im.User, error) {
	return t.users(app, ` WHERE app = $1 AND seq > $2 ORDER BY seq LIMIT $3`, after, int64(limit))
}

// AddUser implements [im.UserTx].
func (t *tx) AddUser(u im.User) (bool, error) {
	_, seq, err := t.take(u.App, countUsers)
	if err != nil {
		return false, err
	}
	n, err := t.exec(`INSERT INTO users (app, name, uuid, password, derived, nickname, active, created, modified, seq)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		int64(u.App), string(u.Name), u.UUID, u.Password, u.Derived, u.Nickname, bit(u.Active), ms(u.Created), ms(u.Modified), seq)
	if err == nil && n == 0 {
		err = t.giveBack(u.App, countUsers)
	}
	return n == 1, err
}

// AddUsers implements [im.UserTx].
func (t *tx) AddUsers(app im.AppID, users []im.User) (added int, err error) {
	if len(users) == 0 {
		return 0, nil
	}
	seq, err := t.takeMany(app, countUsers, len(users))
	if err != nil {
		return 0, err
	}
	const insert = `INSERT INTO users (app, name, uuid, password, derived, nickname, active, created, modified, seq) VALUES {} ON CONFLICT DO NOTHING`
	all := len(users)
	for len(users) > 0 {
		n := t.dialect.chunk(len(users))
		args := append(make([]any, 0, 1+9*n), int64(app))
		for _, u := range users[:n] {
			args = append(args, string(u.Name), u.UUID, u.Password, u.Derived, u.Nickname, bit(u.Active), ms(u.Created), ms(u.Modified), seq)
			seq++
		}
		inserted, err := t.exec(t.texts.repeat(insert, `($1,?,?,?,?,?,?,?,?,?)`, 2, n), args...)
		if err != nil {
			return 0, err
		}
		added += inserted
		users = users[n:]
	}
	t.drop(app, countUsers, all-added)
	return added, nil
}

// PutUser implements [im.UserTx].
func (t *tx) PutUser(u im.User) error {
	n, err := t.exec(`UPDATE users SET uuid = $3, password = $4, derived = $5, nickname = $6, active = $7, created = $8, modified = $9
		WHERE app = $1 AND name = $2`,
		int64(u.App), string(u.Name), u.UUID, u.Password, u.Derived, u.Nickname, bit(u.Active), ms(u.Created), ms(u.Modified))
	if err == nil && n == 0 {
		err = im.ErrUserNotFound.For(u.Name)
	}
	return err
}

// DeleteUser implements [im.UserTx].
func (t *tx) DeleteUser(app im.AppID, name im.Username) error {
	n, err := t.exec(`DELETE FROM users WHERE app = $1 AND name = $2`, int64(app), string(name))
	if err != nil {
		return err
	}
	if n == 0 {
		return im.ErrUserNotFound.For(name)
	}
	t.drop(app, countUsers, 1)
	if err := t.DeleteTokens(app, name); err != nil {
		return err
	}
	if _, err := t.RemoveSuperAdmin(app, name); err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM pending WHERE app = $1 AND inviter > '' AND inviter = $2`, int64(app), string(name)); err != nil {
		return err
	}
	for _, table := range []string{"room_lists", "pending", "spans", "devices", "cursors", "absences"} {
		if _, err := t.exec(`DELETE FROM `+table+` WHERE app = $1 AND username = $2`, int64(app), string(name)); err != nil {
			return err
		}
	}
	if err := t.forgetNotices(app, name); err != nil {
		return err
	}
	return t.forgetUser(app, name)
}
