package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"teahouse/internal/im"
)

func tenantTests() []test {
	return []test{
		{"Tenants", testTenants},
		{"DeleteApp", testDeleteApp},
	}
}

// Everything makes an app that has rows of every sort and returns its id.
func Everything(t *testing.T, s im.Store) im.AppID {
	t.Helper()
	e := &env{T: t, store: s}
	e.app = e.newApp("everything")
	e.everything()
	return e.app
}

// everything fills the app and returns a room that still stands.
func (e *env) everything() im.Room {
	e.Helper()
	e.users("ann", "bob")
	gone, r := e.room("ann"), e.room("ann", "bob", "carl")
	e.leave(r, "carl")
	e.room("ann", "bob")
	shared := e.file("shared", im.Shared)
	shared.Room = r.ID
	e.addFile(e.file("attached", im.Attachment))
	e.addFile(e.file("picture", im.PublicPicture))
	e.addFile(shared)
	g := e.roomOf(im.Group, "ann")
	g.Public = true
	e.update(func(tx im.Tx) error {
		entry := []im.Entry{{User: "bob", Until: start()}}
		return firstError(
			tx.DeleteRoom(gone), tx.PutRoom(g),
			tx.SetRole(r, "bob", im.Admin),
			tx.PutEntries(r, im.Mutes, entry), tx.PutEntries(r, im.Blocks, entry), tx.PutEntries(r, im.Allows, entry),
			tx.PutAttributes(r, []im.Attribute{{Key: "k", Value: "v", Setter: "bob", AutoDelete: true}}),
			tx.AddSuperAdmin(e.app, "ann", start()),
			belong(tx, r),
			tx.PutFace(e.app, im.Face{Room: r.ID, File: 7, URL: "https://x/7"}),
			e.talk(tx),
			e.signUp(tx),
			e.people(tx),
			tx.PutAbsences(e.app, []im.Username{"bob"}, start()),
			tx.AddToken(im.Token{Hash: e.hash(1), App: e.app, User: "ann", Issued: start(), Expires: start()}))
	})
	return r
}

// people gives the app's users contacts, mutes and properties.
func (e *env) people(tx im.Tx) error {
	_, err := tx.PutRelation(e.app, "ann", im.ContactList, im.Relation{User: "bob", Note: "note"})
	return firstError(err, tx.PutUserMute(e.muted("bob", 1, 2, 3)),
		tx.PutProperties(e.app, "ann", []im.Property{{Key: "k", Value: "v"}}))
}

// access is one use of one method of im.Tx by an app; it returns what it found.
type access struct {
	method string
	use    func(tx im.Tx, app im.AppID, r im.Room) (any, error)
}

