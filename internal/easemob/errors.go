package easemob

import (
	"strconv"
	"strings"

	"teahouse/internal/im"
)

// wire is the form of one domain error on this surface. The sentence may hold the nouns {user}, {room}, {arg},
// {count}, {noun} (chatroom or group), and {org}, {app}, {appkey}, {uuid}, {path}, {verb}, {subject} of the request.
type wire struct {
	status    int // error profile v2, today's cloud; and 450 unless the next says otherwise
	status450 int // error profile 450, the statuses of seed 004; 0 = as status
	word      string
	exception string
	text      string
}

// exception is a wording that one route has for one error, or for one error about one argument.
type exception struct {
	code string // or code:argument
	wire wire
}

// Exception classes of the cloud, compared by clients (wire/easemob.md §2.2).
const (
	groupException    = "com.easemob.group.exception."
	exInvalid         = groupException + "InvalidParameterException"
	exNotFound        = groupException + "ResourceNotFoundException"
	exReadNotFound    = groupException + "ServiceResourceNotFoundException"
	exForbidden       = groupException + "ForbiddenOpException"
	exExceed          = groupException + "ExceedLimitException"
	exAuthorization   = groupException + "GroupAuthorizationException"
	exSecurity        = "EasemobSecurityException"
	exShiro           = "org.apache.shiro.authz.UnauthorizedException"
	exUsergrid        = "org.apache.usergrid.rest.exceptions.SecurityException"
	exArgument        = "java.lang.IllegalArgumentException"
	exUserNotFound    = "UserNotFoundException"
	exEntityNotFound  = "EntityNotFoundException"
	exDuplicate       = "DuplicateUniquePropertyExistsException"
	exSend            = "MessageSendException"
	exMetadata        = "MetadataException"
	invalidParameter  = "invalid_parameter"
	illegalArgument   = "illegal_argument"
	forbiddenOp       = "forbidden_op"
	exceedLimit       = "exceed_limit"
	notFound          = "resource_not_found"
	serviceNotFound   = "service_resource_not_found"
	sendError         = "message_send_error"
	invalidGrant      = "invalid_grant"
	unauthorized      = "unauthorized"
	groupUnauthorized = "group_authorization"
	noPermission      = "you have no permission to do this, group admin permission is required"
	notMembers        = "users [{user}] are not members of this group!"
	notInGroupText    = "user: {user} doesn't exist in group: {room}"
)

