package im

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Username names a User in its App. It is stored and compared in lower case.
type Username string

// User is an account of an App.
type User struct {
	App      AppID
	Name     Username
	UUID     string
	Password string // encoded hash, see [Passwords]; empty: derived, or only inherit tokens work
	Derived  int64  // version of a derived password, which holds while Password is empty; 0: none (wire/thinksns.md §2.6)
	Nickname string // display name of pushes; empty: unset
	Active   bool
	Created  time.Time
	Modified time.Time
	Seq      int64 // place in the list of the app's users: grows with creation; given by the store, 0 in what Register returns
}

// Limits of a user's fields (wire/easemob.md §1.5).
const (
	maxUsername = 64  // bytes
	maxPassword = 64  // characters
	maxNickname = 100 // characters
)

// plainWord reports whether s is made of letters, digits, '_', '-' and '.' only.
func plainWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			return false
		}
	}
	return s != ""
}

// foldName folds ASCII letters only: others are in no username, and some would fold into ASCII.
func foldName(s string) Username {
	folded := func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}
	for i := range len(s) {
		if c := rune(s[i]); c >= utf8.RuneSelf || c != folded(c) {
			return Username(strings.Map(folded, s)) // which also makes it valid UTF-8
		}
	}
	return Username(s)
}

// ParseUsername checks and folds a username: 1 to 64 letters, digits, '_', '-' and '.', case-insensitive.
// Errors: ErrNameMissing, ErrNameLong, ErrNameIllegal.
func ParseUsername(s string) (Username, error) {
	switch {
	case s == "":
		return "", ErrNameMissing
	case len(s) > maxUsername:
		return "", ErrNameLong.With(s)
	case !plainWord(s):
		return "", ErrNameIllegal.With(s)
	}
	return foldName(s), nil
}

// systemUser is who the management API speaks as; only an app token may register the name.
const systemUser Username = "admin"

// NewUser is a registration.
type NewUser struct {
	Name     string
	Password *string // nil: none given
	Nickname string
}

func (s *Service) newUser(app AppID, name Username, hash, nickname string) User {
	now := s.clock.Now()
	return User{App: app, Name: name, UUID: s.ids.UUID(), Password: hash, Nickname: nickname, Active: true,
		Created: now, Modified: now}
}

// Register makes one user. Without an app token the app must have open registration, and a password is
// required. Errors: ErrRegistration, ErrUserExists, those of a bad name, password or nickname.
func (s *Service) Register(ctx context.Context, c Caller, n NewUser) (User, error) {
	if !c.IsApp() && !c.App.Settings.OpenRegistration {
		return User{}, ErrRegistration
	}
	users, taken, err := s.register(ctx, c, []NewUser{n})
	if err != nil {
		return User{}, err
	}
	if len(taken) > 0 {
		return User{}, ErrUserExists.For(taken[0])
	}
	return users[0], nil
}

// RegisterBatch makes several users; it needs an app token. Names that exist are left alone and returned as
// taken. Any other fault refuses the whole batch. Errors: those of Register, ErrBatchTooLarge.
func (s *Service) RegisterBatch(ctx context.Context, c Caller, batch []NewUser) (made []User, taken []Username, err error) {
	if err := c.mustBeApp(); err != nil {
		return nil, nil, err
	}
	if len(batch) > c.App.Settings.BatchRegister {
		return nil, nil, batchError(len(batch), c.App.Settings.BatchRegister)
	}
	return s.register(ctx, c, batch)
}

func (s *Service) register(ctx context.Context, c Caller, batch []NewUser) (made []User, taken []Username, err error) {
	names, err := checkNewUsers(c, batch)
	if err != nil {
		return nil, nil, err
	}
	hashes, err := s.hashNew(ctx, c.App.ID, names, batch)
	if err != nil {
		return nil, nil, err
	}
	users := make([]User, len(batch))
	for i, n := range batch {
		users[i] = s.newUser(c.App.ID, names[i], hashes[i], n.Nickname)
	}
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		made, taken = nil, nil
		if err := tx.LockUsers(c.App.ID, names); err != nil { // wait for who is being deleted before counting anybody in
			return err
		}
		for i, u := range users {
			added := false
			if batch[i].Password == nil || u.Password != "" { // else the name was taken when we looked
				if added, err = tx.AddUser(u); err != nil {
					return err
				}
			}
			if added {
				made = append(made, u)
			} else {
				taken = append(taken, u.Name)
			}
		}
		return nil
	})
	return made, taken, err
}

func checkNewUsers(c Caller, batch []NewUser) ([]Username, error) {
	names := make([]Username, len(batch))
	for i, n := range batch {
		name, err := ParseUsername(n.Name)
		if err != nil {
			return nil, err
		}
		if name == systemUser && !c.IsApp() {
			return nil, ErrNameIllegal.With(n.Name)
		}
		if n.Password == nil && !c.IsApp() || n.Password != nil && *n.Password == "" {
			return nil, ErrNoPassword
		}
		if n.Password != nil {
			if err := checkPassword(*n.Password); err != nil {
				return nil, err
			}
		}
		if err := checkNickname(n.Nickname); err != nil {
			return nil, err
		}
		names[i] = name
	}
	return names, nil
}

