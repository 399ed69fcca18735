package im

import (
	"context"
	"slices"
	"unicode/utf8"
)

// Property is one key of what a user tells about herself: a nickname, a picture's address and the like. Anyone of the app may
// read it.
type Property struct {
	User       Username
	Key, Value string
}

// Limits of user properties (wire/easemob.md §9.1).
const (
	maxProperties    = 2048 // bytes of a user's keys and values
	maxPropertyBatch = 100  // users read in one call
)

// SetProperties writes properties of a user, to the app or the user, beside those that are there. Errors: ErrUserNotFound,
// ErrNotSelf, ErrFieldMissing, ErrInvalid, ErrPropertiesLong.
func (s *Service) SetProperties(ctx context.Context, c Caller, name string, all []Property) error {
	if len(all) == 0 {
		return ErrFieldMissing.With("properties")
	}
	for _, p := range all {
		if p.Key == "" || !utf8.ValidString(p.Key) || !utf8.ValidString(p.Value) {
			return ErrInvalid.With("properties")
		}
	}
	user := foldName(name)
	return s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		if err := tx.LockUsers(c.App.ID, []Username{user}); err != nil {
			return err
		}
		if _, err := ofUser(tx, c, user); err != nil {
			return err
		}
		if err := tx.PutProperties(c.App.ID, user, all); err != nil {
			return err
		}
		now, err := tx.Properties(c.App.ID, []Username{user})
		size := 0
		for _, p := range now {
			size += len(p.Key) + len(p.Value)
		}
		if err != nil || size > maxProperties {
			return firstError(err, ErrPropertiesLong.For(user).With(itoa(maxProperties)))
		}
		emit(Event{Topic: UserTopic(c.App.ID, user), Kind: PropertiesChanged, Users: []Username{user}})
		return nil
	})
}

// Properties returns what users have set, by user and key; of those keys only, if any are named. Users who do not exist have
// set nothing. Errors: ErrUnauthenticated, ErrBatchTooLarge.
func (s *Service) Properties(ctx context.Context, c Caller, names, keys []string) (all []Property, err error) {
	if !c.Known() {
		return nil, ErrUnauthenticated
	}
	users, err := batch(names, maxPropertyBatch)
	if err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) { all, err = tx.Properties(c.App.ID, users); return err })
	if len(keys) > 0 {
		all = slices.DeleteFunc(all, func(p Property) bool { return !slices.Contains(keys, p.Key) })
	}
	return all, err
}

// DeleteProperties removes all properties of a user, to the app or the user; that there are none, or no such user, is no
// error. Errors: ErrNotSelf.
func (s *Service) DeleteProperties(ctx context.Context, c Caller, name string) error {
	user := foldName(name)
	if err := c.mustBe(user); err != nil {
		return err
	}
	return s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		if err := tx.LockUsers(c.App.ID, []Username{user}); err != nil {
			return err
		}
		was, err := tx.Properties(c.App.ID, []Username{user})
		if err != nil || len(was) == 0 {
			return err
		}
		emit(Event{Topic: UserTopic(c.App.ID, user), Kind: PropertiesChanged, Users: []Username{user}})
		return tx.DeleteProperties(c.App.ID, user)
	})
}

// PropertyBytes is the length of all keys and values in the app; it needs an app token. Errors: ErrAppOnly.
func (s *Service) PropertyBytes(ctx context.Context, c Caller) (n int64, err error) {
	if err := c.mustBeApp(); err != nil {
		return 0, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) { n, err = tx.PropertyBytes(c.App.ID); return err })
	return n, err
}
