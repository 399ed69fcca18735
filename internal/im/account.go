package im

import (
	"context"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Profile is what others see of a person of the social app.
type Profile struct {
	ID                 int64
	Name               string
	Bio, Location      *string // nil: unset
	Sex                int     // 0 unknown, 1 male, 2 female
	Avatar, Background *Picture
	Verified           *Verified // nil: not; accounts of our own never are
	Created, Updated   time.Time // zero: unknown
}

// Picture is an uploaded image.
type Picture struct {
	URL, Vendor, Mime string
	Size              int64
	Width, Height     int // 0: unknown
}

// Verified is a person's certification, as the social app shows it.
type Verified struct{ Type, Icon, Description string }

// Account is a person of the social app with what it takes to log in. It owns the User named by its decimal id
// ([IMName]), which comes into being when it is first needed. Only [Config.Directory] nil has accounts.
type Account struct {
	App AppID
	Profile
	Email, Phone string    // empty: none; unique, as the name is, whatever their case
	Password     string    // bcrypt; empty: no login with a password
	Version      int64     // of the credentials: grows with every change of the password
	Changed      time.Time // when the credentials last changed
	Admin        bool      // may act for others; set by operators only
	Disabled     time.Time // zero: not; otherwise nobody sees the account, and it cannot log in
}

// MaxAccountID is the highest id of an account: one digit less than generated ids of rooms have, so that neither is
// taken for the other (wire/thinksns.md §1.5).
const MaxAccountID = 9_999_999_999_999

// IMName returns the username of an account's User.
func IMName(account int64) Username { return Username(strconv.FormatInt(account, 10)) }

// AccountID returns the id of the account whose User this is; false when the name is not one of an account.
func AccountID(u Username) (int64, bool) {
	id, err := strconv.ParseInt(string(u), 10, 64)
	return id, err == nil && id > 0 && id <= MaxAccountID && IMName(id) == u
}

// AccountKey is a field by which accounts are found and in which they are unique.
type AccountKey string

// The keys.
const (
	ByName  AccountKey = "name"
	ByEmail AccountKey = "email"
	ByPhone AccountKey = "phone"
)

// AccountQuery picks accounts.
type AccountQuery struct {
	Keyword       string // part of the name; empty: all
	Except        int64  // not this one; 0: none is left out
	Disabled      bool   // also those who are disabled
	After         int64  // ids above only
	Offset, Limit int
}

// NewAccount is an account to be made.
type NewAccount struct {
	ID                         int64 // 0: the next one
	Name, Email, Phone         string
	Password                   string // in clear
	Hash                       string // bcrypt, taken as it is; wins over Password
	Bio, Location              string
	Sex                        int
	Avatar, Background         *Picture
	Created, Updated, Disabled time.Time
	Admin                      bool
}

// Limits of an account's fields (wire/thinksns.md §6.1).
const (
	maxAccountName     = 64 // characters
	maxEmail           = 128
	minAccountPassword = 6  // characters, of passwords that people choose
	maxAccountPassword = 72 // bytes: bcrypt reads no more
	maxProfileText     = 255
)

var (
	accountName = regexp.MustCompile(`^[a-zA-Z_\x{80}-\x{10ffff}][a-zA-Z0-9_\x{80}-\x{10ffff}]*$`)
	phoneNumber = regexp.MustCompile(`^(\+?0?86-?)?1[3-9][0-9]{9}$`)
	bcryptHash  = regexp.MustCompile(`^\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$`)
)

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= maxEmail && !strings.ContainsAny(s, " \"()")
}

// SignUp makes the account of somebody who came without a token. The first one is not an admin either.
// Errors: ErrFieldMissing (name, password), ErrInvalid (name, email, phone), ErrFieldLength (name, password, email),
// ErrAccountTaken (name, email, phone).
func (s *Service) SignUp(ctx context.Context, app *App, n NewAccount) (Account, error) {
	n = NewAccount{Name: n.Name, Email: n.Email, Phone: n.Phone, Password: n.Password}
	if err := checkSignUp(n); err != nil {
		return Account{}, err
	}
	return s.addAccount(ctx, app, n)
}

