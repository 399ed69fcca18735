package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks whose word about the client is taken.
type proxies []netip.Prefix

func (p proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// settle writes into r what every surface may rely on: r.URL.Scheme is the scheme the client used, r.RemoteAddr
// the client's address. What a peer outside the trusted networks claims is not believed.
func (p proxies) settle(r *http.Request) {
	r.URL.Scheme = "http"
	if r.TLS != nil {
		r.URL.Scheme = "https"
	}
	if len(p) == 0 {
		return
	}
	peer, err := parseAddr(r.RemoteAddr)
	if err != nil || !p.trust(peer) {
		return
	}
	// Proxies append, so the last word is that of our own proxy.
	switch proto := lastWord(r.Header.Values("X-Forwarded-Proto")); strings.ToLower(proto) {
	case "https", "wss":
		r.URL.Scheme = "https"
	case "http", "ws":
		r.URL.Scheme = "http"
	}
	client := peer
	for chain := strings.Join(r.Header.Values("X-Forwarded-For"), ","); chain != "" && p.trust(client); {
		cut := strings.LastIndexByte(chain, ',')
		hop, err := parseAddr(strings.TrimSpace(chain[cut+1:]))
		if err != nil {
			break
		}
		client, chain = hop, chain[:max(cut, 0)]
	}
	if client != peer {
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	}
}

func lastWord(values []string) string {
	if len(values) == 0 {
		return ""
	}
	v := values[len(values)-1]
	return strings.TrimSpace(v[strings.LastIndexByte(v, ',')+1:])
}

// parseAddr reads an address with or without a port.
func parseAddr(s string) (netip.Addr, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), nil
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err
}
