package easemob

import (
	"maps"
	"slices"

	"teahouse/internal/im"
)

type keysRequest struct {
	Keys texts `json:"keys"`
}

// POST /{org}/{app}/metadata/chatroom/{id}: the named keys, or all.
func (a *API) attributes(c *call, b keysRequest) (answer, error) {
	attrs, err := a.svc.Attributes(c.r.Context(), c.caller, c.room(), b.Keys.v)
	data := make(map[string]string, len(attrs))
	for _, at := range attrs {
		data[at.Key] = at.Value
	}
	return answer{data: data}, err
}

type attributesRequest struct {
	MetaData   map[string]text `json:"metaData"`
	AutoDelete text            `json:"autoDelete"` // DELETE (default) or NO_DELETE
	Extension  text            `json:"notificationExt"`
}

// keysAnswer tells key by key; a bad key never fails the call (wire/easemob.md §5.9).
type keysAnswer struct {
	Done   []string          `json:"successKeys"`
	Failed map[string]string `json:"errorKeys"`
}

func (a *API) keysDone(c *call, results []im.KeyOutcome, err error) (answer, error) {
	out := keysAnswer{Done: []string{}, Failed: map[string]string{}}
	for _, r := range results {
		if r.Err == nil {
			out.Done = append(out.Done, r.Key)
		} else {
			out.Failed[r.Key] = c.fill(a.wireFor(c, r.Err).text, r.Err)
		}
	}
	return answer{data: out}, err
}

// PUT /{org}/{app}/metadata/chatroom/{id}/user/{user}
func (a *API) setAttributes(c *call, b attributesRequest) (answer, error) { return a.put(c, b, false) }

// PUT /{org}/{app}/metadata/chatroom/{id}/user/{user}/forced
func (a *API) forceAttributes(c *call, b attributesRequest) (answer, error) { return a.put(c, b, true) }

func (a *API) put(c *call, b attributesRequest, forced bool) (answer, error) {
	ch := im.AttributeChange{User: c.user(), AutoDelete: true, Forced: forced, Extension: b.Extension.v}
	switch b.AutoDelete.v {
	case "", "DELETE":
	case "NO_DELETE":
		ch.AutoDelete = false
	default:
		return answer{}, im.ErrInvalid.With("autoDelete")
	}
	if len(b.MetaData) == 0 {
		return answer{}, im.ErrFieldMissing.With("metaData")
	}
	for _, k := range slices.Sorted(maps.Keys(b.MetaData)) {
		ch.Set = append(ch.Set, im.Attribute{Key: k, Value: b.MetaData[k].v})
	}
	results, err := a.svc.SetAttributes(c.r.Context(), c.caller, c.room(), ch)
	return a.keysDone(c, results, err)
}

// DELETE /{org}/{app}/metadata/chatroom/{id}/user/{user}
func (a *API) deleteAttributes(c *call, b keysRequest) (answer, error) {
	return a.remove(c, b, false)
}

// DELETE /{org}/{app}/metadata/chatroom/{id}/user/{user}/forced
func (a *API) forceDeleteAttributes(c *call, b keysRequest) (answer, error) {
	return a.remove(c, b, true)
}

func (a *API) remove(c *call, b keysRequest, forced bool) (answer, error) {
	results, err := a.svc.DeleteAttributes(c.r.Context(), c.caller, c.room(), c.user(), b.Keys.v, forced)
	ans, err := a.keysDone(c, results, err)
	ans.status = "ok"
	return ans, err
}
