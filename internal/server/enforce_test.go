package server

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im/imtest"
	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// turned is a stage whose clock the test turns.
type turned struct {
	*stage
	clock *imtest.Clock
	dir   string
}

func newTurned(t *testing.T, devices ...string) *turned {
	t.Helper()
	clock, dir := imtest.NewClock(), t.TempDir()
	return &turned{newStage(t, Config{Clock: clock, Storage: Storage{Data: dir}}, devices...), clock, dir}
}

// wait lets time pass, in steps that are too short for anybody to seem idle or slow, in which the devices send heartbeats.
func (s *turned) wait(d time.Duration) {
	s.t.Helper()
	for step := 15 * time.Second; d > 0; d -= step {
		s.clock.Advance(min(step, d))
		for device, c := range s.clients {
			if _, err := c.Unread(s.ctx); err != nil {
				s.t.Fatalf("%s: %v", device, err)
			}
		}
	}
}

// comes waits for something that is due: the server may have asked for the time before the clock was turned, and then looks at it
// only when it is turned once more.
func (s *turned) comes(device, want string) {
	s.t.Helper()
	for s.ctx.Err() == nil {
		if slices.Contains(s.told(device), want) {
			return
		}
		s.wait(15 * time.Second)
	}
	s.t.Fatalf("%s is not told %q but %q", device, want, s.told(device))
}

// set changes the app's settings, and waits until the server has noticed.
func (s *turned) set(changes ...string) {
	s.t.Helper()
	tool := Tool{Storage: Storage{Data: s.dir}, Out: io.Discard}
	if err := tool.SetApp(s.ctx, devApp, changes); err != nil {
		s.t.Fatal(err)
	}
	s.wait(2 * time.Second)
}

// room makes a room and returns its id.
func (s *stage) room(kind, body string) string {
	s.t.Helper()
	found := idInAnswer.FindStringSubmatch(s.rest("", "POST", "/"+kind, body))
	if found == nil {
		s.t.Fatal("no id")
	}
	return found[1] + found[2]
}

func (s *stage) joins(device, room string) map[string]any {
	s.t.Helper()
	ack, err := s.clients[device].Join(s.ctx, room, "", false)
	s.ok(device+" joins "+room, ack, err)
	var body pb.MUCBody
	info := map[string]map[string]any{}
	if len(ack.Metas) != 1 {
		s.t.Fatalf("the answer has %d metas", len(ack.Metas))
	}
	body = *msynctest.Got{Meta: ack.Metas[0]}.MUC() //nolint:govet // read once
	if err := json.Unmarshal([]byte(body.GetStatus().GetChatroomInfo()), &info); err != nil {
		s.t.Fatal(err)
	}
	user, _ := who(device)
	return info[user]
}

// says sends a text and returns its id.
func (s *stage) says(device string, to msynctest.Target, text string) uint64 {
	s.t.Helper()
	ack, err := s.clients[device].Send(s.ctx, to, msynctest.Text(text))
	s.ok(fmt.Sprintf("%s says %q to %s", device, text, to.Name), ack, err)
	return ack.ServerID
}

// post sends what need not be a text, and returns the code and reason of the answer, "" for success.
func (s *stage) post(device string, m msynctest.Message) string {
	s.t.Helper()
	id, err := s.clients[device].Post(m)
	if err != nil {
		s.t.Fatal(err)
	}
	ack, err := s.clients[device].Await(s.ctx, id)
	return s.refusal(ack, err)
}

func (s *stage) refusal(ack msynctest.Ack, err error) string {
	s.t.Helper()
	switch {
	case err != nil:
		s.t.Fatal(err)
	case ack.NoStatus:
		return "no status"
	case ack.Code == pb.Status_OK && ack.Reason == "":
		return ""
	}
	return fmt.Sprintf("%d %s", ack.Code, ack.Reason)
}

// refused wants an answer to a text, "" for success.
func (s *stage) refused(device string, to msynctest.Target, want string) {
	s.t.Helper()
	ack, err := s.clients[device].Send(s.ctx, to, msynctest.Text("may I?"))
	if got := s.refusal(ack, err); got != want {
		s.t.Errorf("%s to %s: %q, want %q", device, to.Name, got, want)
	}
}

