package im

import "context"

// MayShare answers nil when the caller may share files in a room, so that nobody uploads in vain. Errors: ErrRoomNotFound,
// ErrForbidden.
func (s *Service) MayShare(ctx context.Context, c Caller, kind RoomKind, id RoomID) error {
	return s.seeRoom(ctx, c, kind, id, Plain, func(Tx, Room) error { return nil })
}

// ShareFile gives an upload to the members of a room. Members may. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) ShareFile(ctx context.Context, c Caller, kind RoomKind, id RoomID, u *Upload, n NewFile) (File, error) {
	if err := s.MayShare(ctx, c, kind, id); err != nil {
		s.Discard(ctx, u)
		return File{}, err
	}
	n.Purpose, n.Restricted = Shared, false // only members read it anyway
	f, _, err := s.newFile(ctx, c, u, n)
	if err != nil {
		return File{}, err
	}
	f.Room = id
	var shared File
	err = s.inRoom(ctx, c, kind, id, Plain, func(w *work) (err error) {
		if shared, err = w.tx.AddFile(f); err == nil {
			w.emitFile(FileUploaded, shared)
		}
		return err
	})
	if err != nil {
		s.Discard(ctx, u)
	}
	return shared, err
}

func (w *work) emitFile(kind EventKind, f File) {
	e := roomEvent(w.room, kind)
	e.Files = []File{f}
	w.publish(e)
}

// SharedFiles lists the files of a room, last shared first. Members may. Errors: ErrRoomNotFound, ErrForbidden.
func (s *Service) SharedFiles(ctx context.Context, c Caller, kind RoomKind, id RoomID, page Page) (files []File, err error) {
	err = s.seeRoom(ctx, c, kind, id, Plain, func(tx Tx, room Room) (err error) {
		files, err = tx.SharedFiles(room, page.offset(), page.Size)
		return err
	})
	return files, err
}

// OpenSharedFile opens a file of a room. Members may. Errors: ErrRoomNotFound, ErrForbidden, ErrFileNotFound.
func (s *Service) OpenSharedFile(ctx context.Context, c Caller, kind RoomKind, id RoomID, file FileID, thumbnail bool) (Opened, error) {
	var f File
	err := s.seeRoom(ctx, c, kind, id, Plain, func(tx Tx, room Room) (err error) {
		f, err = sharedFile(tx, room, file)
		return err
	})
	if err != nil {
		return Opened{}, err
	}
	return s.open(ctx, f, thumbnail)
}

func sharedFile(tx Tx, room Room, id FileID) (File, error) {
	f, err := tx.File(room.App, id)
	if err == nil && (f.Purpose != Shared || f.Room != room.ID) {
		err = ErrFileNotFound.With(string(id))
	}
	if err != nil {
		return File{}, AsError(err).In(room.ID)
	}
	return f, nil
}

// DeleteSharedFile removes a file from a room: the owner, admins and who uploaded it may. Errors: ErrRoomNotFound,
// ErrForbidden, ErrFileNotFound.
func (s *Service) DeleteSharedFile(ctx context.Context, c Caller, kind RoomKind, id RoomID, file FileID) error {
	err := s.inRoom(ctx, c, kind, id, Plain, func(w *work) error {
		f, err := sharedFile(w.tx, w.room, file)
		if err != nil {
			return err
		}
		if w.rank < Admin && (f.Owner == "" || f.Owner != c.User) {
			return ErrForbidden.In(id)
		}
		w.emitFile(FileDeleted, f)
		_, err = w.tx.DeleteFile(f.App, f.ID)
		return err
	})
	if err == nil {
		s.deleteBlobs(ctx, File{ID: file})
	}
	return err
}
