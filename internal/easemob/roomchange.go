package easemob

import (
	"encoding/json"
	"slices"
	"strings"

	"teahouse/internal/im"
)

// roomRequest is a creation or a change of a room, with all synonyms (wire/clients.md §1.5, §1.6).
type roomRequest struct {
	Name        text       `json:"name"`
	GroupName   text       `json:"groupname"`
	Description text       `json:"description"`
	Desc        text       `json:"desc"`
	MaxUsers    looseWhole `json:"maxusers"`
	Custom      text       `json:"custom"`

	// Of creations.
	Title   text       `json:"title"` // the error text says title/name
	Owner   looseText  `json:"owner"`
	Members looseTexts `json:"members"`
	RoomID  text       `json:"roomid"`
	GroupID looseText  `json:"groupid"`

	// Of changes.
	NewOwner looseText `json:"newowner"`

	// Of groups.
	Public        looseFlag `json:"public"`
	MembersOnly   looseFlag `json:"membersonly"`
	MembersOnlyTo looseFlag `json:"members_only"`
	Approval      looseFlag `json:"approval"`
	AllowInvites  looseFlag `json:"allowinvites"`
	NeedConfirm   looseFlag `json:"invite_need_confirm"`
	Avatar        text      `json:"avatar"`
}

func (f roomRequest) name() text        { return firstText(f.GroupName, f.Name) }
func (f roomRequest) description() text { return firstText(f.Description, f.Desc) }

func (f roomRequest) membersOnly() looseFlag {
	for _, b := range []looseFlag{f.MembersOnly, f.MembersOnlyTo} {
		if b.sent {
			return b
		}
	}
	return f.Approval
}

// firstText is the first that was sent.
func firstText(ts ...text) text {
	for _, t := range ts {
		if t.sent {
			return t
		}
	}
	return text{}
}

// POST /{org}/{app}/chatrooms, …/chatgroups
func (a *API) createRoom(c *call, b roomRequest) (answer, error) {
	name, id := firstText(b.name(), b.Title), firstText(b.RoomID, b.GroupID.text)
	if c.kind() == im.Chatroom && b.Members.sent && len(b.Members.v) == 0 { // seed 004: at least one, when the field is there
		return answer{}, im.ErrFieldMissing.With("members")
	}
	if id.sent && id.v == "" {
		return answer{}, im.ErrInvalid.With("roomid")
	}
	if c.kind() == im.Group && name.v != "" && !b.Public.sent {
		return answer{}, im.ErrFieldMissing.With("public")
	}
	room, err := a.svc.CreateRoom(c.r.Context(), c.caller, im.NewRoom{
		Kind: c.kind(), ID: im.RoomID(id.v), Name: name.v, Description: b.description().v, Custom: b.Custom.v,
		Owner: b.Owner.v, Members: b.Members.v, MaxUsers: b.MaxUsers.ptr(),
		Public: b.Public.v, MembersOnly: b.membersOnly().v, AllowInvites: b.AllowInvites.v, InviteNeedConfirm: b.NeedConfirm.ptr(), Avatar: b.Avatar.v,
	})
	if c.kind() == im.Group {
		return answer{data: struct {
			ID string `json:"groupid"`
		}{string(room.ID)}}, err
	}
	return answer{data: struct {
		ID string `json:"id"`
	}{string(room.ID)}}, err
}

// changedField is one field that an update takes: what the answer calls it, and whether the request has a value for it.
// null is none where the type is loose.
type changedField struct {
	as   string
	sent bool
}

// fields are those that an update of a room of the kind takes. need_verify is what the Java SDK sends besides.
func (b roomRequest) fields(kind im.RoomKind) map[string]changedField {
	const name = "groupname" // the wire's word for a changed name
	fields := map[string]changedField{
		"name": {name, true}, "groupname": {name, true}, "description": {"description", true}, "custom": {"custom", true},
		"maxusers": {"maxusers", b.MaxUsers.sent}, "newowner": {"newowner", b.NewOwner.sent}, "need_verify": {"need_verify", true},
	}
	if kind == im.Group {
		fields["desc"] = fields["description"]
		fields["avatar"] = changedField{"avatar", true}
		fields["public"] = changedField{"public", b.Public.sent}
		fields["membersonly"] = changedField{"membersonly", b.MembersOnly.sent}
		fields["members_only"] = changedField{"membersonly", b.MembersOnlyTo.sent}
		fields["approval"] = changedField{"membersonly", b.Approval.sent}
		fields["allowinvites"] = changedField{"allowinvites", b.AllowInvites.sent}
		fields["invite_need_confirm"] = changedField{"invite_need_confirm", b.NeedConfirm.sent}
	}
	return fields
}

// PUT /{org}/{app}/chatrooms/{id}, …/chatgroups/{id}: only the fields of the kind; any other refuses the call (seed 004).
func (a *API) changeRoom(c *call) (answer, error) {
	data, err := c.body()
	if err != nil {
		return answer{}, err
	}
	var given map[string]json.RawMessage
	var b roomRequest
	if err := decode(data, &given); err != nil {
		return answer{}, err
	}
	if foreign := c.foreign(given); len(foreign) > 0 {
		return answer{}, im.ErrFieldUnknown.With(strings.Join(foreign, ", "))
	}
	if err := decode(data, &b); err != nil {
		return answer{}, err
	}
	done := map[string]bool{}
	for key, f := range b.fields(c.kind()) {
		if _, there := given[key]; there && f.sent {
			done[f.as] = true
		}
	}
	if len(done) == 0 {
		return answer{}, im.ErrFieldMissing.With("name, description or maxusers")
	}
	if b.NewOwner.sent && b.NewOwner.v == "" {
		return answer{}, im.ErrFieldMissing.With("newowner")
	}
	return answer{data: done}, a.svc.ChangeRoom(c.r.Context(), c.caller, c.kind(), c.room(), b.change())
}

// foreign are the keys that no update of a room of the kind takes.
func (c *call) foreign(given map[string]json.RawMessage) []string {
	taken := roomRequest{}.fields(c.kind())
	var keys []string
	for key := range given {
		if _, ok := taken[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (b roomRequest) change() im.RoomChange {
	return im.RoomChange{
		Name: firstText(b.Name, b.GroupName).ptr(), Description: b.description().ptr(), Custom: b.Custom.ptr(), MaxUsers: b.MaxUsers.ptr(), NewOwner: b.NewOwner.ptr(),
		Public: b.Public.ptr(), MembersOnly: b.membersOnly().ptr(), AllowInvites: b.AllowInvites.ptr(), InviteNeedConfirm: b.NeedConfirm.ptr(), Avatar: b.Avatar.ptr(),
	}
}

// DELETE /{org}/{app}/chatrooms/{id}, …/chatgroups/{id}: with version=v3 a group is called id, too (wire/clients.md §2.6).
func (a *API) destroyRoom(c *call) (answer, error) {
	type destroyed struct {
		Success bool   `json:"success"`
		ID      string `json:"id,omitempty"`
		GroupID string `json:"groupid,omitempty"`
	}
	d := destroyed{Success: true, ID: string(c.room())}
	if c.kind() == im.Group && !c.v3() {
		d.ID, d.GroupID = "", d.ID
	}
	return answer{data: d}, a.svc.DestroyRoom(c.r.Context(), c.caller, c.kind(), c.room())
}
