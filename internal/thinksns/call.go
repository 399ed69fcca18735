package thinksns

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/webapi"
)

// call is one request on its way through a handler.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	route *route // nil where there is none
	in    input

	app    *im.App
	caller im.Caller
	me     im.Profile // the caller's; zero on public routes

	account im.Account // the caller's; zero beside a ThinkSNS+
	token   *claims    // the same; nil
}

// answer is what a handler returns. Without a body the answer has none; "done without data" is nothing.
type answer struct {
	status int
	body   any
	header [2]string // one more, where there is one
	file   *im.Opened
}

// nothing is the JSON of success without data: PHP's empty list. iOS takes no empty body (wire/thinksns.md §0.3).
type nothing [0]struct{}

func created(body any) answer { return answer{status: http.StatusCreated, body: body} }

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// deleted is 204, which has no body.
func deleted() answer { return answer{status: http.StatusNoContent} }

func (c *call) ctx() context.Context { return c.r.Context() }

// name is the route's, for the log and the metrics.
func (c *call) name() string {
	if c.route == nil {
		return "* " + prefix
	}
	return c.route.method + " " + prefix + c.route.path
}

// handle is the one wrapper around every endpoint: token, rate, run, answer, error.
func (a *API) handle(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		c := &call{w: w, r: r, route: rt}
		ans, err := a.run(c)
		status, code := ans.status, ""
		if err != nil {
			status, code = a.fail(c, err)
		} else {
			a.succeed(c, ans)
		}
		a.observe(c.name(), status, code, time.Since(began))
	})
}

// run keeps the order of the original's checks: path and method, token, rate, fields, everything else
// (wire/thinksns.md §1.1).
func (a *API) run(c *call) (ans answer, err error) {
	if c.route == nil {
		return answer{}, a.unknown(c)
	}
	if c.route.digits && strings.Trim(c.r.PathValue("id"), "0123456789") != "" {
		return answer{}, im.ErrPathUnknown
	}
	if c.in = (input{}); c.route.upload {
		c.in.form(c.r.URL.Query())
	} else if c.in, err = readInput(c.w, c.r); err != nil {
		return answer{}, err
	}
	if err := a.enterRoute(c); err != nil {
		return answer{}, err
	}
	if err := a.throttle(c); err != nil {
		return answer{}, err
	}
	return c.route.run(c)
}

// enterRoute finds out who asks. Where one need not tell one may, to read: many share an address, and its limit of requests.
func (a *API) enterRoute(c *call) (err error) {
	if !c.route.public {
		return a.authenticate(c)
	}
	c.app, err = a.svc.App(c.ctx(), a.app)
	if err == nil && c.route.method == http.MethodGet && !c.route.free && bearer(c.r, c.in) != "" {
		_ = a.authenticate(c) // else a stranger
	}
	return err
}

// throttle counts the request of a person, or of an address, and tells how many are left. Reading groups is never
// refused: iOS takes any failure for the end of the group (wire/thinksns.md §0.6).
func (a *API) throttle(c *call) error {
	if a.limits == nil {
		return nil
	}
	who := "u" + string(c.caller.User)
	if c.caller.User == "" {
		host, _, err := net.SplitHostPort(c.r.RemoteAddr)
		if err != nil {
			host = c.r.RemoteAddr
		}
		who = "a" + host
	}
	cost := 1
	if c.route.free {
		cost = 0
	}
	left, wait, ok := a.limits.take(who, cost, a.svc.Now())
	h := c.w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(a.limits.perMinute))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	if !ok {
		h.Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
		return im.ErrRateLimited
	}
	return nil
}

func (a *API) succeed(c *call, ans answer) {
	if ans.header[0] != "" {
		c.w.Header().Set(ans.header[0], ans.header[1])
	}
	if ans.file != nil {
		serveFile(c, ans.file)
		return
	}
	if ans.body == nil {
		c.w.WriteHeader(ans.status)
		return
	}
	a.write(c, ans.status, ans.body)
}

func (a *API) write(c *call, status int, body any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil { // our own types always encode
		a.log.Error("answer", "err", err)
		http.Error(c.w, `{"message":["`+textServerError+`"]}`, http.StatusInternalServerError)
		return
	}
	data := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	c.w.WriteHeader(status)
	if _, err := c.w.Write(data); err != nil {
		a.log.Debug("answer not sent", "err", err)
	}
}

// base is scheme and host as the client sees them; the server has already judged forwarding headers.
func (a *API) base(r *http.Request) string {
	return webapi.Base(r, a.publicURL)
}
