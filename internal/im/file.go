package im

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// FileID names a File: a lower-case UUID, unique in the deployment.
type FileID string

// MD5 is the digest by which the social app finds a picture that was uploaded before. It proves nothing.
type MD5 [md5.Size]byte

// FilePurpose says what a File is for, and so who may read it.
type FilePurpose int8

// The purposes.
const (
	Attachment    FilePurpose = 1 // of a message: for everybody who knows its id, and its secret where it has one
	Shared        FilePurpose = 2 // in a room: for the room's members
	PublicPicture FilePurpose = 3 // a face or a background: for everybody
)

// File is what somebody uploaded. Its bytes are a blob of the same id, its thumbnail, if it has one, another.
type File struct {
	App           AppID
	ID            FileID
	Number        int64 // place among the app's files; given by the store
	Purpose       FilePurpose
	Room          RoomID   // where it is shared
	Owner         Username // empty: an app token
	Secret        [32]byte // SHA-256 of the share-secret; zero: not restricted
	Name          string
	Mime          string
	Size          int64
	MD5           MD5
	Width, Height int    // of an image
	Thumbnail     bool   // there is one
	UsedBy        string // what shows a picture; empty: nothing yet
	Created       time.Time
}

// Restricted reports whether the file is read with its secret only.
func (f File) Restricted() bool { return f.Secret != [32]byte{} }

func (f File) blob() BlobID      { return BlobID(f.ID) }
func (f File) thumbnail() BlobID { return BlobID(f.ID) + thumbnailMark }

const thumbnailMark = ".t"

// Limits of files (wire/easemob.md §8.8).
const (
	maxFileName    = 255  // bytes
	maxMime        = 127  // bytes
	thumbnailSide  = 170  // pixels, when the upload names none
	thumbnailsSide = 1024 // the largest an upload may name
	sniffed        = 512  // bytes of a file's beginning that tell its type
)

// Upload is a file whose bytes have come and which nobody finds yet: [Service.KeepFile] or [Service.ShareFile] makes it a
// File, [Service.Discard] drops it. What neither gets is removed by and by.
type Upload struct {
	Size int64
	Head []byte // the first bytes, by which one may guess the type

	id  FileID
	md5 MD5
}

// NewFile is what an upload becomes.
type NewFile struct {
	Purpose    FilePurpose // Attachment or PublicPicture
	Name       string
	Mime       string // what the sender says; the bytes of an image know better
	Restricted bool
	Width      int // of the thumbnail; 0: as documented
	Height     int
}

// Receive takes the bytes of a file, up to the app's limit. Errors: ErrUnauthenticated, ErrTooLarge, those of r.
func (s *Service) Receive(ctx context.Context, c Caller, r io.Reader) (*Upload, error) {
	if !c.Known() {
		return nil, ErrUnauthenticated
	}
	u := &Upload{id: FileID(s.ids.UUID())}
	in := &intake{r: r, left: int64(c.App.Settings.FileSize), sum: md5.New(), upload: u}
	if err := s.blob.Put(ctx, BlobID(u.id), in); err != nil {
		return nil, err
	}
	in.sum.Sum(u.md5[:0])
	return u, nil
}

// intake counts and digests what is read through it, and refuses more than it may be.
type intake struct {
	r      io.Reader
	left   int64
	sum    hash.Hash
	upload *Upload
}

// Read implements [io.Reader].
func (in *intake) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	if in.left -= int64(n); in.left < 0 {
		return 0, ErrTooLarge
	}
	_, _ = in.sum.Write(p[:n]) // never fails
	if room := sniffed - len(in.upload.Head); room > 0 {
		in.upload.Head = append(in.upload.Head, p[:min(n, room)]...)
	}
	in.upload.Size += int64(n)
	return n, err
}

// Discard drops an upload that is not to be kept.
func (s *Service) Discard(ctx context.Context, u *Upload) {
	s.deleteBlobs(ctx, File{ID: u.id})
}

// deleteBlobs removes the bytes of files that are gone; what it fails to remove the sweep removes later.
func (s *Service) deleteBlobs(ctx context.Context, files ...File) {
	ctx = context.WithoutCancel(ctx)
	for _, f := range files {
		if err := errors.Join(s.blob.Delete(ctx, f.blob()), s.blob.Delete(ctx, f.thumbnail())); err != nil {
			s.log.Warn("a file's bytes stay for now", "file", string(f.ID), "err", err)
		}
	}
}

