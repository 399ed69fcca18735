package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"teahouse/internal/blob"
	"teahouse/internal/bus"
	"teahouse/internal/hub"
	"teahouse/internal/im"
	"teahouse/internal/passwords"
	"teahouse/internal/pictures"
	"teahouse/internal/sqlstore"
)

// core is the domain on its ports.
type core struct {
	service *im.Service
	store   *sqlstore.Store
	hub     *hub.Hub
}

type coreConfig struct {
	storage   Storage
	tables    sqlstore.Tables
	clock     im.Clock
	passwords passwords.Config
	log       *slog.Logger
	faults    *im.Faults   // nil: told in the log only
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
	blobs, err := openFiles(ctx, c.storage.files(), store)
	if err != nil {
		return core{}, errors.Join(fmt.Errorf("open the folder of files (--data): %w", err), store.Close())
	}
	events, ids := bus.NewLocal(), NewIDs(c.clock)
	live := hub.New(hub.Config{Bus: events, Clock: c.clock, IDs: ids, Log: c.log, Faults: c.faults})
	service := im.NewService(im.Config{
		Store: store, Bus: events, Clock: c.clock, IDs: ids,
		Blob: blobs, Pictures: pictures.New(), Passwords: passwords.New(c.passwords), Sessions: live, Log: c.log, Faults: c.faults, Directory: c.directory,
		JWTSecret: c.thinksns.JWTSecret, MD5Passwords: c.thinksns.IMPassword == md5Hash,
	})
	live.Use(service)
	return core{service, store, live}, nil
}

// ownerFile names, in the folder of files, the database that the files belong to.
const ownerFile = "database"

// openFiles opens the folder of a database's files. That of another database is refused: each would sweep away what only the
// other knows (ADR 17).
func openFiles(ctx context.Context, folder string, store *sqlstore.Store) (*blob.Dir, error) {
	blobs, err := blob.Open(folder)
	if err != nil {
		return nil, err
	}
	name, err := store.Identity(ctx)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, ownerFile)
	owner, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		return blobs, os.WriteFile(file, []byte(name+"\n"), 0o600)
	}
	if err == nil && strings.TrimSpace(string(owner)) != name {
		err = fmt.Errorf("%s belongs to the files of another database: choose another folder", folder)
	}
	return blobs, err
}
