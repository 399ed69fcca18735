-- One text for both engines. Times are Unix milliseconds, 0 = none; truth values are 0 and 1.
-- /*sqlite …*/ is for SQLite alone: WITHOUT ROWID keeps the rows in the primary key itself.
-- Codes compared by equality (app, kind, list, level) stay away from 0 and 1, because SQLite plans a
-- statement again whenever a parameter compared by equality changes to or from 0 or 1.
--   kind: 11 chatrooms, 12 groups; in counters also 21 users, 22 super admins, 23 apps (app 0), 24 accounts, 26 users muted in the app
--   purpose: 31 attachments, 32 shared in a room, 33 pictures (files.go); their counter is of kind 27
--   ask: 31 applications, 32 invitations
--   list: 21 mutes, 22 blocks, 23 allows
--   level: 7, 14, 21, the binary logarithm of a bucket's width (gaps.go)

-- +goose Up
-- The tables are one statement to goose: to look for the end of each it would need four megabytes for every line.
-- +goose StatementBegin
CREATE TABLE apps (
	id        BIGINT NOT NULL PRIMARY KEY,
	org       TEXT NOT NULL,
	name      TEXT NOT NULL,
	uuid      TEXT NOT NULL,
	client_id TEXT NOT NULL,
	secret    BYTEA NOT NULL,
	settings  TEXT NOT NULL,
	created   BIGINT NOT NULL,
	UNIQUE (org, name)
) /*sqlite WITHOUT ROWID*/;

-- What is there now and the last place given. A row exists for every kind while the app does, so that
-- nothing can be added to an app that is gone.
CREATE TABLE counters (
	app  BIGINT NOT NULL,
	kind SMALLINT NOT NULL,
	live BIGINT NOT NULL,
	next BIGINT NOT NULL,
	PRIMARY KEY (app, kind)
) /*sqlite WITHOUT ROWID*/;
INSERT INTO counters (app, kind, live, next) VALUES (0, 23, 0, 1000);

CREATE TABLE gaps (
	app    BIGINT NOT NULL,
	list   TEXT NOT NULL,
	level  SMALLINT NOT NULL,
	bucket BIGINT NOT NULL,
	gone   BIGINT NOT NULL,
	PRIMARY KEY (app, list, level, bucket)
) /*sqlite WITHOUT ROWID*/;

