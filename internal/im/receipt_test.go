package im_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

func under(id string) func(*im.NewReceipt) { return func(r *im.NewReceipt) { r.Client = id } }

// TestReceiptSaidTwice: the answer was lost, and the device says it again.
func TestReceiptSaidTwice(t *testing.T) {
	w := newWorld(t)
	ann, bob := as(t, w, "ann"), as(t, w, "bob")
	id := ann.Say("bob", "hello")
	first := bob.Receipt(im.ReceiptRead, id, under("r1"))
	w.bus.Take()
	same(t, "the same id", bob.Receipt(im.ReceiptRead, id, under("r1")), first)
	same(t, "told once", w.told(nil), "")
	same(t, "found once", ann.Open("web"), "bob 2")
	if bob.Receipt(im.ReceiptRead, id, under("r2")) == first {
		t.Error("another receipt has the same id")
	}
}

// TestReceiptsWithoutEffect: nobody is told, nothing is kept, and who told them learns nothing from the answer.
func TestReceiptsWithoutEffect(t *testing.T) {
	w := newCrew(t)
	app, ann, bob := as(t, w, "app"), as(t, w, "ann"), as(t, w, "bob")
	asked := func(n *im.NewMessage) { n.AskReceipts = true }
	toBob, withdrawn, own := ann.Say("bob", "hello"), ann.Say("bob", "oops"), bob.Say("ann", "mine")
	inCrew, askedInCrew, inLounge := ann.Say("#crew", "all"), ann.Say("#crew", "all", asked), ann.Say("*lounge", "all", asked)
	forCat := ann.Say("#crew", "cat", asked, func(n *im.NewMessage) { n.Only = []string{"cat"} })
	fromApp, fromGone := app.Say("bob", "news"), app.Say("bob", "news", func(n *im.NewMessage) { n.From = "gone" })
	ann.Recall(withdrawn)
	bob.Rewrite(own, im.Rewriting{Body: words("ours")})
	var withdrawal im.MessageID
	for _, e := range w.bus.Take() {
		if e.Kind == im.MessageRecalled {
			withdrawal = e.Message.ID
		}
	}
	sid := as(t, w, "sid")
	type attempt struct {
		who  actor
		kind im.ReceiptKind
		of   im.MessageID
	}
	attempts := []attempt{{bob, im.ReceiptRead, 7}, {bob, im.ReceiptRead, 0}, {bob, im.ReceiptRead, withdrawn}, {bob, im.ReceiptRead, withdrawal}, {bob, im.ReceiptRead, own},
		{sid, im.ReceiptRead, toBob}, {sid, im.ReceiptRead, askedInCrew}, {bob, im.ReceiptRead, inCrew}, {bob, im.ReceiptDelivered, askedInCrew},
		{ann, im.ReceiptRead, askedInCrew}, {bob, im.ReceiptRead, inLounge}, {bob, im.ReceiptRead, forCat}, {bob, im.ReceiptRead, fromApp}, {bob, im.ReceiptRead, fromGone}}
	for _, to := range []im.Address{im.ToUser("sid"), im.ToUser("nosuch"), im.ToUser("no body"), im.ToUser("bob"), {}, im.ToRoom(im.Chatroom, lounge), im.ToRoom(im.Group, "nosuch")} {
		bob.Receipt(im.ReceiptAllRead, toBob, func(r *im.NewReceipt) { r.To = to })
		w.want()
	}
	before := w.history()
	for _, try := range attempts {
		try.who.Receipt(try.kind, try.of)
		w.want()
	}
	ann.BlockUsers("ann", "bob")
	w.bus.Take()
	bob.Receipt(im.ReceiptRead, toBob)
	bob.Receipt(im.ReceiptAllRead, 0, func(r *im.NewReceipt) { r.To = im.ToUser("ann") })
	w.want()
	same(t, "history", w.history(), before)
}

