package apidoc

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestDescription(t *testing.T) {
	w := get(t, "/openapi.yaml")
	if w.Code != http.StatusOK || w.Body.String() != Document() {
		t.Fatalf("got %d with %d bytes, want 200 with %d", w.Code, w.Body.Len(), len(Document()))
	}
	for key, want := range map[string]string{
		"Content-Type":                "application/yaml; charset=utf-8",
		"Cache-Control":               "no-cache",
		"Access-Control-Allow-Origin": "*",
	} {
		if got := w.Header().Get(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if again := get(t, "/openapi.yaml", "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("with the ETag: got %d, want 304", again.Code)
	}
}

func TestDocsPage(t *testing.T) {
	if w := get(t, "/docs"); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/docs/" {
		t.Errorf("/docs: got %d to %q, want 301 to /docs/", w.Code, w.Header().Get("Location"))
	}
	w := get(t, "/docs/")
	page := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("got %d of %q", w.Code, w.Header().Get("Content-Type"))
	}
	if !strings.Contains(page, `"swaggerJsonUrl":"/openapi.yaml"`) {
		t.Errorf("the page does not read /openapi.yaml:\n%s", page)
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "http") {
		t.Errorf("the policy lets other hosts in: %q", policy)
	}
	// The page compares addresses with "https://"; nothing may follow the slashes.
	if hosts := regexp.MustCompile(`(https?:)?//[A-Za-z0-9]+\.[^\s"']*`).FindAllString(page, -1); hosts != nil {
		t.Errorf("the page names other hosts: %q", hosts)
	}
	files := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(files) < 4 {
		t.Fatalf("the page loads %d files, want 4 or more:\n%s", len(files), page)
	}
	for _, f := range files {
		if !strings.HasPrefix(f[1], "/docs/") {
			t.Errorf("the page loads %q, which is not below /docs/", f[1])
		}
		for _, encoding := range []string{"gzip", "identity"} {
			if w := get(t, f[1], "Accept-Encoding", encoding); w.Code != http.StatusOK || w.Body.Len() == 0 {
				t.Errorf("%s as %s: got %d with %d bytes", f[1], encoding, w.Code, w.Body.Len())
			}
		}
	}
}

// TestStylesLoadNothing reads the style sheet of the renderer: it may not import from, nor point to, a host.
func TestStylesLoadNothing(t *testing.T) {
	css := get(t, "/docs/swagger-ui.css", "Accept-Encoding", "identity").Body.String()
	if hit := regexp.MustCompile(`(?i)@import[^;]*;?|url\(["']?https?:[^)]*\)`).FindString(css); hit != "" {
		t.Errorf("the style sheet loads %q", hit)
	}
}

func TestNothingElse(t *testing.T) {
	for _, target := range []string{"/", "/docsx", "/docs/nothing.js", "/openapi.json", "/openapi.yaml/"} {
		if w := get(t, target); w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", target, w.Code)
		}
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("POST", "/openapi.yaml", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d, want 405", w.Code)
	}
}
