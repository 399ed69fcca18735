package easemob

import "teahouse/internal/im"

// chatroomRoutes are what only chatrooms have, or have in a form of their own.
func (a *API) chatroomRoutes() []route {
	rooms := func(method, path, class string, run func(*call) (answer, error), words ...exception) route {
		return route{method: method, path: path, class: class, kind: im.Chatroom, run: run, words: words}
	}
	return []route{
		rooms("GET", "/users/{user}/joined_chatrooms", classRoomsJoined, a.joinedRooms, roomUserMissing()),
		rooms("GET", "/chatrooms", classRoomsList, a.listRooms),
		rooms("POST", "/chatrooms", classRoomsCreate, on(a.createRoom), createWords()...),
		rooms("GET", roomPath, classRooms, a.roomDetails, roomUnread()),
		rooms("PUT", roomPath, classRooms, a.changeRoom, roomUserMissing(), notInGroup(403)),
		rooms("DELETE", roomPath, classRooms, a.destroyRoom),
		rooms("DELETE", deleteVerbPath, classRooms, a.deleteVerb),
		rooms("GET", "/chatrooms/super_admin", classRooms, a.listSuperAdmins),
		rooms("POST", "/chatrooms/super_admin", classRooms, on(a.addSuperAdmin), roomUserMissing()),
	}
}

// rosterRoutes are what chatrooms and groups have alike; base is where the rooms of the kind are.
func (a *API) rosterRoutes(kind im.RoomKind, base string) []route {
	class := classRooms
	if kind == im.Group {
		class = classGroups
	}
	rooms := func(method, path string, run func(*call) (answer, error), words ...exception) route {
		return route{method: method, path: base + "/{id}" + path, class: class, kind: kind, run: run, words: words}
	}
	muted := rooms("GET", "/mute/{user}", a.isMuted)
	muted.path = "/sdk" + muted.path
	return []route{
		rooms("GET", "/users", a.listMembers, roomUnread()),
		rooms("POST", "/users", on(a.addMembers), roomUserMissing(), addTooManyRooms(), batchWords("addMembers: addMembers number more than maxSize : {arg}"), addRoomMissing()),
		rooms("POST", "/users/{user}", a.addMember, roomUserMissing(), addTooManyRooms()),
		rooms("DELETE", "/users/{users}", a.removeMembers, roomUserMissing(), batchWords("kickMember: kickMembers number more than maxSize : {arg}")),

		rooms("GET", "/admin", a.listAdmins),
		rooms("POST", "/admin", on(a.addAdmin), roomUserMissing(), notInGroup(404)),
		rooms("DELETE", "/admin/{user}", a.removeAdmin, roomUserMissing()),

		rooms("GET", "/mute", a.listMutes),
		rooms("POST", "/mute", on(a.muteMembers), roomUserMissing(), muteNotMember(), batchWords("userNames size is more than max limit : {arg}")),
		rooms("DELETE", "/mute/{users}", a.unmuteMembers, roomUserMissing(), batchWords("removeMute member size more than max limit :  {arg}")),
		muted,
		rooms("POST", "/ban", a.muteRoom),

		rooms("GET", "/blocks/users", a.listBlocks),
		rooms("POST", "/blocks/users", on(a.blockMembers), roomUserMissing(), notListable(), batchWords("userNames is more than max limit : {arg}")),
		rooms("POST", "/blocks/users/{user}", a.blockMember, roomUserMissing(), notListable()),
		rooms("DELETE", "/blocks/users/{users}", a.unblockMembers, roomUserMissing(), batchWords("removeBlacklist: list size more than max limit : {arg}")),

		rooms("GET", "/white/users", a.listAllows),
		rooms("GET", "/white/users/{user}", a.isAllowed),
		rooms("POST", "/white/users", on(a.allowMembers), roomUserMissing(), notListable(), batchWords("userNames is more than max limit : {arg}")),
		rooms("POST", "/white/users/{user}", a.allowMember, roomUserMissing(), notListable()),
		rooms("DELETE", "/white/users/{users}", a.disallowMembers, roomUserMissing(), batchWords("userNames is more than max limit : {arg}")),

		rooms("GET", "/announcement", a.announcement),
		rooms("POST", "/announcement", on(a.setAnnouncement)),
	}
}
