package msync

import (
	"strings"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// operation is what a client asked for, where failures are worded by it.
type operation uint8

const (
	opSend operation = iota // also receipts, and whatever has no words of its own
	opJoin
	opProvision
	opRecall
	opEdit
)

// status is the form of one domain error on this surface. The reason may hold the nouns {user}, {room} and {arg}. Clients compare
// reasons to the letter (wire/msync.md §6).
type status struct {
	code   pb.Status_ErrorCode
	reason string
}

// Reasons that several errors have. Code 7 has none but the first three: with any other the client's promise never settles.
const (
	reasonMuted     = "user is mute"
	reasonTraffic   = "traffic limit"
	reasonLarge     = "Sorry, data is too large"
	reasonBlocked   = "blocked"
	reasonOutside   = "not in group or chatroom"
	reasonNoMessage = "Sorry, message does not exist"
	reasonFormat    = "Sorry, format is incorrect"
	reasonNotYours  = "Sorry, You do not have permission"
	reasonLogin     = "Sorry, token or password does not match login info"
	reasonNobody    = "Sorry, user not found"
	reasonInactive  = "Sorry, user is deactivated"
	reasonInternal  = "internal error"
)

func fail(reason string) status   { return status{pb.Status_FAIL, reason} }
func denied(reason string) status { return status{pb.Status_PERMISSION_DENIED, reason} }

// statuses is the error table of the surface: wire/msync.md §6. What it does not have comes out by its kind.
func statuses() map[string]status {
	table := map[*im.Error]status{
		im.ErrFieldMissing: {pb.Status_MISSING_PARAMETER, "{arg} is missing"},
		im.ErrBadJSON:      {pb.Status_PB_PARSER_ERROR, "the payload is not understood"},
		im.ErrUnsupported:  {pb.Status_UNKNOWN_COMMAND, "not supported"},
		im.ErrPathUnknown:  {pb.Status_UNKNOWN_COMMAND, "not supported"},

		im.ErrNotMember:     fail(reasonOutside),
		im.ErrRoomDisabled:  fail("group is disabled"),
		im.ErrMemberMuted:   {pb.Status_USER_MUTED, "muted"},
		im.ErrRoomSilent:    fail("not in group or chatroom white list"),
		im.ErrUserMuted:     denied(reasonMuted),
		im.ErrBlockedByUser: fail(reasonBlocked),
		im.ErrNotContact:    fail("nonroster"),

		im.ErrRecallLate:       fail("exceed recall time limit"),
		im.ErrRecallOff:        fail("message recall disabled"),
		im.ErrMessageNotFound:  fail(reasonNoMessage),
		im.ErrMessageElsewhere: fail(reasonNoMessage),
		im.ErrMessageLarge:     denied(reasonLarge),
		im.ErrEditKind:         fail(reasonFormat),
		im.ErrEditLimit:        fail("Sorry, edit limit reached"),
		im.ErrTooManyDirected:  fail("limit directed users"),
		im.ErrTooManyReceivers: fail("limit directed users"),

		im.ErrUserNotFound: fail("username {user} doesn't exist!"),
		im.ErrNameIllegal:  fail("username {arg} doesn't exist!"),
		im.ErrNameLong:     fail("username {arg} doesn't exist!"),
		im.ErrNameMissing:  {pb.Status_MISSING_PARAMETER, "a name is missing"},
		im.ErrRoomNotFound: fail("group not found"),

		im.ErrRoomFull:       fail("group member list is full!"),
		im.ErrTooManyRooms:   fail("user {user} has joined too many chatrooms!"),
		im.ErrAppRooms:       fail("appKey:{arg} has create too many chatrooms!"),
		im.ErrTooManyDevices: {pb.Status_TOO_MANY_DEVICES, "Sorry, too many devices"},
		im.ErrTooLarge:       denied(reasonLarge),
		im.ErrRateLimited:    denied(reasonTraffic),
	}
	byCode := make(map[string]status, len(table))
	for e, st := range table {
		byCode[e.Code] = st
	}
	return byCode
}

// statusByKind is the form of an error that the table does not have.
func statusByKind(k im.Kind) status {
	switch k {
	case im.Invalid:
		return status{pb.Status_WRONG_PARAMETER, "{arg} is not valid"}
	case im.Unauthenticated:
		return status{pb.Status_UNAUTHORIZED, "not signed in"}
	case im.Denied:
		return fail(reasonBlocked)
	case im.NotFound:
		return fail("not found")
	case im.Conflict:
		return fail("exists already")
	case im.Exhausted:
		return fail("limit reached")
	case im.Unavailable:
		return fail("unavailable, try again")
	}
	return fail(reasonInternal)
}

// statusesOf are the words that one operation has for some errors.
func statusesOf(op operation) map[string]status {
	switch op {
	case opJoin: // wire/msync.md §7.1
		return map[string]status{
			im.ErrRoomNotFound.Code:  fail("grpID {room} does not exist!"),
			im.ErrInvalid.Code:       fail("group ID illegal, please check it"),
			im.ErrBlocked.Code:       fail("can not join this group, reason:user: {user} is in the blacklist of group: {room}"),
			im.ErrRoomDisabled.Code:  fail("can not operate this group, reason: group is disabled"),
			im.ErrAlreadyMember.Code: {pb.Status_OK, ""}, // who joins twice is in
		}
	case opProvision: // wire/msync.md §2.3
		return map[string]status{
			im.ErrTokenExpired.Code:    fail("Sorry, token expired"),
			im.ErrLoginUnknown.Code:    fail(reasonNobody),
			im.ErrUserNotFound.Code:    fail(reasonNobody),
			im.ErrNameIllegal.Code:     fail(reasonNobody),
			im.ErrNameLong.Code:        fail(reasonNobody),
			im.ErrAppNotFound.Code:     {pb.Status_UNAUTHORIZED, "Sorry, app not found"},
			im.ErrUserInactive.Code:    {pb.Status_IM_FORBIDDEN, reasonInactive},
			im.ErrRateLimited.Code:     fail(reasonTraffic), // code 7 has other reasons here
			im.ErrMessageLarge.Code:    fail(reasonLarge),
			im.ErrTooLarge.Code:        fail(reasonLarge),
			im.ErrUserMuted.Code:       fail(reasonMuted),
			im.ErrAccountDisabled.Code: {pb.Status_IM_FORBIDDEN, reasonInactive},
		}
	case opEdit: // wire/msync.md §6
		return map[string]status{
			im.ErrInvalid.Code:      fail(reasonFormat),
			im.ErrFieldMissing.Code: fail(reasonFormat),
			im.ErrForbidden.Code:    fail(reasonNotYours),
			im.ErrNotSelf.Code:      fail(reasonNotYours),
		}
	}
	return nil
}

// statusFor words any error, here and only here. A nil error is no failure.
func statusFor(err error, op operation) (pb.Status_ErrorCode, string) {
	if err == nil {
		return pb.Status_OK, ""
	}
	e := im.AsError(err)
	st, ok := statusesOf(op)[e.Code]
	if !ok && op == opProvision && e.Kind == im.Unauthenticated {
		st, ok = fail(reasonLogin), true
	}
	if !ok {
		st, ok = statuses()[e.Code]
	}
	if !ok {
		st = statusByKind(e.Kind)
	}
	if !strings.Contains(st.reason, "{") {
		return st.code, st.reason
	}
	arg := e.Arg
	if arg == "" {
		arg = "a value"
	}
	return st.code, strings.NewReplacer("{user}", clip(string(e.User)), "{room}", clip(string(e.Room)), "{arg}", clip(arg)).Replace(st.reason)
}

// clip bounds what a reason repeats of what a client sent.
func clip(s string) string {
	const most = 512 // bytes; names are shorter
	if len(s) <= most {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