// reads use every method that only reads.
func reads() []access {
	names := []im.Username{"ann", "bob"}
	return append(append(fileReads(), []access{
		{"User", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.User(app, "ann") }},
		{"UserByUUID", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.UserByUUID(app, "uuid-ann") }},
		{"Users", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Users(app, 0, 9) }},
		{"LockUsers", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return nil, tx.LockUsers(app, names) }},
		{"LockRoom", func(tx im.Tx, app im.AppID, r im.Room) (any, error) { return tx.LockRoom(app, r.Kind, r.ID) }},
		{"Room", func(tx im.Tx, app im.AppID, r im.Room) (any, error) { return tx.Room(app, r.Kind, r.ID) }},
		{"Rooms", func(tx im.Tx, app im.AppID, r im.Room) (any, error) { return tx.Rooms(app, r.Kind, []im.RoomID{r.ID}) }},
		{"RoomsBefore", func(tx im.Tx, app im.AppID, r im.Room) (any, error) { return tx.RoomsBefore(app, r.Kind, 1<<40, 9) }},
		{"RoomsAt", func(tx im.Tx, app im.AppID, r im.Room) (any, error) { return tx.RoomsAt(app, r.Kind, 0, 9) }},
		{"PublicGroupsBefore", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.PublicGroupsBefore(app, 1<<40, 9) }},
		{"RolesIn", func(tx im.Tx, app im.AppID, r im.Room) (any, error) {
			roles, err := tx.RolesIn(app, "bob", r.Kind, []im.RoomID{r.ID})
			return slices.DeleteFunc(roles, func(role im.Role) bool { return role == im.Stranger }), err
		}},
		{"Standings", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) {
			all, err := tx.Standings(r, names)
			return slices.DeleteFunc(all, func(s im.Standing) bool { return s == im.Standing{User: s.User, Role: im.Stranger} }), err
		}},
		{"MembersFrom", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.MembersFrom(r, 0, true, 9) }},
		{"MembersAt", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.MembersAt(r, 1, 9) }},
		{"Admins", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.Admins(r) }},
		{"JoinedRooms", func(tx im.Tx, app im.AppID, r im.Room) (any, error) { return tx.JoinedRooms(app, "ann", r.Kind, 0, 9) }},
		{"Entries", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.Entries(r, im.Blocks) }},
		{"Attributes", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.Attributes(r) }},
		{"RoomPlaces", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.RoomPlaces(app, "ann") }},
		{"Visits", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Visits(app, names) }},
		{"SuperAdmins", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.SuperAdmins(app, 0, 9) }},
		{"MembersOf", func(tx im.Tx, app im.AppID, r im.Room) (any, error) { return tx.MembersOf(app, []im.RoomID{r.ID}, 9) }},
		{"RoomsAmong", func(tx im.Tx, app im.AppID, r im.Room) (any, error) {
			return tx.RoomsAmong(app, "ann", r.Kind, []im.RoomID{r.ID})
		}},
		{"Faces", func(tx im.Tx, app im.AppID, r im.Room) (any, error) { return tx.Faces(app, []im.RoomID{r.ID}) }},
		{"IsSuperAdmin", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.IsSuperAdmin(app, "ann") }},
		{"Pair", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Pair(app, annBob, "ann", "bob") }},
		{"Message", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Message(app, 101) }},
		{"Last", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Last(app, annBob) }},
		{"MessageOf", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			id, _, err := tx.MessageOf(app, "ann", "phone", "c101")
			return id, err
		}},
		{"CountReaders", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.CountReaders(app, 101) }},
		{"Readers", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Readers(app, 101, 0, 9) }},
		{"Messages", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Messages(app, 0, 1<<60, 9) }},
		{"Spans", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Spans(app, "bob", "pad") }},
		{"MessagesFor", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.MessagesFor(im.Device{App: app, User: "bob", Name: "pad"}, annBob, 0, 1<<60, 9)
		}},
		{"CountMessages", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.CountMessages(im.Device{App: app, User: "bob", Name: "pad"}, annBob, 0, 1<<60)
		}},
		{"Device", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Device(app, "bob", "pad") }},
	}...), peopleReads()...)
}

func peopleReads() []access {
	return []access{
		{"Related", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.Related(app, "ann", im.ContactList, []im.Username{"bob"})
		}},
		{"Relations", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.Relations(app, "ann", im.ContactList, 0, 9)
		}},
		{"CountRelations", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.CountRelations(app, "ann", im.ContactList)
		}},
		{"UserMute", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			m, err := tx.UserMute(app, "bob")
			return m.Ends, err
		}},
		{"UserMutes", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.UserMutes(app, 0, 9) }},
		{"Voice", func(tx im.Tx, app im.AppID, room im.Room) (any, error) {
			return tx.Voice(app, room.Kind, room.ID, "bob")
		}},
		{"Speaker", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.Speaker(app, "bob", "ann") }},
		{"Properties", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.Properties(app, []im.Username{"ann"})
		}},
		{"PropertyBytes", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.PropertyBytes(app) }},
	}
}

