package im

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// An inbox is not a table: it is what stands in the conversations a user takes part in, after the place up to which a
// device has acknowledged (ADR 15). InboxTx keeps who takes part, from where to where, and the places.

// Span is a stretch of a conversation that a user receives: after one message and up to another. Who leaves a group and comes
// back has two.
type Span struct {
	Conversation ConversationID
	After        MessageID // the first one received is later
	Until        MessageID // the last one received, or the greatest there is
	Last         MessageID // the last message of the conversation
	Acked        MessageID // how far the device asked about has acknowledged; 0: it has no place of its own
	AckedByAny   MessageID // how far the furthest of the user's devices has
}

// from is the place after which the device reads on.
func (sp Span) from(d Device) MessageID {
	if sp.Acked > 0 {
		return max(sp.After, sp.Acked)
	}
	return max(sp.After, d.Born)
}

func (sp Span) to() MessageID { return min(sp.Last, sp.Until) }

// Device is one installation of a client.
type Device struct {
	App  AppID
	User Username
	Name string
	Born MessageID // what came before its first sight and has no place is read
	Seen time.Time
}

// anyDevice is the name under which the place of the furthest of a user's devices is kept.
const anyDevice = ""

const (
	// bornMargin is how long a transaction that has taken an id may need to commit: ids younger than this when a device is
	// seen first may still appear.
	bornMargin = time.Minute
	deviceLife = 30 * 24 * time.Hour
	fetchMost  = 500
	maxDevice  = 256 // bytes of a device's name
)

// Unread is a conversation that holds something for a device. All that the device has to fetch is counted, also what nobody said.
type Unread struct {
	With  Address
	Count int
}

// OpenDevice tells what waits for a device of the caller, which is remembered from then on. One that is new starts at
// the oldest message that no device of the user has acknowledged. The user's absence, if any, ends. Errors: ErrInvalid.
func (s *Service) OpenDevice(ctx context.Context, c Caller, name string) (unread []Unread, err error) {
	if err := checkDevice(c, name); err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		d, err := s.seeDevice(tx, c, name)
		if err != nil {
			return err
		}
		unread, err = s.unread(tx, d)
		return err
	})
	return unread, err
}

func checkDevice(c Caller, name string) error {
	switch {
	case !c.Known():
		return ErrUnauthenticated
	case c.IsApp() || name == "" || !namesDevice(name):
		return ErrInvalid.With("device")
	}
	return nil
}

// namesDevice reports whether a device may be called so.
func namesDevice(name string) bool { return len(name) <= maxDevice && plainText(name) }

// seeDevice returns the caller's device, which it makes when it is not known.
func (s *Service) seeDevice(tx Tx, c Caller, name string) (Device, error) {
	if err := tx.LockUsers(c.App.ID, []Username{c.User}); err != nil {
		return Device{}, err
	}
	if err := tx.EndAbsence(c.App.ID, c.User); err != nil {
		return Device{}, err
	}
	now := s.clock.Now()
	d, err := tx.Device(c.App.ID, c.User, name)
	switch {
	case err == nil:
		d.Seen = now
		return d, tx.PutDevice(d)
	case !errors.Is(err, ErrDeviceNotFound):
		return d, err
	}
	d = Device{App: c.App.ID, User: c.User, Name: name, Born: MessageIDAt(now.Add(-bornMargin)), Seen: now}
	spans, err := tx.Spans(d.App, d.User, name)
	if err != nil {
		return d, err
	}
	places := map[ConversationID]MessageID{}
	for _, sp := range spans {
		if sp.to() > max(sp.AckedByAny, sp.After) || sp.Last > d.Born {
			places[sp.Conversation] = max(sp.AckedByAny, 1)
		}
	}
	if err := tx.PutDevice(d); err != nil {
		return d, err
	}
	return d, tx.PutPlaces(d, places)
}

// unread counts what waits for a device.
func (s *Service) unread(tx Tx, d Device) (all []Unread, err error) {
	spans, err := tx.Spans(d.App, d.User, d.Name)
	if err != nil {
		return nil, err
	}
	for _, sp := range spans {
		n, err := countUnread(tx, d, sp)
		switch with := sp.Conversation.With(d.User); {
		case err != nil:
			return nil, err
		case n == 0:
		case len(all) > 0 && all[len(all)-1].With == with:
			all[len(all)-1].Count += n
		default:
			all = append(all, Unread{with, n})
		}
	}
	return all, nil
}

func countUnread(tx Tx, d Device, sp Span) (int, error) {
	from, to := sp.from(d), sp.to()
	if from >= to {
		return 0, nil
	}
	return tx.CountMessages(d, sp.Conversation, from, to)
}

// Pulled is what a device gets of a conversation at once.
type Pulled struct {
	Messages []Message
	UpTo     MessageID // nothing else waits up to here
	More     bool      // something may wait after it
}

