package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// varying matches what differs from run to run: times in milliseconds, and ids.
var varying = regexp.MustCompile(`[0-9]{13,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// stage is a server with people who are connected to it.
type stage struct {
	t       *testing.T
	n       *node
	ctx     context.Context //nolint:containedctx // of a test that must not wait for ever
	org     string          // of the app, with "/" before it
	root    string          // the app's token
	tokens  map[string]string
	clients map[string]*msynctest.Client // by device: "vic", and "vic/phone" for a second one
	early   map[string][]string          // what a device was told when it came
	marks   int
}

// newStage starts the emulator and connects devices, whose users it registers.
func newStage(t *testing.T, cfg Config, devices ...string) *stage {
	t.Helper()
	cfg.Dev = true
	n := start(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	t.Cleanup(cancel)
	s := &stage{t: t, n: n, ctx: ctx, org: "/easemob-demo/chatdemoui", root: n.value("app token"), tokens: map[string]string{}, clients: map[string]*msynctest.Client{}, early: map[string][]string{}}
	s.register("marker")
	for _, d := range devices {
		s.connect(d)
	}
	return s
}

// rest asks as somebody, "" for the app, and wants 200.
func (s *stage) rest(as, method, path, body string) string {
	s.t.Helper()
	token := s.root
	if as != "" {
		token = s.tokens[as]
	}
	if !strings.HasPrefix(path, "/api/") {
		path = s.org + path
	}
	status, answer := ask(s.t, method, s.n.url()+path, token, body)
	if status/100 != 2 {
		s.t.Fatalf("%s %s %s: %d %s", method, path, body, status, answer)
	}
	return answer
}

// register makes a user with the password "secret", and a token.
func (s *stage) register(name string) {
	s.t.Helper()
	s.rest("", "POST", "/users", fmt.Sprintf(`[{"username":%q,"password":"secret"}]`, name))
	s.login(name)
}

func (s *stage) login(name string) {
	s.t.Helper()
	var grant struct {
		Token string `json:"access_token"`
	}
	s.read(s.rest("", "POST", "/token", fmt.Sprintf(`{"grant_type":"password","username":%q,"password":"secret"}`, name)), &grant)
	s.tokens[name] = grant.Token
}

func (s *stage) read(answer string, into any) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(answer), into); err != nil {
		s.t.Fatalf("%s: %v", answer, err)
	}
}

// who is the user of a device, and which one it is.
func who(device string) (user, resource string) {
	user, resource, found := strings.Cut(device, "/")
	if !found {
		resource = "web"
	}
	return user, resource
}

// config is how a device connects.
func (s *stage) config(device string) msynctest.Config {
	user, resource := who(device)
	return msynctest.Config{URL: "ws" + strings.TrimPrefix(s.n.url(), "http") + "/websocket", App: strings.Replace(s.org[1:], "/", "#", 1), User: user,
		Resource: resource, Token: s.tokens[user]}
}

// devices are those that are connected.
func (s *stage) devices() []string { return slices.Sorted(maps.Keys(s.clients)) }

// connect signs a device in, and registers its user if need be.
func (s *stage) connect(device string) *msynctest.Client {
	s.t.Helper()
	user, _ := who(device)
	if s.tokens[user] == "" {
		s.register(user)
	}
	c, err := msynctest.Dial(s.ctx, s.config(device))
	if err != nil {
		s.t.Fatalf("%s: %v", device, err)
	}
	s.t.Cleanup(c.Kill)
	s.clients[device] = c
	s.early[device] = s.mark(device)[device]
	return c
}

// mark waits until the devices have everything that was said before, and returns it: something of every kind that they might still
// wait for is sent after it.
func (s *stage) mark(devices ...string) map[string][]string {
	s.t.Helper()
	s.marks++
	mark := fmt.Sprint("mark ", s.marks)
	marked := map[string]bool{}
	for _, d := range devices {
		if user, _ := who(d); !marked[user] {
			marked[user] = true
			s.rest("", "POST", "/users/marker/contacts/users/"+user, "")
			s.rest("", "DELETE", "/users/marker/contacts/users/"+user, "")
			s.rest("", "POST", "/messages/users", fmt.Sprintf(`{"from":"marker","to":[%q],"type":"txt","body":{"msg":%q}}`, user, mark))
		}
	}
	told := map[string][]string{}
	for _, d := range devices {
		s.await(d, "the mark", func(g msynctest.Got) bool { return g.Text() == mark })
		s.await(d, "the mark's notice", func(g msynctest.Got) bool { return isMark(g) && g.Roster().GetOperation() == pb.RosterBody_REMOVE })
		told[d] = s.told(d)
		s.clients[d].Forget()
	}
	return told
}

// await waits for something that a device is told.
func (s *stage) await(device, what string, match func(msynctest.Got) bool) {
	s.t.Helper()
	if _, err := s.clients[device].WaitFor(s.ctx, match); err != nil {
		s.t.Fatalf("%s is not told %s: %v; it was told %q", device, what, err, s.told(device))
	}
}

func isMark(g msynctest.Got) bool {
	return g.Meta.GetFrom().GetName() == "marker" || g.Roster().GetFrom().GetName() == "marker" || g.Body().GetFrom().GetName() == "marker"
}

// told is what a device was told since the last mark.
func (s *stage) told(device string) (lines []string) {
	for _, g := range s.clients[device].Got() {
		if !isMark(g) {
			lines = append(lines, varying.ReplaceAllString(line(g), "@"))
		}
	}
	return lines
}

// line tells what came, with all that clients show of it.
func line(g msynctest.Got) string {
	parts := []string{}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+value)
		}
	}
	switch g.Meta.GetNs() {
	case pb.Meta_MUC:
		m := g.MUC()
		add("", m.GetOperation().String())
		add("by ", m.GetFrom().GetName())
		for _, to := range m.GetTo() {
			add("to ", to.GetName())
		}
		add("members ", strings.Join(m.GetMembers(), ","))
		if m.MucMemberCount != nil {
			add("of ", fmt.Sprint(m.GetMucMemberCount()))
		}
		add("name ", m.GetMucName())
		add("ext ", m.GetExt())
		add("info ", m.GetEventInfo().GetExt())
		add("reason ", m.GetReason())
		if m.Status == nil || m.GetMucId().GetName() == "" {
			add("", "WITHOUT STATUS OR ROOM")
		}
	case pb.Meta_ROSTER:
		r := g.Roster()
		add("contact ", r.GetOperation().String())
		add("from ", r.GetFrom().GetName())
		for _, to := range r.GetTo() {
			add("to ", to.GetName())
		}
		add("reason ", r.GetReason())
	case pb.Meta_STATISTIC:
		add("end ", g.Statistic().GetOperation().String())
	case pb.Meta_NOTIFY:
		add("notify ", g.Notify())
	default:
		b := g.Body()
		add("", b.GetType().String())
		add("by ", b.GetFrom().GetName())
		add("to ", b.GetTo().GetName())
		for _, c := range b.GetContents() {
			add(strings.ToLower(c.GetType().String())+" ", c.GetText()+c.GetAction()+c.GetCustomEvent())
		}
	}
	if g.Queue.GetName() == "" {
		add("", "WITHOUT A QUEUE")
	}
	return strings.Join(parts, " ")
}

// ok wants that the server took what a client said.
func (s *stage) ok(what string, ack msynctest.Ack, err error) {
	s.t.Helper()
	if err != nil || ack.Code != pb.Status_OK || ack.NoStatus {
		s.t.Fatalf("%s: %+v, %v", what, ack, err)
	}
}
