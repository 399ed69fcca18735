package sqlstore

import (
	"time"

	"teahouse/internal/im"
)

// Codes: see the first migration.
const countFiles = 27

func purposeCode(p im.FilePurpose) int64    { return int64(p) + 30 }
func purposeFrom(code int64) im.FilePurpose { return im.FilePurpose(code - 30) }

const selectFile = `SELECT id, number, purpose, room, owner, secret, name, mime, size, md5, width, height, thumbnail, used_by, created FROM files`

func scanFile(app im.AppID) func(rows) (im.File, error) {
	return func(rows rows) (im.File, error) {
		f := im.File{App: app}
		var id string
		var purpose, width, height, thumbnail, created int64
		var secret, sum []byte
		err := rows.Scan(&id, &f.Number, &purpose, &f.Room, &f.Owner, &secret, &f.Name, &f.Mime, &f.Size, &sum, &width, &height, &thumbnail, &f.UsedBy, &created)
		f.ID, f.Purpose, f.Width, f.Height, f.Thumbnail, f.Created = im.FileID(id), purposeFrom(purpose), int(width), int(height), thumbnail != 0, fromMS(created)
		copy(f.Secret[:], secret)
		copy(f.MD5[:], sum)
		return f, err
	}
}

func (t *tx) files(app im.AppID, where string, args ...any) ([]im.File, error) {
	return list(t, selectFile+where, append([]any{int64(app)}, args...), scanFile(app))
}

// file reads the first file of a query; arg names it where there is none.
func (t *tx) file(app im.AppID, arg, where string, args ...any) (im.File, error) {
	files, err := t.files(app, where, args...)
	if err != nil {
		return im.File{}, err
	}
	if len(files) == 0 {
		return im.File{}, im.ErrFileNotFound.With(arg)
	}
	return files[0], nil
}

// AddFile implements [im.FileTx]. ErrAppNotFound when the app is gone.
func (t *tx) AddFile(f im.File) (im.File, error) {
	if f.Room != "" {
		var one int64
		found, err := t.row(`SELECT seq FROM rooms WHERE app = $1 AND id = $2`+t.dialect.forStay, []any{int64(f.App), string(f.Room)}, &one)
		if err == nil && !found {
			err = im.ErrRoomNotFound.In(f.Room)
		}
		if err != nil {
			return im.File{}, err
		}
	}
	_, number, err := t.take(f.App, countFiles)
	if err != nil {
		return im.File{}, err
	}
	f.Number = number
	secret := f.Secret[:]
	if !f.Restricted() {
		secret = []byte{}
	}
	_, err = t.exec(`INSERT INTO files (app, id, number, purpose, room, owner, secret, name, mime, size, md5, width, height, thumbnail, used_by, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		int64(f.App), string(f.ID), f.Number, purposeCode(f.Purpose), string(f.Room), string(f.Owner), secret, f.Name, f.Mime, f.Size, f.MD5[:],
		int64(f.Width), int64(f.Height), bit(f.Thumbnail), f.UsedBy, ms(f.Created))
	return f, err
}

// File implements [im.FileTx].
func (t *tx) File(app im.AppID, id im.FileID) (im.File, error) {
	return t.file(app, string(id), ` WHERE app = $1 AND id = $2`, string(id))
}

// FileByNumber implements [im.FileTx].
func (t *tx) FileByNumber(app im.AppID, number int64) (im.File, error) {
	return t.file(app, "", ` WHERE app = $1 AND number = $2`, number)
}

// PictureByMD5 implements [im.FileTx]. The purpose is spelled out, so that the index is used.
func (t *tx) PictureByMD5(app im.AppID, owner im.Username, sum im.MD5) (im.File, error) {
	return t.file(app, "", ` WHERE app = $1 AND md5 = $2 AND purpose = 33
		ORDER BY CASE WHEN owner = $3 AND used_by = '' THEN 0 ELSE 1 END, number LIMIT 1`, sum[:], string(owner))
}

// UseFile implements [im.FileTx].
func (t *tx) UseFile(app im.AppID, id im.FileID, was, now string) (bool, error) {
	n, err := t.exec(`UPDATE files SET used_by = $4 WHERE app = $1 AND id = $2 AND used_by = $3`, int64(app), string(id), was, now)
	return n == 1, err
}

// DeleteFile implements [im.FileTx].
func (t *tx) DeleteFile(app im.AppID, id im.FileID) (bool, error) {
	n, err := t.exec(`DELETE FROM files WHERE app = $1 AND id = $2`, int64(app), string(id))
	if n > 0 {
		t.drop(app, countFiles, n)
	}
	return n == 1, err
}

// deleteShared removes the files of a room.
func (t *tx) deleteShared(room im.Room) error {
	n, err := t.exec(`DELETE FROM files WHERE app = $1 AND room = $2 AND purpose = 32`, roomKey(room)...)
	if n > 0 {
		t.drop(room.App, countFiles, n)
	}
	return err
}

// SharedFiles implements [im.FileTx].
func (t *tx) SharedFiles(room im.Room, offset, limit int) ([]im.File, error) {
	return t.files(room.App, ` WHERE app = $1 AND room = $2 AND purpose = 32 ORDER BY number DESC LIMIT $3 OFFSET $4`,
		string(room.ID), int64(limit), int64(offset))
}

// FilesBefore implements [im.FileTx].
func (t *tx) FilesBefore(app im.AppID, purpose im.FilePurpose, before time.Time, limit int) ([]im.File, error) {
	if purpose == im.Attachment { // spelled out, so that the index is used
		return t.files(app, ` WHERE app = $1 AND created < $2 AND purpose = 31 ORDER BY created, number LIMIT $3`, ms(before), int64(limit))
	}
	return t.files(app, ` WHERE app = $1 AND created < $2 AND purpose = $3 ORDER BY created, number LIMIT $4`,
		ms(before), purposeCode(purpose), int64(limit))
}

// FilesThere implements [im.FileTx].
func (t *tx) FilesThere(ids []im.FileID) (there []im.FileID, err error) {
	err = names(t, `SELECT id FROM files WHERE id IN ({})`, ids, nil, func(query string, args []any) error {
		return t.query(query, args, func(rows rows) error {
			var id string
			err := rows.Scan(&id)
			there = append(there, im.FileID(id))
			return err
		})
	})
	return there, err
}
