package pb_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func jid(name string) *pb.JID { return &pb.JID{Name: proto.String(name)} }

// text is a message as a client says it, changed by edit.
func text(edit func(*pb.MessageBody)) *pb.MessageBody {
	m := &pb.MessageBody{Type: pb.MessageBody_CHAT.Enum(), From: jid("ann"), To: jid("bob"),
		Contents: []*pb.MessageBody_Content{{Type: pb.MessageBody_Content_TEXT.Enum(), Text: proto.String("hi")}}}
	if edit != nil {
		edit(m)
	}
	return m
}

func kv(t pb.KeyValue_ValueType, edit func(*pb.KeyValue)) func(*pb.MessageBody) {
	return func(m *pb.MessageBody) {
		one := &pb.KeyValue{Key: proto.String("k"), Type: t.Enum()}
		edit(one)
		m.Ext = append(m.Ext, one)
	}
}

// about is what a client says of a message.
func about(kind pb.MessageBody_Type) *pb.MessageBody {
	return &pb.MessageBody{Type: kind.Enum(), From: jid("ann"), To: jid("bob"), AckMessageId: proto.Uint64(77), AckContent: proto.String("seen")}
}

func TestReadBody(t *testing.T) {
	for name, row := range map[string]struct {
		m    *pb.MessageBody
		want func(s pb.Said) bool
	}{
		"asks":    {text(func(m *pb.MessageBody) { m.MsgConfig = &pb.MessageBody_MessageConfig{AllowGroupAck: proto.Bool(true)} }), func(s pb.Said) bool { return s.Asks }},
		"asksnot": {text(func(m *pb.MessageBody) { m.MsgConfig = &pb.MessageBody_MessageConfig{AllowGroupAck: proto.Bool(false)} }), func(s pb.Said) bool { return !s.Asks }},
		"read":    {about(pb.MessageBody_READ_ACK), func(s pb.Said) bool { return s.Acked == 77 && s.AckText == "seen" && s.Body.Type == 0 }},
		"arrived": {about(pb.MessageBody_DELIVER_ACK), func(s pb.Said) bool { return s.Acked == 77 }},
		"recall":  {about(pb.MessageBody_RECALL), func(s pb.Said) bool { return s.Acked == 77 && s.Type == pb.MessageBody_RECALL }},
		"channel": {&pb.MessageBody{Type: pb.MessageBody_CHANNEL_ACK.Enum(), To: jid("bob")}, func(s pb.Said) bool { return s.To == "bob" }},
		"edit": {text(func(m *pb.MessageBody) {
			m.Type, m.EditMessageId, m.EditScope = pb.MessageBody_EDIT.Enum(), proto.Uint64(78), pb.MessageBody_BODY.Enum()
		}), func(s pb.Said) bool {
			return s.Edited == 78 && s.Scope == pb.MessageBody_BODY && s.Body.Type == im.TextBody
		}},
		"meta": {text(func(m *pb.MessageBody) { m.Meta = proto.String(`{"translations":[{"code":"en"}],"thread":{}}`) }), func(s pb.Said) bool { return s.Body.Type == im.TextBody }},
		"twice": {text(func(m *pb.MessageBody) {
			kv(pb.KeyValue_INT, func(k *pb.KeyValue) { k.VarintValue = proto.Int64(1) })(m)
			kv(pb.KeyValue_STRING, func(k *pb.KeyValue) { k.StringValue = proto.String("2") })(m)
		}), func(s pb.Said) bool { return len(s.Ext) == 1 && s.Ext[0].Value == im.Text("2") }},
		"uint":  {text(kv(pb.KeyValue_UINT, func(k *pb.KeyValue) { k.VarintValue = proto.Int64(-1) })), func(s pb.Said) bool { return s.Ext[0].Value == num("-1") }},
		"float": {text(kv(pb.KeyValue_FLOAT, func(k *pb.KeyValue) { k.FloatValue = proto.Float32(0.1) })), func(s pb.Said) bool { return s.Ext[0].Value == num("0.1") }},
		"whole": {text(kv(pb.KeyValue_DOUBLE, func(k *pb.KeyValue) { k.DoubleValue = proto.Float64(3) })), func(s pb.Said) bool { return s.Ext[0].Value == num("3.0") }},
		"nan":   {text(kv(pb.KeyValue_DOUBLE, func(k *pb.KeyValue) { k.DoubleValue = proto.Float64(math.NaN()) })), func(s pb.Said) bool { return s.Ext[0].Value == jsonText("null") }},
		"none":  {text(kv(pb.KeyValue_BOOL, func(k *pb.KeyValue) {})), func(s pb.Said) bool { return s.Ext[0].Value == im.Value{Kind: im.BoolValue, Text: "false"} }},
	} {
		s, err := pb.ReadBody(marshal(t, row.m))
		if err != nil || !row.want(s) {
			t.Errorf("%s: got %+v, %v", name, s, err)
		}
	}
}

