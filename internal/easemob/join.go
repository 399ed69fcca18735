package easemob

import (
	"encoding/json"
	"strings"

	"teahouse/internal/im"
)

type doneAnswer struct {
	Result bool `json:"result"`
}

// DELETE /{org}/{app}/chatgroups/{id}/quit
func (a *API) quit(c *call) (answer, error) {
	return answer{data: doneAnswer{true}}, a.svc.Leave(c.r.Context(), c.caller, c.kind(), c.room())
}

// joinAnswer names the room id, of groups, too (wire/easemob.md §6.5).
type joinAnswer struct {
	Result bool   `json:"result"`
	Action string `json:"action"`
	Reason string `json:"reason,omitempty"`
	User   string `json:"user"`
	ID     string `json:"id"`
}

func (c *call) joined(action, user string) answer {
	return answer{data: joinAnswer{Result: true, Action: action, User: strings.ToLower(user), ID: string(c.room())}}
}

type applyRequest struct {
	Message looseText `json:"message"`
}

// POST /{org}/{app}/chatgroups/{id}/apply
func (a *API) apply(c *call, b applyRequest) (answer, error) {
	_, err := a.svc.Apply(c.r.Context(), c.caller, c.kind(), c.room(), b.Message.v)
	return c.joined("apply", string(c.caller.User)), err
}

// verdict is an answer to an ask; without verifyResult it would be a refusal that nobody meant.
type verdict struct {
	Applicant looseText `json:"applicant"`
	Invitee   looseText `json:"invitee"`
	Accept    *flag     `json:"verifyResult"`
	Reason    looseText `json:"reason"`
}

func (v verdict) check(name looseText, field string) error {
	switch {
	case name.v == "":
		return im.ErrFieldMissing.With(field)
	case v.Accept == nil:
		return im.ErrFieldMissing.With("verifyResult")
	}
	return nil
}

// POST /{org}/{app}/chatgroups/{id}/apply_verify
func (a *API) verifyApplication(c *call, b verdict) (answer, error) {
	if err := b.check(b.Applicant, "applicant"); err != nil {
		return answer{}, err
	}
	err := a.svc.AnswerApplication(c.r.Context(), c.caller, c.room(), b.Applicant.v, b.Accept.v, b.Reason.v)
	return c.joined("applyVerify", b.Applicant.v), err
}

// POST /{org}/{app}/chatgroups/{id}/invite_verify
func (a *API) verifyInvitation(c *call, b verdict) (answer, error) {
	if err := b.check(b.Invitee, "invitee"); err != nil {
		return answer{}, err
	}
	err := a.svc.AnswerInvitation(c.r.Context(), c.caller, c.room(), b.Invitee.v, b.Accept.v, b.Reason.v)
	return c.joined("inviteVerify", b.Invitee.v), err
}

// POST /{org}/{app}/chatgroups/{id}/invite
func (a *API) invite(c *call, b usernames) (answer, error) {
	results, err := a.svc.Invite(c.r.Context(), c.caller, c.room(), b.Usernames.v, "")
	all := make([]joinAnswer, len(results))
	for i, o := range results {
		all[i] = joinAnswer{Result: o.Err == nil, Action: "invite", User: string(o.User), ID: string(c.room()), Reason: c.inviteReason(o)}
	}
	return answer{data: all}, err
}

func (c *call) inviteReason(o im.Outcome) string {
	switch {
	case o.Err == nil:
		return ""
	case o.Err.Code == im.ErrAlreadyMember.Code:
		return "user: " + string(o.User) + " already in group: " + string(c.room())
	case o.Err.Code == im.ErrBlocked.Code:
		return "user: " + string(o.User) + " is in the blacklist of group: " + string(c.room())
	}
	return reason(o, "group")
}

// POST /{org}/{app}/chatgroups/{id}/shield
func (a *API) shield(c *call) (answer, error) { return a.setShield(c, true) }

// DELETE /{org}/{app}/chatgroups/{id}/shield
func (a *API) unshield(c *call) (answer, error) { return a.setShield(c, false) }

func (a *API) setShield(c *call, on bool) (answer, error) {
	action := "add_shield"
	if !on {
		action = "remove_shield"
	}
	err := a.svc.SetShield(c.r.Context(), c.caller, c.kind(), c.room(), string(c.caller.User), on)
	return answer{data: c.member(true, action, string(c.caller.User))}, err
}

// GET /{org}/{app}/chatgroups/{id}/shield
func (a *API) listShields(c *call) (answer, error) {
	users, err := a.svc.Shields(c.r.Context(), c.caller, c.kind(), c.room())
	return answer{data: words(users), count: count(len(users))}, err
}

// shields are what older clients send to PUT …/users/{user}: notification_ignore_{groupid} (wire/easemob.md §6.7). Other
// keys mean nothing here.
type shields []map[string]json.RawMessage

const shieldKey = "notification_ignore_"

// read returns the groups and whether they are shielded. Errors: ErrBadJSON.
func (s shields) read() (map[im.RoomID]bool, error) {
	groups := map[im.RoomID]bool{}
	for _, entity := range s {
		for key, value := range entity {
			id, ok := strings.CutPrefix(key, shieldKey)
			if !ok {
				continue
			}
			var on flag
			if err := decode(value, &on); err != nil {
				return nil, im.ErrBadJSON.With("field " + key + ": want true or false")
			}
			groups[im.RoomID(id)] = on.v
		}
	}
	return groups, nil
}

// shieldOfOld does what older clients ask for; done is false when the request is about something else.
func (a *API) shieldOfOld(c *call, s shields) (ans answer, done bool, err error) {
	groups, err := s.read()
	if err != nil || len(groups) == 0 {
		return answer{}, err != nil, err
	}
	u, err := a.svc.User(c.r.Context(), c.caller, c.user())
	if err != nil {
		return answer{}, true, err
	}
	entity := map[string]any{"uuid": u.UUID, "type": "user", "created": millis(u.Created), "modified": millis(u.Modified), "username": u.Name, "activated": u.Active}
	for id, on := range groups {
		if err := a.svc.SetShield(c.r.Context(), c.caller, im.Group, id, string(u.Name), on); err != nil {
			return answer{}, true, err
		}
		entity[shieldKey+string(id)] = on
	}
	return answer{path: usersPath, entities: []any{entity}}, true, nil
}
