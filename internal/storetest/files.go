package storetest

import (
	"fmt"
	"time"

	"teahouse/internal/im"
)

func fileTests() []test {
	return []test{
		{"Files", testFiles},
		{"PictureByMD5", testPictureByMD5},
		{"UseFile", testUseFile},
		{"SharedFiles", testSharedFiles},
		{"FilesBefore", testFilesBefore},
		{"FilesThere", testFilesThere},
	}
}

// file is a file that is not stored yet.
func (e *env) file(id string, purpose im.FilePurpose) im.File {
	return im.File{App: e.app, ID: e.fileID(id), Purpose: purpose, Owner: "ann", Name: "名.png", Mime: "image/png", Size: 1 << 40, MD5: im.MD5{1, 2},
		Width: 3, Height: 4, Thumbnail: true, Created: start()}
}

// fileID is unique in the store, which other tests share.
func (e *env) fileID(id string) im.FileID { return im.FileID(fmt.Sprintf("%s-%d", id, e.app)) }

func (e *env) addFile(f im.File) im.File {
	e.Helper()
	return get(e, func(tx im.Tx) (im.File, error) { return tx.AddFile(f) })
}

func (e *env) noFile(what string, find func(tx im.Tx) (im.File, error)) {
	e.Helper()
	e.view(func(tx im.Tx) error {
		if f, err := find(tx); im.AsError(err).Code != im.ErrFileNotFound.Code {
			e.Errorf("%s: got %+v, %v", what, f, err)
		}
		return nil
	})
}

func testFiles(e *env) {
	a := e.file("a", im.Attachment)
	a.Secret = im.SecretHash("s")
	b := im.File{App: e.app, ID: e.fileID("b"), Purpose: im.PublicPicture}
	for i, f := range []im.File{a, b} {
		added := e.addFile(f)
		f.Number = int64(i + 1)
		e.same("added", added, f)
		e.same("read", read(e, func(tx im.Tx) (im.File, error) { return tx.File(e.app, f.ID) }), f)
		e.same("by number", read(e, func(tx im.Tx) (im.File, error) { return tx.FileByNumber(e.app, f.Number) }), f)
	}
	e.refused(im.ErrFileNotFound.With("none"), func(tx im.Tx) error { _, err := tx.File(e.app, "none"); return err })
	for _, want := range []bool{true, false} {
		e.same("deleted", get(e, func(tx im.Tx) (bool, error) { return tx.DeleteFile(e.app, b.ID) }), want)
	}
	e.noFile("deleted", func(tx im.Tx) (im.File, error) { return tx.File(e.app, b.ID) })
	e.noFile("deleted, by number", func(tx im.Tx) (im.File, error) { return tx.FileByNumber(e.app, 2) })
	e.same("the number after a deleted one's", e.addFile(e.file("c", im.Attachment)).Number, 3)
}

func testPictureByMD5(e *env) {
	find := func(owner im.Username, sum im.MD5) func(im.Tx) (im.File, error) {
		return func(tx im.Tx) (im.File, error) { return tx.PictureByMD5(e.app, owner, sum) }
	}
	attached := e.addFile(e.file("attached", im.Attachment))
	e.noFile("what is no picture", find("ann", attached.MD5))
	used, first := e.file("used", im.PublicPicture), e.file("first", im.PublicPicture)
	used = e.addFile(used)
	e.same("used", get(e, func(tx im.Tx) (bool, error) { return tx.UseFile(e.app, used.ID, "", "face") }), true)
	first = e.addFile(first)
	e.addFile(e.file("again", im.PublicPicture))
	e.same("that nothing uses", read(e, find("ann", first.MD5)), first)
	e.same("of somebody else, the oldest", read(e, find("bob", first.MD5)).Number, used.Number)
	e.noFile("other bytes", find("ann", im.MD5{2}))
}

