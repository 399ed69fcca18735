package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// crowdData has a room of 100,000 members, ten of 2,000, many of one, and users who are in one other room only.
func (b *bench) crowdData() (dataset, error) {
	d := dataset{name: "crowd", rooms: 20_000, spare: 320_000, crowds: []int{crowdSize}}
	for range fewRooms {
		d.crowds = append(d.crowds, 2000)
	}
	return b.fill(d)
}

const (
	crowdSize = 100_000
	fewRooms  = 10
)

// fresh hands out users who are in none of the rooms measured.
type fresh struct{ used atomic.Int64 }

func (f *fresh) next(n int) []string {
	first := crowdSize + int(f.used.Add(int64(n))) - n
	all := make([]string, n)
	for i := range all {
		all[i] = spareUser(first + i)
	}
	return all
}

// batchRow compares a call that adds 60 members with one that adds one.
func (b *bench) batchRow() (err error) {
	d, err := b.crowdData()
	if err != nil {
		return err
	}
	p, err := b.serve(d.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	a := d.on(p)
	ids, err := ownedRooms(a)
	if err != nil {
		return err
	}
	var users fresh
	var rooms atomic.Int64
	call := func(names int) []byte {
		body, _ := json.Marshal(map[string][]string{"usernames": users.next(names)}) // strings always encode
		return a.post("/chatrooms/"+ids[rooms.Add(1)]+"/users", string(body))
	}
	add := func(names, calls int) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			return p.perRequest(a.load(calls, func(int) []byte { return call(names) }))
		}
	}
	// No more than 190,000 users, where membersRow begins, and 20,000 rooms in all.
	if _, err := interleave(1, add(1, 1000), add(60, 100)); err != nil {
		return err
	}
	t, err := interleave(b.pick(5, 3), add(1, 2500), add(60, 500))
	if err != nil {
		return err
	}
	b.atMost("6", "add 60 members in one call ÷ one member", ratio(t[1], t[0]), 6, fmt.Sprintf("(%s, one %s)", round(t[1]), round(t[0])))
	c, err := dial(a.addr)
	if err != nil {
		return err
	}
	defer c.close()
	wait := func(names int) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			const calls = 50
			began := time.Now()
			for range calls {
				if _, err := c.do(call(names)); err != nil {
					return 0, err
				}
			}
			return time.Since(began) / calls, nil
		}
	}
	if t, err = interleave(b.pick(5, 3), wait(1), wait(60)); err != nil {
		return err
	}
	b.atMost("6", "… as one client waits for them", ratio(t[1], t[0]), 6, fmt.Sprintf("(%s, one %s)", round(t[1]), round(t[0])))
	return nil
}

// ownedRooms lists the rooms of one member.
func ownedRooms(a api) (ids []string, err error) {
	c, err := dial(a.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	for cursor := ""; ; {
		body, err := c.do(a.get("/chatrooms?limit=1000" + cursor))
		if err != nil {
			return nil, err
		}
		page, err := idsOf(body)
		if err != nil {
			return nil, err
		}
		for _, id := range page {
			if !strings.HasPrefix(id, "crowd") && id != "spare" {
				ids = append(ids, id)
			}
		}
		if cursor = cursorOf(body); cursor == "" {
			return ids, nil
		}
		cursor = "&cursor=" + cursor
	}
}

// membersRow compares a room of 100,000 members with rooms of 2,000.
func (b *bench) membersRow() (err error) {
	d, err := b.crowdData()
	if err != nil {
		return err
	}
	p, err := b.serve(d.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	a := d.on(p)
	if err := b.memberPages(p, a); err != nil {
		return err
	}
	var users fresh
	users.used.Store(190_000) // the first were used by batchRow
	n := b.pick(3000, 1500)
	crowd := a.load(n, func(int) []byte {
		return a.post("/chatrooms/"+string(crowdID(0))+"/users/"+users.next(1)[0], "")
	})
	few := a.load(n, func(i int) []byte {
		return a.post("/chatrooms/"+string(crowdID(1+i%fewRooms))+"/users/"+users.next(1)[0], "")
	})
	t, err := interleave(b.pick(4, 3), p.measure(few), p.measure(crowd))
	if err != nil {
		return err
	}
	b.atMost("5", "add a member: room of 100,000 ÷ 2,000", ratio(t[1], t[0]), 1.3, fmt.Sprintf("(%s, small %s)", round(t[1]), round(t[0])))
	return nil
}

// measure is perRequest for interleave.
func (p *process) measure(l load) func() (time.Duration, error) {
	return func() (time.Duration, error) { return p.perRequest(l) }
}

// memberPages compares pages of 1,000 members at the start, in the middle and at the end of the big room with
// the first page of a small one.
func (b *bench) memberPages(p *process, a api) error {
	big, small := "/chatrooms/"+string(crowdID(0))+"/users?", "/chatrooms/"+string(crowdID(1))+"/users?"
	cursors, err := memberCursors(a, big)
	if err != nil {
		return err
	}
	paths := []string{
		small + "pagenum=1&pagesize=1000", big + "pagenum=1&pagesize=1000", big + "pagenum=50&pagesize=1000", big + "pagenum=100&pagesize=1000",
		small + "limit=1000", big + "limit=1000", big + "limit=1000&cursor=" + cursors[49], big + "limit=1000&cursor=" + cursors[98],
	}
	var measures []func() (time.Duration, error)
	for _, path := range paths {
		bytes := a.get(path)
		measures = append(measures, p.measure(a.load(b.pick(500, 250), func(int) []byte { return bytes })))
	}
	t, err := interleave(b.pick(5, 3), measures...)
	if err != nil {
		return err
	}
	for i, how := range []string{"pagenum", "cursor"} {
		s := t[4*i : 4*i+4]
		b.atMost("5", "page of 1,000 members by "+how+": room of 100,000 ÷ 2,000, worst of first, middle, last",
			max(ratio(s[1], s[0]), ratio(s[2], s[0]), ratio(s[3], s[0])), 1.5,
			fmt.Sprintf("(%s, %s, %s; small %s)", round(s[1]), round(s[2]), round(s[3]), round(s[0])))
	}
	return nil
}

// memberCursors crawls a member list and returns every cursor on the way.
func memberCursors(a api, list string) ([]string, error) {
	c, err := dial(a.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var cursors []string
	for cursor := ""; ; {
		body, err := c.do(a.get(list + "limit=1000" + cursor))
		if err != nil {
			return nil, err
		}
		next := cursorOf(body)
		if next == "" {
			return cursors, nil
		}
		cursors = append(cursors, next)
		cursor = "&cursor=" + next
	}
}

// cursorOf finds the cursor of an answer without decoding the rest; "" on the last page.
func cursorOf(body []byte) string {
	_, rest, ok := strings.Cut(string(body[max(0, len(body)-200):]), `"cursor":"`)
	if !ok {
		return ""
	}
	cursor, _, _ := strings.Cut(rest, `"`)
	return cursor
}
