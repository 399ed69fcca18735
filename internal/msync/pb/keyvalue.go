package pb

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"teahouse/internal/im"
)

// KeyValues and im.Fields, both ways (wire/msync.md §4): whole numbers stay whole, and the order stays.

// Fields of KeyValue.
const (
	kvKey    = 1
	kvType   = 2
	kvVarint = 3
	kvFloat  = 4
	kvDouble = 5
	kvString = 6
)

// appendKeyValues writes fields as the KeyValues of a message.
func appendKeyValues(b []byte, num protowire.Number, fs im.Fields) []byte {
	for i := range fs {
		b = appendKeyValue(b, num, fs[i].Name, fs[i].Value)
	}
	return b
}

func appendKeyValue(b []byte, num protowire.Number, name string, v im.Value) []byte {
	b, at := open(b, num)
	b = appendText(b, kvKey, name)
	switch v.Kind {
	case im.BoolValue:
		b = appendNumber(b, kvType, uint64(KeyValue_BOOL))
		b = appendNumber(b, kvVarint, protowire.EncodeBool(v.Text == "true"))
	case im.NumberValue:
		b = appendNumeric(b, v.Text)
	case im.JSONValue:
		if !json.Valid([]byte(v.Text)) { // another wire let it in; clients stumble over it
			b = appendString(b, KeyValue_STRING, v.Text)
			break
		}
		b = appendString(b, KeyValue_JSON_STRING, v.Text)
	default:
		b = appendString(b, KeyValue_STRING, v.Text)
	}
	return shut(b, at)
}

func appendString(b []byte, t KeyValue_ValueType, s string) []byte {
	return appendText(appendNumber(b, kvType, uint64(t)), kvString, s)
}

// appendNumeric writes a number: whole where it is written so and fits. What no number of the wire can hold is text.
func appendNumeric(b []byte, text string) []byte {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		t := KeyValue_INT
		if n != int64(int32(n)) {
			t = KeyValue_LLINT
		}
		return appendNumber(appendNumber(b, kvType, uint64(t)), kvVarint, uint64(n))
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return appendString(b, KeyValue_STRING, text)
	}
	b = appendNumber(b, kvType, uint64(KeyValue_DOUBLE))
	return protowire.AppendFixed64(protowire.AppendTag(b, kvDouble, protowire.Fixed64Type), math.Float64bits(f))
}

// readKeyValue reads one KeyValue. A value of another kind than the type says counts for nothing, as in clients. What JSON has no number
// for is null, as JavaScript writes it.
func readKeyValue(b []byte) (f im.Field, err error) {
	var t KeyValue_ValueType
	var whole int64
	var float float32
	var double float64
	var text string
	err = eachField(b, func(num protowire.Number, v value) error {
		switch num {
		case kvKey:
			return v.text(&f.Name)
		case kvType:
			n, err := v.number()
			t = KeyValue_ValueType(n)
			return err
		case kvVarint:
			n, err := v.number()
			whole = int64(n)
			return err
		case kvFloat:
			return v.float(&float)
		case kvDouble:
			return v.double(&double)
		case kvString:
			return v.text(&text)
		}
		return nil
	})
	if err != nil {
		return f, err
	}
	switch t {
	case KeyValue_BOOL:
		f.Value = im.Value{Kind: im.BoolValue, Text: strconv.FormatBool(whole != 0)}
	case KeyValue_INT, KeyValue_UINT, KeyValue_LLINT:
		f.Value = im.Value{Kind: im.NumberValue, Text: strconv.FormatInt(whole, 10)}
	case KeyValue_FLOAT:
		f.Value = fractionOrNull(float64(float), 32)
	case KeyValue_DOUBLE:
		f.Value = fractionOrNull(double, 64)
	case KeyValue_STRING:
		f.Value = im.Text(text)
	case KeyValue_JSON_STRING:
		f.Value = im.Value{Kind: im.JSONValue, Text: text}
		if !json.Valid([]byte(text)) { // receivers would stumble over it
			err = malformed(f.Name)
		}
	default:
		err = malformed(f.Name)
	}
	return f, err
}

// fractionOrNull is fraction, and null for what is none.
func fractionOrNull(f float64, bits int) im.Value {
	v, err := fraction(f, bits)
	if err != nil {
		v = im.Value{Kind: im.JSONValue, Text: "null"}
	}
	return v
}

// fraction is the value of a number that need not be whole: written so that it is read as such again.
func fraction(f float64, bits int) (im.Value, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return im.Value{}, malformed("number")
	}
	text := formatFloat(f, bits)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return im.Value{Kind: im.NumberValue, Text: text}, nil
}

// formatFloat writes a number as JSON has it, without an exponent where people would write none.
func formatFloat(f float64, bits int) string {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.FormatFloat(f, 'e', -1, bits)
	}
	return strconv.FormatFloat(f, 'f', -1, bits)
}

// put adds a field; of a name that is given twice the last value counts, in the place of the first. It is for few fields: of as many
// as a sender likes, all are added and then taken once.
func put(fs im.Fields, f im.Field) im.Fields {
	for i := range fs {
		if fs[i].Name == f.Name {
			fs[i] = f
			return fs
		}
	}
	return append(fs, f)
}

// once is what put would have made of the fields.
func once(fs im.Fields) im.Fields {
	const few = 16
	if len(fs) <= few {
		all := fs[:0]
		for _, f := range fs {
			all = put(all, f)
		}
		return all
	}
	at := make(map[string]int, len(fs))
	all := fs[:0]
	for _, f := range fs {
		if i, twice := at[f.Name]; twice {
			all[i] = f
			continue
		}
		at[f.Name] = len(all)
		all = append(all, f)
	}
	return all
}

// objectOf writes fields as a JSON object.
func objectOf(fs im.Fields) string {
	b := []byte{'{'}
	for i, f := range fs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, f.Name), ':')
		if f.Kind == im.TextValue {
			b = appendQuoted(b, f.Text)
		} else {
			b = append(b, f.Text...)
		}
	}
	return string(append(b, '}'))
}

// appendQuoted writes a JSON string, in one line and without a control character.
func appendQuoted(b []byte, s string) []byte {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // strings always encode
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

// fieldsOf reads what objectOf writes, or a list of such objects, which old SDKs write. Nothing else has fields.
func fieldsOf(text string) (fs im.Fields) {
	dec := json.NewDecoder(strings.NewReader(text))
	switch first, _ := dec.Token(); first {
	case json.Delim('['):
		var all []json.RawMessage
		if json.Unmarshal([]byte(text), &all) != nil {
			return nil
		}
		for _, one := range all {
			if bytes.HasPrefix(one, []byte("{")) {
				fs = append(fs, fieldsOf(string(one))...)
			}
		}
		return once(fs)
	case json.Delim('{'):
	default:
		return nil
	}
	for dec.More() {
		name, _ := dec.Token()
		key, ok := name.(string)
		var raw json.RawMessage
		if !ok || dec.Decode(&raw) != nil {
			return nil
		}
		fs = append(fs, im.Field{Name: key, Value: valueOf(raw)})
	}
	return once(fs)
}

// valueOf reads a valid JSON value.
func valueOf(raw json.RawMessage) im.Value {
	switch raw[0] {
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s) // valid
		return im.Text(s)
	case 't', 'f':
		return im.Value{Kind: im.BoolValue, Text: string(raw)}
	case '{', '[', 'n':
		return im.Value{Kind: im.JSONValue, Text: string(raw)}
	}
	return im.Value{Kind: im.NumberValue, Text: string(raw)}
}
