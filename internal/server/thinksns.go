package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"teahouse/internal/im"
	"teahouse/internal/plus"
	"teahouse/internal/thinksns"
)

// ThinkSNSConfig is the ThinkSNS+ surface on /api/v2/….
type ThinkSNSConfig struct {
	Mode         string // off (default), standalone: with accounts of our own (default of Dev), sidecar: beside a ThinkSNS+
	App          string // "org#app" that it uses; default: the one that AppConfig names
	Registration string // standalone: off (default) or open (default of Dev)
	URL          string // sidecar: address of the ThinkSNS+
	JWTSecret    string // PHP's JWT_SECRET; standalone: signs tokens, default made once and kept in the database; sidecar: see thinksns.Config
	IMPassword   string // standalone: hmac (default), or md5-hash: im_pwd_hash as ThinkSNS+ computes it
}

// The modes.
const (
	modeOff    = "off"
	standalone = "standalone"
	sidecar    = "sidecar"
)

// md5Hash is the IMPassword that ThinkSNS+ itself has.
const md5Hash = "md5-hash"

// shortSecret is below how many bytes a key of tokens is warned of; ThinkSNS+ makes 32.
const shortSecret = 16

// withDefaults fills in what is missing. Of what is turned off nothing else matters.
func (c ThinkSNSConfig) withDefaults(app string) ThinkSNSConfig {
	switch c.Mode {
	case modeOff:
		return ThinkSNSConfig{Mode: modeOff}
	case "":
		c.Mode = modeOff
		return c
	}
	c.App = or(c.App, app)
	return c
}

// check returns what is wrong, with the flags' names.
func (c ThinkSNSConfig) check() (errs []error) {
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch c.Mode {
	case modeOff:
		if or(c.Registration, "off") != "off" || c.URL != "" || c.JWTSecret != "" || or(c.IMPassword, "hmac") != "hmac" { // the mode was forgotten
			refuse("--thinksns-registration, -url, -jwt-secret and -im-password need --thinksns standalone or sidecar")
		}
		return errs
	case standalone:
		if c.URL != "" {
			refuse("--thinksns-url is for --thinksns sidecar; standalone has accounts of its own")
		}
	case sidecar:
		if c.URL == "" {
			refuse("--thinksns sidecar works beside a ThinkSNS+: name its address with --thinksns-url")
		}
		if c.Registration == "open" {
			refuse("--thinksns-registration open is for --thinksns standalone: beside a ThinkSNS+ people sign up there")
		}
		if c.IMPassword == md5Hash {
			refuse("--thinksns-im-password md5-hash is for --thinksns standalone: beside a ThinkSNS+ the accounts' hashes are not here")
		}
	default:
		refuse("--thinksns %s: want off, standalone or sidecar", c.Mode)
	}
	switch _, err := parseAppKey(c.App); {
	case c.App == "":
		refuse("--thinksns %s needs an app: name it with --thinksns-app ORG#APP or --app", c.Mode)
	case err != nil:
		refuse("--thinksns-app or else --app: %w", err)
	}
	if r := c.Registration; r != "" && r != "off" && r != "open" {
		refuse("--thinksns-registration %s: want off or open", r)
	}
	if p := c.IMPassword; p != "" && p != "hmac" && p != md5Hash {
		refuse("--thinksns-im-password %s: want hmac or md5-hash", p)
	}
	return errs
}

// directory is the ThinkSNS+ beside us; nil when there is none.
func (c Config) directory(s *server) (im.Directory, error) {
	if c.ThinkSNS.Mode != sidecar {
		return nil, nil
	}
	d, err := plus.New(plus.Config{URL: c.ThinkSNS.URL, Clock: c.Clock, Log: s.log, Faults: s.faults})
	if err != nil {
		return nil, fmt.Errorf("--thinksns-url: %w", err)
	}
	return d, nil
}

