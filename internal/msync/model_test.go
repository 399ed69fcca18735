package msync_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// modelSize is how much the model does: few seconds of it, or what TEAHOUSE_TEST_MODEL=seeds,steps says.
func modelSize(t *testing.T) (seeds, steps int) {
	seeds, steps = 4, 120
	if text := os.Getenv("TEAHOUSE_TEST_MODEL"); text != "" {
		if _, err := fmt.Sscanf(text, "%d,%d", &seeds, &steps); err != nil {
			t.Fatalf("TEAHOUSE_TEST_MODEL is %q, want seeds,steps: %v", text, err)
		}
	}
	return seeds, steps
}

// lossy is a connection on whose way everything may get lost, while both ends believe it is there.
type lossy struct {
	net.Conn
	up, down atomic.Bool // nothing arrives any more
}

func (l *lossy) Write(p []byte) (int, error) {
	if l.up.Load() {
		return len(p), nil
	}
	return l.Conn.Write(p)
}

func (l *lossy) Read(p []byte) (int, error) {
	for {
		n, err := l.Conn.Read(p)
		if err != nil || !l.down.Load() {
			return n, err
		}
	}
}

// device is one device of the model, and the app on it.
type device struct {
	m          *model
	user, name string
	c          *msynctest.Client
	wire       *lossy
	posted     []posted // and not known what became of it
	page       int      // lives of the app

	mu   sync.Mutex
	came []arrival // guarded by mu
}

type posted struct {
	id   uint64
	to   msynctest.Target
	text string
}

type arrival struct {
	page  int
	queue string
	id    uint64
	text  string
}

func (d *device) String() string { return d.user + "/" + d.name }

// model does at random what users, networks and servers do, and says what every device must have seen in the end.
type model struct {
	*world
	r       *rand.Rand
	devices []*device
	targets []msynctest.Target
	changed chan struct{}
	acked   map[string]uint64 // texts that were acknowledged to their senders
	said    int
	log     []string
}

func newModel(t *testing.T, w *world, seed uint64) *model {
	m := &model{world: w, r: rand.New(rand.NewPCG(seed, 4)), acked: map[string]uint64{}, changed: make(chan struct{}, 1),
		targets: []msynctest.Target{msynctest.ToUser("ann"), msynctest.ToUser("bob"), msynctest.ToUser("cat"), msynctest.ToGroup("team")}}
	for _, user := range []string{"ann", "bob", "cat"} {
		if _, err := w.svc.OpenDevice(w.ctx, w.as(im.Username(user)), "probe"); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			d := &device{m: m, user: user, name: fmt.Sprint("d", i)}
			m.devices = append(m.devices, d)
			m.load(d)
		}
	}
	return m
}

func (m *model) note(format string, args ...any) { m.log = append(m.log, fmt.Sprintf(format, args...)) }

// load starts the app on a device, which knows nothing.
func (m *model) load(d *device) {
	cfg := m.config(d.user, d.name)
	d.page++
	page := d.page
	cfg.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := m.dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		d.wire = &lossy{Conn: c}
		return d.wire, nil
	}
	cfg.Keep = func(g msynctest.Got) bool {
		if g.Meta.GetNs() == pb.Meta_CHAT {
			d.mu.Lock()
			d.came = append(d.came, arrival{page, g.Queue.GetName(), g.Meta.GetId(), g.Text()})
			d.mu.Unlock()
			select {
			case m.changed <- struct{}{}:
			default:
			}
		}
		return false
	}
	c, err := msynctest.Dial(m.ctx, cfg)
	if err != nil {
		m.t.Fatalf("%v: %v", d, err)
	}
	d.c = c
	m.t.Cleanup(c.Kill)
}

// say posts texts and waits for nothing.
func (d *device) say(texts []string, to []msynctest.Target) {
	for i, text := range texts {
		id, _ := d.c.Post(msynctest.Message{To: to[i], Body: &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text(text)}}})
		d.posted = append(d.posted, posted{id, to[i], text})
	}
}

// words makes up what to say to whom: now and then a lot to the same.
func (m *model) words(n int) (texts []string, to []msynctest.Target) {
	one := m.targets[m.r.IntN(len(m.targets))]
	flood := m.r.IntN(6) == 0
	if flood {
		n *= 20
	}
	for range n {
		m.said++
		texts, to = append(texts, fmt.Sprint("t", m.said)), append(to, one)
		if !flood {
			one = m.targets[m.r.IntN(len(m.targets))]
		}
	}
	return texts, to
}