func checkPassword(p string) error {
	if utf8.RuneCountInString(p) > maxPassword {
		return ErrPasswordLong
	}
	return nil
}

func checkNickname(n string) error {
	if utf8.RuneCountInString(n) > maxNickname {
		return ErrNicknameLong
	}
	return nil
}

// hashNew hashes the passwords of the names that are free; hashing is dear, and a name taken needs none.
func (s *Service) hashNew(ctx context.Context, app AppID, names []Username, batch []NewUser) ([]string, error) {
	exists := map[Username]bool{}
	err := s.store.View(ctx, func(tx Tx) error {
		standings, err := tx.Standings(Room{App: app, Kind: Chatroom}, names)
		for _, st := range standings {
			exists[st.User] = st.Exists
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	hashes := make([]string, len(batch))
	for i, n := range batch {
		if n.Password == nil || exists[names[i]] {
			continue
		}
		if hashes[i], err = s.passwords.Hash(ctx, *n.Password); err != nil {
			return nil, err
		}
		exists[names[i]] = true // a second one of the batch is taken by then
	}
	return hashes, nil
}

func (s *Service) findUser(ctx context.Context, app AppID, name Username) (u User, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) { u, err = tx.User(app, name); return err })
	return u, err
}

// lookUp finds a user by name or UUID and checks that the caller is the app or the user.
func lookUp(tx Tx, c Caller, nameOrUUID string) (User, error) {
	u, err := tx.User(c.App.ID, foldName(nameOrUUID))
	if errors.Is(err, ErrUserNotFound) && len(nameOrUUID) == 36 {
		if byUUID, e := tx.UserByUUID(c.App.ID, strings.ToLower(nameOrUUID)); e == nil {
			u, err = byUUID, nil
		}
	}
	if denied := selfOr(c, u, foldName(nameOrUUID)); denied != nil {
		return User{}, denied
	}
	return u, err
}

// User returns one user by name or UUID, to the app or to the user. Errors: ErrUserNotFound, ErrNotSelf.
func (s *Service) User(ctx context.Context, c Caller, nameOrUUID string) (u User, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) { u, err = lookUp(tx, c, nameOrUUID); return err })
	return u, err
}

// selfOr is mustBe for a user that was looked up: the refusal names the user's UUID, as the documents show it.
func selfOr(c Caller, u User, name Username) error {
	if u.Name != "" {
		name = u.Name
	}
	if err := c.mustBe(name); err != nil {
		return AsError(err).With(u.UUID)
	}
	return nil
}

// Users lists the app's users, oldest first, after the place of a former answer (0 to begin). next is 0 on
// the last page. It needs an app token.
func (s *Service) Users(ctx context.Context, c Caller, after int64, limit int) (users []User, next int64, err error) {
	if err := appOrCollection(c); err != nil {
		return nil, 0, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		users, err = tx.Users(c.App.ID, after, limit+1)
		return err
	})
	if len(users) > limit {
		users = users[:limit]
		next = users[limit-1].Seq
	}
	return users, next, err
}

// appOrCollection refuses user tokens for calls about all users of the app.
func appOrCollection(c Caller) error {
	if err := c.mustBeApp(); err != nil {
		if c.User != "" {
			return ErrNotSelf
		}
		return err
	}
	return nil
}

// SetNickname changes a user's nickname. Errors: ErrUserNotFound, ErrNotSelf, ErrNicknameLong.
func (s *Service) SetNickname(ctx context.Context, c Caller, name, nickname string) (User, error) {
	if err := checkNickname(nickname); err != nil {
		return User{}, err
	}
	return s.changeUser(ctx, c, name, func(u *User, _ func(reason string)) error {
		u.Nickname = nickname
		return nil
	})
}

