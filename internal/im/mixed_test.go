package im_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// mixedDeeds is how much each of those does who act at once in TestMixedLoad.
var mixedDeeds = flag.Int("mixed", 30, "deeds of each of sixteen who act at once")

// mixed is what happens to a few people, chatrooms and groups from many sides at once.
type mixed struct {
	w      *world
	svc    *im.Service
	people []string
	ids    [64]atomic.Int64 // messages, to be read, withdrawn and edited
	// Who is registered, and rooms that get an id of before, can be locked by nobody until then. Others wait for that here, so that
	// no order of locks is blamed.
	birth sync.RWMutex
}

// turn is one thing done by a user to another, in rooms.
type turn struct {
	*mixed
	ctx         context.Context
	r           *rand.Rand
	c           im.Caller
	u, v, x     string
	room, group im.RoomID
	id          im.MessageID
	device      string
	client      string
}

func (m *mixed) turn(ctx context.Context, r *rand.Rand, client string) *turn {
	one := func() string { return m.people[r.IntN(len(m.people))] }
	d := &turn{mixed: m, ctx: ctx, r: r, u: one(), v: one(), x: one(), room: im.RoomID(fmt.Sprint("mixc", r.IntN(3))), group: im.RoomID(fmt.Sprint("mixg", r.IntN(3))),
		id: im.MessageID(m.ids[r.IntN(len(m.ids))].Load()), device: fmt.Sprint("d", r.IntN(2)), client: client}
	d.c = im.UserCaller(m.w.app, im.Username(d.u))
	return d
}

func (d *turn) half() bool { return d.r.IntN(2) == 0 }

// say sends to one address, or to several as the app.
func (d *turn) say(to ...im.Address) error {
	c, n := d.c, im.NewMessage{Device: d.device, Client: d.client, Echo: true, To: to, Body: words("x"), AskReceipts: true, Online: d.r.IntN(8) == 0}
	if len(to) > 1 {
		c, n.From, n.Client = im.AppCaller(d.w.app), d.u, ""
	}
	sent, err := d.svc.Send(d.ctx, c, n)
	if err == nil {
		d.ids[d.r.IntN(len(d.ids))].Store(int64(sent[0].ID))
	}
	return err
}

func (d *turn) receipt(r im.NewReceipt) error {
	r.Device, r.Client = d.device, d.client
	_, err := d.svc.Receipt(d.ctx, d.c, r)
	return err
}

// messages are turns about messages, and devices.
func (d *turn) messages() error {
	group := im.ToRoom(im.Group, d.group)
	switch d.r.IntN(16) {
	case 0, 1:
		return d.say(address(d.v))
	case 2, 3:
		return d.say(group)
	case 4:
		return d.say(address(d.v), address(d.x), address(d.u))
	case 5:
		return d.say(im.ToRoom(im.Chatroom, d.room))
	case 6, 7, 8:
		return d.receipt(im.NewReceipt{Kind: im.ReceiptRead, Of: d.id})
	case 9:
		return d.receipt(im.NewReceipt{Kind: im.ReceiptAllRead, To: group})
	case 10:
		return d.receipt(im.NewReceipt{Kind: im.ReceiptAllRead, To: address(d.v)})
	case 11:
		_, err := d.svc.Recall(d.ctx, im.AppCaller(d.w.app), d.id, im.Recalling{})
		return err
	case 12:
		_, err := d.svc.Rewrite(d.ctx, im.AppCaller(d.w.app), d.id, im.Rewriting{Body: words("y")})
		return err
	case 13:
		_, err := d.svc.OpenDevice(d.ctx, d.c, d.device)
		return err
	case 14:
		return d.svc.Acknowledge(d.ctx, d.c, d.device, address(d.v), d.id)
	}
	var places []im.Place
	for range 10 {
		places = append(places, im.Place{App: d.w.app.ID, User: im.Username(d.people[d.r.IntN(len(d.people))]), Device: d.device, With: address(d.v), UpTo: d.id})
	}
	return d.svc.AcknowledgeAll(d.ctx, places)
}

// memberships are turns about who is where.
func (d *turn) memberships() error {
	app := im.AppCaller(d.w.app)
	var err error
	switch d.r.IntN(14) {
	case 0, 1:
		_, err = d.svc.Enter(d.ctx, d.c, d.room, im.Entering{LeaveOthers: d.half()})
	case 2:
		err = d.svc.Leave(d.ctx, d.c, im.Chatroom, d.room)
	case 3:
		err = d.svc.WentAway(d.ctx, d.w.app.ID, im.Username(d.u))
		d.w.clock.Advance(500 * time.Millisecond)
	case 4:
		_, err = d.svc.AddMembers(d.ctx, app, im.Group, d.group, []string{d.v, d.u, d.x})
	case 5:
		_, err = d.svc.RemoveMembers(d.ctx, app, im.Group, d.group, []string{d.v, d.x})
	case 6:
		_, err = d.svc.Invite(d.ctx, d.c, d.group, []string{d.v}, "")
	case 7:
		_, err = d.svc.Apply(d.ctx, d.c, im.Group, d.group, "m")
	case 8:
		err = d.svc.AnswerApplication(d.ctx, app, d.group, d.v, d.half(), "")
	case 9:
		err = d.svc.AnswerInvitation(d.ctx, d.c, d.group, d.u, d.half(), "")
	case 10:
		err = d.svc.ChangeRoom(d.ctx, app, im.Group, d.group, im.RoomChange{NewOwner: &d.v})
	case 11:
		err = errors.Join(d.svc.AddAdmin(d.ctx, app, im.Group, d.group, d.v), d.svc.RemoveAdmin(d.ctx, app, im.Group, d.group, d.x))
	case 12:
		_, err = d.svc.BlockMembers(d.ctx, app, im.Group, d.group, []string{d.v}, true)
	case 13:
		_, err = d.svc.MuteMembers(d.ctx, app, im.Chatroom, d.room, []string{d.v}, time.Second)
	}
	return err
}

