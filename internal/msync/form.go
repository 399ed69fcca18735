package msync

import (
	"encoding/base64"
	"encoding/json"

	"github.com/gobwas/ws"
)

// form is how a message of the protocol travels.
type form uint8

const (
	binaryForm form = iota // as it is, in binary frames
	textForm               // in base64, in text frames (wire/msync.md §1)
	sockForm               // in base64, in SockJS's frames (wire/msync.md §17)
)

// protocol names the form in the metrics, and where bytes are shared.
func (f form) protocol() string { return [...]string{"msync", "msync_text", "sockjs"}[f] }

// frame makes the frame of a message.
func (f form) frame(message []byte) []byte {
	switch f {
	case textForm:
		return wsFrame(ws.OpText, base64.StdEncoding.AppendEncode(nil, message))
	case sockForm:
		b := base64.StdEncoding.AppendEncode([]byte(`a["`), message)
		return wsFrame(ws.OpText, append(b, `"]`...))
	default:
		return wsFrame(ws.OpBinary, message)
	}
}

// wsFrame is a whole frame of a server.
func wsFrame(op ws.OpCode, payload []byte) []byte {
	b := make([]byte, 0, len(payload)+10)
	n := len(payload)
	b = append(b, 0x80|byte(op))
	switch {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = append(b, 126, byte(n>>8), byte(n))
	default:
		b = append(b, 127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, payload...)
}

// messages takes the messages out of a frame that came; nil when it holds none of ours.
func (f form) messages(frame []byte) [][]byte {
	switch f {
	case binaryForm:
		return [][]byte{frame}
	case textForm:
		if m, err := base64.StdEncoding.AppendDecode(nil, frame); err == nil {
			return [][]byte{m}
		}
		return nil
	}
	var texts []string
	if err := json.Unmarshal(frame, &texts); err != nil {
		var one string
		if err := json.Unmarshal(frame, &one); err != nil {
			return nil
		}
		texts = []string{one}
	}
	messages := make([][]byte, 0, len(texts))
	for _, t := range texts {
		m, err := base64.StdEncoding.DecodeString(t)
		if err != nil {
			return nil
		}
		messages = append(messages, m)
	}
	return messages
}
