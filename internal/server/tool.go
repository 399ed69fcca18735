package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/sqlstore"
)

// Tool is an operator at work on a deployment's database, whether or not servers run on it: they apply changed
// settings within a second and find new tokens at once.
type Tool struct {
	Storage
	Logging
	Out  io.Writer // default os.Stdout
	JSON bool      // answer with JSON where there is a choice

	directory im.Directory // of a ThinkSNS+ beside us; nil: none is asked
}

// with runs fn on the Service of the database, which must be of this version. create allows to make one that is not there.
func (t Tool) with(ctx context.Context, create bool, fn func(core) error) error {
	log, err := t.logger()
	if err != nil {
		return err
	}
	if file, ok := t.file(); ok && !create {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no database at %s: name the server's folder with --data, or its database with --database", file)
		}
	}
	tables := sqlstore.Keep
	if create {
		tables = sqlstore.Make
	}
	c, err := openCore(ctx, coreConfig{storage: t.Storage, tables: tables, clock: SystemClock{}, log: log, directory: t.directory})
	if err != nil {
		return err
	}
	return errors.Join(fn(c), c.store.Close())
}

func (t Tool) printf(format string, args ...any) {
	fmt.Fprintf(t.out(), format, args...)
}

func (t Tool) out() io.Writer {
	if t.Out != nil {
		return t.Out
	}
	return os.Stdout
}