// outside wants an answer to who wants to come in.
func (s *stage) outside(device, room, want string) {
	s.t.Helper()
	ack, err := s.clients[device].Join(s.ctx, room, "", false)
	if got := s.refusal(ack, err); got != want {
		s.t.Errorf("%s into %s: %q, want %q", device, room, got, want)
	}
}

// The words that clients compare (wire/msync.md §6).
const (
	saidMuted     = "15 muted"
	saidSilent    = "1 not in group or chatroom white list"
	saidOutside   = "1 not in group or chatroom"
	saidNoRoom    = "1 group not found"
	saidBlocked   = "1 blocked"
	saidUserMuted = "7 user is mute"
)

// TestMutedInRooms: who may not speak is told so, sees when it begins and ends, and does not get rid of it.
func TestMutedInRooms(t *testing.T) {
	for kind, create := range map[string]string{
		"chatrooms":  `{"name":"r","description":"d","maxusers":50,"owner":"own","members":["adm","mem","vic"]}`,
		"chatgroups": `{"groupname":"g","desc":"d","maxusers":50,"public":true,"owner":"own","members":["adm","mem","vic"]}`,
	} {
		t.Run(kind, func(t *testing.T) {
			s := newTurned(t, "own", "adm", "mem", "vic", "vic/phone")
			id := s.room(kind, create)
			to := msynctest.ToRoom(id)
			if kind == "chatgroups" {
				to = msynctest.ToGroup(id)
			}
			at := "/" + kind + "/" + id
			s.rest("", "POST", at+"/admin", `{"newadmin":"adm"}`)
			s.says("vic", to, "free")

			s.rest("own", "POST", at+"/mute", `{"usernames":["vic"],"mute_duration":90000}`)
			s.refused("vic", to, saidMuted)
			s.refused("vic/phone", to, saidMuted)
			s.refused("mem", to, "")
			s.mark(s.devices()...)
			s.wait(90 * time.Second)
			ended := "REMOVE_MUTE by @ppAdmin to vic"
			for _, d := range []string{"vic", "vic/phone", "own", "adm"} {
				s.comes(d, ended)
			}
			if got := s.mark("mem")["mem"]; kind == "chatrooms" && len(got) != 0 {
				t.Errorf("mem is told %q", got)
			}
			s.refused("vic", to, "")

			s.rest("adm", "POST", at+"/mute", `{"usernames":["vic"],"mute_duration":-1}`)
			s.refused("vic", to, saidMuted)
			s.wait(10 * time.Minute)
			s.refused("vic", to, saidMuted)
			s.rest("", "POST", at+"/white/users/vic", "")
			s.refused("vic", to, saidMuted)
			s.rest("", "DELETE", at+"/white/users/vic", "")
			s.rest("own", "DELETE", at+"/mute/vic", "")
			s.refused("vic", to, "")

			s.rest("own", "POST", at+"/ban", "")
			s.refused("vic", to, saidSilent)
			s.refused("adm", to, "")
			s.refused("own", to, "")
			s.rest("own", "POST", at+"/white/users/vic", "")
			s.refused("vic", to, "")
			s.refused("mem", to, saidSilent)
			s.rest("own", "DELETE", at+"/white/users/vic", "")
			s.refused("vic", to, saidSilent)
			s.rest("own", "DELETE", at+"/ban", "")
			s.refused("vic", to, "")
		})
	}
}

// TestMuteStays: leaving and coming back does not end a mute, and the answer says that it counts on.
func TestMuteStays(t *testing.T) {
	s := newTurned(t, "own", "vic")
	id := s.room("chatrooms", `{"name":"r","description":"d","maxusers":50,"owner":"own"}`)
	room, at := msynctest.ToRoom(id), "/chatrooms/"+id
	if info := s.joins("vic", id); info["mute_duration"] != 0.0 || info["member_count"] != 2.0 || info["is_all_mute"] != false || info["is_in_white_list"] != false {
		t.Errorf("joined: %v", info)
	}
	s.rest("", "POST", at+"/mute", `{"usernames":["vic"],"mute_duration":600000}`)
	s.rest("", "POST", at+"/ban", "")
	until := float64(s.clock.Now().Add(10 * time.Minute).UnixMilli())
	again := map[string]func(){
		"leaves": func() {
			ack, err := s.clients["vic"].Leave(s.ctx, id)
			s.ok("leave", ack, err)
		},
		"is removed": func() { s.rest("", "DELETE", at+"/users/vic", "") },
		"connects again": func() {
			s.clients["vic"].Kill()
			s.connect("vic")
		},
	}
	for what, do := range again {
		do()
		if info := s.joins("vic", id); info["mute_duration"] != until || info["is_all_mute"] != true {
			t.Errorf("%s: joined: %v", what, info)
		}
		s.refused("vic", room, saidMuted)
	}
	s.rest("", "DELETE", at+"/ban", "")
	ack, err := s.clients["vic"].Leave(s.ctx, id)
	s.ok("leave", ack, err)
	s.wait(10 * time.Minute) // the mute ends outside
	if info := s.joins("vic", id); info["mute_duration"] != 0.0 {
		t.Errorf("after the mute: %v", info)
	}
	s.refused("vic", room, "")
}

