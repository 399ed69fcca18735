// Package crash kills the built server in the middle of its work and looks for what it had promised.
package crash

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	rounds   = 6
	writers  = 16
	patience = 30 * time.Second // with one request
)

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	url  string
	log  bytes.Buffer
	dead chan struct{} // closed when the process has ended
}

func build(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "teahouse")
	cmd := exec.Command("go", "build", "-o", binary, "teahouse/cmd/teahouse")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func serve(t *testing.T, binary, data string) *process {
	t.Helper()
	p := &process{dead: make(chan struct{})}
	p.cmd = exec.Command(binary, "serve", "--data", data, "--listen", "127.0.0.1:0", "--ops-listen", "off", "--rate-limits", "off",
		"--app", "acme#chat", "--client-id", "me", "--client-secret", "hush")
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			p.url = strings.TrimSpace(v) + "/acme/chat"
		}
		if lines.Text() == "ready" {
			go func() {
				_ = p.cmd.Wait()
				close(p.dead)
			}()
			t.Cleanup(p.kill)
			return p
		}
	}
	_ = p.cmd.Process.Kill() // it says no more, but may not have ended
	_ = p.cmd.Wait()
	t.Fatalf("the server does not start:\n%s", &p.log)
	return nil
}

// kill ends the process without a chance to tidy up.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.dead
}

// ask sends a request and decodes the answer's data.
func ask(c *http.Client, method, url, token, body string, data any) error {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s %s", method, url, res.Status, answer)
	}
	return json.Unmarshal(answer, data)
}

// hammer writes on many connections until so many writes are acknowledged, and kills the server while more are under way.
// Each writer calls write with its number and a count, until it fails.
func hammer(t *testing.T, p *process, enough int, write func(c *http.Client, w, n int) error) {
	t.Helper()
	acked := make(chan struct{}, writers)
	var g sync.WaitGroup
	for w := range writers {
		g.Go(func() {
			c := &http.Client{Transport: &http.Transport{}, Timeout: patience}
			defer c.CloseIdleConnections()
			for n := 0; write(c, w, n) == nil; n++ {
				acked <- struct{}{}
			}
		})
	}
	go func() { g.Wait(); close(acked) }()
	done := 0
	for range acked {
		if done++; done == enough {
			go p.kill()
		}
	}
	if done < enough {
		t.Fatalf("the server refuses after %d writes:\n%s", done, &p.log)
	}
	<-p.dead
	t.Logf("killed after %d acknowledged writes", done)
}

// hammerRooms returns the rooms whose creation was acknowledged.
func hammerRooms(t *testing.T, p *process, token string, enough int) (rooms []string) {
	t.Helper()
	var mu sync.Mutex
	hammer(t, p, enough, func(c *http.Client, w, n int) error {
		var created struct{ Data struct{ ID string } }
		body := fmt.Sprintf(`{"name":"room %d of %d","description":"d","owner":"owner","members":["member"]}`, n, w)
		err := ask(c, "POST", p.url+"/chatrooms", token, body, &created)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			rooms = append(rooms, created.Data.ID)
		}
		return err
	})
	return rooms
}

func TestAcknowledgedRoomsSurviveKill(t *testing.T) {
	binary, data := build(t), filepath.Join(t.TempDir(), "data")
	var rooms []string
	for round := range rounds {
		p := serve(t, binary, data)
		token := login(t, p)
		if round == 0 {
			prepare(t, binary, data, p.url, token)
		}
		verify(t, p, token, rooms)
		rooms = append(rooms, hammerRooms(t, p, token, 50+rand.IntN(400))...)
	}
	p := serve(t, binary, data)
	verify(t, p, login(t, p), rooms)
}

func login(t *testing.T, p *process) (token string) {
	t.Helper()
	var grant struct {
		Token string `json:"access_token"`
	}
	err := ask(http.DefaultClient, "POST", p.url+"/token", "", `{"grant_type":"client_credentials","client_id":"me","client_secret":"hush"}`, &grant)
	if err != nil {
		t.Fatal(err)
	}
	return grant.Token
}

// prepare makes the users, and lets them join as many rooms as the test makes.
func prepare(t *testing.T, binary, data, url, token string) {
	t.Helper()
	if out, err := exec.Command(binary, "app", "set", "acme#chat", "user_max_chatrooms=1000000", "--data", data).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var ignored any
	if err := ask(http.DefaultClient, "POST", url+"/users", token, `[{"username":"owner"},{"username":"member"}]`, &ignored); err != nil {
		t.Fatal(err)
	}
}

// together is how many rooms one request asks for.
const together = 100

func verify(t *testing.T, p *process, token string, rooms []string) {
	t.Helper()
	for ids := range slices.Chunk(rooms, together) {
		var found struct {
			Data []struct {
				ID    string
				Count int `json:"affiliations_count"`
			}
		}
		if err := ask(http.DefaultClient, "GET", p.url+"/chatrooms/"+strings.Join(ids, ","), token, "", &found); err != nil {
			t.Fatal(err)
		}
		members := map[string]int{} // by room
		for _, room := range found.Data {
			members[room.ID] = room.Count
		}
		for _, id := range ids {
			if got, ok := members[id]; !ok {
				t.Fatalf("the acknowledged room %s is lost", id)
			} else if got != 2 {
				t.Fatalf("room %s has %d members, want 2", id, got)
			}
		}
	}
}
