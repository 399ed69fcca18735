package sqlstore

import (
	"time"

	"teahouse/internal/im"
)

// Token implements [im.TokenTx].
func (t *tx) Token(hash im.TokenHash) (im.Token, error) {
	token := im.Token{Hash: hash}
	var issued, expires int64
	found, err := t.row(`SELECT app, username, issued, expires FROM tokens WHERE hash = $1`, []any{hash[:]},
		&token.App, &token.User, &issued, &expires)
	if err != nil {
		return im.Token{}, err
	}
	if !found {
		return im.Token{}, im.ErrTokenBad
	}
	token.Issued, token.Expires = fromMS(issued), fromMS(expires)
	return token, nil
}

// AddToken implements [im.TokenTx]. ErrAppNotFound when the app is gone.
func (t *tx) AddToken(token im.Token) error {
	n, err := t.exec(`INSERT INTO tokens (hash, app, username, issued, expires)
		SELECT $1, id, $2, $3, $4 FROM apps WHERE id = $5`+t.dialect.forStay,
		token.Hash[:], string(token.User), ms(token.Issued), ms(token.Expires), int64(token.App))
	if err == nil && n == 0 {
		err = im.ErrAppNotFound
	}
	return err
}

// DeleteTokens implements [im.TokenTx].
func (t *tx) DeleteTokens(app im.AppID, user im.Username) error {
	_, err := t.exec(`DELETE FROM tokens WHERE app = $1 AND username = $2`, int64(app), string(user))
	return err
}

// DeleteExpiredTokens implements [im.TokenTx]. It reads first, so that a round without work writes nothing.
func (t *tx) DeleteExpiredTokens(before time.Time, limit int) (int, error) {
	hashes, err := list(t, `SELECT hash FROM tokens WHERE expires > 0 AND expires < $1 ORDER BY expires LIMIT $2`,
		[]any{ms(before), int64(limit)}, func(rows rows) (hash []byte, err error) {
			err = rows.Scan(&hash)
			return hash, err
		})
	if err != nil {
		return 0, err
	}
	deleted := 0
	for _, hash := range hashes {
		n, err := t.exec(`DELETE FROM tokens WHERE hash = $1`, hash)
		if err != nil {
			return 0, err
		}
		deleted += n
	}
	return deleted, nil
}
