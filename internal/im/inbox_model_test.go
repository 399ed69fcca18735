package im_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// talkModel says what stands in every inbox, in the plainest way: a list of messages for each user and conversation, and for
// each device how many of them it has read.
type talkModel struct {
	r       *rand.Rand
	w       *world
	users   []string
	groups  []im.RoomID
	in      map[string]bool      // "user group": is a member
	lists   map[string][]entry   // "user with": what the user receives, in order
	devices map[string][]string  // user: the devices that have come
	read    map[string]int       // "user device with": how many of the list it has read; a device starts where the furthest is
	sent    []im.MessageID       // that can be withdrawn
	where   map[im.MessageID]say // of sent
	log     []string

	live      []*follower
	last      map[im.ConversationID]im.MessageID // in the events
	withdrawn map[im.MessageID]bool
}

type say struct{ from, to string }

type entry struct {
	text   string
	device string // that need not be told: "user device"
	id     im.MessageID
}

func newTalkModel(t *testing.T, w *world, seed uint64) *talkModel {
	m := &talkModel{r: rand.New(rand.NewPCG(seed, 1)), w: w, users: []string{"ann", "bob", "cat"}, groups: []im.RoomID{"g1", "g2"},
		in: map[string]bool{}, lists: map[string][]entry{}, devices: map[string][]string{}, read: map[string]int{}, where: map[im.MessageID]say{},
		last: map[im.ConversationID]im.MessageID{}, withdrawn: map[im.MessageID]bool{}}
	for _, u := range m.users {
		m.live = append(m.live, m.newFollower(t, u))
	}
	for _, g := range m.groups {
		as(t, w, "app").of(im.Group).Create(im.NewRoom{ID: g, Name: "n", Owner: "ann"})
		m.in["ann "+string(g)] = true
	}
	return m
}

func (m *talkModel) pick(of ...string) string { return of[m.r.IntN(len(of))] }

// receive puts a message into the lists of those who receive it.
func (m *talkModel) receive(from, to, device string, only []string, text string, id im.MessageID) {
	put := func(user, with string, e entry) { m.lists[user+" "+with] = append(m.lists[user+" "+with], e) }
	e := entry{text: text, id: id}
	if to[0] != '#' {
		put(to, from, entry{text, deviceOf(from == to, from, device), id})
		if from != to && device != "" {
			put(from, to, entry{text, from + " " + device, id})
		}
		return
	}
	for _, u := range m.users {
		switch {
		case !m.in[u+" "+to[1:]]:
		case u == from && device != "":
			put(u, to, entry{text, u + " " + device, id})
		case u == from:
		case len(only) == 0 || slices.Contains(only, u):
			put(u, to, e)
		}
	}
}

func deviceOf(own bool, from, device string) string {
	if own {
		return from + " " + device
	}
	return ""
}

func (m *talkModel) step(t *testing.T) {
	w := m.w
	u := m.pick(m.users...)
	g := m.groups[m.r.IntN(len(m.groups))]
	group := as(t, w, "app").of(im.Group).in(g)
	if m.r.IntN(3) == 0 {
		w.clock.Advance([]time.Duration{time.Millisecond, time.Second, 50 * time.Second, 3 * time.Minute}[m.r.IntN(4)])
	}
	defer m.follow(t)
	switch n := m.r.IntN(22); {
	case n < 9:
		m.speak(t, u, g)
	case n < 12:
		m.come(t, u)
	case n < 16 && len(m.devices[u]) > 0:
		m.fetch(t, u, m.pick(m.devices[u]...), m.r.IntN(3))
	case n < 18 && u != "ann":
		key := u + " " + string(g)
		if m.in[key] {
			group.Remove(u)
		} else {
			group.Add(u)
		}
		m.in[key] = !m.in[key]
		m.log = append(m.log, fmt.Sprintf("%s in %s: %v", u, g, m.in[key]))
	case n < 20 && len(m.sent) > 0:
		m.withdraw(t)
	case len(m.sent) > 0:
		m.tellRead(t, u)
	}
}

