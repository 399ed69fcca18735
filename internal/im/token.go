package im

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"
)

// TokenHash is the SHA-256 of a token's text: all that is stored of it.
type TokenHash [sha256.Size]byte

// Token is a bearer secret with an owner and an end.
type Token struct {
	Hash    TokenHash
	App     AppID
	User    Username // empty: an app token
	Issued  time.Time
	Expires time.Time // zero: never
}

// Grant is an issued token, shown once.
type Grant struct {
	Text    string
	Expires time.Time     // zero: never
	TTL     time.Duration // life from now; the longest an SDK can read when the token never ends
	User    *User         // nil for an app token
}

// maxTTL is the longest life in seconds: SDKs read expires_in as a 32-bit integer (wire/easemob.md §3.1).
const maxTTL = 1<<31 - 1

const tokenPrefix = "YWMt"

// Authenticate turns a token's text into a caller of the app.
// Errors: ErrUnauthenticated (no token), ErrTokenCorrupt, ErrTokenBad, ErrTokenExpired.
func (s *Service) Authenticate(ctx context.Context, app *App, text string) (Caller, error) {
	if text == "" {
		return Caller{}, ErrUnauthenticated
	}
	if !strings.HasPrefix(text, tokenPrefix) || len(text) > 256 || !plainWord(text) {
		return Caller{}, ErrTokenCorrupt
	}
	hash := TokenHash(sha256.Sum256([]byte(text)))
	now := s.clock.Now()
	tok, err := s.tokens.get(hash, now, func() (tok Token, err error) {
		err = s.store.View(ctx, func(tx Tx) (err error) { tok, err = tx.Token(hash); return err })
		return tok, err
	})
	switch {
	case err != nil:
		return Caller{}, err
	case tok.App != app.ID:
		return Caller{}, ErrTokenBad
	case !tok.Expires.IsZero() && !now.Before(tok.Expires):
		return Caller{}, ErrTokenExpired
	}
	c := AppCaller(app)
	if tok.User != "" {
		c = UserCaller(app, tok.User)
	}
	c.Expires = tok.Expires
	return c, nil
}

// ClientToken grants an app token for the app's credentials. ttl nil means the app's setting, 0 for good.
// Errors: ErrClientID, ErrClientSecret.
func (s *Service) ClientToken(ctx context.Context, app *App, id, secret string, ttl *time.Duration) (Grant, error) {
	if id == "" || id != app.ClientID {
		return Grant{}, ErrClientID
	}
	if !app.SecretMatches(secret) {
		return Grant{}, ErrClientSecret
	}
	return s.IssueAppToken(ctx, app, ttl)
}

// PasswordToken grants a user token for a name and password.
// Errors: ErrLoginUnknown, ErrPasswordWrong, ErrUserInactive.
func (s *Service) PasswordToken(ctx context.Context, app *App, name, password string, ttl *time.Duration) (Grant, error) {
	u, err := s.findUser(ctx, app.ID, foldName(name))
	if err != nil {
		return Grant{}, loginError(err)
	}
	ok, err := s.passwordMatches(ctx, app, u, password)
	if err != nil {
		return Grant{}, err
	}
	if !ok {
		return Grant{}, ErrPasswordWrong.For(u.Name)
	}
	return s.issue(ctx, app, ttl, func(tx Tx) (*User, error) {
		if err := tx.LockUsers(app.ID, []Username{u.Name}); err != nil {
			return nil, err
		}
		now, err := tx.User(app.ID, u.Name)
		if err != nil {
			return nil, loginError(err)
		}
		if now.Password != u.Password || now.Derived != u.Derived { // changed while we compared
			return nil, ErrPasswordWrong.For(u.Name)
		}
		return &now, nil
	})
}

func loginError(err error) error {
	if e := AsError(err); e.Code == ErrUserNotFound.Code {
		return ErrLoginUnknown.For(e.User)
	}
	return err
}

// InheritToken grants a user token to a caller with an app token, without the password. With create a
// missing user is registered first. Errors: ErrUserNotFound, ErrUserInactive, those of a bad name.
func (s *Service) InheritToken(ctx context.Context, c Caller, name string, create bool, ttl *time.Duration) (Grant, error) {
	if err := c.mustBeApp(); err != nil {
		return Grant{}, err
	}
	n, err := ParseUsername(name)
	if err != nil {
		return Grant{}, err
	}
	return s.issue(ctx, c.App, ttl, func(tx Tx) (*User, error) {
		if err := tx.LockUsers(c.App.ID, []Username{n}); err != nil {
			return nil, err
		}
		u, err := tx.User(c.App.ID, n)
		if create && errors.Is(err, ErrUserNotFound) {
			if _, err := tx.AddUser(s.newUser(c.App.ID, n, "", "")); err != nil {
				return nil, err
			}
			u, err = tx.User(c.App.ID, n) // ours, or another's who was faster
		}
		return &u, err
	})
}

// IssueAppToken grants an app token to an operator.
func (s *Service) IssueAppToken(ctx context.Context, app *App, ttl *time.Duration) (Grant, error) {
	return s.issue(ctx, app, ttl, func(Tx) (*User, error) { return nil, nil })
}

// IssueUserToken grants a user token to an operator. Errors: ErrUserNotFound, ErrUserInactive.
func (s *Service) IssueUserToken(ctx context.Context, app *App, name Username, ttl *time.Duration) (Grant, error) {
	return s.InheritToken(ctx, AppCaller(app), string(name), false, ttl)
}

// issue stores a new token for the owner that find returns; nil means the app.
func (s *Service) issue(ctx context.Context, app *App, ttl *time.Duration, find func(Tx) (*User, error)) (Grant, error) {
	g := Grant{Text: s.ids.Token(), TTL: app.Settings.TokenTTL}
	if ttl != nil {
		if *ttl < 0 {
			return Grant{}, ErrInvalid.With("ttl")
		}
		g.TTL = *ttl
	}
	now := s.clock.Now()
	tok := Token{Hash: TokenHash(sha256.Sum256([]byte(g.Text))), App: app.ID, Issued: now}
	if g.TTL == 0 {
		g.TTL = maxTTL * time.Second
	} else {
		g.TTL = min(g.TTL, maxTTL*time.Second)
		g.Expires = now.Add(g.TTL)
		tok.Expires = g.Expires
	}
	err := s.store.Update(ctx, func(tx Tx) error {
		u, err := find(tx)
		if err != nil {
			return err
		}
		if u != nil {
			if !u.Active {
				return ErrUserInactive.For(u.Name)
			}
			tok.User, g.User = u.Name, u
		}
		return tx.AddToken(tok)
	})
	return g, err
}

// endSessions forgets users' remembered tokens. Their rows are deleted by then.
func (s *Service) endSessions(app AppID, users ...Username) {
	ended := make(map[Username]bool, len(users))
	for _, u := range users {
		ended[u] = true
	}
	s.tokens.dropIf(func(t Token) bool { return t.App == app && ended[t.User] })
}
