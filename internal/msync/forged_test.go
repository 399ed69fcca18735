package msync_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// post sends a meta and returns how it was answered.
func (w *world) post(c *msynctest.Client, m msynctest.Message) msynctest.Ack {
	w.t.Helper()
	id, err := c.Post(m)
	w.must(err)
	ack, err := c.Await(w.ctx, id)
	w.must(err)
	return ack
}

// TestForgedKinds: other clients show a message by the kind in its body, so it is that of where it goes.
func TestForgedKinds(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	for _, to := range []msynctest.Target{
		{Name: "bob", Type: pb.MessageBody_GROUPCHAT}, {Name: "bob", Type: pb.MessageBody_CHATROOM}, {Name: "team", Type: pb.MessageBody_CHAT},
	} {
		body := &pb.MessageBody{Type: to.Type.Enum(), Contents: []*pb.MessageBody_Content{msynctest.Text("forged")}}
		real := msynctest.ToUser(to.Name)
		if to.Name == "team" {
			real = msynctest.ToGroup("team")
		}
		if ack := w.post(ann, msynctest.Message{To: real, Body: body}); ack.Code == pb.Status_OK {
			t.Errorf("%v to %s: taken", to.Type, to.Name)
		}
	}
	w.send(ann, msynctest.ToUser("bob"), "true")
	w.hears(bob, "true")
}

// TestNamesInOtherCase: what others are shown is the sender's name, however the sender writes it.
func TestNamesInOtherCase(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.connect("ann", "web"), w.connect("bob", "web")
	body := &pb.MessageBody{From: &pb.JID{Name: proto.String("ANN")}, Contents: []*pb.MessageBody_Content{msynctest.Text("hello")}}
	if ack := w.post(ann, msynctest.Message{To: msynctest.ToUser("bob"), Body: body}); ack.Code != pb.Status_OK {
		t.Fatalf("got %v", ack)
	}
	if got := w.hears(bob, "hello")[0].Body(); got.GetFrom().GetName() != "ann" {
		t.Errorf("from %v", got.GetFrom())
	}
}

// TestEditOfAPicture: its content is said again, and its extension changes.
func TestEditOfAPicture(t *testing.T) {
	w := newWorld(t)
	ann := w.connect("ann", "web")
	picture := &pb.MessageBody_Content{Type: pb.MessageBody_Content_IMAGE.Enum(), DisplayName: proto.String("a.png"), RemotePath: proto.String("http://x/y")}
	sent := w.post(ann, msynctest.Message{To: msynctest.ToUser("bob"), Body: &pb.MessageBody{Contents: []*pb.MessageBody_Content{picture}}})
	edit := &pb.MessageBody{Type: pb.MessageBody_EDIT.Enum(), EditMessageId: &sent.ServerID, EditScope: pb.MessageBody_BODY_AND_EXT.Enum(),
		Contents: []*pb.MessageBody_Content{picture},
		Ext:      []*pb.KeyValue{{Key: proto.String("a"), Type: pb.KeyValue_STRING.Enum(), StringValue: proto.String("b")}}}
	if ack := w.post(ann, msynctest.Message{To: msynctest.ToUser("bob"), Body: edit}); ack.Code != pb.Status_OK || len(ack.Metas) != 1 {
		t.Errorf("got %v", ack)
	}
}
