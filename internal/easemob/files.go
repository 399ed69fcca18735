package easemob

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"teahouse/internal/im"
)

const (
	// formOverhead is how much longer than its file an upload may be, in bytes: other parts, headers, boundaries.
	formOverhead = 64 << 10
	maxParts     = 32
	maxPartValue = 64 // bytes of a part that is read besides the file
)

// streaming is a request's body whose limits of size and time a handler may replace: the server's are for small ones.
type streaming interface{ Stream(limit int64) }

// upload is what came in a form.
type upload struct {
	*im.Upload
	file im.NewFile
}

// upload receives the part "file" of a multipart body as it comes; nothing of it is kept in memory (wire/clients.md §1.11).
// Errors: ErrMediaType, ErrFieldMissing, ErrTooLarge, ErrInvalid.
func (a *API) upload(c *call) (up upload, err error) {
	limit := int64(c.app.Settings.FileSize) + formOverhead
	if body, ok := c.r.Body.(streaming); ok {
		body.Stream(limit)
	}
	if c.r.ContentLength > limit {
		return upload{}, im.ErrTooLarge
	}
	form, err := c.r.MultipartReader()
	if err != nil {
		return upload{}, im.ErrMediaType.Because(err)
	}
	defer func() {
		if err != nil && up.Upload != nil {
			a.svc.Discard(c.r.Context(), up.Upload)
		}
	}()
	up.file = im.NewFile{Purpose: im.Attachment, Restricted: strings.EqualFold(c.r.Header.Get("restrict-access"), "true")}
	up.file.Width, up.file.Height = atoi(c.r.Header.Get("thumbnail-width")), atoi(c.r.Header.Get("thumbnail-height"))
	for range maxParts {
		part, err := form.NextRawPart()
		if err == io.EOF {
			if up.Upload == nil {
				return up, im.ErrFieldMissing.With("file")
			}
			return up, nil
		}
		if err == nil {
			err = a.part(c, part, &up)
		}
		if err != nil {
			return up, formError(err)
		}
	}
	return up, im.ErrInvalid.With("multipart body")
}

// part reads one part of an upload.
func (a *API) part(c *call, part *multipart.Part, up *upload) (err error) {
	switch part.FormName() {
	case "file":
		if up.Upload != nil {
			return im.ErrInvalid.With("file")
		}
		if up.Upload, err = a.svc.Receive(c.r.Context(), c.caller, bodyReader{part}); err != nil {
			return err
		}
		up.file.Name, up.file.Mime = part.FileName(), mimeOf(part.Header.Get("Content-Type"), up.Head)
	case "thumbnail-width":
		up.file.Width, err = partNumber(part)
	case "thumbnail-height":
		up.file.Height, err = partNumber(part)
	}
	return err
}

func partNumber(part io.Reader) (int, error) {
	value, err := io.ReadAll(io.LimitReader(part, maxPartValue))
	return atoi(string(value)), err
}

// atoi reads a number; what is none is 0, which means that none was given.
func atoi(s string) int {
	n, _ := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
	return int(n)
}

// bodyReader words the errors of a body that is handed to the domain.
type bodyReader struct{ io.Reader }

// Read implements [io.Reader].
func (r bodyReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = formError(err)
	}
	return n, err
}

// formError is the error of a body that could not be read.
func formError(err error) error {
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return im.ErrTooLarge
	}
	if known := (*im.Error)(nil); errors.As(err, &known) {
		return known
	}
	return im.ErrInvalid.With("multipart body").Because(err)
}

// mimeOf is the type that a part names, or that its first bytes show.
func mimeOf(named string, head []byte) string {
	kind, _, err := mime.ParseMediaType(named)
	if err != nil || kind == "application/octet-stream" {
		kind, _, _ = mime.ParseMediaType(http.DetectContentType(head))
	}
	return kind
}

// fileEntity is an uploaded file in the answers of family B.
type fileEntity struct {
	UUID   im.FileID `json:"uuid"`
	Type   string    `json:"type"`
	Secret string    `json:"share-secret,omitempty"`
}

// POST /{org}/{app}/chatfiles
func (a *API) uploadFile(c *call) (answer, error) {
	up, err := a.upload(c)
	if err != nil {
		return answer{}, err
	}
	f, secret, err := a.svc.KeepFile(c.r.Context(), c.caller, up.Upload, up.file)
	return answer{path: "/chatfiles", entities: []fileEntity{{f.ID, "chatfile", secret}}}, err
}

// GET /{org}/{app}/chatfiles/{file}: with a share-secret and thumbnail, each as header or in the query.
func (a *API) downloadFile(c *call) (answer, error) {
	key := im.FileKey{ID: c.file(), Secret: c.r.Header.Get("share-secret"), Thumbnail: c.thumbnail()}
	if key.Secret == "" && c.has("share-secret") {
		key.Secret, key.InAddress = c.query.Get("share-secret"), true
	}
	f, err := a.svc.OpenFile(c.r.Context(), c.caller, key)
	if err != nil {
		if c.denied != nil && errors.Is(err, im.ErrUnauthenticated) {
			err = c.denied
		}
		return answer{}, err
	}
	return serveFile(c, f), nil
}

