package easemob

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"teahouse/internal/im"
)

// JSON and the content of messages (wire/easemob.md §8.3), both ways: this file is the only place.

// bodyTypes are the words for the types of body.
func bodyTypes() map[string]im.BodyType {
	return map[string]im.BodyType{
		"txt": im.TextBody, "img": im.ImageBody, "audio": im.AudioBody, "video": im.VideoBody, "file": im.FileBody,
		"loc": im.LocationBody, "cmd": im.CommandBody, "custom": im.CustomBody,
	}
}

// bodyType reads the word for a type of body. The vendor's own server SDK says text for txt when it imports.
func bodyType(word string) (im.BodyType, bool) {
	if word == "text" {
		return im.TextBody, true
	}
	kind, ok := bodyTypes()[word]
	return kind, ok
}

// typeWord is the word for a type of body; "" for those that are no content.
func typeWord(t im.BodyType) string {
	for word, of := range bodyTypes() {
		if of == t {
			return word
		}
	}
	return ""
}

// fields is a JSON object whose names, order and values are kept as they came.
type fields struct {
	sent bool
	v    im.Fields
}

var errNoObject = errors.New("not an object")

// UnmarshalJSON implements [json.Unmarshaler]. Of a name given twice the last value counts, in the place of the first.
func (f *fields) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return wrongType[struct{}](b)
	}
	read, err := readFields(b)
	f.sent, f.v = true, read
	return err
}

func readFields(b []byte) (im.Fields, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, errNoObject
	}
	var all im.Fields
	at := map[string]int{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, err
		}
		field := im.Field{Name: name.(string), Value: readValue(raw)} // the name of a field is a string
		if i, twice := at[field.Name]; twice {
			all[i] = field
			continue
		}
		at[field.Name] = len(all)
		all = append(all, field)
	}
	return all, nil
}

// readValue reads a valid JSON value.
func readValue(raw json.RawMessage) im.Value {
	switch raw[0] {
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s) // valid
		return im.Text(s)
	case 't', 'f':
		return im.Value{Kind: im.BoolValue, Text: string(raw)}
	case '{', '[', 'n':
		var b bytes.Buffer
		_ = json.Compact(&b, raw) // valid
		return im.Value{Kind: im.JSONValue, Text: b.String()}
	}
	return im.Value{Kind: im.NumberValue, Text: string(raw)}
}

// object writes fields as a JSON object.
type object im.Fields

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, f := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, f.Name)
		b = append(b, ':')
		b = appendValue(b, f.Value)
	}
	return append(b, '}'), nil
}

func appendText(b []byte, s string) []byte {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // strings always encode
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

// appendValue writes a value. What another wire let in as a number or as JSON and is none is written as text.
func appendValue(b []byte, v im.Value) []byte {
	if v.Kind == im.TextValue || !json.Valid([]byte(v.Text)) {
		return appendText(b, v.Text)
	}
	return append(b, v.Text...)
}

// content is a body in the new shape, its type beside it.
func content(word string, f fields) (im.Body, error) {
	kind, ok := bodyType(word)
	switch {
	case !ok:
		return im.Body{}, im.ErrFieldMissing.With("type")
	case len(f.v) == 0:
		return im.Body{}, im.ErrFieldMissing.With("body")
	}
	return im.Body{Type: kind, Fields: f.v}, nil
}

// contentWithType is a body in the old shape, its type among the fields.
func contentWithType(f fields) (im.Body, error) {
	rest := make(im.Fields, 0, len(f.v))
	word := ""
	for _, field := range f.v {
		if field.Name == "type" {
			word = field.Text
			continue
		}
		rest = append(rest, field)
	}
	kind, ok := bodyType(word)
	if !ok {
		return im.Body{}, im.ErrFieldMissing.With("type")
	}
	return im.Body{Type: kind, Fields: rest}, nil
}

// withType is a body as the history shows it.
func withType(b im.Body) object {
	return append(object(b.Fields[:len(b.Fields):len(b.Fields)]), im.Field{Name: "type", Value: im.Text(typeWord(b.Type))})
}

// chatType is the word for where a message went, as the history and withdrawals have it.
func chatType(to im.Address) string {
	switch to.Kind {
	case im.Group:
		return "groupchat"
	case im.Chatroom:
		return "chatroom"
	}
	return "chat"
}

// chatAddress reads the word with the name behind it. Errors: ErrInvalid.
func chatAddress(word, name string) (im.Address, error) {
	switch word {
	case "chat":
		return im.ToUser(im.Username(name)), nil
	case "groupchat":
		return im.ToRoom(im.Group, im.RoomID(name)), nil
	case "chatroom":
		return im.ToRoom(im.Chatroom, im.RoomID(name)), nil
	}
	return im.Address{}, im.ErrInvalid.With("chat_type")
}

// storedMessage is a message of the history.
type storedMessage struct {
	UUID      string  `json:"uuid,omitempty"` // these four in the old query only
	Type      string  `json:"type,omitempty"`
	Created   int64   `json:"created,omitempty"`
	Modified  int64   `json:"modified,omitempty"`
	ID        string  `json:"msg_id"`
	Timestamp int64   `json:"timestamp"`
	Direction string  `json:"direction,omitempty"`
	From      string  `json:"from"`
	To        string  `json:"to"`
	Chat      string  `json:"chat_type"`
	Payload   payload `json:"payload"`
}

type payload struct {
	Bodies []object `json:"bodies"`
	Ext    object   `json:"ext"`
	From   string   `json:"from"`
	To     string   `json:"to"`
}

func stored(m im.Message) storedMessage {
	from, to := string(m.From), m.To.String()
	return storedMessage{
		ID: m.ID.String(), Timestamp: m.At.UnixMilli(), Direction: "outgoing", From: from, To: to, Chat: chatType(m.To),
		Payload: payload{Bodies: []object{withType(m.Body)}, Ext: object(m.Ext), From: from, To: to},
	}
}

// storedEntity is a message in the form of the old query.
func storedEntity(app *im.App, m im.Message) storedMessage {
	s := stored(m)
	s.Direction, s.Type, s.UUID = "", "chatmessage", uuidOf(app, m.ID)
	s.Created = m.ID.Time().UnixMilli()
	s.Modified = s.Created
	if m.Edit.Count > 0 {
		s.Modified = m.Edit.At.UnixMilli()
	}
	return s
}

// uuidOf is the beginning of the app's UUID with the message's id in its last 16 digits.
func uuidOf(app *im.App, id im.MessageID) string {
	const half = len("00000000-0000-0000")
	digits := strconv.FormatUint(1<<63|uint64(id), 16)
	return app.UUID[:min(len(app.UUID), half)] + "-" + digits[:4] + "-" + digits[4:]
}
