package easemob

import (
	"strings"
	"time"

	"teahouse/internal/im"
)

// muteItem is one mute: Result only in the answers of changes, Expire only where there is one.
type muteItem struct {
	Result bool   `json:"result,omitempty"`
	Expire int64  `json:"expire,omitempty"`
	User   string `json:"user"`
}

// GET /{org}/{app}/chatrooms/{id}/mute: the action is "post" and there is no count, in seed 004 and in captures.
func (a *API) listMutes(c *call) (answer, error) {
	mutes, err := a.svc.MuteList(c.r.Context(), c.caller, c.kind(), c.room())
	items := make([]muteItem, len(mutes))
	for i, m := range mutes {
		items[i] = muteItem{Expire: millis(m.Until), User: string(m.User)}
	}
	return answer{action: "post", data: items}, err
}

type muteRequest struct {
	Usernames looseTexts `json:"usernames"`
	Duration  duration   `json:"mute_duration"` // milliseconds; -1 for good, 0 unmutes
}

// POST /{org}/{app}/chatrooms/{id}/mute
func (a *API) muteMembers(c *call, b muteRequest) (answer, error) {
	if !b.Duration.sent {
		return answer{}, im.ErrFieldMissing.With("mute_duration")
	}
	mutes, err := a.svc.MuteMembers(c.r.Context(), c.caller, c.kind(), c.room(), b.Usernames.v, muteLength(b.Duration.v))
	items := make([]muteItem, len(mutes))
	for i, m := range mutes {
		items[i] = muteItem{Result: true, Expire: millis(m.Until), User: string(m.User)}
	}
	return answer{data: items}, err
}

// muteLength turns the wire's milliseconds into a length; what a duration cannot hold is for good.
func muteLength(ms int64) time.Duration {
	const most = int64((1<<63 - 1) / time.Millisecond)
	switch {
	case ms == -1 || ms > most:
		return im.ForGood
	case ms < 0:
		return -2 // any other negative length: refused
	}
	return time.Duration(ms) * time.Millisecond
}

// DELETE /{org}/{app}/chatrooms/{id}/mute/{users}: a list even for one name.
func (a *API) unmuteMembers(c *call) (answer, error) {
	users, err := a.svc.UnmuteMembers(c.r.Context(), c.caller, c.kind(), c.room(), c.names())
	return answer{data: unmuted(users)}, err
}

// DELETE /{org}/{app}/chatgroups/{id}/mute?role=member: everybody of the role, who can be no other.
func (a *API) unmuteByRole(c *call) (answer, error) {
	switch c.query.Get("role") {
	case "member":
	case "":
		return answer{}, im.ErrFieldMissing.With("role")
	default:
		return answer{}, im.ErrInvalid.With("role")
	}
	users, err := a.svc.UnmuteAll(c.r.Context(), c.caller, c.kind(), c.room())
	return answer{data: unmuted(users)}, err
}

func unmuted(users []im.Username) []muteItem {
	items := make([]muteItem, len(users))
	for i, u := range users {
		items[i] = muteItem{Result: true, User: string(u)}
	}
	return items
}

// GET /{org}/{app}/sdk/chatrooms/{id}/mute/{user}: am I muted?
func (a *API) isMuted(c *call) (answer, error) {
	muted, err := a.svc.IsMuted(c.r.Context(), c.caller, c.kind(), c.room(), c.user())
	return answer{data: muted, count: count(0)}, err
}

// POST /{org}/{app}/chatrooms/{id}/ban
func (a *API) muteRoom(c *call) (answer, error) { return a.setRoomMute(c, true) }

// DELETE /{org}/{app}/chatrooms/{id}/ban
func (a *API) unmuteRoom(c *call) (answer, error) { return a.setRoomMute(c, false) }

func (a *API) setRoomMute(c *call, muted bool) (answer, error) {
	err := a.svc.MuteRoom(c.r.Context(), c.caller, c.kind(), c.room(), muted)
	ans := answer{data: struct {
		Mute bool `json:"mute"`
	}{muted}}
	if muted {
		ans.action = "put" // for a POST, in captures (wire/easemob.md §16.12)
	}
	return ans, err
}

// v3 reports whether the Web SDK asks: it reads a list where older clients read an object (wire/easemob.md §5.3).
func (c *call) v3() bool { return c.query.Get("version") == "v3" }

func (c *call) oneOrList(items []memberResult, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	if c.v3() || len(items) != 1 {
		return answer{data: items}, nil
	}
	return answer{data: items[0]}, nil
}

// blockResults name a chatroom both ways, because the documents disagree (wire/easemob.md §16.9). Those of groups hold
// nothing but action, groupid, result and user (wire/clients.md §2.12).
func blockResults(c *call, results []im.Outcome, action string) []memberResult {
	items := memberResults(c, results, action, noun(c.kind()))
	for i := range items {
		items[i].ChatroomID = items[i].ID
	}
	return items
}

