package server

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTold plays what REST changes to people who are connected, and wants that everybody is told what the file says, in any order,
// and that who is not named there is told nothing. A line is what is done, the lines below it are who is told what:
//
//	[as USER] METHOD PATH BODY       a call, with the app's token without a user
//	[as USER] UPLOAD PATH            a call with a file
//	ROOM = METHOD PATH BODY          its answer holds an id, by which later lines call it
//	USER joins ROOM, USER leaves ROOM
//	connect DEVICE                   USER, or USER/RESOURCE for one more
//	lose DEVICE                      its connection
//	login USER                       gets a new token
//	account USER LOGIN               of the social app: what USER calls is of its surface
//
// A user who is named stands for all their devices. "gone" is a connection that the server ended. "@" is a time or an id.
func TestTold(t *testing.T) {
	files, err := filepath.Glob("testdata/told/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			p := &play{stage: newStage(t, Config{}), ids: map[string]string{}, gone: map[string][]string{}}
			p.run(strings.Split(strings.TrimSpace(string(text)), "\n"))
		})
	}
}

// play is a file of TestTold on its way.
type play struct {
	*stage
	ids  map[string]string
	gone map[string][]string // devices whose connections have ended, with what they were told
}

// idInAnswer matches the id of what was made, or said.
var idInAnswer = regexp.MustCompile(`"(?:groupid|im_group_id|file_id)":"([\w-]+)"|"data":{"(?:id|\w+)":"([0-9]{14,})"`)

func (p *play) run(lines []string) {
	p.t.Helper()
	for len(lines) > 0 {
		do, n := lines[0], 1
		for n < len(lines) && strings.HasPrefix(lines[n], "\t") {
			n++
		}
		want := lines[1:n]
		lines = lines[n:]
		if do == "" || do[0] == '#' {
			continue
		}
		p.do(do)
		p.wantGone(want)
		if got := p.heard(); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			p.t.Errorf("%s\n%s\nbut the file says\n%s", do, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// do does what a line says.
func (p *play) do(line string) {
	p.t.Helper()
	name, call, named := strings.Cut(line, " = ")
	if !named || strings.Contains(name, " ") {
		name, call = "", line
	}
	for id, value := range p.ids {
		call = strings.ReplaceAll(call, id, value)
	}
	words := strings.SplitN(call, " ", 3)
	switch {
	case words[0] == "connect":
		p.connect(words[1])
	case words[0] == "lose":
		p.loses(words[1])
	case words[0] == "login":
		p.login(words[1])
	case words[0] == "account":
		p.account(words[1], words[2])
	case words[1] == "joins":
		ack, err := p.clients[words[0]].Join(p.ctx, words[2], "hi", false)
		p.ok(line, ack, err)
	case words[1] == "leaves":
		ack, err := p.clients[words[0]].Leave(p.ctx, words[2])
		p.ok(line, ack, err)
	default:
		p.call(name, call)
	}
}

// account signs an account of the social app in, in its surface and over a socket.
func (p *play) account(user, login string) {
	p.t.Helper()
	var social, grant struct {
		Token string `json:"access_token"`
	}
	fetch(p.t, p.n, "", "POST", "/api/v2/auth/login", fmt.Sprintf(`{"login":%q,"password":"123456"}`, login), 200, &social)
	var password struct {
		Hash string `json:"im_pwd_hash"`
	}
	fetch(p.t, p.n, social.Token, "GET", "/api/v2/easemob/password", "", 201, &password)
	p.read(p.rest("", "POST", "/token", fmt.Sprintf(`{"grant_type":"password","username":%q,"password":%q}`, user, password.Hash)), &grant)
	p.tokens[user] = grant.Token
	p.connect(user)
	p.tokens[user] = social.Token
}

// call makes a call, and keeps the id in its answer.
func (p *play) call(name, call string) {
	p.t.Helper()
	user := ""
	if rest, found := strings.CutPrefix(call, "as "); found {
		user, call, _ = strings.Cut(rest, " ")
	}
	words := append(strings.SplitN(call, " ", 3), "")
	if words[0] == "UPLOAD" {
		words = []string{"POST", words[1], "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--X--\r\n"}
	}
	answer := p.rest(user, words[0], words[1], words[2])
	if name == "" {
		return
	}
	found := idInAnswer.FindStringSubmatch(answer)
	if found == nil {
		p.t.Fatalf("%s: no id in %s", call, answer)
	}
	p.ids[name] = found[1] + found[2]
}

// wantGone waits for the end of connections that must end.
func (p *play) wantGone(want []string) {
	p.t.Helper()
	for d, c := range p.clients {
		user, _ := who(d)
		if slices.Contains(want, "\t"+user+": gone") || slices.Contains(want, "\t"+d+": gone") {
			_ = c.Ended(p.ctx)
			p.gone[d] = p.told(d)
			delete(p.clients, d)
		}
	}
}

// heard is who was told what since the last line, in a file's form.
func (p *play) heard() []string {
	p.t.Helper()
	devices := map[string][]string{} // by user
	by := map[string]map[string]int{}
	note := func(device, line string) {
		if by[line] == nil {
			by[line] = map[string]int{}
		}
		by[line][device]++
	}
	for d := range maps.Keys(p.gone) {
		user, _ := who(d)
		devices[user] = append(devices[user], d)
		note(d, "gone")
	}
	told := p.mark(p.devices()...)
	maps.Copy(told, p.gone)
	for d, lines := range told {
		if _, gone := p.gone[d]; !gone {
			user, _ := who(d)
			devices[user] = append(devices[user], d)
		}
		for _, l := range append(lines, p.early[d]...) {
			note(d, l)
		}
	}
	clear(p.gone)
	clear(p.early)
	var out []string
	for line, to := range by {
		out = append(out, "\t"+names(to, devices)+": "+line)
	}
	slices.Sort(out)
	return out
}

// names lists who was told: a user for all their devices; what came n times stands there n times.
func names(to map[string]int, devices map[string][]string) string {
	var all []string
	for user, own := range devices {
		if !slices.ContainsFunc(own, func(d string) bool { return to[d] != to[own[0]] }) {
			all = append(all, slices.Repeat([]string{user}, to[own[0]])...)
			continue
		}
		for _, d := range own {
			all = append(all, slices.Repeat([]string{d}, to[d])...)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