// settle waits until it is known what the server took of what a device has said: nothing more comes on a connection that ended.
func (m *model) settle(d *device) {
	var open []posted
	for _, p := range d.posted {
		ack, err := d.c.Await(m.ctx, p.id)
		switch {
		case err == nil && ack.Code == pb.Status_OK:
			m.acked[p.text] = ack.ServerID
		case m.ctx.Err() != nil:
			m.t.Fatalf("%v waits for %v\n%s", d, p, strings.Join(m.log, "\n"))
		default: // perhaps
			open = append(open, p)
		}
	}
	d.posted = open
}

// drop breaks the connection of a device.
func (m *model) drop(d *device) {
	d.c.Kill()
	m.settle(d)
}

// revive connects a device again. What is open it says again, under the same id, or gives up.
func (m *model) revive(d *device) {
	m.drop(d)
	if m.r.IntN(4) == 0 {
		m.note("%v loads anew", d)
		d.posted = nil
		m.load(d)
		return
	}
	if err := d.c.Reconnect(m.ctx); err != nil {
		m.t.Fatalf("%v: %v", d, err)
	}
	again := d.posted
	d.posted = nil
	for _, p := range again {
		if m.r.IntN(2) == 0 {
			m.note("%v says %s again", d, p.text)
			_, _ = d.c.Post(msynctest.Message{ID: p.id, To: p.to, Body: &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text(p.text)}}})
			d.posted = append(d.posted, p)
		}
	}
	m.settle(d)
}

// alive reports whether what a device says arrives, and is answered.
func (d *device) alive() bool { return !d.c.Over() && !d.wire.up.Load() && !d.wire.down.Load() }

func (m *model) step() {
	d := m.devices[m.r.IntN(len(m.devices))]
	switch n := m.r.IntN(40); {
	case n < 18:
		texts, to := m.words(1 + m.r.IntN(3))
		m.note("%v says %v", d, texts)
		d.say(texts, to)
		if d.alive() {
			m.settle(d)
		}
	case n < 22:
		m.note("%v is cut off (%d)", d, n%2)
		if n%2 == 0 { // for good: what is lost does not come later
			d.wire.up.Store(true)
		} else {
			d.wire.down.Store(true)
		}
	case n < 25:
		m.note("%v drops", d)
		m.drop(d)
	case n < 31:
		m.note("%v connects", d)
		m.revive(d)
	case n < 33 && d.alive():
		m.note("%v beats", d)
		if _, err := d.c.Unread(m.ctx); err != nil {
			m.note("%v: %v", d, err)
		}
	case n < 34:
		m.clock.Advance([]time.Duration{time.Millisecond, time.Second, 10 * time.Second}[m.r.IntN(3)])
	case n < 39:
		m.storm()
	default:
		m.reboot(m.r.IntN(2) == 0)
	}
}

// storm has several devices speak at once while something breaks.
func (m *model) storm() {
	var all sync.WaitGroup
	for _, i := range m.r.Perm(len(m.devices))[:3] {
		d := m.devices[i]
		texts, to := m.words(5)
		if m.r.IntN(2) == 0 { // all to the same
			for i := range to {
				to[i] = to[0]
			}
		}
		m.note("%v says %v in the storm", d, texts)
		all.Go(func() { d.say(texts, to) })
	}
	for range m.r.IntN(3) * 20 { // some way into it
		select {
		case <-m.changed:
		case <-time.After(time.Millisecond):
		}
	}
	switch victim := m.devices[m.r.IntN(len(m.devices))]; m.r.IntN(4) {
	case 0:
		m.note("all of %s break", victim.user)
		for _, d := range m.devices {
			if d.user == victim.user {
				d.wire.Conn.Close()
			}
		}
	case 1:
		m.note("%v is not heard", victim)
		victim.wire.up.Store(true)
	case 2:
		m.note("the server is killed")
		m.kill()
	}
	all.Wait()
	for _, d := range m.devices {
		if d.c.Over() || d.alive() {
			m.settle(d)
		}
	}
}

// reboot ends the server, in good order or not.
func (m *model) reboot(hard bool) {
	m.note("the server ends, killed: %v", hard)
	if hard {
		m.kill()
	} else {
		m.restart()
	}
	for _, d := range m.devices {
		m.drop(d)
	}
}

