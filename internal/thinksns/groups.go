package thinksns

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"teahouse/internal/im"
)

// groupAnswer is a group, in the order of the document. Every key is always there (wire/thinksns.md §3.1).
type groupAnswer struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Description  string `json:"description"`
	MembersOnly  bool   `json:"membersonly"`
	AllowInvites bool   `json:"allowinvites"`
	MaxUsers     int    `json:"maxusers"`
	Owner        string `json:"owner"`
	Created      int64  `json:"created"` // milliseconds
	Custom       string `json:"custom"`
	Count        int    `json:"affiliations_count"`
	Affiliations any    `json:"affiliations"`
	Public       bool   `json:"public"`
	Face         string `json:"group_face"`
}

// memberAnswer is a member in GET /easemob/groups: one of both keys.
type memberAnswer struct {
	Member string `json:"member,omitempty"`
	Owner  string `json:"owner,omitempty"`
}

func (a *API) groupAnswer(c *call, g im.CommunityGroup, affiliations any) groupAnswer {
	return groupAnswer{
		ID: string(g.ID), Name: g.Name, Description: g.Description, MembersOnly: g.MembersOnly, AllowInvites: g.AllowInvites,
		MaxUsers: g.MaxUsers, Owner: ownerText(g.Owner), Created: g.Created.UnixMilli(), Custom: g.Custom, Count: g.Members,
		Affiliations: affiliations, Public: g.Public, Face: a.face(c, g),
	}
}

// ownerText is an owner as clients read it: a number. One who is no person of the social app is 0, which is nobody.
func ownerText(u im.Username) string {
	if _, ok := im.AccountID(u); !ok {
		return "0"
	}
	return string(u)
}

// groups reads and looks up the groups of a request. Errors: ErrRoomNotFound when the caller sees none of them: iOS needs a
// first element (wire/thinksns.md §0.4).
func (a *API) groups(c *call) ([]im.CommunityGroup, error) {
	k := &rules{in: c.in}
	ids := k.groups()
	if err := k.err(); err != nil {
		return nil, err
	}
	return a.svc.CommunityGroups(c.ctx(), c.caller, ids)
}

// showGroups is GET /easemob/group.
func (a *API) showGroups(c *call) (answer, error) {
	groups, err := a.groups(c)
	if err != nil {
		return answer{}, err
	}
	people, err := a.peopleOf(c, groups)
	if err != nil {
		return answer{}, err
	}
	all := make([]groupAnswer, len(groups))
	for i, g := range groups {
		affiliations := []affiliation{}
		for _, m := range g.Roster {
			id, _ := im.AccountID(m.User)
			if p, known := people[id]; known {
				affiliations = append(affiliations, a.affiliation(c, p, m.Role == im.Owner))
			}
		}
		slices.SortFunc(affiliations, func(x, y affiliation) int {
			return cmp.Or(y.IsOwner-x.IsOwner, cmp.Compare(x.ID, y.ID))
		})
		all[i] = a.groupAnswer(c, g, affiliations)
	}
	return ok(all), nil
}

// peopleOf looks up the members of all groups at once.
func (a *API) peopleOf(c *call, groups []im.CommunityGroup) (map[int64]im.Profile, error) {
	var ids []int64
	people := map[int64]im.Profile{}
	for _, g := range groups {
		for _, m := range g.Roster {
			id, isPerson := im.AccountID(m.User)
			if _, asked := people[id]; isPerson && !asked {
				people[id] = im.Profile{}
				ids = append(ids, id)
			}
		}
	}
	profiles, err := a.svc.Profiles(c.ctx(), c.app, ids)
	if len(profiles) > 0 && errors.Is(err, im.ErrUnavailable) { // those whom we know: apps take a failure for the end of all groups
		err = nil
	}
	clear(people)
	for _, p := range profiles {
		people[p.ID] = p
	}
	return people, err
}

