package im_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// actor is somebody who acts in a room of a world. Each of its methods is one call of the Service; a call that does
// not end as expected ends the test. Lists come back as one line.
type actor struct {
	t    testing.TB
	w    *world
	c    im.Caller
	kind im.RoomKind
	room im.RoomID
	want *im.Error // nil: success is expected
}

// as has somebody act: a user by name, "app" for an app token, "nobody" for no token.
func as(t testing.TB, w *world, name string) actor {
	a := actor{t: t, w: w, c: im.UserCaller(w.app, im.Username(name)), kind: im.Chatroom, room: lounge}
	switch name {
	case "app":
		a.c = im.AppCaller(w.app)
	case "nobody":
		a.c = im.Nobody(w.app)
	}
	return a
}

// in has the actor act in another room than the lounge.
func (a actor) in(id im.RoomID) actor { a.room = id; return a }

// of has the actor act on groups.
func (a actor) of(kind im.RoomKind) actor { a.kind = kind; return a }

// fails expects the next call to be refused, by the error's code and those nouns that it names.
func (a actor) fails(want *im.Error) actor { a.want = want; return a }

func (a actor) check(err error) {
	a.t.Helper()
	if a.want != nil {
		refused(a.t, err, a.want)
	} else if err != nil {
		a.t.Fatalf("got error %v, want none", err)
	}
}

// Register makes a user with a password; "" for none.
func (a actor) Register(name, password string) im.User {
	a.t.Helper()
	n := im.NewUser{Name: name}
	if password != "" {
		n.Password = &password
	}
	u, err := a.w.svc.Register(a.t.Context(), a.c, n)
	a.check(err)
	return u
}

// Create makes a room of the actor's kind.
func (a actor) Create(n im.NewRoom) im.Room {
	a.t.Helper()
	n.Kind = a.kind
	r, err := a.w.svc.CreateRoom(a.t.Context(), a.c, n)
	a.check(err)
	return r
}

// Change changes the room.
func (a actor) Change(ch im.RoomChange) {
	a.t.Helper()
	a.check(a.w.svc.ChangeRoom(a.t.Context(), a.c, a.kind, a.room, ch))
}

// Transfer gives the room to another owner.
func (a actor) Transfer(to string) { a.t.Helper(); a.Change(im.RoomChange{NewOwner: &to}) }

// Disable stops the room, or lets it go on.
func (a actor) Disable(disabled bool) {
	a.t.Helper()
	a.check(a.w.svc.DisableRoom(a.t.Context(), a.c, a.kind, a.room, disabled))
}

// Destroy removes the room.
func (a actor) Destroy() {
	a.t.Helper()
	a.check(a.w.svc.DestroyRoom(a.t.Context(), a.c, a.kind, a.room))
}

// Room returns the room's fields; Roster is a line like Members.
func (a actor) Room() (im.Room, string) {
	a.t.Helper()
	d, err := a.w.svc.RoomDetails(a.t.Context(), a.c, a.kind, []im.RoomID{a.room})
	a.check(err)
	if err != nil {
		return im.Room{}, ""
	}
	return d[0].Room, memberLine(d[0].Roster)
}

// Add puts one user into the room.
func (a actor) Add(name string) {
	a.t.Helper()
	a.check(a.w.svc.AddMember(a.t.Context(), a.c, a.kind, a.room, name))
}

// AddAll puts several users into the room and returns who is new.
func (a actor) AddAll(names ...string) string {
	a.t.Helper()
	added, err := a.w.svc.AddMembers(a.t.Context(), a.c, a.kind, a.room, names)
	a.check(err)
	return nameLine(added)
}

// Remove takes one user out of the room.
func (a actor) Remove(name string) {
	a.t.Helper()
	a.check(a.w.svc.RemoveMember(a.t.Context(), a.c, a.kind, a.room, name))
}

// RemoveAll takes several users out of the room, name by name.
func (a actor) RemoveAll(names ...string) string {
	a.t.Helper()
	results, err := a.w.svc.RemoveMembers(a.t.Context(), a.c, a.kind, a.room, names)
	a.check(err)
	return outcomeLine(results)
}

// Members lists the room, longest in it first: "ann! adm+ bob", ! for the owner and + for an admin.
func (a actor) Members() string {
	a.t.Helper()
	m, err := a.w.svc.MembersPage(a.t.Context(), a.c, a.kind, a.room, im.Page{Number: 1, Size: 1000})
	a.check(err)
	return memberLine(m)
}

// AddAdmin makes a member an admin.
func (a actor) AddAdmin(name string) {
	a.t.Helper()
	a.check(a.w.svc.AddAdmin(a.t.Context(), a.c, a.kind, a.room, name))
}

// RemoveAdmin makes an admin a plain member.
func (a actor) RemoveAdmin(name string) {
	a.t.Helper()
	a.check(a.w.svc.RemoveAdmin(a.t.Context(), a.c, a.kind, a.room, name))
}

