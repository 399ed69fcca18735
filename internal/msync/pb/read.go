package pb

import (
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"teahouse/internal/im"
)

// Reading what a stranger wrote. Clients read a field by its number whatever its wire type is, and stop at what they do not
// understand: so what passes here is what the generated code, and any client, reads the same way.

// malformed is the error of bytes that are not what they should be.
func malformed(what string) error { return im.ErrInvalid.With(what) }

// value is what a field holds.
type value struct {
	kind  protowire.Type
	whole uint64 // a varint, or the bits of a fixed number
	bytes []byte
}

// eachField calls fn for each field of a message, in order. Groups are refused: nothing here has any.
func eachField(b []byte, fn func(protowire.Number, value) error) error {
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 || num > protowire.MaxValidNumber {
			return malformed("payload")
		}
		b = b[n:]
		v := value{kind: kind}
		switch kind {
		case protowire.VarintType:
			v.whole, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			v.whole, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var bits uint32
			bits, n = protowire.ConsumeFixed32(b)
			v.whole = uint64(bits)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(b)
		default:
			return malformed("payload")
		}
		if n < 0 {
			return malformed("payload")
		}
		if err := fn(num, v); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (v value) is(kind protowire.Type) error {
	if v.kind != kind {
		return malformed("payload")
	}
	return nil
}

// text stores a field of text in s. Halves of surrogate pairs, which an application leaves that cuts a text short, are replaced where
// they stand.
func (v value) text(s *string) error {
	if v.kind != protowire.BytesType || !utf8.Valid(v.bytes) && !mend(v.bytes) {
		return malformed("payload")
	}
	*s = string(v.bytes)
	return nil
}

// mend puts U+FFFD, which is as long, in the place of each half of a surrogate pair, as SDKs write it, and reports whether b is text then.
func mend(b []byte) bool {
	for i := 0; i+2 < len(b); i++ {
		if b[i] == 0xed && b[i+1] >= 0xa0 && b[i+1] <= 0xbf && b[i+2] >= 0x80 && b[i+2] <= 0xbf {
			copy(b[i:], "\uFFFD")
		}
	}
	return utf8.Valid(b)
}

// number is a field of a whole number, an enum or a bool.
func (v value) number() (uint64, error) { return v.whole, v.is(protowire.VarintType) }

func (v value) float(f *float32) error {
	*f = math.Float32frombits(uint32(v.whole))
	return v.is(protowire.Fixed32Type)
}

func (v value) double(f *float64) error {
	*f = math.Float64frombits(v.whole)
	return v.is(protowire.Fixed64Type)
}

// message is a field that holds a message.
func (v value) message() ([]byte, error) { return v.bytes, v.is(protowire.BytesType) }
