package msync

import (
	"fmt"
	"testing"

	"teahouse/internal/im"
)

// TestFeedsAreForgotten: those in which nothing is going on, and without a look at all of them whenever one is added.
func TestFeedsAreForgotten(t *testing.T) {
	c := &conn{}
	looks := 0
	for i := range 10_000 {
		before := c.kept
		c.feedLocked(im.ToUser(im.Username(fmt.Sprint("busy", i)))).pulling = true
		if c.kept != before {
			looks++
		}
	}
	if looks > 6 || len(c.feeds) != 10_000 {
		t.Errorf("%d looks, %d feeds", looks, len(c.feeds))
	}
	for _, f := range c.feeds {
		f.pulling = false
	}
	for i := range 20_000 {
		c.feedLocked(im.ToUser(im.Username(fmt.Sprint("quiet", i))))
	}
	if len(c.feeds) > 2*mostFeeds {
		t.Errorf("%d feeds are kept", len(c.feeds))
	}
}
