package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"teahouse/internal/easemob"
	"teahouse/internal/im"
	"teahouse/internal/msync"
	"teahouse/internal/passwords"
)

// server is one running node.
type server struct {
	core
	cfg       Config
	log       *slog.Logger
	faults    *im.Faults
	metrics   *metrics
	proxies   proxies
	bodyLimit int64
	tls       *tls.Config // nil: plain
	limits    map[string]float64

	main, ops net.Listener // ops is nil when it is off
	stopping  atomic.Bool
	requests  gate // those of the main listener
}

// gcPercent is how far the heap may grow between two collections, unless GOGC says. The heap of a server at work is a few
// megabytes: with Go's own 100 it would be collected every few megabytes, hundreds of times a second.
const gcPercent = 400

// Run serves until ctx ends and returns when everything it started has ended. The start-up text on cfg.Stdout ends
// with a line "ready" once every listener accepts.
func Run(ctx context.Context, cfg Config) (err error) {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	cfg, err = cfg.withDevDefaults().withDefaults()
	if err != nil {
		return err
	}
	if cfg.Dev && cfg.Data == "" && cfg.Database == "" {
		if cfg.Data, err = os.MkdirTemp("", "teahouse-dev-"); err != nil {
			return err
		}
		cfg.temporary = true
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.Data)) }()
	}
	s, err := open(ctx, cfg)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	text, err := s.prepareApp(ctx)
	if err == nil {
		err = s.prepareSocial(ctx)
	}
	if err != nil {
		return unlessStopped(ctx, err)
	}
	return s.serve(ctx, text)
}

// unlessStopped drops the error of a start that was given up because ctx ended.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// open opens the ports and the listeners.
func open(ctx context.Context, cfg Config) (*server, error) {
	log, err := cfg.logger()
	if err != nil {
		return nil, err
	}
	faults := im.NewFaults(log)
	s := &server{cfg: cfg, log: log, faults: faults, metrics: newMetrics(ThisBuild()), proxies: cfg.TrustedProxies, bodyLimit: cfg.BodyLimit}
	if s.limits, err = rateLimits(cfg.RateLimits); err != nil {
		return nil, err
	}
	if cfg.TLSCert != "" {
		c, err := loadCertificate(cfg.TLSCert, cfg.TLSKey, log)
		if err != nil {
			return nil, err
		}
		s.tls = c.config()
	}
	if s.main, err = listen(ctx, cfg.Listen, "--listen"); err != nil {
		return nil, err
	}
	if cfg.OpsListen != "off" {
		if s.ops, err = listen(ctx, cfg.OpsListen, "--ops-listen (or off)"); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	hashes := passwords.Config{}
	if cfg.Dev {
		hashes = passwords.Light()
	}
	directory, err := cfg.directory(s)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.core, err = openCore(ctx, coreConfig{
		storage: cfg.Storage, clock: cfg.Clock, passwords: hashes, log: log, faults: faults, observe: s.metrics.commit,
		directory: directory, thinksns: cfg.ThinkSNS,
	})
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close releases what open took. Listeners that were served are closed already.
func (s *server) close() (err error) {
	for _, l := range []net.Listener{s.main, s.ops} {
		if l != nil {
			if e := l.Close(); !errors.Is(e, net.ErrClosed) {
				err = errors.Join(err, e)
			}
		}
	}
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return err
}

// serve runs the listeners and the Service's loop until ctx ends or one of them fails, and stops them in order: new
// connections are refused, requests finish or are cut off after cfg.StopWithin, realtime connections end, then the loops.
func (s *server) serve(ctx context.Context, text startText) (err error) {
	surface := easemob.New(easemob.Config{
		Service: s.service, Log: s.log, PublicURL: s.cfg.PublicURL, Limits: s.limits, Observe: s.metrics.request,
	})
	realtime := msync.New(msync.Config{Service: s.service, Hub: s.hub, Log: s.log, Faults: s.faults, Rate: s.limits[socketClass]})
	s.metrics.live(s.hub, s.faults)
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	main := s.httpServer(s.serveHTTP(s.mount(surface, s.social(), realtime)))
	main.TLSConfig = s.tls
	main.BaseContext = func(net.Listener) context.Context { return work }
	ops := s.httpServer(s.opsHandler())
	ops.ReadTimeout = 0 // it would end profiles that take longer

	var running sync.WaitGroup
	failed := make(chan error, 4)
	start := func(fn func() error) {
		running.Go(func() {
			if err := fn(); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	start(func() error { return s.serveMain(main) })
	if s.ops != nil {
		start(func() error { return ops.Serve(s.ops) })
	}
	start(func() error { return s.service.Run(work) })
	start(func() error { return s.hub.Run(work) })

	if s.cfg.Dev && s.cfg.App.Secret == devSecret && !loopback(s.main.Addr()) {
		s.log.Warn("the emulator's client secret is public and other machines reach this listener: choose one with --client-secret")
	}
	text.print(s)
	select {
	case <-ctx.Done():
		s.log.Info("stopping", "within", s.cfg.StopWithin.String())
	case err = <-failed:
	}
	s.stopping.Store(true)
	stopped := s.stop(main, realtime.Close, stopWork)
	closed := ops.Close()
	running.Wait()
	return errors.Join(err, stopped, closed)
}

func (s *server) serveMain(main *http.Server) error {
	if s.tls != nil {
		return main.ServeTLS(s.main, "", "")
	}
	return main.Serve(s.main)
}

// stop lets the requests of the main listener finish, and cuts off those that take too long. It returns an error when some
// go on nevertheless: what they wait for does not care that they are given up.
func (s *server) stop(main *http.Server, endRealtime func(context.Context), stopWork func()) error {
	patience, cancel := context.WithTimeout(context.Background(), s.cfg.StopWithin)
	defer cancel()
	if err := main.Shutdown(patience); err != nil {
		s.log.Warn("requests were cut off", "err", err)
		_ = main.Close() // its connections are given up
	}
	endRealtime(patience)
	stopWork()
	more := time.NewTimer(s.cfg.StopWithin)
	defer more.Stop()
	select {
	case <-s.requests.shut():
		return nil
	case <-more.C:
		return errUnending
	}
}

var errUnending = errors.New("stopped while requests still ran: they do not end")