// SetPassword changes a user's password and ends the user's tokens. A user token must come with the old
// password. Errors: ErrUserNotFound, ErrNotSelf, ErrNoPassword, ErrPasswordLong, ErrPasswordWrong.
func (s *Service) SetPassword(ctx context.Context, c Caller, name, password, old string) error {
	if password == "" {
		return ErrNoPassword
	}
	if err := checkPassword(password); err != nil {
		return err
	}
	u, err := s.User(ctx, c, name)
	if err != nil {
		return err
	}
	if !c.IsApp() {
		if ok, err := s.passwordMatches(ctx, c.App, u, old); err != nil || !ok {
			return firstError(err, ErrPasswordWrong.For(u.Name))
		}
	}
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = s.changeUser(ctx, c, string(u.Name), func(now *User, end func(string)) error {
		if !c.IsApp() && (now.Password != u.Password || now.Derived != u.Derived) { // changed while we compared
			return ErrPasswordWrong.For(u.Name)
		}
		now.Password = hash
		end("password")
		return nil
	})
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// SetActive activates or deactivates a user; it needs an app token. Deactivation ends the user's tokens.
// Errors: ErrUserNotFound.
func (s *Service) SetActive(ctx context.Context, c Caller, name string, active bool) (User, error) {
	if err := appOrCollection(c); err != nil {
		return User{}, err
	}
	return s.changeUser(ctx, c, name, func(u *User, end func(string)) error {
		u.Active = active
		if !active {
			end("deactivated")
		}
		return nil
	})
}

// changeUser runs change on a user's row; end, when called, also ends the user's tokens for a reason.
func (s *Service) changeUser(ctx context.Context, c Caller, name string, change func(u *User, end func(reason string)) error) (User, error) {
	var u User
	ended := false
	err := s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) (err error) {
		ended = false
		if u, err = lookUp(tx, c, name); err != nil {
			return err
		}
		if err := tx.LockUsers(c.App.ID, []Username{u.Name}); err != nil {
			return err
		}
		if u, err = tx.User(c.App.ID, u.Name); err != nil {
			return err
		}
		err = change(&u, func(reason string) {
			ended = true
			emit(sessionsEnded(u, reason))
		})
		if err != nil {
			return err
		}
		u.Modified = s.clock.Now()
		if ended {
			if err := tx.DeleteTokens(c.App.ID, u.Name); err != nil {
				return err
			}
		}
		return tx.PutUser(u)
	})
	if err == nil && ended {
		s.endSessions(c.App.ID, u.Name)
	}
	return u, err
}

func sessionsEnded(u User, reason string) Event {
	return Event{Topic: UserTopic(u.App, u.Name), Kind: SessionsEnded, Users: []Username{u.Name}, Text: reason}
}

// DeleteUser removes a user, the rooms the user owns and every membership. Errors: ErrUserNotFound, ErrNotSelf.
func (s *Service) DeleteUser(ctx context.Context, c Caller, name string) (u User, err error) {
	for range deleteTries {
		err = s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
			if u, err = lookUp(tx, c, name); err != nil {
				return err
			}
			return s.deleteUser(tx, emit, u)
		})
		if err != errJoined {
			break
		}
	}
	switch err {
	case nil:
		s.endSessions(c.App.ID, u.Name)
	case errJoined:
		err = ErrUnavailable.Because(err)
	}
	return u, err
}

// DeleteUsers removes up to limit users, oldest first, one after the other, and tells whether more are left. It needs
// an app token. After an error those that are returned are gone.
func (s *Service) DeleteUsers(ctx context.Context, c Caller, limit int) (gone []User, more bool, err error) {
	if err := appOrCollection(c); err != nil {
		return nil, false, err
	}
	var users []User
	err = s.store.View(ctx, func(tx Tx) (err error) { users, err = tx.Users(c.App.ID, 0, limit+1); return err })
	more = len(users) > limit
	for _, u := range users[:min(limit, len(users))] {
		u, err := s.DeleteUser(ctx, c, string(u.Name))
		if errors.Is(err, ErrUserNotFound) { // deleted by another call since we looked
			continue
		}
		if err != nil {
			return gone, more, err
		}
		gone = append(gone, u)
	}
	return gone, more, err
}

const (
	deleteBatch = 200 // rooms looked at a time when a user is deleted
	deleteTries = 20
)

// errJoined asks for another try: the user joined a room after the rooms were left and before the user was locked. To
// lock that room now would be against the order, rooms before users, that keeps transactions from waiting for each other.
var errJoined = errors.New("the user keeps joining rooms")

func (s *Service) deleteUser(tx Tx, emit func(Event), u User) error {
	if err := s.leaveForGood(tx, emit, u); err != nil {
		return err
	}
	if err := tx.DeleteUser(u.App, u.Name); err != nil {
		return err
	}
	emit(sessionsEnded(u, "deleted"))
	return nil
}

// inNoRoom is errJoined for a user who is in a room.
func inNoRoom(tx Tx, app AppID, u Username) error {
	for _, kind := range []RoomKind{Chatroom, Group} {
		if rooms, err := tx.JoinedRooms(app, u, kind, 0, 1); err != nil || len(rooms) > 0 {
			return firstError(err, errJoined)
		}
	}
	return nil
}

// leaveAll destroys the rooms a user owns and takes the user out of all others.
func (s *Service) leaveAll(tx Tx, emit func(Event), u User) error {
	for _, kind := range []RoomKind{Chatroom, Group} {
		for {
			rooms, err := tx.JoinedRooms(u.App, u.Name, kind, 0, deleteBatch)
			if err != nil {
				return err
			}
			slices.SortFunc(rooms, func(a, b Room) int { return strings.Compare(string(a.ID), string(b.ID)) }) // one order of locks
			for _, r := range rooms {
				if err := s.leave(tx, emit, r, u.Name); err != nil {
					return err
				}
			}
			if len(rooms) < deleteBatch {
				break
			}
		}
	}
	return nil
}