// speak has a user say something, from a device or over the management API.
func (m *talkModel) speak(t *testing.T, u string, g im.RoomID) {
	to := m.pick(append(m.users, "#"+string(g))...)
	if to[0] == '#' && !m.in[u+" "+to[1:]] {
		return
	}
	text := fmt.Sprint(len(m.log))
	n := im.NewMessage{From: u, To: []im.Address{address(to)}, Body: words(text)}
	c := im.AppCaller(m.w.app)
	if len(m.devices[u]) > 0 && m.r.IntN(2) == 0 {
		n.Device, n.Echo, c = m.pick(m.devices[u]...), true, as(t, m.w, u).c
	}
	if to[0] == '#' && m.r.IntN(3) == 0 {
		n.Only = []string{m.pick(m.users...)}
	}
	n.Online = m.r.IntN(8) == 0
	sent, err := m.w.svc.Send(t.Context(), c, n)
	must(t, err)
	if n.Online { // in nobody's inbox
		return
	}
	m.log = append(m.log, fmt.Sprintf("%s says %s to %s %v from %q", u, text, to, n.Only, n.Device))
	m.receive(u, to, n.Device, n.Only, text, sent[0].ID)
	if len(n.Only) == 0 && (n.Echo || to != u) { // a withdrawal goes to all devices of the sender, who must know the conversation
		m.sent = append(m.sent, sent[0].ID)
		m.where[sent[0].ID] = say{u, to}
	}
}

// withdraw takes a message back: out of the lists of those who have not read it, and as a word of its own for all.
func (m *talkModel) withdraw(t *testing.T) {
	i := m.r.IntN(len(m.sent))
	id := m.sent[i]
	m.sent = slices.Delete(m.sent, i, i+1)
	s := m.where[id]
	got, err := m.w.svc.Recall(t.Context(), im.AppCaller(m.w.app), id, im.Recalling{})
	if err != nil { // too old
		refused(t, err, im.ErrRecallLate)
		return
	}
	m.log = append(m.log, fmt.Sprintf("%s withdraws %s", s.from, said(got)))
	m.withdrawn[id] = true
	for key, list := range m.lists {
		for j := range list {
			if list[j].id == id {
				m.lists[key][j].text = "" // read or not, it is not there any more
			}
		}
	}
	m.receive(s.from, s.to, "-", nil, "-"+id.String(), 0)
}

// come opens a device, new or known. It starts where the furthest of the user's devices is.
func (m *talkModel) come(t *testing.T, u string) {
	d := fmt.Sprint("d", m.r.IntN(3))
	if !slices.Contains(m.devices[u], d) {
		for key := range m.lists {
			if name, with, _ := strings.Cut(key, " "); name == u {
				m.read[u+" "+d+" "+with] = m.furthest(u, with)
			}
		}
		m.devices[u] = append(m.devices[u], d)
	}
	m.log = append(m.log, u+" "+d+" comes")
	same(t, u+" "+d+" has waiting", as(t, m.w, u).Open(d), m.waiting(u, d))
}

func (m *talkModel) furthest(u, with string) (n int) {
	for _, d := range m.devices[u] {
		n = max(n, m.read[u+" "+d+" "+with])
	}
	return n
}

// pending is what a device has not read of a conversation.
func (m *talkModel) pending(u, d, with string) (texts []string, places []int) {
	for i, e := range m.lists[u+" "+with] {
		if i >= m.read[u+" "+d+" "+with] && e.text != "" && e.device != u+" "+d {
			texts, places = append(texts, e.text), append(places, i)
		}
	}
	return texts, places
}

