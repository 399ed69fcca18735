package im

import (
	"context"
	"unicode/utf8"
)

const maxRemark = 100 // characters (wire/easemob.md §7.5)

// Contacts lists a user's contacts, longest first, to the app or the user, after the place of a former answer (0 to begin);
// limit 0 means all. next is 0 on the last page. Errors: ErrUserNotFound, ErrNotSelf.
func (s *Service) Contacts(ctx context.Context, c Caller, name string, after int64, limit int) (owner User, page []Relation, next int64, err error) {
	return s.relations(ctx, c, name, ContactList, after, limit)
}

// ContactRequests lists who asked to become a contact of a user and has no answer yet. As Contacts.
func (s *Service) ContactRequests(ctx context.Context, c Caller, name string, after int64, limit int) (owner User, page []Relation, next int64, err error) {
	return s.relations(ctx, c, name, AskingList, after, limit)
}

// AddContact makes two users contacts of each other, without asking the second; those who are stay so. Errors:
// ErrUserNotFound, ErrNotSelf, ErrInvalid for oneself, ErrInviterContacts, ErrInviteeContacts.
func (s *Service) AddContact(ctx context.Context, c Caller, name, contact string) (owner, friend User, err error) {
	err = s.relate(ctx, c, foldName(name), []Username{foldName(contact)}, func(w *relating) error {
		owner, friend = w.owner, w.others[0]
		return w.befriend(ContactAdded, owner.Name, friend.Name)
	})
	return owner, friend, err
}

// befriend makes contacts of two users, of whom the first invited the second, and drops what they asked of each other.
func (w *relating) befriend(kind EventKind, inviter, invitee Username) error {
	for _, pair := range [][2]Username{{inviter, invitee}, {invitee, inviter}} {
		if _, err := w.tx.DeleteRelations(w.app.ID, pair[0], AskingList, pair[1:]); err != nil {
			return err
		}
	}
	if are, err := w.on(inviter, ContactList, invitee); err != nil || are {
		return err
	}
	for _, side := range []struct {
		user, other Username
		full        *Error
	}{{inviter, invitee, ErrInviterContacts}, {invitee, inviter, ErrInviteeContacts}} {
		if full, err := w.full(side.user, ContactList, w.app.Settings.MaxContacts); err != nil || full {
			return firstError(err, side.full.For(side.user).With(itoa(w.app.Settings.MaxContacts)))
		}
		if _, err := w.tx.PutRelation(w.app.ID, side.user, ContactList, Relation{User: side.other}); err != nil {
			return err
		}
	}
	w.tellBoth(kind, w.others[0].Name)
	return nil
}

// RemoveContact ends that two users are contacts; those who are none stay so. Errors: ErrUserNotFound, ErrNotSelf, ErrInvalid.
func (s *Service) RemoveContact(ctx context.Context, c Caller, name, contact string) (owner, friend User, err error) {
	err = s.relate(ctx, c, foldName(name), []Username{foldName(contact)}, func(w *relating) error {
		owner, friend = w.owner, w.others[0]
		were, err := w.tx.DeleteRelations(c.App.ID, owner.Name, ContactList, []Username{friend.Name})
		if err != nil || len(were) == 0 {
			return err
		}
		if _, err := w.tx.DeleteRelations(c.App.ID, friend.Name, ContactList, []Username{owner.Name}); err != nil {
			return err
		}
		w.tellBoth(ContactRemoved, friend.Name)
		return nil
	})
	return owner, friend, err
}

// SetRemark keeps what a user calls a contact; the contact does not see it. Errors: ErrUserNotFound, ErrNotSelf, ErrInvalid,
// ErrNotContact, ErrRemarkLong.
func (s *Service) SetRemark(ctx context.Context, c Caller, name, contact, remark string) (owner User, err error) {
	err = s.relate(ctx, c, foldName(name), []Username{foldName(contact)}, func(w *relating) error {
		owner = w.owner
		if utf8.RuneCountInString(remark) > maxRemark {
			return ErrRemarkLong.With(itoa(maxRemark))
		}
		friend := w.others[0].Name
		if are, err := w.on(owner.Name, ContactList, friend); err != nil || !are {
			return firstError(err, ErrNotContact.For(friend))
		}
		_, err := w.tx.PutRelation(c.App.ID, owner.Name, ContactList, Relation{User: friend, Note: remark})
		return err
	})
	return owner, err
}

// AskContacts asks users to become contacts of a user; asking again replaces the reason. Those who are contacts already are
// not asked, nor are those who blocked the user, and neither is told apart. All or nothing. Errors: ErrUserNotFound,
// ErrNotSelf, ErrInvalid, ErrBatchTooLarge, ErrInviteeContacts when too many wait for an answer.
func (s *Service) AskContacts(ctx context.Context, c Caller, name string, contacts []string, reason string) ([]Username, error) {
	users, err := batch(contacts, c.App.Settings.BatchAdd)
	if err != nil {
		return nil, err
	}
	if len(reason) > maxReason {
		return nil, ErrInvalid.With("reason")
	}
	err = s.relate(ctx, c, foldName(name), users, func(w *relating) error {
		for _, u := range users {
			if err := w.ask(u, reason); err != nil {
				return err
			}
		}
		return nil
	})
	return users, err
}

const maxReason = 1024 // bytes

func (w *relating) ask(user Username, reason string) error {
	if are, err := w.on(w.owner.Name, ContactList, user); err != nil || are {
		return err
	}
	if blocked, err := w.on(user, BlockedList, w.owner.Name); err != nil || blocked {
		return err
	}
	added, err := w.tx.PutRelation(w.app.ID, user, AskingList, Relation{User: w.owner.Name, Note: reason})
	if err != nil {
		return err
	}
	if added {
		n, err := w.tx.CountRelations(w.app.ID, user, AskingList)
		if err != nil || n > w.app.Settings.MaxContacts {
			return firstError(err, ErrInviteeContacts.For(user).With(itoa(w.app.Settings.MaxContacts)))
		}
	}
	w.tell(ContactAsked, reason, user, w.owner.Name)
	return nil
}

// AcceptContact makes contacts of a user and of one who asked for it; those who are contacts stay so. Errors:
// ErrUserNotFound, ErrNotSelf, ErrInvalid, ErrNotAsked, ErrInviterContacts, ErrInviteeContacts.
func (s *Service) AcceptContact(ctx context.Context, c Caller, name, asker string) error {
	return s.relate(ctx, c, foldName(name), []Username{foldName(asker)}, func(w *relating) error {
		other := w.others[0].Name
		if are, err := w.on(w.owner.Name, ContactList, other); err != nil || are {
			return err
		}
		if asked, err := w.on(w.owner.Name, AskingList, other); err != nil || !asked {
			return firstError(err, ErrNotAsked.For(other))
		}
		return w.befriend(ContactAccepted, other, w.owner.Name)
	})
}

// DeclineContact refuses who asked to become a contact; who did not ask is left alone. Errors: ErrUserNotFound, ErrNotSelf,
// ErrInvalid.
func (s *Service) DeclineContact(ctx context.Context, c Caller, name, asker string) error {
	return s.relate(ctx, c, foldName(name), []Username{foldName(asker)}, func(w *relating) error {
		other := w.others[0].Name
		were, err := w.tx.DeleteRelations(c.App.ID, w.owner.Name, AskingList, []Username{other})
		if err == nil && len(were) > 0 {
			w.tellBoth(ContactDeclined, other)
		}
		return err
	})
}