// wires is the error table of the surface: wire/easemob.md §2.2, statuses by ADR 3.
func wires() map[string]wire {
	forbid := func(text string) wire { return wire{403, 0, forbiddenOp, exForbidden, text} }
	exceed := func(text string) wire { return wire{403, 0, exceedLimit, exExceed, text} }
	param := func(text string) wire { return wire{400, 0, invalidParameter, exInvalid, text} }
	argument := func(text string) wire { return wire{400, 0, illegalArgument, exArgument, text} }
	grant := func(text string) wire { return wire{400, 0, invalidGrant, "", text} }
	table := map[*im.Error]wire{
		im.ErrInvalid:       param("{arg} is not valid"),
		im.ErrFieldMissing:  param("{arg} must be provided"),
		im.ErrFieldUnknown:  param("some of [{arg}] are not valid fields"),
		im.ErrBadJSON:       {400, 0, "json_parse", "", "{arg}"},
		im.ErrUnsupported:   {405, 0, "method_not_allowed", "", "Request method '{arg}' not supported"},
		im.ErrMediaType:     {415, 0, "web_application", "", "Unsupported Media Type"},
		im.ErrPathUnknown:   {404, 0, serviceNotFound, "", "Service resource not found"},
		im.ErrBatchTooLarge: argument("Request body array size[{count}] had almost reached or been greater than the upper range value[{arg}]"),
		im.ErrNameMissing:   argument("Entity user requires a property named username"),
		im.ErrNameIllegal:   argument("username [{arg}] is not legal"),
		im.ErrNameLong:      argument("USERNAME_TOO_LONG"),
		im.ErrNicknameLong:  argument("NICKNAME_TOO_LONG"),
		im.ErrNoPassword:    argument("password or pin must provided"),
		im.ErrFileExpired:   {404, 0, "file_expired", "", "the file has expired"},
		im.ErrFileDenied:    {403, 0, forbiddenOp, "", "chatfile no permission"},
		im.ErrPasswordLong:  argument("PASSWORD_TOO_LONG"),

		im.ErrUnauthenticated: {401, 0, unauthorized, exSecurity, "Unable to authenticate (OAuth)"},
		im.ErrTokenCorrupt:    {401, 0, "auth_bad_access_token", exSecurity, "Unable to authenticate due to corrupt access token"},
		im.ErrTokenBad:        {401, 0, "auth_bad_access_token", exSecurity, "Unable to authenticate"},
		im.ErrTokenExpired:    {401, 0, unauthorized, exSecurity, "Unable to authenticate due to expired access token"},
		im.ErrPasswordWrong:   grant("invalid password"),
		im.ErrLoginUnknown:    {404, 0, invalidGrant, "", "user not found"},
		im.ErrClientID:        grant("client_id does not match"),
		im.ErrClientSecret:    grant("client_secret does not match"),
		im.ErrUserInactive:    grant("user not activated"),
		im.ErrRegistration:    {401, 0, unauthorized, exSecurity, "Open registration doesn't allow, so register user need token,"}, // the comma is real
		im.ErrAppOnly:         {401, 0, unauthorized, exUsergrid, "No admin user access authorized"},
		im.ErrUserOnly:        forbid("a user token is required"),
		im.ErrNotSelf:         {401, 0, unauthorized, exShiro, "Subject does not have permission [applications:{verb}:{uuid}:/users{subject}]"},
		im.ErrForbidden:       {401, 0, groupUnauthorized, exAuthorization, noPermission},
		im.ErrOnOwner:         forbid("forbidden operation on group owner!"),
		im.ErrNotMember:       {403, 404, forbiddenOp, exForbidden, notMembers}, // removing: seed 004 says 404
		im.ErrNotAdmin:        forbid("user:{user} is not admin of group:{room}"),
		im.ErrNotBlocked:      forbid("users [{user}] are not members of this group's blacklist!"),
		im.ErrSameOwner:       forbid("new owner and old owner are the same"),
		im.ErrRoomDisabled:    forbid("can not operate this group, reason: group is disabled"),

		im.ErrRoomPrivate:     forbid("can not join this group, reason:group: {room} is not public"),
		im.ErrBlocked:         forbid("can not join this group, reason:user: {user} is in the blacklist of group: {room}"),
		im.ErrNotPending:      {404, 0, notFound, exNotFound, "user: {user} has not applied for, or been invited to, group: {room}"},
		im.ErrTooManyAsks:     exceed("user: {user} or group: {room} has too many unanswered applications or invitations"),
		im.ErrMemberMuted:     forbid("user {user} is muted in this group: {room}"),
		im.ErrRoomSilent:      forbid("all members are muted in this group: {room}"),
		im.ErrUserMuted:       forbid("user {user} is mute"),
		im.ErrBlockedByUser:   forbid("blocked by user {user}"),
		im.ErrRecallLate:      {403, 0, "message_recall_error", "", "exceed recall time limit"},
		im.ErrMessageNotFound: {403, 0, "message_recall_error", "", "not_found msg"},
		im.ErrTooManyDevices:  exceed("user {user} has as many devices connected as one may"),
		im.ErrDeviceNotFound:  {404, 0, notFound, exNotFound, "device {arg} of user {user} is not known"},
		im.ErrMessageLarge:    {400, 0, sendError, exSend, "message is too large"},
		im.ErrNotContact:      argument("updateRemark | they are not friends, please add as a friend first."),
		im.ErrNotAsked:        forbid("user {user} has not asked to become a contact"),

		im.ErrMessageElsewhere: {400, 0, "message_recall_error", "", "can't find msg to"},
		im.ErrRecallOff:        {403, 0, forbiddenOp, "EasemobForbiddenOpException", "message recall service is unopened"},
		im.ErrEditKind:         {400, 0, illegalArgument, "UnsupportedMessageTypeException", "The message is of a type that is currently not supported for modification."},
		im.ErrEditLimit:        {403, 0, forbiddenOp, "EditLimitExceededException", "The message has reached its edit limit and cannot be modified further."},
		im.ErrTooManyReceivers: {400, 0, sendError, exSend, "params to's size can't exceed limit {arg}"},
		im.ErrTooManyDirected:  {400, 0, sendError, exSend, "params users's size can't exceed limit {arg}"},
		im.ErrHistoryFormat:    {400, 0, illegalArgument, "", "This chatmessage request is not supported"},
		im.ErrHistoryOld:       {400, 0, illegalArgument, "", "illegal arguments: appkey: {appkey}, time: {arg}, maybe chat message history is expired or unstored"},
		im.ErrHistoryNone:      {404, 0, "storage_object_not_found", "", "Failed to find chat message history download url for appkey: {appkey}, time: {arg}"},
		im.ErrLinkBad:          {403, 0, forbiddenOp, "", "the link has expired or its signature does not match"},

		im.ErrAppNotFound:  {404, 0, "organization_application_not_found", "", "Could not find application for {org}/{app} from URI: {path}"},
		im.ErrUserNotFound: {404, 0, serviceNotFound, exUserNotFound, "Service resource not found"},
		im.ErrRoomNotFound: {404, 0, notFound, exNotFound, "grpID {room} does not exist!"},
		im.ErrFileNotFound: {404, 0, serviceNotFound, "", "Service resource not found"},

		im.ErrUserExists:    {400, 0, "duplicate_unique_property_exists", exDuplicate, "Application {uuid} Entity user requires that property named username be unique, value of {user} exists"},
		im.ErrAppExists:     {400, 0, "application_already_exists", "", "application {arg} already exists"},
		im.ErrRoomExists:    argument("group ID {room} already exists!"),
		im.ErrAlreadyMember: forbid("can not join this group, reason:user: {user} already in group: {room}\n"), // the newline is real
		im.ErrAlreadyBlocks: forbid("users [{user}] are already in the blacklist of this group!"),

		im.ErrRoomFull:       forbid("group member list is full!"),
		im.ErrTooManyMembers: exceed("members size is greater than max user size !"),
		im.ErrMaxUsersLow:    forbid("current user count is larger than the maxUsers that you want to update !"),
		im.ErrMaxUsersHigh:   exceed("maxUsers cannot exceed {arg}"),
		im.ErrNameTooLong:    exceed("title cannot exceed to {arg}"),
		im.ErrDescTooLong:    exceed("desc cannot exceed to {arg}"),
		im.ErrAnnounceLong:   forbid("announce info length exceeds limit!"),
		im.ErrTooManyAdmins:  exceed("admin size cannot exceed {arg}"),
		im.ErrTooManyRooms:   exceed("user {user} has joined too many {noun}s!"),
		im.ErrAppRooms:       exceed("appKey:{arg} has create too many {noun}s!"),

		im.ErrInviterContacts: forbid("Inviter's contact max count"),
		im.ErrInviteeContacts: forbid("Invitee's contact max count"),
		im.ErrRemarkLong:      argument("updateRemark | remark length must less than or equal to {arg}."),
		im.ErrTooManyBlocks:   exceed("user {user} has blocked as many users as allowed: {arg}"),
		im.ErrPropertiesLong:  argument("user metadata exceeds the limit of {arg} bytes"),

		im.ErrAttrKeyLong:    param("properties key '{arg}' is exceeding maximum limit 128"),
		im.ErrAttrKeyIllegal: param("properties key '{arg}' is not Legal"),
		im.ErrAttrValueLong:  param("properties value of key '{arg}' is exceeding maximum limit 4096"),
		im.ErrAttrForeign:    forbid("properties key '{arg}' is not part of you"),
		im.ErrAttrFull:       exceed("size of metadata for this single chatroom exceeds the user defined limit"),

		im.ErrAccountNotFound: {404, 0, notFound, exNotFound, "account {arg} does not exist"}, // no call of this surface meets accounts
		im.ErrAccountTaken:    {400, 0, "duplicate_unique_property_exists", exDuplicate, "account {arg} exists"},
		im.ErrAccountDisabled: forbid("account {user} is disabled"),
		im.ErrFieldLength:     argument("{arg} is too short or too long"),

		im.ErrTooLarge:    {413, 0, "Request Entity Too Large", "", "Request Entity Too Large"},
		im.ErrRateLimited: {429, 0, "reach_limit", "", "This request has reached api limit"},
		im.ErrUnavailable: {503, 0, "service_unavailable", "", "Service is temporarily unavailable, please try again"},
		im.ErrInternal:    {500, 0, "internal_error", "", "Internal server error"},
	}
	byCode := make(map[string]wire, len(table))
	for e, w := range table {
		byCode[e.Code] = w
	}
	return byCode
}

