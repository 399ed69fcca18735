package im_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// Told opens a device, and fetches and acknowledges what waits for it of the user's notices, a line each; see line.
func (a actor) Told(device string) string {
	a.t.Helper()
	unread, err := a.w.svc.OpenDevice(a.t.Context(), a.c, device)
	a.check(err)
	waits := 0
	for _, u := range unread {
		if u.With == im.NoticesOf(a.c.User) {
			waits = u.Count
		}
	}
	got, err := a.w.svc.Pull(a.t.Context(), a.c, device, im.NoticesOf(a.c.User), 0, 100)
	a.check(err)
	same(a.t, "waiting, and more", []any{waits, got.More}, []any{len(got.Messages), false})
	var lines []string
	for _, m := range got.Messages {
		e, ok := m.Notice()
		if !ok || e.App != a.w.app.ID || e.Topic != im.UserTopic(e.App, a.c.User) {
			a.t.Errorf("got %+v", m)
		}
		line := fmt.Sprintf("%s%v", e.Kind, e.Users)
		if e.Room != "" {
			line += fmt.Sprintf(" in %s(%s)", e.Room, e.Name)
		}
		if e.Text != "" {
			line += fmt.Sprintf(" %q", e.Text)
		}
		lines = append(lines, line+" by "+string(e.By))
	}
	if n := len(got.Messages); n > 0 {
		a.check(a.w.svc.Acknowledge(a.t.Context(), a.c, device, im.NoticesOf(a.c.User), got.Messages[n-1].ID))
	}
	return strings.Join(lines, "; ")
}

// TestNoticesWaitForWhoIsAway, for each device once.
func TestNoticesWaitForWhoIsAway(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		w.furnishGroup(crew)
		ann, sid := inGroup(t, w, "ann", crew), as(t, w, "sid")
		same(t, "before anything", sid.Told("web"), "")
		ann.Ask("ann", "hello", "sid")
		ann.Add("sid")
		ann.Remove("sid")
		ann.Add("sid")
		const want = `contact_asked[sid ann] "hello" by ann; members_joined[sid] in crew(The Lounge) by ann; ` +
			`members_removed[sid] in crew(The Lounge) by ann; members_joined[sid] in crew(The Lounge) by ann`
		same(t, "a device that was there", sid.Told("web"), want)
		same(t, "never again", sid.Told("web"), "")
		same(t, "who comes after it was read", sid.Told("new"), "")
		ann.AddAdmin("sid")
		same(t, "one device", sid.Told("new"), "admin_added[sid] in crew(The Lounge) by ann")
		same(t, "the other", sid.Told("web"), "admin_added[sid] in crew(The Lounge) by ann")
		ann.Transfer("sid")
		sid.of(im.Group).in(crew).Destroy()
		const end = "owner_changed[sid ann] in crew(The Lounge) by ann; room_destroyed[] in crew(The Lounge) by sid"
		same(t, "the new owner", sid.Told("web"), end)
		if got := as(t, w, "ann").Told("web"); !strings.HasSuffix(got, end) {
			t.Errorf("the old owner is told %s", got)
		}
		if got := as(t, w, "cat").Told("first"); !strings.HasSuffix(got, "; room_destroyed[] in crew(The Lounge) by sid") {
			t.Errorf("who comes for the first time is told %s", got)
		}
	})
}

// TestNoticesAreNoMessages to those who read what was said.
func TestNoticesAreNoMessages(t *testing.T) {
	w := newCrew(t)
	inGroup(t, w, "ann", crew).Add("sid")
	id := w.bus.Take()
	n, err := w.svc.OfflineCount(t.Context(), im.AppCaller(w.app), "sid")
	must(t, err)
	same(t, "offline", n, 0)
	same(t, "history", len(w.history()), 0)
	i := slices.IndexFunc(id, func(e im.Event) bool { return e.Message != nil })
	_, err = w.svc.Recall(t.Context(), im.AppCaller(w.app), id[i].Message.ID, im.Recalling{})
	refused(t, err, im.ErrMessageNotFound)
	_, err = w.svc.Send(t.Context(), im.AppCaller(w.app), im.NewMessage{To: []im.Address{im.NoticesOf("sid")}, Body: words("x")})
	refused(t, err, im.ErrInvalid)
	others, err := w.svc.Pull(t.Context(), as(t, w, "bob").c, bobsDevice(t, w), im.NoticesOf("sid"), 0, 10)
	same(t, "another's", []any{len(others.Messages), err}, []any{0, error(nil)})
}

