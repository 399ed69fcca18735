// Package passwords makes and checks password hashes: im.Passwords. Those of users are argon2id, those of accounts bcrypt,
// which PHP reads; either is checked as it names itself.
package passwords

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"teahouse/internal/im"
)

// Config chooses the cost of new hashes. Hashes made before keep the cost they name themselves.
type Config struct {
	Memory     uint32 // KiB for one hash; default 19456 (19 MiB)
	Passes     uint32 // over that memory; default 2
	Bcrypt     int    // cost of new bcrypt hashes; default 10, PHP's
	Concurrent int    // hashes computed at once; default the number of CPUs
}

// Light is the cheapest sensible Config, for an emulator whose passwords protect nothing.
func Light() Config { return Config{Memory: 64, Passes: 1, Bcrypt: bcrypt.MinCost} }

// Hasher is an im.Passwords. Each computation takes Memory and some 50 ms of one core, so they queue.
type Hasher struct {
	cost   cost
	bcrypt int
	turns  chan struct{}
}

// New returns a Hasher.
func New(cfg Config) *Hasher {
	c := cost{memory: 19 * 1024, passes: 2, lanes: 1}
	if cfg.Memory != 0 {
		c.memory = cfg.Memory
	}
	if cfg.Passes != 0 {
		c.passes = cfg.Passes
	}
	if cfg.Bcrypt == 0 {
		cfg.Bcrypt = bcrypt.DefaultCost
	}
	if cfg.Concurrent == 0 {
		cfg.Concurrent = runtime.NumCPU()
	}
	return &Hasher{cost: c, bcrypt: cfg.Bcrypt, turns: make(chan struct{}, cfg.Concurrent)}
}

// Hash implements im.Passwords. When ctx ends before its turn the error is ErrUnavailable.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	p := phc{cost: h.cost, salt: make([]byte, 16)}
	_, _ = rand.Read(p.salt) // never fails
	p.key = p.derive(password, 32)
	return p.String(), nil
}

// Bcrypt implements im.Passwords. As in PHP, what follows byte 72 does not count.
func (h *Hasher) Bcrypt(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	hash, err := bcrypt.GenerateFromPassword([]byte(password[:min(len(password), 72)]), h.bcrypt)
	if err != nil {
		return "", err
	}
	return "$2y$" + strings.TrimPrefix(string(hash), "$2a$"), nil // the same algorithm under PHP's name
}

// Verify implements im.Passwords. A hash that is malformed, or asks for more than a sane cost, is an error.
func (h *Hasher) Verify(ctx context.Context, encoded, password string) (bool, error) {
	var matches func() (bool, error)
	switch {
	case encoded == "":
		return false, nil
	case strings.HasPrefix(encoded, "$2"):
		if cost, err := bcrypt.Cost([]byte(encoded)); err != nil || cost > maxBcryptCost {
			return false, fmt.Errorf("stored bcrypt hash refused (cost %d, at most %d): %w", cost, maxBcryptCost, errOrMalformed(err))
		}
		matches = func() (bool, error) { return matchesBcrypt(encoded, password) }
	default:
		p, err := parse(encoded)
		if err != nil {
			return false, fmt.Errorf("stored password hash refused: %w", err)
		}
		matches = func() (bool, error) {
			return subtle.ConstantTimeCompare(p.derive(password, uint32(len(p.key))), p.key) == 1, nil
		}
	}
	done, err := h.turn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	return matches()
}

// turn waits until fewer than Concurrent computations run.
func (h *Hasher) turn(ctx context.Context) (done func(), err error) {
	select {
	case h.turns <- struct{}{}:
		return func() { <-h.turns }, nil
	case <-ctx.Done():
		return nil, im.ErrUnavailable.Because(fmt.Errorf("waiting to hash a password: %w", context.Cause(ctx)))
	}
}

// maxBcryptCost bounds what a stored hash may make us compute: cost 14 takes about 1.5 s.
const maxBcryptCost = 14

func matchesBcrypt(encoded, password string) (bool, error) {
	// PHP, where these hashes come from, ignores what follows byte 72.
	err := bcrypt.CompareHashAndPassword([]byte(encoded), []byte(password[:min(len(password), 72)]))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil, err
}

func errOrMalformed(err error) error {
	if err == nil {
		return errMalformed
	}
	return err
}

func (p phc) derive(password string, length uint32) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, length)
}
