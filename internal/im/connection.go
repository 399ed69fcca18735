package im

import "context"

const maxStatusBatch = 100 // names (wire/easemob.md §7.4)

// Connections returns the connected devices of a user, to the app or the user. Errors: ErrUserNotFound, ErrNotSelf.
func (s *Service) Connections(ctx context.Context, c Caller, name string) (User, []Connection, error) {
	u, err := s.someone(ctx, c, name)
	if err != nil {
		return User{}, nil, err
	}
	devices, err := s.sessions.Connected(ctx, c.App.ID, []Username{u.Name})
	if err != nil {
		return User{}, nil, err
	}
	return u, devices[0], nil
}

// someone finds a user by name for the app or the user.
func (s *Service) someone(ctx context.Context, c Caller, name string) (u User, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) { u, err = ofUser(tx, c, foldName(name)); return err })
	return u, err
}

// Online tells of each of several users whether a device of theirs is connected; nobody is connected who does not exist. It
// needs an app token. Errors: ErrFieldMissing, ErrBatchTooLarge, ErrNotSelf.
func (s *Service) Online(ctx context.Context, c Caller, names []string) (users []Username, online []bool, err error) {
	if err := appOrCollection(c); err != nil {
		return nil, nil, err
	}
	if users, err = batch(names, maxStatusBatch); err != nil {
		return nil, nil, err
	}
	devices, err := s.sessions.Connected(ctx, c.App.ID, users)
	if err != nil {
		return nil, nil, err
	}
	online = make([]bool, len(users))
	for i, d := range devices {
		online[i] = len(d) > 0
	}
	return users, online, nil
}

// MembersOnline is MembersPage, and tells of each member whether a device of the member's is connected. Errors: ErrRoomNotFound.
func (s *Service) MembersOnline(ctx context.Context, c Caller, kind RoomKind, id RoomID, page Page) (members []Member, online []bool, err error) {
	if members, err = s.MembersPage(ctx, c, kind, id, page); err != nil {
		return nil, nil, err
	}
	users := make([]Username, len(members))
	for i, m := range members {
		users[i] = m.User
	}
	devices, err := s.sessions.Connected(ctx, c.App.ID, users)
	online = make([]bool, len(devices))
	for i, d := range devices {
		online[i] = len(d) > 0
	}
	return members, online, err
}

// Disconnect asks a user's device, or with no resource all of them, to leave. It may connect again: tokens stay good. Errors:
// ErrUserNotFound, ErrNotSelf.
func (s *Service) Disconnect(ctx context.Context, c Caller, name, resource string) error {
	u, err := s.someone(ctx, c, name)
	if err != nil {
		return err
	}
	if err := s.sessions.Disconnect(ctx, c.App.ID, u.Name, resource); err != nil {
		return err
	}
	s.publish(ctx, []Event{{Topic: UserTopic(c.App.ID, u.Name), Kind: UserDisconnected, App: c.App.ID, At: s.clock.Now(), By: c.User,
		Users: []Username{u.Name}, Text: resource}})
	return nil
}