// field is one field of bytes.
func field(num protowire.Number, b string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, num, protowire.BytesType), b)
}

// TestReadBodyRefuses what is malformed, what im could not keep, and what would stop receivers.
func TestReadBodyRefuses(t *testing.T) {
	whole := marshal(t, text(nil))
	content := func(edit func(*pb.MessageBody_Content)) []byte {
		return marshal(t, text(func(m *pb.MessageBody) { edit(m.Contents[0]) }))
	}
	for name, row := range map[string]struct {
		payload []byte
		want    error
	}{
		"nothing":          {nil, im.ErrFieldMissing.With("type")},
		"no type":          {marshal(t, text(func(m *pb.MessageBody) { m.Type = nil })), nil}, // the default: NORMAL
		"normal":           {marshal(t, text(func(m *pb.MessageBody) { m.Type = pb.MessageBody_NORMAL.Enum() })), im.ErrFieldMissing.With("type")},
		"unknown type":     {append(bytes.Clone(whole), "\x08\x09"...), im.ErrFieldMissing.With("type")},
		"huge type":        {append(bytes.Clone(whole), "\x08\x81\x80\x80\x80\x80\x80\x01"...), im.ErrFieldMissing.With("type")},
		"no content":       {marshal(t, text(func(m *pb.MessageBody) { m.Contents = nil })), im.ErrFieldMissing.With("contents")},
		"two contents":     {marshal(t, text(func(m *pb.MessageBody) { m.Contents = append(m.Contents, m.Contents[0]) })), im.ErrInvalid.With("payload")},
		"untyped content":  {content(func(c *pb.MessageBody_Content) { c.Type = nil }), im.ErrFieldMissing.With("type")},
		"content 8":        {content(func(c *pb.MessageBody_Content) { c.Type = pb.MessageBody_Content_COMBINE.Enum() }), im.ErrFieldMissing.With("type")},
		"sub type 2":       {append(bytes.Clone(marshal(t, text(func(m *pb.MessageBody) { m.Contents = nil }))), field(4, "\x08\x00\xb0\x01\x02")...), im.ErrInvalid},
		"latitude":         {content(func(c *pb.MessageBody_Content) { c.Latitude = proto.Float64(math.NaN()) }), im.ErrInvalid},
		"cut":              {whole[:len(whole)-1], im.ErrInvalid},
		"group":            {append(bytes.Clone(whole), "\xa3\x06\xa4\x06"...), im.ErrInvalid},
		"field 2^29":       {append(bytes.Clone(whole), "\x80\x80\x80\x80\x10\x00"...), im.ErrInvalid},
		"other wire type":  {append(bytes.Clone(whole), "\x20\x01"...), im.ErrInvalid},
		"text as number":   {append(bytes.Clone(whole), field(4, "\x08\x00\x10\x05")...), im.ErrInvalid},
		"bad utf-8":        {append(bytes.Clone(marshal(t, text(func(m *pb.MessageBody) { m.Contents = nil }))), field(4, "\x08\x00\x12\x01\xff")...), im.ErrInvalid},
		"bad name":         {append(bytes.Clone(whole), field(2, "\x12\x01\xff")...), im.ErrInvalid},
		"ext without type": {marshal(t, text(func(m *pb.MessageBody) { m.Ext = []*pb.KeyValue{{Key: proto.String("k")}} })), im.ErrInvalid.With("k")},
		"ext of type 9":    {append(bytes.Clone(whole), field(5, "\x10\x09")...), im.ErrInvalid},
		"ext no json":      {marshal(t, text(kv(pb.KeyValue_JSON_STRING, func(k *pb.KeyValue) { k.StringValue = proto.String("{") }))), im.ErrInvalid.With("k")},
		"meta no json":     {marshal(t, text(func(m *pb.MessageBody) { m.Meta = proto.String("x") })), im.ErrInvalid.With("meta")},
		"meta null":        {marshal(t, text(func(m *pb.MessageBody) { m.Meta = proto.String("null") })), im.ErrInvalid.With("meta")},
		"meta of ours":     {marshal(t, text(func(m *pb.MessageBody) { m.Meta = proto.String(`{"edit_msg":{}}`) })), im.ErrInvalid.With("meta")},
		"stream":           {append(bytes.Clone(whole), field(13, "0")...), im.ErrInvalid},
		"stream's type":    {append(bytes.Clone(whole), field(13, "\x0a\x01\xff")...), im.ErrInvalid},
		"stream's number":  {append(bytes.Clone(whole), field(13, "\x12\x00")...), im.ErrInvalid},
		"ack's content":    {append(bytes.Clone(marshal(t, about(pb.MessageBody_READ_ACK))), field(4, "06")...), im.ErrInvalid},
		"two senders":      {append(bytes.Clone(whole), field(2, "")...), im.ErrInvalid.With("payload")},
		"two receivers":    {append(bytes.Clone(whole), field(3, "\x12\x03bob")...), im.ErrInvalid.With("payload")},
		"two configs":      {append(bytes.Clone(whole), append(field(7, ""), field(7, "")...)...), im.ErrInvalid.With("payload")},
		"two streams":      {append(bytes.Clone(whole), append(field(13, ""), field(13, "")...)...), im.ErrInvalid.With("payload")},
		"two sizes":        {append(bytes.Clone(marshal(t, text(func(m *pb.MessageBody) { m.Contents = nil }))), field(4, "\x08\x00j\x00j\x00")...), im.ErrInvalid.With("size")},
		"acks nothing":     {marshal(t, &pb.MessageBody{Type: pb.MessageBody_READ_ACK.Enum()}), im.ErrFieldMissing.With("ack_message_id")},
		"acks too much":    {marshal(t, &pb.MessageBody{Type: pb.MessageBody_READ_ACK.Enum(), AckMessageId: proto.Uint64(1 << 63)}), im.ErrInvalid},
		"edits nothing":    {marshal(t, text(func(m *pb.MessageBody) { m.Type = pb.MessageBody_EDIT.Enum() })), im.ErrFieldMissing.With("edit_message_id")},
		"edit scope":       {append(marshal(t, text(func(m *pb.MessageBody) { m.Type, m.EditMessageId = pb.MessageBody_EDIT.Enum(), proto.Uint64(1) })), "\x60\x03"...), im.ErrInvalid},
	} {
		want := row.want
		if want == nil {
			want = im.ErrFieldMissing.With("type")
		}
		s, err := pb.ReadBody(row.payload)
		if !errors.Is(err, want) || im.AsError(want).Arg != "" && im.AsError(err).Arg != im.AsError(want).Arg {
			t.Errorf("%s: got %v %+v, want %v", name, err, s, want)
		}
	}
}

