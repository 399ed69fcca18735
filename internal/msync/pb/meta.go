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
	if m.Body.Type == im.NoticeBody {
		e, _ := m.Notice()
		return appendNotice(dst, app, m.ID, &e, m.To.User)
	}
	b := appendNumber(dst, metaID, uint64(m.ID))
	b = AppendJID(b, metaFrom, app, string(m.From), UserDomain, m.Device)
	if to := shownTo(m); to.Room != "" {
		b = AppendJID(b, metaTo, app, string(to.Room), RoomDomain, "")
	} else {
		b = AppendJID(b, metaTo, app, string(to.User), UserDomain, m.ToDevice)
	}
	at := m.At
	if m.Of != 0 {
		at = m.Edit.At
	}
	b = appendNumber(b, metaTimestamp, millis(at))
	b = appendNumber(b, metaNS, uint64(Meta_CHAT))
	spoken := m.Of == 0 && m.Body.Type < im.RecallBody
	if spoken && m.Wire == Wire && len(m.Raw) > 0 {
		b = appendBytes(b, metaPayload, m.Raw)
	} else {
		var at int
		b, at = open(b, metaPayload)
		b = shut(appendBody(b, m), at)
	}
	switch {
	case spoken && m.To.Kind == im.Chatroom:
		b = appendRoomExt(b, m)
	case m.Body.Type == im.RecallBody:
		if _, ext, _ := m.Withdrawal(); ext != "" {
			b = appendKeyValue(b, metaExt, "recallMessageExtensionInfo", im.Text(ext))
		}
	}
	return b
}

// AppendOnline writes behind a message's Meta whether it was said while its receiver was connected. Of chatrooms clients take it for
// granted, and of what tells of messages they do not ask.
func AppendOnline(b []byte, m *im.Message, online bool) []byte {
	switch {
	case !m.Spoken() || m.To.Kind == im.Chatroom:
		return b
	case online:
		return appendText(b, metaMeta, `{"is_online":1}`)
	}
	return appendText(b, metaMeta, `{"is_online":0}`)
}

// shownTo is where clients are told that a message went. A receipt about a group is kept among the notices of who is told.
func shownTo(m *im.Message) im.Address {
	if r, ok := m.Receipt(); ok && r.Group != "" {
		return im.ToRoom(im.Group, r.Group)
	}
	return m.To
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
	b = appendMark(b, "chatroom_msg_tag", KeyValue_INT, tag)
	if m.Broadcast {
		b = appendMark(b, "is_broadcast", KeyValue_BOOL, 1)
	}
	return b
}

func appendMark(b []byte, name string, t KeyValue_ValueType, v uint64) []byte {
	b, at := open(b, metaExt)
	b = appendText(b, kvKey, name)
	b = appendNumber(b, kvType, uint64(t))
	return shut(appendNumber(b, kvVarint, v), at)
}

// appendBody writes the MessageBody of a message that has none of its sender's.
func appendBody(b []byte, m *im.Message) []byte {
	kind := typeOf(m)
	b = appendNumber(b, bodyType, uint64(kind))
	b = appendName(b, bodyFrom, string(m.From))
	b = appendName(b, bodyTo, shownTo(m).String())
	switch kind {
	case MessageBody_RECALL:
		of, _, _ := m.Withdrawal()
		b = appendContent(b, bodyContents, im.Body{})
		return appendNumber(b, bodyAcked, uint64(of))
	case MessageBody_READ_ACK, MessageBody_DELIVER_ACK, MessageBody_CHANNEL_ACK:
		return appendReceipt(b, m)
	case MessageBody_EDIT:
		b = appendContent(b, bodyContents, m.Body)
		b = appendKeyValues(b, bodyExt, m.Ext)
		b = appendText(b, bodyMeta, editNote(m))
		b = appendNumber(b, bodyEdited, uint64(m.Of))
		return appendNumber(b, bodyScope, uint64(MessageBody_BODY_AND_EXT)) // a note has the whole message
	}
	b = appendContent(b, bodyContents, m.Body)
	b = appendKeyValues(b, bodyExt, m.Ext)
	if m.AskReceipts {
		b = appendAsks(b)
	}
	return b
}

// typeOf is what clients take a message for.
func typeOf(m *im.Message) MessageBody_Type {
	switch {
	case m.Of != 0:
		return MessageBody_EDIT
	case m.Body.Type == im.RecallBody:
		return MessageBody_RECALL
	case m.Body.Type == im.ReceiptBody:
		switch r, _ := m.Receipt(); r.Kind {
		case im.ReceiptDelivered:
			return MessageBody_DELIVER_ACK
		case im.ReceiptRead:
			return MessageBody_READ_ACK
		}
		return MessageBody_CHANNEL_ACK
	case m.To.Kind == im.Group:
		return MessageBody_GROUPCHAT
	case m.To.Kind == im.Chatroom:
		return MessageBody_CHATROOM
	}
	return MessageBody_CHAT
}

// appendAsks writes that a group's message is answered by receipts, or is one.
func appendAsks(b []byte) []byte {
	b, at := open(b, bodyConfig)
	return shut(appendNumber(b, configAsks, 1), at)
}

// appendReceipt writes what a receipt says. How many have read a group's message is JSON in the first of the fields. It has an empty
// content, as those of clients and as withdrawals: clients read one of whatever comes a second time (wire/msync.md §20).
func appendReceipt(b []byte, m *im.Message) []byte {
	r, _ := m.Receipt()
	b = appendContent(b, bodyContents, im.Body{})
	if r.Of != 0 {
		b = appendNumber(b, bodyAcked, uint64(r.Of))
	}
	if r.Group == "" || r.Kind != im.ReceiptRead {
		return b
	}
	counts := `{"` + r.Of.String() + `":` + strconv.Itoa(r.Count) + `}`
	b = appendKeyValue(b, bodyExt, "group_ack_count", im.Value{Kind: im.JSONValue, Text: counts})
	b = appendAsks(b)
	return appendSome(b, bodyAckText, r.Text)
}

// editNote is what clients show of an edit.
func editNote(m *im.Message) string {
	return `{"edit_msg":` + editJSON(m) + `}`
}

// editJSON is what is told of a message's last edit, in one line.
func editJSON(m *im.Message) string {
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
	b = strconv.AppendInt(append(b, `,"send_time":`...), m.At.UnixMilli(), 10)
	b = append(append(append(b, `,"chat_type":"`...), kind...), `"}`...)
	return string(b)
}

// millis is a moment as the wire has it; the beginning of time is 0.
func millis(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 0)) }
