package im_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// The people of the community's tests by number, and how they stand to its groups.
const (
	rootID     = 1 // the owner
	floraID    = 2 // an admin
	woodID     = 3 // a plain member
	bobID      = 4 // in no group
	disabledID = 6
)

// village is a world with accounts and groups of the social app.
type village struct {
	*world
	open, closed im.RoomID // a public group and a private one
}

func newVillage(t *testing.T, settings ...string) *village {
	t.Helper()
	return newVillageIn(t, newWorld(t, settings...))
}

func newVillageIn(t *testing.T, w *world) *village {
	t.Helper()
	v := &village{world: w}
	app := im.AppCaller(v.app)
	for _, name := range []string{"root", "flora", "wood", "bob", "eve", "gone"} {
		a, err := v.svc.CreateAccount(t.Context(), app, im.NewAccount{Name: name})
		must(t, err)
		if name == "gone" {
			must(t, v.svc.DisableAccount(t.Context(), app, a.ID))
		}
	}
	v.found()
	return v
}

// found makes both groups anew.
func (v *village) found() {
	v.t.Helper()
	v.open, v.closed = v.start(im.Unsaid), v.start(im.Off)
	v.bus.Take()
}

func (v *village) start(public im.Toggle) im.RoomID {
	v.t.Helper()
	room, err := v.svc.StartGroup(v.t.Context(), v.caller(rootID), im.NewGroup{Name: "village", Public: public, Members: []int64{floraID, woodID}})
	must(v.t, err)
	must(v.t, v.svc.AddAdmin(v.t.Context(), im.AppCaller(v.app), im.Group, room.ID, "2"))
	return room.ID
}

// caller is a person; 0 is nobody, -1 the app, -2 a user who is no person.
func (v *village) caller(id int64) im.Caller {
	switch id {
	case 0:
		return im.Nobody(v.app)
	case -1:
		return im.AppCaller(v.app)
	case -2:
		return im.UserCaller(v.app, "ann")
	}
	return im.UserCaller(v.app, im.IMName(id))
}

// villagers are the columns of the matrix: root flora wood bob nobody app ann.
func villagers() []int64 { return []int64{rootID, floraID, woodID, bobID, 0, -1, -2} }

// communityRule is one row: what every caller hears, in the public group and in the private one.
type communityRule struct {
	method, about string
	open, closed  string
	do            func(ctx context.Context, s *im.Service, c im.Caller, room im.RoomID) error
}

const others = " unauthenticated user_token_required user_token_required"

func invite(ids ...int64) func(context.Context, *im.Service, im.Caller, im.RoomID) error {
	return func(ctx context.Context, s *im.Service, c im.Caller, room im.RoomID) error {
		if ids[0] == 0 {
			self, _ := im.AccountID(c.User)
			_, err := s.InvitePeople(ctx, c, room, []int64{max(self, 1)})
			return err
		}
		_, err := s.InvitePeople(ctx, c, room, ids)
		return err
	}
}

func remove(ids ...int64) func(context.Context, *im.Service, im.Caller, im.RoomID) error {
	return func(ctx context.Context, s *im.Service, c im.Caller, room im.RoomID) error {
		if ids[0] == 0 {
			self, _ := im.AccountID(c.User)
			_, err := s.RemovePeople(ctx, c, room, []int64{max(self, 1)})
			return err
		}
		_, err := s.RemovePeople(ctx, c, room, ids)
		return err
	}
}

func edit(e im.GroupEdit) func(context.Context, *im.Service, im.Caller, im.RoomID) error {
	return func(ctx context.Context, s *im.Service, c im.Caller, room im.RoomID) error {
		e.Name = "n"
		_, _, err := s.EditGroup(ctx, c, room, e)
		return err
	}
}

