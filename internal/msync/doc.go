// Package msync is the surface that the official client SDKs speak over a WebSocket (wire/msync.md): it translates, and decides
// nothing. A connection signs in, becomes a session of the hub, and from then on is told what its user is told.
//
// What waits for a device is a feed for each conversation: messages are pushed one by one as long as each follows the one before,
// and are fetched from the store in batches where one is missing. Chatrooms and what is not a message are pushed as they come.
package msync
