package thinksns

import (
	"strings"
	"unicode/utf8"

	"teahouse/internal/im"
)

// faults are what is wrong with the fields of a request, in the order of the rules. It is an error: all of it is told at
// once (wire/thinksns.md §1.2).
type faults []fault

type fault struct {
	field string
	texts []string
}

// Error implements error.
func (f faults) Error() string { return "fields are not valid" }

// Unwrap says what it is to the domain.
func (f faults) Unwrap() error { return im.ErrInvalid }

// rules read the fields of one request and collect what is wrong with them.
type rules struct {
	in     input
	faults faults
}

func (k *rules) fail(field, text string) {
	for i := range k.faults {
		if k.faults[i].field == field {
			k.faults[i].texts = append(k.faults[i].texts, text)
			return
		}
	}
	k.faults = append(k.faults, fault{field, []string{text}})
}

// err is nil while nothing is wrong.
func (k *rules) err() error {
	if len(k.faults) == 0 {
		return nil
	}
	return k.faults
}

// text reads a required text of at most so many characters.
func (k *rules) text(field, missing string, most int) string {
	v := k.in[field]
	s, ok := v.(string)
	switch {
	case v == nil:
		k.fail(field, missing)
	case !ok || strings.ContainsRune(s, 0):
		k.fail(field, textString(field))
	case utf8.RuneCountInString(s) > most:
		k.fail(field, textMaxLength(field, most))
	}
	return s
}

// group reads a required group id. One that cannot be that of a group, for it has not 14 digits, is read nevertheless:
// such a group is unknown.
func (k *rules) group() im.RoomID {
	v := k.in["im_group_id"]
	if v == nil {
		k.fail("im_group_id", textIDMissing)
		return ""
	}
	if _, ok := whole(v); !ok {
		k.fail("im_group_id", textInteger("im_group_id"))
	}
	return im.RoomID(k.in.text("im_group_id"))
}

// groups reads a required list of group ids.
func (k *rules) groups() []im.RoomID {
	texts, ok := list(k.in["im_group_id"])
	if !ok || len(texts) == 0 {
		k.fail("im_group_id", textIDMissing)
	}
	var ids []im.RoomID
	for _, id := range texts {
		if isGroup(im.RoomID(id)) {
			ids = append(ids, im.RoomID(id))
		}
	}
	return ids
}

// isGroup reports whether an id can be one of a group here: clients tell groups by 14 digits (wire/thinksns.md §0.1).
func isGroup(id im.RoomID) bool {
	return len(id) == 14 && id[0] != '0' && strings.Trim(string(id), "0123456789") == ""
}

// flag reads an optional truth value. sent is false when it is absent, and empty tells that it came without a value.
func (k *rules) flag(field string) (b, sent, empty bool) {
	v, present := k.in[field]
	if v == nil {
		return false, present, present
	}
	b, ok := truth(v)
	if !ok {
		k.fail(field, textBoolean(field))
	}
	return b, true, false
}

// number reads an optional number from least to most; nil when it is absent or empty.
func (k *rules) number(field string, least, most int) *int {
	v := k.in[field]
	if v == nil {
		return nil
	}
	n, ok := whole(v)
	switch text, _ := scalar(v); {
	case !ok && text == "0":
		k.fail(field, textMin(field, least))
	case !ok:
		k.fail(field, textInteger(field))
	case n < int64(least):
		k.fail(field, textMin(field, least))
	case n > int64(most):
		k.fail(field, textMax(field, most))
	}
	m := int(n)
	return &m
}

// people reads a list of user ids. A text that is no id is nobody's.
func (k *rules) people(field string) []int64 {
	texts, ok := list(k.in[field])
	if !ok {
		k.fail(field, textArray(field))
	}
	var ids []int64
	for _, text := range texts {
		id, ok := whole(text)
		if !ok {
			k.fail(field, textUserGone)
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// required is people of a field that must name somebody.
func (k *rules) required(field, missing string) []int64 {
	if v := k.in[field]; v == nil {
		k.fail(field, missing)
		return nil
	}
	before := len(k.faults)
	ids := k.people(field)
	if len(ids) == 0 && len(k.faults) == before {
		k.fail(field, missing)
	}
	return ids
}
