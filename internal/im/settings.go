package im

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Profiles of error statuses (ADR 3).
const (
	Profile450 = "450" // the statuses of seed 004
	ProfileV2  = "v2"  // the statuses of today's cloud
)

// Settings are the choices of one app. The zero value is not useful: start from [DefaultSettings].
type Settings struct {
	OpenRegistration bool          // POST /users without a token
	ErrorProfile     string        // Profile450 or ProfileV2
	TokenTTL         time.Duration // life of a token that names no ttl; 0 means for good
	DefaultMaxUsers  int           // places in a room that names no maxusers (seed 004: 200)
	MaxMaxUsers      int           // most places a room may ask for (seed 004: 5000)
	GroupMaxUsers    int           // places in a group that names no maxusers
	GroupMaxMaxUsers int           // most places a group may ask for
	JoinedRooms      int           // chatrooms one user may be in (seed 004: 500)
	ChatroomGrace    int           // seconds that who is not connected any more stays in a chatroom
	MaxChatrooms     int           // chatrooms of the app, 0 = unlimited
	MaxGroups        int           // groups of the app, 0 = unlimited
	MaxAdmins        int           // admins of a room
	FileSize         int           // bytes of one file
	FileDays         int           // how long attachments are kept; 0 means for good
	BatchAdd         int           // names in one call that adds, mutes, blocks or allows
	BatchRemove      int           // names in one call that removes (documents say 60 and 100)
	BatchRegister    int           // users in one registration call
	MaxMessage       int           // bytes of a message's body and extension
	RecallSeconds    int           // how long a message can be withdrawn
	HistoryZone      int           // hours that the hours of the history are ahead of UTC
	MessageDays      int           // how long messages are kept; 0 means for good
	MaxContacts      int           // contacts of one user, and requests waiting for an answer
	MaxUserBlocks    int           // users one user may block
	ContactsOnly     bool          // users may send to their contacts only
	GroupPending     int           // applications to one group, and invitations into it, that wait for an answer
	UserPending      int           // the same of one user
	PendingDays      int           // days after which they are forgotten
	MaxDevices       int           // devices of a user that are connected at once; 0 = unlimited

	given map[string]string // what was set, as it was set; the rest is default
}

// DefaultSettings returns the documented defaults.
func DefaultSettings() Settings {
	return Settings{
		ErrorProfile: Profile450, TokenTTL: 60 * 24 * time.Hour, FileSize: 10 << 20,
		DefaultMaxUsers: 200, MaxMaxUsers: 5000, GroupMaxUsers: 200, GroupMaxMaxUsers: 8000, JoinedRooms: 500, ChatroomGrace: 120, MaxAdmins: 99,
		BatchAdd: 60, BatchRemove: 60, BatchRegister: 60,
		MaxMessage: 5120, RecallSeconds: 120, MessageDays: 180,
		MaxContacts: 1000, MaxUserBlocks: 500,
		GroupPending: 500, UserPending: 100, PendingDays: 30,
		MaxDevices: 50,
	}
}

// places returns how many places a room of the kind has by default, and at most.
func (s Settings) places(kind RoomKind) (standard, most int) {
	if kind == Group {
		return s.GroupMaxUsers, s.GroupMaxMaxUsers
	}
	return s.DefaultMaxUsers, s.MaxMaxUsers
}

// SettingDoc describes one setting for --help and the documentation.
type SettingDoc struct{ Key, Default, Doc string }

type setting struct {
	key, doc string
	set      func(*Settings, string) error
	get      func(Settings) string
}

func number(key, doc string, low, high int, field func(*Settings) *int) setting {
	return setting{key, doc,
		func(s *Settings, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < low || n > high {
				return fmt.Errorf("want a whole number from %d to %d", low, high)
			}
			*field(s) = n
			return nil
		},
		func(s Settings) string { return strconv.Itoa(*field(&s)) },
	}
}

const manyUsers = 1_000_000

