package pb

import (
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"teahouse/internal/im"
)

// Events as Metas (wire/msync.md §7.2, §8). Clients show only the first of those whom an event concerns, so what is done to
// several users is told in several Metas.

// systemUser is who did what was done with an app token, or by itself.
const systemUser im.Username = "@ppAdmin"

// EventMetas returns the Metas that tell one of e.Users, or with u empty anybody else, of an event that is not a message. id is the
// first one's. What only the hub needs to know, and what clients do not show, is not told: there are none.
//
// What waits for those who are away is told as a notice to each whom it concerns (AppendMeta writes it); so a group's own event
// does not tell it once more to them.
//
// Users who come or go together stand in one Meta, or with each in one of their own, for clients that read no lists.
func EventMetas(app im.AppKey, id im.MessageID, e *im.Event, u im.Username, each bool) (metas [][]byte) {
	write := func(ns Meta_NameSpace, payload []byte) {
		var meta []byte
		if id := nth(id, len(metas)); ns == Meta_ROSTER {
			meta = appendFrom(nil, app, id, actor(e))
		} else {
			meta = AppendJID(appendNumber(nil, metaID, uint64(id)), metaFrom, app, string(e.Room), RoomDomain, "")
		}
		metas = append(metas, appendRest(meta, e.At, ns, payload))
	}
	for _, r := range rosters(e) {
		write(Meta_ROSTER, r.append(nil, app))
	}
	for _, c := range changes(e, u) {
		for _, c := range c.split(each) {
			write(Meta_MUC, c.append(nil, app, e))
		}
	}
	return metas
}

// nth is the id of an event's nth Meta. Those behind the first are not among the ids that are given out, nor are they those of the next
// event, whose id is the next number: what counts within a millisecond stays as it is.
func nth(id im.MessageID, n int) im.MessageID {
	if n == 0 {
		return id
	}
	return id | 1<<62 + im.MessageID(n)<<12
}

// appendRest writes what stands behind id and sender in the Meta of an event.
func appendRest(b []byte, at time.Time, ns Meta_NameSpace, payload []byte) []byte {
	b = appendNumber(b, metaTimestamp, millis(at))
	b = appendNumber(b, metaNS, uint64(ns))
	return appendBytes(b, metaPayload, payload)
}

// appendNotice writes the Meta of a notice: the event as its user is told it.
func appendNotice(b []byte, app im.AppKey, id im.MessageID, e *im.Event, u im.Username) []byte {
	if metas := EventMetas(app, id, e, u, false); len(metas) > 0 {
		return append(b, metas[0]...)
	}
	// Nothing to show, but it has its place in the queue: something that clients pass over.
	r := roster{op: RosterBody_ALLOW, from: u, to: u}
	return appendRest(appendFrom(b, app, id, u), e.At, Meta_ROSTER, r.append(nil, app))
}

// appendFrom begins the Meta of something that comes from a user. SDKs before 4.14 read who any Meta is from before they look
// what it is.
func appendFrom(b []byte, app im.AppKey, id im.MessageID, u im.Username) []byte {
	return AppendJID(appendNumber(b, metaID, uint64(id)), metaFrom, app, string(u), UserDomain, "")
}

// actor is who did it.
func actor(e *im.Event) im.Username {
	if e.By == "" {
		return systemUser
	}
	return e.By
}

// Fields of MUCBody.
const (
	mucID       = 1
	mucOp       = 2
	mucFrom     = 3
	mucTo       = 4
	mucReason   = 6
	mucChatroom = 7
	mucStatus   = 8
	mucName     = 11
	mucInfo     = 12
	mucCount    = 13
	mucExt      = 14
	mucMembers  = 16
	statusCode  = 1
	infoExt     = 2
)

// change is one change of a room, as clients are told it.
type change struct {
	op      MUCBody_Operation
	from    im.Username // empty: who did it
	to      im.Username // empty: nobody in particular
	members []im.Username
	counted bool // it says how many are in the room now
	named   bool // it says what the room is called
	reason  string
	ext     string
	info    string // JSON
}

// split makes one change for each member.
func (c change) split(each bool) (all []change) {
	if !each || len(c.members) == 0 {
		return []change{c}
	}
	for _, name := range c.members {
		one := c
		one.from, one.members = name, nil
		all = append(all, one)
	}
	return all
}

