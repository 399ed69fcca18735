package thinksns

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"teahouse/internal/im"
)

// form is an error on this wire: {"message":["text"]}, or with a field the text under "errors" (wire/thinksns.md §1.2).
type form struct {
	status int
	text   string // {arg} stands for what the error names
	field  string // of the request that is at fault
	plain  bool   // message is a text instead of a list
}

// word is how one route words an error.
type word struct {
	code string
	form form
}

func worded(e *im.Error, f form) word { return word{e.Code, f} }

func refusal(status int, text string) form { return form{status: status, text: text} }

func atField(field, text string) form {
	return form{status: http.StatusUnprocessableEntity, text: text, field: field}
}

// forms is the table of errors that differ from their kind. A bad token alone is 401, on which every client signs out
// (wire/thinksns.md §0.7).
func forms() map[string]form {
	table := map[*im.Error]form{
		im.ErrPathUnknown:     {status: http.StatusNotFound, plain: true},
		im.ErrAppNotFound:     refusal(http.StatusInternalServerError, textNotEnabled),
		im.ErrUserNotFound:    refusal(http.StatusNotFound, textUserGone),
		im.ErrAccountNotFound: refusal(http.StatusNotFound, textUserGone),
		im.ErrRoomNotFound:    refusal(http.StatusNotFound, textGroupGone),
		im.ErrFileNotFound:    refusal(http.StatusNotFound, textNotFound),
		im.ErrFileExpired:     refusal(http.StatusNotFound, textNotFound),
		im.ErrTooLarge:        refusal(http.StatusRequestEntityTooLarge, textTooLarge),
		im.ErrRateLimited:     {status: http.StatusTooManyRequests, text: textTooMany, plain: true},
		im.ErrRegistration:    refusal(http.StatusForbidden, textClosed),
		im.ErrRoomFull:        atField("members", textGroupFull),
		im.ErrTooManyMembers:  atField("members", textGroupFull),
		im.ErrOnOwner:         atField("members", textOwnerStays),
		im.ErrMaxUsersLow:     atField("maxusers", textMaxUsersLow),
		im.ErrMaxUsersHigh:    atField("maxusers", "maxusers 的最大长度为 {arg} 位"),
		im.ErrNameTooLong:     atField("groupname", "groupname 的最大长度为 {arg} 字符"),
		im.ErrDescTooLong:     atField("desc", "desc 的最大长度为 {arg} 字符"),
		im.ErrAppRooms:        refusal(http.StatusUnprocessableEntity, textTooManyGroups),
		im.ErrTooManyRooms:    refusal(http.StatusUnprocessableEntity, textTooManyGroups),
	}
	byCode := make(map[string]form, len(table))
	for e, f := range table {
		byCode[e.Code] = f
	}
	return byCode
}

// byKind is the form of an error that the table does not have.
func byKind(k im.Kind) form {
	switch k {
	case im.Invalid, im.Conflict, im.Exhausted:
		return refusal(http.StatusUnprocessableEntity, textInvalid)
	case im.Unauthenticated:
		return form{status: http.StatusUnauthorized, text: textUnauthorized, plain: true}
	case im.Denied:
		return refusal(http.StatusForbidden, textForbidden)
	case im.NotFound:
		return refusal(http.StatusNotFound, textGroupGone)
	}
	return refusal(http.StatusInternalServerError, textServerError) // also Unavailable: 503 shows iOS's "server down"
}

// fail words any error, here and only here.
func (a *API) fail(c *call, err error) (status int, code string) {
	e := im.AsError(err)
	gone := e.Kind == im.Internal && c.r.Context().Err() != nil
	if gone { // the client left while the store worked: nobody's fault, and nobody reads the answer
		e = im.ErrUnavailable.Because(err)
	}
	if !gone && (e.Kind == im.Internal || e.Kind == im.Unavailable) {
		a.log.Error("request failed", "route", c.name(), "id", c.r.Header.Get("X-Request-Id"), "err", e)
	}
	if f, ok := err.(faults); ok {
		a.write(c, http.StatusUnprocessableEntity, invalid{textInvalid, f})
		return http.StatusUnprocessableEntity, e.Code
	}
	if e.Code == im.ErrUnsupported.Code {
		text := "The " + c.r.Method + " method is not supported for this route. Supported methods: " + e.Arg + "."
		c.w.Header().Set("Allow", e.Arg)
		a.write(c, http.StatusMethodNotAllowed, message{text})
		return http.StatusMethodNotAllowed, e.Code
	}
	f := a.formOf(c, e)
	text := strings.ReplaceAll(f.text, "{arg}", clip(e.Arg))
	switch {
	case f.field != "":
		a.write(c, f.status, invalid{textInvalid, faults{{f.field, []string{text}}}})
	case f.plain:
		a.write(c, f.status, message{text})
	default:
		a.write(c, f.status, messages{[]string{text}})
	}
	return f.status, e.Code
}

func (a *API) formOf(c *call, e *im.Error) form {
	if c.route != nil {
		for _, code := range []string{e.Code + ":" + e.Arg, e.Code} {
			for _, w := range c.route.words {
				if w.code == code {
					return w.form
				}
			}
		}
	}
	if f, ok := a.forms[e.Code]; ok {
		return f
	}
	return byKind(e.Kind)
}

// clip bounds what an error repeats of the request.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// message is an answer of one sentence, messages the same as a list, which some clients want.
type (
	message struct {
		Message string `json:"message"`
	}
	messages struct {
		Message []string `json:"message"`
	}
)

// invalid is the answer 422: what is wrong with each field.
type invalid struct {
	Message string `json:"message"`
	Errors  faults `json:"errors"`
}

// MarshalJSON writes an object whose keys stand in the order of the rules: clients show the first.
func (f faults) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(one.field)
		if err != nil {
			return nil, err
		}
		texts, err := json.Marshal(one.texts)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(texts)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
