package im_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// deed is one call of the Service about a room. target is a user's name.
type deed func(ctx context.Context, s *im.Service, c im.Caller, room im.RoomID, target string) error

// callers are the columns of the matrix: who stands how to the room.
const callers = "app ann adm bob sid zed nobody"

const (
	everyone = "ok  ok  ok  ok  ok  ok  unauthenticated"
	admins   = "ok  ok  ok  forbidden  forbidden  forbidden  unauthenticated"
	owners   = "ok  ok  forbidden  forbidden  forbidden  forbidden  unauthenticated"
	onAdmin  = "ok  ok  forbidden  forbidden  forbidden  forbidden  unauthenticated" // an admin by another
	onOwner  = "on_owner  on_owner  on_owner  forbidden  forbidden  forbidden  unauthenticated"
	onNobody = "user_not_found  user_not_found  user_not_found  forbidden  forbidden  forbidden  unauthenticated"
	onSid    = "not_member  not_member  not_member  forbidden  forbidden  forbidden  unauthenticated"
)

// inside is what strangers are not told of a group that is not public.
const inside = "ok  ok  ok  ok  forbidden  forbidden  unauthenticated"

// rule is one row: what every caller hears who does it to a target. "self" is the caller.
type rule struct {
	method, target, answers string
	do                      deed
}

// kindOf tells the kind of the rooms of these tests by their names: groups are called g1, g2, ….
func kindOf(r im.RoomID) im.RoomKind {
	if strings.HasPrefix(string(r), "g") {
		return im.Group
	}
	return im.Chatroom
}

// inGroups has what is answered differently in groups, by method and target.
func inGroups() map[string]string {
	return map[string]string{
		"BlockMembers sid": admins,
		"ChangeRoom ":      admins, // describing it; ChangeRoom cat is a transfer
		"MembersPage ":     inside,
		"MembersAfter ":    inside,
		"MembersOnline ":   inside,
		"Readers ":         inside,
		"Admins ":          inside,
		"Announcement ":    inside,
	}
}

// onlyOf has the methods that are about one kind of room.
func onlyOf() map[string]im.RoomKind {
	return map[string]im.RoomKind{"Readers": im.Group, "Attributes": im.Chatroom, "SetAttributes": im.Chatroom, "DeleteAttributes": im.Chatroom, "Enter": im.Chatroom}
}

// matrix is a table: its length is that of what the Service can do in a room.
func matrix() []rule {
	return slices.Concat(readingRules(), fileRules(), rosterRules(), moderationRules())
}

func readingRules() []rule {
	adminOrSelf := "ok  ok  ok  ok  ok  ok  unauthenticated"
	return []rule{
		{"RoomDetails", "", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.RoomDetails(ctx, c, kindOf(r), []im.RoomID{r})
			return err
		}},
		{"MembersPage", "", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.MembersPage(ctx, c, kindOf(r), r, im.Page{Number: 1, Size: 1})
			return err
		}},
		{"MembersAfter", "", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, _, err := s.MembersAfter(ctx, c, kindOf(r), r, im.MemberQuery{Limit: 1})
			return err
		}},
		{"MembersOnline", "", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, _, err := s.MembersOnline(ctx, c, kindOf(r), r, im.Page{Number: 1, Size: 1})
			return err
		}},
		{"IsMember", "cat", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			_, err := s.IsMember(ctx, c, kindOf(r), r, target)
			return err
		}},
		{"Admins", "", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.Admins(ctx, c, kindOf(r), r)
			return err
		}},
		{"Announcement", "", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.Announcement(ctx, c, kindOf(r), r)
			return err
		}},
		{"Readers", "", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, _, _, err := s.Readers(ctx, c, r, 7, 0, 1)
			return err
		}},
		{"Attributes", "", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.Attributes(ctx, c, r, nil)
			return err
		}},
		{"MuteList", "", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.MuteList(ctx, c, kindOf(r), r)
			return err
		}},
		{"BlockList", "", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.BlockList(ctx, c, kindOf(r), r)
			return err
		}},
		{"AllowList", "", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.AllowList(ctx, c, kindOf(r), r)
			return err
		}},
		{"IsMuted", "cat", admins, isMuted},
		{"IsMuted", "self", adminOrSelf, isMuted},
		{"IsAllowed", "cat", admins, isAllowed},
		{"IsAllowed", "self", adminOrSelf, isAllowed},
	}
}

func isMuted(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	_, err := s.IsMuted(ctx, c, kindOf(r), r, target)
	return err
}

