package sqlstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"teahouse/internal/im"
)

const (
	accountColumns = `id, name, email, phone, password, version, changed, admin, bio, location, sex, avatar, background, created, updated, disabled`
	selectAccount  = `SELECT ` + accountColumns + ` FROM accounts WHERE app = $1`
)

// nameKey is what names, addresses and numbers are compared by.
func nameKey(s string) string { return strings.ToLower(s) }

func keyColumn(key im.AccountKey) string {
	switch key {
	case im.ByEmail:
		return "email"
	case im.ByPhone:
		return "phone"
	}
	return "name_key"
}

func (t *tx) accounts(app im.AppID, where string, args ...any) ([]im.Account, error) {
	return list(t, selectAccount+where, append([]any{int64(app)}, args...), func(rows rows) (im.Account, error) {
		a := im.Account{App: app}
		var bio, location, avatar, background string
		var changed, admin, sex, created, updated, disabled int64
		err := rows.Scan(&a.ID, &a.Name, &a.Email, &a.Phone, &a.Password, &a.Version, &changed, &admin, &bio, &location, &sex,
			&avatar, &background, &created, &updated, &disabled)
		a.Changed, a.Admin, a.Sex = fromMS(changed), admin != 0, int(sex)
		a.Bio, a.Location = optional(bio), optional(location)
		a.Avatar, a.Background = pictureFrom(avatar), pictureFrom(background)
		a.Created, a.Updated, a.Disabled = fromMS(created), fromMS(updated), fromMS(disabled)
		return a, err
	})
}

func accountValues(a im.Account) []any {
	return []any{int64(a.ID), a.Name, nameKey(a.Name), nameKey(a.Email), nameKey(a.Phone), a.Password, a.Version, ms(a.Changed), bit(a.Admin),
		text(a.Bio), text(a.Location), int64(a.Sex), pictureText(a.Avatar), pictureText(a.Background),
		ms(a.Created), ms(a.Updated), ms(a.Disabled)}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// pictureText is how a picture is stored: its fields, one a line; "" for none.
func pictureText(p *im.Picture) string {
	if p == nil {
		return ""
	}
	line := strings.NewReplacer("\n", "", "\r", "").Replace
	return fmt.Sprintf("%s\n%s\n%s\n%d\n%d\n%d", line(p.URL), line(p.Vendor), line(p.Mime), p.Size, p.Width, p.Height)
}

func pictureFrom(s string) *im.Picture {
	f := strings.Split(s, "\n")
	if len(f) != 6 {
		return nil
	}
	p := &im.Picture{URL: f[0], Vendor: f[1], Mime: f[2]}
	p.Size, _ = strconv.ParseInt(f[3], 10, 64) // written by pictureText
	p.Width, _ = strconv.Atoi(f[4])
	p.Height, _ = strconv.Atoi(f[5])
	return p
}

func noAccount(id int64) error { return im.ErrAccountNotFound.With(strconv.FormatInt(id, 10)) }

// LockAccount implements [im.AccountTx].
func (t *tx) LockAccount(app im.AppID, id int64) (im.Account, error) {
	accounts, err := t.accounts(app, ` AND id = $2`+t.dialect.forUpdate, id)
	if err == nil && len(accounts) == 0 {
		err = noAccount(id)
	}
	if err != nil {
		return im.Account{}, err
	}
	return accounts[0], nil
}

// Accounts implements [im.AccountTx].
func (t *tx) Accounts(app im.AppID, ids []int64) (accounts []im.Account, err error) {
	sorted := slices.Compact(slices.Sorted(slices.Values(ids)))
	for chunk := range slices.Chunk(sorted, maxNames) {
		args := make([]any, padded(len(chunk)))
		for i := range args {
			args[i] = chunk[min(i, len(chunk)-1)]
		}
		some, err := t.accounts(app, t.texts.repeat(` AND id IN ({}) ORDER BY id`, "?", 2, len(args)), args...)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, some...)
	}
	return accounts, nil
}

// AccountBy implements [im.AccountTx].
func (t *tx) AccountBy(app im.AppID, key im.AccountKey, value string) (im.Account, error) {
	if value == "" {
		return im.Account{}, im.ErrAccountNotFound.With(value)
	}
	column := keyColumn(key)
	accounts, err := t.accounts(app, ` AND `+column+` = $2 AND `+column+` <> ''`, nameKey(value))
	if err == nil && len(accounts) == 0 {
		err = im.ErrAccountNotFound.With(value)
	}
	if err != nil {
		return im.Account{}, err
	}
	return accounts[0], nil
}

// FindAccounts implements [im.AccountTx].
func (t *tx) FindAccounts(app im.AppID, q im.AccountQuery) ([]im.Account, error) {
	where, args := ` AND id > $2 AND id <> $3`, []any{q.After, q.Except}
	if !q.Disabled {
		where += ` AND disabled = 0`
	}
	if q.Keyword != "" {
		args = append(args, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(nameKey(q.Keyword))+"%")
		where += ` AND name_key LIKE $4 ESCAPE '\'`
	}
	args = append(args, int64(q.Limit), int64(q.Offset))
	n := len(args) + 1
	return t.accounts(app, fmt.Sprintf(`%s ORDER BY id LIMIT $%d OFFSET $%d`, where, n-1, n), args...)
}

