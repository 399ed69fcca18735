package thinksns

import (
	"strconv"

	"teahouse/internal/im"
)

// register is POST /easemob/register/{id}: it makes the person's user, or finds it made (wire/thinksns.md §2.1).
func (a *API) register(c *call) (answer, error) {
	id, known := whole(c.r.PathValue("id"))
	if !known {
		return answer{}, im.ErrAccountNotFound
	}
	return created(nothing{}), a.svc.RegisterIM(c.ctx(), c.caller, id)
}

// registerMany is POST /easemob/register.
func (a *API) registerMany(c *call) (answer, error) {
	const most = 500
	k := &rules{in: c.in}
	texts, readable := list(c.in["user_ids"])
	switch {
	case !readable:
		k.fail("user_ids", textArray("user_ids"))
	case len(texts) == 0:
		k.fail("user_ids", textRequired("user_ids"))
	case len(texts) > most:
		k.fail("user_ids", textMax("user_ids", most))
	}
	if err := k.err(); err != nil {
		return answer{}, err
	}
	var ids []int64
	for _, text := range texts { // who is nobody is passed over
		if id, known := whole(text); known {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return created(nothing{}), nil
	}
	return created(nothing{}), a.svc.RegisterIMBatch(c.ctx(), c.caller, ids)
}

// registerAll is POST /easemob/register-old-users.
func (a *API) registerAll(c *call) (answer, error) {
	return created(messages{[]string{textRegistered}}), a.svc.RegisterAllIM(c.ctx(), c.caller, nil)
}

// whose is the person a call about a password names: the caller, unless it says another.
func (c *call) whose() (int64, error) {
	v := c.in["user_id"]
	if v == nil {
		return c.me.ID, nil
	}
	id, known := whole(v)
	if !known {
		return 0, faults{{"user_id", []string{textInteger("user_id")}}}
	}
	return id, nil
}

type passwordAnswer struct {
	Message []string `json:"message"`
	Hash    string   `json:"im_pwd_hash"`
}

// password is GET /easemob/password. Only 201 will do, and nobody learns another's (wire/thinksns.md §2.5).
func (a *API) password(c *call) (answer, error) {
	id, err := c.whose()
	if err != nil {
		return answer{}, err
	}
	hash, err := a.svc.IMPassword(c.ctx(), c.caller, id)
	return created(passwordAnswer{[]string{textSuccess}, hash}), err
}

// resetPassword is PUT /easemob/password.
func (a *API) resetPassword(c *call) (answer, error) {
	id, err := c.whose()
	if err != nil {
		return answer{}, err
	}
	return created(nothing{}), a.svc.ResetIMPassword(c.ctx(), c.caller, id)
}

func idText(id int64) string { return strconv.FormatInt(id, 10) }
