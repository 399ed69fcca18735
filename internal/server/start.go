package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"strings"

	"teahouse/internal/im"
)

// startText is what an operator reads at start. It goes to standard output.
type startText struct {
	apps   []im.App
	app    *im.App // the one --app names
	secret string  // its client secret, when it is known: given for Dev, or just generated
	token  string  // an app token, for Dev
}

// prepareApp makes sure of the app that the configuration names.
func (s *server) prepareApp(ctx context.Context) (t startText, err error) {
	if s.cfg.App.Key != "" {
		if t, err = s.ensureApp(ctx); err != nil {
			return t, fmt.Errorf("--app %s: %w", s.cfg.App.Key, err)
		}
	}
	t.apps, err = s.service.Apps(ctx)
	return t, err
}

func (s *server) ensureApp(ctx context.Context) (t startText, err error) {
	key, err := parseAppKey(s.cfg.App.Key)
	if err != nil {
		return t, err
	}
	n := im.NewApp{Key: key, ClientID: s.cfg.App.ClientID, Secret: s.cfg.App.Secret, Settings: map[string]string{}}
	n.FreshID, n.FreshSecret = newCredentials()
	if open := s.cfg.App.OpenRegistration; open != nil {
		n.Settings["open_registration"] = fmt.Sprint(*open)
	}
	if p := s.cfg.App.ErrorProfile; p != "" {
		n.Settings["error_profile"] = p
	}
	app, err := s.service.EnsureApp(ctx, n)
	if err != nil {
		return t, plain(err)
	}
	t.app = &app
	if app.SecretMatches(n.FreshSecret) { // this start made it
		t.secret = n.FreshSecret
	}
	if !s.cfg.Dev {
		return t, nil
	}
	t.secret = s.cfg.App.Secret // it is no secret
	if err := s.demo(ctx, &app); err != nil {
		return t, fmt.Errorf("demo data: %w", err)
	}
	grant, err := s.service.IssueAppToken(ctx, &app, nil)
	t.token = grant.Text
	return t, err
}

// newCredentials returns a client id and a secret in the form of the cloud's.
func newCredentials() (id, secret string) {
	random := func(bytes int) string {
		b := make([]byte, bytes)
		_, _ = rand.Read(b) // never fails
		return "YXA6" + base64.RawURLEncoding.EncodeToString(b)
	}
	return random(15), random(24)
}

// print writes the text, then "ready".
func (t startText) print(s *server) {
	var b strings.Builder
	line := func(key, value string) { fmt.Fprintf(&b, "%-14s %s\n", key, value) }
	base := s.baseURL()
	b.WriteString(ThisBuild().String() + "\n")
	line("listening on", base)
	line("documentation", base+"/docs/")
	if s.ops != nil {
		line("operations", "http://"+reachable(s.ops.Addr())+"/metrics")
	}
	line("data", s.dataText())
	switch {
	case t.app != nil:
		t.printApp(line, base)
		if s.cfg.ThinkSNS.Mode != modeOff {
			line("ThinkSNS+", base+"/api/v2/ ("+s.cfg.ThinkSNS.Mode+")")
		}
	case len(t.apps) == 0:
		fmt.Fprintf(&b, "\nThere is no app yet. In another terminal, make one (this server finds it at once):\n\n  teahouse app create %sORG#APP\n\n", s.storageFlags())
	default:
		for _, a := range t.apps[:min(len(t.apps), 10)] {
			line("app key", a.Key.String())
		}
	}
	if t.token != "" {
		t.printTries(&b, base)
		s.printSocial(&b, base)
	}
	b.WriteString("ready\n")
	_, _ = s.cfg.Stdout.Write([]byte(b.String())) // nobody to tell when it fails
}

func (t startText) printApp(line func(key, value string), base string) {
	line("app key", t.app.Key.String())
	line("client id", t.app.ClientID)
	if t.secret != "" {
		line("client secret", t.secret)
	}
	if t.token != "" {
		line("app token", t.token)
	}
	line("REST", base+"/"+t.app.Key.Org+"/"+t.app.Key.Name+"/")
	socket := socketURL(base)
	line("WebSocket", socket)
	line("Web SDK", fmt.Sprintf("{appKey: '%s', isHttpDNS: false, url: '%s', apiUrl: '%s'}", t.app.Key, socket, base))
}

// socketURL is where SDKs connect (wire/msync.md §1), at a server that is at base.
func socketURL(base string) string {
	scheme, host, _ := strings.Cut(base, "://")
	if strings.EqualFold(scheme, "https") {
		return "wss://" + host + "/websocket"
	}
	return "ws://" + host + "/websocket"
}

func (t startText) printTries(b *strings.Builder, base string) {
	url := base + "/" + t.app.Key.Org + "/" + t.app.Key.Name
	fmt.Fprintf(b, `
Try it:

  curl -H 'Authorization: Bearer %[2]s' '%[1]s/chatrooms?pagenum=2&pagesize=3'

  curl -X POST '%[1]s/chatrooms' -H 'Authorization: Bearer %[2]s' -d '{"name":"testchatroom","description":"server create chatroom","owner":"jma1","maxusers":300,"members":["ceshia"]}'

  curl -X POST '%[1]s/messages/users' -H 'Authorization: Bearer %[2]s' -d '{"from":"jma1","to":["jma2"],"type":"txt","body":{"msg":"hello"}}'

  curl -X POST '%[1]s/token' -H 'Content-Type: application/json' -d '{"grant_type":"password","username":"jma1","password":"123456"}'

Chat in a room with the official Web SDK, in two terminals (folder examples/chatroom of the source, after "npm install"; or open its index.html):

  node chat.js jma1 --server '%[3]s' --app '%[4]s'

  node chat.js jma2 --server '%[3]s' --app '%[4]s'

`, url, t.token, base, t.app.Key)
}

// baseURL is where clients on this machine, or beyond --public-url, find the main listener.
func (s *server) baseURL() string {
	if s.cfg.PublicURL != "" {
		return strings.TrimSuffix(s.cfg.PublicURL, "/")
	}
	scheme := "http"
	if s.tls != nil {
		scheme = "https"
	}
	return scheme + "://" + reachable(s.main.Addr())
}

// reachable names a listener in a form that a browser on this machine can use.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return a.String()
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// dataText names the database without a password.
func (s *server) dataText() string {
	file, ok := s.cfg.file()
	switch {
	case !ok:
		return "PostgreSQL"
	case s.cfg.temporary:
		return file + " (removed at exit)"
	}
	return file
}

// storageFlags repeats the flags that lead other commands to the same database.
func (s *server) storageFlags() (flags string) {
	if s.cfg.Data != "" {
		flags += "--data '" + s.cfg.Data + "' "
	}
	switch {
	case strings.HasPrefix(s.cfg.Database, "sqlite:"):
		flags += "--database '" + s.cfg.Database + "' "
	case s.cfg.Database != "":
		flags += "--database … " // it may hold a password
	}
	return flags
}