// TestDoors: who is not in a room, not any more, or may not come in.
func TestDoors(t *testing.T) {
	s := newTurned(t, "own", "mem", "vic", "out")
	id := s.room("chatrooms", `{"name":"r","description":"d","maxusers":4,"owner":"own","members":["mem"]}`)
	room, at := msynctest.ToRoom(id), "/chatrooms/"+id
	silence := func(what string) {
		t.Helper()
		s.mark(s.devices()...)
		s.refused("vic", room, saidOutside)
		s.says("mem", room, "among us")
		s.await("own", "what mem says", func(g msynctest.Got) bool { return g.Text() == "among us" })
		if got := s.mark(s.devices()...); len(got["vic"]) != 0 {
			t.Errorf("%s: told %q", what, got["vic"])
		}
	}
	silence("never inside")
	s.joins("vic", id)
	s.refused("vic", room, "")
	ack, err := s.clients["vic"].Leave(s.ctx, id)
	s.ok("leave", ack, err)
	silence("left")
	s.joins("vic", id)
	s.joins("vic", id) // twice is once
	s.rest("own", "DELETE", at+"/users/vic", "")
	silence("removed")
	s.joins("vic", id)
	s.rest("own", "POST", at+"/blocks/users/vic", "")
	silence("blocked")
	s.outside("vic", id, "1 can not join this group, reason:user: vic is in the blacklist of group: "+id)
	s.rest("own", "DELETE", at+"/blocks/users/vic", "")
	s.joins("vic", id)
	s.register("fourth")
	s.rest("", "POST", at+"/users/fourth", "")
	s.outside("out", id, "1 group member list is full!")
	s.outside("out", "nowhere", "1 grpID nowhere does not exist!")
	s.refused("out", msynctest.ToRoom("nowhere"), saidNoRoom)
	s.refused("out", msynctest.ToUser("nobody"), "1 username nobody doesn't exist!")

	s.set("user_max_chatrooms=1")
	other := s.room("chatrooms", `{"name":"o","description":"d","maxusers":4,"owner":"out"}`)
	s.outside("vic", other, "1 user vic has joined too many chatrooms!")
	if ack, err := s.clients["vic"].Join(s.ctx, other, "", true); s.refusal(ack, err) != "" {
		t.Errorf("leaving the others: %+v", ack)
	}
	s.refused("vic", room, saidOutside)

	s.rest("", "DELETE", "/chatrooms/"+other, "")
	s.refused("vic", msynctest.ToRoom(other), saidNoRoom)
	s.outside("vic", other, "1 grpID "+other+" does not exist!")
	team := s.room("chatgroups", `{"groupname":"g","desc":"d","maxusers":50,"public":true,"owner":"own","members":["vic"]}`)
	s.rest("", "POST", "/chatgroups/"+team+"/disable", "")
	s.refused("vic", msynctest.ToGroup(team), "1 group is disabled")
	s.rest("", "POST", "/chatgroups/"+team+"/enable", "")
	s.refused("vic", msynctest.ToGroup(team), "")
	s.refused("out", msynctest.ToGroup(team), saidOutside)
	s.refused("vic", msynctest.ToRoom(team), saidNoRoom) // a group is no chatroom
	s.outside("vic", team, "1 grpID "+team+" does not exist!")
}

