package easemob

import "teahouse/internal/im"

// peopleRoutes are what concerns people besides their accounts: contacts, blocks, mutes in the whole app, who is there, and what
// they tell about themselves.
func (a *API) peopleRoutes() []route {
	users := func(method, path string, run func(*call) (answer, error)) route {
		return route{method: method, path: path, class: classUsers, service: userService, run: run}
	}
	properties := func(method, path string, run func(*call) (answer, error)) route {
		return route{method: method, path: path, class: classUsers, service: propertyService, run: run, words: propertyWords()}
	}
	return []route{
		users("GET", "/users/{user}/contacts/users", a.listContacts),
		users("POST", "/users/{user}/contacts/users/{friend}", a.addContact),
		users("DELETE", "/users/{user}/contacts/users/{friend}", a.removeContact),
		users("PUT", "/users/{user}/contacts/users/{friend}", on(a.setRemark)),
		users("PUT", "/user/{user}/contacts/users/{friend}", on(a.setRemark)),
		users("GET", "/users/{user}/contacts", a.pageContacts),
		users("GET", "/user/{user}/contacts", a.pageContacts),
		users("POST", "/users/{user}/contacts/apply", on(a.askContacts)),
		users("POST", "/users/{user}/contacts/accept/users/{friend}", a.acceptContact),
		users("POST", "/users/{user}/contacts/decline/users/{friend}", a.declineContact),

		users("GET", "/users/{user}/blocks/users", a.listUserBlocks),
		users("POST", "/users/{user}/blocks/users", on(a.blockUsers)),
		users("DELETE", "/users/{user}/blocks/users/{users}", a.unblockUser),
		users("POST", "/sdk/user/{user}/blocks", on(a.blockUsers)),
		users("DELETE", "/sdk/user/{user}/blocks", on(a.unblockUsers)),

		users("POST", "/mutes", on(a.muteUser)),
		users("GET", "/mutes", a.listMutedUsers),
		users("GET", "/mutes/{user}", a.mutesOfUser),

		users("GET", "/users/{user}/status", a.userStatus),
		users("POST", "/users/batch/status", on(a.usersStatus)),
		users("GET", "/users/{user}/resources", a.userResources),
		users("GET", "/users/{user}/disconnect", a.disconnect),
		users("GET", "/users/{user}/disconnect/{resource}", a.disconnect),

		properties("PUT", "/metadata/user/{user}", a.setProperties),
		properties("GET", "/metadata/user/{user}", a.propertiesOf),
		properties("DELETE", "/metadata/user/{user}", a.deleteProperties),
		properties("POST", "/metadata/user/get", on(a.propertiesOfMany)),
		properties("GET", "/metadata/user/capacity", a.propertyBytes),
	}
}

// propertyWords: without a token the property service answers 400 (wire/easemob.md §17).
func propertyWords() []exception {
	return []exception{{im.ErrUnauthenticated.Code, wire{400, 0, unauthorized, "", unauthorized}}}
}
