package server

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"teahouse/internal/sqlstore"
)

// metrics count outcomes. They live in a registry of their own.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	panics    prometheus.Counter

	batch           prometheus.Histogram
	wait, run, sync prometheus.Histogram

	mu    sync.RWMutex
	bound map[outcome]boundOutcome // guarded by mu; looking labels up costs more than the rest of counting
}

// outcome is how a request ended. Routes and codes are words of ours, so there are few.
type outcome struct {
	route  string
	status int
	code   string
}

type boundOutcome struct {
	count prometheus.Counter
	took  prometheus.Observer
}

func newMetrics(b Build) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "teahouse_http_requests_total", Help: "Finished requests by route, status and error code.",
		}, []string{"route", "status", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "teahouse_http_request_seconds", Help: "Time from a request's routing to its answer, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"route"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "teahouse_http_panics_total", Help: "Requests that ended in a panic.",
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "teahouse_store_batch_updates", Help: "Updates in one commit.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
		}),
		wait:  latency("wait", "Time the first update of a commit waited for its turn."),
		run:   latency("run", "Time the updates of one commit ran."),
		sync:  latency("sync", "Time a commit took to become durable."),
		bound: map[outcome]boundOutcome{},
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "teahouse_build_info", Help: "Always 1; the labels tell what runs.",
	}, []string{"version", "revision", "go"})
	info.WithLabelValues(b.Version, b.Revision, b.Go).Set(1)
	m.registry.MustRegister(m.requests, m.durations, m.panics, m.batch, m.wait, m.run, m.sync, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func latency(part, help string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "teahouse_store_" + part + "_seconds", Help: help,
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
	})
}

// request counts a finished request of a surface.
func (m *metrics) request(route string, status int, code string, took time.Duration) {
	o := outcome{route, status, code}
	m.mu.RLock()
	b, ok := m.bound[o]
	m.mu.RUnlock()
	if !ok {
		b = boundOutcome{m.requests.WithLabelValues(route, strconv.Itoa(status), code), m.durations.WithLabelValues(route)}
		m.mu.Lock()
		m.bound[o] = b
		m.mu.Unlock()
	}
	b.count.Inc()
	b.took.Observe(took.Seconds())
}

// commit counts a commit of the store.
func (m *metrics) commit(c sqlstore.Commit) {
	m.batch.Observe(float64(c.Updates))
	m.wait.Observe(c.Wait.Seconds())
	m.run.Observe(c.Run.Seconds())
	m.sync.Observe(c.Sync.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
