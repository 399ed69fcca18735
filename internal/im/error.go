package im

import (
	"errors"
	"fmt"
)

// Kind is the class of an error. Every surface has a form for every kind, so that an error without a form
// of its own still comes out right.
type Kind uint8

// The kinds.
const (
	Internal Kind = iota
	Invalid
	Unauthenticated
	Denied
	NotFound
	Conflict
	Exhausted
	Unavailable
)

// String returns the kind's name as the documentation writes it.
func (k Kind) String() string {
	return [...]string{"Internal", "Invalid", "Unauthenticated", "Denied", "NotFound", "Conflict", "Exhausted", "Unavailable"}[k]
}

// Error is the one error type of the domain. It carries the nouns of the failure, not a sentence for the
// wire: clients compare sentences, so each surface words its own.
type Error struct {
	Code string // stable word; errors.Is compares codes
	Kind Kind
	Text string // plain English, for logs and the console

	Arg   string   // the field or value at fault, or a limit, where there is one
	User  Username // the user at fault
	Room  RoomID   // the room concerned
	Count int      // how many were given, where that is too many
	Err   error    // the cause, for the log only
}

// Error returns the plain text and the cause. It is for logs; surfaces never send it.
func (e *Error) Error() string {
	s := e.Text
	for _, noun := range []string{e.Arg, string(e.User), string(e.Room)} {
		if noun != "" {
			s += fmt.Sprintf(" [%s]", noun)
		}
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is reports whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// With returns a copy that names the field, value or limit at fault.
func (e *Error) With(arg string) *Error { c := *e; c.Arg = arg; return &c }

// For returns a copy that names the user at fault.
func (e *Error) For(u Username) *Error { c := *e; c.User = u; return &c }

// In returns a copy that names the room concerned.
func (e *Error) In(r RoomID) *Error { c := *e; c.Room = r; return &c }

// Because returns a copy that carries a cause for the log.
func (e *Error) Because(err error) *Error { c := *e; c.Err = err; return &c }

// AsError returns err as an [*Error]; anything else becomes ErrInternal with err as its cause.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return ErrInternal.Because(err)
}

func declare(kind Kind, code, text string) *Error { return &Error{Code: code, Kind: kind, Text: text} }

// All errors of the domain. The order is that of docs/errors.md. They are values to compare and to copy
// (With, For, In, Because), never to change.
var (
	ErrInvalid       = declare(Invalid, "invalid", "a value is not valid")
	ErrFieldMissing  = declare(Invalid, "field_missing", "a required field is missing")
	ErrFieldUnknown  = declare(Invalid, "field_unknown", "a field is not known or cannot be changed")
	ErrBadJSON       = declare(Invalid, "bad_json", "the body is not JSON of the expected form")
	ErrUnsupported   = declare(Invalid, "unsupported", "the method is not supported here")
	ErrPathUnknown   = declare(NotFound, "path_unknown", "there is nothing at this path")
	ErrBatchTooLarge = declare(Invalid, "batch_too_large", "more names than one call takes")
	ErrNameMissing   = declare(Invalid, "username_missing", "a username is required")
	ErrNameIllegal   = declare(Invalid, "username_illegal", "the username has a character that is not allowed, or is reserved")
	ErrNameLong      = declare(Invalid, "username_too_long", "the username is too long")
	ErrNicknameLong  = declare(Invalid, "nickname_too_long", "the nickname is too long")
	ErrNoPassword    = declare(Invalid, "password_missing", "a password is required")
	ErrFileExpired   = declare(NotFound, "file_expired", "the file is older than files are kept")
	ErrFileDenied    = declare(Denied, "file_denied", "the file is restricted, and the secret is not its own")
	ErrPasswordLong  = declare(Invalid, "password_too_long", "the password is too long")

	ErrUnauthenticated = declare(Unauthenticated, "unauthenticated", "a token is required")
	ErrTokenCorrupt    = declare(Unauthenticated, "token_corrupt", "the token is not one of ours")
	ErrTokenBad        = declare(Unauthenticated, "token_bad", "the token is not known to this app")
	ErrTokenExpired    = declare(Unauthenticated, "token_expired", "the token has expired")
	ErrPasswordWrong   = declare(Unauthenticated, "password_wrong", "the password does not match")
	ErrLoginUnknown    = declare(Unauthenticated, "login_unknown", "no such user to log in")
	ErrClientID        = declare(Unauthenticated, "client_id_wrong", "the client id does not match")
	ErrClientSecret    = declare(Unauthenticated, "client_secret_wrong", "the client secret does not match")
	ErrUserInactive    = declare(Unauthenticated, "user_inactive", "the user is deactivated")
	ErrRegistration    = declare(Unauthenticated, "registration_closed", "open registration is off: an app token is required")
	ErrAppOnly         = declare(Denied, "app_token_required", "only an app token may do this")
	ErrUserOnly        = declare(Denied, "user_token_required", "only a user token may do this")
	ErrNotSelf         = declare(Denied, "not_self", "a user token may do this for its own user only")
	ErrForbidden       = declare(Denied, "forbidden", "the caller's role does not allow this")
	ErrOnOwner         = declare(Denied, "on_owner", "this cannot be done to the owner")
	ErrNotMember       = declare(Denied, "not_member", "the user is not a member of the room")
	ErrNotAdmin        = declare(Denied, "not_admin", "the user is not an admin of the room")
	ErrNotBlocked      = declare(Denied, "not_blocked", "the user is not blocked in the room")
	ErrSameOwner       = declare(Denied, "same_owner", "the new owner is the owner already")
	ErrRoomDisabled    = declare(Denied, "room_disabled", "the room is disabled")
	ErrRoomPrivate     = declare(Denied, "room_private", "the group takes no applications, only invitations")
	ErrBlocked         = declare(Denied, "blocked", "the user is blocked in the room")
	ErrNotPending      = declare(NotFound, "not_pending", "there is no application or invitation to answer")
	ErrTooManyAsks     = declare(Exhausted, "too_many_asks", "the group or the user has as many unanswered applications or invitations as it may")

	ErrMemberMuted      = declare(Denied, "member_muted", "the member is muted in the room")
	ErrRoomSilent       = declare(Denied, "room_muted", "the room is muted: only owner, admins and those allowed may speak")
	ErrUserMuted        = declare(Denied, "user_muted", "the user is muted in the whole app")
	ErrBlockedByUser    = declare(Denied, "blocked_by_user", "the receiver has blocked the sender")
	ErrRecallLate       = declare(Denied, "recall_too_late", "the message is too old to be withdrawn")
	ErrMessageNotFound  = declare(NotFound, "message_not_found", "no such message")
	ErrTooManyDevices   = declare(Exhausted, "too_many_devices", "the user has as many devices connected as one may")
	ErrDeviceNotFound   = declare(NotFound, "device_not_found", "the user has no such device")
	ErrMessageLarge     = declare(Exhausted, "message_too_large", "the message is too large")
	ErrMessageElsewhere = declare(NotFound, "message_elsewhere", "the message did not go there")
	ErrRecallOff        = declare(Denied, "recall_off", "messages of this app cannot be withdrawn")
	ErrEditKind         = declare(Invalid, "edit_kind", "this part of such a message cannot be edited")
	ErrEditLimit        = declare(Exhausted, "edit_limit", "the message was edited as often as one may")
	ErrTooManyReceivers = declare(Invalid, "too_many_receivers", "more receivers than one call takes")
	ErrTooManyDirected  = declare(Invalid, "too_many_directed", "more members than a message can be directed to")
	ErrHistoryFormat    = declare(Invalid, "history_format", "the hour or the query of the history is not understood")
	ErrHistoryOld       = declare(Invalid, "history_old", "messages of that hour are no longer kept")
	ErrHistoryNone      = declare(NotFound, "history_none", "there are no messages of that hour, or not yet all")
	ErrLinkBad          = declare(Denied, "link_bad", "the link has expired or is not one of ours")

	ErrAppNotFound  = declare(NotFound, "app_not_found", "no such app")
	ErrUserNotFound = declare(NotFound, "user_not_found", "no such user")
	ErrRoomNotFound = declare(NotFound, "room_not_found", "no such room")
	ErrFileNotFound = declare(NotFound, "file_not_found", "no such file")

	ErrUserExists    = declare(Conflict, "user_exists", "the username is taken")
	ErrAppExists     = declare(Conflict, "app_exists", "the app exists already")
	ErrRoomExists    = declare(Conflict, "room_exists", "the room id is taken")
	ErrAlreadyMember = declare(Conflict, "already_member", "the user is a member already")
	ErrAlreadyBlocks = declare(Conflict, "already_blocked", "the users are blocked already")

	ErrRoomFull       = declare(Exhausted, "room_full", "the room is full")
	ErrTooManyMembers = declare(Exhausted, "too_many_members", "more members than the room may have")
	ErrMaxUsersLow    = declare(Exhausted, "maxusers_below_count", "fewer places than the room has members")
	ErrMaxUsersHigh   = declare(Exhausted, "maxusers_above_limit", "more places than a room may have")
	ErrNameTooLong    = declare(Exhausted, "name_too_long", "the room's name is too long")
	ErrDescTooLong    = declare(Exhausted, "description_too_long", "the room's description is too long")
	ErrAnnounceLong   = declare(Exhausted, "announcement_too_long", "the announcement is too long")
	ErrTooManyAdmins  = declare(Exhausted, "too_many_admins", "the room has as many admins as it may")
	ErrTooManyRooms   = declare(Exhausted, "too_many_rooms", "the user has joined as many rooms as one may")
	ErrAppRooms       = declare(Exhausted, "app_rooms", "the app has as many rooms of this kind as it may")
	ErrAttrKeyLong    = declare(Exhausted, "attribute_key_too_long", "the attribute's key is too long")
	ErrAttrKeyIllegal = declare(Invalid, "attribute_key_illegal", "the attribute's key has a character that is not allowed")
	ErrAttrValueLong  = declare(Exhausted, "attribute_value_too_long", "the attribute's value is too long")
	ErrAttrForeign    = declare(Denied, "attribute_foreign", "the attribute was set by somebody else")
	ErrAttrFull       = declare(Exhausted, "attributes_full", "the room has as many attributes as it may")
	ErrTooLarge       = declare(Exhausted, "too_large", "the request is too large")
	ErrRateLimited    = declare(Exhausted, "rate_limited", "too many requests")

	ErrAccountNotFound = declare(NotFound, "account_not_found", "no such account")
	ErrAccountTaken    = declare(Conflict, "account_taken", "another account has this name, address or number already")
	ErrAccountDisabled = declare(Denied, "account_disabled", "the account is disabled")
	ErrFieldLength     = declare(Invalid, "field_length", "a field is too short or too long")

	ErrMediaType       = declare(Invalid, "media_type", "the body is of a type that is not read here")
	ErrNotContact      = declare(Denied, "not_contact", "the users are no contacts")
	ErrNotAsked        = declare(Denied, "not_asked", "the user has not asked to become a contact")
	ErrInviterContacts = declare(Exhausted, "inviter_contacts_full", "the user has as many contacts as one may")
	ErrInviteeContacts = declare(Exhausted, "invitee_contacts_full", "the other user has as many contacts, or requests, as one may")
	ErrRemarkLong      = declare(Exhausted, "remark_too_long", "the remark is too long")
	ErrTooManyBlocks   = declare(Exhausted, "too_many_blocks", "the user has blocked as many users as one may")
	ErrPropertiesLong  = declare(Exhausted, "properties_too_long", "the user's properties are too long")

	ErrUnavailable = declare(Unavailable, "unavailable", "the server cannot answer now")
	ErrInternal    = declare(Internal, "internal", "an internal error")
)

// Errors returns every declared error in the order of the table, for the tests that compare the surfaces'
// tables with it.
func Errors() []*Error {
	return []*Error{
		ErrInvalid, ErrFieldMissing, ErrFieldUnknown, ErrBadJSON, ErrUnsupported, ErrPathUnknown, ErrBatchTooLarge,
		ErrNameMissing, ErrNameIllegal, ErrNameLong, ErrNicknameLong, ErrNoPassword, ErrFileExpired, ErrFileDenied, ErrPasswordLong,
		ErrUnauthenticated, ErrTokenCorrupt, ErrTokenBad, ErrTokenExpired, ErrPasswordWrong, ErrLoginUnknown,
		ErrClientID, ErrClientSecret, ErrUserInactive, ErrRegistration, ErrAppOnly, ErrUserOnly, ErrNotSelf, ErrForbidden,
		ErrOnOwner, ErrNotMember, ErrNotAdmin, ErrNotBlocked, ErrSameOwner, ErrRoomDisabled,
		ErrRoomPrivate, ErrBlocked, ErrNotPending, ErrTooManyAsks,
		ErrMemberMuted, ErrRoomSilent, ErrUserMuted, ErrBlockedByUser, ErrRecallLate, ErrMessageNotFound, ErrTooManyDevices, ErrDeviceNotFound, ErrMessageLarge,
		ErrMessageElsewhere, ErrRecallOff, ErrEditKind, ErrEditLimit, ErrTooManyReceivers, ErrTooManyDirected,
		ErrHistoryFormat, ErrHistoryOld, ErrHistoryNone, ErrLinkBad,
		ErrAppNotFound, ErrUserNotFound, ErrRoomNotFound, ErrFileNotFound, ErrUserExists,
		ErrAppExists, ErrRoomExists, ErrAlreadyMember, ErrAlreadyBlocks, ErrRoomFull, ErrTooManyMembers,
		ErrMaxUsersLow, ErrMaxUsersHigh, ErrNameTooLong, ErrDescTooLong, ErrAnnounceLong, ErrTooManyAdmins,
		ErrTooManyRooms, ErrAppRooms, ErrAttrKeyLong, ErrAttrKeyIllegal, ErrAttrValueLong, ErrAttrForeign,
		ErrAttrFull, ErrTooLarge, ErrRateLimited, ErrAccountNotFound, ErrAccountTaken, ErrAccountDisabled,
		ErrFieldLength,
		ErrMediaType, ErrNotContact, ErrNotAsked, ErrInviterContacts, ErrInviteeContacts, ErrRemarkLong, ErrTooManyBlocks, ErrPropertiesLong,
		ErrUnavailable, ErrInternal,
	}
}
