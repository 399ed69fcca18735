package im_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"teahouse/internal/blob"
	"teahouse/internal/im"
)

// fileRules are the matrix of what is shared in a room; the target is who shared the file.
func fileRules() []rule {
	members := "ok  ok  ok  ok  forbidden  forbidden  unauthenticated"
	return []rule{
		{"MayShare", "", members, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			return s.MayShare(ctx, c, kindOf(r), r)
		}},
		{"ShareFile", "", members, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			u, err := s.Receive(ctx, im.AppCaller(c.App), strings.NewReader("text"))
			if err != nil {
				return err
			}
			_, err = s.ShareFile(ctx, c, kindOf(r), r, u, im.NewFile{Name: "new"})
			return err
		}},
		{"SharedFiles", "", members, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.SharedFiles(ctx, c, kindOf(r), r, im.Page{Number: 1, Size: 9})
			return err
		}},
		{"OpenSharedFile", "cat", members, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			f, err := s.OpenSharedFile(ctx, c, kindOf(r), r, sharedBy(ctx, s, c, r, target), false)
			if err == nil {
				err = f.Close()
			}
			return err
		}},
		{"DeleteSharedFile", "cat", admins, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			return s.DeleteSharedFile(ctx, c, kindOf(r), r, sharedBy(ctx, s, c, r, target))
		}},
	}
}

// sharedBy is a file that a user shared.
func sharedBy(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, user string) im.FileID {
	files, _ := s.SharedFiles(ctx, im.AppCaller(c.App), kindOf(r), r, im.Page{Number: 1, Size: 9}) // a room that is gone has none
	for _, f := range files {
		if string(f.Owner) == user {
			return f.ID
		}
	}
	return "none"
}

// Upload uploads a file and returns it with its secret.
func (a actor) Upload(bytes string, n im.NewFile) (im.File, string) {
	a.t.Helper()
	u, err := a.w.svc.Receive(a.t.Context(), a.c, strings.NewReader(bytes))
	if err != nil {
		a.check(err)
		return im.File{}, ""
	}
	if n.Purpose == 0 {
		n.Purpose = im.Attachment
	}
	f, secret, err := a.w.svc.KeepFile(a.t.Context(), a.c, u, n)
	a.check(err)
	return f, secret
}

// Open reads a file.
func (a actor) OpenFile(k im.FileKey) string {
	a.t.Helper()
	f, err := a.w.svc.OpenFile(a.t.Context(), a.c, k)
	a.check(err)
	return a.all(f, err)
}

func (a actor) all(f im.Opened, err error) string {
	a.t.Helper()
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	must(a.t, err)
	return string(data)
}

// Share shares a file in the room.
func (a actor) Share(name, bytes string) im.File {
	a.t.Helper()
	u, err := a.w.svc.Receive(a.t.Context(), im.AppCaller(a.w.app), strings.NewReader(bytes))
	must(a.t, err)
	f, err := a.w.svc.ShareFile(a.t.Context(), a.c, a.kind, a.room, u, im.NewFile{Name: name, Mime: "text/plain"})
	a.check(err)
	return f
}

// SharedFiles lists the room's files: "name(owner)".
func (a actor) SharedFiles() string {
	a.t.Helper()
	files, err := a.w.svc.SharedFiles(a.t.Context(), a.c, a.kind, a.room, im.Page{Number: 1, Size: 100})
	a.check(err)
	return line(files, " ", func(f im.File) string { return f.Name + "(" + string(f.Owner) + ")" })
}

// OpenShared reads a file of the room.
func (a actor) OpenShared(id im.FileID) string {
	a.t.Helper()
	f, err := a.w.svc.OpenSharedFile(a.t.Context(), a.c, a.kind, a.room, id, false)
	a.check(err)
	return a.all(f, err)
}

// DeleteShared removes a file of the room.
func (a actor) DeleteShared(id im.FileID) {
	a.t.Helper()
	a.check(a.w.svc.DeleteSharedFile(a.t.Context(), a.c, a.kind, a.room, id))
}

// blobs are the ids of all blobs.
func (w *world) blobs() (ids []im.BlobID) {
	w.t.Helper()
	ids, err := w.ports.Blob.Old(w.t.Context(), 0, "", 1000)
	must(w.t, err)
	return ids
}