// Admins lists the admins.
func (a actor) Admins() string {
	a.t.Helper()
	m, err := a.w.svc.Admins(a.t.Context(), a.c, a.kind, a.room)
	a.check(err)
	return memberLine(m)
}

// Mute silences one member.
func (a actor) Mute(name string, length time.Duration) {
	a.t.Helper()
	a.MuteAll(length, name)
}

// MuteAll silences several members: "bob 1h0m0s".
func (a actor) MuteAll(length time.Duration, names ...string) string {
	a.t.Helper()
	entries, err := a.w.svc.MuteMembers(a.t.Context(), a.c, a.kind, a.room, names, length)
	a.check(err)
	return muteLine(entries)
}

// Unmute ends mutes.
func (a actor) Unmute(names ...string) {
	a.t.Helper()
	_, err := a.w.svc.UnmuteMembers(a.t.Context(), a.c, a.kind, a.room, names)
	a.check(err)
}

// Mutes lists the mutes with their ends: "bob 1h0m0s, cat for good".
func (a actor) Mutes() string {
	a.t.Helper()
	entries, err := a.w.svc.MuteList(a.t.Context(), a.c, a.kind, a.room)
	a.check(err)
	return muteLine(entries)
}

// Muted asks whether a user is muted.
func (a actor) Muted(name string) bool {
	a.t.Helper()
	is, err := a.w.svc.IsMuted(a.t.Context(), a.c, a.kind, a.room, name)
	a.check(err)
	return is
}

// MuteRoom silences the whole room, or ends that.
func (a actor) MuteRoom(muted bool) {
	a.t.Helper()
	a.check(a.w.svc.MuteRoom(a.t.Context(), a.c, a.kind, a.room, muted))
}

// Block bars one user, as a call that names one in its path.
func (a actor) Block(name string) {
	a.t.Helper()
	_, err := a.w.svc.BlockMembers(a.t.Context(), a.c, a.kind, a.room, []string{name}, true)
	a.check(err)
}

// BlockAll bars several users, name by name.
func (a actor) BlockAll(names ...string) string {
	a.t.Helper()
	results, err := a.w.svc.BlockMembers(a.t.Context(), a.c, a.kind, a.room, names, false)
	a.check(err)
	return outcomeLine(results)
}

// Unblock lets users in again, name by name.
func (a actor) Unblock(names ...string) string {
	a.t.Helper()
	results, err := a.w.svc.UnblockMembers(a.t.Context(), a.c, a.kind, a.room, names)
	a.check(err)
	return outcomeLine(results)
}

// Blocks lists the blocked users.
func (a actor) Blocks() string {
	a.t.Helper()
	entries, err := a.w.svc.BlockList(a.t.Context(), a.c, a.kind, a.room)
	a.check(err)
	return entryLine(entries)
}

// Allow exempts members from RoomMute, name by name.
func (a actor) Allow(names ...string) string {
	a.t.Helper()
	results, err := a.w.svc.AllowMembers(a.t.Context(), a.c, a.kind, a.room, names)
	a.check(err)
	return outcomeLine(results)
}

// Disallow takes users off the allow list.
func (a actor) Disallow(names ...string) string {
	a.t.Helper()
	users, err := a.w.svc.DisallowMembers(a.t.Context(), a.c, a.kind, a.room, names)
	a.check(err)
	return nameLine(users)
}

// Allows lists the allowed users.
func (a actor) Allows() string {
	a.t.Helper()
	entries, err := a.w.svc.AllowList(a.t.Context(), a.c, a.kind, a.room)
	a.check(err)
	return entryLine(entries)
}

// Allowed asks whether a user may speak during RoomMute.
func (a actor) Allowed(name string) bool {
	a.t.Helper()
	is, err := a.w.svc.IsAllowed(a.t.Context(), a.c, a.kind, a.room, name)
	a.check(err)
	return is
}

// Announce changes the announcement.
func (a actor) Announce(text string) {
	a.t.Helper()
	a.check(a.w.svc.SetAnnouncement(a.t.Context(), a.c, a.kind, a.room, text))
}

// Announcement reads the announcement.
func (a actor) Announcement() string {
	a.t.Helper()
	text, err := a.w.svc.Announcement(a.t.Context(), a.c, a.kind, a.room)
	a.check(err)
	return text
}

// Memberships lists the rooms that a user is in, with the role: "lounge=2 of 1".
func (a actor) Memberships(name string) string {
	a.t.Helper()
	list, total, err := a.w.svc.Memberships(a.t.Context(), a.c, name, a.kind, im.Page{Number: 1, Size: 100})
	a.check(err)
	var items []string
	for _, m := range list {
		items = append(items, fmt.Sprintf("%s=%d", m.ID, m.Role))
	}
	return fmt.Sprintf("%s of %d", strings.Join(items, " "), total)
}

// JoinedCount counts the rooms that a user is in.
func (a actor) JoinedCount(name string) int {
	a.t.Helper()
	n, err := a.w.svc.JoinedCount(a.t.Context(), a.c, name, a.kind)
	a.check(err)
	return n
}

