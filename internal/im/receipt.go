package im

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// ReceiptKind is what a receipt tells.
type ReceiptKind string

// The kinds of receipt.
const (
	ReceiptDelivered ReceiptKind = "delivered" // a message between two has reached a device
	ReceiptRead      ReceiptKind = "read"      // a message was read
	ReceiptAllRead   ReceiptKind = "all_read"  // all of a conversation was read
)

// NewReceipt is what a device tells of what it has received.
type NewReceipt struct {
	Device string // the device that tells it
	Client string // the device's own id of the receipt; the same receipt again has the same one
	Kind   ReceiptKind
	Of     MessageID // the message; not for ReceiptAllRead
	To     Address   // the conversation of ReceiptAllRead; for the others it does not matter
	Text   string    // what the reader of a group's message says to its sender
}

// Receipt is what a message of type ReceiptBody says.
type Receipt struct {
	Kind  ReceiptKind
	Of    MessageID // 0 for ReceiptAllRead
	Group RoomID    // where the message stands, or what was read; empty between two
	Text  string
	Count int // how many have read a group's message, this reader included; else 0
}

// Reader is somebody who has read a group's message, whose sender asked for it.
type Reader struct {
	User Username
	At   time.Time
	Seq  int // how many had read it then, this one included
}

// Names of the fields of receipts and withdrawals.
const (
	fieldKind  = "kind"
	fieldOf    = "msg_id"
	fieldGroup = "group"
	fieldText  = "text"
	fieldCount = "count"
	fieldExt   = "ext"
)

func (r Receipt) body() Body {
	fs := Fields{{fieldKind, Text(string(r.Kind))}}
	if r.Of != 0 {
		fs = append(fs, Field{fieldOf, Text(r.Of.String())})
	}
	if r.Group != "" {
		fs = append(fs, Field{fieldGroup, Text(string(r.Group))})
	}
	if r.Text != "" {
		fs = append(fs, Field{fieldText, Text(r.Text)})
	}
	if r.Count != 0 {
		fs = append(fs, Field{fieldCount, Value{NumberValue, itoa(r.Count)}})
	}
	return Body{ReceiptBody, fs}
}

// Receipt is what the message says when it is one.
func (m Message) Receipt() (r Receipt, ok bool) {
	if m.Body.Type != ReceiptBody {
		return r, false
	}
	r = Receipt{Kind: ReceiptKind(m.Body.text(fieldKind)), Group: RoomID(m.Body.text(fieldGroup)), Text: m.Body.text(fieldText)}
	r.Of, _ = ParseMessageID(m.Body.text(fieldOf))     // 0 when there is none
	r.Count, _ = strconv.Atoi(m.Body.text(fieldCount)) // as above
	return r, true
}

// Receipt tells the sender of a message that it was delivered or read, or the other side of a conversation that all was read, and
// the reader's other devices that it was read. The same receipt, said again by the device, is told once. A receipt with nobody
// to tell is answered like any other, and nothing comes of it (ADR 27): of a message that is unknown, withdrawn, one's own, or
// did not come to the caller; to a user who is gone, has blocked the caller or may not be written to; of a delivery in a room; of
// a group's message whose sender did not ask, or which the caller has read before. It needs a user token. Errors: ErrUserOnly,
// ErrInvalid, ErrMessageLarge.
func (s *Service) Receipt(ctx context.Context, c Caller, r NewReceipt) (id MessageID, err error) {
	switch {
	case !c.Known():
		return 0, ErrUnauthenticated
	case c.IsApp():
		return 0, ErrUserOnly
	case r.Kind != ReceiptDelivered && r.Kind != ReceiptRead && r.Kind != ReceiptAllRead:
		return 0, ErrInvalid.With("kind")
	}
	if err := fits(c, r.Device, r.Client, r.Text); err != nil {
		return 0, err
	}
	r.Client = again(r.Client, r.To, r.Of, Receipt{Kind: r.Kind, Text: r.Text}.body(), nil)
	err = s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		same, found, err := saidBefore(tx, c.App.ID, c.User, r.Device, r.Client)
		if err != nil || found {
			id = same
			return err
		}
		now := s.clock.Now()
		t := telling{tx: tx, c: c, new: r, m: Message{App: c.App.ID, ID: s.ids.MessageID(now), At: now, From: c.User, Device: r.Device, Client: r.Client}}
		id = t.m.ID
		err = s.tell(&t)
		if errors.Is(err, errNobody) || errors.Is(err, ErrMessageNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		id = t.m.ID
		for _, topic := range t.m.topics() {
			emit(Event{Topic: topic, Kind: MessageSent, Room: t.m.To.Room, RoomKind: t.m.To.Kind, Message: &t.m})
		}
		return nil
	})
	return id, err
}

const maxClient = 64 // bytes of a device's own id of what it says

// fits refuses what is too long of what a device says, or is no text: its own names, and what others are told.
func fits(c Caller, device, client, text string) error {
	switch most := c.App.Settings.MaxMessage; {
	case !namesDevice(device):
		return ErrInvalid.With("device")
	case len(client) > maxClient:
		return ErrInvalid.With("client")
	case len(text) > most:
		return ErrMessageLarge.With(itoa(most))
	case !utf8.ValidString(text):
		return ErrInvalid.With("text")
	}
	return nil
}

// telling is one receipt on its way.
type telling struct {
	tx  Tx
	c   Caller
	new NewReceipt
	m   Message
}