// TestUnknownFieldsPass: what newer clients say besides stays in the sender's bytes.
func TestUnknownFieldsPass(t *testing.T) {
	payload := append(marshal(t, text(nil)), field(99, "new")...)
	if s, err := pb.ReadBody(payload); err != nil || s.Body.Type != im.TextBody {
		t.Errorf("got %+v, %v", s, err)
	}
}

// TestHalfCharacters: of a text that was cut short the rest is read, and forwarded, with a mark where half a character was.
func TestHalfCharacters(t *testing.T) {
	m := text(kv(pb.KeyValue_STRING, func(k *pb.KeyValue) { k.StringValue = proto.String("???") }))
	m.Contents[0].Text = proto.String("cut ???, and ???")
	payload := bytes.ReplaceAll(marshal(t, m), []byte("???"), []byte("\xed\xa0\xbd")) // "\ud83d"
	s, err := pb.ReadBody(payload)
	if msg, _ := s.Body.Fields.Get("msg"); err != nil || msg.Text != "cut \uFFFD, and \uFFFD" || s.Ext[0].Value.Text != "\uFFFD" || bytes.Count(payload, []byte("\uFFFD")) != 3 {
		t.Errorf("got %+v, %v", s, err)
	}
	thereAndBack(t, s)
}

// TestManyFields: a frame full of fields takes no longer than its length, and of a name the last one counts.
func TestManyFields(t *testing.T) {
	const n = 50_000
	m := &pb.MessageBody{Type: pb.MessageBody_CHAT.Enum(), From: jid("ann"), To: jid("bob"), Contents: []*pb.MessageBody_Content{{Type: pb.MessageBody_Content_CUSTOM.Enum()}}}
	for i := range n {
		one := &pb.KeyValue{Key: proto.String(strconv.Itoa(i % (n - 1))), Type: pb.KeyValue_INT.Enum(), VarintValue: proto.Int64(int64(i))}
		m.Ext = append(m.Ext, one)
		m.Contents[0].CustomExts = append(m.Contents[0].CustomExts, one)
	}
	s, err := pb.ReadBody(marshal(t, m))
	if err != nil || len(s.Ext) != n-1 || s.Ext[0] != (im.Field{Name: "0", Value: num("49999")}) || s.Ext[1].Value != num("1") {
		t.Fatalf("%d fields, %v", len(s.Ext), err)
	}
	if exts, _ := s.Body.Fields.Get("customExts"); !strings.HasPrefix(exts.Text, `{"0":49999,"1":1,`) || strings.Count(exts.Text, ":") != n-1 {
		t.Errorf("got %.50s", exts.Text)
	}
	thereAndBack(t, s)
}

