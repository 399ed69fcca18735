package easemob

import (
	"cmp"
	"net/url"
	"strings"

	"teahouse/internal/im"
)

// discoveryPath is where SDKs ask for servers; it stands beside the apps (docs/interface.md).
const discoveryPath = "/easemob/server.json"

// discoveryAnswer is what SDKs read (wire/msync.md §1). Ports and switches are texts.
type discoveryAnswer struct {
	AppKey        string        `json:"app_key"`
	REST          discoveryList `json:"rest"`
	Socket        discoveryList `json:"msync-wx"`
	OldSocket     discoveryList `json:"msync-ws"` // SDK 3.x to 4.8
	ReportData    string        `json:"enableDataReport"`
	ReportLogs    string        `json:"enableReportLogs"`
	UploadInParts string        `json:"uploadinparts_enable"`
}

type discoveryList struct {
	Hosts []discoveryHost `json:"hosts"`
}

// discoveryHost has no ip: a page without TLS would prefer it to the name.
type discoveryHost struct {
	Protocol string `json:"protocol"` // http or https, also of sockets
	Domain   string `json:"domain"`
	Port     string `json:"port"`
}

// GET /easemob/server.json?app_key=, or ?app_id=
func (a *API) discovery(c *call) (answer, error) {
	base, err := url.Parse(a.base(c.r))
	if err != nil || base.Hostname() == "" {
		return answer{}, im.ErrInvalid.With("Host")
	}
	port := cmp.Or(base.Port(), map[string]string{"http": "80", "https": "443"}[base.Scheme])
	here := discoveryList{[]discoveryHost{{base.Scheme, strings.TrimSuffix(base.Host, ":"+base.Port()), port}}}
	return answer{plain: discoveryAnswer{AppKey: c.app.Key.String(), REST: here, Socket: here, OldSocket: here,
		ReportData: "false", ReportLogs: "false", UploadInParts: "false"}}, nil
}

// namedApp is the app that the query of discovery names: by its key, escaped once or twice, or by its id.
func (a *API) namedApp(c *call) (*im.App, error) {
	ctx, id, key := c.r.Context(), c.query.Get("app_id"), c.query.Get("app_key")
	switch {
	case key != "":
		if plain, err := url.QueryUnescape(key); err == nil && !strings.Contains(key, "#") {
			key = plain
		}
		parsed, err := im.ParseAppKey(key)
		if err != nil {
			return nil, im.ErrAppNotFound.With(key)
		}
		app, err := a.svc.App(ctx, parsed)
		if im.AsError(err).Code == im.ErrAppNotFound.Code {
			err = im.ErrAppNotFound.With(key)
		}
		return app, err
	case id != "":
		return a.svc.AppByUUID(ctx, id)
	}
	return nil, im.ErrFieldMissing.With("app_key")
}

// discoveryRoute is the only one that names its app in the query.
func (a *API) discoveryRoute() route {
	return route{method: "GET", path: discoveryPath, class: classDiscovery, service: userService, open: true, whole: true, run: a.discovery, words: []exception{
		{im.ErrAppNotFound.Code, wire{404, 0, "organization_application_not_found", "", "Could not find application {arg}"}},
	}}
}
