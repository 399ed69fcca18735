// Package blob keeps the bytes of files in a folder: the adapter of im.Blob. Several nodes may share the folder when
// their file system renames in one step and shows a name to everybody once it is there.
package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"teahouse/internal/im"
)

// Dir is a folder of blobs: 256 folders "00" to "ff" by a hash of the blob's id, and "tmp" for what is being written.
// The folder itself is made with the first blob.
type Dir struct{ root string }

const (
	tmp = "tmp"
	// abandoned is how long nothing was written to a temporary file that nobody will finish: a node that still receives it
	// writes sooner.
	abandoned = 6 * time.Hour
	shards    = 256
	copySize  = 64 << 10
)

// Open returns the blobs of a folder and removes temporary files that were left when a node was killed.
func Open(root string) (*Dir, error) {
	d := &Dir{root}
	left, err := os.ReadDir(filepath.Join(root, tmp))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range left {
		info, err := e.Info()
		if err == nil && time.Since(info.ModTime()) > abandoned {
			err = os.Remove(filepath.Join(root, tmp, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // another node was faster
			return nil, err
		}
	}
	return d, nil
}

// path is where a blob lies. Ids are plain words, so that none leads out of its folder.
func (d *Dir) path(id im.BlobID) (string, error) {
	name := string(id)
	if name == "" || len(name) > 128 || name[0] == '.' || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return "", im.ErrInvalid.With("blob " + name)
	}
	return filepath.Join(d.root, fmt.Sprintf("%02x", shardOf(id)), name), nil
}

func shardOf(id im.BlobID) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum32() % shards
}

// Put implements [im.Blob]: the bytes go to a temporary file, which is renamed once it is on the disk.
func (d *Dir) Put(ctx context.Context, id im.BlobID, r io.Reader) (err error) {
	path, err := d.path(id)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(d.root, tmp), 0o700); err != nil {
		return unavailable(err)
	}
	f, err := os.CreateTemp(filepath.Join(d.root, tmp), "")
	if err != nil {
		return unavailable(err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error counts
			_ = os.Remove(f.Name())
		}
	}()
	if err := copyTo(ctx, f, r); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return unavailable(err)
	}
	if err := d.place(f.Name(), path); err != nil {
		return unavailable(err)
	}
	return nil
}

// place gives a written file its name, durably.
func (d *Dir) place(from, to string) error {
	shard := filepath.Dir(to)
	err := os.Rename(from, to)
	if errors.Is(err, fs.ErrNotExist) { // the shard's first blob
		if err := os.MkdirAll(shard, 0o700); err != nil {
			return err
		}
		if err := errors.Join(sync(d.root), sync(filepath.Dir(d.root))); err != nil {
			return err
		}
		err = os.Rename(from, to)
	}
	if err != nil {
		return err
	}
	return sync(shard)
}

// sync makes the names of a folder durable.
func sync(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// copyTo returns errors of r unchanged.
func copyTo(ctx context.Context, f *os.File, r io.Reader) error {
	buf := make([]byte, copySize)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := f.Write(buf[:n]); err != nil {
				return unavailable(err)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Open implements [im.Blob].
func (d *Dir) Open(_ context.Context, id im.BlobID) (io.ReadSeekCloser, error) {
	path, err := d.path(id)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, im.ErrFileNotFound.Because(err)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return f, nil
}

// Delete implements [im.Blob].
func (d *Dir) Delete(_ context.Context, id im.BlobID) error {
	path, err := d.path(id)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unavailable(err)
	}
	return nil
}

// Old implements [im.Blob]. The order is that of the folders, then of the names.
func (d *Dir) Old(ctx context.Context, age time.Duration, after im.BlobID, limit int) (ids []im.BlobID, err error) {
	first := uint32(0)
	if after != "" {
		first = shardOf(after)
	}
	for shard := first; shard < shards && len(ids) < limit; shard++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entries, err := os.ReadDir(filepath.Join(d.root, fmt.Sprintf("%02x", shard)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, unavailable(err)
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
		for _, e := range entries {
			id := im.BlobID(e.Name())
			if shard == first && id <= after || len(ids) == limit {
				continue
			}
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) >= age {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

func unavailable(err error) error { return im.ErrUnavailable.Because(err) }
