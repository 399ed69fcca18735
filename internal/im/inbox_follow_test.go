package im_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// follower is a device that is connected all the time and hears most events. It goes by what messages say came before them, as
// connections do, and fetches what it has missed.
type follower struct {
	user string
	at   map[im.ConversationID]im.MessageID // up to where it has everything
	got  map[im.ConversationID][]im.MessageID
	told map[im.ConversationID][]im.MessageID // what there was for it
}

const followers = "live" // their name as devices

func (m *talkModel) newFollower(t *testing.T, user string) *follower {
	as(t, m.w, user).Open(followers)
	return &follower{user, map[im.ConversationID]im.MessageID{}, map[im.ConversationID][]im.MessageID{}, map[im.ConversationID][]im.MessageID{}}
}

// follow hands the events since the last call to those who follow, and sees that each message names the one before it.
func (m *talkModel) follow(t *testing.T) {
	for _, e := range m.w.bus.Take() {
		msg := e.Message
		if msg == nil || e.App != m.w.app.ID {
			continue
		}
		if msg.Online {
			same(t, "an online message comes after", msg.Prev, im.MessageID(0))
			continue
		}
		c := msg.Conversation()
		if last := m.last[c]; msg.ID != last { // else told on another topic, too
			if msg.Prev != last || msg.ID <= last {
				t.Fatalf("%s in %s comes after %s, want %s\n%s", msg.ID, c, msg.Prev, last, strings.Join(m.log, "\n"))
			}
			m.last[c] = msg.ID
		}
		for _, f := range m.live {
			if e.Topic == im.UserTopic(e.App, im.Username(f.user)) || e.Topic == im.RoomTopic(e.App, msg.To.Room) && m.in[f.user+" "+string(msg.To.Room)] {
				if told := f.told[c]; msg.For(im.Username(f.user), followers) && (len(told) == 0 || told[len(told)-1] != msg.ID) {
					f.told[c] = append(told, msg.ID)
				}
				if m.r.IntN(4) > 0 {
					m.hear(t, f, msg)
				}
			}
		}
	}
}

// hear takes a message that follows what the device has, and fetches otherwise.
func (m *talkModel) hear(t *testing.T, f *follower, msg *im.Message) {
	c := msg.Conversation()
	at, known := f.at[c]
	switch {
	case known && msg.ID <= at:
	case known && msg.Prev <= at:
		f.at[c] = msg.ID
		if msg.For(im.Username(f.user), followers) {
			f.got[c] = append(f.got[c], msg.ID)
		}
	default:
		m.catchUp(t, f, c)
	}
}

// catchUp fetches what the device has missed, some at a time.
func (m *talkModel) catchUp(t *testing.T, f *follower, c im.ConversationID) {
	u := im.Username(f.user)
	for more := true; more; {
		got, err := m.w.svc.Pull(t.Context(), im.UserCaller(m.w.app, u), followers, c.With(u), f.at[c], 1+m.r.IntN(5))
		must(t, err)
		for _, msg := range got.Messages {
			f.got[c] = append(f.got[c], msg.ID)
		}
		if more = got.More; got.UpTo > 0 {
			f.at[c] = got.UpTo
		}
	}
}

// compare sees that whoever followed has everything once and in order, but for what was withdrawn before it was fetched.
func (m *talkModel) compare(t *testing.T) {
	for _, f := range m.live {
		for c := range f.told {
			m.catchUp(t, f, c)
			there := func(ids []im.MessageID) []im.MessageID {
				return slices.DeleteFunc(ids, func(id im.MessageID) bool { return m.withdrawn[id] })
			}
			same(t, fmt.Sprintf("what %s has of %s", f.user, c), there(f.got[c]), there(f.told[c]))
		}
	}
}

// tellRead has a user tell that a message was read.
func (m *talkModel) tellRead(t *testing.T, u string) {
	id := m.sent[m.r.IntN(len(m.sent))]
	s := m.where[id]
	_, err := m.w.svc.Receipt(t.Context(), im.UserCaller(m.w.app, im.Username(u)), im.NewReceipt{Device: "-", Kind: im.ReceiptRead, Of: id})
	must(t, err)
	if s.to == u && s.from != u {
		m.receive(u, s.from, "-", nil, "read"+id.String(), 0)
		m.log = append(m.log, fmt.Sprintf("%s has read %s", u, id))
	}
}

// TestAcknowledgeAll: devices of several users and apps tell at once how far they have read, some of whom are gone.
func TestAcknowledgeAll(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		bob, sid := as(t, w, "bob"), as(t, w, "sid")
		bob.Open("web")
		bob.Open("pad")
		sid.Open("web")
		first := as(t, w, "cat").Say("bob", "one")
		second := as(t, w, "cat").Say("bob", "two")
		third := as(t, w, "cat").Say("sid", "three")
		place := func(app im.AppID, user im.Username, device string, upTo im.MessageID) im.Place {
			return im.Place{App: app, User: user, Device: device, With: im.ToUser("cat"), UpTo: upTo}
		}
		must(t, w.svc.AcknowledgeAll(t.Context(), nil))
		must(t, w.svc.AcknowledgeAll(t.Context(), []im.Place{
			place(w.app.ID, "sid", "web", third), place(w.app.ID+1, "bob", "pad", second), place(w.app.ID, "bob", "pad", first),
			place(w.app.ID, "bob", "web", second), place(w.app.ID, "bob", "web", first), place(w.app.ID, "nobody", "web", second), place(w.app.ID, "sid", "tv", third)}))
		same(t, "waiting", []string{bob.Open("web"), bob.Open("pad"), bob.Open("new"), sid.Open("web")}, []string{"", "cat 1", "", ""})
		same(t, "read on", bob.Read("pad", "cat"), "two")
		delivered, err := w.svc.Delivered(t.Context(), im.AppCaller(w.app), "bob", second)
		same(t, "delivered", []any{delivered, err}, []any{true, error(nil)})
	})
}

// said is what a message says, or what it withdraws.
func said(m im.Message) string {
	v, _ := m.Body.Fields.Get("msg")
	if m.Body.Type == im.RecallBody {
		v, _ = m.Body.Fields.Get("msg_id")
		return "-" + v.Text
	}
	if r, ok := m.Receipt(); ok {
		return "read" + r.Of.String()
	}
	return v.Text
}
