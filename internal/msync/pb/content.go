package pb

import (
	"cmp"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"teahouse/internal/im"
)

// The content of messages and im.Body, both ways: this file is the only place.

// contentType is the field of Content that says what it is.
const contentType = 1

// form is how a field of Content is written.
type form uint8

const (
	asText form = iota
	asDouble
	asInt
	asSize      // a JSON object with width and height
	asKeyValues // a JSON object
	asSubType   // a word
)

// contentField is a field of Content with its name in a body.
type contentField struct {
	name string
	num  protowire.Number
	form form
}

// contentFields are all of them. The names are those of wire/easemob.md §8.3, and for what that does not have those in which
// the Web SDK reads a body from JSON.
func contentFields() [24]contentField {
	return [...]contentField{
		{"msg", 2, asText}, {"lat", 3, asDouble}, {"lng", 4, asDouble}, {"addr", 5, asText}, {"filename", 6, asText},
		{"url", 7, asText}, {"secret", 8, asText}, {"file_length", 9, asInt}, {"action", 10, asText}, {"param", 11, asKeyValues},
		{"length", 12, asInt}, {"size", 13, asSize}, {"thumb", 14, asText}, {"thumb_secret", 15, asText},
		{"thumb_filename", 16, asText}, {"thumb_file_length", 17, asInt}, {"thumb_size", 18, asSize},
		{"customEvent", 19, asText}, {"customExts", 20, asKeyValues}, {"buildingName", 21, asText}, {"subType", 22, asSubType},
		{"title", 23, asText}, {"summary", 24, asText}, {"combineLevel", 25, asInt},
	}
}

// subTypes are the words for the kinds of text and image that are something else to clients. A text with the kind 0 is a
// combined message, and one without any is a text (wire/msync.md §20).
func subTypes() map[string]MessageBody_Content_SubType {
	return map[string]MessageBody_Content_SubType{
		"sub_combine": MessageBody_Content_SUB_COMBINE, "sub_gif": MessageBody_Content_SUB_GIF, "sub_stream": MessageBody_Content_SUB_STREAM,
	}
}

// bodyTypes are the types of content, by number.
func bodyTypes() [8]im.BodyType {
	return [...]im.BodyType{
		MessageBody_Content_TEXT: im.TextBody, MessageBody_Content_IMAGE: im.ImageBody, MessageBody_Content_VIDEO: im.VideoBody,
		MessageBody_Content_LOCATION: im.LocationBody, MessageBody_Content_VOICE: im.AudioBody, MessageBody_Content_FILE: im.FileBody,
		MessageBody_Content_COMMAND: im.CommandBody, MessageBody_Content_CUSTOM: im.CustomBody,
	}
}

// appendContent writes a body as a Content. What the wire has no place for is left out: the message keeps it.
func appendContent(b []byte, num protowire.Number, body im.Body) []byte {
	b, at := open(b, num)
	for n, t := range bodyTypes() {
		if t == body.Type {
			b = appendNumber(b, contentType, uint64(n))
		}
	}
	fields := contentFields()
	for i := range body.Fields {
		for j := range fields {
			if fields[j].name == body.Fields[i].Name {
				b = appendContentField(b, fields[j], body.Fields[i].Value)
				break
			}
		}
	}
	return shut(b, at)
}

func appendContentField(b []byte, f contentField, v im.Value) []byte {
	switch f.form {
	case asText:
		return appendText(b, f.num, v.Text)
	case asDouble:
		if d, ok := numeric(v); ok {
			return protowire.AppendFixed64(protowire.AppendTag(b, f.num, protowire.Fixed64Type), math.Float64bits(d))
		}
	case asInt:
		if d, ok := numeric(v); ok {
			return appendNumber(b, f.num, uint64(int64(min(max(d, math.MinInt32), math.MaxInt32))))
		}
	case asSize:
		if v.Kind == im.JSONValue {
			return appendSize(b, f.num, v.Text)
		}
	case asKeyValues:
		if v.Kind == im.JSONValue {
			return appendKeyValues(b, f.num, fieldsOf(v.Text))
		}
	case asSubType:
		if t, ok := subTypes()[v.Text]; ok {
			return appendNumber(b, f.num, uint64(t))
		}
	}
	return b
}

