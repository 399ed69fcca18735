package easemob

import (
	"strings"

	"teahouse/internal/im"
)

// Sizes of pages of contacts and blocks (wire/easemob.md §7.5, §7.6).
const (
	contactsPage    = 10
	contactsPageMax = 50
)

// friend is the other user of the path.
func (c *call) friend() string { return c.r.PathValue("friend") }

// remarks reports whether the answer tells what the user calls the contacts.
func (c *call) remarks() bool { return c.query.Get("needReturnRemark") == "true" }

// contactItem is one contact; Remark only where it was asked for.
type contactItem struct {
	Username string  `json:"username"`
	Remark   *string `json:"remark,omitempty"`
}

func contactItems(contacts []im.Relation, remarks bool) []contactItem {
	items := make([]contactItem, len(contacts))
	for i, r := range contacts {
		items[i].Username = string(r.User)
		if remarks {
			items[i].Remark = &r.Note
		}
	}
	return items
}

func relationNames(all []im.Relation) []string {
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = string(r.User)
	}
	return names
}

// ofUser is the collection of a user that an answer is about.
func ofUser(u im.User, what string) string { return usersPath + "/" + u.UUID + "/" + what }

// GET /{org}/{app}/users/{user}/contacts/users: all of them.
func (a *API) listContacts(c *call) (answer, error) {
	owner, all, _, err := a.svc.Contacts(c.r.Context(), c.caller, c.user(), 0, 0)
	ans := answer{path: ofUser(owner, "contacts"), data: relationNames(all), count: count(len(all))}
	if c.remarks() {
		ans.entities = contactItems(all, true)
	}
	return ans, err
}

// GET /{org}/{app}/users/{user}/contacts?limit=&cursor=: a page; the Web SDK reads the cursor inside data.
func (a *API) pageContacts(c *call) (answer, error) {
	limit, err := c.number("limit", contactsPage)
	if err != nil {
		return answer{}, err
	}
	after, err := c.after('c')
	if err != nil {
		return answer{}, err
	}
	owner, page, next, err := a.svc.Contacts(c.r.Context(), c.caller, c.user(), after, min(limit, contactsPageMax))
	return answer{path: ofUser(owner, "contacts"), data: struct {
		Contacts []contactItem `json:"contacts"`
		Cursor   string        `json:"cursor,omitempty"`
	}{contactItems(page, c.remarks()), cursorText('c', next)}}, err
}

// POST /{org}/{app}/users/{user}/contacts/users/{friend}
func (a *API) addContact(c *call) (answer, error) {
	owner, friend, err := a.svc.AddContact(c.r.Context(), c.caller, c.user(), c.friend())
	return answer{path: ofUser(owner, "contacts"), entities: []userEntity{entityOf(friend)}}, err
}

// DELETE /{org}/{app}/users/{user}/contacts/users/{friend}
func (a *API) removeContact(c *call) (answer, error) {
	owner, friend, err := a.svc.RemoveContact(c.r.Context(), c.caller, c.user(), c.friend())
	return answer{path: ofUser(owner, "contacts"), entities: []userEntity{entityOf(friend)}}, err
}

type remarkRequest struct {
	Remark text `json:"remark"`
}

// PUT /{org}/{app}/users/{user}/contacts/users/{friend}
func (a *API) setRemark(c *call, b remarkRequest) (answer, error) {
	if !b.Remark.sent {
		return answer{}, im.ErrFieldMissing.With("remark")
	}
	owner, err := a.svc.SetRemark(c.r.Context(), c.caller, c.user(), c.friend(), b.Remark.v)
	return answer{path: ofUser(owner, "contacts"), status: "ok"}, err
}

type askRequest struct {
	Usernames texts     `json:"usernames"`
	Reason    looseText `json:"reason"`
}

// POST /{org}/{app}/users/{user}/contacts/apply
func (a *API) askContacts(c *call, b askRequest) (answer, error) {
	asked, err := a.svc.AskContacts(c.r.Context(), c.caller, c.user(), b.Usernames.v, b.Reason.v)
	return answer{path: usersPath, data: struct {
		Asked []string `json:"applyContacts"`
	}{words(asked)}}, err
}

// POST /{org}/{app}/users/{user}/contacts/accept/users/{friend}
func (a *API) acceptContact(c *call) (answer, error) {
	err := a.svc.AcceptContact(c.r.Context(), c.caller, c.user(), c.friend())
	return answer{path: usersPath, data: struct {
		Accepted string `json:"acceptContacts"`
	}{strings.ToLower(c.friend())}}, err
}

// POST /{org}/{app}/users/{user}/contacts/decline/users/{friend}
func (a *API) declineContact(c *call) (answer, error) {
	err := a.svc.DeclineContact(c.r.Context(), c.caller, c.user(), c.friend())
	return answer{path: usersPath, data: struct {
		Declined string `json:"declineContacts"`
	}{strings.ToLower(c.friend())}}, err
}

// GET /{org}/{app}/users/{user}/blocks/users: all of them, or a page when one is asked for.
func (a *API) listUserBlocks(c *call) (answer, error) {
	size := 0
	if c.has("pageSize") || c.has("cursor") {
		n, err := c.number("pageSize", contactsPage)
		if err != nil {
			return answer{}, err
		}
		size = min(n, contactsPageMax)
	}
	after, err := c.after('b')
	if err != nil {
		return answer{}, err
	}
	owner, page, next, err := a.svc.UserBlocks(c.r.Context(), c.caller, c.user(), after, size)
	return answer{path: ofUser(owner, "blocks"), data: relationNames(page), count: count(len(page)), cursor: cursorText('b', next)}, err
}

// POST /{org}/{app}/users/{user}/blocks/users and /{org}/{app}/sdk/user/{user}/blocks
func (a *API) blockUsers(c *call, b usernames) (answer, error) {
	owner, blocked, err := a.svc.BlockUsers(c.r.Context(), c.caller, c.user(), b.Usernames.v)
	return answer{path: ofUser(owner, "blocks"), data: userNames(blocked)}, err
}

// DELETE /{org}/{app}/sdk/user/{user}/blocks
func (a *API) unblockUsers(c *call, b usernames) (answer, error) {
	owner, gone, err := a.svc.UnblockUsers(c.r.Context(), c.caller, c.user(), b.Usernames.v)
	return answer{path: ofUser(owner, "blocks"), data: userNames(gone)}, err
}

// DELETE /{org}/{app}/users/{user}/blocks/users/{users}
func (a *API) unblockUser(c *call) (answer, error) {
	owner, gone, err := a.svc.UnblockUsers(c.r.Context(), c.caller, c.user(), c.names())
	return answer{path: ofUser(owner, "blocks"), entities: entitiesOf(gone)}, err
}

func userNames(users []im.User) []string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = string(u.Name)
	}
	return names
}
