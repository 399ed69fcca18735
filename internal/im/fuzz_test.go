package im_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"teahouse/internal/im"
)

func FuzzParseUsername(f *testing.F) {
	for _, s := range []string{"", "Bob", "a b", "1", "admin", "茶", "\x00", strings.Repeat("x", 65), "\u212a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := im.ParseUsername(s)
		if err != nil {
			if name != "" || !errors.Is(err, im.ErrNameMissing) && !errors.Is(err, im.ErrNameLong) && !errors.Is(err, im.ErrNameIllegal) {
				t.Fatalf("%q: got %q, %v", s, name, err)
			}
			return
		}
		if len(name) != len(s) || len(name) > 64 || !strings.EqualFold(string(name), s) || strings.ToLower(string(name)) != string(name) {
			t.Fatalf("%q: got %q", s, name)
		}
		if again, err := im.ParseUsername(string(name)); err != nil || again != name {
			t.Fatalf("%q: parsed again: %q, %v", s, again, err)
		}
	})
}

func FuzzParseAppKey(f *testing.F) {
	for _, s := range []string{"", "tea#house", "tea", "#", "a#b#c", "..#a", "_x#a", "console#a", "easemob#server.json", "tea#" + strings.Repeat("x", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := im.ParseAppKey(s)
		if err != nil {
			if key != (im.AppKey{}) || !errors.Is(err, im.ErrInvalid) {
				t.Fatalf("%q: got %v, %v", s, key, err)
			}
			return
		}
		if key.String() != s || key.Org == "" || key.Name == "" || strings.ContainsAny(key.Org+key.Name, "/#?% ") || key.Org[0] == '_' {
			t.Fatalf("%q: got %v", s, key)
		}
	})
}

func FuzzParseRoomID(f *testing.F) {
	for _, s := range []string{"", "a", "a1", "count", "user", "A1", "10000000000001", strings.Repeat("x", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := im.ParseRoomID(s)
		if err != nil {
			if id != "" || !errors.Is(err, im.ErrInvalid) {
				t.Fatalf("%q: got %q, %v", s, id, err)
			}
			return
		}
		if string(id) != s || len(s) < 2 || len(s) > 64 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || s == "count" || s == "user" {
			t.Fatalf("%q: got %q", s, id)
		}
	})
}

func FuzzParseSettings(f *testing.F) {
	for _, s := range []string{"", "batch_add=5\n", "batch_add=5\r\nbatch_add=6", "nosuch=1\nbatch_add=x\n=\n==", "open_registration=T\ntoken_ttl=0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := im.ParseSettings(text)
		if again := im.ParseSettings(s.Text()); again.Text() != s.Text() {
			t.Fatalf("%q: %q read again is %q", text, s.Text(), again.Text())
		}
		for k, v := range s.Values() { // nothing out of range has come in
			var fresh im.Settings
			if err := fresh.Set(k, v); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}

func FuzzPageOffset(f *testing.F) {
	for _, p := range [][2]int{{1, 20}, {0, 20}, {2, 20}, {-1, 20}, {math.MaxInt, math.MaxInt}, {math.MinInt, 20}, {3, 0}, {3, -5}, {math.MaxInt, math.MinInt}} {
		f.Add(p[0], p[1])
	}
	f.Fuzz(func(t *testing.T, number, size int) {
		got := im.Page{Number: number, Size: size}.Offset()
		switch {
		case number <= 1 || size <= 0:
			if got != 0 {
				t.Fatalf("page %d of %d: got %d, want 0", number, size, got)
			}
		case got < 0:
			t.Fatalf("page %d of %d: got %d", number, size, got)
		case number <= 1<<20 && size <= 1<<19 && got != (number-1)*size:
			t.Fatalf("page %d of %d: got %d, want %d", number, size, got, (number-1)*size)
		case got < min(number-1, size, 1<<30):
			t.Fatalf("page %d of %d: got only %d", number, size, got)
		}
	})
}
