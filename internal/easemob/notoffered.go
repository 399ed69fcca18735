package easemob

import (
	"strings"

	"teahouse/internal/im"
)

// notOffered are what SDKs ask of services that this server has not; below each of them all is refused, whatever the
// method. The word makes the sentence by which they know that a service is not enabled; they take an unknown path for a
// failure of their own request (wire/msync.md §14.3, §14.6, §15).
func notOffered() [][2]string {
	return [][2]string{
		{"/users/*/messageroaming", "messageroaming"},
		{"/sdk/message/roaming", "messageroaming"},
		{"/users/*/user_channels", "conversation"},
		{"/user/*/user_channel", "conversation"},
		{"/sdk/user/*/user_channels", "conversation"},
		{"/sdk/user/*/user_channel", "conversation"},
		{"/reaction", "reaction"},
		{"/user/*/moderation", "moderation"},
		{"/users/*/presence", "presence"},
		{"/users/*/notification", "notification"},
		{"/thread", "thread"},
		{"/threads", "thread"},
		{"/users/*/translate", "translation"},
		{"/users/*/token/rtc", "rtc"},
		{"/rtc_mapper", "rtc"},
		{"/sdk/chatfiles", "part upload"},
		{"/sdk/users/*/client/logs", "log"},
	}
}

// serviceOf names the service that a path below an app's belongs to, when it is one of those not offered.
func serviceOf(path string) string {
	asked := strings.Split(path, "/")
	for _, n := range notOffered() {
		words := strings.Split(n[0], "/")
		if len(asked) < len(words) {
			continue
		}
		same := true
		for i, w := range words {
			same = same && (w == "*" || w == asked[i])
		}
		if same {
			return n[1]
		}
	}
	return ""
}

// closedRoute is where requests of services not offered end.
func closedRoute() route {
	return route{method: "*", path: "not offered", words: []exception{
		{im.ErrPathUnknown.Code, wire{403, 0, forbiddenOp, "", "{arg} service not open!"}},
	}}
}