// truth is what stands in the conversations of a user, in order.
func (m *model) truth(user string) (all []im.Message) {
	for _, to := range m.targets {
		with := im.ToUser(im.Username(to.Name))
		if to.Type == pb.MessageBody_GROUPCHAT {
			with = im.ToRoom(im.Group, im.RoomID(to.Name))
		}
		for after, more := im.MessageID(0), true; more; {
			got, err := m.svc.Pull(m.ctx, m.as(im.Username(user)), "probe", with, after, 500)
			m.must(err)
			all = append(all, got.Messages...)
			after, more = got.UpTo, got.More
		}
	}
	return all
}

// check connects everybody and compares.
func (m *model) check() {
	for _, d := range m.devices {
		m.revive(d)
		m.settle(d)
	}
	stored := map[string]im.MessageID{}
	for _, d := range m.devices {
		want := map[string]im.MessageID{}
		for _, msg := range m.truth(d.user) {
			text := textOf(&msg)
			if first, twice := stored[text]; twice && first != msg.ID {
				m.fail("%s is stored twice", text)
			}
			stored[text] = msg.ID
			if msg.From != im.Username(d.user) || msg.Device != d.name {
				want[text] = msg.ID
			}
		}
		m.await(d, want)
		m.compare(d, want)
	}
	for text, id := range m.acked {
		if stored[text] != im.MessageID(id) {
			m.fail("%s was acknowledged as %d and is stored as %d", text, id, stored[text])
		}
	}
}

func textOf(m *im.Message) string {
	v, _ := m.Body.Fields.Get("msg")
	return v.Text
}

func (m *model) fail(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf(format+"\n%s", append(args, strings.Join(m.log[max(0, len(m.log)-150):], "\n"))...)
}

// await waits until everything has come.
func (m *model) await(d *device, want map[string]im.MessageID) {
	for {
		missing := []string{}
		d.mu.Lock()
		for text := range want {
			if !slices.ContainsFunc(d.came, func(a arrival) bool { return a.text == text }) {
				missing = append(missing, text)
			}
		}
		d.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		select {
		case <-m.changed:
		case <-time.After(time.Second):
			if d.c.Stopped() { // else everything comes without a heartbeat
				_, _ = d.c.Unread(m.ctx)
			}
		case <-m.ctx.Done():
			m.fail("%v misses %v", d, missing)
		}
	}
}

// compare wants nothing to have come that should not, nothing twice in one life of the app, and everything in order.
func (m *model) compare(d *device, want map[string]im.MessageID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[string]int{}
	last := map[string]uint64{}
	for i, a := range d.came {
		key := fmt.Sprint(a.page, " ", a.text)
		place := fmt.Sprint(a.page, " ", a.queue)
		switch {
		case want[a.text] != im.MessageID(a.id):
			m.fail("%v got %+v, which is not for it", d, a)
		case seen[key] > 0 && seen[key] > i-100:
			m.fail("%v got %+v twice", d, a)
		case seen[key] > 0: // the client has forgotten it
			continue
		case a.id <= last[place]:
			m.fail("%v got %+v after %d", d, a, last[place])
		}
		seen[key], last[place] = i+1, a.id
	}
}

// checkPlaces wants that nothing waits once everybody has acknowledged the last word.
func (m *model) checkPlaces() {
	for _, d := range m.devices {
		if d.name == "d0" {
			for _, to := range m.targets {
				m.send(d.c, to, fmt.Sprint(d, " says goodbye to ", to.Name))
			}
		}
	}
	for _, d := range m.devices {
		for waits := true; waits; {
			unread, err := m.svc.OpenDevice(m.ctx, m.as(im.Username(d.user)), d.name)
			if err != nil {
				m.fail("%v: %v", d, err)
			}
			waits = slices.ContainsFunc(unread, func(u im.Unread) bool { return !u.With.Notices })
			if waits && d.c.Stopped() { // what it had already it acknowledges when it is told again
				_, _ = d.c.Unread(m.ctx)
			}
		}
	}
}

// TestModel: whatever breaks, what was acknowledged to its sender reaches every device, in order, and once as far as the
// client remembers. Then nothing waits.
func TestModel(t *testing.T) {
	seeds, steps := modelSize(t)
	for i := range seeds {
		seed := i + 1
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			w := newWorld(t)
			m := newModel(t, w, uint64(seed))
			for range steps {
				m.step()
			}
			m.check()
			m.checkPlaces()
		})
	}
}
