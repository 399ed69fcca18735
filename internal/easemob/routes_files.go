package easemob

import "teahouse/internal/im"

// fileRoutes are the attachments of messages.
func (a *API) fileRoutes() []route {
	files := func(method, path string, run func(*call) (answer, error)) route {
		return route{method: method, path: path, class: classFiles, service: userService, run: run}
	}
	open := func(r route) route { r.open = true; return r }
	return []route{
		files("POST", "/chatfiles", a.uploadFile),
		open(files("GET", "/chatfiles/{file}", a.downloadFile)),
	}
}

// sharedFileRoutes are the files of rooms of a kind; base is where those rooms are.
func (a *API) sharedFileRoutes(kind im.RoomKind, base string) []route {
	files := func(method, path string, run func(*call) (answer, error)) route {
		return route{method: method, path: base + "/{id}/share_files" + path, class: classFiles, kind: kind, run: run}
	}
	return []route{
		files("GET", "", a.listSharedFiles),
		files("POST", "", a.shareFile),
		files("GET", "/{file}", a.downloadSharedFile),
		files("DELETE", "/{file}", a.deleteSharedFile),
	}
}
