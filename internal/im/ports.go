package im

import (
	"context"
	"io"
	"time"
)

// Store keeps the facts. What View and Update pass to the function is valid only while it runs, and the function must
// not call the Store again.
type Store interface {
	// View runs fn in one read-only transaction: every read of fn sees the same state.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs fn in one transaction and returns after the commit is durable. When fn fails nothing of it
	// stays and its error is returned unchanged. fn may be run again, so it touches nothing but tx and
	// variables it sets itself on every run.
	Update(ctx context.Context, fn func(Tx) error) error
	// Ping answers nil while the store can read.
	Ping(ctx context.Context) error
}

// Tx reads and writes rows inside one transaction. It knows no rules. Times have millisecond precision.
// Every method is about one app, named by its first argument or a field of it, except where a method says so. Adding to
// an app that is gone is ErrAppNotFound. Text with a zero byte or that is not UTF-8 is ErrInvalid.
type Tx interface {
	AppTx
	UserTx
	TokenTx
	RoomTx
	FileTx
	MemberTx
	VisitTx
	ListTx
	AttributeTx
	SuperAdminTx
	MemberAttributeTx
	ShieldTx
	CommunityTx
	MessageTx
	ReaderTx
	InboxTx
	AccountTx
	CredentialTx
	UserListTx
	UserMuteTx
	SpeakerTx
	PropertyTx
	PendingTx
	NoticeTx
	PlaceTx
}

// AppTx keeps apps.
type AppTx interface {
	// App returns the app of a key, or ErrAppNotFound with the key.
	App(AppKey) (App, error)
	// AppByID returns an app, or ErrAppNotFound.
	AppByID(AppID) (App, error)
	// LockApp is App, and until the transaction ends no other transaction gets past LockApp of the same app.
	LockApp(AppKey) (App, error)
	// Apps returns every app by key.
	Apps() ([]App, error)
	// PutApp writes an app by its key and returns its id, which a new app is given.
	PutApp(App) (AppID, error)
	// DeleteApp removes the app: from the commit on nobody finds it, nor adds an app token, a user or a room. The rest of
	// its rows are left for DeleteRemains.
	DeleteApp(AppID) error
	// DeleteRemains removes up to limit rows of apps that are gone, and tells how many. Ids of apps are not given twice.
	DeleteRemains(limit int) (int, error)
}

// UserTx keeps users.
type UserTx interface {
	// User returns a user, or ErrUserNotFound with the name.
	User(AppID, Username) (User, error)
	// LockUsers holds those of the named users who exist: until the transaction ends no other transaction gets past
	// LockUsers of the same users. Rules that decide from a user's row or count of rooms and then write start here;
	// where a room is locked too, the room comes first.
	LockUsers(AppID, []Username) error
	// UserByUUID returns a user, or ErrUserNotFound.
	UserByUUID(app AppID, uuid string) (User, error)
	// Users returns up to limit users with Seq above after, oldest first.
	Users(app AppID, after int64, limit int) ([]User, error)
	// AddUser inserts a user; false when the name is taken (then nothing is written).
	AddUser(User) (bool, error)
	// AddUsers inserts those users of the app whose names are free, and tells how many.
	AddUsers(AppID, []User) (int, error)
	// PutUser writes every changeable column of an existing user, or ErrUserNotFound.
	PutUser(User) error
	// DeleteUser removes the user's row, tokens, super-admin right, mutes, properties, list entries in every room, asks,
	// and the relations to others on both sides. Memberships
	// and owned rooms are the caller's business and must be gone before. ErrUserNotFound.
	DeleteUser(AppID, Username) error
}

// TokenTx keeps tokens. Hashes are unique across apps.
type TokenTx interface {
	// Token returns the token of a hash, whatever its app, or ErrTokenBad.
	Token(TokenHash) (Token, error)
	AddToken(Token) error
	// DeleteTokens removes all tokens of a user.
	DeleteTokens(AppID, Username) error
	// DeleteExpiredTokens removes up to limit tokens, of any app, that expired before t, and tells how many.
	DeleteExpiredTokens(t time.Time, limit int) (int, error)
}

