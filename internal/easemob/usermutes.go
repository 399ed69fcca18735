package easemob

import (
	"math"
	"time"

	"teahouse/internal/im"
)

const mutesPath = "/mutes"

type userMuteRequest struct {
	Username  looseText  `json:"username"`
	Chat      looseWhole `json:"chat"` // seconds; -1 for good, 0 ends
	Groupchat looseWhole `json:"groupchat"`
	Chatroom  looseWhole `json:"chatroom"`
}

// POST /{org}/{app}/mutes
func (a *API) muteUser(c *call, b userMuteRequest) (answer, error) {
	if b.Username.v == "" {
		return answer{}, im.ErrFieldMissing.With("username")
	}
	lengths := map[im.Venue]time.Duration{}
	for v, n := range map[im.Venue]looseWhole{im.InChats: b.Chat, im.InGroups: b.Groupchat, im.InChatrooms: b.Chatroom} {
		if n.sent {
			lengths[v] = muteSeconds(n.v)
		}
	}
	err := a.svc.MuteUser(c.r.Context(), c.caller, b.Username.v, lengths)
	return answer{path: mutesPath, data: struct {
		Result string `json:"result"`
	}{"ok"}}, err
}

// muteSeconds turns the wire's seconds into a length; more than SDKs can read back, which is 32 bits, is for good.
func muteSeconds(n int64) time.Duration {
	switch {
	case n == -1 || n > math.MaxInt32:
		return im.ForGood
	case n < 0:
		return -2 // any other negative length: refused
	}
	return time.Duration(n) * time.Second
}

// secondsLeft is what is left of a mute: 0 for none, -1 for one without end.
func secondsLeft(end, now time.Time) int64 {
	switch {
	case !end.After(now):
		return 0
	case end.Equal(im.Forever()):
		return -1
	}
	return int64((end.Sub(now) + time.Second - 1) / time.Second)
}

// userMuteItem tells what is left of a user's mutes, in seconds.
type userMuteItem struct {
	UserID    string `json:"userid,omitempty"`
	Username  string `json:"username,omitempty"`
	Chat      int64  `json:"chat"`
	Groupchat int64  `json:"groupchat"`
	Chatroom  int64  `json:"chatroom"`
	Now       int64  `json:"unixtime,omitempty"` // seconds
}

func userMuteOf(m im.UserMute, now time.Time) userMuteItem {
	return userMuteItem{Chat: secondsLeft(m.Ends[im.InChats], now), Groupchat: secondsLeft(m.Ends[im.InGroups], now),
		Chatroom: secondsLeft(m.Ends[im.InChatrooms], now)}
}

// GET /{org}/{app}/mutes/{user}
func (a *API) mutesOfUser(c *call) (answer, error) {
	m, err := a.svc.MutesOfUser(c.r.Context(), c.caller, c.user())
	now := a.svc.Now()
	item := userMuteOf(m, now)
	item.UserID, item.Now = c.app.Key.String()+"_"+string(m.User), now.Unix()
	return answer{path: mutesPath, data: item}, err
}

// GET /{org}/{app}/mutes?pageNum=&pageSize=
func (a *API) listMutedUsers(c *call) (answer, error) {
	num, err := c.number("pageNum", 1)
	if err != nil {
		return answer{}, err
	}
	size, err := c.number("pageSize", contactsPage)
	if err != nil {
		return answer{}, err
	}
	muted, err := a.svc.MutedUsers(c.r.Context(), c.caller, im.Page{Number: num, Size: min(size, contactsPageMax)})
	now := a.svc.Now()
	items := make([]userMuteItem, len(muted))
	for i, m := range muted {
		items[i] = userMuteOf(m, now)
		items[i].Username = string(m.User)
	}
	return answer{path: mutesPath, data: struct {
		Data []userMuteItem `json:"data"`
		Now  int64          `json:"unixtime"`
	}{items, now.Unix()}}, err
}
