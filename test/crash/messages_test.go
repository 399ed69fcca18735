package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	messageRounds = 4
	listeners     = 3 // users who get messages; they are in both groups
)

// writeKind says what a writer did.
type writeKind int

const (
	sent writeKind = iota
	imported
	recalled
	joined
	left
)

// deed is one write of a writer.
type deed struct {
	kind  writeKind
	text  string            // of the messages
	ids   map[string]string // the message's id by who it went to, once it was acknowledged
	of    *deed             // the message that is withdrawn
	acked bool
}

// diary is what one writer did; only that writer touches it while it writes.
type diary struct {
	deeds []*deed
	in    bool // the writer's own user is in the group of movers, as far as was acknowledged
}

// people are the users and groups that messages go to.
type people struct {
	groups []string // the listeners are in all of them
	moving string   // the group that the writers' own users join and leave
}

func listener(n int) string { return fmt.Sprintf("listener%d", n) }
func mover(w int) string    { return fmt.Sprintf("mover%d", w) }

// settle makes users and groups.
func settle(t *testing.T, p *process, token string) (of people) {
	t.Helper()
	var users, members []string
	for n := range listeners {
		users = append(users, `{"username":"`+listener(n)+`"}`)
		members = append(members, `"`+listener(n)+`"`)
	}
	for w := range writers {
		users = append(users, `{"username":"`+mover(w)+`"}`)
	}
	var ignored any
	body := `[{"username":"owner"},` + strings.Join(users, ",") + `]`
	if err := ask(http.DefaultClient, "POST", p.url+"/users", token, body, &ignored); err != nil {
		t.Fatal(err)
	}
	group := func(members string) string {
		var made struct{ Data struct{ GroupID string } }
		body := `{"groupname":"g","desc":"d","public":true,"owner":"owner","members":[` + members + `]}`
		if err := ask(http.DefaultClient, "POST", p.url+"/chatgroups", token, body, &made); err != nil {
			t.Fatal(err)
		}
		return made.Data.GroupID
	}
	of.groups = []string{group(strings.Join(members, ",")), group(strings.Join(members, ","))}
	of.moving = group("")
	return of
}

// write does what comes next: mostly it sends to several users, or to both groups.
func (d *diary) write(c *http.Client, p *process, token string, of people, round, w, n int) error {
	now := &deed{text: fmt.Sprintf("%d of writer %d in round %d", n, w, round)}
	d.deeds = append(d.deeds, now)
	targets, kind := []string{listener(0), listener(1), listener(2)}, "users"
	if n%2 == 1 {
		targets, kind = of.groups, "chatgroups"
	}
	var err error
	switch last := d.lastSent(); {
	case n%8 == 3:
		now.kind = imported
		err = now.bringAlong(c, p, token, listener(n%listeners))
	case n%8 == 5 && last != nil:
		now.kind, now.of = recalled, last
		err = now.recall(c, p, token)
	case n%8 == 7:
		err = d.move(c, p, token, of.moving, mover(w), now)
	default:
		var answer struct{ Data map[string]string }
		body := fmt.Sprintf(`{"target_type":"%s","target":["%s"],"msg":{"type":"txt","msg":"%s"},"from":"owner"}`, kind, strings.Join(targets, `","`), now.text)
		err = ask(c, "POST", p.url+"/messages?useMsgId=true", token, body, &answer)
		now.ids = answer.Data
		if err == nil && len(now.ids) != len(targets) {
			err = fmt.Errorf("%d of %d targets", len(now.ids), len(targets))
		}
	}
	now.acked = err == nil
	return err
}

// lastSent is the message that was acknowledged last and nobody tried to withdraw.
func (d *diary) lastSent() *deed {
	for i := len(d.deeds) - 1; i >= 0; i-- {
		switch e := d.deeds[i]; {
		case e.kind == recalled:
			return nil
		case e.kind == sent && e.acked:
			return e
		}
	}
	return nil
}

func (e *deed) bringAlong(c *http.Client, p *process, token, to string) error {
	var answer struct {
		Data struct {
			ID string `json:"msg_id"`
		}
	}
	body := fmt.Sprintf(`{"from":"owner","target":"%s","type":"txt","body":{"msg":"%s"},"msg_timestamp":%d}`, to, e.text, time.Now().Add(-24*time.Hour).UnixMilli())
	err := ask(c, "POST", p.url+"/messages/users/import", token, body, &answer)
	e.ids = map[string]string{to: answer.Data.ID}
	return err
}

// recall withdraws all messages of an earlier deed, in one call.
func (e *deed) recall(c *http.Client, p *process, token string) error {
	var msgs []string
	for to, id := range e.of.ids {
		kind := "chat"
		if !strings.HasPrefix(to, "listener") {
			kind = "groupchat"
		}
		msgs = append(msgs, fmt.Sprintf(`{"msg_id":"%s","to":"%s","chat_type":"%s"}`, id, to, kind))
	}
	var ignored any
	return ask(c, "POST", p.url+"/messages/batch_recall", token, `{"msgs":[`+strings.Join(msgs, ",")+`]}`, &ignored)
}

// move lets the writer's own user join the group of movers, or leave it.
func (d *diary) move(c *http.Client, p *process, token, group, user string, now *deed) error {
	method := "POST"
	if now.kind = joined; d.in {
		method, now.kind = "DELETE", left
	}
	var ignored any
	err := ask(c, method, p.url+"/chatgroups/"+group+"/users/"+user, token, "", &ignored)
	if err == nil {
		d.in = !d.in
	}
	return err
}