func checkSignUp(n NewAccount) error {
	switch {
	case n.Name == "":
		return ErrFieldMissing.With("name")
	case !accountName.MatchString(n.Name):
		return ErrInvalid.With("name")
	case n.Phone != "" && !phoneNumber.MatchString(n.Phone):
		return ErrInvalid.With("phone")
	case n.Password == "":
		return ErrFieldMissing.With("password")
	case utf8.RuneCountInString(n.Password) < minAccountPassword:
		return ErrFieldLength.With("password")
	}
	return checkAccount(n)
}

// checkAccount checks what holds for everyone, also for those whom an operator makes or brings along.
func checkAccount(n NewAccount) error {
	switch {
	case n.ID < 0 || n.ID > MaxAccountID:
		return ErrInvalid.With("id")
	case n.Name == "":
		return ErrFieldMissing.With("name")
	case strings.TrimSpace(n.Name) != n.Name || !plainText(n.Name):
		return ErrInvalid.With("name")
	case utf8.RuneCountInString(n.Name) > maxAccountName:
		return ErrFieldLength.With("name")
	case len(n.Email) > maxEmail:
		return ErrFieldLength.With("email")
	case n.Email != "" && !isEmail(n.Email):
		return ErrInvalid.With("email")
	case len(n.Phone) > maxAccountName || !plainText(n.Phone):
		return ErrInvalid.With("phone")
	case n.Hash != "" && !bcryptHash.MatchString(n.Hash):
		return ErrInvalid.With("password")
	case len(n.Password) > maxAccountPassword:
		return ErrFieldLength.With("password")
	case n.Sex < 0 || n.Sex > 2:
		return ErrInvalid.With("sex")
	case utf8.RuneCountInString(n.Bio) > maxProfileText || !plainText(n.Bio):
		return ErrFieldLength.With("bio")
	case utf8.RuneCountInString(n.Location) > maxProfileText || !plainText(n.Location):
		return ErrFieldLength.With("location")
	}
	return nil
}

// plainText is text that every store can hold.
func plainText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// CreateAccount makes an account for an operator, who may choose its id, its hash and what a person may not. It needs an
// app token. Errors: as SignUp, ErrInvalid (id, password), ErrAccountTaken (id).
func (s *Service) CreateAccount(ctx context.Context, c Caller, n NewAccount) (Account, error) {
	if err := c.mustBeApp(); err != nil {
		return Account{}, err
	}
	if err := checkAccount(n); err != nil {
		return Account{}, err
	}
	return s.addAccount(ctx, c.App, n)
}

func (s *Service) addAccount(ctx context.Context, app *App, n NewAccount) (Account, error) {
	a, err := s.newAccount(ctx, app, n)
	if err != nil {
		return Account{}, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		added, err := tx.AddAccounts(app.ID, []Account{a})
		if err != nil {
			return err
		}
		if added[0].Taken != "" {
			return ErrAccountTaken.With(added[0].Taken)
		}
		a.ID = added[0].ID
		return nil
	})
	return a, err
}

// newAccount is the account that a checked NewAccount describes.
func (s *Service) newAccount(ctx context.Context, app *App, n NewAccount) (Account, error) {
	now := s.clock.Now()
	a := Account{App: app.ID, Email: strings.ToLower(n.Email), Phone: n.Phone, Password: n.Hash, Version: 1, Changed: now, Admin: n.Admin,
		Disabled: n.Disabled, Profile: Profile{ID: n.ID, Name: n.Name, Bio: orNil(n.Bio), Location: orNil(n.Location), Sex: n.Sex,
			Avatar: n.Avatar, Background: n.Background, Created: n.Created, Updated: n.Updated}}
	if a.Created.IsZero() {
		a.Created = now
	}
	if a.Updated.IsZero() {
		a.Updated = a.Created
	}
	if a.Password != "" || n.Password == "" {
		return a, nil
	}
	hash, err := s.passwords.Bcrypt(ctx, n.Password)
	a.Password = hash
	return a, err
}

