// Package thinksns speaks the HTTP API of the social app ThinkSNS+ on /api/v2/…: its calls for messaging and, where no
// ThinkSNS+ runs beside us, as much of the rest as its clients need to sign in and find people. It decides nothing about
// who may do what.
package thinksns

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/webapi"
)

// Config of the surface. The zero values of the optional fields are useful.
type Config struct {
	Service *im.Service
	Log     *slog.Logger
	App     im.AppKey // whose users and groups these are

	Sidecar      bool // a ThinkSNS+ runs beside us: it answers everything but the calls for messaging
	SharedSecret bool // Sidecar: the key of the Service is that of the ThinkSNS+: while that does not answer, a token's signature vouches for its owner
	Registration bool // strangers may sign up

	TTL, RefreshTTL time.Duration // life of a token, and how long it can be exchanged; default an hour and two weeks
	PublicURL       string        // scheme and host as clients see them; empty: taken from each request
	PerMinute       int           // requests a person may send; 0: not limited. See [DefaultPerMinute]
	NewTokenID      func() string // default: 16 random letters and digits
	// Observe is told of every finished request: the route's pattern, the status and, for failures, the error's code.
	Observe func(route string, status int, code string, took time.Duration)
}

// API is the surface as an [http.Handler].
type API struct {
	svc       *im.Service
	log       *slog.Logger
	app       im.AppKey
	sidecar   bool
	shared    bool
	open      bool
	tokens    *tokens
	publicURL string
	limits    *limiter
	observe   func(string, int, string, time.Duration)
	forms     map[string]form
	mux       *http.ServeMux
	nowhere   http.Handler
}

const prefix = "/api/v2"

// New returns the surface.
func New(c Config) *API {
	a := &API{
		svc: c.Service, log: c.Log, app: c.App, sidecar: c.Sidecar, shared: c.SharedSecret, open: c.Registration,
		publicURL: c.PublicURL, limits: newLimiter(c.PerMinute), observe: c.Observe,
		forms: forms(), mux: http.NewServeMux(),
	}
	a.tokens = &tokens{ttl: c.TTL, refresh: c.RefreshTTL, newID: c.NewTokenID, now: func() time.Time { return a.svc.Now() }}
	if a.tokens.ttl == 0 {
		a.tokens.ttl = time.Hour
	}
	if a.tokens.refresh == 0 {
		a.tokens.refresh = 14 * 24 * time.Hour
	}
	if a.tokens.newID == nil {
		a.tokens.newID = newTokenID
	}
	if a.observe == nil {
		a.observe = func(string, int, string, time.Duration) {}
	}
	for _, rt := range a.routes() {
		pattern := prefix + rt.path
		if rt.method != anyMethod {
			pattern = rt.method + " " + pattern
		}
		a.mux.Handle(pattern, a.handle(&rt))
	}
	a.nowhere = a.handle(nil)
	a.mux.Handle("/", a.nowhere)
	return a
}

// ServeHTTP answers one request. Every path answers CORS, also with a trailing slash (wire/thinksns.md §1.1, §1.2).
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-Request-Id")
	if r.Method == http.MethodOptions {
		webapi.Preflight(w, r, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", "Authorization, Content-Type, Accept, X-Requested-With, X-HTTP-Method-Override")
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/") { // "GET *", CONNECT: the mux would answer them itself
		a.nowhere.ServeHTTP(w, r)
		return
	}
	webapi.TidyPath(r.URL)
	overrideMethod(r)
	a.mux.ServeHTTP(w, r)
}

// overrideMethod lets a POST stand for another method, which it names in a header or in the field _method: forms cannot
// send others (wire/thinksns.md §1.1).
func overrideMethod(r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	method := r.Header.Get("X-HTTP-Method-Override")
	if method == "" {
		method = fieldMethod(r)
	}
	switch method = strings.ToUpper(method); method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		r.Method = method
	}
}

// fieldMethod reads the field _method and leaves the body as it was.
func fieldMethod(r *http.Request) string {
	const field = "_method"
	in := input{}
	if strings.Contains(r.URL.RawQuery, field) {
		in.form(r.URL.Query())
	}
	if r.Body != nil && r.ContentLength <= maxBody && r.URL.Path != prefix+uploadPath {
		head, _ := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		r.Body = body{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
		if bytes.Contains(head, []byte(field)) && len(head) <= maxBody {
			in.body(r.Header.Get("Content-Type"), head)
		}
	}
	return in.text(field)
}

// body is a request's body of which some was read already.
type body struct {
	io.Reader
	io.Closer
}

// unknown answers paths and methods that no route takes. Errors: ErrPathUnknown, ErrUnsupported with the methods that
// there are.
func (a *API) unknown(c *call) error {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		probe := *c.r
		probe.Method = m
		if _, pattern := a.mux.Handler(&probe); pattern != "/" && pattern != "" {
			methods = append(methods, m)
		}
	}
	if len(methods) == 0 || slices.Contains(methods, c.r.Method) {
		return im.ErrPathUnknown
	}
	return im.ErrUnsupported.With(strings.Join(methods, ", "))
}