// Joined lists the rooms a user is in.
func (a actor) Joined(name string) string {
	a.t.Helper()
	rooms, err := a.w.svc.JoinedRooms(a.t.Context(), a.c, name, a.kind, im.Page{Number: 1, Size: 1000})
	a.check(err)
	return roomLine(rooms)
}

// SetAttributes changes attributes, key by key: "color ok, x attribute_foreign".
func (a actor) SetAttributes(ch im.AttributeChange) string {
	a.t.Helper()
	results, err := a.w.svc.SetAttributes(a.t.Context(), a.c, a.room, ch)
	a.check(err)
	return keyLine(results)
}

// DeleteAttributes removes attributes in the name of a user, key by key.
func (a actor) DeleteAttributes(user string, forced bool, keys ...string) string {
	a.t.Helper()
	results, err := a.w.svc.DeleteAttributes(a.t.Context(), a.c, a.room, user, keys, forced)
	a.check(err)
	return keyLine(results)
}

// Attributes lists attributes by key: "color=red(bob)~", ~ for those that go with their setter.
func (a actor) Attributes(keys ...string) string {
	a.t.Helper()
	attrs, err := a.w.svc.Attributes(a.t.Context(), a.c, a.room, keys)
	a.check(err)
	return line(attrs, " ", attrLine)
}

// Login asks for a token by password.
func (a actor) Login(name, password string) im.Grant {
	a.t.Helper()
	g, err := a.w.svc.PasswordToken(a.t.Context(), a.w.app, name, password, nil)
	a.check(err)
	return g
}

// Enter shows a token and returns who it speaks for.
func (a actor) Enter(token string) im.Caller {
	a.t.Helper()
	c, err := a.w.svc.Authenticate(a.t.Context(), a.w.app, token)
	a.check(err)
	return c
}

// SetPassword changes a user's password.
func (a actor) SetPassword(name, password, old string) {
	a.t.Helper()
	a.check(a.w.svc.SetPassword(a.t.Context(), a.c, name, password, old))
}

// SetActive activates or deactivates a user.
func (a actor) SetActive(name string, active bool) {
	a.t.Helper()
	_, err := a.w.svc.SetActive(a.t.Context(), a.c, name, active)
	a.check(err)
}

// User looks a user up.
func (a actor) User(name string) im.User {
	a.t.Helper()
	u, err := a.w.svc.User(a.t.Context(), a.c, name)
	a.check(err)
	return u
}

// DeleteUser removes a user.
func (a actor) DeleteUser(name string) {
	a.t.Helper()
	_, err := a.w.svc.DeleteUser(a.t.Context(), a.c, name)
	a.check(err)
}

// SuperAdmins lists who may create chatrooms.
func (a actor) SuperAdmins() string {
	a.t.Helper()
	names, err := a.w.svc.SuperAdmins(a.t.Context(), a.c, im.Page{Number: 1, Size: 1000})
	a.check(err)
	return nameLine(names)
}

// AddSuperAdmin lets a user create chatrooms.
func (a actor) AddSuperAdmin(name string) {
	a.t.Helper()
	a.check(a.w.svc.AddSuperAdmin(a.t.Context(), a.c, name))
}

// RemoveSuperAdmin takes the right back.
func (a actor) RemoveSuperAdmin(name string) {
	a.t.Helper()
	a.check(a.w.svc.RemoveSuperAdmin(a.t.Context(), a.c, name))
}

func line[T any](all []T, sep string, write func(T) string) string {
	parts := make([]string, len(all))
	for i, v := range all {
		parts[i] = write(v)
	}
	return strings.Join(parts, sep)
}

func nameLine(names []im.Username) string {
	return line(names, " ", func(n im.Username) string { return string(n) })
}

func memberLine(members []im.Member) string {
	return line(members, " ", func(m im.Member) string {
		return string(m.User) + map[im.Role]string{im.Owner: "!", im.Admin: "+", im.Plain: ""}[m.Role]
	})
}

func roomLine(rooms []im.Room) string {
	return line(rooms, " ", func(r im.Room) string { return string(r.ID) })
}

func entryLine(entries []im.Entry) string {
	return line(entries, " ", func(e im.Entry) string { return string(e.User) })
}

func muteLine(entries []im.Entry) string {
	return line(entries, ", ", func(e im.Entry) string { return string(e.User) + " " + span(e.Until) })
}

func outcomeLine(results []im.Outcome) string {
	return line(results, ", ", func(o im.Outcome) string { return fmt.Sprintf("%s %s", o.User, codeOf(o.Err)) })
}

func keyLine(results []im.KeyOutcome) string {
	return line(results, ", ", func(o im.KeyOutcome) string { return fmt.Sprintf("%s %s", o.Key, codeOf(o.Err)) })
}

// codeOf is the code of an outcome's error, "ok" for none.
func codeOf(err *im.Error) string {
	if err == nil {
		return "ok"
	}
	return err.Code
}
