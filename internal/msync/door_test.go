package msync_test

import (
	"fmt"
	"testing"

	"teahouse/internal/im"
)

// popular is a transaction in which very many have written to the device that signs in.
type popular struct{ im.Tx }

func (popular) Spans(_ im.AppID, u im.Username, _ string, _ ...im.ConversationID) (spans []im.Span, err error) {
	for i := range 2000 {
		spans = append(spans, im.Span{Conversation: im.Conversation(u, im.ToUser(im.Username(fmt.Sprint("fan", i)))), Until: 1 << 62, Last: 1 << 62})
	}
	return spans, nil
}

func (popular) CountMessages(im.Device, im.ConversationID, im.MessageID, im.MessageID) (int, error) {
	return 1, nil
}

// TestWelcome: who was told to be signed in hears whatever is told from then on, also what is in no inbox.
func TestWelcome(t *testing.T) {
	w := newWorld(t)
	w.wrap = func(tx im.Tx) im.Tx { return popular{tx} }
	w.restart()
	ann := w.connect("ann", "web", quiet, everything)
	say := im.NewMessage{To: []im.Address{im.ToUser("ann")}, Online: true, Body: im.Body{Type: im.TextBody, Fields: im.Fields{{Name: "msg", Value: im.Text("hello")}}}}
	if _, err := w.svc.Send(w.ctx, w.root(), say); err != nil {
		t.Fatal(err)
	}
	w.must(w.svc.Disconnect(w.ctx, w.root(), "ann", ""))
	w.hears(ann, "hello", "statistic")
}
