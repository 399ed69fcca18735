package apidoctest

import (
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// template is a described path.
type template struct {
	path     string
	segments []string
	item     *openapi3.PathItem
}

// templates returns the described paths so that a literal segment comes before a parameter in its place:
// /chatrooms/super_admin before /chatrooms/{chatroom_id}.
func templates(doc *openapi3.T) (list []template) {
	for path, item := range doc.Paths.Map() {
		list = append(list, template{path, strings.Split(strings.Trim(path, "/"), "/"), item})
	}
	slices.SortFunc(list, func(a, b template) int {
		for i := range min(len(a.segments), len(b.segments)) {
			pa, pb := isParameter(a.segments[i]), isParameter(b.segments[i])
			if pa != pb {
				if pa {
					return 1
				}
				return -1
			}
		}
		return strings.Compare(a.path, b.path)
	})
	return list
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

func (p template) matches(segments []string) bool {
	if len(segments) != len(p.segments) {
		return false
	}
	for i, s := range p.segments {
		if !isParameter(s) && s != segments[i] {
			return false
		}
	}
	return true
}

// find returns the described path of u. When several fit, the first that has the method wins, else the first.
// A trailing slash and repeated slashes do not count (wire/easemob.md §1.1); an escaped slash does not divide.
func (v *Validator) find(method string, u *url.URL) (template, *openapi3.Operation, bool) {
	segments := strings.FieldsFunc(u.EscapedPath(), func(r rune) bool { return r == '/' })
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil {
			segments[i] = plain
		}
	}
	var first template
	found := false
	for _, p := range v.paths {
		if !p.matches(segments) {
			continue
		}
		if op := p.item.GetOperation(method); op != nil {
			return p, op, true
		}
		if !found {
			first, found = p, true
		}
	}
	return first, nil, found
}
