// Package pb is the binary protocol of the official client SDKs: its schema in msync.proto, what protoc-gen-go makes of it, and
// by hand what surfaces need of it (wire/msync.md).
package pb