// frames are the recorded frames of a folder, by file: hexadecimal digits, one frame a line, perhaps behind its direction, and
// before a comment.
func frames(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../testdata/vectors/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, name := range append(files, "testdata/frames.txt") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(string(data)) {
			digits, _, _ := strings.Cut(l, "#")
			digits = strings.TrimPrefix(strings.TrimPrefix(digits, "up "), "down ")
			b, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
			if err != nil {
				t.Fatalf("%s: %q: %v", name, l, err)
			}
			if len(b) > 0 {
				all = append(all, b)
			}
		}
	}
	return all
}

// said are the MessageBodies of the frames that clients sent.
func said(t testing.TB) (all [][]byte) {
	for _, b := range frames(t) {
		var frame pb.MSync
		if err := proto.Unmarshal(b, &frame); err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		if frame.GetCommand() != pb.MSync_SYNC {
			continue
		}
		var up pb.CommSyncUL
		if proto.Unmarshal(frame.GetPayload(), &up) == nil && up.GetMeta().GetNs() == pb.Meta_CHAT && up.Meta.Payload != nil {
			all = append(all, up.Meta.Payload)
		}
	}
	return all
}

// TestRecordedFrames: what SDKs sent is read, and what is written of it is read as the same.
func TestRecordedFrames(t *testing.T) {
	for _, payload := range said(t) {
		s, err := pb.ReadBody(payload)
		if err != nil {
			t.Errorf("%x: %v", payload, err)
			continue
		}
		thereAndBack(t, s)
	}
}

// thereAndBack checks that a body that was read is written and read as the same body.
func thereAndBack(t testing.TB, s pb.Said) {
	t.Helper()
	if s.Body.Type == 0 {
		return
	}
	var meta pb.Meta
	if err := proto.Unmarshal(pb.AppendMeta(nil, demo(), &im.Message{To: im.ToUser("bob"), Body: s.Body, Ext: s.Ext}), &meta); err != nil {
		t.Fatal(err)
	}
	again, err := pb.ReadBody(meta.Payload)
	if got, want := show(again.Body, again.Ext), show(s.Body, s.Ext); err != nil || got != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
}

// FuzzReadBody: whatever is read is read by the generated code too, and is the same when it is written and read again.
func FuzzReadBody(f *testing.F) {
	for _, payload := range said(f) {
		f.Add(payload)
	}
	for _, body := range bodies() {
		var meta pb.Meta
		_ = proto.Unmarshal(pb.AppendMeta(nil, demo(), &im.Message{To: im.ToUser("bob"), Body: body, Ext: exts()}), &meta)
		f.Add(meta.Payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		payload = bytes.Clone(payload) // it may be mended
		s, err := pb.ReadBody(payload)
		if err != nil {
			if k := im.AsError(err).Kind; k != im.Invalid {
				t.Fatalf("%v is a failure of kind %s", err, k)
			}
			return
		}
		var m pb.MessageBody
		if err := proto.Unmarshal(payload, &m); err != nil || !asGenerated(s, &m) {
			t.Fatalf("got %+v, the generated code reads %v, %v", s, &m, err)
		}
		thereAndBack(t, s)
	})
}

