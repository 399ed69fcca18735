package im_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/storetest"
)

// together runs functions at the same time and returns what they return.
func together(fns ...func() error) []error {
	errs := make([]error, len(fns))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() {
			<-start
			errs[i] = fn()
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// tally counts errors by code; "ok" is success.
func tally(errs []error) map[string]int {
	count := map[string]int{}
	for _, err := range errs {
		if err == nil {
			count["ok"]++
		} else {
			count[im.AsError(err).Code]++
		}
	}
	return count
}

// each makes n functions.
func each(n int, fn func(i int) error) (fns []func() error) {
	for i := range n {
		fns = append(fns, func() error { return fn(i) })
	}
	return fns
}

// TestTheLatestEventTellsWhatIsStored: events may overtake each other, but their versions say which came last.
func TestTheLatestEventTellsWhatIsStored(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		for range 20 {
			w.bus.Take()
			together(each(8, func(i int) error {
				return w.svc.SetAnnouncement(t.Context(), im.AppCaller(w.app), im.Chatroom, lounge, fmt.Sprint("text ", i))
			})...)
			var last im.Event
			versions := map[int64]bool{}
			for _, e := range w.bus.Take() {
				versions[e.Version] = true
				if e.Version > last.Version {
					last = e
				}
			}
			room, _ := as(t, w, "ann").Room()
			same(t, "versions", len(versions), 8)
			same(t, "the latest", []any{last.Text, last.Version}, []any{room.Announcement, room.Version})
		}
	})
}

func TestARoomIsNeverOverfull(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		names := w.crowd(12)
		as(t, w, "ann").Change(im.RoomChange{MaxUsers: ptr(8)})
		errs := together(each(12, func(i int) error {
			return w.svc.AddMember(t.Context(), im.AppCaller(w.app), im.Chatroom, lounge, names[i])
		})...)
		same(t, "answers", tally(errs), map[string]int{"ok": 3, "room_full": 9})
		room, roster := as(t, w, "app").Room()
		same(t, "members", []int{room.Members, len(strings.Fields(roster))}, []int{8, 8})
	})
}

func TestAUserNeverJoinsTooManyRooms(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		for i := range 8 {
			as(t, w, "app").Create(im.NewRoom{ID: im.RoomID(fmt.Sprintf("room%d", i)), Name: "n", Owner: "ann"})
		}
		w.change("user_max_chatrooms=3")
		errs := together(each(8, func(i int) error {
			return w.svc.AddMember(t.Context(), im.AppCaller(w.app), im.Chatroom, im.RoomID(fmt.Sprintf("room%d", i)), "sid")
		})...)
		same(t, "added", tally(errs), map[string]int{"ok": 3, "too_many_rooms": 5})
		errs = together(each(8, func(i int) error {
			_, err := w.svc.CreateRoom(t.Context(), im.AppCaller(w.app), im.NewRoom{Kind: im.Chatroom, Name: "n", Owner: "zed"})
			return err
		})...)
		same(t, "created", tally(errs), map[string]int{"ok": 3, "too_many_rooms": 5})
	})
}

func TestAnAppNeverHasTooManyRooms(t *testing.T) {
	onEngines(t, []string{"max_chatrooms=4"}, func(t *testing.T, w *world) {
		errs := together(each(8, func(i int) error {
			_, err := w.svc.CreateRoom(t.Context(), im.AppCaller(w.app), im.NewRoom{Kind: im.Chatroom, Name: "n", Owner: "ann"})
			return err
		})...)
		same(t, "created besides the lounge", tally(errs), map[string]int{"ok": 3, "app_rooms": 5})
	})
}

func TestOneOfManyWins(t *testing.T) {
	onEngines(t, []string{"room_max_admins=3"}, func(t *testing.T, w *world) {
		app := im.AppCaller(w.app)
		same(t, "the same id", tally(together(each(6, func(i int) error {
			_, err := w.svc.CreateRoom(t.Context(), app, im.NewRoom{Kind: im.Chatroom, ID: "same", Name: "n", Owner: "ann"})
			return err
		})...)), map[string]int{"ok": 1, "room_exists": 5})
		same(t, "the same name", tally(together(each(6, func(i int) error {
			_, err := w.svc.Register(t.Context(), app, im.NewUser{Name: "eve", Password: ptr("p")})
			return err
		})...)), map[string]int{"ok": 1, "user_exists": 5})
		same(t, "the same member", tally(together(each(6, func(i int) error {
			return w.svc.AddMember(t.Context(), app, im.Chatroom, lounge, "sid")
		})...)), map[string]int{"ok": 1, "already_member": 5})
		same(t, "the last place for an admin", tally(together(each(3, func(i int) error {
			return w.svc.AddAdmin(t.Context(), app, im.Chatroom, lounge, []string{"bob", "cat", "sid"}[i])
		})...)), map[string]int{"ok": 1, "too_many_admins": 2})
	})
}

