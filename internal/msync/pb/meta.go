package pb

import (
	"strconv"
	"time"

	"teahouse/internal/im"
)

// Fields of Meta. The last may be written behind a whole Meta: protobuf does not mind the order.
const (
	metaID        = 1
	metaFrom      = 2
	metaTo        = 3
	metaTimestamp = 4
	metaNS        = 5
	metaPayload   = 6
	metaExt       = 8
	metaMeta      = 9
)

// AppendMeta writes a message of an app as a Meta, as every receiver gets it (wire/msync.md §5, §11). What its sender wrote on
// this wire goes on unchanged.
func AppendMeta(dst []byte, app im.AppKey, m *im.Message) []byte {
	b := appendNumber(dst, metaID, uint64(m.ID))
	b = AppendJID(b, metaFrom, app, string(m.From), UserDomain, m.Device)
	if m.To.Room != "" {
		b = AppendJID(b, metaTo, app, string(m.To.Room), RoomDomain, "")
	} else {
		b = AppendJID(b, metaTo, app, string(m.To.User), UserDomain, "")
	}
	b = appendNumber(b, metaTimestamp, millis(m.At))
	b = appendNumber(b, metaNS, uint64(Meta_CHAT))
	spoken := m.Of == 0 && m.Body.Type < im.RecallBody
	if spoken && m.Wire == Wire && len(m.Raw) > 0 {
		b = appendBytes(b, metaPayload, m.Raw)
	} else {
		var at int
		b, at = open(b, metaPayload)
		b = shut(appendBody(b, m), at)
	}
	if spoken && m.To.Kind == im.Chatroom {
		b = appendRoomExt(b, m)
	}
	if m.Online && m.To.Kind != im.Chatroom {
		b = appendText(b, metaMeta, `{"is_online":1}`)
	}
	return b
}

// appendRoomExt writes what clients are told of a chatroom's message besides.
func appendRoomExt(b []byte, m *im.Message) []byte {
	tag := uint64(1)
	switch m.Level {
	case im.HighLevel:
		tag = 0
	case im.LowLevel:
		tag = 2
	}
	b, at := open(b, metaExt)
	b = appendText(b, kvKey, "chatroom_msg_tag")
	b = appendNumber(b, kvType, uint64(KeyValue_INT))
	return shut(appendNumber(b, kvVarint, tag), at)
}

// appendBody writes the MessageBody of a message that has none of its sender's.
func appendBody(b []byte, m *im.Message) []byte {
	kind := MessageBody_CHAT
	switch {
	case m.Of != 0:
		kind = MessageBody_EDIT
	case m.Body.Type == im.RecallBody:
		kind = MessageBody_RECALL
	case m.To.Kind == im.Group:
		kind = MessageBody_GROUPCHAT
	case m.To.Kind == im.Chatroom:
		kind = MessageBody_CHATROOM
	}
	b = appendNumber(b, bodyType, uint64(kind))
	b = appendName(b, bodyFrom, string(m.From))
	b = appendName(b, bodyTo, string(m.To.User)+string(m.To.Room))
	switch kind {
	case MessageBody_RECALL:
		return appendNumber(b, bodyAcked, uint64(withdrawn(m)))
	case MessageBody_EDIT:
		b = appendContent(b, bodyContents, m.Body)
		b = appendKeyValues(b, bodyExt, m.Ext)
		b = appendText(b, bodyMeta, editNote(m))
		b = appendNumber(b, bodyEdited, uint64(m.Of))
		return appendNumber(b, bodyScope, uint64(MessageBody_BODY_AND_EXT)) // a note has the whole message
	}
	b = appendContent(b, bodyContents, m.Body)
	return appendKeyValues(b, bodyExt, m.Ext)
}

// withdrawn is the message that a withdrawal is about.
func withdrawn(m *im.Message) im.MessageID {
	v, _ := m.Body.Fields.Get("msg_id")
	id, _ := im.ParseMessageID(v.Text)
	return id
}

// editNote is what clients show of an edit.
func editNote(m *im.Message) string {
	return `{"edit_msg":` + EditJSON(m) + `}`
}

// EditJSON is what is told of a message's last edit, in one line.
func EditJSON(m *im.Message) string {
	kind := "chat:user"
	switch m.To.Kind {
	case im.Group:
		kind = "chat:group"
	case im.Chatroom:
		kind = "chat:room"
	}
	b := append(make([]byte, 0, 200), `{"count":`...)
	b = strconv.AppendInt(b, int64(m.Edit.Count), 10)
	b = appendQuoted(append(b, `,"operator":`...), string(m.Edit.By))
	b = strconv.AppendInt(append(b, `,"edit_time":`...), m.Edit.At.UnixMilli(), 10)
	b = appendQuoted(append(b, `,"sender":`...), string(m.From))
	b = strconv.AppendInt(append(b, `,"send_time":`...), m.Of.Time().UnixMilli(), 10)
	b = append(append(append(b, `,"chat_type":"`...), kind...), `"}`...)
	return string(b)
}

// millis is a moment as the wire has it; the beginning of time is 0.
func millis(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 0)) }