// writes use every method that changes what is there.
func writes() []access {
	names := []im.Username{"ann", "bob"}
	standings := []im.Standing{{User: "ann", Seq: 1}, {User: "bob", Seq: 2}}
	entry := []im.Entry{{User: "eve", Until: start()}}
	return append(talkWrites(), []access{
		{"PutUser", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return nil, tx.PutUser(im.User{App: app, Name: "ann"})
		}},
		{"DeleteUser", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return nil, tx.DeleteUser(app, "ann") }},
		{"DeleteTokens", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return nil, tx.DeleteTokens(app, "ann") }},
		{"CountChange", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.CountChange(r) }},
		{"PutRoom", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.PutRoom(r) }},
		{"DeleteRoom", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.DeleteRoom(r) }},
		{"AddMembers", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.AddMembers(r, members("dora")) }},
		{"RemoveMembers", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.RemoveMembers(r, standings) }},
		{"SetRole", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.SetRole(r, "bob", im.Plain) }},
		{"PutEntries", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.PutEntries(r, im.Mutes, entry) }},
		{"DeleteEntries", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.DeleteEntries(r, im.Blocks, names) }},
		{"EndMute", func(tx im.Tx, app im.AppID, r im.Room) (any, error) {
			return tx.EndMute(im.Mute{App: app, Room: r.ID, Entry: im.Entry{User: "bob", Until: start()}})
		}},
		{"PutAttributes", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) {
			return nil, tx.PutAttributes(r, []im.Attribute{{Key: "k", Value: "new"}})
		}},
		{"DeleteAttributes", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return nil, tx.DeleteAttributes(r, []string{"k"}) }},
		{"DropAttributesOf", func(tx im.Tx, _ im.AppID, r im.Room) (any, error) { return tx.DropAttributesOf(r, names) }},
		{"PutAbsences", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return nil, tx.PutAbsences(app, names, start()) }},
		{"EndAbsence", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return nil, tx.EndAbsence(app, "bob") }},
		{"ClaimAbsence", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.ClaimAbsence(im.Absence{Visitor: im.Visitor{App: app, User: "bob"}, Due: start()})
		}},
		{"PutFace", func(tx im.Tx, app im.AppID, r im.Room) (any, error) { return nil, tx.PutFace(app, im.Face{Room: r.ID}) }},
		{"RemoveSuperAdmin", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.RemoveSuperAdmin(app, "ann") }},
		{"PutRelation", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.PutRelation(app, "ann", im.ContactList, im.Relation{User: "bob", Note: "new"})
		}},
		{"DeleteRelations", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.DeleteRelations(app, "ann", im.ContactList, []im.Username{"bob"})
		}},
		{"PutUserMute", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return nil, tx.PutUserMute(im.UserMute{App: app, User: "bob"})
		}},
		{"PutProperties", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return nil, tx.PutProperties(app, "ann", []im.Property{{Key: "k", Value: "new"}})
		}},
		{"DeleteProperties", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return nil, tx.DeleteProperties(app, "ann") }},
	}...)
}

// talkWrites are those about messages.
func talkWrites() []access {
	names := []im.Username{"ann", "bob"}
	return []access{
		{"StopPart", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return nil, tx.StopPart(app, annBob, names) }},
		{"PutDevice", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return nil, tx.PutDevice(im.Device{App: app, User: "bob", Name: "pad", Born: 7})
		}},
		{"PutPlacesOf", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return nil, tx.PutPlacesOf(app, []im.Place{{User: "bob", Device: "pad", With: im.ToUser("ann"), UpTo: 99}})
		}},
		{"PutMessage", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return nil, tx.PutMessage(im.Message{App: app, ID: 101})
		}},
		{"DeleteMessage", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return nil, tx.DeleteMessage(app, 101) }},
		{"DeleteMessagesBefore", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.DeleteMessagesBefore(app, 1<<60, 9) }},
		{"ForgetDevices", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) {
			return tx.ForgetDevices(app, start().Add(time.Hour), 9)
		}},
		{"ForgetSpans", func(tx im.Tx, app im.AppID, _ im.Room) (any, error) { return tx.ForgetSpans(app, 1<<60, 9) }},
	}
}

