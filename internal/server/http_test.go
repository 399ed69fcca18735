package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// bare returns a server with nothing but what serveHTTP needs.
func bare(log io.Writer) *server {
	return &server{
		log:     slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		metrics: newMetrics(Build{}), bodyLimit: 1 << 20, cfg: Config{Clock: SystemClock{}},
	}
}

func scrape(t *testing.T, s *server) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.opsHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Code, w.Body.String()
}

// What no surface answers has the form of the surface's errors.
func TestAnswersElsewhere(t *testing.T) {
	n := start(t, Config{Dev: true})
	look := func(path string) (h http.Header, keys []string) {
		res, err := http.Get(n.url() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body map[string]any
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil || res.StatusCode != 404 {
			t.Fatalf("%s: %d, %v", path, res.StatusCode, err)
		}
		h = res.Header.Clone()
		for _, own := range []string{"Date", "X-Request-Id", "Content-Length"} {
			h.Del(own)
		}
		return h, slices.Sorted(maps.Keys(body))
	}
	wantHeader, wantKeys := look("/easemob-demo/chatdemoui/nothing/here")
	for _, path := range []string{"/console/"} {
		header, keys := look(path)
		if !maps.EqualFunc(header, wantHeader, slices.Equal) || !slices.Equal(keys, wantKeys) {
			t.Errorf("%s: got %v %v, the surface answers %v %v", path, header, keys, wantHeader, wantKeys)
		}
	}
}

// A request that does not end keeps the server no longer than it was told.
func TestStopDespiteRequests(t *testing.T) {
	s := bare(io.Discard)
	s.cfg.StopWithin = time.Millisecond
	began, release := make(chan struct{}), make(chan struct{})
	ts := httptest.NewServer(s.serveHTTP(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(began); <-release })))
	defer ts.Close()
	defer close(release)
	var g sync.WaitGroup
	defer g.Wait()
	g.Go(func() {
		if res, err := http.Get(ts.URL); err == nil {
			res.Body.Close()
			t.Error("it was answered")
		}
	})
	<-began
	if err := s.stop(ts.Config, func(context.Context) {}, func() {}); err != errUnending {
		t.Errorf("got %v, want %v", err, errUnending)
	}
}

