// Package apidoc holds the OpenAPI description of the HTTP surfaces and shows it to people. It needs
// no host but its own: the renderer's files are in the binary.
//
// The description is written by hand. Package apidoctest keeps it true.
package apidoc

import (
	"crypto/sha256"
	_ "embed" // the description
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

//go:embed openapi.yaml
var document string

// Document returns the OpenAPI 3.1 description, in YAML.
func Document() string { return document }

// Handler serves the description at /openapi.yaml and its rendering below /docs/, and nothing else.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /openapi.yaml", descriptionHandler())
	mux.Handle("GET /docs", http.RedirectHandler("/docs/", http.StatusMovedPermanently))
	mux.Handle("GET /docs/", docsHandler())
	return mux
}

func descriptionHandler() http.HandlerFunc {
	sum := sha256.Sum256([]byte(document))
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/yaml; charset=utf-8") // RFC 9512
		h.Set("ETag", tag)
		h.Set("Cache-Control", "no-cache")
		h.Set("Access-Control-Allow-Origin", "*")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(document))
	}
}

// docsPolicy forbids the page to load anything from, or send anything to, another host. The page starts with
// a script in its text and styles its elements, hence 'unsafe-inline'; it shows no text but the description's.
const docsPolicy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func docsHandler() http.HandlerFunc {
	ui := v5emb.NewHandlerWithConfig(swgui.Config{
		Title:       "Teahouse",
		SwaggerJSON: "/openapi.yaml",
		BasePath:    "/docs/",
		SettingsUI:  map[string]string{"displayRequestDuration": "true"},
	})
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", docsPolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		ui.ServeHTTP(w, r)
	}
}