// asGenerated reports whether what was read is what the generated code reads.
func asGenerated(s pb.Said, m *pb.MessageBody) bool {
	if m.GetType() != s.Type || m.GetFrom().GetName() != s.From || m.GetTo().GetName() != s.To || m.GetAckMessageId() != uint64(s.Acked) ||
		m.GetAckContent() != s.AckText || m.GetMsgConfig().GetAllowGroupAck() != s.Asks || m.GetEditMessageId() != uint64(s.Edited) {
		return false
	}
	last := map[string]*pb.KeyValue{} // of a name
	for _, kv := range m.Ext {
		last[kv.GetKey()] = kv
	}
	for _, f := range s.Ext {
		if kv := last[f.Name]; kv == nil || !tells(f.Value, kv) {
			return false
		}
	}
	return len(s.Ext) == len(last) && (s.Body.Type == 0 || sameContent(s.Body, m.Contents[0]))
}

// tells reports whether a value is that of a KeyValue.
func tells(v im.Value, kv *pb.KeyValue) bool {
	n, _ := strconv.ParseFloat(v.Text, 64)
	switch kv.GetType() {
	case pb.KeyValue_BOOL:
		return v == im.Value{Kind: im.BoolValue, Text: strconv.FormatBool(kv.GetVarintValue() != 0)}
	case pb.KeyValue_INT, pb.KeyValue_UINT, pb.KeyValue_LLINT:
		return v == num(strconv.FormatInt(kv.GetVarintValue(), 10))
	case pb.KeyValue_FLOAT, pb.KeyValue_DOUBLE:
		if d := kv.GetDoubleValue() + float64(kv.GetFloatValue()); v == jsonText("null") {
			return math.IsNaN(d) || math.IsInf(d, 0)
		}
	}
	switch kv.GetType() {
	case pb.KeyValue_FLOAT:
		return v.Kind == im.NumberValue && float32(n) == kv.GetFloatValue()
	case pb.KeyValue_DOUBLE:
		return v.Kind == im.NumberValue && n == kv.GetDoubleValue()
	case pb.KeyValue_STRING:
		return v == im.Text(kv.GetStringValue())
	}
	return v == im.Value{Kind: im.JSONValue, Text: kv.GetStringValue()}
}

// sameContent compares the texts and the whole numbers of a content.
func sameContent(body im.Body, c *pb.MessageBody_Content) bool {
	for name, want := range map[string]*string{
		"msg": c.Text, "addr": c.Address, "filename": c.DisplayName, "url": c.RemotePath, "secret": c.SecretKey, "action": c.Action, "thumb": c.ThumbnailRemotePath,
		"thumb_secret": c.ThumbnailSecretKey, "thumb_filename": c.ThumbnailDisplayName, "customEvent": c.CustomEvent, "buildingName": c.BuildingName,
		"title": c.Title, "summary": c.Summary,
	} {
		if v, ok := body.Fields.Get(name); ok != (want != nil) || ok && v != im.Text(*want) {
			return false
		}
	}
	for name, want := range map[string]*int32{"file_length": c.FileLength, "length": c.Duration, "thumb_file_length": c.ThumbnailFileLength, "combineLevel": c.CombineLevel} {
		if v, ok := body.Fields.Get(name); ok != (want != nil) || ok && v != num(strconv.Itoa(int(*want))) {
			return false
		}
	}
	return true
}

func BenchmarkReadBody(b *testing.B) {
	for name, m := range map[string]*pb.MessageBody{"text": text(nil), "ext": text(func(m *pb.MessageBody) {
		for range 5 {
			kv(pb.KeyValue_INT, func(k *pb.KeyValue) { k.VarintValue = proto.Int64(1) })(m)
		}
	})} {
		payload := marshal(b, m)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pb.ReadBody(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
