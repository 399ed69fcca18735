package im_test

import (
	"fmt"
	"strings"
	"testing"

	"teahouse/internal/im"
)

func TestSetMemberAttributes(t *testing.T) {
	w := newCrew(t)
	bob, app := inGroup(w.t, w, "bob", crew), inGroup(w.t, w, "app", crew)
	bob.SetMember("Bob", "name=Bobby", "mood=茶")
	w.want("crew(group) member_attributes_set by bob [bob] of 5 name=Bobby() mood=茶()")
	inGroup(w.t, w, "adm", crew).SetMember("ann", "name=Annie")
	w.want("crew(group) member_attributes_set by adm [ann] of 5 name=Annie()")
	same(t, "of both", inGroup(w.t, w, "cat", crew).MemberAttributes("BOB ann cat"), "ann.name=Annie bob.mood=茶 bob.name=Bobby")
	same(t, "one key", app.MemberAttributes("bob ann", "name", "nosuch"), "ann.name=Annie bob.name=Bobby")
	same(t, "of strangers", app.MemberAttributes("sid nosuch"), "")
	bob.SetMember("bob", "mood=", "never=", "name=Rob")
	w.want("crew(group) member_attributes_set by bob [bob] of 5 mood=() never=() name=Rob()")
	same(t, "an empty value deletes", bob.MemberAttributes("bob"), "bob.name=Rob")
}

func TestSetAttributesOfSeveralMembers(t *testing.T) {
	w := newCrew(t)
	app := inGroup(w.t, w, "app", crew)
	app.SetMembers(im.MemberChange{User: "bob", Set: attrs("a=1", "b=2")}, im.MemberChange{User: "cat", Set: attrs("a=3")}, im.MemberChange{User: "BOB", Set: attrs("a=4")})
	same(t, "attributes", app.MemberAttributes("bob cat"), "bob.a=4 bob.b=2 cat.a=3")
	w.want("crew(group) member_attributes_set by app [bob] of 5 a=1() b=2()", "crew(group) member_attributes_set by app [cat] of 5 a=3()",
		"crew(group) member_attributes_set by app [bob] of 5 a=4()")
	app.fails(im.ErrNotMember.For("sid").In(crew)).SetMembers(im.MemberChange{User: "bob", Set: attrs("a=5")}, im.MemberChange{User: "sid", Set: attrs("a=5")})
	app.fails(im.ErrAttrFull.For("cat").In(crew)).SetMembers(im.MemberChange{User: "bob", Set: attrs("a=5")}, im.MemberChange{User: "cat", Set: crowded(9)})
	inGroup(w.t, w, "bob", crew).fails(im.ErrForbidden.For("cat").In(crew)).SetMembers(im.MemberChange{User: "bob", Set: attrs("a=5")}, im.MemberChange{User: "cat", Set: attrs("a=5")})
	same(t, "all or nothing", app.MemberAttributes("bob cat"), "bob.a=4 bob.b=2 cat.a=3")
	w.want()
}

// crowded is n attributes of 510 bytes each.
func crowded(n int) (all []im.Attribute) {
	for i := range n {
		all = append(all, im.Attribute{Key: fmt.Sprintf("k%d", i), Value: strings.Repeat("v", 508)})
	}
	return all
}

func TestMemberAttributeLimits(t *testing.T) {
	w := newCrew(t)
	bob, app := inGroup(w.t, w, "bob", crew), inGroup(w.t, w, "app", crew)
	key, value := strings.Repeat("k", 16), strings.Repeat("v", 512)
	bob.SetMember("bob", key+"="+value)
	bob.fails(im.ErrAttrKeyLong.With(key+"k")).SetMember("bob", key+"k=v")
	bob.fails(im.ErrAttrValueLong.With("k")).SetMember("bob", "k="+value+"v")
	bob.fails(im.ErrInvalid.With("key")).SetMember("bob", "=v")
	bob.fails(im.ErrFieldMissing.With("metaData")).SetMember("bob")
	app.fails(im.ErrFieldMissing.With("username")).SetMembers()
	many := make([]im.MemberChange, 21)
	for i := range many {
		many[i] = im.MemberChange{User: "bob", Set: attrs("a=1")}
	}
	tooMany := im.ErrBatchTooLarge.With("20")
	tooMany.Count = 21
	app.fails(tooMany).SetMembers(many...)
	app.SetMembers(many[:20]...)
	tooMany = im.ErrBatchTooLarge.With("10")
	tooMany.Count = 11
	app.fails(tooMany).MemberAttributes(strings.Repeat("bob ", 11))
	app.MemberAttributes(strings.Repeat("bob ", 10))
	app.fails(im.ErrFieldMissing).MemberAttributes("")

	cat := inGroup(w.t, w, "cat", crew)
	cat.SetMembers(im.MemberChange{User: "cat", Set: crowded(8)}) // 4080 bytes
	cat.fails(im.ErrAttrFull.For("cat").In(crew)).SetMember("cat", "x="+strings.Repeat("v", 16))
	cat.SetMember("cat", "x="+strings.Repeat("v", 15))
	cat.fails(im.ErrAttrFull.For("cat").In(crew)).SetMember("cat", "y=v")
	cat.SetMember("cat", "x=", "y="+strings.Repeat("v", 15))
}

