package pb_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// kinds are all kinds of event, as the sources of the domain declare them.
func kinds(t *testing.T) (all []im.EventKind) {
	t.Helper()
	files, err := filepath.Glob("../../im/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "EventKind" {
				word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, im.EventKind(word))
			}
			return true
		})
	}
	return all
}

const (
	eventID = im.MessageID(1 << 60)
	untold  = ""
)

// sample is an event in which each field is set that an event may have.
func sample(kind im.EventKind, in im.RoomKind) *im.Event {
	return &im.Event{Topic: im.RoomTopic(1, "r1"), Kind: kind, App: 1, At: time.UnixMilli(1700000000123), By: "own", Room: "r1", RoomKind: in, Name: "the \"room\"\n",
		Users: []im.Username{"ann", "bob"}, Members: 5, Until: time.UnixMilli(1700000009999), Text: "tëxt\n",
		Files:      []im.File{{ID: "f1", Owner: "ann", Name: "a\t.txt", Size: 9, Created: time.UnixMilli(1700000000000)}},
		Attributes: []im.Attribute{{Key: "k", Value: "1"}, {Key: "q\"", Value: ""}},
		Fields:     im.Fields{{Name: "name", Value: im.Text("n\"")}, {Name: "public", Value: yes()}, {Name: "max_users", Value: num("200")}}}
}

// told writes what an event's Metas say, one after the other.
func told(t *testing.T, e *im.Event, u im.Username) string {
	t.Helper()
	var lines []string
	seen := map[uint64]bool{}
	for _, b := range pb.EventMetas(demo(), eventID, e, u, false) {
		var meta pb.Meta
		if err := proto.Unmarshal(b, &meta); err != nil {
			t.Fatal(err)
		}
		if seen[meta.GetId()] || meta.GetId() >= math.MaxInt64 || len(lines) == 0 && meta.GetId() != uint64(eventID) || meta.GetTimestamp() != 1700000000123 {
			t.Errorf("%s: the id %d, the time %d", e.Kind, meta.GetId(), meta.GetTimestamp())
		}
		seen[meta.GetId()] = true
		lines = append(lines, payload(t, &meta, e))
	}
	return strings.Join(lines, "; ")
}

// payload writes what one Meta says.
func payload(t *testing.T, meta *pb.Meta, e *im.Event) string {
	t.Helper()
	if meta.GetNs() == pb.Meta_ROSTER {
		var r pb.RosterBody
		if err := proto.Unmarshal(meta.GetPayload(), &r); err != nil || len(r.GetTo()) != 1 || r.GetFrom() == nil || meta.GetFrom().GetDomain() != pb.UserDomain {
			t.Fatalf("%v: %v %v", e.Kind, &r, err)
		}
		return strings.TrimSpace(fmt.Sprintf("%s %s>%s %s", r.GetOperation(), r.GetFrom().GetName(), r.GetTo()[0].GetName(), r.GetReason()))
	}
	var m pb.MUCBody
	if err := proto.Unmarshal(meta.GetPayload(), &m); err != nil || meta.GetNs() != pb.Meta_MUC || len(m.ProtoReflect().GetUnknown()) > 0 {
		t.Fatalf("%v: %v %v", e.Kind, &m, err)
	}
	if m.GetMucId().String() != meta.GetFrom().String() || m.GetMucId().GetName() != "r1" || m.GetMucId().GetDomain() != pb.RoomDomain || m.Status == nil || m.Operation == nil {
		t.Errorf("%s: got %v", e.Kind, &m)
	}
	if m.GetIsChatroom() != (e.RoomKind == im.Chatroom) || m.GetFrom().GetDomain() != pb.UserDomain || m.GetFrom().GetAppKey() != "demo#chat" {
		t.Errorf("%s: got %v", e.Kind, &m)
	}
	s := m.GetOperation().String() + " " + m.GetFrom().GetName()
	if len(m.To) > 0 {
		s += ">" + m.To[0].GetName()
	}
	for _, json := range []string{m.GetEventInfo().GetExt()} {
		if json != "" {
			mustBeJSON(t, json)
			s += " " + json
		}
	}
	for _, part := range []string{m.GetReason(), m.GetExt(), m.GetMucName(), strings.Join(m.GetMembers(), ",")} {
		if part != "" {
			s += " " + part
		}
	}
	if m.MucMemberCount != nil {
		s += fmt.Sprintf(" (%d)", m.GetMucMemberCount())
	}
	return s
}

func mustBeJSON(t *testing.T, text string) {
	t.Helper()
	if !json.Valid([]byte(text)) || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 }) {
		t.Errorf("not JSON in one line: %s", text)
	}
}

