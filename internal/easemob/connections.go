package easemob

// onlineWord is how the wire tells whether a user is connected.
func onlineWord(is bool) string {
	if is {
		return "online"
	}
	return "offline"
}

// GET /{org}/{app}/users/{user}/status
func (a *API) userStatus(c *call) (answer, error) {
	u, connections, err := a.svc.Connections(c.r.Context(), c.caller, c.user())
	return answer{path: usersPath, data: map[string]string{string(u.Name): onlineWord(len(connections) > 0)}, count: count(0)}, err
}

// POST /{org}/{app}/users/batch/status
func (a *API) usersStatus(c *call, b usernames) (answer, error) {
	users, online, err := a.svc.Online(c.r.Context(), c.caller, b.Usernames.v)
	data := make([]map[string]string, len(users))
	for i, u := range users {
		data[i] = map[string]string{string(u): onlineWord(err == nil && online[i])}
	}
	return answer{terse: true, action: "get batch user status", data: data}, err
}

type resourceItem struct {
	Resource string `json:"res"`
	UUID     string `json:"device_uuid"`
	Name     string `json:"device_name"`
}

// GET /{org}/{app}/users/{user}/resources
func (a *API) userResources(c *call) (answer, error) {
	_, connections, err := a.svc.Connections(c.r.Context(), c.caller, c.user())
	items := make([]resourceItem, len(connections))
	for i, d := range connections {
		items[i] = resourceItem{d.Resource, d.UUID, d.Name}
	}
	return answer{path: usersPath, data: items, count: count(len(items))}, err
}

// GET /{org}/{app}/users/{user}/disconnect and …/disconnect/{resource}: it really is GET.
func (a *API) disconnect(c *call) (answer, error) {
	err := a.svc.Disconnect(c.r.Context(), c.caller, c.user(), c.r.PathValue("resource"))
	return answer{action: "Disconnect user", path: usersPath, data: struct {
		Result bool `json:"result"`
	}{true}}, err
}
