package im_test

import (
	"fmt"
	"strings"

	"teahouse/internal/im"
)

// SetMember sets attributes of a member of the group: "key=value".
func (a actor) SetMember(name string, pairs ...string) {
	a.t.Helper()
	a.SetMembers(im.MemberChange{User: name, Set: attrs(pairs...)})
}

// SetMembers sets attributes of members of the group.
func (a actor) SetMembers(changes ...im.MemberChange) {
	a.t.Helper()
	a.check(a.w.svc.SetMemberAttributes(a.t.Context(), a.c, a.room, changes))
}

// MemberAttributes lists attributes of members of the group: "bob.key=value".
func (a actor) MemberAttributes(names string, keys ...string) string {
	a.t.Helper()
	attrs, err := a.w.svc.MemberAttributes(a.t.Context(), a.c, a.room, strings.Fields(names), keys)
	a.check(err)
	return line(attrs, " ", func(at im.MemberAttribute) string { return fmt.Sprintf("%s.%s=%s", at.User, at.Key, at.Value) })
}

// Shield stops or starts the room's messages for a user.
func (a actor) Shield(name string, on bool) {
	a.t.Helper()
	a.check(a.w.svc.SetShield(a.t.Context(), a.c, a.kind, a.room, name, on))
}

// Shields lists who does not receive the room's messages.
func (a actor) Shields() string {
	a.t.Helper()
	users, err := a.w.svc.Shields(a.t.Context(), a.c, a.kind, a.room)
	a.check(err)
	return nameLine(users)
}

// Leave takes the actor out of the room.
func (a actor) Leave() {
	a.t.Helper()
	a.check(a.w.svc.Leave(a.t.Context(), a.c, a.kind, a.room))
}

// Apply asks to join, and tells whether the actor is in.
func (a actor) Apply(message string) bool {
	a.t.Helper()
	joined, err := a.w.svc.Apply(a.t.Context(), a.c, a.kind, a.room, message)
	a.check(err)
	return joined
}

// AnswerApplication accepts or declines who has applied.
func (a actor) AnswerApplication(name string, accept bool, reason string) {
	a.t.Helper()
	a.check(a.w.svc.AnswerApplication(a.t.Context(), a.c, a.room, name, accept, reason))
}

// Invite asks users into the group, name by name.
func (a actor) Invite(message string, names ...string) string {
	a.t.Helper()
	results, err := a.w.svc.Invite(a.t.Context(), a.c, a.room, names, message)
	a.check(err)
	return outcomeLine(results)
}

// AnswerInvitation accepts or declines in the name of who was invited.
func (a actor) AnswerInvitation(name string, accept bool, reason string) {
	a.t.Helper()
	a.check(a.w.svc.AnswerInvitation(a.t.Context(), a.c, a.room, name, accept, reason))
}

// Awaiting lists what a user has to answer: "crew?sid please", or "crew<bob come" for an invitation by bob.
func (a actor) Awaiting(name string) string {
	a.t.Helper()
	asks, err := a.w.svc.Awaiting(a.t.Context(), a.c, name)
	a.check(err)
	return line(asks, ", ", func(p im.Pending) string {
		if p.Ask == im.Application {
			return fmt.Sprintf("%s?%s %s", p.Room, p.User, p.Message)
		}
		return fmt.Sprintf("%s<%s %s", p.Room, p.Inviter, p.Message)
	})
}
