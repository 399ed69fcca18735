package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"teahouse/internal/im"
)

// onOnlyApp is onApp where the deployment's only app needs no name.
func (t Tool) onOnlyApp(ctx context.Context, key string, fn func(core, *im.App) error) error {
	if key != "" {
		return t.onApp(ctx, key, fn)
	}
	return t.with(ctx, false, func(c core) error {
		apps, err := c.service.Apps(ctx)
		switch {
		case err != nil:
			return err
		case len(apps) == 0:
			return errors.New("there is no app yet; make one: teahouse app create ORG#APP")
		case len(apps) != 1:
			return fmt.Errorf("there are %d apps: name one with --app ORG#APP; \"teahouse app list\" shows them", len(apps))
		}
		return fn(c, &apps[0])
	})
}

// accountJSON is an account as scripts read it.
type accountJSON struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Email    string    `json:"email,omitempty"`
	Phone    string    `json:"phone,omitempty"`
	Admin    bool      `json:"admin"`
	Disabled bool      `json:"disabled"`
	Password bool      `json:"has_password"`
	Created  time.Time `json:"created"`
}

func describeAccount(a im.Account) accountJSON {
	return accountJSON{a.ID, a.Name, a.Email, a.Phone, a.Admin, !a.Disabled.IsZero(), a.Password != "", a.Created.UTC()}
}

// accountWords words an error about an account for an operator.
func accountWords(err error) error {
	if err == nil {
		return nil
	}
	e := im.AsError(err)
	switch e.Code {
	case im.ErrAccountNotFound.Code:
		return fmt.Errorf("there is no account %s; \"teahouse account list\" shows those that exist", e.Arg)
	case im.ErrAccountTaken.Code:
		return fmt.Errorf("another account has this %s", e.Arg)
	case im.ErrFieldMissing.Code:
		return fmt.Errorf("the %s is missing", e.Arg)
	case im.ErrFieldLength.Code:
		return fmt.Errorf("the %s is too short or too long", e.Arg)
	case im.ErrInvalid.Code:
		return fmt.Errorf("the %s is not valid", e.Arg)
	}
	return err
}

// freshPassword makes a password when none is given.
func freshPassword(given string) (password string, fresh bool) {
	if given != "" {
		return given, false
	}
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b), true
}

// NewAccount is an account to be made.
type NewAccount struct {
	ID                           int64 // 0: the next one
	Name, Email, Phone, Password string
	Admin                        bool
}

// CreateAccount makes an account; without a password one is made and printed.
func (t Tool) CreateAccount(ctx context.Context, app string, n NewAccount) error {
	return t.onOnlyApp(ctx, app, func(c core, app *im.App) error {
		var fresh bool
		n.Password, fresh = freshPassword(n.Password)
		a, err := c.service.CreateAccount(ctx, im.AppCaller(app),
			im.NewAccount{ID: n.ID, Name: n.Name, Email: n.Email, Phone: n.Phone, Password: n.Password, Admin: n.Admin})
		if err != nil {
			return accountWords(err)
		}
		if t.JSON {
			given := struct {
				accountJSON
				Fresh string `json:"password,omitempty"`
			}{accountJSON: describeAccount(a)}
			if fresh {
				given.Fresh = n.Password
			}
			return t.printJSON(given)
		}
		t.printf("account   %d %s\n", a.ID, a.Name)
		if fresh {
			t.printf("password  %s\n", n.Password)
		}
		return nil
	})
}

// ListAccounts prints accounts by id, disabled ones too.
func (t Tool) ListAccounts(ctx context.Context, app, keyword string, after int64, limit int) error {
	q := im.AccountQuery{Keyword: keyword, After: after, Limit: max(limit, 1), Disabled: true}
	return t.onOnlyApp(ctx, app, func(c core, app *im.App) error {
		accounts, err := c.service.FindAccounts(ctx, app, q)
		if err != nil {
			return err
		}
		if t.JSON {
			list := make([]accountJSON, len(accounts))
			for i, a := range accounts {
				list[i] = describeAccount(a)
			}
			return t.printJSON(list)
		}
		for _, a := range accounts {
			t.printf("%s\n", accountLine(a))
		}
		if len(accounts) == q.Limit {
			t.printf("There may be more: --after %d\n", accounts[len(accounts)-1].ID)
		}
		return nil
	})
}

