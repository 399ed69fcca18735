package thinksns

import "teahouse/internal/im"

// upload reads the number of an upload that becomes a picture; nil when the field is absent.
func (a *API) upload(*call, *rules, string) (*im.Picture, error) { return nil, nil }
