package easemob

// service says which of the cloud's services answers a route: their envelopes and their errors for a missing token
// differ (wire/easemob.md §1.3, §2.1).
type service uint8

const (
	roomService     service = iota // /chatrooms and what belongs to it
	userService                    // /users, /token
	propertyService                // /metadata
)

// route is one line of the table: where, under which rate, with which wording, and what runs.
type route struct {
	method, path string
	class        string // of request rates
	service      service
	open         bool // works without a token
	words        []exception
	run          func(*call) (answer, error)
}

// routes is the whole surface, one endpoint a line.
func (a *API) routes() []route {
	rooms := func(method, path, class string, run func(*call) (answer, error), words ...exception) route {
		return route{method: method, path: path, class: class, run: run, words: words}
	}
	users := func(method, path, class string, run func(*call) (answer, error), words ...exception) route {
		return route{method: method, path: path, class: class, service: userService, run: run, words: words}
	}
	properties := func(method, path string, run func(*call) (answer, error)) route {
		return route{method: method, path: path, class: classRooms, service: propertyService, run: run, words: attributeWords()}
	}
	open := func(r route) route { r.open = true; return r }
	return []route{
		open(users("POST", "/token", classToken, on(a.token), tokenWords()...)),
		open(users("GET", "/token", classToken, a.tokenByQuery, tokenWords()...)),
		users("GET", "/sdk/users/{user}/token/expires", classUsers, a.tokenExpires),

		open(users("POST", "/users", classUsers, a.register)),
		users("GET", "/users", classUsers, a.listUsers),
		users("DELETE", "/users", classUsersDelete, a.deleteUsers),
		users("GET", "/users/{user}", classUsers, a.user),
		users("PUT", "/users/{user}", classUsers, on(a.changeUser)),
		users("DELETE", "/users/{user}", classUsers, a.deleteUser),
		users("PUT", "/users/{user}/password", classUsers, on(a.setPassword), passwordWords()...),
		users("POST", "/users/{user}/activate", classUsers, a.activate),
		users("POST", "/users/{user}/deactivate", classUsers, a.deactivate),

		rooms("GET", "/users/{user}/joined_chatrooms", classRoomsJoined, a.joinedRooms, roomUserMissing()),
		rooms("GET", "/chatrooms", classRoomsList, a.listRooms),
		rooms("POST", "/chatrooms", classRoomsCreate, on(a.createRoom), createWords()...),
		rooms("GET", roomPath, classRooms, a.roomDetails, roomUnread()),
		rooms("PUT", roomPath, classRooms, a.changeRoom, roomUserMissing(), notInGroup(403)),
		rooms("DELETE", roomPath, classRooms, a.destroyRoom),

		rooms("GET", "/chatrooms/{id}/users", classRooms, a.listMembers, roomUnread()),
		rooms("POST", "/chatrooms/{id}/users", classRooms, on(a.addMembers), roomUserMissing(), addTooManyRooms(), batchWords("addMembers: addMembers number more than maxSize : {arg}"), addRoomMissing()),
		rooms("POST", "/chatrooms/{id}/users/{user}", classRooms, a.addMember, roomUserMissing(), addTooManyRooms()),
		rooms("DELETE", "/chatrooms/{id}/users/{users}", classRooms, a.removeMembers, roomUserMissing(), batchWords("kickMember: kickMembers number more than maxSize : {arg}")),

		rooms("GET", "/chatrooms/{id}/admin", classRooms, a.listAdmins),
		rooms("POST", "/chatrooms/{id}/admin", classRooms, on(a.addAdmin), roomUserMissing(), notInGroup(404)),
		rooms("DELETE", "/chatrooms/{id}/admin/{user}", classRooms, a.removeAdmin, roomUserMissing()),

		rooms("GET", "/chatrooms/{id}/mute", classRooms, a.listMutes),
		rooms("POST", "/chatrooms/{id}/mute", classRooms, on(a.muteMembers), roomUserMissing(), muteNotMember(), batchWords("userNames size is more than max limit : {arg}")),
		rooms("DELETE", "/chatrooms/{id}/mute/{users}", classRooms, a.unmuteMembers, roomUserMissing(), batchWords("removeMute member size more than max limit :  {arg}")),
		rooms("GET", "/sdk/chatrooms/{id}/mute/{user}", classRooms, a.isMuted),
		rooms("POST", "/chatrooms/{id}/ban", classRooms, a.muteRoom),
		rooms("DELETE", deleteVerbPath, classRooms, a.deleteVerb),

		rooms("GET", "/chatrooms/{id}/blocks/users", classRooms, a.listBlocks),
		rooms("POST", "/chatrooms/{id}/blocks/users", classRooms, on(a.blockMembers), roomUserMissing(), notListable(), batchWords("userNames is more than max limit : {arg}")),
		rooms("POST", "/chatrooms/{id}/blocks/users/{user}", classRooms, a.blockMember, roomUserMissing(), notListable()),
		rooms("DELETE", "/chatrooms/{id}/blocks/users/{users}", classRooms, a.unblockMembers, roomUserMissing(), batchWords("removeBlacklist: list size more than max limit : {arg}")),

		rooms("GET", "/chatrooms/{id}/white/users", classRooms, a.listAllows),
		rooms("GET", "/chatrooms/{id}/white/users/{user}", classRooms, a.isAllowed),
		rooms("POST", "/chatrooms/{id}/white/users", classRooms, on(a.allowMembers), roomUserMissing(), notListable(), batchWords("userNames is more than max limit : {arg}")),
		rooms("POST", "/chatrooms/{id}/white/users/{user}", classRooms, a.allowMember, roomUserMissing(), notListable()),
		rooms("DELETE", "/chatrooms/{id}/white/users/{users}", classRooms, a.disallowMembers, roomUserMissing(), batchWords("userNames is more than max limit : {arg}")),

		rooms("GET", "/chatrooms/{id}/announcement", classRooms, a.announcement),
		rooms("POST", "/chatrooms/{id}/announcement", classRooms, on(a.setAnnouncement)),

		rooms("GET", "/chatrooms/super_admin", classRooms, a.listSuperAdmins),
		rooms("POST", "/chatrooms/super_admin", classRooms, on(a.addSuperAdmin), roomUserMissing()),

		properties("POST", "/metadata/chatroom/{id}", on(a.attributes)),
		properties("PUT", "/metadata/chatroom/{id}/user/{user}", on(a.setAttributes)),
		properties("PUT", "/metadata/chatroom/{id}/user/{user}/forced", on(a.forceAttributes)),
		properties("DELETE", "/metadata/chatroom/{id}/user/{user}", on(a.deleteAttributes)),
		properties("DELETE", "/metadata/chatroom/{id}/user/{user}/forced", on(a.forceDeleteAttributes)),
	}
}