// byKind is the form of an error that the table does not know.
func byKind(k im.Kind) wire {
	switch k {
	case im.Invalid:
		return wire{400, 0, illegalArgument, exArgument, "{arg} is not valid"}
	case im.Unauthenticated:
		return wire{401, 0, unauthorized, exSecurity, "Unable to authenticate (OAuth)"}
	case im.Denied, im.Conflict, im.Exhausted:
		return wire{403, 0, forbiddenOp, exForbidden, "forbidden operation"}
	case im.NotFound:
		return wire{404, 0, serviceNotFound, "", "Service resource not found"}
	case im.Unavailable:
		return wire{503, 0, "service_unavailable", "", "Service is temporarily unavailable, please try again"}
	}
	return wire{500, 0, "internal_error", "", "Internal server error"}
}

// Wordings of single routes. Where one endpoint words a failure differently, its route line carries it.

// A user named in a chatroom call: 400 in seed 004, 404 in today's cloud.
func roomUserMissing() exception {
	return exception{im.ErrUserNotFound.Code, wire{404, 400, notFound, exNotFound, "username {user} doesn't exist!"}}
}

// Reads word a missing room differently from changes.
func roomUnread() exception {
	return exception{im.ErrRoomNotFound.Code, wire{404, 0, serviceNotFound, exReadNotFound, "do not find this group:{room}"}}
}