func (c change) append(b []byte, app im.AppKey, e *im.Event) []byte {
	from := c.from
	if from == "" {
		from = actor(e)
	}
	b = AppendJID(b, mucID, app, string(e.Room), RoomDomain, "")
	b = appendNumber(b, mucOp, uint64(c.op))
	b = AppendJID(b, mucFrom, app, string(from), UserDomain, "")
	if c.to != "" {
		b = AppendJID(b, mucTo, app, string(c.to), UserDomain, "")
	}
	b = appendSome(b, mucReason, c.reason)
	b = appendNumber(b, mucChatroom, protowire.EncodeBool(e.RoomKind == im.Chatroom))
	b, at := open(b, mucStatus)
	b = shut(appendNumber(b, statusCode, uint64(MUCBody_Status_OK)), at)
	if c.named {
		b = appendSome(b, mucName, e.Name)
	}
	if c.info != "" {
		b, at = open(b, mucInfo)
		b = shut(appendText(b, infoExt, c.info), at)
	}
	if c.counted {
		b = appendNumber(b, mucCount, uint64(e.Members))
	}
	b = appendSome(b, mucExt, c.ext)
	for _, name := range c.members {
		b = appendText(b, mucMembers, string(name))
	}
	return b
}

// appendSome writes a field of text that is not empty.
func appendSome(b []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(b, num, s)
}

// changes are what the event changes in its room, as u is told it.
func changes(e *im.Event, u im.Username) []change {
	switch e.Kind {
	case im.MembersJoined, im.MembersLeft, im.MembersRemoved:
		return moves(e, u)
	case im.MembersMuted, im.MembersUnmuted, im.MuteEnded, im.MembersAllowed, im.MembersDisallowed, im.AdminAdded, im.AdminRemoved:
		return eachOf(e, u)
	case im.JoinApplied, im.JoinAccepted, im.JoinDeclined, im.Invited, im.InviteAccepted, im.InviteDeclined:
		return asks(e, u)
	case im.AttributesSet, im.AttributesDeleted, im.MemberAttributesSet:
		return attributes(e)
	case im.OwnerChanged, im.RoomDestroyed, im.MembersUnblocked:
		return lasting(e, u)
	}
	return whole(e)
}

// whole is what everybody in the room is told alike.
func whole(e *im.Event) []change {
	c := change{}
	switch e.Kind {
	case im.RoomUpdated:
		c.op = MUCBody_UPDATE
		if e.RoomKind == im.Group {
			c.info = objectOf(e.Fields)
		}
	case im.RoomEntered, im.RoomLeft, im.RoomShielded, im.RoomUnshielded:
		return own(e)
	case im.RoomMuted:
		c.op = MUCBody_BAN_GROUP
	case im.RoomUnmuted:
		c.op = MUCBody_REMOVE_BAN_GROUP
	case im.RoomDisabled:
		c.op = MUCBody_DISABLE_GROUP
	case im.RoomEnabled:
		c.op = MUCBody_ABLE_GROUP
	case im.AnnouncementChanged:
		c.op, c.reason = MUCBody_UPDATE_ANNOUNCEMENT, e.Text
		if e.Text == "" {
			c.op = MUCBody_DELETE_ANNOUNCEMENT
		}
	case im.FileUploaded, im.FileDeleted:
		return files(e)
	default:
		return nil
	}
	return []change{c}
}

// own is what users did themselves on another of their devices.
func own(e *im.Event) []change {
	if e.By != first(e.Users) {
		return nil
	}
	op := MUCBody_JOIN
	switch {
	case e.Kind == im.RoomLeft:
		op = MUCBody_LEAVE
	case e.Kind == im.RoomShielded:
		op = MUCBody_BLOCK
	case e.Kind == im.RoomUnshielded:
		op = MUCBody_UNBLOCK
	case e.Text != "":
		op = MUCBody_CREATE
	}
	return []change{{op: op}}
}

// alone reports whether the event is told one user, and not the room.
func alone(e *im.Event, u im.Username) bool { return u != "" && e.Topic == im.UserTopic(e.App, u) }

// lasting is what those whom it concerns are told by a notice, where the room is a group.
func lasting(e *im.Event, u im.Username) []change {
	notice := alone(e, u)
	switch e.Kind {
	case im.RoomDestroyed:
		if e.RoomKind == im.Group && !notice {
			return nil
		}
		return []change{{op: MUCBody_DESTROY, named: true}}
	case im.OwnerChanged:
		if e.RoomKind == im.Group && u != "" && !notice {
			return nil
		}
		return []change{{op: MUCBody_ASSIGN_OWNER, to: first(e.Users)}}
	}
	if !notice { // who is not blocked any more is not in the room, either
		return nil
	}
	return []change{{op: MUCBody_ALLOW, to: u, reason: e.Text}}
}

