package msync_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"teahouse/internal/blob"
	"teahouse/internal/bus"
	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
	"teahouse/internal/msync"
	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
	"teahouse/internal/pictures"
	"teahouse/internal/sqlstore"
	"teahouse/internal/storetest"
)

// world is a node on a real store, with a clock that stands still and identifiers that count; clients reach it through memory. It
// holds the app tea#house with the users ann, bob, cat and dan, whose password is "secret", the chatroom "lounge" of ann, and the
// group "team" of ann, bob and cat.
type world struct {
	t      testing.TB
	ctx    context.Context //nolint:containedctx // of a test that must not wait for ever
	clock  *imtest.Clock
	ids    *imtest.IDs
	disk   im.Store
	blobs  im.Blob
	app    *im.App
	rate   float64
	log    *slog.Logger
	wrap   func(im.Tx) im.Tx // of the stores of later lives
	caught *im.Faults        // of later lives
	limit  func(*hub.Config) // of later lives
	tokens map[string]string
	begun  uint64 // clients, each of which counts its messages from another number
	*node
}

// node is one life of the server.
type node struct {
	store  *mortal
	bus    *slowBus
	svc    *im.Service
	hub    *hub.Hub
	server *msync.Server
	doors  *doors
	http   *http.Server
	stop   context.CancelFunc
	loops  sync.WaitGroup
}

// patience is how long a test may take before it gives up: the longest take a few seconds of a processor that they share with others.
const patience = 3 * time.Minute