// Adding members words the user's limit of rooms its own way (wire/easemob.md §2.2).
func addTooManyRooms() exception {
	return exception{im.ErrTooManyRooms.Code, wire{403, 0, exceedLimit, exExceed, "can not join this group, reason:user {user} has joined too many {noun}s!"}}
}

// Adding several members to a missing room: 400 in seed 004.
func addRoomMissing() exception {
	return exception{im.ErrRoomNotFound.Code, wire{404, 400, notFound, exNotFound, "grpID {room} does not exist!"}}
}

// Somebody outside the room named as new admin (404) or new owner (403).
func notInGroup(status int) exception {
	if status == 404 {
		return exception{im.ErrNotMember.Code, wire{404, 0, notFound, exNotFound, notInGroupText}}
	}
	return exception{im.ErrNotMember.Code, wire{403, 0, forbiddenOp, exForbidden, notInGroupText}}
}

func muteNotMember() exception {
	return exception{im.ErrNotMember.Code, wire{400, 0, invalidParameter, exInvalid, notMembers}}
}

// notListable words strangers in the block and allow lists, which seed 004 does not know.
func notListable() exception {
	return exception{im.ErrNotMember.Code, wire{403, 0, forbiddenOp, exForbidden, notMembers}}
}

func batchWords(text string) exception {
	return exception{im.ErrBatchTooLarge.Code, wire{400, 0, invalidParameter, exInvalid, text}}
}

