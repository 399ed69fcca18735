package easemob

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"teahouse/internal/im"
)

// Sizes of lists of rooms (seed 004; wire/easemob.md §4.2 to §4.4).
const (
	roomsPage    = 20
	roomsCursor  = 10
	roomsMax     = 1000
	joinedPage   = 1000
	joinedNewest = 500
	detailMax    = 100
)

// roomItem is a room in the list of the app's rooms.
type roomItem struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Owner    string `json:"owner"`
	Count    int    `json:"affiliations_count"`
	Disabled bool   `json:"disabled"`
}

// GET /{org}/{app}/chatrooms: pages by default, a cursor when limit or cursor is sent.
func (a *API) listRooms(c *call) (answer, error) {
	var rooms []im.Room
	var next int64
	if c.has("limit") || c.has("cursor") {
		limit, after, err := c.limitAfter(roomsCursor, roomsMax, 'r')
		if err != nil {
			return answer{}, err
		}
		if rooms, next, err = a.svc.RoomsAfter(c.r.Context(), c.caller, c.kind(), after, limit); err != nil {
			return answer{}, err
		}
	} else {
		page, err := c.page(roomsPage, roomsMax)
		if err != nil {
			return answer{}, err
		}
		if rooms, err = a.svc.RoomsPage(c.r.Context(), c.caller, c.kind(), page); err != nil {
			return answer{}, err
		}
	}
	items := make([]roomItem, len(rooms))
	for i, r := range rooms {
		items[i] = roomItem{ID: string(r.ID), Name: r.Name, Owner: string(r.Owner), Count: r.Members}
	}
	return answer{data: items, count: count(len(items)), cursor: cursorText('r', next)}, nil
}

type joinedItem struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// joinedDetail is what the Web SDK reads of detail=true: every value is text (wire/easemob.md §4.3).
type joinedDetail struct {
	ID           string `json:"id"`
	Title        string `json:"title"`
	Owner        string `json:"owner"`
	Created      string `json:"created"`
	Description  string `json:"description"`
	MaxUsers     string `json:"max_users"`
	Mute         string `json:"mute"`
	Custom       string `json:"custom"`
	Public       string `json:"public"`
	MembersOnly  string `json:"members_only"`
	AllowInvites string `json:"allow_user_invites"`
	Disabled     string `json:"disabled"`
	Type         string `json:"type"`
	LastModified string `json:"last_modified"`
	Count        string `json:"affiliations_count"`
}

// GET /{org}/{app}/users/{user}/joined_chatrooms
func (a *API) joinedRooms(c *call) (answer, error) {
	page := im.Page{Number: 1, Size: joinedNewest}
	if c.has("pagenum") || c.has("pagesize") {
		var err error
		if page, err = c.page(joinedPage, joinedPage); err != nil {
			return answer{}, err
		}
	}
	rooms, err := a.svc.JoinedRooms(c.r.Context(), c.caller, c.user(), c.kind(), page)
	if err != nil {
		return answer{}, err
	}
	ans := answer{count: count(len(rooms))}
	if c.query.Get("detail") == "true" {
		items := make([]joinedDetail, len(rooms))
		for i, r := range rooms {
			created := strconv.FormatInt(millis(r.Created), 10)
			items[i] = joinedDetail{ID: string(r.ID), Title: r.Name, Owner: c.app.Key.String() + "_" + string(r.Owner), Created: created,
				Description: r.Description, MaxUsers: strconv.Itoa(r.MaxUsers), Mute: strconv.FormatBool(r.Muted), Custom: r.Custom,
				Public: "true", MembersOnly: "false", AllowInvites: "false", Disabled: "false", Type: "chatroom",
				LastModified: created, Count: strconv.Itoa(r.Members)}
		}
		ans.data = items
		return ans, nil
	}
	items := make([]joinedItem, len(rooms))
	for i, r := range rooms {
		items[i] = joinedItem{string(r.ID), r.Name}
	}
	ans.data = items
	return ans, nil
}

// roomDetail is a room in full (seed 004, and the further keys of wire/easemob.md §4.1).
type roomDetail struct {
	ID           string        `json:"id"`
	Name         string        `json:"name"`
	Description  string        `json:"description"`
	MembersOnly  bool          `json:"membersonly"`
	AllowInvites bool          `json:"allowinvites"`
	MaxUsers     int           `json:"maxusers"`
	Owner        string        `json:"owner"`
	Created      int64         `json:"created"`
	Custom       string        `json:"custom"`
	Mute         bool          `json:"mute"`
	Disabled     bool          `json:"disabled"`
	Count        int           `json:"affiliations_count"`
	Affiliations []affiliation `json:"affiliations"`
	Public       bool          `json:"public"`
	*groupDetail               // of groups
}

// affiliation is one member: the owner under "owner", everybody else, admins too, under "member".
type affiliation struct {
	Owner  string `json:"owner,omitempty"`
	Admin  string `json:"admin,omitempty"`
	Member string `json:"member,omitempty"`
	Joined int64  `json:"joined_time,omitempty"`
}