func isAllowed(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	_, err := s.IsAllowed(ctx, c, kindOf(r), r, target)
	return err
}

func rosterRules() []rule {
	self := "-  on_owner  ok  ok  not_member  not_member  unauthenticated"
	return []rule{
		{"ChangeRoom", "", owners, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			return s.ChangeRoom(ctx, c, kindOf(r), r, im.RoomChange{Name: ptr("new")})
		}},
		{"ChangeRoom", "cat", owners, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			return s.ChangeRoom(ctx, c, kindOf(r), r, im.RoomChange{NewOwner: &target})
		}},
		{"DestroyRoom", "", owners, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			return s.DestroyRoom(ctx, c, kindOf(r), r)
		}},
		{"DisableRoom", "", "ok  app_token_required  app_token_required  app_token_required  app_token_required  app_token_required  unauthenticated",
			func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
				return s.DisableRoom(ctx, c, kindOf(r), r, true)
			}},
		{"Enter", "", "user_token_required  ok  ok  ok  ok  blocked  unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.Enter(ctx, c, r, im.Entering{LeaveOthers: true})
			return err
		}},
		{"AddMember", "sid", admins, addMember},
		{"AddMember", "zed", admins, addMember},
		{"AddMember", "eve", onNobody, addMember},
		{"AddMember", "self", "-  already_member  already_member  forbidden  forbidden  forbidden  unauthenticated", addMember},
		{"AddMembers", "sid", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			_, err := s.AddMembers(ctx, c, kindOf(r), r, []string{target})
			return err
		}},
		{"RemoveMember", "cat", admins, removeMember},
		{"RemoveMember", "ada", onAdmin, removeMember},
		{"RemoveMember", "ann", "on_owner  on_owner  on_owner  forbidden  forbidden  forbidden  unauthenticated", removeMember},
		{"RemoveMember", "eve", onNobody, removeMember},
		{"RemoveMember", "self", self, removeMember},
		{"RemoveMembers", "cat", admins, removeMembers},
		{"RemoveMembers", "ada", onAdmin, removeMembers},
		{"RemoveMembers", "ann", onOwner, removeMembers},
		{"RemoveMembers", "self", self, removeMembers},
		{"AddAdmin", "cat", owners, addAdmin},
		{"AddAdmin", "ada", owners, addAdmin},
		{"AddAdmin", "ann", "on_owner  on_owner  forbidden  forbidden  forbidden  forbidden  unauthenticated", addAdmin},
		{"RemoveAdmin", "ada", owners, removeAdmin},
		{"RemoveAdmin", "cat", "not_admin  not_admin  forbidden  forbidden  forbidden  forbidden  unauthenticated", removeAdmin},
		{"RemoveAdmin", "self", "-  not_admin  forbidden  forbidden  forbidden  forbidden  unauthenticated", removeAdmin},
		{"AddAdmin", "self", "-  on_owner  forbidden  forbidden  forbidden  forbidden  unauthenticated", addAdmin},
		{"AddAdmin", "sid", "not_member  not_member  forbidden  forbidden  forbidden  forbidden  unauthenticated", addAdmin},
		{"AddAdmin", "zed", "not_member  not_member  forbidden  forbidden  forbidden  forbidden  unauthenticated", addAdmin},
		{"RemoveAdmin", "ann", "not_admin  not_admin  forbidden  forbidden  forbidden  forbidden  unauthenticated", removeAdmin},
	}
}

func addMember(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	return s.AddMember(ctx, c, kindOf(r), r, target)
}

func removeMember(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	return s.RemoveMember(ctx, c, kindOf(r), r, target)
}

func removeMembers(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	results, err := s.RemoveMembers(ctx, c, kindOf(r), r, []string{target})
	if err == nil && results[0].Err != nil {
		return results[0].Err
	}
	return err
}

func addAdmin(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	return s.AddAdmin(ctx, c, kindOf(r), r, target)
}

func removeAdmin(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	return s.RemoveAdmin(ctx, c, kindOf(r), r, target)
}

