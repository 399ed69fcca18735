package server

import (
	"io"
	"net/http"
	"time"
)

// minRate is how many bytes a second a long upload or download moves at least, on the average.
const minRate = 1 << 10

// deadline is when one that began then and has moved so many bytes is given up, if nothing more of it moves: after the
// patience for a whole small request, but the average must stay above minRate.
func deadline(began time.Time, bytes int64, patience time.Duration) time.Time {
	slow := began.Add(patience + time.Duration(bytes/minRate)*time.Second)
	if soon := time.Now().Add(patience); soon.Before(slow) {
		return soon
	}
	return slow
}

// body is a request's body with the limits of small ones in size and time, until a surface that is about to stream a file
// sets others.
type body struct {
	io.ReadCloser // what counts: of limited size
	w             http.ResponseWriter
	whole         io.ReadCloser
	began         time.Time
	read          int64
	streams       bool
}

// Stream allows a body of up to limit bytes, and as much time as a sender takes who does not pause for long.
func (b *body) Stream(limit int64) {
	b.streams = true
	b.ReadCloser = http.MaxBytesReader(b.w, b.whole, limit)
	b.extend()
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.streams {
		b.extend()
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}

// extend moves the ends of time for reading the request and for writing its answer, which comes when all is read.
func (b *body) extend() {
	control, until := http.NewResponseController(b.w), deadline(b.began, b.read, readTimeout)
	_ = control.SetReadDeadline(until) // not every test's writer can
	_ = control.SetWriteDeadline(until.Add(writeTimeout))
}
