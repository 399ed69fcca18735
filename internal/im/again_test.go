package im_test

import (
	"testing"

	"teahouse/internal/im"
)

// aFile is a message with a file that was put up somewhere.
func aFile(kind im.BodyType, name, url string) im.Body {
	return im.Body{Type: kind, Fields: im.Fields{{Name: "filename", Value: im.Text(name)}, {Name: "url", Value: im.Text(url)},
		{Name: "secret", Value: im.Text(url)}, {Name: "thumb", Value: im.Text(url)}, {Name: "thumb_secret", Value: im.Text(url)}}}
}

// TestIdsThatMeet: a device numbers its texts and its receipts by counters of their own, and after a restart anew, so that one
// id is that of several things. Each is said, and each is said once.
func TestIdsThatMeet(t *testing.T) {
	w := newCrew(t)
	ann, bob := as(t, w, "ann"), as(t, w, "bob")
	slip, slip2, typo := bob.Say("ann", "slip"), bob.Say("#crew", "slip"), bob.Say("ann", "typo")
	heard, asked := ann.Say("bob", "hear me"), ann.Say("#crew", "hear me", func(n *im.NewMessage) { n.AskReceipts = true })
	say := func(to string, b im.Body, change ...func(*im.NewMessage)) func() im.MessageID {
		return func() im.MessageID {
			return bob.Say(to, "", append(change, func(n *im.NewMessage) { n.Body, n.Client = b, "c1" })...)
		}
	}
	ext := func(n *im.NewMessage) { n.Ext = im.Fields{{Name: "a", Value: im.Text("b")}} }
	extElsewhere := func(n *im.NewMessage) { n.Ext = im.Fields{{Name: "ab", Value: im.Text("")}} }
	recall := func(id im.MessageID) func() im.MessageID {
		return func() im.MessageID {
			m, err := w.svc.Recall(t.Context(), bob.c, id, im.Recalling{Device: "phone", Client: "c1"})
			must(t, err)
			return m.ID
		}
	}
	receipt := func(kind im.ReceiptKind, of im.MessageID, to im.Address) func() im.MessageID {
		return func() im.MessageID {
			return bob.Receipt(kind, of, under("c1"), func(r *im.NewReceipt) { r.To = to })
		}
	}
	rewrite := func(b im.Body, ext im.Fields) func() im.MessageID {
		return func() im.MessageID {
			m, err := w.svc.Rewrite(t.Context(), bob.c, typo, im.Rewriting{Device: "phone", Client: "c1", Body: b, Ext: ext, NewExt: ext != nil})
			must(t, err)
			return im.MessageID(m.Edit.Count)
		}
	}
	deeds := []func() im.MessageID{
		say("ann", words("one")), say("ann", words("two")), say("cat", words("one")), say("#crew", words("one")),
		say("ann", words("one"), ext), say("ann", words("one"), extElsewhere),
		say("ann", aFile(im.ImageBody, "a", "/1")), say("ann", aFile(im.ImageBody, "b", "/1")), say("ann", aFile(im.FileBody, "a", "/1")),
		recall(slip), recall(slip2),
		receipt(im.ReceiptDelivered, heard, im.Address{}), receipt(im.ReceiptRead, heard, im.Address{}), receipt(im.ReceiptRead, asked, im.Address{}),
		receipt(im.ReceiptAllRead, 0, im.ToUser("ann")), receipt(im.ReceiptAllRead, 0, im.ToRoom(im.Group, crew)),
		rewrite(words("type"), nil), rewrite(words("types"), nil), rewrite(im.Body{}, im.Fields{{Name: "a", Value: im.Text("b")}}),
	}
	w.bus.Take()
	var ids []im.MessageID
	for i, do := range deeds {
		ids = append(ids, do())
		if len(w.bus.Take()) == 0 {
			t.Errorf("deed %d is not told", i)
		}
	}
	for i, do := range deeds {
		same(t, "the same, said again", do(), ids[i])
		if told := w.bus.Take(); len(told) != 0 {
			t.Errorf("deed %d is told again: %v", i, told)
		}
	}
	again := say("ann", aFile(im.ImageBody, "a", "/2"))() // who sends a file again may have put it up again
	same(t, "the same file, from elsewhere", again, ids[6])
}