// TestBetweenTwo: blocked by somebody, muted everywhere, too large, and contacts only.
func TestBetweenTwo(t *testing.T) {
	s := newTurned(t, "ann", "bob")
	toAnn, toBob := msynctest.ToUser("ann"), msynctest.ToUser("bob")
	s.rest("ann", "POST", "/users/ann/blocks/users", `{"usernames":["bob"]}`)
	s.refused("bob", toAnn, saidBlocked)
	s.rest("ann", "DELETE", "/users/ann/blocks/users/bob", "")
	s.refused("bob", toAnn, "")

	s.rest("", "POST", "/mutes", `{"username":"bob","chat":90}`)
	s.refused("bob", toAnn, saidUserMuted)
	s.refused("ann", toBob, "")
	s.wait(91 * time.Second)
	s.refused("bob", toAnn, "")

	large := &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text(strings.Repeat("x", 6000))}}
	if got := s.post("bob", msynctest.Message{To: toAnn, Body: large}); got != "7 Sorry, data is too large" {
		t.Errorf("too large: %q", got)
	}
	s.set("contacts_only=true")
	s.refused("bob", toAnn, "1 nonroster")
	s.rest("", "POST", "/users/bob/contacts/users/ann", "")
	s.refused("bob", toAnn, "")
	s.set("contacts_only=false")
}

// TestAboutMessages: withdrawing and editing, and what is refused.
func TestAboutMessages(t *testing.T) {
	s := newTurned(t, "ann", "bob", "eve")
	toBob := msynctest.ToUser("bob")
	recall := func(id uint64) *pb.MessageBody {
		return &pb.MessageBody{Type: pb.MessageBody_RECALL.Enum(), AckMessageId: &id}
	}
	edit := func(id uint64, text string) *pb.MessageBody {
		return &pb.MessageBody{Type: pb.MessageBody_EDIT.Enum(), EditMessageId: &id, EditScope: pb.MessageBody_BODY.Enum(), Contents: []*pb.MessageBody_Content{msynctest.Text(text)}}
	}
	want := func(device string, to msynctest.Target, body *pb.MessageBody, want string) {
		t.Helper()
		if got := s.post(device, msynctest.Message{To: to, Body: body}); got != want {
			t.Errorf("%s %v: %q, want %q", device, body.GetType(), got, want)
		}
	}
	const noMessage, notYours, late = "1 Sorry, message does not exist", "1 Sorry, You do not have permission", "1 exceed recall time limit"
	id := s.says("ann", toBob, "one")
	s.mark(s.devices()...)
	for i := range 10 {
		want("ann", toBob, edit(id, fmt.Sprint("edited ", i)), "")
	}
	want("ann", toBob, edit(id, "once more"), "1 Sorry, edit limit reached")
	want("ann", toBob, edit(1, "nothing"), noMessage)
	want("bob", msynctest.ToUser("ann"), edit(id, "not mine"), notYours)
	want("eve", toBob, edit(id, "not mine"), noMessage) // she cannot know that there is one
	want("eve", toBob, recall(id), noMessage)
	want("eve", msynctest.ToUser("ann"), recall(id), noMessage)
	want("bob", msynctest.ToUser("ann"), recall(id), saidBlocked)
	want("ann", toBob, recall(1), noMessage)
	want("ann", msynctest.ToUser("eve"), recall(id), noMessage) // it did not go there
	s.mark("bob", "eve")
	want("ann", toBob, recall(id), "")
	if got := s.mark("bob", "eve"); !slices.Equal(got["bob"], []string{"RECALL by ann to bob"}) || len(got["eve"]) != 0 {
		t.Errorf("told %q", got)
	}
	want("ann", toBob, recall(id), noMessage)
	want("ann", toBob, edit(id, "gone"), noMessage)
	old := s.says("ann", toBob, "two")
	s.wait(121 * time.Second)
	want("ann", toBob, recall(old), late)
	s.set("recall_seconds=0")
	want("ann", toBob, recall(s.says("ann", toBob, "three")), "1 message recall disabled")

	many := make([]string, 21)
	team := s.room("chatgroups", `{"groupname":"g","desc":"d","maxusers":50,"public":true,"owner":"ann","members":["bob"]}`)
	for i := range many {
		many[i] = fmt.Sprint("u", i)
	}
	text := &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text("to many")}}
	if got := s.post("ann", msynctest.Message{To: msynctest.ToGroup(team), Body: text, Directed: many}); got != "1 limit directed users" {
		t.Errorf("to many: %q", got)
	}
}
