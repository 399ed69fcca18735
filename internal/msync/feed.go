package msync

import (
	"context"
	"math"
	"math/rand/v2"

	"teahouse/internal/hub"
	"teahouse/internal/im"
)

const (
	mostUnanswered = 32  // messages of one conversation, pushed one by one, that the client has not acknowledged
	mostInAll      = 90  // messages that it has not acknowledged: of about a hundred it knows the copy, should all come again
	mostFeeds      = 256 // conversations whose place is remembered although nothing is going on in them
	batchSize      = 50  // messages fetched at once
)

// otherKey, which no id has, makes another key of the same place.
const otherKey im.MessageID = 1 << 62

// placeOf is the place that a client's key stands for.
func placeOf(key uint64) im.MessageID {
	place := im.MessageID(key & (1<<63 - 1))
	if place > otherKey {
		place &^= otherKey
	}
	return place
}

// feed is what one conversation still holds for the device. What is here is about this connection only: the place that lasts is in
// the store.
type feed struct {
	known   bool         // at says how far the device was told everything
	at      im.MessageID // pushed, or not for this device
	pushed  []pushed     // and not acknowledged yet, in order
	dirty   bool         // the store holds more
	pulling bool         // the client was told that something waits, and will ask
	busy    bool         // the store is being read
	again   again        // kept when all else is begun anew
	silent  bool         // at the last heartbeat something was not acknowledged or asked for, and nothing was since
}

// again is which key the last batch of what is not acknowledged had.
type again uint8

// next returns what makes the key of the next such batch another one. The first that a client asks for may repeat what was pushed over an
// earlier connection.
func (a *again) next(asked bool) im.MessageID {
	const none, usual, other again = 0, 1, 2
	if *a == usual || *a == none && asked {
		*a = other
		return otherKey
	}
	*a = usual
	return 0
}

// pushed is what a client acknowledges with one key.
type pushed struct {
	key im.MessageID
	n   int // messages
}

// quiet reports whether nothing is lost when the feed is forgotten.
func (f *feed) quiet() bool { return !f.dirty && !f.pulling && !f.busy && len(f.pushed) == 0 }

// feedLocked returns the feed of a conversation. It looks for quiet ones to forget only when there are twice as many as it kept the last
// time: who signs in may have thousands that are not.
func (c *conn) feedLocked(with im.Address) *feed {
	f := c.feeds[with]
	if f == nil {
		if c.feeds == nil {
			c.feeds = map[im.Address]*feed{}
		}
		if len(c.feeds) >= max(mostFeeds, 2*c.kept) {
			for a, old := range c.feeds {
				if old.quiet() {
					delete(c.feeds, a)
				}
			}
			c.kept = len(c.feeds)
		}
		f = &feed{}
		c.feeds[with] = f
	}
	return f
}

// hear takes a message of a conversation that has an inbox. It is pushed when it follows what the device was told; else it is
// fetched with what is missing.
func (c *conn) hear(frame *hub.Frame, m *im.Message) {
	with := m.Conversation().With(c.caller.User)
	own := m.From == c.caller.User && m.Device == c.device && m.Body.Type != im.NoticeBody
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.feedLocked(with)
	follows := f.known && m.Prev <= f.at && !f.dirty && !f.busy && !f.pulling
	switch {
	case f.known && m.ID <= f.at: // fetched before it was heard
	case own && !follows: // it is nothing to tell, and what is missing is told of itself
	case own || follows && !m.For(c.caller.User, c.device):
		f.at = m.ID
	case !c.live.Load(), !follows, len(f.pushed) >= mostUnanswered, c.roomLocked() == 0:
		f.dirty = true
		c.fetchLocked()
	default:
		f.at = m.ID
		if wire := c.wire(frame, m, with); wire != nil {
			f.pushed = append(f.pushed, pushed{m.ID, 1})
			c.unanswered++
			c.line.Push(wire)
		}
	}
}

// wire is a message in the client's form, made once for all who see the conversation under the same name.
func (c *conn) wire(frame *hub.Frame, m *im.Message, with im.Address) []byte {
	form := hub.Form{Protocol: c.form.protocol(), User: with.User}
	return frame.Wire(form, func() []byte {
		d := down{metas: [][]byte{c.srv.meta(c.caller.App.Key, m, true)}, nextKey: m.ID, queue: with}
		return c.form.frame(d.append(nil, c.caller.App.Key))
	})
}

// fetchLocked makes sure that somebody fetches what is missing.
func (c *conn) fetchLocked() {
	if c.live.Load() && !c.fetching {
		c.fetching = true
		c.srv.work.Go(c.fetch)
	}
}

// fetch pushes a batch of every conversation that has more, as long as the client keeps up.
func (c *conn) fetch() {
	defer c.srv.faults.Catch("inbox", string(c.caller.User), func() { c.End(hub.Failed) })
	for c.fetchBatch() {
	}
}

// fetchBatch pushes a batch of one conversation; false: none has more, or it cannot be read.
func (c *conn) fetchBatch() bool {
	c.pull.Lock()
	defer c.pull.Unlock()
	with, after, found := c.nextDirty()
	if !found {
		return false
	}
	if after == 0 {
		c.srv.acker.settle(c.ctx, c.caller.App.ID, c.caller.User, c.device)
	}
	err := c.pushBatch(with, after, false)
	if err != nil {
		c.mu.Lock()
		c.fetching = false // the next message, or the next heartbeat, tries again
		c.mu.Unlock()
		c.srv.log.Error("inbox not read", "user", string(c.caller.User), "err", err)
	}
	return err == nil
}

