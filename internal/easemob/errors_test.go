package easemob

import (
	"encoding/json"
	"errors"
	commandline "flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"teahouse/internal/im"
	"teahouse/internal/im/imtest"
)

// newAPI is a surface whose service has a clock and nothing else.
func newAPI(t *testing.T, log io.Writer) *API {
	t.Helper()
	svc := im.NewService(im.Config{Clock: imtest.NewClock(), Bus: imtest.NewBus(), IDs: &imtest.IDs{}, Passwords: imtest.Passwords{}})
	return New(Config{Service: svc, Log: slog.New(slog.NewTextHandler(log, nil))})
}

// failed words an error on a route for an app with an error profile ("" = no app) and returns the answer.
func failed(t *testing.T, rt route, profile string, err error) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	a := newAPI(t, io.Discard)
	r := httptest.NewRequest("POST", "/org/app/some/path?secret=1", nil)
	r.SetPathValue("org", "org")
	r.SetPathValue("app", "app")
	c := &call{w: rec, r: r, route: &rt, start: a.svc.Now()}
	if profile != "" {
		c.app = &im.App{UUID: "the-uuid", Settings: im.Settings{ErrorProfile: profile}}
	}
	status, code := a.fail(c, err)
	if status != rec.Code || code != im.AsError(err).Code {
		t.Errorf("%v: fail returned %d %s, the answer is %d", err, status, code, rec.Code)
	}
	return rec
}

// classes shortens the exception classes in the table below.
func classes(short string) string {
	switch short {
	case "-":
		return ""
	case "Invalid", "ForbiddenOp", "ExceedLimit":
		return "com.easemob.group.exception." + map[string]string{"Invalid": "InvalidParameter", "ForbiddenOp": "ForbiddenOp", "ExceedLimit": "ExceedLimit"}[short] + "Exception"
	case "GroupAuthorization", "ResourceNotFound":
		return "com.easemob.group.exception." + short + "Exception"
	case "Argument":
		return "java.lang.IllegalArgumentException"
	case "Shiro":
		return "org.apache.shiro.authz.UnauthorizedException"
	case "Usergrid":
		return "org.apache.usergrid.rest.exceptions.SecurityException"
	}
	return short
}

