package hub

import (
	"errors"
	"net/netip"
	"sync"
)

// How many connections may be open that have not signed in. In the time that each has for it, a server of two cores signs in some
// thirty thousand, and five thousand that lost their connection together are in after three seconds: whom these bounds turn away
// would have waited longer than coming back takes. An office or a mobile network behind one address stays below its half.
const (
	mostGuests  = 20_000
	mostFromOne = mostGuests / 2
)

// Errors of Admit.
var (
	ErrAddressFull = errors.New("too many connections of this address have not signed in")
	ErrFull        = errors.New("too many connections have not signed in")
)

// guests are the connections that have not signed in.
type guests struct {
	mu      sync.Mutex
	all     int                  // guarded by mu, like the rest
	from    map[netip.Prefix]int // by address
	refused map[error]uint64     // by why
}

// Guest is one of them. nil is nobody.
type Guest struct {
	guests *guests
	from   netip.Prefix
	gone   bool // guarded by guests.mu
}

// Admit lets a connection come from an address, with or without a port, or says that too many are there that have not signed in. The guest
// is one of these until Leave, or until its line has signed in or is closed. Errors: ErrAddressFull, ErrFull.
func (h *Hub) Admit(address string) (*Guest, error) {
	from := origin(address)
	g := &h.guests
	g.mu.Lock()
	defer g.mu.Unlock()
	var err error
	switch {
	case g.all >= h.cfg.Guests:
		err = ErrFull
	case g.from[from] >= h.cfg.FromOne:
		err = ErrAddressFull
	default:
		g.all++
		g.from[from]++
		return &Guest{guests: g, from: from}, nil
	}
	g.refused[err]++
	return nil, err
}

// Leave makes room for another. It may be called several times.
func (g *Guest) Leave() {
	if g == nil {
		return
	}
	g.guests.mu.Lock()
	defer g.guests.mu.Unlock()
	if g.gone {
		return
	}
	g.gone = true
	g.guests.all--
	if g.guests.from[g.from]--; g.guests.from[g.from] == 0 {
		delete(g.guests.from, g.from)
	}
}

// origin is what counts as one address: of IPv6 the network, in which one host has as many as it likes. What is no address is
// one together.
func origin(address string) netip.Prefix {
	a, err := netip.ParseAddr(address)
	if port, also := netip.ParseAddrPort(address); also == nil {
		a, err = port.Addr(), nil
	}
	if err != nil {
		return netip.Prefix{}
	}
	bits := 64
	if a = a.Unmap().WithZone(""); a.Is4() {
		bits = 32
	}
	from, _ := a.Prefix(bits) // these are in range
	return from
}
