package main

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"teahouse/internal/server"
)

// cli declares the commands. Values left empty take the defaults of server.Config.
type cli struct {
	Config kong.ConfigFlag `help:"File of \"key = value\" lines; the keys are the names of flags. Environment and flags beat it." env:"TEAHOUSE_CONFIG" placeholder:"FILE"`

	Serve    serveCmd    `cmd:"" help:"Run the server."`
	Dev      devCmd      `cmd:"" help:"Run the emulator: demo data in a temporary folder, open registration, no request limits."`
	App      appCmd      `cmd:"" help:"Make, show, change and delete apps. Works while the server runs."`
	Account  accountCmd  `cmd:"" help:"Import, make, show and change accounts of the social app (ThinkSNS+). Works while the server runs."`
	Thinksns thinksnsCmd `cmd:"" name:"thinksns" help:"Bring the groups of a ThinkSNS+ along. Works while the server runs."`
	Token    tokenCmd    `cmd:"" help:"Print a new token of an app or a user. Works while the server runs."`
	Backup   backupCmd   `cmd:"" help:"Copy a running embedded database to a file. Uploaded files are not in it."`
	Version  versionCmd  `cmd:"" help:"Tell the version."`
	Help     helpCmd     `cmd:"" help:"Show how a command is used."`
}

func newParser(c *cli, stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("teahouse"),
		kong.Description("A self-hosted instant messaging server that speaks the APIs of Easemob and of ThinkSNS+.\n\nTo try it: teahouse dev. To run it: teahouse serve --app ORG#APP."),
		kong.Writers(stdout, stderr),
		kong.Exit(exit),
		kong.Configuration(readConfig),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: false}),
	)
}

// logFlags are the flags of logging.
type logFlags struct {
	LogLevel  string `help:"Least important messages to log: debug, info, warn or error. Default info." env:"TEAHOUSE_LOG_LEVEL" placeholder:"LEVEL" group:"Logging"`
	LogFormat string `help:"Form of the log on standard error: text or json. Default text on a terminal, else json." env:"TEAHOUSE_LOG_FORMAT" placeholder:"FORMAT" group:"Logging"`
}

func (f logFlags) config(s *surroundings) server.Logging {
	return server.Logging{LogLevel: f.LogLevel, LogFormat: f.LogFormat, Stderr: s.stderr}
}

// storageFlags lead the operator's commands to the database.
type storageFlags struct {
	Data     string `help:"Folder of the embedded database and of uploaded files. Default ./data." env:"TEAHOUSE_DATA" placeholder:"DIR"`
	Database string `help:"sqlite:PATH or postgres://… Default: SQLite inside --data." env:"TEAHOUSE_DATABASE" placeholder:"ADDRESS"`
}

