package plus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
	"teahouse/internal/plus"
	"teahouse/internal/plustest"
)

// world is a Directory beside a stand-in with the users 1 to 3, of whom 3 is deleted.
type world struct {
	*plus.Directory
	php   *plustest.Server
	clock *imtest.Clock
	log   *bytes.Buffer // to be read when nobody calls
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{php: plustest.New(t), clock: imtest.NewClock(), log: &bytes.Buffer{}}
	w.php.Add(plustest.User{ID: 1, Name: "创始人", Sex: 2, Bio: "tea"}, plustest.User{ID: 2, Name: "ann"}, plustest.User{ID: 3, Name: "gone", Deleted: true})
	w.Directory = w.open(t, w.php.URL, 30*time.Second)
	return w
}

func (w *world) open(t *testing.T, url string, timeout time.Duration) *plus.Directory {
	t.Helper()
	d, err := plus.New(plus.Config{URL: url, Clock: w.clock, Log: slog.New(slog.NewTextHandler(w.log, nil)), Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func (w *world) wantCalls(t *testing.T, want ...string) {
	t.Helper()
	if got := w.php.Calls(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("calls: got %q, want %q", got, want)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

// names lists profiles as "1:name 2:name".
func names(profiles []im.Profile) string {
	var s []string
	for _, p := range profiles {
		s = append(s, fmt.Sprint(p.ID, ":", p.Name))
	}
	return strings.Join(s, " ")
}

func (w *world) wantProfiles(t *testing.T, want string, ids ...int64) {
	t.Helper()
	got, err := w.Profiles(t.Context(), ids)
	if err != nil || names(got) != want {
		t.Errorf("profiles %v: got %q, %v, want %q", ids, names(got), err, want)
	}
}

func TestIntrospect(t *testing.T) {
	w := newWorld(t)
	token := w.php.Login(1)
	p, err := w.Introspect(t.Context(), token)
	bio := "tea"
	want := im.Profile{ID: 1, Name: "创始人", Bio: &bio, Sex: 2,
		Created: time.Date(2017, 6, 2, 8, 43, 54, 0, time.UTC), Updated: time.Date(2017, 12, 17, 14, 34, 13, 0, time.UTC)}
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v, %v, want %+v", p, err, want)
	}
	for _, bad := range []string{"", "a b", "a\nb", "é", strings.Repeat("a", 10_000)} { // the other side is not bothered with these
		_, err = w.Introspect(t.Context(), bad)
		wantErr(t, err, im.ErrTokenBad)
	}
	w.wantCalls(t, "/api/v2/user")
	_, err = w.Introspect(t.Context(), "eyJ.unknown.token")
	wantErr(t, err, im.ErrTokenBad)
	_, err = w.Introspect(t.Context(), w.php.Login(3)) // deleted
	wantErr(t, err, im.ErrTokenBad)
}

func TestIntrospectIsRemembered(t *testing.T) {
	w := newWorld(t)
	token := w.php.Login(1)
	introspect := func(want error) {
		t.Helper()
		if _, err := w.Introspect(t.Context(), token); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	introspect(nil)
	w.php.Logout(token)
	w.clock.Advance(30*time.Second - 1)
	introspect(nil)
	w.wantCalls(t, "/api/v2/user")
	w.clock.Advance(1)
	introspect(im.ErrTokenBad)
	w.clock.Advance(5*time.Second - 1)
	introspect(im.ErrTokenBad)
	w.wantCalls(t, "/api/v2/user")
	w.clock.Advance(1)
	introspect(im.ErrTokenBad)
	w.wantCalls(t, "/api/v2/user")
}

// failures are the ways in which the other side can fail; none is an answer.
func failures() map[string]http.HandlerFunc {
	status := func(status int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, h := range header {
				name, value, _ := strings.Cut(h, ": ")
				w.Header().Set(name, value)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	return map[string]http.HandlerFunc{
		"500":                  status(500, `{"message":"Server Error"}`),
		"502 of a proxy":       status(502, "<html>Bad Gateway</html>"),
		"503, maintenance":     status(503, ""),
		"403 of a wall":        status(403, "<html>blocked</html>"),
		"404":                  status(404, `{"message":""}`),
		"429":                  status(429, `{"message":"Too Many Attempts."}`),
		"401 of a proxy":       status(401, "<html>", `WWW-Authenticate: Basic realm="staging"`),
		"a page":               status(200, "<html>welcome</html>"),
		"nothing":              status(200, ""),
		"half":                 status(200, `{"id":1,"name":"cre`),
		"another thing":        status(200, `"hello"`),
		"null":                 status(200, `null`),
		"no id":                status(200, `{"name":"ann"}`),
		"a strange id":         status(200, `{"id":"ann","name":"ann"}`),
		"an id like a group's": status(200, `{"id":10000000000000,"name":"ann"}`),
		"huge":                 status(200, `{"id":1,"name":"`+strings.Repeat("a", 3<<20)+`"}`),
		"short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"id":1}`))
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.invalid/api/v2/user", http.StatusFound)
		},
		"round and round": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		},
	}
}

// TestFailureIsNoAnswer holds that no failure of the other side logs anybody out.
func TestFailureIsNoAnswer(t *testing.T) {
	for name, fail := range failures() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			token := w.php.Login(1)
			w.php.Answer(fail)
			_, err := w.Introspect(t.Context(), token)
			wantErr(t, err, im.ErrUnavailable)
			if strings.Contains(err.Error(), token) || strings.Contains(w.log.String(), token) {
				t.Errorf("the token is told: %v, %s", err, w.log)
			}
			if found, err := w.Profiles(t.Context(), []int64{1}); !errors.Is(err, im.ErrUnavailable) || len(found) > 0 {
				t.Errorf("profiles: got %v, %v", found, err)
			}
			if page, next, err := w.ProfilesAfter(t.Context(), 7, 10); !errors.Is(err, im.ErrUnavailable) || len(page) > 0 || next != 7 {
				t.Errorf("list: got %v, %d, %v", page, next, err)
			}
			if name != "404" {
				_, err = w.File(t.Context(), 11)
				wantErr(t, err, im.ErrUnavailable)
			}
			w.php.Answer(nil)
			w.clock.Advance(time.Second) // so long nobody is asked again
			if p, err := w.Introspect(t.Context(), token); err != nil || p.ID != 1 {
				t.Errorf("afterwards: got %+v, %v", p, err)
			}
			w.wantProfiles(t, "1:创始人", 1)
		})
	}
}

// TestDownKeepsTokens: who was let in stays so for a while when the other side falls silent, for apps drop their conversations when
// calls fail; until it speaks again.
func TestDownKeepsTokens(t *testing.T) {
	w := newWorld(t)
	token, late := w.php.Login(1), w.php.Login(2)
	introspect := func(token string, want error) {
		t.Helper()
		if p, err := w.Introspect(t.Context(), token); !errors.Is(err, want) || err == nil && p.Name != "创始人" {
			t.Errorf("got %+v, %v, want %v", p, err, want)
		}
	}
	introspect(token, nil)
	w.php.Fail(503, "")
	introspect(late, im.ErrUnavailable)
	w.clock.Advance(9 * time.Minute)
	introspect(token, nil)
	w.php.Calls()
	w.clock.Advance(5*time.Second - 1)
	introspect(token, nil)
	w.wantCalls(t)
	w.clock.Advance(1)
	introspect(token, nil)
	w.wantCalls(t, "/api/v2/user")
	w.clock.Advance(55 * time.Second) // ten minutes since it was told
	introspect(token, im.ErrUnavailable)
	w.clock.Advance(time.Second)
	w.php.Answer(nil)
	introspect(token, nil)
	w.php.Fail(503, "")
	w.clock.Advance(30 * time.Second)
	introspect(token, nil)
	w.php.Answer(nil)
	w.php.Logout(token)
	w.clock.Advance(5 * time.Second)
	introspect(token, im.ErrTokenBad)
	w.php.Fail(503, "")
	w.clock.Advance(5 * time.Second)
	introspect(token, im.ErrUnavailable) // what was refused is not good again
}

func TestDown(t *testing.T) {
	w := newWorld(t)
	token := w.php.Login(1)
	w.wantProfiles(t, "1:创始人 2:ann", 1, 2)
	w.php.Stop()
	_, err := w.Introspect(t.Context(), token)
	wantErr(t, err, im.ErrUnavailable)

	w.clock.Advance(5 * time.Minute)
	w.wantProfiles(t, "1:创始人 2:ann", 1, 2) // old ones are better than none
	found, err := w.Profiles(t.Context(), []int64{1, 9, 2})
	if wantErr(t, err, im.ErrUnavailable); names(found) != "1:创始人 2:ann" {
		t.Errorf("beside one that is not known: got %q", names(found))
	}
	w.clock.Advance(24 * time.Hour)
	if found, err = w.Profiles(t.Context(), []int64{1}); len(found) > 0 {
		t.Errorf("a day later: got %v", found)
	}
	wantErr(t, err, im.ErrUnavailable)
}

func TestLogsOnceHowItIs(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		w.php.Fail(500, "")
		for range 3 {
			w.clock.Advance(time.Hour)
			_, _ = w.Profiles(t.Context(), []int64{1})
		}
		w.php.Answer(nil)
		for range 3 {
			w.clock.Advance(time.Hour)
			_, _ = w.Profiles(t.Context(), []int64{1})
		}
	}
	if got := strings.Count(w.log.String(), "\n"); got != 4 {
		t.Errorf("got %d lines, want 4:\n%s", got, w.log)
	}
}

func TestSlow(t *testing.T) {
	w := newWorld(t)
	token := w.php.Login(1)
	w.php.Hold()
	d := w.open(t, w.php.URL, time.Millisecond)
	_, err := d.Introspect(t.Context(), token)
	wantErr(t, err, im.ErrUnavailable)
	if found, err := d.Profiles(t.Context(), make10(200)); !errors.Is(err, im.ErrUnavailable) || len(found) > 0 {
		t.Errorf("got %v, %v", found, err)
	}
}

func make10(n int64) (ids []int64) {
	for id := range n {
		ids = append(ids, id+1)
	}
	return ids
}

func TestOneCallForAll(t *testing.T) {
	for name, ask := range map[string]func(*world, string) error{
		"token":    func(w *world, token string) error { _, err := w.Introspect(t.Context(), token); return err },
		"profiles": func(w *world, _ string) error { _, err := w.Profiles(t.Context(), []int64{2, 1}); return err },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			token := w.php.Login(1)
			w.php.Hold()
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if err := ask(w, token); err != nil {
						t.Error(err)
					}
				})
			}
			w.php.Came()
			w.php.Release()
			all.Wait()
			if got := w.php.Calls(); len(got) != 1 {
				t.Errorf("%d calls for 100 who ask: %q", len(got), got)
			}
		})
	}
}

