package im_test

import (
	"testing"

	"teahouse/internal/im"
)

// TestWhatIsToldOfAMessageForThoseOnline: the two may never have said anything that stands in an inbox.
func TestWhatIsToldOfAMessageForThoseOnline(t *testing.T) {
	w := newWorld(t)
	bob := as(t, w, "bob")
	bob.Open("web")
	now := func(n *im.NewMessage) { n.Online = true }
	recalled, edited := as(t, w, "cat").Say("bob", "now", now), as(t, w, "ann").Say("bob", "now", now)
	same(t, "of the messages", bob.Open("web"), "")
	as(t, w, "cat").Recall(recalled)
	_, err := w.svc.Rewrite(t.Context(), as(t, w, "ann").c, edited, im.Rewriting{Body: words("new")})
	must(t, err)
	same(t, "of what is told", bob.Open("web"), "ann 1, cat 1")
	same(t, "withdrawn", bob.Read("web", "cat"), "-"+recalled.String())
	same(t, "edited", bob.Read("web", "ann"), "new")
	as(t, w, "ann").Say("bob", "next")
	same(t, "and then", bob.Read("web", "ann"), "next")
}
