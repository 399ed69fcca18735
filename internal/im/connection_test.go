package im_test

import (
	"fmt"
	"strings"
	"testing"

	"teahouse/internal/im"
)

func TestConnections(t *testing.T) {
	w, sessions := newWorld(t).connected(map[im.Username][]im.Connection{
		"bob": {{Resource: "web_1", UUID: "u1", Name: "browser"}, {Resource: "ios_2"}}, "cat": {{Resource: "web_3"}}})
	app := as(t, w, "app")
	same(t, "bob's", as(t, w, "bob").Devices("BOB"), "web_1 ios_2")
	same(t, "ann's", app.Devices("ann"), "")
	app.fails(im.ErrUserNotFound.For("eve")).Devices("eve")
	same(t, "who is there", app.Online("Cat", "ann", "eve", "bob", "cat"), "cat:true ann:false eve:false bob:true")
	app.fails(im.ErrFieldMissing.With("usernames")).Online()
	same(t, "100", strings.Count(app.Online(manyNames(100)...), "false"), 100)
	app.fails(im.ErrBatchTooLarge.With("100")).Online(manyNames(101)...)

	app.Disconnect("bob", "ios_2")
	w.want(`@bob user_disconnected by app [bob] "ios_2"`)
	same(t, "left", app.Devices("bob"), "web_1")
	as(t, w, "bob").Disconnect("Bob", "")
	w.want(`@bob user_disconnected by bob [bob]`)
	same(t, "left", app.Online("bob", "cat"), "bob:false cat:true")
	app.Disconnect("ann", "") // is not there
	w.want(`@ann user_disconnected by app [ann]`)
	app.fails(im.ErrUserNotFound.For("eve")).Disconnect("eve", "")

	sessions.Fail(im.ErrUnavailable)
	app.fails(im.ErrUnavailable).Devices("bob")
	app.fails(im.ErrUnavailable).Online("bob")
	app.fails(im.ErrUnavailable).Disconnect("bob", "")
	w.want()
}

// TestNobodyIsConnected to a server without a realtime surface.
func TestNobodyIsConnected(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	same(t, "devices", app.Devices("bob"), "")
	same(t, "online", app.Online("bob", "cat"), "bob:false cat:false")
	app.Disconnect("bob", "x")
	w.want(`@bob user_disconnected by app [bob] "x"`)
}

func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n%d", i)
	}
	return names
}

func TestProperties(t *testing.T) {
	w := newWorld(t)
	bob, app := as(t, w, "bob"), as(t, w, "app")
	bob.SetProperties("Bob", "nickname=Bobby", "ext=")
	w.want("@bob properties_changed by bob [bob]")
	app.SetProperties("bob", "nickname=B", "sign=绿茶")
	app.SetProperties("cat", "sign=milk")
	w.bus.Take()
	same(t, "anyone reads", as(t, w, "sid").Properties("", "cat", "eve", "BOB"), "bob.ext= bob.nickname=B bob.sign=绿茶 cat.sign=milk")
	same(t, "some keys", bob.Properties("sign nickname", "bob", "cat"), "bob.nickname=B bob.sign=绿茶 cat.sign=milk")
	bob.fails(im.ErrBatchTooLarge.With("100")).Properties("", manyNames(101)...)
	n, err := w.svc.PropertyBytes(t.Context(), app.c)
	must(t, err)
	same(t, "bytes", n, int64(3+9+10+8))

	bob.fails(im.ErrFieldMissing.With("properties")).SetProperties("bob")
	bob.fails(im.ErrInvalid.With("properties")).SetProperties("bob", "=x")
	bob.fails(im.ErrInvalid.With("properties")).SetProperties("bob", "k=\xff")
	app.fails(im.ErrUserNotFound.For("eve")).SetProperties("eve", "k=v")
	room := 2048 - (3 + 9 + 10) - len("k")
	bob.fails(im.ErrPropertiesLong.For("bob").With("2048")).SetProperties("bob", "k="+strings.Repeat("v", room+1))
	w.want()
	bob.SetProperties("bob", "k="+strings.Repeat("v", room))
	bob.SetProperties("bob", "k=short")
	w.bus.Take()

	bob.DeleteProperties("BOB")
	w.want("@bob properties_changed by bob [bob]")
	bob.DeleteProperties("bob")
	app.DeleteProperties("eve")
	w.want()
	same(t, "left", bob.Properties("", "bob", "cat"), "cat.sign=milk")
}
