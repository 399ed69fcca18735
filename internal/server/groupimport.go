package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"teahouse/internal/dump"
	"teahouse/internal/im"
	"teahouse/internal/plus"
)

// GroupImport names a file with the table im_group of a ThinkSNS+.
type GroupImport struct {
	File   string // "-": standard input
	Format string // csv, sql; empty: by the file's name
	Prefix string // of the dump's tables
	URL    string // of the ThinkSNS+, to learn the addresses of faces; empty: these are left out
	Stdin  io.Reader
}

// ImportGroups makes the groups of a file that are missing, with nobody but their owners, and gives them faces. What is there
// already stays as it is, so an import can be repeated. Rows that are left out are printed with the reason.
func (t Tool) ImportGroups(ctx context.Context, app string, i GroupImport) error {
	source := AccountImport{File: i.File, Format: i.Format, Stdin: i.Stdin}
	format, err := source.format()
	if err != nil {
		return err
	}
	if i.URL != "" {
		log, err := t.logger()
		if err != nil {
			return err
		}
		d, err := plus.New(plus.Config{URL: i.URL, Clock: SystemClock{}, Log: log})
		if err != nil {
			return fmt.Errorf("--thinksns-url: %w", err)
		}
		defer d.Close()
		t.directory = d
	}
	return t.onOnlyApp(ctx, app, func(c core, app *im.App) error {
		in, _, err := source.open()
		if err != nil {
			return err
		}
		run := groupImport{tool: t, service: c.service, app: app}
		err = dump.Table(in, format, i.Prefix+"im_group", []string{"im_group_id", "user_id"}, func(r dump.Record) error { return run.take(ctx, r) })
		run.report()
		return errors.Join(err, in.Close())
	})
}

// groupImport is one run of an import of groups.
type groupImport struct {
	tool    Tool
	service *im.Service
	app     *im.App

	made, same, left, faces, lost int
}

// take brings one group along. When the ThinkSNS+ does not answer the import ends.
func (r *groupImport) take(ctx context.Context, row dump.Record) error {
	id, _ := row.Value("im_group_id")
	owner, _ := row.Value("user_id")
	face, _ := row.Value("group_face")
	g := im.MovedGroup{ID: im.RoomID(strings.TrimSpace(id)), Face: strings.TrimSpace(face)}
	if g.Face == "0" {
		g.Face = ""
	}
	err := row.Err
	if err == nil {
		if g.Owner, err = strconv.ParseInt(strings.TrimSpace(owner), 10, 64); err != nil {
			err = fmt.Errorf("%q is no number of a user", owner)
		}
	}
	var m im.Moved
	if err == nil {
		m, err = r.service.MoveGroup(ctx, r.app, g)
	}
	r.count(m, err)
	switch {
	case errors.Is(err, im.ErrUnavailable):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		r.tool.printf("line %d, group %s: %s\n", row.Line, g.ID, r.words(m, g, err))
	}
	return nil
}

func (r *groupImport) count(m im.Moved, err error) {
	switch {
	case m.Made:
		r.made++
	case err != nil:
		r.left++
	default:
		r.same++
	}
	if m.Faced {
		r.faces++
	}
	if m.Lost {
		r.lost++
	}
}

func (r *groupImport) words(m im.Moved, g im.MovedGroup, err error) string {
	switch {
	case errors.Is(err, im.ErrUserNotFound):
		return fmt.Sprintf("its owner %d is not registered", g.Owner)
	case errors.Is(err, im.ErrFileNotFound):
		return fmt.Sprintf("without its face: the ThinkSNS+ has no file %s", g.Face)
	case m.Made:
		return "without its face: " + err.Error()
	}
	return err.Error()
}

func (r *groupImport) report() {
	r.tool.printf("made %d, there already %d, left out %d, faces %d\n", r.made, r.same, r.left, r.faces)
	if r.lost > 0 {
		r.tool.printf("%d faces are uploads of the ThinkSNS+: add --thinksns-url to give their addresses\n", r.lost)
	}
}