// elsewhere are the methods that are not tried as another tenant: they name no app, make one or see all of them, or add
// rows that may stand beside the other tenant's (tried by name).
func elsewhere() []string {
	return []string{"File", "UseFile", "DeleteFile", "FilesThere", "AddFile", // see foreignFiles
		"App", "LockApp", "Apps", "PutApp", "DeleteApp", "DeleteRemains", "Token", "AddToken", "DeleteExpiredTokens", "DueMutes", "NextMuteEnd",
		"DueUserMutes", "NextUserMuteEnd", "AddUser", "AddRoom", "AddSuperAdmin", "AddUsers", "AddAccounts", "RevokeJWT", "DeleteRevokedJWTs", "Advance", "AddMessage", "TakePart", "PutPlaces",
		"AppByID", "Visitors", "DueAbsences", "NextAbsence",
		"AddReader",
		"Tell"}
}

// testTenants uses every method as another app, with the names of the first app's rows.
func testTenants(e *env) {
	r := e.everything()
	other := newEnv(e.T, e.store)
	other.app = e.newApp("other")
	foreign := r
	foreign.App = other.app
	was := e.portrait(r)

	covered := elsewhere()
	for _, a := range slices.Concat(reads(), accountReads(), joinReads()) {
		covered = append(covered, a.method)
		found, err := other.try(a, foreign)
		if err == nil && !nothing(found) {
			e.Errorf("%s as another app found %+v", a.method, found)
		}
		found, err = e.try(a, r)
		if a.method != "LockUsers" && (err != nil || nothing(found)) {
			e.Errorf("%s as the app itself found %+v, %v", a.method, found, err)
		}
	}
	for _, a := range slices.Concat(writes(), accountWrites(), joinWrites()) {
		covered = append(covered, a.method)
		if found, err := other.try(a, foreign); err == nil && !nothing(found) {
			e.Errorf("%s as another app answered %+v", a.method, found)
		}
	}
	e.same("the app after all that", e.portrait(r), was)

	other.everything() // the same names, beside the first app's
	e.same("the app after another made the same", e.portrait(r), was)
	due := read(e, func(tx im.Tx) ([]im.Absence, error) { return tx.DueAbsences(start(), 9) })
	e.same("absences of both", len(due), 2)
	e.foreignFiles(other)
	for m := range reflect.TypeFor[im.Tx]().Methods() {
		if !slices.Contains(covered, m.Name) {
			e.Errorf("%s is not tried as another app", m.Name)
		}
	}
}

// foreignFiles uses what names a file by an id that the other app's file has.
func (e *env) foreignFiles(other *env) {
	e.Helper()
	id := e.fileID("picture")
	other.noFile("as another app", func(tx im.Tx) (im.File, error) { return tx.File(other.app, id) })
	other.same("used as another app", get(other, func(tx im.Tx) (bool, error) { return tx.UseFile(other.app, id, "", "x") }), false)
	other.same("deleted as another app", get(other, func(tx im.Tx) (bool, error) { return tx.DeleteFile(other.app, id) }), false)
	f := read(e, func(tx im.Tx) (im.File, error) { return tx.File(e.app, id) })
	e.same("used by", f.UsedBy, "")
}

func (e *env) try(a access, r im.Room) (found any, err error) {
	err = e.store.Update(e.Context(), func(tx im.Tx) (err error) { found, err = a.use(tx, e.app, r); return err })
	return found, err
}

