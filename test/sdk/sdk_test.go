// Package sdk_test drives published clients, unmodified, against the built server: their own tests are the judges of
// compatibility. The packages come from npm, in the versions of package-lock.json, into node_modules.
package sdk_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The app that the tests of easemob-sdk sign in to (its test/config.js).
const (
	app          = "youcheyue#unittest"
	clientID     = "YXA6h74SQIEiEeWqYtlGSgDVTQ"
	clientSecret = "YXA6tTIDQ9e5H4-EWpqCZBkSLvtEpPQ"
)

// suite is one file of the tests of easemob-sdk.
type suite struct {
	name  string
	cases int
	// passes lists the cases that pass, and checked says that no other may and all must. Unchecked suites are about
	// parts that are not built yet: their results are only told.
	passes  []string
	checked bool
	past    bool // the vendor's app, for which it was written, had a message to a user who is gone
}

func suites() []suite {
	return []suite{
		{name: "chatroom", cases: 10, checked: true, passes: []string{
			"Create chatroom", "Modify chatroom", "Remove chatroom", "Get all chatroom", "Get chatroom", "Get user chatroom",
			"Add member", "Add member batch", "Remove member", "Remove member batch",
		}},
		{name: "user", cases: 16, checked: true, past: true, passes: []string{
			"Create user", "Create user with nickname", "Batch create user", "Get user", "Batch get user with page", "Batch get user",
			"Reset user password", "Set user nickname", "Deactivate user", "Activate user", "Remove user", "Batch remove user",
			"Get user status", "Get user offline msg count", "Get user offline msg status", "Disconnect user",
		}},
		{name: "friend", cases: 6, checked: true, passes: []string{
			"add user for friend", "display user of friend", "delete user of friend",
			"add user for blocklist", "display user of blocklist", "delete user of blocklist",
		}},
		{name: "group", cases: 18, checked: true, passes: []string{
			"add a grouplist for chat", "delete a group  for chat", "display a grouplist for chat", "display a grouplist for many pages",
			"modify a groupinfo of group", "get a member of group", "add a user into group", "delete a user from group",
			"add many users into group", "delete many users from group", "get user of group", "modify owner of group",
			"add blacklist info group", "add many blacklist info group", "display a blacklist of group", "delete a blacklist of group",
			"delete many blacklists of group", "display a group detail",
		}},
		{name: "message", cases: 5, checked: true, passes: []string{
			"Send txt message", "Send img message", "Send audio message", "Send video message", "Send through message",
		}},
		{name: "file", cases: 3, checked: true, passes: []string{"Upload file", "Download file", "Download thumbnail"}},
		{name: "log", cases: 1, checked: true, passes: []string{"Export log"}},
	}
}

func TestEasemobSDK(t *testing.T) {
	readSources(t)
	install(t)
	binary := build(t)
	passed, all := 0, 0
	for _, s := range suites() {
		all += s.cases
		t.Run(s.name, func(t *testing.T) {
			address := serve(t, binary)
			if s.past {
				remember(t, address)
			}
			ran, got := run(t, s, address)
			passed += len(got)
			if ran != s.cases {
				t.Errorf("%d cases ran, want %d", ran, s.cases)
			}
			t.Logf("%s: %d of %d pass", s.name, len(got), s.cases)
			if s.checked {
				compare(t, got, s.passes)
			}
		})
	}
	summary := fmt.Sprintf("sdk: %d of %d pass", passed, all)
	fmt.Println(summary)
	t.Attr("report", summary)
}

// remember gives the app a past: a message to a user who is gone.
func remember(t *testing.T, address string) {
	t.Helper()
	base := address + "/" + strings.ReplaceAll(app, "#", "/")
	token := call(t, base+"/token", "", `{"grant_type":"client_credentials","client_id":"`+clientID+`","client_secret":"`+clientSecret+`"}`)
	call(t, base+"/messages/users/import", token["access_token"].(string), `{"from":"somebody","target":"formeruser","type":"txt","body":{"msg":"hello"}}`)
}

func call(t *testing.T, url, token, body string) (answer map[string]any) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v, %v", url, res.StatusCode, answer, err)
	}
	return answer
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("does not pass: %s", name)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("passes, but is not in the list of this test: %s", name)
		}
	}
}