func createWords() []exception {
	return []exception{
		roomUserMissing(),
		{im.ErrFieldMissing.Code + ":name", wire{400, 0, invalidParameter, exInvalid, "{noun} must contain title/name field!"}},
	}
}

func createGroupWords() []exception {
	return append(createWords(),
		exception{im.ErrFieldMissing.Code + ":public", wire{400, 0, invalidParameter, exInvalid, "{noun} must contain public field!"}},
		exception{im.ErrInvalid.Code + ":roomid", wire{400, 0, invalidParameter, exInvalid, "groupid is not valid"}},
		avatarTooLong())
}

func changeGroupWords() []exception {
	return []exception{roomUserMissing(), notInGroup(403), avatarTooLong(),
		{im.ErrForbidden.Code, wire{401, 0, groupUnauthorized, exAuthorization, "you have no permission to do this,group fields require group admin privileges to be modified"}}}
}

func avatarTooLong() exception {
	return exception{im.ErrInvalid.Code + ":avatar", wire{400, 0, invalidParameter, exInvalid, "avatar length is too big"}}
}

func tokenWords() []exception {
	return []exception{
		{im.ErrUserNotFound.Code, wire{404, 0, "entity_not_found", exEntityNotFound, "User null not found"}},
		{im.ErrInvalid.Code, wire{400, 0, "invalid_request", "", "{arg} is not valid"}},
		{im.ErrFieldMissing.Code, wire{400, 0, "invalid_request", "", "{arg} must be provided"}},
	}
}

func passwordWords() []exception {
	return []exception{
		{im.ErrUserNotFound.Code, wire{404, 0, "entity_not_found", exEntityNotFound, "User null not found"}},
		{im.ErrNoPassword.Code, wire{400, 0, illegalArgument, "", "newpassword is required"}},
	}
}

func attributeWords() []exception {
	return []exception{
		{im.ErrUnauthenticated.Code, wire{400, 0, unauthorized, "", unauthorized}},
		{im.ErrNotMember.Code, wire{401, 0, unauthorized, exMetadata, "user is not in chatroom"}},
		{im.ErrNotSelf.Code, wire{400, 0, illegalArgument, exMetadata, "others are not allowed to be set"}},
		{im.ErrBatchTooLarge.Code, wire{400, 0, illegalArgument, exMetadata, "exceed allowed batch size {arg}"}},
	}
}

// failure is the body of every error (wire/easemob.md §2.1).
type failure struct {
	Error       string `json:"error,omitempty"`
	Desc        string `json:"desc,omitempty"` // the property service's word in place of Error
	Exception   string `json:"exception,omitempty"`
	Timestamp   int64  `json:"timestamp"`
	Duration    int64  `json:"duration"`
	Description string `json:"error_description"`
	Number      int    `json:"error_code,omitempty"`
}

// fail words any error, here and only here.
func (a *API) fail(c *call, err error) (status int, code string) {
	e := im.AsError(err)
	gone := e.Kind == im.Internal && c.r.Context().Err() != nil
	if gone { // the client left while the store worked: nobody's fault, and nobody reads the answer
		e = im.ErrUnavailable.Because(err)
	}
	w := a.wireFor(c, e)
	status = c.route.status(w, c.app == nil || c.app.Settings.ErrorProfile == im.Profile450)
	if !gone && (e.Kind == im.Internal || e.Kind == im.Unavailable) {
		a.log.Error("request failed", "route", c.route.method+" "+c.route.path, "id", c.r.Header.Get("X-Request-Id"), "err", e)
	}
	now := a.svc.Now()
	f := failure{
		Error: w.word, Exception: w.exception, Timestamp: now.UnixMilli(), Duration: now.Sub(c.start).Milliseconds(),
		Description: c.fill(w.text, e), Number: c.route.number(e),
	}
	if c.route.service == propertyService && e.Kind == im.Unauthenticated {
		f.Error, f.Exception, f.Desc, f.Description = "", "", unauthorized, unauthorized
	}
	a.write(c, status, f)
	return status, e.Code
}

