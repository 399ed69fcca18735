package thinksns

// route is one line of the table.
type route struct {
	method, path string // the path behind /api/v2
	public       bool   // works without a token
	free         bool   // of request limits
	digits       bool   // the path's id is a number
	upload       bool   // the handler reads the body itself
	words        []word // where it words an error in its own way
	run          func(*call) (answer, error)
}

const (
	anyMethod   = "ANY"
	uploadPath  = "/files"
	picturePath = "/pictures" // the bytes of uploads
)

// routes is the whole surface, one endpoint a line. Beside a ThinkSNS+ we answer for messaging only.
func (a *API) routes() []route {
	if a.sidecar {
		return a.messaging()
	}
	return append(a.messaging(), a.companions()...)
}

// messaging are the calls of seed 000.
func (a *API) messaging() []route {
	return []route{
		{method: "POST", path: "/easemob/register/{id}", digits: true, run: a.register},
		{method: "POST", path: "/easemob/register", run: a.registerMany},
		{method: "POST", path: "/easemob/register-old-users", run: a.registerAll},
		{method: "GET", path: "/easemob/password", run: a.password},
		{method: "PUT", path: "/easemob/password", run: a.resetPassword},

		{method: "GET", path: "/easemob/group", free: true, run: a.showGroups},
		{method: "GET", path: "/easemob/groups", free: true, run: a.listGroups},
		{method: "POST", path: "/easemob/group", run: a.createGroup, words: []word{unknownMember()}},
		{method: "PATCH", path: "/easemob/group", run: a.changeGroup, words: changeWords()},
		{method: "DELETE", path: "/easemob/group", run: a.deleteGroup, words: []word{notMine()}},
		{method: "GET", path: "/easemob/group/face", run: a.faces},
		{method: "POST", path: "/easemob/group/member", run: a.addMembers, words: []word{unknownMember()}},
		{method: "DELETE", path: "/easemob/group/member", run: a.removeMembers, words: []word{unknownMember()}},
	}
}

// companions are what its clients need besides to sign in and find people, where no ThinkSNS+ answers them.
func (a *API) companions() []route {
	return []route{
		{method: "POST", path: "/auth/login", public: true, run: a.login, words: loginWords()},
		{method: anyMethod, path: "/auth/logout", run: a.logout},
		{method: anyMethod, path: "/auth/refresh", public: true, run: a.refresh},
		{method: "POST", path: "/users", public: true, run: a.signUp},
		{method: "GET", path: "/users", public: true, run: a.listUsers},
		{method: "GET", path: "/users/{user}", public: true, run: a.showUser},
		{method: "GET", path: "/user", run: a.showMe},
		{method: "PATCH", path: "/user", run: a.changeMe},
		{method: "PUT", path: "/user/password", run: a.setPassword},
		{method: "GET", path: "/user/follow-mutual", run: a.mutual},
		{method: "GET", path: "/user/counts", run: a.counts},
		{method: "GET", path: "/user/unread-count", run: a.unread},
		{method: "POST", path: uploadPath, upload: true, run: a.uploadFile},
		{method: "GET", path: uploadPath + "/uploaded/{md5}", run: a.uploadedFile},
		{method: "GET", path: uploadPath + "/{id}", public: true, free: true, digits: true, run: a.fileAddress},
		{method: "GET", path: picturePath + "/{id}", public: true, free: true, digits: true, run: a.fileContent},
		{method: "GET", path: "/bootstrappers", public: true, run: a.bootstrappers},
	}
}
