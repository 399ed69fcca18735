package blob

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/blobtest"
	"teahouse/internal/im"
)

func TestBlob(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) im.Blob { return openDir(t, filepath.Join(t.TempDir(), "files")) })
}

func openDir(t *testing.T, root string) *Dir {
	t.Helper()
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestLeftovers: a start removes what a killed node left, but not what another node still receives.
func TestLeftovers(t *testing.T) {
	root := filepath.Join(t.TempDir(), "files")
	d := openDir(t, root)
	if err := d.Put(t.Context(), "a", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	fresh, stale := filepath.Join(root, tmp, "fresh"), filepath.Join(root, tmp, "stale")
	for _, name := range []string{fresh, stale} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(stale, past, past); err != nil {
		t.Fatal(err)
	}
	openDir(t, root)
	left, err := filepath.Glob(filepath.Join(root, tmp, "*"))
	if err != nil || !slices.Equal(left, []string{fresh}) {
		t.Errorf("got %v, %v, want %s alone", left, err, fresh)
	}
	if _, err := d.Open(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

// TestNothingLeft: a failed Put leaves no file behind.
func TestNothingLeft(t *testing.T) {
	root := filepath.Join(t.TempDir(), "files")
	d := openDir(t, root)
	if err := os.MkdirAll(root, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "zz"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	id := im.BlobID("a")
	shard := filepath.Join(root, fmt.Sprintf("%02x", shardOf(id))) // cannot be made, because a file has its name
	if err := os.WriteFile(shard, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), id, strings.NewReader("x")); err == nil {
		t.Fatal("no error")
	}
	if left, _ := filepath.Glob(filepath.Join(root, tmp, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