func communityMatrix() []communityRule {
	asItIs := im.GroupEdit{Public: im.AsItIs, MembersOnly: im.AsItIs, AllowInvites: im.AsItIs}
	with := func(change func(*im.GroupEdit)) im.GroupEdit { e := asItIs; change(&e); return e }
	anyone, members := "ok ok ok ok"+others, "ok ok ok room_not_found"+others
	admins, owners := "ok ok forbidden forbidden"+others, "ok forbidden forbidden forbidden"+others
	hidden := func(row string) string {
		f := strings.Fields(row)
		f[3] = "room_not_found"
		return strings.Join(f, " ")
	}
	mine := "ok room_not_found room_not_found room_not_found" + others
	return []communityRule{
		{"CommunityGroups", "", anyone, members, func(ctx context.Context, s *im.Service, c im.Caller, room im.RoomID) error {
			_, err := s.CommunityGroups(ctx, c, []im.RoomID{room})
			return err
		}},
		{"GroupFaces", "", anyone, anyone, func(ctx context.Context, s *im.Service, c im.Caller, room im.RoomID) error {
			_, err := s.GroupFaces(ctx, c, []im.RoomID{room})
			return err
		}},
		{"EditGroup", "name", admins, hidden(admins), edit(asItIs)},
		{"EditGroup", "what is not said", admins, hidden(admins), edit(im.GroupEdit{})},
		{"EditGroup", "face", admins, hidden(admins), edit(with(func(e *im.GroupEdit) { e.Face = &im.Face{URL: "https://x/y"} }))},
		{"EditGroup", "members_only", owners, hidden(owners), edit(with(func(e *im.GroupEdit) { e.MembersOnly = im.On }))},
		{"EditGroup", "invites", owners, hidden(owners), edit(with(func(e *im.GroupEdit) { e.AllowInvites = im.Off }))},
		{"EditGroup", "places", owners, hidden(owners), edit(with(func(e *im.GroupEdit) { e.MaxUsers = ptr(7) }))},
		{"EditGroup", "owner", owners, hidden(owners), edit(with(func(e *im.GroupEdit) { e.NewOwner = woodID }))},
		{"EditGroup", "the owner there is", admins, hidden(admins), edit(with(func(e *im.GroupEdit) { e.NewOwner = rootID }))},
		{"DissolveGroup", "", mine, mine, func(ctx context.Context, s *im.Service, c im.Caller, room im.RoomID) error {
			return s.DissolveGroup(ctx, c, room)
		}},
		{"InvitePeople", "another", "ok ok ok forbidden" + others, members, invite(5)},
		{"InvitePeople", "self", "ok ok ok ok" + others, members, invite(0)},
		{"InvitePeople", "self and another", "ok ok ok forbidden" + others, members, invite(bobID, 5)},
		{"RemovePeople", "a member", "ok ok forbidden forbidden" + others, "ok ok forbidden room_not_found" + others, remove(woodID, bobID)},
		{"RemovePeople", "self", "on_owner ok ok forbidden" + others, "on_owner ok ok room_not_found" + others, remove(0)},
		{"RemovePeople", "the owner", "on_owner on_owner forbidden forbidden" + others, "on_owner on_owner forbidden room_not_found" + others, remove(woodID, rootID)},
		{"RemovePeople", "an admin", "ok ok forbidden forbidden" + others, "ok ok forbidden room_not_found" + others, remove(floraID)},
	}
}

// TestCommunityAuthority asks every cell, in the public group and in the private one. A refusal changes nothing.
func TestCommunityAuthority(t *testing.T) {
	v := newVillage(t)
	for _, rule := range communityMatrix() {
		t.Run(rule.method+" "+rule.about, func(t *testing.T) {
			v.t, v.world.t = t, t
			for _, private := range []bool{false, true} {
				answers := strings.Fields(rule.open)
				if private {
					answers = strings.Fields(rule.closed)
				}
				for i, who := range villagers() {
					v.found()
					room := v.open
					if private {
						room = v.closed
					}
					before := v.shown(room)
					got := "ok"
					if err := rule.do(t.Context(), v.svc, v.caller(who), room); err != nil {
						got = im.AsError(err).Code
						same(t, "after a refusal", v.shown(room), before)
						v.want()
					}
					if got != answers[i] {
						t.Errorf("private %v, caller %d: got %s, want %s", private, who, got, answers[i])
					}
				}
			}
		})
	}
}

// shown is a group as its owner sees it.
func (v *village) shown(id im.RoomID) string {
	v.t.Helper()
	groups, err := v.svc.CommunityGroups(v.t.Context(), v.caller(rootID), []im.RoomID{id})
	if errors.Is(err, im.ErrRoomNotFound) {
		return "gone"
	}
	must(v.t, err)
	g := groups[0]
	g.Version = 0
	return fmt.Sprintf("%s %v %v", roster(g.Roster), g.Room, g.Face)
}

