package im

import (
	"context"
	"errors"
	"hash/fnv"
	"strconv"
	"time"
)

// Recalling withdraws a message.
type Recalling struct {
	To     Address // where the message went; the zero one does not matter
	Device string  // the device that does it
	Client string  // the device's own id of the withdrawal; the same withdrawal again has the same one
	Ext    string  // what the others are told besides
}

// Recall withdraws a message and returns what tells of it, which stands in the conversation instead. Who has not received the message
// will not, and the others are told, but for the device that does it. A user token may withdraw what its user said. Errors:
// ErrMessageNotFound, ErrMessageElsewhere, ErrNotSelf, ErrRecallLate, ErrRecallOff, ErrInvalid, ErrMessageLarge.
func (s *Service) Recall(ctx context.Context, c Caller, id MessageID, r Recalling) (w Message, err error) {
	if !c.Known() {
		return Message{}, ErrUnauthenticated
	}
	if err := fits(c, r.Device, r.Client, r.Ext); err != nil {
		return Message{}, err
	}
	r.To.User = foldName(string(r.To.User))
	r.Client = again(r.Client, r.To, id, Body{Type: RecallBody}, nil)
	err = s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		same, found, err := saidBefore(tx, c.App.ID, c.User, r.Device, r.Client)
		if err != nil {
			return err
		}
		if found {
			w, err = tx.Message(c.App.ID, same)
			return err
		}
		m, err := s.recallable(tx, c, id, r.To)
		if err != nil {
			return err
		}
		w, err = s.recall(tx, emit, m, r)
		return err
	})
	return w, err
}

// recallable is the message, when the caller may withdraw it.
func (s *Service) recallable(tx Tx, c Caller, id MessageID, to Address) (m Message, err error) {
	if c.App.Settings.RecallSeconds == 0 {
		return m, ErrRecallOff
	}
	if m, err = tx.Message(c.App.ID, id); err != nil {
		return m, err
	}
	if err := mustHaveSaid(tx, c, m); err != nil {
		return m, err
	}
	switch {
	case !m.Spoken():
		return m, ErrMessageNotFound.With(id.String())
	case to != (Address{}) && to != m.To:
		return m, ErrMessageElsewhere.With(id.String())
	case s.clock.Now().Sub(m.At) > time.Duration(c.App.Settings.RecallSeconds)*time.Second:
		return m, ErrRecallLate.With(id.String())
	}
	return m, nil
}

// mustHaveSaid refuses who has not said a message. Who has not heard it, either, does not learn that there is one.
func mustHaveSaid(tx Tx, c Caller, m Message) error {
	refused := c.mustBe(m.From)
	if refused == nil || !c.Known() || m.To == ToUser(c.User) {
		return refused
	}
	unknown := ErrMessageNotFound.With(m.ID.String())
	if m.To.Room == "" || !m.For(c.User, "") {
		return unknown
	}
	room, err := tx.Room(c.App.ID, m.To.Kind, m.To.Room)
	if errors.Is(err, ErrRoomNotFound) {
		return unknown
	}
	if err != nil {
		return err
	}
	all, err := tx.Standings(room, []Username{c.User})
	if err == nil && !all[0].Member {
		err = unknown
	}
	return firstError(err, refused)
}

// recall puts the withdrawal where the message stood.
func (s *Service) recall(tx Tx, emit func(Event), m Message, r Recalling) (w Message, err error) {
	now := s.clock.Now()
	w = Message{App: m.App, ID: s.ids.MessageID(now), At: now, From: m.From, Device: r.Device, Client: r.Client, To: m.To, Only: m.Only, Echo: true,
		Body: Body{RecallBody, Fields{{fieldOf, Text(m.ID.String())}}}}
	if r.Ext != "" {
		w.Body.Fields = append(w.Body.Fields, Field{fieldExt, Text(r.Ext)})
	}
	if err := w.placeAbout(tx, m); err != nil {
		return w, err
	}
	if err := tx.DeleteMessage(m.App, m.ID); err != nil {
		return w, err
	}
	told := w
	for _, topic := range w.topics() {
		emit(Event{Topic: topic, Kind: MessageRecalled, Room: w.To.Room, RoomKind: w.To.Kind, Message: &told})
	}
	_, err = tx.AddMessage(w)
	return w, err
}

