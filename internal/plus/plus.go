// Package plus asks a ThinkSNS+ that runs beside us, over HTTP: im.Directory. It keeps what it hears for a short while,
// asks once where many want to know the same, and never takes a failure of the other side for an answer.
package plus

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"teahouse/internal/im"
)

// Config tells where the ThinkSNS+ is.
type Config struct {
	URL     string        // its address, without /api/v2
	Clock   im.Clock      // of what is remembered; not of the network
	Log     *slog.Logger  // hears when the other side stops answering and when it answers again
	Faults  *im.Faults    // nil: some of its own
	Timeout time.Duration // of one call; default 5 s
}

// How long answers are remembered.
const (
	tokenAge    = 30 * time.Second // a token that is good: how long one that was revoked still works
	refusedAge  = 5 * time.Second  // a token that is not
	profileAge  = 5 * time.Minute
	unknownAge  = 5 * time.Second  // nobody has this id: the person may just be signing up
	failureAge  = time.Second      // no answer came
	heldAge     = 10 * time.Minute // a good token that could not be asked about again stays good until the answer is this old
	staleAge    = 24 * time.Hour   // a profile that could not be renewed is shown until it is this old
	staleRepeat = 5 * time.Second  // and renewing either is tried this often
)

// Sizes.
const (
	tokensKept   = 20_000
	profilesKept = 50_000
	tokenMax     = 8 << 10 // bytes of a bearer
	perCall      = 50      // users that one call may ask for
	abreast      = 4       // calls of one Profiles at a time
)

// Directory is an im.Directory.
type Directory struct {
	base    *url.URL
	client  *http.Client
	clock   im.Clock
	log     *slog.Logger
	faults  *im.Faults
	timeout time.Duration
	silent  atomic.Bool // the last call had no answer

	tokens   *memory[[sha256.Size]byte, im.Profile]
	profiles *memory[int64, *im.Profile] // nil: nobody has the id
}