// Pull returns up to limit messages of one conversation that wait for a device, oldest first, after a place: 0 for what is not
// acknowledged yet. It tells how far it looked, so that what comes with the event of the next message can be put after it. Errors:
// ErrInvalid, ErrDeviceNotFound.
func (s *Service) Pull(ctx context.Context, c Caller, device string, with Address, after MessageID, limit int) (p Pulled, err error) {
	if err := checkDevice(c, device); err != nil {
		return p, err
	}
	limit = min(max(limit, 1), fetchMost)
	conv := Conversation(c.User, with)
	err = s.store.View(ctx, func(tx Tx) error {
		p = Pulled{}
		d, err := tx.Device(c.App.ID, c.User, device)
		if err != nil {
			return err
		}
		spans, err := tx.Spans(d.App, d.User, d.Name, conv)
		for _, sp := range spans {
			if err != nil || len(p.Messages) > limit {
				break
			}
			var some []Message
			some, err = tx.MessagesFor(d, conv, max(after, sp.from(d)), sp.to(), limit+1-len(p.Messages))
			p.Messages, p.UpTo = append(p.Messages, some...), sp.Last
		}
		return err
	})
	if len(p.Messages) > limit {
		p.Messages, p.More = p.Messages[:limit], true
		p.UpTo = p.Messages[limit-1].ID
	}
	return p, err
}

// Place is up to which message of a conversation a device has everything.
type Place struct {
	App    AppID
	User   Username
	Device string
	With   Address
	UpTo   MessageID
}

// AcknowledgeAll is Acknowledge for many devices in one transaction, up to messages that exist. Devices that are gone are left
// out.
func (s *Service) AcknowledgeAll(ctx context.Context, places []Place) error {
	places = slices.Clone(places)
	slices.SortFunc(places, func(a, b Place) int { return cmp.Compare(a.App, b.App) })
	return s.store.Update(ctx, func(tx Tx) error {
		for rest := places; len(rest) > 0; {
			app := rest[0].App
			var users []Username
			n := 0
			for ; n < len(rest) && rest[n].App == app; n++ {
				users = append(users, rest[n].User)
			}
			if err := tx.LockUsers(app, users); err != nil { // with the users go the places
				return err
			}
			if err := tx.PutPlacesOf(app, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	})
}

// Acknowledge tells that a device has everything of a conversation up to a message. A place never goes back, and is never
// beyond the last message. Errors: ErrInvalid, ErrDeviceNotFound.
func (s *Service) Acknowledge(ctx context.Context, c Caller, device string, with Address, upTo MessageID) error {
	if err := checkDevice(c, device); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		if err := tx.LockUsers(c.App.ID, []Username{c.User}); err != nil { // with the user go the places
			return err
		}
		d, err := tx.Device(c.App.ID, c.User, device)
		if err != nil {
			return err
		}
		conv := Conversation(c.User, with)
		last, err := tx.Last(c.App.ID, conv)
		if err != nil || min(upTo, last) <= 0 {
			return err
		}
		place := map[ConversationID]MessageID{conv: min(upTo, last)}
		furthest := d
		furthest.Name = anyDevice
		return firstError(tx.PutPlaces(d, place), tx.PutPlaces(furthest, place))
	})
}

// OfflineCount is how many messages no device of a user has acknowledged. Own ones are not counted, nor withdrawals, edits, receipts
// and notices, which nobody said. Errors: ErrUserNotFound, ErrNotSelf.
func (s *Service) OfflineCount(ctx context.Context, c Caller, name string) (n int, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		n = 0
		u, err := lookUp(tx, c, name)
		if err != nil {
			return err
		}
		spans, err := tx.Spans(u.App, u.Name, anyDevice)
		for _, sp := range spans {
			if err != nil {
				return err
			}
			var some int
			some, err = countUnread(tx, Device{App: u.App, User: u.Name}, sp)
			n += some
		}
		return err
	})
	return n, err
}

// Delivered tells whether any device of a user has acknowledged a message. It says no of one that is not known (any more), and of
// one for those online only, which nobody acknowledges.
// Errors: ErrUserNotFound, ErrNotSelf.
func (s *Service) Delivered(ctx context.Context, c Caller, name string, id MessageID) (delivered bool, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		u, err := lookUp(tx, c, name)
		if err != nil {
			return err
		}
		m, err := tx.Message(u.App, id)
		if errors.Is(err, ErrMessageNotFound) {
			delivered = false
			return nil
		}
		if err != nil || !m.Spoken() || m.Online {
			delivered = false
			return err
		}
		spans, err := tx.Spans(u.App, u.Name, anyDevice, m.Conversation())
		delivered = len(spans) > 0 && spans[0].AckedByAny >= id
		return err
	})
	return delivered, err
}
