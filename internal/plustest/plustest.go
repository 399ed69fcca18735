// Package plustest is a stand-in for a ThinkSNS+ over HTTP: the part of its API that a server beside it asks, with the
// ways in which it fails.
package plustest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Users is how many users a list holds when the request names no number, and UsersMax how many at most.
const (
	Users    = 15
	UsersMax = 50
)

// User is a person of the stand-in.
type User struct {
	ID      int64
	Name    string
	Bio     string
	Sex     int
	Avatar  any // a [Picture], an address, or nil
	Deleted bool
}

// Picture is a picture as 2.x shows it.
type Picture struct {
	URL       string         `json:"url"`
	Vendor    string         `json:"vendor"`
	Mime      string         `json:"mime"`
	Size      int            `json:"size"`
	Dimension map[string]int `json:"dimension,omitempty"`
}

// Server is the stand-in. It ends with the test.
type Server struct {
	URL string

	mu     sync.Mutex
	users  map[int64]User   // guarded by mu
	files  map[int64]string // guarded by mu
	tokens map[string]int64 // guarded by mu
	calls  []string         // guarded by mu
	answer http.HandlerFunc // guarded by mu; nil: as it should
	gate   chan struct{}    // guarded by mu; nil: open
	came   chan struct{}    // one note for each request
	http   *httptest.Server
}

// New starts a stand-in without users.
func New(t testing.TB) *Server {
	s := &Server{users: map[int64]User{}, files: map[int64]string{}, tokens: map[string]int64{}, came: make(chan struct{}, 100_000)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/user", s.self)
	mux.HandleFunc("GET /api/v2/users", s.list)
	mux.HandleFunc("GET /api/v2/files/{id}", s.file)
	s.http = httptest.NewServer(s.front(mux))
	s.URL = s.http.URL
	t.Cleanup(s.Stop)
	return s
}

// Stop takes it off the network: whoever calls now is refused a connection.
func (s *Server) Stop() {
	s.Release()
	s.http.CloseClientConnections()
	s.http.Close()
}

// Add adds or replaces users.
func (s *Server) Add(users ...User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range users {
		s.users[u.ID] = u
	}
}

// AddFile makes the id of an upload known.
func (s *Server) AddFile(id int64, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[id] = url
}

// Login returns a new token of a user.
func (s *Server) Login(id int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := fmt.Sprintf("eyJ0eXAiOiJKV1QifQ.%d.%d", id, len(s.tokens)+1)
	s.tokens[token] = id
	return token
}

// Logout ends a token.
func (s *Server) Logout(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, token)
}

// Answer makes every request be answered by h; nil: as it should be again.
func (s *Server) Answer(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = h
}

// Fail answers every request with a status and a body.
func (s *Server) Fail(status int, body string) {
	s.Answer(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// Hold keeps requests waiting until [Server.Release].
func (s *Server) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

// Release lets the requests go that wait.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

// Came waits for a request that was not waited for yet.
func (s *Server) Came() { <-s.came }

// Calls returns the requests since the last call, each as its path and query.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *Server) front(real http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls = append(s.calls, r.URL.RequestURI())
		gate, answer := s.gate, s.answer
		s.mu.Unlock()
		s.came <- struct{}{}
		if gate != nil {
			select {
			case <-gate:
			case <-r.Context().Done():
				return
			}
		}
		switch {
		case answer != nil:
			answer(w, r)
		case r.Header.Get("Accept") != "application/json": // it takes the caller for a browser
			http.Redirect(w, r, "/login", http.StatusFound)
		default:
			real.ServeHTTP(w, r)
		}
	})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) self(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]]
	if !ok || u.Deleted {
		write(w, http.StatusUnauthorized, map[string]string{"message": "Unauthenticated."})
		return
	}
	shown := u.shown()
	shown["created_at"], shown["updated_at"] = "2017-06-02 08:43:54", "2017-12-17T14:34:13.000000Z"
	write(w, http.StatusOK, shown)
}

func (u User) shown() map[string]any {
	var deleted any
	if u.Deleted {
		deleted = "2018-01-01 00:00:00"
	}
	return map[string]any{"id": u.ID, "name": u.Name, "bio": u.Bio, "sex": u.Sex, "location": nil, "avatar": u.Avatar, "bg": nil,
		"verified": nil, "extra": nil, "following": false, "follower": false, "deleted_at": deleted}
}

// list answers with the users of the given ids, deleted ones too, or with those after one id.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	ids := strings.FieldsFunc(q.Get("id"), func(c rune) bool { return c == ',' })
	since, _ := strconv.ParseInt(q.Get("since"), 10, 64)
	ascending := q.Get("order") == "asc"
	shown := []User{}
	for _, u := range s.users {
		named := slices.Contains(ids, strconv.FormatInt(u.ID, 10))
		passed := since == 0 || ascending && u.ID > since || !ascending && u.ID < since
		if passed && (named || len(ids) == 0 && !u.Deleted) {
			shown = append(shown, u)
		}
	}
	slices.SortFunc(shown, func(a, b User) int {
		if ascending {
			return cmp.Compare(a.ID, b.ID)
		}
		return cmp.Compare(b.ID, a.ID)
	})
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil {
		limit = Users
	}
	shown = shown[:min(len(shown), max(1, min(limit, UsersMax)))]
	answer := make([]map[string]any, len(shown))
	for i, u := range shown {
		answer[i] = u.shown()
	}
	write(w, http.StatusOK, answer)
}

func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	switch url, ok := s.files[id]; {
	case !ok:
		write(w, http.StatusNotFound, map[string]string{"message": ""})
	case r.URL.Query().Has("json"):
		write(w, http.StatusOK, map[string]string{"url": url})
	default:
		http.Redirect(w, r, url, http.StatusFound)
	}
}