// New returns a Directory; it does not call yet.
func New(cfg Config) (*Directory, error) {
	base, err := parseBase(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	cfg.Faults = cmp.Or(cfg.Faults, im.NewFaults(cfg.Log))
	return &Directory{
		base: base, client: newClient(), clock: cfg.Clock, log: cfg.Log, faults: cfg.Faults, timeout: cfg.Timeout,
		tokens:   newMemory[[sha256.Size]byte, im.Profile](tokensKept),
		profiles: newMemory[int64, *im.Profile](profilesKept),
	}, nil
}

// Close ends idle connections.
func (d *Directory) Close() { d.client.CloseIdleConnections() }

// Introspect implements im.Directory.
func (d *Directory) Introspect(ctx context.Context, token string) (im.Profile, error) {
	if !plausible(token) {
		return im.Profile{}, im.ErrTokenBad
	}
	hash := sha256.Sum256([]byte(token)) // the token itself is not kept
	e, mine := d.tokens.claim(d.clock.Now(), hash)
	if mine {
		p, err := d.ask(ctx, token)
		d.tokens.settle(e, d.heardOfToken(e, p, err))
	}
	if err := e.wait(ctx); err != nil {
		return im.Profile{}, err
	}
	return e.value, e.err
}

func (d *Directory) heardOfToken(e *entry[im.Profile], p im.Profile, err error) outcome[im.Profile] {
	now := d.clock.Now()
	switch {
	case errors.Is(err, im.ErrTokenBad):
		return outcome[im.Profile]{err: err, until: now.Add(refusedAge)}
	case err != nil:
		return unanswered(e, err, now, heldAge)
	}
	return outcome[im.Profile]{value: p, since: now, until: now.Add(tokenAge)}
}

// unanswered is the outcome of a question that had no answer: the last answer, unless that is older than age.
func unanswered[V any](e *entry[V], err error, now time.Time, age time.Duration) outcome[V] {
	if last := e.former; last != nil && now.Sub(last.since) < age {
		return outcome[V]{value: last.value, since: last.since, until: now.Add(staleRepeat)}
	}
	return outcome[V]{err: err, until: now.Add(failureAge)}
}

// plausible refuses what no ThinkSNS+ can have given out, so that it need not be asked.
func plausible(token string) bool {
	return token != "" && len(token) <= tokenMax && !strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' })
}

// ask calls with the bearer of a user.
func (d *Directory) ask(ctx context.Context, token string) (im.Profile, error) {
	var u user
	switch status, err := d.get(ctx, "user", nil, token, &u); {
	case err != nil:
		return im.Profile{}, err
	case status == http.StatusUnauthorized:
		return im.Profile{}, im.ErrTokenBad
	case status != http.StatusOK:
		return im.Profile{}, unexpected("user", status)
	}
	p, ok := u.profile(d.base)
	switch {
	case !ok:
		return im.Profile{}, garbage("user", errNoID)
	case u.Deleted.set:
		return im.Profile{}, im.ErrTokenBad
	}
	return p, nil
}

// Profiles implements im.Directory.
func (d *Directory) Profiles(ctx context.Context, ids []int64) ([]im.Profile, error) {
	entries := make([]*entry[*im.Profile], 0, len(ids))
	seen := make(map[int64]bool, len(ids))
	mine := asked{}
	now := d.clock.Now()
	for _, id := range ids {
		if id <= 0 || seen[id] {
			continue
		}
		seen[id] = true
		e, claimed := d.profiles.claim(now, id)
		entries = append(entries, e)
		if claimed {
			mine = append(mine, question{id, e})
		}
	}
	d.renew(ctx, mine)
	var found []im.Profile
	var failure error
	for _, e := range entries {
		if err := e.wait(ctx); err != nil {
			return found, err
		}
		switch {
		case e.err != nil:
			failure = e.err
		case e.value != nil:
			found = append(found, *e.value)
		}
	}
	return found, failure
}

// question is an id to ask for and the entry to fill.
type question struct {
	id    int64
	entry *entry[*im.Profile]
}

type asked []question

// renew asks for profiles, some calls at a time, and settles every entry. After a failure the rest is not asked for.
func (d *Directory) renew(ctx context.Context, all asked) {
	var failed atomic.Pointer[error]
	work := make(chan asked, len(all)/perCall+1)
	for len(all) > 0 {
		n := min(perCall, len(all))
		work <- all[:n]
		all = all[n:]
	}
	close(work)
	worker := func() {
		for part := range work {
			var found map[int64]*im.Profile
			err := d.faults.Try("profiles", "", func() (err error) {
				if before := failed.Load(); before != nil {
					return *before
				}
				found, err = d.byID(ctx, part)
				return err
			})
			if err != nil {
				failed.Store(&err)
			}
			d.heardOfUsers(part, found, err)
		}
	}
	var others sync.WaitGroup
	for range min(abreast, len(work)) - 1 {
		others.Go(worker)
	}
	worker()
	others.Wait()
}

func (d *Directory) heardOfUsers(part asked, found map[int64]*im.Profile, err error) {
	now := d.clock.Now()
	for _, q := range part {
		o := outcome[*im.Profile]{value: found[q.id], since: now, until: now.Add(profileAge)}
		switch {
		case err != nil:
			o = unanswered(q.entry, err, now, staleAge)
		case o.value == nil:
			o.until = now.Add(unknownAge)
		}
		d.profiles.settle(q.entry, o)
	}
}

// byID is one call for up to perCall users.
func (d *Directory) byID(ctx context.Context, part asked) (map[int64]*im.Profile, error) {
	ids := make([]string, len(part))
	wanted := make(map[int64]bool, len(part))
	for i, q := range part {
		ids[i], wanted[q.id] = strconv.FormatInt(q.id, 10), true
	}
	users, err := d.users(ctx, url.Values{"id": {strings.Join(ids, ",")}, "limit": {strconv.Itoa(perCall)}})
	if err != nil {
		return nil, err
	}
	found := make(map[int64]*im.Profile, len(users))
	for _, u := range users {
		p, ok := u.profile(d.base)
		if !ok || !wanted[p.ID] {
			return nil, garbage("users", errNotAsked) // who is missing in such an answer may exist
		}
		if !u.Deleted.set {
			found[p.ID] = &p
		}
	}
	return found, nil
}

func (d *Directory) users(ctx context.Context, query url.Values) (users []user, err error) {
	status, err := d.get(ctx, "users", query, "", &users)
	switch {
	case err == nil && status != http.StatusOK:
		err = unexpected("users", status)
	case err == nil && users == nil:
		err = garbage("users", errNoList)
	}
	return users, err
}

// ProfilesAfter implements im.Directory. What it reads is not remembered: it is everybody.
func (d *Directory) ProfilesAfter(ctx context.Context, after int64, limit int) (page []im.Profile, next int64, err error) {
	for len(page) < limit {
		query := url.Values{"order": {"asc"}, "limit": {strconv.Itoa(min(perCall, limit-len(page)))}}
		if after > 0 {
			query.Set("since", strconv.FormatInt(after, 10))
		}
		users, err := d.users(ctx, query)
		if err != nil {
			return page, after, err
		}
		if len(users) == 0 { // a page that is not full proves nothing: the other side may give fewer at a time
			return page, 0, nil
		}
		for _, u := range users {
			p, ok := u.profile(d.base)
			if !ok || p.ID <= after {
				return page, after, garbage("users", errNotSorted)
			}
			after = p.ID
			if !u.Deleted.set {
				page = append(page, p)
			}
		}
	}
	return page, after, nil
}

// File implements im.Directory.
func (d *Directory) File(ctx context.Context, id int64) (string, error) {
	path := "files/" + strconv.FormatInt(id, 10)
	var f struct{ URL text }
	switch status, err := d.get(ctx, path, url.Values{"json": {"1"}}, "", &f); {
	case err != nil:
		return "", err
	case status == http.StatusNotFound:
		return "", im.ErrFileNotFound
	case status != http.StatusOK:
		return "", unexpected(path, status)
	}
	address := absolute(d.base, f.URL.v)
	if address == "" {
		return "", garbage(path, errNoURL)
	}
	return address, nil
}
