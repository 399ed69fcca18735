package easemob

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"teahouse/internal/im"
)

// maxBody bounds a JSON body in bytes; the largest documented call, 60 registrations, stays far below.
const maxBody = 1 << 20

// firstRead is how much memory a body gets before any of it has come.
const firstRead = 8 << 10

// call is one request on its way through a handler.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	route  *route
	app    *im.App
	caller im.Caller
	denied error      // open routes: why the token that came is no good
	query  url.Values // nil without a query
	start  time.Time
}

// answer is what a handler returns: the parts of the envelope that differ from call to call.
type answer struct {
	action   string // "" = the method
	path     string // family B: the collection
	entities any    // family B
	data     any
	count    counted
	total    counted // of a list that is told in pages: all there are
	cursor   string
	status   string // deleted attributes: "ok"
	serve    func() // when set, writes the whole answer: files
	plain    any    // when set, the whole body: answers without an envelope
	terse    bool   // only action, entities, timestamp and duration
}

// counted is the number of elements of a list, for answers that carry one.
type counted struct {
	n    int
	show bool
}

func count(n int) counted { return counted{n, true} }

// handler is the one wrapper around every endpoint: app, token, rate, run, envelope, error.
func (a *API) handler(rt route) http.Handler {
	name := rt.method + " " + rt.path
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		c := &call{w: w, r: r, route: &rt, start: a.svc.Now()}
		if r.URL.RawQuery != "" {
			c.query = r.URL.Query()
		}
		status, code := http.StatusOK, ""
		ans, err := a.run(c)
		if err != nil {
			status, code = a.fail(c, err)
		} else {
			a.succeed(c, ans)
		}
		a.observe(name, status, code, time.Since(began))
	})
}

func (a *API) run(c *call) (answer, error) {
	if c.route.method == "*" || !fits(c.route.path, c.r.URL) {
		return a.unknown(c)
	}
	app, err := a.appOf(c)
	if err != nil {
		return answer{}, err
	}
	c.app = app
	c.caller = im.Nobody(app)
	if bearer, ok := c.bearer(); ok || !c.route.open {
		c.caller, err = a.svc.Authenticate(c.r.Context(), app, bearer)
		if err != nil && !c.route.open {
			return answer{}, err
		}
		if err != nil { // an open route decides itself whether it needs the caller
			c.caller, c.denied = im.Nobody(app), err
		}
		c.caller.Device = deviceOf(c.r.URL.RawQuery)
	}
	if wait, ok := a.limits.allow(bucketKey{app.ID, c.route.class, c.caller.Known()}, c.start); !ok {
		c.w.Header().Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
		return answer{}, im.ErrRateLimited
	}
	return c.route.run(c)
}

// deviceOf is the caller's device, which SDKs name without escaping anything (wire/msync.md §14): a plus is one.
func deviceOf(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		if name, ok := strings.CutPrefix(pair, "resource="); ok {
			return unescape(name)
		}
	}
	return ""
}

// unescape undoes percent encoding; what is none stays as it is.
func unescape(s string) string {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(s, "%")
		b.WriteString(plain)
		if !found {
			return b.String()
		}
		code := rest[:min(2, len(rest))]
		if n, err := strconv.ParseUint(code, 16, 8); err == nil && len(code) == 2 {
			b.WriteByte(byte(n))
			s = rest[2:]
		} else {
			b.WriteByte('%')
			s = rest
		}
	}
}

// appOf is the app that the request is about.
func (a *API) appOf(c *call) (*im.App, error) {
	if c.route.whole {
		return a.namedApp(c)
	}
	return a.svc.App(c.r.Context(), im.AppKey{Org: c.r.PathValue("org"), Name: c.r.PathValue("app")})
}

// bearer is the request's token: that of the header or, on GET, of the query. No answer repeats the query's.
func (c *call) bearer() (token string, given bool) {
	token, given = bearerOf(c.r)
	if c.has("access_token") {
		if !given && actionOf(c.r.Method) == "get" {
			token, given = c.query.Get("access_token"), true
		}
		delete(c.query, "access_token")
	}
	return token, given
}

