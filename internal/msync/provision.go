package msync

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// provision signs a client in (wire/msync.md §2): its connection becomes a session.
func (c *conn) provision(m *pb.MSync) error {
	var p pb.Provision
	if err := proto.Unmarshal(m.GetPayload(), &p); err != nil {
		return errForm
	}
	caller, token, err := c.srv.signIn(c.ctx, m, &p)
	if err != nil {
		return c.refuse(m.GetGuid(), err)
	}
	device := p.GetResource()
	if device == "" {
		device = newResource()
	}
	caller.Device, c.since = device, im.MessageIDAt(c.srv.service.Now())
	c.caller, c.self, c.token, c.device, c.each = caller, caller, token, device, !readsLists(p.GetActionVersion())
	c.srv.acker.settle(c.ctx, caller.App.ID, caller.User, device)
	about := im.Connection{Resource: device, UUID: shorten(p.GetDeviceUuid()), Name: shorten(p.GetDeviceName()), Says: shorten(p.GetReason())}
	session, err := c.srv.hub.Open(c.ctx, caller, about, caller.App.Settings.MaxDevices, c)
	if err != nil {
		return c.refuse(m.GetGuid(), err)
	}
	c.session = session // from here on, what the list below does not have is heard of
	unread, err := c.srv.service.OpenDevice(c.ctx, caller, device)
	if err != nil {
		return c.refuse(m.GetGuid(), err)
	}
	c.line.SignedIn()
	answer := &pb.Provision{Status: okStatus(), Resource: proto.String(device)}
	if !caller.Expires.IsZero() {
		answer.AuthToken = proto.String(`{"expires_in":` + strconv.FormatInt(caller.Expires.UnixMilli(), 10) + `}`)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line.Push(c.form.frame(marshal(pb.MSync_PROVISION, answer)))
	for _, u := range unread {
		c.feedLocked(u.With).pulling = true
	}
	c.live.Store(true)
	c.fetchLocked()
	return nil
}

// readsLists reports whether a client reads the names of many who came or went (wire/msync.md §7.2).
func readsLists(actions string) bool {
	var major, minor int
	n, _ := fmt.Sscanf(actions, "v%d.%d", &major, &minor)
	return n == 2 && (major > 5 || major == 5 && minor >= 1)
}

// shorten bounds what a client says to others when it signs in. What is no text is nothing.
func shorten(text string) string {
	const most = 1024
	if len(text) > most || !utf8.ValidString(text) {
		return ""
	}
	return text
}

// refuse tells a client, and the log, why it is not signed in as who it says it is.
func (c *conn) refuse(who *pb.JID, err error) error {
	if c.ctx.Err() != nil {
		return err
	}
	code, reason := statusFor(err, opProvision)
	level := slog.LevelDebug
	if code == pb.Status_FAIL && im.AsError(err).Kind == im.Internal {
		level = slog.LevelError
	}
	c.srv.log.Log(c.ctx, level, "not signed in", "app", shorten(who.GetAppKey()), "user", shorten(who.GetName()), "err", err)
	c.line.Push(c.form.frame(marshal(pb.MSync_PROVISION, &pb.Provision{Status: &pb.Status{ErrorCode: code.Enum(), Reason: proto.String(reason)}})))
	return errRefused
}

// newResource names a device that has no name.
func newResource() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return "webim_" + hex.EncodeToString(b[:])
}

// signIn finds out who signs in. The app and the user stand in the envelope; what proves them is a token, or a password.
func (s *Server) signIn(ctx context.Context, m *pb.MSync, p *pb.Provision) (c im.Caller, token string, err error) {
	key, err := im.ParseAppKey(m.GetGuid().GetAppKey())
	if err != nil {
		return c, "", err
	}
	app, err := s.service.App(ctx, key)
	if err != nil {
		return c, "", err
	}
	name := m.GetGuid().GetName()
	if token = tokenOf(m, p); token == "" && p.GetPassword() != "" {
		grant, err := s.service.PasswordToken(ctx, app, name, p.GetPassword(), nil)
		if err != nil {
			return c, "", err
		}
		token = grant.Text
	}
	c, err = s.service.Authenticate(ctx, app, token)
	if err == nil && (c.IsApp() || !strings.EqualFold(string(c.User), name)) {
		err = im.ErrTokenBad
	}
	if err != nil {
		return c, "", s.whyNot(ctx, app, name, err)
	}
	return c, token, nil
}

// whyNot tells who is not there, or deactivated, from those whose token is wrong: their tokens are gone.
func (s *Server) whyNot(ctx context.Context, app *im.App, name string, err error) error {
	if errors.Is(err, im.ErrTokenExpired) {
		return err
	}
	switch u, missing := s.service.User(ctx, im.AppCaller(app), name); {
	case errors.Is(missing, im.ErrUserNotFound):
		return missing
	case missing == nil && !u.Active:
		return im.ErrUserInactive.For(u.Name)
	}
	return err
}

// tokenOf finds the token, which versions of the SDK put in three places, with "$t$" before it.
func tokenOf(m *pb.MSync, p *pb.Provision) string {
	var nested struct{ Token string }
	_ = json.Unmarshal([]byte(p.GetAuthToken()), &nested)
	for _, t := range []string{m.GetAuth(), nested.Token, p.GetAuth()} {
		if t != "" {
			return strings.TrimPrefix(t, "$t$")
		}
	}
	return ""
}