// netFlags are shared by serve and dev.
type netFlags struct {
	OpsListen string `help:"Address of /metrics, /healthz, /readyz and profiles; off: none. Default 127.0.0.1:8081." env:"TEAHOUSE_OPS_LISTEN" placeholder:"ADDRESS"`
	Database  string `help:"sqlite:PATH or postgres://… Default: SQLite inside --data." env:"TEAHOUSE_DATABASE" placeholder:"ADDRESS"`
	Bus       string `help:"What carries events between nodes: local, or nats://… (not built yet). Default local." env:"TEAHOUSE_BUS" placeholder:"BUS"`
	PublicURL string `name:"public-url" help:"Scheme and host that clients see. Default: from each request." env:"TEAHOUSE_PUBLIC_URL" placeholder:"URL"`

	TLSCert      string    `name:"tls-cert" help:"Serve https with this certificate; read again when it changes." env:"TEAHOUSE_TLS_CERT" placeholder:"FILE"`
	TLSKey       string    `name:"tls-key" help:"Its key." env:"TEAHOUSE_TLS_KEY" placeholder:"FILE"`
	TrustedProxy []network `help:"Networks whose X-Forwarded-For and X-Forwarded-Proto are believed. Default none." env:"TEAHOUSE_TRUSTED_PROXY" placeholder:"NET"`

	ClientID     string `name:"client-id" help:"Client id of the app of --app. Default: generated once and printed (dev: fixed)." env:"TEAHOUSE_CLIENT_ID" placeholder:"ID" group:"App"`
	ClientSecret string `help:"Client secret of the app of --app. Default: generated once and printed (dev: fixed)." env:"TEAHOUSE_CLIENT_SECRET" placeholder:"SECRET" group:"App"`
	ErrorProfile string `help:"Error statuses of the app of --app: 450 (the documents) or v2 (today's cloud). Default: as stored, at first 450." env:"TEAHOUSE_ERROR_PROFILE" placeholder:"PROFILE" group:"App"`

	Thinksns           string `help:"The API of ThinkSNS+ on /api/v2/…: off, standalone (with accounts of its own) or sidecar (beside a ThinkSNS+). Default off (dev: standalone)." env:"TEAHOUSE_THINKSNS" placeholder:"MODE" group:"ThinkSNS+"`
	ThinksnsApp        string `help:"App that it uses. Default: that of --app." env:"TEAHOUSE_THINKSNS_APP" placeholder:"ORG#APP" group:"ThinkSNS+"`
	ThinksnsReg        string `name:"thinksns-registration" help:"Standalone: who may sign up: off or open. Default off (dev: open)." env:"TEAHOUSE_THINKSNS_REGISTRATION" placeholder:"MODE" group:"ThinkSNS+"`
	ThinksnsURL        string `name:"thinksns-url" help:"Sidecar: base URL of the ThinkSNS+." env:"TEAHOUSE_THINKSNS_URL" placeholder:"URL" group:"ThinkSNS+"`
	ThinksnsJWTSecret  string `name:"thinksns-jwt-secret" help:"Key of tokens; PHP's JWT_SECRET to accept its tokens. Standalone: made once and kept in the database by default. Sidecar: lets people in while the ThinkSNS+ does not answer." env:"TEAHOUSE_THINKSNS_JWT_SECRET" placeholder:"KEY" group:"ThinkSNS+"`
	ThinksnsIMPassword string `name:"thinksns-im-password" help:"Standalone: how im_pwd_hash is made: hmac, or md5-hash as ThinkSNS+ does. Default hmac." env:"TEAHOUSE_THINKSNS_IM_PASSWORD" placeholder:"HOW" group:"ThinkSNS+"`

	logFlags
}

func (f netFlags) config(s *surroundings) server.Config {
	proxies := make([]netip.Prefix, len(f.TrustedProxy))
	for i, n := range f.TrustedProxy {
		proxies[i] = n.Prefix
	}
	return server.Config{
		Storage: server.Storage{Database: f.Database}, Logging: f.logFlags.config(s),
		OpsListen: f.OpsListen, Bus: f.Bus, PublicURL: f.PublicURL,
		TLSCert: f.TLSCert, TLSKey: f.TLSKey, TrustedProxies: proxies,
		App:      server.AppConfig{ClientID: f.ClientID, Secret: f.ClientSecret, ErrorProfile: f.ErrorProfile},
		ThinkSNS: server.ThinkSNSConfig{Mode: f.Thinksns, App: f.ThinksnsApp, Registration: f.ThinksnsReg, URL: f.ThinksnsURL, JWTSecret: f.ThinksnsJWTSecret, IMPassword: f.ThinksnsIMPassword},
		Stdout:   s.stdout,
	}
}

// network is a prefix or a single address.
type network struct{ netip.Prefix }

