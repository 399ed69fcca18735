package easemob

import (
	"maps"
	"slices"
	"strings"

	"teahouse/internal/im"
)

type memberAttributesRequest struct {
	MetaData map[string]text `json:"metaData"`
}

// attributesOf are the pairs of a body by key.
func attributesOf(pairs map[string]text) (set []im.Attribute) {
	for _, k := range slices.Sorted(maps.Keys(pairs)) {
		set = append(set, im.Attribute{Key: k, Value: pairs[k].v})
	}
	return set
}

// kept are the pairs but those that were deleted.
func kept(pairs map[string]text) map[string]string {
	left := make(map[string]string, len(pairs))
	for k, v := range pairs {
		if v.v != "" {
			left[k] = v.v
		}
	}
	return left
}

// PUT /{org}/{app}/metadata/chatgroup/{id}/user/{user}
func (a *API) setMemberAttributes(c *call, b memberAttributesRequest) (answer, error) {
	err := a.svc.SetMemberAttributes(c.r.Context(), c.caller, c.room(), []im.MemberChange{{User: c.user(), Set: attributesOf(b.MetaData)}})
	return answer{terse: true, data: kept(b.MetaData)}, err
}

type memberRequest struct {
	Username looseText       `json:"username"`
	Metadata map[string]text `json:"metadata"`
}

type memberAnswer struct {
	Username string            `json:"username"`
	Metadata map[string]string `json:"metadata"`
}

// PUT /{org}/{app}/metadata/chatgroup/{id}/users/batch
func (a *API) setMembersAttributes(c *call, b []memberRequest) (answer, error) {
	changes, done := make([]im.MemberChange, len(b)), make([]memberAnswer, len(b))
	for i, m := range b {
		changes[i] = im.MemberChange{User: m.Username.v, Set: attributesOf(m.Metadata)}
		done[i] = memberAnswer{strings.ToLower(m.Username.v), kept(m.Metadata)}
	}
	err := a.svc.SetMemberAttributes(c.r.Context(), c.caller, c.room(), changes)
	return answer{terse: true, data: struct {
		Failed none           `json:"updateMetadataFailed"` // a call changes all or nothing
		Done   []memberAnswer `json:"updateMetadataSucceeded"`
	}{Done: done}}, err
}

// GET /{org}/{app}/metadata/chatgroup/{id}/user/{user}
func (a *API) memberAttributes(c *call) (answer, error) {
	all, err := a.svc.MemberAttributes(c.r.Context(), c.caller, c.room(), []string{c.user()}, nil)
	data := make(map[string]string, len(all))
	for _, at := range all {
		data[at.Key] = at.Value
	}
	return answer{terse: true, data: data}, err
}

type membersRequest struct {
	Targets    texts `json:"targets"`
	Properties texts `json:"properties"`
}

// POST /{org}/{app}/metadata/chatgroup/{id}/get: every target is answered, with nothing when it has none.
func (a *API) membersAttributes(c *call, b membersRequest) (answer, error) {
	all, err := a.svc.MemberAttributes(c.r.Context(), c.caller, c.room(), b.Targets.v, b.Properties.v)
	of := map[im.Username]map[string]string{}
	for _, at := range all {
		put(of, at.User, at.Key, at.Value)
	}
	return answer{terse: true, data: c.byName(b.Targets.v, of)}, err
}