func roster(members []im.Member) string {
	var b strings.Builder
	for _, m := range members {
		b.WriteString(string(m.User) + map[im.Role]string{im.Owner: "! ", im.Admin: "+ ", im.Plain: " "}[m.Role])
	}
	return strings.TrimSpace(b.String())
}

// TestCommunityUnknown: no method knows a group that is not there, nor a chatroom.
func TestCommunityUnknown(t *testing.T) {
	v := newVillage(t)
	for _, rule := range communityMatrix() {
		for _, id := range []im.RoomID{"nosuch", lounge} {
			err := rule.do(t.Context(), v.svc, v.caller(rootID), id)
			if rule.method == "GroupFaces" {
				must(t, err)
				continue
			}
			refused(t, err, im.ErrRoomNotFound.In(id))
		}
	}
}

func TestStartGroup(t *testing.T) {
	v := newVillage(t, "group_max_maxusers=1000")
	root := v.caller(rootID)
	room, err := v.svc.StartGroup(t.Context(), root, im.NewGroup{Name: "n", Description: "d", Members: []int64{woodID, rootID, woodID}})
	must(t, err)
	same(t, "as a new group is", room, im.Room{App: v.app.ID, ID: room.ID, Kind: im.Group, Name: "n", Description: "d", Owner: "1", MaxUsers: 200,
		Members: 2, Created: v.clock.Now(), Public: true, AllowInvites: true, InviteNeedConfirm: true, Seq: 0, Version: 1})
	v.want(string(room.ID)+"(group) room_created by 1 [1 3] of 2", "notice @3 "+string(room.ID)+"(group) members_joined by 1 [3]")
	room, err = v.svc.StartGroup(t.Context(), root, im.NewGroup{Name: strings.Repeat("茶、", 2048), Public: im.Off, MembersOnly: im.On, AllowInvites: im.Off, MaxUsers: ptr(1000)})
	must(t, err)
	same(t, "as asked for", []any{room.Public, room.MembersOnly, room.AllowInvites, room.MaxUsers}, []any{false, true, false, 1000})
	v.bus.Take()
	for _, row := range []struct {
		n    im.NewGroup
		want *im.Error
	}{
		{im.NewGroup{}, im.ErrFieldMissing.With("name")},
		{im.NewGroup{Name: "a\x00"}, im.ErrInvalid.With("name")},
		{im.NewGroup{Name: "a", Description: "\xff"}, im.ErrInvalid.With("description")},
		{im.NewGroup{Name: strings.Repeat("茶", 4097)}, im.ErrNameTooLong.With("4096")},
		{im.NewGroup{Name: "a", Description: strings.Repeat("茶", 4097)}, im.ErrDescTooLong.With("4096")},
		{im.NewGroup{Name: "a", MaxUsers: ptr(0)}, im.ErrInvalid.With("maxusers")},
		{im.NewGroup{Name: "a", MaxUsers: ptr(1001)}, im.ErrMaxUsersHigh.With("1000")},
		{im.NewGroup{Name: "a", MaxUsers: ptr(1), Members: []int64{2}}, im.ErrTooManyMembers},
		{im.NewGroup{Name: "a", Members: []int64{2, 99}}, im.ErrUserNotFound.For("99")},
		{im.NewGroup{Name: "a", Members: []int64{disabledID}}, im.ErrUserNotFound.For("6")},
	} {
		_, err := v.svc.StartGroup(t.Context(), root, row.n)
		refused(t, err, row.want)
	}
	for who, want := range map[int64]*im.Error{0: im.ErrUnauthenticated, -1: im.ErrUserOnly, -2: im.ErrUserOnly, disabledID: im.ErrUserNotFound} {
		_, err := v.svc.StartGroup(t.Context(), v.caller(who), im.NewGroup{Name: "n"})
		refused(t, err, want)
	}
	v.want()
}

