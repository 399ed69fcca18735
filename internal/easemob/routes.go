package easemob

import (
	"slices"

	"teahouse/internal/im"
)

// service says which of the cloud's services answers a route: their envelopes and their errors for a missing token
// differ (wire/easemob.md §1.3, §2.1).
type service uint8

const (
	roomService     service = iota // /chatrooms and what belongs to it
	userService                    // /users, /token
	propertyService                // /metadata
	messageService                 // /messages
)

// route is one line of the table: where, under which rate, with which wording, and what runs.
type route struct {
	method, path string
	class        string // of request rates
	service      service
	kind         im.RoomKind // of the rooms that the route is about
	open         bool        // works without a token
	aside        bool        // in a mux of its own: the pattern would collide with those of single groups
	whole        bool        // the path is not below that of an app
	words        []exception
	numbers      map[string]int // of errors, by code, where clients read them
	run          func(*call) (answer, error)
}

// pattern is where the route is in a mux.
func (rt *route) pattern() string {
	if rt.whole {
		return rt.method + " " + rt.path
	}
	return rt.method + " /{org}/{app}" + rt.path
}

// routes is the whole surface, one endpoint a line.
func (a *API) routes() []route {
	return slices.Concat(a.fileRoutes(), a.sharedFileRoutes(im.Chatroom, "/chatrooms"), a.sharedFileRoutes(im.Group, "/chatgroups"),
		a.userRoutes(), a.peopleRoutes(), a.chatroomRoutes(), a.rosterRoutes(im.Chatroom, "/chatrooms"),
		a.groupRoutes(), a.rosterRoutes(im.Group, "/chatgroups"), a.attributeRoutes(),
		a.joinRoutes(), a.memberAttributeRoutes(), a.messageRoutes(), []route{a.discoveryRoute()})
}

func (a *API) userRoutes() []route {
	users := func(method, path, class string, run func(*call) (answer, error), words ...exception) route {
		return route{method: method, path: path, class: class, service: userService, run: run, words: words}
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
	}
}

func (a *API) attributeRoutes() []route {
	properties := func(method, path string, run func(*call) (answer, error)) route {
		return route{method: method, path: path, class: classRooms, service: propertyService, run: run, words: attributeWords()}
	}
	return []route{
		properties("POST", "/metadata/chatroom/{id}", on(a.attributes)),
		properties("PUT", "/metadata/chatroom/{id}/user/{user}", on(a.setAttributes)),
		properties("PUT", "/metadata/chatroom/{id}/user/{user}/forced", on(a.forceAttributes)),
		properties("DELETE", "/metadata/chatroom/{id}/user/{user}", on(a.deleteAttributes)),
		properties("DELETE", "/metadata/chatroom/{id}/user/{user}/forced", on(a.forceDeleteAttributes)),
	}
}
