package script

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"teahouse/internal/plustest"
)

// send makes the request with $TOKEN and returns its status and body, unpacked.
func send(ts *testscript.TestScript, method, url string, header http.Header, body io.Reader) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	ts.Check(err)
	req.Header = header
	if token := ts.Getenv("TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	packed := io.Reader(res.Body)
	if res.Header.Get("Content-Type") == "application/gzip" {
		packed, err = gzip.NewReader(res.Body)
		ts.Check(err)
	}
	data, err := io.ReadAll(packed)
	ts.Check(err)
	return res.StatusCode, string(data)
}

// headers takes "-H NAME:VALUE" off the front of a command's arguments.
func headers(args []string) (http.Header, []string) {
	h := http.Header{}
	for len(args) > 1 && args[0] == "-H" {
		name, value, _ := strings.Cut(args[1], ":")
		h.Set(name, strings.TrimSpace(value))
		args = args[2:]
	}
	return h, args
}

// request is [-H NAME:VALUE]… STATUS METHOD URL [BODY].
func request(ts *testscript.TestScript, args []string) (status int, body, wanted string) {
	h, args := headers(args)
	if len(args) == 3 {
		args = append(args, "")
	}
	status, body = send(ts, args[1], args[2], h, strings.NewReader(args[3]))
	return status, body, args[0]
}

// answered keeps the answer in the file answer, and wants a status.
func answered(ts *testscript.TestScript, status int, body, wanted string) {
	ts.Check(os.WriteFile(ts.MkAbs("answer"), []byte(body), 0o600))
	if strconv.Itoa(status) != wanted {
		ts.Fatalf("%d, want %s\n%s", status, wanted, body)
	}
}

// ask [-H NAME:VALUE]… STATUS METHOD URL [BODY] wants that status. The answer is in the file answer.
func ask(ts *testscript.TestScript, _ bool, args []string) {
	status, body, wanted := request(ts, args)
	answered(ts, status, body, wanted)
}

// until is ask, repeated for up to 3 seconds: what another process changed is seen after one (ADR 5).
func until(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); <-tick.C {
		if status, _, wanted := request(ts, args); strconv.Itoa(status) == wanted {
			return
		}
	}
	ask(ts, false, args)
}

// upload [-H NAME:VALUE]… STATUS URL FILE sends a file as the part "file" of a form.
func upload(ts *testscript.TestScript, _ bool, args []string) {
	h, args := headers(args)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", filepath.Base(args[2]))
	ts.Check(err)
	_, err = io.WriteString(part, ts.ReadFile(args[2]))
	ts.Check(err)
	ts.Check(w.Close())
	h.Set("Content-Type", w.FormDataContentType())
	status, body := send(ts, "POST", args[1], h, &form)
	answered(ts, status, body, args[0])
}

// picture NAME writes an image of noise, too large to be its own thumbnail.
func picture(ts *testscript.TestScript, _ bool, args []string) {
	img := image.NewGray(image.Rect(0, 0, 240, 180))
	noise := rand.NewPCG(1, 2)
	for i := range img.Pix {
		img.Pix[i] = byte(noise.Uint64())
	}
	var b bytes.Buffer
	ts.Check(png.Encode(&b, img))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

// people NAME FROM TO writes a CSV file of people with these numbers and a hash of the password "secret".
func people(ts *testscript.TestScript, _ bool, args []string) {
	from, err := strconv.Atoi(args[1])
	ts.Check(err)
	to, err := strconv.Atoi(args[2])
	ts.Check(err)
	const hash = "$2y$04$sguCR7trA4kdTxJN.yTMgOmG0i0u5URStSUE5GMMcytCxbp/UiSHm"
	text := "id,name,password\n"
	for n := from; n <= to; n++ {
		text += fmt.Sprintf("%d,person%d,%s\n", n, n, hash)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// at finds what stands at a path such as data/0/id; "." is the whole, "length" is that of a list.
func at(ts *testscript.TestScript, path string) (any, bool) {
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile("answer")))
	dec.UseNumber()
	var v any
	ts.Check(dec.Decode(&v))
	for name := range strings.SplitSeq(path, "/") {
		if name == "." { // the whole
			continue
		}
		switch in := v.(type) {
		case map[string]any:
			inner, ok := in[name]
			if !ok {
				return nil, false
			}
			v = inner
		case []any:
			if name == "length" {
				return json.Number(strconv.Itoa(len(in))), true
			}
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(in) {
				return nil, false
			}
			v = in[n]
		default:
			return nil, false
		}
	}
	return v, true
}

// scalar writes what is neither a list nor an object.
func scalar(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v) // came from JSON
	return string(b)
}

