package script

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// curlWords splits a curl line as a shell would, but for an unquoted &, which the documents mean as it stands.
func curlWords(line string) (words []string) {
	var word strings.Builder
	var quote rune
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote == 0 && r == ' ':
			if word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	return words
}

// curlRequest is what curl would send to base instead of the cloud, with our token instead of the documents'.
func curlRequest(t *testing.T, line, base, token string) *http.Request {
	t.Helper()
	var method, url, body string
	words := curlWords(line)[1:]
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-i":
		case w == "-X":
			i++
			method = words[i]
		case strings.HasPrefix(w, "-X"):
			method = w[2:]
		case w == "-H":
			i++
			if !strings.HasPrefix(words[i], "Authorization: Bearer ") {
				t.Fatalf("header %q", words[i])
			}
		case w == "-d":
			i++
			body = words[i]
		default:
			url = w
		}
	}
	_, path, ok := strings.Cut(url, "://a1.easemob.com")
	if !ok {
		t.Fatalf("url %q in %s", url, line)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as curl -d does
	}
	return req
}

// TestSeed004 sends the curl lines of the chatroom documents, in their order, to a fresh emulator. The second column is
// the data that the documents show; {"…":"*"} stands for what no two servers share.
func TestSeed004(t *testing.T) {
	base, token := dev(t)
	file, err := os.Open("testdata/seed004.curl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want := []string{
		`[{"id":"124375842267595332","name":"testchatroom","owner":"zp300"},{"id":"124375913398796852","name":"azpp","owner":"zp300"},{"id":"132598658687304132","name":"123456","owner":"55"}]`,
		`[{"id":"1432266600611977","name":"testchatroom"}]`,
		`[{"membersonly":false,"allowinvites":false,"public":true,"name":"hxt001room0516","description":"chatroom description","affiliations":[{"owner":"hxt001"}],"id":"1432259621444159","maxusers":2000,"affiliations_count":1}]`,
		`{}`,
		`{"description":true,"maxusers":true,"groupname":true}`,
		`{"success":true,"id":"1432259621444159"}`,
		`[{"member":"user1"},{"member":"user2"}]`,
		`{"result":true,"action":"add_member","id":"96330911796167468","user":"jianxin1"}`,
		`{"newmembers":["jianxin2"],"action":"add_member","id":"96330911796167468"}`,
		`{"result":true,"action":"remove_member","id":"96330911796167468","user":"jianxin1"}`,
		`[{"result":false,"action":"remove_member","id":"96330911796167468","user":"jianxin1"},{"result":true,"action":"remove_member","id":"96330911796167468","user":"jianxin2"}]`,
		`["z1"]`,
		`{"result":"success","newadmin":"z1"}`,
		`{"result":"success","oldadmin":"z1"}`,
		`[]`,
		`[{"result":true,"user":"z1"},{"result":true,"user":"z2"},{"result":true,"user":"z3"}]`,
		`[{"result":true,"user":"z1"},{"result":true,"user":"z2"},{"result":true,"user":"z3"}]`,
	}
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); n++ {
		res, err := http.DefaultClient.Do(curlRequest(t, lines.Text(), base, token))
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("line %d: %d\n%s\n%s", n+1, res.StatusCode, lines.Text(), data)
			continue
		}
		var got struct{ Data any }
		var wanted any
		if err := json.Unmarshal(data, &got); err != nil {
			t.Errorf("line %d: %v\n%s", n+1, err, data)
		}
		if err := json.Unmarshal([]byte(want[n]), &wanted); err != nil {
			t.Fatal(err)
		}
		if !holds(got.Data, wanted) {
			t.Errorf("line %d: %s\ngot  %s\nwant %s", n+1, lines.Text(), data, want[n])
		}
	}
	if n != len(want) {
		t.Errorf("%d lines, want %d", n, len(want))
	}
}

// holds reports whether got has at least everything that want has; lists have the same length. "*" is anything but nothing.
func holds(got, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for k, v := range w {
			inner, there := g[k]
			ok = ok && there && holds(inner, v)
		}
		return ok
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !holds(g[i], w[i]) {
				return false
			}
		}
		return true
	}
	return got == want || want == "*" && got != nil && got != ""
}

// dev runs the emulator until the end of the test.
func dev(t *testing.T) (base, token string) {
	t.Helper()
	text, log := &watched{ready: make(chan struct{})}, &bytes.Buffer{}
	cmd := exec.Command("teahouse", "dev", "--listen", "127.0.0.1:0", "--ops-listen", "off")
	cmd.Stdout, cmd.Stderr = text, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, log)
		}
	})
	select {
	case <-text.ready:
	case <-time.After(patience):
		t.Fatal("not ready")
	}
	for line := range strings.Lines(text.String()) {
		if v, ok := strings.CutPrefix(line, "listening on "); ok {
			base = strings.TrimSpace(v)
		}
		if v, ok := strings.CutPrefix(line, "app token "); ok {
			token = strings.TrimSpace(v)
		}
	}
	return base, token
}