// waiting is what Open says: conversations with groups and users, in the order of their names in the store.
func (m *talkModel) waiting(u, d string) string {
	type line struct {
		conv im.ConversationID
		text string
	}
	var lines []line
	for key := range m.lists {
		if name, with, _ := strings.Cut(key, " "); name == u {
			if texts, _ := m.pending(u, d, with); len(texts) > 0 {
				lines = append(lines, line{im.Conversation(im.Username(u), address(with)), fmt.Sprintf("%s %d", with, len(texts))})
			}
		}
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(string(a.conv), string(b.conv)) })
	var all []string
	for _, l := range lines {
		all = append(all, l.text)
	}
	return strings.Join(all, ", ")
}

// fetch reads up to limit messages (0: all) of every conversation and acknowledges some of them.
func (m *talkModel) fetch(t *testing.T, u, d string, limit int) {
	for _, with := range append(slices.Clone(m.users), "#g1", "#g2") {
		texts, places := m.pending(u, d, with)
		if limit > 0 {
			texts = texts[:min(limit, len(texts))]
		}
		pulled, err := m.w.svc.Pull(t.Context(), as(t, m.w, u).c, d, address(with), 0, cond(limit))
		must(t, err)
		got := pulled.Messages
		var read []string
		for _, g := range got {
			read = append(read, said(g))
		}
		if strings.Join(read, " ") != strings.Join(texts, " ") {
			t.Fatalf("%s %s with %s reads %v, want %v\n%s", u, d, with, read, texts, strings.Join(m.log, "\n"))
		}
		if len(got) == 0 {
			continue
		}
		n := m.r.IntN(len(got))
		m.log = append(m.log, fmt.Sprintf("%s %s reads %v of %s, acknowledges %s", u, d, read, with, read[n]))
		must(t, m.w.svc.Acknowledge(t.Context(), as(t, m.w, u).c, d, address(with), got[n].ID))
		m.read[u+" "+d+" "+with] = places[n] + 1
	}
}

func cond(limit int) int {
	if limit == 0 {
		return 500
	}
	return limit
}

// TestInboxModel: whatever users and devices do, every device finds each message once and in order.
func TestInboxModel(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		steps, seeds := 300, uint64(2)
		for seed := range seeds {
			t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
				at := *w
				at.t = t
				app, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "model", Name: fmt.Sprint(seed)}, ClientID: "i", Secret: "s"})
				must(t, err)
				at.app = &app
				at.register("ann", "bob", "cat")
				m := newTalkModel(t, &at, seed)
				for range steps {
					m.step(t)
				}
				for _, u := range m.users {
					for _, d := range m.devices[u] {
						m.fetch(t, u, d, 0)
					}
				}
				m.compare(t)
				if t.Failed() {
					t.Log(strings.Join(m.log, "\n"))
				}
			})
		}
	})
}

// TestInboxTogether: many speak at once while devices read; nothing is lost, nothing comes twice, and each sender's words keep
// their order.
func TestInboxTogether(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		as(t, w, "app").of(im.Group).Create(im.NewRoom{ID: "all", Name: "n", Owner: "ann", Members: []string{"bob", "cat", "sid", "adm"}})
		const each = 12
		speakers := []string{"ann", "cat", "sid", "adm"}
		as(t, w, "bob").Open("web")
		var wg sync.WaitGroup
		for _, s := range speakers {
			wg.Go(func() {
				for i := range each {
					for _, to := range []string{"#all", "bob"} {
						n := im.NewMessage{Device: "phone", Client: fmt.Sprint(to, i), Echo: true, To: []im.Address{address(to)}, Body: words(fmt.Sprintf("%s%d", s, i))}
						for range 2 { // a client that got no answer says it again
							if _, err := w.svc.Send(t.Context(), im.UserCaller(w.app, im.Username(s)), n); err != nil {
								t.Errorf("%s: %v", s, err)
							}
						}
					}
				}
			})
		}
		got := map[string][]string{}
		bob := im.UserCaller(w.app, "bob")
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		for over := false; ; {
			for _, with := range append([]string{"#all"}, speakers...) {
				some, err := w.svc.Pull(t.Context(), bob, "web", address(with), 0, 3)
				must(t, err)
				for _, m := range some.Messages {
					key := with + " " + string(m.From)
					got[key] = append(got[key], said(m))
					must(t, w.svc.Acknowledge(t.Context(), bob, "web", address(with), m.ID))
				}
			}
			if over && as(t, w, "bob").Open("web") == "" {
				break
			}
			select {
			case <-done:
				over = true
			default:
			}
		}
		for _, s := range speakers {
			var want []string
			for i := range each {
				want = append(want, fmt.Sprintf("%s%d", s, i))
			}
			for _, key := range []string{"#all " + s, s + " " + s} {
				same(t, key, got[key], want)
			}
		}
	})
}