// RoomTx keeps rooms.
type RoomTx interface {
	// Room returns a room of this kind, or ErrRoomNotFound with the id.
	Room(AppID, RoomKind, RoomID) (Room, error)
	// LockRoom is Room, and until the transaction ends no other transaction gets past LockRoom of the same room.
	// Every rule that decides from a room's rows and then writes them starts here.
	LockRoom(AppID, RoomKind, RoomID) (Room, error)
	// CountChange adds one to the version of a locked room, or ErrRoomNotFound.
	CountChange(Room) error
	// Rooms returns those of the named rooms that exist, in the order of the names.
	Rooms(AppID, RoomKind, []RoomID) ([]Room, error)
	// AddRoom inserts a room with its first members, gives them their places (Room.Seq, Member.Seq) and the room
	// version 1, and returns the number of rooms of the kind the app now has. added is false when the id is taken by
	// a room of any kind (then nothing is written). members holds the owner; Room.Members is ignored.
	AddRoom(room Room, members []Member) (rooms int, added bool, err error)
	// PutRoom writes every changeable column of an existing room, not Members, Seq and Version, or ErrRoomNotFound.
	PutRoom(Room) error
	// DeleteRoom removes the room with its members, lists, attributes, also its members', and asks, or ErrRoomNotFound.
	DeleteRoom(Room) error
	// RoomsBefore returns up to limit rooms with Seq below before, newest first. Its cost does not grow with the
	// number of rooms.
	RoomsBefore(app AppID, kind RoomKind, before int64, limit int) ([]Room, error)
	// PublicGroupsBefore is RoomsBefore of the groups that are public. Its cost does not grow with the number of others.
	PublicGroupsBefore(app AppID, before int64, limit int) ([]Room, error)
	// RoomsAt returns up to limit rooms, newest first, after skipping the newest offset ones. Its cost does not
	// grow with offset.
	RoomsAt(app AppID, kind RoomKind, offset, limit int) ([]Room, error)
}

// FileTx keeps what is known of files. Their bytes are in the Blob.
type FileTx interface {
	// AddFile inserts a file and returns it with its Number, which grows with every file of the app and is never given twice.
	// ErrRoomNotFound when the file is shared in a room that is gone.
	AddFile(File) (File, error)
	// File returns a file, or ErrFileNotFound with the id.
	File(AppID, FileID) (File, error)
	// FileByNumber returns a file, or ErrFileNotFound.
	FileByNumber(AppID, int64) (File, error)
	// PictureByMD5 returns the public picture whose bytes have the digest: one of the owner's that nothing uses, else the oldest; or
	// ErrFileNotFound.
	PictureByMD5(AppID, Username, MD5) (File, error)
	// UseFile changes what a file is used by, if that is was; false when the file is gone or used by something else.
	UseFile(app AppID, id FileID, was, now string) (bool, error)
	// DeleteFile tells whether there was such a file. Blobs are the caller's business.
	DeleteFile(AppID, FileID) (bool, error)
	// SharedFiles returns up to limit files of a room, last shared first, skipping offset.
	SharedFiles(room Room, offset, limit int) ([]File, error)
	// FilesBefore returns up to limit files of the purpose that were made before t, oldest first.
	FilesBefore(app AppID, purpose FilePurpose, t time.Time, limit int) ([]File, error)
	// FilesThere returns those of the named files that exist, of any app.
	FilesThere([]FileID) ([]FileID, error)
}

// BlobID names a blob: lower-case letters, digits, '-' and '.', at most 128 and not with '.' in front.
type BlobID string

// Blob keeps the bytes of files. Ids that are none are ErrInvalid; what the medium refuses is ErrUnavailable.
type Blob interface {
	// Put reads r to its end and keeps what came. The blob is there whole or not at all, and durable when Put returns;
	// one of the same id is replaced. Errors of r are returned unchanged. Its memory does not grow with the bytes.
	Put(ctx context.Context, id BlobID, r io.Reader) error
	// Open returns a blob to read from, as it is now, or ErrFileNotFound.
	Open(context.Context, BlobID) (io.ReadSeekCloser, error)
	// Delete removes a blob. One that is not there is no error.
	Delete(context.Context, BlobID) error
	// Old returns up to limit ids of blobs that were put at least age ago, in an order of its own, after the place of a former
	// answer ("" to begin). The age is the medium's and not that of the Clock.
	Old(ctx context.Context, age time.Duration, after BlobID, limit int) ([]BlobID, error)
}