// eventRow is what an event tells anybody, and one of those whom it concerns (ann), in a chatroom and in a group; same stands for
// what others are told.
type eventRow struct{ room, roomAnn, group, groupAnn string }

const same = "same"

func all(s string) eventRow { return eventRow{s, s, s, s} }

// each is one Meta a user; in chatrooms users hear of themselves only, in groups of all.
func each(s string) eventRow {
	both := strings.ReplaceAll(s, ">USER", ">ann") + "; " + strings.ReplaceAll(s, ">USER", ">bob")
	return eventRow{both, strings.ReplaceAll(s, ">USER", ">ann"), both, both}
}

// own is each where users hear of themselves only in groups, too.
func own(s string) eventRow {
	row := each(s)
	row.groupAnn = row.roomAnn
	return row
}

// office is each where, in a group, a notice tells whom it concerns.
func office(s string) eventRow {
	row := each(s)
	row.groupAnn = untold // a notice tells it
	return row
}

// eventRows are the decisions about all kinds of event (wire/msync.md §7.2).
func eventRows() map[im.EventKind]eventRow {
	return map[im.EventKind]eventRow{
		im.RoomCreated:         all(untold), // who is in it from the beginning is told by a notice
		im.RoomUpdated:         {"UPDATE own", same, `UPDATE own {"name":"n\"","public":true,"max_users":200}`, same},
		im.RoomDestroyed:       {"DESTROY own the \"room\"\n", same, untold, untold}, // of a group notices tell it
		im.OwnerChanged:        {"ASSIGN_OWNER own>ann", same, "ASSIGN_OWNER own>ann", untold},
		im.MembersJoined:       {"PRESENCE ann tëxt\n ann,bob (5)", "PRESENCE bob tëxt\n (5)", "PRESENCE ann tëxt\n ann,bob (5)", "PRESENCE bob tëxt\n (5)"},
		im.MembersLeft:         {"ABSENCE ann ann,bob (5)", untold, "ABSENCE ann ann,bob (5)", untold},
		im.MembersRemoved:      {"ABSENCE ann ann,bob (5)", "KICK own>ann the \"room\"\n", "ABSENCE ann ann,bob (5)", untold},
		im.AdminAdded:          office("ADD_ADMIN own>USER"),
		im.AdminRemoved:        office("REMOVE_ADMIN own>USER"),
		im.MembersMuted:        each(`ADD_MUTE own>USER {"user_mute_time":1700000009999}`),
		im.MembersUnmuted:      each("REMOVE_MUTE own>USER"),
		im.MuteEnded:           each("REMOVE_MUTE @ppAdmin>USER"),
		im.MembersBlocked:      all(untold), // who was inside is removed, too
		im.MembersUnblocked:    all(untold), // by a notice, where it is a group
		im.MembersAllowed:      own("ADD_USER_WHITE_LIST own>USER"),
		im.MembersDisallowed:   own("REMOVE_USER_WHITE_LIST own>USER"),
		im.FileUploaded:        all(`UPLOAD_FILE own {"file_id":"f1","file_name":"a\t.txt","file_owner":"ann","file_size":9,"created":1700000000000}`),
		im.FileDeleted:         all("DELETE_FILE own f1"),
		im.RoomMuted:           all("BAN_GROUP own"),
		im.RoomUnmuted:         all("REMOVE_BAN_GROUP own"),
		im.RoomDisabled:        all("DISABLE_GROUP own"),
		im.RoomEnabled:         all("ABLE_GROUP own"),
		im.AnnouncementChanged: all("UPDATE_ANNOUNCEMENT own tëxt\n"),
		im.AttributesSet:       {`SET_METADATA own {"properties":{"k":"1","q\"":""},"result":{"successKeys":["k","q\""],"errorKeys":{}}} tëxt` + "\n", same, untold, untold},
		im.AttributesDeleted:   {`DELETE_METADATA own {"properties":{},"result":{"successKeys":["k","q\""],"errorKeys":{}}} tëxt` + "\n", same, untold, untold},
		im.MemberAttributesSet: all(`GROUP_MEMBER_METADATA_UPDATE own {"username":"ann","properties":{"k":"1","q\"":""}}`),
		im.JoinApplied:         all("APPLY ann tëxt\n the \"room\"\n"),
		im.JoinAccepted:        all("APPLY_ACCEPT own>ann the \"room\"\n"),
		im.JoinDeclined:        all("APPLY_DECLINE own>ann tëxt\n the \"room\"\n"),
		im.Invited:             all("INVITE own>ann tëxt\n the \"room\"\n"),
		im.InviteAccepted:      {"INVITE_ACCEPT ann the \"room\"\n", "INVITE_ACCEPT ann>ann the \"room\"\n", "INVITE_ACCEPT ann the \"room\"\n", "INVITE_ACCEPT ann>ann the \"room\"\n"},
		im.InviteDeclined:      {"INVITE_DECLINE ann tëxt\n the \"room\"\n", "INVITE_DECLINE ann>ann tëxt\n the \"room\"\n", "INVITE_DECLINE ann tëxt\n the \"room\"\n", "INVITE_DECLINE ann>ann tëxt\n the \"room\"\n"},

		im.MessageSent: all(untold), im.MessageEdited: all(untold), im.MessageBroadcast: all(untold), im.MessageRecalled: all(untold), // AppendMeta tells them
		im.SessionsEnded: all(untold), im.UserDisconnected: all(untold), // AppendStatistic tells those whose sessions end
		im.RoomEntered: all(untold), im.RoomLeft: all(untold), im.RoomShielded: all(untold), im.RoomUnshielded: all(untold), // for the hub
		im.UserMuted: all(untold), im.UserUnmuted: all(untold), im.UserMuteEnded: all(untold), im.PropertiesChanged: all(untold), // clients have no event

		im.ContactAdded:    all("ACCEPT bob>ann"),
		im.ContactRemoved:  all("REMOVE bob>ann"),
		im.ContactAsked:    all("ADD bob>ann tëxt"),
		im.ContactAccepted: all("ACCEPT bob>ann"),
		im.ContactDeclined: all("REMOTE_DECLINE bob>ann"),
		im.UsersBlocked:    all("BAN ann>bob"),
		im.UsersUnblocked:  all("ALLOW ann>bob"),
	}
}

