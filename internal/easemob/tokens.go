package easemob

import (
	"encoding/json"
	"strings"
	"time"

	"teahouse/internal/im"
)

type tokenRequest struct {
	GrantType    text      `json:"grant_type"`
	ClientID     text      `json:"client_id"`
	ClientSecret text      `json:"client_secret"`
	Username     looseText `json:"username"`
	Password     text      `json:"password"`
	AutoCreate   flag      `json:"autoCreateUser"`
	TTL          numeric   `json:"ttl"` // seconds
}

type tokenAnswer struct {
	AccessToken string      `json:"access_token"`
	ExpiresIn   int64       `json:"expires_in"` // seconds; J reads 32 bits
	Application string      `json:"application,omitempty"`
	User        *userEntity `json:"user,omitempty"`
}

// POST /{org}/{app}/token
func (a *API) token(c *call, b tokenRequest) (answer, error) {
	var ttl *time.Duration
	if b.TTL.sent {
		seconds := time.Duration(max(min(b.TTL.v, 1<<31-1), -1)) * time.Second
		ttl = &seconds
	}
	g, err := a.grant(c, b, ttl)
	if err != nil {
		return answer{}, err
	}
	out := tokenAnswer{AccessToken: g.Text, ExpiresIn: int64(g.TTL / time.Second)}
	if g.User == nil {
		out.Application = c.app.UUID
	} else {
		u := entityOf(*g.User)
		out.User = &u
	}
	return answer{plain: out}, nil
}

func (a *API) grant(c *call, b tokenRequest, ttl *time.Duration) (im.Grant, error) {
	ctx := c.r.Context()
	switch b.GrantType.v {
	case "client_credentials":
		return a.svc.ClientToken(ctx, c.app, b.ClientID.v, b.ClientSecret.v, ttl)
	case "password":
		if b.Username.v == "" {
			return im.Grant{}, im.ErrFieldMissing.With("username")
		}
		return a.svc.PasswordToken(ctx, c.app, b.Username.v, b.Password.v, ttl)
	case "inherit":
		if c.denied != nil {
			return im.Grant{}, c.denied
		}
		return a.svc.InheritToken(ctx, c.caller, b.Username.v, b.AutoCreate.v, ttl)
	case "":
		return im.Grant{}, im.ErrFieldMissing.With("grant_type")
	}
	return im.Grant{}, im.ErrInvalid.With("grant_type")
}

// GET /{org}/{app}/token: the same grants by query string (wire/clients.md §1.8).
func (a *API) tokenByQuery(c *call) (answer, error) {
	fields := map[string]any{}
	for k, v := range c.query {
		fields[k] = v[0]
		if k == "autoCreateUser" {
			fields[k] = strings.EqualFold(v[0], "true")
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return answer{}, err
	}
	var b tokenRequest
	if err := decode(data, &b); err != nil {
		return answer{}, err
	}
	return a.token(c, b)
}

// GET /{org}/{app}/sdk/users/{user}/token/expires: the Web SDK reads expire_timestamp at the top level.
func (a *API) tokenExpires(c *call) (answer, error) {
	if !strings.EqualFold(string(c.caller.User), c.user()) {
		return answer{}, im.ErrNotSelf
	}
	end := c.caller.Expires
	if end.IsZero() {
		end = im.Forever()
	}
	return answer{plain: struct {
		ExpireTimestamp int64 `json:"expire_timestamp"`
		Timestamp       int64 `json:"timestamp"`
	}{end.UnixMilli(), a.svc.Now().UnixMilli()}}, nil
}
