package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// api writes requests to one app, or to the bare handler.
type api struct {
	addr, prefix, token string
}

// request is the bytes of a request as an ordinary client sends it.
func (a api) request(method, path, body string) []byte {
	b := make([]byte, 0, 512+len(body))
	b = append(b, method+" "+a.prefix+path+" HTTP/1.1\r\nHost: "+a.addr+
		"\r\nUser-Agent: teahouse-bench\r\nAccept: application/json\r\nAuthorization: Bearer "+a.token+"\r\n"...)
	if method != http.MethodGet {
		b = append(b, "Content-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n"...)
	}
	return append(append(b, "\r\n"...), body...)
}

func (a api) get(path string) []byte              { return a.request(http.MethodGet, path, "") }
func (a api) post(path, body string) []byte       { return a.request(http.MethodPost, path, body) }
func (a api) delete(path string) []byte           { return a.request(http.MethodDelete, path, "") }
func (a api) load(n int, f func(int) []byte) load { return load{a.addr, httpClients, n, f} }

// client is one keep-alive connection. It does as little as it can: its work competes with the server's.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	body bytes.Buffer
}

func dial(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// do sends a request and returns the body of the answer, which is good until the next call. Anything but success is an error.
func (c *client) do(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	c.body.Reset()
	if _, err := c.body.ReadFrom(r.Body); err != nil {
		return nil, err
	}
	if r.StatusCode/100 != 2 {
		line, _, _ := bytes.Cut(request, []byte("\r\n"))
		return nil, fmt.Errorf("%s: %s: %.300s", line, r.Status, c.body.Bytes())
	}
	return c.body.Bytes(), nil
}

// httpClients is how many connections a load has, unless it says otherwise.
const httpClients = 32

// load is a number of requests over some connections, each sending its next request when the last is answered.
type load struct {
	addr     string
	clients  int
	requests int
	request  func(i int) []byte
}

// run sends the load and returns how long it took.
func (l load) run() (time.Duration, error) {
	var next atomic.Int64
	var running sync.WaitGroup
	errs := make([]error, l.clients)
	began := time.Now()
	for i := range l.clients {
		running.Go(func() { errs[i] = l.one(&next) })
	}
	running.Wait()
	return time.Since(began), errors.Join(errs...)
}

func (l load) one(next *atomic.Int64) error {
	c, err := dial(l.addr)
	if err != nil {
		return err
	}
	defer c.close()
	for {
		i := int(next.Add(1)) - 1
		if i >= l.requests {
			return nil
		}
		if _, err := c.do(l.request(i)); err != nil {
			next.Store(int64(l.requests)) // the others stop too
			return err
		}
	}
}

// perRequest runs a load and returns the process's CPU time for each request.
func (p *process) perRequest(l load) (time.Duration, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	if _, err := l.run(); err != nil {
		return 0, err
	}
	after, err := p.cpu()
	return (after - before) / time.Duration(l.requests), err
}
