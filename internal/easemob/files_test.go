package easemob_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"teahouse/internal/transcripttest"
)

// upload uploads one file as user1 and returns its path.
func (w *world) upload(name, kind, bytes string) string {
	w.t.Helper()
	rec := w.do("user1", http.MethodPost, base+"/chatfiles", transcripttest.Form("file=@"+name+"|"+kind+"|"+bytes), "Content-Type: "+transcripttest.FormType)
	var answer struct {
		Entities []struct{ UUID string }
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || len(answer.Entities) != 1 {
		w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return base + "/chatfiles/" + answer.Entities[0].UUID
}

// noise is a PNG that does not compress well.
func noise(t *testing.T, side int) string {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for i, n := 0, uint32(1); i < len(m.Pix); i++ {
		n = n*1664525 + 1013904223
		m.Pix[i] = uint8(n >> 24)
	}
	m.Set(0, 0, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestThumbnail: thumbnails are other bytes than their images (wire/clients.md §1.11), whoever asks how.
func TestThumbnail(t *testing.T) {
	w := newWorld(t, nil)
	original := noise(t, 300)
	path := w.upload("noise.png", "application/octet-stream", original)
	rec := w.do("", "GET", path, "")
	if h := rec.Header(); rec.Body.String() != original || h.Get("Content-Type") != "image/png" || h.Get("Content-Disposition") != "inline; filename=noise.png" {
		t.Errorf("%d %v, %d bytes", rec.Code, h, rec.Body.Len())
	}
	for _, c := range []struct{ target, header string }{{path, "thumbnail: true"}, {path + "?em-redirect=true&thumbnail=true", "X: y"}} {
		rec := w.do("", "GET", c.target, "", c.header)
		m, format, err := image.DecodeConfig(bytes.NewReader(rec.Body.Bytes()))
		if err != nil || format != "jpeg" || m.Width != 170 || m.Height != 170 || rec.Header().Get("Content-Type") != "image/jpeg" {
			t.Errorf("%v: %d %s %v %v", c, rec.Code, format, m, err)
		}
	}
}

// TestDownloads: bytes are answered as HTTP asks for them, and do nothing in a browser.
func TestDownloads(t *testing.T) {
	w := newWorld(t, nil)
	path := w.upload("page.html", "text/html", "<script>alert(1)</script>")
	rec := w.do("", "GET", path, "")
	for key, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Content-Disposition": "attachment; filename=page.html", "Content-Type": "text/html", "Accept-Ranges": "bytes", "Access-Control-Allow-Origin": "*"} {
		if got := rec.Header().Get(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	tag := rec.Header().Get("Etag")
	for header, want := range map[string]struct {
		status int
		body   string
	}{"Range: bytes=1-6": {206, "script"}, "Range: bytes=99-": {416, "invalid range: failed to overlap\n"}, "If-None-Match: " + tag: {304, ""}} {
		if rec := w.do("", "GET", path, "", header); rec.Code != want.status || rec.Body.String() != want.body {
			t.Errorf("%s: got %d %q, want %v", header, rec.Code, rec.Body, want)
		}
	}
	for kind, want := range map[string]string{"image/svg+xml": "attachment", "audio/amr": "inline", "video/mp4": "inline", "application/pdf": "attachment", "": "attachment"} {
		rec := w.do("", "GET", w.upload("x", kind, "<svg/>"), "")
		if how, _, _ := strings.Cut(rec.Header().Get("Content-Disposition"), ";"); how != want {
			t.Errorf("%s: got %s, want %s", kind, how, want)
		}
	}
}

// FuzzUpload: whatever comes as a form, the answer is one of the documented ones.
func FuzzUpload(f *testing.F) {
	f.Add(transcripttest.Form("file=@a|text/plain|hello"), transcripttest.FormType)
	f.Add(transcripttest.Form("thumbnail-width=9999999999 & file=@a|image/png|\x89PNG"), transcripttest.FormType)
	f.Add("--limit\r\n\r\n", "multipart/mixed; boundary=limit")
	f.Add("", "multipart/form-data")
	w := newWorld(f, map[string]string{"file_max_size": "2000"})
	f.Fuzz(func(t *testing.T, body, kind string) {
		if strings.ContainsAny(kind, "\r\n\x00") {
			return
		}
		w.t = t
		rec := w.do("user1", http.MethodPost, base+"/chatfiles", body, "Content-Type:"+kind)
		switch rec.Code {
		case 200, 400, 413, 415:
		default:
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	})
}