// TestEveryKindOfEvent goes through all kinds: a new one needs a decision here.
func TestEveryKindOfEvent(t *testing.T) {
	rows := eventRows()
	for _, kind := range kinds(t) {
		row, decided := rows[kind]
		if !decided {
			t.Errorf("%s: told, or not?", kind)
			continue
		}
		for i, want := range []string{row.room, row.roomAnn, row.group, row.groupAnn} {
			in, u := im.Chatroom, im.Username("")
			if i >= 2 {
				in = im.Group
			}
			if i%2 == 1 {
				u = "ann"
			}
			if want == same {
				want = []string{row.room, row.group}[i/2]
			}
			if got := told(t, sample(kind, in), u); got != want {
				t.Errorf("%s in %d for %q:\n got %q\nwant %q", kind, in, u, got, want)
			}
		}
		delete(rows, kind)
	}
	for kind := range rows {
		t.Errorf("%s is no kind of event", kind)
	}
}

// TestEventsOfOne has what differs by who did it, and how many it concerns.
func TestEventsOfOne(t *testing.T) {
	for name, row := range map[string]struct {
		kind im.EventKind
		in   im.RoomKind
		u    im.Username
		edit func(*im.Event)
		want string
	}{
		"joined alone":       {im.MembersJoined, im.Chatroom, "", func(e *im.Event) { e.Users, e.By, e.Text = e.Users[:1], "ann", "" }, "PRESENCE ann (5)"},
		"joined oneself":     {im.MembersJoined, im.Chatroom, "ann", func(e *im.Event) { e.Users, e.By = e.Users[:1], "ann" }, untold},
		"left alone":         {im.MembersLeft, im.Chatroom, "", func(e *im.Event) { e.Users = e.Users[:1] }, "ABSENCE ann (5)"},
		"the last":           {im.MembersLeft, im.Group, "", func(e *im.Event) { e.Users, e.Members = e.Users[:1], 0 }, "ABSENCE ann (0)"},
		"by an app token":    {im.RoomMuted, im.Chatroom, "", func(e *im.Event) { e.By = "" }, "BAN_GROUP @ppAdmin"},
		"no announcement":    {im.AnnouncementChanged, im.Group, "", func(e *im.Event) { e.Text = "" }, "DELETE_ANNOUNCEMENT own"},
		"a file of the app":  {im.FileUploaded, im.Group, "", func(e *im.Event) { e.Files[0].Owner, e.By = "", "" }, `UPLOAD_FILE @ppAdmin {"file_id":"f1","file_name":"a\t.txt","file_owner":"@ppAdmin","file_size":9,"created":1700000000000}`},
		"attributes for ann": {im.AttributesSet, im.Chatroom, "", func(e *im.Event) { e.By, e.Text, e.Attributes = "", "", []im.Attribute{{Key: "k", Setter: "ann"}} }, `SET_METADATA ann {"properties":{"k":""},"result":{"successKeys":["k"],"errorKeys":{}}}`},
		"asked to join":      {im.ContactAccepted, 0, "ann", func(e *im.Event) { e.By = "bob" }, "REMOTE_ACCEPT bob>ann"},
		"accepted oneself":   {im.ContactAccepted, 0, "ann", func(e *im.Event) { e.By = "ann" }, "ACCEPT bob>ann"},
		"declined oneself":   {im.ContactDeclined, 0, "ann", func(e *im.Event) { e.By = "ann" }, "DECLINE ann>bob"},
		"removed oneself":    {im.ContactRemoved, 0, "ann", func(e *im.Event) { e.By = "ann" }, "REMOVE ann>bob"},
		"blocked many":       {im.UsersBlocked, 0, "ann", func(e *im.Event) { e.Users = append(e.Users, "cat") }, "BAN ann>bob; BAN ann>cat"},

		// Done by ann on another device.
		"made":         {im.RoomEntered, im.Group, "ann", func(e *im.Event) { e.By = "ann" }, "CREATE ann"},
		"entered":      {im.RoomEntered, im.Chatroom, "ann", func(e *im.Event) { e.By, e.Text = "ann", "" }, "JOIN ann"},
		"left":         {im.RoomLeft, im.Chatroom, "ann", func(e *im.Event) { e.By = "ann" }, "LEAVE ann"},
		"shielded":     {im.RoomShielded, im.Group, "ann", func(e *im.Event) { e.By = "ann" }, "BLOCK ann"},
		"not shielded": {im.RoomUnshielded, im.Group, "ann", func(e *im.Event) { e.By = "ann" }, "UNBLOCK ann"},

		// As a notice, to ann alone.
		"kicked":      {im.MembersRemoved, im.Group, "ann", noticed, "KICK own>ann the \"room\"\n"},
		"added":       {im.MembersJoined, im.Group, "ann", noticed, "DIRECT_JOINED own>ann the \"room\"\n"},
		"destroyed":   {im.RoomDestroyed, im.Group, "ann", noticed, "DESTROY own the \"room\"\n"},
		"given":       {im.OwnerChanged, im.Group, "ann", noticed, "ASSIGN_OWNER own>ann"},
		"promoted":    {im.AdminAdded, im.Group, "ann", noticed, "ADD_ADMIN own>ann"},
		"let in":      {im.MembersUnblocked, im.Group, "ann", func(e *im.Event) { noticed(e); e.Text = "" }, "ALLOW own>ann"},
		"in chatroom": {im.MembersRemoved, im.Chatroom, "ann", nil, "KICK own>ann the \"room\"\n"},
	} {
		e := sample(row.kind, row.in)
		if row.edit != nil {
			row.edit(e)
		}
		if got := told(t, e, row.u); got != row.want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, row.want)
		}
	}
}