// TestFirstWordsTogether: two who say their first words to each other at the same moment receive each once.
func TestFirstWordsTogether(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		for round := range 8 {
			x, y := fmt.Sprint("x", round), fmt.Sprint("y", round)
			w.register(x, y)
			say := func(from, to string) func() error {
				return func() error {
					_, err := w.svc.Send(t.Context(), im.AppCaller(w.app), im.NewMessage{From: from, To: []im.Address{address(to)}, Body: words("hello")})
					return err
				}
			}
			for _, err := range together(say(x, y), say(y, x), say(x, y), say(y, x)) {
				must(t, err)
			}
			same(t, "waiting", []string{as(t, w, x).Open("web"), as(t, w, y).Open("web")}, []string{y + " 2", x + " 2"})
			same(t, "read", as(t, w, x).Read("web", y), "hello hello")
		}
	})
}

// TestFirstWordToTheDeleted: who is deleted while the first message comes leaves no inbox behind for the next of the name.
func TestFirstWordToTheDeleted(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		app := im.AppCaller(w.app)
		for round := range 20 {
			name := fmt.Sprint("brief", round)
			w.register(name)
			together(
				func() error { _, err := w.svc.DeleteUser(t.Context(), app, name); return err },
				func() error {
					_, err := w.svc.Send(t.Context(), app, im.NewMessage{To: []im.Address{address(name)}, Body: words("hello")})
					return err
				})
			w.register(name)
			same(t, "waiting for the next of the name", as(t, w, name).Open("web"), "")
		}
	})
}

// lateClock is behind others.
type lateClock struct {
	im.Clock
	by time.Duration
}

func (c lateClock) Now() time.Time { return c.Clock.Now().Add(-c.by) }

// TestALateNode: what a node says whose clock is behind, or that takes its time to commit, is found by a device that came before.
func TestALateNode(t *testing.T) {
	w := newWorld(t)
	late := w.another(func(c *im.Config) { c.Clock, c.IDs = lateClock{w.clock, 30 * time.Second}, &imtest.IDs{} })
	bob := as(t, w, "bob")
	as(t, w, "cat").Say("bob", "early")
	bob.Open("web")
	bob.Read("web", "cat")
	bob.Open("pad")
	as(t, late, "ann").Say("bob", "first")
	as(t, late, "cat").Say("bob", "second")
	for _, device := range []string{"web", "pad"} {
		same(t, device, bob.Open(device)+": "+bob.Read(device, "ann")+" "+bob.Read(device, "cat"), "ann 1, cat 1: first second")
	}
}

// TestAClockThatWentBack: ids stand side by side where many got a message at once. Who writes to one of them with a clock that is
// behind is not told that the next is taken.
func TestAClockThatWentBack(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		crowd := w.crowd(40)
		app := im.AppCaller(w.app)
		all := im.NewMessage{Body: words("x")}
		for _, name := range crowd {
			all.To = append(all.To, address(name))
		}
		_, err := w.svc.Send(t.Context(), app, all)
		must(t, err)
		late := w.another(func(c *im.Config) { c.Clock, c.IDs = lateClock{w.clock, 30 * time.Second}, &imtest.IDs{} })
		for _, name := range crowd {
			for range 2 {
				as(t, late, "app").Say(name, "y")
			}
			as(t, w, name).Open("web")
			same(t, name, as(t, w, name).Read("web", "admin"), "x y y")
		}
	})
}
