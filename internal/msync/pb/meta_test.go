package pb_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

func demo() im.AppKey { return im.AppKey{Org: "demo", Name: "chat"} }

func num(s string) im.Value      { return im.Value{Kind: im.NumberValue, Text: s} }
func jsonText(s string) im.Value { return im.Value{Kind: im.JSONValue, Text: s} }
func yes() im.Value              { return im.Value{Kind: im.BoolValue, Text: "true"} }

// bodies are one body of each kind that clients send, in the fields they have in the domain.
func bodies() map[string]im.Body {
	file := im.Fields{{Name: "filename", Value: im.Text("a.bin")}, {Name: "url", Value: im.Text("https://x/demo/chat/chatfiles/1")},
		{Name: "secret", Value: im.Text("s3")}, {Name: "file_length", Value: num("1234")}}
	with := func(more ...im.Field) im.Fields { return append(file[:len(file):len(file)], more...) }
	return map[string]im.Body{
		"text":  {Type: im.TextBody, Fields: im.Fields{{Name: "msg", Value: im.Text("héllo \x00\U0001f600")}}},
		"image": {Type: im.ImageBody, Fields: with(im.Field{Name: "size", Value: jsonText(`{"width":720,"height":0.5}`)})},
		"gif":   {Type: im.ImageBody, Fields: with(im.Field{Name: "subType", Value: im.Text("sub_gif")})},
		"audio": {Type: im.AudioBody, Fields: with(im.Field{Name: "length", Value: num("0")})},
		"video": {Type: im.VideoBody, Fields: with(im.Field{Name: "length", Value: num("7")}, im.Field{Name: "thumb", Value: im.Text("/t")},
			im.Field{Name: "thumb_secret", Value: im.Text("")}, im.Field{Name: "thumb_size", Value: jsonText(`{}`)})},
		"file":     {Type: im.FileBody, Fields: file},
		"location": {Type: im.LocationBody, Fields: im.Fields{{Name: "lat", Value: num("39.9")}, {Name: "lng", Value: num("-116")}, {Name: "addr", Value: im.Text("北京")}, {Name: "buildingName", Value: im.Text("b")}}},
		"command":  {Type: im.CommandBody, Fields: im.Fields{{Name: "action", Value: im.Text("go")}, {Name: "param", Value: jsonText(`{"a":1,"b":"<&>"}`)}}},
		"custom": {Type: im.CustomBody, Fields: im.Fields{{Name: "customEvent", Value: im.Text("gift")},
			{Name: "customExts", Value: jsonText(`{"n":12345678901,"s":"1","t":true,"f":false,"d":1.5,"w":2.0,"o":{"b": 1,"a":[]},"z":null,"":""}`)}}},
		"combined": {Type: im.TextBody, Fields: with(im.Field{Name: "msg", Value: im.Text("not shown")}, im.Field{Name: "subType", Value: im.Text("sub_combine")},
			im.Field{Name: "title", Value: im.Text("t")}, im.Field{Name: "summary", Value: im.Text("s")}, im.Field{Name: "combineLevel", Value: num("1")})},
		"empty": {Type: im.TextBody},
	}
}

func exts() im.Fields {
	return im.Fields{{Name: "z", Value: num("1")}, {Name: "big", Value: num("-9007199254740993")}, {Name: "half", Value: num("0.5")},
		{Name: "tiny", Value: num("1e-09")}, {Name: "one", Value: num("1.0")}, {Name: "b", Value: yes()}, {Name: "text", Value: im.Text("1")},
		{Name: "o", Value: jsonText(`{"b":[1, 2]}`)}, {Name: "nil", Value: jsonText("null")}, {Name: "", Value: im.Text("")}}
}

// encode writes a message and reads the Meta with the generated code.
func encode(t *testing.T, m *im.Message) (*pb.Meta, *pb.MessageBody) {
	t.Helper()
	var meta pb.Meta
	if err := proto.Unmarshal(pb.AppendMeta(nil, demo(), m), &meta); err != nil {
		t.Fatal(err)
	}
	var body pb.MessageBody
	if err := proto.Unmarshal(meta.Payload, &body); err != nil {
		t.Fatal(err)
	}
	for _, rest := range [][]byte{meta.ProtoReflect().GetUnknown(), body.ProtoReflect().GetUnknown()} {
		if len(rest) > 0 {
			t.Errorf("fields that the schema does not have: %x", rest)
		}
	}
	return &meta, &body
}

