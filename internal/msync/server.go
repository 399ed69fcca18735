package msync

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// Config holds what the surface works with.
type Config struct {
	Service *im.Service
	Hub     *hub.Hub
	Log     *slog.Logger
	Faults  *im.Faults // nil: some of its own
	Rate    float64    // messages a second that one connection may send; 0: as many as it likes
}

// Server is the surface: an [http.Handler] for /websocket and for the SockJS form under /ws.
type Server struct {
	service *im.Service
	hub     *hub.Hub
	log     *slog.Logger
	faults  *im.Faults
	rate    float64
	acker   *acker
	ctx     context.Context //nolint:containedctx // of all connections
	cancel  context.CancelFunc
	work    hub.Group // goroutines of connections
	crew    crew
	encode  func(dst []byte, app im.AppKey, m *im.Message) []byte
}

// New returns the surface. Close ends what it starts.
func New(cfg Config) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	cfg.Faults = cmp.Or(cfg.Faults, im.NewFaults(cfg.Log))
	s := &Server{service: cfg.Service, hub: cfg.Hub, log: cfg.Log, faults: cfg.Faults, rate: cfg.Rate, ctx: ctx, cancel: cancel,
		acker: &acker{service: cfg.Service, log: cfg.Log, faults: cfg.Faults}, encode: pb.AppendMeta}
	return s
}

// meta is a message as clients get it; online tells that the receiver was connected when it was said.
func (s *Server) meta(app im.AppKey, m *im.Message, online bool) []byte {
	return pb.AppendOnline(s.encode(nil, app, m), m, online)
}

// Close waits until all connections have ended, which the hub asks them to when it is closed, or cuts them off when ctx ends. Then
// everything acknowledged is written.
func (s *Server) Close(ctx context.Context) {
	s.hub.Close(ctx)
	stop := context.AfterFunc(ctx, s.cancel)
	s.work.Wait()
	s.crew.close()
	stop()
	s.cancel()
	s.acker.wg.Wait()
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := "/" + strings.Trim(r.URL.Path, "/") // an address that ended with a slash got one more
	switch {
	case path == "/websocket":
		s.upgrade(w, r, binaryForm)
	case path == "/ws/info":
		sockInfo(w, r)
	case strings.HasPrefix(path, "/ws/") && strings.HasSuffix(path, "/websocket") && strings.Count(path, "/") == 4:
		s.upgrade(w, r, sockForm)
	default:
		refuse(w, http.StatusNotFound, "service_resource_not_found", "nothing is here; clients connect to /websocket, older ones by SockJS to /ws")
	}
}

func refuse(w http.ResponseWriter, status int, word, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": word, "error_description": text}) // to whom, if it fails
}

// sockInfo answers what SockJS asks before it connects (wire/msync.md §17).
func sockInfo(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if origin := r.Header.Get("Origin"); origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Add("Vary", "Origin")
	}
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "OPTIONS, GET")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" && len(asked) < 1024 {
			h.Set("Access-Control-Allow-Headers", asked)
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		WebSocket bool     `json:"websocket"`
		Origins   []string `json:"origins"`
		Cookie    bool     `json:"cookie_needed"`
		Entropy   uint32   `json:"entropy"`
	}{true, []string{"*:*"}, false, rand.Uint32()})
}

// admit asks whether one more may come who has not signed in. If not, it answers and returns nil.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) *hub.Guest {
	guest, err := s.hub.Admit(r.RemoteAddr)
	if err == nil {
		return guest
	}
	s.log.Debug("not let in", "client", r.RemoteAddr, "err", err)
	w.Header().Set("Retry-After", "1")
	w.Header().Set("Connection", "close")
	if errors.Is(err, hub.ErrAddressFull) {
		refuse(w, http.StatusTooManyRequests, "reach_limit", err.Error())
	} else {
		refuse(w, http.StatusServiceUnavailable, "service_unavailable", err.Error())
	}
	return nil
}

// upgrade makes a WebSocket of the request. The handler returns; the connection is read by goroutines of its own.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, f form) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		refuse(w, http.StatusUpgradeRequired, "upgrade_required", "this is a WebSocket: set it as the SDK's url")
		return
	}
	guest := s.admit(w, r)
	if guest == nil {
		return
	}
	netConn, buffered, _, err := ws.HTTPUpgrader{}.Upgrade(r, w)
	if err != nil {
		guest.Leave()
		s.log.Debug("not a WebSocket", "err", err)
		if netConn != nil {
			_ = netConn.Close()
		}
		return
	}
	_ = netConn.SetDeadline(time.Time{})
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	c := &conn{srv: s, ctx: s.ctx, form: f, fixed: f == sockForm, limits: newLimits(s.rate)}
	c.socket, err = newSocket(hub.NewReader(netConn), early, c.control)
	if err != nil {
		guest.Leave()
		_ = netConn.Close()
		return
	}
	if c.line = s.hub.NewLine(netConn, guest); !c.line.Watch(c.End, c.ask) {
		return
	}
	if f == sockForm {
		c.line.Push(wsFrame(ws.OpText, []byte("o")))
	}
	s.work.Go(c.read)
}
