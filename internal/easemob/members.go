package easemob

import (
	"strings"

	"teahouse/internal/im"
)

// Sizes of member lists (seed 004; wire/easemob.md §4.8).
const (
	membersMax    = 1000
	membersCursor = 10
	joinedTimeMax = 50
)

type usernames struct {
	Usernames looseTexts `json:"usernames"`
}

// memberResult is what became of one member. The room stands under the key that the call's document has: groups under
// GroupID, chatrooms under ID or ChatroomID or both.
type memberResult struct {
	Result     bool   `json:"result"`
	Action     string `json:"action"`
	Reason     string `json:"reason,omitempty"`
	ID         string `json:"id,omitempty"`
	ChatroomID string `json:"chatroomid,omitempty"`
	GroupID    string `json:"groupid,omitempty"`
	User       string `json:"user"`
}

// member is an answer about one member.
func (c *call) member(result bool, action, user string) memberResult {
	r := memberResult{Result: result, Action: action, User: strings.ToLower(user)}
	if c.kind() == im.Group {
		r.GroupID = string(c.room())
	} else {
		r.ID = string(c.room())
	}
	return r
}

// GET /{org}/{app}/chatrooms/{id}/users: pages of {member}/{owner}, or by cursor plain names without the owner,
// or with joined_time roles and times.
func (a *API) listMembers(c *call) (answer, error) {
	paged := c.has("pagenum") || c.has("pagesize")
	byTime := c.query.Get("joined_time") == "true"
	switch {
	case byTime && !paged:
		return a.membersByTime(c)
	case !paged && (c.has("limit") || c.has("cursor") || c.v3()):
		return a.memberNames(c)
	}
	page, err := c.page(membersMax, membersMax)
	if err != nil {
		return answer{}, err
	}
	members, err := a.svc.MembersPage(c.r.Context(), c.caller, c.kind(), c.room(), page)
	if byTime {
		return answer{data: affiliationsByTime(members), count: count(len(members))}, err
	}
	return answer{data: affiliations(members, false), count: count(len(members))}, err
}

func (a *API) membersAfter(c *call, size, most int, skipOwner bool) ([]im.Member, string, error) {
	limit, err := c.number("limit", size)
	if err != nil {
		return nil, "", err
	}
	after, err := c.after('m')
	if err != nil {
		return nil, "", err
	}
	members, next, err := a.svc.MembersAfter(c.r.Context(), c.caller, c.kind(), c.room(), im.MemberQuery{
		After: after, Desc: strings.EqualFold(c.query.Get("sort"), "desc"), Limit: min(limit, most), SkipOwner: skipOwner,
	})
	return members, cursorText('m', next), err
}

func (a *API) memberNames(c *call) (answer, error) {
	members, cursor, err := a.membersAfter(c, membersCursor, membersMax, true)
	return answer{data: namesOf(members), count: count(len(members)), cursor: cursor}, err
}

func (a *API) membersByTime(c *call) (answer, error) {
	members, cursor, err := a.membersAfter(c, joinedTimeMax, joinedTimeMax, false)
	return answer{data: affiliationsByTime(members), count: count(len(members)), cursor: cursor}, err
}

// affiliationsByTime names every role, and when it was joined.
func affiliationsByTime(members []im.Member) []affiliation {
	items := make([]affiliation, len(members))
	for i, m := range members {
		items[i].Joined = millis(m.Joined)
		switch m.Role {
		case im.Owner:
			items[i].Owner = string(m.User)
		case im.Admin:
			items[i].Admin = string(m.User)
		default:
			items[i].Member = string(m.User)
		}
	}
	return items
}

func namesOf(members []im.Member) []string {
	ns := make([]string, len(members))
	for i, m := range members {
		ns[i] = string(m.User)
	}
	return ns
}

// POST /{org}/{app}/chatrooms/{id}/users/{user}
func (a *API) addMember(c *call) (answer, error) {
	err := a.svc.AddMember(c.r.Context(), c.caller, c.kind(), c.room(), c.user())
	return answer{data: c.member(true, "add_member", c.user())}, err
}

// POST /{org}/{app}/chatrooms/{id}/users
func (a *API) addMembers(c *call, b usernames) (answer, error) {
	added, err := a.svc.AddMembers(c.r.Context(), c.caller, c.kind(), c.room(), b.Usernames.v)
	room := c.member(true, "add_member", "")
	return answer{data: struct {
		NewMembers []string `json:"newmembers"`
		Action     string   `json:"action"`
		ID         string   `json:"id,omitempty"`
		GroupID    string   `json:"groupid,omitempty"`
	}{words(added), room.Action, room.ID, room.GroupID}}, err
}

// DELETE /{org}/{app}/chatrooms/{id}/users/{users}: an object for one name, a list for several.
func (a *API) removeMembers(c *call) (answer, error) {
	names := c.names()
	if len(names) == 1 {
		err := a.svc.RemoveMember(c.r.Context(), c.caller, c.kind(), c.room(), names[0])
		return answer{data: c.member(true, "remove_member", names[0])}, err
	}
	results, err := a.svc.RemoveMembers(c.r.Context(), c.caller, c.kind(), c.room(), names)
	return answer{data: memberResults(c, results, "remove_member", "group")}, err
}

func memberResults(c *call, results []im.Outcome, action, where string) []memberResult {
	rs := make([]memberResult, len(results))
	for i, o := range results {
		rs[i] = c.member(o.Err == nil, action, string(o.User))
		rs[i].Reason = reason(o, where)
	}
	return rs
}

// GET /{org}/{app}/chatrooms/{id}/admin
func (a *API) listAdmins(c *call) (answer, error) {
	admins, err := a.svc.Admins(c.r.Context(), c.caller, c.kind(), c.room())
	return answer{data: namesOf(admins), count: count(len(admins))}, err
}

type adminRequest struct {
	NewAdmin looseText `json:"newadmin"`
}

// adminAnswer holds exactly these keys: the Web SDK's own tests compare the whole object (wire/clients.md §2.12).
type adminAnswer struct {
	Result string `json:"result"` // the word, not a boolean
	New    string `json:"newadmin,omitempty"`
	Old    string `json:"oldadmin,omitempty"`
}

// POST /{org}/{app}/chatrooms/{id}/admin
func (a *API) addAdmin(c *call, b adminRequest) (answer, error) {
	if b.NewAdmin.v == "" {
		return answer{}, im.ErrFieldMissing.With("newadmin")
	}
	err := a.svc.AddAdmin(c.r.Context(), c.caller, c.kind(), c.room(), b.NewAdmin.v)
	return answer{data: adminAnswer{Result: "success", New: strings.ToLower(b.NewAdmin.v)}}, err
}

// DELETE /{org}/{app}/chatrooms/{id}/admin/{user}
func (a *API) removeAdmin(c *call) (answer, error) {
	err := a.svc.RemoveAdmin(c.r.Context(), c.caller, c.kind(), c.room(), c.user())
	return answer{data: adminAnswer{Result: "success", Old: strings.ToLower(c.user())}}, err
}
