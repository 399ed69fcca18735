package easemob

import (
	"strconv"

	"teahouse/internal/im"
)

// Sizes of lists of groups (wire/easemob.md §6.3).
const (
	groupsPage        = 10
	groupsDetailed    = 5
	groupsDetailedMax = 20
	largeGroup        = 3000 // places beyond which the cloud calls a group large
)

// groupItem is a group in the list of the app's groups.
type groupItem struct {
	Owner    string `json:"owner"` // org#app_user
	ID       string `json:"groupid"`
	Members  int    `json:"affiliations"`
	Type     string `json:"type"`
	Modified string `json:"last_modified"`
	Name     string `json:"groupname"`
}

// GET /{org}/{app}/chatgroups: by cursor, or by page when pagenum or pagesize is sent.
func (a *API) listGroups(c *call) (answer, error) {
	var rooms []im.Room
	var next int64
	if c.has("pagenum") || c.has("pagesize") {
		page, err := c.page(groupsPage, roomsMax)
		if err != nil {
			return answer{}, err
		}
		if rooms, err = a.svc.RoomsPage(c.r.Context(), c.caller, im.Group, page); err != nil {
			return answer{}, err
		}
	} else {
		limit, after, err := c.limitAfter(groupsPage, roomsMax, 'g')
		if err != nil {
			return answer{}, err
		}
		if rooms, next, err = a.svc.RoomsAfter(c.r.Context(), c.caller, im.Group, after, limit); err != nil {
			return answer{}, err
		}
	}
	items := make([]groupItem, len(rooms))
	for i, r := range rooms {
		items[i] = groupItem{c.app.Key.String() + "_" + string(r.Owner), string(r.ID), r.Members, "group", strconv.FormatInt(millis(r.Created), 10), r.Name}
	}
	return answer{data: items, count: count(len(items)), cursor: cursorText('g', next)}, nil
}

// limitAfter reads limit, at most most, and cursor.
func (c *call) limitAfter(size, most int, list byte) (limit int, after int64, err error) {
	if limit, err = c.number("limit", size); err != nil {
		return 0, 0, err
	}
	after, err = c.after(list)
	return min(limit, most), after, err
}

// groupName is a group by its id and name.
type groupName struct {
	ID   string `json:"groupid"`
	Name string `json:"groupname"`
}

// namesOfGroups are groups by id and name; version 3 has other keys.
func (c *call) namesOfGroups(rooms []im.Room) any {
	if c.v3() {
		items := make([]joinedItem, len(rooms))
		for i, r := range rooms {
			items[i] = joinedItem{string(r.ID), r.Name}
		}
		return items
	}
	items := make([]groupName, len(rooms))
	for i, r := range rooms {
		items[i] = groupName{string(r.ID), r.Name}
	}
	return items
}

// GET /{org}/{app}/publicchatgroups
func (a *API) listPublicGroups(c *call) (answer, error) {
	limit, after, err := c.limitAfter(groupsPage, roomsMax, 'p')
	if err != nil {
		return answer{}, err
	}
	rooms, next, err := a.svc.PublicGroups(c.r.Context(), c.caller, after, limit)
	return answer{data: c.namesOfGroups(rooms), count: count(len(rooms)), cursor: cursorText('p', next)}, err
}

// membership is a group in version 3 of a user's list.
type membership struct {
	joinedItem
	Disabled   bool   `json:"disabled"`
	Permission string `json:"permission"`
}

// GET /{org}/{app}/users/{user}/joined_chatgroups
func (a *API) joinedGroups(c *call) (answer, error) {
	page := im.Page{Number: 1, Size: joinedNewest}
	if c.has("pagenum") || c.has("pagesize") {
		var err error
		if page, err = c.page(groupsPage, joinedPage); err != nil {
			return answer{}, err
		}
	}
	if !c.v3() {
		rooms, err := a.svc.JoinedRooms(c.r.Context(), c.caller, c.user(), im.Group, page)
		return answer{data: c.namesOfGroups(rooms), count: count(len(rooms))}, err
	}
	list, _, err := a.svc.Memberships(c.r.Context(), c.caller, c.user(), im.Group, page)
	items := make([]membership, len(list))
	for i, m := range list {
		items[i] = membership{joinedItem{string(m.ID), m.Name}, m.Disabled, permission(m.Role)}
	}
	return answer{data: items, count: count(len(items))}, err
}

