package server

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"sync"
	"time"

	"teahouse/internal/im"
)

// IDs is the im.IDs of production. Several nodes may make ids at once.
type IDs struct {
	clock im.Clock

	node int64 // of message ids

	mu    sync.Mutex
	rooms roomState // guarded by mu
	tick  int64     // guarded by mu: milliseconds and place of the last message id
}

// Room ids are 14 digits: seconds since 2026, five digits within the second, and 10^13 so that there are always
// 14 (until 2054). The five digits walk through all values with a random start and a random stride per second,
// so that two nodes, or one that restarts within a second, meet only now and then.
const (
	roomBase = 10_000_000_000_000
	roomSpan = 100_000
)

type roomState struct {
	second        int64 // of the last id; ahead of the clock after 100000 ids in a second
	used          int64 // ids made in that second
	start, stride int64
}

// NewIDs returns the ids of a node.
func NewIDs(clock im.Clock) *IDs {
	return &IDs{clock: clock, node: random(1 << nodeBits), rooms: roomState{used: roomSpan}}
}

func roomEpoch() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// random returns a number from 0 to n-1, n at most 2^32; the bias is below one in a thousand million.
func random(n int64) int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.LittleEndian.Uint64(b[:])>>1) % n
}

// UUID implements im.IDs: RFC 9562 version 4.
func (*IDs) UUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	var b [36]byte
	hex.Encode(b[:8], u[:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:], u[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// Token implements im.IDs.
func (*IDs) Token() string {
	var b [44]byte
	_, _ = rand.Read(b[:])
	return "YWMt" + base64.RawURLEncoding.EncodeToString(b[:])
}

// RoomID implements im.IDs. One process never repeats an id.
func (g *IDs) RoomID() im.RoomID {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := &g.rooms
	now := int64(g.clock.Now().Sub(roomEpoch()) / time.Second)
	if now > r.second || r.used == roomSpan {
		// An odd stride that 5 does not divide visits every value of the span once.
		stride := 10*random(roomSpan/10) + []int64{1, 3, 7, 9}[random(4)]
		*r = roomState{second: max(now, r.second+1), start: random(roomSpan), stride: stride}
	}
	n := (r.start + r.used*r.stride) % roomSpan
	r.used++
	return im.RoomID(strconv.FormatInt(roomBase+r.second*roomSpan+n, 10))
}

// The 22 low bits of a message id are ten of the node, chosen at random, and twelve that count within the millisecond. Two
// nodes that chose the same and hit the same millisecond and count are told by the store, and one of them tries again.
const (
	nodeBits  = 10
	placeBits = 12
)

// MessageID implements im.IDs. A clock that stands still or goes back does not matter: the ids run ahead of it.
func (g *IDs) MessageID(now time.Time) im.MessageID {
	at := int64(im.MessageIDAt(now)) >> nodeBits // milliseconds and an empty place
	g.mu.Lock()
	g.tick = max(g.tick+1, at)
	tick := g.tick
	g.mu.Unlock()
	return im.MessageID(tick>>placeBits<<(nodeBits+placeBits) | g.node<<placeBits | tick&(1<<placeBits-1))
}