// listGroups is GET /easemob/groups. The owner stands last, by whom clients know their own groups (wire/thinksns.md §3.2).
func (a *API) listGroups(c *call) (answer, error) {
	groups, err := a.groups(c)
	if err != nil {
		return answer{}, err
	}
	all := make([]groupAnswer, len(groups))
	for i, g := range groups {
		members := []memberAnswer{}
		for _, m := range g.Roster {
			if _, isPerson := im.AccountID(m.User); isPerson && m.Role != im.Owner {
				members = append(members, memberAnswer{Member: string(m.User)})
			}
		}
		all[i] = a.groupAnswer(c, g, append(members, memberAnswer{Owner: ownerText(g.Owner)}))
	}
	return ok(all), nil
}

// faceAnswer is the face of one group: a number or text, 0 when there is none (wire/thinksns.md §3.6).
type faceAnswer struct {
	Group string `json:"im_group_id"`
	Face  any    `json:"group_face"`
	URL   string `json:"group_face_url"`
}

// faces is GET /easemob/group/face.
func (a *API) faces(c *call) (answer, error) {
	k := &rules{in: c.in}
	ids := k.groups()
	if err := k.err(); err != nil {
		return answer{}, err
	}
	groups, err := a.svc.GroupFaces(c.ctx(), c.caller, ids)
	if err != nil {
		return answer{}, err
	}
	all := make([]faceAnswer, len(groups))
	for i, g := range groups {
		all[i] = faceAnswer{string(g.ID), 0, a.face(c, g)}
		if all[i].URL != "" {
			all[i].Face = all[i].URL
			if uploaded(g) {
				all[i].Face = idText(g.Face.File)
			}
		}
	}
	return ok(all), nil
}

// uploaded reports whether the face is an upload that the management API has not replaced since.
func uploaded(g im.CommunityGroup) bool { return g.Face.File != 0 && g.Face.URL == g.Avatar }

// face is the address of a group's face, or "".
func (a *API) face(c *call, g im.CommunityGroup) string {
	if uploaded(g) && !a.sidecar {
		return a.fileURL(c, g.Face.File)
	}
	return g.Avatar
}

// fileURL is the address of an upload.
func (a *API) fileURL(c *call, number int64) string { return a.base(c.r) + contentPath(number) }

const (
	maxName   = 4096 // characters (wire/thinksns.md §3.3)
	maxPlaces = 2000
)

func toggle(b, sent, empty bool) im.Toggle {
	switch {
	case !sent:
		return im.Unsaid
	case empty:
		return im.AsItIs
	case b:
		return im.On
	}
	return im.Off
}

type createdAnswer struct {
	Message []string `json:"message"`
	Group   string   `json:"im_group_id"`
}

// createGroup is POST /easemob/group.
func (a *API) createGroup(c *call) (answer, error) {
	k := &rules{in: c.in}
	n := im.NewGroup{Name: k.text("groupname", textNameMissing, maxName), Description: k.text("desc", textDescMissing, maxName)}
	n.Public, n.AllowInvites = toggle(k.flag("public")), toggle(k.flag("allowinvites"))
	n.MembersOnly = toggle(k.flag("members_only"))
	n.MaxUsers = k.number("maxusers", 1, maxPlaces)
	n.Members = k.people("members")
	if err := k.err(); err != nil {
		return answer{}, err
	}
	n.Members = slices.DeleteFunc(n.Members, func(id int64) bool { return id == c.me.ID })
	room, err := a.svc.StartGroup(c.ctx(), c.caller, n)
	if err != nil {
		return answer{}, err
	}
	ans := created(createdAnswer{[]string{textSuccess}, string(room.ID)})
	if !a.announce(c, room.ID, c.me.Name+textCreated, ofGroup("ts_group_create", room.ID)) {
		ans = answer{status: http.StatusAccepted, body: createdAnswer{[]string{textNotSent}, string(room.ID)}}
	}
	return ans, nil
}

// changedAnswer repeats the group after a change.
type changedAnswer struct {
	Name         string `json:"groupname"`
	Description  string `json:"desc"`
	Public       bool   `json:"public"`
	MaxUsers     int    `json:"maxusers"`
	MembersOnly  bool   `json:"members_only"`
	AllowInvites bool   `json:"allowinvites"`
	NewOwner     string `json:"newowner,omitempty"`
	Face         string `json:"group_face"`
	Group        string `json:"im_group_id"`
}

