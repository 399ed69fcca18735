package im

import (
	"context"
	"slices"
)

// Attribute is one key of a room's metadata.
type Attribute struct {
	Key, Value string
	Setter     Username // who set it
	AutoDelete bool     // goes when its setter leaves the room
}

// Limits of room attributes (wire/easemob.md §5.9).
const (
	maxAttrBatch = 10
	maxAttrKey   = 128
	maxAttrValue = 4096
	maxAttrs     = 100
)

// KeyOutcome is what became of one key of a call on attributes.
type KeyOutcome struct {
	Key string
	Err *Error // nil: done
}

// AttributeChange sets attributes of a room on behalf of a user.
type AttributeChange struct {
	User       string
	Set        []Attribute // Key and Value
	AutoDelete bool
	Forced     bool   // also what somebody else set
	Extension  string // passed on to the clients with the event
}

// SetAttributes writes attributes and reports key by key, in the order given. Errors of the call:
// ErrRoomNotFound, ErrBatchTooLarge, ErrFieldMissing, ErrNotSelf, ErrNotMember.
func (s *Service) SetAttributes(ctx context.Context, c Caller, id RoomID, ch AttributeChange) (results []KeyOutcome, err error) {
	keys := make([]string, len(ch.Set))
	for i, a := range ch.Set {
		keys[i] = a.Key
	}
	err = s.onAttributes(ctx, c, id, ch.User, ch.Forced, keys, func(w *work, setter Username) error {
		now, err := w.tx.Attributes(w.room)
		if err != nil {
			return err
		}
		var put []Attribute
		results = nil
		for _, a := range ch.Set {
			a.Setter, a.AutoDelete = setter, ch.AutoDelete
			i := slices.IndexFunc(now, func(b Attribute) bool { return b.Key == a.Key })
			fault := checkAttribute(a)
			switch {
			case fault != nil:
			case i >= 0 && now[i].Setter != setter && !ch.Forced:
				fault = ErrAttrForeign.With(a.Key)
			case i < 0 && len(now) >= maxAttrs:
				fault = ErrAttrFull.With(a.Key)
			case i < 0:
				now = append(now, a)
			}
			results = append(results, KeyOutcome{a.Key, fault})
			if fault == nil {
				put = append(put, a)
			}
		}
		if len(put) == 0 {
			return nil
		}
		w.emitAttributes(AttributesSet, put, ch.Extension)
		return w.tx.PutAttributes(w.room, put)
	})
	return results, err
}

func checkAttribute(a Attribute) *Error {
	switch {
	case len(a.Key) > maxAttrKey:
		return ErrAttrKeyLong.With(a.Key)
	case !plainWord(a.Key):
		return ErrAttrKeyIllegal.With(a.Key)
	case len(a.Value) > maxAttrValue:
		return ErrAttrValueLong.With(a.Key)
	}
	return nil
}

// DeleteAttributes removes attributes and reports key by key; a key that is not there counts as removed. Errors of
// the call: as SetAttributes.
func (s *Service) DeleteAttributes(ctx context.Context, c Caller, id RoomID, user string, keys []string, forced bool) (results []KeyOutcome, err error) {
	err = s.onAttributes(ctx, c, id, user, forced, keys, func(w *work, setter Username) error {
		now, err := w.tx.Attributes(w.room, keys...)
		if err != nil {
			return err
		}
		var gone []Attribute
		results = nil
		for _, k := range keys {
			var fault *Error
			if i := slices.IndexFunc(now, func(a Attribute) bool { return a.Key == k }); i >= 0 {
				if now[i].Setter != setter && !forced {
					fault = ErrAttrForeign.With(k)
				} else {
					gone = append(gone, now[i])
				}
			}
			results = append(results, KeyOutcome{k, fault})
		}
		if len(gone) == 0 {
			return nil
		}
		w.emitAttributes(AttributesDeleted, gone, "")
		names := make([]string, len(gone))
		for i, a := range gone {
			names[i] = a.Key
		}
		return w.tx.DeleteAttributes(w.room, names)
	})
	return results, err
}

// onAttributes locks the room and checks who changes how many keys. The management API may force changes in the
// name of a user who is not in the room: the Java SDK does so as "admin".
func (s *Service) onAttributes(ctx context.Context, c Caller, id RoomID, user string, forced bool, keys []string, fn func(*work, Username) error) error {
	if len(keys) == 0 {
		return ErrFieldMissing.With("keys")
	}
	if len(keys) > maxAttrBatch {
		return batchError(len(keys), maxAttrBatch)
	}
	setter := foldName(user)
	if err := c.mustBe(setter); err != nil {
		return err
	}
	return s.inRoom(ctx, c, Chatroom, id, Stranger, func(w *work) error {
		if !(c.IsApp() && forced) {
			standings, err := w.standings([]Username{setter})
			if err != nil {
				return err
			}
			if !standings[0].Member {
				return w.stranger(setter)
			}
		}
		return fn(w, setter)
	})
}

func (w *work) emitAttributes(kind EventKind, attrs []Attribute, extension string) {
	e := roomEvent(w.room, kind)
	e.Attributes, e.Text = attrs, extension
	w.publish(e)
}

// Attributes returns the named attributes that exist, or with no keys all of the room. Errors: ErrRoomNotFound,
// ErrBatchTooLarge.
func (s *Service) Attributes(ctx context.Context, c Caller, id RoomID, keys []string) (attrs []Attribute, err error) {
	if len(keys) > maxAttrs {
		return nil, batchError(len(keys), maxAttrs)
	}
	err = s.seeRoom(ctx, c, Chatroom, id, Stranger, func(tx Tx, room Room) (err error) {
		attrs, err = tx.Attributes(room, keys...)
		return err
	})
	return attrs, err
}