func (c *call) file() im.FileID { return im.FileID(strings.ToLower(c.r.PathValue("file"))) }

func (c *call) thumbnail() bool {
	return strings.EqualFold(c.r.Header.Get("thumbnail"), "true") || strings.EqualFold(c.query.Get("thumbnail"), "true")
}

// serveFile answers with the bytes of a file, as HTTP asks for them: whole, in ranges, or not again. What users upload must
// not run in the name of the server's origin.
func serveFile(c *call, f im.Opened) answer {
	return answer{serve: func() {
		defer f.Close()
		kind, mark := f.Mime, string(f.ID)
		if f.IsThumbnail {
			kind, mark = "image/jpeg", mark+"-thumbnail"
		}
		if kind == "" {
			kind = "application/octet-stream"
		}
		h := c.w.Header()
		h.Set("Content-Type", kind)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Content-Disposition", disposition(kind, f.Name))
		h.Set("Etag", `"`+mark+`"`)
		h.Set("Cache-Control", "private, max-age=86400")
		h.Set("Vary", "Authorization, share-secret, thumbnail")
		http.ServeContent(c.w, c.r, "", f.Created, f)
	}}
}

// disposition offers for download what a browser might run.
func disposition(kind, name string) string {
	how := "attachment"
	switch family, sub, _ := strings.Cut(kind, "/"); {
	case family == "audio", family == "video", family == "image" && !strings.Contains(sub, "svg") && !strings.Contains(sub, "xml"):
		how = "inline"
	}
	if name == "" {
		return how
	}
	if text := mime.FormatMediaType(how, map[string]string{"filename": name}); text != "" {
		return text
	}
	return how
}

// sharedFile is a shared file in lists; what an app token shared has no owner in the domain.
type sharedFile struct {
	ID      im.FileID `json:"file_id"`
	Name    string    `json:"file_name"`
	Owner   string    `json:"file_owner"`
	Size    int64     `json:"file_size"`
	Created int64     `json:"created"`
}

const appOwner = "@ppAdmin"

// GET /{org}/{app}/chatrooms/{id}/share_files
func (a *API) listSharedFiles(c *call) (answer, error) {
	page, err := c.page(1000, 1000)
	if err != nil {
		return answer{}, err
	}
	files, err := a.svc.SharedFiles(c.r.Context(), c.caller, c.kind(), c.room(), page)
	data := make([]sharedFile, len(files))
	for i, f := range files {
		data[i] = sharedFile{f.ID, f.Name, string(f.Owner), f.Size, millis(f.Created)}
		if f.Owner == "" {
			data[i].Owner = appOwner
		}
	}
	return answer{data: data, count: count(len(data))}, err
}

// roomFile names the room of a shared file: id for chatrooms, group_id for groups (wire/easemob.md §5.7, §6.9).
type roomFile struct {
	URL     string    `json:"file_url,omitempty"`
	Room    im.RoomID `json:"id,omitempty"`
	Group   im.RoomID `json:"group_id,omitempty"`
	Name    string    `json:"file_name,omitempty"`
	Created int64     `json:"created,omitempty"`
	ID      im.FileID `json:"file_id"`
	Size    *int64    `json:"file_size,omitempty"`
	Result  bool      `json:"result,omitempty"`
}

func (c *call) roomFile(id im.FileID) roomFile {
	if c.kind() == im.Group {
		return roomFile{ID: id, Group: c.room()}
	}
	return roomFile{ID: id, Room: c.room()}
}

// POST /{org}/{app}/chatrooms/{id}/share_files
func (a *API) shareFile(c *call) (answer, error) {
	if err := a.svc.MayShare(c.r.Context(), c.caller, c.kind(), c.room()); err != nil {
		return answer{}, err
	}
	up, err := a.upload(c)
	if err != nil {
		return answer{}, err
	}
	f, err := a.svc.ShareFile(c.r.Context(), c.caller, c.kind(), c.room(), up.Upload, up.file)
	data := c.roomFile(f.ID)
	data.URL = a.base(c.r) + c.r.URL.EscapedPath() + "/" + string(f.ID)
	data.Name, data.Created, data.Size = f.Name, millis(f.Created), &f.Size
	return answer{data: data}, err
}

// GET /{org}/{app}/chatrooms/{id}/share_files/{file}
func (a *API) downloadSharedFile(c *call) (answer, error) {
	f, err := a.svc.OpenSharedFile(c.r.Context(), c.caller, c.kind(), c.room(), c.file(), c.thumbnail())
	if err != nil {
		return answer{}, err
	}
	return serveFile(c, f), nil
}

// DELETE /{org}/{app}/chatrooms/{id}/share_files/{file}
func (a *API) deleteSharedFile(c *call) (answer, error) {
	err := a.svc.DeleteSharedFile(c.r.Context(), c.caller, c.kind(), c.room(), c.file())
	data := c.roomFile(c.file())
	data.Result = true
	return answer{data: data}, err
}
