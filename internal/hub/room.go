package hub

import (
	"slices"
	"sync"

	"teahouse/internal/im"
)

type roomKey struct {
	app im.AppID
	id  im.RoomID
}

// room is a room in which somebody on this node is.
type room struct {
	hub    *Hub
	key    roomKey
	cancel func() // of the subscription

	mu     sync.Mutex
	people []*person        // guarded by mu, like the rest
	place  map[*person]int  // in people
	quiet  map[*person]bool // they hear no messages here
	told   map[string]int64
	crowd  []im.Event // joins and leaves that are not told yet
}

// enter puts a person into a room, who hears its messages or, when quiet, all else.
func (h *Hub) enter(p *person, id im.RoomID, quiet bool) error {
	key := roomKey{p.app, id}
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[key]
	if r == nil {
		r = &room{hub: h, key: key, place: map[*person]int{}, quiet: map[*person]bool{}, told: map[string]int64{}}
		cancel, err := h.subscribe(im.RoomTopic(p.app, id), r)
		if err != nil {
			return err
		}
		r.cancel = cancel
		h.rooms[key] = r
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, in := r.place[p]; !in {
		r.place[p] = len(r.people)
		r.people = append(r.people, p)
	}
	if delete(r.quiet, p); quiet {
		r.quiet[p] = true
	}
	return nil
}

// leave takes a person out of a room, which is forgotten with the last. cancel is then to be called, without a lock: it waits for
// what is being told in the room.
func (h *Hub) leave(p *person, id im.RoomID) (cancel func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[roomKey{p.app, id}]
	if r == nil || !r.remove(p) {
		return nil
	}
	delete(h.rooms, r.key)
	return r.cancel
}

// remove takes a person out and tells whether nobody is left.
func (r *room) remove(p *person) (empty bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, in := r.place[p]; in {
		last := len(r.people) - 1
		r.people[i] = r.people[last]
		r.place[r.people[i]] = i
		r.people[last] = nil
		r.people = r.people[:last]
		delete(r.place, p)
		delete(r.quiet, p)
	}
	return len(r.people) == 0
}

// hear is told of what happens in the room, one event at a time.
func (r *room) hear(e im.Event) {
	r.share(e)
	switch e.Kind {
	case im.RoomDestroyed:
		r.expel(e, nil)
	case im.RoomCreated: // who is left of a room that had the id before is not in this one
		r.expel(e, e.Users)
	}
}

// expel takes out everybody but some.
func (r *room) expel(e im.Event, but []im.Username) {
	left := e
	left.Kind, left.By = im.RoomLeft, "" // nobody left
	for _, p := range r.everybody() {
		if slices.Contains(but, p.user) {
			continue
		}
		if p.hear(left); e.Kind == im.RoomDestroyed {
			p.vanish(e.Room)
		}
	}
}

func (r *room) everybody() []*person {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.people)
}

func (r *room) share(e im.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.overtaken(&e):
	case r.isCrowd(&e):
		r.crowd = append(r.crowd, e)
		r.hub.expect(&r.hub.crowds, r.hub.cfg.Clock.Now().Add(r.hub.cfg.Crowd).UnixMilli())
		if e.Kind == im.MembersRemoved {
			r.tell(r.hub.frame(&e), e.Users)
		}
	case len(e.Only) > 0:
		r.tell(r.hub.frame(&e), e.Only)
	default:
		f := r.hub.frame(&e)
		for _, p := range r.people {
			r.deliver(p, f)
		}
	}
}

func (r *room) deliver(p *person, f *Frame) {
	switch f.Event.Kind {
	case im.MessageSent, im.MessageEdited, im.MessageRecalled:
		if r.quiet[p] {
			return
		}
	}
	p.deliver(f)
}

// tell delivers to those of the named users who are here.
func (r *room) tell(f *Frame, users []im.Username) {
	for _, p := range r.people {
		if slices.Contains(users, p.user) {
			r.deliver(p, f)
		}
	}
}

// isCrowd reports whether an event waits for others of its like: where many are, many come and go, and each would be told to all.
func (r *room) isCrowd(e *im.Event) bool {
	if e.RoomKind != im.Chatroom || len(r.people) <= r.hub.cfg.Large {
		return false
	}
	return e.Kind == im.MembersJoined || e.Kind == im.MembersLeft || e.Kind == im.MembersRemoved
}

// overtaken reports whether a later change of the same thing was told already: events of different changes are published at the
// same time (ADR 14).
func (r *room) overtaken(e *im.Event) bool {
	const most = 1024
	thing, ok := thingOf(e)
	if !ok || e.Version == 0 {
		return false
	}
	if len(r.told) > most {
		clear(r.told)
	}
	if r.told[thing] > e.Version {
		return true
	}
	r.told[thing] = e.Version
	return false
}

// thingOf names what an event changes, where the last change is all that counts.
func thingOf(e *im.Event) (string, bool) {
	user := func(what string) (string, bool) {
		if len(e.Users) != 1 {
			return "", false
		}
		return what + string(e.Users[0]), true
	}
	switch e.Kind {
	case im.MembersMuted, im.MembersUnmuted, im.MuteEnded:
		return user("m:")
	case im.AdminAdded, im.AdminRemoved:
		return user("a:")
	case im.MembersAllowed, im.MembersDisallowed:
		return user("w:")
	case im.RoomMuted, im.RoomUnmuted:
		return "silence", true
	case im.RoomDisabled, im.RoomEnabled:
		return "disabled", true
	case im.AnnouncementChanged:
		return "announcement", true
	case im.OwnerChanged:
		return "owner", true
	}
	return "", false
}

// tellCrowds tells who came to large rooms and who left.
func (h *Hub) tellCrowds() {
	h.mu.Lock()
	var rooms []*room
	for _, r := range h.rooms {
		rooms = append(rooms, r)
	}
	h.mu.Unlock()
	for _, r := range rooms {
		r.tellCrowd()
	}
}

// mostNames bounds the users of one event that tells of a crowd.
const mostNames = 500

func (r *room) tellCrowd() {
	defer r.hub.cfg.Faults.Catch("crowd", string(r.key.id), nil) // it is not told; who asks for the members is answered
	r.mu.Lock()
	defer r.mu.Unlock()
	crowd := r.crowd
	if r.crowd = nil; len(crowd) == 0 {
		return
	}
	for _, e := range mergeCrowd(crowd) {
		f := r.hub.frame(&e)
		for _, p := range r.people {
			p.deliver(f)
		}
	}
}

// mergeCrowd makes one event of those who are there now and were not before, and one of those who are not. Of somebody who came and left,
// or left and came, only the last is told.
func mergeCrowd(crowd []im.Event) (merged []im.Event) {
	last := map[im.Username]int{}
	for i, e := range crowd {
		for _, u := range e.Users {
			last[u] = i
		}
	}
	var joined, left []im.Username
	newest := crowd[0]
	for i, e := range crowd {
		if e.Version > newest.Version {
			newest = e
		}
		for _, u := range e.Users {
			switch {
			case last[u] != i:
			case e.Kind == im.MembersJoined:
				joined = append(joined, u)
			default:
				left = append(left, u)
			}
		}
	}
	for _, part := range []struct {
		kind  im.EventKind
		users []im.Username
	}{{im.MembersLeft, left}, {im.MembersJoined, joined}} {
		for names := range slices.Chunk(part.users, mostNames) {
			e := newest
			e.Kind, e.Users, e.By, e.Text, e.Only = part.kind, names, names[0], "", nil
			merged = append(merged, e)
		}
	}
	return merged
}