// bearerOf reads the Authorization header; the scheme is matched in any case and may be followed by several blanks.
func bearerOf(r *http.Request) (token string, given bool) {
	scheme, token, ok := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// on decodes the JSON body, whatever the Content-Type (wire/clients.md §1.1), and runs h with it. An empty body
// is an empty object.
func on[B any](h func(*call, B) (answer, error)) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		var body B
		data, err := c.body()
		if err != nil {
			return answer{}, err
		}
		if err := decode(data, &body); err != nil {
			return answer{}, err
		}
		return h(c, body)
	}
}

// byteOrderMark is what some platforms put before a text that they write as UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// body reads the request's body, without a byte order mark. Errors: ErrTooLarge.
func (c *call) body() ([]byte, error) {
	if c.r.Body == nil || c.r.ContentLength == 0 {
		return nil, nil
	}
	if c.r.ContentLength > maxBody {
		return nil, im.ErrTooLarge
	}
	var buf bytes.Buffer
	buf.Grow(int(min(max(c.r.ContentLength, 512), firstRead))) // what is announced has not come yet
	_, err := buf.ReadFrom(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return nil, im.ErrTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, im.ErrBadJSON.With("the body could not be read").Because(err)
	}
	return bytes.TrimPrefix(buf.Bytes(), []byte(byteOrderMark)), nil
}

// decode reads one JSON value. What is not UTF-8 is replaced also where values are kept as they came. Errors: ErrBadJSON.
func decode(data []byte, into any) error {
	if !utf8.Valid(data) {
		data = []byte(string([]rune(string(data)))) // byte by byte, as encoding/json does it
	}
	switch value := bytes.TrimSpace(data); {
	case len(value) == 0:
		return nil
	case string(value) == "null":
		return im.ErrBadJSON.With("the body: null is not an object")
	}
	err := json.Unmarshal(data, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return im.ErrBadJSON.With("field " + wrong.Field + ": " + wrong.Value + " is not " + article(wrong))
	case errors.As(err, &wrong):
		return im.ErrBadJSON.With("the body: " + wrong.Value + " is not " + article(wrong))
	}
	return im.ErrBadJSON.With(err.Error())
}

func article(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "string":
		return "a string"
	case "slice":
		return "a list"
	case "bool":
		return "true or false"
	case "struct", "map":
		return "an object"
	case "int64":
		return "a whole number"
	}
	return "a number"
}

// kind is that of the rooms the route is about.
func (c *call) kind() im.RoomKind { return c.route.kind }

// room is the room id of the path.
func (c *call) room() im.RoomID { return im.RoomID(c.r.PathValue("id")) }

// user is the user of the path.
func (c *call) user() string { return c.r.PathValue("user") }

// names splits the comma list of the path; stray commas do not matter.
func (c *call) names() []string { return list(c.r.PathValue("users")) }

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

func (c *call) has(key string) bool { _, ok := c.query[key]; return ok }

// number reads a positive number of the query; beyond 2^40 all numbers are the same to us. Errors: ErrInvalid.
func (c *call) number(key string, otherwise int) (int, error) {
	if !c.has(key) {
		return otherwise, nil
	}
	const most = 1 << 40
	s := c.query.Get(key)
	n, err := strconv.ParseUint(s, 10, 64)
	if errors.Is(err, strconv.ErrRange) || err == nil && n > most {
		return most, nil
	}
	if err != nil || n < 1 {
		return 0, im.ErrInvalid.With(key)
	}
	return int(n), nil
}

// page reads pagenum and pagesize; a larger size than most is cut to it.
func (c *call) page(size, most int) (im.Page, error) {
	num, err := c.number("pagenum", 1)
	if err != nil {
		return im.Page{}, err
	}
	size, err = c.number("pagesize", size)
	return im.Page{Number: num, Size: min(size, most)}, err
}

// Cursors are opaque to clients: a letter for the list they belong to and a place in base 36.
func cursorText(list byte, place int64) string {
	if place == 0 {
		return ""
	}
	return string(list) + strconv.FormatInt(place, 36)
}

// after reads the place of the query's cursor. Errors: ErrInvalid.
func (c *call) after(list byte) (int64, error) {
	s := c.query.Get("cursor")
	if s == "" || s == "undefined" || s == "null" { // what the Web SDK makes of none
		return 0, nil
	}
	place, err := strconv.ParseInt(s[1:], 36, 64)
	if err != nil || s[0] != list || place < 1 {
		return 0, im.ErrInvalid.With("cursor")
	}
	return place, nil
}
