package easemob

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"teahouse/internal/im"
)

// nameList is a list of names, or one.
type nameList struct {
	sent bool
	v    []string
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *nameList) UnmarshalJSON(b []byte) error {
	var names []looseText
	if b[0] != '[' {
		names = make([]looseText, 1)
		if err := names[0].UnmarshalJSON(b); err != nil || !names[0].sent {
			return err
		}
	} else if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	l.sent, l.v = true, make([]string, len(names))
	for i, n := range names {
		if !n.sent {
			return wrongType[string]([]byte("null"))
		}
		l.v[i] = n.v
	}
	return nil
}

// sendOptions are what all forms of sending have in common.
type sendOptions struct {
	From      nameList        `json:"from"` // a list of one in a published client's test (wire/easemob.md §8.2)
	Ext       json.RawMessage `json:"ext"`
	Route     looseText       `json:"routetype"`
	Echo      flag            `json:"sync_device"`
	Level     looseText       `json:"chatroom_msg_level"`
	Timestamp looseWhole      `json:"msg_timestamp"`
}

// message is what is to be sent, but for whom it goes to and what it says.
func (o sendOptions) message() (n im.NewMessage, err error) {
	if o.From.sent {
		if len(o.From.v) != 1 || o.From.v[0] == "" {
			return n, im.ErrFieldMissing.With("from")
		}
		n.From = o.From.v[0]
	}
	if n.Ext, err = extension(o.Ext); err != nil {
		return n, err
	}
	n.Online, n.Echo = o.Route.v == "ROUTE_ONLINE", o.Echo.v
	switch strings.ToLower(o.Level.v) {
	case "high":
		n.Level = im.HighLevel
	case "low":
		n.Level = im.LowLevel
	}
	if o.Timestamp.v > 0 {
		n.At = time.UnixMilli(o.Timestamp.v)
	}
	return n, nil
}

// extension reads an object; what is not there is empty, and so is a list of nothing, which is how PHP writes an object without
// fields.
func extension(raw json.RawMessage) (im.Fields, error) {
	if raw == nil || len(raw) > 1 && raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0 {
		return nil, nil
	}
	var f fields
	if f.UnmarshalJSON(raw) != nil {
		return nil, im.ErrInvalid.With("ext")
	}
	return f.v, nil
}

type sendRequest struct {
	sendOptions
	To    nameList  `json:"to"`
	Users nameList  `json:"users"` // of a room's members, in directed calls
	Type  looseText `json:"type"`
	Body  fields    `json:"body"`
}

// oldRequest is the old form, and that of broadcasts.
type oldRequest struct {
	sendOptions
	TargetType looseText `json:"target_type"`
	Target     nameList  `json:"target"`
	Msg        fields    `json:"msg"`
}

// message of the old form.
func (b oldRequest) message() (im.NewMessage, error) {
	n, err := b.sendOptions.message()
	if err != nil {
		return n, err
	}
	n.Body, err = contentWithType(b.Msg)
	return n, err
}

// addresses makes addresses of names.
func addresses(kind im.RoomKind, names []string) []im.Address {
	to := make([]im.Address, len(names))
	for i, name := range names {
		if to[i] = im.ToUser(im.Username(name)); kind != 0 {
			to[i] = im.ToRoom(kind, im.RoomID(name))
		}
	}
	return to
}

// requestNames is room for 600 names of 64 letters in a request.
const requestNames = 48 << 10

// onMessage is on for what carries a message: the request may be as large as a message that is not too large can become by
// escaping, with all the names (wire/easemob.md §8.1).
func onMessage[B any](h func(*call, B) (answer, error)) func(*call) (answer, error) {
	run := on(h)
	return func(c *call) (answer, error) {
		most := int64(6*c.app.Settings.MaxMessage + requestNames)
		if c.r.ContentLength > most {
			return answer{}, im.ErrTooLarge
		}
		if c.r.Body != nil {
			c.r.Body = http.MaxBytesReader(c.w, c.r.Body, most)
		}
		return run(c)
	}
}

// send is POST /{org}/{app}/messages/{users|chatgroups|chatrooms}, and with directed …/users below the latter two.
func (a *API) send(kind im.RoomKind, directed bool) func(*call) (answer, error) {
	return onMessage(func(c *call, b sendRequest) (answer, error) {
		n, err := b.message()
		switch {
		case err != nil:
			return answer{}, err
		case len(b.To.v) == 0 || slices.Contains(b.To.v, ""):
			return answer{}, im.ErrFieldMissing.With("to")
		case directed && len(b.Users.v) == 0:
			return answer{}, im.ErrFieldMissing.With("users")
		}
		if directed {
			n.Only = b.Users.v
		}
		if n.Body, err = content(b.Type.v, b.Body); err != nil {
			return answer{}, err
		}
		return a.sendTo(c, n, kind, b.To.v, func(id im.MessageID) string { return id.String() })
	})
}