func (t Tool) printJSON(v any) error {
	e := json.NewEncoder(t.out())
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// appJSON is an app as scripts read it.
type appJSON struct {
	App          string            `json:"app"`
	Org          string            `json:"org"`
	Name         string            `json:"name"`
	UUID         string            `json:"uuid"`
	ClientID     string            `json:"client_id"`
	ClientSecret string            `json:"client_secret,omitempty"` // only when it was just made
	Created      time.Time         `json:"created"`
	Settings     map[string]string `json:"settings"`
}

func describe(a im.App, secret string) appJSON {
	return appJSON{a.Key.String(), a.Key.Org, a.Key.Name, a.UUID, a.ClientID, secret, a.Created.UTC(), a.Settings.Values()}
}

// CreateApp makes an app and prints its credentials; the secret is not shown again.
func (t Tool) CreateApp(ctx context.Context, key, clientID, secret string) error {
	k, err := parseAppKey(key)
	if err != nil {
		return err
	}
	return t.with(ctx, true, func(c core) error {
		freshID, freshSecret := newCredentials()
		n := im.NewApp{Key: k, ClientID: or(clientID, freshID), Secret: or(secret, freshSecret)}
		app, err := c.service.CreateApp(ctx, n)
		if err != nil {
			return err
		}
		if t.JSON {
			return t.printJSON(describe(app, n.Secret))
		}
		t.printf("app key        %s\nclient id      %s\nclient secret  %s\n\nKeep the secret: it is not stored and cannot be shown again.\n",
			k, n.ClientID, n.Secret)
		return nil
	})
}

// ListApps prints every app.
func (t Tool) ListApps(ctx context.Context) error {
	return t.with(ctx, false, func(c core) error {
		apps, err := c.service.Apps(ctx)
		if err != nil {
			return err
		}
		if t.JSON {
			list := make([]appJSON, len(apps))
			for i, a := range apps {
				list[i] = describe(a, "")
			}
			return t.printJSON(list)
		}
		for _, a := range apps {
			t.printf("%-40s %s\n", a.Key, a.ClientID)
		}
		if len(apps) == 0 {
			t.printf("There is no app yet. Make one: teahouse app create ORG#APP\n")
		}
		return nil
	})
}

// onApp runs fn with an app that exists.
func (t Tool) onApp(ctx context.Context, key string, fn func(core, *im.App) error) error {
	k, err := parseAppKey(key)
	if err != nil {
		return err
	}
	return t.with(ctx, false, func(c core) error {
		app, err := c.service.App(ctx, k)
		if err != nil {
			return noApp(k, err)
		}
		return fn(c, app)
	})
}

func noApp(k im.AppKey, err error) error {
	if errors.Is(err, im.ErrAppNotFound) {
		return fmt.Errorf("there is no app %s; \"teahouse app list\" shows those that exist", k)
	}
	return err
}

// ShowApp prints an app with all its settings.
func (t Tool) ShowApp(ctx context.Context, key string) error {
	return t.onApp(ctx, key, func(_ core, app *im.App) error { return t.show(*app) })
}

func (t Tool) show(app im.App) error {
	if t.JSON {
		return t.printJSON(describe(app, ""))
	}
	t.printf("app key    %s\nuuid       %s\nclient id  %s\ncreated    %s\n\n", app.Key, app.UUID, app.ClientID, app.Created.UTC().Format(time.RFC3339))
	values := app.Settings.Values()
	for _, d := range im.SettingDocs() {
		text := d.Key + "=" + values[d.Key]
		if values[d.Key] != d.Default {
			text += " (default " + d.Default + ")"
		}
		t.printf("%-40s %s\n", text, d.Doc)
	}
	return nil
}

// SetApp changes settings, each "key=value", all or none, and shows the result. client_id and client_secret are
// changed in the same way.
func (t Tool) SetApp(ctx context.Context, key string, changes []string) error {
	n := im.NewApp{Settings: map[string]string{}}
	for _, change := range changes {
		k, v, ok := strings.Cut(change, "=")
		if !ok {
			return fmt.Errorf("%s: want KEY=VALUE", change)
		}
		switch k = strings.TrimSpace(k); k {
		case "client_id":
			n.ClientID = v
		case "client_secret":
			n.Secret = v
		default:
			if err := checkSetting(k, v); err != nil {
				return err
			}
			n.Settings[k] = v
		}
	}
	return t.onApp(ctx, key, func(c core, app *im.App) error {
		n.Key = app.Key
		changed, err := c.service.ChangeApp(ctx, n)
		if err != nil {
			return err
		}
		return t.show(changed)
	})
}

// checkSetting refuses a setting in words for an operator.
func checkSetting(key, value string) error {
	known := func(d im.SettingDoc) bool { return d.Key == key }
	if slices.ContainsFunc(im.SettingDocs(), known) {
		s := im.DefaultSettings()
		return plain(s.Set(key, value))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "there is no setting %s; the settings are:\n", key)
	for _, d := range im.SettingDocs() {
		fmt.Fprintf(&b, "  %-24s %s [%s]\n", d.Key, d.Doc, d.Default)
	}
	fmt.Fprintf(&b, "  %-24s %s\n  %-24s %s", "client_id", "the app's client id", "client_secret", "the app's client secret")
	return errors.New(b.String())
}

// DeleteApp removes an app with all that belongs to it, and what an interrupted deletion has left.
func (t Tool) DeleteApp(ctx context.Context, key string) error {
	k, err := parseAppKey(key)
	if err != nil {
		return err
	}
	return t.with(ctx, false, func(c core) error {
		if err := c.service.DeleteApp(ctx, k); err != nil {
			return noApp(k, err)
		}
		t.printf("%s is gone.\n", k)
		return nil
	})
}

// IssueToken prints a new token: of the app, or of a user when one is named. A nil ttl means the app's setting,
// 0 for good.
func (t Tool) IssueToken(ctx context.Context, key, user string, ttl *time.Duration) error {
	return t.onApp(ctx, key, func(c core, app *im.App) (err error) {
		var grant im.Grant
		if user == "" {
			grant, err = c.service.IssueAppToken(ctx, app, ttl)
		} else {
			grant, err = c.service.IssueUserToken(ctx, app, im.Username(user), ttl)
		}
		if errors.Is(err, im.ErrUserNotFound) {
			return fmt.Errorf("there is no user %s in %s", user, app.Key)
		}
		if err != nil {
			return err
		}
		t.printf("%s\n", grant.Text)
		return nil
	})
}

// Backup writes a consistent copy of the embedded database to a new file while servers run on it.
func (t Tool) Backup(ctx context.Context, file string) error {
	if path, ok := t.file(); !ok {
		return errors.New("only an embedded database is backed up here; use pg_dump for PostgreSQL")
	} else if same(path, file) {
		return fmt.Errorf("%s is the database itself: name another file", file)
	}
	return t.with(ctx, false, func(c core) error {
		if err := c.store.Backup(ctx, file); err != nil {
			return err
		}
		t.printf("The copy is in %s. To look at it: teahouse serve --database sqlite:%s --data ANOTHER-FOLDER\n", file, file)
		if folder := t.files(); exists(folder) {
			t.printf("Uploaded files are not in it: copy the folder %s now.\n", folder)
		}
		return nil
	})
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func parseAppKey(key string) (im.AppKey, error) {
	k, err := im.ParseAppKey(key)
	return k, plain(err)
}

// plain words an error about a value that an operator gave: what is wrong with it stands in the argument.
func plain(err error) error {
	if errors.Is(err, im.ErrInvalid) {
		return errors.New(im.AsError(err).Arg)
	}
	return err
}