// TestARoomAlwaysHasOneOwner however many give it away at once.
func TestARoomAlwaysHasOneOwner(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		people := []string{"ann", "adm", "ada", "bob", "cat"}
		together(each(20, func(i int) error {
			return w.svc.ChangeRoom(t.Context(), im.AppCaller(w.app), im.Chatroom, lounge, im.RoomChange{NewOwner: &people[i%5]})
		})...)
		room, roster := as(t, w, "app").Room()
		same(t, "owners in "+roster, strings.Count(roster, "!"), 1)
		same(t, "the owner", strings.Contains(roster, string(room.Owner)+"!"), true)
	})
}

func TestARoomNeverHasTooManyAttributes(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		together(each(12, func(i int) error {
			var set []im.Attribute
			for j := range 10 {
				set = append(set, im.Attribute{Key: fmt.Sprintf("k%d.%d", i, j)})
			}
			_, err := w.svc.SetAttributes(t.Context(), im.AppCaller(w.app), lounge, im.AttributeChange{User: "bob", Set: set})
			return err
		})...)
		same(t, "attributes", len(strings.Fields(as(t, w, "bob").Attributes())), 100)
	})
}

// TestChangesOfOneUserAreNotLost beside each other.
func TestChangesOfOneUserAreNotLost(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		for i := range 10 {
			password, nickname := fmt.Sprint("p", i), fmt.Sprint("n", i)
			for _, err := range together(
				func() error { return w.svc.SetPassword(t.Context(), im.AppCaller(w.app), "bob", password, "") },
				func() error {
					_, err := w.svc.SetNickname(t.Context(), im.AppCaller(w.app), "bob", nickname)
					return err
				},
				func() error { _, err := w.svc.SetActive(t.Context(), im.AppCaller(w.app), "bob", i%2 == 0); return err },
			) {
				must(t, err)
			}
			u := as(t, w, "app").User("bob")
			same(t, "user", []any{u.Password, u.Nickname, u.Active}, []any{"plain:" + password, nickname, i%2 == 0})
		}
	})
}

// TestNoTokenOutlivesItsEnd: who logs in while the sessions are being ended gets nothing or a token that is ended.
func TestChangesOfOneAppAreNotLost(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		keys := []string{"batch_add", "batch_remove", "batch_register", "max_chatrooms", "max_groups", "room_max_admins"}
		errs := together(each(len(keys), func(i int) error {
			_, err := w.svc.ChangeApp(t.Context(), im.NewApp{Key: w.app.Key, Settings: map[string]string{keys[i]: "7"}})
			return err
		})...)
		same(t, "answers", tally(errs), map[string]int{"ok": len(keys)})
		app, err := w.svc.App(t.Context(), w.app.Key)
		must(t, err)
		for _, k := range keys {
			same(t, k, app.Settings.Values()[k], "7")
		}
	})
}

func TestNoTokenOutlivesItsEnd(t *testing.T) {
	ends := map[string]func(w *world, round int) error{
		"password": func(w *world, round int) error {
			return w.svc.SetPassword(w.t.Context(), im.AppCaller(w.app), "bob", fmt.Sprint("round", round), "")
		},
		"deactivation": func(w *world, _ int) error {
			_, err := w.svc.SetActive(w.t.Context(), im.AppCaller(w.app), "bob", false)
			return err
		},
		"deletion": func(w *world, _ int) error {
			_, err := w.svc.DeleteUser(w.t.Context(), im.AppCaller(w.app), "bob")
			return err
		},
	}
	onEngines(t, nil, func(t *testing.T, w *world) {
		for name, end := range ends {
			for round := range 8 {
				_, _ = w.svc.Register(t.Context(), im.AppCaller(w.app), im.NewUser{Name: "bob"})
				as(t, w, "app").SetActive("bob", true)
				as(t, w, "app").SetPassword("bob", "old", "")
				tokens := make(chan string, 10)
				login := func(int) error {
					g, err := w.svc.PasswordToken(t.Context(), w.app, "bob", "old", nil)
					if err == nil {
						tokens <- g.Text
						_, err = w.svc.Authenticate(t.Context(), w.app, g.Text) // into the cache, perhaps
					}
					if e := im.AsError(err); err != nil && e.Kind != im.Unauthenticated {
						return err
					}
					return nil
				}
				fns := append(each(4, login), func() error { return end(w, round) })
				for _, err := range together(fns...) {
					must(t, err)
				}
				close(tokens)
				for text := range tokens {
					if _, err := w.svc.Authenticate(t.Context(), w.app, text); !errors.Is(err, im.ErrTokenBad) {
						t.Fatalf("%s, round %d: a token of before: got %v, want %v", name, round, err, im.ErrTokenBad)
					}
				}
			}
		}
	})
}