func TestCommandLineIsNotShown(t *testing.T) {
	w := httptest.NewRecorder()
	bare(io.Discard).opsHandler().ServeHTTP(w, httptest.NewRequest("GET", "/debug/pprof/cmdline", nil))
	if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "test.") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	var log logBuffer
	s := bare(&log)
	ts := httptest.NewServer(s.serveHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "12345")
		if r.URL.Path == "/late" {
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
		}
		panic("the reason")
	})))
	defer ts.Close()
	ts.Config.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)

	status, body := ask(t, "GET", ts.URL+"/early?access_token=YWMtsecret", "", "")
	if status != 500 || !strings.Contains(body, "internal_server_error") || strings.Contains(body, "the reason") {
		t.Errorf("%d %s", status, body)
	}
	res, err := http.Get(ts.URL + "/late")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("an answer that broke off looks whole")
	}
	for _, want := range []string{"the reason", "http_test.go", `"path":"/early"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "YWMtsecret") {
		t.Error("the log holds the token")
	}
	<-s.requests.shut() // every request has left
	_, metrics := scrape(t, s)
	for _, want := range []string{
		`teahouse_http_requests_total{code="internal",route="* elsewhere",status="500"} 1`,
		`teahouse_http_requests_total{code="internal",route="* elsewhere",status="200"} 1`, // its answer had begun
		"teahouse_http_panics_total 2",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	s := bare(io.Discard)
	var inside string
	h := s.serveHTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inside = r.Header.Get("X-Request-Id") }))
	made := regexp.MustCompile(`^[0-9a-f]{16}$`)
	for given, keep := range map[string]bool{
		"4bf92f35-77b3": true, "a:b/c+d=.e_f": true, "": false, "with blank": false, "two\"quotes": false, strings.Repeat("x", 129): false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Request-Id", given)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Header().Get("X-Request-Id")
		if got != inside || keep && got != given || !keep && !made.MatchString(got) {
			t.Errorf("given %q: answered %q, the surface saw %q", given, got, inside)
		}
	}
}

func TestRedact(t *testing.T) {
	for query, want := range map[string]string{
		"pagenum=2&pagesize=3":            "pagenum=2&pagesize=3",
		"access_token=YWMt1&a=b":          "access_token=***&a=b",
		"a=b&ACCESS%5Ftoken=YWMt1":        "a=b&ACCESS%5Ftoken=***",
		"client_secret=x&password=y&t=%2": "client_secret=***&password=***&t=%2",
		"%zz=YWMt1":                       "%zz=***",
		"token":                           "token=***",
	} {
		if got := redact(query); got != want {
			t.Errorf("redact(%q) = %q, want %q", query, got, want)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	nets := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		trusted            proxies
		peer               string
		forwarded          []string
		proto              string
		wantAddr, wantPage string
	}{
		"no proxies":           {nil, "10.0.0.1:5", []string{"1.2.3.4"}, "https", "10.0.0.1:5", "http"},
		"stranger":             {nets, "9.9.9.9:5", []string{"1.2.3.4"}, "https", "9.9.9.9:5", "http"},
		"proxy":                {nets, "10.0.0.1:5", []string{"1.2.3.4"}, "https", "1.2.3.4:0", "https"},
		"forged":               {nets, "10.0.0.1:5", []string{"6.6.6.6, 1.2.3.4"}, "https", "1.2.3.4:0", "https"},
		"two proxies":          {nets, "10.0.0.1:5", []string{"6.6.6.6, 1.2.3.4", "10.0.0.2"}, "gopher, https", "1.2.3.4:0", "https"},
		"only proxies":         {nets, "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "http", "10.0.0.3:0", "http"},
		"nothing said":         {nets, "10.0.0.1:5", nil, "", "10.0.0.1:5", "http"},
		"nonsense":             {nets, "10.0.0.1:5", []string{"1.2.3.4, unknown"}, "gopher", "10.0.0.1:5", "http"},
		"IPv6":                 {nets, "[fd00::1]:5", []string{"2001:db8::1"}, "wss", "[2001:db8::1]:0", "https"},
		"IPv6 with port":       {nets, "[fd00::1]:5", []string{"[2001:db8::1]:77"}, "https", "[2001:db8::1]:0", "https"},
		"IPv4 in IPv6":         {nets, "[::ffff:10.0.0.1]:5", []string{"1.2.3.4:77"}, "https", "1.2.3.4:0", "https"},
		"a scheme in the path": {nets, "9.9.9.9:5", nil, "", "9.9.9.9:5", "http"},
	} {
		r := httptest.NewRequest("GET", "https://chat.example/x", nil) // the client's own claim
		r.TLS = nil
		r.RemoteAddr = c.peer
		for _, v := range c.forwarded {
			r.Header.Add("X-Forwarded-For", v)
		}
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		c.trusted.settle(r)
		if r.RemoteAddr != c.wantAddr || r.URL.Scheme != c.wantPage {
			t.Errorf("%s: %s %s, want %s %s", name, r.RemoteAddr, r.URL.Scheme, c.wantAddr, c.wantPage)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	yes := true
	for want, cfg := range map[string]Config{
		"--bus nats://x":             {Bus: "nats://x"},
		"--thinksns-app ORG#APP":     {ThinkSNS: ThinkSNSConfig{Mode: "standalone"}},
		"need --thinksns":            {ThinkSNS: ThinkSNSConfig{URL: "http://plus"}},
		"want off, standalone":       {App: AppConfig{Key: "acme#chat"}, ThinkSNS: ThinkSNSConfig{Mode: "beside"}},
		"standalone has accounts":    {App: AppConfig{Key: "acme#chat"}, ThinkSNS: ThinkSNSConfig{Mode: "standalone", URL: "http://plus"}},
		"name its address":           {App: AppConfig{Key: "acme#chat"}, ThinkSNS: ThinkSNSConfig{Mode: "sidecar"}},
		"is for --thinksns":          {App: AppConfig{Key: "acme#chat"}, ThinkSNS: ThinkSNSConfig{Mode: "sidecar", URL: "http://plus", IMPassword: "md5-hash"}},
		"--thinksns-url: ":           {App: AppConfig{Key: "acme#chat"}, ThinkSNS: ThinkSNSConfig{Mode: "sidecar", URL: "no address"}},
		"want off or open":           {App: AppConfig{Key: "acme#chat"}, ThinkSNS: ThinkSNSConfig{Mode: "standalone", Registration: "code"}},
		"want hmac or md5-hash":      {App: AppConfig{Key: "acme#chat"}, ThinkSNS: ThinkSNSConfig{Mode: "standalone", IMPassword: "clear"}},
		"people sign up there":       {App: AppConfig{Key: "acme#chat"}, ThinkSNS: ThinkSNSConfig{Mode: "sidecar", URL: "http://plus", Registration: "open"}},
		"--tls-cert and --tls-key":   {TLSCert: "x"},
		"--public-url ftp://x":       {PublicURL: "ftp://x"},
		"give --app ORG#APP":         {App: AppConfig{OpenRegistration: &yes}},
		"--log-level loud":           {Logging: Logging{LogLevel: "loud"}},
		"--log-format xml":           {Logging: Logging{LogFormat: "xml"}},
		"--rate-limits":              {RateLimits: "no such file"},
		"ORG#APP":                    {App: AppConfig{Key: "acme"}},
		"reserved":                   {App: AppConfig{Key: "api#chat"}},
		"want sqlite:PATH":           {Storage: Storage{Database: "mysql://x"}},
		"want 450 or v2":             {App: AppConfig{Key: "acme#chat", ErrorProfile: "v3"}},
		"--tls-cert none":            {TLSCert: "none", TLSKey: "none"},
		"choose another address":     {Listen: "127.0.0.1:-1"},
		"--ops-listen (or off)":      {OpsListen: "127.0.0.1:-1"},
		"choose another with --data": {Storage: Storage{Data: "/dev/null/x"}},
	} {
		cfg.Listen, cfg.OpsListen = or(cfg.Listen, "127.0.0.1:0"), or(cfg.OpsListen, "off")
		if cfg.Data == "" && cfg.Database == "" {
			cfg.Data = t.TempDir()
		}
		cfg.Stdout, cfg.Stderr = io.Discard, or[io.Writer](cfg.Stderr, io.Discard)
		if err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run = %v, want words about %q", err, want)
		}
	}
}

func TestRateLimits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "limits")
	read := func(text string) (map[string]float64, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return rateLimits(file)
	}
	documented, err := rateLimits("documented")
	if err != nil || len(documented) == 0 {
		t.Fatalf("documented: %v, %v", documented, err)
	}
	if off, err := rateLimits("off"); off != nil || err != nil {
		t.Errorf("off: %v, %v", off, err)
	}
	var class string
	for class = range documented {
		break
	}
	limits, err := read("# ours\n\n" + class + " = 12.5/s\n")
	if err != nil || limits[class] != 12.5 || len(limits) != len(documented) {
		t.Errorf("file: %v, %v", limits, err)
	}
	for text, want := range map[string]string{
		"nonsense = 1/s":                         "no class nonsense",
		class + " = many":                        ":1: many",
		class + " = -1/s":                        "positive",
		class + " = NaN":                         "positive",
		class:                                    ":1: want key = value",
		class + " = 1/s\n#\n" + class + " = 2/s": "stands in line 1",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want words about %q", text, err, want)
		}
	}
	if _, err := rateLimits(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func BenchmarkServeHTTP(b *testing.B) {
	s := bare(io.Discard)
	s.log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	h := s.serveHTTP(s.mount(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.metrics.request("GET /chatrooms", 200, "", 0)
		w.WriteHeader(http.StatusOK)
	}), nil, nil))
	r := httptest.NewRequest("GET", "/easemob-demo/chatdemoui/chatrooms", nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}
