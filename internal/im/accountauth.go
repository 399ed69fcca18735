package im

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// LoginField says as what ThinkSNS+ takes the text of a login (wire/thinksns.md §6.1).
type LoginField string

// The fields.
const (
	LoginEmail LoginField = "email"
	LoginPhone LoginField = "phone"
	LoginName  LoginField = "name"
	LoginID    LoginField = "id" // whatever is none of the others, numbers or not
)

// ClassifyLogin tells as what the text of a login is taken.
func ClassifyLogin(login string) LoginField {
	switch {
	case isEmail(login):
		return LoginEmail
	case phoneNumber.MatchString(login):
		return LoginPhone
	case accountName.MatchString(login):
		return LoginName
	}
	return LoginID
}

// noPassword is a bcrypt hash of cost 10 that nothing matches: whoever has no password costs as much as others.
const noPassword = "$2y$10$....................................................."

// AccountLogin returns the account of a login and its password. The login is an email address, a phone number, a name or an
// id. Errors: ErrLoginUnknown (its Arg is the [LoginField]), ErrAccountDisabled, ErrPasswordWrong.
func (s *Service) AccountLogin(ctx context.Context, app *App, login, password string) (Account, error) {
	field := ClassifyLogin(login)
	a, err := s.accountOf(ctx, app, field, login)
	if errors.Is(err, ErrAccountNotFound) {
		_, _ = s.passwords.Verify(ctx, noPassword, password) // guessing is not cheaper than knowing
		return Account{}, ErrLoginUnknown.With(string(field))
	}
	switch {
	case err != nil:
		return Account{}, err
	case !a.Disabled.IsZero():
		return Account{}, ErrAccountDisabled.For(IMName(a.ID))
	}
	hash := a.Password
	if hash == "" {
		hash = noPassword
	}
	ok, err := s.passwords.Verify(ctx, hash, password)
	switch {
	case err != nil:
		return Account{}, err
	case !ok || a.Password == "":
		return Account{}, ErrPasswordWrong.For(IMName(a.ID))
	}
	return a, nil
}

func (s *Service) accountOf(ctx context.Context, app *App, field LoginField, login string) (a Account, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		if field != LoginID {
			a, err = tx.AccountBy(app.ID, AccountKey(field), login)
			return err
		}
		id, e := strconv.ParseInt(login, 10, 64)
		if e != nil {
			return ErrAccountNotFound.With(login)
		}
		accounts, err := tx.Accounts(app.ID, []int64{id})
		if err == nil && len(accounts) == 0 {
			err = ErrAccountNotFound.With(login)
		}
		if err == nil {
			a = accounts[0]
		}
		return err
	})
	return a, err
}

// Session is what a verified JWT says: surfaces read and write its text.
type Session struct {
	Account int64
	ID      string    // jti; empty: it cannot be revoked
	Issued  time.Time // iat, whole seconds
	Version int64     // [Account.Version] at that time; 0: it does not say, as those of PHP do not
}

// EnterAccount returns the account of a session. Errors: ErrTokenBad, when it was revoked, its account is disabled or gone,
// or the credentials have changed since.
func (s *Service) EnterAccount(ctx context.Context, app *App, session Session) (a Account, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		if session.ID != "" {
			if revoked, err := tx.JWTRevoked(app.ID, session.ID); err != nil || revoked {
				return firstError(err, ErrTokenBad)
			}
		}
		a, err = enabled(tx, app.ID, session.Account)
		switch {
		case errors.Is(err, ErrAccountNotFound):
			return ErrTokenBad
		case err != nil:
			return err
		case session.Version != 0 && session.Version != a.Version,
			session.Version == 0 && a.Version > 1 && session.Issued.Before(a.Changed.Truncate(time.Second)):
			return ErrTokenBad
		}
		return nil
	})
	return a, err
}

// RevokeJWT refuses a JWT from now on. It is remembered until a moment after which nobody would take it anyway. first is
// false when it was revoked before: of two who trade one in for a new one only one may.
func (s *Service) RevokeJWT(ctx context.Context, app *App, id string, until time.Time) (first bool, err error) {
	err = s.store.Update(ctx, func(tx Tx) (err error) { first, err = tx.RevokeJWT(app.ID, id, until); return err })
	return first, err
}

// JWTRevoked tells whether a JWT was revoked.
func (s *Service) JWTRevoked(ctx context.Context, app *App, id string) (revoked bool, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) { revoked, err = tx.JWTRevoked(app.ID, id); return err })
	return revoked, err
}

// JWTSecret returns the key that signs the app's JWTs: [Config.JWTSecret], or one that is made once and kept in the store.
func (s *Service) JWTSecret(ctx context.Context, app *App) (string, error) {
	if s.jwtSecret != "" {
		return s.jwtSecret, nil
	}
	return s.secret(ctx, app.ID, "jwt")
}

type secretKey struct {
	app  AppID
	name string
}

