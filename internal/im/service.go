package im

import (
	"cmp"
	"context"
	"log/slog"
	"time"
)

// Config holds the ports a Service works through. All are required but Sessions, Faults and Directory.
type Config struct {
	Store     Store
	Bus       Bus
	Clock     Clock
	IDs       IDs
	Passwords Passwords
	Blob      Blob
	Pictures  Pictures
	Sessions  Sessions // nil: [NoSessions]
	Log       *slog.Logger
	Faults    *Faults // nil: some of its own

	Directory    Directory // nil: the people of the social app are accounts of our own
	JWTSecret    string    // signs the JWTs of accounts; empty: one for each app, made once
	MD5Passwords bool      // im_pwd_hash as ThinkSNS+ computes it, for accounts of our own that came from one
}

// Service is the domain at work: every rule is one of its methods. It is safe for concurrent use.
type Service struct {
	store     Store
	bus       Bus
	clock     Clock
	ids       IDs
	passwords Passwords
	blob      Blob
	pictures  Pictures
	sessions  Sessions
	log       *slog.Logger
	faults    *Faults

	directory    Directory
	jwtSecret    string
	md5Passwords bool

	apps        cache[AppKey, *App]
	appIDs      cache[AppID, *App]
	tokens      cache[TokenHash, Token]
	secrets     cache[secretKey, string]
	registering resting
	wake        chan struct{} // holds one note: the due loop should look again
}

// NewService returns a Service. Its due facts are announced while [Service.Run] runs.
func NewService(c Config) *Service {
	if c.Sessions == nil {
		c.Sessions = NoSessions{}
	}
	c.Faults = cmp.Or(c.Faults, NewFaults(c.Log))
	return &Service{
		store: c.Store, bus: c.Bus, clock: c.Clock, ids: c.IDs, passwords: c.Passwords, sessions: c.Sessions, log: c.Log, faults: c.Faults,
		blob: c.Blob, pictures: c.Pictures, directory: c.Directory, jwtSecret: c.JWTSecret, md5Passwords: c.MD5Passwords,
		wake: make(chan struct{}, 1),
	}
}

// Now tells the time of the service's clock.
func (s *Service) Now() time.Time { return s.clock.Now() }

// Ready answers nil while the store and the bus answer.
func (s *Service) Ready(ctx context.Context) error {
	if err := s.store.Ping(ctx); err != nil {
		return err
	}
	return s.bus.Ping(ctx)
}

// Caller is who asks. Surfaces build it from a token and pass it to every method.
type Caller struct {
	App     *App
	User    Username  // of a user token
	Device  string    // of the user, where it is known: what is done on it is not told it, only the user's others
	Expires time.Time // end of the token; zero: never
	kind    callerKind
}

// callerKind says what a caller came with. The zero value is nobody, so that a forgotten check grants nothing.
type callerKind uint8

const (
	withNothing callerKind = iota
	withUserToken
	withAppToken
)

// AppCaller speaks for the whole app, as an app token does.
func AppCaller(app *App) Caller { return Caller{App: app, kind: withAppToken} }

// UserCaller speaks for one user, as a user token does.
func UserCaller(app *App, u Username) Caller { return Caller{App: app, User: u, kind: withUserToken} }

// Nobody is a caller without a token.
func Nobody(app *App) Caller { return Caller{App: app} }

// Known reports whether the caller came with a token.
func (c Caller) Known() bool { return c.kind != withNothing }

// IsApp reports whether the caller holds an app token.
func (c Caller) IsApp() bool { return c.kind == withAppToken }

// mustBeApp refuses user tokens, and callers without one.
func (c Caller) mustBeApp() error {
	switch {
	case !c.Known():
		return ErrUnauthenticated
	case !c.IsApp():
		return ErrAppOnly
	}
	return nil
}

// mustBe allows app tokens and the user's own.
func (c Caller) mustBe(u Username) error {
	switch {
	case !c.Known():
		return ErrUnauthenticated
	case !c.IsApp() && c.User != u:
		return ErrNotSelf.For(u)
	}
	return nil
}

// update runs fn in one transaction and publishes what it emitted after the commit.
func (s *Service) update(ctx context.Context, app AppID, by Username, fn func(tx Tx, emit func(Event)) error) error {
	var events []Event
	now := s.clock.Now()
	err := s.store.Update(ctx, func(tx Tx) error {
		events = events[:0]
		err := fn(tx, func(e Event) {
			e.App, e.At, e.By = app, now, by
			events = append(events, e)
		})
		if err == nil {
			events, err = s.keepNotices(tx, events)
		}
		return err
	})
	if err == nil {
		s.publish(ctx, events)
	}
	return err
}

// publish announces facts that are committed. What the bus loses, clients find in the store.
func (s *Service) publish(ctx context.Context, events []Event) {
	for _, e := range events {
		if err := s.bus.Publish(context.WithoutCancel(ctx), e); err != nil {
			s.log.Error("event lost", "kind", string(e.Kind), "room", string(e.Room), "err", err)
		}
	}
}
