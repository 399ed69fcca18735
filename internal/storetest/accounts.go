package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"teahouse/internal/im"
)

func accountTests() []test {
	return []test{
		{"Account", testAccount},
		{"AccountIDs", testAccountIDs},
		{"AccountTaken", testAccountTaken},
		{"AccountsTakenInOneList", testAccountsTakenInOneList},
		{"PutAccount", testPutAccount},
		{"DeleteAccount", testDeleteAccount},
		{"FindAccounts", testFindAccounts},
		{"AccountRaces", testAccountRaces},
		{"LockAccount", testLockAccount},
		{"AddUsers", testAddUsers},
		{"Secret", testSecret},
		{"RevokedJWTs", testRevokedJWTs},
	}
}

// account is one with every field, that is not stored yet.
func (e *env) account(id int64, name string) im.Account {
	bio, location := "a bio", "成都"
	return im.Account{App: e.app, Email: name + "@example.com", Phone: "138" + name, Password: "$2y$10$x", Version: 3, Changed: start(),
		Admin: true, Disabled: start().Add(time.Hour),
		Profile: im.Profile{ID: id, Name: name, Bio: &bio, Location: &location, Sex: 2,
			Avatar:     &im.Picture{URL: "https://example.com/a b.png", Vendor: "local", Mime: "image/png", Size: 5, Width: 3, Height: 4},
			Background: &im.Picture{URL: "https://example.com/b.png"},
			Created:    start().Add(time.Second), Updated: start().Add(time.Minute)}}
}

func (e *env) addAccount(tx im.Tx, a im.Account) error {
	added, err := tx.AddAccounts(e.app, []im.Account{a})
	if err == nil && added[0].Taken != "" {
		err = im.ErrAccountTaken.With(added[0].Taken)
	}
	return err
}

// accounts adds accounts of these names, numbered by the store.
func (e *env) accounts(names ...string) (ids []int64) {
	e.Helper()
	var accounts []im.Account
	for _, n := range names {
		accounts = append(accounts, im.Account{App: e.app, Profile: im.Profile{Name: n}})
	}
	for _, a := range get(e, func(tx im.Tx) ([]im.AddedAccount, error) { return tx.AddAccounts(e.app, accounts) }) {
		if a.Taken != "" {
			e.Fatalf("taken: %+v", a)
		}
		ids = append(ids, a.ID)
	}
	return ids
}

func (e *env) readAccount(id int64) im.Account {
	e.Helper()
	accounts := read(e, func(tx im.Tx) ([]im.Account, error) { return tx.Accounts(e.app, []int64{id}) })
	if len(accounts) != 1 {
		e.Fatalf("account %d: found %d", id, len(accounts))
	}
	return accounts[0]
}

// flat prints an account with what its pointers lead to.
func flat(a im.Account) string {
	text := fmt.Sprintf("%d %s %s %s %s %d %v %v %v %d %v %v", a.ID, a.Name, a.Email, a.Phone, a.Password, a.Version, a.Changed, a.Admin, a.Disabled, a.Sex, a.Created, a.Updated)
	for _, s := range []*string{a.Bio, a.Location} {
		if s != nil {
			text += " " + *s
		}
	}
	for _, p := range []*im.Picture{a.Avatar, a.Background} {
		if p != nil {
			text += fmt.Sprintf(" %+v", *p)
		}
	}
	return text
}

func testAccount(e *env) {
	full := e.account(42, "ann")
	full.Email = "Ann@Example.com" // kept in lower case
	e.update(func(tx im.Tx) error { return e.addAccount(tx, full) })
	full.Email = "ann@example.com"
	e.same("account", flat(e.readAccount(42)), flat(full))
	for key, value := range map[im.AccountKey]string{im.ByName: "ANN", im.ByEmail: "ann@EXAMPLE.com", im.ByPhone: "138ann"} {
		e.same("by "+string(key), read(e, func(tx im.Tx) (im.Account, error) { return tx.AccountBy(e.app, key, value) }).ID, int64(42))
	}
	bare := e.accounts("bare")[0]
	e.same("nothing is set", flat(e.readAccount(bare)), flat(im.Account{Profile: im.Profile{ID: bare, Name: "bare"}}))
	for _, key := range []im.AccountKey{im.ByName, im.ByEmail, im.ByPhone} {
		for _, value := range []string{"", "eve"} {
			e.refused(im.ErrAccountNotFound.With(value), func(tx im.Tx) error { _, err := tx.AccountBy(e.app, key, value); return err })
		}
	}
	many := []int64{bare, 42, 42, 7}
	for i := range 2000 {
		many = append(many, int64(1000+i))
	}
	var ids []int64
	for _, a := range read(e, func(tx im.Tx) ([]im.Account, error) { return tx.Accounts(e.app, many) }) {
		ids = append(ids, a.ID)
	}
	e.same("those that exist, by id", ids, []int64{42, bare})
}