// permission is the wire's word for a role; none for who is not in the room.
func permission(r im.Role) string {
	switch r {
	case im.Owner:
		return "owner"
	case im.Admin:
		return "admin"
	case im.Plain:
		return "member"
	}
	return ""
}

// groupDetail is what a group's detail has besides a chatroom's.
type groupDetail struct {
	InviteNeedConfirm bool   `json:"invite_need_confirm"`
	Scale             string `json:"scale"`
	Avatar            string `json:"avatar"`
	Permission        string `json:"permission,omitempty"`  // of the user who asks
	Shielded          *bool  `json:"shieldgroup,omitempty"` // by the user who asks
}

func detailOf(d im.RoomDetail) *groupDetail {
	g := &groupDetail{InviteNeedConfirm: d.InviteNeedConfirm, Scale: scaleOf(d.MaxUsers), Avatar: d.Avatar, Permission: permission(d.Role)}
	if d.Role > im.Stranger {
		g.Shielded = &d.Shielded
	}
	return g
}

func scaleOf(places int) string {
	if places > largeGroup {
		return "large"
	}
	return "normal"
}

// joinedGroup is a group in the detailed list of a user's groups.
type joinedGroup struct {
	GroupID      string `json:"groupId"`
	ID           string `json:"id"`
	Name         string `json:"name"`
	Avatar       string `json:"avatar"`
	Owner        string `json:"owner"`
	Description  string `json:"description"`
	Disabled     bool   `json:"disabled"`
	Public       bool   `json:"public"`
	AllowInvites bool   `json:"allowinvites"`
	MembersOnly  bool   `json:"membersonly"`
	MaxUsers     int    `json:"maxusers"`
	Created      int64  `json:"created"`
	Count        int    `json:"affiliations_count"`
	Permission   string `json:"permission"`
}

// GET /{org}/{app}/chatgroups/user/{user}: pages begin at 0 here.
func (a *API) groupsOfUser(c *call) (answer, error) {
	number := 0
	if c.query.Get("pagenum") != "0" {
		var err error
		if number, err = c.number("pagenum", 0); err != nil {
			return answer{}, err
		}
	}
	size, err := c.number("pagesize", groupsDetailed)
	if err != nil {
		return answer{}, err
	}
	page := im.Page{Number: number + 1, Size: min(size, groupsDetailedMax)}
	list, total, err := a.svc.Memberships(c.r.Context(), c.caller, c.user(), im.Group, page)
	items := make([]joinedGroup, len(list))
	for i, m := range list {
		items[i] = joinedGroup{GroupID: string(m.ID), ID: string(m.ID), Name: m.Name, Avatar: m.Avatar, Owner: string(m.Owner), Description: m.Description,
			Disabled: m.Disabled, Public: m.Public, AllowInvites: m.AllowInvites, MembersOnly: m.MembersOnly, MaxUsers: m.MaxUsers, Created: millis(m.Created),
			Count: m.Members, Permission: permission(m.Role)}
	}
	return answer{entities: items, count: count(len(items)), total: count(total)}, err
}

// GET /{org}/{app}/chatgroups/user/{user}/joined_count
func (a *API) countGroups(c *call) (answer, error) {
	n, err := a.svc.JoinedCount(c.r.Context(), c.caller, c.user(), im.Group)
	return answer{data: n, count: count(0)}, err
}

// GET /{org}/{app}/chatgroups/{id}/user/{user}/is_joined
func (a *API) isJoined(c *call) (answer, error) {
	joined, err := a.svc.IsMember(c.r.Context(), c.caller, im.Group, c.room(), c.user())
	return answer{data: joined, count: count(0)}, err
}

type roleItem struct {
	Username string `json:"username"`
	Role     string `json:"role"`
	Online   bool   `json:"online"`
}

// GET /{org}/{app}/chatgroups/{id}/roles
func (a *API) listRoles(c *call) (answer, error) {
	page, err := c.page(membersMax, membersMax)
	if err != nil {
		return answer{}, err
	}
	members, online, err := a.svc.MembersOnline(c.r.Context(), c.caller, im.Group, c.room(), page)
	if err != nil {
		return answer{}, err
	}
	items := make([]roleItem, len(members))
	for i, m := range members {
		items[i] = roleItem{string(m.User), permission(m.Role), online[i]}
	}
	return answer{data: items, count: count(len(items))}, nil
}

// POST /{org}/{app}/chatgroups/{id}/disable
func (a *API) disableGroup(c *call) (answer, error) { return a.setDisabled(c, true) }

