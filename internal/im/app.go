package im

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"time"
)

// AppID numbers an App inside one deployment. It never leaves the server.
type AppID int64

// AppKey is the name of an App, "org#app" on the wires.
type AppKey struct{ Org, Name string }

// String returns "org#app".
func (k AppKey) String() string { return k.Org + "#" + k.Name }

// App is a tenant: one organisation's application, with its own users and rooms.
type App struct {
	ID       AppID
	Key      AppKey
	UUID     string
	ClientID string
	Secret   [32]byte // SHA-256 of the client secret
	Settings Settings
	Created  time.Time
}

// SecretHash returns what an App stores of a client secret. Secrets are long and random, so a plain digest is enough.
func SecretHash(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// SecretMatches compares in constant time.
func (a App) SecretMatches(secret string) bool {
	h := SecretHash(secret)
	return subtle.ConstantTimeCompare(h[:], a.Secret[:]) == 1
}

// reservedOrg knows the first path words of other surfaces (docs/interface.md).
func reservedOrg(org string) bool {
	switch org {
	case "api", "console", "docs", "ws", "websocket", "http-bind", "healthz", "openapi.yaml", "management":
		return true
	}
	return strings.HasPrefix(org, "_")
}

func appWord(s string) bool {
	return plainWord(s) && len(s) <= 64 && s != "." && s != ".."
}

// ParseAppKey reads "org#app". The name of an organisation may not be a first path word of another surface.
func ParseAppKey(s string) (AppKey, error) {
	org, name, ok := strings.Cut(s, "#")
	if !ok || !appWord(org) || !appWord(name) {
		return AppKey{}, ErrInvalid.With("app key " + s + ": want ORG#APP, each of letters, digits, '.', '_' and '-', at most 64")
	}
	if reservedOrg(org) || org == "easemob" && name == "server.json" {
		return AppKey{}, ErrInvalid.With("app key " + s + ": this organisation name is reserved")
	}
	return AppKey{org, name}, nil
}

// App returns the app of a key. Answers are at most [cacheAge] old.
func (s *Service) App(ctx context.Context, key AppKey) (*App, error) {
	return s.apps.get(key, s.clock.Now(), func() (*App, error) {
		var app App
		err := s.store.View(ctx, func(tx Tx) (err error) { app, err = tx.App(key); return err })
		if err != nil {
			return nil, err
		}
		return &app, nil
	})
}

// appByID is App for those who know an app by its id only.
func (s *Service) appByID(ctx context.Context, id AppID) (*App, error) {
	return s.appIDs.get(id, s.clock.Now(), func() (*App, error) {
		var app App
		err := s.store.View(ctx, func(tx Tx) (err error) { app, err = tx.AppByID(id); return err })
		if err != nil {
			return nil, err
		}
		return &app, nil
	})
}

// Apps lists every app of the deployment by key.
func (s *Service) Apps(ctx context.Context) (apps []App, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) { apps, err = tx.Apps(); return err })
	return apps, err
}

// AppByUUID returns the app of an id that clients know it by. Deployments have few apps. Errors: ErrAppNotFound.
func (s *Service) AppByUUID(ctx context.Context, uuid string) (*App, error) {
	apps, err := s.Apps(ctx)
	if err != nil {
		return nil, err
	}
	for i := range apps {
		if strings.EqualFold(apps[i].UUID, uuid) {
			return &apps[i], nil
		}
	}
	return nil, ErrAppNotFound.With(uuid)
}

// NewApp is what an operator gives to create or change an app. Empty fields are left as they are, or chosen.
type NewApp struct {
	Key      AppKey
	ClientID string
	Secret   string
	Settings map[string]string // key = value, as [Settings.Set] takes them

	FreshID, FreshSecret string // taken by EnsureApp where the app has none; who makes it together with others learns whose won
}

// CreateApp makes a new app. Errors: ErrAppExists, ErrInvalid.
func (s *Service) CreateApp(ctx context.Context, n NewApp) (App, error) {
	return s.putApp(ctx, n, func(_ App, found bool) error {
		if found {
			return ErrAppExists.With(n.Key.String())
		}
		return nil
	})
}

// EnsureApp makes the app if it is missing and otherwise changes what n gives.
func (s *Service) EnsureApp(ctx context.Context, n NewApp) (App, error) {
	return s.putApp(ctx, n, func(App, bool) error { return nil })
}

// ChangeApp changes what n gives of an existing app. Errors: ErrAppNotFound, ErrInvalid.
func (s *Service) ChangeApp(ctx context.Context, n NewApp) (App, error) {
	return s.putApp(ctx, n, func(_ App, found bool) error {
		if !found {
			return ErrAppNotFound.With(n.Key.String())
		}
		return nil
	})
}

func (s *Service) putApp(ctx context.Context, n NewApp, check func(was App, found bool) error) (App, error) {
	var app App
	err := s.store.Update(ctx, func(tx Tx) error {
		was, err := tx.LockApp(n.Key)
		found := err == nil
		if err != nil && AsError(err).Code != ErrAppNotFound.Code {
			return err
		}
		if err := check(was, found); err != nil {
			return err
		}
		app = was
		if !found {
			app = App{Key: n.Key, UUID: s.ids.UUID(), Settings: DefaultSettings(), Created: s.clock.Now()}
		}
		app.ClientID = cmp.Or(n.ClientID, app.ClientID, n.FreshID)
		if n.Secret != "" {
			app.Secret = SecretHash(n.Secret)
		} else if n.FreshSecret != "" && app.Secret == [32]byte{} {
			app.Secret = SecretHash(n.FreshSecret)
		}
		app.Settings = app.Settings.clone()
		for k, v := range n.Settings {
			if err := app.Settings.Set(k, v); err != nil {
				return err
			}
		}
		app.ID, err = tx.PutApp(app)
		return err
	})
	s.apps.drop(n.Key)
	s.appIDs.drop(app.ID)
	return app, err
}

// remainsBatch is how many rows of a deleted app are removed in one transaction: others get their turn between.
const remainsBatch = 10_000

// DeleteApp removes the app at once, and then everything of it and of apps whose deletion was interrupted, also when there is no
// such app. Errors: ErrAppNotFound.
func (s *Service) DeleteApp(ctx context.Context, key AppKey) error {
	err := s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.App(key)
		if err != nil {
			return err
		}
		return tx.DeleteApp(app.ID)
	})
	s.apps.drop(key)
	s.appIDs.clear()
	s.tokens.clear()
	if err != nil && !errors.Is(err, ErrAppNotFound) {
		return err
	}
	for n := 1; n > 0; {
		if err := s.store.Update(ctx, func(tx Tx) (err error) { n, err = tx.DeleteRemains(remainsBatch); return err }); err != nil {
			return err
		}
	}
	return err
}
