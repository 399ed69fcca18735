package thinksns

import (
	"context"
	"iter"
	"net/http"
	"strings"

	"teahouse/internal/im"
)

// memberRequest reads the group and the people of a call about members.
func memberRequest(c *call) (im.RoomID, []int64, error) {
	k := &rules{in: c.in}
	id, people := k.group(), k.required("members", textMembers)
	if err := k.err(); err != nil {
		return "", nil, err
	}
	if !isGroup(id) {
		return "", nil, im.ErrRoomNotFound.In(id)
	}
	return id, people, nil
}

// addMembers is POST /easemob/group/member.
func (a *API) addMembers(c *call) (answer, error) {
	id, people, err := memberRequest(c)
	if err != nil {
		return answer{}, err
	}
	added, err := a.svc.InvitePeople(c.ctx(), c.caller, id, people)
	if err != nil {
		return answer{}, err
	}
	heard := true
	for people := range a.parts(c, added) {
		ids, names := told(people)
		list := im.Value{Kind: im.JSONValue, Text: `["` + strings.Join(ids, `","`) + `"]`}
		ext := im.Fields{{Name: "type", Value: im.Text("ts_user_join")}, {Name: "uid", Value: list}}
		heard = a.announce(c, id, c.me.Name+"邀请了"+names+"加入了群聊。", ext) && heard
	}
	if !heard {
		return notSent(), nil
	}
	return created(nothing{}), nil
}

// removeMembers is DELETE /easemob/group/member.
func (a *API) removeMembers(c *call) (answer, error) {
	id, people, err := memberRequest(c)
	if err != nil {
		return answer{}, err
	}
	removed, err := a.svc.RemovePeople(c.ctx(), c.caller, id, people)
	if err != nil {
		return answer{}, err
	}
	heard := true
	for people := range a.parts(c, removed) {
		ids, names := told(people)
		ext := im.Fields{{Name: "type", Value: im.Text("ts_user_exit")}, {Name: "uid", Value: im.Text(strings.Join(ids, ","))}}
		heard = a.announce(c, id, c.me.Name+"已将"+names+"移出群聊。", ext) && heard
	}
	if !heard {
		return notSent(), nil
	}
	return deleted(), nil
}

// parts cuts people into as many parts as fit in a message each: apps invite hundreds at once.
func (a *API) parts(c *call, people []im.Profile) iter.Seq[[]im.Profile] {
	const frame = 128 // bytes of a message besides names and ids
	room := c.app.Settings.MaxMessage - frame - len(c.me.Name)
	return func(yield func([]im.Profile) bool) {
		first, size := 0, 0
		for i, p := range people {
			more := len(p.Name) + len("、") + len(idText(p.ID)) + len(`"",`)
			if i > first && size+more > room {
				if !yield(people[first:i]) {
					return
				}
				first, size = i, 0
			}
			size += more
		}
		if first < len(people) {
			yield(people[first:])
		}
	}
}

// told are ids and names of people as system messages tell them.
func told(people []im.Profile) (ids []string, names string) {
	var all []string
	for _, p := range people {
		ids, all = append(ids, idText(p.ID)), append(all, p.Name)
	}
	return ids, strings.Join(all, "、")
}

// notSent is 202: what was asked for is done, and the group does not know.
func notSent() answer {
	return answer{status: http.StatusAccepted, body: messages{[]string{textNotSent}}}
}

// unknownMember words a person in a list who does not exist.
func unknownMember() word { return worded(im.ErrUserNotFound, atField("members", textUserGone)) }

// ofGroup is what a system message about a group carries for programs. The id is text: iOS takes nothing else
// (wire/thinksns.md §3.9).
func ofGroup(kind string, id im.RoomID) im.Fields {
	return im.Fields{{Name: "type", Value: im.Text(kind)}, {Name: "group_id", Value: im.Text(string(id))}}
}

// systemSender speaks in groups about what people did. It is no user.
const systemSender = "admin"

// announce says something in a group after a change, also when the client has left, and tells whether it could be said. The
// change stands either way.
func (a *API) announce(c *call, id im.RoomID, text string, ext im.Fields) bool {
	_, err := a.svc.Send(context.WithoutCancel(c.ctx()), im.AppCaller(c.app), im.NewMessage{
		From: systemSender, To: []im.Address{im.ToRoom(im.Group, id)}, Ext: ext,
		Body: im.Body{Type: im.TextBody, Fields: im.Fields{{Name: "msg", Value: im.Text(text)}}},
	})
	if err != nil {
		a.log.Warn("system message not sent", "group", string(id), "err", err)
	}
	return err == nil
}
