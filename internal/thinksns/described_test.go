package thinksns_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"teahouse/internal/apidoc"
	"teahouse/internal/thinksns"
)

// TestRoutesAreDescribed compares the route tables with the API's description, both ways. What takes any method is described
// as POST.
func TestRoutesAreDescribed(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(apidoc.Document()))
	if err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\{\w+\}`)
	described := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		if strings.HasPrefix(path, "/api/") {
			for method := range item.Operations() {
				described[method+" "+parameter.ReplaceAllString(path, "{}")] = true
			}
		}
	}
	for _, route := range thinksns.Routes() {
		route = parameter.ReplaceAllString(strings.Replace(route, "ANY ", "POST ", 1), "{}")
		if !described[route] {
			t.Errorf("%s is routed but not described", route)
		}
		delete(described, route)
	}
	for route := range described {
		t.Errorf("%s is described but not routed", route)
	}
}