// persons are turns about people, some of whom go.
func (d *turn) persons() (born func() error, err error) {
	app := im.AppCaller(d.w.app)
	switch d.r.IntN(8) {
	case 0:
		_, _, err = d.svc.AddContact(d.ctx, app, d.u, d.v)
	case 1:
		_, _, err = d.svc.RemoveContact(d.ctx, app, d.u, d.v)
	case 2, 3:
		_, err = d.svc.AskContacts(d.ctx, d.c, d.u, []string{d.v, d.x}, "hi")
	case 4:
		err = d.svc.SetShield(d.ctx, d.c, im.Group, d.group, d.u, d.half())
	case 5:
		_, err = d.svc.DeleteUser(d.ctx, app, d.v)
		born = func() error {
			_, err := d.svc.Register(d.ctx, app, im.NewUser{Name: d.v})
			return err
		}
	case 6:
		err, born = d.svc.DestroyRoom(d.ctx, app, im.Group, d.group), func() error { return d.open(im.Group, d.group) }
	case 7:
		err, born = d.svc.DestroyRoom(d.ctx, app, im.Chatroom, d.room), func() error { return d.open(im.Chatroom, d.room) }
	}
	return born, err
}

func (d *turn) open(kind im.RoomKind, id im.RoomID) error {
	_, err := d.svc.CreateRoom(d.ctx, im.AppCaller(d.w.app), im.NewRoom{Kind: kind, ID: id, Name: "n", Owner: d.v, Members: []string{d.u, d.x}, Public: true, MembersOnly: d.half(), AllowInvites: true})
	return err
}

// do does one thing.
func (d *turn) do() error {
	d.birth.RLock()
	var err error
	var born func() error
	switch n := d.r.IntN(5); {
	case n < 2:
		err = d.messages()
	case n < 4:
		err = d.memberships()
	default:
		born, err = d.persons()
	}
	d.birth.RUnlock()
	if born == nil {
		return err
	}
	d.birth.Lock()
	defer d.birth.Unlock()
	return errors.Join(err, born())
}

// TestMixedLoad: whatever people and the app do at once, while absences and mutes end, nobody waits in a circle and nothing fails
// that is not to be refused.
func TestMixedLoad(t *testing.T) {
	onEngines(t, []string{"chatroom_grace_seconds=1"}, func(t *testing.T, w *world) {
		var updates, runs, circles atomic.Int64
		counted := w.another(func(c *im.Config) {
			c.Sessions = &imtest.Sessions{}
			c.Store = hookStore{Store: c.Store, update: func(fn func(im.Tx) error) func(im.Tx) error {
				updates.Add(1)
				return func(tx im.Tx) error {
					runs.Add(1)
					err := fn(tx)
					if err != nil && strings.Contains(fmt.Sprint(errors.Unwrap(err)), "40P01") {
						circles.Add(1)
					}
					return err
				}
			}}
		})
		m := &mixed{w: w, svc: counted.svc}
		for i := range 24 {
			m.people = append(m.people, fmt.Sprintf("p%02d", i*7%24)) // registered in another order than that of names
		}
		w.register(m.people...)
		for i := range 3 {
			d := m.turn(t.Context(), rand.New(rand.NewPCG(uint64(i), 0)), "")
			must(t, errors.Join(d.open(im.Group, im.RoomID(fmt.Sprint("mixg", i))), d.open(im.Chatroom, im.RoomID(fmt.Sprint("mixc", i)))))
		}
		ctx, end := context.WithCancel(t.Context())
		due := make(chan error)
		go func() { due <- m.svc.Run(ctx) }()
		together(each(16, func(who int) error {
			r := rand.New(rand.NewPCG(uint64(who), 7))
			for i := range *mixedDeeds {
				if err := m.turn(t.Context(), r, fmt.Sprint(who, ".", i)).do(); err != nil && im.AsError(err).Kind == im.Internal || errors.Is(err, im.ErrUnavailable) {
					t.Errorf("%v: %v", err, errors.Unwrap(err))
				}
			}
			return nil
		})...)
		end()
		must(t, <-due)
		t.Logf("%d transactions, %d runs", updates.Load(), runs.Load())
		same(t, "circles", circles.Load(), int64(0))
	})
}
