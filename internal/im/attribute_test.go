package im_test

import (
	"fmt"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// attrs reads "key=value" pairs.
func attrs(pairs ...string) (all []im.Attribute) {
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		all = append(all, im.Attribute{Key: k, Value: v})
	}
	return all
}

func TestSetAttributes(t *testing.T) {
	w := newWorld(t)
	bob, cat := as(t, w, "bob"), as(t, w, "cat")
	same(t, "in the order given", bob.SetAttributes(im.AttributeChange{User: "Bob", Set: attrs("b=1", "a=2"), Extension: "ext"}), "b ok, a ok")
	w.want(`lounge attributes_set by bob [] of 5 "ext" b=1(bob) a=2(bob)`)
	same(t, "what cat set", cat.SetAttributes(im.AttributeChange{User: "cat", AutoDelete: true, Set: attrs("a=3", "c=4")}), "a attribute_foreign, c ok")
	w.want("lounge attributes_set by cat [] of 5 c=4(cat)~")
	same(t, "by key", as(t, w, "sid").Attributes(), "a=2(bob) b=1(bob) c=4(cat)~")
	same(t, "named ones", as(t, w, "sid").Attributes("c", "nosuch", "a"), "a=2(bob) c=4(cat)~")
	same(t, "all refused", cat.SetAttributes(im.AttributeChange{User: "cat", Set: attrs("a=3")}), "a attribute_foreign")
	w.want()
	same(t, "own again", bob.SetAttributes(im.AttributeChange{User: "bob", AutoDelete: true, Set: attrs("a=5")}), "a ok")
	same(t, "forced", cat.SetAttributes(im.AttributeChange{User: "cat", Forced: true, Set: attrs("b=6")}), "b ok")
	same(t, "the setter changes", as(t, w, "sid").Attributes(), "a=5(bob)~ b=6(cat) c=4(cat)~")
	w.want("lounge attributes_set by bob [] of 5 a=5(bob)~", "lounge attributes_set by cat [] of 5 b=6(cat)")
}

func TestAttributesInTheNameOfAnother(t *testing.T) {
	w := newWorld(t)
	app := as(t, w, "app")
	same(t, "of a member", app.SetAttributes(im.AttributeChange{User: "BOB", Set: attrs("a=1")}), "a ok")
	w.want("lounge attributes_set by app [] of 5 a=1(bob)")
	app.fails(im.ErrNotMember.For("sid").In(lounge)).SetAttributes(im.AttributeChange{User: "sid", Set: attrs("b=1")})
	app.fails(im.ErrNotMember.For("admin").In(lounge)).DeleteAttributes("admin", false, "a")
	same(t, "forced by one who is not there", app.SetAttributes(im.AttributeChange{User: "Admin", Forced: true, Set: attrs("a=2")}), "a ok")
	same(t, "attributes", app.Attributes(), "a=2(admin)")
	as(t, w, "sid").fails(im.ErrNotMember.For("sid").In(lounge)).SetAttributes(im.AttributeChange{User: "sid", Forced: true, Set: attrs("a=3")})
	as(t, w, "ann").fails(im.ErrNotSelf.For("bob")).SetAttributes(im.AttributeChange{User: "bob", Forced: true, Set: attrs("a=3")})
	as(t, w, "ann").fails(im.ErrNotSelf.For("bob")).DeleteAttributes("bob", true, "a")
	same(t, "attributes", app.Attributes(), "a=2(admin)")
	same(t, "deleted", app.DeleteAttributes("admin", true, "a"), "a ok")
}

func TestAttributeLimits(t *testing.T) {
	w := newWorld(t)
	key, value := strings.Repeat("k", 128), strings.Repeat("v", 4096)
	set := attrs(key+"="+value, key+"k=v", "val="+value+"v", "bad key=v", "=v", "茶=v", "a/b=v", "A-z_0.9=")
	got := as(t, w, "bob").SetAttributes(im.AttributeChange{User: "bob", Set: set})
	same(t, "key by key", got, key+" ok, "+key+"k attribute_key_too_long, val attribute_value_too_long, "+
		"bad key attribute_key_illegal,  attribute_key_illegal, 茶 attribute_key_illegal, a/b attribute_key_illegal, A-z_0.9 ok")
	w.want("lounge attributes_set by bob [] of 5 " + key + "=" + value + "(bob) A-z_0.9=(bob)")
	var many []string
	for i := range 11 {
		many = append(many, fmt.Sprintf("k%d=v", i))
	}
	tooMany := im.ErrBatchTooLarge.With("10")
	tooMany.Count = 11
	as(t, w, "bob").fails(tooMany).SetAttributes(im.AttributeChange{User: "bob", Set: attrs(many...)})
	as(t, w, "bob").fails(tooMany).DeleteAttributes("bob", false, many...)
	as(t, w, "bob").fails(im.ErrFieldMissing.With("keys")).SetAttributes(im.AttributeChange{User: "bob"})
	as(t, w, "bob").fails(im.ErrFieldMissing.With("keys")).DeleteAttributes("bob", false)
	as(t, w, "bob").SetAttributes(im.AttributeChange{User: "bob", Set: attrs(many[:10]...)})
	same(t, "deleted", as(t, w, "bob").DeleteAttributes("bob", false, "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"),
		"k0 ok, k1 ok, k2 ok, k3 ok, k4 ok, k5 ok, k6 ok, k7 ok, k8 ok, k9 ok")
}

