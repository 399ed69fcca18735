package thinksns

import (
	"net/http"

	"teahouse/internal/im"
)

// Routes lists the route tables, for the test that wants a transcript of each.
func Routes() (all []string) {
	for _, rt := range (&API{}).routes() {
		all = append(all, rt.method+" "+prefix+rt.path)
	}
	return all
}

// IssueForTest makes a token as a login does.
func IssueForTest(h http.Handler, key string, account im.Account) string {
	text, err := h.(*API).tokens.issue(key, account.ID, account.Version, "http://teahouse.test/api/v2/auth/login")
	if err != nil {
		panic(err)
	}
	return text
}