func moderationRules() []rule {
	self := "-  on_owner  forbidden  forbidden  forbidden  forbidden  unauthenticated"
	setter := "not_member  ok  ok  ok  not_member  not_member  unauthenticated"
	return []rule{
		{"MuteMembers", "cat", admins, muteMembers},
		{"MuteMembers", "ada", onAdmin, muteMembers},
		{"MuteMembers", "ann", onOwner, muteMembers},
		{"MuteMembers", "sid", onSid, muteMembers},
		{"MuteMembers", "self", self, muteMembers},
		{"UnmuteMembers", "cat", admins, unmuteMembers},
		{"UnmuteMembers", "ada", onAdmin, unmuteMembers},
		{"UnmuteMembers", "ann", onOwner, unmuteMembers},
		{"UnmuteMembers", "self", self, unmuteMembers},
		{"UnmuteMembers", "eve", onNobody, unmuteMembers},
		{"UnmuteMembers", "sid", admins, unmuteMembers},
		{"UnmuteAll", "", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.UnmuteAll(ctx, c, kindOf(r), r)
			return err
		}},
		{"MuteRoom", "", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			return s.MuteRoom(ctx, c, kindOf(r), r, true)
		}},
		{"BlockMembers", "cat", admins, blockMembers},
		{"BlockMembers", "ada", onAdmin, blockMembers},
		{"BlockMembers", "ann", onOwner, blockMembers},
		{"BlockMembers", "sid", onSid, blockMembers},
		{"BlockMembers", "self", self, blockMembers},
		{"UnblockMembers", "zed", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			_, err := s.UnblockMembers(ctx, c, kindOf(r), r, []string{target})
			return err
		}},
		{"AllowMembers", "cat", admins, allowMembers},
		{"AllowMembers", "self", "-  ok  ok  forbidden  forbidden  forbidden  unauthenticated", allowMembers},
		{"AllowMembers", "sid", onSid, allowMembers},
		{"BlockMembers", "zed", admins, blockMembers},
		{"DisallowMembers", "cat", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			_, err := s.DisallowMembers(ctx, c, kindOf(r), r, []string{target})
			return err
		}},
		{"SetAnnouncement", "", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			return s.SetAnnouncement(ctx, c, kindOf(r), r, "new")
		}},
		{"SetAttributes", "self", setter, setAttributes},
		{"SetAttributes", "cat", "ok  not_self  not_self  not_self  not_self  not_self  unauthenticated", setAttributes},
		{"DeleteAttributes", "self", setter, deleteAttributes},
		{"DeleteAttributes", "cat", "ok  not_self  not_self  not_self  not_self  not_self  unauthenticated", deleteAttributes},
	}
}

func muteMembers(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	_, err := s.MuteMembers(ctx, c, kindOf(r), r, []string{target}, time.Hour)
	return err
}

func unmuteMembers(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	_, err := s.UnmuteMembers(ctx, c, kindOf(r), r, []string{target})
	return err
}

func blockMembers(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	_, err := s.BlockMembers(ctx, c, kindOf(r), r, []string{target}, true)
	return err
}

func allowMembers(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	_, err := s.AllowMembers(ctx, c, kindOf(r), r, []string{target})
	return err
}

func setAttributes(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	_, err := s.SetAttributes(ctx, c, r, im.AttributeChange{User: target, Set: []im.Attribute{{Key: "k", Value: "v"}}})
	return err
}

func deleteAttributes(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	_, err := s.DeleteAttributes(ctx, c, r, target, []string{"k"}, false)
	return err
}

// TestAuthority asks every cell of the matrix, in a new room when the last one was changed. A refusal changes and
// announces nothing.
func TestAuthority(t *testing.T) {
	for _, kind := range []im.RoomKind{im.Chatroom, im.Group} {
		t.Run(map[im.RoomKind]string{im.Chatroom: "chatroom", im.Group: "group"}[kind], func(t *testing.T) { testAuthority(t, kind) })
	}
}

func testAuthority(t *testing.T, kind im.RoomKind) {
	w := newWorld(t, "user_max_chatrooms=10000")
	n := 0
	furnished := func() (im.RoomID, string) {
		n++
		id := im.RoomID(fmt.Sprintf("r%d", n))
		if kind == im.Group {
			id = im.RoomID(fmt.Sprintf("g%d", n))
		}
		w.furnishAs(kind, id)
		w.bus.Take()
		return id, snapshot(t, w, id)
	}
	room, before := furnished()
	for _, rule := range matrix() {
		name := rule.method + " " + rule.target
		if only, ok := onlyOf()[rule.method]; ok && only != kind {
			continue
		}
		t.Run(name, func(t *testing.T) {
			answers := strings.Fields(rule.answers)
			if other, ok := inGroups()[name]; ok && kind == im.Group {
				answers = strings.Fields(other)
			}
			for i, who := range strings.Fields(callers) {
				target := rule.target
				if target == "self" {
					target = who
				}
				got := "ok"
				if err := rule.do(t.Context(), w.svc, as(t, w, who).c, room, target); err != nil {
					got = im.AsError(err).Code
				}
				if want := answers[i]; want != "-" && got != want {
					t.Errorf("%s: got %s, want %s", who, got, want)
				}
				after := snapshot(t, w, room)
				if got != "ok" {
					same(t, who+": after a refusal", after, before)
					w.want()
				}
				if after != before {
					room, before = furnished()
				}
			}
		})
	}
}