// POST /{org}/{app}/chatgroups/{id}/enable
func (a *API) enableGroup(c *call) (answer, error) { return a.setDisabled(c, false) }

func (a *API) setDisabled(c *call, disabled bool) (answer, error) {
	err := a.svc.DisableRoom(c.r.Context(), c.caller, im.Group, c.room(), disabled)
	return answer{data: struct {
		Disabled bool `json:"disabled"`
	}{disabled}}, err
}

// DELETE /{org}/{app}/chatgroups/{id}/blocks/users: the names stand in the body (an old PHP client).
func (a *API) unblockNamed(c *call, b usernames) (answer, error) {
	results, err := a.svc.UnblockMembers(c.r.Context(), c.caller, im.Group, c.room(), b.Usernames.v)
	return answer{data: blockResults(c, results, "remove_blocks")}, err
}

// acks is who has read a message of a group.
type acks struct {
	Message   string   `json:"ackmid"`
	Users     []string `json:"userlist"`
	Total     int      `json:"total"`
	Next      string   `json:"next_key"`
	Last      bool     `json:"is_last"`
	Timestamp int64    `json:"timestamp"`
}

const (
	acksPage    = 50
	acksPageMax = 500
)

// GET /{org}/{app}/chatgroups/{id}/acks/{message}?limit=&key=
func (a *API) listAcks(c *call) (answer, error) {
	limit, err := c.number("limit", acksPage)
	if err != nil {
		return answer{}, err
	}
	after := 0
	if key := c.query.Get("key"); key != "" && key != "undefined" { // what the Web SDK makes of none
		if after, err = c.number("key", 0); err != nil {
			return answer{}, err
		}
	}
	id, _ := im.ParseMessageID(c.r.PathValue("message")) // another is no message's, and nobody has read it
	readers, total, more, err := a.svc.Readers(c.r.Context(), c.caller, c.room(), id, after, min(limit, acksPageMax))
	if err != nil {
		return answer{}, err
	}
	now := a.svc.Now()
	data := acks{Message: c.r.PathValue("message"), Users: make([]string, len(readers)), Total: total, Last: !more, Timestamp: now.UnixMilli()}
	for i, r := range readers {
		data.Users[i] = string(r.User)
	}
	if more {
		data.Next = strconv.Itoa(readers[len(readers)-1].Seq)
	}
	return answer{plain: struct {
		Action    string `json:"action"`
		Data      acks   `json:"data"`
		Timestamp int64  `json:"timestamp"`
		Duration  int64  `json:"duration"`
	}{"group_read_ack", data, now.UnixMilli(), now.Sub(c.start).Milliseconds()}}, nil
}

type joinRequest struct {
	IDs looseTexts `json:"id_list"`
}

// joinResult is what became of one group of a list.
type joinResult struct {
	ID     string `json:"id"`
	Result bool   `json:"result"`
	Reason string `json:"reason,omitempty"`
}

// POST /{org}/{app}/users/{user}/joined_chatgroups: puts the user into several groups and tells group by group. With a user
// token the user applies for each.
func (a *API) joinGroups(c *call, b joinRequest) (answer, error) {
	switch {
	case len(b.IDs.v) == 0:
		return answer{}, im.ErrFieldMissing.With("id_list")
	case len(b.IDs.v) > detailMax:
		e := im.ErrBatchTooLarge.With(strconv.Itoa(detailMax))
		e.Count = len(b.IDs.v)
		return answer{}, e
	}
	if _, err := a.svc.User(c.r.Context(), c.caller, c.user()); err != nil {
		return answer{}, err
	}
	items := make([]joinResult, len(b.IDs.v))
	for i, id := range b.IDs.v {
		joined, err := a.join(c, im.RoomID(id))
		items[i] = joinResult{ID: id, Result: joined}
		switch e := im.AsError(err); {
		case joined:
		case err == nil:
			items[i].Reason = "the application waits for an answer"
		case e.Kind == im.Internal || e.Kind == im.Unavailable:
			return answer{}, err
		default:
			items[i].Reason = c.fill(a.wireFor(c, e).text, e)
		}
	}
	return answer{data: items}, nil
}

// join puts the user of the path into a group; false without an error is an application.
func (a *API) join(c *call, id im.RoomID) (joined bool, err error) {
	if !c.caller.IsApp() {
		return a.svc.Apply(c.r.Context(), c.caller, im.Group, id, "")
	}
	err = a.svc.AddMember(c.r.Context(), c.caller, im.Group, id, c.user())
	return err == nil, err
}