// moves tells who is there and who is not any more. Nobody hears it of themselves: who joins has the answer, who was removed
// is told that.
func moves(e *im.Event, u im.Username) []change {
	switch {
	case alone(e, u) && e.Kind == im.MembersJoined:
		return []change{{op: MUCBody_DIRECT_JOINED, to: u, named: true}}
	case u != "" && e.Kind == im.MembersRemoved:
		if e.RoomKind == im.Group && !alone(e, u) {
			return nil
		}
		return []change{{op: MUCBody_KICK, to: u, named: true}}
	case u != "" && e.Kind == im.MembersLeft:
		return nil
	}
	c := change{op: MUCBody_ABSENCE, counted: true}
	if e.Kind == im.MembersJoined {
		c.op, c.ext = MUCBody_PRESENCE, e.Text
	}
	users := e.Users
	if u != "" {
		users = slices.DeleteFunc(slices.Clone(users), func(name im.Username) bool { return name == u })
	}
	if len(users) == 0 {
		return nil
	}
	c.from = users[0]
	if len(users) > 1 {
		c.members = users
	}
	return []change{c}
}

// eachOf tells of each user what was done to them. Users hear of themselves only, but in a group of all mutes, and there notices
// tell users of their own office.
func eachOf(e *im.Event, u im.Username) (all []change) {
	office := e.Kind == im.AdminAdded || e.Kind == im.AdminRemoved
	if u != "" && office && e.RoomKind == im.Group && !alone(e, u) {
		return nil
	}
	c, everybody := change{}, u == ""
	switch e.Kind {
	case im.MembersMuted:
		c.op, c.ext = MUCBody_ADD_MUTE, `{"user_mute_time":`+strconv.FormatInt(e.Until.UnixMilli(), 10)+`}`
	case im.MembersUnmuted:
		c.op = MUCBody_REMOVE_MUTE
	case im.MuteEnded:
		c.op, c.from = MUCBody_REMOVE_MUTE, systemUser
	case im.MembersAllowed:
		c.op = MUCBody_ADD_USER_WHITE_LIST
	case im.MembersDisallowed:
		c.op = MUCBody_REMOVE_USER_WHITE_LIST
	case im.AdminAdded:
		c.op = MUCBody_ADD_ADMIN
	case im.AdminRemoved:
		c.op = MUCBody_REMOVE_ADMIN
	}
	if e.RoomKind == im.Group && (c.op == MUCBody_ADD_MUTE || c.op == MUCBody_REMOVE_MUTE) {
		everybody = true
	}
	for _, name := range e.Users {
		if everybody || name == u {
			c.to = name
			all = append(all, c)
		}
	}
	return all
}

// asks tells who wants to come in, who was asked to, and what was answered.
func asks(e *im.Event, u im.Username) []change {
	who := first(e.Users)
	switch e.Kind {
	case im.JoinApplied:
		return []change{{op: MUCBody_APPLY, from: who, reason: e.Text, named: true}}
	case im.JoinAccepted:
		return []change{{op: MUCBody_APPLY_ACCEPT, to: who, named: true}}
	case im.JoinDeclined:
		return []change{{op: MUCBody_APPLY_DECLINE, to: who, reason: e.Text, named: true}}
	case im.Invited:
		return []change{{op: MUCBody_INVITE, to: who, reason: e.Text, named: true}}
	case im.InviteAccepted:
		return []change{{op: MUCBody_INVITE_ACCEPT, from: who, to: u, named: true}}
	}
	return []change{{op: MUCBody_INVITE_DECLINE, from: who, to: u, reason: e.Text, named: true}}
}

func first(users []im.Username) im.Username {
	if len(users) == 0 {
		return ""
	}
	return users[0]
}

// attributes tells of attributes of rooms and of members, in the JSON that clients read. Clients throw when a group has those
// of rooms (wire/msync.md §7.2).
func attributes(e *im.Event) []change {
	var set im.Fields
	var keys []byte
	from := e.By
	for _, a := range e.Attributes {
		set = put(set, im.Field{Name: a.Key, Value: im.Text(a.Value)})
		if len(keys) > 0 {
			keys = append(keys, ',')
		}
		keys = appendQuoted(keys, a.Key)
		if from == "" {
			from = a.Setter
		}
	}
	result := `,"result":{"successKeys":[` + string(keys) + `],"errorKeys":{}}}`
	switch {
	case e.Kind == im.MemberAttributesSet:
		who := string(appendQuoted(nil, string(first(e.Users))))
		return []change{{op: MUCBody_GROUP_MEMBER_METADATA_UPDATE, info: `{"username":` + who + `,"properties":` + objectOf(set) + `}`}}
	case e.RoomKind != im.Chatroom:
		return nil
	case e.Kind == im.AttributesSet:
		return []change{{op: MUCBody_SET_METADATA, from: from, ext: e.Text, info: `{"properties":` + objectOf(set) + result}}
	}
	return []change{{op: MUCBody_DELETE_METADATA, from: from, ext: e.Text, info: `{"properties":{}` + result}}
}