// TestLongNames: the name that the social app gave a group is longer than others may be, and stays.
func TestLongNames(t *testing.T) {
	v := newVillage(t)
	long := strings.Repeat("茶", 4096)
	room, err := v.svc.StartGroup(t.Context(), v.caller(rootID), im.NewGroup{Name: long, Description: long})
	must(t, err)
	app := as(t, v.world, "app").of(im.Group).in(room.ID)
	app.Change(im.RoomChange{MaxUsers: ptr(300)})
	app.fails(im.ErrNameTooLong).Change(im.RoomChange{Name: &long})
	app.fails(im.ErrDescTooLong).Change(im.RoomChange{Description: &long})
	got, _ := app.Room()
	same(t, "name", []any{got.Name == long, got.Description == long, got.MaxUsers}, []any{true, true, 300})
}

func TestEditGroup(t *testing.T) {
	v := newVillage(t)
	root, flora := v.caller(rootID), v.caller(floraID)
	do := func(c im.Caller, e im.GroupEdit) im.CommunityGroup {
		t.Helper()
		g, _, err := v.svc.EditGroup(t.Context(), c, v.closed, e)
		must(t, err)
		return g
	}
	g := do(flora, im.GroupEdit{Name: "by an admin"})
	same(t, "what an admin does not say stays", []any{g.Name, g.Description, g.Public, g.MembersOnly, g.AllowInvites}, []any{"by an admin", "", false, false, true})
	g = do(root, im.GroupEdit{Name: "n", Public: im.AsItIs, MembersOnly: im.On, AllowInvites: im.Off, MaxUsers: ptr(3)})
	same(t, "as asked for", []any{g.Public, g.MembersOnly, g.AllowInvites, g.MaxUsers}, []any{false, true, false, 3})
	g = do(root, im.GroupEdit{Name: "n", Description: "d"})
	same(t, "what the owner does not say is as new", []any{g.Description, g.Public, g.MembersOnly, g.AllowInvites, g.MaxUsers}, []any{"d", true, false, true, 3})
	_, _, err := v.svc.EditGroup(t.Context(), root, v.closed, im.GroupEdit{Name: "n", MaxUsers: ptr(2)})
	refused(t, err, im.ErrMaxUsersLow)
	as(t, v.world, "app").of(im.Group).in(v.closed).Change(im.RoomChange{MaxUsers: ptr(5000)})
	g = do(root, im.GroupEdit{Name: "n", MaxUsers: ptr(5000)})
	same(t, "what the management API gave comes back", g.MaxUsers, 5000)
	_, _, err = v.svc.EditGroup(t.Context(), root, v.closed, im.GroupEdit{Name: "n", MaxUsers: ptr(4999)})
	refused(t, err, im.ErrMaxUsersHigh.With("2000"))
	face := im.Face{Room: v.closed, URL: "https://x/face.png"}
	g = do(flora, im.GroupEdit{Name: "n", Face: &face})
	same(t, "face", []any{g.Face, g.Avatar}, []any{face, face.URL})
	g = do(flora, im.GroupEdit{Name: "n"})
	same(t, "the face stays", g.Face, face)
}

func TestPassOnGroup(t *testing.T) {
	v := newVillage(t)
	root := v.caller(rootID)
	pass := func(to int64) (im.CommunityGroup, bool, error) {
		return v.svc.EditGroup(t.Context(), root, v.open, im.GroupEdit{Name: "n", NewOwner: to})
	}
	must(t, v.svc.RegisterIM(t.Context(), root, bobID))
	for to, want := range map[int64]*im.Error{bobID: im.ErrNotMember.For("4"), 5: im.ErrUserNotFound.For("5"), 99: im.ErrUserNotFound.For("99"), disabledID: im.ErrUserNotFound.For("6")} {
		_, _, err := pass(to)
		refused(t, err, want)
	}
	v.want()
	if _, passed, err := pass(rootID); err != nil || passed {
		t.Errorf("to the owner there is: %v, %v", passed, err)
	}
	v.bus.Take()
	g, passed, err := pass(woodID)
	must(t, err)
	same(t, "passed on", []any{passed, g.Owner}, []any{true, im.Username("3")})
	v.want(string(v.open)+"(group) owner_changed by 1 [3 1] of 3", "notice @3 "+string(v.open)+"(group) owner_changed by 1 [3 1]",
		"notice @1 "+string(v.open)+"(group) owner_changed by 1 [3 1]", string(v.open)+"(group) room_updated by 1 [] of 3")
	same(t, "roster", strings.Fields(v.shown(v.open))[:3], []string{"3!", "1", "2+"})
}

