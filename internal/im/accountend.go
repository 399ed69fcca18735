package im

import (
	"context"
	"errors"
	"strings"
	"time"
)

// SetAdmin makes an account an admin, who may act for others, or an ordinary one. It needs an app token: no request of a
// client comes with the right. Errors: ErrAccountNotFound.
func (s *Service) SetAdmin(ctx context.Context, c Caller, id int64, admin bool) error {
	if err := c.mustBeApp(); err != nil {
		return err
	}
	_, err := s.changeAccount(ctx, c, id, func(_ Tx, a *Account, _ bool) error {
		a.Admin = admin
		return nil
	})
	return err
}

// DisableAccount keeps a person out: nobody sees the account any more, it cannot log in, its sessions end and its User is
// deactivated. Memberships stay. For admins and the operator. Errors: ErrAccountNotFound, ErrNotSelf.
func (s *Service) DisableAccount(ctx context.Context, c Caller, id int64) error {
	return s.disable(ctx, c, id, "deactivated", s.clock.Now())
}

// EnableAccount lets a disabled person in again. For admins and the operator. Errors: ErrAccountNotFound, ErrNotSelf.
func (s *Service) EnableAccount(ctx context.Context, c Caller, id int64) error {
	return s.disable(ctx, c, id, "", time.Time{})
}

func (s *Service) disable(ctx context.Context, c Caller, id int64, reason string, at time.Time) error {
	if err := s.notSelf(c, id); err != nil {
		return err
	}
	return s.withUserOf(ctx, c, id, reason, func(_ Tx, a *Account, u *User) error {
		if a.Disabled.IsZero() != at.IsZero() {
			a.Disabled = at
			a.Version++ // of sessions that were open nothing is left
			a.Changed = s.clock.Now()
		}
		if u != nil {
			u.Active = at.IsZero()
		}
		return nil
	})
}

// notSelf refuses what a person may not do to the own account.
func (s *Service) notSelf(c Caller, id int64) error {
	if !c.IsApp() && c.User == IMName(id) {
		return ErrForbidden.For(c.User)
	}
	return nil
}

// DeleteAccount removes an account for good. A group that it owns passes to the admin, or else the member, who is in it
// longest, and is destroyed when nobody else is; it leaves all other groups and rooms, and chatrooms that it owns are
// destroyed. The User stays, deactivated, so that what it wrote keeps its author and nobody else gets the name. When it is
// interrupted the account is disabled, and the same call goes on. For admins and the operator.
// Errors: ErrAccountNotFound, ErrNotSelf.
func (s *Service) DeleteAccount(ctx context.Context, c Caller, id int64) error {
	if err := s.DisableAccount(ctx, c, id); err != nil {
		return err
	}
	name := IMName(id)
	if err := s.handOverGroups(ctx, c, name); err != nil {
		return err
	}
	for range deleteTries {
		err := s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
			if _, err := tx.LockAccount(c.App.ID, id); err != nil {
				return err
			}
			if err := s.leaveForGood(tx, emit, User{App: c.App.ID, Name: name}); err != nil {
				return err
			}
			return tx.DeleteAccount(c.App.ID, id)
		})
		if err != errJoined {
			return err
		}
	}
	return ErrUnavailable.Because(errJoined)
}

// handOverGroups gives the groups that a user owns to others, each in a transaction of its own: a heir is locked in each.
func (s *Service) handOverGroups(ctx context.Context, c Caller, u Username) error {
	owned, err := s.ownedGroups(ctx, c.App.ID, u)
	for _, g := range owned {
		if err != nil {
			return err
		}
		err = s.inAnyRoom(ctx, AppCaller(c.App), Group, g.ID, Owner, func(w *work) error {
			if w.room.Owner != u {
				return nil
			}
			heir, err := w.heir()
			if err != nil || heir == "" {
				return err // left to leaveAll, which destroys it
			}
			if err := w.transfer(heir); err != nil {
				return err
			}
			return w.tx.PutRoom(w.room)
		})
		if errors.Is(err, ErrRoomNotFound) { // destroyed since it was looked up
			err = nil
		}
	}
	return err
}

