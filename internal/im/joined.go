package im

import "context"

// JoinedRooms lists the rooms a user is in, last joined first. Errors: ErrUserNotFound, ErrNotSelf.
func (s *Service) JoinedRooms(ctx context.Context, c Caller, name string, kind RoomKind, page Page) (rooms []Room, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		u, err := ofUser(tx, c, foldName(name))
		if err != nil {
			return err
		}
		rooms, err = tx.JoinedRooms(c.App.ID, u.Name, kind, page.offset(), page.Size)
		return err
	})
	return rooms, err
}

// Membership is a room that a user is in, and the user's role in it.
type Membership struct {
	Room
	Role Role
}

// Memberships is JoinedRooms with roles. total counts all rooms of the kind that the user is in. Errors: ErrUserNotFound,
// ErrNotSelf.
func (s *Service) Memberships(ctx context.Context, c Caller, name string, kind RoomKind, page Page) (list []Membership, total int, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		u, err := ofUser(tx, c, foldName(name))
		if err != nil {
			return err
		}
		if total, err = joinedCount(tx, u, kind); err != nil {
			return err
		}
		rooms, err := tx.JoinedRooms(c.App.ID, u.Name, kind, page.offset(), page.Size)
		if err != nil {
			return err
		}
		roles, err := tx.RolesIn(c.App.ID, u.Name, kind, idsOf(rooms))
		if err != nil {
			return err
		}
		list = make([]Membership, len(rooms))
		for i, r := range rooms {
			list[i] = Membership{r, roles[i]}
		}
		return nil
	})
	return list, total, err
}

// JoinedCount tells how many rooms of the kind a user is in. Errors: ErrUserNotFound, ErrNotSelf.
func (s *Service) JoinedCount(ctx context.Context, c Caller, name string, kind RoomKind) (n int, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		u, err := ofUser(tx, c, foldName(name))
		if err != nil {
			return err
		}
		n, err = joinedCount(tx, u, kind)
		return err
	})
	return n, err
}

// joinedCount reads a standing with regard to no room.
func joinedCount(tx Tx, u User, kind RoomKind) (int, error) {
	standings, err := tx.Standings(Room{App: u.App, Kind: kind}, []Username{u.Name})
	if err != nil {
		return 0, err
	}
	return standings[0].Joined, nil
}

// rolesOf are the roles in groups of the user who asks; an app token has none.
func rolesOf(tx Tx, c Caller, kind RoomKind, rooms []Room) ([]Role, error) {
	if !c.IsApp() && kind == Group {
		return tx.RolesIn(c.App.ID, c.User, kind, idsOf(rooms))
	}
	roles := make([]Role, len(rooms))
	for i := range roles {
		roles[i] = Stranger
	}
	return roles, nil
}

func idsOf(rooms []Room) []RoomID {
	ids := make([]RoomID, len(rooms))
	for i, r := range rooms {
		ids[i] = r.ID
	}
	return ids
}
