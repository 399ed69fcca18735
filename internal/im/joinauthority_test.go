package im_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"teahouse/internal/im"
)

// groupMatrix is the matrix of what only groups have; it begins with everybody standing to the group as to the lounge.
func groupMatrix() []rule {
	setter := "-  ok  ok  ok  not_member  not_member  unauthenticated"
	return []rule{
		{"SetMemberAttributes", "self", setter, setMemberAttributes},
		{"SetMemberAttributes", "cat", admins, setMemberAttributes},
		{"SetMemberAttributes", "ann", admins, setMemberAttributes},
		{"SetMemberAttributes", "ada", admins, setMemberAttributes},
		{"SetMemberAttributes", "sid", "not_member  not_member  not_member  forbidden  not_member  forbidden  unauthenticated", setMemberAttributes},
		{"MemberAttributes", "cat", "ok  ok  ok  ok  not_member  not_member  unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			_, err := s.MemberAttributes(ctx, c, r, []string{target}, nil)
			return err
		}},
		{"SetShield", "self", "not_member  on_owner  ok  ok  not_member  not_member  unauthenticated", setShield},
		{"SetShield", "cat", "ok  not_self  not_self  not_self  not_self  not_self  unauthenticated", setShield},
		{"Leave", "", "user_token_required  on_owner  ok  ok  not_member  not_member  unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			return s.Leave(ctx, c, im.Group, r)
		}},
		{"Apply", "", "user_token_required  ok  ok  ok  room_private  blocked  unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.Apply(ctx, c, im.Group, r, "")
			return err
		}},
		{"Invite", "sid", "ok  ok  ok  forbidden  forbidden  forbidden  unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			_, err := s.Invite(ctx, c, r, []string{target}, "")
			return err
		}},
		{"AnswerApplication", "sid", "not_pending  not_pending  not_pending  forbidden  forbidden  forbidden  unauthenticated", func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
			return s.AnswerApplication(ctx, c, r, target, true, "")
		}},
		{"AnswerInvitation", "self", "user_not_found  ok  ok  ok  not_pending  not_pending  unauthenticated", answerInvitation},
		{"AnswerInvitation", "sid", "not_pending  not_self  not_self  not_self  not_pending  not_self  unauthenticated", answerInvitation},
		{"Shields", "", everyone, func(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, _ string) error {
			_, err := s.Shields(ctx, c, im.Group, r)
			return err
		}},
	}
}

func setMemberAttributes(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	return s.SetMemberAttributes(ctx, c, r, []im.MemberChange{{User: target, Set: []im.Attribute{{Key: "k", Value: "v"}}}})
}

func setShield(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	return s.SetShield(ctx, c, im.Group, r, target, true)
}

func answerInvitation(ctx context.Context, s *im.Service, c im.Caller, r im.RoomID, target string) error {
	return s.AnswerInvitation(ctx, c, r, target, true, "")
}

// TestGroupAuthority asks every cell in a new group. A refusal announces nothing.
func TestGroupAuthority(t *testing.T) {
	w := newWorld(t)
	n := 0
	for _, rule := range groupMatrix() {
		t.Run(rule.method+" "+rule.target, func(t *testing.T) {
			answers := strings.Fields(rule.answers)
			for i, who := range strings.Fields(callers) {
				n++
				group := im.RoomID(fmt.Sprintf("g%d", n))
				w.furnishGroup(group)
				w.bus.Take()
				target := rule.target
				if target == "self" {
					target = who
				}
				got := "ok"
				if err := rule.do(t.Context(), w.svc, as(t, w, who).c, group, target); err != nil {
					got = im.AsError(err).Code
					w.want()
				}
				if want := answers[i]; want != "-" && got != want {
					t.Errorf("%s: got %s, want %s", who, got, want)
				}
			}
		})
	}
}
