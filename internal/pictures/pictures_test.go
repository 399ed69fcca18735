package pictures

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"teahouse/internal/im"
)

// halves is an image whose left half is red and whose right half is transparent.
func halves(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for x := range w / 2 {
		for y := range h {
			m.SetNRGBA(x, y, color.NRGBA{255, 0, 0, 255})
		}
	}
	return m
}

func encoded(t testing.TB, format string, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, m)
	case "gif":
		err = gif.Encode(&b, m, nil)
	case "jpeg":
		err = jpeg.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestMeasure(t *testing.T) {
	for _, format := range []string{"png", "gif", "jpeg"} {
		got, ok := New().Measure(bytes.NewReader(encoded(t, format, halves(30, 20))))
		if want := (im.Measured{Mime: "image/" + format, Width: 30, Height: 20}); !ok || got != want {
			t.Errorf("got %v %v, want %v", got, ok, want)
		}
	}
	for _, text := range []string{"", "text", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF89a"} {
		if got, ok := New().Measure(bytes.NewReader([]byte(text))); ok {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestThumbnail(t *testing.T) {
	for _, c := range []struct{ w, h, width, height, wantW, wantH int }{
		{400, 200, 100, 100, 100, 50}, {200, 400, 100, 100, 50, 100}, {30, 20, 100, 100, 30, 20}, {1000, 2, 100, 100, 100, 1},
		{2, 1000, 100, 100, 1, 100}, {1, 1, 1, 1, 1, 1}, {173, 91, 170, 170, 170, 89},
	} {
		for _, format := range []string{"png", "gif", "jpeg"} {
			made, ok, err := New().Thumbnail(t.Context(), bytes.NewReader(encoded(t, format, halves(c.w, c.h))), c.width, c.height)
			if err != nil || !ok {
				t.Fatalf("%v %s: %v %v", c, format, ok, err)
			}
			m, err := jpeg.Decode(bytes.NewReader(made))
			if err != nil {
				t.Fatal(err)
			}
			if b := m.Bounds(); b.Dx() != c.wantW || b.Dy() != c.wantH {
				t.Errorf("%v %s: got %v", c, format, b)
			}
		}
	}
}

// TestColours: halves stay halves, and what is transparent becomes white.
func TestColours(t *testing.T) {
	made, _, err := New().Thumbnail(t.Context(), bytes.NewReader(encoded(t, "png", halves(640, 640))), 64, 64)
	if err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(bytes.NewReader(made))
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range map[int][3]uint8{8: {255, 0, 0}, 56: {255, 255, 255}} {
		r, g, b, _ := m.At(x, 30).RGBA()
		for i, v := range []uint32{r, g, b} {
			if d := int(v>>8) - int(want[i]); d < -12 || d > 12 {
				t.Errorf("at %d: got %d %d %d, want %v", x, r>>8, g>>8, b>>8, want)
			}
		}
	}
}

// bomb is a PNG of a few bytes that claims to be large.
func bomb(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	head = append(head, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

// TestBombs: what would take much memory is measured at most, and never decoded.
func TestBombs(t *testing.T) {
	for _, b := range [][]byte{bomb(60_000, 60_000), bomb(6000, 6000), bomb(1<<31-1, 1<<31-1)} {
		got := testing.AllocsPerRun(1, func() {
			if made, ok, err := New().Thumbnail(t.Context(), bytes.NewReader(b), 100, 100); ok || err != nil {
				t.Errorf("got %d bytes, %v", len(made), err)
			}
		})
		if got > 1000 {
			t.Errorf("%v allocations", got)
		}
	}
	if _, ok := New().Measure(bytes.NewReader(bomb(1<<31-1, 1))); ok {
		t.Error("measures what no image is")
	}
	for _, c := range []struct {
		model       color.Model
		w, h        int
		progressive bool
		want        bool
	}{
		{color.YCbCrModel, 7000, 4600, false, true}, {color.YCbCrModel, 7000, 4600, true, false}, {color.YCbCrModel, 2500, 2500, true, true},
		{color.NRGBA64Model, 4000, 4000, false, false}, {color.NRGBAModel, 4000, 4000, false, true}, {color.GrayModel, 0, 5, false, false},
	} {
		if got := bearable(image.Config{ColorModel: c.model, Width: c.w, Height: c.h}, c.progressive); got != c.want {
			t.Errorf("%v: got %v", c, got)
		}
	}
}

// emptyFrame is a GIF whose one frame has so many columns and rows of the picture, and no pixel.
func emptyFrame(w, h byte) []byte {
	return []byte("GIF89a\xff\x00\xff\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00" + string([]byte{w, 0, h, 0}) + "\x00\x02\x01\x2c\x00;")
}

// TestEmptyFrames: of a picture without a pixel there is no thumbnail.
func TestEmptyFrames(t *testing.T) {
	for _, c := range [][2]byte{{0, 0}, {0, 200}, {200, 0}} {
		if made, ok, err := New().Thumbnail(t.Context(), bytes.NewReader(emptyFrame(c[0], c[1])), 100, 100); ok || err != nil {
			t.Errorf("%v: got %d bytes, %v", c, len(made), err)
		}
	}
}

func TestProgressive(t *testing.T) {
	for text, want := range map[string]bool{
		"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x11": true, "\xff\xd8\xff\xff\xc2\x00\x11": true, "\xff\xd8\xff\xc0\x00\x11\xff\xc2\x00\x11": false,
		"\xff\xd8": false, "": false, "\xff\xd8\xff\xe0\xff\xff": false, "\x89PNG\xff\xc2\x00\x00": false,
	} {
		if got := progressive([]byte(text)); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func FuzzThumbnail(f *testing.F) {
	for _, format := range []string{"png", "gif", "jpeg"} {
		f.Add(encoded(f, format, halves(9, 5)), 4, 4)
	}
	f.Add(bomb(60_000, 60_000), 170, 170)
	f.Add(emptyFrame(200, 0), 170, 170)
	f.Fuzz(func(t *testing.T, data []byte, width, height int) {
		if len(data) > 4096 || width < 1 || height < 1 || width > 200 || height > 200 {
			return
		}
		made, ok, err := New().Thumbnail(t.Context(), bytes.NewReader(data), width, height)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return
		}
		if m, ok := New().Measure(bytes.NewReader(made)); !ok || m.Width > width || m.Height > height {
			t.Errorf("a thumbnail of %v for %d×%d", m, width, height)
		}
	})
}