func settings() []setting {
	return []setting{
		{"open_registration", "accept POST /users without a token (true, false)",
			func(s *Settings, v string) (err error) { s.OpenRegistration, err = strconv.ParseBool(v); return err },
			func(s Settings) string { return strconv.FormatBool(s.OpenRegistration) }},
		{"error_profile", "error statuses: 450 (the vendor's older documents) or v2 (today's cloud)",
			func(s *Settings, v string) error {
				if v != Profile450 && v != ProfileV2 {
					return fmt.Errorf("want %s or %s", Profile450, ProfileV2)
				}
				s.ErrorProfile = v
				return nil
			},
			func(s Settings) string { return s.ErrorProfile }},
		{"token_ttl", "life of a token in seconds when the request names none; 0 = for good",
			func(s *Settings, v string) error {
				n, err := strconv.ParseInt(v, 10, 64)
				if err != nil || n < 0 || n > maxTTL {
					return fmt.Errorf("want seconds from 0 to %d", maxTTL)
				}
				s.TokenTTL = time.Duration(n) * time.Second
				return nil
			},
			func(s Settings) string { return strconv.FormatInt(int64(s.TokenTTL/time.Second), 10) }},
		number("room_default_maxusers", "places in a chatroom whose creation names no maxusers", 1, manyUsers, func(s *Settings) *int { return &s.DefaultMaxUsers }),
		number("room_max_maxusers", "most places a chatroom may ask for", 1, manyUsers, func(s *Settings) *int { return &s.MaxMaxUsers }),
		number("group_default_maxusers", "places in a group whose creation names no maxusers", 1, manyUsers, func(s *Settings) *int { return &s.GroupMaxUsers }),
		number("group_max_maxusers", "most places a group may ask for", 1, manyUsers, func(s *Settings) *int { return &s.GroupMaxMaxUsers }),
		number("user_max_chatrooms", "chatrooms one user may be in", 1, manyUsers, func(s *Settings) *int { return &s.JoinedRooms }),
		number("chatroom_grace_seconds", "seconds that who is not connected any more stays in a chatroom", 0, 1<<31-1, func(s *Settings) *int { return &s.ChatroomGrace }),
		number("max_chatrooms", "chatrooms of the app; 0 = unlimited", 0, 1<<31-1, func(s *Settings) *int { return &s.MaxChatrooms }),
		number("max_groups", "groups of the app; 0 = unlimited", 0, 1<<31-1, func(s *Settings) *int { return &s.MaxGroups }),
		number("room_max_admins", "admins of a room besides the owner", 1, 10_000, func(s *Settings) *int { return &s.MaxAdmins }),
		number("file_max_size", "bytes of an uploaded file", 1, 1<<31-1, func(s *Settings) *int { return &s.FileSize }),
		number("file_keep_days", "days that attachments are kept; 0 = for good", 0, 36_500, func(s *Settings) *int { return &s.FileDays }),
		number("batch_add", "names in one call that adds, mutes, blocks or allows", 1, 500, func(s *Settings) *int { return &s.BatchAdd }),
		number("batch_remove", "names in one call that removes", 1, 500, func(s *Settings) *int { return &s.BatchRemove }),
		number("batch_register", "users in one registration call", 1, 500, func(s *Settings) *int { return &s.BatchRegister }),
		number("group_max_pending", "applications to a group that wait for an answer, and as many invitations", 1, 100_000, func(s *Settings) *int { return &s.GroupPending }),
		number("user_max_pending", "applications of a user that wait for an answer, and as many invitations", 1, 10_000, func(s *Settings) *int { return &s.UserPending }),
		number("pending_days", "days after which unanswered applications and invitations are forgotten", 1, 3650, func(s *Settings) *int { return &s.PendingDays }),
		number("user_max_devices", "devices of a user that are connected at once; 0 = unlimited", 0, 1_000_000, func(s *Settings) *int { return &s.MaxDevices }),
		number("message_max_bytes", "bytes of a message's body and extension", 256, 256<<10, func(s *Settings) *int { return &s.MaxMessage }),
		number("recall_seconds", "how long a message can be withdrawn", 0, 1<<31-1, func(s *Settings) *int { return &s.RecallSeconds }),
		number("history_zone", "hours that the hours of the history's files are ahead of UTC", -12, 14, func(s *Settings) *int { return &s.HistoryZone }),
		number("message_days", "days that messages are kept, read or not; 0 = for good", 0, 100_000, func(s *Settings) *int { return &s.MessageDays }),
		number("user_max_contacts", "contacts of one user", 1, 100_000, func(s *Settings) *int { return &s.MaxContacts }),
		number("user_max_blocks", "users one user may block", 1, 100_000, func(s *Settings) *int { return &s.MaxUserBlocks }),
		{"contacts_only", "a message of a client to a user needs that they are contacts (true, false)",
			func(s *Settings, v string) (err error) { s.ContactsOnly, err = strconv.ParseBool(v); return err },
			func(s Settings) string { return strconv.FormatBool(s.ContactsOnly) }},
	}
}

// SettingDocs lists every setting with its default.
func SettingDocs() (docs []SettingDoc) {
	for _, d := range settings() {
		docs = append(docs, SettingDoc{d.key, d.get(DefaultSettings()), d.doc})
	}
	return docs
}

// Set changes one setting. An unknown key or a value out of range is ErrInvalid and names the key.
func (s *Settings) Set(key, value string) error {
	for _, d := range settings() {
		if d.key != key {
			continue
		}
		if err := d.set(s, value); err != nil {
			return ErrInvalid.With(key + "=" + value + ": " + err.Error())
		}
		if s.given == nil {
			s.given = map[string]string{}
		}
		s.given[key] = d.get(*s)
		return nil
	}
	return ErrInvalid.With("unknown setting " + key)
}

// Values returns every setting as it stands, by key.
func (s Settings) Values() map[string]string {
	m := map[string]string{}
	for _, d := range settings() {
		m[d.key] = d.get(s)
	}
	return m
}

// Text returns what was set, one "key=value" a line, for the store. Defaults are not in it, so that a later
// version may change them.
func (s Settings) Text() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s.given)) {
		fmt.Fprintf(&b, "%s=%s\n", k, s.given[k])
	}
	return b.String()
}

// ParseSettings reads what [Settings.Text] wrote. A key this version does not know is left out.
func ParseSettings(text string) Settings {
	s := DefaultSettings()
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			_ = s.Set(k, v) // written by Set; only a downgrade could make it fail
		}
	}
	return s
}

func (s Settings) clone() Settings {
	s.given = maps.Clone(s.given)
	return s
}
