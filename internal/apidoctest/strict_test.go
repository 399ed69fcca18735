package apidoctest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A mutant is an answer with one fault.
type mutant struct {
	fault string
	value any
}

// mutants returns, for every place in value, copies with one fault there: an object with an unknown key, an
// object without one of its keys, a value of another type.
func mutants(value any, at string) (list []mutant) {
	switch value := value.(type) {
	case map[string]any:
		list = append(list, mutant{at + " has an unknown key", with(value, "unexpected", 12.5)}, mutant{at + " is no object", "object"})
		for key, child := range value {
			where := at + "." + key
			less := maps.Clone(value)
			delete(less, key)
			fault := where + " is missing"
			if len(less) == 0 {
				fault = at + " is empty"
			}
			list = append(list, mutant{fault, less})
			for _, m := range mutants(child, where) {
				list = append(list, mutant{m.fault, with(value, key, m.value)})
			}
		}
	case []any:
		list = append(list, mutant{at + " is no list", 12.5})
		for i, child := range value {
			for _, m := range mutants(child, at+"[]") {
				more := slices.Clone(value)
				more[i] = m.value
				list = append(list, mutant{m.fault, more})
			}
		}
	case string:
		list = append(list, mutant{at + " is a number instead of a text", 12.5})
	case float64:
		list = append(list, mutant{at + " is a text instead of a number", fmt.Sprint(value)}, mutant{at + " is a fraction", value + 0.5})
	case bool:
		list = append(list, mutant{at + " is a text instead of a boolean", fmt.Sprint(value)})
	}
	return list
}

func with(object map[string]any, key string, value any) map[string]any {
	more := maps.Clone(object)
	more[key] = value
	return more
}

// harmless lists the faults of mutants that are none: keys that may be absent, and maps.
func harmless() []string {
	return []string{
		".params is missing", ".params.* is missing", ".cursor is missing",
		"muteMembers.data[].expire is missing", "muteGroupMembers.data[].expire is missing",
		"registerUsers.data is missing", ".nickname is missing",
		"listJoinedChatrooms.data[].disabled is missing",
		"updateGroup.data.description is missing", "updateGroup.data.maxusers is missing", "updateGroup.data.groupname is missing",
		"updateChatroom.data.description is missing", "updateChatroom.data.maxusers is missing", "updateChatroom.data.groupname is missing",
		"getAttributes.data.topic is missing", "getAttributes.data.host is missing",
		"uploadFile.entities[].share-secret is missing",
		"setAttributes.data.errorKeys is empty",
		"avatar.dimension is missing",
		"data.contacts[].remark is missing",
		"etUserProperties.data.nickname is missing", "etUserProperties.data.ext is missing",
		"getManyUserProperties.data.jma1 is missing", "getManyUserProperties.data.jma1 is empty", "getManyUserProperties.data.jma2 is missing",
		"getMembersAttributes.data is empty", "getMembersAttributes.data.z1 is empty", "etMemberAttributes.data is empty",
		"getMembersAttributesOverSdk.data is empty", "getMembersAttributesOverSdk.data.z1 is empty", "etMemberAttributesOverSdk.data is empty",
		"updateMetadataSucceeded[].metadata is empty",
		"payload.bodies[] has an unknown key", "payload.bodies[].msg is missing", "payload.bodies[].msg is a number instead of a text",
		"payload.ext has an unknown key",
	}
}

func isHarmless(fault string) bool {
	if at := strings.Index(fault, ".params."); at >= 0 && strings.HasSuffix(fault, " is missing") {
		fault = ".params.* is missing"
	}
	return slices.ContainsFunc(harmless(), func(h string) bool { return strings.HasSuffix(fault, h) })
}

// TestEveryFaultIsFound breaks the example of every answer in every place and wants each fault found.
func TestEveryFaultIsFound(t *testing.T) {
	v := New(t)
	found := 0
	for _, op := range operations(v) {
		media := successMedia(op)
		for _, example := range answers(op) {
			for _, m := range mutants(plain(t, example), op.OperationID) {
				text, err := json.Marshal(m.value)
				if err != nil {
					t.Fatal(err)
				}
				_, err = v.judge(media, text)
				switch {
				case isHarmless(m.fault) && err != nil:
					t.Errorf("%s: should be accepted, got %v", m.fault, err)
				case !isHarmless(m.fault) && err == nil:
					t.Errorf("%s: not found in %s", m.fault, text)
				default:
					found++
				}
			}
		}
	}
	if found < 2000 {
		t.Errorf("only %d faults were tried", found)
	}
}

// TestEveryErrorFaultIsFound does the same to the shared error answers.
func TestEveryErrorFaultIsFound(t *testing.T) {
	v := New(t)
	for name, response := range v.doc.Components.Responses {
		media := response.Value.Content[jsonType]
		for _, example := range examples(media) {
			for _, m := range mutants(plain(t, example), name) {
				text, err := json.Marshal(m.value)
				if err != nil {
					t.Fatal(err)
				}
				_, err = v.judge(media, text)
				optional := strings.HasSuffix(m.fault, ".exception is missing") || strings.HasSuffix(m.fault, ".properties is missing") ||
					m.fault == "SocialInvalid.errors is missing"
				if optional != (err == nil) {
					t.Errorf("%s: got %v for %s", m.fault, err, text)
				}
			}
		}
	}
}

// plain returns value as encoding/json sees it.
func plain(t *testing.T, value any) (v any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}