func show(b im.Body, ext im.Fields) string { return fmt.Sprintf("%d %q %q", b.Type, b.Fields, ext) }

// TestBodiesThereAndBack: what is written of a body is read as the same body, and so are the sender's own fields.
func TestBodiesThereAndBack(t *testing.T) {
	for name, body := range bodies() {
		for to, kind := range map[im.Address]pb.MessageBody_Type{
			im.ToUser("bob"): pb.MessageBody_CHAT, im.ToRoom(im.Group, "g1"): pb.MessageBody_GROUPCHAT, im.ToRoom(im.Chatroom, "c1"): pb.MessageBody_CHATROOM,
		} {
			meta, _ := encode(t, &im.Message{ID: 7, At: time.UnixMilli(5), From: "ann", To: to, Body: body, Ext: exts()})
			said, err := pb.ReadBody(meta.Payload)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if said.Type != kind || said.From != "ann" || said.To != to.String() {
				t.Errorf("%s: got %s from %s to %s", name, said.Type, said.From, said.To)
			}
			if got, want := show(said.Body, said.Ext), show(body, exts()); got != want {
				t.Errorf("%s:\n got %s\nwant %s", name, got, want)
			}
		}
	}
}

// FuzzAppendMeta: whatever another wire let in, what is written of it is as strict as what is read.
func FuzzAppendMeta(f *testing.F) {
	for _, body := range bodies() {
		for _, field := range append(body.Fields, exts()...) {
			f.Add(uint8(body.Type), field.Name, field.Text, uint8(field.Kind))
		}
	}
	f.Add(uint8(im.LocationBody), "lat", "1e400", uint8(im.NumberValue))
	f.Add(uint8(im.ImageBody), "size", `{"width":"7","height":"NaN"}`, uint8(im.JSONValue))
	f.Add(uint8(im.CustomBody), "customExts", `[{"a":1e999},{"a":[`, uint8(im.JSONValue))
	f.Fuzz(func(t *testing.T, kind uint8, name, text string, valueKind uint8) {
		if !utf8.ValidString(name) || !utf8.ValidString(text) {
			return // surfaces let in nothing else
		}
		fs := im.Fields{{Name: name, Value: im.Value{Kind: im.ValueKind(valueKind % 4), Text: text}}}
		body := im.Body{Type: im.TextBody + im.BodyType(kind%8), Fields: fs}
		meta, _ := encode(t, &im.Message{To: im.ToUser("bob"), Body: body, Ext: fs})
		s, err := pb.ReadBody(meta.Payload)
		if err != nil || s.Body.Type != body.Type || len(s.Ext) != 1 || s.Ext[0].Name != name {
			t.Fatalf("got %+v, %v", s, err)
		}
		thereAndBack(t, s)
	})
}

