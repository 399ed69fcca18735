package easemob

import (
	"bytes"

	"teahouse/internal/im"
)

// userEntity is a user on the wire (wire/easemob.md §7.1).
type userEntity struct {
	UUID      string `json:"uuid"`
	Type      string `json:"type"`
	Created   int64  `json:"created"`
	Modified  int64  `json:"modified"`
	Username  string `json:"username"`
	Activated bool   `json:"activated"`
	Nickname  string `json:"nickname,omitempty"`
}

func entityOf(u im.User) userEntity {
	return userEntity{u.UUID, "user", millis(u.Created), millis(u.Modified), string(u.Name), u.Active, u.Nickname}
}

func entitiesOf(users []im.User) []userEntity {
	es := make([]userEntity, len(users))
	for i, u := range users {
		es[i] = entityOf(u)
	}
	return es
}

const usersPath = "/users"

func oneUser(u im.User) answer {
	return answer{path: usersPath, entities: []userEntity{entityOf(u)}}
}

type registration struct {
	Username looseText `json:"username"`
	Password text      `json:"password"`
	Nickname text      `json:"nickname"`
}

func (r registration) user() im.NewUser {
	return im.NewUser{Name: r.Username.v, Password: r.Password.ptr(), Nickname: r.Nickname.v}
}

type registerFailure struct {
	Username string `json:"username"`
	Reason   string `json:"registerUserFailReason"`
}

// POST /{org}/{app}/users: one object, or a list. A list of one counts as one.
func (a *API) register(c *call) (answer, error) {
	if c.denied != nil {
		return answer{}, c.denied
	}
	data, err := c.body()
	if err != nil {
		return answer{}, err
	}
	list := []registration{{}}
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '[' {
		list = nil
		err = decode(data, &list)
	} else {
		err = decode(data, &list[0])
	}
	switch {
	case err != nil:
		return answer{}, err
	case len(list) == 1:
		u, err := a.svc.Register(c.r.Context(), c.caller, list[0].user())
		return oneUser(u), err
	case len(list) == 0:
		return answer{}, im.ErrNameMissing
	}
	batch := make([]im.NewUser, len(list))
	for i, r := range list {
		batch[i] = r.user()
	}
	users, taken, err := a.svc.RegisterBatch(c.r.Context(), c.caller, batch)
	failed := make([]registerFailure, len(taken))
	for i, u := range taken {
		failed[i] = registerFailure{string(u), "the " + string(u) + " already exists"}
	}
	return answer{path: usersPath, entities: entitiesOf(users), data: failed}, err
}

// Sizes of the list of users: the documents cap it at 100, ThinkSNS+ asks for 100,000 and needs them (wire/clients.md §1.10).
const (
	usersPage    = 10
	usersPageMax = 100_000
	usersStep    = 1000
	deleteMax    = 500
)

// GET /{org}/{app}/users?limit=&cursor=
func (a *API) listUsers(c *call) (answer, error) {
	limit, err := c.number("limit", usersPage)
	if err != nil {
		return answer{}, err
	}
	after, err := c.after('u')
	if err != nil {
		return answer{}, err
	}
	limit = min(limit, usersPageMax)
	list := []userEntity{}
	for { // in steps, so that a list of all takes the memory of its answer only
		users, next, err := a.svc.Users(c.r.Context(), c.caller, after, min(limit-len(list), usersStep))
		if err != nil {
			return answer{}, err
		}
		list = append(list, entitiesOf(users)...)
		if after = next; next == 0 || len(list) >= limit {
			return answer{path: usersPath, entities: list, count: count(len(list)), cursor: cursorText('u', next)}, nil
		}
	}
}

// DELETE /{org}/{app}/users?limit=: only with the number; DELETE …/users/ comes from scripts that lost a name.
func (a *API) deleteUsers(c *call) (answer, error) {
	if !c.has("limit") {
		return answer{}, im.ErrFieldMissing.With("limit")
	}
	limit, err := c.number("limit", usersPage)
	if err != nil {
		return answer{}, err
	}
	users, more, err := a.svc.DeleteUsers(c.r.Context(), c.caller, min(limit, deleteMax))
	ans := answer{path: usersPath, entities: entitiesOf(gone(users))}
	if more && len(users) > 0 { // what is left begins where the deleted ones ended
		ans.cursor = cursorText('u', users[len(users)-1].Seq)
	}
	return ans, err
}

// gone shows deleted users as no longer activated.
func gone(users []im.User) []im.User {
	for i := range users {
		users[i].Active = false
	}
	return users
}

// GET /{org}/{app}/users/{user}
func (a *API) user(c *call) (answer, error) {
	u, err := a.svc.User(c.r.Context(), c.caller, c.user())
	ans := oneUser(u)
	ans.count = count(1)
	return ans, err
}

// DELETE /{org}/{app}/users/{user}
func (a *API) deleteUser(c *call) (answer, error) {
	u, err := a.svc.DeleteUser(c.r.Context(), c.caller, c.user())
	return oneUser(gone([]im.User{u})[0]), err
}

type userChange struct {
	Nickname text    `json:"nickname"`
	Entities shields `json:"entities"`

	DeviceID    text      `json:"device_id"`
	DeviceToken looseText `json:"device_token"`
	Notifier    looseText `json:"notifier_name"`
}

// ofPushes reports whether a device tells where its pushes should go.
func (u userChange) ofPushes() bool {
	return !u.Nickname.sent && (u.DeviceID.sent || u.DeviceToken.sent || u.Notifier.sent)
}

// PUT /{org}/{app}/users/{user}
func (a *API) changeUser(c *call, b userChange) (answer, error) {
	if ans, done, err := a.shieldOfOld(c, b.Entities); done {
		return ans, err
	}
	if b.ofPushes() { // nothing is pushed and nothing kept (wire/easemob.md §7.3)
		u, err := a.svc.User(c.r.Context(), c.caller, c.user())
		return oneUser(u), err
	}
	if !b.Nickname.sent {
		return answer{}, im.ErrFieldMissing.With("nickname")
	}
	u, err := a.svc.SetNickname(c.r.Context(), c.caller, c.user(), b.Nickname.v)
	return oneUser(u), err
}

type passwordChange struct {
	New text      `json:"newpassword"`
	Old looseText `json:"oldpassword"` // null with an app token (ThinkSNS+)
}

// PUT /{org}/{app}/users/{user}/password
func (a *API) setPassword(c *call, b passwordChange) (answer, error) {
	err := a.svc.SetPassword(c.r.Context(), c.caller, c.user(), b.New.v, b.Old.v)
	return answer{terse: true, action: "set user password"}, err
}

// POST /{org}/{app}/users/{user}/activate
func (a *API) activate(c *call) (answer, error) {
	_, err := a.svc.SetActive(c.r.Context(), c.caller, c.user(), true)
	return answer{terse: true, action: "activate user"}, err
}

// POST /{org}/{app}/users/{user}/deactivate
func (a *API) deactivate(c *call) (answer, error) {
	u, err := a.svc.SetActive(c.r.Context(), c.caller, c.user(), false)
	return answer{terse: true, action: "Deactivate user", entities: []userEntity{entityOf(u)}}, err
}