// TestMemberAttributesGoWithTheMember, however the membership ends.
func TestMemberAttributesGoWithTheMember(t *testing.T) {
	for name, leave := range map[string]func(w *world){
		"leaves":     func(w *world) { inGroup(w.t, w, "bob", crew).Remove("bob") },
		"is removed": func(w *world) { inGroup(w.t, w, "ann", crew).RemoveAll("bob", "sid") },
		"is blocked": func(w *world) { inGroup(w.t, w, "ann", crew).Block("bob") },
		"is deleted": func(w *world) { inGroup(w.t, w, "app", crew).DeleteUser("bob"); w.register("bob") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newCrew(t)
			app := inGroup(w.t, w, "app", crew)
			app.SetMembers(im.MemberChange{User: "bob", Set: attrs("a=1")}, im.MemberChange{User: "cat", Set: attrs("a=2")})
			inGroup(w.t, w, "bob", crew).Shield("bob", true)
			leave(w)
			same(t, "gone", app.MemberAttributes("bob cat"), "cat.a=2")
			app.Add("bob")
			same(t, "back", app.MemberAttributes("bob"), "")
			same(t, "shields", app.Shields(), "")
		})
	}
}

func TestShield(t *testing.T) {
	for _, kind := range []im.RoomKind{im.Chatroom, im.Group} {
		w := newCrew(t)
		room, mark := lounge, ""
		if kind == im.Group {
			room, mark = crew, "(group)"
		}
		act := func(name string) actor { return as(t, w, name).of(kind).in(room) }
		act("cat").Shield("Cat", true)
		act("cat").Shield("cat", true)
		w.want(fmt.Sprintf("@cat %s%s room_shielded by cat [cat]", room, mark))
		act("app").Shield("bob", true)
		w.want(fmt.Sprintf("@bob %s%s room_shielded by app [bob]", room, mark))
		same(t, "to the app", act("app").Shields(), "bob cat")
		same(t, "to oneself", act("cat").Shields(), "cat")
		same(t, "to the owner", act("ann").Shields(), "")
		same(t, "still a member", act("ann").Members(), "ann! adm+ ada+ bob cat")
		act("cat").Shield("cat", false)
		act("cat").Shield("cat", false)
		act("app").Shield("cat", false)
		w.want(fmt.Sprintf("@cat %s%s room_unshielded by cat [cat]", room, mark))
		same(t, "left", act("app").Shields(), "bob")
		act("ann").fails(im.ErrOnOwner.For("ann").In(room)).Shield("ann", true)
		act("ann").Shield("ann", false)
		act("app").fails(im.ErrUserOnly).Shield("", true)
		act("app").fails(im.ErrNotMember.For("nosuch").In(room)).Shield("nosuch", true)
		w.want()
	}
}

// TestTheNewOwnerReceivesEverything, like one who was muted may speak.
func TestTheNewOwnerReceivesEverything(t *testing.T) {
	w := newCrew(t)
	inGroup(w.t, w, "bob", crew).Shield("bob", true)
	w.bus.Take()
	inGroup(w.t, w, "ann", crew).Transfer("bob")
	same(t, "shields", inGroup(w.t, w, "app", crew).Shields(), "")
	w.want("crew(group) owner_changed by ann [bob ann] of 5", "notice @bob crew(group) owner_changed by ann [bob ann]",
		"notice @ann crew(group) owner_changed by ann [bob ann]", "@bob crew(group) room_unshielded by ann [bob]")
}