// errorRows is the catalogue of wire/easemob.md §2.2 for routes without words of their own: code, status under 450,
// status under v2, error, exception.
const errorRows = `
invalid                  400 400 invalid_parameter Invalid
field_missing            400 400 invalid_parameter Invalid
field_unknown            400 400 invalid_parameter Invalid
bad_json                 400 400 json_parse -
unsupported              405 405 method_not_allowed -
media_type               415 415 web_application -
path_unknown             404 404 service_resource_not_found -
batch_too_large          400 400 illegal_argument Argument
username_missing         400 400 illegal_argument Argument
username_illegal         400 400 illegal_argument Argument
username_too_long        400 400 illegal_argument Argument
nickname_too_long        400 400 illegal_argument Argument
password_missing         400 400 illegal_argument Argument
file_expired             404 404 file_expired -
file_denied              403 403 forbidden_op -
password_too_long        400 400 illegal_argument Argument
unauthenticated          401 401 group_authorization GroupAuthorization
token_corrupt            401 401 auth_bad_access_token EasemobSecurityException
token_bad                401 401 auth_bad_access_token EasemobSecurityException
token_expired            401 401 unauthorized EasemobSecurityException
password_wrong           400 400 invalid_grant -
login_unknown            404 404 invalid_grant -
client_id_wrong          400 400 invalid_grant -
client_secret_wrong      400 400 invalid_grant -
user_inactive            400 400 invalid_grant -
registration_closed      401 401 unauthorized EasemobSecurityException
app_token_required       401 401 unauthorized Usergrid
user_token_required      403 403 forbidden_op ForbiddenOp
not_self                 401 401 unauthorized Shiro
forbidden                401 401 group_authorization GroupAuthorization
on_owner                 403 403 forbidden_op ForbiddenOp
not_member               404 403 forbidden_op ForbiddenOp
not_admin                403 403 forbidden_op ForbiddenOp
not_blocked              403 403 forbidden_op ForbiddenOp
room_private             403 403 forbidden_op ForbiddenOp
blocked                  403 403 forbidden_op ForbiddenOp
not_pending              404 404 resource_not_found ResourceNotFound
too_many_asks            403 403 exceed_limit ExceedLimit
same_owner               403 403 forbidden_op ForbiddenOp
room_disabled            403 403 forbidden_op ForbiddenOp
member_muted             403 403 forbidden_op ForbiddenOp
room_muted               403 403 forbidden_op ForbiddenOp
user_muted               403 403 forbidden_op ForbiddenOp
blocked_by_user          403 403 forbidden_op ForbiddenOp
recall_too_late          403 403 message_recall_error -
message_not_found        403 403 message_recall_error -
too_many_devices         403 403 exceed_limit ExceedLimit
device_not_found         404 404 resource_not_found ResourceNotFound
message_too_large        400 400 message_send_error MessageSendException
message_elsewhere        400 400 message_recall_error -
recall_off               403 403 forbidden_op EasemobForbiddenOpException
edit_kind                400 400 illegal_argument UnsupportedMessageTypeException
edit_limit               403 403 forbidden_op EditLimitExceededException
too_many_receivers       400 400 message_send_error MessageSendException
too_many_directed        400 400 message_send_error MessageSendException
history_format           400 400 illegal_argument -
history_old              400 400 illegal_argument -
history_none             404 404 storage_object_not_found -
link_bad                 403 403 forbidden_op -
not_contact              400 400 illegal_argument Argument
not_asked                403 403 forbidden_op ForbiddenOp
app_not_found            404 404 organization_application_not_found -
user_not_found           404 404 service_resource_not_found UserNotFoundException
room_not_found           404 404 resource_not_found ResourceNotFound
file_not_found           404 404 service_resource_not_found -
user_exists              400 400 duplicate_unique_property_exists DuplicateUniquePropertyExistsException
app_exists               400 400 application_already_exists -
room_exists              400 400 illegal_argument Argument
already_member           403 403 forbidden_op ForbiddenOp
already_blocked          403 403 forbidden_op ForbiddenOp
room_full                403 403 forbidden_op ForbiddenOp
too_many_members         403 403 exceed_limit ExceedLimit
maxusers_below_count     403 403 forbidden_op ForbiddenOp
maxusers_above_limit     403 403 exceed_limit ExceedLimit
name_too_long            403 403 exceed_limit ExceedLimit
description_too_long     403 403 exceed_limit ExceedLimit
announcement_too_long    403 403 forbidden_op ForbiddenOp
too_many_admins          403 403 exceed_limit ExceedLimit
too_many_rooms           403 403 exceed_limit ExceedLimit
app_rooms                403 403 exceed_limit ExceedLimit
inviter_contacts_full    403 403 forbidden_op ForbiddenOp
invitee_contacts_full    403 403 forbidden_op ForbiddenOp
remark_too_long          400 400 illegal_argument Argument
too_many_blocks          403 403 exceed_limit ExceedLimit
properties_too_long      400 400 illegal_argument Argument
attribute_key_too_long   400 400 invalid_parameter Invalid
attribute_key_illegal    400 400 invalid_parameter Invalid
attribute_value_too_long 400 400 invalid_parameter Invalid
attribute_foreign        403 403 forbidden_op ForbiddenOp
attributes_full          403 403 exceed_limit ExceedLimit
too_large                413 413 Request_Entity_Too_Large -
rate_limited             429 429 reach_limit -
account_not_found        404 404 resource_not_found ResourceNotFound
account_taken            400 400 duplicate_unique_property_exists DuplicateUniquePropertyExistsException
account_disabled         403 403 forbidden_op ForbiddenOp
field_length             400 400 illegal_argument Argument
unavailable              503 503 service_unavailable -
internal                 500 500 internal_error -
`

func TestErrorRows(t *testing.T) {
	rows := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(errorRows)) {
		f := strings.Fields(line)
		rows[f[0]] = f[1:]
	}
	for _, e := range im.Errors() {
		row, ok := rows[e.Code]
		if !ok {
			t.Errorf("%s has no row", e.Code)
			continue
		}
		delete(rows, e.Code)
		full := e.With("ARG").For("USER").In("ROOM").Because(errors.New("the cause"))
		for i, profile := range []string{im.Profile450, im.ProfileV2} {
			rec := failed(t, route{method: "POST", path: "/some/path"}, profile, full)
			var f failure
			if err := json.Unmarshal(rec.Body.Bytes(), &f); err != nil {
				t.Errorf("%s: %v", e.Code, err)
			}
			got := []any{strconv.Itoa(rec.Code), f.Error, f.Exception}
			want := []any{row[i], strings.ReplaceAll(row[2], "_", wordBreak(row[2])), classes(row[3])}
			if fmt.Sprint(got...) != fmt.Sprint(want...) {
				t.Errorf("%s under %s: got %v, want %v", e.Code, profile, got, want)
			}
			if f.Description == "" || strings.ContainsAny(f.Description, "{}") || strings.Contains(f.Description, "the cause") {
				t.Errorf("%s: the sentence is %q", e.Code, f.Description)
			}
			if f.Timestamp != imtest.Epoch().UnixMilli() || f.Duration != 0 {
				t.Errorf("%s: got timestamp %d and duration %d", e.Code, f.Timestamp, f.Duration)
			}
		}
	}
	for code := range rows {
		t.Errorf("%s is no error of the domain", code)
	}
}

