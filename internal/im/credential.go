package im

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The User of an account needs no stored password: it is derived from a key of the app, the name and a version
// (wire/thinksns.md §2.6, ADR 16), so that registering computes nothing.

// derive returns the password of a User whose password is derived, 32 lower-case hexadecimal digits; "" for others.
func (s *Service) derive(ctx context.Context, app *App, u User) (string, error) {
	if u.Password != "" || u.Derived == 0 {
		return "", nil
	}
	if s.md5Passwords {
		if hash, err := s.phpHash(ctx, app, u.Name); err != nil || hash != "" {
			return hash, err
		}
	}
	key, err := s.secret(ctx, app.ID, "im_pwd_hash")
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(app.Key.String() + "\x00" + string(u.Name) + "\x00" + strconv.FormatInt(u.Derived, 10)))
	return hex.EncodeToString(mac.Sum(nil))[:32], nil
}

// phpHash is the derivation of ThinkSNS+: the MD5 of the stored hash. Who has no password has none of these: PHP gives all
// of them the same one.
func (s *Service) phpHash(ctx context.Context, app *App, name Username) (hash string, err error) {
	id, ok := AccountID(name)
	if !ok {
		return "", nil
	}
	err = s.store.View(ctx, func(tx Tx) error {
		accounts, err := tx.Accounts(app.ID, []int64{id})
		if err == nil && len(accounts) > 0 && accounts[0].Password != "" {
			sum := md5.Sum([]byte(accounts[0].Password))
			hash = hex.EncodeToString(sum[:])
		}
		return err
	})
	return hash, err
}

// passwordMatches compares with the stored hash, or with the derived password in constant time.
func (s *Service) passwordMatches(ctx context.Context, app *App, u User, password string) (bool, error) {
	derived, err := s.derive(ctx, app, u)
	if err != nil {
		return false, err
	}
	if derived != "" {
		return subtle.ConstantTimeCompare([]byte(derived), []byte(password)) == 1, nil
	}
	return s.passwords.Verify(ctx, u.Password, password)
}

// nextDerived is the next version of a derived password. It is at least the time, so that none comes back when a user is
// deleted and made again.
func (s *Service) nextDerived(u User) int64 { return max(u.Derived+1, s.clock.Now().Unix()) }

func (s *Service) newDerived(app AppID, id int64) User {
	u := s.newUser(app, IMName(id), "", "")
	u.Derived = s.nextDerived(u)
	return u
}

// RegisterIM makes the User of an account; nothing happens when it is there. Any token will do.
// Errors: ErrAccountNotFound, those of [Directory].
func (s *Service) RegisterIM(ctx context.Context, c Caller, id int64) error {
	n, err := s.registerIM(ctx, c, []int64{id})
	if err == nil && n == 0 {
		err = ErrAccountNotFound.With(strconv.FormatInt(id, 10))
	}
	return err
}

// maxIMBatch is how many ids RegisterIMBatch takes.
const maxIMBatch = 500

// RegisterIMBatch makes the Users of those accounts that exist; ids of nobody are passed over. Any token will do.
// Errors: ErrFieldMissing, ErrBatchTooLarge, those of [Directory].
func (s *Service) RegisterIMBatch(ctx context.Context, c Caller, ids []int64) error {
	switch {
	case len(ids) == 0:
		return ErrFieldMissing.With("user_ids")
	case len(ids) > maxIMBatch:
		return batchError(len(ids), maxIMBatch)
	}
	_, err := s.registerIM(ctx, c, ids)
	return err
}

// registerIM makes the missing Users of the people who exist, and tells how many people do.
func (s *Service) registerIM(ctx context.Context, c Caller, ids []int64) (exist int, err error) {
	if !c.Known() {
		return 0, ErrUnauthenticated
	}
	profiles, err := s.Profiles(ctx, c.App, ids)
	if err != nil {
		return 0, err
	}
	return len(profiles), s.makeUsers(ctx, c.App.ID, profiles)
}

// makeUsers makes those Users of people that are missing.
func (s *Service) makeUsers(ctx context.Context, app AppID, people []Profile) error {
	return s.store.Update(ctx, func(tx Tx) error { return s.makeUsersIn(tx, app, people) })
}

// makeUsersIn is makeUsers in a transaction of more.
func (s *Service) makeUsersIn(tx Tx, app AppID, people []Profile) error {
	names := namesOf(people)
	if err := tx.LockUsers(app, names); err != nil {
		return err
	}
	standings, err := tx.Standings(Room{App: app, Kind: Group}, names)
	if err != nil {
		return err
	}
	var users []User
	for i, p := range people {
		if !standings[i].Exists {
			users = append(users, s.newDerived(app, p.ID))
		}
	}
	_, err = tx.AddUsers(app, users)
	return err
}

const (
	allIMStep = 1000             // people registered in one transaction
	allIMRest = 10 * time.Second // between two times that one user registers all
)

// resting remembers who did something dear a moment ago.
type resting struct {
	mu   sync.Mutex
	last map[restKey]time.Time // guarded by mu
}

type restKey struct {
	app AppID
	by  Username
}

