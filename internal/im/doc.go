// Package im is the domain: apps, users, tokens and rooms, the rules about them, the events that tell of
// them, and the ports through which they are stored and announced. It imports the standard library only.
//
// A surface turns a request of its wire into a [Caller] and one call of a [Service] method, and turns the
// answer or the [Error] back. Rules live here once; a surface never decides who may do what.
package im
