package im

import "context"

// SetShield has a member stop receiving a room's messages, or receive them again; the member stays in the room. A user
// token does so for its own user, an app token for any. Doing it again changes nothing. The owner receives everything
// (wire/easemob.md §6.7). Errors: ErrUserOnly without a name, ErrNotSelf, ErrRoomNotFound, ErrNotMember, ErrOnOwner.
func (s *Service) SetShield(ctx context.Context, c Caller, kind RoomKind, id RoomID, name string, on bool) error {
	u := foldName(name)
	if c.IsApp() && u == "" {
		return ErrUserOnly
	}
	if err := c.mustBe(u); err != nil {
		return err
	}
	return s.inAnyRoom(ctx, c, kind, id, Stranger, func(w *work) error {
		standings, err := w.standings([]Username{u})
		switch {
		case err != nil:
			return err
		case !standings[0].Member:
			return w.stranger(u)
		case on && standings[0].Role == Owner:
			return ErrOnOwner.For(u).In(id)
		}
		return w.shield(u, on)
	})
}

func (w *work) shield(u Username, on bool) error {
	were, err := w.tx.Shields(w.room, u)
	if err != nil || (len(were) > 0) == on {
		return err
	}
	if err := w.tx.SetShield(w.room, u, on); err != nil {
		return err
	}
	kind := RoomShielded
	if !on {
		kind = RoomUnshielded
	}
	w.places(kind, []Username{u})
	return w.receive(u, !on)
}

// receive is called when the room's messages begin, or cease, to come to somebody who is and stays a member.
func (w *work) receive(u Username, on bool) error {
	if w.room.Kind != Group { // chatrooms have no inbox
		return nil
	}
	c, users := Conversation(u, ToRoom(Group, w.room.ID)), []Username{u}
	if !on {
		return w.tx.StopPart(w.app.ID, c, users)
	}
	last, err := w.tx.Last(w.app.ID, c)
	if err != nil {
		return err
	}
	return w.tx.TakePart(w.app.ID, c, users, last)
}

// Shields returns the members who do not receive the room's messages, longest in the room first; to a user token only
// whether its own user is one. Errors: ErrRoomNotFound.
func (s *Service) Shields(ctx context.Context, c Caller, kind RoomKind, id RoomID) (users []Username, err error) {
	err = s.seeRoom(ctx, c, kind, id, Stranger, func(tx Tx, room Room) (err error) {
		if c.IsApp() {
			users, err = tx.Shields(room)
		} else {
			users, err = tx.Shields(room, c.User)
		}
		return err
	})
	return users, err
}
