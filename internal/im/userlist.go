package im

import "context"

// UserList is one of the lists of users that every user has.
type UserList int8

// The lists of a user.
const (
	ContactList UserList = 1 // mutual: both have the other on it. Note: what the owner calls the contact
	BlockedList UserList = 2 // whose messages the owner does not get
	AskingList  UserList = 3 // who asked to become a contact and waits for the owner's answer. Note: the reason given
)

// Relation is one user on a list of another.
type Relation struct {
	User Username
	Note string
	Seq  int64 // place in the list; given by the store
}

// ofUser checks that the caller is the app or the user, and that the user exists. Errors: ErrUnauthenticated, ErrNotSelf,
// ErrUserNotFound.
func ofUser(tx Tx, c Caller, name Username) (User, error) {
	u, err := tx.User(c.App.ID, name)
	if denied := selfOr(c, u, name); denied != nil {
		return User{}, denied
	}
	return u, err
}

// relate runs fn on a user who is locked together with the named others; all of them exist. Errors: as ofUser; ErrInvalid
// when the user is among the others.
func (s *Service) relate(ctx context.Context, c Caller, owner Username, others []Username, fn func(w *relating) error) error {
	return s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		if err := tx.LockUsers(c.App.ID, append([]Username{owner}, others...)); err != nil {
			return err
		}
		w := &relating{tx: tx, app: c.App, by: c, emit: emit}
		var err error
		if w.owner, err = ofUser(tx, c, owner); err != nil {
			return err
		}
		for _, name := range others {
			if name == w.owner.Name {
				return ErrInvalid.With(string(name))
			}
			u, err := tx.User(c.App.ID, name)
			if err != nil {
				return err
			}
			w.others = append(w.others, u)
		}
		return fn(w)
	})
}

// relating is one change of a user's relations to others.
type relating struct {
	tx     Tx
	app    *App
	by     Caller
	owner  User
	others []User
	emit   func(Event)
}

// tell announces something to a user. The user whom it is told comes first among the event's users. What waits for those who are
// away is what others did.
func (w *relating) tell(kind EventKind, text string, to Username, about ...Username) {
	e := Event{Topic: UserTopic(w.app.ID, to), Kind: kind, Users: append([]Username{to}, about...), Text: text, told: to}
	if to == w.by.User {
		e.Device = w.by.Device
		if kind == ContactRemoved || kind == ContactDeclined {
			e.told = ""
		}
	}
	w.emit(e)
}

// tellBoth announces what concerns two users to both.
func (w *relating) tellBoth(kind EventKind, other Username) {
	w.tell(kind, "", w.owner.Name, other)
	w.tell(kind, "", other, w.owner.Name)
}

// on reports whether a user is on a list of the owner.
func (w *relating) on(owner Username, list UserList, user Username) (bool, error) {
	found, err := w.tx.Related(w.app.ID, owner, list, []Username{user})
	return len(found) > 0, err
}

// full reports whether a list of the owner has as many users as it may.
func (w *relating) full(owner Username, list UserList, most int) (bool, error) {
	n, err := w.tx.CountRelations(w.app.ID, owner, list)
	return n >= most, err
}

// relations is one page of a user's list, from the beginning or after the place of a former answer. limit 0 means all.
// Errors: as ofUser.
func (s *Service) relations(ctx context.Context, c Caller, name string, list UserList, after int64, limit int) (owner User, page []Relation, next int64, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		if owner, err = ofUser(tx, c, foldName(name)); err != nil {
			return err
		}
		if limit <= 0 {
			limit = allRelations
		}
		page, err = tx.Relations(c.App.ID, owner.Name, list, after, limit+1)
		return err
	})
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].Seq
	}
	return owner, page, next, err
}

// allRelations is more than any list may hold.
const allRelations = 1 << 30
