// Package hub is the live sessions of this node: who is connected, in which rooms they are, and one event on its way to many of
// them. It knows no wire: a surface gives each session a [Receiver], writes through a [Line], and encodes an event once for all
// sessions of its kind (see [Frame]).
//
// The hub holds nothing that must not be lost. What a session missed it finds in the store.
package hub
