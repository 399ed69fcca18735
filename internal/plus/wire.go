package plus

import (
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"teahouse/internal/im"
)

// user is a person as GET /user and GET /users show it. PHP is loose with types: what has a form that is not expected
// counts as absent, except the id.
type user struct {
	ID         number   `json:"id"`
	Name       text     `json:"name"`
	Bio        text     `json:"bio"`
	Location   text     `json:"location"`
	Sex        number   `json:"sex"`
	Avatar     picture  `json:"avatar"`
	Background picture  `json:"bg"`
	Verified   verified `json:"verified"`
	Created    text     `json:"created_at"` // hidden in lists
	Updated    text     `json:"updated_at"`
	Deleted    presence `json:"deleted_at"`
}

// profile returns what is told of the user; addresses of pictures are relative to base.
func (u user) profile(base *url.URL) (p im.Profile, ok bool) {
	if u.ID.v <= 0 || u.ID.v > im.MaxAccountID {
		return im.Profile{}, false
	}
	return im.Profile{
		ID: u.ID.v, Name: u.Name.v, Bio: u.Bio.ptr(), Location: u.Location.ptr(), Sex: int(u.Sex.v),
		Avatar: u.Avatar.at(base), Background: u.Background.at(base), Verified: u.Verified.ptr(),
		Created: moment(u.Created.v), Updated: moment(u.Updated.v),
	}, true
}

// moment reads a time as the documents show it or as Laravel writes it, both in UTC; anything else is none.
func moment(s string) time.Time {
	for _, layout := range []string{time.DateTime, time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// absolute returns an address of http or https, or "".
func absolute(base *url.URL, address string) string {
	u, err := url.Parse(address)
	if address == "" || err != nil {
		return ""
	}
	if u = base.ResolveReference(u); u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.String()
}

// text is a string, or a number in its stead.
type text struct {
	v   string
	set bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(data []byte) error {
	*t = text{}
	switch {
	case data[0] == '"':
		t.set = json.Unmarshal(data, &t.v) == nil
	case data[0] >= '0' && data[0] <= '9' || data[0] == '-':
		t.v, t.set = string(data), true
	}
	return nil
}

func (t text) ptr() *string {
	if !t.set {
		return nil
	}
	return &t.v
}

// number is an integer from 0, also as text; anything else is 0.
type number struct{ v int64 }

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(data []byte) error {
	var t text
	_ = t.UnmarshalJSON(data) // never fails
	n.v = 0
	if v, err := strconv.ParseInt(t.v, 10, 64); err == nil && v > 0 {
		n.v = v
	} else if f, err := strconv.ParseFloat(t.v, 64); err == nil && f > 0 && f < 1<<53 { // a width may be 100.0
		n.v = int64(f)
	}
	return nil
}

// presence tells whether there is anything but null.
type presence struct{ set bool }

// UnmarshalJSON implements json.Unmarshaler.
func (p *presence) UnmarshalJSON(data []byte) error {
	p.set = string(data) != "null" && string(data) != `""`
	return nil
}

// picture is an object in 2.x and an address before.
type picture struct {
	URL       text   `json:"url"`
	Vendor    text   `json:"vendor"`
	Mime      text   `json:"mime"`
	Size      number `json:"size"`
	Dimension shape  `json:"dimension"`
}

type shape struct {
	Width  number `json:"width"`
	Height number `json:"height"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *shape) UnmarshalJSON(data []byte) error {
	type plain shape
	return object(data, (*plain)(s))
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *picture) UnmarshalJSON(data []byte) error {
	*p = picture{}
	if data[0] == '"' {
		return p.URL.UnmarshalJSON(data)
	}
	type plain picture
	return object(data, (*plain)(p))
}

func (p picture) at(base *url.URL) *im.Picture {
	address := absolute(base, p.URL.v)
	if address == "" {
		return nil
	}
	return &im.Picture{URL: address, Vendor: p.Vendor.v, Mime: p.Mime.v, Size: p.Size.v,
		Width: int(p.Dimension.Width.v), Height: int(p.Dimension.Height.v)}
}

type verified struct {
	Type        text `json:"type"`
	Icon        text `json:"icon"`
	Description text `json:"description"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *verified) UnmarshalJSON(data []byte) error {
	*v = verified{}
	type plain verified
	return object(data, (*plain)(v))
}

func (v verified) ptr() *im.Verified {
	if v.Type.v == "" {
		return nil
	}
	return &im.Verified{Type: v.Type.v, Icon: v.Icon.v, Description: v.Description.v}
}

// object decodes an object and takes anything else, such as the [] that PHP writes for an empty one, for none.
func object(data []byte, into any) error {
	if data[0] != '{' {
		return nil
	}
	return json.Unmarshal(data, into)
}
