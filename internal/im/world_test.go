package im_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/blob"
	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
	"teahouse/internal/pictures"
	"teahouse/internal/sqlstore"
	"teahouse/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// lounge is the chatroom of every world.
const lounge im.RoomID = "lounge"

// world is a Service on a real store, with a clock that stands still, identifiers that count and a bus that
// remembers. It holds the app tea#house with these users and the chatroom "lounge", of 200 places:
//
//	ann       its owner
//	adm, ada  admins
//	bob, cat  plain members
//	sid       in no room
//	zed       blocked in the lounge
//
// The password of everyone is "secret".
type world struct {
	t     *testing.T
	ports im.Config
	store im.Store
	clock *imtest.Clock
	bus   *imtest.Bus
	svc   *im.Service
	app   *im.App
}

// newWorld makes a world on SQLite. settings are "key=value" of its app.
func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	return newWorldOn(t, openStore(t, storetest.SQLite(t, makeTables)), settings...)
}

// makeTables makes the tables of a new database.
func makeTables(database string) error {
	s, err := sqlstore.Open(context.Background(), sqlstore.Config{Database: database, Unsynced: true})
	if err != nil {
		return err
	}
	return s.Close()
}

// onEngines runs a test in a world on each engine there is: what concerns concurrency shows only on PostgreSQL,
// where transactions run beside each other.
func onEngines(t *testing.T, settings []string, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, settings...)) })
	t.Run("postgres", func(t *testing.T) {
		test(t, newWorldOn(t, openStore(t, storetest.Postgres(t)), settings...))
	})
}