// files tells of shared files: of a new one as lists show it, of one that is gone its id.
func files(e *im.Event) (all []change) {
	for _, f := range e.Files {
		c := change{op: MUCBody_DELETE_FILE, reason: string(f.ID)}
		if e.Kind == im.FileUploaded {
			owner := f.Owner
			if owner == "" {
				owner = systemUser
			}
			c.op, c.reason = MUCBody_UPLOAD_FILE, objectOf(im.Fields{
				{Name: "file_id", Value: im.Text(string(f.ID))}, {Name: "file_name", Value: im.Text(f.Name)}, {Name: "file_owner", Value: im.Text(string(owner))},
				{Name: "file_size", Value: whole64(f.Size)}, {Name: "created", Value: whole64(f.Created.UnixMilli())}})
		}
		all = append(all, c)
	}
	return all
}

func whole64(n int64) im.Value {
	return im.Value{Kind: im.NumberValue, Text: strconv.FormatInt(n, 10)}
}

// Fields of RosterBody.
const (
	rosterOp     = 1
	rosterStatus = 2
	rosterFrom   = 3
	rosterTo     = 4
	rosterReason = 5
)

// roster is one change among contacts, as clients are told it. They need both names.
type roster struct {
	op       RosterBody_Operation
	from, to im.Username
	reason   string
}

func (r roster) append(b []byte, app im.AppKey) []byte {
	b = appendNumber(b, rosterOp, uint64(r.op))
	b, at := open(b, rosterStatus)
	b = shut(appendNumber(b, statusCode, uint64(RosterBody_Status_OK)), at)
	b = AppendJID(b, rosterFrom, app, string(r.from), UserDomain, "")
	b = AppendJID(b, rosterTo, app, string(r.to), UserDomain, "")
	return appendSome(b, rosterReason, r.reason)
}

// rosters are what the event changes among contacts. The first of its users is the one who is told.
func rosters(e *im.Event) (all []roster) {
	if len(e.Users) < 2 {
		return nil
	}
	r := roster{from: e.Users[1], to: e.Users[0]}
	itself := e.By == r.to // done on another device of the user who is told
	switch e.Kind {
	case im.ContactAsked:
		r.op, r.reason = RosterBody_ADD, e.Text
	case im.ContactAdded:
		r.op = RosterBody_ACCEPT
	case im.ContactAccepted:
		r.op = RosterBody_ACCEPT
		if e.By == r.from { // who was asked agrees
			r.op = RosterBody_REMOTE_ACCEPT
		}
	case im.ContactDeclined:
		r.op = RosterBody_REMOTE_DECLINE
		if itself {
			r = roster{op: RosterBody_DECLINE, from: r.to, to: r.from}
		}
	case im.ContactRemoved:
		r.op = RosterBody_REMOVE
		if itself {
			r.from, r.to = r.to, r.from
		}
	case im.UsersBlocked, im.UsersUnblocked:
		op := RosterBody_BAN
		if e.Kind == im.UsersUnblocked {
			op = RosterBody_ALLOW
		}
		for _, other := range e.Users[1:] {
			all = append(all, roster{op: op, from: e.Users[0], to: other})
		}
		return all
	default:
		return nil
	}
	return []roster{r}
}

// Fields of StatisticsBody.
const (
	statisticOp     = 1
	statisticReason = 10
)

// AppendStatistic writes the Meta that ends a session of u: a client that gets it does not come back by itself (wire/msync.md §10).
// The reason is what the device that takes another's place has to say.
func AppendStatistic(b []byte, app im.AppKey, u im.Username, id im.MessageID, at time.Time, op StatisticsBody_Operation, reason string) []byte {
	payload := appendSome(appendNumber(nil, statisticOp, uint64(op)), statisticReason, reason)
	return appendRest(appendFrom(b, app, id, u), at, Meta_STATISTIC, payload)
}

// AppendEditNotice writes the Meta that tells who edits a message what became of it; m is the message after that
// (wire/msync.md §11).
func AppendEditNotice(b []byte, app im.AppKey, id im.MessageID, m *im.Message) []byte {
	return appendRest(appendFrom(b, app, id, m.Edit.By), m.Edit.At, Meta_NOTIFY, []byte(editNote(m)))
}
