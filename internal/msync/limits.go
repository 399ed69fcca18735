package msync

import (
	"time"

	"golang.org/x/time/rate"
)

// mostFrame bounds what a client sends at once; the app's setting bounds what is said. mostGreeting is for those who have not signed in:
// a token has a few hundred bytes.
const (
	mostFrame    = 512 << 10
	mostGreeting = 32 << 10
)

// framesPerSay is how many frames a client may send for each message that it may: acknowledgements, heartbeats.
const framesPerSay = 10

// limits are the rates of one connection. The zero value limits nothing.
type limits struct{ said, frames *rate.Limiter }

func newLimits(perSecond float64) limits {
	if perSecond <= 0 {
		return limits{}
	}
	burst := max(int(2*perSecond), 1)
	return limits{rate.NewLimiter(rate.Limit(perSecond), burst), rate.NewLimiter(rate.Limit(framesPerSay*perSecond), framesPerSay*burst)}
}

func (l limits) frame(now time.Time) bool { return l.frames == nil || l.frames.AllowN(now, 1) }
func (l limits) say(now time.Time) bool   { return l.said == nil || l.said.AllowN(now, 1) }