// UnmarshalText reads "10.0.0.0/8" and "10.0.0.1".
func (n *network) UnmarshalText(text []byte) error {
	if a, err := netip.ParseAddr(string(text)); err == nil {
		n.Prefix = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	if n.Prefix.UnmarshalText(text) != nil {
		return fmt.Errorf("%q is not a network such as 10.0.0.0/8, nor an address", text)
	}
	return nil
}

type serveCmd struct {
	Listen           string `help:"Address of the APIs and their description. Default :8080." env:"TEAHOUSE_LISTEN" placeholder:"ADDRESS"`
	Data             string `help:"Folder of the embedded database and of uploaded files. Default ./data." env:"TEAHOUSE_DATA" placeholder:"DIR"`
	RateLimits       string `help:"Request limits of each app: documented, off, or a file of \"class = n/s\" lines. Default documented." env:"TEAHOUSE_RATE_LIMITS" placeholder:"LIMITS"`
	App              string `help:"App to make sure of at start. Default none." env:"TEAHOUSE_APP" placeholder:"ORG#APP" group:"App"`
	OpenRegistration *bool  `help:"The app of --app accepts POST /users without a token. Default: as stored, at first false." env:"TEAHOUSE_OPEN_REGISTRATION" negatable:"" group:"App"`
	netFlags
}

// Run implements the command.
func (c serveCmd) Run(s *surroundings) error {
	cfg := c.config(s)
	cfg.Listen, cfg.Data, cfg.RateLimits, cfg.App.Key, cfg.App.OpenRegistration = c.Listen, c.Data, c.RateLimits, c.App, c.OpenRegistration
	return server.Run(s.ctx, cfg)
}

type devCmd struct {
	Listen           string `help:"Address of the APIs and their description. Default 127.0.0.1:8080." env:"TEAHOUSE_LISTEN" placeholder:"ADDRESS"`
	Data             string `help:"Folder of the embedded database and of uploaded files, kept at exit. Default: a temporary folder, removed at exit." env:"TEAHOUSE_DATA" placeholder:"DIR"`
	RateLimits       string `help:"Request limits of each app: documented, off, or a file of \"class = n/s\" lines. Default off." env:"TEAHOUSE_RATE_LIMITS" placeholder:"LIMITS"`
	App              string `help:"App that gets the demo data. Default easemob-demo#chatdemoui." env:"TEAHOUSE_APP" placeholder:"ORG#APP" group:"App"`
	OpenRegistration *bool  `help:"The app accepts POST /users without a token. Default true." env:"TEAHOUSE_OPEN_REGISTRATION" negatable:"" group:"App"`
	netFlags
}

// Run implements the command.
func (c devCmd) Run(s *surroundings) error {
	cfg := c.config(s)
	cfg.Dev = true
	cfg.Listen, cfg.Data, cfg.RateLimits, cfg.App.Key, cfg.App.OpenRegistration = c.Listen, c.Data, c.RateLimits, c.App, c.OpenRegistration
	return server.Run(s.ctx, cfg)
}

// toolFlags are shared by the operator's commands.
type toolFlags struct {
	storageFlags
	logFlags
}

func (f toolFlags) tool(s *surroundings) server.Tool {
	return server.Tool{
		Storage: server.Storage{Data: f.Data, Database: f.Database},
		Logging: f.logFlags.config(s), Out: s.stdout,
	}
}

type appCmd struct {
	Create appCreateCmd `cmd:"" help:"Make an app and print its client id and secret."`
	List   appListCmd   `cmd:"" help:"List the apps."`
	Show   appShowCmd   `cmd:"" help:"Show an app with its settings."`
	Set    appSetCmd    `cmd:"" help:"Change settings of an app; running servers apply them within a second."`
	Delete appDeleteCmd `cmd:"" help:"Delete an app with all that belongs to it."`
}

type appCreateCmd struct {
	Key          string `arg:"" name:"org#app" help:"The new app's key."`
	ClientID     string `name:"client-id" help:"Its client id. Default: generated." placeholder:"ID"`
	ClientSecret string `help:"Its client secret. Default: generated." placeholder:"SECRET"`
	JSON         bool   `help:"Print JSON."`
	toolFlags
}

// Run implements the command.
func (c appCreateCmd) Run(s *surroundings) error {
	t := c.tool(s)
	t.JSON = c.JSON
	return t.CreateApp(s.ctx, c.Key, c.ClientID, c.ClientSecret)
}

type appListCmd struct {
	JSON bool `help:"Print JSON."`
	toolFlags
}

// Run implements the command.
func (c appListCmd) Run(s *surroundings) error {
	t := c.tool(s)
	t.JSON = c.JSON
	return t.ListApps(s.ctx)
}

type appShowCmd struct {
	Key  string `arg:"" name:"org#app" help:"The app's key."`
	JSON bool   `help:"Print JSON."`
	toolFlags
}

// Run implements the command.
func (c appShowCmd) Run(s *surroundings) error {
	t := c.tool(s)
	t.JSON = c.JSON
	return t.ShowApp(s.ctx, c.Key)
}

type appSetCmd struct {
	Key     string   `arg:"" name:"org#app" help:"The app's key."`
	Changes []string `arg:"" name:"key=value" help:"Settings to change; an unknown key lists those there are."`
	toolFlags
}

// Run implements the command.
func (c appSetCmd) Run(s *surroundings) error { return c.tool(s).SetApp(s.ctx, c.Key, c.Changes) }

type appDeleteCmd struct {
	Key string `arg:"" name:"org#app" help:"The app's key."`
	Yes bool   `help:"Really delete it; there is no way back."`
	toolFlags
}

// Run implements the command.
func (c appDeleteCmd) Run(s *surroundings) error {
	if !c.Yes {
		return fmt.Errorf("this deletes %s with all its users, rooms, messages and files for good; add --yes to do it", c.Key)
	}
	return c.tool(s).DeleteApp(s.ctx, c.Key)
}

type tokenCmd struct {
	Key  string         `arg:"" name:"org#app" help:"The app's key."`
	User string         `help:"A token of this user instead of the app." placeholder:"NAME"`
	TTL  *time.Duration `name:"ttl" help:"Its life, such as 24h; 0: for good. Default: the app's setting token_ttl." placeholder:"DURATION"`
	toolFlags
}

// Run implements the command.
func (c tokenCmd) Run(s *surroundings) error {
	return c.tool(s).IssueToken(s.ctx, c.Key, c.User, c.TTL)
}

type backupCmd struct {
	File string `arg:"" help:"New file that gets the copy."`
	toolFlags
}

// Run implements the command.
func (c backupCmd) Run(s *surroundings) error { return c.tool(s).Backup(s.ctx, c.File) }

type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(s *surroundings) error {
	_, err := fmt.Fprintln(s.stdout, server.ThisBuild())
	return err
}

type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command."`
}

