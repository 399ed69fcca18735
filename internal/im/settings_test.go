package im_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"teahouse/internal/im"
)

// settingCases has for every key its default, values that are taken with the form they take, and some that are not.
func settingCases() []struct{ key, standard, good, bad string } {
	return []struct{ key, standard, good, bad string }{
		{"open_registration", "false", "true>true false>false 1>true T>true 0>false", "yes on 2"},
		{"error_profile", "450", "450>450 v2>v2", "V2 v1 451"},
		{"token_ttl", "5184000", "0>0 1>1 2147483647>2147483647 007>7", "-1 2147483648 1.5 1h 9223372036854775808"},
		{"room_default_maxusers", "200", "1>1 1000000>1000000", "0 -1 1000001 x"},
		{"room_max_maxusers", "5000", "1>1 1000000>1000000", "0 -1 1000001 x"},
		{"group_default_maxusers", "200", "1>1 1000000>1000000", "0 -1 1000001 x"},
		{"group_max_maxusers", "8000", "1>1 1000000>1000000", "0 -1 1000001 x"},
		{"user_max_chatrooms", "500", "1>1 1000000>1000000", "0 -1 1000001 x"},
		{"chatroom_grace_seconds", "120", "0>0 2147483647>2147483647", "-1 2147483648 2m x"},
		{"max_chatrooms", "0", "0>0 2147483647>2147483647 +5>5", "-1 2147483648 x"},
		{"max_groups", "0", "0>0 2147483647>2147483647", "-1 2147483648 x"},
		{"room_max_admins", "99", "1>1 10000>10000", "0 10001 x"},
		{"file_max_size", "10485760", "1>1 2147483647>2147483647", "0 2147483648 10MB"},
		{"file_keep_days", "0", "0>0 36500>36500", "-1 36501 x"},
		{"batch_add", "60", "1>1 500>500", "0 501 x"},
		{"batch_remove", "60", "1>1 500>500", "0 501 x"},
		{"batch_register", "60", "1>1 500>500", "0 501 x"},
		{"group_max_pending", "500", "1>1 100000>100000", "0 -1 100001 x"},
		{"user_max_pending", "100", "1>1 10000>10000", "0 -1 10001 x"},
		{"pending_days", "30", "1>1 3650>3650", "0 -1 3651 1.5 x"},
		{"user_max_devices", "50", "0>0 1000000>1000000", "-1 1000001 1.5 x"},
		{"message_max_bytes", "5120", "256>256 262144>262144", "255 262145 x"},
		{"recall_seconds", "120", "0>0 2147483647>2147483647", "-1 2147483648 x"},
		{"history_zone", "0", "-12>-12 8>8 14>14", "-13 15 x"},
		{"message_days", "180", "0>0 100000>100000", "-1 100001 x"},
		{"user_max_contacts", "1000", "1>1 100000>100000", "0 100001 x"},
		{"user_max_blocks", "500", "1>1 100000>100000", "0 100001 x"},
		{"contacts_only", "false", "true>true false>false 1>true", "yes on 2"},
	}
}

func TestSettings(t *testing.T) {
	cases := settingCases()
	docs := im.SettingDocs()
	same(t, "a case for every setting", len(cases), len(docs))
	for i, c := range cases {
		t.Run(c.key, func(t *testing.T) {
			same(t, "documented", []string{docs[i].Key, docs[i].Default}, []string{c.key, c.standard})
			same(t, "explained", docs[i].Doc != "", true)
			for _, pair := range strings.Fields(c.good) {
				given, want, _ := strings.Cut(pair, ">")
				s := im.DefaultSettings()
				must(t, s.Set(c.key, given))
				same(t, given, s.Values()[c.key], want)
				same(t, given+": text", s.Text(), c.key+"="+want+"\n")
				same(t, given+": read again", im.ParseSettings(s.Text()), s)
				onlyChanged(t, s, c.key)
			}
			for _, given := range append(strings.Fields(c.bad), "", " ") {
				s := im.DefaultSettings()
				err := s.Set(c.key, given)
				refused(t, err, im.ErrInvalid)
				if arg := im.AsError(err).Arg; !strings.HasPrefix(arg, c.key+"="+given+": ") {
					t.Errorf("%q: the error names %q", given, arg)
				}
				same(t, given+": unchanged", s, im.DefaultSettings())
			}
		})
	}
	s := im.DefaultSettings()
	refused(t, s.Set("nosuch", "1"), im.ErrInvalid.With("unknown setting nosuch"))
	refused(t, s.Set("", ""), im.ErrInvalid)
	same(t, "text of the defaults", s.Text(), "")
}

