package im_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// How somebody is in a room.
const (
	visiting = "visiting"
	added    = "added"  // over REST
	office   = "office" // an admin who came as a visitor
)

// visitModel says in a few lines who is in which room.
type visitModel struct {
	now    time.Time
	in     map[string]map[im.RoomID]string // by user
	online map[string]bool
	due    map[string]time.Time
}

func (m *visitModel) lookAway(u string) {
	for _, how := range m.in[u] {
		if how == visiting && !m.online[u] {
			m.due[u] = m.now.Add(10 * time.Second)
		}
	}
}

func (m *visitModel) end() {
	for u, due := range m.due {
		if due.After(m.now) {
			continue
		}
		delete(m.due, u)
		for id, how := range m.in[u] {
			if how == visiting && !m.online[u] {
				delete(m.in[u], id)
			}
		}
	}
}

func (m *visitModel) String() string {
	var lines []string
	for u, rooms := range m.in {
		for id := range rooms {
			lines = append(lines, fmt.Sprintf("%s in %s", u, id))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

// TestVisitsAgainstAModel takes random steps and compares who is where.
func TestVisitsAgainstAModel(t *testing.T) {
	onEngines(t, []string{"chatroom_grace_seconds=10"}, func(t *testing.T, w *world) {
		w, sessions := online(w)
		rooms := []im.RoomID{"one", "two"}
		for _, id := range rooms {
			as(t, w, "app").Create(im.NewRoom{ID: id, Name: "n", Owner: "ann"})
		}
		users := []string{"bob", "sid"}
		m := &visitModel{now: w.clock.Now(), in: map[string]map[im.RoomID]string{}, online: map[string]bool{}, due: map[string]time.Time{}}
		for _, u := range users {
			m.in[u] = map[im.RoomID]string{}
		}
		seed := rand.Uint64()
		dice := rand.New(rand.NewPCG(seed, 0))
		var steps []string
		for range 300 {
			u, id := users[dice.IntN(2)], rooms[dice.IntN(2)]
			steps = append(steps, m.step(w, sessions, dice.IntN(14), u, id, time.Duration(dice.IntN(12))*time.Second))
			must(t, w.svc.Due(t.Context()))
			m.end()
			if got := w.whereabouts(rooms, users); got != m.String() {
				t.Fatalf("seed %d, after\n%s\n got %s\nwant %s", seed, strings.Join(steps, "\n"), got, m)
			}
		}
	})
}

// step takes one step in the world and in the model, and names it.
func (m *visitModel) step(w *world, sessions *imtest.Sessions, what int, u string, id im.RoomID, d time.Duration) string {
	w.t.Helper()
	how, inside := m.in[u][id]
	switch what {
	case 0, 1, 2:
		as(w.t, w, u).in(id).Visit("")
		if !inside {
			m.in[u][id] = visiting
		}
		m.lookAway(u)
		return u + " enters " + string(id)
	case 3:
		as(w.t, w, u).in(id).VisitOnly()
		for other, how := range m.in[u] {
			if how == visiting && other != id {
				delete(m.in[u], other)
			}
		}
		if !inside {
			m.in[u][id] = visiting
		}
		m.lookAway(u)
		return u + " enters only " + string(id)
	case 4:
		if inside {
			as(w.t, w, u).in(id).Leave()
			delete(m.in[u], id)
		}
		return u + " leaves " + string(id)
	case 5:
		if !inside {
			as(w.t, w, "app").in(id).Add(u)
			m.in[u][id] = added
		}
		return u + " is added to " + string(id)
	case 6:
		switch how {
		case visiting:
			as(w.t, w, "app").in(id).AddAdmin(u)
			m.in[u][id] = office
		case office:
			as(w.t, w, "app").in(id).RemoveAdmin(u)
			m.in[u][id] = visiting
			m.lookAway(u)
		}
		return u + " becomes or ceases to be an admin of " + string(id)
	}
	return m.connect(w, sessions, what, u, d)
}

// connect takes a step that is about connections and time.
func (m *visitModel) connect(w *world, sessions *imtest.Sessions, what int, u string, d time.Duration) string {
	w.t.Helper()
	name := im.Username(u)
	switch what {
	case 7:
		w.connects(sessions, name)
		m.online[u] = true
		delete(m.due, u)
		return u + " connects"
	case 8:
		w.loses(sessions, name)
		m.online[u] = false
		m.lookAway(u)
		return u + " loses the connection"
	case 9: // with the server
		must(w.t, sessions.Disconnect(w.t.Context(), w.app.ID, name, ""))
		m.online[u] = false
		must(w.t, w.svc.Start(w.t.Context()))
		for _, who := range []string{"bob", "sid"} {
			m.lookAway(who)
		}
		return u + " loses the connection, and the server starts again"
	}
	w.clock.Advance(d)
	m.now = m.now.Add(d)
	return d.String() + " pass"
}

// whereabouts is what the model's String is.
func (w *world) whereabouts(rooms []im.RoomID, users []string) string {
	w.t.Helper()
	var lines []string
	for _, id := range rooms {
		for _, m := range w.members(id) {
			if slices.Contains(users, string(m.User)) {
				lines = append(lines, fmt.Sprintf("%s in %s", m.User, id))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}
