package storetest

import (
	"teahouse/internal/im"
)

func appTests() []test {
	return []test{
		{"App", testApp},
		{"PutAppAgain", testPutAppAgain},
		{"AppIDsNotReused", testAppIDsNotReused},
		{"Apps", testApps},
	}
}

func (e *env) key(name string) im.AppKey {
	return im.AppKey{Org: "org-" + e.Name()[len(e.Name())-4:], Name: name}
}

func testApp(e *env) {
	key := e.key("shop")
	missing := func(tx im.Tx) error { _, err := tx.App(key); return err }
	e.wantError(im.ErrAppNotFound.With(key.String()), e.store.View(e.Context(), missing))

	app := im.App{Key: key, UUID: "u-1", ClientID: "c-1", Secret: im.SecretHash("s"), Settings: im.DefaultSettings(), Created: start()}
	if err := app.Settings.Set("room_max_admins", "7"); err != nil {
		e.Fatal(err)
	}
	app.ID = get(e, func(tx im.Tx) (im.AppID, error) { return tx.PutApp(app) })
	if app.ID <= 0 {
		e.Errorf("id %d", app.ID)
	}
	e.same("app", read(e, func(tx im.Tx) (im.App, error) { return tx.App(key) }), app)
}

func testPutAppAgain(e *env) {
	key := e.key("shop")
	app := im.App{Key: key, UUID: "u-1", ClientID: "c-1", Secret: im.SecretHash("s"), Settings: im.DefaultSettings(), Created: start()}
	id := get(e, func(tx im.Tx) (im.AppID, error) { return tx.PutApp(app) })
	app.ClientID, app.Secret = "c-2", im.SecretHash("t")
	again := get(e, func(tx im.Tx) (im.AppID, error) { return tx.PutApp(app) })
	if id != again {
		e.Errorf("id %d became %d", id, again)
	}
	app.ID = id
	e.same("app", read(e, func(tx im.Tx) (im.App, error) { return tx.App(key) }), app)
}

func testAppIDsNotReused(e *env) {
	id := e.newApp(e.key("a").Org)
	e.update(func(tx im.Tx) error { return tx.DeleteApp(id) })
	if again := e.newApp(e.key("a").Org); again == id {
		e.Errorf("id %d was given twice", id)
	}
}

func testApps(e *env) {
	for _, name := range []string{"b", "B", "a.c", "a-c", "a_c"} {
		app := im.App{Key: e.key(name), Settings: im.DefaultSettings(), Created: start()}
		e.update(func(tx im.Tx) error { _, err := tx.PutApp(app); return err })
	}
	var names []string
	for _, app := range read(e, func(tx im.Tx) ([]im.App, error) { return tx.Apps() }) {
		if app.Key.Org == e.key("").Org {
			names = append(names, app.Key.Name)
		}
	}
	e.same("names by key", names, []string{"B", "a-c", "a.c", "a_c", "b"})
}