// TestOneIsGone holds that who gives up neither waits nor takes the answer from the others.
func TestOneIsGone(t *testing.T) {
	w := newWorld(t)
	token := w.php.Login(1)
	w.php.Hold()
	first, gone := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() { _, err := w.Introspect(first, token); answered <- err }()
	w.php.Came()
	_, err := w.Introspect(cancelled(), token)
	wantErr(t, err, im.ErrUnavailable)
	gone()
	w.php.Release()
	if err := <-answered; err != nil {
		t.Errorf("who asked first: %v", err)
	}
	if _, err := w.Introspect(t.Context(), token); err != nil {
		t.Errorf("who asks later: %v", err)
	}
	w.wantCalls(t, "/api/v2/user")
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestProfiles(t *testing.T) {
	w := newWorld(t)
	w.wantProfiles(t, "2:ann 1:创始人", 2, 1, 2, 3, 4, 0, -1)
	w.wantCalls(t, "/api/v2/users?id=2%2C1%2C3%2C4&limit=50")
	w.php.Add(plustest.User{ID: 4, Name: "new"}, plustest.User{ID: 2, Name: "anna"})
	w.wantProfiles(t, "1:创始人 2:ann", 1, 2, 4)
	w.wantCalls(t)
	w.clock.Advance(5 * time.Second) // who was unknown may have signed up
	w.wantProfiles(t, "1:创始人 2:ann 4:new", 1, 2, 3, 4)
	w.wantCalls(t, "/api/v2/users?id=3%2C4&limit=50")
	w.clock.Advance(5*time.Minute - 5*time.Second)
	w.wantProfiles(t, "1:创始人 2:anna 4:new", 1, 2, 4)
	w.wantCalls(t, "/api/v2/users?id=1%2C2&limit=50")
	w.wantProfiles(t, "")
	w.wantCalls(t)
}

func TestManyProfiles(t *testing.T) {
	w := newWorld(t)
	for id := range int64(1000) {
		w.php.Add(plustest.User{ID: id + 1, Name: "u"})
	}
	found, err := w.Profiles(t.Context(), make10(1001))
	if err != nil || len(found) != 1000 || found[999].ID != 1000 {
		t.Errorf("got %d, %v", len(found), err)
	}
	if got := len(w.php.Calls()); got != 21 {
		t.Errorf("got %d calls, want 21", got)
	}
	w.php.Fail(500, "")
	w.clock.Advance(time.Hour)
	if found, err := w.Profiles(t.Context(), make10(1000)); err != nil || len(found) != 1000 {
		t.Errorf("got %d, %v", len(found), err)
	}
	if got := len(w.php.Calls()); got < 1 || got > 4 {
		t.Errorf("got %d calls to a side that fails, want at most those that were on their way", got)
	}
}

// TestOthersThanAsked holds that a side which does not know the parameter id is not taken to know nobody.
func TestOthersThanAsked(t *testing.T) {
	w := newWorld(t)
	w.php.Fail(200, `[{"id":1},{"id":2}]`)
	_, err := w.Profiles(t.Context(), []int64{1})
	wantErr(t, err, im.ErrUnavailable)
}

func TestProfilesAfter(t *testing.T) {
	w := newWorld(t)
	for id := range int64(120) {
		w.php.Add(plustest.User{ID: 10 + 2*id, Name: "u", Deleted: id%10 == 9})
	}
	var all []im.Profile
	after := int64(0)
	for {
		page, next, err := w.ProfilesAfter(t.Context(), after, 33)
		if err != nil || len(page) > 33 {
			t.Fatalf("got %d, %v", len(page), err)
		}
		all = append(all, page...)
		if after = next; next == 0 {
			break
		}
	}
	if len(all) != 2+108 || all[0].ID != 1 || all[109].ID != 246 {
		t.Errorf("got %d: %q", len(all), names(all))
	}
	w.php.Calls()
	if page, next, err := w.ProfilesAfter(t.Context(), 0, 60); err != nil || len(page) != 60 || next == 0 {
		t.Errorf("got %d, %d, %v", len(page), next, err)
	}
	w.wantCalls(t, "/api/v2/users?limit=50&order=asc", "/api/v2/users?limit=10&order=asc&since=114")
	w.php.Fail(200, `[{"id":9},{"id":8}]`) // knows neither since nor order
	page, next, err := w.ProfilesAfter(t.Context(), 5, 60)
	if wantErr(t, err, im.ErrUnavailable); len(page) != 1 || next != 9 {
		t.Errorf("got %v, %d", page, next)
	}
}

func TestFile(t *testing.T) {
	w := newWorld(t)
	w.php.AddFile(11, "https://cdn.example.com/a.png?x=1&y=2")
	w.php.AddFile(12, "/storage/a.png")
	for id, want := range map[int64]string{11: "https://cdn.example.com/a.png?x=1&y=2", 12: w.php.URL + "/storage/a.png"} {
		if got, err := w.File(t.Context(), id); err != nil || got != want {
			t.Errorf("%d: got %q, %v, want %q", id, got, err, want)
		}
	}
	_, err := w.File(t.Context(), 13)
	wantErr(t, err, im.ErrFileNotFound)
	w.php.AddFile(14, "javascript:alert(1)")
	_, err = w.File(t.Context(), 14)
	wantErr(t, err, im.ErrUnavailable)
}

// TestBearerStaysHere holds that a redirect takes the bearer nowhere else, and that one at home is followed.
func TestBearerStaysHere(t *testing.T) {
	w := newWorld(t)
	var told []string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		told = append(told, r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	w.php.Answer(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, thief.URL, http.StatusFound) })
	_, err := w.Introspect(t.Context(), w.php.Login(1))
	wantErr(t, err, im.ErrUnavailable)
	if len(told) > 0 {
		t.Errorf("another host was told %q", told)
	}
	w.php.Answer(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v2/user" {
			http.Redirect(rw, r, "/index.php/api/v2/user", http.StatusFound)
			return
		}
		_, _ = rw.Write([]byte(`{"id":1,"name":"` + strings.Fields(r.Header.Get("Authorization"))[0] + `"}`))
	})
	if p, err := w.Introspect(t.Context(), w.php.Login(1)); err != nil || p.Name != "Bearer" {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestAddress(t *testing.T) {
	w := newWorld(t)
	token := w.php.Login(1)
	for _, tail := range []string{"", "/", "/api/v2", "/api/v2/"} {
		if _, err := w.open(t, w.php.URL+tail, time.Minute).Introspect(t.Context(), token); err != nil {
			t.Errorf("%q: %v", tail, err)
		}
	}
	for _, bad := range []string{"", "social.example.com", "ftp://social.example.com", "http://", "https://me:secret@host", "https://host?x=1", "https://host#x", "http://[::1"} {
		if _, err := plus.New(plus.Config{URL: bad}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}