// Withdrawal is which message this one withdraws, and what is told besides, when it does so.
func (m Message) Withdrawal() (of MessageID, ext string, ok bool) {
	if m.Body.Type != RecallBody {
		return 0, "", false
	}
	of, err := ParseMessageID(m.Body.text(fieldOf))
	return of, m.Body.text(fieldExt), err == nil
}

// importAhead is how far the clock of who imports may be ahead of ours.
const importAhead = 10 * time.Minute

// Import puts a message of another time into the history; nobody is told, and it stands in no inbox. A time to come is refused:
// the message would stand behind all that are said until then, where who reads the history in turn does not expect more. It
// needs an app token. Errors: those of Send, ErrHistoryOld for what the app would not keep.
func (s *Service) Import(ctx context.Context, c Caller, n NewMessage) (id MessageID, err error) {
	if err := c.mustBeApp(); err != nil {
		return 0, err
	}
	m, err := s.newMessage(c, n)
	if err != nil {
		return 0, err
	}
	to, err := receivers(n.To)
	if err != nil {
		return 0, err
	}
	if m.At.After(s.clock.Now().Add(importAhead)) {
		return 0, ErrInvalid.With("msg_timestamp")
	}
	if days := c.App.Settings.MessageDays; days > 0 && m.At.Before(s.clock.Now().AddDate(0, 0, -days)) {
		return 0, ErrHistoryOld.With(strconv.FormatInt(m.At.UnixMilli(), 10)) // it would be swept at once
	}
	m.Past, m.To = true, to[0]
	err = s.store.Update(ctx, func(tx Tx) error {
		for range idTries {
			m.ID = MessageIDAt(m.At) + s.anyPlace()
			if added, err := tx.AddMessage(m); err != nil || added {
				return err
			}
		}
		return ErrUnavailable.With("message id")
	})
	return m.ID, err
}

// anyPlace is a place within a millisecond.
func (s *Service) anyPlace() MessageID {
	h := fnv.New32a()
	h.Write([]byte(s.ids.UUID())) // never fails
	return MessageID(h.Sum32() >> (32 - idTimeShift))
}

// forget removes what is older than apps keep messages, and devices nobody has used for long.
func (s *Service) forget(ctx context.Context, now time.Time) error {
	apps, err := s.Apps(ctx)
	if err != nil {
		return err
	}
	for _, app := range apps {
		steps := []func(Tx) (int, error){
			func(tx Tx) (int, error) { return tx.ForgetDevices(app.ID, now.Add(-deviceLife), sweepBatch) },
			func(tx Tx) (int, error) { return tx.DeletePending(app.ID, app.Settings.oldestAsk(now), sweepBatch) },
		}
		if days := app.Settings.MessageDays; days > 0 {
			old := MessageIDAt(now.AddDate(0, 0, -days))
			steps = append(steps,
				func(tx Tx) (int, error) { return tx.DeleteMessagesBefore(app.ID, old, sweepBatch) },
				func(tx Tx) (int, error) { return tx.ForgetSpans(app.ID, old, sweepBatch) })
		}
		for _, step := range steps {
			if err := s.sweep(ctx, step); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep runs a removal, a batch a transaction, until nothing is left to remove.
func (s *Service) sweep(ctx context.Context, remove func(Tx) (int, error)) error {
	for {
		n := 0
		err := s.store.Update(ctx, func(tx Tx) (err error) { n, err = remove(tx); return err })
		if err != nil || n < sweepBatch {
			return err
		}
	}
}
