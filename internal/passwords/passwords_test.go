package passwords

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"teahouse/internal/im"
)

func TestHashAndVerify(t *testing.T) {
	ctx := context.Background()
	for name, cfg := range map[string]Config{"default": {}, "light": Light()} {
		t.Run(name, func(t *testing.T) {
			h := New(cfg)
			encoded, err := h.Hash(ctx, "密码 123456")
			if err != nil {
				t.Fatal(err)
			}
			if name == "default" && !strings.HasPrefix(encoded, "$argon2id$v=19$m=19456,t=2,p=1$") {
				t.Errorf("encoded %q does not name the documented cost", encoded)
			}
			for password, want := range map[string]bool{"密码 123456": true, "密码 12345": false, "": false} {
				if got, err := New(Config{}).Verify(ctx, encoded, password); got != want || err != nil {
					t.Errorf("Verify(%q) = %v, %v; want %v", password, got, err, want)
				}
			}
			again, _ := h.Hash(ctx, "密码 123456")
			if again == encoded {
				t.Error("two hashes of one password are equal: no salt")
			}
		})
	}
}

// The vector stands in the tests of the reference implementation.
func TestReferenceVector(t *testing.T) {
	const encoded = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := New(Config{}).Verify(context.Background(), encoded, "password"); !ok || err != nil {
		t.Errorf("Verify = %v, %v; want true", ok, err)
	}
}

func TestNewBcrypt(t *testing.T) {
	ctx := context.Background()
	for cfg, cost := range map[Config]string{{}: "$2y$10$", Light(): "$2y$04$"} {
		h := New(cfg)
		long := strings.Repeat("密", 24) // 72 bytes
		encoded, err := h.Bcrypt(ctx, long+"ignored, as in PHP")
		if err != nil || !strings.HasPrefix(encoded, cost) || len(encoded) != 60 {
			t.Fatalf("Bcrypt = %q, %v; want %s…", encoded, err, cost)
		}
		for password, want := range map[string]bool{long: true, long + "x": true, long[:69]: false} {
			if got, err := h.Verify(ctx, encoded, password); got != want || err != nil {
				t.Errorf("Verify(%q) = %v, %v; want %v", password, got, err, want)
			}
		}
	}
	h := New(Config{Concurrent: 1})
	h.turns <- struct{}{}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := h.Bcrypt(ended, "x"); !errors.Is(err, im.ErrUnavailable) {
		t.Errorf("without a turn: got %v, want ErrUnavailable", err)
	}
}

func TestBcrypt(t *testing.T) {
	ctx := context.Background()
	h := New(Light())
	made, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	php := "$2y$" + strings.TrimPrefix(string(made), "$2a$")
	for _, encoded := range []string{string(made), php} {
		for password, want := range map[string]bool{"secret": true, "Secret": false} {
			if got, err := h.Verify(ctx, encoded, password); got != want || err != nil {
				t.Errorf("Verify(%q, %q) = %v, %v; want %v", encoded, password, got, err, want)
			}
		}
	}
	long := strings.Repeat("x", 72)
	made, err = bcrypt.GenerateFromPassword([]byte(long), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.Verify(ctx, string(made), long+"ignored by PHP"); !ok || err != nil {
		t.Errorf("72 bytes and more: %v, %v; want true", ok, err)
	}
}

func TestRefusesHashes(t *testing.T) {
	salt, key := "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, encoded := range []string{
		"plain", "$", "$2", "$2a$04$", "$2a$31$" + strings.Repeat("a", 53), "$2y$15$" + strings.Repeat("a", 53),
		"$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=262144,t=4294967295,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=100000,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=255$" + salt + "$" + key,
		"$argon2id$v=19$m=7,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"$argon2id$v=19$m=64,t=1,p=1$$" + key,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "$",
		"$argon2id$v=19$m=64,t=1,p=1$" + strings.Repeat("A", 4000) + "$" + key,
	} {
		if ok, err := New(Light()).Verify(context.Background(), encoded, "password"); ok || err == nil {
			t.Errorf("Verify(%.60q) = %v, %v; want an error", encoded, ok, err)
		}
	}
	if ok, err := New(Light()).Verify(context.Background(), "", ""); ok || err != nil {
		t.Errorf("an empty hash: %v, %v; want false, nil", ok, err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	h := New(Config{Memory: 64, Passes: 1, Concurrent: 1})
	done, err := h.turn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.Hash(ctx, "x"); !errors.Is(err, im.ErrUnavailable) {
		t.Errorf("Hash while all turns are taken: %v, want ErrUnavailable", err)
	}
	done()
	if _, err := h.Hash(context.Background(), "x"); err != nil {
		t.Errorf("Hash after a turn became free: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$2y$10$abc")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parse(s)
		if err != nil {
			return
		}
		if p.memory > maxMemory || p.memory*p.passes > maxWork || p.lanes == 0 || p.passes == 0 || len(p.key) == 0 {
			t.Errorf("accepted %q: %+v", s, p)
		}
		if p.String() != s {
			t.Errorf("accepted %q, which encodes as %q", s, p)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	h := New(Config{})
	for b.Loop() {
		if _, err := h.Hash(context.Background(), "123456"); err != nil {
			b.Fatal(err)
		}
	}
}
