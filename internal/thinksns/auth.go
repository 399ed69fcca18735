package thinksns

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"teahouse/internal/im"
)

// authenticate finds out who asks: by a token of ours or, beside a ThinkSNS+, by asking it.
func (a *API) authenticate(c *call) (err error) {
	text := bearer(c.r, c.in)
	if text == "" {
		return im.ErrUnauthenticated
	}
	if c.app, err = a.svc.App(c.ctx(), a.app); err != nil {
		return err
	}
	if a.sidecar {
		c.me, err = a.svc.Introspect(c.ctx(), text)
		if a.shared && errors.Is(err, im.ErrUnavailable) {
			err = a.vouch(c, text, err)
		}
	} else {
		err = a.enter(c, text, a.tokens.read)
	}
	if err == nil {
		c.caller = im.UserCaller(c.app, im.IMName(c.me.ID))
	}
	return err
}

// vouch lets the owner of a token of the ThinkSNS+ in while that does not answer: by the token's signature, and as the person
// whom we knew. Whether it was revoked there meanwhile nobody knows (wire/thinksns.md §7.2). Errors: down, when the token does
// not vouch either: only the ThinkSNS+ itself signs people out.
func (a *API) vouch(c *call, text string, down error) error {
	key, err := a.svc.JWTSecret(c.ctx(), c.app)
	if err != nil {
		return err
	}
	token, err := a.tokens.read(key, text)
	if err != nil {
		return down
	}
	c.me = im.Profile{ID: int64(token.Subject), Name: strconv.FormatInt(int64(token.Subject), 10)}
	if known, _ := a.svc.Profiles(c.ctx(), c.app, []int64{c.me.ID}); len(known) == 1 { // those it remembers, beside the error
		c.me = known[0]
	}
	return nil
}

// enter lets the owner of a token in.
func (a *API) enter(c *call, text string, read func(key, text string) (*claims, error)) error {
	key, err := a.svc.JWTSecret(c.ctx(), c.app)
	if err != nil {
		return err
	}
	if c.token, err = read(key, text); err != nil {
		return err
	}
	c.account, err = a.svc.EnterAccount(c.ctx(), c.app, c.token.session())
	c.me = c.account.Profile
	return err
}

// loginAnswer tells lives in minutes (wire/thinksns.md §6.1).
type loginAnswer struct {
	Token   string `json:"access_token"`
	Type    string `json:"token_type"`
	TTL     int    `json:"expires_in"`
	Refresh int    `json:"refresh_ttl"`
}

func minutes(d time.Duration) int { return int(d / time.Minute) }

// issue makes a token for an account.
func (a *API) issue(c *call, account im.Account) (string, error) {
	key, err := a.svc.JWTSecret(c.ctx(), c.app)
	if err != nil {
		return "", err
	}
	return a.tokens.issue(key, account.ID, account.Version, a.base(c.r)+prefix+"/auth/login")
}

func (a *API) granted(c *call, account im.Account) (answer, error) {
	text, err := a.issue(c, account)
	return ok(loginAnswer{text, "Bearer", minutes(a.tokens.ttl), minutes(a.tokens.refresh)}), err
}

// login is POST /auth/login.
func (a *API) login(c *call) (answer, error) {
	login, password := c.in.text("login"), c.in.text("password")
	if password == "" && c.in.has("verifiable_code") {
		return answer{}, im.ErrPasswordWrong.With(withCode) // none was ever sent
	}
	account, err := a.svc.AccountLogin(c.ctx(), c.app, login, password)
	if err != nil {
		return answer{}, err
	}
	return a.granted(c, account)
}

// withCode marks the refusal of a login with a code.
const withCode = "code"

// loginWords word what goes wrong with a login: a sentence, and never 401, which clients take for a token that has ended.
func loginWords() []word {
	said := func(text string) form {
		return form{status: http.StatusUnprocessableEntity, text: text, plain: true}
	}
	unknown := im.ErrLoginUnknown.Code
	return []word{
		{im.ErrPasswordWrong.Code + ":" + withCode, said(textCodeWrong)},
		worded(im.ErrPasswordWrong, said(textLoginWrong)),
		{unknown + ":" + string(im.LoginName), said(textNoAccount)},
		{unknown + ":" + string(im.LoginPhone), said(textNoPhone)},
		worded(im.ErrLoginUnknown, said(textNoEmail)),
		worded(im.ErrAccountDisabled, form{status: http.StatusForbidden, text: textDisabled, plain: true}),
	}
}

// logout is ANY /auth/logout.
func (a *API) logout(c *call) (answer, error) {
	_, err := a.svc.RevokeJWT(c.ctx(), c.app, c.token.key(), a.tokens.forget(c.token))
	return ok(message{textLoggedOut}), err
}

// refresh is ANY /auth/refresh: a token, also one that has expired, is exchanged for a new one, once.
func (a *API) refresh(c *call) (answer, error) {
	if err := a.enter(c, bearer(c.r, c.in), a.tokens.readOld); err != nil {
		return answer{}, err
	}
	first, err := a.svc.RevokeJWT(c.ctx(), c.app, c.token.key(), a.tokens.forget(c.token))
	if err == nil && !first {
		err = im.ErrTokenBad
	}
	if err != nil {
		return answer{}, err
	}
	return a.granted(c, c.account)
}

type signUpAnswer struct {
	Token   string `json:"token"`
	TTL     int    `json:"ttl"`
	Refresh int    `json:"refresh_ttl"`
}

// signUp is POST /users.
func (a *API) signUp(c *call) (answer, error) {
	if !a.open {
		return answer{}, im.ErrRegistration
	}
	k := &rules{in: c.in}
	for _, field := range []string{"name", "password"} {
		if !c.in.has(field) {
			k.fail(field, textRequired(field))
		}
	}
	if err := k.err(); err != nil {
		return answer{}, err
	}
	account, err := a.svc.SignUp(c.ctx(), c.app, im.NewAccount{
		Name: c.in.text("name"), Email: c.in.text("email"), Phone: c.in.text("phone"), Password: c.in.text("password")})
	if err != nil {
		return answer{}, accountFault(err)
	}
	text, err := a.issue(c, account)
	return created(signUpAnswer{text, minutes(a.tokens.ttl), minutes(a.tokens.refresh)}), err
}

// accountFault words what is wrong with a field of an account, which the error names as the request does.
func accountFault(err error) error {
	e := im.AsError(err)
	words := map[string]string{
		im.ErrFieldMissing.Code: textRequired(e.Arg), im.ErrInvalid.Code: name(e.Arg) + textMalformed,
		im.ErrFieldLength.Code: name(e.Arg) + textLength, im.ErrAccountTaken.Code: name(e.Arg) + textTaken,
	}
	if text := words[e.Code]; text != "" && e.Arg != "" {
		return faults{{e.Arg, []string{text}}}
	}
	return err
}

// setPassword is PUT /user/password. Every session of the account ends, this one too.
func (a *API) setPassword(c *call) (answer, error) {
	k := &rules{in: c.in}
	password := c.in.text("password")
	if password == "" {
		k.fail("password", textRequired("password"))
	}
	if again, given := c.in["password_confirmation"]; given && again != c.in["password"] {
		k.fail("password", textNotConfirmed)
	}
	if err := k.err(); err != nil {
		return answer{}, err
	}
	err := a.svc.SetAccountPassword(c.ctx(), c.caller, c.me.ID, password, c.in.text("old_password"))
	if errors.Is(err, im.ErrPasswordWrong) {
		return answer{}, faults{{"old_password", []string{textOldPassword}}}
	}
	return deleted(), accountFault(err)
}
