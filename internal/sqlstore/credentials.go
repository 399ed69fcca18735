package sqlstore

import (
	"crypto/rand"
	"time"

	"teahouse/internal/im"
)

// Secret implements [im.CredentialTx].
func (t *tx) Secret(app im.AppID, name, fresh string) (text string, err error) {
	args := []any{int64(app), name}
	if fresh != "" {
		n, err := t.exec(`INSERT INTO secrets (app, name, text) SELECT id, $2, $3 FROM apps WHERE id = $1`+t.dialect.forStay+`
			ON CONFLICT DO NOTHING`, append(args, fresh)...)
		if err != nil {
			return "", err
		}
		if n == 1 {
			return fresh, nil
		}
	}
	found, err := t.row(`SELECT text FROM secrets WHERE app = $1 AND name = $2`, args, &text)
	if err == nil && !found && fresh != "" {
		err = im.ErrAppNotFound
	}
	return text, err
}

// RevokeJWT implements [im.CredentialTx].
func (t *tx) RevokeJWT(app im.AppID, id string, until time.Time) (bool, error) {
	n, err := t.exec(`INSERT INTO revoked_jwts (app, id, until) SELECT id, $2, $3 FROM apps WHERE id = $1`+t.dialect.forStay+`
		ON CONFLICT DO NOTHING`, int64(app), id, ms(until))
	if err != nil || n == 1 {
		return err == nil, err
	}
	revoked, err := t.JWTRevoked(app, id)
	if err == nil && !revoked {
		err = im.ErrAppNotFound
	}
	return false, err
}

// JWTRevoked implements [im.CredentialTx].
func (t *tx) JWTRevoked(app im.AppID, id string) (bool, error) {
	var until int64
	return t.row(`SELECT until FROM revoked_jwts WHERE app = $1 AND id = $2`, []any{int64(app), id}, &until)
}

// DeleteRevokedJWTs implements [im.CredentialTx]. It reads first, so that a round without work writes nothing.
func (t *tx) DeleteRevokedJWTs(before time.Time, limit int) (deleted int, err error) {
	type jwt struct {
		app int64
		id  string
	}
	old, err := list(t, `SELECT app, id FROM revoked_jwts WHERE until < $1 ORDER BY until LIMIT $2`,
		[]any{ms(before), int64(limit)}, func(rows rows) (j jwt, err error) {
			err = rows.Scan(&j.app, &j.id)
			return j, err
		})
	for _, j := range old {
		n, err := t.exec(`DELETE FROM revoked_jwts WHERE app = $1 AND id = $2`, j.app, j.id)
		if err != nil {
			return deleted, err
		}
		deleted += n
	}
	return deleted, err
}

// identity is kept among the secrets, of app 0, which is none.
func (t *tx) identity() (name string, err error) {
	read := func() (found bool, err error) {
		return t.row(`SELECT text FROM secrets WHERE app = 0 AND name = 'identity'`, nil, &name)
	}
	if found, err := read(); err != nil || found {
		return name, err
	}
	if _, err := t.exec(`INSERT INTO secrets (app, name, text) VALUES (0, 'identity', $1) ON CONFLICT DO NOTHING`, rand.Text()); err != nil {
		return "", err
	}
	_, err = read()
	return name, err
}
