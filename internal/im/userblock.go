package im

import "context"

// UserBlocks lists whom a user has blocked, longest first, to the app or the user, after the place of a former answer (0 to
// begin); limit 0 means all. next is 0 on the last page. Errors: ErrUserNotFound, ErrNotSelf.
func (s *Service) UserBlocks(ctx context.Context, c Caller, name string, after int64, limit int) (owner User, page []Relation, next int64, err error) {
	return s.relations(ctx, c, name, BlockedList, after, limit)
}

// BlockUsers keeps messages of users from a user; who is blocked stays so. They remain contacts. All or nothing. Errors:
// ErrUserNotFound, ErrNotSelf, ErrInvalid for oneself, ErrFieldMissing, ErrBatchTooLarge, ErrTooManyBlocks.
func (s *Service) BlockUsers(ctx context.Context, c Caller, name string, names []string) (owner User, blocked []User, err error) {
	most := c.App.Settings.MaxUserBlocks
	users, err := batch(names, most)
	if err != nil {
		return User{}, nil, err
	}
	err = s.relate(ctx, c, foldName(name), users, func(w *relating) error {
		owner, blocked = w.owner, w.others
		var fresh []Username
		for _, u := range users {
			added, err := w.tx.PutRelation(c.App.ID, owner.Name, BlockedList, Relation{User: u})
			if err != nil {
				return err
			}
			if added {
				fresh = append(fresh, u)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		if n, err := w.tx.CountRelations(c.App.ID, owner.Name, BlockedList); err != nil || n > most {
			return firstError(err, ErrTooManyBlocks.For(owner.Name).With(itoa(most)))
		}
		w.tell(UsersBlocked, "", owner.Name, fresh...)
		return nil
	})
	return owner, blocked, err
}

// UnblockUsers lets messages through again; who is not blocked stays so. Errors: as BlockUsers.
func (s *Service) UnblockUsers(ctx context.Context, c Caller, name string, names []string) (owner User, unblocked []User, err error) {
	users, err := batch(names, c.App.Settings.MaxUserBlocks)
	if err != nil {
		return User{}, nil, err
	}
	err = s.relate(ctx, c, foldName(name), users, func(w *relating) error {
		owner, unblocked = w.owner, w.others
		were, err := w.tx.DeleteRelations(c.App.ID, owner.Name, BlockedList, users)
		if err == nil && len(were) > 0 {
			w.tell(UsersUnblocked, "", owner.Name, were...)
		}
		return err
	})
	return owner, unblocked, err
}