// onlyChanged wants every other setting to be what it was.
func onlyChanged(t *testing.T, s im.Settings, key string) {
	t.Helper()
	was := im.DefaultSettings()
	for k, v := range was.Values() {
		if k != key {
			same(t, "beside "+key+": "+k, s.Values()[k], v)
		}
	}
}

// TestSettingsMeanTheirFields: a key that sets another's field would pass the round trip.
func TestSettingsMeanTheirFields(t *testing.T) {
	s := im.ParseSettings("open_registration=true\nerror_profile=v2\ntoken_ttl=3\nroom_default_maxusers=4\nroom_max_maxusers=5\n" +
		"user_max_chatrooms=6\nmax_chatrooms=7\nmax_groups=8\nroom_max_admins=9\nbatch_add=10\nbatch_remove=11\nbatch_register=12\ngroup_default_maxusers=13\ngroup_max_maxusers=14\nmessage_max_bytes=256\nrecall_seconds=16\nmessage_days=17\ngroup_max_pending=18\nuser_max_pending=19\npending_days=20\nchatroom_grace_seconds=21\n")
	got := fmt.Sprintln(s.OpenRegistration, s.ErrorProfile, s.TokenTTL, s.DefaultMaxUsers, s.MaxMaxUsers, s.JoinedRooms,
		s.MaxChatrooms, s.MaxGroups, s.MaxAdmins, s.BatchAdd, s.BatchRemove, s.BatchRegister, s.GroupMaxUsers, s.GroupMaxMaxUsers, s.MaxMessage, s.RecallSeconds, s.MessageDays,
		s.GroupPending, s.UserPending, s.PendingDays, s.ChatroomGrace)
	same(t, "fields", got, "true v2 3s 4 5 6 7 8 9 10 11 12 13 14 256 16 17 18 19 20 21\n")
	d := im.DefaultSettings()
	got = fmt.Sprintln(d.OpenRegistration, d.ErrorProfile, d.TokenTTL == 60*24*time.Hour, d.DefaultMaxUsers, d.MaxMaxUsers, d.JoinedRooms,
		d.MaxChatrooms, d.MaxGroups, d.MaxAdmins, d.BatchAdd, d.BatchRemove, d.BatchRegister, d.GroupMaxUsers, d.GroupMaxMaxUsers, d.MaxMessage, d.RecallSeconds, d.MessageDays,
		d.GroupPending, d.UserPending, d.PendingDays, d.ChatroomGrace)
	same(t, "defaults", got, "false 450 true 200 5000 500 0 0 99 60 60 60 200 8000 5120 120 180 500 100 30 120\n")
}

func TestParseSettings(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"batch_add=5\nmax_groups=0\n":       "batch_add=5\nmax_groups=0\n",
		"max_groups=1\r\n batch_add=5":      "batch_add=5\nmax_groups=1\n",
		"of_a_later_version=1\nbatch_add=5": "batch_add=5\n",
		"batch_add=5\nbatch_add=6\n":        "batch_add=6\n",
		"batch_add=0\nno line\n=\n==\n\n":   "",
		"batch_add=60\n":                    "batch_add=60\n", // set to what is the default: stays so in later versions
	} {
		same(t, text, im.ParseSettings(text).Text(), want)
	}
}
