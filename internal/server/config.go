// Package server is the composition root: it opens the ports, builds the Service, mounts the surfaces, owns the
// listeners and the order of stopping. The commands of the binary are its exported functions.
package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"teahouse/internal/im"
)

// Config is everything a server can be told. The zero value is useful.
type Config struct {
	Storage
	Logging

	Listen    string // REST, sockets, console; default ":8080", for Dev "127.0.0.1:8080"
	OpsListen string // metrics, health, profiles; default "127.0.0.1:8081"; "off": none
	Bus       string // default "local", the only one yet
	PublicURL string // scheme and host that clients see; default: from each request

	App AppConfig

	TLSCert, TLSKey string         // PEM files, read again when they change; default: no TLS
	TrustedProxies  []netip.Prefix // networks whose X-Forwarded-For and X-Forwarded-Proto are believed

	RateLimits string // "documented" (default), "off" (default of Dev), or a file of class = n/s lines
	ThinkSNS   ThinkSNSConfig

	Dev        bool          // emulator: temporary data unless Data or Database is given, demo data, light password hashes
	BodyLimit  int64         // bytes of a request body; default 1 MiB
	StopWithin time.Duration // for requests to finish after ctx ended; default 10 s

	Clock  im.Clock  // default SystemClock
	Stdout io.Writer // the start-up text; default os.Stdout

	temporary bool // Data is removed at exit
}

// Storage tells where the facts are kept.
type Storage struct {
	Data     string // folder of the embedded database and of files; default "./data"
	Database string // "sqlite:PATH" or "postgres://…"; default SQLite inside Data
}

// Logging tells what is logged, and how.
type Logging struct {
	LogLevel  string    // debug, info (default), warn, error
	LogFormat string    // text, json; default text on a terminal, else json
	Stderr    io.Writer // default os.Stderr
}

// AppConfig names an app to make sure of at start. What is nil or empty stays as it is stored.
type AppConfig struct {
	Key              string // "org#app"; empty: none, for Dev the documents' demo app
	ClientID, Secret string // default: generated once and printed; for Dev fixed
	OpenRegistration *bool  // default false, for Dev true
	ErrorProfile     string // "450" or "v2"; default "450"
}

// The emulator's app and credentials.
const (
	devApp    = "easemob-demo#chatdemoui"
	devID     = "teahouse-dev-client"
	devSecret = "teahouse-dev-secret"
)

// withDefaults returns the configuration with every default filled in, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	c.Listen = or(c.Listen, ":8080")
	c.OpsListen = or(c.OpsListen, "127.0.0.1:8081")
	c.Bus = or(c.Bus, "local")
	c.RateLimits = or(c.RateLimits, "documented")
	c.ThinkSNS = c.ThinkSNS.withDefaults(c.App.Key)
	c.BodyLimit = or(c.BodyLimit, 1<<20)
	c.StopWithin = or(c.StopWithin, 10*time.Second)
	if c.Clock == nil {
		c.Clock = SystemClock{}
	}
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	return c, c.check()
}

func (c Config) withDevDefaults() Config {
	if !c.Dev {
		return c
	}
	open := true
	c.Listen = or(c.Listen, "127.0.0.1:8080")
	c.RateLimits = or(c.RateLimits, "off")
	if c.ThinkSNS.Mode = or(c.ThinkSNS.Mode, standalone); c.ThinkSNS.Mode == standalone {
		c.ThinkSNS.Registration = or(c.ThinkSNS.Registration, "open")
	}
	c.App.Key = or(c.App.Key, devApp)
	c.App.ClientID = or(c.App.ClientID, devID)
	c.App.Secret = or(c.App.Secret, devSecret)
	if c.App.OpenRegistration == nil {
		c.App.OpenRegistration = &open
	}
	return c
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

func (c Config) check() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Bus != "local" {
		refuse("--bus %s: this version has the bus \"local\" only; NATS is not built yet", c.Bus)
	}
	errs = append(errs, c.ThinkSNS.check()...)
	if (c.TLSCert == "") != (c.TLSKey == "") {
		refuse("--tls-cert and --tls-key go together: give both or neither")
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		refuse("--public-url %s: want http://HOST or https://HOST", c.PublicURL)
	}
	if c.App.Key == "" && (c.App.ClientID != "" || c.App.Secret != "" || c.App.OpenRegistration != nil || c.App.ErrorProfile != "") {
		refuse("--client-id, --client-secret, --open-registration and --error-profile speak of the app that --app names: give --app ORG#APP too")
	}
	if _, _, err := c.level(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// database returns the database's address.
func (s Storage) database() string {
	return or(s.Database, "sqlite:"+filepath.Join(or(s.Data, "data"), "teahouse.db"))
}

// files returns the folder of files' bytes, which is beside the embedded database unless that was put elsewhere.
func (s Storage) files() string { return filepath.Join(or(s.Data, "data"), "files") }

// file returns the path of an embedded database.
func (s Storage) file() (path string, ok bool) { return strings.CutPrefix(s.database(), "sqlite:") }

// prepare makes the folder of an embedded database.
func (s Storage) prepare() error {
	if file, ok := s.file(); ok {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return fmt.Errorf("make the data folder (choose another with --data): %w", err)
		}
	}
	return nil
}

// level returns the level and the format, where "" is to be chosen by the kind of output.
func (l Logging) level() (level slog.Level, format string, err error) {
	if l.LogLevel != "" && level.UnmarshalText([]byte(l.LogLevel)) != nil {
		return 0, "", fmt.Errorf("--log-level %s: want debug, info, warn or error", l.LogLevel)
	}
	switch l.LogFormat {
	case "", "text", "json":
		return level, l.LogFormat, nil
	}
	return 0, "", fmt.Errorf("--log-format %s: want text or json", l.LogFormat)
}