// wordBreak is what stands between the words of an error: 413 has blanks.
func wordBreak(word string) string {
	if strings.HasPrefix(word, "Request") {
		return " "
	}
	return "_"
}

// TestErrorForms: every declared error has a form, and every form is of a declared error.
func TestErrorForms(t *testing.T) {
	forms := wires()
	for _, e := range im.Errors() {
		if _, ok := forms[e.Code]; !ok {
			t.Errorf("%s has no form", e.Code)
		}
		delete(forms, e.Code)
	}
	for code := range forms {
		t.Errorf("the form %s is of no declared error", code)
	}
}

// TestErrorKinds: an error that the table does not know comes out by its kind, and one that is none of ours as internal.
func TestErrorKinds(t *testing.T) {
	want := map[im.Kind]string{
		im.Invalid: "400 illegal_argument", im.Unauthenticated: "401 unauthorized", im.Denied: "403 forbidden_op",
		im.NotFound: "404 service_resource_not_found", im.Conflict: "403 forbidden_op", im.Exhausted: "403 forbidden_op",
		im.Unavailable: "503 service_unavailable", im.Internal: "500 internal_error",
	}
	for kind, want := range want {
		rec := failed(t, route{}, im.ProfileV2, &im.Error{Code: "new", Kind: kind, Text: "inner text"})
		var f failure
		if err := json.Unmarshal(rec.Body.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(rec.Code, " ", f.Error); got != want || strings.Contains(rec.Body.String(), "inner") {
			t.Errorf("%s: got %s, want %s", kind, rec.Body, want)
		}
	}
	rec := failed(t, route{}, "", errors.New("disk on fire"))
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "fire") {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

// TestErrorLog: only what is ours to mend is logged, with its cause.
func TestErrorLog(t *testing.T) {
	for _, e := range im.Errors() {
		var log strings.Builder
		a := newAPI(t, &log)
		c := &call{w: httptest.NewRecorder(), r: httptest.NewRequest("GET", "/", nil), route: &route{method: "GET", path: "/x"}}
		a.fail(c, e.Because(errors.New("disk on fire")))
		got := strings.Contains(log.String(), "disk on fire") && strings.Contains(log.String(), `route="GET /x"`)
		if want := e.Kind == im.Internal || e.Kind == im.Unavailable; got != want {
			t.Errorf("%s: logged %q", e.Code, log.String())
		}
	}
}

// TestErrorServices: the same failures on the three services of the cloud.
func TestErrorServices(t *testing.T) {
	rows := []struct {
		service service
		err     error
		want    string
	}{
		{roomService, im.ErrUnauthenticated, `401 {"error":"group_authorization","exception":"com.easemob.group.exception.GroupAuthorizationException","error_description":"token is blank!"}`},
		{userService, im.ErrUnauthenticated, `401 {"error":"unauthorized","exception":"EasemobSecurityException","error_description":"Unable to authenticate (OAuth)"}`},
		{propertyService, im.ErrUnauthenticated, `401 {"desc":"unauthorized","error_description":"unauthorized"}`},
		{propertyService, im.ErrTokenExpired, `401 {"desc":"unauthorized","error_description":"unauthorized"}`},
		{roomService, im.ErrInvalid.With("x"), `400 {"error":"invalid_parameter","exception":"com.easemob.group.exception.InvalidParameterException","error_description":"x is not valid"}`},
		{userService, im.ErrInvalid.With("x"), `400 {"error":"illegal_argument","exception":"java.lang.IllegalArgumentException","error_description":"x is not valid"}`},
		{userService, im.ErrFieldMissing.With("x"), `400 {"error":"illegal_argument","exception":"java.lang.IllegalArgumentException","error_description":"x must be provided"}`},
		{roomService, im.ErrInvalid, `400 {"error":"invalid_parameter","exception":"com.easemob.group.exception.InvalidParameterException","error_description":"a value is not valid"}`},
	}
	for _, row := range rows {
		rec := failed(t, route{service: row.service}, im.Profile450, row.err)
		got := fmt.Sprint(rec.Code, " ", strings.Replace(rec.Body.String(), `"timestamp":1477543557486,"duration":0,`, "", 1))
		if got != row.want {
			t.Errorf("service %d, %v:\n got %s\nwant %s", row.service, row.err, got, row.want)
		}
	}
}

const errorsPage = "../../docs/errors.md"

// theSocket begins the part of the page that the tests of internal/msync write.
const theSocket = "\n## On the socket\n"

// TestErrorPage writes its part of docs/errors.md with -update and compares it otherwise.
func TestErrorPage(t *testing.T) {
	page := errorPage()
	data, err := os.ReadFile(errorsPage)
	if err != nil {
		t.Fatal(err)
	}
	ours, rest, _ := strings.Cut(string(data), theSocket)
	if commandline.Lookup("update").Value.(commandline.Getter).Get().(bool) {
		if err := os.WriteFile(errorsPage, []byte(page+theSocket+rest), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if ours != page {
		t.Errorf("docs/errors.md is stale: go test ./internal/easemob -update")
	}
}

func errorPage() string {
	var b strings.Builder
	b.WriteString(`# Errors

Written by the tests of internal/easemob and internal/msync (` + "`make generate`" + `); do not edit.

Every failure of the Easemob REST surface is one row: the domain's code, its kind, the status under either error
profile of the app (` + "`450`" + `: seed 004, ` + "`v2`" + `: today's cloud), and the words of the answer. The sentence holds the nouns in
braces: ` + "`{user}`, `{room}`, `{arg}` (a field, a value or a limit), `{count}`, `{noun}`" + ` (chatroom or group) and some
of the request's. Calls on groups answer the statuses of ` + "`v2`" + ` under both profiles: seed 004 is about chatrooms.

| code | kind | 450 | v2 | error | exception | sentence |
|---|---|---|---|---|---|---|
`)
	forms := wires()
	for _, e := range im.Errors() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", e.Code, e.Kind, formCells(forms[e.Code]))
	}
	b.WriteString(`
## Words of single calls

Some calls word an error differently. On the calls of users and tokens an ` + "`invalid_parameter`" + ` is an
` + "`illegal_argument`" + ` with the exception java.lang.IllegalArgumentException; a missing token there is
` + "`unauthorized`" + ` with "Unable to authenticate (OAuth)", on chatroom calls ` + "`group_authorization`" + ` with
"token is blank!", and on attribute calls every refused token is ` + "`" + `{"desc":"unauthorized"}` + "`" + `.

| call | code | 450 | v2 | error | exception | sentence |
|---|---|---|---|---|---|---|
`)
	for _, rt := range append((&API{}).routes(), closedRoute()) {
		for _, x := range rt.words {
			if rt.kind == im.Group {
				x.wire.status450 = 0
			}
			fmt.Fprintf(&b, "| %s %s | %s | %s |\n", rt.method, rt.path, x.code, formCells(x.wire))
		}
	}
	return b.String()
}

func formCells(w wire) string {
	old := w.status450
	if old == 0 {
		old = w.status
	}
	sentence := strings.Trim(strconv.Quote(w.text), `"`)
	return fmt.Sprintf("%d | %d | %s | %s | %s", old, w.status, w.word, w.exception, strings.ReplaceAll(sentence, "|", `\|`))
}

// TestErrorWords: what a route words must be an error of the domain, and a status an answer may have.
func TestErrorWords(t *testing.T) {
	known := map[string]bool{}
	for _, e := range im.Errors() {
		known[e.Code] = true
	}
	for _, rt := range (&API{}).routes() {
		for _, x := range rt.words {
			code, _, _ := strings.Cut(x.code, ":")
			if !known[code] {
				t.Errorf("%s %s words %s, which is no error", rt.method, rt.path, x.code)
			}
			if http.StatusText(x.wire.status) == "" || x.wire.word == "" || x.wire.text == "" {
				t.Errorf("%s %s: the words of %s are %+v", rt.method, rt.path, x.code, x.wire)
			}
		}
	}
}

func TestReason(t *testing.T) {
	rows := []struct {
		err  *im.Error
		want string
	}{
		{nil, ""},
		{im.ErrUserNotFound.In("r1"), "user bob doesn't exist."},
		{im.ErrOnOwner.In("r1"), "forbidden operation on group owner!"},
		{im.ErrForbidden.In("r1"), noPermission},
		{im.ErrNotMember.In("r1"), "user: bob doesn't exist in chatroom: r1"},
		{im.ErrNotBlocked.In("r1"), "user: bob doesn't exist in chatroom: r1"},
	}
	for _, row := range rows {
		if got := reason(im.Outcome{User: "bob", Err: row.err}, "chatroom"); got != row.want {
			t.Errorf("%v: got %q, want %q", row.err, got, row.want)
		}
	}
}
