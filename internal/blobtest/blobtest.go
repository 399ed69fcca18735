// Package blobtest holds the promises of im.Blob as tests, for every adapter to pass.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"teahouse/internal/im"
)

// Run tests every promise. open returns an empty store each time.
func Run(t *testing.T, open func(t *testing.T) im.Blob) {
	for name, test := range map[string]func(*testing.T, im.Blob){
		"RoundTrip": roundTrip, "Broken": broken, "Delete": deletion, "Ids": ids, "Old": old, "Together": together,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, b im.Blob, id im.BlobID, text string) {
	t.Helper()
	if err := b.Put(t.Context(), id, strings.NewReader(text)); err != nil {
		t.Fatalf("Put %s: %v", id, err)
	}
}

func want(t *testing.T, b im.Blob, id im.BlobID, text string) {
	t.Helper()
	r, err := b.Open(t.Context(), id)
	if err != nil {
		t.Fatalf("Open %s: %v", id, err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != text {
		t.Errorf("%s: got %.40q, %v, want %.40q", id, got, err, text)
	}
}

func missing(t *testing.T, b im.Blob, id im.BlobID) {
	t.Helper()
	if r, err := b.Open(t.Context(), id); !errors.Is(err, im.ErrFileNotFound) {
		t.Errorf("Open %s: got %v, %v, want ErrFileNotFound", id, r, err)
	}
}

// roundTrip: what was put is read, from any place; putting again replaces it, also for nobody who reads already.
func roundTrip(t *testing.T, b im.Blob) {
	put(t, b, "empty", "")
	want(t, b, "empty", "")
	put(t, b, "a-1.t", "first bytes")
	r, err := b.Open(t.Context(), "a-1.t")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	put(t, b, "a-1.t", strings.Repeat("second", 50_000))
	want(t, b, "a-1.t", strings.Repeat("second", 50_000))
	if n, err := r.Seek(6, io.SeekStart); n != 6 || err != nil {
		t.Errorf("Seek: %d, %v", n, err)
	}
	if got, err := io.ReadAll(r); string(got) != "bytes" || err != nil {
		t.Errorf("who reads already: got %q, %v", got, err)
	}
	missing(t, b, "a-2")
}

// broken: when the bytes do not come to their end there is no blob, and what was there stays.
func broken(t *testing.T, b im.Blob) {
	put(t, b, "kept", "as it was")
	cut := errors.New("cut off")
	for _, id := range []im.BlobID{"new", "kept"} {
		r := io.MultiReader(bytes.NewReader(make([]byte, 200_000)), iotest.ErrReader(cut))
		if err := b.Put(t.Context(), id, r); err != cut {
			t.Errorf("got %v, want the reader's error", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Put(ctx, "new", strings.NewReader("late")); err == nil {
		t.Error("Put does not mind that nobody waits any more")
	}
	missing(t, b, "new")
	want(t, b, "kept", "as it was")
}

func deletion(t *testing.T, b im.Blob) {
	put(t, b, "a", "1")
	put(t, b, "b", "2")
	for range 2 { // what is gone already is no error
		if err := b.Delete(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	}
	missing(t, b, "a")
	want(t, b, "b", "2")
}

// ids: only plain words name blobs.
func ids(t *testing.T, b im.Blob) {
	for _, id := range []im.BlobID{"", ".", "..", "../a", "a/b", `a\b`, "A", "ä", "a b", "a\x00", im.BlobID(strings.Repeat("a", 200))} {
		if err := b.Put(t.Context(), id, strings.NewReader("x")); !errors.Is(err, im.ErrInvalid) {
			t.Errorf("Put %q: got %v, want ErrInvalid", id, err)
		}
		if _, err := b.Open(t.Context(), id); !errors.Is(err, im.ErrInvalid) {
			t.Errorf("Open %q: got %v, want ErrInvalid", id, err)
		}
		if err := b.Delete(t.Context(), id); !errors.Is(err, im.ErrInvalid) {
			t.Errorf("Delete %q: got %v, want ErrInvalid", id, err)
		}
	}
}

// old: pages hold every blob once.
func old(t *testing.T, b im.Blob) {
	var all, got []im.BlobID
	for i := range 40 {
		all = append(all, im.BlobID(fmt.Sprintf("blob-%02d", i)))
		put(t, b, all[i], "x")
	}
	for after := im.BlobID(""); ; {
		page, err := b.Old(t.Context(), 0, after, 7)
		if err != nil || len(page) > 7 {
			t.Fatalf("%d ids, %v", len(page), err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		after = page[len(page)-1]
	}
	slices.Sort(got)
	if !slices.Equal(got, all) {
		t.Errorf("got %v, want %v", got, all)
	}
	if young, err := b.Old(t.Context(), 1<<40, "", 9); len(young) != 0 || err != nil {
		t.Errorf("blobs that are not that old: %v, %v", young, err)
	}
}

// together: writers of one id leave the bytes of one of them.
func together(t *testing.T, b im.Blob) {
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for range 5 {
				if err := b.Put(t.Context(), "one", strings.NewReader(strings.Repeat(fmt.Sprint(i), 100_000))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	r, err := b.Open(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || len(got) != 100_000 || strings.Trim(string(got), string(got[:1])) != "" {
		t.Errorf("%d bytes, %v, of more than one writer", len(got), err)
	}
}