func testAccountIDs(e *env) {
	e.same("numbered from 1", e.accounts("a", "b"), []int64{1, 2})
	e.update(func(tx im.Tx) error { return e.addAccount(tx, im.Account{Profile: im.Profile{ID: 50, Name: "c"}}) })
	e.update(func(tx im.Tx) error { return e.addAccount(tx, im.Account{Profile: im.Profile{ID: 7, Name: "d"}}) })
	e.same("above all others", e.accounts("e"), []int64{51})
	e.update(func(tx im.Tx) error { return tx.DeleteAccount(e.app, 51) })
	e.same("not given again", e.accounts("f"), []int64{52})
	e.update(func(tx im.Tx) error {
		return e.addAccount(tx, im.Account{Profile: im.Profile{ID: im.MaxAccountID, Name: "last"}})
	})
	e.refused(im.ErrInvalid.With("id"), func(tx im.Tx) error { return e.addAccount(tx, im.Account{Profile: im.Profile{Name: "one too many"}}) })
}

func testAccountTaken(e *env) {
	e.update(func(tx im.Tx) error { return e.addAccount(tx, e.account(42, "ann")) })
	for field, a := range map[string]im.Account{
		"id":    {Profile: im.Profile{ID: 42, Name: "eve"}},
		"name":  {Profile: im.Profile{Name: "Ann"}},
		"email": {Profile: im.Profile{Name: "eve"}, Email: "ANN@example.com"},
		"phone": {Profile: im.Profile{Name: "eve"}, Phone: "138ann"},
	} {
		e.refused(im.ErrAccountTaken.With(field), func(tx im.Tx) error { return e.addAccount(tx, a) })
	}
	other := newEnv(e.T, e.store)
	other.app = e.newApp(e.Name() + "other")
	other.update(func(tx im.Tx) error { return other.addAccount(tx, other.account(42, "ann")) })
}

func testAccountsTakenInOneList(e *env) {
	list := []im.Account{
		{Profile: im.Profile{Name: "a"}}, {Profile: im.Profile{Name: "A"}}, {Profile: im.Profile{ID: 9, Name: "b"}}, {Profile: im.Profile{ID: 9, Name: "c"}},
		{Profile: im.Profile{Name: "d"}, Phone: "1"}, {Profile: im.Profile{Name: "e"}, Phone: "1"}, {Profile: im.Profile{Name: "f"}},
	}
	e.same("added", get(e, func(tx im.Tx) ([]im.AddedAccount, error) { return tx.AddAccounts(e.app, list) }),
		[]im.AddedAccount{{ID: 10}, {Taken: "name"}, {ID: 9}, {ID: 9, Taken: "id"}, {ID: 11}, {Taken: "phone"}, {ID: 12}})
	e.same("none", len(get(e, func(tx im.Tx) ([]im.AddedAccount, error) { return tx.AddAccounts(e.app, nil) })), 0)
	var crowd []im.Account
	for i := range 1500 {
		crowd = append(crowd, im.Account{Profile: im.Profile{Name: fmt.Sprint("crowd", i)}})
	}
	added := get(e, func(tx im.Tx) ([]im.AddedAccount, error) { return tx.AddAccounts(e.app, crowd) })
	e.same("the last of many", added[1499], im.AddedAccount{ID: 1512})
	e.same("its name", e.readAccount(1512).Name, "crowd1499")
}

