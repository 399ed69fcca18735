package thinksns

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"

	"teahouse/internal/im"
)

// formOverhead is how much longer than its file an upload may be, in bytes.
const formOverhead = 64 << 10

// streaming is a request's body whose limits of size and time a handler may replace: the server's are for small ones.
type streaming interface{ Stream(limit int64) }

type uploadAnswer struct {
	Message []string `json:"message"`
	ID      int64    `json:"id"`
}

// contentPath is where a picture is, on any host.
func contentPath(number int64) string { return prefix + picturePath + "/" + idText(number) }

// uploadFile is POST /files: an image in the part "file" of a form.
func (a *API) uploadFile(c *call) (answer, error) {
	limit := int64(c.app.Settings.FileSize) + formOverhead
	if body, can := c.r.Body.(streaming); can {
		body.Stream(limit)
	}
	if c.r.ContentLength > limit {
		return answer{}, im.ErrTooLarge
	}
	form, err := c.r.MultipartReader()
	if err != nil {
		return answer{}, noFile()
	}
	for range maxFields {
		part, err := form.NextPart()
		if err != nil {
			return answer{}, formError(err)
		}
		if part.FormName() == "file" {
			return a.keep(c, part, part.FileName())
		}
	}
	return answer{}, noFile()
}

func noFile() error { return faults{{"file", []string{textNoFile}}} }

// formError is the error of a form that could not be read to its end.
func formError(err error) error {
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) || errors.Is(err, im.ErrTooLarge) {
		return im.ErrTooLarge
	}
	if known := (*im.Error)(nil); errors.As(err, &known) {
		return known
	}
	return noFile()
}

// formReader words the errors of a form that is handed to the domain.
type formReader struct{ *multipart.Part }

// Read implements [io.Reader].
func (r formReader) Read(p []byte) (int, error) {
	n, err := r.Part.Read(p)
	if err != nil && err != io.EOF {
		err = formError(err)
		if _, broken := err.(faults); broken {
			err = im.ErrInvalid.Because(err)
		}
	}
	return n, err
}

// keep stores an image, which anybody may see; others are refused, so that we do not serve strangers' pages.
func (a *API) keep(c *call, part *multipart.Part, name string) (answer, error) {
	up, err := a.svc.Receive(c.ctx(), c.caller, formReader{part})
	if err != nil {
		return answer{}, err
	}
	kind := http.DetectContentType(up.Head)
	if !isShown(kind) {
		a.svc.Discard(c.ctx(), up)
		return answer{}, noFile()
	}
	f, _, err := a.svc.KeepFile(c.ctx(), c.caller, up, im.NewFile{Purpose: im.PublicPicture, Name: name, Mime: kind})
	return created(uploadAnswer{[]string{textUploaded}, f.Number}), err
}

// isShown reports whether browsers show such a file as an image and nothing else.
func isShown(kind string) bool {
	return slices.Contains([]string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp"}, kind)
}

// uploadedFile is GET /files/uploaded/{md5}: Android asks whether it need not upload. What is in use already gets another
// number, for a number is used once (wire/thinksns.md §7.1).
func (a *API) uploadedFile(c *call) (answer, error) {
	var sum im.MD5
	text := c.r.PathValue("md5")
	if n, err := hex.Decode(sum[:], []byte(text[:min(len(text), 2*len(sum))])); err != nil || n != len(sum) || len(text) != 2*len(sum) {
		return answer{}, im.ErrFileNotFound
	}
	f, err := a.svc.PictureByMD5(c.ctx(), c.app, c.caller.User, sum)
	if err == nil && (f.UsedBy != "" || f.Owner != c.caller.User) {
		f, err = a.again(c.ctx(), c, f)
	}
	return ok(uploadAnswer{[]string{"success"}, f.Number}), err
}

// again keeps the bytes of a picture once more, as the caller's.
func (a *API) again(ctx context.Context, c *call, f im.File) (im.File, error) {
	open, err := a.svc.OpenPicture(ctx, c.app, f.Number, false)
	if err != nil {
		return im.File{}, err
	}
	defer func() { _ = open.Close() }() // only read
	up, err := a.svc.Receive(ctx, c.caller, open)
	if err != nil {
		return im.File{}, err
	}
	again, _, err := a.svc.KeepFile(ctx, c.caller, up, im.NewFile{Purpose: im.PublicPicture, Name: f.Name, Mime: f.Mime})
	return again, err
}

// pictureOf returns the image of the path.
func (a *API) pictureOf(c *call) (im.File, error) {
	n, isNumber := whole(c.r.PathValue("id"))
	if !isNumber {
		return im.File{}, im.ErrFileNotFound
	}
	return a.svc.PictureByNumber(c.ctx(), c.app, n)
}

// fileAddress is GET /files/{id}: it leads to the image or, with "json", tells where it is.
func (a *API) fileAddress(c *call) (answer, error) {
	f, err := a.pictureOf(c)
	if err != nil {
		return answer{}, err
	}
	address := a.fileURL(c, f.Number)
	if _, asked := c.in["json"]; asked {
		return ok(struct {
			URL string `json:"url"`
		}{address}), nil
	}
	return answer{status: http.StatusFound, header: [2]string{"Location", address}}, nil
}

// fileContent is GET /pictures/{id}.
func (a *API) fileContent(c *call) (answer, error) {
	f, err := a.pictureOf(c)
	if err != nil {
		return answer{}, err
	}
	open, err := a.svc.OpenPicture(c.ctx(), c.app, f.Number, false)
	return answer{status: http.StatusOK, file: &open}, err
}

func serveFile(c *call, f *im.Opened) {
	defer func() { _ = f.Close() }() // only read
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	if isShown(f.Mime) {
		h.Set("Content-Type", f.Mime)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", `"`+hex.EncodeToString(f.MD5[:])+`"`)
	http.ServeContent(c.w, c.r, "", f.Created, f)
}

// upload reads the number of an upload that becomes a person's picture; an empty one unsets it, nil is none sent.
func (a *API) upload(c *call, k *rules, field string) (*im.Picture, error) {
	v, sent := c.in[field]
	if !sent {
		return nil, nil
	}
	if v == nil {
		return &im.Picture{}, nil
	}
	n, isNumber := whole(v)
	if !isNumber {
		k.fail(field, textInteger(field))
		return nil, nil
	}
	f, err := a.svc.PictureByNumber(c.ctx(), c.app, n)
	if errors.Is(err, im.ErrFileNotFound) {
		k.fail(field, textFileGone)
		return nil, nil
	}
	return &im.Picture{URL: contentPath(n), Vendor: "local", Mime: f.Mime, Size: f.Size, Width: f.Width, Height: f.Height}, err
}
