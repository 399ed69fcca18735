package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/proto"

	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// fan is what the realtime rows compare the server with: the same WebSocket library, and nothing else. Somebody who connected to
// /in/ROOM is in that room, somebody to /at/ROOM is not. Whatever either sends, all in the room get one prepared frame.
type fan struct {
	frame []byte

	mu    sync.RWMutex
	rooms map[string][]net.Conn // guarded by mu
}

// serveFan is the bare program. It announces itself as the server does.
func serveFan(stdout io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f := &fan{frame: ws.MustCompileFrame(ws.NewBinaryFrame(prepared())), rooms: map[string][]net.Conn{}}
	fmt.Fprintf(stdout, "%-14s http://%s\nready\n", listeningOn, l.Addr())
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go f.serve(conn)
	}
}

// prepared is a message as a client of the server gets it.
func prepared() []byte {
	key := org + "#" + app
	body := &pb.MessageBody{Type: pb.MessageBody_CHATROOM.Enum(), From: &pb.JID{Name: new(user(0))}, To: &pb.JID{Name: new(string(hall))},
		Contents: []*pb.MessageBody_Content{msynctest.Text(words(0))}}
	meta := &pb.Meta{Id: new(uint64(1) << 60), From: msynctest.ToUser(user(0)).JID(key), To: msynctest.ToRoom(string(hall)).JID(key),
		Timestamp: new(uint64(1) << 40), Ns: pb.Meta_CHAT.Enum(), Payload: mustMarshal(body)}
	down := &pb.CommSyncDL{Status: &pb.Status{ErrorCode: pb.Status_OK.Enum()}, Metas: []*pb.Meta{meta}, Queue: meta.To, IsLast: new(true)}
	return mustMarshal(&pb.MSync{Version: pb.MSync_MSYNC_V1.Enum(), Command: pb.MSync_SYNC.Enum(), Payload: mustMarshal(down)})
}

func mustMarshal(m proto.Message) []byte {
	data, err := proto.Marshal(m)
	if err != nil {
		panic(err) // of what stands above
	}
	return data
}

func (f *fan) serve(conn net.Conn) {
	defer conn.Close()
	var path string
	upgrader := ws.Upgrader{OnRequest: func(uri []byte) error { path = string(uri); return nil }}
	if _, err := upgrader.Upgrade(conn); err != nil {
		return
	}
	room := path[strings.LastIndexByte(path, '/')+1:]
	if strings.HasPrefix(path, "/in/") {
		f.mu.Lock()
		f.rooms[room] = append(f.rooms[room], conn)
		f.mu.Unlock()
	}
	in := bufio.NewReaderSize(conn, 512)
	for {
		h, err := ws.ReadHeader(in)
		if err != nil {
			return
		}
		if _, err := in.Discard(int(h.Length)); err != nil {
			return
		}
		f.mu.RLock()
		for _, c := range f.rooms[room] {
			_, _ = c.Write(f.frame) // who is gone is gone
		}
		f.mu.RUnlock()
	}
}