// TestSubTypePresence: clients take a text for a combined message when the field is there, whatever it holds (wire/msync.md §20).
func TestSubTypePresence(t *testing.T) {
	for name, want := range map[string]*pb.MessageBody_Content_SubType{
		"text": nil, "image": nil, "gif": pb.MessageBody_Content_SUB_GIF.Enum(), "combined": pb.MessageBody_Content_SUB_COMBINE.Enum(),
	} {
		_, body := encode(t, &im.Message{To: im.ToUser("bob"), Body: bodies()[name]})
		got := body.Contents[0].SubType
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// TestOwnBytes: what a client wrote goes on byte for byte, and only where it is the message itself.
func TestOwnBytes(t *testing.T) {
	raw := []byte("\x08\x01\xfa\x07\x01x")
	m := im.Message{ID: 7, At: time.UnixMilli(5), From: "ann", Device: "web", To: im.ToUser("bob"), Wire: pb.Wire, Raw: raw, Body: bodies()["text"]}
	var meta pb.Meta
	if err := proto.Unmarshal(pb.AppendMeta(nil, demo(), &m), &meta); err != nil || string(meta.Payload) != string(raw) {
		t.Errorf("got %x, %v", meta.Payload, err)
	}
	m.Wire = "other"
	if _, body := encode(t, &m); body.Contents[0].GetText() == "" {
		t.Errorf("the bytes of another wire: %v", body)
	}
	m.Wire, m.Of = pb.Wire, 3
	if _, body := encode(t, &m); body.GetType() != pb.MessageBody_EDIT {
		t.Errorf("an edit: %v", body)
	}
}

// TestLongPayloads: lengths of every size stand before what they measure, also behind bytes that were there before.
func TestLongPayloads(t *testing.T) {
	for _, n := range []int{0, 1, 100, 127, 128, 16383, 16384, 70000, 1 << 21} {
		text := strings.Repeat("x", n)
		m := im.Message{ID: 1, To: im.ToUser("bob"), Body: im.Body{Type: im.TextBody, Fields: im.Fields{{Name: "msg", Value: im.Text(text)}}}}
		all := pb.AppendMeta([]byte("before"), demo(), &m)
		var meta pb.Meta
		var body pb.MessageBody
		if err := proto.Unmarshal(all[len("before"):], &meta); err != nil || string(all[:6]) != "before" {
			t.Fatal(n, err)
		}
		if err := proto.Unmarshal(meta.Payload, &body); err != nil || body.Contents[0].GetText() != text {
			t.Errorf("%d: %v", n, err)
		}
	}
}

func TestMetaOfMessages(t *testing.T) {
	at := time.UnixMilli(1700000000123)
	room := im.Message{ID: 1 << 60, At: at, From: "ann", Device: "web", To: im.ToRoom(im.Chatroom, "c1"), Body: bodies()["text"], Level: im.LowLevel}
	meta, _ := encode(t, &room)
	want := `id:1152921504606846976 from:{app_key:"demo#chat" name:"ann" domain:"easemob.com" client_resource:"web"} to:{app_key:"demo#chat" name:"c1" domain:"conference.easemob.com"} timestamp:1700000000123 ns:CHAT ext:{key:"chatroom_msg_tag" type:INT varint_value:2}`
	meta.Payload = nil
	if got := line(meta); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	room.Level, room.Broadcast = im.HighLevel, true
	meta, _ = encode(t, &room)
	if got, want := fmt.Sprint(len(meta.Ext), " ", line(meta.Ext[0]), " ", line(meta.Ext[1])), `2 key:"chatroom_msg_tag" type:INT varint_value:0 key:"is_broadcast" type:BOOL varint_value:1`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	text := im.Message{ID: 2, At: at, From: "ann", To: im.ToUser("bob"), Body: bodies()["text"]}
	withdrawn := im.Message{ID: 3, To: im.ToUser("bob"), Body: im.Body{Type: im.RecallBody}}
	for _, row := range []struct {
		m      *im.Message
		online bool
		want   string
	}{{&text, true, `{"is_online":1}`}, {&text, false, `{"is_online":0}`}, {&room, true, ""}, {&withdrawn, true, ""}} {
		var meta pb.Meta
		if err := proto.Unmarshal(pb.AppendOnline(pb.AppendMeta(nil, demo(), row.m), row.m, row.online), &meta); err != nil || string(meta.GetMeta()) != row.want || meta.GetId() != uint64(row.m.ID) {
			t.Errorf("got %v, %v, want %s", &meta, err, row.want)
		}
	}
}

func TestRecallAndEdit(t *testing.T) {
	recall := im.Message{ID: 9, From: "ann", To: im.ToUser("bob"), Body: im.Body{Type: im.RecallBody, Fields: im.Fields{{Name: "msg_id", Value: im.Text("1147000000000000001")}}}}
	meta, body := encode(t, &recall)
	if got, want := line(body), `type:RECALL from:{name:"ann"} to:{name:"bob"} contents:{} ack_message_id:1147000000000000001`; got != want || len(meta.Ext) > 0 {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	recall.Body.Fields = append(recall.Body.Fields, im.Field{Name: "ext", Value: im.Text("sorry")})
	if meta, _ := encode(t, &recall); line(meta.Ext[0]) != `key:"recallMessageExtensionInfo" type:STRING string_value:"sorry"` {
		t.Errorf("got %v", meta.Ext)
	}
	of := im.MessageIDAt(time.UnixMilli(1700000000123)) + 5
	edit := im.Message{ID: of + 100, Of: of, At: time.UnixMilli(1700000000123), From: "ann", To: im.ToRoom(im.Group, "g1"), Body: bodies()["text"],
		Ext: im.Fields{{Name: "k", Value: num("1")}}, Edit: im.Edit{Count: 2, By: `o"x`, At: time.UnixMilli(1700000009000)}}
	meta, body = encode(t, &edit)
	if meta.GetTimestamp() != 1700000009000 {
		t.Errorf("the time of the edit is %d", meta.GetTimestamp())
	}
	want := `type:EDIT from:{name:"ann"} to:{name:"g1"} contents:{type:TEXT text:"héllo \x00😀"} ext:{key:"k" type:INT varint_value:1} meta:"{\"edit_msg\":{\"count\":2,\"operator\":\"o\\\"x\",\"edit_time\":1700000009000,\"sender\":\"ann\",\"send_time\":1700000000123,\"chat_type\":\"chat:group\"}}" edit_message_id:` + of.String() + ` edit_scope:BODY_AND_EXT`
	if got := line(body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReceipts(t *testing.T) {
	of := im.Field{Name: "msg_id", Value: im.Text("1147000000000000001")}
	kind := func(k im.ReceiptKind) im.Field { return im.Field{Name: "kind", Value: im.Text(string(k))} }
	for _, row := range []struct {
		to     im.Address
		fields im.Fields
		want   string
	}{
		{im.ToUser("bob"), im.Fields{kind(im.ReceiptDelivered), of}, `type:DELIVER_ACK from:{name:"ann"} to:{name:"bob"} contents:{} ack_message_id:1147000000000000001`},
		{im.ToUser("bob"), im.Fields{kind(im.ReceiptRead), of}, `type:READ_ACK from:{name:"ann"} to:{name:"bob"} contents:{} ack_message_id:1147000000000000001`},
		{im.ToUser("bob"), im.Fields{kind(im.ReceiptAllRead)}, `type:CHANNEL_ACK from:{name:"ann"} to:{name:"bob"} contents:{}`},
		{im.NoticesOf("bob"), im.Fields{kind(im.ReceiptAllRead), {Name: "group", Value: im.Text("g1")}}, `type:CHANNEL_ACK from:{name:"ann"} to:{name:"g1"} contents:{}`},
		{im.NoticesOf("bob"), im.Fields{kind(im.ReceiptRead), of, {Name: "group", Value: im.Text("g1")}, {Name: "text", Value: im.Text("seen")}, {Name: "count", Value: num("3")}},
			`type:READ_ACK from:{name:"ann"} to:{name:"g1"} contents:{} ext:{key:"group_ack_count" type:JSON_STRING string_value:"{\"1147000000000000001\":3}"} ack_message_id:1147000000000000001 msg_config:{allow_group_ack:true} ack_content:"seen"`},
	} {
		meta, body := encode(t, &im.Message{ID: 9, From: "ann", To: row.to, Body: im.Body{Type: im.ReceiptBody, Fields: row.fields}})
		if got := meta.GetTo().GetName(); got != body.GetTo().GetName() {
			t.Errorf("the Meta went to %s, its body to %s", got, body.GetTo().GetName())
		}
		if got := line(body); got != row.want {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
	_, body := encode(t, &im.Message{ID: 9, From: "ann", To: im.ToRoom(im.Group, "g1"), AskReceipts: true, Body: bodies()["empty"]})
	if got, want := line(body), `type:GROUPCHAT from:{name:"ann"} to:{name:"g1"} contents:{type:TEXT} msg_config:{allow_group_ack:true}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestNotices: what waits for a user comes as the event that it tells of, with the id of its place.
func TestNotices(t *testing.T) {
	for _, row := range []struct {
		fields im.Fields
		want   string
	}{
		{im.Fields{{Name: "kind", Value: im.Text("members_removed")}, {Name: "by", Value: im.Text("own")}, {Name: "room", Value: im.Text("r1")}, {Name: "room_kind", Value: num("2")},
			{Name: "users", Value: im.Text("bob")}}, "KICK own>bob"},
		{im.Fields{{Name: "kind", Value: im.Text("contact_asked")}, {Name: "users", Value: im.Text("bob ann")}, {Name: "text", Value: im.Text("it's me")}}, "ADD ann>bob it's me"},
		{im.Fields{{Name: "kind", Value: im.Text("contact_declined")}, {Name: "by", Value: im.Text("ann")}, {Name: "users", Value: im.Text("bob ann")}}, "REMOTE_DECLINE ann>bob"},
		{nil, "ALLOW bob>bob"}, // which clients pass over
	} {
		m := im.Message{App: 1, ID: 9, At: time.UnixMilli(5), To: im.NoticesOf("bob"), Body: im.Body{Type: im.NoticeBody, Fields: row.fields}}
		e, _ := m.Notice()
		var meta pb.Meta
		if err := proto.Unmarshal(pb.AppendMeta(nil, demo(), &m), &meta); err != nil || meta.GetId() != 9 || meta.GetTimestamp() != 5 || meta.GetFrom().GetName() == "" {
			t.Errorf("%s: got %v, %v", row.want, &meta, err)
		}
		if got := payload(t, &meta, &e); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}

// line writes a message in one line; the library varies its blanks.
func line(m proto.Message) string { return strings.ReplaceAll(fmt.Sprint(m), "  ", " ") }

// TestRandomBodies: any fields of the kinds that bodies have are read as they were written, in their order.
func TestRandomBodies(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	for range 2000 {
		body, n := im.Body{Type: im.TextBody + im.BodyType(r.IntN(8))}, map[string]im.Value{
			"msg": im.Text(pick("", "x", "ü", strings.Repeat("y", 300))), "lat": num(pick("0", "-1", "1.25", "1e+30")), "file_length": num(pick("0", "-1", "2147483647")),
			"param": jsonText(pick(`{"a":1}`, `{"b":"c","a":[1]}`)), "size": jsonText(pick(`{"height":1,"width":2.5}`, `{}`)), "subType": im.Text(pick("sub_combine", "sub_gif", "sub_stream")),
			"title": im.Text(pick("", "t")), "customExts": jsonText(pick(`{"é":-0.25}`, `{"x":null}`)), "thumb_size": jsonText(`{"width":1}`),
		}
		for name, v := range n { // in the order of the map: any
			if r.IntN(2) == 0 {
				body.Fields = append(body.Fields, im.Field{Name: name, Value: v})
			}
		}
		meta, _ := encode(t, &im.Message{To: im.ToUser("bob"), Body: body, Ext: exts()[r.IntN(5):]})
		said, err := pb.ReadBody(meta.Payload)
		if err != nil || show(said.Body, nil) != show(body, nil) {
			t.Fatalf("%v\n got %s\nwant %s", err, show(said.Body, nil), show(body, nil))
		}
	}
}

// TestWhatNoWireHas: fields without a place are left out, and values that are none of their kind do no harm.
func TestWhatNoWireHas(t *testing.T) {
	m := im.Message{To: im.ToUser("bob"), Body: im.Body{Type: im.ImageBody, Fields: im.Fields{
		{Name: "mine", Value: im.Text("x")}, {Name: "lat", Value: im.Text("39.5")}, {Name: "lng", Value: im.Text("east")}, {Name: "file_length", Value: num("99999999999")},
		{Name: "length", Value: num("2.9")}, {Name: "size", Value: im.Text("big")}, {Name: "param", Value: jsonText("[1]")}, {Name: "customExts", Value: jsonText(`[{"a":1},{"b":"2"}]`)},
		{Name: "subType", Value: im.Text("?")}, {Name: "msg", Value: num("5")}}},
		Ext: im.Fields{{Name: "bad", Value: jsonText("{")}, {Name: "huge", Value: num("1e999")}, {Name: "nan", Value: num("NaN")}, {Name: "long", Value: num("12345678901234567890")}}}
	_, body := encode(t, &m)
	want := `type:CHAT from:{} to:{name:"bob"} contents:{type:IMAGE text:"5" latitude:39.5 file_length:2147483647 duration:2 custom_exts:{key:"a" type:INT varint_value:1} custom_exts:{key:"b" type:STRING string_value:"2"}} ext:{key:"bad" type:STRING string_value:"{"} ext:{key:"huge" type:STRING string_value:"1e999"} ext:{key:"nan" type:STRING string_value:"NaN"} ext:{key:"long" type:DOUBLE double_value:1.2345678901234567e+19}`
	if got := line(body); strings.Replace(got, `from:{name:""}`, "from:{}", 1) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func BenchmarkAppendMeta(b *testing.B) {
	m := im.Message{ID: 1 << 60, At: time.Now(), From: "ann", Device: "webim_web_1", To: im.ToRoom(im.Chatroom, "123456789012345"), Body: bodies()["text"], Ext: exts()}
	raw := m
	raw.Wire, raw.Raw = pb.Wire, make([]byte, 200)
	for name, m := range map[string]*im.Message{"encoded": &m, "raw": &raw} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 1024)
			for b.Loop() {
				buf = pb.AppendMeta(buf[:0], demo(), m)
			}
		})
	}
}