func TestInvitePeople(t *testing.T) {
	v := newVillage(t)
	wood := v.caller(woodID)
	added, err := v.svc.InvitePeople(t.Context(), wood, v.open, []int64{5, floraID, bobID})
	must(t, err)
	same(t, "who was not in it, as asked for", names(added), "eve bob")
	v.want(string(v.open)+"(group) members_joined by 3 [5 4] of 5",
		"notice @5 "+string(v.open)+"(group) members_joined by 3 [5]", "notice @4 "+string(v.open)+"(group) members_joined by 3 [4]")
	added, err = v.svc.InvitePeople(t.Context(), wood, v.open, []int64{5})
	same(t, "again", []any{names(added), err}, []any{"", error(nil)})
	v.want()
	_, err = v.svc.InvitePeople(t.Context(), wood, v.closed, []int64{5, 99})
	refused(t, err, im.ErrUserNotFound.For("99"))
	_, _, err = v.svc.EditGroup(t.Context(), v.caller(rootID), v.closed, im.GroupEdit{Name: "n", MaxUsers: ptr(4)})
	must(t, err)
	_, err = v.svc.InvitePeople(t.Context(), wood, v.closed, []int64{bobID, 5})
	refused(t, err, im.ErrTooManyMembers)
	same(t, "all or nothing", strings.Fields(v.shown(v.closed))[:3], []string{"1!", "2+", "3"})

	_, err = v.svc.BlockMembers(t.Context(), im.AppCaller(v.app), im.Group, v.open, []string{"5"}, true)
	must(t, err)
	_, err = v.svc.InvitePeople(t.Context(), wood, v.open, []int64{5})
	refused(t, err, im.ErrForbidden.For("5"))
	_, err = v.svc.InvitePeople(t.Context(), v.caller(5), v.open, []int64{5})
	refused(t, err, im.ErrForbidden.For("5"))
	added, err = v.svc.InvitePeople(t.Context(), v.caller(floraID), v.open, []int64{5})
	same(t, "an admin lifts the block", []any{names(added), err}, []any{"eve", error(nil)})
}

func names(people []im.Profile) string {
	var all []string
	for _, p := range people {
		all = append(all, p.Name)
	}
	return strings.Join(all, " ")
}

// TestJoinAsksNobody: only a public group that asks nobody is joined.
func TestJoinAsksNobody(t *testing.T) {
	v := newVillage(t)
	_, _, err := v.svc.EditGroup(t.Context(), v.caller(rootID), v.open, im.GroupEdit{Name: "n", MembersOnly: im.On})
	must(t, err)
	_, err = v.svc.InvitePeople(t.Context(), v.caller(bobID), v.open, []int64{bobID})
	refused(t, err, im.ErrForbidden)
}

func TestRemovePeople(t *testing.T) {
	v := newVillage(t)
	root := v.caller(rootID)
	removed, err := v.svc.RemovePeople(t.Context(), root, v.open, []int64{woodID, bobID, floraID})
	must(t, err)
	same(t, "those who were in it", names(removed), "wood flora")
	v.want(string(v.open)+"(group) members_removed by 1 [3 2] of 1",
		"notice @3 "+string(v.open)+"(group) members_removed by 1 [3]", "notice @2 "+string(v.open)+"(group) members_removed by 1 [2]")
	removed, err = v.svc.RemovePeople(t.Context(), root, v.open, []int64{bobID})
	same(t, "one who is not in it", []any{names(removed), err}, []any{"", error(nil)})
	_, err = v.svc.RemovePeople(t.Context(), root, v.open, []int64{99})
	refused(t, err, im.ErrUserNotFound.For("99"))
	v.want()
	must(t, v.svc.DisableAccount(t.Context(), im.AppCaller(v.app), woodID))
	v.bus.Take()
	removed, err = v.svc.RemovePeople(t.Context(), root, v.closed, []int64{woodID})
	same(t, "one who is gone", []any{names(removed), err}, []any{"3", error(nil)})
	_, err = v.svc.RemovePeople(t.Context(), v.caller(floraID), v.closed, []int64{floraID})
	must(t, err)
	v.want(string(v.closed)+"(group) members_removed by 1 [3] of 2",
		"notice @3 "+string(v.closed)+"(group) members_removed by 1 [3]", string(v.closed)+"(group) members_left by 2 [2] of 1")
}