// social returns the ThinkSNS+ surface; nil when it is off.
func (s *server) social() http.Handler {
	c := s.cfg.ThinkSNS
	if c.Mode == modeOff {
		return nil
	}
	key, err := parseAppKey(c.App)
	if err != nil { // checked before
		return nil
	}
	return thinksns.New(thinksns.Config{
		Service: s.service, Log: s.log, App: key, Sidecar: c.Mode == sidecar, SharedSecret: c.JWTSecret != "", Registration: c.Registration == "open",
		PublicURL: s.cfg.PublicURL, PerMinute: int(s.limits[perPerson] * 60), Observe: s.metrics.request,
	})
}

// isSocial reports whether a path belongs to the ThinkSNS+ surface. The rest of /api is kept for the SDKs.
func isSocial(path string) bool {
	rest, ok := strings.CutPrefix(path, "/api/v2")
	return ok && (rest == "" || rest[0] == '/')
}

// demoPerson is an account of the emulator.
const demoPerson = "root"

// demoGroup is the group of the documents' examples.
const demoGroup = "36036128342017"

// demoPeople makes accounts to sign in with, and the group of the documents' examples. What is there stays.
func (s *server) demoPeople(ctx context.Context, app *im.App) error {
	caller := im.AppCaller(app)
	var ids []int64
	var names []string
	for _, name := range []string{demoPerson, "花儿", "木子", "小明"} {
		_, err := s.service.CreateAccount(ctx, caller, im.NewAccount{Name: name, Password: demoPassword})
		if err != nil && !errors.Is(err, im.ErrAccountTaken) {
			return err
		}
		a, err := s.service.AccountBy(ctx, app, im.ByName, name)
		if err != nil {
			return err
		}
		ids, names = append(ids, a.ID), append(names, string(im.IMName(a.ID)))
	}
	if err := s.service.RegisterIMBatch(ctx, im.UserCaller(app, im.IMName(ids[0])), ids); err != nil {
		return err
	}
	places := 300
	_, err := s.service.CreateRoom(ctx, caller, im.NewRoom{
		Kind: im.Group, ID: demoGroup, Name: "花儿巷", Description: "来自花儿巷的朋友", Owner: names[0], Members: names[1:3],
		MaxUsers: &places, Public: true, AllowInvites: true,
	})
	if errors.Is(err, im.ErrRoomExists) {
		err = nil
	}
	return err
}

// prepareSocial makes the emulator's people, and warns when the app is not there yet.
func (s *server) prepareSocial(ctx context.Context) error {
	c := s.cfg.ThinkSNS
	if c.Mode == modeOff {
		return nil
	}
	if n := len(c.JWTSecret); n > 0 && n < shortSecret {
		s.log.Warn("the key of --thinksns-jwt-secret is short enough to be guessed", "bytes", n, "advised", shortSecret)
	}
	key, err := parseAppKey(c.App)
	if err != nil {
		return err
	}
	app, err := s.service.App(ctx, key)
	switch {
	case errors.Is(err, im.ErrAppNotFound):
		s.log.Warn("the app of the ThinkSNS+ surface does not exist yet: make it with \"teahouse app create\"", "app", c.App)
		return nil
	case err != nil || !s.cfg.Dev || c.Mode != standalone:
		return err
	}
	if err := s.demoPeople(ctx, app); err != nil {
		return fmt.Errorf("demo accounts: %w", err)
	}
	return nil
}

// printSocial tells how to sign in.
func (s *server) printSocial(b *strings.Builder, base string) {
	if s.cfg.ThinkSNS.Mode != standalone || !s.cfg.Dev {
		return
	}
	fmt.Fprintf(b, `ThinkSNS+ clients sign in as %[2]s with the password %[3]s:

  curl -X POST '%[1]s/api/v2/auth/login' -H 'Content-Type: application/json' -d '{"login":"%[2]s","password":"%[3]s"}'

`, base, demoPerson, demoPassword)
}
