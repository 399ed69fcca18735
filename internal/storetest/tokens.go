package storetest

import (
	"time"

	"teahouse/internal/im"
)

func tokenTests() []test {
	return []test{
		{"Token", testToken},
		{"DeleteTokens", testDeleteTokens},
	}
}

// hash makes token hashes that are the app's own.
func (e *env) hash(n int) im.TokenHash {
	return im.TokenHash{byte(e.app), byte(e.app >> 8), byte(e.app >> 16), byte(n), byte(n >> 8)}
}

func (e *env) addTokens(tokens ...im.Token) {
	e.Helper()
	e.update(func(tx im.Tx) error {
		for _, token := range tokens {
			if err := tx.AddToken(token); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *env) hasToken(n int) bool {
	e.Helper()
	err := e.store.View(e.Context(), func(tx im.Tx) error { _, err := tx.Token(e.hash(n)); return err })
	if err != nil {
		e.wantError(im.ErrTokenBad, err)
	}
	return err == nil
}

func testToken(e *env) {
	if e.hasToken(1) {
		e.Error("a token that was never added")
	}
	user := im.Token{Hash: e.hash(1), App: e.app, User: "ann", Issued: start(), Expires: start().Add(time.Hour)}
	app := im.Token{Hash: e.hash(2), App: e.app, Issued: start()}
	e.addTokens(user, app)
	e.same("user token", read(e, func(tx im.Tx) (im.Token, error) { return tx.Token(user.Hash) }), user)
	e.same("app token", read(e, func(tx im.Tx) (im.Token, error) { return tx.Token(app.Hash) }), app)
}

func testDeleteTokens(e *env) {
	e.addTokens(im.Token{Hash: e.hash(1), App: e.app, User: "ann", Issued: start()},
		im.Token{Hash: e.hash(2), App: e.app, User: "ann", Issued: start()},
		im.Token{Hash: e.hash(3), App: e.app, User: "bob", Issued: start()})
	e.update(func(tx im.Tx) error { return tx.DeleteTokens(e.app, "ann") })
	e.update(func(tx im.Tx) error { return tx.DeleteTokens(e.app, "nobody") })
	e.same("tokens left", []bool{e.hasToken(1), e.hasToken(2), e.hasToken(3)}, []bool{false, false, true})
}

// testExpiredTokens sees every app.
func testExpiredTokens(e *env) {
	other := e.newApp("other")
	for i := range 5 {
		e.addTokens(im.Token{Hash: e.hash(i), App: e.app, User: "ann", Issued: start(), Expires: start().Add(time.Duration(i) * time.Second)})
	}
	e.addTokens(im.Token{Hash: e.hash(10), App: other, Issued: start(), Expires: start()},
		im.Token{Hash: e.hash(11), App: other, Issued: start()})
	expire := func(at time.Time, limit int) int {
		return get(e, func(tx im.Tx) (int, error) { return tx.DeleteExpiredTokens(at, limit) })
	}
	e.same("at the very end nothing has expired before", expire(start(), 10), 0)
	e.same("limited", expire(start().Add(2*time.Second), 2), 2)
	e.same("the rest", expire(start().Add(2*time.Second), 10), 1)
	e.same("never ending ones stay", expire(start().Add(1000*time.Hour), 10), 3)
	e.same("left", []bool{e.hasToken(4), e.hasToken(11)}, []bool{false, true})
}
