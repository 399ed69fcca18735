package storetest

import (
	"time"

	"teahouse/internal/im"
)

func attributeTests() []test {
	return []test{
		{"Attributes", testAttributes},
		{"DeleteAttributes", testDeleteAttributes},
		{"DropAttributesOf", testDropAttributesOf},
	}
}

func (e *env) attributes(r im.Room, keys ...string) []im.Attribute {
	e.Helper()
	return read(e, func(tx im.Tx) ([]im.Attribute, error) { return tx.Attributes(r, keys...) })
}

func (e *env) setAttributes(r im.Room, all ...im.Attribute) {
	e.Helper()
	e.update(func(tx im.Tx) error { return tx.PutAttributes(r, all) })
}

func testAttributes(e *env) {
	r, other := e.room("ann"), e.room("ann")
	e.same("none", e.attributes(r), []im.Attribute(nil))
	b := im.Attribute{Key: "b", Value: "二", Setter: "bob", AutoDelete: true}
	a := im.Attribute{Key: "B_", Value: "", Setter: "ann"}
	c := im.Attribute{Key: "a-1", Value: "3", Setter: "ann"}
	e.setAttributes(r, b, a, c)
	e.setAttributes(other, im.Attribute{Key: "b", Value: "other"})
	e.same("by key", e.attributes(r), []im.Attribute{a, c, b})
	e.same("named", e.attributes(r, "b", "none", "B_", "b"), []im.Attribute{a, b})
	many := []string{"b"}
	for _, n := range number(0, 1100) {
		many = append(many, string(n))
	}
	e.same("among many", e.attributes(r, append(many, "b")...), []im.Attribute{b})
	b.Value, b.Setter, b.AutoDelete = "new", "carl", false
	e.setAttributes(r, b)
	e.same("replaced", e.attributes(r, "b"), []im.Attribute{b})
	e.setAttributes(r)
}

func testDeleteAttributes(e *env) {
	r := e.room("ann")
	e.setAttributes(r, im.Attribute{Key: "a"}, im.Attribute{Key: "b"}, im.Attribute{Key: "c"})
	e.update(func(tx im.Tx) error { return tx.DeleteAttributes(r, []string{"c", "none", "a"}) })
	e.update(func(tx im.Tx) error { return tx.DeleteAttributes(r, nil) })
	e.same("left", e.attributes(r), []im.Attribute{{Key: "b"}})
}

func testDropAttributesOf(e *env) {
	r := e.room("ann")
	auto := func(key string, setter im.Username) im.Attribute {
		return im.Attribute{Key: key, Value: key, Setter: setter, AutoDelete: true}
	}
	stays := im.Attribute{Key: "a", Setter: "bob"}
	e.setAttributes(r, auto("z", "bob"), stays, auto("c", "carl"), auto("b", "bob"), auto("d", "dora"))
	drop := func(users ...im.Username) []im.Attribute {
		return get(e, func(tx im.Tx) ([]im.Attribute, error) { return tx.DropAttributesOf(r, users) })
	}
	e.same("of one without", drop("eve"), []im.Attribute(nil))
	e.same("of two", drop("dora", "bob"), []im.Attribute{auto("b", "bob"), auto("d", "dora"), auto("z", "bob")})
	e.same("left", e.attributes(r), []im.Attribute{stays, auto("c", "carl")})
}

func superAdminTests() []test { return []test{{"SuperAdmins", testSuperAdmins}} }

func testSuperAdmins(e *env) {
	grant := func(user im.Username, at time.Time) {
		e.update(func(tx im.Tx) error { return tx.AddSuperAdmin(e.app, user, at) })
	}
	names := func(offset, limit int) []im.Username {
		return read(e, func(tx im.Tx) ([]im.Username, error) { return tx.SuperAdmins(e.app, offset, limit) })
	}
	is := func(user im.Username) bool {
		return read(e, func(tx im.Tx) (bool, error) { return tx.IsSuperAdmin(e.app, user) })
	}
	e.same("none", names(0, 9), []im.Username(nil))
	for i, user := range []im.Username{"zoe", "bob", "ann"} {
		grant(user, after(i))
	}
	grant("zoe", after(9))
	e.same("first granted first", names(0, 9), []im.Username{"zoe", "bob", "ann"})
	e.same("a page", names(1, 1), []im.Username{"bob"})
	e.same("is", []bool{is("bob"), is("eve")}, []bool{true, false})
	remove := func(user im.Username) bool {
		return get(e, func(tx im.Tx) (bool, error) { return tx.RemoveSuperAdmin(e.app, user) })
	}
	e.same("removed", []bool{remove("bob"), remove("bob")}, []bool{true, false})
	e.same("left", names(0, 9), []im.Username{"zoe", "ann"})
}
