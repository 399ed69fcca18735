package msync

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
	"teahouse/internal/transcripttest"
)

func TestMain(m *testing.M) { transcripttest.Main(m) }

func operations() map[operation]string {
	return map[operation]string{opSend: "send", opJoin: "join", opProvision: "sign in", opRecall: "recall", opEdit: "edit"}
}

// whole is an error with all nouns and a cause.
func whole(e *im.Error) error {
	return e.With("ARG").For("USER").In("ROOM").Because(errors.New("disk on fire"))
}

// TestEveryErrorHasAForm that tells nothing of our inside, whatever the client was about.
func TestEveryErrorHasAForm(t *testing.T) {
	for op := range operations() {
		for _, e := range im.Errors() {
			code, reason := statusFor(whole(e), op)
			if _, known := pb.Status_ErrorCode_name[int32(code)]; !known || (reason == "") != (code == pb.Status_OK) {
				t.Errorf("%s: got %d %q", e.Code, code, reason)
			}
			for _, inner := range []string{"fire", "{", e.Text} {
				if strings.Contains(reason, inner) {
					t.Errorf("%s: %q tells %q", e.Code, reason, inner)
				}
			}
			if code == pb.Status_OK && (op != opJoin || e.Code != im.ErrAlreadyMember.Code) {
				t.Errorf("%s is no success", e.Code)
			}
		}
	}
	if code, reason := statusFor(nil, opSend); code != pb.Status_OK || reason != "" {
		t.Errorf("no error: got %d %q", code, reason)
	}
	if code, reason := statusFor(errors.New("disk on fire"), opSend); code != pb.Status_FAIL || reason != reasonInternal {
		t.Errorf("an error that is none of ours: got %d %q", code, reason)
	}
}

// TestStatusSeven: with any other reason clients wait for ever; when they sign in there is none that we cause
// (wire/msync.md §2.3, §6).
func TestStatusSeven(t *testing.T) {
	known := []string{"user is mute", "sensitive words", "blocked by mod_antispam", "traffic limit", "Sorry, data is too large"}
	all := im.Errors()
	for kind := range im.Unavailable + 1 {
		all = append(all, &im.Error{Code: "new", Kind: kind})
	}
	for op, name := range operations() {
		for _, e := range all {
			code, reason := statusFor(whole(e), op)
			if code == pb.Status_PERMISSION_DENIED && (op == opProvision || !slices.Contains(known, reason)) {
				t.Errorf("%s, %s: 7 %q", name, e.Code, reason)
			}
		}
	}
}

