package msync

import "teahouse/internal/im"

// eventMetas are the Metas of an event for one of those it concerns, or with u empty for everybody else.
func eventMetas(app im.AppKey, id im.MessageID, e *im.Event, u im.Username) [][]byte { return nil }
