package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
	"teahouse/internal/msynctest"
)

// Of the realtime rows.
const (
	roomSize    = 1000
	manySockets = 5000
	smallRooms  = 1000
	smallSize   = 5
	senders     = 64
)

// socketData is users with tokens, a large chatroom of the first, and small ones of five of the others each.
func (b *bench) socketData() (dataset, error) {
	return b.fill(dataset{name: "sockets", users: manySockets + 2*senders + 1, tokened: true, hall: true, small: smallRooms})
}

func smallRoom(n int) im.RoomID { return im.RoomID(strconv.Itoa(91000000000000 + n)) }

func textBody(text string) *pb.MessageBody {
	return &pb.MessageBody{Contents: []*pb.MessageBody_Content{msynctest.Text(text)}}
}

// sockets starts the server on the data set of sockets.
func (b *bench) sockets() (*process, dataset, error) {
	d, err := b.socketData()
	if err != nil {
		return nil, d, err
	}
	p, err := b.serve(d.dir)
	return p, d, err
}

// inHall fills the large room with so many, and has its owner speak.
func (b *bench) inHall(p *process, d dataset, size int) (*crowd, error) {
	c, err := b.gather(p, d, 1, size, size, func(int) im.RoomID { return hall })
	if err == nil {
		err = c.invite(msynctest.Dial(b.ctx, d.config(p, 0)))
	}
	if err != nil {
		return c, err
	}
	return c, b.settled()
}

// settled waits until a crowd has been told who came.
func (b *bench) settled() error {
	select {
	case <-time.After(3 * time.Second):
		return nil
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// roomRow measures a message to a room of a thousand: CPU of each delivery, and how often it is encoded.
func (b *bench) roomRow() (err error) {
	if !b.descriptors("13", fmt.Sprintf("a room of %d", roomSize), 2*roomSize) {
		return nil
	}
	p, d, err := b.sockets()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	bare, err := b.fan()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.stop()) }()
	there, err := b.inHall(p, d, roomSize)
	defer there.leave()
	if err != nil {
		return err
	}
	bareThere, err := b.gatherBare(bare, roomSize, roomSize, func(int) im.RoomID { return hall })
	defer bareThere.leave()
	if err != nil {
		return err
	}
	if err := bareThere.invite(msynctest.Open(b.ctx, msynctest.Config{URL: bare.url("/at/" + string(hall))})); err != nil {
		return err
	}
	encoded, err := p.metric(encodings)
	if err != nil {
		return err
	}
	rounds := b.pick(5, 2)
	const perSecond, flying = 20, 4
	n, many := b.pick(8, 3)*perSecond, b.pick(400, 150)
	open, err := interleave(rounds,
		func() (time.Duration, error) { return bareThere.paced(perSecond, n) },
		func() (time.Duration, error) { return there.paced(perSecond, n) })
	if err != nil {
		return err
	}
	b.perDelivery(fmt.Sprintf("a delivery in a room of %d, %d messages/s ÷ bare, CPU", roomSize, perSecond), open, 1.6)
	closed, err := interleave(rounds,
		func() (time.Duration, error) { return bareThere.inFlight(flying, many) },
		func() (time.Duration, error) { return there.inFlight(flying, many) })
	if err != nil {
		return err
	}
	b.perDelivery(fmt.Sprintf("… %d messages in flight", flying), closed, 1.2)
	if err := b.merging(p); err != nil {
		return err
	}
	after, err := p.metric(encodings)
	b.atMost("13", "… encodings of a message", (after-encoded)/float64(there.said), 1, "")
	return errors.Join(err, b.watched(p, "room", func() error { _, err := there.inFlight(flying, many); return err }))
}

// merging tells how many frames were merged into a write.
func (b *bench) merging(p *process) error {
	frames, err := p.metric("teahouse_realtime_frames_total")
	if err != nil {
		return err
	}
	writes, err := p.metric("teahouse_realtime_writes_total")
	b.tell("13", "… frames in a write, at both", fmt.Sprintf("%.2f", frames/writes))
	return err
}

// encodings counts how often an event was made into bytes.
const encodings = `teahouse_encodings_total{protocol="msync"}`

