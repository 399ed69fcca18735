package easemob

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"teahouse/internal/apidoc"
)

// TestRoutesAreDescribed compares the route table with the API's description, both ways.
func TestRoutesAreDescribed(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(apidoc.Document()))
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		if rest, ok := strings.CutPrefix(path, "/{org}/{app}"); ok || path == discoveryPath {
			for method := range item.Operations() {
				described[method+" "+unnamed(rest)] = true
			}
		}
	}
	routed := map[string]bool{}
	for _, rt := range (&API{}).routes() {
		if rt.path == deleteVerbPath {
			for _, verb := range []string{"ban", "quit", "shield"} {
				routed["DELETE "+unnamed("/chatrooms/{id}/"+verb)] = true
			}
			routed["DELETE "+unnamed("/chatrooms/super_admin/{user}")] = true
			continue
		}
		routed[rt.method+" "+unnamed(rt.path)] = true
	}
	for r := range routed {
		if !described[r] {
			t.Errorf("%s is routed but not described", r)
		}
	}
	for d := range described {
		if !routed[d] {
			t.Errorf("%s is described but not routed", d)
		}
	}
}

// unnamed drops the names of path parameters, which differ between the two.
func unnamed(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}
