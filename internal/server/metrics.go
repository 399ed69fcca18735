package server

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"teahouse/internal/hub"
	"teahouse/internal/im"
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

// live adds what the hub and others count themselves.
func (m *metrics) live(h *hub.Hub, f *im.Faults) { m.registry.MustRegister(liveCollector{h, f}) }

// liveCollector reads their numbers when somebody asks for the metrics.
type liveCollector struct {
	hub    *hub.Hub
	faults *im.Faults
}

// numbers are the metrics that their statistics become.
func (c liveCollector) numbers() []liveNumber {
	s := c.hub.Stats()
	one := func(name, help string, kind prometheus.ValueType, n float64) liveNumber {
		return liveNumber{prometheus.NewDesc("teahouse_"+name, help, nil, nil), kind, n, nil}
	}
	all := []liveNumber{
		one("realtime_connections", "Open realtime connections.", prometheus.GaugeValue, float64(s.Lines)),
		one("realtime_sessions", "Connections that have signed in.", prometheus.GaugeValue, float64(s.Sessions)),
		one("realtime_guests", "Connections that have not signed in.", prometheus.GaugeValue, float64(s.Guests)),
		one("realtime_users", "Users who have sessions on this node.", prometheus.GaugeValue, float64(s.Users)),
		one("realtime_rooms", "Rooms that somebody connected to this node is in.", prometheus.GaugeValue, float64(s.Rooms)),
		one("realtime_sessions_opened_total", "Sign-ins that became sessions.", prometheus.CounterValue, float64(s.Opened)),
		one("realtime_frames_total", "Frames queued for connections.", prometheus.CounterValue, float64(s.Frames)),
		one("realtime_writes_total", "Writes that frames were merged into.", prometheus.CounterValue, float64(s.Writes)),
	}
	labelled := func(name, help, label, value string, n uint64) {
		all = append(all, liveNumber{prometheus.NewDesc("teahouse_"+name, help, []string{label}, nil), prometheus.CounterValue, float64(n), []string{value}})
	}
	for why, n := range s.TurnedAway {
		bound := map[error]string{hub.ErrFull: "all", hub.ErrAddressFull: "address"}[why]
		labelled("realtime_turned_away_total", "Connections that were not let in because too many had not signed in: of their address, or of all.", "bound", bound, n)
	}
	for reason, n := range s.Ended {
		labelled("realtime_ended_total", "Connections that ended, by reason.", "reason", string(reason), n)
	}
	for level, n := range s.Dropped {
		labelled("realtime_dropped_total", "Frames of chatrooms that were dropped because a reader was behind, by level.", "level", levelName(level), n)
	}
	for protocol, n := range s.Encoded {
		labelled("encodings_total", "Events made into bytes, by protocol: one for all readers.", "protocol", protocol, n)
	}
	for where, n := range c.faults.Met() {
		labelled("faults_total", "Panics outside of requests, each of which ended no more than what it happened in.", "in", where, n)
	}
	return all
}

func levelName(l im.Level) string {
	return map[im.Level]string{im.LowLevel: "low", im.NormalLevel: "normal", im.HighLevel: "high"}[l]
}

type liveNumber struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	n      float64
	labels []string
}

// Describe implements [prometheus.Collector]. Which there are depends on what was done.
func (c liveCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (c liveCollector) Collect(out chan<- prometheus.Metric) {
	for _, n := range c.numbers() {
		out <- prometheus.MustNewConstMetric(n.desc, n.kind, n.n, n.labels...)
	}
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
