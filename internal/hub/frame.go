package hub

import (
	"strconv"
	"sync"

	"teahouse/internal/im"
)

// Frame is one event on its way to many sessions. What it is on a wire is made once for all who get the same.
type Frame struct {
	Event *im.Event
	ID    im.MessageID // the message's, or one made for the event; unique in the app

	hub   *Hub
	mu    sync.Mutex
	wires []wire
}

// Form names one way to encode an event.
type Form struct {
	Protocol string      // as the metrics name it
	Variant  int         // where one protocol has several for the same event
	User     im.Username // where it is for one user only
}

type wire struct {
	form  Form
	bytes []byte
}

// Wire returns the event in a form, which encode makes when nobody else has asked for it; nil when it cannot. Nobody may change the bytes.
func (f *Frame) Wire(form Form, encode func() []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.wires {
		if f.wires[i].form == form {
			return f.wires[i].bytes
		}
	}
	b := f.encode(encode)
	f.wires = append(f.wires, wire{form, b})
	f.hub.stats.encoded(form.Protocol)
	return b
}

func (f *Frame) encode(encode func() []byte) []byte {
	defer f.hub.cfg.Faults.Catch("encoding", string(f.Event.Kind)+" "+strconv.FormatInt(int64(f.ID), 10), nil)
	return encode()
}