func TestFilesAreRead(t *testing.T) {
	w := newWorld(t)
	open, none := as(t, w, "bob").Upload("hello", im.NewFile{Name: `C:\tmp\../a` + "\n\x00b.txt", Mime: "Text/Plain"})
	same(t, "secret", none, "")
	same(t, "file", open, im.File{App: w.app.ID, ID: open.ID, Number: 2, Purpose: im.Attachment, Owner: "bob", Name: "ab.txt", Mime: "text/plain",
		Size: 5, MD5: im.MD5{0x5d, 0x41, 0x40, 0x2a, 0xbc, 0x4b, 0x2a, 0x76, 0xb9, 0x71, 0x9d, 0x91, 0x10, 0x17, 0xc5, 0x92}, Created: w.clock.Now()})
	for _, who := range []string{"app", "ann", "bob", "nobody"} {
		same(t, who, as(t, w, who).OpenFile(im.FileKey{ID: open.ID, Secret: "whatever", Thumbnail: true}), "hello")
	}
	as(t, w, "app").fails(im.ErrFileNotFound.With("none")).OpenFile(im.FileKey{ID: "none"})
	as(t, w, "nobody").fails(im.ErrUnauthenticated).Upload("x", im.NewFile{})

	closed, secret := as(t, w, "app").Upload("secret", im.NewFile{Restricted: true})
	denied := im.ErrFileDenied.With(string(closed.ID))
	for _, who := range []string{"app", "ann"} {
		same(t, who, as(t, w, who).OpenFile(im.FileKey{ID: closed.ID, Secret: secret}), "secret")
		as(t, w, who).fails(denied).OpenFile(im.FileKey{ID: closed.ID})
		as(t, w, who).fails(denied).OpenFile(im.FileKey{ID: closed.ID, Secret: secret + "x"})
	}
	as(t, w, "nobody").fails(im.ErrUnauthenticated).OpenFile(im.FileKey{ID: closed.ID, Secret: secret})
	as(t, w, "nobody").fails(im.ErrUnauthenticated).OpenFile(im.FileKey{ID: closed.ID, InAddress: true})
	as(t, w, "nobody").fails(denied).OpenFile(im.FileKey{ID: closed.ID, Secret: "other", InAddress: true})
	same(t, "by its address", as(t, w, "nobody").OpenFile(im.FileKey{ID: closed.ID, Secret: secret, InAddress: true}), "secret")
}

func TestFilesAreDeleted(t *testing.T) {
	w := newWorld(t)
	before := len(w.blobs())
	f, _ := as(t, w, "bob").Upload(pictureOf(t, 400, 300), im.NewFile{})
	same(t, "with a thumbnail", len(w.blobs()), before+2)
	del := func(who string, want *im.Error) {
		t.Helper()
		as(t, w, who).fails(want).check(w.svc.DeleteFile(t.Context(), as(t, w, who).c, f.ID))
	}
	del("nobody", im.ErrUnauthenticated)
	del("ann", im.ErrNotSelf.For("bob"))
	del("bob", nil)
	del("app", im.ErrFileNotFound.With(string(f.ID)))
	same(t, "blobs", len(w.blobs()), before)
}

// pictureOf is a PNG.
func pictureOf(t *testing.T, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewRGBA(image.Rect(0, 0, width, height))))
	return b.String()
}

func TestThumbnails(t *testing.T) {
	w := newWorld(t)
	bob := as(t, w, "bob")
	original := pictureOf(t, 400, 300)
	for _, c := range []struct{ asked, width, height int }{{0, 170, 127}, {40, 40, 30}, {100_000, 400, 300}} {
		f, _ := bob.Upload(original, im.NewFile{Mime: "text/html", Width: c.asked, Height: c.asked})
		same(t, "what the bytes say", []any{f.Mime, f.Width, f.Height, f.Thumbnail}, []any{"image/png", 400, 300, true})
		same(t, "original", bob.OpenFile(im.FileKey{ID: f.ID}) == original, true)
		got, _, err := image.DecodeConfig(strings.NewReader(bob.OpenFile(im.FileKey{ID: f.ID, Thumbnail: true})))
		must(t, err)
		same(t, fmt.Sprint("asked for ", c.asked), []int{got.Width, got.Height}, []int{c.width, c.height})
	}
	for _, text := range []string{"", "\x89PNG\r\n\x1a\nnot really", "GIF8", original[:40]} {
		f, _ := bob.Upload(text, im.NewFile{Mime: "image/png"})
		same(t, "no thumbnail", f.Thumbnail, false)
		same(t, "the file itself", bob.OpenFile(im.FileKey{ID: f.ID, Thumbnail: true}), text)
	}
}