func bobsDevice(t *testing.T, w *world) string {
	as(t, w, "bob").Open("web")
	return "web"
}

// TestNoticesOfADeletedUser go along; the groups that go with the user are told of.
func TestNoticesOfADeletedUser(t *testing.T) {
	w := newCrew(t)
	inGroup(t, w, "ann", crew).Add("sid")
	same(t, "bob was told of his place", as(t, w, "bob").Told("web"), "members_joined[bob] in crew(The Lounge) by ")
	as(t, w, "app").DeleteUser("sid")
	w.register("sid")
	same(t, "another of the name", as(t, w, "sid").Told("web"), "")
	inGroup(t, w, "ann", crew).Add("sid")
	same(t, "is told again", as(t, w, "sid").Told("web"), "members_joined[sid] in crew(The Lounge) by ann")
	as(t, w, "app").DeleteUser("ann")
	same(t, "the group of one who is deleted", as(t, w, "bob").Told("web"), "room_destroyed[] in crew(The Lounge) by ")
}

// TestNoticesAreSwept like messages.
func TestNoticesAreSwept(t *testing.T) {
	w := newWorld(t, "message_days=7")
	as(t, w, "ann").Ask("ann", "hello", "sid")
	w.clock.Advance(8 * 24 * time.Hour)
	w.runs()
	w.waits()
	same(t, "after the days", as(t, w, "sid").Told("web"), "")
}

// TestEveryNotice: what a notice tells is what happened, whatever it is.
func TestEveryNotice(t *testing.T) {
	for _, e := range []im.Event{
		{Kind: im.ContactAsked, By: "bob", Users: []im.Username{"sid", "bob"}, Text: "hello \"you\"\n二"},
		{Kind: im.OwnerChanged, Room: "crew", RoomKind: im.Group, Name: "a name", Users: []im.Username{"sid", "bob"}},
		{Kind: im.RoomDestroyed, By: "ann", Room: "crew", RoomKind: im.Group, Name: "a name"},
		{Kind: im.MembersJoined, Room: "crew", RoomKind: im.Group, Users: []im.Username{"sid"}, Members: 7, Until: imtest.Epoch()},
	} {
		e.App, e.At, e.Topic = 3, imtest.Epoch(), im.UserTopic(3, "sid")
		m := im.Message{App: 3, At: e.At, To: im.NoticesOf("sid"), Body: im.NoticeBodyOf(e)}
		got, ok := m.Notice()
		if !ok || !got.Until.Equal(e.Until) {
			t.Errorf("got %+v", got)
		}
		got.Until = e.Until
		same(t, string(e.Kind), got, e)
		same(t, "conversation", m.Conversation().With(""), m.To)
		same(t, "waits", m.For("sid", ""), true)
	}
	if _, ok := (im.Message{Body: words("x")}).Notice(); ok {
		t.Error("a text is a notice")
	}
}

// TestWhoTellsManyDoesNotWaitInACircle, whatever the order they are told in.
func TestWhoTellsManyDoesNotWaitInACircle(t *testing.T) {
	onceEach(t, 5, func(w *world, n int) (fns []func() error) {
		var names []string
		for i := range 8 {
			names = append(names, fmt.Sprintf("t%dx%d", n, (i*5)%8))
		}
		w.register(names...)
		ctx, app := w.t.Context(), as(w.t, w, "app").of(im.Group)
		for i, owner := range names {
			id := im.RoomID(fmt.Sprintf("told%dx%d", n, i))
			app.Create(im.NewRoom{ID: id, Name: "n", Owner: owner, Members: []string{names[(i+3)%8], names[(i+5)%8]}, Public: true, MembersOnly: true})
			app.in(id).AddAdmin(names[(i+3)%8])
			do := []func() error{
				func() error { return w.svc.DestroyRoom(ctx, app.c, im.Group, id) },
				func() error {
					return w.svc.ChangeRoom(ctx, app.c, im.Group, id, im.RoomChange{NewOwner: ptr(names[(i+5)%8])})
				},
				func() error {
					_, err := w.svc.Apply(ctx, im.UserCaller(w.app, im.Username(names[(i+1)%8])), im.Group, id, "please")
					return err
				},
				func() error {
					_, _, err := w.svc.AddContact(ctx, app.c, owner, names[(i+2)%8])
					return err
				},
			}
			fns = append(fns, do[i%4], do[3])
		}
		return fns
	})
}