// tell stores the receipt for those who are told, or returns errNobody.
func (s *Service) tell(t *telling) error {
	if t.new.Kind == ReceiptAllRead {
		if t.new.To.Kind != 0 {
			return t.allReadInGroup()
		}
		return t.toUser(foldName(string(t.new.To.User)), 0)
	}
	of, err := t.tx.Message(t.m.App, t.new.Of)
	switch {
	case err != nil:
		return err
	case of.From == t.c.User || !of.Spoken():
		return errNobody
	case of.To.Kind == Group:
		return s.readInGroup(t, of)
	case of.To != ToUser(t.c.User):
		return errNobody
	}
	return t.toUser(of.From, of.ID)
}

// toUser tells the other of two, who takes part in their conversation.
func (t *telling) toUser(to Username, of MessageID) error {
	conv := Conversation(t.c.User, ToUser(to))
	pair, err := t.tx.Pair(t.m.App, conv, t.c.User, to)
	if err != nil {
		return err
	}
	if to == t.c.User || !pair.To.TakesPart {
		return errNobody
	}
	sp, err := t.tx.Speaker(t.m.App, t.c.User, to)
	if err != nil {
		return err
	}
	if sp.Blocked || t.c.App.Settings.ContactsOnly && !sp.Contact {
		return errNobody
	}
	t.m.To, t.m.Echo = ToUser(to), t.new.Kind != ReceiptDelivered
	return t.put(Receipt{Kind: t.new.Kind, Of: of})
}

// readInGroup tells the sender of a group's message, who asked for it. It is told where the sender is told other things, so that it
// costs the other members nothing.
func (s *Service) readInGroup(t *telling, of Message) error {
	if t.new.Kind != ReceiptRead || !of.AskReceipts || len(of.Only) > 0 && !slices.Contains(of.Only, t.c.User) {
		return errNobody
	}
	spans, err := t.tx.Spans(of.App, t.c.User, anyDevice, of.Conversation())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(spans, func(sp Span) bool { return sp.After < of.ID && of.ID <= sp.Until }) {
		return errNobody
	}
	said := Receipt{Kind: ReceiptRead, Of: of.ID, Group: of.To.Room}
	if said.Text, err = s.mayAdd(t, of.To); err != nil {
		return err
	}
	takesPart, err := t.noticesOf(of.From)
	if err != nil {
		return err
	}
	if said.Count, err = t.tx.AddReader(of.App, of.ID, Reader{User: t.c.User, At: t.m.At}); err != nil || said.Count == 0 {
		return cmp.Or(err, errNobody)
	}
	return t.putNotice(said, takesPart)
}

// mayAdd is the text that the reader adds: nothing of those who may not speak there.
func (s *Service) mayAdd(t *telling, to Address) (string, error) {
	if t.new.Text == "" {
		return "", nil
	}
	switch err := s.mayStillSpeak(t.tx, t.c, to); {
	case err == nil:
		return t.new.Text, nil
	case AsError(err).Kind == Internal:
		return "", err
	}
	return "", nil
}

// allReadInGroup tells the reader's other devices: in a group it is nobody else's business.
func (t *telling) allReadInGroup() error {
	spans, err := t.tx.Spans(t.m.App, t.c.User, anyDevice, Conversation(t.c.User, t.new.To))
	if err != nil || len(spans) == 0 {
		return cmp.Or(err, errNobody)
	}
	takesPart, err := t.noticesOf(t.c.User)
	if err != nil {
		return err
	}
	t.m.Echo = true
	return t.putNotice(Receipt{Kind: ReceiptAllRead, Group: t.new.To.Room}, takesPart)
}

// noticesOf has a user told beside other notices. The user is locked, as by all who tell notices.
func (t *telling) noticesOf(u Username) (takesPart bool, err error) {
	if err := t.tx.LockUsers(t.m.App, []Username{u}); err != nil {
		return false, err
	}
	t.m.To = NoticesOf(u)
	pair, err := t.tx.Pair(t.m.App, t.m.Conversation(), u, u)
	if err == nil && !pair.To.Exists {
		err = errNobody
	}
	return pair.To.TakesPart, err
}

// putNotice stores a receipt beside the notices of a user, who takes part in that conversation from the first one on.
func (t *telling) putNotice(r Receipt, takesPart bool) error {
	if err := t.put(r); err != nil || takesPart {
		return err
	}
	return t.tx.TakePart(t.m.App, t.m.Conversation(), []Username{t.m.To.User}, 0)
}

// put stores the receipt.
func (t *telling) put(r Receipt) error {
	if err := t.m.place(t.tx); err != nil {
		return err
	}
	t.m.Body = r.body()
	_, err := t.tx.AddMessage(t.m)
	return err
}

// Readers returns up to limit of those who have read a message of a group, whose sender asked for it, in the order in which they
// told, after the place of a former answer. total tells how many there are, more whether others follow. To others than the
// sender and app tokens, and of what is no such message, there are none. Errors: ErrRoomNotFound, ErrForbidden for who is not
// in a group that is not public.
func (s *Service) Readers(ctx context.Context, c Caller, group RoomID, id MessageID, after, limit int) (readers []Reader, total int, more bool, err error) {
	err = s.seeInside(ctx, c, Group, group, func(tx Tx, room Room) error {
		readers, total = nil, 0
		m, err := tx.Message(c.App.ID, id)
		switch {
		case errors.Is(err, ErrMessageNotFound):
			return nil
		case err != nil:
			return err
		case m.To != ToRoom(Group, room.ID) || !c.IsApp() && m.From != c.User:
			return nil
		}
		if total, err = tx.CountReaders(c.App.ID, id); err != nil {
			return err
		}
		readers, err = tx.Readers(c.App.ID, id, after, max(limit, 1)+1)
		return err
	})
	if len(readers) > max(limit, 1) {
		readers, more = readers[:max(limit, 1)], true
	}
	return readers, total, more, err
}