func accountLine(a im.Account) string {
	words := []string{fmt.Sprintf("%-8d %-24s", a.ID, a.Name)}
	for _, w := range []struct {
		on   bool
		text string
	}{{a.Email != "", a.Email}, {a.Phone != "", a.Phone}, {a.Admin, "admin"}, {!a.Disabled.IsZero(), "disabled"}, {a.Password == "", "no password"}} {
		if w.on {
			words = append(words, w.text)
		}
	}
	return strings.TrimRight(strings.Join(words, "  "), " ")
}

// onAccount finds an account, also a disabled one, by its id, name, email address or phone number.
func (t Tool) onAccount(ctx context.Context, app, who string, fn func(core, *im.App, im.Account) error) error {
	return t.onOnlyApp(ctx, app, func(c core, app *im.App) error {
		a, err := findAccount(ctx, c, app, who)
		if err != nil {
			return accountWords(err)
		}
		return accountWords(fn(c, app, a))
	})
}

// findAccount takes digits for an id; names of digits alone are found by id only.
func findAccount(ctx context.Context, c core, app *im.App, who string) (a im.Account, err error) {
	err = c.store.View(ctx, func(tx im.Tx) error {
		if id, e := strconv.ParseInt(who, 10, 64); e == nil && id <= im.MaxAccountID && im.ClassifyLogin(who) != im.LoginPhone {
			accounts, err := tx.Accounts(app.ID, []int64{id})
			if err != nil || len(accounts) == 0 {
				return errors.Join(err, im.ErrAccountNotFound.With(who))
			}
			a = accounts[0]
			return nil
		}
		key := im.ByName
		switch im.ClassifyLogin(who) {
		case im.LoginEmail:
			key = im.ByEmail
		case im.LoginPhone:
			key = im.ByPhone
		}
		a, err = tx.AccountBy(app.ID, key, who)
		return err
	})
	return a, err
}

// ShowAccount prints one account.
func (t Tool) ShowAccount(ctx context.Context, app, who string) error {
	return t.onAccount(ctx, app, who, func(_ core, _ *im.App, a im.Account) error {
		if t.JSON {
			return t.printJSON(describeAccount(a))
		}
		t.printf("%s\ncreated  %s\n", accountLine(a), a.Created.UTC().Format(time.RFC3339))
		return nil
	})
}

// SetAccountPassword gives an account a new password, which is made and printed when none is given. Its sessions end.
func (t Tool) SetAccountPassword(ctx context.Context, app, who, password string) error {
	return t.onAccount(ctx, app, who, func(c core, app *im.App, a im.Account) error {
		if !a.Disabled.IsZero() {
			return fmt.Errorf("%s is disabled: enable it first", a.Name)
		}
		password, fresh := freshPassword(password)
		if err := c.service.SetAccountPassword(ctx, im.AppCaller(app), a.ID, password, ""); err != nil {
			return err
		}
		t.printf("%s has a new password; its sessions have ended.\n", a.Name)
		if fresh {
			t.printf("password  %s\n", password)
		}
		return nil
	})
}

// DisableAccount keeps a person out, or lets one in again.
func (t Tool) DisableAccount(ctx context.Context, app, who string, disabled bool) error {
	return t.onAccount(ctx, app, who, func(c core, app *im.App, a im.Account) error {
		do, word := c.service.EnableAccount, "enabled"
		if disabled {
			do, word = c.service.DisableAccount, "disabled"
		}
		if err := do(ctx, im.AppCaller(app), a.ID); err != nil {
			return err
		}
		t.printf("%s is %s.\n", a.Name, word)
		return nil
	})
}

// DeleteAccount removes an account for good.
func (t Tool) DeleteAccount(ctx context.Context, app, who string) error {
	return t.onAccount(ctx, app, who, func(c core, app *im.App, a im.Account) error {
		if err := c.service.DeleteAccount(ctx, im.AppCaller(app), a.ID); err != nil {
			return err
		}
		t.printf("%s is gone.\n", a.Name)
		return nil
	})
}

// SetAdmin makes an account an admin, or an ordinary one.
func (t Tool) SetAdmin(ctx context.Context, app, who string, admin bool) error {
	return t.onAccount(ctx, app, who, func(c core, app *im.App, a im.Account) error {
		if err := c.service.SetAdmin(ctx, im.AppCaller(app), a.ID, admin); err != nil {
			return err
		}
		word := "an admin now"
		if !admin {
			word = "no admin any more"
		}
		t.printf("%s is %s.\n", a.Name, word)
		return nil
	})
}
