package easemob

import (
	"compress/gzip"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"teahouse/internal/im"
)

// historyLink is where the messages of an hour are.
type historyLink struct {
	URL string `json:"url"`
}

// GET /{org}/{app}/chatmessages/{hour}
func (a *API) historyHour(c *call) (answer, error) {
	f, err := a.svc.HistoryFile(c.r.Context(), c.caller, c.r.PathValue("hour"))
	if err != nil {
		return answer{}, err
	}
	query := url.Values{"expires": {strconv.FormatInt(f.Expires, 10)}, "signature": {f.Signature}}
	link := a.base(c.r) + c.r.URL.EscapedPath() + "/file?" + query.Encode()
	return answer{path: chatmessagesPath, data: []historyLink{{link}}}, nil
}

const chatmessagesPath = "/chatmessages"

// GET /{org}/{app}/chatmessages/{hour}/file: one message a line, compressed; it may take long.
func (a *API) historyFile(c *call) (answer, error) {
	expires, err := strconv.ParseInt(c.query.Get("expires"), 10, 64)
	if err != nil {
		return answer{}, im.ErrLinkBad
	}
	f := im.HistoryFile{Hour: c.r.PathValue("hour"), Expires: expires, Signature: c.query.Get("signature")}
	var zip *gzip.Writer
	begin := func() {
		h := c.w.Header()
		h.Set("Content-Type", "application/gzip")
		h.Set("Content-Disposition", `attachment; filename="`+f.Hour+`.gz"`)
		zip = gzip.NewWriter(c.w)
	}
	err = a.svc.ReadHistoryFile(c.r.Context(), c.app, f, func(messages []im.Message) error {
		if zip == nil {
			begin()
		}
		_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(time.Minute)) // for these; not every test's writer can
		return writeLines(zip, messages)
	})
	switch {
	case err != nil && zip == nil:
		return answer{}, err
	case err == nil && zip == nil:
		begin()
	}
	if err == nil {
		err = zip.Close()
	}
	if err != nil { // part of the file is out
		a.log.Warn("history not sent", "err", err)
		panic(http.ErrAbortHandler)
	}
	return answer{serve: func() {}}, nil
}

func writeLines(zip *gzip.Writer, messages []im.Message) error {
	lines := json.NewEncoder(zip)
	lines.SetEscapeHTML(false)
	for _, m := range messages {
		if err := lines.Encode(stored(m)); err != nil {
			return err
		}
	}
	return nil
}

// Sizes of a page of the old query.
const (
	historyPage    = 10
	historyPageMax = 1000
)

// GET /{org}/{app}/chatmessages?ql=&limit=&cursor=, which the cloud no longer has and published clients call
// (wire/clients.md §1.12).
func (a *API) history(c *call) (answer, error) {
	limit, err := c.number("limit", historyPage)
	if err != nil {
		return answer{}, err
	}
	after, err := c.after('h')
	if err != nil {
		return answer{}, err
	}
	from, to, err := readQuery(c.query.Get("ql"))
	if err != nil {
		return answer{}, err
	}
	messages, more, err := a.svc.History(c.r.Context(), c.caller, from, to, im.MessageID(after), min(limit, historyPageMax))
	ans := answer{path: chatmessagesPath}
	entities := make([]storedMessage, 0, len(messages))
	for _, m := range messages {
		entities = append(entities, storedEntity(c.app, m))
		after = int64(m.ID)
	}
	if more {
		ans.cursor = cursorText('h', after)
	}
	ans.entities, ans.count = entities, count(len(entities))
	return ans, err
}

var (
	ql        = regexp.MustCompile(`(?i)^select\s+\*(?:\s+where\s+(.+?))?(?:\s+order\s+by\s+timestamp(?:\s+asc)?)?$`)
	and       = regexp.MustCompile(`(?i)\s+and\s+`)
	condition = regexp.MustCompile(`(?i)^timestamp\s*(<=|>=|<|>|=)\s*(\d{1,15})$`)
)

// readQuery reads what an old query wants: from one moment to before another. Errors: ErrHistoryFormat.
func readQuery(text string) (from, to time.Time, err error) {
	const end = int64(1e15) // beyond any message
	low, high := int64(0), end
	text = strings.TrimSpace(strings.ReplaceAll(text, "+", " ")) // blanks that were escaped twice
	if text != "" {
		parts := ql.FindStringSubmatch(text)
		if parts == nil {
			return from, to, im.ErrHistoryFormat.With(text)
		}
		if parts[1] != "" {
			for _, cond := range and.Split(parts[1], -1) {
				m := condition.FindStringSubmatch(cond)
				if m == nil {
					return from, to, im.ErrHistoryFormat.With(text)
				}
				low, high = narrow(low, high, m[1], m[2])
			}
		}
	}
	return time.UnixMilli(low), time.UnixMilli(high), nil
}

// narrow applies one condition in milliseconds to a range, whose end is not part of it.
func narrow(low, high int64, operator, digits string) (int64, int64) {
	n, _ := strconv.ParseInt(digits, 10, 64) // 15 digits always fit
	switch operator {
	case "<":
		return low, min(high, n)
	case "<=":
		return low, min(high, n+1)
	case ">":
		return max(low, n+1), high
	case ">=":
		return max(low, n), high
	}
	return max(low, n), min(high, n+1)
}