// Run implements the command.
func (c helpCmd) Run(s *surroundings) error {
	_, err := s.parser.Parse(append(slices.Clone(c.Command), "--help"))
	return err
}

// configFile is a file of settings as a kong.Resolver. It yields to a set environment variable, which kong by itself
// would let it override.
type configFile struct {
	name  string
	pairs []server.KeyValue
}

func readConfig(r io.Reader) (kong.Resolver, error) {
	name := r.(*os.File).Name() // kong opened it
	pairs, err := server.ReadKeyValues(name)
	return configFile{name, pairs}, err
}

// Validate refuses keys that no command has a flag for.
func (f configFile) Validate(app *kong.Application) error {
	known := settings(app)
	var unknown []string
	for _, p := range f.pairs {
		if known[p.Key] == nil {
			unknown = append(unknown, fmt.Sprintf("%s (line %d)", p.Key, p.Line))
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("%s: unknown key %s; the keys are the names of the flags of \"teahouse serve\", without dashes in front", f.name, strings.Join(unknown, ", "))
	}
	return nil
}

// settings returns the flags that may stand in the file, with their environment variables. Others, such as --yes, are said
// each time.
func settings(app *kong.Application) map[string][]string {
	known := map[string][]string{}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, flag := range n.Flags {
			if len(flag.Envs) > 0 && flag.Name != "config" {
				known[flag.Name] = flag.Envs
			}
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(app.Node)
	return known
}

// checkEnvironment refuses variables of ours that no command has a flag for.
func checkEnvironment(app *kong.Application, environ []string) error {
	known := map[string]bool{"TEAHOUSE_CONFIG": true}
	for _, envs := range settings(app) {
		for _, env := range envs {
			known[env] = true
		}
	}
	var unknown []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "TEAHOUSE_") && !strings.HasPrefix(name, "TEAHOUSE_TEST_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("environment: unknown variable %s; \"teahouse serve --help\" names those there are", strings.Join(unknown, ", "))
	}
	return nil
}

// Resolve implements kong.Resolver.
func (f configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if len(flag.Envs) == 0 { // another flag of the same name, such as that of app create
		return nil, nil
	}
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	for _, p := range f.pairs {
		if p.Key == flag.Name {
			return p.Value, nil
		}
	}
	return nil, nil
}
