package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"teahouse/internal/blob"
	"teahouse/internal/bus"
	"teahouse/internal/im"
	"teahouse/internal/passwords"
	"teahouse/internal/pictures"
	"teahouse/internal/sqlstore"
)

// core is the domain on its ports.
type core struct {
	service *im.Service
	store   *sqlstore.Store
}

type coreConfig struct {
	storage   Storage
	tables    sqlstore.Tables
	clock     im.Clock
	passwords passwords.Config
	log       *slog.Logger
	directory im.Directory // nil: the people are accounts of our own
	thinksns  ThinkSNSConfig
	observe   func(sqlstore.Commit)
}

// openCore opens the ports and builds the Service. The store is closed by the caller.
func openCore(ctx context.Context, c coreConfig) (core, error) {
	if err := c.storage.prepare(); err != nil {
		return core{}, err
	}
	store, err := sqlstore.Open(ctx, sqlstore.Config{Database: c.storage.database(), Tables: c.tables, Observe: c.observe})
	if err != nil {
		return core{}, fmt.Errorf("open the database (--data, --database): %w", err)
	}
	blobs, err := blob.Open(c.storage.files())
	if err != nil {
		return core{}, errors.Join(fmt.Errorf("open the folder of files (--data): %w", err), store.Close())
	}
	service := im.NewService(im.Config{
		Store: store, Bus: bus.NewLocal(), Clock: c.clock, IDs: NewIDs(c.clock),
		Blob: blobs, Pictures: pictures.New(), Passwords: passwords.New(c.passwords), Sessions: im.NoSessions{}, Log: c.log, Directory: c.directory,
		JWTSecret: c.thinksns.JWTSecret, MD5Passwords: c.thinksns.IMPassword == md5Hash,
	})
	return core{service, store}, nil
}
