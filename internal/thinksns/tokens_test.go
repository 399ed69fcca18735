package thinksns

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

const testKey = "the key of the tests, of enough bytes"

func testTokens(clock *imtest.Clock) *tokens {
	return &tokens{ttl: time.Hour, refresh: 14 * 24 * time.Hour, now: clock.Now,
		newID: func() string { return "AAAAAAAAAAAAAAAA" }}
}

func signed(t *testing.T, claims jwt.Claims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(testKey))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTokenMatrix is wire/thinksns.md §6.2: which tokens are taken, and which can be exchanged.
func TestTokenMatrix(t *testing.T) {
	now := imtest.Epoch().Unix()
	const gone = -1 // the claim is left out
	with := func(changes ...any) jwt.MapClaims {
		m := jwt.MapClaims{"iss": "http://x/api/v2/auth/login", "iat": now - 60, "nbf": now - 60, "exp": now + 3540, "jti": "abc", "sub": 7, "prv": subjectClass}
		for i := 0; i < len(changes); i += 2 {
			if key := changes[i].(string); changes[i+1] == gone {
				delete(m, key)
			} else {
				m[key] = changes[i+1]
			}
		}
		return m
	}
	long := int64(15 * 24 * 3600)
	rows := []struct {
		name          string
		claims        jwt.MapClaims
		read, refresh bool
	}{
		{"as PHP makes it", with(), true, true},
		{"sub as text", with("sub", "7"), true, true},
		{"without prv", with("prv", gone), true, true},
		{"without jti", with("jti", gone), true, true},
		{"without iss", with("iss", gone), true, true},
		{"without nbf", with("nbf", gone), true, true},
		{"without iat", with("iat", gone), true, false},
		{"without exp", with("exp", gone), false, true},
		{"without sub", with("sub", gone), false, false},
		{"sub a name", with("sub", "root"), false, false},
		{"sub zero", with("sub", 0), false, false},
		{"sub negative", with("sub", -7), false, false},
		{"sub a fraction", with("sub", 7.5), false, false},
		{"sub a list", with("sub", []int{7}), false, false},
		{"another prv", with("prv", "0123456789012345678901234567890123456789"), false, false},
		{"an empty prv", with("prv", ""), false, false},
		{"nbf in a second", with("nbf", now+1), false, false},
		{"iat in a second", with("iat", now+1), false, false},
		{"nbf now", with("nbf", now), true, true},
		{"expired now", with("exp", now), false, true},
		{"expires in a second", with("exp", now+1), true, true},
		{"expired an hour ago", with("iat", now-7200, "nbf", now-7200, "exp", now-3600), false, true},
		{"too old to refresh", with("iat", now-long, "nbf", now-long, "exp", now-long+3600), false, false},
		{"exp a text", with("exp", "tomorrow"), false, false},
	}
	tk := testTokens(imtest.NewClock())
	for _, row := range rows {
		text := signed(t, row.claims)
		check := func(what string, read func(key, text string) (*claims, error), want bool) {
			c, err := read(testKey, text)
			if (err == nil) != want || err != nil && im.AsError(err).Kind != im.Unauthenticated || err == nil && c.Subject != 7 {
				t.Errorf("%s, %s: got %+v, %v; want %v", row.name, what, c, err, want)
			}
		}
		check("read", tk.read, row.read)
		check("refresh", tk.readOld, row.refresh)
	}
}

// TestTokenForgeries: other keys, other algorithms and no signature are refused.
func TestTokenForgeries(t *testing.T) {
	tk := testTokens(imtest.NewClock())
	good, err := tk.issue(testKey, 7, 3, "http://x/api/v2/auth/login")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tk.read(testKey, good); err != nil {
		t.Fatalf("a token of ours: %v", err)
	}
	body := strings.Split(good, ".")[1]
	header := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	sign := func(m jwt.SigningMethod, key any) string {
		c := &claims{}
		data, _ := base64.RawURLEncoding.DecodeString(body)
		if err := json.Unmarshal(data, c); err != nil {
			t.Fatal(err)
		}
		s, err := jwt.NewWithClaims(m, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, text := range map[string]string{
		"another key":    sign(jwt.SigningMethodHS256, []byte("another key, which nobody has shared")),
		"HS512":          sign(jwt.SigningMethodHS512, []byte(testKey)),
		"none":           sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"no signature":   header(`{"typ":"JWT","alg":"HS256"}`) + "." + body + ".",
		"alg left out":   header(`{"typ":"JWT"}`) + "." + body + "." + strings.Split(good, ".")[2],
		"two parts":      header(`{"alg":"none"}`) + "." + body,
		"changed":        strings.Replace(good, ".", ".e", 1),
		"nothing":        "",
		"dots":           "..",
		"much":           strings.Repeat("a", maxToken+1),
		"one more part":  good + ".x",
		"respelt":        respelt(good),
		"a blank inside": good[:20] + " " + good[20:],
	} {
		for _, read := range []func(key, text string) (*claims, error){tk.read, tk.readOld} {
			if c, err := read(testKey, text); err == nil || im.AsError(err).Kind != im.Unauthenticated {
				t.Errorf("%s: got %+v, %v", name, c, err)
			}
		}
	}
}

// respelt is the token with another last letter that stands for the same bytes: what is revoked by its text must have only one.
func respelt(token string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + string(letters[strings.IndexByte(letters, token[last])^1])
}

// TestTokenForm: a token of ours has the header and the claims of PHP's.
func TestTokenForm(t *testing.T) {
	clock := imtest.NewClock()
	tk := testTokens(clock)
	text, err := tk.issue(testKey, 42, 3, "http://x/api/v2/auth/login")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(text, ".")
	for i, want := range []string{`{"alg":"HS256","typ":"JWT"}`,
		`{"iss":"http://x/api/v2/auth/login","iat":1477543557,"exp":1477547157,"nbf":1477543557,"jti":"AAAAAAAAAAAAAAAA","sub":42,"prv":"48e453831ceba5e57a475e68649cfdee6e97d8d2","ver":3}`} {
		if got, _ := base64.RawURLEncoding.DecodeString(parts[i]); string(got) != want {
			t.Errorf("part %d:\n got %s\nwant %s", i, got, want)
		}
	}
	clock.Advance(time.Hour)
	if _, err := tk.read(testKey, text); !errors.Is(err, im.ErrTokenBad) {
		t.Errorf("after an hour: %v", err)
	}
	if c, err := tk.readOld(testKey, text); err != nil || !tk.forget(c).Equal(c.Issued.Add(tk.refresh)) {
		t.Errorf("to refresh after an hour: %v", err)
	}
	clock.Advance(14*24*time.Hour - time.Hour)
	if _, err := tk.readOld(testKey, text); !errors.Is(err, im.ErrTokenExpired) {
		t.Errorf("to refresh after two weeks: %v", err)
	}
	if a, b := newTokenID(), newTokenID(); len(a) != 16 || a == b {
		t.Errorf("ids of tokens: %q, %q", a, b)
	}
}
