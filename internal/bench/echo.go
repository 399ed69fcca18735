package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

type echoRequest struct {
	Name     string `json:"name"`
	Owner    string `json:"owner"`
	MaxUsers int    `json:"maxusers"`
}

type echoAnswer struct {
	ID string `json:"id"`
	OK bool   `json:"ok"`
}

// serveEcho is the bare handler: net/http, a small JSON object decoded, another encoded. It announces itself as
// the server does.
func serveEcho(stdout io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%-14s http://%s\nready\n", listeningOn, l.Addr())
	return http.Serve(l, http.HandlerFunc(echo))
}

func echo(w http.ResponseWriter, r *http.Request) {
	var in echoRequest
	data, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(data, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, err := json.Marshal(echoAnswer{in.Owner, true})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	_, _ = w.Write(out) // a client that went away is no failure of ours
}
