package server

import (
	"strings"
	"testing"
	"time"
)

// TestBar draws on a terminal and writes lines elsewhere, neither too often.
func TestBar(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	for name, c := range map[string]struct {
		tty  bool
		size int64
		want string
	}{
		"terminal":                    {true, 200, "\r[###############               ]  50 %  1 accounts \r[###############               ]  50 %  3 accounts \r[###############               ]  50 %  4 accounts \n"},
		"terminal, of unknown length": {true, 0, "\r1 accounts \r3 accounts \r4 accounts \n"},
		"lines":                       {false, 200, "50 %  1 accounts\n"},
	} {
		var out strings.Builder
		b := bar{to: &out, tty: c.tty, size: c.size, in: &countingReader{r: strings.NewReader("")}, now: func() time.Time { return now }}
		b.in.n.Store(100)
		b.show(1)
		b.show(2) // too soon
		now = now.Add(barRest)
		b.show(3)
		b.end(4)
		if out.String() != c.want {
			t.Errorf("%s:\n got %q\nwant %q", name, out.String(), c.want)
		}
	}
	var out strings.Builder
	b := bar{to: &out, size: 1, in: &countingReader{r: strings.NewReader("")}, now: func() time.Time { return now }}
	b.show(1)
	now = now.Add(lineRest)
	b.show(2)
	if want := "0 %  1 accounts\n0 %  2 accounts\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
