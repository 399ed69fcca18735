package thinksns

import (
	"errors"
	"strconv"

	"teahouse/internal/im"
)

// showMe is GET /user.
func (a *API) showMe(c *call) (answer, error) {
	return ok(ownAnswer{
		userAnswer: a.userAnswer(c, c.me), Email: orNull(c.account.Email), Phone: orNull(c.account.Phone),
		Created: moment(c.me.Created), Updated: moment(c.me.Updated),
	}), nil
}

// page reads limit and offset; what is no number counts as absent.
func (c *call) page(otherwise, most int) (offset, limit int) {
	limit = otherwise
	if n, isNumber := whole(c.in["limit"]); isNumber {
		limit = int(min(n, int64(most)))
	}
	if n, isNumber := whole(c.in["offset"]); isNumber {
		offset = int(min(n, 1<<40))
	}
	return offset, limit
}

const (
	fewUsers  = 15 // in a list that names no limit
	mostUsers = 50 // in any list
)

// listUsers is GET /users: the people who are numbered, or a page of all.
func (a *API) listUsers(c *call) (answer, error) {
	if c.in.has("id") {
		return a.namedUsers(c)
	}
	offset, limit := c.page(fewUsers, mostUsers)
	keyword := c.in.text("name")
	if keyword == "" {
		keyword = c.in.text("keyword")
	}
	return a.findUsers(c, im.AccountQuery{Keyword: keyword, Offset: offset, Limit: limit})
}

func (a *API) findUsers(c *call, q im.AccountQuery) (answer, error) {
	accounts, err := a.svc.FindAccounts(c.ctx(), c.app, q)
	if err != nil {
		return answer{}, err
	}
	all := make([]userAnswer, len(accounts))
	for i, account := range accounts {
		all[i] = a.userAnswer(c, account.Profile)
	}
	return ok(all), nil
}

// namedUsers answers people in the order in which they are asked for; who is nobody is left out.
func (a *API) namedUsers(c *call) (answer, error) {
	texts, _ := list(c.in["id"])
	var ids []int64
	for _, text := range texts {
		if id, isNumber := whole(text); isNumber && len(ids) < mostUsers {
			ids = append(ids, id)
		}
	}
	profiles, err := a.svc.Profiles(c.ctx(), c.app, ids)
	if err != nil {
		return answer{}, err
	}
	byID := make(map[int64]im.Profile, len(profiles))
	for _, p := range profiles {
		byID[p.ID] = p
	}
	all := []userAnswer{}
	for _, id := range ids {
		if p, known := byID[id]; known {
			all = append(all, a.userAnswer(c, p))
		}
	}
	return ok(all), nil
}

// showUser is GET /users/{user}: a number, a name or, for who came with a token, a phone number or an email address.
func (a *API) showUser(c *call) (answer, error) {
	who := c.r.PathValue("user")
	find := func(key im.AccountKey) (im.Account, error) { return a.svc.AccountBy(c.ctx(), c.app, key, who) }
	account, err := im.Account{}, error(im.ErrAccountNotFound)
	if id, isNumber := whole(who); isNumber {
		account, err = a.svc.Account(c.ctx(), c.app, id)
	}
	keys := []im.AccountKey{im.ByName}
	if c.caller.User != "" { // strangers must not try numbers
		keys = append(keys, im.ByPhone, im.ByEmail)
	}
	for _, key := range keys {
		if errors.Is(err, im.ErrAccountNotFound) {
			account, err = find(key)
		}
	}
	return ok(a.userAnswer(c, account.Profile)), err
}

// mutual is GET /user/follow-mutual: whom one may write to. Here all know each other.
func (a *API) mutual(c *call) (answer, error) {
	offset, limit := c.page(fewUsers, 100)
	return a.findUsers(c, im.AccountQuery{Keyword: c.in.text("keyword"), Except: c.me.ID, Offset: offset, Limit: limit})
}

// changeMe is PATCH /user.
func (a *API) changeMe(c *call) (answer, error) {
	var ch im.ProfileChange
	for field, to := range map[string]**string{"name": &ch.Name, "bio": &ch.Bio, "location": &ch.Location} {
		if _, sent := c.in[field]; sent {
			text := c.in.text(field)
			*to = &text
		}
	}
	k := &rules{in: c.in}
	if c.in.has("sex") {
		sex, err := strconv.Atoi(c.in.text("sex"))
		if err != nil || sex < 0 || sex > 2 {
			k.fail("sex", textInteger("sex"))
		}
		ch.Sex = &sex
	}
	var err error
	if ch.Avatar, err = a.upload(c, k, "avatar"); err == nil {
		ch.Background, err = a.upload(c, k, "bg")
	}
	if err == nil {
		err = k.err()
	}
	if err != nil {
		return answer{}, err
	}
	_, err = a.svc.SetProfile(c.ctx(), c.caller, c.me.ID, ch)
	return deleted(), accountFault(err)
}

// Counters of what a ThinkSNS+ without its social part has none of. Clients ask on every start.
type userCounts struct {
	Following int `json:"following"`
	Liked     int `json:"liked"`
	Commented int `json:"commented"`
	System    int `json:"system"`
	NewsPins  int `json:"news-comment-pinned"`
	FeedPins  int `json:"feed-comment-pinned"`
	Mutual    int `json:"mutual"`
	At        int `json:"at"`
}

// counts is GET /user/counts.
func (a *API) counts(*call) (answer, error) {
	return ok(struct {
		User userCounts `json:"user"`
	}{}), nil
}

// unread is GET /user/unread-count.
func (a *API) unread(*call) (answer, error) {
	type counts struct {
		Comments int `json:"unread_comments_count"`
		Likes    int `json:"unread_likes_count"`
		System   int `json:"system"`
	}
	return ok(struct {
		Counts   counts   `json:"counts"`
		Comments nothing  `json:"comments"`
		Likes    nothing  `json:"likes"`
		Pinneds  struct{} `json:"pinneds"`
	}{}), nil
}

// bootstrap is what clients read before they show anything (wire/thinksns.md §7.1).
type bootstrap struct {
	Version  string  `json:"server:version"`
	Limit    int     `json:"limit"`
	Site     site    `json:"site"`
	Register sign    `json:"registerSettings"`
	Helpers  nothing `json:"im:helper"`
	Helper   *int64  `json:"im:helper-user"`
}

type site struct {
	Currency currency `json:"currency_name"`
}

type currency struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Unit string `json:"unit"`
}

type sign struct {
	Terms   bool   `json:"showTerms"`
	Content string `json:"content"`
	Method  string `json:"method"`
	Fixed   string `json:"fixed"`
	Type    string `json:"type"` // all, or thirdPart: nobody signs up here
}

// bootstrappers is GET /bootstrappers.
func (a *API) bootstrappers(*call) (answer, error) {
	b := bootstrap{Version: "2.4.0", Limit: fewUsers, Site: site{currency{1, "积分", ""}},
		Register: sign{Method: "all", Fixed: "need", Type: "thirdPart"}}
	if a.open {
		b.Register.Type = "all"
	}
	return ok(b), nil
}
