// Package pictures measures images and makes thumbnails: the adapter of im.Pictures. It reads JPEG, PNG and GIF.
package pictures

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif" // a format that image.Decode reads
	"image/jpeg"
	_ "image/png" // a format that image.Decode reads
	"io"

	"teahouse/internal/im"
)

// Pictures decodes a few images at a time, because each may take much memory.
type Pictures struct{ turns chan struct{} }

const (
	// maxDecoded bounds the memory of decoding one image, in bytes: 33 million pixels of a JPEG, 12 of a deep PNG. A few
	// kilobytes of a file may claim to be gigapixels.
	maxDecoded = 96 << 20
	maxSide    = 1 << 16 // of what is measured
	turns      = 2
	maxHeader  = 1 << 20 // how far into a file its dimensions are looked for
	quality    = 80      // of thumbnails
)

// New returns an adapter that decodes two images at a time.
func New() *Pictures { return &Pictures{make(chan struct{}, turns)} }

// Measure implements [im.Pictures].
func (p *Pictures) Measure(r io.Reader) (m im.Measured, ok bool) {
	config, format, err := image.DecodeConfig(io.LimitReader(r, maxHeader))
	if err != nil || config.Width < 1 || config.Height < 1 || config.Width >= maxSide || config.Height >= maxSide {
		return im.Measured{}, false
	}
	return im.Measured{Mime: "image/" + format, Width: config.Width, Height: config.Height}, true
}

// Thumbnail implements [im.Pictures].
func (p *Pictures) Thumbnail(ctx context.Context, r io.Reader, width, height int) (thumbnail []byte, ok bool, err error) {
	var head bytes.Buffer
	config, _, err := image.DecodeConfig(io.TeeReader(io.LimitReader(r, maxHeader), &head))
	if err != nil || !bearable(config, progressive(head.Bytes())) {
		return nil, false, nil
	}
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	source, _, err := image.Decode(io.MultiReader(&head, r))
	if err != nil || source.Bounds().Empty() { // its head promised more than it holds
		return nil, false, nil
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, scale(source, width, height), &jpeg.Options{Quality: quality}); err != nil {
		return nil, false, err
	}
	return out.Bytes(), true, nil
}

// bearable reports whether decoding the image takes little enough memory.
func bearable(c image.Config, progressive bool) bool {
	if c.Width < 1 || c.Height < 1 || c.Width >= maxSide || c.Height >= maxSide {
		return false
	}
	perPixel := 4
	switch c.ColorModel {
	case color.YCbCrModel:
		perPixel = 3
	case color.NRGBA64Model, color.RGBA64Model:
		perPixel = 8
	}
	if progressive {
		perPixel *= 5 // all coefficients are kept besides
	}
	return c.Width*c.Height*perPixel <= maxDecoded
}

// progressive reports whether the head of a file is that of a progressive JPEG: whether of its segments the frame's is of
// the second sort.
func progressive(head []byte) bool {
	const start, baseline, second = 0xD8, 0xC0, 0xC2
	if len(head) < 2 || head[0] != 0xFF || head[1] != start {
		return false
	}
	for at := 2; at+4 <= len(head) && head[at] == 0xFF; {
		switch marker := head[at+1]; {
		case marker == 0xFF: // padding
			at++
			continue
		case marker == second:
			return true
		case marker == baseline || marker == baseline+1:
			return false
		}
		at += 2 + int(head[at+2])<<8 + int(head[at+3])
	}
	return false
}

// scale returns the image over white, in the box but not enlarged, with its proportions. Every pixel is the mean of those
// that it stands for. They are read a row at a time.
func scale(source image.Image, width, height int) image.Image {
	b := source.Bounds()
	w, h := fit(b.Dx(), b.Dy(), width, height)
	target := image.NewRGBA(image.Rect(0, 0, w, h))
	row := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	sums := make([][4]int, w) // red, green, blue, and how many
	for y := range b.Dy() {
		draw.Draw(row, row.Bounds(), image.White, image.Point{}, draw.Src)
		draw.Draw(row, row.Bounds(), source, image.Pt(b.Min.X, b.Min.Y+y), draw.Over)
		for x := range b.Dx() {
			sum, pixel := &sums[x*w/b.Dx()], row.Pix[4*x:4*x+3]
			sum[0] += int(pixel[0])
			sum[1] += int(pixel[1])
			sum[2] += int(pixel[2])
			sum[3]++
		}
		line := y * h / b.Dy()
		if (y+1)*h/b.Dy() == line {
			continue // more rows belong to this line
		}
		for x, s := range sums {
			target.SetRGBA(x, line, color.RGBA{uint8(s[0] / s[3]), uint8(s[1] / s[3]), uint8(s[2] / s[3]), 255})
		}
		clear(sums)
	}
	return target
}

// fit returns the size of an image in a box.
func fit(w, h, width, height int) (int, int) {
	if w > width {
		w, h = width, max(h*width/w, 1)
	}
	if h > height {
		w, h = max(w*height/h, 1), height
	}
	return w, h
}
