package im

import "context"

// RoomPlace is a room whose events a user hears.
type RoomPlace struct {
	Room     RoomID
	Kind     RoomKind
	Version  int64 // of the room, as of which the user is in it
	Shielded bool  // of the room's events its messages do not come
}

// RoomPlaces returns every room that the caller's user is in, of both kinds, in no order. Who keeps the answer
// up to date listens to the user's topic first, and applies those of RoomEntered, RoomLeft, RoomShielded and RoomUnshielded that
// have a later version; version 1 begins anew (ADR 14). Errors: ErrUserOnly.
func (s *Service) RoomPlaces(ctx context.Context, c Caller) (places []RoomPlace, err error) {
	switch {
	case !c.Known():
		return nil, ErrUnauthenticated
	case c.IsApp():
		return nil, ErrUserOnly
	}
	err = s.store.View(ctx, func(tx Tx) (err error) { places, err = tx.RoomPlaces(c.App.ID, c.User); return err })
	return places, err
}

// places tell those who hold the connections of users that the users' places in the room begin or end, by the change that the caller
// counts.
func (w *work) places(kind EventKind, users []Username) {
	for _, u := range users {
		w.publish(w.placeEvent(kind, u))
	}
}

// firstPlaces is places of those who are in a new room, the owner first: whoever it is that made it does not hear of joining it.
func (w *work) firstPlaces(users []Username) {
	e := w.placeEvent(RoomEntered, users[0])
	e.Text = "created"
	w.publish(e)
	w.places(RoomEntered, users[1:])
}

func (w *work) placeEvent(kind EventKind, u Username) Event {
	e := roomEvent(w.room, kind, u)
	e.Topic, e.Members, e.Device = UserTopic(w.room.App, u), 0, w.device
	return e
}
