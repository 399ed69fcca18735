package msync

import (
	"context"
	"log/slog"
	"sync"

	"teahouse/internal/im"
)

// acker writes how far devices have read. Clients acknowledge every message; what comes while one transaction is written is written
// by the next, of each conversation only the furthest place. When the server dies in between, a client is sent again what it has, and
// drops it: it knows the last hundred.
type acker struct {
	service *im.Service
	log     *slog.Logger
	faults  *im.Faults
	wg      sync.WaitGroup

	mu      sync.Mutex
	waiting map[placeKey]im.MessageID // guarded by mu, like the rest
	writing map[placeKey]im.MessageID // nil: nobody writes
	round   chan struct{}             // closed when what is being written is written
}

type placeKey struct {
	app    im.AppID
	user   im.Username
	device string
	with   im.Address
}

// mostPlaces bounds one transaction.
const mostPlaces = 256

// note takes a place to be written soon.
func (a *acker) note(key placeKey, upTo im.MessageID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = map[placeKey]im.MessageID{}
	}
	a.waiting[key] = max(a.waiting[key], upTo)
	if a.round == nil {
		a.round = make(chan struct{})
		a.wg.Go(a.write)
	}
}

// write writes until nothing waits.
func (a *acker) write() {
	for {
		a.mu.Lock()
		close(a.round)
		if len(a.waiting) == 0 {
			a.round, a.writing = nil, nil
			a.mu.Unlock()
			return
		}
		a.round = make(chan struct{})
		if len(a.waiting) <= mostPlaces {
			a.writing, a.waiting = a.waiting, nil
		} else {
			a.writing = map[placeKey]im.MessageID{}
			for key, upTo := range a.waiting {
				if a.writing[key] = upTo; len(a.writing) == mostPlaces {
					break
				}
			}
			for key := range a.writing {
				delete(a.waiting, key)
			}
		}
		if a.waiting == nil {
			a.waiting = map[placeKey]im.MessageID{}
		}
		places := make([]im.Place, 0, len(a.writing))
		for key, upTo := range a.writing {
			places = append(places, im.Place{App: key.app, User: key.user, Device: key.device, With: key.with, UpTo: upTo})
		}
		a.mu.Unlock()
		err := im.TryAll(a.faults, "acknowledgement", func(p im.Place) string { return string(p.User) + "/" + p.Device }, places,
			func(some []im.Place) error { return a.service.AcknowledgeAll(context.Background(), some) })
		if err != nil {
			a.log.Error("acknowledgements not written: some messages may come again", "err", err)
		}
	}
}

// settle waits until nothing of a device waits to be written.
func (a *acker) settle(ctx context.Context, app im.AppID, u im.Username, device string) {
	for ctx.Err() == nil {
		a.mu.Lock()
		round, found := a.round, false
		for _, some := range []map[placeKey]im.MessageID{a.waiting, a.writing} {
			for key := range some {
				found = found || key.app == app && key.user == u && key.device == device
			}
		}
		a.mu.Unlock()
		if !found || round == nil {
			return
		}
		select {
		case <-round:
		case <-ctx.Done():
		}
	}
}