// nextDirty picks a conversation to fetch from and marks it busy. Without one the goroutine that fetches ends.
func (c *conn) nextDirty() (with im.Address, after im.MessageID, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for with, f := range c.feeds {
		if f.dirty && !f.pulling && len(f.pushed) == 0 && c.live.Load() && c.roomLocked() > 0 {
			f.busy, f.dirty = true, false
			if f.known {
				after = f.at
			}
			return with, after, true
		}
	}
	c.fetching = false
	return with, 0, false
}

// pushBatch pushes what waits in a busy conversation after a place, 0 for what the device has not acknowledged. asked says that the
// client waits for an answer even if there is nothing. A client neither acknowledges nor goes on after a batch that ends with the key that the
// last one had, which may have come over an earlier connection (wire/msync.md §3): so what is told again has another key, and ends elsewhere
// if it can.
func (c *conn) pushBatch(with im.Address, after im.MessageID, asked bool) error {
	c.mu.Lock()
	size := min(batchSize, max(c.roomLocked(), 1))
	c.mu.Unlock()
	if after == 0 && size > 1 {
		size -= rand.IntN(size / 2)
	}
	got, err := c.srv.service.Pull(c.ctx, c.caller, c.device, with, after, size)
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.feedLocked(with)
	f.busy = false
	if err != nil {
		f.dirty = true
		return err
	}
	f.known = got.UpTo > 0
	f.at = max(f.at, got.UpTo)
	f.dirty = f.dirty || got.More
	d := down{queue: with}
	for i := range got.Messages {
		if meta := c.meta(&got.Messages[i]); meta != nil {
			d.metas = append(d.metas, meta)
		}
	}
	switch {
	case len(d.metas) > 0:
		d.nextKey = got.Messages[len(got.Messages)-1].ID
		f.pushed = append(f.pushed, pushed{d.nextKey, len(d.metas)})
		if after == 0 {
			d.nextKey |= f.again.next(asked)
		}
		c.unanswered += len(d.metas)
		c.push(d)
	case asked:
		c.push(down{queue: with, last: true})
	}
	if f.dirty {
		c.fetchLocked()
	}
	return nil
}

// pullQueue answers a client that asks for a queue, and with a key has everything up to it.
func (c *conn) pullQueue(ctx context.Context, with im.Address, key im.MessageID) error {
	c.pull.Lock()
	defer c.pull.Unlock()
	c.mu.Lock()
	f := c.feedLocked(with)
	told := f.known && key <= f.at
	switch {
	case key == 0:
		c.answeredLocked(f, math.MaxInt64)
		*f = feed{busy: true, again: f.again}
	default:
		f.silent = false
		c.answeredLocked(f, key)
		f.busy = f.dirty && len(f.pushed) == 0 || f.pulling || !f.known
		if f.busy {
			f.dirty, f.pulling = false, false
		}
	}
	if f.busy && c.roomLocked() == 0 { // it is pushed when there is
		f.busy, f.dirty = false, true
	}
	fetch, after := f.busy, im.MessageID(0) // what the client says it has may be beyond all messages: the store knows better
	if f.known {
		after = f.at
	}
	c.mu.Unlock()

	place := placeKey{c.caller.App.ID, c.caller.User, c.device, with}
	switch {
	case key == 0:
		c.srv.acker.settle(ctx, place.app, place.user, place.device)
	case told:
		c.srv.acker.note(place, key)
		if fetch { // of what is not written yet, more would come again after a crash than clients recognise
			c.srv.acker.settle(ctx, place.app, place.user, place.device)
		}
	default: // of a connection before this one, or made up: the store knows how far one can have read
		if err := c.srv.service.Acknowledge(ctx, c.caller, c.device, with, key); err != nil {
			c.unbusy(with)
			return err
		}
	}
	if fetch {
		return c.pushBatch(with, after, true)
	}
	c.push(down{queue: with, last: true})
	return nil
}

// offeredLocked are the conversations that the client is told to ask for: those that wait since it signed in, and those whose messages
// it has left without an answer from one heartbeat to the next. What it does not ask for until the next heartbeat is pushed: some clients
// never will (wire/msync.md §3).
func (c *conn) offeredLocked() (queues []im.Address) {
	for with, f := range c.feeds {
		switch {
		case f.pulling && f.silent:
			*f = feed{dirty: true, again: f.again}
			continue
		case f.pulling:
			f.silent = true
		case len(f.pushed) > 0 && f.silent && !f.busy:
			c.answeredLocked(f, math.MaxInt64)
			*f = feed{pulling: true, silent: true, again: f.again}
		default:
			f.silent = len(f.pushed) > 0
			continue
		}
		queues = append(queues, with)
	}
	return queues
}

// roomLocked is how many messages may be pushed now.
func (c *conn) roomLocked() int { return max(mostInAll-c.unanswered, 0) }

// answeredLocked takes note that what was pushed of a conversation, up to a key, is acknowledged, or will not be. Conversations that
// had to wait for it go on.
func (c *conn) answeredLocked(f *feed, key im.MessageID) {
	full := c.roomLocked() == 0
	for len(f.pushed) > 0 && f.pushed[0].key <= key {
		c.unanswered -= f.pushed[0].n
		f.pushed = f.pushed[1:]
	}
	if len(f.pushed) == 0 {
		f.pushed = nil
	}
	if full && c.roomLocked() > 0 {
		c.fetchLocked()
	}
}

func (c *conn) unbusy(with im.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.feedLocked(with)
	f.busy, f.dirty = false, true
}