func openStore(t *testing.T, database string) im.Store {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{Database: database, Unsynced: true})
	if err != nil {
		t.Fatalf("open %s: %v", database, err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return store
}

func newWorldOn(t *testing.T, store im.Store, settings ...string) *world {
	t.Helper()
	w := emptyWorld(t, store)
	app, err := w.svc.CreateApp(t.Context(), im.NewApp{Key: im.AppKey{Org: "tea", Name: "house"}, ClientID: "id",
		Secret: "client secret", Settings: keyValues(settings)})
	if err != nil {
		t.Fatalf("create app: %v", err)
	}
	w.app = &app
	w.register("ann", "adm", "ada", "bob", "cat", "sid", "zed")
	w.furnish(lounge)
	w.bus.Take()
	return w
}

// emptyWorld has no app.
func emptyWorld(t *testing.T, store im.Store) *world {
	w := &world{t: t, store: store, clock: imtest.NewClock(), bus: imtest.NewBus()}
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	w.ports = im.Config{Blob: blobs, Pictures: pictures.New(), Store: store, Bus: w.bus, Clock: w.clock, IDs: &imtest.IDs{}, Passwords: imtest.Passwords{},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	w.svc = im.NewService(w.ports)
	return w
}

// another is the same world seen by another node, whose ports may differ.
func (w *world) another(change func(*im.Config)) *world {
	n := *w
	change(&n.ports)
	n.store = n.ports.Store
	n.svc = im.NewService(n.ports)
	return &n
}

func keyValues(lines []string) map[string]string {
	m := map[string]string{}
	for _, l := range lines {
		k, v, _ := strings.Cut(l, "=")
		m[k] = v
	}
	return m
}

// register makes users with the password "secret".
func (w *world) register(names ...string) {
	w.t.Helper()
	var users []im.NewUser
	for _, n := range names {
		users = append(users, im.NewUser{Name: n, Password: ptr("secret")})
	}
	for batch := range slices.Chunk(users, w.app.Settings.BatchRegister) {
		_, taken, err := w.svc.RegisterBatch(w.t.Context(), im.AppCaller(w.app), batch)
		if err != nil || len(taken) > 0 {
			w.t.Fatalf("register %v: taken %v, %v", names, taken, err)
		}
	}
}

// crowd registers n users u000, u001, … and returns their names.
func (w *world) crowd(n int) []string {
	w.t.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("u%03d", i)
	}
	w.register(names...)
	return names
}

// furnish makes a chatroom with the people of the lounge in it.
func (w *world) furnish(id im.RoomID) {
	w.t.Helper()
	w.furnishAs(im.Chatroom, id)
}

func (w *world) furnishAs(kind im.RoomKind, id im.RoomID) {
	w.t.Helper()
	app := as(w.t, w, "app").of(kind).in(id)
	app.Create(im.NewRoom{ID: id, Name: "The Lounge", Owner: "ann", Members: []string{"adm", "ada", "bob", "cat", "zed"}})
	app.AddAdmin("adm")
	app.AddAdmin("ada")
	app.Block("zed")
	as(w.t, w, "cat").of(kind).in(id).Share("of cat", "meow")
}

// change sets settings of the app and forgets the old ones at once.
func (w *world) change(settings ...string) {
	w.t.Helper()
	app, err := w.svc.ChangeApp(w.t.Context(), im.NewApp{Key: w.app.Key, Settings: keyValues(settings)})
	if err != nil {
		w.t.Fatalf("change app: %v", err)
	}
	w.app = &app
}

// want compares the events since the last call, line by line; see line.
func (w *world) want(lines ...string) {
	w.t.Helper()
	var got []string
	for _, e := range w.bus.Take() {
		got = append(got, w.line(e))
	}
	if g, want := strings.Join(got, "\n"), strings.Join(lines, "\n"); g != want {
		w.t.Errorf("events:\ngot\n%s\nwant\n%s", g, want)
	}
}

// line writes an event as one line: the room, or the user after an @, to whose topic it went, and then the room where it is
// about one; its kind, who did it
// and to whom; how many are in the room; and what else it tells.
func (w *world) line(e im.Event) string {
	var b strings.Builder
	if e.Message != nil {
		if told, ok := e.Message.Notice(); ok {
			if told.Topic != e.Topic || told.App != e.App || told.By != e.By || told.RoomKind == im.Group && told.Name == "" {
				fmt.Fprintf(&b, "WRONG NOTICE %+v ", told)
			}
			b.WriteString("notice ")
			e = told
		}
	}
	switch {
	case e.Room != "" && e.Topic == im.RoomTopic(w.app.ID, e.Room):
		b.WriteString(string(e.Room))
	case e.Room == "" && len(e.Users) > 0 && e.Topic == im.UserTopic(w.app.ID, e.Users[0]):
		b.WriteString("@" + string(e.Users[0]))
	case e.Room != "" && (e.Version == 0 || e.Kind == im.RoomShielded || e.Kind == im.RoomUnshielded) && strings.HasPrefix(string(e.Topic), string(im.UserTopic(w.app.ID, ""))): // told aside
		b.WriteString("@" + strings.TrimPrefix(string(e.Topic), string(im.UserTopic(w.app.ID, ""))) + " " + string(e.Room))
	default:
		fmt.Fprintf(&b, "WRONG TOPIC %s", e.Topic)
	}
	if e.RoomKind == im.Group {
		b.WriteString("(group)")
	} else if (e.RoomKind == im.Chatroom) != (e.Room != "") {
		fmt.Fprintf(&b, " WRONG KIND %d", e.RoomKind)
	}
	by := string(e.By)
	if by == "" {
		by = "app"
	}
	fmt.Fprintf(&b, " %s by %s %v", e.Kind, by, e.Users)
	if e.Members != 0 {
		fmt.Fprintf(&b, " of %d", e.Members)
	}
	if !e.Until.IsZero() {
		b.WriteString(" until " + span(e.Until))
	}
	if e.Text != "" {
		fmt.Fprintf(&b, " %q", e.Text)
	}
	for _, f := range e.Files {
		b.WriteString(" " + f.Name)
	}
	for _, a := range e.Attributes {
		b.WriteString(" " + attrLine(a))
	}
	for _, f := range e.Fields {
		switch {
		case f.Name != "last_modified":
			fmt.Fprintf(&b, " %s=%s", f.Name, f.Text)
		case f.Text != fmt.Sprint(e.At.UnixMilli()):
			b.WriteString(" WRONG TIME " + f.Text)
		}
	}
	if e.App != w.app.ID || !e.At.Equal(w.clock.Now()) {
		fmt.Fprintf(&b, " WRONG APP OR TIME %d %s", e.App, span(e.At))
	}
	return b.String()
}

// span is a moment, counted from the clock's beginning.
func span(t time.Time) string {
	if t.Equal(im.Forever()) {
		return "for good"
	}
	return t.Sub(imtest.Epoch()).String()
}

func attrLine(a im.Attribute) string {
	s := fmt.Sprintf("%s=%s(%s)", a.Key, a.Value, a.Setter)
	if a.AutoDelete {
		s += "~"
	}
	return s
}

// same compares two values.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

// refused wants this error, by its code and by those nouns that want names.
func refused(t testing.TB, err error, want *im.Error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	got := im.AsError(err)
	if want.User != "" && got.User != want.User || want.Room != "" && got.Room != want.Room ||
		want.Arg != "" && got.Arg != want.Arg || want.Count != 0 && got.Count != want.Count {
		t.Errorf("got nouns %q %q %q %d, want %q %q %q %d", got.User, got.Room, got.Arg, got.Count,
			want.User, want.Room, want.Arg, want.Count)
	}
}

// must is for what the test only needs.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }
