package plus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"teahouse/internal/im"
)

// answerMax bounds what is read of one answer: fifty profiles take some fifty kilobytes.
const answerMax = 2 << 20

const (
	hopsMax = 3  // redirects followed
	atOnce  = 32 // connections to the other side
)

// What can be wrong with an answer.
var (
	errNoID      = errors.New("a user without an id")
	errNoList    = errors.New("no list of users")
	errNoURL     = errors.New("a file without an address")
	errNotAsked  = errors.New("users who were not asked for: it does not know the parameter id")
	errNotSorted = errors.New("users out of order: it does not know the parameters since and order")
	errTooLarge  = fmt.Errorf("more than %d bytes", answerMax)
	errMoved     = errors.New("redirects to another host: name that one, or the inner address, as the address of the ThinkSNS+")
	errLoops     = errors.New("redirects again and again")
	errChallenge = errors.New("a proxy before it asks for a password")
)

// parseBase reads the address of a ThinkSNS+.
func parseBase(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the address of the ThinkSNS+, %q: want http://HOST or https://HOST", address)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the address of the ThinkSNS+: want it without user, query and fragment")
	}
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/api/v2")
	return u, nil
}

func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    3 * time.Second,
			IdleConnTimeout:        90 * time.Second,
			MaxConnsPerHost:        atOnce,
			MaxIdleConnsPerHost:    atOnce,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(next *http.Request, before []*http.Request) error {
			first := before[0].URL
			upgrade := first.Scheme == "http" && next.URL.Scheme == "https" && next.URL.Hostname() == first.Hostname()
			switch {
			case !upgrade && (next.URL.Host != first.Host || next.URL.Scheme != first.Scheme):
				return errMoved // the bearer goes nowhere else
			case len(before) > hopsMax:
				return errLoops
			}
			return nil
		},
	}
}

// get calls GET {base}/api/v2/{path} and decodes an answer of status 200. The call goes on when the caller is gone,
// because others may wait for its answer too. Errors: ErrUnavailable.
func (d *Directory) get(ctx context.Context, path string, query url.Values, bearer string, answer any) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.timeout)
	defer cancel()
	address := d.base.JoinPath("api", "v2", path)
	address.RawQuery = query.Encode()
	status, err = d.do(ctx, address.String(), bearer, answer)
	d.tell(err)
	if err != nil {
		return status, garbage(path, err)
	}
	return status, nil
}

func (d *Directory) do(ctx context.Context, address, bearer string, answer any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", "application/json") // else it redirects to a page for people
	req.Header.Set("User-Agent", "teahouse")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := d.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, answerMax+1))
	switch {
	case err != nil:
		return 0, err
	case len(body) > answerMax:
		return 0, errTooLarge
	case res.StatusCode == http.StatusUnauthorized && challenged(res.Header):
		return 0, errChallenge
	case res.StatusCode >= 500:
		return 0, fmt.Errorf("status %d", res.StatusCode)
	case res.StatusCode == http.StatusOK:
		return http.StatusOK, json.Unmarshal(body, answer)
	}
	return res.StatusCode, nil
}

// challenged reports whether a 401 speaks of the password of a web server rather than of the bearer.
func challenged(h http.Header) bool {
	scheme, _, _ := strings.Cut(h.Get("WWW-Authenticate"), " ")
	return strings.EqualFold(scheme, "Basic") || strings.EqualFold(scheme, "Digest")
}

// tell logs when the other side falls silent and when it speaks again.
func (d *Directory) tell(err error) {
	switch {
	case err != nil && !d.silent.Swap(true):
		d.log.Warn("the ThinkSNS+ does not answer as it should; its users stay logged in, profiles are shown from memory", "error", err)
	case err == nil && d.silent.Swap(false):
		d.log.Info("the ThinkSNS+ answers again")
	}
}

// garbage is the error of an answer that is none.
func garbage(path string, err error) error {
	return im.ErrUnavailable.Because(fmt.Errorf("ThinkSNS+, GET /api/v2/%s: %w", path, err))
}

func unexpected(path string, status int) error {
	return garbage(path, fmt.Errorf("status %d", status))
}
