package imtest

import (
	"context"
	"slices"
	"sync"

	"teahouse/internal/im"
)

// Sessions is an [im.Sessions] that is told who is connected. Who is asked to leave leaves at once.
type Sessions struct {
	mu      sync.Mutex
	devices map[person][]im.Connection // guarded by mu
	err     error                      // guarded by mu
}

type person struct {
	app  im.AppID
	user im.Username
}

// Connect has devices of a user connect.
func (s *Sessions) Connect(app im.AppID, user im.Username, devices ...im.Connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.devices == nil {
		s.devices = map[person][]im.Connection{}
	}
	s.devices[person{app, user}] = append(s.devices[person{app, user}], devices...)
}

// Fail has every further call fail.
func (s *Sessions) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Connected implements [im.Sessions].
func (s *Sessions) Connected(_ context.Context, app im.AppID, users []im.Username) ([][]im.Connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([][]im.Connection, len(users))
	for i, u := range users {
		all[i] = slices.Clone(s.devices[person{app, u}])
	}
	return all, s.err
}

// Disconnect implements [im.Sessions].
func (s *Sessions) Disconnect(_ context.Context, app im.AppID, user im.Username, resource string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	p := person{app, user}
	if devices, ok := s.devices[p]; ok {
		s.devices[p] = slices.DeleteFunc(devices, func(d im.Connection) bool { return resource == "" || d.Resource == resource })
	}
	return nil
}
