package im

import (
	"context"
	"slices"
)

// MemberAttribute is one key of what a Group keeps about a member, such as a name used in it.
type MemberAttribute struct {
	User       Username
	Key, Value string
}

// Limits of members' attributes (wire/easemob.md §6.10), in bytes.
const (
	maxMemberKey    = 16
	maxMemberValue  = 512
	maxMemberTotal  = 4096 // keys and values of one member
	maxMemberBatch  = 20   // members in one call that writes
	maxMemberLookup = 10   // members in one call that reads
)

// MemberChange sets attributes of one member; an empty value deletes a key.
type MemberChange struct {
	User string
	Set  []Attribute // Key and Value
}

// SetMemberAttributes changes attributes of members of a group, all or nothing: those of the caller, or as owner, admin
// or app those of everybody. A user named twice is changed twice. Errors: ErrRoomNotFound, ErrFieldMissing,
// ErrBatchTooLarge, ErrInvalid, ErrAttrKeyLong, ErrAttrValueLong, ErrAttrFull, ErrForbidden, ErrNotMember.
func (s *Service) SetMemberAttributes(ctx context.Context, c Caller, id RoomID, changes []MemberChange) error {
	if err := checkMemberChanges(changes); err != nil {
		return err
	}
	users := make([]Username, len(changes))
	for i, ch := range changes {
		users[i] = foldName(ch.User)
	}
	return s.inRoom(ctx, c, Group, id, Stranger, func(w *work) error {
		for _, u := range users {
			if w.rank < Admin && u != c.User {
				return ErrForbidden.For(u).In(id)
			}
		}
		standings, err := w.standings(users)
		if err != nil {
			return err
		}
		if err := w.members(standings); err != nil {
			return err
		}
		for i, ch := range changes {
			if err := w.setMemberAttributes(users[i], ch.Set); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkMemberChanges(changes []MemberChange) error {
	switch {
	case len(changes) == 0:
		return ErrFieldMissing.With("username")
	case len(changes) > maxMemberBatch:
		return batchError(len(changes), maxMemberBatch)
	}
	for _, ch := range changes {
		if len(ch.Set) == 0 {
			return ErrFieldMissing.With("metaData")
		}
		for _, a := range ch.Set {
			switch {
			case a.Key == "":
				return ErrInvalid.With("key")
			case len(a.Key) > maxMemberKey:
				return ErrAttrKeyLong.With(a.Key)
			case len(a.Value) > maxMemberValue:
				return ErrAttrValueLong.With(a.Key)
			}
		}
	}
	return nil
}

func (w *work) setMemberAttributes(u Username, set []Attribute) error {
	was, err := w.tx.MemberAttributes(w.room, []Username{u})
	if err != nil {
		return err
	}
	values := map[string]string{}
	for _, a := range was {
		values[a.Key] = a.Value
	}
	put := make([]MemberAttribute, len(set))
	for i, a := range set {
		values[a.Key] = a.Value
		put[i] = MemberAttribute{u, a.Key, a.Value}
	}
	total := 0
	for k, v := range values {
		if v != "" {
			total += len(k) + len(v)
		}
	}
	if total > maxMemberTotal {
		return ErrAttrFull.For(u).In(w.room.ID)
	}
	e := roomEvent(w.room, MemberAttributesSet, u)
	e.Attributes, e.Device = set, w.device
	w.publish(e)
	return w.tx.PutMemberAttributes(w.room, put)
}

// MemberAttributes returns the named keys, or with no keys all, of members of a group, by user and key. Who is no member
// has none. A user token must be a member's. Errors: ErrRoomNotFound, ErrFieldMissing, ErrBatchTooLarge, ErrNotMember.
func (s *Service) MemberAttributes(ctx context.Context, c Caller, id RoomID, names, keys []string) (attrs []MemberAttribute, err error) {
	users, err := batch(names, maxMemberLookup)
	if err != nil {
		return nil, err
	}
	err = s.seeRoom(ctx, c, Group, id, Stranger, func(tx Tx, room Room) error {
		rank, err := rankOf(tx, c, room)
		if err != nil {
			return err
		}
		if rank < Plain {
			return ErrNotMember.For(c.User).In(id)
		}
		attrs, err = tx.MemberAttributes(room, users)
		return err
	})
	if len(keys) > 0 {
		attrs = slices.DeleteFunc(attrs, func(a MemberAttribute) bool { return !slices.Contains(keys, a.Key) })
	}
	return attrs, err
}