// orNil makes an unset text of an empty one.
func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Account returns an account that is not disabled. Errors: ErrAccountNotFound.
func (s *Service) Account(ctx context.Context, app *App, id int64) (a Account, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) { a, err = enabled(tx, app.ID, id); return err })
	return a, err
}

// enabled reads an account that is not disabled.
func enabled(tx Tx, app AppID, id int64) (Account, error) {
	accounts, err := tx.Accounts(app, []int64{id})
	if err == nil && (len(accounts) == 0 || !accounts[0].Disabled.IsZero()) {
		err = ErrAccountNotFound.With(strconv.FormatInt(id, 10))
	}
	if err != nil {
		return Account{}, err
	}
	return accounts[0], nil
}

// AccountBy finds an account that is not disabled. Errors: ErrAccountNotFound.
func (s *Service) AccountBy(ctx context.Context, app *App, key AccountKey, value string) (a Account, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) { a, err = tx.AccountBy(app.ID, key, value); return err })
	if err == nil && !a.Disabled.IsZero() {
		return Account{}, ErrAccountNotFound.With(value)
	}
	return a, err
}

// FindAccounts lists accounts by id.
func (s *Service) FindAccounts(ctx context.Context, app *App, q AccountQuery) (accounts []Account, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) { accounts, err = tx.FindAccounts(app.ID, q); return err })
	return accounts, err
}

// Profiles returns those of the numbered people who exist and are not disabled, by id: our own accounts, or those of the
// ThinkSNS+ beside us. Errors: those of [Directory].
func (s *Service) Profiles(ctx context.Context, app *App, ids []int64) (profiles []Profile, err error) {
	if s.directory != nil {
		return s.directory.Profiles(ctx, ids)
	}
	err = s.store.View(ctx, func(tx Tx) error {
		accounts, err := tx.Accounts(app.ID, ids)
		profiles = nil
		for _, a := range accounts {
			if a.Disabled.IsZero() {
				profiles = append(profiles, a.Profile)
			}
		}
		return err
	})
	return profiles, err
}

// ProfileChange names the fields to change; nil leaves one as it is, empty text and an empty Picture unset it.
type ProfileChange struct {
	Name, Email, Phone *string
	Bio, Location      *string
	Sex                *int
	Avatar, Background *Picture
}

// SetProfile changes an account: a person's own, or for an admin or the operator anybody's.
// Errors: ErrAccountNotFound, ErrNotSelf, those of SignUp about the fields.
func (s *Service) SetProfile(ctx context.Context, c Caller, id int64, ch ProfileChange) (Account, error) {
	return s.changeAccount(ctx, c, id, func(_ Tx, a *Account, own bool) error {
		n := NewAccount{Name: a.Name, Email: a.Email, Phone: a.Phone, Sex: a.Sex}
		for _, f := range []struct{ from, to *string }{
			{ch.Name, &n.Name}, {ch.Email, &n.Email}, {ch.Phone, &n.Phone}, {ch.Bio, &n.Bio}, {ch.Location, &n.Location},
		} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
		if ch.Sex != nil {
			n.Sex = *ch.Sex
		}
		check := checkAccount
		if own && (ch.Name != nil || ch.Phone != nil) {
			n.Password = strings.Repeat("x", minAccountPassword) // not the matter here
			check = checkSignUp
		}
		if err := check(n); err != nil {
			return err
		}
		a.Name, a.Email, a.Phone, a.Sex = n.Name, strings.ToLower(n.Email), n.Phone, n.Sex
		if ch.Bio != nil {
			a.Bio = orNil(n.Bio)
		}
		if ch.Location != nil {
			a.Location = orNil(n.Location)
		}
		a.Avatar, a.Background = changed(a.Avatar, ch.Avatar), changed(a.Background, ch.Background)
		a.Updated = s.clock.Now()
		return nil
	})
}

func changed(was, to *Picture) *Picture {
	switch {
	case to == nil:
		return was
	case *to == Picture{}:
		return nil
	}
	return to
}
