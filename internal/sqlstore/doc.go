// Package sqlstore is im.Store on SQLite and on PostgreSQL, with one SQL text.
//
// SQLite: one writer goroutine, started by [Open] and ended by [Store.Close], runs many Update functions inside
// one transaction, each in its own savepoint, and answers them after the commit. Reads go to a small pool
// of connections. PostgreSQL: one transaction per call; rows are locked where rules decide from them.
//
// Every row belongs to an app and every statement names the app, except the lookup of a token by its hash
// and the loops over due mutes and expired tokens.
package sqlstore