CREATE TABLE users (
	app      BIGINT NOT NULL,
	name     TEXT NOT NULL,
	uuid     TEXT NOT NULL,
	password TEXT NOT NULL,
	derived  BIGINT NOT NULL,
	nickname TEXT NOT NULL,
	active   SMALLINT NOT NULL,
	created  BIGINT NOT NULL,
	modified BIGINT NOT NULL,
	seq      BIGINT NOT NULL,
	PRIMARY KEY (app, name)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX users_seq ON users (app, seq);
CREATE INDEX users_uuid ON users (app, uuid);

CREATE TABLE tokens (
	hash     BYTEA NOT NULL PRIMARY KEY,
	app      BIGINT NOT NULL,
	username TEXT NOT NULL,
	issued   BIGINT NOT NULL,
	expires  BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX tokens_user ON tokens (app, username);
CREATE INDEX tokens_expires ON tokens (expires) WHERE expires > 0;

-- joins is the last place given in the member list, entries the last in the room's lists, version the number of
-- the last change.
CREATE TABLE rooms (
	app            BIGINT NOT NULL,
	id             TEXT NOT NULL,
	kind           SMALLINT NOT NULL,
	seq            BIGINT NOT NULL,
	version        BIGINT NOT NULL,
	members        BIGINT NOT NULL,
	joins          BIGINT NOT NULL,
	entries        BIGINT NOT NULL,
	owner          TEXT NOT NULL,
	max_users      BIGINT NOT NULL,
	muted          SMALLINT NOT NULL,
	created        BIGINT NOT NULL,
	name           TEXT NOT NULL,
	description    TEXT NOT NULL,
	custom         TEXT NOT NULL,
	announcement   TEXT NOT NULL,
	public         SMALLINT NOT NULL,
	members_only   SMALLINT NOT NULL,
	allow_invites  SMALLINT NOT NULL,
	invite_confirm SMALLINT NOT NULL,
	disabled       SMALLINT NOT NULL,
	avatar         TEXT NOT NULL,
	PRIMARY KEY (app, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX rooms_seq ON rooms (app, kind, seq);
CREATE INDEX rooms_public ON rooms (app, seq) WHERE public = 1;

-- The primary key answers both "is this user in this room" and "which rooms is this user in";
-- members_seq holds all that a page of members shows.
CREATE TABLE members (
	app      BIGINT NOT NULL,
	username TEXT NOT NULL,
	kind     SMALLINT NOT NULL,
	room     TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	role     SMALLINT NOT NULL,
	joined   BIGINT NOT NULL,
	by_rest  SMALLINT NOT NULL,
	shielded SMALLINT NOT NULL DEFAULT 0,
	PRIMARY KEY (app, username, kind, room)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX members_seq ON members (app, room, seq, username, role, joined, by_rest);
CREATE INDEX members_admins ON members (app, room, seq) WHERE role = 1;
CREATE INDEX members_shields ON members (app, room, seq) WHERE shielded = 1;
-- Who falls out of a chatroom some time after the last connection is lost. Not "kind = 11": SQLite would compile anew each statement
-- that compares the kind with a parameter, because whether it may use this index could have changed.
CREATE INDEX members_visits ON members (app, username, room) WHERE kind + 0 = 11 AND by_rest = 0 AND role = 0;

CREATE TABLE room_lists (
	app      BIGINT NOT NULL,
	room     TEXT NOT NULL,
	list     SMALLINT NOT NULL,
	username TEXT NOT NULL,
	until    BIGINT NOT NULL,
	place    BIGINT NOT NULL,
	PRIMARY KEY (app, room, list, username)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX room_lists_user ON room_lists (app, username);
CREATE INDEX room_lists_due ON room_lists (until) WHERE list = 21;

CREATE TABLE attributes (
	app         BIGINT NOT NULL,
	room        TEXT NOT NULL,
	name        TEXT NOT NULL,
	value       TEXT NOT NULL,
	setter      TEXT NOT NULL,
	auto_delete SMALLINT NOT NULL,
	PRIMARY KEY (app, room, name)
) /*sqlite WITHOUT ROWID*/;

-- A file's bytes are a blob of the same id.
CREATE TABLE files (
	app       BIGINT NOT NULL,
	id        TEXT NOT NULL,
	number    BIGINT NOT NULL,
	purpose   SMALLINT NOT NULL,
	room      TEXT NOT NULL,
	owner     TEXT NOT NULL,
	secret    BYTEA NOT NULL,
	name      TEXT NOT NULL,
	mime      TEXT NOT NULL,
	size      BIGINT NOT NULL,
	md5       BYTEA NOT NULL,
	width     BIGINT NOT NULL,
	height    BIGINT NOT NULL,
	thumbnail SMALLINT NOT NULL,
	used_by   TEXT NOT NULL,
	created   BIGINT NOT NULL,
	PRIMARY KEY (app, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX files_id ON files (id);
CREATE INDEX files_number ON files (app, number);
CREATE INDEX files_md5 ON files (app, md5) WHERE purpose = 33;
CREATE INDEX files_room ON files (app, room, number) WHERE purpose = 32;
CREATE INDEX files_created ON files (app, created) WHERE purpose = 31;

CREATE TABLE super_admins (
	app      BIGINT NOT NULL,
	username TEXT NOT NULL,
	granted  BIGINT NOT NULL,
	seq      BIGINT NOT NULL,
	PRIMARY KEY (app, username)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX super_admins_seq ON super_admins (app, seq);

CREATE TABLE member_attributes (
	app      BIGINT NOT NULL,
	room     TEXT NOT NULL,
	username TEXT NOT NULL,
	name     TEXT NOT NULL,
	value    TEXT NOT NULL,
	PRIMARY KEY (app, room, username, name)
) /*sqlite WITHOUT ROWID*/;

-- Applications to groups and invitations into them that nobody has answered.
CREATE TABLE pending (
	app      BIGINT NOT NULL,
	room     TEXT NOT NULL,
	ask      SMALLINT NOT NULL,
	username TEXT NOT NULL,
	inviter  TEXT NOT NULL,
	message  TEXT NOT NULL,
	made     BIGINT NOT NULL,
	PRIMARY KEY (app, room, ask, username)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX pending_user ON pending (app, username, ask, made);
CREATE INDEX pending_inviter ON pending (app, inviter) WHERE inviter > '';
CREATE INDEX pending_made ON pending (app, made);

-- What the social app shows for a group: one of its uploads, or 0, and its address.
CREATE TABLE room_faces (
	app  BIGINT NOT NULL,
	room TEXT NOT NULL,
	file BIGINT NOT NULL,
	url  TEXT NOT NULL,
	PRIMARY KEY (app, room)
) /*sqlite WITHOUT ROWID*/;

-- A message stands once, whoever receives it. edits counts how often it was edited; about is the message whose edit a note tells.
-- flags: 1 only for who was connected, 2 for the sender's devices too, 4 imported.
-- conv names a conversation: u and two users, g and a group, c and a chatroom, n and the user of whose notices it is made. only_for: ' ann bob ', or empty for all. to_device: of the user to whom it goes.
CREATE TABLE messages (
	app      BIGINT NOT NULL,
	id       BIGINT NOT NULL,
	conv     TEXT NOT NULL,
	at       BIGINT NOT NULL,
	sender   TEXT NOT NULL,
	device   TEXT NOT NULL,
	client   TEXT NOT NULL,
	flags    SMALLINT NOT NULL,
	level    SMALLINT NOT NULL,
	type     SMALLINT NOT NULL,
	only_for TEXT NOT NULL,
	to_device TEXT NOT NULL,
	body     BYTEA NOT NULL,
	wire     TEXT NOT NULL,
	raw      BYTEA NOT NULL,
	edits    SMALLINT NOT NULL,
	editor   TEXT NOT NULL,
	edited   BIGINT NOT NULL,
	about    BIGINT NOT NULL,
	PRIMARY KEY (app, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX messages_conv ON messages (app, conv, id);
CREATE UNIQUE INDEX messages_client ON messages (app, sender, device, client) WHERE client <> '';

-- Who has read messages of groups whose senders asked, each with a number of its own.
CREATE TABLE readers (
	app      BIGINT NOT NULL,
	message  BIGINT NOT NULL,
	username TEXT NOT NULL,
	seq      INTEGER NOT NULL,
	at       BIGINT NOT NULL,
	PRIMARY KEY (app, message, username)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX readers_seq ON readers (app, message, seq);

CREATE TABLE conversations (
	app  BIGINT NOT NULL,
	conv TEXT NOT NULL,
	last BIGINT NOT NULL,
	prev BIGINT NOT NULL DEFAULT 0, -- the last before
	PRIMARY KEY (app, conv)
) /*sqlite WITHOUT ROWID*/;

-- Who receives what stands in a conversation after one message and up to another; 2^63-1 while there is no end.
CREATE TABLE spans (
	app      BIGINT NOT NULL,
	username TEXT NOT NULL,
	conv     TEXT NOT NULL,
	since    BIGINT NOT NULL,
	until    BIGINT NOT NULL,
	PRIMARY KEY (app, username, conv, since)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX spans_ended ON spans (app, until) WHERE until < 9223372036854775807;

CREATE TABLE devices (
	app      BIGINT NOT NULL,
	username TEXT NOT NULL,
	device   TEXT NOT NULL,
	born     BIGINT NOT NULL,
	seen     BIGINT NOT NULL,
	PRIMARY KEY (app, username, device)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX devices_seen ON devices (app, seen);

-- How far a device has read; the empty device is the furthest of all.
CREATE TABLE cursors (
	app      BIGINT NOT NULL,
	username TEXT NOT NULL,
	device   TEXT NOT NULL,
	conv     TEXT NOT NULL,
	place    BIGINT NOT NULL,
	PRIMARY KEY (app, username, device, conv)
) /*sqlite WITHOUT ROWID*/;

-- name_key is the name in lower case. Empty text and a disabled of 0 mean none; avatar and background: accounts.go.
CREATE TABLE accounts (
	app        BIGINT NOT NULL,
	id         BIGINT NOT NULL,
	name       TEXT NOT NULL,
	name_key   TEXT NOT NULL,
	email      TEXT NOT NULL,
	phone      TEXT NOT NULL,
	password   TEXT NOT NULL,
	version    BIGINT NOT NULL,
	changed    BIGINT NOT NULL,
	admin      SMALLINT NOT NULL,
	bio        TEXT NOT NULL,
	location   TEXT NOT NULL,
	sex        SMALLINT NOT NULL,
	avatar     TEXT NOT NULL,
	background TEXT NOT NULL,
	created    BIGINT NOT NULL,
	updated    BIGINT NOT NULL,
	disabled   BIGINT NOT NULL,
	PRIMARY KEY (app, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX accounts_name ON accounts (app, name_key);
CREATE UNIQUE INDEX accounts_email ON accounts (app, email) WHERE email <> '';
CREATE UNIQUE INDEX accounts_phone ON accounts (app, phone) WHERE phone <> '';

CREATE TABLE secrets (
	app  BIGINT NOT NULL,
	name TEXT NOT NULL,
	text TEXT NOT NULL,
	PRIMARY KEY (app, name)
) /*sqlite WITHOUT ROWID*/;

CREATE TABLE revoked_jwts (
	app   BIGINT NOT NULL,
	id    TEXT NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (app, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX revoked_jwts_until ON revoked_jwts (until);

-- list: 21 contacts, 22 blocks, 23 requests to become a contact. seq is a place in the owner's list.
CREATE TABLE user_lists (
	app      BIGINT NOT NULL,
	owner    TEXT NOT NULL,
	list     SMALLINT NOT NULL,
	username TEXT NOT NULL,
	note     TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	PRIMARY KEY (app, owner, list, username)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX user_lists_seq ON user_lists (app, owner, list, seq);
CREATE INDEX user_lists_user ON user_lists (app, username);

-- The ends of mutes in the whole app; due is the earliest, 0 = all are for good.
CREATE TABLE user_mutes (
	app       BIGINT NOT NULL,
	username  TEXT NOT NULL,
	seq       BIGINT NOT NULL,
	chat      BIGINT NOT NULL,
	groupchat BIGINT NOT NULL,
	chatroom  BIGINT NOT NULL,
	due       BIGINT NOT NULL,
	PRIMARY KEY (app, username)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX user_mutes_seq ON user_mutes (app, seq);
CREATE INDEX user_mutes_due ON user_mutes (due) WHERE due > 0;

CREATE TABLE properties (
	app      BIGINT NOT NULL,
	username TEXT NOT NULL,
	name     TEXT NOT NULL,
	value    TEXT NOT NULL,
	size     BIGINT NOT NULL,
	PRIMARY KEY (app, username, name)
) /*sqlite WITHOUT ROWID*/;

-- Who visits chatrooms and is not connected, and when the visits end.
CREATE TABLE absences (
	app      BIGINT NOT NULL,
	username TEXT NOT NULL,
	due      BIGINT NOT NULL,
	PRIMARY KEY (app, username)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX absences_due ON absences (due, app, username);
-- +goose StatementEnd

-- SQLite believes that the first column of an index names few rows. It would rather read all rows of an app by a primary key, or
-- all its messages since one, than look in the index that is made for the question. So it is told how many there are of these.
-- +goose StatementBegin
/*sqlite ANALYZE counters*/
-- +goose StatementEnd
-- +goose StatementBegin
/*sqlite DELETE FROM sqlite_stat1*/
-- +goose StatementEnd
-- +goose StatementBegin
/*sqlite INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
	('files', 'files', '1000000 1000000 noskipscan'),
	('files', 'files_number', '1000000 1000000 noskipscan'),
	('members', 'members', '1000000 1000000 noskipscan'),
	('messages', 'messages', '1000000 1000000 noskipscan'),
	('pending', 'pending', '1000000 1000000 1000 100 noskipscan'),
	('pending', 'pending_made', '1000000 1000000 noskipscan'),
	('room_lists', 'room_lists', '1000000 1000000 noskipscan'),
	('user_lists', 'user_lists', '1000000 1000000 noskipscan'),
	('user_lists', 'user_lists_seq', '1000000 1000000 noskipscan'),
	('users', 'users', '1000000 1000000 noskipscan')*/
-- +goose StatementEnd
