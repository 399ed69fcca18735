package im_test

import (
	"math"
	"testing"
	"time"

	"teahouse/internal/im"
)

func TestMute(t *testing.T) {
	w := newWorld(t)
	same(t, "entries, each name once", as(t, w, "adm").MuteAll(time.Hour, "Bob", "cat", "bob"), "bob 1h0m0s, cat 1h0m0s")
	w.want("lounge members_muted by adm [bob cat] of 5 until 1h0m0s")
	w.clock.Advance(time.Minute)
	same(t, "a mute replaces an earlier one", as(t, w, "ann").MuteAll(time.Minute, "bob"), "bob 2m0s")
	w.want("lounge members_muted by ann [bob] of 5 until 2m0s")
	same(t, "oldest first", as(t, w, "ann").Mutes(), "bob 2m0s, cat 1h0m0s")
	as(t, w, "ann").Mute("bob", im.ForGood)
	w.want("lounge members_muted by ann [bob] of 5 until for good")
	as(t, w, "ann").Mute("ada", time.Millisecond)
	same(t, "mutes", as(t, w, "app").Mutes(), "bob for good, cat 1h0m0s, ada 1m0.001s")
	same(t, "muted", []bool{as(t, w, "bob").Muted("BOB"), as(t, w, "ann").Muted("cat"), as(t, w, "adm").Muted("adm"), as(t, w, "app").Muted("sid")},
		[]bool{true, true, false, false})
}

func TestMuteIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		who, with string
		want      *im.Error
	}{
		{"ann", "ann", im.ErrOnOwner.For("ann").In(lounge)},
		{"app", "ann", im.ErrOnOwner.For("ann").In(lounge)},
		{"adm", "ada", im.ErrForbidden.For("ada").In(lounge)},
		{"adm", "adm", im.ErrForbidden.For("adm").In(lounge)},
		{"ann", "sid", im.ErrNotMember.For("sid").In(lounge)},
		{"ann", "zed", im.ErrNotMember.For("zed").In(lounge)},
		{"ann", "eve", im.ErrUserNotFound.For("eve").In(lounge)},
	} {
		as(t, w, c.who).fails(c.want).MuteAll(time.Hour, "bob", c.with)
		as(t, w, c.who).fails(c.want).MuteAll(0, "bob", c.with)
	}
	as(t, w, "ann").fails(im.ErrUserNotFound.For("eve")).MuteAll(time.Hour, "sid", "eve") // the missing one is named first
	for _, length := range []time.Duration{-2, -time.Hour, math.MinInt64} {
		as(t, w, "ann").fails(im.ErrInvalid.With("mute_duration")).MuteAll(length, "bob")
	}
	w.want()
	same(t, "mutes", as(t, w, "ann").Mutes(), "")
}

func TestMuteLengths(t *testing.T) {
	w := newWorld(t)
	toForever := im.Forever().Sub(w.clock.Now())
	for _, c := range []struct {
		name   string
		length time.Duration
		want   time.Time
	}{
		{"for good", im.ForGood, im.Forever()},
		{"one millisecond", time.Millisecond, w.clock.Now().Add(time.Millisecond)},
		{"just before the end of time", toForever - time.Millisecond, im.Forever().Add(-time.Millisecond)},
		{"to the end of time", toForever, im.Forever()},
		{"beyond it", toForever + time.Millisecond, im.Forever()},
		{"the longest there is", math.MaxInt64, im.Forever()},
	} {
		entries, err := w.svc.MuteMembers(t.Context(), as(t, w, "ann").c, im.Chatroom, lounge, []string{"bob"}, c.length)
		must(t, err)
		if len(entries) != 1 || !entries[0].Until.Equal(c.want) {
			t.Errorf("%s: got %v, want until %v", c.name, entries, c.want)
		}
		same(t, c.name+": listed", as(t, w, "ann").Mutes(), muteLine(entries))
	}
}

func TestUnmute(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").MuteAll(time.Hour, "bob", "cat", "ada")
	w.bus.Take()
	as(t, w, "adm").fails(im.ErrForbidden.For("ada").In(lounge)).Unmute("bob", "ada")
	as(t, w, "ann").fails(im.ErrUserNotFound.For("eve").In(lounge)).Unmute("bob", "eve")
	w.want()
	as(t, w, "adm").Unmute("CAT", "sid", "bob")
	w.want("lounge members_unmuted by adm [cat bob] of 5")
	as(t, w, "adm").Unmute("cat")
	w.want()
	as(t, w, "ann").MuteAll(0, "ada", "bob")
	w.want("lounge members_unmuted by ann [ada] of 5")
	as(t, w, "ann").MuteAll(0, "ada")
	w.want()
	same(t, "mutes", as(t, w, "ann").Mutes(), "")
}

func TestOneWhoHasLeftCanBeUnmuted(t *testing.T) {
	w := newWorld(t)
	as(t, w, "adm").Mute("bob", time.Hour)
	as(t, w, "bob").Remove("bob")
	w.bus.Take()
	same(t, "muted still", as(t, w, "bob").Muted("bob"), true)
	as(t, w, "adm").fails(im.ErrNotMember.For("bob")).Mute("bob", 0)
	as(t, w, "adm").Unmute("bob")
	w.want("lounge members_unmuted by adm [bob] of 4")
	same(t, "muted", as(t, w, "bob").Muted("bob"), false)
}

// TestAnEndedMuteCountsNoMore also while nobody has announced its end.
func TestAnEndedMuteCountsNoMore(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", time.Minute)
	as(t, w, "ann").Mute("cat", time.Hour)
	w.clock.Advance(time.Minute - time.Millisecond)
	same(t, "a millisecond before", []any{as(t, w, "ann").Mutes(), as(t, w, "bob").Muted("bob")}, []any{"bob 1m0s, cat 1h0m0s", true})
	w.clock.Advance(time.Millisecond)
	same(t, "at its end", []any{as(t, w, "ann").Mutes(), as(t, w, "bob").Muted("bob")}, []any{"cat 1h0m0s", false})
}

func TestMuteRoom(t *testing.T) {
	w := newWorld(t)
	as(t, w, "ann").Mute("bob", time.Hour)
	as(t, w, "ann").Allow("cat")
	w.bus.Take()
	as(t, w, "adm").MuteRoom(false)
	w.want()
	as(t, w, "adm").MuteRoom(true)
	as(t, w, "ann").MuteRoom(true)
	w.want("lounge room_muted by adm [] of 5")
	room, _ := as(t, w, "ann").Room()
	same(t, "muted", room.Muted, true)
	same(t, "the lists are not touched", []string{as(t, w, "ann").Mutes(), as(t, w, "ann").Allows()}, []string{"bob 1h0m0s", "cat"})
	as(t, w, "app").MuteRoom(false)
	as(t, w, "app").MuteRoom(false)
	w.want("lounge room_unmuted by app [] of 5")
	room, _ = as(t, w, "ann").Room()
	same(t, "muted", room.Muted, false)
}