func (b *bench) perDelivery(what string, d []time.Duration, limit float64) {
	b.atMost("13", what, ratio(d[1], d[0]), limit, fmt.Sprintf("(%.2f µs, bare %.2f µs)", micros(d[1])/roomSize, micros(d[0])/roomSize))
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// crowdRow sends to a room of five thousand, and wants every delivery, soon.
func (b *bench) crowdRow() (err error) {
	size, perSecond := b.pick(manySockets, manySockets/2), 10
	what := fmt.Sprintf("a room of %d, %d messages/s", size, perSecond)
	if !b.descriptors("14", what, size) {
		return nil
	}
	p, d, err := b.sockets()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	there, err := b.inHall(p, d, size)
	defer there.leave()
	if err != nil {
		return err
	}
	n := b.pick(30, 5) * perSecond
	cpu, err := there.paced(perSecond, n)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	b.within("14", what+": 99 % of deliveries", there.meter.within(0.99), 300*time.Millisecond,
		fmt.Sprintf("(all %d came; half within %s, the slowest %s; %.2f µs CPU each)", there.meter.delivered.Load(),
			round(there.meter.within(0.5)), round(there.meter.within(1)), micros(cpu)/float64(size)))
	return b.watched(p, "crowd", func() error { _, err := there.paced(perSecond, n); return err })
}

// roomsRow sends to a thousand rooms of five in turns: waking up dominates.
func (b *bench) roomsRow() (err error) {
	const perSecond = 500
	if !b.descriptors("15", fmt.Sprintf("%d rooms of %d", smallRooms, smallSize), 2*smallRooms*smallSize) {
		return nil
	}
	p, d, err := b.sockets()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	bare, err := b.fan()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.stop()) }()
	const all = smallRooms * smallSize
	there, err := b.gather(p, d, 1, all, smallSize-1, func(int) im.RoomID { return "" }) // they are members; who speaks gets an acknowledgement
	defer there.leave()
	if err != nil {
		return err
	}
	bareThere, err := b.gatherBare(bare, all, smallSize, func(i int) im.RoomID { return smallRoom(i / smallSize) })
	defer bareThere.leave()
	if err != nil {
		return err
	}
	for i := range smallRooms {
		there.speak = append(there.speak, speaker{there.clients[i*smallSize], smallRoom(i)})
		bareThere.speak = append(bareThere.speak, speaker{bareThere.clients[i*smallSize], smallRoom(i)})
	}
	n := b.pick(8, 3) * perSecond
	cpu, err := interleave(b.pick(5, 2),
		func() (time.Duration, error) { return bareThere.paced(perSecond, n) },
		func() (time.Duration, error) { return there.paced(perSecond, n) })
	if err != nil {
		return err
	}
	b.atMost("15", fmt.Sprintf("a message in one of %d rooms of %d, %d messages/s, stored ÷ bare, CPU", smallRooms, smallSize, perSecond),
		ratio(cpu[1], cpu[0]), 2.4, fmt.Sprintf("(%s, bare %s)", round(cpu[1]), round(cpu[0])))
	return b.watched(p, "rooms", func() error { _, err := there.paced(perSecond, n); return err })
}

// idleRow measures what connections cost that do nothing.
func (b *bench) idleRow() (err error) {
	size := b.pick(manySockets, manySockets/2)
	if !b.descriptors("16", fmt.Sprintf("%d idle sockets", size), size) {
		return nil
	}
	p, d, err := b.sockets()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	nowhere := func(int) im.RoomID { return "" }
	warm, err := b.gather(p, d, manySockets+1, senders, 1, nowhere)
	warm.leave()
	if err != nil {
		return err
	}
	before, err := p.settledMemory()
	if err != nil {
		return err
	}
	there, err := b.gather(p, d, 1, size, 1, nowhere)
	defer there.leave()
	if err != nil {
		return err
	}
	after, err := p.settledMemory()
	if err != nil {
		return err
	}
	each := float64(after-before) / float64(size) / 1024
	b.add(line{"16", fmt.Sprintf("an idle authenticated socket, of %d", size), fmt.Sprintf("%.2f KiB (%.1f MB, without them %.1f MB)", each,
		float64(after)/(1<<20), float64(before)/(1<<20)), "< 10 KiB", b.verdict(each / 10)})
	rest := time.Duration(b.pick(60, 10)) * time.Second
	began, err := p.cpu()
	if err != nil {
		return err
	}
	time.Sleep(rest)
	ended, err := p.cpu()
	b.within("16", fmt.Sprintf("… their CPU in %s without heartbeats", rest), ended-began, rest/500, "")
	return errors.Join(err, b.heap(p, "idle"))
}