func testPutAccount(e *env) {
	e.update(func(tx im.Tx) error {
		return firstError(e.addAccount(tx, e.account(1, "ann")), e.addAccount(tx, e.account(2, "bob")))
	})
	a := e.account(1, "ann")
	a.Name = "Anna"
	a.Disabled, a.Bio, a.Avatar, a.Email = time.Time{}, nil, nil, ""
	e.update(func(tx im.Tx) error { return tx.PutAccount(a) })
	e.same("account", flat(e.readAccount(1)), flat(a))
	e.same("the other", flat(e.readAccount(2)), flat(e.account(2, "bob")))
	for field, change := range map[string]func(*im.Account){
		"name": func(a *im.Account) { a.Name = "BOB" }, "email": func(a *im.Account) { a.Email = "Bob@example.com" },
		"phone": func(a *im.Account) { a.Phone = "138bob" },
	} {
		b := a
		change(&b)
		e.refused(im.ErrAccountTaken.With(field), func(tx im.Tx) error { return tx.PutAccount(b) })
	}
	e.refused(im.ErrAccountNotFound.With("3"), func(tx im.Tx) error { return tx.PutAccount(e.account(3, "eve")) })
}

func testDeleteAccount(e *env) {
	e.accounts("ann", "bob")
	e.update(func(tx im.Tx) error { return tx.DeleteAccount(e.app, 1) })
	e.refused(im.ErrAccountNotFound.With("1"), func(tx im.Tx) error { return tx.DeleteAccount(e.app, 1) })
	e.refused(im.ErrAccountNotFound.With("1"), func(tx im.Tx) error { _, err := tx.LockAccount(e.app, 1); return err })
	e.same("the name is free", e.accounts("ann"), []int64{3})
}

