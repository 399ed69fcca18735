package im

import "context"

// AddSuperAdmin lets a user create chatrooms with a user token; it needs an app token. Errors: ErrUserNotFound.
func (s *Service) AddSuperAdmin(ctx context.Context, c Caller, name string) error {
	if err := c.mustBeApp(); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		n := foldName(name)
		if err := tx.LockUsers(c.App.ID, []Username{n}); err != nil {
			return err
		}
		if _, err := tx.User(c.App.ID, n); err != nil {
			return err
		}
		return tx.AddSuperAdmin(c.App.ID, n, s.clock.Now())
	})
}

// RemoveSuperAdmin takes the right back; a user who has none stays so (wire/clients.md §2.10).
func (s *Service) RemoveSuperAdmin(ctx context.Context, c Caller, name string) error {
	if err := c.mustBeApp(); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		_, err := tx.RemoveSuperAdmin(c.App.ID, foldName(name))
		return err
	})
}

// SuperAdmins lists who may create chatrooms, first granted first, page by page from 1.
func (s *Service) SuperAdmins(ctx context.Context, c Caller, page Page) (names []Username, err error) {
	if err := c.mustBeApp(); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		names, err = tx.SuperAdmins(c.App.ID, page.offset(), page.Size)
		return err
	})
	return names, err
}
