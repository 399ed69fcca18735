package im

import "context"

// describes reports whether a change is of nothing but what describes a group.
func (ch RoomChange) describes() bool {
	return ch == RoomChange{Name: ch.Name, Description: ch.Description, Custom: ch.Custom, Avatar: ch.Avatar}
}

// changeGroup changes what only groups have.
func changeGroup(r *Room, ch RoomChange) {
	for _, f := range []struct {
		to   *bool
		from *bool
	}{{&r.Public, ch.Public}, {&r.MembersOnly, ch.MembersOnly}, {&r.AllowInvites, ch.AllowInvites}, {&r.InviteNeedConfirm, ch.InviteNeedConfirm}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if ch.Avatar != nil {
		r.Avatar = *ch.Avatar
	}
}

// DisableRoom stops a room, or with false lets it go on: while it is disabled nobody speaks in it, and only an app token
// can enable or destroy it. Errors: ErrAppOnly, ErrRoomNotFound.
func (s *Service) DisableRoom(ctx context.Context, c Caller, kind RoomKind, id RoomID, disabled bool) error {
	return s.inAnyRoom(ctx, c, kind, id, Stranger, func(w *work) error {
		if err := c.mustBeApp(); err != nil {
			return err
		}
		if w.room.Disabled == disabled {
			return nil
		}
		w.room.Disabled = disabled
		if disabled {
			w.emit(RoomDisabled)
		} else {
			w.emit(RoomEnabled)
		}
		return w.tx.PutRoom(w.room)
	})
}

// PublicGroups lists the public groups, newest first, after the place of a former answer (0 to begin). next is 0 on the
// last page.
func (s *Service) PublicGroups(ctx context.Context, c Caller, after int64, limit int) ([]Room, int64, error) {
	return s.roomsBefore(ctx, c, after, limit, func(tx Tx, before int64, limit int) ([]Room, error) {
		return tx.PublicGroupsBefore(c.App.ID, before, limit)
	})
}
