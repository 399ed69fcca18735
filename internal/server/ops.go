package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/pprof"
	"runtime/debug"
	"time"
)

// opsHandler serves the operations listener.
func (s *server) opsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", http.NotFound) // it would show secrets that were given as flags
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("POST /debug/free", freeMemory)
	return mux
}

// healthz answers as long as the process serves.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// freeMemory gives what is not in use back to the system, so that what is can be measured.
func freeMemory(w http.ResponseWriter, r *http.Request) {
	debug.FreeOSMemory()
	healthz(w, r)
}

var errStopping = errors.New("the server is stopping")

// readyz answers 200 while the store and the bus answer and the server is not about to stop.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	err := s.service.Ready(ctx)
	if s.stopping.Load() {
		err = errStopping
	}
	if err != nil {
		s.log.Warn("not ready", "err", err)
		http.Error(w, "not ready: see the log", http.StatusServiceUnavailable)
		return
	}
	healthz(w, r)
}