// numeric is a number, whether it was given as one or as text.
func numeric(v im.Value) (float64, bool) {
	d, err := strconv.ParseFloat(v.Text, 64)
	return d, err == nil && !math.IsNaN(d) && !math.IsInf(d, 0)
}

// Fields of Content.Size.
const (
	sizeWidth  = 1
	sizeHeight = 2
)

func appendSize(b []byte, num protowire.Number, text string) []byte {
	b, at := open(b, num)
	for _, f := range fieldsOf(text) {
		side := map[string]protowire.Number{"width": sizeWidth, "height": sizeHeight}[f.Name]
		if d, ok := numeric(f.Value); ok && side != 0 {
			b = protowire.AppendFixed64(protowire.AppendTag(b, side, protowire.Fixed64Type), math.Float64bits(d))
		}
	}
	return shut(b, at)
}

// readContent reads a Content: one without a known type has none in the body either. Errors: ErrInvalid for bytes that are none.
func readContent(b []byte) (body im.Body, err error) {
	lists := map[string]im.Fields{} // what repeated fields hold, by name
	types, fields := bodyTypes(), contentFields()
	err = eachField(b, func(num protowire.Number, v value) error {
		if num == contentType {
			n, err := v.number()
			if body.Type = 0; n < uint64(len(types)) {
				body.Type = types[n]
			}
			return err
		}
		for i := range fields {
			f := &fields[i]
			if f.num != num {
				continue
			}
			field := im.Field{Name: f.name}
			if _, twice := body.Fields.Get(f.name); twice && f.form == asSize { // as of bodyMessages
				return malformed(f.name)
			}
			var err error
			if f.form == asKeyValues {
				err = readInto(lists, f.name, v)
			} else {
				field.Value, err = readContentField(f.form, v)
			}
			body.Fields = put(body.Fields, field)
			return err
		}
		return nil
	})
	if err != nil {
		return im.Body{}, err
	}
	for i, f := range body.Fields {
		if list, ok := lists[f.Name]; ok {
			body.Fields[i].Value = im.Value{Kind: im.JSONValue, Text: objectOf(once(list))}
		}
	}
	return body, nil
}

// readInto reads one KeyValue into the list of a name.
func readInto(lists map[string]im.Fields, name string, v value) error {
	inner, err := v.message()
	if err != nil {
		return err
	}
	f, err := readKeyValue(inner)
	lists[name] = append(lists[name], f)
	return err
}

func readContentField(f form, v value) (val im.Value, err error) {
	switch f {
	case asDouble:
		var d float64
		if err = v.double(&d); err == nil {
			val, err = number(d)
		}
	case asInt:
		var n uint64
		n, err = v.number()
		val = im.Value{Kind: im.NumberValue, Text: strconv.Itoa(int(int32(n)))}
	case asSize:
		val, err = readSize(v)
	case asSubType:
		return readSubType(v)
	default:
		err = v.text(&val.Text)
	}
	return val, err
}

func readSubType(v value) (im.Value, error) {
	n, err := v.number()
	if err != nil {
		return im.Value{}, err
	}
	for word, t := range subTypes() {
		if uint64(t) == n {
			return im.Text(word), nil
		}
	}
	return im.Value{}, malformed("sub_type")
}

func readSize(v value) (im.Value, error) {
	inner, err := v.message()
	var fs im.Fields
	err = cmp.Or(err, eachField(inner, func(num protowire.Number, v value) error {
		name := map[protowire.Number]string{sizeWidth: "width", sizeHeight: "height"}[num]
		if name == "" {
			return nil
		}
		var d float64
		if err := v.double(&d); err != nil {
			return err
		}
		side, err := number(d)
		fs = put(fs, im.Field{Name: name, Value: side})
		return err
	}))
	return im.Value{Kind: im.JSONValue, Text: objectOf(fs)}, err
}

// number is the value of a field that is always a fraction on the wire: people write 720, not 720.0.
func number(d float64) (im.Value, error) {
	v, err := fraction(d, 64)
	if err == nil {
		v.Text = formatFloat(d, 64)
	}
	return v, err
}