// readSources opens every source of the server: the go command remembers a test's outcome until a file changes that the
// test itself opened, and the build happens in another process.
func readSources(t *testing.T) {
	t.Helper()
	for _, root := range []string{"../../cmd", "../../internal", "../../go.mod", "../../go.sum", "package-lock.json", "host.cjs", "web", examples} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "node_modules" {
				return fs.SkipDir
			}
			if err != nil || d.IsDir() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			return f.Close()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// unavailable skips the test, or fails it when TEAHOUSE_TEST_REQUIRE names the part.
func unavailable(t *testing.T, part, format string, args ...any) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("TEAHOUSE_TEST_REQUIRE"), ","), part) {
		t.Fatalf("required: "+format, args...)
	}
	t.Skipf("SKIPPED: "+format, args...)
}

// install fetches the packages of package-lock.json, unless they are there.
func install(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			unavailable(t, "sdk", "the clients' tests need %s: %v", tool, err)
		}
	}
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	stamp, mark := filepath.Join("node_modules", ".teahouse"), hex.EncodeToString(sum[:])
	if there, err := os.ReadFile(stamp); err == nil && string(there) == mark {
		return
	}
	// Nothing of these packages needs to run at installation.
	if out, err := exec.Command("npm", "ci", "--ignore-scripts").CombinedOutput(); err != nil {
		unavailable(t, "sdk", "npm ci: %v\n%s", err, out)
	}
	if err := os.WriteFile(stamp, []byte(mark), 0o644); err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "teahouse")
	cmd := exec.Command("go", "build", "-o", binary, "teahouse/cmd/teahouse")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// serve starts an emulator and returns its address; it is stopped with the test, and must end well.
func serve(t *testing.T, binary string) (address string) {
	t.Helper()
	cmd := exec.Command(binary, "dev", "--listen", "127.0.0.1:0", "--ops-listen", "off", "--log-level", "warn",
		"--app", app, "--client-id", clientID, "--client-secret", clientSecret)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended; Wait tells
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server did not end well: %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "listening on"); ok {
			address = strings.TrimSpace(rest)
		}
		if lines.Text() == "ready" {
			return address
		}
	}
	t.Fatal("the server ended before it was ready")
	return ""
}

// run runs a suite under mocha and returns the number of cases that ran and the names of those that pass: that of the outer block, which tells the
// case, while the case itself is mostly called "Should return OK".
func run(t *testing.T, s suite, address string) (ran int, passes []string) {
	t.Helper()
	result := filepath.Join(t.TempDir(), "result.json")
	patience := "10000"
	if !s.checked {
		patience = "1000" // their preparations wait in vain for what is not built yet
	}
	cmd := exec.Command("node", "node_modules/mocha/bin/mocha.js", "--require", "./host.cjs", "--timeout", patience, "--exit",
		"--reporter", "json", "--reporter-option", "output="+result, "node_modules/easemob-sdk/test/"+s.name+".test.js")
	cmd.Env = append(os.Environ(), "TEAHOUSE_URL="+address)
	out, failed := cmd.CombinedOutput() // mocha fails when a case does
	data, err := os.ReadFile(result)
	if err != nil {
		t.Fatalf("mocha: %v: %v\n%s", err, failed, out)
	}
	var told struct {
		Tests, Passes []struct{ Title, FullTitle string }
		Failures      []struct {
			FullTitle string
			Err       struct{ Message string }
		}
	}
	if err := json.Unmarshal(data, &told); err != nil {
		t.Fatal(err)
	}
	blocks := map[string]bool{} // that were begun: each has one case, which does not run when the block's preparation fails
	block := func(full, title string) string { return strings.TrimSpace(strings.TrimSuffix(full, title)) }
	for _, c := range told.Tests {
		blocks[block(c.FullTitle, c.Title)] = true
	}
	for _, p := range told.Passes {
		_, name, _ := strings.Cut(block(p.FullTitle, p.Title), "est ") // after "Chatroom Test " or "friend test "
		passes = append(passes, strings.TrimSpace(name))
	}
	for _, f := range told.Failures {
		if before, _, ok := strings.Cut(f.FullTitle, ` "before all" hook`); ok {
			blocks[before] = true
		}
		t.Logf("%s: %s", f.FullTitle, f.Err.Message)
	}
	return len(blocks), passes
}