func TestARoomHasAHundredAttributes(t *testing.T) {
	w := newWorld(t)
	bob := as(t, w, "bob")
	for i := range 10 {
		var pairs []string
		for j := range 10 {
			if i*10+j < 98 {
				pairs = append(pairs, fmt.Sprintf("k%d%d=v", i, j))
			}
		}
		bob.SetAttributes(im.AttributeChange{User: "bob", Set: attrs(pairs...)})
	}
	same(t, "98, then three more", bob.SetAttributes(im.AttributeChange{User: "bob", Set: attrs("k00=w", "x=1", "y=1", "z=1", "k01=w")}),
		"k00 ok, x ok, y ok, z attributes_full, k01 ok")
	same(t, "a change needs no room", bob.SetAttributes(im.AttributeChange{User: "bob", Set: attrs("x=2", "z=1")}), "x ok, z attributes_full")
	bob.DeleteAttributes("bob", false, "y")
	same(t, "one went", bob.SetAttributes(im.AttributeChange{User: "bob", Set: attrs("z=1")}), "z ok")
	same(t, "count", len(strings.Fields(bob.Attributes())), 100)
}

// TestOneNewKeyTwice takes one place, and the last value counts.
func TestOneNewKeyTwice(t *testing.T) {
	w := newWorld(t)
	bob := as(t, w, "bob")
	for i := range 9 {
		var pairs []string
		for j := range 11 {
			pairs = append(pairs, fmt.Sprintf("k%d.%d=v", i, j))
		}
		bob.SetAttributes(im.AttributeChange{User: "bob", Set: attrs(pairs[:10]...)})
		bob.SetAttributes(im.AttributeChange{User: "bob", Set: attrs(pairs[10])})
	}
	same(t, "99, then one twice", bob.SetAttributes(im.AttributeChange{User: "bob", Set: attrs("x=1", "x=2")}), "x ok, x ok")
	same(t, "value", bob.Attributes("x"), "x=2(bob)")
}

func TestDeleteAttributes(t *testing.T) {
	w := newWorld(t)
	bob, cat := as(t, w, "bob"), as(t, w, "cat")
	bob.SetAttributes(im.AttributeChange{User: "bob", Set: attrs("a=1", "b=2")})
	cat.SetAttributes(im.AttributeChange{User: "cat", Set: attrs("c=3", "d=4")})
	w.bus.Take()
	same(t, "one that is not there counts as removed", bob.DeleteAttributes("bob", false, "c", "b", "nosuch"), "c attribute_foreign, b ok, nosuch ok")
	w.want("lounge attributes_deleted by bob [] of 5 b=2(bob)")
	same(t, "left", bob.Attributes(), "a=1(bob) c=3(cat) d=4(cat)")
	same(t, "nothing to do", bob.DeleteAttributes("bob", false, "c", "nosuch"), "c attribute_foreign, nosuch ok")
	w.want()
	same(t, "forced", bob.DeleteAttributes("bob", true, "c"), "c ok")
	w.want("lounge attributes_deleted by bob [] of 5 c=3(cat)")
	same(t, "forced by the app", as(t, w, "app").DeleteAttributes("admin", true, "d"), "d ok")
	w.want("lounge attributes_deleted by app [] of 5 d=4(cat)")
	same(t, "left", bob.Attributes(), "a=1(bob)")
}

func TestReadingAttributesIsLimited(t *testing.T) {
	w := newWorld(t)
	keys := make([]string, 101)
	for i := range keys {
		keys[i] = "k"
	}
	same(t, "as many as a room has", as(t, w, "bob").Attributes(keys[:100]...), "")
	_, err := w.svc.Attributes(t.Context(), as(t, w, "bob").c, lounge, keys)
	tooMany := im.ErrBatchTooLarge.With("100")
	tooMany.Count = 101
	refused(t, err, tooMany)
}