// Measured is what Pictures knows of an image.
type Measured struct {
	Mime          string
	Width, Height int
}

// Pictures reads images, with bounded memory whatever they claim to be.
type Pictures interface {
	// Measure reads the head of an image; false when it is none that Pictures knows.
	Measure(io.Reader) (Measured, bool)
	// Thumbnail waits for its turn and returns a JPEG of the image that fits into the box; false when there is none to be had.
	Thumbnail(ctx context.Context, r io.Reader, width, height int) (jpeg []byte, ok bool, err error)
}

// MemberTx keeps memberships.
type MemberTx interface {
	// Standings returns what is known of each named user with regard to the room, in the order of the names.
	// A name given twice is answered twice. The cost per name does not grow with the room.
	Standings(Room, []Username) ([]Standing, error)
	// AddMembers inserts members who are not in the room yet, gives them their places, counts them in and, in a group,
	// removes their asks.
	// ErrAlreadyMember when one is in, ErrRoomNotFound when the room is gone.
	AddMembers(Room, []Member) error
	// RemoveMembers takes out members, named with their Seq, and counts them out.
	RemoveMembers(Room, []Standing) error
	// SetRole changes a member's role, or ErrNotMember.
	SetRole(Room, Username, Role) error
	// MembersFrom returns up to limit members: with Seq above after, oldest first; or, when desc, with Seq below
	// after, newest first (after 0 then means from the newest).
	MembersFrom(room Room, after int64, desc bool, limit int) ([]Member, error)
	// MembersAt returns up to limit members, oldest first, after skipping the oldest offset ones. Its cost does
	// not grow with offset.
	MembersAt(room Room, offset, limit int) ([]Member, error)
	// Admins returns the members of role Admin, longest in the room first.
	Admins(Room) ([]Member, error)
	// JoinedRooms returns up to limit rooms of the kind the user is in, last joined first, skipping offset. Of those
	// joined in the same millisecond the newest room comes first.
	JoinedRooms(app AppID, user Username, kind RoomKind, offset, limit int) ([]Room, error)
	// RolesIn returns the user's role in each of the rooms, in the order of the ids: Stranger in those the user is not in.
	RolesIn(app AppID, user Username, kind RoomKind, ids []RoomID) ([]Role, error)
	// RoomPlaces returns the rooms of both kinds that the user is in, in no order.
	RoomPlaces(AppID, Username) ([]RoomPlace, error)
}

// VisitTx keeps who is in a chatroom while connected.
type VisitTx interface {
	// Visits returns the memberships of chatrooms of the named users that are of role Plain and not ByREST, by room and user.
	Visits(AppID, []Username) ([]Visit, error)
	// Visitors returns up to limit users, of any app, who have such memberships, by app and name, after one. Its cost does not grow
	// with the number of other members.
	Visitors(after Visitor, limit int) ([]Visitor, error)
	// PutAbsences begins absences that are due at one moment, in place of those of the same users. Users who are gone have none.
	PutAbsences(app AppID, users []Username, due time.Time) error
	// EndAbsence removes a user's absence, if there is one.
	EndAbsence(AppID, Username) error
	// DueAbsences returns up to limit absences of any app that are due at or before now, earliest first.
	DueAbsences(now time.Time, limit int) ([]Absence, error)
	// NextAbsence returns when the next absence of any app is due; ok is false when there is none.
	NextAbsence() (due time.Time, ok bool, err error)
	// ClaimAbsence removes an absence if it is still due then; false when it is gone or was changed.
	ClaimAbsence(Absence) (bool, error)
}