func affiliations(members []im.Member, joinedTime bool) []affiliation {
	as := make([]affiliation, len(members))
	for i, m := range members {
		if joinedTime {
			as[i].Joined = millis(m.Joined)
		}
		if m.Role == im.Owner {
			as[i].Owner = string(m.User)
		} else {
			as[i].Member = string(m.User)
		}
	}
	return as
}

// GET /{org}/{app}/chatrooms/{id}, …/chatgroups/{id}: one room, or up to 100 separated by commas; those that exist are answered.
func (a *API) roomDetails(c *call) (answer, error) {
	names := list(c.r.PathValue("id"))
	if len(names) > detailMax {
		e := im.ErrBatchTooLarge.With(strconv.Itoa(detailMax))
		e.Count = len(names)
		return answer{}, e
	}
	ids := make([]im.RoomID, 0, len(names))
	for _, n := range names {
		if id := im.RoomID(n); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return answer{}, im.ErrRoomNotFound.In(c.room())
	}
	details, err := a.svc.RoomDetails(c.r.Context(), c.caller, c.kind(), ids)
	if err != nil {
		return answer{}, err
	}
	joinedTime := c.kind() == im.Group && c.query.Get("joined_time") == "true"
	rooms := make([]roomDetail, len(details))
	for i, d := range details {
		rooms[i] = roomDetail{ID: string(d.ID), Name: d.Name, Description: d.Description, MembersOnly: d.MembersOnly, AllowInvites: d.AllowInvites,
			MaxUsers: d.MaxUsers, Owner: string(d.Owner), Created: millis(d.Created), Custom: d.Custom, Mute: d.Muted, Disabled: d.Disabled,
			Count: d.Members, Affiliations: affiliations(d.Roster, joinedTime), Public: true}
		if d.Kind == im.Group {
			rooms[i].Public = d.Public
			rooms[i].groupDetail = detailOf(d)
		}
	}
	return answer{data: rooms, count: count(len(rooms))}, nil
}

// deleteVerbPath stands for DELETE …/chatrooms/{id}/ban, …/quit and …/shield, and …/chatrooms/super_admin/{user}, which the mux
// cannot tell apart.
const deleteVerbPath = "/chatrooms/{id}/{verb}"

// roomPath is where one room is; super_admin is none.
const roomPath = "/chatrooms/{id}"

// fits reports whether a route is meant by an address that the mux matched with it.
func fits(route string, u *url.URL) bool {
	switch route {
	case deleteVerbPath:
		rest, verb := cutLast(u.EscapedPath())
		_, id := cutLast(rest)
		return id == "super_admin" || verb == "ban" || verb == "quit" || verb == "shield"
	case roomPath:
		_, id := cutLast(u.EscapedPath())
		return id != "super_admin"
	}
	return true
}

// cutLast splits off the last segment of an escaped path and unescapes it.
func cutLast(path string) (before, last string) {
	i := strings.LastIndexByte(path, '/')
	last, _ = url.PathUnescape(path[i+1:]) // an escaped path is well formed
	return path[:max(i, 0)], last
}

// deleteVerb answers the paths of deleteVerbPath; others do not come here.
func (a *API) deleteVerb(c *call) (answer, error) {
	if c.room() == "super_admin" {
		return a.removeSuperAdmin(c, c.r.PathValue("verb"))
	}
	switch c.r.PathValue("verb") {
	case "quit":
		return a.quit(c)
	case "shield":
		return a.unshield(c)
	}
	return a.setRoomMute(c, false)
}

type superAdminRequest struct {
	SuperAdmin looseText `json:"superadmin"`
}

type superAdminAnswer struct {
	Result   string `json:"result,omitempty"`
	Removed  string `json:"newSuperAdmin,omitempty"` // the wire's word for the one removed
	Resource string `json:"resource"`
}

// POST /{org}/{app}/chatrooms/super_admin
func (a *API) addSuperAdmin(c *call, b superAdminRequest) (answer, error) {
	if b.SuperAdmin.v == "" {
		return answer{}, im.ErrFieldMissing.With("superadmin")
	}
	err := a.svc.AddSuperAdmin(c.r.Context(), c.caller, b.SuperAdmin.v)
	return answer{data: superAdminAnswer{Result: "success"}}, err
}

func (a *API) removeSuperAdmin(c *call, name string) (answer, error) {
	err := a.svc.RemoveSuperAdmin(c.r.Context(), c.caller, name)
	return answer{data: superAdminAnswer{Removed: strings.ToLower(name)}}, err
}

// GET /{org}/{app}/chatrooms/super_admin
func (a *API) listSuperAdmins(c *call) (answer, error) {
	page, err := c.page(roomsCursor, roomsMax)
	if err != nil {
		return answer{}, err
	}
	names, err := a.svc.SuperAdmins(c.r.Context(), c.caller, page)
	return answer{data: words(names), count: count(len(names))}, err
}

// words are names as JSON strings; no names are an empty list, never null.
func words(names []im.Username) []string {
	ws := make([]string, len(names))
	for i, n := range names {
		ws[i] = string(n)
	}
	return ws
}
