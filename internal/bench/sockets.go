package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/msynctest"
)

const (
	hall   = im.RoomID("90000000000001") // the large chatroom
	halted = 20 * time.Second            // nothing came for so long: something is lost
	dials  = 64                          // connections that are made at the same time
)

// A message of the realtime rows is of 200 bytes: a mark, the time at which it was sent, and filling.
const (
	mark     = "@@sent@@"
	textSize = 200
)

func words(sent int64) string {
	s := fmt.Sprintf("%s%019d ", mark, sent)
	return s + strings.Repeat("x", textSize-len(s))
}

// meter counts what comes to all clients of a crowd.
type meter struct {
	each      int // deliveries of one message
	delivered atomic.Int64
	whole     chan struct{} // a note for each message that has come to all
	late      [1 << 13]atomic.Int64
}

func newMeter(each int) *meter { return &meter{each: each, whole: make(chan struct{}, 1<<16)} }

// take is a client's Raw.
func (m *meter) take(data []byte) {
	for {
		_, rest, found := bytes.Cut(data, []byte(mark))
		if !found || len(rest) < 19 {
			return
		}
		if sent, _ := strconv.ParseInt(string(rest[:19]), 10, 64); sent > 0 {
			ms := time.Since(time.Unix(0, sent)).Milliseconds()
			m.late[max(0, min(ms, int64(len(m.late)-1)))].Add(1)
		}
		if m.delivered.Add(1)%int64(m.each) == 0 {
			m.whole <- struct{}{}
		}
		data = rest
	}
}

// within is the time in which a part of the deliveries came.
func (m *meter) within(part float64) time.Duration {
	total := int64(0)
	for i := range m.late {
		total += m.late[i].Load()
	}
	seen := int64(0)
	for i := range m.late {
		if seen += m.late[i].Load(); float64(seen) >= part*float64(total) {
			return time.Duration(i+1) * time.Millisecond
		}
	}
	return time.Duration(len(m.late)) * time.Millisecond
}

// await waits until so many messages have come to all.
func (m *meter) await(messages int) error {
	for n := range messages {
		select {
		case <-m.whole:
		case <-time.After(halted):
			return fmt.Errorf("of %d messages %d came to all", messages, n)
		}
	}
	return nil
}

// crowd is clients in rooms, of the server or of the bare program.
type crowd struct {
	p       *process
	meter   *meter
	clients []*msynctest.Client
	speak   []speaker // in turns
	said    int
}

type speaker struct {
	client *msynctest.Client
	room   im.RoomID
}

// url is where clients connect.
func (p *process) url(path string) string { return "ws://" + p.addr + path }

// config is the n-th user of a data set at the server.
func (d dataset) config(p *process, n int) msynctest.Config {
	return msynctest.Config{URL: p.url("/websocket"), App: org + "#" + app, User: user(n), Token: d.tokens[n],
		Resource: "webim_web_" + strconv.Itoa(n), Quiet: true}
}

// gather has clients sign in, users from on, and enter the rooms that their place among them gives; "" none. They only listen.
func (b *bench) gather(p *process, d dataset, from, n, each int, room func(i int) im.RoomID) (*crowd, error) {
	c := &crowd{p: p, meter: newMeter(each), clients: make([]*msynctest.Client, n)}
	return c, atOnce(n, dials, func(i int) error {
		cfg := d.config(p, from+i)
		cfg.Manual, cfg.Raw = true, c.meter.take
		ctx, stop := context.WithTimeout(b.ctx, halted)
		defer stop()
		client, err := msynctest.Dial(ctx, cfg)
		if err != nil {
			return err
		}
		c.clients[i] = client
		if id := room(i); id != "" {
			if ack, err := client.Join(ctx, string(id), "", false); err != nil || ack.Code != 0 {
				return errors.Join(err, fmt.Errorf("join %s: %v %s", id, ack.Code, ack.Reason))
			}
		}
		client.Listen()
		return nil
	})
}

// gatherBare is the same at the bare program.
func (b *bench) gatherBare(p *process, n, each int, room func(i int) im.RoomID) (*crowd, error) {
	c := &crowd{p: p, meter: newMeter(each), clients: make([]*msynctest.Client, n)}
	return c, atOnce(n, dials, func(i int) (err error) {
		c.clients[i], err = msynctest.Open(b.ctx, msynctest.Config{URL: p.url("/in/" + string(room(i))), Raw: c.meter.take})
		if err == nil {
			c.clients[i].Listen()
		}
		return err
	})
}

// invite adds somebody who speaks in the large room without counting what comes.
func (c *crowd) invite(client *msynctest.Client, err error) error {
	if err == nil {
		c.clients = append(c.clients, client)
		c.speak = []speaker{{client, hall}}
	}
	return err
}

func (c *crowd) leave() {
	_ = atOnce(len(c.clients), dials, func(i int) error { // their end is not measured
		if c.clients[i] != nil {
			c.clients[i].Kill()
		}
		return nil
	})
}

// say sends the next message.
func (c *crowd) say() error {
	s := c.speak[c.said%len(c.speak)]
	c.said++
	_, err := s.client.Post(msynctest.Message{To: msynctest.ToRoom(string(s.room)), Body: textBody(words(time.Now().UnixNano()))})
	return err
}

// paced sends messages at a rate, waits until all came to all, and returns the server's CPU time for each.
func (c *crowd) paced(perSecond, messages int) (time.Duration, error) {
	return c.measured(messages, func() error {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for range messages {
			<-tick.C
			if err := c.say(); err != nil {
				return err
			}
		}
		return c.meter.await(messages)
	})
}

// inFlight sends each message when there are fewer than so many that have not come to all.
func (c *crowd) inFlight(most, messages int) (time.Duration, error) {
	return c.measured(messages, func() error {
		for n := range messages {
			if n >= most {
				if err := c.meter.await(1); err != nil {
					return err
				}
			}
			if err := c.say(); err != nil {
				return err
			}
		}
		return c.meter.await(min(most, messages))
	})
}

func (c *crowd) measured(messages int, run func() error) (time.Duration, error) {
	before, err := c.p.cpu()
	if err != nil {
		return 0, err
	}
	if err := run(); err != nil {
		return 0, err
	}
	after, err := c.p.cpu()
	return (after - before) / time.Duration(messages), err
}

// atOnce runs n jobs, so many at the same time.
func atOnce(n, most int, job func(i int) error) error {
	var next atomic.Int64
	var running sync.WaitGroup
	errs := make([]error, min(n, most))
	for w := range errs {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				errs[w] = job(i)
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// descriptors reports whether so many sockets can be open in one process; if not it says so in the table. Go raises the limit of
// this process, and of those it starts, as far as the system lets it.
func (b *bench) descriptors(row, what string, sockets int) bool {
	const others = 100
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max >= uint64(sockets+others) {
		return true
	}
	b.tell(row, what, fmt.Sprintf("skipped: it needs %d file descriptors in a process, and the system gives %d (see ulimit -Hn)", sockets+others, limit.Max))
	return false
}