// ListTx keeps the per-room lists of users.
type ListTx interface {
	// PutEntries writes entries, replacing those of the same users, who keep their places; or ErrRoomNotFound.
	PutEntries(Room, List, []Entry) error
	// DeleteEntries removes the named users from the list and returns those who were on it, in the order given.
	DeleteEntries(Room, List, []Username) ([]Username, error)
	// Entries returns those of the named users who are on the list, or with no names all of it, longest on it first.
	Entries(Room, List, ...Username) ([]Entry, error)
	// DueMutes returns up to limit mutes of any app that end at or before now, earliest first. Those for good never do.
	DueMutes(now time.Time, limit int) ([]Mute, error)
	// NextMuteEnd returns the earliest end of any mute of any app, not of those for good; ok is false when there is none.
	NextMuteEnd() (end time.Time, ok bool, err error)
	// EndMute removes a mute if it still ends at its Until; false when it is gone or was changed.
	EndMute(Mute) (bool, error)
}

// AttributeTx keeps room attributes.
type AttributeTx interface {
	// Attributes returns the named keys that exist, or with no keys all of the room, by key.
	Attributes(Room, ...string) ([]Attribute, error)
	// PutAttributes writes attributes, replacing those of the same keys, or ErrRoomNotFound.
	PutAttributes(Room, []Attribute) error
	DeleteAttributes(Room, []string) error
	// DropAttributesOf removes the auto-delete attributes that the users set, and returns them.
	DropAttributesOf(Room, []Username) ([]Attribute, error)
}

// SuperAdminTx keeps who may create chatrooms with a user token.
type SuperAdminTx interface {
	// AddSuperAdmin grants the right; who has it keeps the place in the list.
	AddSuperAdmin(AppID, Username, time.Time) error
	// RemoveSuperAdmin tells whether the user was one.
	RemoveSuperAdmin(AppID, Username) (bool, error)
	// SuperAdmins returns up to limit names, first granted first, skipping offset.
	SuperAdmins(app AppID, offset, limit int) ([]Username, error)
	IsSuperAdmin(AppID, Username) (bool, error)
}

// MemberAttributeTx keeps attributes of members of groups.
type MemberAttributeTx interface {
	// MemberAttributes returns the attributes of the named users, by user and key.
	MemberAttributes(Room, []Username) ([]MemberAttribute, error)
	// PutMemberAttributes writes attributes in their order, replacing those of the same user and key; an empty value
	// removes one. ErrRoomNotFound.
	PutMemberAttributes(Room, []MemberAttribute) error
	// DropMemberAttributes removes all attributes of the users.
	DropMemberAttributes(Room, []Username) error
}

// ShieldTx keeps which members do not receive a room's messages. It ends with the membership.
type ShieldTx interface {
	// SetShield notes whether a member shields, or returns ErrNotMember.
	SetShield(Room, Username, bool) error
	// Shields returns those of the named users who shield, or with no names all, longest in the room first.
	Shields(Room, ...Username) ([]Username, error)
}

// CommunityTx serves the social app, which looks at many groups at once and gives them faces.
type CommunityTx interface {
	// MembersOf returns up to limit members of the named rooms, by room, in each room the longest in it first.
	MembersOf(app AppID, ids []RoomID, limit int) ([]RoomMember, error)
	// RoomsAmong returns those of the named rooms that the user is in, in the order of the names.
	RoomsAmong(AppID, Username, RoomKind, []RoomID) ([]RoomID, error)
	// PutFace gives a room a face in place of the one it had, or ErrRoomNotFound.
	PutFace(AppID, Face) error
	// Faces returns the faces of those of the named rooms that have one, by room.
	Faces(AppID, []RoomID) ([]Face, error)
}

