package easemob

import "teahouse/internal/im"

// joinRoutes are the ways in and out of rooms, and the shield. DELETE …/quit and …/shield of chatrooms are told apart by
// deleteVerb.
func (a *API) joinRoutes() []route {
	of := func(kind im.RoomKind, class string) func(method, path string, run func(*call) (answer, error), words ...exception) route {
		return func(method, path string, run func(*call) (answer, error), words ...exception) route {
			return route{method: method, path: path, class: class, kind: kind, run: run, words: words}
		}
	}
	rooms, groups := of(im.Chatroom, classRooms), of(im.Group, classGroups)
	return []route{
		rooms("POST", "/chatrooms/{id}/apply", on(a.apply), roomUserMissing(), addTooManyRooms()),
		rooms("GET", "/chatrooms/{id}/shield", a.listShields),
		rooms("POST", "/chatrooms/{id}/shield", a.shield, notListable()),

		groups("DELETE", "/chatgroups/{id}/quit", a.quit, notListable()),
		groups("POST", "/chatgroups/{id}/apply", on(a.apply), roomUserMissing()),
		groups("POST", "/chatgroups/{id}/apply_verify", on(a.verifyApplication), roomUserMissing()),
		groups("POST", "/chatgroups/{id}/invite", on(a.invite), inviteWords()...),
		groups("POST", "/chatgroups/{id}/invite_verify", on(a.verifyInvitation), roomUserMissing()),
		groups("GET", "/chatgroups/{id}/shield", a.listShields),
		groups("POST", "/chatgroups/{id}/shield", a.shield, notListable()),
		groups("DELETE", "/chatgroups/{id}/shield", a.unshield, notListable()),
	}
}

// memberAttributeRoutes are those of wire/easemob.md §6.10; the Web SDK puts sdk before them.
func (a *API) memberAttributeRoutes() (routes []route) {
	for _, prefix := range []string{"", "/sdk"} {
		add := func(method, path string, many int, run func(*call) (answer, error), words ...exception) {
			routes = append(routes, route{method: method, path: prefix + "/metadata/chatgroup/{id}" + path, class: classGroups, kind: im.Group,
				service: propertyService, run: run, words: append(memberAttributeWords(), words...), numbers: memberAttributeNumbers(many)})
		}
		add("GET", "/user/{user}", 60007, a.memberAttributes)
		add("PUT", "/user/{user}", 60006, on(a.setMemberAttributes), tooManySet())
		add("PUT", "/users/batch", 60006, on(a.setMembersAttributes), tooManySet())
		add("POST", "/get", 60007, on(a.membersAttributes), metadataWords(im.ErrBatchTooLarge, 400, "query param reaches limit."))
	}
	return routes
}

func inviteWords() []exception {
	return []exception{roomUserMissing(), batchWords("userNames is more than max limit : {arg}"),
		{im.ErrAlreadyMember.Code, wire{403, 0, forbiddenOp, exForbidden, "invite users to join group failed, reason:user: {user} already in group: {room}"}},
		{im.ErrBlocked.Code, wire{403, 0, forbiddenOp, exForbidden, "invite users to join group failed, reason:user: {user} is in the blacklist of group: {room}"}}}
}

// metadataWords words an error of the service of attributes.
func metadataWords(e *im.Error, status int, text string) exception {
	return exception{e.Code, wire{status, 0, "metadata_error", exMetadata, text}}
}

func tooManySet() exception {
	return metadataWords(im.ErrBatchTooLarge, 400, "exceeds chatgroup metadata batch put users limit")
}

func memberAttributeWords() []exception {
	return []exception{
		{im.ErrUnauthenticated.Code, wire{400, 0, unauthorized, "", unauthorized}},
		metadataWords(im.ErrRoomNotFound, 404, "group not exists"),
		metadataWords(im.ErrNotMember, 400, "Some users are not in the group: {user}"),
		metadataWords(im.ErrForbidden, 400, "no permission to set the metadata of user: {user}"),
		metadataWords(im.ErrFieldMissing, 400, "{arg} must be provided"),
		metadataWords(im.ErrInvalid, 400, "{arg} is not valid"),
		metadataWords(im.ErrAttrKeyLong, 400, "exceeds chatgroup user metadata single key limit"),
		metadataWords(im.ErrAttrValueLong, 400, "exceeds chatgroup user metadata single value limit"),
		metadataWords(im.ErrAttrFull, 400, "exceeds chatgroup user metadata total limit"),
	}
}

// memberAttributeNumbers are the numbers by which the Web SDK knows errors (wire/easemob.md §6.10); many is that of
// too many members.
func memberAttributeNumbers(many int) map[string]int {
	return map[string]int{
		im.ErrUnauthenticated.Code: 60001, im.ErrTokenCorrupt.Code: 60001, im.ErrTokenBad.Code: 60001, im.ErrTokenExpired.Code: 60001,
		im.ErrRoomNotFound.Code: 60003, im.ErrFieldMissing.Code: 60005, im.ErrInvalid.Code: 60005, im.ErrBadJSON.Code: 60005,
		im.ErrBatchTooLarge.Code: many, im.ErrAttrKeyLong.Code: 60009, im.ErrAttrValueLong.Code: 60010, im.ErrForbidden.Code: 60010,
		im.ErrNotMember.Code: 60011, im.ErrAttrFull.Code: 60012,
	}
}