// status is that of an error on this route. Seed 004 is about chatrooms: groups never answer its statuses.
func (rt *route) status(w wire, seed bool) int {
	if seed && w.status450 != 0 && rt.kind != im.Group {
		return w.status450
	}
	return w.status
}

// number is the route's number of an error, or of one about an argument; 0: it has none.
func (rt *route) number(e *im.Error) int {
	if n, ok := rt.numbers[e.Code+":"+e.Arg]; ok {
		return n
	}
	return rt.numbers[e.Code]
}

func (a *API) wireFor(c *call, e *im.Error) wire {
	for _, code := range []string{e.Code + ":" + e.Arg, e.Code} {
		for _, x := range c.route.words {
			if x.code == code {
				return x.wire
			}
		}
	}
	if e.Code == im.ErrUnauthenticated.Code && c.route.service == roomService && c.route.method != "*" {
		return wire{401, 0, groupUnauthorized, exAuthorization, "token is blank!"}
	}
	w, ok := a.errors[e.Code]
	if !ok {
		w = byKind(e.Kind)
	}
	if c.route.service != roomService && c.route.service != propertyService && w.exception == exInvalid { // the class is the room service's
		w.word, w.exception = illegalArgument, exArgument
	}
	return w
}

// fill puts the nouns into a sentence.
func (c *call) fill(text string, e *im.Error) string {
	if !strings.Contains(text, "{") {
		return text
	}
	org, app, uuid, subject := c.r.PathValue("org"), c.r.PathValue("app"), "", ""
	if c.app != nil {
		uuid = c.app.UUID
	}
	if e.Arg != "" {
		subject = "/" + e.Arg
	}
	arg := e.Arg
	if arg == "" && strings.HasPrefix(text, "{arg}") { // the store refused a text without knowing its name
		arg = "a value"
	}
	return strings.NewReplacer(
		"{user}", clip(string(e.User)), "{room}", clip(string(e.Room)), "{arg}", clip(arg), "{count}", strconv.Itoa(e.Count), "{noun}", noun(c.route.kind),
		"{org}", org, "{app}", app, "{appkey}", org+"#"+app, "{uuid}", uuid, "{subject}", subject,
		"{path}", clip(strings.TrimPrefix(c.r.URL.Path, "/")), "{verb}", actionOf(c.r.Method),
	).Replace(text)
}

// noun is the wire's word for a room of the kind.
func noun(kind im.RoomKind) string {
	if kind == im.Group {
		return "group"
	}
	return "chatroom"
}

// maxEcho bounds what an error repeats of the request, in bytes. Sentences that clients compare hold names, which are
// shorter.
const maxEcho = 512

func clip(s string) string {
	if len(s) <= maxEcho {
		return s
	}
	return strings.ToValidUTF8(s[:maxEcho], "") + "…"
}

// reason words why one name of a list was not done.
func reason(o im.Outcome, where string) string {
	if o.Err == nil {
		return ""
	}
	u := string(o.User)
	switch o.Err.Code {
	case im.ErrUserNotFound.Code: // seed 004, removing several members
		return "user " + u + " doesn't exist."
	case im.ErrOnOwner.Code:
		return "forbidden operation on group owner!"
	case im.ErrForbidden.Code:
		return noPermission
	}
	return "user: " + u + " doesn't exist in " + where + ": " + string(o.Err.Room)
}
