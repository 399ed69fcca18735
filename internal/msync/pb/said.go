package pb

import (
	"encoding/json"

	"google.golang.org/protobuf/encoding/protowire"

	"teahouse/internal/im"
)

// Wire is the name under which messages keep a MessageBody as their sender wrote it (im.Message.Wire).
const Wire = "msync"

// Fields of MessageBody.
const (
	bodyType     = 1
	bodyFrom     = 2
	bodyTo       = 3
	bodyContents = 4
	bodyExt      = 5
	bodyAcked    = 6
	bodyConfig   = 7
	bodyAckText  = 8
	bodyMeta     = 9
	bodyEdited   = 11
	bodyScope    = 12
	bodyStream   = 13
	configAsks   = 1
	streamType   = 1
	streamLast   = 5 // what is between these two is a number, as this is
)

// bodyMessages are the fields of MessageBody that hold one message. Of two some clients read the last, and others both as one.
const bodyMessages uint64 = 1<<bodyFrom | 1<<bodyTo | 1<<bodyContents | 1<<bodyConfig | 1<<bodyStream

// Said is what a client said with a MessageBody. Nothing in it is checked but its form: who says it, to whom, and of which
// message stands here as the client has it.
type Said struct {
	Type     MessageBody_Type
	From, To string

	Body im.Body // of CHAT, GROUPCHAT, CHATROOM and EDIT
	Ext  im.Fields
	Asks bool // of GROUPCHAT: the sender wants to know who has read it

	Acked   im.MessageID // of READ_ACK, DELIVER_ACK and RECALL: the message it is about
	AckText string       // of READ_ACK: what the reader adds

	Edited im.MessageID // of EDIT: the message that says something else now
	Scope  MessageBody_EditScope
}

// ReadBody reads a MessageBody that a client sent. What it takes is in a form that every client understands: so the bytes may
// be forwarded as they are, but for halves of characters, which are replaced in payload. Errors: ErrInvalid for what is malformed or
// could not be kept, ErrFieldMissing for a message without a type, a content or the message it is about.
func ReadBody(payload []byte) (s Said, err error) {
	var given uint64 // of bodyMessages
	err = eachField(payload, func(num protowire.Number, v value) error {
		one := 1 << num & bodyMessages
		if given&one != 0 {
			return malformed("payload")
		}
		given |= one
		if num != bodyContents {
			return s.read(num, v)
		}
		content, err := v.message()
		if err == nil {
			s.Body, err = readContent(content)
		}
		return err
	})
	if err != nil {
		return Said{}, err
	}
	s.Ext = once(s.Ext)
	if err := s.complete(given&(1<<bodyContents) != 0); err != nil {
		return Said{}, err
	}
	return s, nil
}

// read reads one field that is no content.
func (s *Said) read(num protowire.Number, v value) error {
	switch num {
	case bodyType:
		n, err := v.number()
		s.Type = MessageBody_Type(min(n, uint64(MessageBody_EDIT)+1))
		return err
	case bodyFrom:
		return readName(v, &s.From)
	case bodyTo:
		return readName(v, &s.To)
	case bodyExt:
		inner, err := v.message()
		if err != nil {
			return err
		}
		f, err := readKeyValue(inner)
		s.Ext = append(s.Ext, f)
		return err
	case bodyAcked:
		return readID(v, &s.Acked)
	case bodyConfig:
		return s.readConfig(v)
	case bodyAckText:
		return v.text(&s.AckText)
	case bodyMeta:
		return readMeta(v)
	case bodyEdited:
		return readID(v, &s.Edited)
	case bodyScope:
		n, err := v.number()
		s.Scope = MessageBody_EditScope(min(n, uint64(MessageBody_BODY_AND_EXT)+1))
		return err
	case bodyStream:
		return readStream(v)
	}
	return nil
}

// complete reports what the kind of message lacks, and leaves out the content of one that has none: clients put an empty one
// into receipts.
func (s *Said) complete(content bool) error {
	switch s.Type {
	case MessageBody_CHAT, MessageBody_GROUPCHAT, MessageBody_CHATROOM:
	case MessageBody_READ_ACK, MessageBody_DELIVER_ACK, MessageBody_RECALL:
		if s.Acked == 0 {
			return im.ErrFieldMissing.With("ack_message_id")
		}
		s.Body = im.Body{}
		return nil
	case MessageBody_CHANNEL_ACK:
		s.Body = im.Body{}
		return nil
	case MessageBody_EDIT:
		if s.Scope > MessageBody_BODY_AND_EXT {
			return malformed("edit_scope")
		}
		if s.Edited == 0 {
			return im.ErrFieldMissing.With("edit_message_id")
		}
	default:
		return im.ErrFieldMissing.With("type")
	}
	switch {
	case !content:
		return im.ErrFieldMissing.With("contents")
	case s.Body.Type == 0:
		return im.ErrFieldMissing.With("type")
	}
	return nil
}

// readName reads the name in a JID.
func readName(v value, name *string) error {
	inner, err := v.message()
	if err != nil {
		return err
	}
	var rest string
	return eachField(inner, func(num protowire.Number, v value) error {
		switch num {
		case jidName:
			return v.text(name)
		case jidApp, jidDomain, jidResource:
			return v.text(&rest)
		}
		return nil
	})
}

// readID reads the id of a message. What no message can have is none.
func readID(v value, id *im.MessageID) error {
	n, err := v.number()
	if *id = im.MessageID(n); *id < 0 {
		return malformed("message id")
	}
	return err
}

func (s *Said) readConfig(v value) error {
	inner, err := v.message()
	if err != nil {
		return err
	}
	return eachField(inner, func(num protowire.Number, v value) error {
		if num != configAsks {
			return nil
		}
		n, err := v.number()
		s.Asks = n != 0
		return err
	})
}

// readStream checks the form of what a client tells of a text that comes in parts: it is forwarded, and otherwise ignored.
func readStream(v value) error {
	inner, err := v.message()
	if err != nil {
		return err
	}
	return eachField(inner, func(num protowire.Number, v value) error {
		switch {
		case num == streamType:
			var kind string
			return v.text(&kind)
		case num <= streamLast:
			_, err := v.number()
			return err
		}
		return nil
	})
}

// readMeta checks what clients tell in JSON beside a message. What only servers tell is refused: clients believe it, and some
// of it they cannot read in any other form.
func readMeta(v value) error {
	var text string
	if err := v.text(&text); err != nil || text == "" {
		return err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return malformed("meta")
	}
	for _, name := range []string{"edit_msg", "isDelivered", "isRead", "reaction", "thread_overview"} {
		if _, told := object[name]; told {
			return malformed("meta")
		}
	}
	return nil
}