// TestCommunityMeetsRooms: a disabled group is as it is for all, and one of the management API is one of the community's.
func TestCommunityMeetsRooms(t *testing.T) {
	v := newVillage(t)
	app := as(t, v.world, "app").of(im.Group)
	app.in(v.open).Disable(true)
	for _, rule := range communityMatrix() {
		err := rule.do(t.Context(), v.svc, v.caller(rootID), v.open)
		if reads := slices.Contains([]string{"CommunityGroups", "GroupFaces"}, rule.method); reads == errors.Is(err, im.ErrRoomDisabled) {
			t.Errorf("%s %s: %v", rule.method, rule.about, err)
		}
	}
	made := app.Create(im.NewRoom{Name: "rest", Owner: "ann", Members: []string{"3", "bob"}})
	groups, err := v.svc.CommunityGroups(t.Context(), v.caller(woodID), []im.RoomID{v.closed, "nosuch", made.ID, lounge, v.open})
	must(t, err)
	same(t, "groups", []any{len(groups), groups[0].ID, groups[1].ID, roster(groups[1].Roster), groups[2].ID}, []any{3, v.closed, made.ID, "ann! 3 bob", v.open})
	_, err = v.svc.CommunityGroups(t.Context(), v.caller(bobID), []im.RoomID{v.closed, made.ID})
	refused(t, err, im.ErrRoomNotFound.In(v.closed))
	_, err = v.svc.CommunityGroups(t.Context(), v.caller(bobID), nil)
	refused(t, err, im.ErrRoomNotFound)
}

// TestManyInvite: many put the same new people into a group at once. The last place is given once, nobody is in it twice, and
// people's users are made once.
func TestManyInvite(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		v := newVillageIn(t, w)
		var ids []int64
		for i := range 20 {
			a, err := v.svc.CreateAccount(t.Context(), im.AppCaller(v.app), im.NewAccount{Name: fmt.Sprintf("guest%02d", i)})
			must(t, err)
			ids = append(ids, a.ID)
		}
		_, _, err := v.svc.EditGroup(t.Context(), v.caller(rootID), v.open, im.GroupEdit{Name: "n", MaxUsers: ptr(13)})
		must(t, err)
		callers := []int64{rootID, floraID, woodID}
		got := tally(together(each(20, func(i int) error { // i and i+1, or the other way round
			pair := []int64{ids[i], ids[(i+1)%20]}
			if i%2 == 0 {
				slices.Reverse(pair)
			}
			_, err := v.svc.InvitePeople(t.Context(), v.caller(callers[i%3]), v.open, pair)
			return err
		})...))
		if got["ok"]+got["too_many_members"] != 20 {
			t.Errorf("got %v", got)
		}
		groups, err := v.svc.CommunityGroups(t.Context(), v.caller(rootID), []im.RoomID{v.open})
		must(t, err)
		in := map[im.Username]bool{}
		for _, m := range groups[0].Roster {
			in[m.User] = true
		}
		if n := groups[0].Members; n > 13 || n < 12 || n != len(groups[0].Roster) || n != len(in) {
			t.Errorf("%d members, %d on the roster, %d people", n, len(groups[0].Roster), len(in))
		}
	})
}

// TestManyStart: many start groups with the same new people at once; all succeed.
func TestManyStart(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		v := newVillageIn(t, w)
		errs := together(each(12, func(i int) error {
			members := []int64{bobID, 5, woodID}
			if i%2 == 0 {
				slices.Reverse(members)
			}
			_, err := v.svc.StartGroup(t.Context(), v.caller([]int64{rootID, bobID, 5}[i%3]), im.NewGroup{Name: "n", Members: members})
			return err
		})...)
		if got := tally(errs); got["ok"] != 12 {
			t.Errorf("got %v: %v", got, errs)
		}
	})
}