// sendTo sends to names and answers a word about each, under the name as it was sent.
func (a *API) sendTo(c *call, n im.NewMessage, kind im.RoomKind, names []string, word func(im.MessageID) string) (answer, error) {
	n.To = addresses(kind, names)
	sent, err := a.svc.Send(c.r.Context(), c.caller, n)
	if err != nil {
		return answer{}, err
	}
	data := make(object, 0, len(sent))
	told := map[string]bool{}
	for i, s := range sent {
		if !told[names[i]] {
			data = append(data, im.Field{Name: names[i], Value: im.Text(word(s.ID))})
		}
		told[names[i]] = true
	}
	return answer{data: data}, nil
}

// POST /{org}/{app}/messages
func (a *API) sendOld(c *call, b oldRequest) (answer, error) {
	var kind im.RoomKind
	switch b.TargetType.v {
	case "users":
	case "chatgroups":
		kind = im.Group
	case "chatrooms":
		kind = im.Chatroom
	default:
		return answer{}, im.ErrInvalid.With("target_type")
	}
	if len(b.Target.v) == 0 || slices.Contains(b.Target.v, "") {
		return answer{}, im.ErrFieldMissing.With("target")
	}
	n, err := b.message()
	if err != nil {
		return answer{}, err
	}
	word := func(im.MessageID) string { return "success" }
	if c.query.Get("useMsgId") == "true" {
		word = func(id im.MessageID) string { return id.String() }
	}
	return a.sendTo(c, n, kind, b.Target.v, word)
}

type broadcastID struct {
	ID im.MessageID `json:"id"` // a number, which the Java SDK reads
}

// broadcast is POST /{org}/{app}/messages/…/broadcast. It may take longer than other calls.
func (a *API) broadcast(to im.Audience) func(*call) (answer, error) {
	return onMessage(func(c *call, b oldRequest) (answer, error) {
		n, err := b.message()
		if err != nil {
			return answer{}, err
		}
		c.takeTime()
		id, err := a.svc.Broadcast(c.r.Context(), c.caller, n, to)
		return answer{data: broadcastID{id}}, err
	})
}

// takeTime lifts the limit on how long the answer may take.
func (c *call) takeTime() {
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Time{}) // not every test's writer can
}

type importRequest struct {
	sendOptions
	Target nameList  `json:"target"`
	Type   looseText `json:"type"`
	Body   fields    `json:"body"`
	Msg    fields    `json:"msg"`
}

// imported is the answer about an imported message.
type imported struct {
	ID string `json:"msg_id"`
}

// importMessage is POST /{org}/{app}/messages/{users|chatgroups}/import.
func (a *API) importMessage(kind im.RoomKind) func(*call) (answer, error) {
	return onMessage(func(c *call, b importRequest) (answer, error) {
		n, err := b.message()
		switch {
		case err != nil:
			return answer{}, err
		case len(b.Target.v) != 1 || b.Target.v[0] == "":
			return answer{}, im.ErrFieldMissing.With("target")
		case b.Msg.sent:
			n.Body, err = contentWithType(b.Msg)
		default:
			n.Body, err = content(b.Type.v, b.Body)
		}
		if err != nil {
			return answer{}, err
		}
		n.To = addresses(kind, b.Target.v)
		id, err := a.svc.Import(c.r.Context(), c.caller, n)
		return answer{data: imported{id.String()}}, err
	})
}

// GET /{org}/{app}/users/{user}/offline_msg_count
func (a *API) offlineCount(c *call) (answer, error) {
	n, err := a.svc.OfflineCount(c.r.Context(), c.caller, c.user())
	return answer{path: usersPath, data: map[string]int{strings.ToLower(c.user()): n}, count: count(0)}, err
}

// GET /{org}/{app}/users/{user}/offline_msg_status/{message}
func (a *API) offlineStatus(c *call) (answer, error) {
	text, word := c.r.PathValue("message"), "undelivered"
	id, err := im.ParseMessageID(text)
	if err != nil {
		id = 0 // no message is called so
	}
	delivered, err := a.svc.Delivered(c.r.Context(), c.caller, c.user(), id)
	if delivered {
		word = "delivered"
	}
	return answer{path: usersPath, data: map[string]string{text: word}, count: count(0)}, err
}
