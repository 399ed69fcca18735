package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// tenants are two apps of one server, with the same names in both.
func tenants(t *testing.T) (a, b *stage) {
	t.Helper()
	dir := t.TempDir()
	a = newStage(t, Config{Storage: Storage{Data: dir}, Logging: Logging{LogLevel: "debug"}}, "ann", "bob", "bob/phone")
	if err := (Tool{Storage: Storage{Data: dir}, Out: io.Discard}).CreateApp(a.ctx, "other#house", "their id", "their secret"); err != nil {
		t.Fatal(err)
	}
	other := *a
	b = &other
	b.org, b.tokens, b.clients = "/other/house", map[string]string{}, map[string]*msynctest.Client{}
	var grant struct {
		Token string `json:"access_token"`
	}
	b.read(b.rest("", "POST", "/token", `{"grant_type":"client_credentials","client_id":"their id","client_secret":"their secret"}`), &grant)
	b.root = grant.Token
	b.register("marker")
	for _, d := range []string{"ann", "bob", "bob/phone"} {
		b.connect(d)
	}
	return a, b
}

// quiet wants that the devices were told nothing.
func (s *stage) quiet(what string) {
	s.t.Helper()
	for d, told := range s.mark(s.devices()...) {
		if len(told) > 0 {
			s.t.Errorf("%s: in %s %s is told %q", what, s.org, d, told)
		}
	}
}

// TestTenantsOnSockets: two apps with the same names hear nothing of each other, whatever is said and done in one.
func TestTenantsOnSockets(t *testing.T) {
	a, b := tenants(t)
	if a.tokens["ann"] == b.tokens["ann"] {
		t.Fatal("one token for both")
	}
	const create = `{"name":"r","description":"d","maxusers":50,"owner":"ann","members":["bob"]}`
	lounge := a.room("chatrooms", create)
	room := msynctest.ToRoom(b.room("chatrooms", create))
	id := a.says("ann", msynctest.ToUser("bob"), "words of one app")
	a.says("ann", msynctest.ToRoom(lounge), "in the room of one app")
	b.refused("ann", msynctest.ToRoom(lounge), saidNoRoom)
	b.outside("ann", lounge, "1 grpID "+lounge+" does not exist!")
	theirs := &pb.JID{AppKey: new("other#house"), Name: new("bob"), Domain: new(msynctest.UserDomain)}
	body := &pb.MessageBody{Type: pb.MessageBody_CHAT.Enum(), From: &pb.JID{Name: new("ann")}, To: theirs, Contents: []*pb.MessageBody_Content{msynctest.Text("across")}}
	if _, err := a.clients["ann"].PostMeta(&pb.Meta{To: theirs, Ns: pb.Meta_CHAT.Enum(), Payload: wire(t, body)}); err != nil {
		t.Fatal(err)
	}
	about := []*pb.MessageBody{
		{Type: pb.MessageBody_READ_ACK.Enum(), AckMessageId: &id}, {Type: pb.MessageBody_DELIVER_ACK.Enum(), AckMessageId: &id},
	}
	for _, m := range about {
		if got := b.post("bob", msynctest.Message{To: msynctest.ToUser("ann"), Body: m}); got != "" {
			t.Errorf("a receipt of another app's message: %q", got)
		}
	}
	b.mark(b.devices()...) // receipts reach the reader's other devices
	recall := &pb.MessageBody{Type: pb.MessageBody_RECALL.Enum(), AckMessageId: &id}
	if got := b.post("ann", msynctest.Message{To: msynctest.ToUser("bob"), Body: recall}); got != "1 Sorry, message does not exist" {
		t.Errorf("withdrawing another app's message: %q", got)
	}
	edit := &pb.MessageBody{Type: pb.MessageBody_EDIT.Enum(), EditMessageId: &id, EditScope: pb.MessageBody_BODY.Enum(), Contents: []*pb.MessageBody_Content{msynctest.Text("x")}}
	if got := b.post("ann", msynctest.Message{To: msynctest.ToUser("bob"), Body: edit}); got != "1 Sorry, message does not exist" {
		t.Errorf("editing another app's message: %q", got)
	}
	a.rest("", "POST", "/chatrooms/"+lounge+"/mute", `{"usernames":["bob"],"mute_duration":-1}`)
	a.rest("", "POST", "/messages/users/broadcast", `{"from":"admin","msg":{"type":"txt","msg":"to the connected"}}`)
	a.rest("", "POST", "/messages/chatrooms/broadcast", `{"from":"admin","msg":{"type":"txt","msg":"to the rooms"}}`)
	a.rest("", "GET", "/users/bob/disconnect/phone", "")
	b.quiet("all that")
	b.refused("bob", room, "") // muted in the other
	a.rest("", "DELETE", "/chatrooms/"+lounge, "")
	a.rest("", "DELETE", "/users/bob", "")
	if why := a.clients["bob"].Ended(a.ctx); why == nil {
		t.Error("the deleted user is connected")
	}
	b.mark(b.devices()...)
	b.says("ann", room, "still there")
	b.await("bob", "what is said after that", func(g msynctest.Got) bool { return g.Text() == "still there" })
}

