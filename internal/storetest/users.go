package storetest

import (
	"time"

	"teahouse/internal/im"
)

func userTests() []test {
	return []test{
		{"User", testUser},
		{"UserNameTaken", testUserNameTaken},
		{"PutUser", testPutUser},
		{"Users", testUsers},
		{"DeleteUser", testDeleteUser},
		{"AddUserWithoutApp", testAddUserWithoutApp},
		{"LockUsers", testLockUsers},
		{"BadText", testBadText},
	}
}

func (e *env) readUser(name im.Username) im.User {
	e.Helper()
	return read(e, func(tx im.Tx) (im.User, error) { return tx.User(e.app, name) })
}

func testUser(e *env) {
	u := im.User{App: e.app, Name: "ann", UUID: "0-ann", Password: "$argon2", Nickname: "安", Active: true,
		Created: start(), Modified: start().Add(time.Millisecond)}
	if !get(e, func(tx im.Tx) (bool, error) { return tx.AddUser(u) }) {
		e.Fatal("the name is not taken")
	}
	got := e.readUser("ann")
	u.Seq = got.Seq
	e.same("user", got, u)
	e.same("by uuid", read(e, func(tx im.Tx) (im.User, error) { return tx.UserByUUID(e.app, "0-ann") }), u)
	if got.Created != u.Created {
		e.Errorf("got created %v, want %v: not the same value", got.Created, u.Created)
	}
	e.wantError(im.ErrUserNotFound.For("bob"), e.store.View(e.Context(), func(tx im.Tx) error {
		_, err := tx.User(e.app, "bob")
		return err
	}))
	err := e.store.View(e.Context(), func(tx im.Tx) error { _, err := tx.UserByUUID(e.app, "none"); return err })
	if im.AsError(err).Code != im.ErrUserNotFound.Code {
		e.Errorf("got %v, want ErrUserNotFound", err)
	}
}

func testUserNameTaken(e *env) {
	e.users("ann")
	was := e.readUser("ann")
	other := e.user("ann")
	other.Nickname = "other"
	if get(e, func(tx im.Tx) (bool, error) { return tx.AddUser(other) }) {
		e.Error("a taken name was given")
	}
	e.same("user", e.readUser("ann"), was)
	e.users("bob") // the transaction with the refusal is of no consequence
	if bob := e.readUser("bob"); bob.Seq <= was.Seq {
		e.Errorf("seq of bob %d, of ann %d", bob.Seq, was.Seq)
	}
}

func testPutUser(e *env) {
	e.users("ann", "bob")
	u := e.readUser("ann")
	u.Password, u.Nickname, u.Active, u.Modified = "", "Ann", false, start().Add(time.Hour)
	e.update(func(tx im.Tx) error { return tx.PutUser(u) })
	e.same("user", e.readUser("ann"), u)
	e.same("the other's nickname", e.readUser("bob").Nickname, "")
	e.refused(im.ErrUserNotFound.For("eve"), func(tx im.Tx) error { return tx.PutUser(e.user("eve")) })
}

func testUsers(e *env) {
	e.users("carl", "ann", "bob", "dora")
	page := func(after int64, limit int) (names []im.Username, last int64) {
		for _, u := range read(e, func(tx im.Tx) ([]im.User, error) { return tx.Users(e.app, after, limit) }) {
			names, last = append(names, u.Name), u.Seq
		}
		return names, last
	}
	first, last := page(0, 2)
	e.same("first page", first, []im.Username{"carl", "ann"})
	e.update(func(tx im.Tx) error { return tx.DeleteUser(e.app, "ann") })
	second, last := page(last, 5)
	e.same("second page", second, []im.Username{"bob", "dora"})
	third, _ := page(last, 5)
	e.same("third page", third, []im.Username(nil))
}

func testDeleteUser(e *env) {
	e.users("ann", "bob")
	r, g := e.room("ann"), e.roomOf(im.Group, "ann")
	hash := func(n byte) im.TokenHash { return im.TokenHash{byte(e.app), byte(e.app >> 8), n, 'd'} }
	e.update(func(tx im.Tx) error {
		for i, u := range []im.Username{"bob", "bob", "ann", ""} {
			if err := tx.AddToken(im.Token{Hash: hash(byte(i)), App: e.app, User: u, Issued: start()}); err != nil {
				return err
			}
		}
		for _, room := range []im.Room{r, g} {
			for _, list := range []im.List{im.Mutes, im.Blocks, im.Allows} {
				if err := tx.PutEntries(room, list, []im.Entry{{User: "ann", Until: start()}, {User: "bob", Until: start()}}); err != nil {
					return err
				}
			}
		}
		if err := tx.AddSuperAdmin(e.app, "bob", start()); err != nil {
			return err
		}
		return tx.AddSuperAdmin(e.app, "ann", start())
	})
	e.update(func(tx im.Tx) error { return tx.DeleteUser(e.app, "bob") })
	e.refused(im.ErrUserNotFound.For("bob"), func(tx im.Tx) error { return tx.DeleteUser(e.app, "bob") })
	e.view(func(tx im.Tx) error {
		for i, want := range []bool{false, false, true, true} {
			if _, err := tx.Token(hash(byte(i))); (err == nil) != want {
				e.Errorf("token %d: %v", i, err)
			}
		}
		for _, room := range []im.Room{r, g} {
			for _, list := range []im.List{im.Mutes, im.Blocks, im.Allows} {
				left, err := tx.Entries(room, list)
				if err != nil || len(left) != 1 || left[0].User != "ann" {
					e.Errorf("list %d of room %s: %v %v", list, room.ID, left, err)
				}
			}
		}
		admins, err := tx.SuperAdmins(e.app, 0, 10)
		e.same("super admins", admins, []im.Username{"ann"})
		return err
	})
}

func testAddUserWithoutApp(e *env) {
	app := e.newApp(e.key("gone").Org)
	e.update(func(tx im.Tx) error { return tx.DeleteApp(app) })
	e.refused(im.ErrAppNotFound, func(tx im.Tx) error {
		_, err := tx.AddUser(im.User{App: app, Name: "ann"})
		return err
	})
	e.refused(im.ErrAppNotFound, func(tx im.Tx) error {
		_, _, err := tx.AddRoom(im.Room{App: app, ID: "1", Kind: im.Chatroom}, nil)
		return err
	})
	e.refused(im.ErrAppNotFound, func(tx im.Tx) error { return tx.AddToken(im.Token{App: app, Hash: im.TokenHash{1, 2}}) })
}

func testLockUsers(e *env) {
	e.users("ann", "bob")
	e.update(func(tx im.Tx) error { return tx.LockUsers(e.app, []im.Username{"bob", "nobody", "ann", "bob"}) })
	e.update(func(tx im.Tx) error { return tx.LockUsers(e.app, nil) })
}

// Text that one engine could not hold is refused by both, and does no harm.
func testBadText(e *env) {
	e.users("ann")
	for _, bad := range []im.Username{"a\x00b", "a\xff"} {
		e.refused(im.ErrInvalid, func(tx im.Tx) error { _, err := tx.AddUser(im.User{App: e.app, Name: bad}); return err })
		e.refused(im.ErrInvalid, func(tx im.Tx) error { _, err := tx.User(e.app, bad); return err })
	}
	e.same("name", e.readUser("ann").Name, "ann")
}