// noticed makes an event one that ann alone is told.
func noticed(e *im.Event) {
	e.Topic, e.Users, e.Members = im.UserTopic(1, "ann"), []im.Username{"ann"}, 0
}

// TestManyMetasHaveIdsOfTheirOwn that are no other's, nor those of the event that comes right behind.
func TestManyMetasHaveIdsOfTheirOwn(t *testing.T) {
	e := sample(im.MembersMuted, im.Chatroom)
	for i := range 300 {
		e.Users = append(e.Users, im.Username("u"+strconv.Itoa(i)))
	}
	var ids []uint64
	for _, b := range append(pb.EventMetas(demo(), eventID, e, "", false), pb.EventMetas(demo(), eventID+1, e, "", false)...) {
		var meta pb.Meta
		if err := proto.Unmarshal(b, &meta); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, meta.GetId())
	}
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != 604 || ids[0] != uint64(eventID) || ids[1] != uint64(eventID)+1 || ids[2] < 1<<62 {
		t.Errorf("%d ids, from %d, %d, %d", n, ids[0], ids[1], ids[2])
	}
}

func TestStatistic(t *testing.T) {
	var meta pb.Meta
	if err := proto.Unmarshal(pb.AppendStatistic(nil, demo(), "bob", 7, time.UnixMilli(5), pb.StatisticsBody_USER_LOGIN_ANOTHER_DEVICE, "tablet"), &meta); err != nil {
		t.Fatal(err)
	}
	var body pb.StatisticsBody
	if err := proto.Unmarshal(meta.GetPayload(), &body); err != nil {
		t.Fatal(err)
	}
	meta.Payload = nil
	if got, want := line(&meta)+" "+line(&body), `id:7 from:{app_key:"demo#chat" name:"bob" domain:"easemob.com"} timestamp:5 ns:STATISTIC operation:USER_LOGIN_ANOTHER_DEVICE reason:"tablet"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