func testUseFile(e *env) {
	f := e.addFile(e.file("f", im.PublicPicture))
	use := func(was, now string) bool {
		e.Helper()
		return get(e, func(tx im.Tx) (bool, error) { return tx.UseFile(e.app, f.ID, was, now) })
	}
	e.same("first", use("", "face 1"), true)
	e.same("used already", use("", "face 2"), false)
	f.UsedBy = "face 1"
	e.same("read", read(e, func(tx im.Tx) (im.File, error) { return tx.File(e.app, f.ID) }), f)
	e.same("given up", use("face 1", ""), true)
	e.same("again", use("", "face 2"), true)
}

func testSharedFiles(e *env) {
	r, other := e.room("ann"), e.room("ann")
	var all []im.File
	for i := range 5 {
		f := e.file(fmt.Sprint("f", i), im.Shared)
		f.Room = r.ID
		all = append([]im.File{e.addFile(f)}, all...)
	}
	elsewhere := e.file("elsewhere", im.Shared)
	elsewhere.Room = other.ID
	elsewhere = e.addFile(elsewhere)
	page := func(r im.Room, offset, limit int) []im.File {
		e.Helper()
		return read(e, func(tx im.Tx) ([]im.File, error) { return tx.SharedFiles(r, offset, limit) })
	}
	e.same("first page", page(r, 0, 3), all[:3])
	e.same("last page", page(r, 3, 3), all[3:])
	e.same("beyond", page(r, 9, 3), []im.File(nil))

	e.update(func(tx im.Tx) error { return tx.DeleteRoom(r) })
	e.same("of a room that is gone", page(r, 0, 9), []im.File(nil))
	e.noFile("of a room that is gone", func(tx im.Tx) (im.File, error) { return tx.File(e.app, all[0].ID) })
	e.same("of another room", page(other, 0, 9), []im.File{elsewhere})
	late := e.file("late", im.Shared)
	late.Room = r.ID
	e.refused(im.ErrRoomNotFound.In(r.ID), func(tx im.Tx) error { _, err := tx.AddFile(late); return err })
}

func testFilesBefore(e *env) {
	var all []im.File
	for i := range 4 {
		f := e.file(fmt.Sprint("f", i), im.Attachment)
		f.Created = start().Add(time.Duration(3-i) * time.Hour)
		all = append([]im.File{e.addFile(f)}, all...)
	}
	e.addFile(e.file("picture", im.PublicPicture))
	before := func(p im.FilePurpose, t time.Time, limit int) []im.File {
		e.Helper()
		return read(e, func(tx im.Tx) ([]im.File, error) { return tx.FilesBefore(e.app, p, t, limit) })
	}
	e.same("before the third", before(im.Attachment, all[2].Created, 9), all[:2])
	e.same("the oldest", before(im.Attachment, all[3].Created.Add(1), 1), all[:1])
	e.same("pictures", len(before(im.PublicPicture, start().Add(time.Hour), 9)), 1)
	e.same("none", before(im.Attachment, start(), 9), []im.File(nil))
}

func testFilesThere(e *env) {
	var ids []im.FileID
	for i := range 3 {
		ids = append(ids, e.addFile(e.file(fmt.Sprint("f", i), im.Attachment)).ID)
	}
	there := func(ids ...im.FileID) int {
		e.Helper()
		return len(read(e, func(tx im.Tx) ([]im.FileID, error) { return tx.FilesThere(ids) }))
	}
	e.same("all", there(ids...), 3)
	e.same("one of two", there("none", ids[1]), 1)
	e.same("nothing asked", there(), 0)
}

// fileReads use the methods that only read files.
func fileReads() []access {
	return []access{
		{"FileByNumber", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.FileByNumber(app, 2) }},
		{"PictureByMD5", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.PictureByMD5(app, "ann", im.MD5{1, 2})
		}},
		{"SharedFiles", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.SharedFiles(r, 0, 9) }},
		{"FilesBefore", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.FilesBefore(app, im.Attachment, start().Add(time.Hour), 9)
		}},
	}
}
