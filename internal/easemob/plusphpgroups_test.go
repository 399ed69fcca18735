package easemob_test

import (
	"fmt"
	"strings"
	"testing"
)

// newPHPGroup registers the users 1 to 5 and makes a group of 1, 2 and 3.
func newPHPGroup(t *testing.T) (p *php, id string) {
	t.Helper()
	p, _ = newPHP(t)
	var users []phpUser
	for n := 1; n <= 5; n++ {
		users = append(users, phpUser{n, pwd1})
	}
	p.must("POST", "users", users)
	return p, p.createGroup("300", []string{"2", "3"})
}

// createGroup makes a group of the owner 1. maxUsers is a number, text or nil, as it came to PHP from its client.
func (p *php) createGroup(maxUsers any, members []string) (id string) {
	p.t.Helper()
	options := map[string]any{"groupname": "花儿巷", "desc": "来自花儿巷的朋友", "public": true, "maxusers": maxUsers,
		"members_only": false, "allowinvites": true, "owner": "1"}
	if members != nil {
		options["members"] = members
	}
	id, _ = field(p.t, p.must("POST", "chatgroups", options), "data", "groupid").(string)
	if len(id) != 14 || strings.Trim(id, "0123456789") != "" {
		p.t.Errorf("group id %q: want 14 digits", id)
	}
	return id
}

// affiliations lists who is in a group as PHP reads it, the owner with a star.
func affiliations(t *testing.T, group any) string {
	t.Helper()
	var who []string
	for i := range field(t, group, "affiliations").([]any) {
		a := field(t, group, "affiliations", i).(map[string]any)
		if owner, ok := a["owner"]; ok {
			who = append(who, fmt.Sprint(owner, "*"))
		} else {
			who = append(who, fmt.Sprint(field(t, a, "member")))
		}
	}
	return strings.Join(who, " ")
}

func (p *php) wantMembers(id, want string) {
	p.t.Helper()
	group := field(p.t, p.must("GET", "chatgroups/"+id, nil), "data", 0)
	got := map[string]bool{}
	for who := range strings.FieldsSeq(affiliations(p.t, group)) {
		got[who] = true
	}
	wanted := strings.Fields(want)
	for _, who := range wanted {
		if !got[who] {
			p.t.Errorf("members: %s is missing in %v", who, got)
		}
	}
	if len(got) != len(wanted) {
		p.t.Errorf("members: got %v, want %s", got, want)
	}
}

func TestPHPReadsGroups(t *testing.T) {
	p, id := newPHPGroup(t)
	group := field(t, p.must("GET", "chatgroups/"+id, nil), "data", 0)
	for key, want := range map[string]any{"id": id, "name": "花儿巷", "description": "来自花儿巷的朋友", "membersonly": false,
		"allowinvites": true, "maxusers": 300, "owner": "1", "affiliations_count": 3, "public": true} {
		wantField(t, group, want, key)
	}
	if _, ok := field(t, group, "created").(float64); !ok {
		t.Errorf("created: got %v, want milliseconds", field(t, group, "created"))
	}
	p.wantMembers(id, "1* 2 3")

	other := p.createGroup(nil, nil)
	wantField(t, field(t, p.must("GET", "chatgroups/"+other, nil), "data", 0), 200, "maxusers")
	const nobodys = "99999999999999"
	for ids, want := range map[string]string{id + "," + other: id + " " + other, other + "," + id + ",": other + " " + id,
		id + "," + nobodys + "," + other: id + " " + other} {
		list := field(t, p.must("GET", "chatgroups/"+ids, nil), "data").([]any)
		var got []string
		for _, g := range list {
			got = append(got, fmt.Sprint(field(t, g, "id")))
			_ = affiliations(t, g) // PHP walks over them in every element
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", ids, got, want)
		}
	}
	if _, failure := p.call("GET", "chatgroups/"+nobodys, nil); failure == "" {
		t.Error("a group that does not exist was found")
	}
}

func TestPHPChangesGroups(t *testing.T) {
	p, id := newPHPGroup(t)
	options := map[string]any{"groupname": "new", "desc": "tea", "public": false, "maxusers": 200, "members_only": true, "allowinvites": false}
	p.must("PUT", "chatgroups/"+id, options)
	options["newowner"] = 2 // as it came to PHP
	options["groupname"] = "newer"
	p.must("PUT", "chatgroups/"+id, options)
	group := field(t, p.must("GET", "chatgroups/"+id, nil), "data", 0)
	for key, want := range map[string]any{"name": "newer", "description": "tea", "membersonly": true, "allowinvites": false,
		"maxusers": 200, "owner": "2", "public": false} {
		wantField(t, group, want, key)
	}
	p.wantMembers(id, "1 2* 3")
	if _, failure := p.call("PUT", "chatgroups/99999999999999", options); failure == "" {
		t.Error("a group that does not exist was changed")
	}
}

func TestPHPAddsAndRemovesMembers(t *testing.T) {
	p, id := newPHPGroup(t)
	p.must("POST", "chatgroups/"+id+"/users", map[string]any{"usernames": []any{"4", 5}})
	p.wantMembers(id, "1* 2 3 4 5")
	p.must("DELETE", "chatgroups/"+id+"/users/2,3", nil)
	p.must("DELETE", "chatgroups/"+id+"/users/4", nil)
	p.wantMembers(id, "1* 5")
	if _, failure := p.call("POST", "chatgroups/"+id+"/users", map[string]any{"usernames": []string{"77"}}); failure == "" {
		t.Error("who is not registered was added")
	}
	p.must("DELETE", "chatgroups/"+id, nil)
	if _, failure := p.call("DELETE", "chatgroups/"+id, nil); failure == "" {
		t.Error("a group was deleted twice")
	}
}