func testFindAccounts(e *env) {
	e.accounts("Ann", "a_n", "100%", `back\slash`, "安安", "Ännchen", "gone")
	gone := e.readAccount(7)
	gone.Disabled = start()
	e.update(func(tx im.Tx) error { return tx.PutAccount(gone) })
	for _, c := range []struct {
		q    im.AccountQuery
		want []int64
	}{
		{im.AccountQuery{Limit: 99}, []int64{1, 2, 3, 4, 5, 6}},
		{im.AccountQuery{Limit: 99, Disabled: true}, []int64{1, 2, 3, 4, 5, 6, 7}},
		{im.AccountQuery{Limit: 2, Offset: 1}, []int64{2, 3}},
		{im.AccountQuery{Limit: 2, After: 3}, []int64{4, 5}},
		{im.AccountQuery{Limit: 99, Except: 2}, []int64{1, 3, 4, 5, 6}},
		{im.AccountQuery{Limit: 99, Keyword: "NN"}, []int64{1, 6}},
		{im.AccountQuery{Limit: 99, Keyword: "ä"}, []int64{6}},
		{im.AccountQuery{Limit: 99, Keyword: "_"}, []int64{2}},
		{im.AccountQuery{Limit: 99, Keyword: "%"}, []int64{3}},
		{im.AccountQuery{Limit: 99, Keyword: `\`}, []int64{4}},
		{im.AccountQuery{Limit: 99, Keyword: "安"}, []int64{5}},
		{im.AccountQuery{Limit: 99, Keyword: "nobody"}, nil},
	} {
		var ids []int64
		for _, a := range read(e, func(tx im.Tx) ([]im.Account, error) { return tx.FindAccounts(e.app, c.q) }) {
			ids = append(ids, a.ID)
		}
		e.same(fmt.Sprintf("%+v", c.q), ids, c.want)
	}
}

// testAccountRaces lets many take one name, some by signing up, some by changing theirs: one gets it.
func testAccountRaces(e *env) {
	const n = 12
	for i := range n / 2 {
		e.accounts(fmt.Sprint("was", i))
	}
	var got atomic.Int64
	e.together(n, func(i int) error {
		err := e.store.Update(e.Context(), func(tx im.Tx) error {
			if i < n/2 {
				return e.addAccount(tx, im.Account{App: e.app, Profile: im.Profile{Name: "wanted"}})
			}
			a, err := tx.LockAccount(e.app, int64(i-n/2+1))
			a.Name = "wanted"
			return firstError(err, tx.PutAccount(a))
		})
		if err == nil {
			got.Add(1)
		} else if !errors.Is(err, im.ErrAccountTaken) {
			return err
		}
		return nil
	})
	e.same("who got the name", got.Load(), int64(1))
}

// testLockAccount counts in a field of one account from many sides.
func testLockAccount(e *env) {
	e.accounts("ann")
	e.together(writers, func(int) error {
		return e.store.Update(e.Context(), func(tx im.Tx) error {
			a, err := tx.LockAccount(e.app, 1)
			a.Version++
			return firstError(err, tx.PutAccount(a))
		})
	})
	e.same("counted", e.readAccount(1).Version, int64(writers))
}

func testAddUsers(e *env) {
	e.users("ann", "bob")
	u := e.user("carl")
	u.Derived, u.Password = 5, ""
	e.same("added", get(e, func(tx im.Tx) (int, error) { return tx.AddUsers(e.app, []im.User{e.user("bob"), u, e.user("dora")}) }), 2)
	got := e.readUser("carl")
	u.Seq = got.Seq
	e.same("user", got, u)
	e.same("none", get(e, func(tx im.Tx) (int, error) { return tx.AddUsers(e.app, nil) }), 0)
	var many []im.User
	for _, n := range number(0, 1500) {
		many = append(many, e.user(n))
	}
	e.same("many", get(e, func(tx im.Tx) (int, error) { return tx.AddUsers(e.app, many) }), 1500)
	e.users("zoe")
	var names []im.Username
	last := int64(0)
	for _, u := range read(e, func(tx im.Tx) ([]im.User, error) { return tx.Users(e.app, 0, 9999) }) {
		names = append(names, u.Name)
		if u.Seq <= last {
			e.Fatalf("%s has the place %d behind %d", u.Name, u.Seq, last)
		}
		last = u.Seq
	}
	want := append([]im.Username{"ann", "bob", "carl", "dora"}, number(0, 1500)...)
	e.same("in their order", names, append(want, "zoe"))
}

func testSecret(e *env) {
	secret := func(name, fresh string) string {
		return get(e, func(tx im.Tx) (string, error) { return tx.Secret(e.app, name, fresh) })
	}
	e.same("secrets", []string{secret("a", ""), secret("a", "one"), secret("a", "two"), secret("a", ""), secret("b", "three")},
		[]string{"", "one", "one", "one", "three"})
}

func testRevokedJWTs(e *env) {
	revoke := func(id string, until time.Time) bool {
		return get(e, func(tx im.Tx) (bool, error) { return tx.RevokeJWT(e.app, id, until) })
	}
	e.same("first", []bool{revoke("a", start()), revoke("a", start().Add(time.Hour)), revoke("b", start().Add(time.Second))}, []bool{true, false, true})
	revoked := func(id string) bool {
		return read(e, func(tx im.Tx) (bool, error) { return tx.JWTRevoked(e.app, id) })
	}
	e.same("revoked", []bool{revoked("a"), revoked("b"), revoked("c")}, []bool{true, true, false})
}

// testExpiredJWTs sees every app.
func testExpiredJWTs(e *env) {
	for i := range 5 {
		e.update(func(tx im.Tx) error {
			_, err := tx.RevokeJWT(e.app, fmt.Sprint(i), start().Add(time.Duration(i)*time.Second))
			return err
		})
	}
	forget := func(at time.Time, limit int) int {
		return get(e, func(tx im.Tx) (int, error) { return tx.DeleteRevokedJWTs(at, limit) })
	}
	e.same("forgotten", []int{forget(start(), 9), forget(start().Add(3*time.Second), 2), forget(start().Add(3*time.Second), 9)}, []int{0, 2, 1})
	e.same("left", read(e, func(tx im.Tx) (bool, error) { return tx.JWTRevoked(e.app, "3") }), true)
}

// signUp makes something in every table about accounts.
func (e *env) signUp(tx im.Tx) error {
	err := e.addAccount(tx, im.Account{App: e.app, Profile: im.Profile{ID: 42, Name: "ann"}})
	_, errSecret := tx.Secret(e.app, "key", "secret")
	_, errRevoke := tx.RevokeJWT(e.app, "jwt", start())
	return firstError(err, errSecret, errRevoke)
}

// accountReads use every method that only reads about accounts.
func accountReads() []access {
	return []access{
		{"LockAccount", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.LockAccount(app, 42) }},
		{"Accounts", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Accounts(app, []int64{42}) }},
		{"AccountBy", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.AccountBy(app, im.ByName, "ann") }},
		{"FindAccounts", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.FindAccounts(app, im.AccountQuery{Limit: 9})
		}},
		{"Secret", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Secret(app, "key", "") }},
		{"JWTRevoked", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.JWTRevoked(app, "jwt") }},
	}
}

// accountWrites use every method that changes what is there about accounts.
func accountWrites() []access {
	return []access{
		{"PutAccount", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return nil, tx.PutAccount(im.Account{App: app, Profile: im.Profile{ID: 42, Name: "new"}})
		}},
		{"DeleteAccount", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return nil, tx.DeleteAccount(app, 42) }},
	}
}
