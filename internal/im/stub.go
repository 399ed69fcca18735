package im

import "context"

// NoticesOf is the address of what a user is told.
func NoticesOf(u Username) Address { return Address{User: u, Notices: true} }

// WentAway is told when the last connection of a user on this node is lost.
func (s *Service) WentAway(ctx context.Context, app AppID, u Username) error { return nil }
