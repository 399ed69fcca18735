package im_test

import (
	"slices"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// aboutMessages are what is done to a message that cat has said in the crew, which ann owns and adm administers, or to bob; who is
// refused, and how; told: somebody hears of it.
func aboutMessages() []struct {
	name, to, answers string
	do                func(a actor, id im.MessageID)
} {
	recall := func(a actor, id im.MessageID) { a.Recall(id) }
	edit := func(a actor, id im.MessageID) { a.Rewrite(id, im.Rewriting{Body: words("new")}) }
	read := func(a actor, id im.MessageID) { a.Receipt(im.ReceiptRead, id) }
	delivered := func(a actor, id im.MessageID) { a.Receipt(im.ReceiptDelivered, id) }
	const (
		mine   = "ok  not_self  not_self  ok  not_self  message_not_found  unauthenticated"
		ofBoth = "ok  message_not_found  message_not_found  ok  not_self  message_not_found  unauthenticated"
	)
	return []struct {
		name, to, answers string
		do                func(a actor, id im.MessageID)
	}{
		{"Recall", "#crew", mine, recall},
		{"Recall", "bob", ofBoth, recall},
		{"Rewrite", "#crew", mine, edit},
		{"Rewrite", "bob", ofBoth, edit},
		{"Receipt read", "#crew", "user_token_required  told  told  ok  told  ok  unauthenticated", read},
		{"Receipt read", "bob", "user_token_required  ok  ok  ok  told  ok  unauthenticated", read},
		{"Receipt delivered", "#crew", "user_token_required  ok  ok  ok  ok  ok  unauthenticated", delivered},
		{"Receipt delivered", "bob", "user_token_required  ok  ok  ok  told  ok  unauthenticated", delivered},
	}
}

// TestAuthorityAboutMessages asks every cell: owners and admins of a group have no power over what others have said. A refusal, and a
// receipt without effect, announces nothing.
func TestAuthorityAboutMessages(t *testing.T) {
	w := newCrew(t)
	for _, c := range aboutMessages() {
		t.Run(c.name+" "+c.to, func(t *testing.T) {
			answers := strings.Fields(c.answers)
			for i, who := range []string{"app", "ann", "adm", "cat", "bob", "sid", "nobody"} {
				id := as(t, w, "cat").Say(c.to, "x", func(n *im.NewMessage) { n.AskReceipts = true })
				w.bus.Take()
				a := as(t, w, who)
				if want := answers[i]; want != "ok" && want != "told" {
					all := im.Errors()
					a = a.fails(all[slices.IndexFunc(all, func(e *im.Error) bool { return e.Code == want })])
				}
				c.do(a, id)
				told := len(w.bus.Take()) > 0
				if want := answers[i] == "told" || answers[i] == "ok" && !strings.HasPrefix(c.name, "Receipt"); told != want {
					t.Errorf("%s: somebody is told: %v, want %v", who, told, want)
				}
			}
		})
	}
}

// FuzzReceipt keeps what a receipt says, whatever that is.
func FuzzReceipt(f *testing.F) {
	f.Add("read", int64(7), "crew", "text", 3)
	f.Add("", int64(-1), "", "\x00", -3)
	f.Fuzz(func(t *testing.T, kind string, of int64, group, text string, count int) {
		r := im.Receipt{Kind: im.ReceiptKind(kind), Of: im.MessageID(max(of, 0)), Group: im.RoomID(group), Text: text, Count: count}
		got, ok := im.Message{Body: im.BodyOfReceipt(r)}.Receipt()
		if !ok || got != r {
			t.Errorf("got %+v, %v, want %+v", got, ok, r)
		}
	})
}
