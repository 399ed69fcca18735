package easemob

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"teahouse/internal/webapi"
)

// envelope is the body of every enveloped success (wire/easemob.md §1.3). Keys that a family lacks are left out;
// the order is that of seed 004.
type envelope struct {
	Action       string              `json:"action,omitempty"`
	Application  string              `json:"application,omitempty"`
	Path         string              `json:"path,omitempty"`
	Params       map[string][]string `json:"params,omitempty"`
	URI          string              `json:"uri,omitempty"`
	Entities     any                 `json:"entities,omitempty"`
	Data         any                 `json:"data,omitempty"`
	Status       string              `json:"status,omitempty"`
	Timestamp    int64               `json:"timestamp"`
	Duration     int64               `json:"duration"`
	Organization string              `json:"organization,omitempty"`
	AppName      string              `json:"applicationName,omitempty"`
	Count        *int                `json:"count,omitempty"`
	Total        *int                `json:"total,omitempty"`
	Cursor       string              `json:"cursor,omitempty"`
	Properties   *struct{}           `json:"properties,omitempty"`
}

// messageEnvelope is that of the message service, with its keys as recorded.
type messageEnvelope struct {
	Path         string              `json:"path"`
	URI          string              `json:"uri"`
	Timestamp    int64               `json:"timestamp"`
	Organization string              `json:"organization"`
	Application  string              `json:"application"`
	Action       string              `json:"action"`
	Data         any                 `json:"data"`
	Duration     int64               `json:"duration"`
	AppName      string              `json:"applicationName"`
	Params       map[string][]string `json:"params,omitempty"`
}

// none is an empty JSON list.
type none [0]struct{}

func (a *API) succeed(c *call, ans answer) {
	now := a.svc.Now()
	took := now.Sub(c.start).Milliseconds()
	if ans.serve != nil {
		ans.serve()
		return
	}
	if ans.plain != nil {
		a.write(c, http.StatusOK, ans.plain)
		return
	}
	e := envelope{Action: ans.action, Entities: ans.entities, Data: ans.data, Status: ans.status, Cursor: ans.cursor,
		Timestamp: now.UnixMilli(), Duration: took}
	if ans.terse {
		a.write(c, http.StatusOK, &e)
		return
	}
	if e.Action == "" {
		e.Action = actionOf(c.r.Method)
	}
	e.URI = a.base(c.r) + c.r.URL.EscapedPath()
	if c.route.service == messageService {
		path := c.r.URL.Path[len("/"+c.app.Key.Org+"/"+c.app.Key.Name):]
		a.write(c, http.StatusOK, messageEnvelope{path, e.URI, e.Timestamp, c.app.Key.Org, c.app.UUID, e.Action, e.Data, took, c.app.Key.Name, c.query})
		return
	}
	if c.route.service == propertyService { // family C has no more
		a.write(c, http.StatusOK, &e)
		return
	}
	e.Application, e.Organization, e.AppName = c.app.UUID, c.app.Key.Org, c.app.Key.Name
	e.Params = c.query
	if e.Entities == nil {
		e.Entities = none{}
	}
	if ans.count.show {
		e.Count = &ans.count.n
	}
	if ans.total.show {
		e.Total = &ans.total.n
	}
	if e.Path = ans.path; e.Path == "" {
		e.Properties = &struct{}{}
	}
	a.write(c, http.StatusOK, &e)
}

// actionOf is the method in lower case; HEAD is a GET.
func actionOf(method string) string {
	switch method {
	case http.MethodPost:
		return "post"
	case http.MethodPut:
		return "put"
	case http.MethodDelete:
		return "delete"
	}
	return "get"
}

// base is scheme and host as the client sees them; the server has already judged forwarding headers.
func (a *API) base(r *http.Request) string {
	return webapi.Base(r, a.publicURL)
}

// millis is a moment on the wire; zero stays zero.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

type encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

func newEncoder() any {
	e := &encoder{}
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false)
	return e
}

const keepBuffer = 64 << 10 // a larger buffer is not kept for reuse

func (a *API) write(c *call, status int, body any) {
	e := a.encoders.Get().(*encoder)
	e.buf.Reset()
	if err := e.enc.Encode(body); err != nil { // our own types always encode
		a.log.Error("answer", "err", err)
		http.Error(c.w, `{"error":"internal_error"}`, http.StatusInternalServerError)
		return
	}
	data := bytes.TrimSuffix(e.buf.Bytes(), []byte("\n"))
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	c.w.WriteHeader(status)
	if _, err := c.w.Write(data); err != nil {
		a.log.Debug("answer not sent", "err", err)
	}
	if e.buf.Cap() <= keepBuffer {
		a.encoders.Put(e)
	}
}
