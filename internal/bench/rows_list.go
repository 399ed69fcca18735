package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// lister pages through the rooms of one server over one connection and notes how long each page took.
type lister struct {
	api   api
	c     *client
	rooms int
}

const (
	listPage = 100 // rooms on a page
	tenths   = 10  // a long crawl is judged by the median of each tenth of it
)

// timed requests one page.
func (l *lister) timed(query string) (took time.Duration, body []byte, err error) {
	request := l.api.get("/chatrooms?" + query)
	began := time.Now()
	body, err = l.c.do(request)
	return time.Since(began), body, err
}

// first reads page 1 n times.
func (l *lister) first(n int) (time.Duration, error) {
	var all []time.Duration
	for range n {
		took, _, err := l.timed(fmt.Sprintf("pagenum=1&pagesize=%d", listPage))
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	return median(all), nil
}

// crawl follows the cursor from the first page to the last, and checks that it met every room.
func (l *lister) crawl() (pages []time.Duration, err error) {
	seen := 0
	for cursor := ""; ; {
		took, body, err := l.timed(fmt.Sprintf("limit=%d%s", listPage, cursor))
		if err != nil {
			return nil, err
		}
		pages = append(pages, took)
		seen += roomsIn(body)
		next := cursorOf(body)
		if next == "" {
			break
		}
		cursor = "&cursor=" + next
	}
	return pages, l.check(seen)
}

// leaf reads every page by its number, in sequence, and checks that it met every room.
func (l *lister) leaf() (pages []time.Duration, err error) {
	seen := 0
	for n := 1; n <= (l.rooms+listPage-1)/listPage; n++ {
		took, body, err := l.timed(fmt.Sprintf("pagenum=%d&pagesize=%d", n, listPage))
		if err != nil {
			return nil, err
		}
		pages = append(pages, took)
		seen += roomsIn(body)
	}
	return pages, l.check(seen)
}

func (l *lister) check(seen int) error {
	if seen != l.rooms {
		return fmt.Errorf("a crawl met %d rooms of %d", seen, l.rooms)
	}
	return nil
}

func roomsIn(body []byte) int { return strings.Count(string(body), `"affiliations_count":`) }

// repeat runs a crawl n times.
func repeat(n int, crawl func() ([]time.Duration, error)) (all []time.Duration, err error) {
	for range n {
		pages, err := crawl()
		if err != nil {
			return nil, err
		}
		all = append(all, pages...)
	}
	return all, nil
}

// listRow compares pages of the app's rooms among 1,000,000 and among 1,000.
func (b *bench) listRow() (err error) {
	big, err := b.million()
	if err != nil {
		return err
	}
	small, err := b.fill(dataset{name: "thousand", rooms: 1000})
	if err != nil {
		return err
	}
	var servers []*process
	var listers []*lister
	defer func() {
		for _, p := range servers {
			err = errors.Join(err, p.stop())
		}
	}()
	for _, d := range []dataset{big, small} {
		p, err := b.serve(d.dir)
		if err != nil {
			return err
		}
		servers = append(servers, p)
		c, err := dial(p.addr)
		if err != nil {
			return err
		}
		defer c.close()
		listers = append(listers, &lister{d.on(p), c, d.rooms})
	}
	if err := b.pages(listers[0], listers[1], ""); err != nil {
		return err
	}
	destroyed := []int{b.pick(2000, 500), 10}
	for i, l := range listers {
		if err := l.destroy(destroyed[i]); err != nil {
			return err
		}
	}
	return b.pages(listers[0], listers[1], fmt.Sprintf(" (after %d and %d of them were destroyed)", destroyed[0], destroyed[1]))
}

// destroy removes rooms all over the list.
func (l *lister) destroy(n int) error {
	r := rand.New(rand.NewPCG(3, 4))
	for range n {
		_, body, err := l.timed(fmt.Sprintf("pagesize=1&pagenum=%d", 1+r.IntN(l.rooms)))
		if err != nil {
			return err
		}
		ids, err := idsOf(body)
		if err != nil {
			return err
		}
		if _, err := l.c.do(l.api.delete("/chatrooms/" + ids[0])); err != nil {
			return err
		}
		l.rooms--
	}
	return nil
}

// idsOf reads the rooms' ids of a page.
func idsOf(body []byte) (ids []string, err error) {
	var page struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	err = json.Unmarshal(body, &page)
	for _, room := range page.Data {
		ids = append(ids, room.ID)
	}
	if err == nil && len(ids) == 0 {
		err = errors.New("an empty page of rooms")
	}
	return ids, err
}

// pages adds the lines of one state of the big list.
func (b *bench) pages(big, small *lister, state string) error {
	name := fmt.Sprintf("list of %d rooms%s ÷ 1,000: ", big.rooms, state)
	if state != "" {
		name = "…" + state + ": "
	}
	d, err := interleave(b.pick(7, 3),
		func() (time.Duration, error) { return small.first(500) },
		func() (time.Duration, error) { return big.first(500) })
	if err != nil {
		return err
	}
	b.atMost("4", name+"page 1", ratio(d[1], d[0]), 2, fmt.Sprintf("(%s, small %s)", round(d[1]), round(d[0])))
	if err := b.sequence(name+"crawl by cursor, slowest tenth", big.crawl, small.crawl); err != nil {
		return err
	}
	if err := b.sequence(name+"pagenum in sequence, slowest tenth", big.leaf, small.leaf); err != nil {
		return err
	}
	return b.deep(big, name)
}

// sequence compares the slowest tenth of a long crawl with the pages of short crawls before and after it.
func (b *bench) sequence(what string, big, small func() ([]time.Duration, error)) error {
	short, err := repeat(b.pick(100, 40), small)
	if err != nil {
		return err
	}
	long, err := big()
	if err != nil {
		return err
	}
	more, err := repeat(b.pick(100, 40), small)
	if err != nil {
		return err
	}
	base := median(append(short, more...))
	all, worst := median(slices.Clone(long)), time.Duration(0)
	for t := range tenths {
		worst = max(worst, median(slices.Clone(long[len(long)*t/tenths:len(long)*(t+1)/tenths])))
	}
	b.atMost("4", what, ratio(worst, base), 2,
		fmt.Sprintf("(%s; all %d pages %s; small %s)", round(worst), len(long), round(all), round(base)))
	return nil
}

// deep reads pages at random from the middle of the list to its end.
func (b *bench) deep(big *lister, name string) error {
	r := rand.New(rand.NewPCG(5, 6))
	last := big.rooms / listPage
	var all []time.Duration
	for range b.pick(2000, 500) {
		took, _, err := big.timed(fmt.Sprintf("pagenum=%d&pagesize=%d", last/2+1+r.IntN(last/2), listPage))
		if err != nil {
			return err
		}
		all = append(all, took)
	}
	slices.Sort(all)
	b.within("4", strings.TrimSuffix(strings.ReplaceAll(name, " ÷ 1,000", ""), ": ")+": random deep page, 99th percentile",
		all[len(all)*99/100], 50*time.Millisecond, fmt.Sprintf("(median %s, slowest %s)", round(all[len(all)/2]), round(all[len(all)-1])))
	return nil
}