// changeGroup is PATCH /easemob/group.
func (a *API) changeGroup(c *call) (answer, error) {
	k := &rules{in: c.in}
	id := k.group()
	e := im.GroupEdit{Name: k.text("groupname", textNameMissing, maxName), Description: k.text("desc", textDescMissing, maxName)}
	e.Public, e.AllowInvites = toggle(k.flag("public")), toggle(k.flag("allowinvites"))
	e.MembersOnly = toggle(k.flag("members_only"))
	e.MaxUsers = k.number("maxusers", 1, 1<<31-1) // the domain knows the limit, and that what is stays
	e.Face = a.newFace(c, k)
	e.NewOwner = newOwner(k)
	if err := k.err(); err != nil {
		return answer{}, err
	}
	if !isGroup(id) {
		return answer{}, im.ErrRoomNotFound.In(id)
	}
	g, transferred, err := a.svc.EditGroup(c.ctx(), c.caller, id, e)
	if err != nil {
		return answer{}, err
	}
	ans := changedAnswer{Name: g.Name, Description: g.Description, Public: g.Public, MaxUsers: g.MaxUsers, MembersOnly: g.MembersOnly,
		AllowInvites: g.AllowInvites, Face: a.face(c, g), Group: string(g.ID)}
	text := c.me.Name + textChanged
	if transferred {
		ans.NewOwner = string(g.Owner)
		text = a.nameOf(c, e.NewOwner) + textNewOwner
	}
	if !a.announce(c, id, text, ofGroup("ts_group_change", id)) {
		return answer{status: http.StatusAccepted, body: createdAnswer{[]string{textNotSent}, string(id)}}, nil
	}
	return created(ans), nil
}

// newFace reads a face: the number of an upload, or an address; none when the field is absent or empty.
func (a *API) newFace(c *call, k *rules) *im.Face {
	const field = "group_face"
	v := k.in[field]
	if v == nil {
		return nil
	}
	if n, isNumber := whole(v); isNumber {
		return &im.Face{File: n, URL: a.fileURL(c, n)}
	}
	text := k.in.text(field)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(text) > 1024 {
		k.fail(field, textInteger(field))
		return nil
	}
	if n, ours := a.fileOf(c, text); ours { // what GET answered comes back
		return &im.Face{File: n, URL: text}
	}
	return &im.Face{URL: text}
}

// fileOf is the number of an upload whose address this is.
func (a *API) fileOf(c *call, address string) (int64, bool) {
	rest, ours := strings.CutPrefix(address, a.base(c.r)+prefix+picturePath+"/")
	n, isNumber := whole(rest)
	return n, ours && isNumber && !a.sidecar
}

// newOwner reads whom a group is to pass to. 0 is nobody, and nobody has no account.
func newOwner(k *rules) int64 {
	const field = "new_owner_user"
	v := k.in[field]
	if v == nil {
		return 0
	}
	n, isNumber := whole(v)
	if text, _ := scalar(v); text == "0" {
		k.fail(field, textNewOwnerGone)
	} else if !isNumber {
		k.fail(field, textInteger(field))
	}
	return n
}

// nameOf is the name of a person, or the number of one who is gone meanwhile.
func (a *API) nameOf(c *call, id int64) string {
	people, err := a.svc.Profiles(c.ctx(), c.app, []int64{id})
	if err != nil || len(people) == 0 {
		return idText(id)
	}
	return people[0].Name
}

// changeWords word what concerns the new owner and the face.
func changeWords() []word {
	return []word{
		worded(im.ErrUserNotFound, atField("new_owner_user", textNewOwnerGone)),
		worded(im.ErrNotMember, atField("new_owner_user", textNewOwnerGone)),
		worded(im.ErrFileNotFound, atField("group_face", textFileGone)),
	}
}

// deleteGroup is DELETE /easemob/group. A group that is not the caller's is none (wire/thinksns.md §3.5).
func (a *API) deleteGroup(c *call) (answer, error) {
	id := im.RoomID(c.in.text("im_group_id"))
	if !isGroup(id) {
		return answer{}, im.ErrRoomNotFound.In(id)
	}
	return deleted(), a.svc.DissolveGroup(c.ctx(), c.caller, id)
}

func notMine() word { return worded(im.ErrRoomNotFound, refusal(http.StatusBadRequest, textGroupGone)) }