// TestReceiptsToStrangers: where users write to contacts only, they tell contacts only.
func TestReceiptsToStrangers(t *testing.T) {
	w := newWorld(t, "contacts_only=true")
	app, bob := as(t, w, "app"), as(t, w, "bob")
	id := app.Say("bob", "hello", func(n *im.NewMessage) { n.From = "ann" })
	w.bus.Take()
	bob.Receipt(im.ReceiptRead, id)
	w.want()
	app.Befriend("ann", "bob")
	w.bus.Take()
	bob.Receipt(im.ReceiptDelivered, id)
	same(t, "a contact", w.told(nil), "ann: bob delivered")
}

func TestBadReceipts(t *testing.T) {
	w := newWorld(t, "message_max_bytes=256")
	ann, bob := as(t, w, "ann"), as(t, w, "bob")
	id := ann.Say("bob", "hello")
	as(t, w, "nobody").fails(im.ErrUnauthenticated).Receipt(im.ReceiptRead, id)
	as(t, w, "app").fails(im.ErrUserOnly).Receipt(im.ReceiptRead, id)
	bob.fails(im.ErrInvalid.With("kind")).Receipt("seen", id)
	bob.fails(im.ErrMessageLarge.With("256")).Receipt(im.ReceiptRead, id, func(r *im.NewReceipt) { r.Text = strings.Repeat("x", 257) })
	bob.fails(im.ErrInvalid.With("text")).Receipt(im.ReceiptRead, id, func(r *im.NewReceipt) { r.Text = "\xff" })
	bob.fails(im.ErrInvalid.With("device")).Receipt(im.ReceiptRead, id, func(r *im.NewReceipt) { r.Device = strings.Repeat("x", 257) })
	bob.fails(im.ErrInvalid.With("client")).Receipt(im.ReceiptRead, id, under(strings.Repeat("x", 65)))
}

// TestGroupReceipts: who asked is told who has read it, and how many have.
func TestGroupReceipts(t *testing.T) {
	w := newCrew(t)
	ann, bob, cat := as(t, w, "ann"), as(t, w, "bob"), as(t, w, "cat")
	asked := func(n *im.NewMessage) { n.AskReceipts = true }
	text := func(s string) func(*im.NewReceipt) { return func(r *im.NewReceipt) { r.Text = s } }
	id := ann.Say("#crew", "all", asked)
	names := map[im.MessageID]string{id: "all"}
	w.bus.Take()
	bob.Receipt(im.ReceiptRead, id, text("fine"))
	same(t, "told to the sender alone", w.told(names), "ann: bob read all in crew (1) fine")
	bob.Receipt(im.ReceiptRead, id, func(r *im.NewReceipt) { r.Device = "web" })
	w.want()
	inGroup(t, w, "ann", crew).MuteAll(time.Hour, "cat")
	w.bus.Take()
	cat.Receipt(im.ReceiptRead, id, text("I am not muted"))
	same(t, "who may not speak says nothing besides", w.told(names), "ann: cat read all in crew (2)")

	same(t, "who has read", readersOf(t, ann.c, w, id, 0, 9), "bob cat of 2")
	same(t, "the first, and more", readersOf(t, as(t, w, "app").c, w, id, 0, 1), "bob of 2 more")
	same(t, "the next", readersOf(t, ann.c, w, id, 1, 1), "cat of 2")
	same(t, "others are not told", readersOf(t, bob.c, w, id, 0, 9), "of 0")
	same(t, "of another message", readersOf(t, ann.c, w, 7, 0, 9), "of 0")
	same(t, "of a message elsewhere", readersOf(t, ann.c, w, ann.Say("bob", "x"), 0, 9), "of 0")

	ann.Open("pad")
	same(t, "found later, among her notices", ann.receipts("pad"), []im.Receipt{{Kind: im.ReceiptRead, Of: id, Group: crew, Count: 1, Text: "fine"},
		{Kind: im.ReceiptRead, Of: id, Group: crew, Count: 2}})
	same(t, "the group's other members are not concerned", cat.Open("web"), "#crew 1")

	ann.Recall(id)
	same(t, "withdrawn", readersOf(t, ann.c, w, id, 0, 9), "of 0")
}