// onPostgres runs a test that acts inside an open transaction, which one engine only can do.
func onPostgres(t *testing.T, test func(t *testing.T, w *world)) {
	test(t, newWorldOn(t, openStore(t, storetest.Postgres(t))))
}

// soon tells whether do succeeds while a transaction is open: one that must wait for a lock of it is given up.
func soon(t *testing.T, do func(ctx context.Context) error) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	err := do(ctx)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("meanwhile: %v", err)
	}
	return err == nil
}

// TestNobodyChangesAUserWhoIsBeingGivenAToken: between the look at the user and the token there is a lock.
func TestNobodyChangesAUserWhoIsBeingGivenAToken(t *testing.T) {
	for _, c := range []struct {
		name   string
		grant  func(w *world) (im.Grant, error)
		change func(ctx context.Context, w *world) error
	}{
		{"by password", func(w *world) (im.Grant, error) {
			return w.svc.PasswordToken(w.t.Context(), w.app, "bob", "secret", nil)
		}, func(ctx context.Context, w *world) error {
			return w.svc.SetPassword(ctx, im.AppCaller(w.app), "bob", "new", "")
		}},
		{"inherited", func(w *world) (im.Grant, error) {
			return w.svc.InheritToken(w.t.Context(), im.AppCaller(w.app), "bob", false, nil)
		}, func(ctx context.Context, w *world) error {
			_, err := w.svc.SetActive(ctx, im.AppCaller(w.app), "bob", false)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onPostgres(t, func(t *testing.T, w *world) {
				changed := false
				g, err := c.grant(w.meanwhile("user", func() {
					changed = soon(t, func(ctx context.Context) error { return c.change(ctx, w) })
				}))
				must(t, err)
				same(t, "changed meanwhile", changed, false)
				must(t, c.change(t.Context(), w))
				as(t, w, "nobody").fails(im.ErrTokenBad).Enter(g.Text)
			})
		})
	}
}

// TestDeleteUserWhileTheRoomsChange: what others do to a room between the look and the deed stands.
func TestDeleteUserWhileTheRoomsChange(t *testing.T) {
	for _, c := range []struct {
		name, step, owner string
		meanwhile         func(a actor)
		want              string // who is in the room; "" destroyed
	}{
		{"his room is destroyed", "joined", "bob", actor.Destroy, ""},
		{"his room is given away", "joined", "bob", func(a actor) { a.Transfer("cat") }, "cat!"},
		{"a room he is in is destroyed", "joined", "cat", actor.Destroy, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			onPostgres(t, func(t *testing.T, w *world) {
				app := as(t, w, "app").in("other")
				app.Create(im.NewRoom{ID: "other", Name: "n", Owner: c.owner, Members: []string{"cat", "bob"}})
				as(t, w.meanwhile(c.step, func() { c.meanwhile(app) }), "app").DeleteUser("bob")
				app.fails(im.ErrUserNotFound).User("bob")
				if c.want == "" {
					app.fails(im.ErrRoomNotFound).Members()
				} else {
					same(t, "members", app.Members(), c.want)
				}
				same(t, "the lounge", app.in(lounge).Members(), "ann! adm+ ada+ cat")
			})
		})
	}
}

// TestDeleteUsersWhileOneIsDeleted leaves that one to the other.
func TestDeleteUsersWhileOneIsDeleted(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		looked := false
		late := w.another(func(c *im.Config) {
			c.Store = hookStore{Store: w.store, afterView: func() {
				if !looked {
					looked = true
					as(t, w, "app").DeleteUser("adm")
					w.bus.Take()
				}
			}}
		})
		gone, more, err := late.svc.DeleteUsers(t.Context(), as(t, w, "app").c, 3)
		must(t, err)
		same(t, "gone", line(gone, " ", func(u im.User) string { return string(u.Name) }), "ann ada")
		same(t, "more", more, true)
		w.want("lounge room_destroyed by app [] of 4", `@ann sessions_ended by app [ann] "deleted"`, `@ada sessions_ended by app [ada] "deleted"`)
	})
}

// TestAUserDeletedWhileBecomingASuperAdmin leaves no right to the next of the name.
func TestAUserDeletedWhileBecomingASuperAdmin(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world) {
		_ = w.meanwhile("user", func() {
			soon(t, func(ctx context.Context) error { _, err := w.svc.DeleteUser(ctx, as(t, w, "app").c, "bob"); return err })
		}).svc.AddSuperAdmin(t.Context(), as(t, w, "app").c, "bob")
		_, _ = w.svc.DeleteUser(t.Context(), as(t, w, "app").c, "bob") // gone already, or only now
		as(t, w, "app").Register("bob", "another bob")
		same(t, "super admins", as(t, w, "app").SuperAdmins(), "")
	})
}