// allowResults name a chatroom chatroomid only (wire/easemob.md §5.4).
func allowResults(c *call, results []im.Outcome, action string) []memberResult {
	items := blockResults(c, results, action)
	for i := range items {
		items[i].ID = ""
	}
	return items
}

// GET /{org}/{app}/chatrooms/{id}/blocks/users
func (a *API) listBlocks(c *call) (answer, error) {
	entries, err := a.svc.BlockList(c.r.Context(), c.caller, c.kind(), c.room())
	return entryNames(entries), err
}

func entryNames(entries []im.Entry) answer {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = string(e.User)
	}
	return answer{data: names, count: count(len(names))}
}

// POST /{org}/{app}/chatrooms/{id}/blocks/users/{user}
func (a *API) blockMember(c *call) (answer, error) {
	results, err := a.svc.BlockMembers(c.r.Context(), c.caller, c.kind(), c.room(), []string{c.user()}, true)
	return c.oneOrList(blockResults(c, results, "add_blocks"), err)
}

// POST /{org}/{app}/chatrooms/{id}/blocks/users
func (a *API) blockMembers(c *call, b usernames) (answer, error) {
	results, err := a.svc.BlockMembers(c.r.Context(), c.caller, c.kind(), c.room(), b.Usernames.v, false)
	return answer{data: blockResults(c, results, "add_blocks")}, err
}

// DELETE /{org}/{app}/chatrooms/{id}/blocks/users/{users}
func (a *API) unblockMembers(c *call) (answer, error) {
	results, err := a.svc.UnblockMembers(c.r.Context(), c.caller, c.kind(), c.room(), c.names())
	return c.oneOrList(blockResults(c, results, "remove_blocks"), err)
}

// GET /{org}/{app}/chatrooms/{id}/white/users
func (a *API) listAllows(c *call) (answer, error) {
	entries, err := a.svc.AllowList(c.r.Context(), c.caller, c.kind(), c.room())
	return entryNames(entries), err
}

// GET /{org}/{app}/chatrooms/{id}/white/users/{user}
func (a *API) isAllowed(c *call) (answer, error) {
	allowed, err := a.svc.IsAllowed(c.r.Context(), c.caller, c.kind(), c.room(), c.user())
	return answer{data: struct {
		Member string `json:"member"`
		White  bool   `json:"white"`
	}{strings.ToLower(c.user()), allowed}, count: count(0)}, err
}

// POST /{org}/{app}/chatrooms/{id}/white/users/{user}
func (a *API) allowMember(c *call) (answer, error) {
	results, err := a.svc.AllowMembers(c.r.Context(), c.caller, c.kind(), c.room(), []string{c.user()})
	return c.oneOrList(allowResults(c, results, "add_user_whitelist"), err)
}

// POST /{org}/{app}/chatrooms/{id}/white/users
func (a *API) allowMembers(c *call, b usernames) (answer, error) {
	results, err := a.svc.AllowMembers(c.r.Context(), c.caller, c.kind(), c.room(), b.Usernames.v)
	return answer{data: allowResults(c, results, "add_user_whitelist")}, err
}

// DELETE /{org}/{app}/chatrooms/{id}/white/users/{users}: a list even for one name (wire/easemob.md §16.10).
func (a *API) disallowMembers(c *call) (answer, error) {
	users, err := a.svc.DisallowMembers(c.r.Context(), c.caller, c.kind(), c.room(), c.names())
	results := make([]im.Outcome, len(users))
	for i, u := range users {
		results[i].User = u
	}
	return answer{data: allowResults(c, results, "remove_user_whitelist")}, err
}

// GET /{org}/{app}/chatrooms/{id}/announcement
func (a *API) announcement(c *call) (answer, error) {
	text, err := a.svc.Announcement(c.r.Context(), c.caller, c.kind(), c.room())
	return answer{data: struct {
		Announcement string `json:"announcement"`
	}{text}, count: count(0)}, err
}

type announcementRequest struct {
	Announcement text `json:"announcement"`
}

// POST /{org}/{app}/chatrooms/{id}/announcement
func (a *API) setAnnouncement(c *call, b announcementRequest) (answer, error) {
	if !b.Announcement.sent {
		return answer{}, im.ErrFieldMissing.With("announcement")
	}
	err := a.svc.SetAnnouncement(c.r.Context(), c.caller, c.kind(), c.room(), b.Announcement.v)
	return answer{data: struct {
		ID     string `json:"id"`
		Result bool   `json:"result"`
	}{string(c.room()), true}}, err
}
