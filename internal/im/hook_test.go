package im_test

import (
	"context"
	"errors"

	"teahouse/internal/im"
)

// hookStore calls functions around the transactions of a store; nil for none.
type hookStore struct {
	im.Store
	afterView                 func()
	beforeUpdate, afterUpdate func()
	update                    func(fn func(im.Tx) error) func(im.Tx) error // wraps what runs in an Update
	retry                     bool                                         // run an Update again that ends with errAgain
	fail                      func() error                                 // fails a transaction before it begins
	ping                      error
}

var errAgain = errors.New("lost against another transaction")

// Ping implements [im.Store].
func (s hookStore) Ping(ctx context.Context) error {
	if s.ping != nil {
		return s.ping
	}
	return s.Store.Ping(ctx)
}

// View implements [im.Store].
func (s hookStore) View(ctx context.Context, fn func(im.Tx) error) error {
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return err
		}
	}
	err := s.Store.View(ctx, fn)
	if s.afterView != nil {
		s.afterView()
	}
	return err
}

// Update implements [im.Store].
func (s hookStore) Update(ctx context.Context, fn func(im.Tx) error) error {
	if s.beforeUpdate != nil {
		s.beforeUpdate()
	}
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return err
		}
	}
	if s.update != nil {
		fn = s.update(fn)
	}
	err := s.Store.Update(ctx, fn)
	if s.retry && err == errAgain {
		err = s.Store.Update(ctx, fn)
	}
	if s.afterUpdate != nil {
		s.afterUpdate()
	}
	return err
}

// txHook is a transaction that calls a function once when it reaches a step.
type txHook struct {
	im.Tx
	step   string
	reach  func()
	failed error // what the step answers; nil: what the store answers
}

func (h txHook) at(step string) error {
	if h.step != step {
		return nil
	}
	if h.reach != nil {
		h.reach()
	}
	return h.failed
}

// JoinedRooms implements [im.MemberTx].
func (h txHook) JoinedRooms(app im.AppID, user im.Username, kind im.RoomKind, offset, limit int) ([]im.Room, error) {
	rooms, err := h.Tx.JoinedRooms(app, user, kind, offset, limit)
	if kind == im.Chatroom {
		if e := h.at("joined"); e != nil {
			return nil, e
		}
	}
	return rooms, err
}

// User implements [im.UserTx].
func (h txHook) User(app im.AppID, name im.Username) (im.User, error) {
	u, err := h.Tx.User(app, name)
	if e := h.at("user"); e != nil {
		return im.User{}, e
	}
	return u, err
}

// SetRole implements [im.MemberTx].
func (h txHook) SetRole(r im.Room, u im.Username, role im.Role) error {
	if e := h.at("role"); e != nil {
		return e
	}
	return h.Tx.SetRole(r, u, role)
}

// DeleteUser implements [im.UserTx].
func (h txHook) DeleteUser(app im.AppID, u im.Username) error {
	if e := h.at("delete"); e != nil {
		return e
	}
	return h.Tx.DeleteUser(app, u)
}

// AddMembers implements [im.MemberTx].
func (h txHook) AddMembers(r im.Room, m []im.Member) error {
	if e := h.at("members"); e != nil {
		return e
	}
	return h.Tx.AddMembers(r, m)
}

// meanwhile is the world as a node sees it on which do runs once, inside the first Update that reaches the step.
func (w *world) meanwhile(step string, do func()) *world {
	done := false
	once := func() {
		if !done {
			done = true
			do()
		}
	}
	w.t.Cleanup(func() {
		if !done {
			w.t.Errorf("nothing reached the step %q", step)
		}
	})
	return w.another(func(c *im.Config) {
		c.Store = hookStore{Store: w.store, update: func(fn func(im.Tx) error) func(im.Tx) error {
			return func(tx im.Tx) error { return fn(txHook{Tx: tx, step: step, reach: once}) }
		}}
	})
}
