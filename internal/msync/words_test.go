package msync_test

import (
	"testing"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// about says something about a message and wants it to be taken.
func (w *world) about(c *msynctest.Client, to msynctest.Target, body *pb.MessageBody) msynctest.Ack {
	w.t.Helper()
	id, err := c.Post(msynctest.Message{To: to, Body: body})
	w.must(err)
	ack, err := c.Await(w.ctx, id)
	if err != nil || ack.Code != pb.Status_OK || ack.NoStatus {
		w.t.Fatalf("%v: %+v, %v", body.GetType(), ack, err)
	}
	return ack
}

// TestAboutMessages: receipts, withdrawals and edits reach those who are there, and those who come later.
func TestAboutMessages(t *testing.T) {
	w := newWorld(t)
	ann, dan := w.connect("ann", "web"), w.connect("dan", "web")
	id := w.send(ann, msynctest.ToUser("dan"), "hello")
	w.hears(dan, "hello")
	w.about(dan, msynctest.ToUser("ann"), &pb.MessageBody{Type: pb.MessageBody_DELIVER_ACK.Enum(), AckMessageId: &id})
	w.about(dan, msynctest.ToUser("ann"), &pb.MessageBody{Type: pb.MessageBody_READ_ACK.Enum(), AckMessageId: &id})
	for _, g := range w.hears(ann, "deliver_ack", "read_ack") {
		if g.Body().GetAckMessageId() != id || g.Body().GetFrom().GetName() != "dan" {
			t.Errorf("came %v", g.Body())
		}
	}
	dan.Kill()
	edit := &pb.MessageBody{Type: pb.MessageBody_EDIT.Enum(), EditMessageId: &id, EditScope: pb.MessageBody_BODY.Enum(),
		Contents: []*pb.MessageBody_Content{msynctest.Text("hello, dan")}}
	if ack := w.about(ann, msynctest.ToUser("dan"), edit); len(ack.Metas) != 1 || ack.Metas[0].GetNs() != pb.Meta_NOTIFY {
		t.Errorf("the edit was answered with %+v", ack)
	}
	second := w.send(ann, msynctest.ToUser("dan"), "oops")
	w.about(ann, msynctest.ToUser("dan"), &pb.MessageBody{Type: pb.MessageBody_RECALL.Enum(), AckMessageId: &second})
	w.must(dan.Reconnect(w.ctx))
	got := w.hears(dan, "hello, dan", "recall")
	if got[0].Body().GetType() != pb.MessageBody_EDIT || got[0].Body().GetEditMessageId() != id || got[1].Body().GetAckMessageId() != second {
		t.Errorf("came %v", got)
	}
	if ann.Repeats()+dan.Repeats() != 0 {
		t.Error("something came twice")
	}
}

// TestMutedAndBlocked: who may not speak is told so in the words that clients know.
func TestMutedAndBlocked(t *testing.T) {
	w := newWorld(t)
	ann, dan := w.connect("ann", "web"), w.connect("dan", "web")
	if ack, err := dan.Join(w.ctx, "lounge", "", false); err != nil || ack.Code != pb.Status_OK {
		t.Fatal(ack, err)
	}
	_, err := w.svc.MuteMembers(w.ctx, w.root(), im.Chatroom, "lounge", []string{"dan"}, -1)
	w.must(err)
	w.refused(dan, msynctest.ToRoom("lounge"), pb.Status_USER_MUTED, "muted")
	_, _, err = w.svc.BlockUsers(w.ctx, w.as("ann"), "ann", []string{"dan"})
	w.must(err)
	w.refused(dan, msynctest.ToUser("ann"), pb.Status_FAIL, "blocked")
	_, err = w.svc.RemoveMembers(w.ctx, w.root(), im.Chatroom, "lounge", []string{"dan"})
	w.must(err)
	w.refused(dan, msynctest.ToRoom("lounge"), pb.Status_FAIL, "not in group or chatroom")
	dan.Forget()
	w.send(ann, msynctest.ToRoom("lounge"), "without dan")
	w.send(ann, msynctest.ToUser("dan"), "end")
	w.hears(dan, "end")
	if ack, err := dan.Join(w.ctx, "nowhere", "", false); err != nil || ack.Code != pb.Status_FAIL || ack.Reason != "grpID nowhere does not exist!" {
		t.Errorf("joined: %+v, %v", ack, err)
	}
}

// TestBackInTheRoom: who connects again, to this server or the next, is still in the chatroom.
func TestBackInTheRoom(t *testing.T) {
	w := newWorld(t)
	ann, dan := w.connect("ann", "web"), w.connect("dan", "web")
	if ack, err := dan.Join(w.ctx, "lounge", "", false); err != nil || ack.Code != pb.Status_OK {
		t.Fatal(ack, err)
	}
	w.must(dan.Reconnect(w.ctx))
	w.send(ann, msynctest.ToRoom("lounge"), "one")
	w.hears(dan, "one")
	w.restart()
	w.must(ann.Reconnect(w.ctx))
	w.must(dan.Reconnect(w.ctx))
	w.send(ann, msynctest.ToRoom("lounge"), "two")
	w.hears(dan, "two")
	pad := w.connect("dan", "pad")
	w.send(ann, msynctest.ToRoom("lounge"), "three")
	w.hears(pad, "three")
	w.hears(dan, "three")
}
