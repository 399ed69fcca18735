package msync

import "teahouse/internal/im"

// Stumble has the server fail with messages of which bad says so.
func (s *Server) Stumble(bad func(*im.Message) bool) {
	encode := s.encode
	s.encode = func(dst []byte, app im.AppKey, m *im.Message) []byte {
		if bad(m) {
			panic("planted")
		}
		return encode(dst, app, m)
	}
}
