package plus

import (
	"encoding/json"
	"net/url"
	"reflect"
	"testing"
	"time"

	"teahouse/internal/im"
)

func base() *url.URL { return &url.URL{Scheme: "https", Host: "social.example.com"} }

// TestForms reads users in the forms that versions of ThinkSNS+ have, and in those of PHP's loose types.
func TestForms(t *testing.T) {
	text := func(s string) *string { return &s }
	address := "https://cdn.example.com/a.png"
	for _, c := range []struct {
		name, json string
		want       im.Profile
	}{
		{"bare", `{"id":7}`, im.Profile{ID: 7}},
		{"nulls", `{"id":7,"name":null,"bio":null,"sex":null,"location":null,"avatar":null,"bg":null,"verified":null,"created_at":null,"extra":null}`, im.Profile{ID: 7}},
		{"full", `{"id":7,"name":"ann","bio":"","sex":1,"location":"成都","avatar":{"url":"https:\/\/cdn.example.com\/a.png","vendor":"local","mime":"image\/png","size":8674,"dimension":{"width":259,"height":252}},
			"verified":{"type":"user","icon":null,"description":"x"},"updated_at":"2018-03-05 06:07:08"}`,
			im.Profile{ID: 7, Name: "ann", Bio: text(""), Sex: 1, Location: text("成都"),
				Avatar:   &im.Picture{URL: address, Vendor: "local", Mime: "image/png", Size: 8674, Width: 259, Height: 252},
				Verified: &im.Verified{Type: "user", Description: "x"}, Updated: time.Date(2018, 3, 5, 6, 7, 8, 0, time.UTC)}},
		{"pictures as addresses", `{"id":7,"avatar":"https://cdn.example.com/a.png","bg":"/api/v2/files/3"}`,
			im.Profile{ID: 7, Avatar: &im.Picture{URL: address}, Background: &im.Picture{URL: "https://social.example.com/api/v2/files/3"}}},
		{"loose", `{"id":"7","name":12,"bio":{},"sex":"2","location":false,"avatar":[],"bg":{"url":"//cdn.example.com/b","size":"12","dimension":[]},"verified":[],"created_at":{"date":"x"},"updated_at":"soon"}`,
			im.Profile{ID: 7, Name: "12", Sex: 2, Background: &im.Picture{URL: "https://cdn.example.com/b", Size: 12}}},
		{"loose numbers", `{"id":7.0,"bg":{"url":"https://x/","size":12.5,"dimension":{"width":"100.0","height":-3}}}`,
			im.Profile{ID: 7, Background: &im.Picture{URL: "https://x/", Size: 12, Width: 100}}},
		{"no addresses", `{"id":7,"avatar":"","bg":{"url":"javascript:alert(1)"}}`, im.Profile{ID: 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var u user
			if err := json.Unmarshal([]byte(c.json), &u); err != nil {
				t.Fatal(err)
			}
			if got, ok := u.profile(base()); !ok || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v, want %+v", got, ok, c.want)
			}
		})
	}
}

func FuzzUser(f *testing.F) {
	f.Add([]byte(`{"id":7,"name":"ann","avatar":{"url":"https://x/","dimension":{"width":1}},"verified":[],"deleted_at":null}`))
	f.Add([]byte(`{"id":"9","avatar":"x","bg":-1,"sex":1e99}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var u user
		if json.Unmarshal(data, &u) != nil {
			return
		}
		p, ok := u.profile(base())
		if ok && (p.ID <= 0 || p.ID > im.MaxAccountID) {
			t.Errorf("%s: id %d", data, p.ID)
		}
		for _, pic := range []*im.Picture{p.Avatar, p.Background} {
			if pic == nil {
				continue
			}
			if a, err := url.Parse(pic.URL); err != nil || a.Host == "" || a.Scheme != "http" && a.Scheme != "https" {
				t.Errorf("%s: picture at %q", data, pic.URL)
			}
		}
	})
}