// secret returns a secret of the app, which is made when it is first asked for.
func (s *Service) secret(ctx context.Context, app AppID, name string) (string, error) {
	return s.secrets.get(secretKey{app, name}, s.clock.Now(), func() (text string, err error) {
		err = s.store.View(ctx, func(tx Tx) (err error) { text, err = tx.Secret(app, name, ""); return err })
		if err != nil || text != "" {
			return text, err
		}
		fresh := s.ids.Token()
		err = s.store.Update(ctx, func(tx Tx) (err error) { text, err = tx.Secret(app, name, fresh); return err })
		return text, err
	})
}

// admits lets in the account's own person, an admin and the operator; own is true for the first.
func admits(tx Tx, c Caller, id int64) (own bool, err error) {
	switch {
	case !c.Known():
		return false, ErrUnauthenticated
	case c.IsApp():
		return false, nil
	case c.User == IMName(id):
		return true, nil
	}
	if by, ok := AccountID(c.User); ok {
		a, err := enabled(tx, c.App.ID, by)
		if err != nil && !errors.Is(err, ErrAccountNotFound) || err == nil && a.Admin {
			return false, err
		}
	}
	return false, ErrNotSelf.For(IMName(id))
}

// changeAccount locks an account, lets change do its work on it, and stores it.
func (s *Service) changeAccount(ctx context.Context, c Caller, id int64, change func(tx Tx, a *Account, own bool) error) (a Account, err error) {
	err = s.store.Update(ctx, func(tx Tx) error {
		own, err := admits(tx, c, id)
		if err != nil {
			return err
		}
		if a, err = tx.LockAccount(c.App.ID, id); err != nil {
			return err
		}
		if err := change(tx, &a, own); err != nil {
			return err
		}
		return tx.PutAccount(a)
	})
	return a, err
}

// SetAccountPassword changes an account's password: a new im_pwd_hash holds from then on, and the sessions of the social app
// and of the User end. A person must give the old password, if there is one; an admin and the operator need not.
// Errors: ErrAccountNotFound, ErrNotSelf, ErrFieldMissing, ErrFieldLength, ErrPasswordWrong.
func (s *Service) SetAccountPassword(ctx context.Context, c Caller, id int64, password, old string) error {
	switch {
	case password == "":
		return ErrFieldMissing.With("password")
	case len(password) > maxAccountPassword, !c.IsApp() && len([]rune(password)) < minAccountPassword:
		return ErrFieldLength.With("password")
	}
	var was Account
	own := false
	err := s.store.View(ctx, func(tx Tx) (err error) {
		if own, err = admits(tx, c, id); err == nil {
			was, err = enabled(tx, c.App.ID, id)
		}
		return err
	})
	if err != nil {
		return err
	}
	if own && was.Password != "" {
		if ok, err := s.passwords.Verify(ctx, was.Password, old); err != nil || !ok {
			return firstError(err, ErrPasswordWrong.For(IMName(id)))
		}
	}
	hash, err := s.passwords.Bcrypt(ctx, password)
	if err != nil {
		return err
	}
	return s.withUserOf(ctx, c, id, "password", func(tx Tx, a *Account, u *User) error {
		if own && a.Password != was.Password { // changed while we compared
			return ErrPasswordWrong.For(IMName(id))
		}
		a.Password, a.Changed = hash, s.clock.Now()
		a.Version++
		if u != nil {
			u.Password, u.Derived = "", s.nextDerived(*u)
		}
		return nil
	})
}

// withUserOf changes an account together with its User, nil when there is none yet, and ends the User's sessions for a reason.
func (s *Service) withUserOf(ctx context.Context, c Caller, id int64, reason string, change func(Tx, *Account, *User) error) error {
	name, ended := IMName(id), false
	err := s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		ended = false
		if _, err := admits(tx, c, id); err != nil {
			return err
		}
		a, err := tx.LockAccount(c.App.ID, id)
		if err != nil {
			return err
		}
		u, err := lockUser(tx, c.App.ID, name)
		if err != nil {
			return err
		}
		if err := change(tx, &a, u); err != nil {
			return err
		}
		if err := tx.PutAccount(a); err != nil || u == nil {
			return err
		}
		u.Modified = s.clock.Now()
		if reason != "" {
			ended = true
			emit(sessionsEnded(*u, reason))
			if err := tx.DeleteTokens(c.App.ID, name); err != nil {
				return err
			}
		}
		return tx.PutUser(*u)
	})
	if err == nil && ended {
		s.endSessions(c.App.ID, name)
	}
	return err
}

// lockUser locks a user and reads it; nil when there is none.
func lockUser(tx Tx, app AppID, name Username) (*User, error) {
	if err := tx.LockUsers(app, []Username{name}); err != nil {
		return nil, err
	}
	u, err := tx.User(app, name)
	if errors.Is(err, ErrUserNotFound) {
		return nil, nil
	}
	return &u, err
}
