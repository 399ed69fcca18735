package hub

// TellCrowds does what Run does now and then.
func (h *Hub) TellCrowds() { h.tellCrowds() }