// snapshot is all that is stored about a room; "" when it is destroyed.
func snapshot(t *testing.T, w *world, id im.RoomID) string {
	t.Helper()
	app := as(t, w, "app").of(kindOf(id)).in(id)
	if _, err := w.svc.Announcement(t.Context(), app.c, app.kind, id); err != nil {
		return ""
	}
	room, roster := app.Room()
	attributes := ""
	if app.kind == im.Chatroom {
		attributes = app.Attributes()
	}
	return fmt.Sprint(room, roster, app.SharedFiles(), app.Mutes(), app.Blocks(), app.Allows(), attributes)
}

// TestAuthorityIsComplete wants a row for every method that names a room, and all of them to know no room.
func TestAuthorityIsComplete(t *testing.T) {
	w := newWorld(t)
	rows := map[string]deed{}
	for _, rule := range append(matrix(), groupMatrix()...) {
		rows[rule.method] = rule.do
	}
	service := reflect.TypeFor[*im.Service]()
	for i := range service.NumMethod() {
		m := service.Method(i)
		for j := range m.Type.NumIn() {
			in := m.Type.In(j)
			if in != reflect.TypeFor[im.RoomID]() && in != reflect.TypeFor[[]im.RoomID]() {
				continue
			}
			do := rows[m.Name]
			if do == nil && slices.ContainsFunc(communityMatrix(), func(r communityRule) bool { return r.method == m.Name }) {
				continue // TestCommunityUnknown
			}
			if do == nil {
				t.Errorf("%s has no row in the matrix", m.Name)
				continue
			}
			for _, who := range []string{"app", "bob"} {
				refused(t, do(t.Context(), w.svc, as(t, w, who).c, "nosuch", who), im.ErrRoomNotFound.In("nosuch"))
			}
		}
	}
}

// TestCallersOfTheWholeApp covers the lists that name no room.
func TestCallersOfTheWholeApp(t *testing.T) {
	w := newWorld(t)
	for who, want := range map[string]*im.Error{"app": nil, "bob": nil, "nobody": im.ErrUnauthenticated} {
		a := as(t, w, who).fails(want)
		_, err := w.svc.RoomsPage(t.Context(), a.c, im.Chatroom, im.Page{Number: 1, Size: 1})
		a.check(err)
		_, _, err = w.svc.RoomsAfter(t.Context(), a.c, im.Chatroom, 0, 1)
		a.check(err)
		_, _, err = w.svc.PublicGroups(t.Context(), a.c, 0, 1)
		a.check(err)
	}
	for who, want := range map[string]*im.Error{"app": nil, "bob": nil, "ann": im.ErrNotSelf.For("bob"), "nobody": im.ErrUnauthenticated} {
		as(t, w, who).fails(want).Joined("Bob")
		as(t, w, who).fails(want).Memberships("Bob")
		as(t, w, who).fails(want).JoinedCount("Bob")
		as(t, w, who).fails(want).User("Bob")
	}
	for who, want := range map[string]*im.Error{"app": im.ErrUserNotFound.For("eve"), "bob": im.ErrNotSelf.For("eve"), "nobody": im.ErrUnauthenticated} {
		as(t, w, who).fails(want).Joined("eve")
		as(t, w, who).fails(want).Memberships("eve")
		as(t, w, who).fails(want).JoinedCount("eve")
		as(t, w, who).fails(want).User("eve")
		as(t, w, who).fails(want).DeleteUser("eve")
		as(t, w, who).fails(want).SetPassword("eve", "p", "secret")
	}
	for who, want := range map[string]*im.Error{"app": nil, "bob": im.ErrNotSelf, "nobody": im.ErrUnauthenticated} {
		a := as(t, w, who).fails(want)
		a.SetActive("bob", true)
		_, _, err := w.svc.Users(t.Context(), a.c, 0, 1)
		a.check(err)
		_, _, err = w.svc.DeleteUsers(t.Context(), a.c, 1)
		a.check(err)
	}
}