func (s *Service) ownedGroups(ctx context.Context, app AppID, u Username) (owned []Room, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		owned = nil
		for offset := 0; ; offset += deleteBatch {
			rooms, err := tx.JoinedRooms(app, u, Group, offset, deleteBatch)
			if err != nil {
				return err
			}
			for _, r := range rooms {
				if r.Owner == u {
					owned = append(owned, r)
				}
			}
			if len(rooms) < deleteBatch {
				return nil
			}
		}
	})
	return owned, err
}

// heir is who follows the owner: the admin, or else the member, who is longest in the room; "" when nobody else is in it.
func (w *work) heir() (Username, error) {
	admins, err := w.tx.Admins(w.room)
	if err != nil {
		return "", err
	}
	if len(admins) > 0 {
		return admins[0].User, nil
	}
	members, err := w.tx.MembersFrom(w.room, 0, false, 2)
	for _, m := range members {
		if m.User != w.room.Owner {
			return m.User, err
		}
	}
	return "", err
}

// ImportedAccount is what became of one account of an import.
type ImportedAccount struct {
	ID   int64
	Same bool   // it was there already, and was left as it is
	Err  *Error // why it was left out; nil: it was not
}

// ImportAccounts brings accounts along, with their ids and hashes. One that is there already, by its id and name or, without
// an id, by its name, is left as it is, so that an import can be repeated. It needs an app token. Passwords in clear are
// hashed, one after the other. An account at fault is left out and the reason given: those of CreateAccount.
func (s *Service) ImportAccounts(ctx context.Context, c Caller, batch []NewAccount) ([]ImportedAccount, error) {
	if err := c.mustBeApp(); err != nil {
		return nil, err
	}
	known, err := s.knownAccounts(ctx, c.App, batch)
	if err != nil {
		return nil, err
	}
	results := make([]ImportedAccount, len(batch))
	var accounts []Account
	var places []int
	for i, n := range batch {
		results[i].ID = n.ID
		if err := checkAccount(n); err != nil {
			results[i].Err = AsError(err)
			continue
		}
		if was, ok := known[i]; ok {
			results[i].ID, results[i].Same = was.ID, true
			continue
		}
		a, err := s.newAccount(ctx, c.App, n)
		if err != nil {
			return nil, err
		}
		accounts, places = append(accounts, a), append(places, i)
	}
	var added []AddedAccount
	err = s.store.Update(ctx, func(tx Tx) (err error) { added, err = tx.AddAccounts(c.App.ID, accounts); return err })
	for j, a := range added {
		r := &results[places[j]]
		if r.ID = a.ID; a.Taken != "" {
			r.Err = ErrAccountTaken.With(a.Taken)
		}
	}
	return results, err
}

// knownAccounts finds those of the batch, by their place in it, that are there already.
func (s *Service) knownAccounts(ctx context.Context, app *App, batch []NewAccount) (map[int]Account, error) {
	known := map[int]Account{}
	same := func(a Account, n NewAccount) bool { return strings.EqualFold(a.Name, n.Name) }
	err := s.store.View(ctx, func(tx Tx) error {
		clear(known)
		var ids []int64
		for _, n := range batch {
			if n.ID != 0 {
				ids = append(ids, n.ID)
			}
		}
		accounts, err := tx.Accounts(app.ID, sortedIDs(ids))
		if err != nil {
			return err
		}
		byID := map[int64]Account{}
		for _, a := range accounts {
			byID[a.ID] = a
		}
		for i, n := range batch {
			a, ok := byID[n.ID]
			if n.ID == 0 && plainText(n.Name) {
				a, err = tx.AccountBy(app.ID, ByName, n.Name)
				if ok = err == nil; err != nil && !errors.Is(err, ErrAccountNotFound) {
					return err
				}
			}
			if ok && same(a, n) {
				known[i] = a
			}
		}
		return nil
	})
	return known, err
}