// AddAccounts implements [im.AccountTx]. Adding accounts holds the app's counter of them, so that what is looked up stays true.
func (t *tx) AddAccounts(app im.AppID, accounts []im.Account) ([]im.AddedAccount, error) {
	added := make([]im.AddedAccount, len(accounts))
	if len(accounts) == 0 {
		return added, nil
	}
	_, last, err := t.take(app, countAccounts)
	if err != nil {
		return nil, err
	}
	last-- // taken for the lock only
	for _, a := range accounts {
		last = max(last, a.ID)
	}
	taken, err := t.takenAccounts(app, accounts)
	if err != nil {
		return nil, err
	}
	var fresh []im.Account
	for i, a := range accounts {
		if added[i].Taken = taken.field(a); added[i].Taken != "" {
			added[i].ID = a.ID
			continue
		}
		if a.ID == 0 {
			last++
			a.ID = last
		}
		if a.ID > im.MaxAccountID {
			return nil, im.ErrInvalid.With("id")
		}
		added[i].ID = a.ID
		taken.add(a)
		fresh = append(fresh, a)
	}
	if _, err := t.exec(`UPDATE counters SET live = live - 1 + $3, next = $4 WHERE app = $1 AND kind = $2`,
		int64(app), int64(countAccounts), int64(len(fresh)), last); err != nil {
		return nil, err
	}
	return added, t.insertAccounts(app, fresh)
}

func (t *tx) insertAccounts(app im.AppID, accounts []im.Account) error {
	const insert = `INSERT INTO accounts (app, id, name, name_key, email, phone, password, version, changed, admin, bio, location, sex,
		avatar, background, created, updated, disabled) VALUES {}`
	for len(accounts) > 0 {
		n := t.dialect.chunk(len(accounts))
		args := append(make([]any, 0, 1+17*n), int64(app))
		for _, a := range accounts[:n] {
			args = append(args, accountValues(a)...)
		}
		if _, err := t.exec(t.texts.repeat(insert, `($1`+strings.Repeat(`,?`, 17)+`)`, 2, n), args...); err != nil {
			return t.again()
		}
		accounts = accounts[n:]
	}
	return nil
}

// again asks for another run of the transaction if a key was taken since it was looked up: by PutAccount, on PostgreSQL only.
func (t *tx) again() error {
	if t.failed != nil && t.dialect.isUnique(t.failed) {
		t.failed = errRace
	}
	return t.failed
}

// takenKeys holds the values of the unique fields that accounts have.
type takenKeys map[string]map[string]bool

func (tk takenKeys) put(field, value string) {
	if tk[field] == nil {
		tk[field] = map[string]bool{}
	}
	tk[field][value] = true
}

func (tk takenKeys) add(a im.Account) {
	for _, f := range uniqueFields(a) {
		tk.put(f.name, f.value)
	}
}

// field is the first unique field whose value is taken.
func (tk takenKeys) field(a im.Account) string {
	for _, f := range uniqueFields(a) {
		if f.value != "" && tk[f.name][f.value] {
			return f.name
		}
	}
	return ""
}

type uniqueField struct{ name, column, value string }

func uniqueFields(a im.Account) []uniqueField {
	id := ""
	if a.ID != 0 {
		id = strconv.FormatInt(a.ID, 10)
	}
	return []uniqueField{{"id", "id", id}, {"name", "name_key", nameKey(a.Name)}, {"email", "email", nameKey(a.Email)}, {"phone", "phone", nameKey(a.Phone)}}
}

// takenAccounts looks up which unique values of these accounts others have.
func (t *tx) takenAccounts(app im.AppID, accounts []im.Account) (takenKeys, error) {
	tk := takenKeys{}
	var ids []int64
	values := map[string][]string{}
	for _, a := range accounts {
		if a.ID != 0 {
			ids = append(ids, a.ID)
		}
		for _, f := range uniqueFields(a)[1:] {
			if f.value != "" {
				values[f.column] = append(values[f.column], f.value)
			}
		}
	}
	found, err := t.Accounts(app, ids)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		tk.put("id", strconv.FormatInt(a.ID, 10))
	}
	for _, f := range uniqueFields(im.Account{})[1:] {
		query := `SELECT ` + f.column + ` FROM accounts WHERE app = $1 AND ` + f.column + ` <> '' AND ` + f.column + ` IN ({})`
		err := names(t, query, values[f.column], []any{int64(app)}, func(query string, args []any) error {
			return t.query(query, args, func(rows rows) error {
				var value string
				err := rows.Scan(&value)
				tk.put(f.name, value)
				return err
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return tk, nil
}

// PutAccount implements [im.AccountTx].
func (t *tx) PutAccount(a im.Account) error {
	for _, f := range uniqueFields(a)[1:] {
		var id int64
		found, err := t.row(`SELECT id FROM accounts WHERE app = $1 AND `+f.column+` = $2 AND `+f.column+` <> ''`, []any{int64(a.App), f.value}, &id)
		if err != nil {
			return err
		}
		if found && id != a.ID {
			return im.ErrAccountTaken.With(f.name)
		}
	}
	n, err := t.exec(`UPDATE accounts SET name = $3, name_key = $4, email = $5, phone = $6, password = $7, version = $8, changed = $9, admin = $10,
		bio = $11, location = $12, sex = $13, avatar = $14, background = $15, created = $16, updated = $17, disabled = $18
		WHERE app = $1 AND id = $2`, append([]any{int64(a.App)}, accountValues(a)...)...)
	if err != nil {
		return t.again()
	}
	if n == 0 {
		return noAccount(a.ID)
	}
	return nil
}

// DeleteAccount implements [im.AccountTx].
func (t *tx) DeleteAccount(app im.AppID, id int64) error {
	n, err := t.exec(`DELETE FROM accounts WHERE app = $1 AND id = $2`, int64(app), id)
	if err != nil {
		return err
	}
	if n == 0 {
		return noAccount(id)
	}
	t.drop(app, countAccounts, 1)
	return nil
}