// want PATH VALUE compares a part of the last answer: with a value in JSON if it begins with { [ or ", of which the answer
// may have more names, else with a text. "! want PATH" wants nothing there.
func want(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 && !(neg && len(args) == 1) {
		ts.Fatalf("usage: want PATH VALUE, or ! want PATH")
	}
	got, ok := at(ts, args[0])
	switch {
	case neg && ok:
		ts.Fatalf("%s is %s", args[0], scalar(got))
	case neg:
		return
	case !ok:
		ts.Fatalf("nothing at %s of %s", args[0], ts.ReadFile("answer"))
	}
	same := scalar(got) == args[1]
	if strings.ContainsAny(args[1][:min(1, len(args[1]))], `{["`) {
		dec := json.NewDecoder(strings.NewReader(args[1]))
		dec.UseNumber()
		var wanted any
		ts.Check(dec.Decode(&wanted))
		same = holds(got, wanted)
	}
	if !same {
		ts.Fatalf("%s: got %s, want %s", args[0], scalar(got), args[1])
	}
}

// take NAME PATH sets a variable to a part of the last answer.
func take(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := at(ts, args[1])
	if !ok {
		ts.Fatalf("nothing at %s of %s", args[1], ts.ReadFile("answer"))
	}
	ts.Setenv(args[0], scalar(v))
}

// setenv NAME FILE sets a variable to what a file holds.
func setenv(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// moment NAME OFFSET sets NAME to the hour that was or will be then in UTC, yyyyMMddHH, and NAME_MS to its middle in
// milliseconds.
func moment(ts *testscript.TestScript, _ bool, args []string) {
	offset, err := time.ParseDuration(args[1])
	ts.Check(err)
	hour := time.Now().Add(offset).UTC().Truncate(time.Hour)
	ts.Setenv(args[0], hour.Format("2006010215"))
	ts.Setenv(args[0]+"_MS", strconv.FormatInt(hour.Add(30*time.Minute).UnixMilli(), 10))
}

// plus stands in for a ThinkSNS+, whose address is then in $PLUS:
//
//	plus person ID NAME    it has this user
//	plus login ID NAME     sets NAME to a token of the user
//	plus logout TOKEN      ends it
//	plus file ID URL       it has this upload
//	plus fail STATUS       it answers so, whatever is asked
//	plus well              it answers as it should again
func plus(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		w := worldOf(ts)
		if w.plus == nil {
			w.plus = plustest.New(t)
			ts.Setenv("PLUS", w.plus.URL)
		}
		s := w.plus
		number := func(i int) int64 {
			n, err := strconv.ParseInt(args[i], 10, 64)
			ts.Check(err)
			return n
		}
		switch args[0] {
		case "person":
			s.Add(plustest.User{ID: number(1), Name: args[2]})
		case "login":
			ts.Setenv(args[2], s.Login(number(1)))
		case "logout":
			s.Logout(args[1])
		case "file":
			s.AddFile(number(1), args[2])
		case "fail":
			s.Fail(int(number(1)), "")
		case "well":
			s.Answer(nil)
		default:
			ts.Fatalf("plus %s?", args[0])
		}
	}
}