// MessageTx keeps messages and the conversations they stand in. A conversation is locked after rooms and users.
type MessageTx interface {
	// Pair tells of two users who exists and who takes part in their conversation. From and To may be the same user.
	Pair(app AppID, c ConversationID, from, to Username) (Pair, error)
	// Advance makes id the last of the conversation, or where the last is not below id another one at most a millisecond after it,
	// and returns it and the last before, 0 for none. Until the transaction ends no other gets past Advance of the conversation.
	Advance(app AppID, c ConversationID, id MessageID) (next, prev MessageID, err error)
	// Last is the last message of the conversation, 0 when nothing was said.
	Last(AppID, ConversationID) (MessageID, error)
	// AddMessage stores a message under the ID that Advance gave it, or under any when it is imported or for those online only;
	// added is false when the id of an imported one is taken (then nothing is written).
	AddMessage(Message) (added bool, err error)
	// Message returns a message, or ErrMessageNotFound with the id.
	Message(AppID, MessageID) (Message, error)
	// MessageOf finds the message that a device of a user sent under this Client.
	MessageOf(app AppID, from Username, device, client string) (id MessageID, found bool, err error)
	// PutMessage writes what an edit changes of a message: its body, extension, Edit, Wire and Raw; or ErrMessageNotFound.
	PutMessage(Message) error
	// DeleteMessage removes a message with its readers, or ErrMessageNotFound.
	DeleteMessage(AppID, MessageID) error
	// Messages returns up to limit messages of the app that were said, with ids above after and below before, in their order.
	Messages(app AppID, after, before MessageID, limit int) ([]Message, error)
	// DeleteMessagesBefore removes up to limit messages with ids below an id, or readers of such, and tells how many.
	DeleteMessagesBefore(app AppID, id MessageID, limit int) (int, error)
}

// ReaderTx keeps who has read messages of groups. With a message its readers go.
type ReaderTx interface {
	// AddReader notes that somebody has read a message, and returns how many have; 0 when that was noted before. The caller has
	// locked the message's sender, so that nobody else counts at the same time.
	AddReader(AppID, MessageID, Reader) (count int, err error)
	// CountReaders tells how many have read a message.
	CountReaders(AppID, MessageID) (int, error)
	// Readers returns up to limit readers with Seq above after, in that order.
	Readers(app AppID, id MessageID, after, limit int) ([]Reader, error)
}

// InboxTx keeps who takes part in conversations and how far their devices have read. Members of a group take part in its
// conversation from AddRoom or AddMembers to RemoveMembers or DeleteRoom; DeleteUser ends all of a user's.
type InboxTx interface {
	// TakePart lets users who do not take part receive what comes after a message.
	TakePart(app AppID, c ConversationID, users []Username, after MessageID) error
	// StopPart ends it with the last message.
	StopPart(app AppID, c ConversationID, users []Username) error
	// Spans returns the user's stretches of the named conversations, or of all, by conversation and age, as a device sees
	// them. The empty device stands for the furthest of all.
	Spans(app AppID, u Username, device string, of ...ConversationID) ([]Span, error)
	// MessagesFor returns up to limit messages that stand in the user's inbox with ids above after, up to until, and were not
	// sent by this device, in their order.
	MessagesFor(d Device, c ConversationID, after, until MessageID, limit int) ([]Message, error)
	// CountMessages counts them; for the empty device those that other users said.
	CountMessages(d Device, c ConversationID, after, until MessageID) (int, error)
	// Device returns a device, or ErrDeviceNotFound.
	Device(app AppID, u Username, name string) (Device, error)
	// PutDevice writes a device.
	PutDevice(Device) error
	// ForgetDevices removes up to limit devices of the app not seen since a moment, with their places, and tells how many.
	ForgetDevices(app AppID, since time.Time, limit int) (int, error)
	// ForgetSpans removes up to limit spans of the app that ended before a message, and tells how many.
	ForgetSpans(app AppID, before MessageID, limit int) (int, error)
}

// AccountTx keeps accounts. Names and addresses are compared without regard to case.
type AccountTx interface {
	// LockAccount returns an account, or ErrAccountNotFound with the id; until the transaction ends no other transaction
	// gets past LockAccount of the same account. Accounts are locked before rooms and users.
	LockAccount(AppID, int64) (Account, error)
	// Accounts returns those of the accounts that exist, by id.
	Accounts(AppID, []int64) ([]Account, error)
	// AccountBy returns the account that has this name, address or number, or ErrAccountNotFound with it.
	AccountBy(AppID, AccountKey, string) (Account, error)
	// FindAccounts returns accounts by id.
	FindAccounts(AppID, AccountQuery) ([]Account, error)
	// AddAccounts inserts accounts, gives ids above all others, also of the list, to those that have none, and tells what became of each. Those
	// of which a unique field is taken, also by an earlier one of the list, are not inserted.
	AddAccounts(AppID, []Account) ([]AddedAccount, error)
	// PutAccount writes every column of an existing account, or ErrAccountNotFound with the id, or ErrAccountTaken with the
	// field that another has.
	PutAccount(Account) error
	// DeleteAccount removes an account, or ErrAccountNotFound with the id. Its id is not given again.
	DeleteAccount(AppID, int64) error
}

