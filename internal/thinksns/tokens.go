package thinksns

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"teahouse/internal/im"
)

// subjectClass is the SHA-1 of the class that PHP's tokens speak of: a token that names another is none of an account
// (wire/thinksns.md §6.2).
const subjectClass = "48e453831ceba5e57a475e68649cfdee6e97d8d2"

// maxToken bounds the text of a token; ours have about 350 bytes.
const maxToken = 4096

// claims are what a token says (wire/thinksns.md §6.2). The order is that of PHP's tokens.
type claims struct {
	Issuer    string           `json:"iss,omitempty"`
	Issued    *jwt.NumericDate `json:"iat,omitempty"`
	Expires   *jwt.NumericDate `json:"exp,omitempty"`
	NotBefore *jwt.NumericDate `json:"nbf,omitempty"`
	ID        string           `json:"jti,omitempty"`
	Subject   subject          `json:"sub"`
	Class     *string          `json:"prv,omitempty"`
	Version   int64            `json:"ver,omitempty"` // of the account's credentials; PHP's tokens do not say

	text string // of the whole token
}

// GetExpirationTime implements jwt.Claims.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.Expires, nil }

// GetIssuedAt implements jwt.Claims.
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.Issued, nil }

// GetNotBefore implements jwt.Claims.
func (c *claims) GetNotBefore() (*jwt.NumericDate, error) { return c.NotBefore, nil }

// GetIssuer implements jwt.Claims.
func (c *claims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject implements jwt.Claims.
func (c *claims) GetSubject() (string, error) { return strconv.FormatInt(int64(c.Subject), 10), nil }

// GetAudience implements jwt.Claims.
func (c *claims) GetAudience() (jwt.ClaimStrings, error) { return nil, nil }

// subject is an account's id: a number, or its digits as text.
type subject int64

// UnmarshalJSON implements json.Unmarshaler. What is no id is 0, which nobody has.
func (s *subject) UnmarshalJSON(data []byte) error {
	n, ok := whole(json.Number(bytes.Trim(data, `"`)))
	if *s = subject(n); !ok {
		*s = 0
	}
	return nil
}

// key names the token where it is remembered as revoked: by its id, or by its text when it has none.
func (c *claims) key() string {
	if c.ID != "" && len(c.ID) <= 64 {
		return "jti:" + c.ID
	}
	sum := sha256.Sum256([]byte(c.text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// session is what the domain needs to know of a token.
func (c *claims) session() im.Session {
	s := im.Session{Account: int64(c.Subject), ID: c.key(), Version: c.Version}
	if c.Issued != nil {
		s.Issued = c.Issued.Time
	}
	return s
}

// tokens makes and reads the tokens of accounts.
type tokens struct {
	ttl, refresh time.Duration // life of a token, and how long after its making it can be exchanged for another
	now          func() time.Time
	newID        func() string
}

// issue makes a token for an account whose credentials have this version.
func (t *tokens) issue(key string, account, version int64, issuer string) (string, error) {
	now, class := t.now(), subjectClass
	c := &claims{
		Issuer: issuer, Issued: jwt.NewNumericDate(now), Expires: jwt.NewNumericDate(now.Add(t.ttl)), NotBefore: jwt.NewNumericDate(now),
		ID: t.newID(), Subject: subject(account), Class: &class, Version: version,
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(key))
}

// read returns what a valid token says. Errors: ErrTokenBad, ErrTokenExpired.
func (t *tokens) read(key, text string) (*claims, error) {
	return t.parse(key, text, jwt.WithExpirationRequired(), jwt.WithIssuedAt())
}

// readOld is read of a token that may have expired, as long as it can be exchanged for another.
func (t *tokens) readOld(key, text string) (*claims, error) {
	c, err := t.parse(key, text, jwt.WithoutClaimsValidation())
	if err != nil {
		return nil, err
	}
	now := t.now()
	switch {
	case c.Issued == nil, c.Issued.After(now), c.NotBefore != nil && c.NotBefore.After(now):
		return nil, im.ErrTokenBad
	case !now.Before(c.Issued.Add(t.refresh)):
		return nil, im.ErrTokenExpired
	}
	return c, nil
}

func (t *tokens) parse(key, text string, options ...jwt.ParserOption) (*claims, error) {
	if text == "" {
		return nil, im.ErrUnauthenticated
	}
	if len(text) > maxToken {
		return nil, im.ErrTokenBad
	}
	c := &claims{text: text}
	options = append(options, jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Name}), jwt.WithTimeFunc(t.now), jwt.WithStrictDecoding())
	_, err := jwt.ParseWithClaims(text, c, func(*jwt.Token) (any, error) { return []byte(key), nil }, options...)
	switch {
	case err != nil:
		return nil, im.ErrTokenBad // without the cause: it may hold the token
	case c.Class != nil && *c.Class != subjectClass, c.Subject <= 0:
		return nil, im.ErrTokenBad
	}
	return c, nil
}

// forget is until when a revoked token must be remembered: it can be exchanged that long.
func (t *tokens) forget(c *claims) time.Time {
	end := t.now().Add(t.refresh)
	if c.Issued != nil {
		end = c.Issued.Add(t.refresh)
	}
	if c.Expires != nil && c.Expires.After(end) {
		end = c.Expires.Time
	}
	return end
}

// newTokenID returns 16 letters and digits.
func newTokenID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	var b [16]byte
	for i := range b {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil { // never
			panic(err)
		}
		b[i] = letters[n.Int64()]
	}
	return string(b[:])
}

// bearer is the token of a request: that of the header, else a parameter (wire/thinksns.md §6.2).
func bearer(r *http.Request, in input) string {
	scheme, token, ok := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	if ok && strings.EqualFold(scheme, "bearer") && strings.TrimSpace(token) != "" {
		return strings.TrimSpace(token)
	}
	return in.text("token")
}
