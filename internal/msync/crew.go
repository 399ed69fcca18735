package msync

import "teahouse/internal/hub"

// mostResting bounds the goroutines that wait for work with the stacks that work has given them.
const mostResting = 32

// crew handles what connections have read. Whoever goes through the store needs a large stack: goroutines that have one handle one
// message after the other, of whatever connection, so that a connection at rest is read by a small one and no message makes a stack grow.
type crew struct {
	jobs    chan job
	resting chan struct{} // holds one for each who waits for a job
	quit    chan struct{}
	work    *hub.Group // counts jobs
	members hub.Group
}

// job is a frame that was read.
type job struct {
	conn  *conn
	frame []byte
	text  bool
}

func newCrew(work *hub.Group) *crew {
	return &crew{jobs: make(chan job), resting: make(chan struct{}, mostResting), quit: make(chan struct{}), work: work}
}

// do has a job done. It does not wait for it.
func (w *crew) do(j job) {
	w.work.Enter()
	select {
	case w.jobs <- j:
	default: // nobody is waiting
		w.members.Go(func() { w.serve(j) })
	}
}

// serve does one job after the other, as long as there is room to rest in between.
func (w *crew) serve(j job) {
	for {
		j.conn.handleFrame(j.frame, j.text)
		w.work.Leave()
		select {
		case w.resting <- struct{}{}:
		default:
			return
		}
		select {
		case j = <-w.jobs:
			<-w.resting
		case <-w.quit:
			<-w.resting
			return
		}
	}
}

// close ends those who rest, when no job is left.
func (w *crew) close() {
	close(w.quit)
	w.members.Wait()
}
