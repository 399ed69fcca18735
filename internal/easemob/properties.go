package easemob

import (
	"encoding/json"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"

	"teahouse/internal/im"
)

const maxForm = 4 << 10 // bytes of a form of properties (wire/easemob.md §9.1)

const formType = "application/x-www-form-urlencoded"

// form reads the request's form: the body or, when that is empty, the query without what SDKs add to every call. Errors:
// ErrMediaType, ErrTooLarge.
func (c *call) form() ([]im.Property, error) {
	data, err := c.body()
	if err != nil {
		return nil, err
	}
	if kind := c.r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != formType {
			return nil, im.ErrMediaType.With(kind)
		}
	} else if json.Valid(data) && data[0] == '{' {
		return nil, im.ErrMediaType.With("JSON") // it would become the name of a property
	}
	if len(data) > maxForm || len(data) == 0 && len(c.r.URL.RawQuery) > maxForm {
		return nil, im.ErrTooLarge
	}
	if len(data) > 0 {
		return readForm(string(data)), nil
	}
	values := maps.Clone(c.query)
	delete(values, "resource")
	delete(values, "version")
	return formProperties(values), nil
}

// readForm reads a form that is sent as a body, as browsers do it: nothing is wrong in one. The Web SDK sends a single value as it is
// (wire/easemob.md §9.1).
func readForm(text string) []im.Property {
	values := url.Values{}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(strings.ReplaceAll(pair, "+", " "), "=")
		values.Add(unescape(key), unescape(value))
	}
	return formProperties(values)
}

// formProperties are the values by key; of a key that is there twice the first counts.
func formProperties(values url.Values) []im.Property {
	all := make([]im.Property, 0, len(values))
	for _, k := range slices.Sorted(maps.Keys(values)) {
		all = append(all, im.Property{Key: k, Value: values.Get(k)})
	}
	return all
}

// told is the answer about properties: the data alone (wire/easemob.md §9.1).
func told(data any, err error) (answer, error) { return answer{terse: true, data: data}, err }

func propertyMap(all []im.Property) map[string]string {
	m := make(map[string]string, len(all))
	for _, p := range all {
		m[p.Key] = p.Value
	}
	return m
}

// PUT /{org}/{app}/metadata/user/{user}
func (a *API) setProperties(c *call) (answer, error) {
	all, err := c.form()
	if err != nil {
		return answer{}, err
	}
	return told(propertyMap(all), a.svc.SetProperties(c.r.Context(), c.caller, c.user(), all))
}

// GET /{org}/{app}/metadata/user/{user}
func (a *API) propertiesOf(c *call) (answer, error) {
	all, err := a.svc.Properties(c.r.Context(), c.caller, []string{c.user()}, nil)
	return told(propertyMap(all), err)
}

// DELETE /{org}/{app}/metadata/user/{user}
func (a *API) deleteProperties(c *call) (answer, error) {
	return told(true, a.svc.DeleteProperties(c.r.Context(), c.caller, c.user()))
}

type propertiesRequest struct {
	Targets    texts `json:"targets"`
	Properties texts `json:"properties"`
}

// POST /{org}/{app}/metadata/user/get: one object for each user, also for those who do not exist.
func (a *API) propertiesOfMany(c *call, b propertiesRequest) (answer, error) {
	if len(b.Targets.v) == 0 {
		return answer{}, im.ErrFieldMissing.With("targets")
	}
	all, err := a.svc.Properties(c.r.Context(), c.caller, b.Targets.v, b.Properties.v)
	of := map[im.Username]map[string]string{}
	for _, p := range all {
		put(of, p.User, p.Key, p.Value)
	}
	return told(c.byName(b.Targets.v, of), err)
}

func put(of map[im.Username]map[string]string, user im.Username, key, value string) {
	if of[user] == nil {
		of[user] = map[string]string{}
	}
	of[user][key] = value
}

// byName is what there is of each user who was asked for. The Web SDK, which has a user token, looks for a name as it sent it, the
// clients of the management API in lower case.
func (c *call) byName(asked []string, of map[im.Username]map[string]string) map[string]map[string]string {
	data := make(map[string]map[string]string, len(asked))
	for _, name := range asked {
		user := strings.ToLower(name)
		pairs := of[im.Username(user)]
		if pairs == nil {
			pairs = map[string]string{}
		}
		if c.caller.IsApp() {
			name = user
		}
		data[name] = pairs
	}
	return data
}

// GET /{org}/{app}/metadata/user/capacity
func (a *API) propertyBytes(c *call) (answer, error) {
	n, err := a.svc.PropertyBytes(c.r.Context(), c.caller)
	return told(n, err)
}