// KeepFile makes an upload a file and returns the share-secret of a restricted one, which is shown once.
// Errors: ErrUnauthenticated, ErrInvalid, ErrAppNotFound.
func (s *Service) KeepFile(ctx context.Context, c Caller, u *Upload, n NewFile) (f File, secret string, err error) {
	if !c.Known() {
		return File{}, "", ErrUnauthenticated
	}
	if n.Purpose != Attachment && n.Purpose != PublicPicture {
		return File{}, "", ErrInvalid.With("purpose")
	}
	fresh, secret, err := s.newFile(ctx, c, u, n)
	if err != nil {
		return File{}, "", err
	}
	err = s.store.Update(ctx, func(tx Tx) (err error) { f, err = tx.AddFile(fresh); return err })
	if err != nil {
		s.Discard(ctx, u)
		return File{}, "", err
	}
	return f, secret, nil
}

// newFile is the row of an upload, whose thumbnail it makes.
func (s *Service) newFile(ctx context.Context, c Caller, u *Upload, n NewFile) (f File, secret string, err error) {
	f = File{App: c.App.ID, ID: u.id, Purpose: n.Purpose, Owner: c.User, Name: cleanName(n.Name), Mime: cleanMime(n.Mime),
		Size: u.Size, MD5: u.md5, Created: s.clock.Now()}
	if n.Restricted {
		secret = shareSecret(s.ids.Token())
		f.Secret = SecretHash(secret)
	}
	if err = s.look(ctx, &f, n); err != nil {
		s.Discard(ctx, u)
	}
	return f, secret, err
}

// shareSecret makes a secret of the documents' length out of a new token's text.
func shareSecret(token string) string {
	h := sha256.Sum256([]byte("share-secret " + token))
	return base64.RawURLEncoding.EncodeToString(h[:24])
}

// cleanName is the last part of a path, without what would not print.
func cleanName(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
	for len(name) > maxFileName {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return name
}

// cleanMime is a type and subtype in lower case, or nothing.
func cleanMime(mime string) string {
	mime = strings.ToLower(mime)
	kind, sub, ok := strings.Cut(mime, "/")
	word := func(s string) bool {
		return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-.+_") == ""
	}
	if !ok || !word(kind) || !word(sub) || len(mime) > maxMime {
		return ""
	}
	return mime
}

// isImage reports whether a file begins like an image that Pictures may know: others are not opened for it.
func isImage(head []byte) bool {
	for _, mark := range []string{"\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF8"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return true
		}
	}
	return false
}

// look measures an image and makes its thumbnail.
func (s *Service) look(ctx context.Context, f *File, n NewFile) error {
	r, err := s.blob.Open(ctx, f.blob())
	if err != nil {
		return err
	}
	defer r.Close()
	head := make([]byte, 8)
	if _, err := io.ReadFull(r, head); err != nil || !isImage(head) {
		return nil // it is too short for an image, or none
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return ErrUnavailable.Because(err)
	}
	m, ok := s.pictures.Measure(r)
	if !ok {
		return nil
	}
	f.Mime, f.Width, f.Height = m.Mime, m.Width, m.Height
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return ErrUnavailable.Because(err)
	}
	thumbnail, ok, err := s.pictures.Thumbnail(ctx, r, side(n.Width), side(n.Height))
	if err != nil || !ok {
		return err
	}
	f.Thumbnail = true
	return s.blob.Put(ctx, f.thumbnail(), bytes.NewReader(thumbnail))
}

// side is a thumbnail's greatest width or height.
func side(asked int) int {
	if asked < 1 {
		return thumbnailSide
	}
	return min(asked, thumbnailsSide)
}

// Opened is a file with its bytes, or those of its thumbnail, to be closed by who reads them.
type Opened struct {
	File
	io.ReadSeekCloser
	IsThumbnail bool // and a JPEG
}

// FileKey is what somebody comes with for a file.
type FileKey struct {
	ID        FileID
	Secret    string
	Thumbnail bool // rather than the file, if it has one
	// InAddress says that the secret is part of the address, as in the pages of web clients, whose pictures cannot send a token:
	// who knows such an address needs none.
	InAddress bool
}

// OpenFile opens an attachment or a picture. A restricted one takes its secret and a token.
// Errors: ErrFileNotFound, ErrFileExpired, ErrUnauthenticated, ErrFileDenied.
func (s *Service) OpenFile(ctx context.Context, c Caller, k FileKey) (Opened, error) {
	f, err := s.fileOf(ctx, c.App, func(tx Tx) (File, error) { return tx.File(c.App.ID, k.ID) })
	switch {
	case err != nil:
		return Opened{}, err
	case f.Purpose == Shared:
		return Opened{}, ErrFileNotFound.With(string(k.ID))
	case f.Restricted() && !c.Known() && (k.Secret == "" || !k.InAddress):
		return Opened{}, ErrUnauthenticated
	case f.Restricted() && !f.secretMatches(k.Secret):
		return Opened{}, ErrFileDenied.With(string(k.ID))
	}
	return s.open(ctx, f, k.Thumbnail)
}

