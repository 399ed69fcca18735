package server

import (
	"context"
	"fmt"
	"log/slog"

	"teahouse/internal/bus"
	"teahouse/internal/im"
	"teahouse/internal/passwords"
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
	service := im.NewService(im.Config{
		Store: store, Bus: bus.NewLocal(), Clock: c.clock, IDs: NewIDs(c.clock),
		Passwords: passwords.New(c.passwords), Sessions: im.NoSessions{}, Log: c.log,
	})
	return core{service, store}, nil
}
