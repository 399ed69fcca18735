package im

import (
	"context"
	"slices"
	"strings"
	"time"
)

const (
	fileSweep  = time.Hour
	blobSweep  = 6 * time.Hour
	orphanAge  = time.Hour // a blob is older than that when its file's row is there, or was never written
	fileGrace  = 7 * 24 * time.Hour
	blobsBatch = 500
)

// sweeper remembers when the due loop last removed files that nobody reads any more.
type sweeper struct {
	files, blobs time.Time // when the last round of each was over
	after        BlobID    // where the round of blobs is
}

// sweepUnread removes what is due, and reports whether it wants to go on at once.
func (s *Service) sweepUnread(ctx context.Context, sw *sweeper) (more bool, err error) {
	now := s.clock.Now()
	if now.Sub(sw.files) >= fileSweep {
		if err := s.sweepFiles(ctx, now); err != nil {
			return false, err
		}
		sw.files = now
	}
	if sw.after == "" && now.Sub(sw.blobs) < blobSweep {
		return false, nil
	}
	if sw.after, err = s.sweepBlobs(ctx, sw.after); err != nil || sw.after != "" {
		return err == nil, err
	}
	sw.blobs = now
	return false, nil
}

// sweepFiles removes attachments that are not kept any more: their rows a while later, so that an expired file is told
// from an unknown one.
func (s *Service) sweepFiles(ctx context.Context, now time.Time) error {
	apps, err := s.Apps(ctx)
	if err != nil {
		return err
	}
	for _, app := range apps {
		since := keptSince(&app, now)
		for n := sweepBatch; n == sweepBatch && !since.IsZero(); {
			var gone []File
			err := s.store.Update(ctx, func(tx Tx) (err error) {
				if gone, err = tx.FilesBefore(app.ID, Attachment, since.Add(-fileGrace), sweepBatch); err != nil {
					return err
				}
				for _, f := range gone {
					if _, err := tx.DeleteFile(app.ID, f.ID); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			s.deleteBlobs(ctx, gone...)
			n = len(gone)
		}
	}
	return nil
}

// sweepBlobs removes blobs whose file is gone, with its room or its app, or never came to be. It goes on after a place and
// returns the next, "" at the end.
func (s *Service) sweepBlobs(ctx context.Context, after BlobID) (BlobID, error) {
	blobs, err := s.blob.Old(ctx, orphanAge, after, blobsBatch)
	if err != nil || len(blobs) == 0 {
		return "", err
	}
	var ids []FileID
	for _, b := range blobs {
		ids = append(ids, fileOfBlob(b))
	}
	var there []FileID
	err = s.store.View(ctx, func(tx Tx) (err error) { there, err = tx.FilesThere(ids); return err })
	if err != nil {
		return "", err
	}
	for _, b := range blobs {
		if slices.Contains(there, fileOfBlob(b)) {
			continue
		}
		if err := s.blob.Delete(ctx, b); err != nil {
			return "", err
		}
	}
	return blobs[len(blobs)-1], nil
}

func fileOfBlob(b BlobID) FileID { return FileID(strings.TrimSuffix(string(b), thumbnailMark)) }
