package im_test

import (
	"context"
	"testing"

	"teahouse/internal/im"
)

// staff makes the accounts 1 anne, who is an admin, 2 bert and 3 carl, with their users.
func (w *world) staff() {
	w.t.Helper()
	w.people("anne", "bert", "carl")
	w.boss(1)
	must(w.t, w.svc.RegisterIMBatch(w.t.Context(), w.person(1), []int64{1, 2, 3}))
	w.bus.Take()
}

func TestDisableAccount(t *testing.T) {
	w := newWorld(t)
	w.staff()
	nobody := as(t, w, "nobody")
	app := as(t, w, "app")
	app.of(im.Group).Create(im.NewRoom{ID: "crew", Name: "n", Owner: "2", Members: []string{"3"}})
	hash := w.hash(2)
	text := nobody.Login("2", hash).Text
	w.bus.Take()
	must(t, w.svc.DisableAccount(t.Context(), w.person(1), 2))
	w.want(`@2 sessions_ended by 1 [2] "deactivated"`)
	nobody.fails(im.ErrTokenBad).Enter(text)
	nobody.fails(im.ErrUserInactive).Login("2", hash)
	same(t, "memberships stay", app.of(im.Group).in("crew").Members(), "2! 3")
	refused(t, w.svc.DisableAccount(t.Context(), im.AppCaller(w.app), 9), im.ErrAccountNotFound.With("9"))
	must(t, w.svc.DisableAccount(t.Context(), im.AppCaller(w.app), 2)) // twice

	must(t, w.svc.EnableAccount(t.Context(), w.person(1), 2))
	nobody.Login("2", w.hash(2))
	same(t, "seen again", w.account(2).Name, "bert")
}

func TestDeleteAccount(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		w.staff()
		app, groups := as(t, w, "app"), as(t, w, "app").of(im.Group)
		groups.Create(im.NewRoom{ID: "older", Name: "n", Owner: "2", Members: []string{"3", "1"}})
		groups.Create(im.NewRoom{ID: "admins", Name: "n", Owner: "2", Members: []string{"3", "1"}})
		groups.in("admins").AddAdmin("1")
		groups.Create(im.NewRoom{ID: "alone", Name: "n", Owner: "2"})
		groups.Create(im.NewRoom{ID: "guest", Name: "n", Owner: "3", Members: []string{"2"}})
		app.Create(im.NewRoom{ID: "chat", Name: "n", Owner: "2", Members: []string{"3"}})
		groups.in("older").Disable(true)
		hash := w.hash(2)
		must(t, w.svc.DeleteAccount(t.Context(), w.person(1), 2))
		same(t, "the longest in it", groups.in("older").Members(), "3! 1")
		same(t, "an admin before a member", groups.in("admins").Members(), "3 1!")
		groups.in("alone").fails(im.ErrRoomNotFound).Members()
		same(t, "left", groups.in("guest").Members(), "3!")
		app.in("chat").fails(im.ErrRoomNotFound).Members()
		as(t, w, "nobody").fails(im.ErrUserInactive).Login("2", hash)
		same(t, "the user stays", app.User("2").Active, false)
		refused(t, w.svc.DeleteAccount(t.Context(), w.person(1), 2), im.ErrAccountNotFound.With("2"))
		refused(t, w.svc.EnableAccount(t.Context(), w.person(1), 2), im.ErrAccountNotFound.With("2"))
		w.people("bert") // the name is free, the id is not
		same(t, "id", w.account(4).Name, "bert")
	})
}

// TestAccountAuthority: who may do what to account 2.
func TestAccountAuthority(t *testing.T) {
	const (
		own   = "ok ok ok not_self unauthenticated"
		other = "ok ok forbidden not_self unauthenticated"
		ops   = "ok app_token_required app_token_required app_token_required unauthenticated"
	)
	for _, c := range []struct {
		what, answers string
		do            func(ctx context.Context, s *im.Service, c im.Caller) error
	}{
		{"SetProfile", own, func(ctx context.Context, s *im.Service, c im.Caller) error {
			_, err := s.SetProfile(ctx, c, 2, im.ProfileChange{Bio: ptr("x")})
			return err
		}},
		{"SetAccountPassword", own, func(ctx context.Context, s *im.Service, c im.Caller) error {
			return s.SetAccountPassword(ctx, c, 2, "another", "secret1")
		}},
		{"ResetIMPassword", own, func(ctx context.Context, s *im.Service, c im.Caller) error { return s.ResetIMPassword(ctx, c, 2) }},
		{"IMPassword", "not_self not_self ok not_self unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller) error {
			_, err := s.IMPassword(ctx, c, 2)
			return err
		}},
		{"RegisterIM", "ok ok ok ok unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller) error { return s.RegisterIM(ctx, c, 2) }},
		{"RegisterIMBatch", "ok ok ok ok unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller) error {
			return s.RegisterIMBatch(ctx, c, []int64{2})
		}},
		{"RegisterAllIM", "ok ok ok ok unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller) error {
			return s.RegisterAllIM(ctx, c, nil)
		}},
		{"DisableAccount", other, func(ctx context.Context, s *im.Service, c im.Caller) error { return s.DisableAccount(ctx, c, 2) }},
		{"EnableAccount", other, func(ctx context.Context, s *im.Service, c im.Caller) error { return s.EnableAccount(ctx, c, 2) }},
		{"DeleteAccount", other, func(ctx context.Context, s *im.Service, c im.Caller) error { return s.DeleteAccount(ctx, c, 2) }},
		{"SetAdmin", ops, func(ctx context.Context, s *im.Service, c im.Caller) error { return s.SetAdmin(ctx, c, 2, true) }},
		{"CreateAccount", ops, func(ctx context.Context, s *im.Service, c im.Caller) error {
			_, err := s.CreateAccount(ctx, c, im.NewAccount{Name: "new"})
			return err
		}},
		{"ImportAccounts", ops, func(ctx context.Context, s *im.Service, c im.Caller) error {
			_, err := s.ImportAccounts(ctx, c, nil)
			return err
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			var got string
			for _, who := range []string{"app", "1", "2", "3", "nobody"} { // the operator, an admin, the person, somebody else
				w := newWorld(t)
				w.staff()
				word := "ok"
				if err := c.do(t.Context(), w.svc, as(t, w, who).c); err != nil {
					word = im.AsError(err).Code
				}
				got += " " + word
			}
			same(t, "app, admin, self, other, nobody", got[1:], c.answers)
		})
	}
}

// TestDisabledAdmin: who is kept out has no rights any more.
func TestDisabledAdmin(t *testing.T) {
	w := newWorld(t)
	w.staff()
	must(t, w.svc.DisableAccount(t.Context(), im.AppCaller(w.app), 1))
	refused(t, w.svc.DisableAccount(t.Context(), w.person(1), 2), im.ErrNotSelf.For("2"))
	must(t, w.svc.EnableAccount(t.Context(), im.AppCaller(w.app), 1))
	must(t, w.svc.SetAdmin(t.Context(), im.AppCaller(w.app), 1, false))
	refused(t, w.svc.DisableAccount(t.Context(), w.person(1), 2), im.ErrNotSelf.For("2"))
}