func wire(t *testing.T, b *pb.MessageBody) []byte {
	t.Helper()
	data, err := proto.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestWhoMaySignIn: a token is good for its own user and app, and the app's own token for nobody.
func TestWhoMaySignIn(t *testing.T) {
	a, b := tenants(t)
	const no = "Sorry, token or password does not match login info"
	for name, c := range map[string]struct{ app, user, token, want string }{
		"another app's":      {"easemob-demo#chatdemoui", "ann", b.tokens["ann"], no},
		"another user's":     {"easemob-demo#chatdemoui", "ann", a.tokens["bob"], no},
		"the app's":          {"easemob-demo#chatdemoui", "ann", a.root, no},
		"the app's, for it":  {"easemob-demo#chatdemoui", "admin", a.root, "Sorry, user not found"},
		"none":               {"easemob-demo#chatdemoui", "ann", "", no},
		"for nobody":         {"easemob-demo#chatdemoui", "nobody", a.tokens["ann"], "Sorry, user not found"},
		"for another app":    {"other#house", "ann", a.tokens["ann"], no},
		"for an unknown app": {"no#where", "ann", a.tokens["ann"], "Sorry, app not found"},
	} {
		cfg := a.config("ann")
		cfg.App, cfg.User, cfg.Token = c.app, c.user, c.token
		client, err := msynctest.Dial(a.ctx, cfg)
		var refused *msynctest.Refused
		if !errors.As(err, &refused) || refused.Reason != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil {
			client.Kill()
		}
	}
}

// TestForged: names are checked, and nobody gets at what is another's.
func TestForged(t *testing.T) {
	s := newStage(t, Config{Logging: Logging{LogLevel: "debug"}}, "ann", "bob", "bob/phone", "eve")
	toBob := msynctest.ToUser("bob")
	s.says("ann", toBob, "a secret of two")
	s.await("bob", "it", func(g msynctest.Got) bool { return g.Text() == "a secret of two" })
	s.mark(s.devices()...)

	text := func(from string) *pb.MessageBody {
		return &pb.MessageBody{From: &pb.JID{Name: &from}, Contents: []*pb.MessageBody_Content{msynctest.Text("as somebody else")}}
	}
	if got := s.post("eve", msynctest.Message{To: toBob, Body: text("ann")}); got != saidBlocked {
		t.Errorf("another sender in the body: %q", got)
	}
	own := text("eve")
	own.Type, own.To = pb.MessageBody_CHAT.Enum(), &pb.JID{Name: new("bob")}
	id, err := s.clients["eve"].PostMeta(&pb.Meta{From: msynctest.ToUser("ann").JID("x#y"), To: &pb.JID{Name: new("bob"), Domain: new(msynctest.UserDomain), ClientResource: new("phone")},
		Ns: pb.Meta_CHAT.Enum(), Payload: wire(t, own)})
	if err != nil {
		t.Fatal(err)
	}
	ack, err := s.clients["eve"].Await(s.ctx, id)
	s.ok("another sender around the body", ack, err)
	s.await("bob/phone", "it", func(g msynctest.Got) bool {
		return g.Text() == "as somebody else" && g.Meta.GetFrom().GetName() == "eve" && g.Body().GetFrom().GetName() == "eve"
	})
	if got := s.mark("ann", "bob"); len(got["ann"])+len(got["bob"]) != 0 {
		t.Errorf("others are told %q", got)
	}

	room := s.room("chatgroups", `{"groupname":"g","desc":"d","maxusers":50,"public":true,"owner":"ann","members":["bob"]}`)
	s.says("ann", msynctest.ToGroup(room), "a secret of the group")
	s.mark(s.devices()...)
	eve := s.clients["eve"]
	for _, queue := range []*pb.JID{
		msynctest.ToUser("ann").JID("easemob-demo#chatdemoui"), msynctest.ToUser("bob").JID("easemob-demo#chatdemoui"), msynctest.ToGroup(room).JID("easemob-demo#chatdemoui"),
		{Name: new("eve"), Domain: new(msynctest.UserDomain)}, {},
	} {
		if err := eve.Pull(queue, 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.mark("eve"); strings.Contains(fmt.Sprint(got), "secret") {
		t.Errorf("eve is told %q", got)
	}
	if err := eve.Pull(&pb.JID{Name: new("bob"), Domain: new("notice.easemob.com")}, 0); err != nil {
		t.Fatal(err)
	}
	var closed *msynctest.Closed
	if err := eve.Ended(s.ctx); !errors.As(err, &closed) {
		t.Errorf("asking for somebody's notices: %v", err)
	}
	log := s.n.log.String()
	for what, secret := range map[string]string{"a text": "secret of", "a text sent over REST": "mark 1", "a token": s.tokens["ann"], "another token": s.tokens["bob"], "the app's token": s.root} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %s", what)
		}
	}
}

// TestInfo: pages of every origin may ask where to connect.
func TestInfo(t *testing.T) {
	n := start(t, Config{Dev: true})
	req, err := http.NewRequestWithContext(t.Context(), "GET", n.url()+"/ws/info?t=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://app.example")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if h := res.Header; res.StatusCode != 200 || h.Get("Access-Control-Allow-Origin") != "https://app.example" || h.Get("Access-Control-Allow-Credentials") != "true" ||
		len(h.Values("Access-Control-Allow-Origin")) != 1 || !strings.Contains(string(body), `"websocket":true`) || h.Get("Set-Cookie") != "" {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
	}
}
