package thinksns

import (
	"strings"
	"time"

	"teahouse/internal/im"
)

// picture is an uploaded image as people show it: never a text, which Android's JSON reader refuses.
type picture struct {
	URL       string     `json:"url"`
	Vendor    string     `json:"vendor"`
	Mime      string     `json:"mime"`
	Size      int64      `json:"size"`
	Dimension *dimension `json:"dimension,omitempty"`
}

type dimension struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

type verified struct {
	Type        string `json:"type"`
	Icon        string `json:"icon"`
	Description string `json:"description"`
}

// affiliation is a member in GET /easemob/group. What would tell more about a person than a card does is left out
// (wire/thinksns.md §3.1).
type affiliation struct {
	ID            int64     `json:"id"`
	Name          string    `json:"name"`
	Bio           *string   `json:"bio"`
	Sex           int       `json:"sex"`
	Location      *string   `json:"location"`
	Created       *string   `json:"created_at"`
	Updated       *string   `json:"updated_at"`
	IsOwner       int       `json:"is_owner"`
	Avatar        *picture  `json:"avatar"`
	Background    *picture  `json:"bg"`
	Verified      *verified `json:"verified"`
	Extra         *struct{} `json:"extra"`
	Certification *struct{} `json:"certification"`
}

func (a *API) affiliation(c *call, p im.Profile, owner bool) affiliation {
	m := affiliation{
		ID: p.ID, Name: p.Name, Bio: p.Bio, Sex: p.Sex, Location: p.Location, Created: moment(p.Created), Updated: moment(p.Updated),
		Avatar: a.picture(c, p.Avatar), Background: a.picture(c, p.Background), Verified: badge(p.Verified),
	}
	if owner {
		m.IsOwner = 1
	}
	return m
}

// userAnswer is a person in lists of people (wire/thinksns.md §7.1).
type userAnswer struct {
	ID         int64     `json:"id"`
	Name       string    `json:"name"`
	Bio        *string   `json:"bio"`
	Sex        int       `json:"sex"`
	Location   *string   `json:"location"`
	Avatar     *picture  `json:"avatar"`
	Background *picture  `json:"bg"`
	Deleted    *string   `json:"deleted_at"`
	Verified   *verified `json:"verified"`
	Extra      *struct{} `json:"extra"`
	Following  bool      `json:"following"`
	Follower   bool      `json:"follower"`
	Blacked    bool      `json:"blacked"`
}

func (a *API) userAnswer(c *call, p im.Profile) userAnswer {
	return userAnswer{
		ID: p.ID, Name: p.Name, Bio: p.Bio, Sex: p.Sex, Location: p.Location, Avatar: a.picture(c, p.Avatar),
		Background: a.picture(c, p.Background), Verified: badge(p.Verified),
	}
}

// ownAnswer is what a person sees of the own account.
type ownAnswer struct {
	userAnswer
	Email         *string   `json:"email"`
	Phone         *string   `json:"phone"`
	Created       *string   `json:"created_at"`
	Updated       *string   `json:"updated_at"`
	Certification *struct{} `json:"certification"`
}

// picture shows an image; one of our own uploads is kept without the host, which may change.
func (a *API) picture(c *call, p *im.Picture) *picture {
	if p == nil {
		return nil
	}
	shown := &picture{URL: p.URL, Vendor: p.Vendor, Mime: p.Mime, Size: p.Size}
	if strings.HasPrefix(p.URL, "/") {
		shown.URL = a.base(c.r) + p.URL
	}
	if p.Width > 0 && p.Height > 0 {
		shown.Dimension = &dimension{p.Width, p.Height}
	}
	return shown
}

func badge(v *im.Verified) *verified {
	if v == nil {
		return nil
	}
	return &verified{v.Type, v.Icon, v.Description}
}

// moment is a time as the document writes it, in UTC; nil when it is not known (wire/thinksns.md §1.5).
func moment(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.DateTime)
	return &s
}

// orNull is a text, or null when it is empty.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
