package im_test

import (
	"fmt"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// Receipt tells of a message from the actor's device "phone".
func (a actor) Receipt(kind im.ReceiptKind, of im.MessageID, change ...func(*im.NewReceipt)) im.MessageID {
	a.t.Helper()
	r := im.NewReceipt{Device: "phone", Kind: kind, Of: of}
	for _, c := range change {
		c(&r)
	}
	id, err := a.w.svc.Receipt(a.t.Context(), a.c, r)
	a.check(err)
	if (id == 0) != (err != nil) {
		a.t.Errorf("the receipt has the id %d, error %v", id, err)
	}
	return id
}

// told prints the receipts that were announced since the last call: "bob>ann: bob read 2".
func (w *world) told(names map[im.MessageID]string) string {
	w.t.Helper()
	var lines []string
	for _, e := range w.bus.Take() {
		if e.Message == nil {
			continue
		}
		r, ok := e.Message.Receipt()
		if !ok {
			continue
		}
		_, topic, _ := strings.Cut(string(e.Topic), ".")
		_, topic, _ = strings.Cut(topic, ".")
		line := fmt.Sprintf("%s: %s %s %s", topic, e.Message.From, r.Kind, names[r.Of])
		if len(e.Message.Only) > 0 {
			line += fmt.Sprintf(" to %v", e.Message.Only)
		}
		if r.Group != "" {
			line += fmt.Sprintf(" in %s (%d) %s", r.Group, r.Count, r.Text)
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, ", ")
}

func TestReceiptsBetweenTwo(t *testing.T) {
	w := newWorld(t)
	ann, bob := as(t, w, "ann"), as(t, w, "bob")
	id := ann.Say("bob", "hello")
	names := map[im.MessageID]string{id: "hello"}
	w.bus.Take()
	bob.Receipt(im.ReceiptDelivered, id)
	same(t, "delivered: to the sender", w.told(names), "ann: bob delivered hello")
	bob.Receipt(im.ReceiptRead, id)
	same(t, "read: to the reader's devices, too", w.told(names), "ann: bob read hello, bob: bob read hello")
	bob.Receipt(im.ReceiptAllRead, 0, func(r *im.NewReceipt) { r.To = im.ToUser("Ann") })
	same(t, "all read", w.told(names), "ann: bob all_read, bob: bob all_read")
	same(t, "each device of the sender finds them", []string{ann.Open("web"), ann.Open("pad")}, []string{"bob 4", "bob 4"})
}
