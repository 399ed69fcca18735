package im

import "context"

// maxEdits is how often one message can be edited (wire/easemob.md §8.4).
const maxEdits = 10

// Rewriting changes what a message says.
type Rewriting struct {
	By      string // who does it, for app tokens; as NewMessage.From
	Device  string // the device that does it
	Client  string // the device's own id of the edit; the same edit again has the same one
	Body    Body   // the new one; without a Type the old one stays
	Ext     Fields // the new extension, when NewExt is set
	NewExt  bool
	Combine bool // Ext is added to the old extension, and replaces what has the same names
}

// Rewrite changes what a message says, which keeps its id and its place: who has not received it gets the new content, and
// the others are told. Texts and custom messages can get another body, all others but commands another extension. A user token
// may rewrite what its user said, where the user may still write: an edit says something, too. The same edit, said again by the
// device, returns what the first returned. Errors: ErrMessageNotFound, ErrNotSelf, ErrEditKind, ErrEditLimit, ErrMessageLarge,
// ErrFieldMissing, ErrInvalid, those of a bad name, and for user tokens those of [Service.Send] about where the message went.
func (s *Service) Rewrite(ctx context.Context, c Caller, id MessageID, r Rewriting) (m Message, err error) {
	by, err := speaker(c, r.By)
	switch {
	case err != nil:
		return Message{}, err
	case r.Body.Type == 0 && !r.NewExt:
		return Message{}, ErrFieldMissing.With("new_msg")
	}
	if err := fits(c, r.Device, r.Client, ""); err != nil {
		return Message{}, err
	}
	r.Client = again(r.Client, Address{}, id, r.Body, r.Ext)
	err = s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		same, found, err := saidBefore(tx, c.App.ID, c.User, r.Device, r.Client)
		if err != nil {
			return err
		}
		if found {
			m, err = tx.Message(c.App.ID, same) // the message as it was after the edit
			m.ID, m.Of = id, 0
			return err
		}
		if m, err = tx.Message(c.App.ID, id); err != nil {
			return err
		}
		if !m.Spoken() {
			return ErrMessageNotFound.With(id.String())
		}
		if err := firstError(mustHaveSaid(tx, c, m), s.mayStillSpeak(tx, c, m.To)); err != nil {
			return err
		}
		now := s.clock.Now()
		note := Message{App: m.App, ID: s.ids.MessageID(now), From: m.From, To: m.To}
		if err := note.placeAbout(tx, m); err != nil {
			return err
		}
		if m, err = tx.Message(c.App.ID, id); err != nil { // again: nobody else changes it from here on
			return err
		}
		m, err = r.applied(m, c.App.Settings.MaxMessage)
		if err != nil {
			return err
		}
		m.Edit = Edit{m.Edit.Count + 1, by, now}
		if err := tx.PutMessage(m); err != nil {
			return err
		}
		return noteEdit(tx, emit, m, r, note.ID, note.Prev)
	})
	return m, err
}

// noteEdit puts the new content at the end of the conversation, for those who have the message already but for the device that
// made the edit.
func noteEdit(tx Tx, emit func(Event), m Message, r Rewriting, place, prev MessageID) error {
	note := m
	note.ID, note.Prev, note.Of, note.Echo, note.Past, note.Online = place, prev, m.ID, true, false, false
	note.Device, note.Client = r.Device, r.Client
	if _, err := tx.AddMessage(note); err != nil {
		return err
	}
	for _, topic := range note.topics() {
		emit(Event{Topic: topic, Kind: MessageEdited, Room: m.To.Room, RoomKind: m.To.Kind, Message: &note})
	}
	return nil
}

// applied is the message after the edit. The bytes that the sender's wire had are gone.
func (r Rewriting) applied(m Message, most int) (Message, error) {
	editable := m.Body.Type == TextBody || m.Body.Type == CustomBody
	switch {
	case m.Body.Type == CommandBody, r.Body.Type != 0 && (r.Body.Type != m.Body.Type || !editable):
		return m, ErrEditKind
	case m.Edit.Count >= maxEdits:
		return m, ErrEditLimit.With(itoa(maxEdits))
	}
	if r.Body.Type != 0 {
		m.Body = r.Body
	}
	switch {
	case r.NewExt && r.Combine:
		m.Ext = m.Ext.with(r.Ext)
	case r.NewExt:
		m.Ext = r.Ext
	}
	if m.Body.Fields.size()+m.Ext.size() > most {
		return m, ErrMessageLarge.With(itoa(most))
	}
	m.Wire, m.Raw = "", nil
	return m, nil
}
