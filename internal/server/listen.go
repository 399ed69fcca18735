package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"teahouse/internal/apidoc"
	"teahouse/internal/im"
)

// Time limits of connections. Writing has a limit per request.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = time.Minute
	writeTimeout  = time.Minute
	idleTimeout   = 2 * time.Minute

	drainTimeout = 5 * time.Second
	drainBytes   = 16 << 20
)

func (s *server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// mount returns the surfaces of the main listener behind the switch on the first words of the path. social may be nil.
func (s *server) mount(easemob, social, realtime http.Handler) http.Handler {
	docs, home := apidoc.Handler(), s.homeHandler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, rest, _ := strings.Cut(strings.TrimLeft(r.URL.Path, "/"), "/")
		switch {
		case first == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			home(w, r)
		case first == "healthz" && rest == "":
			healthz(w, r)
		case first == "docs", first == "openapi.yaml":
			docs.ServeHTTP(w, r)
		case first == "websocket", first == "ws":
			realtime.ServeHTTP(w, r)
		case social != nil && isSocial(r.URL.Path):
			social.ServeHTTP(w, r)
		case notBuilt(first):
			s.refuse(w, http.StatusNotFound, im.ErrPathUnknown.Code, "service_resource_not_found", "Service resource not found", time.Now())
		default:
			easemob.ServeHTTP(w, r)
		}
	})
}

// notBuilt names the first words of surfaces to come. No organisation can have them, nor others that start
// with an underscore.
func notBuilt(first string) bool {
	switch first {
	case "console", "api", "http-bind", "healthz":
		return true
	}
	return strings.HasPrefix(first, "_")
}

// refuse answers in the form of the Easemob REST errors, where no surface does, and counts the request.
func (s *server) refuse(w http.ResponseWriter, status int, code, word, text string, began time.Time) {
	took := time.Since(began)
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":%q,"timestamp":%d,"duration":%d,"error_description":%q}`, word, s.cfg.Clock.Now().UnixMilli(), took.Milliseconds(), text)
	s.metrics.request(elsewhere, status, code, took)
}

// elsewhere is the route of requests that no surface answered, in the metrics.
const elsewhere = "* elsewhere"

// exchange wraps every request of the main listener, whatever the surface.
type exchange struct {
	http.ResponseWriter
	status int // 0 until the header is written
	bytes  int64
	began  time.Time
}

// serveHTTP returns next with what every request needs: the client's address, an id, a limit on its body, the log,
// and an answer when next panics.
func (s *server) serveHTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.requests.enter() { // the server has stopped
			panic(http.ErrAbortHandler)
		}
		defer s.requests.leave()
		began := time.Now()
		s.proxies.settle(r)
		id := requestID(r.Header.Get("X-Request-Id"))
		r.Header["X-Request-Id"] = []string{id} // where surfaces find it
		w.Header()["X-Request-Id"] = []string{id}
		whole, control := r.Body, http.NewResponseController(w)
		if whole != nil && whole != http.NoBody {
			r.Body = &body{ReadCloser: http.MaxBytesReader(w, whole, s.bodyLimit), w: w, whole: whole, began: began}
		}
		if r.ContentLength > s.bodyLimit {
			_ = control.EnableFullDuplex() // answer at once, without waiting for what will not be read
		}
		_ = control.SetWriteDeadline(began.Add(writeTimeout)) // not every test's writer can
		x := &exchange{ResponseWriter: w, began: began}
		defer func() {
			if p := recover(); p != nil {
				s.recovered(x, r, p, began)
			}
			if s.log.Enabled(r.Context(), slog.LevelDebug) {
				s.logAccess(x, r, time.Since(began))
			}
		}()
		next.ServeHTTP(x, r)
		if x.status == http.StatusRequestEntityTooLarge || x.status >= 400 && r.ContentLength > s.bodyLimit {
			drain(w, whole)
		}
	})
}

// drain reads on, for a while, what a client still sends of a body that was refused: clients read the answer when
// they have sent everything, and would find a reset connection instead.
func drain(w http.ResponseWriter, body io.Reader) {
	c := http.NewResponseController(w)
	_ = c.Flush()
	_ = c.SetReadDeadline(time.Now().Add(drainTimeout))
	_, _ = io.CopyN(io.Discard, body, drainBytes)
}

// recovered logs a panic and answers, or cuts the connection when part of an answer is out.
func (s *server) recovered(x *exchange, r *http.Request, p any, began time.Time) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.metrics.panics.Inc()
	s.log.LogAttrs(r.Context(), slog.LevelError, "panic", append(requestAttrs(r),
		slog.Any("err", p), slog.String("stack", string(debug.Stack())))...)
	if x.status != 0 {
		s.metrics.request(elsewhere, x.status, im.ErrInternal.Code, time.Since(began))
		panic(http.ErrAbortHandler)
	}
	x.Header().Del("Content-Length") // of the answer that did not come about
	s.refuse(x, http.StatusInternalServerError, im.ErrInternal.Code, "internal_server_error", "Internal server error", began)
}

func (s *server) logAccess(x *exchange, r *http.Request, took time.Duration) {
	s.log.LogAttrs(r.Context(), slog.LevelDebug, "request", append(requestAttrs(r),
		slog.Int("status", x.status), slog.Int64("bytes", x.bytes), slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("client", r.RemoteAddr))...)
}

// requestAttrs names a request in the log without its secrets.
func requestAttrs(r *http.Request) []slog.Attr {
	attrs := []slog.Attr{slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("id", r.Header.Get("X-Request-Id"))}
	if r.URL.RawQuery != "" {
		attrs = append(attrs, slog.String("query", redact(r.URL.RawQuery)))
	}
	if t := r.Header.Get("Traceparent"); t != "" && len(t) <= 64 { // W3C Trace Context §3.2: 55 characters
		attrs = append(attrs, slog.String("trace", t))
	}
	return attrs
}

// redact returns a query in which the values of secrets are stars.
func redact(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		key, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(key)
		plain = strings.ToLower(plain)
		for _, secret := range []string{"token", "secret", "password", "pwd", "auth", "signature"} {
			if err != nil || strings.Contains(plain, secret) {
				pairs[i] = key + "=***"
			}
		}
	}
	return strings.Join(pairs, "&")
}

// requestID returns the id a caller gave when it is sane, else a new one.
func requestID(given string) string {
	if given != "" && len(given) <= 128 && strings.Trim(given, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+=") == "" {
		return given
	}
	var b [8]byte
	for i, n := 0, rand.Uint64(); i < len(b); i, n = i+1, n>>8 {
		b[i] = byte(n)
	}
	return hex.EncodeToString(b[:])
}

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= 200 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	if x.bytes > 0 { // a file on its way: it has as much time as a reader takes who does not pause for long
		_ = http.NewResponseController(x.ResponseWriter).SetWriteDeadline(deadline(x.began, x.bytes, writeTimeout))
	}
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// Unwrap serves http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// listen opens a listener; flag is what an operator may change when it fails.
func listen(ctx context.Context, address, flag string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, listenError{flag, err}
	}
	return l, nil
}

type listenError struct {
	flag string
	err  error
}

func (e listenError) Error() string {
	return e.err.Error() + "; choose another address with " + e.flag
}

func (e listenError) Unwrap() error { return e.err }