// stored is a message of the history.
type stored struct {
	ID      string `json:"msg_id"`
	To      string
	Payload struct{ Bodies []struct{ Msg string } }
}

// history reads everything, page by page.
func history(t *testing.T, p *process, token string) map[string]stored {
	t.Helper()
	all := map[string]stored{}
	for cursor := ""; ; {
		var page struct {
			Entities []stored
			Cursor   string
		}
		if err := ask(http.DefaultClient, "GET", p.url+"/chatmessages?limit=1000&cursor="+url.QueryEscape(cursor), token, "", &page); err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Entities {
			if _, twice := all[m.ID]; twice {
				t.Fatalf("message %s stands twice in the history", m.ID)
			}
			all[m.ID] = m
		}
		if cursor = page.Cursor; cursor == "" {
			return all
		}
	}
}

// TestAcknowledgedMessagesSurviveKill sends, imports and withdraws messages, and moves members, while the server is killed.
func TestAcknowledgedMessagesSurviveKill(t *testing.T) {
	binary, data := build(t), filepath.Join(t.TempDir(), "data")
	var of people
	diaries := make([]diary, writers)
	for round := range messageRounds {
		p := serve(t, binary, data)
		token := login(t, p)
		if round == 0 {
			of = settle(t, p, token)
		} else {
			verifyMessages(t, p, token, of, diaries)
			verifyMovers(t, p, token, of, diaries)
		}
		hammer(t, p, 200+rand.IntN(400), func(c *http.Client, w, n int) error {
			return diaries[w].write(c, p, token, of, round, w, n)
		})
	}
	p := serve(t, binary, data)
	token := login(t, p)
	verifyMessages(t, p, token, of, diaries)
	verifyMovers(t, p, token, of, diaries)
}

// verifyMessages holds the history and what waits for the listeners against the diaries.
func verifyMessages(t *testing.T, p *process, token string, of people, diaries []diary) {
	t.Helper()
	all := history(t, p, token)
	withdrawn, tried := ends(diaries)
	written := map[string]int{} // how many messages of a text there may be
	wait := map[string]int{}    // how many wait for each target
	acked := 0
	for i := range diaries {
		for _, e := range diaries[i].deeds {
			if e.kind > imported {
				continue
			}
			written[e.text] = listeners
			for to, id := range e.ids {
				m, there := all[id]
				switch {
				case there && withdrawn[e]:
					t.Errorf("message %s to %s is withdrawn and still there", id, to)
				case !there && e.acked && !withdrawn[e] && !tried[e]:
					t.Errorf("message %s to %s, %q, is lost", id, to, e.text)
				case there && (m.To != to || len(m.Payload.Bodies) != 1 || m.Payload.Bodies[0].Msg != e.text):
					t.Errorf("message %s to %s, %q, is now %+v", id, to, e.text, m)
				}
				if e.acked {
					acked++
				}
			}
		}
	}
	past := importedTexts(diaries)
	for id, m := range all {
		text := m.Payload.Bodies[0].Msg
		if written[text]--; written[text] < 0 {
			t.Errorf("message %s, %q, was never sent, or too often", id, text)
		}
		if !past[text] {
			wait[m.To]++
		}
	}
	t.Logf("%d acknowledged messages, %d in the history", acked, len(all))
	verifyWaiting(t, p, token, of, wait)
}

// ends are the messages whose withdrawal was acknowledged, and those where it was only tried.
func ends(diaries []diary) (withdrawn, tried map[*deed]bool) {
	withdrawn, tried = map[*deed]bool{}, map[*deed]bool{}
	for i := range diaries {
		for _, e := range diaries[i].deeds {
			switch {
			case e.kind == recalled && e.acked:
				withdrawn[e.of] = true
			case e.kind == recalled:
				tried[e.of] = true
			}
		}
	}
	return withdrawn, tried
}

func importedTexts(diaries []diary) map[string]bool {
	texts := map[string]bool{}
	for i := range diaries {
		for _, e := range diaries[i].deeds {
			texts[e.text] = texts[e.text] || e.kind == imported
		}
	}
	return texts
}

// verifyWaiting wants what waits for each listener to be what went to it and to its groups.
func verifyWaiting(t *testing.T, p *process, token string, of people, wait map[string]int) {
	t.Helper()
	for n := range listeners {
		want := wait[listener(n)]
		for _, g := range of.groups {
			want += wait[g]
		}
		var answer struct{ Data map[string]int }
		if err := ask(http.DefaultClient, "GET", p.url+"/users/"+listener(n)+"/offline_msg_count", token, "", &answer); err != nil {
			t.Fatal(err)
		}
		if got := answer.Data[listener(n)]; got != want {
			t.Errorf("for %s wait %d messages, want %d", listener(n), got, want)
		}
	}
}

// verifyMovers wants each writer's own user where the last acknowledged move left it, unless a later one was under way.
func verifyMovers(t *testing.T, p *process, token string, of people, diaries []diary) {
	t.Helper()
	var answer struct {
		Data []struct{ Member string }
	}
	if err := ask(http.DefaultClient, "GET", p.url+"/chatgroups/"+of.moving+"/users?pagesize=100", token, "", &answer); err != nil {
		t.Fatal(err)
	}
	in := map[string]bool{}
	for _, m := range answer.Data {
		in[m.Member] = true
	}
	for w := range diaries {
		d := &diaries[w]
		last := d.deeds[len(d.deeds)-1]
		moving := !last.acked && (last.kind == joined || last.kind == left)
		if is := in[mover(w)]; is != d.in && !moving {
			t.Errorf("%s is in the group: %t, want %t", mover(w), is, d.in)
		}
		d.in = in[mover(w)]
	}
}
