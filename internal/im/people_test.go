package im_test

import (
	"fmt"
	"strings"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// Befriend makes contacts of two users.
func (a actor) Befriend(name, contact string) {
	a.t.Helper()
	_, _, err := a.w.svc.AddContact(a.t.Context(), a.c, name, contact)
	a.check(err)
}

// Unfriend ends that two users are contacts.
func (a actor) Unfriend(name, contact string) {
	a.t.Helper()
	_, _, err := a.w.svc.RemoveContact(a.t.Context(), a.c, name, contact)
	a.check(err)
}

// Remark keeps what a user calls a contact.
func (a actor) Remark(name, contact, remark string) {
	a.t.Helper()
	_, err := a.w.svc.SetRemark(a.t.Context(), a.c, name, contact, remark)
	a.check(err)
}

// Ask asks users to become contacts of a user.
func (a actor) Ask(name, reason string, contacts ...string) string {
	a.t.Helper()
	users, err := a.w.svc.AskContacts(a.t.Context(), a.c, name, contacts, reason)
	a.check(err)
	return nameLine(users)
}

// Accept makes contacts of a user and of who asked.
func (a actor) Accept(name, asker string) {
	a.t.Helper()
	a.check(a.w.svc.AcceptContact(a.t.Context(), a.c, name, asker))
}

// Decline refuses who asked.
func (a actor) Decline(name, asker string) {
	a.t.Helper()
	a.check(a.w.svc.DeclineContact(a.t.Context(), a.c, name, asker))
}

// Contacts lists a user's contacts with their remarks: "bob:Bobby cat:".
func (a actor) Contacts(name string) string {
	a.t.Helper()
	_, all, _, err := a.w.svc.Contacts(a.t.Context(), a.c, name, 0, 0)
	a.check(err)
	return relationLine(all)
}

// Asking lists who waits for a user's answer, with the reasons.
func (a actor) Asking(name string) string {
	a.t.Helper()
	_, all, _, err := a.w.svc.ContactRequests(a.t.Context(), a.c, name, 0, 0)
	a.check(err)
	return relationLine(all)
}

// BlockUsers keeps messages of users from a user.
func (a actor) BlockUsers(name string, others ...string) {
	a.t.Helper()
	_, _, err := a.w.svc.BlockUsers(a.t.Context(), a.c, name, others)
	a.check(err)
}

// UnblockUsers lets messages through again.
func (a actor) UnblockUsers(name string, others ...string) {
	a.t.Helper()
	_, _, err := a.w.svc.UnblockUsers(a.t.Context(), a.c, name, others)
	a.check(err)
}

// UserBlocks lists whom a user has blocked.
func (a actor) UserBlocks(name string) string {
	a.t.Helper()
	_, all, _, err := a.w.svc.UserBlocks(a.t.Context(), a.c, name, 0, 0)
	a.check(err)
	return relationLine(all)
}

// MuteUser silences a user in the whole app; negative lengths are given as they are, missing ones not at all.
func (a actor) MuteUser(name string, lengths map[im.Venue]time.Duration) {
	a.t.Helper()
	a.check(a.w.svc.MuteUser(a.t.Context(), a.c, name, lengths))
}

// MutesOf tells the ends of a user's mutes: "chat 1m0s, chatroom for good".
func (a actor) MutesOf(name string) string {
	a.t.Helper()
	m, err := a.w.svc.MutesOfUser(a.t.Context(), a.c, name)
	a.check(err)
	return userMuteLine(m)
}

// MutedUsers lists who is muted: "bob[chat 1m0s]".
func (a actor) MutedUsers() string {
	a.t.Helper()
	all, err := a.w.svc.MutedUsers(a.t.Context(), a.c, im.Page{Number: 1, Size: 50})
	a.check(err)
	return line(all, " ", func(m im.UserMute) string { return fmt.Sprintf("%s[%s]", m.User, userMuteLine(m)) })
}

// SetProperties writes properties, given as "key=value".
func (a actor) SetProperties(name string, all ...string) {
	a.t.Helper()
	a.check(a.w.svc.SetProperties(a.t.Context(), a.c, name, properties(all)))
}

// DeleteProperties removes a user's properties.
func (a actor) DeleteProperties(name string) {
	a.t.Helper()
	a.check(a.w.svc.DeleteProperties(a.t.Context(), a.c, name))
}

// Properties lists properties: "bob.sign=tea".
func (a actor) Properties(keys string, names ...string) string {
	a.t.Helper()
	all, err := a.w.svc.Properties(a.t.Context(), a.c, names, strings.Fields(keys))
	a.check(err)
	return line(all, " ", func(p im.Property) string { return fmt.Sprintf("%s.%s=%s", p.User, p.Key, p.Value) })
}

// Devices lists the resources of a user's devices.
func (a actor) Devices(name string) string {
	a.t.Helper()
	_, all, err := a.w.svc.Connections(a.t.Context(), a.c, name)
	a.check(err)
	return line(all, " ", func(d im.Connection) string { return d.Resource })
}

// Online tells who is connected: "bob:true".
func (a actor) Online(names ...string) string {
	a.t.Helper()
	users, online, err := a.w.svc.Online(a.t.Context(), a.c, names)
	a.check(err)
	parts := make([]string, len(users))
	for i, u := range users {
		parts[i] = fmt.Sprintf("%s:%v", u, online[i])
	}
	return strings.Join(parts, " ")
}

// Disconnect asks a device of a user to leave.
func (a actor) Disconnect(name, resource string) {
	a.t.Helper()
	a.check(a.w.svc.Disconnect(a.t.Context(), a.c, name, resource))
}

func properties(all []string) (ps []im.Property) {
	for _, kv := range all {
		k, v, _ := strings.Cut(kv, "=")
		ps = append(ps, im.Property{Key: k, Value: v})
	}
	return ps
}

func relationLine(all []im.Relation) string {
	return line(all, " ", func(r im.Relation) string {
		if r.Note == "" {
			return string(r.User)
		}
		return string(r.User) + ":" + r.Note
	})
}

func userMuteLine(m im.UserMute) string {
	var parts []string
	for v, end := range m.Ends {
		if !end.IsZero() {
			parts = append(parts, im.Venue(v).String()+" "+span(end))
		}
	}
	return strings.Join(parts, ", ")
}

// connected is the world with these devices connected.
func (w *world) connected(devices map[im.Username][]im.Connection) (*world, *imtest.Sessions) {
	sessions := &imtest.Sessions{}
	for u, all := range devices {
		sessions.Connect(w.app.ID, u, all...)
	}
	return w.another(func(c *im.Config) { c.Sessions = sessions }), sessions
}