func newWorld(t testing.TB, settings ...string) *world {
	t.Helper()
	if _, fuzz := t.(*testing.F); !fuzz { // which has goroutines of its own
		before := goleak.IgnoreCurrent()
		t.Cleanup(func() { goleak.VerifyNone(t, before) })
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	store, err := sqlstore.Open(ctx, sqlstore.Config{Database: storetest.SQLite(t, makeTables), Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: ctx, clock: imtest.NewClock(), ids: &imtest.IDs{}, disk: store, blobs: blobs, tokens: map[string]string{},
		log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	w.start()
	t.Cleanup(func() { w.shutDown() })
	w.populate(settings)
	return w
}

// makeTables makes the tables of a new database.
func makeTables(database string) error {
	s, err := sqlstore.Open(context.Background(), sqlstore.Config{Database: database, Unsynced: true})
	if err != nil {
		return err
	}
	return s.Close()
}

func (w *world) populate(settings []string) {
	w.t.Helper()
	given := map[string]string{}
	for _, s := range settings {
		k, v, _ := strings.Cut(s, "=")
		given[k] = v
	}
	app, err := w.svc.CreateApp(w.ctx, im.NewApp{Key: im.AppKey{Org: "tea", Name: "house"}, ClientID: "id", Secret: "client secret", Settings: given})
	w.must(err)
	w.app = &app
	w.register("ann", "bob", "cat", "dan")
	w.furnish(im.Chatroom, "lounge", "ann")
	w.furnish(im.Group, "team", "ann", "bob", "cat")
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) root() im.Caller               { return im.AppCaller(w.app) }
func (w *world) as(name im.Username) im.Caller { return im.UserCaller(w.app, name) }

// register makes users with the password "secret".
func (w *world) register(names ...string) {
	w.t.Helper()
	password := "secret"
	for _, n := range names {
		_, _, err := w.svc.RegisterBatch(w.ctx, w.root(), []im.NewUser{{Name: n, Password: &password}})
		w.must(err)
	}
}

// furnish makes a room.
func (w *world) furnish(kind im.RoomKind, id im.RoomID, owner string, members ...string) {
	w.t.Helper()
	_, err := w.svc.CreateRoom(w.ctx, w.root(), im.NewRoom{Kind: kind, ID: id, Name: "a room", Owner: owner, Members: members})
	w.must(err)
}

// start begins a life of the server.
func (w *world) start() {
	n := &node{store: &mortal{Store: w.disk, wrap: w.wrap}, bus: &slowBus{Local: bus.NewLocal()}, doors: newDoors()}
	live := hub.Config{Bus: n.bus, Clock: w.clock, IDs: w.ids, Log: w.log, Faults: w.caught}
	if w.limit != nil {
		w.limit(&live)
	}
	n.hub = hub.New(live)
	n.svc = im.NewService(im.Config{Store: n.store, Bus: n.bus, Clock: w.clock, IDs: w.ids, Blob: w.blobs, Pictures: pictures.New(),
		Passwords: imtest.Passwords{}, Sessions: n.hub, Log: w.log})
	n.hub.Use(n.svc)
	n.server = msync.New(msync.Config{Service: n.svc, Hub: n.hub, Log: w.log, Rate: w.rate, Faults: w.caught})
	n.http = &http.Server{Handler: n.server, ReadHeaderTimeout: patience}
	work, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.loops.Go(func() { _ = n.hub.Run(work) })
	n.loops.Go(func() { _ = n.http.Serve(n.doors) })
	w.node = n
}

// shutDown ends a life as the server does.
func (w *world) shutDown() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.http.Shutdown(ctx); err != nil {
		w.t.Errorf("requests did not end: %v", err)
	}
	w.server.Close(ctx)
	w.stop()
	w.loops.Wait()
}

// restart ends the server's life in good order and begins the next.
func (w *world) restart() {
	w.shutDown()
	w.start()
}

// kill has the server die at any moment: from one on it writes nothing any more, and connections break without a word.
func (w *world) kill() {
	w.store.die()
	w.doors.slam()
	w.shutDown()
	w.start()
}

// token returns a token of a user, or of the app, always the same one.
func (w *world) token(who string) string {
	w.t.Helper()
	if text, ok := w.tokens[who]; ok {
		return text
	}
	grant, err := w.svc.IssueAppToken(w.ctx, w.app, nil)
	if who != "app" {
		grant, err = w.svc.IssueUserToken(w.ctx, w.app, im.Username(who), nil)
	}
	w.must(err)
	w.tokens[who] = grant.Text
	return grant.Text
}

// config is how a client of a user's device connects.
func (w *world) config(user, device string) msynctest.Config {
	w.begun++
	return msynctest.Config{URL: "ws://teahouse/websocket", App: w.app.Key.String(), User: user, Token: w.token(user), Resource: device, NetDial: w.dial,
		FirstID: w.begun * 1_000_000, Keep: func(g msynctest.Got) bool { return g.Meta.GetNs() == pb.Meta_CHAT }}
}

// everything has a client keep not only messages.
func everything(c *msynctest.Config) { c.Keep = nil }

// dial connects to the life that is on now.
func (w *world) dial(ctx context.Context, _, _ string) (net.Conn, error) { return w.doors.dial(ctx) }

// connect signs a device in. It is gone when the test ends.
func (w *world) connect(user, device string, change ...func(*msynctest.Config)) *msynctest.Client {
	w.t.Helper()
	cfg := w.config(user, device)
	for _, f := range change {
		f(&cfg)
	}
	c, err := msynctest.Dial(w.ctx, cfg)
	if err != nil {
		w.t.Fatalf("%s on %s: %v", user, device, err)
	}
	w.t.Cleanup(c.Kill)
	return c
}

// quiet clients do nothing by themselves.
func quiet(c *msynctest.Config) { c.Quiet = true }

// open connects and does not sign in.
func (w *world) open(user, device string, change ...func(*msynctest.Config)) *msynctest.Client {
	w.t.Helper()
	cfg := w.config(user, device)
	for _, f := range change {
		f(&cfg)
	}
	c, err := msynctest.Open(w.ctx, cfg)
	w.must(err)
	w.t.Cleanup(c.Kill)
	return c
}

// send sends a text and wants it to be taken. It returns the id.
func (w *world) send(c *msynctest.Client, to msynctest.Target, text string) uint64 {
	w.t.Helper()
	ack, err := c.Send(w.ctx, to, msynctest.Text(text))
	if err != nil || ack.Code != pb.Status_OK || ack.NoStatus || ack.ServerID == 0 {
		w.t.Fatalf("%q was not taken: %+v, %v", text, ack, err)
	}
	return ack.ServerID
}

// refused sends a text and wants it to be refused.
func (w *world) refused(c *msynctest.Client, to msynctest.Target, code pb.Status_ErrorCode, reason string) {
	w.t.Helper()
	ack, err := c.Send(w.ctx, to, msynctest.Text("no"))
	if err != nil || ack.Code != code || ack.Reason != reason {
		w.t.Errorf("sent: %+v, %v, want %v %q", ack, err, code, reason)
	}
}

// hears waits until texts have come, since the start or Forget, and wants no others before them.
func (w *world) hears(c *msynctest.Client, texts ...string) []msynctest.Got {
	w.t.Helper()
	got, err := c.Wait(w.ctx, len(texts))
	if err != nil {
		w.t.Fatalf("came %q, then %v; want %q", textsOf(c.Got()), err, texts)
	}
	if strings.Join(textsOf(got), "|") != strings.Join(texts, "|") {
		w.t.Fatalf("came %q, want %q", textsOf(got), texts)
	}
	c.Forget()
	return got
}

func textsOf(got []msynctest.Got) (texts []string) {
	for _, g := range got {
		switch {
		case g.Meta.GetNs() != pb.Meta_CHAT:
			texts = append(texts, strings.ToLower(g.Meta.GetNs().String()))
		case g.Text() != "":
			texts = append(texts, g.Text())
		default:
			texts = append(texts, strings.ToLower(g.Body().GetType().String()))
		}
	}
	return texts
}

// ends waits for the end that the server has announced.
func (w *world) ends(c *msynctest.Client, code int) {
	w.t.Helper()
	err := c.Ended(w.ctx)
	var closed *msynctest.Closed
	if !errors.As(err, &closed) || closed.Code != code {
		w.t.Errorf("ended with %v, want code %d", err, code)
	}
}

// waiting is what the store holds for a device.
func (w *world) waiting(user, device string) (n int) {
	w.t.Helper()
	unread, err := w.svc.OpenDevice(w.ctx, w.as(im.Username(user)), device)
	w.must(err)
	for _, u := range unread {
		n += u.Count
	}
	return n
}

// readAll waits until nothing waits for a device: acknowledgements are written a little later.
func (w *world) readAll(user, device string) {
	w.t.Helper()
	for w.waiting(user, device) > 0 {
		runtime.Gosched()
	}
}

// mortal is a store of which a server sees nothing any more once it is dead.
type mortal struct {
	im.Store
	dead   atomic.Bool
	before atomic.Pointer[func()] // every Update
	after  atomic.Pointer[func()] // every View
	wrap   func(im.Tx) im.Tx      // of every transaction; nil: as it is
}

var errDead = errors.New("the server is dead")

func (m *mortal) die() { m.dead.Store(true) }

func (m *mortal) View(ctx context.Context, fn func(im.Tx) error) error {
	if m.dead.Load() {
		return errDead
	}
	err := m.Store.View(ctx, m.wrapped(fn))
	if after := m.after.Load(); after != nil {
		(*after)()
	}
	return err
}

// Update lets what is under way happen or not: nobody is told any more.
func (m *mortal) Update(ctx context.Context, fn func(im.Tx) error) error {
	if m.dead.Load() {
		return errDead
	}
	if before := m.before.Load(); before != nil {
		(*before)()
	}
	err := m.Store.Update(ctx, m.wrapped(fn))
	if m.dead.Load() {
		return errDead
	}
	return err
}

func (m *mortal) wrapped(fn func(im.Tx) error) func(im.Tx) error {
	if m.wrap == nil {
		return fn
	}
	return func(tx im.Tx) error { return fn(m.wrap(tx)) }
}

// slowBus is a bus that a test may hold up.
type slowBus struct {
	*bus.Local
	before atomic.Pointer[func(im.Event)]
}

func (b *slowBus) Publish(ctx context.Context, e im.Event) error {
	if before := b.before.Load(); before != nil {
		(*before)(e)
	}
	return b.Local.Publish(ctx, e)
}

// doors is a listener in memory.
type doors struct {
	came   chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
	shut  bool       // guarded by mu
}

func newDoors() *doors { return &doors{came: make(chan net.Conn), closed: make(chan struct{})} }

func (d *doors) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case d.came <- theirs:
	case <-d.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		theirs.Close()
	}
	d.conns = append(d.conns, theirs)
	return ours, nil
}

// slam breaks all connections.
func (d *doors) slam() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
	for _, c := range d.conns {
		c.Close()
	}
}

func (d *doors) Accept() (net.Conn, error) {
	select {
	case c := <-d.came:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *doors) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

func (*doors) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