func TestFileLimits(t *testing.T) {
	w := newWorld(t, "file_max_size=1000")
	before := len(w.blobs())
	bob := as(t, w, "bob")
	bob.fails(im.ErrTooLarge).Upload(strings.Repeat("x", 1001), im.NewFile{})
	cut := errors.New("cut off")
	_, err := w.svc.Receive(t.Context(), bob.c, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(cut)))
	same(t, "a reader's error", err, cut)
	same(t, "blobs", len(w.blobs()), before)
	u, err := w.svc.Receive(t.Context(), bob.c, strings.NewReader(strings.Repeat("x", 1000)))
	must(t, err)
	_, _, err = w.svc.KeepFile(t.Context(), bob.c, u, im.NewFile{Purpose: im.Shared})
	refused(t, err, im.ErrInvalid)
	w.svc.Discard(t.Context(), u)
	same(t, "blobs", len(w.blobs()), before)
}

func TestSharedFiles(t *testing.T) {
	for _, kind := range []im.RoomKind{im.Chatroom, im.Group} {
		w := newWorld(t)
		in := "den"
		app := as(t, w, "app").of(kind).in("den")
		app.Create(im.NewRoom{ID: "den", Owner: "ann", Name: "Den", Members: []string{"bob", "cat"}})
		if kind == im.Group {
			in += "(group)"
		}
		w.bus.Take()
		bob, cat := as(t, w, "bob").of(kind).in("den"), as(t, w, "cat").of(kind).in("den")
		f := bob.Share("plan.txt", "the plan")
		w.want(in + " file_uploaded by bob [] of 3 plan.txt")
		g := app.Share("rules.txt", "the rules")
		w.want(in + " file_uploaded by app [] of 3 rules.txt")
		same(t, "list", cat.SharedFiles(), "rules.txt() plan.txt(bob)")
		same(t, "read", cat.OpenShared(f.ID), "the plan")
		cat.fails(im.ErrFileNotFound.With(string(f.ID))).OpenFile(im.FileKey{ID: f.ID}) // not as an attachment
		as(t, w, "bob").fails(im.ErrFileNotFound.With(string(f.ID)).In(lounge)).OpenShared(f.ID)

		cat.fails(im.ErrForbidden.In("den")).DeleteShared(f.ID)
		bob.fails(im.ErrForbidden.In("den")).DeleteShared(g.ID)
		w.want()
		bob.DeleteShared(f.ID)
		w.want(in + " file_deleted by bob [] of 3 plan.txt")
		bob.fails(im.ErrFileNotFound.With(string(f.ID)).In("den")).DeleteShared(f.ID)
		same(t, "list", cat.SharedFiles(), "rules.txt()")
	}
}

// TestUnreadBlobsAreSwept: those of files that went with their room, and those that never became one.
func TestUnreadBlobsAreSwept(t *testing.T) {
	w := newWorld(t)
	kept := len(w.blobs())
	as(t, w, "app").in("den").Create(im.NewRoom{ID: "den", Owner: "bob", Name: "Den"})
	as(t, w, "bob").in("den").Share("picture", pictureOf(t, 40, 30))
	_, err := w.svc.Receive(t.Context(), as(t, w, "bob").c, strings.NewReader("never kept"))
	must(t, err)
	as(t, w, "bob").in("den").Destroy()
	same(t, "blobs before", len(w.blobs()), kept+3)

	w.runs()
	w.waits()
	same(t, "young ones stay", len(w.blobs()), kept+3)
	w.ports.Blob = aged{w.ports.Blob}
	w.runs()
	w.waits()
	same(t, "blobs after", len(w.blobs()), kept)
	same(t, "the lounge's file", as(t, w, "cat").OpenShared(sharedBy(t.Context(), w.svc, as(t, w, "app").c, lounge, "cat")), "meow")
}

// aged are blobs that all have been there for long.
type aged struct{ im.Blob }

func (a aged) Old(ctx context.Context, _ time.Duration, after im.BlobID, _ int) ([]im.BlobID, error) {
	return a.Blob.Old(ctx, 0, after, 2) // small pages
}

