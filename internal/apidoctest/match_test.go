package apidoctest

import (
	"net/http/httptest"
	"testing"
)

// TestFind has the request lines of seed 004 and the odd ones of real clients.
func TestFind(t *testing.T) {
	const app = "/easemob-demo/chatdemoui"
	v := New(t)
	for _, test := range []struct{ method, target, want string }{
		{"GET", app + "/chatrooms?pagenum=2&pagesize=3", "listChatrooms"},
		{"GET", app + "/users/jma1/joined_chatrooms", "listJoinedChatrooms"},
		{"GET", app + "/chatrooms/1432259621444159", "getChatrooms"},
		{"POST", app + "/chatrooms", "createChatroom"},
		{"PUT", app + "/chatrooms/1432259621444159", "updateChatroom"},
		{"DELETE", app + "/chatrooms/1432259621444159", "deleteChatroom"},
		{"GET", app + "/chatrooms/1265710621211/users?pagenum=2&pagesize=2", "listMembers"},
		{"POST", app + "/chatrooms/96330911796167468/users/jianxin1", "addMember"},
		{"POST", app + "/chatrooms/96330911796167468/users", "addMembers"},
		{"DELETE", app + "/chatrooms/96330911796167468/users/jianxin1", "removeMembers"},
		{"DELETE", app + "/chatrooms/96330911796167468/users/jianxin1,jianxin2", "removeMembers"},
		{"GET", app + "/chatrooms/1265710621211/admin", "listAdmins"},
		{"POST", app + "/chatrooms/1265710621211/admin", "addAdmin"},
		{"DELETE", app + "/chatrooms/1265710621211/admin/z1", "removeAdmin"},
		{"GET", app + "/chatrooms/1265710621211/mute", "listMutes"},
		{"POST", app + "/chatrooms/1265710621211/mute", "muteMembers"},
		{"DELETE", app + "/chatrooms/1265710621211/mute/z1,z2,z3", "unmuteMembers"},

		{"DELETE", app + "/chatrooms/1/users/jianxin1%2Cjianxin2", "removeMembers"},
		{"GET", app + "/chatrooms/1,2,3", "getChatrooms"},
		{"GET", app + "/chatrooms/1%2C2", "getChatrooms"},
		{"DELETE", app + "/chatrooms/1/users/a%2Fb", "removeMembers"},
		{"DELETE", app + "/chatrooms/1/blocks/users/%E8%8C%B6", "unblockUsers"},
		{"GET", app + "/chatrooms/", "listChatrooms"},
		{"GET", app + "//chatrooms/super_admin", "listSuperAdmins"},
		{"GET", app + "/chatrooms/super_admin", "listSuperAdmins"},
		{"DELETE", app + "/chatrooms/super_admin/ban", "removeSuperAdmin"},
		{"DELETE", app + "/chatrooms/1/ban", "unmuteRoom"},
		{"GET", app + "/chatrooms/1/blocks/users/", "listBlocked"},
		{"PUT", app + "/metadata/chatroom/1/user/z1/forced", "forceAttributes"},
		{"GET", app + "/token?grant_type=password&username=a&password=b", "createTokenByQuery"},
		{"GET", "/healthz", "health"},
		{"GET", "/openapi.yaml", "description"},

		{"GET", app + "/chatroom", ""},
		{"GET", app + "/chatrooms/1/users/a/b", ""},
		{"POST", app + "/chatrooms/1/mute/z1", ""},
		{"GET", "/", ""},
	} {
		_, op, _ := v.find(test.method, httptest.NewRequest(test.method, test.target, nil).URL)
		got := ""
		if op != nil {
			got = op.OperationID
		}
		if got != test.want {
			t.Errorf("%s %s: got %q, want %q", test.method, test.target, got, test.want)
		}
	}
}