// AddedAccount is what became of an account that was to be added.
type AddedAccount struct {
	ID    int64
	Taken string // the field that another account has already: id, name, email or phone; empty: it was added
}

// CredentialTx keeps secrets of apps, and the JWTs that are not to be taken any more.
type CredentialTx interface {
	// Secret returns the app's secret of this name. One that is not there yet becomes fresh; with fresh empty it is "".
	Secret(app AppID, name, fresh string) (string, error)
	// RevokeJWT remembers a JWT's id until a moment; false when it was remembered before.
	RevokeJWT(app AppID, id string, until time.Time) (bool, error)
	// JWTRevoked tells whether a JWT's id is remembered.
	JWTRevoked(app AppID, id string) (bool, error)
	// DeleteRevokedJWTs forgets up to limit ids, of any app, whose moment was before t, and tells how many.
	DeleteRevokedJWTs(t time.Time, limit int) (int, error)
}

// Directory is the people of a ThinkSNS+ deployment beside us, whose accounts are its own. When it does not answer, or answers
// nonsense, the error is ErrUnavailable, and never that a token or a person is unknown.
type Directory interface {
	// Introspect returns whose token this is, or ErrTokenBad.
	Introspect(ctx context.Context, token string) (Profile, error)
	// Profiles returns those of the numbered people who exist; the unknown and the deleted are left out. Beside the error
	// stand those who are known from before.
	Profiles(ctx context.Context, ids []int64) ([]Profile, error)
	// ProfilesAfter returns up to limit people with ids above after, by id. next is 0 on the last page, else where the next
	// begins.
	ProfilesAfter(ctx context.Context, after int64, limit int) (page []Profile, next int64, err error)
	// File returns the address of an uploaded file, or ErrFileNotFound.
	File(ctx context.Context, id int64) (url string, err error)
}

// Bus carries events to every subscriber of their topic, on this node and others: at most once, in order per
// topic. Whatever must not be lost is in the Store first.
type Bus interface {
	// Publish hands the event over and does not wait for subscribers on other nodes.
	Publish(context.Context, Event) error
	// Subscribe calls fn for every event on the topic, one at a time, until cancel is called. fn must be quick and
	// may subscribe, cancel and publish. After cancel returns fn is not called again, except when cancel is called
	// from inside fn.
	Subscribe(topic Topic, fn func(Event)) (cancel func(), err error)
	// Ping answers nil while events reach other nodes.
	Ping(context.Context) error
}

// Clock tells the time, with millisecond precision, and waits. The emulator turns it.
type Clock interface {
	Now() time.Time
	// Timer returns a channel that receives once d has passed, and a function that gives up on it.
	Timer(d time.Duration) (c <-chan time.Time, stop func())
}

// IDs makes identifiers. They never repeat in a cluster.
type IDs interface {
	// UUID returns a lower-case UUID.
	UUID() string
	// RoomID returns a candidate of exactly 14 decimal digits that does not start with 0; callers skip taken ones.
	RoomID() RoomID
	// MessageID returns an id of about that moment, above all that this node returned before.
	MessageID(now time.Time) MessageID
	// Token returns the text of a new bearer token, 63 characters starting YWMt.
	Token() string
}

// Passwords makes and checks encoded password hashes with bounded concurrency.
type Passwords interface {
	// Hash waits for its turn and returns an encoded hash that names its own parameters.
	Hash(ctx context.Context, password string) (string, error)
	// Bcrypt waits for its turn and returns a bcrypt hash as PHP makes it ($2y$), which is what accounts have.
	Bcrypt(ctx context.Context, password string) (string, error)
	// Verify waits for its turn and tells whether the password matches. An empty hash matches nothing.
	Verify(ctx context.Context, encoded, password string) (bool, error)
}