// secretMatches compares in constant time.
func (f File) secretMatches(secret string) bool {
	h := SecretHash(secret)
	return subtle.ConstantTimeCompare(h[:], f.Secret[:]) == 1
}

func (s *Service) open(ctx context.Context, f File, thumbnail bool) (Opened, error) {
	o := Opened{File: f, IsThumbnail: thumbnail && f.Thumbnail}
	id := f.blob()
	if o.IsThumbnail {
		id = f.thumbnail()
	}
	var err error
	o.ReadSeekCloser, err = s.blob.Open(ctx, id)
	if errors.Is(err, ErrFileNotFound) {
		err = ErrFileNotFound.With(string(f.ID)).Because(err)
	}
	return o, err
}

// fileOf reads one file and refuses it when it is older than the app keeps its files.
func (s *Service) fileOf(ctx context.Context, app *App, find func(Tx) (File, error)) (f File, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) { f, err = find(tx); return err })
	if err == nil && f.Purpose == Attachment && f.Created.Before(keptSince(app, s.clock.Now())) {
		err = ErrFileExpired.With(string(f.ID))
	}
	return f, err
}

// keptSince is the moment before which attachments are not kept; the zero time when they are kept for good.
func keptSince(app *App, now time.Time) time.Time {
	if app.Settings.FileDays == 0 {
		return time.Time{}
	}
	return now.Add(-time.Duration(app.Settings.FileDays) * 24 * time.Hour)
}

// DeleteFile removes an attachment or a picture, for the app and for who uploaded it. Errors: ErrFileNotFound, ErrNotSelf.
func (s *Service) DeleteFile(ctx context.Context, c Caller, id FileID) error {
	if !c.Known() {
		return ErrUnauthenticated
	}
	err := s.store.Update(ctx, func(tx Tx) error {
		f, err := tx.File(c.App.ID, id)
		switch {
		case err != nil:
			return err
		case f.Purpose == Shared:
			return ErrFileNotFound.With(string(id))
		case !c.IsApp() && f.Owner != c.User:
			return ErrNotSelf.For(f.Owner)
		}
		_, err = tx.DeleteFile(c.App.ID, id)
		return err
	})
	if err == nil {
		s.deleteBlobs(ctx, File{ID: id})
	}
	return err
}

// PictureByNumber returns a picture by its number. Errors: ErrFileNotFound.
func (s *Service) PictureByNumber(ctx context.Context, app *App, number int64) (File, error) {
	f, err := s.fileOf(ctx, app, func(tx Tx) (File, error) { return tx.FileByNumber(app.ID, number) })
	if err == nil && f.Purpose != PublicPicture {
		err = ErrFileNotFound
	}
	return f, err
}

// PictureByMD5 returns the picture of these bytes: one of the owner's that nothing uses, else the oldest.
// Errors: ErrFileNotFound.
func (s *Service) PictureByMD5(ctx context.Context, app *App, owner Username, sum MD5) (File, error) {
	return s.fileOf(ctx, app, func(tx Tx) (File, error) { return tx.PictureByMD5(app.ID, owner, sum) })
}

// OpenPicture opens a picture for anybody. Errors: ErrFileNotFound.
func (s *Service) OpenPicture(ctx context.Context, app *App, number int64, thumbnail bool) (Opened, error) {
	f, err := s.PictureByNumber(ctx, app, number)
	if err != nil {
		return Opened{}, err
	}
	return s.open(ctx, f, thumbnail)
}

// UsePicture marks a picture as used by something, such as "group_face 10000000000001", in a transaction of the rule that
// uses it. Errors: ErrFileNotFound, also when something else uses it.
func UsePicture(tx Tx, app AppID, number int64, by string) (File, error) {
	f, err := tx.FileByNumber(app, number)
	if err != nil {
		return File{}, err
	}
	if f.Purpose != PublicPicture || f.UsedBy != "" && f.UsedBy != by {
		return File{}, ErrFileNotFound
	}
	used, err := tx.UseFile(app, f.ID, f.UsedBy, by)
	if err == nil && !used {
		err = ErrFileNotFound
	}
	f.UsedBy = by
	return f, err
}
