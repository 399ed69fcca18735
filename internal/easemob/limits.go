package easemob

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"teahouse/internal/im"
)

// Classes of request rates (wire/easemob.md §13).
const (
	classToken       = "token"
	classUsers       = "users"
	classUsersDelete = "users-delete"
	classRoomsList   = "chatrooms-list"
	classRoomsJoined = "chatrooms-joined"
	classRoomsCreate = "chatrooms-create"
	classRooms       = "chatrooms"

	classMessages       = "messages"
	classMessagesUsers  = "messages-users"
	classMessagesGroups = "messages-chatgroups"
	classMessagesRooms  = "messages-chatrooms"
	classBroadcast      = "messages-broadcast"
	classHistory        = "chatmessages"
	classGroups         = "chatgroups"
	classFiles          = "chatfiles"
	classDiscovery      = "discovery"
)

// DocumentedLimits are the cloud's request rates in requests per second, for each app.
func DocumentedLimits() map[string]float64 {
	return map[string]float64{
		classToken: 300, classDiscovery: 300, classFiles: 100, classUsers: 100, classUsersDelete: 30,
		classRoomsList: 50, classRoomsJoined: 50, classRoomsCreate: 50, classRooms: 100,
		classMessages: 100, classMessagesUsers: 100, classMessagesGroups: 20, classMessagesRooms: 100,
		classBroadcast: 10.0 / 60, classHistory: 10.0 / 60, classGroups: 100,
	}
}

// limiter holds two buckets for each app and class: callers without a token do not use up what the others have.
type limiter struct {
	rates   map[string]float64
	mu      sync.RWMutex
	buckets map[bucketKey]*bucket // guarded by mu; twice as many as apps times classes at the most
}

type bucketKey struct {
	app   im.AppID
	class string
	known bool // the caller came with a token
}

type bucket struct {
	*rate.Limiter
	asked atomic.Int64 // when it was last asked, in Unix nanoseconds
}

func newLimiter(rates map[string]float64) *limiter {
	return &limiter{rates: rates, buckets: map[bucketKey]*bucket{}}
}

// allow takes one request out of the bucket, or tells how long to wait. A bucket holds one second's worth, one of
// less than one a second a minute's. When the
// clock was set back the bucket is filled anew; it would stay empty until the clock had caught up.
func (l *limiter) allow(key bucketKey, now time.Time) (wait time.Duration, ok bool) {
	perSecond, limited := l.rates[key.class]
	if !limited {
		return 0, true
	}
	b := l.bucket(key, perSecond, nil)
	if before := b.asked.Load(); before != 0 && now.UnixNano() < before-int64(time.Second) {
		b = l.bucket(key, perSecond, b)
	}
	b.asked.Store(now.UnixNano())
	if b.AllowN(now, 1) {
		return 0, true
	}
	return time.Duration((1 - b.TokensAt(now)) / perSecond * float64(time.Second)), false
}

// bucket returns the bucket of a key; stale, if given, is one to replace.
func (l *limiter) bucket(key bucketKey, perSecond float64, stale *bucket) *bucket {
	l.mu.RLock()
	b := l.buckets[key]
	l.mu.RUnlock()
	if b != stale && b != nil {
		return b
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b = l.buckets[key]; b == stale || b == nil {
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(perSecond), burst(perSecond))}
		l.buckets[key] = b
	}
	return b
}

// burst is how much a bucket holds.
func burst(perSecond float64) int {
	if perSecond >= 1 {
		return int(perSecond)
	}
	return max(int(math.Round(perSecond*60)), 1)
}
