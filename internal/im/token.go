package im

import (
	"crypto/sha256"
	"time"
)

// TokenHash is the SHA-256 of a token's text: all that is stored of it.
type TokenHash [sha256.Size]byte

// Token is a bearer secret with an owner and an end.
type Token struct {
	Hash    TokenHash
	App     AppID
	User    Username // empty: an app token
	Issued  time.Time
	Expires time.Time // zero: never
}

const maxTTL = 1<<31 - 1 // seconds; SDKs read expires_in as a 32-bit integer (easemob-rest.md §3.1)