// may reports whether by may do it now, and takes note of it.
func (r *resting) may(key restKey, now time.Time, rest time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.last[key]; ok && now.Sub(at) < rest {
		return false
	}
	for k, at := range r.last {
		if now.Sub(at) >= rest {
			delete(r.last, k)
		}
	}
	if r.last == nil {
		r.last = map[restKey]time.Time{}
	}
	r.last[key] = now
	return true
}

// forget lets by do it again at once.
func (r *resting) forget(key restKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.last, key)
}

// RegisterAllIM makes the Users of all accounts that have none. Any token will do. A user who did so less than ten seconds ago
// is answered without work. progress, which may be nil, hears how many people were looked at. Errors: those of [Directory].
func (s *Service) RegisterAllIM(ctx context.Context, c Caller, progress func(done int)) error {
	if !c.Known() {
		return ErrUnauthenticated
	}
	key := restKey{c.App.ID, c.User}
	if !c.IsApp() && !s.registering.may(key, s.clock.Now(), allIMRest) {
		return nil
	}
	err := s.registerEverybody(ctx, c, progress)
	if err != nil { // the next answer must not claim what nobody did
		s.registering.forget(key)
	}
	return err
}

func (s *Service) registerEverybody(ctx context.Context, c Caller, progress func(done int)) error {
	done, after := 0, int64(0)
	for {
		people, next, err := s.peopleAfter(ctx, c.App, after)
		if err != nil {
			return err
		}
		if err := s.makeUsers(ctx, c.App.ID, people); err != nil {
			return err
		}
		if done += len(people); progress != nil {
			progress(done)
		}
		s.log.Info("registering old users", "app", c.App.Key.String(), "done", done)
		if after = next; after == 0 {
			return nil
		}
	}
}

// peopleAfter pages through all people; next is 0 on the last page.
func (s *Service) peopleAfter(ctx context.Context, app *App, after int64) (people []Profile, next int64, err error) {
	if s.directory != nil {
		return s.directory.ProfilesAfter(ctx, after, allIMStep)
	}
	accounts, err := s.FindAccounts(ctx, app, AccountQuery{After: after, Limit: allIMStep})
	for _, a := range accounts {
		people = append(people, a.Profile)
	}
	if len(accounts) == allIMStep {
		next = people[allIMStep-1].ID
	}
	return people, next, err
}

// IMPassword returns the im_pwd_hash of the caller's own account, and nobody else's. From then on the User exists and this is
// its password. When it had another, its sessions end: somebody else may have registered the name or set that password.
// Errors: ErrAccountNotFound, ErrNotSelf.
func (s *Service) IMPassword(ctx context.Context, c Caller, id int64) (string, error) {
	if err := c.mustBe(IMName(id)); err != nil || c.IsApp() {
		return "", firstError(err, ErrNotSelf.For(IMName(id)))
	}
	u, err := s.findUser(ctx, c.App.ID, c.User)
	if err != nil && AsError(err).Code != ErrUserNotFound.Code {
		return "", err
	}
	if err != nil || u.Password != "" || u.Derived == 0 {
		if u, err = s.applyDerived(ctx, c, id, func(u *User) {
			if u.Derived == 0 {
				u.Derived = s.nextDerived(*u)
			}
		}, false); err != nil {
			return "", err
		}
	}
	return s.derive(ctx, c.App, u)
}

// ResetIMPassword gives a User a new im_pwd_hash and ends its sessions; one that is not there yet is made. A person may do so
// for the own account, an admin and the operator for any. Errors: ErrAccountNotFound, ErrNotSelf.
func (s *Service) ResetIMPassword(ctx context.Context, c Caller, id int64) error {
	err := s.store.View(ctx, func(tx Tx) error { _, err := admits(tx, c, id); return err })
	if err != nil {
		return err
	}
	_, err = s.applyDerived(ctx, c, id, func(u *User) { u.Derived = s.nextDerived(*u) }, true)
	return err
}

// applyDerived makes the password of an account's User the derived one. With end, or when it had another, its sessions
// end.
func (s *Service) applyDerived(ctx context.Context, c Caller, id int64, change func(*User), end bool) (u User, err error) {
	if _, self := AccountID(c.User); s.directory == nil || !self || c.User != IMName(id) { // whom the directory let in exists
		if exist, err := s.Profiles(ctx, c.App, []int64{id}); err != nil || len(exist) == 0 {
			return User{}, firstError(err, ErrAccountNotFound.With(strconv.FormatInt(id, 10)))
		}
	}
	name, ended := IMName(id), false
	err = s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		ended = false
		found, err := lockUser(tx, c.App.ID, name)
		if err != nil {
			return err
		}
		if found == nil {
			u = s.newDerived(c.App.ID, id)
			if added, err := tx.AddUser(u); err != nil || added {
				return err
			}
			if found, err = lockUser(tx, c.App.ID, name); err != nil || found == nil { // another was faster
				return firstError(err, ErrUnavailable)
			}
		}
		u = *found
		if end || u.Password != "" {
			ended = true
			emit(sessionsEnded(u, "password"))
			if err := tx.DeleteTokens(c.App.ID, name); err != nil {
				return err
			}
		}
		u.Password, u.Modified = "", s.clock.Now()
		change(&u)
		return tx.PutUser(u)
	})
	if err == nil && ended {
		s.endSessions(c.App.ID, name)
	}
	return u, err
}

// sortedIDs returns the ids in order, each once.
func sortedIDs(ids []int64) []int64 {
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}
