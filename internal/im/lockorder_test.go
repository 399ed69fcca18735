package im_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"teahouse/internal/im"
)

// onceEach runs functions at the same time, round after round, on PostgreSQL and fails when a transaction had to run again:
// whoever keeps to the order of locks never waits in a circle.
func onceEach(t *testing.T, rounds int, round func(w *world, n int) []func() error) {
	t.Helper()
	onPostgres(t, func(t *testing.T, w *world) {
		var updates, runs atomic.Int64
		counted := w.another(func(c *im.Config) {
			c.Store = hookStore{Store: c.Store, update: func(fn func(im.Tx) error) func(im.Tx) error {
				updates.Add(1)
				return func(tx im.Tx) error { runs.Add(1); return fn(tx) }
			}}
		})
		for n := range rounds {
			fns := round(counted, n)
			for _, err := range together(fns...) {
				must(t, err)
			}
		}
		same(t, "transactions run again", runs.Load()-updates.Load(), int64(0))
	})
}

func TestSendersToManyDoNotWaitForEachOther(t *testing.T) {
	onceEach(t, 3, func(w *world, n int) (fns []func() error) {
		var names []string
		for i := range 12 {
			names = append(names, fmt.Sprintf("r%dx%02d", n, (i*5)%12)) // registered in another order than that of names
		}
		w.register(names...)
		app := im.AppCaller(w.app)
		for i, from := range names {
			n := im.NewMessage{From: from, Body: words("x")}
			for j := range 4 {
				n.To = append(n.To, address(names[(i*7+j*5+1)%12]))
			}
			fns = append(fns, func() error { _, err := w.svc.Send(w.t.Context(), app, n); return err })
		}
		return append(fns, func() error {
			_, err := w.svc.Broadcast(w.t.Context(), app, im.NewMessage{From: names[3], Body: words("all")}, im.AllUsers)
			return err
		})
	})
}

// TestARoomMadeAgainWhileItIsDestroyed: who takes the id waits before anything else is locked.
func TestARoomMadeAgainWhileItIsDestroyed(t *testing.T) {
	onceEach(t, 20, func(w *world, n int) []func() error {
		id := im.RoomID(fmt.Sprint("again", n))
		app := inGroup(w.t, w, "app", id)
		again := im.NewRoom{Kind: im.Group, ID: id, Name: "n", Owner: "ann", Members: []string{"bob", "cat"}}
		app.Create(again)
		return []func() error{
			func() error { return w.svc.DestroyRoom(w.t.Context(), app.c, im.Group, id) },
			func() error {
				if _, err := w.svc.CreateRoom(w.t.Context(), app.c, again); im.AsError(err).Code != im.ErrRoomExists.Code {
					return err
				}
				return nil
			},
		}
	})
}

// TestGroupsOfNewPeopleWhileOthersGo: both count users and groups.
func TestGroupsOfNewPeopleWhileOthersGo(t *testing.T) {
	var persons []int64
	onceEach(t, 30, func(w *world, n int) (fns []func() error) {
		if n == 0 {
			for i := range 90 {
				a, err := w.svc.CreateAccount(w.t.Context(), im.AppCaller(w.app), im.NewAccount{Name: fmt.Sprint("person", i)})
				must(w.t, err)
				persons = append(persons, a.ID)
			}
		}
		for i := range 2 {
			owner := fmt.Sprintf("owner%dx%d", n, i)
			w.register(owner)
			as(w.t, w, "app").of(im.Group).Create(im.NewRoom{Name: "n", Owner: owner})
			as(w.t, w, "app").of(im.Chatroom).Create(im.NewRoom{Name: "n", Owner: owner})
			fns = append(fns, func() error { _, err := w.svc.DeleteUser(w.t.Context(), im.AppCaller(w.app), owner); return err },
				func() error {
					_, err := w.svc.StartGroup(w.t.Context(), im.UserCaller(w.app, im.IMName(persons[3*n+i])), im.NewGroup{Name: "n", Members: []int64{persons[3*n+2]}})
					return err
				})
		}
		return fns
	})
}

// TestHoppers go from room to room, each leaving those they were in, while others look after them.
func TestHoppers(t *testing.T) {
	onceEach(t, 5, func(w *world, n int) (fns []func() error) {
		rooms := []im.RoomID{"hop0", "hop1", "hop2", "hop3"}
		if n == 0 {
			for _, id := range rooms {
				as(w.t, w, "app").Create(im.NewRoom{ID: id, Name: "n", Owner: "ann"})
			}
		}
		for i, u := range []im.Username{"adm", "ada", "bob", "cat", "sid", "zed"} {
			fns = append(fns, func() error {
				for j := range 6 {
					_, err := w.svc.Enter(w.t.Context(), im.UserCaller(w.app, u), rooms[(i*3+j*(n+1))%4], im.Entering{LeaveOthers: j%3 != i%3})
					if err != nil {
						return err
					}
				}
				return nil
			}, func() error {
				return w.svc.WentAway(w.t.Context(), w.app.ID, u)
			})
		}
		return fns
	})
}
