package im

import (
	"context"
	"slices"
)

// Audience is who hears a broadcast.
type Audience uint8

// The audiences.
const (
	ConnectedUsers Audience = 1 + iota // at most once: nothing is stored
	AllUsers
	AllChatrooms
)

const broadcastBatch = 100

// Broadcast says something to everybody, and returns a number of its own for that: each message has its own id. A batch of
// receivers is one transaction, so that who is cut off has reached some, and has not reached those who came later. It needs an
// app token. Errors: those of Send.
func (s *Service) Broadcast(ctx context.Context, c Caller, n NewMessage, to Audience) (MessageID, error) {
	if err := c.mustBeApp(); err != nil {
		return 0, err
	}
	m, err := s.newMessage(c, n)
	if err != nil {
		return 0, err
	}
	m.ID = s.ids.MessageID(s.clock.Now())
	switch to {
	case AllUsers:
		err = s.inBatches(ctx, c, func(tx Tx, after int64) ([]Address, int64, error) {
			users, err := tx.Users(c.App.ID, after, broadcastBatch)
			to, last := addressesOf(users, func(u User) (Address, int64) { return ToUser(u.Name), u.Seq })
			return to, last, err
		}, m)
	case AllChatrooms:
		m.Broadcast = true
		err = s.inBatches(ctx, c, func(tx Tx, before int64) ([]Address, int64, error) {
			if before == 0 {
				before = 1<<63 - 1
			}
			rooms, err := tx.RoomsBefore(c.App.ID, Chatroom, before, broadcastBatch)
			to, last := addressesOf(rooms, func(r Room) (Address, int64) { return ToRoom(Chatroom, r.ID), r.Seq })
			return to, last, err
		}, m)
	default:
		s.publish(ctx, []Event{{Topic: AppTopic(m.App), Kind: MessageBroadcast, App: m.App, At: s.clock.Now(), Message: &m}})
	}
	return m.ID, err
}

// addressesOf returns the address of each of them, and the place of the last.
func addressesOf[T any](all []T, to func(T) (Address, int64)) (addresses []Address, last int64) {
	addresses = make([]Address, len(all))
	for i, one := range all {
		addresses[i], last = to(one)
	}
	return addresses, last
}

// inBatches sends a message to all addresses that page finds, which is given the place that it returned before. Nobody
// hears from themselves.
func (s *Service) inBatches(ctx context.Context, c Caller, page func(Tx, int64) ([]Address, int64, error), m Message) error {
	for place := int64(0); ; {
		var to []Address
		next := place
		err := s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) (err error) {
			if to, next, err = page(tx, place); err != nil {
				return err
			}
			slices.SortFunc(to, inOrder)
			if err := lockParties(tx, m, to); err != nil {
				return err
			}
			for _, a := range to {
				if a.User == m.From && a.Room == "" {
					continue
				}
				m.To = a
				if _, err := s.send(tx, emit, c, m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(to) < broadcastBatch {
			return err
		}
		place = next
	}
}
