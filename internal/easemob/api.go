// Package easemob speaks the Easemob REST API on /{org}/{app}/…: it turns requests into calls of the domain and
// results and errors into the bytes the documents show. It decides nothing about who may do what.
package easemob

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/webapi"
)

// Config of the surface. The zero values of the optional fields are useful.
type Config struct {
	Service *im.Service
	Log     *slog.Logger

	// PublicURL is scheme and host as clients see them; empty: taken from each request.
	PublicURL string
	// Limits holds requests per second by class, for each app; a class that is missing is not limited. See [DocumentedLimits].
	Limits map[string]float64
	// Observe is told of every finished request: the route's pattern, the status and, for failures, the error's code.
	Observe func(route string, status int, code string, took time.Duration)
}

// API is the surface as an [http.Handler].
type API struct {
	svc       *im.Service
	log       *slog.Logger
	publicURL string
	observe   func(string, int, string, time.Duration)
	limits    *limiter
	errors    map[string]wire
	mux       *http.ServeMux
	aside     *http.ServeMux // of the routes that would collide with others
	nowhere   http.Handler
	closed    route
	encoders  sync.Pool // of *encoder
}

// New returns the surface.
func New(c Config) *API {
	a := &API{
		svc: c.Service, log: c.Log, publicURL: c.PublicURL, observe: c.Observe,
		limits: newLimiter(c.Limits), errors: wires(), mux: http.NewServeMux(), aside: http.NewServeMux(),
		encoders: sync.Pool{New: newEncoder}, closed: closedRoute(),
	}
	if a.observe == nil {
		a.observe = func(string, int, string, time.Duration) {}
	}
	for _, rt := range a.routes() {
		mux := a.mux
		if rt.aside {
			mux = a.aside
		}
		mux.Handle(rt.pattern(), a.handler(rt))
	}
	a.nowhere = a.handler(route{method: "*", path: "unknown", open: true, run: a.unknown})
	a.mux.Handle("/", a.nowhere)
	a.aside.Handle("/", a.nowhere)
	return a
}

// ServeHTTP answers one request. Every path answers CORS (wire/clients.md §1.13), also with a trailing slash or
// repeated ones (§1.4).
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
	if r.Method == http.MethodOptions {
		webapi.Preflight(w, r, "GET, POST, PUT, DELETE, OPTIONS", "Authorization, Content-Type, Accept, restrict-access, share-secret, thumbnail")
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/") { // "GET *", CONNECT: the mux would answer them itself
		a.nowhere.ServeHTTP(w, r)
		return
	}
	webapi.TidyPath(r.URL)
	a.muxFor(r.URL).ServeHTTP(w, r)
}

// muxFor: what stands below /chatgroups/user/ is about a user's groups. No group is called so (ADR 11).
func (a *API) muxFor(u *url.URL) *http.ServeMux {
	const words = "/chatgroups/user/"
	path := u.EscapedPath()
	for range 2 { // the organisation and the app may have any names
		_, after, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		path = "/" + after
	}
	if strings.HasPrefix(path, words) && len(path) > len(words) {
		return a.aside
	}
	return a.mux
}

// unknown answers paths and methods that no route takes, and apps that do not exist.
func (a *API) unknown(c *call) (answer, error) {
	whole := c.r.URL.Path == discoveryPath
	if parts := strings.SplitN(c.r.URL.Path, "/", 4); len(parts) > 2 && !whole {
		c.r.SetPathValue("org", parts[1])
		c.r.SetPathValue("app", parts[2])
		if _, err := a.svc.App(c.r.Context(), im.AppKey{Org: parts[1], Name: parts[2]}); err != nil {
			return answer{}, err
		}
		if len(parts) == 4 {
			if service := serviceOf("/" + parts[3]); service != "" {
				c.route = &a.closed
				return answer{}, im.ErrPathUnknown.With(service)
			}
		}
	}
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		probe := *c.r
		probe.Method = m
		_, pattern := a.muxFor(c.r.URL).Handler(&probe)
		if !whole {
			_, pattern, _ = strings.Cut(pattern, "/{org}/{app}")
		}
		if pattern != "" && pattern != "/" && fits(pattern, c.r.URL) {
			allow = append(allow, m)
		}
	}
	if len(allow) > 0 && c.r.Method != http.MethodOptions {
		c.w.Header().Set("Allow", strings.Join(allow, ", "))
		return answer{}, im.ErrUnsupported.With(c.r.Method)
	}
	return answer{}, im.ErrPathUnknown
}