func TestOldAttachmentsExpire(t *testing.T) {
	const day = 24 * time.Hour
	w := newWorld(t, "file_keep_days=3")
	bob := as(t, w, "bob")
	f, _ := bob.Upload("old", im.NewFile{})
	face, _ := bob.Upload("face", im.NewFile{Purpose: im.PublicPicture})
	w.clock.Advance(3 * day)
	same(t, "on the last day", bob.OpenFile(im.FileKey{ID: f.ID}), "old")
	w.clock.Advance(time.Second)
	bob.fails(im.ErrFileExpired.With(string(f.ID))).OpenFile(im.FileKey{ID: f.ID})
	w.runs()
	w.waits()
	bob.fails(im.ErrFileExpired.With(string(f.ID))).OpenFile(im.FileKey{ID: f.ID})
	w.clock.Advance(7 * day)
	w.waits()
	bob.fails(im.ErrFileNotFound).OpenFile(im.FileKey{ID: f.ID})
	if _, err := w.ports.Blob.Open(t.Context(), im.BlobID(f.ID)); !errors.Is(err, im.ErrFileNotFound) {
		t.Errorf("the blob: %v", err)
	}
	same(t, "a picture", bob.OpenFile(im.FileKey{ID: face.ID}), "face")
	same(t, "what is shared", as(t, w, "cat").SharedFiles(), "of cat(cat)")
}

func TestPictures(t *testing.T) {
	w := newWorld(t)
	face, _ := as(t, w, "bob").Upload("face", im.NewFile{Purpose: im.PublicPicture})
	other, _ := as(t, w, "bob").Upload("face", im.NewFile{})
	opened, err := w.svc.OpenPicture(t.Context(), w.app, face.Number, false)
	same(t, "for anybody", as(t, w, "nobody").all(opened, err), "face")
	_, err = w.svc.OpenPicture(t.Context(), w.app, other.Number, false)
	refused(t, err, im.ErrFileNotFound)
	found, err := w.svc.PictureByMD5(t.Context(), w.app, "bob", face.MD5)
	must(t, err)
	same(t, "by its digest", found, face)

	use := func(number int64, by string) error {
		return w.store.Update(t.Context(), func(tx im.Tx) error { _, err := im.UsePicture(tx, w.app.ID, number, by); return err })
	}
	must(t, use(face.Number, "group_face 1"))
	must(t, use(face.Number, "group_face 1"))
	refused(t, use(face.Number, "group_face 2"), im.ErrFileNotFound)
	refused(t, use(other.Number, "group_face 2"), im.ErrFileNotFound)
	refused(t, use(99, "group_face 2"), im.ErrFileNotFound)
}

// TestUploadMemory: an upload of many megabytes takes as little memory as a small one.
func TestUploadMemory(t *testing.T) {
	w := newWorld(t, fmt.Sprintf("file_max_size=%d", 256<<20))
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "files"))
	must(t, err)
	w = w.another(func(c *im.Config) { c.Blob = blobs })
	took := func(size int64) uint64 {
		t.Helper()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		u, err := w.svc.Receive(t.Context(), im.AppCaller(w.app), io.LimitReader(zeros{}, size))
		must(t, err)
		runtime.ReadMemStats(&after)
		same(t, "size", u.Size, size)
		w.svc.Discard(t.Context(), u)
		return after.TotalAlloc - before.TotalAlloc
	}
	small, large := took(1<<20), took(32<<20)
	if large > small+512<<10 {
		t.Errorf("1 MiB takes %d bytes of memory, 32 MiB take %d", small, large)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// losingTx loses against another transaction when it first adds a file.
type losingTx struct {
	im.Tx
	lost *bool
}

// AddFile implements [im.FileTx].
func (tx losingTx) AddFile(f im.File) (im.File, error) {
	if !*tx.lost {
		*tx.lost = true
		return im.File{}, errAgain
	}
	return tx.Tx.AddFile(f)
}

func TestAFileIsKeptByTheSecondTry(t *testing.T) {
	w := newWorld(t)
	lost := false
	again := w.another(func(c *im.Config) {
		c.Store = hookStore{Store: w.store, retry: true, update: func(fn func(im.Tx) error) func(im.Tx) error {
			return func(tx im.Tx) error { return fn(losingTx{tx, &lost}) }
		}}
	})
	f, _ := as(t, again, "bob").Upload("text", im.NewFile{Name: "a.txt"})
	same(t, "kept", []any{lost, string(f.Owner), f.Name, int(f.Size)}, []any{true, "bob", "a.txt", 4})
}