// chatRow measures stored messages between two: 64 send, each the next when the last is acknowledged, to 64 who are connected.
func (b *bench) chatRow() (err error) {
	p, d, err := b.sockets()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	var arrived atomic.Int64
	clients := make([]*msynctest.Client, 2*senders)
	defer func() {
		for _, c := range clients {
			if c != nil {
				c.Kill()
			}
		}
	}()
	for i := range clients {
		cfg := d.config(p, i+1)
		cfg.Quiet, cfg.Each = false, func(_, _ []byte) { arrived.Add(1) }
		if clients[i], err = msynctest.Dial(b.ctx, cfg); err != nil {
			return err
		}
	}
	const warm = 20
	each := b.pick(400, 100)
	chat := func(times int) error {
		ctx, stop := context.WithTimeout(b.ctx, 2*time.Minute)
		defer stop()
		return atOnce(senders, senders, func(i int) error {
			for range times {
				ack, err := clients[i].Send(ctx, msynctest.ToUser(user(i+1+senders)), msynctest.Text(words(0)))
				if err != nil || ack.Code != pb.Status_OK {
					return errors.Join(err, fmt.Errorf("answered with %v %s", ack.Code, ack.Reason))
				}
			}
			return nil
		})
	}
	if err := chat(warm); err != nil {
		return err
	}
	sent := warm
	cpu, err := interleave(b.pick(5, 2), func() (time.Duration, error) {
		before, err := p.cpu()
		if err != nil {
			return 0, err
		}
		sent += each
		if err := errors.Join(chat(each), until(func() bool { return arrived.Load() >= int64(sent*senders) })); err != nil {
			return 0, err
		}
		after, err := p.cpu()
		return (after - before) / time.Duration(each*senders), err
	})
	if err != nil {
		return fmt.Errorf("%d of %d arrived: %w", arrived.Load(), sent*senders, err)
	}
	b.within("17", fmt.Sprintf("a stored message between two, %d senders: CPU of an acknowledgement and a delivery", senders), cpu[0], 350*time.Microsecond, "")
	return b.watched(p, "chat", func() error { return chat(each) })
}

// until waits for a condition that nobody announces.
func until(holds func() bool) error {
	for end := time.Now().Add(halted); !holds(); {
		if time.Now().After(end) {
			return errors.New("it takes too long")
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// returnRow has thousands of clients lose their connection and come back at once, with messages that were sent meanwhile.
func (b *bench) returnRow() (err error) {
	size := b.pick(manySockets, manySockets/2)
	what := fmt.Sprintf("%d clients come back at once", size)
	if !b.descriptors("18", what, size+senders) {
		return nil
	}
	p, d, err := b.sockets()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	got := make([]atomic.Int64, size)
	clients := make([]*msynctest.Client, size)
	err = atOnce(size, dials, func(i int) (err error) {
		cfg := d.config(p, i+1)
		cfg.Quiet, cfg.Each = false, func(_, _ []byte) { got[i].Add(1) }
		clients[i], err = msynctest.Dial(b.ctx, cfg)
		return err
	})
	defer func() { (&crowd{clients: clients}).leave() }()
	if err != nil {
		return err
	}
	(&crowd{clients: clients}).leave()
	if err := b.write(p, d, size); err != nil {
		return err
	}
	before, err := p.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := atOnce(size, size, func(i int) error { return clients[i].Reconnect(b.ctx) }); err != nil {
		return err
	}
	took := time.Since(began)
	all := func() bool {
		for i := range got {
			if got[i].Load() < 1 {
				return false
			}
		}
		return true
	}
	if err := until(all); err != nil {
		return fmt.Errorf("%s: messages are lost: %w", what, err)
	}
	delivered := time.Since(began)
	after, err := p.cpu()
	b.within("18", what, took, 10*time.Second, fmt.Sprintf("(each had the message that was sent meanwhile after %s; %s CPU each)", round(delivered),
		round((after-before)/time.Duration(size))))
	return err
}

// write sends one message to each of the first users.
func (b *bench) write(p *process, d dataset, size int) error {
	return atOnce(senders, senders, func(s int) error {
		c, err := msynctest.Dial(b.ctx, d.config(p, manySockets+1+s))
		if err != nil {
			return err
		}
		defer c.Kill()
		for i := s; i < size; i += senders {
			ack, err := c.Send(b.ctx, msynctest.ToUser(user(i+1)), msynctest.Text(words(0)))
			if err != nil || ack.Code != pb.Status_OK {
				return errors.Join(err, fmt.Errorf("answered with %v %s", ack.Code, ack.Reason))
			}
		}
		return nil
	})
}
