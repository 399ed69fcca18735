package easemob

import "teahouse/internal/im"

// groupRoutes are what only groups have, or have in a form of their own.
func (a *API) groupRoutes() []route {
	groups := func(method, path string, run func(*call) (answer, error), words ...exception) route {
		return route{method: method, path: path, class: classGroups, kind: im.Group, run: run, words: words}
	}
	aside := func(r route) route { r.aside = true; return r }
	return []route{
		groups("GET", "/chatgroups", a.listGroups),
		groups("POST", "/chatgroups", on(a.createRoom), createGroupWords()...),
		groups("GET", "/publicchatgroups", a.listPublicGroups),
		groups("GET", "/users/{user}/joined_chatgroups", a.joinedGroups, roomUserMissing()),
		groups("POST", "/users/{user}/joined_chatgroups", on(a.joinGroups), roomUserMissing()),
		aside(groups("GET", "/chatgroups/user/{user}", a.groupsOfUser, roomUserMissing())),
		aside(groups("GET", "/chatgroups/user/{user}/joined_count", a.countGroups, roomUserMissing())),

		groups("GET", "/chatgroups/{id}", a.roomDetails, roomUnread()),
		groups("PUT", "/chatgroups/{id}", a.changeRoom, changeGroupWords()...),
		groups("DELETE", "/chatgroups/{id}", a.destroyRoom),
		groups("POST", "/chatgroups/{id}/disable", a.disableGroup),
		groups("POST", "/chatgroups/{id}/enable", a.enableGroup),
		groups("GET", "/chatgroups/{id}/user/{user}/is_joined", a.isJoined, roomUnread()),
		groups("GET", "/chatgroups/{id}/roles", a.listRoles, roomUnread()),
		groups("GET", "/chatgroups/{id}/acks/{message}", a.listAcks, roomUnread()),
		groups("DELETE", "/chatgroups/{id}/ban", a.unmuteRoom),
		groups("DELETE", "/chatgroups/{id}/mute", a.unmuteByRole),
		groups("DELETE", "/chatgroups/{id}/blocks/users", on(a.unblockNamed), roomUserMissing(), batchWords("removeBlacklist: list size more than max limit : {arg}")),
	}
}