// receipts are those that wait for a device among the actor's notices.
func (a actor) receipts(device string) (all []im.Receipt) {
	a.t.Helper()
	got, err := a.w.svc.Pull(a.t.Context(), a.c, device, im.NoticesOf(a.c.User), 0, 100)
	must(a.t, err)
	for _, m := range got.Messages {
		if r, ok := m.Receipt(); ok {
			all = append(all, r)
		}
	}
	return all
}

// readersOf prints who has read a message in the crew: "bob cat of 3 more".
func readersOf(t *testing.T, c im.Caller, w *world, id im.MessageID, after, limit int) (text string) {
	t.Helper()
	readers, total, more, err := w.svc.Readers(t.Context(), c, crew, id, after, limit)
	must(t, err)
	for _, r := range readers {
		text += string(r.User) + " "
		same(t, "when", r.At, w.clock.Now())
	}
	text += fmt.Sprint("of ", total)
	if more {
		text += " more"
	}
	return text
}

// TestGroupReceiptsOfThoseWhoCameAndWent: who received the message may tell, and nobody else.
func TestGroupReceiptsOfThoseWhoCameAndWent(t *testing.T) {
	w := newCrew(t)
	adm, bob, sid := as(t, w, "adm"), as(t, w, "bob"), as(t, w, "sid")
	id := adm.Say("#crew", "all", func(n *im.NewMessage) { n.AskReceipts = true })
	group := inGroup(t, w, "app", crew)
	group.Remove("bob")
	group.Add("sid")
	sid.Receipt(im.ReceiptRead, id)
	bob.Receipt(im.ReceiptRead, id)
	same(t, "who has read", readersOf(t, adm.c, w, id, 0, 9), "bob of 1")
	as(t, w, "app").DeleteUser("adm")
	as(t, w, "cat").Receipt(im.ReceiptRead, id)
	same(t, "nobody counts for a sender who is gone", readersOf(t, as(t, w, "app").c, w, id, 0, 9), "bob of 1")
}

// TestAllReadInAGroup is told to the reader's other devices.
func TestAllReadInAGroup(t *testing.T) {
	w := newCrew(t)
	ann, bob := as(t, w, "ann"), as(t, w, "bob")
	ann.Say("#crew", "all")
	bob.Open("phone")
	bob.Open("web")
	w.bus.Take()
	bob.Receipt(im.ReceiptAllRead, 0, func(r *im.NewReceipt) { r.To = im.ToRoom(im.Group, crew) })
	same(t, "told", w.told(nil), "bob: bob all_read  in crew (0)")
	ann.Open("web")
	same(t, "the others find it", []int{len(bob.receipts("web")), len(bob.receipts("phone")), len(ann.receipts("web"))}, []int{1, 0, 0})
}

// TestGroupReceiptsTogether: many read at once, and each counts once.
func TestGroupReceiptsTogether(t *testing.T) {
	onEngines(t, nil, func(t *testing.T, w *world) {
		names := make([]string, 12)
		for i := range names {
			names[i] = fmt.Sprintf("reader%02d", i)
		}
		w.register(names...)
		inGroup(t, w, "app", crew).Create(im.NewRoom{Kind: im.Group, ID: crew, Name: "n", Owner: "ann", Members: names})
		ann := as(t, w, "ann")
		id := ann.Say("#crew", "all", func(n *im.NewMessage) { n.AskReceipts = true })
		var reads []func() error
		for i := range 2 * len(names) {
			c := as(t, w, names[i%len(names)]).c
			reads = append(reads, func() error {
				_, err := w.svc.Receipt(t.Context(), c, im.NewReceipt{Device: fmt.Sprint("d", i), Kind: im.ReceiptRead, Of: id})
				return err
			})
		}
		same(t, "receipts", tally(together(reads...)), map[string]int{"ok": 2 * len(names)})
		readers, total, _, err := w.svc.Readers(t.Context(), ann.c, crew, id, 0, 100)
		must(t, err)
		same(t, "each once", []int{len(readers), total}, []int{len(names), len(names)})
		ann.Open("web")
		told := ann.receipts("web")
		for i, r := range told {
			same(t, "told", r.Count, i+1)
		}
		same(t, "told of each", len(told), len(names))
	})
}
