// Package webapi does what every HTTP surface does before it looks for a route.
package webapi

import (
	"net/http"
	"net/url"
	"strings"
)

// Preflight answers a browser that asks whether a page of another origin may call: with these methods, and with the headers it
// asks for or else these.
func Preflight(w http.ResponseWriter, r *http.Request, methods, headers string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" && len(asked) < 1024 {
		headers = asked
	}
	h.Set("Access-Control-Allow-Headers", headers)
	h.Set("Access-Control-Max-Age", "86400")
	h.Add("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
}

// Base is scheme and host as the client sees them: publicURL, or what was asked for; the server has already judged forwarding headers.
func Base(r *http.Request, publicURL string) string {
	if publicURL != "" {
		return strings.TrimSuffix(publicURL, "/")
	}
	if r.TLS != nil || r.URL.Scheme == "https" {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// TidyPath drops repeated and trailing slashes and protects segments of dots; a mux would redirect instead. An escaped slash
// divides nothing.
func TidyPath(u *url.URL) {
	if !strings.Contains(u.Path, "//") && !strings.Contains(u.Path, "/.") && !strings.HasSuffix(u.Path, "/") {
		return
	}
	raw := tidy(u.EscapedPath())
	if path, err := url.PathUnescape(raw); err == nil { // an escaped path is always well formed
		u.Path, u.RawPath = path, raw
	}
}

func tidy(p string) string {
	var b strings.Builder
	for seg := range strings.SplitSeq(p, "/") {
		switch seg {
		case "":
			continue
		case ".", "..":
			seg = strings.ReplaceAll(seg, ".", "%2E")
		}
		b.WriteString("/" + seg)
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}