func nothing(found any) bool {
	v := reflect.ValueOf(found)
	return !v.IsValid() || v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// portrait prints all that the app can read of itself.
func (e *env) portrait(r im.Room) (text string) {
	e.Helper()
	e.update(func(tx im.Tx) error {
		text = ""
		for _, a := range slices.Concat(reads(), accountReads(), joinReads()) {
			found, err := a.use(tx, e.app, r)
			text += fmt.Sprintf("%s: %+v %v\n", a.method, found, err)
		}
		token, err := tx.Token(e.hash(1))
		text += fmt.Sprintf("Token: %+v %v\n", token, err)
		return nil
	})
	return text
}

func testDeleteApp(e *env) {
	stays := newEnv(e.T, e.store)
	stays.app = e.newApp("stays")
	r, kept := e.everything(), stays.everything()
	was := stays.portrait(kept)
	e.update(func(tx im.Tx) error { return tx.DeleteApp(e.app) })
	e.view(func(tx im.Tx) error {
		apps, err := tx.Apps()
		e.same("apps", len(apps), 1)
		return err
	})
	for name, add := range map[string]func(im.Tx) error{
		"AddFile":       func(tx im.Tx) error { _, err := tx.AddFile(e.file("new", im.PublicPicture)); return err },
		"AddUser":       func(tx im.Tx) error { _, err := tx.AddUser(e.user("new")); return err },
		"AddRoom":       func(tx im.Tx) error { _, _, err := tx.AddRoom(e.newRoom(r.Kind, "ann"), members("ann")); return err },
		"AddToken":      func(tx im.Tx) error { return tx.AddToken(im.Token{Hash: e.hash(7), App: e.app}) },
		"AddSuperAdmin": func(tx im.Tx) error { return tx.AddSuperAdmin(e.app, "new", start()) },
		"Advance":       func(tx im.Tx) error { _, _, err := tx.Advance(e.app, "unew:newer", 7); return err },
		"AddMessage":    func(tx im.Tx) error { _, err := tx.AddMessage(im.Message{App: e.app, ID: 7, Past: true}); return err },
		"Tell": func(tx im.Tx) error {
			_, err := tx.Tell(e.app, []im.Message{{ID: 7, To: im.NoticesOf("bob")}})
			return err
		},
		"AddUsers":    func(tx im.Tx) error { _, err := tx.AddUsers(e.app, []im.User{e.user("new")}); return err },
		"AddAccounts": func(tx im.Tx) error { return e.addAccount(tx, e.account(0, "new")) },
		"Secret":      func(tx im.Tx) error { _, err := tx.Secret(e.app, "new", "secret"); return err },
		"RevokeJWT":   func(tx im.Tx) error { _, err := tx.RevokeJWT(e.app, "new", start()); return err },
	} {
		if err := e.store.Update(e.Context(), add); !errors.Is(err, im.ErrAppNotFound) {
			e.Errorf("%s: got %v, want ErrAppNotFound", name, err)
		}
	}

	for rounds, n := 0, 3; n > 0; rounds++ {
		n = get(e, func(tx im.Tx) (int, error) { return tx.DeleteRemains(3) })
		if n > 3 || rounds > 100 {
			e.Fatalf("round %d removes %d rows", rounds, n)
		}
	}
	for _, a := range slices.Concat(reads(), accountReads(), joinReads()) {
		if found, err := e.try(a, r); err == nil && !nothing(found) {
			e.Errorf("%s found %+v", a.method, found)
		}
	}
	e.view(func(tx im.Tx) error {
		if _, err := tx.Token(e.hash(1)); err == nil {
			e.Error("a token is left")
		}
		due, err := tx.DueMutes(start().Add(time.Hour), 9)
		e.same("mutes left", len(due), 1)
		absences, e2 := tx.DueAbsences(start(), 9)
		e.same("absences left", len(absences), 1)
		visitors, e3 := tx.Visitors(im.Visitor{}, 9)
		e.same("visitors left", visitors, []im.Visitor{{App: stays.app, User: "bob"}})
		return firstError(err, e2, e3)
	})
	e.same("the other app", stays.portrait(kept), was)
}