// TestStatuses has what clients compare.
func TestStatuses(t *testing.T) {
	for _, row := range []struct {
		op   operation
		err  error
		want string
	}{
		{opSend, im.ErrMemberMuted, "15 muted"},
		{opSend, im.ErrUserMuted, "7 user is mute"},
		{opSend, im.ErrRoomSilent, "1 not in group or chatroom white list"},
		{opSend, im.ErrRoomNotFound.In("r1"), "1 group not found"},
		{opSend, im.ErrBlockedByUser, "1 blocked"},
		{opSend, im.ErrNotSelf.For("bob"), "1 blocked"},
		{opSend, im.ErrNotContact, "1 nonroster"},
		{opSend, im.ErrRoomDisabled, "1 group is disabled"},
		{opSend, im.ErrUserNotFound.For("bob"), "1 username bob doesn't exist!"},
		{opSend, im.ErrNameIllegal.With("b b"), "1 username b b doesn't exist!"},
		{opSend, im.ErrMessageLarge, "7 Sorry, data is too large"},
		{opSend, im.ErrRateLimited, "7 traffic limit"},
		{opSend, im.ErrTooManyDirected, "1 limit directed users"},
		{opSend, im.ErrInvalid.With("payload"), "4 payload is not valid"},
		{opSend, im.ErrInvalid, "4 a value is not valid"},
		{opSend, im.ErrFieldMissing.With("contents"), "3 contents is missing"},
		{opSend, im.ErrUnauthenticated, "2 not signed in"},
		{opSend, im.ErrNameIllegal.With(strings.Repeat("ü", 300) + "\xff"), "1 username " + strings.Repeat("ü", 256) + "… doesn't exist!"},
		{opJoin, im.ErrRoomNotFound.In("r1"), "1 grpID r1 does not exist!"},
		{opJoin, im.ErrRoomFull, "1 group member list is full!"},
		{opJoin, im.ErrBlocked.For("bob").In("r1"), "1 can not join this group, reason:user: bob is in the blacklist of group: r1"},
		{opJoin, im.ErrTooManyRooms.For("bob"), "1 user bob has joined too many chatrooms!"},
		{opJoin, im.ErrRoomDisabled, "1 can not operate this group, reason: group is disabled"},
		{opJoin, im.ErrAlreadyMember, "0 "},
		{opJoin, im.ErrNotMember, "1 not in group or chatroom"},
		{opProvision, im.ErrTokenBad, "1 Sorry, token or password does not match login info"},
		{opProvision, im.ErrTokenCorrupt, "1 Sorry, token or password does not match login info"},
		{opProvision, im.ErrUnauthenticated, "1 Sorry, token or password does not match login info"},
		{opProvision, im.ErrPasswordWrong, "1 Sorry, token or password does not match login info"},
		{opProvision, im.ErrTokenExpired, "1 Sorry, token expired"},
		{opProvision, im.ErrUserNotFound.For("bob"), "1 Sorry, user not found"},
		{opProvision, im.ErrLoginUnknown, "1 Sorry, user not found"},
		{opProvision, im.ErrUserInactive, "12 Sorry, user is deactivated"},
		{opProvision, im.ErrTooManyDevices, "13 Sorry, too many devices"},
		{opProvision, im.ErrAppNotFound, "2 Sorry, app not found"},
		{opProvision, im.ErrRateLimited, "1 traffic limit"},
		{opRecall, im.ErrRecallLate, "1 exceed recall time limit"},
		{opRecall, im.ErrRecallOff, "1 message recall disabled"},
		{opRecall, im.ErrMessageNotFound.With("1"), "1 Sorry, message does not exist"},
		{opRecall, im.ErrNotSelf, "1 blocked"},
		{opEdit, im.ErrMessageNotFound.With("1"), "1 Sorry, message does not exist"},
		{opEdit, im.ErrEditLimit, "1 Sorry, edit limit reached"},
		{opEdit, im.ErrEditKind, "1 Sorry, format is incorrect"},
		{opEdit, im.ErrInvalid.With("x"), "1 Sorry, format is incorrect"},
		{opEdit, im.ErrNotSelf, "1 Sorry, You do not have permission"},
		{opEdit, im.ErrMemberMuted, "15 muted"},
	} {
		code, reason := statusFor(row.err, row.op)
		if got := fmt.Sprintf("%d %s", code, reason); got != row.want {
			t.Errorf("%v:\n got %s\nwant %s", row.err, got, row.want)
		}
	}
}

const errorsPage = "../../docs/errors.md"

// theSocket begins our part of the page; the rest is written by the tests of internal/easemob.
const theSocket = "\n## On the socket\n"

// TestErrorPage writes its part of docs/errors.md with -update and compares it otherwise.
func TestErrorPage(t *testing.T) {
	data, err := os.ReadFile(errorsPage)
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours, _ := strings.Cut(string(data), theSocket)
	page := errorPage()
	if transcripttest.Update() {
		if err := os.WriteFile(errorsPage, []byte(theirs+theSocket+page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if ours != page {
		t.Errorf("docs/errors.md is stale: go test ./internal/msync -update")
	}
}

func errorPage() string {
	var b strings.Builder
	b.WriteString(`
What clients are told over MSync: the code of the status and its reason, which the SDKs compare to the letter
([msync.md §6](wire/msync.md)). A word in braces is a noun of the failure. The first row of an error is how a message that is
refused is answered; the others are operations that word it differently.

| code | operation | status | reason |
|---|---|---|---|
`)
	cells := func(e *im.Error, op operation) string {
		nouns := e.With("{arg}").For("{user}").In("{room}")
		code, reason := statusFor(nouns, op)
		return fmt.Sprintf("%d %s | %s", code, code, reason)
	}
	for _, e := range im.Errors() {
		usual := cells(e, opSend)
		fmt.Fprintf(&b, "| %s | | %s |\n", e.Code, usual)
		for op := opJoin; op <= opEdit; op++ {
			if other := cells(e, op); other != usual {
				fmt.Fprintf(&b, "| | %s | %s |\n", operations()[op], other)
			}
		}
	}
	return b.String()
}
