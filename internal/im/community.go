package im

import (
	"context"
	"strconv"
	"unicode/utf8"
)

// The groups of the social app are rooms of the kind Group. Its rules about who may do what differ from those of the
// management API and the SDKs: they are here (wire/thinksns.md §5).

// Limits of what the social app asks for (wire/thinksns.md §3.3).
const (
	maxCommunityText = 4096   // characters: apps make a name of all members' names
	communityPlaces  = 200    // places in a group that names none
	communityMost    = 2000   // places a group may ask for
	communityMembers = 50_000 // members listed in one call
)

// CommunityGroup is a group as the social app shows it.
type CommunityGroup struct {
	Room
	Face   Face     // its Room is empty when there is none
	Roster []Member // longest in the group first
}

// Toggle is what a request says about a setting that is on or off.
type Toggle uint8

// The toggles.
const (
	Unsaid Toggle = iota // as in a new group; for an admin as it is
	AsItIs
	On
	Off
)

// or returns what the toggle says.
func (t Toggle) or(asItIs, asNew bool) bool {
	switch t {
	case On:
		return true
	case Off:
		return false
	case Unsaid:
		return asNew
	}
	return asItIs
}

// NewGroup is a group to be made by one of its people.
type NewGroup struct {
	Name, Description                 string
	Public, MembersOnly, AllowInvites Toggle
	MaxUsers                          *int
	Members                           []int64 // besides the caller
}

// GroupEdit is a change of a group.
type GroupEdit struct {
	Name, Description                 string
	Public, MembersOnly, AllowInvites Toggle
	MaxUsers                          *int  // nil: as it is
	Face                              *Face // nil: as it is
	NewOwner                          int64 // 0: as it is
}

// person is the account that calls; app tokens are nobody's.
func person(c Caller) (int64, error) {
	switch id, ok := AccountID(c.User); {
	case !c.Known():
		return 0, ErrUnauthenticated
	case c.IsApp() || !ok:
		return 0, ErrUserOnly
	default:
		return id, nil
	}
}

// Introspect returns the person whose token of the ThinkSNS+ beside us this is. Errors: ErrTokenBad, ErrUnavailable.
func (s *Service) Introspect(ctx context.Context, token string) (Profile, error) {
	if s.directory == nil {
		return Profile{}, ErrTokenBad
	}
	return s.directory.Introspect(ctx, token)
}

// people returns the profiles of those who are numbered, each once and in this order. Errors: ErrUserNotFound, which names one
// who does not exist; those of [Directory].
func (s *Service) people(ctx context.Context, app *App, ids []int64) ([]Profile, error) {
	found, err := s.Profiles(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]Profile, len(found))
	for _, p := range found {
		byID[p.ID] = p
	}
	var all []Profile
	for _, id := range ids {
		p, ok := byID[id]
		if !ok {
			return nil, ErrUserNotFound.For(IMName(id))
		}
		all = append(all, p)
	}
	return all, nil
}

func namesOf(people []Profile) []Username {
	names := make([]Username, len(people))
	for i, p := range people {
		names[i] = IMName(p.ID)
	}
	return names
}

// CommunityGroups returns those of the named groups that the caller may see: the public ones and the own. It reads the store a
// fixed number of times, however many they are. Errors: ErrRoomNotFound, which names the first, when none is left.
func (s *Service) CommunityGroups(ctx context.Context, c Caller, ids []RoomID) (groups []CommunityGroup, err error) {
	if _, err := person(c); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) error {
		groups = nil
		rooms, err := tx.Rooms(c.App.ID, Group, ids)
		if err != nil {
			return err
		}
		mine, err := tx.RoomsAmong(c.App.ID, c.User, Group, ids)
		if err != nil {
			return err
		}
		seen := make(map[RoomID]bool, len(rooms))
		for _, id := range mine {
			seen[id] = true
		}
		for _, r := range rooms {
			if r.Public || seen[r.ID] {
				groups = append(groups, CommunityGroup{Room: r})
			}
		}
		return fillGroups(tx, c.App.ID, groups)
	})
	if err == nil && len(groups) == 0 {
		err = ErrRoomNotFound
		if len(ids) > 0 {
			err = ErrRoomNotFound.In(ids[0])
		}
	}
	return groups, err
}

// fillGroups adds faces and rosters. Of groups beyond what one call lists only the owner is told.
func fillGroups(tx Tx, app AppID, groups []CommunityGroup) error {
	if err := addFaces(tx, app, groups); err != nil || len(groups) == 0 {
		return err
	}
	ids := make([]RoomID, len(groups))
	for i, g := range groups {
		ids[i] = g.ID
	}
	members, err := tx.MembersOf(app, ids, communityMembers)
	if err != nil {
		return err
	}
	rosters := make(map[RoomID][]Member, len(groups))
	for _, m := range members {
		rosters[m.Room] = append(rosters[m.Room], m.Member)
	}
	for i := range groups {
		groups[i].Roster = ownerFirst(groups[i].Room, rosters[groups[i].ID])
	}
	return nil
}

func addFaces(tx Tx, app AppID, groups []CommunityGroup) error {
	ids := make([]RoomID, len(groups))
	at := make(map[RoomID]int, len(groups))
	for i, g := range groups {
		ids[i], at[g.ID] = g.ID, i
	}
	faces, err := tx.Faces(app, ids)
	for _, f := range faces {
		groups[at[f.Room]].Face = f
	}
	return err
}

// GroupFaces returns those of the named groups that exist, without their rosters: any person may see the faces.
func (s *Service) GroupFaces(ctx context.Context, c Caller, ids []RoomID) (groups []CommunityGroup, err error) {
	if _, err := person(c); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) error {
		rooms, err := tx.Rooms(c.App.ID, Group, ids)
		groups = make([]CommunityGroup, len(rooms))
		for i, r := range rooms {
			groups[i].Room = r
		}
		return firstError(err, addFaces(tx, c.App.ID, groups))
	})
	return groups, err
}

// StartGroup makes a group of the caller's; its members are in it at once. All or nothing. Errors: ErrUserNotFound,
// ErrFieldMissing, ErrInvalid, ErrNameTooLong, ErrDescTooLong, ErrMaxUsersHigh, ErrTooManyMembers, ErrAppRooms.
func (s *Service) StartGroup(ctx context.Context, c Caller, n NewGroup) (Room, error) {
	me, err := person(c)
	if err != nil {
		return Room{}, err
	}
	room := Room{App: c.App.ID, Kind: Group, Name: n.Name, Description: n.Description, Owner: c.User, Created: s.clock.Now(),
		Public: n.Public.or(true, true), MembersOnly: n.MembersOnly.or(false, false), AllowInvites: n.AllowInvites.or(true, true),
		InviteNeedConfirm: true, MaxUsers: min(communityPlaces, mostPlaces(c.App))}
	if n.MaxUsers != nil {
		room.MaxUsers = *n.MaxUsers
	}
	if err := checkCommunity(c.App, room); err != nil {
		return Room{}, err
	}
	people, err := s.people(ctx, c.App, append([]int64{me}, n.Members...))
	if err != nil {
		return Room{}, err
	}
	return s.openRoom(ctx, c, room, "", dedupe(namesOf(people)), func(w *work) error {
		return s.makeUsersIn(w.tx, c.App.ID, people)
	})
}

// mostPlaces is how many places a group of the social app may ask for.
func mostPlaces(app *App) int {
	_, most := app.Settings.places(Group)
	return min(communityMost, most)
}

// checkCommunity checks the fields that a person may choose.
func checkCommunity(app *App, r Room) error {
	switch most := mostPlaces(app); {
	case r.Name == "":
		return ErrFieldMissing.With("name")
	case !plainText(r.Name):
		return ErrInvalid.With("name")
	case !plainText(r.Description):
		return ErrInvalid.With("description")
	case utf8.RuneCountInString(r.Name) > maxCommunityText:
		return ErrNameTooLong.With(itoa(maxCommunityText))
	case utf8.RuneCountInString(r.Description) > maxCommunityText:
		return ErrDescTooLong.With(itoa(maxCommunityText))
	case r.MaxUsers < 1:
		return ErrInvalid.With("maxusers")
	case r.MaxUsers > most:
		return ErrMaxUsersHigh.With(itoa(most))
	}
	return nil
}

// inCommunity locks a group that the caller may see; a private one of others is as good as none.
func (s *Service) inCommunity(ctx context.Context, c Caller, id RoomID, fn func(*work) error) error {
	if _, err := person(c); err != nil {
		return err
	}
	return s.inAnyRoom(ctx, c, Group, id, Stranger, func(w *work) error {
		switch {
		case w.rank == Stranger && !w.room.Public:
			return ErrRoomNotFound.In(id)
		case w.room.Disabled:
			return ErrRoomDisabled.In(id)
		}
		return fn(w)
	})
}

// EditGroup changes a group and, in the same call, its owner; it returns the group without its roster. The owner may change
// everything, an admin name, description and face. A new owner must be a member. All or nothing. Errors: ErrRoomNotFound,
// ErrForbidden, ErrRoomDisabled, ErrNameTooLong, ErrDescTooLong, ErrMaxUsersHigh, ErrMaxUsersLow, ErrFileNotFound; ErrNotMember,
// ErrUserNotFound of the new owner.
func (s *Service) EditGroup(ctx context.Context, c Caller, id RoomID, e GroupEdit) (g CommunityGroup, transferred bool, err error) {
	if _, err := person(c); err != nil {
		return g, false, err
	}
	if e.NewOwner != 0 {
		if _, err := s.people(ctx, c.App, []int64{e.NewOwner}); err != nil {
			return g, false, err
		}
	}
	if e.Face != nil && e.Face.File != 0 && s.directory != nil {
		if e.Face.URL, err = s.directory.File(ctx, e.Face.File); err != nil {
			return g, false, err
		}
	}
	err = s.inCommunity(ctx, c, id, func(w *work) (err error) {
		transferred = false
		was := w.room
		if err := w.edit(e); err != nil {
			return err
		}
		if to := IMName(e.NewOwner); e.NewOwner != 0 && to != w.room.Owner {
			if err := w.transfer(to); err != nil {
				return err
			}
			transferred = true
		}
		if err := s.putFace(w, e.Face); err != nil { // after users: the row of a file comes behind theirs
			return err
		}
		w.emitUpdate(was)
		if err := w.tx.PutRoom(w.room); err != nil {
			return err
		}
		groups := []CommunityGroup{{Room: w.room}}
		err = addFaces(w.tx, c.App.ID, groups)
		g = groups[0]
		return err
	})
	return g, transferred && err == nil, err
}

// edit changes the fields of the room as the caller's role allows.
func (w *work) edit(e GroupEdit) error {
	if w.rank < Admin {
		return ErrForbidden.In(w.room.ID)
	}
	r := w.room
	r.Name, r.Description = e.Name, e.Description
	if w.rank < Owner { // what an admin does not say stays
		r.Public, r.MembersOnly, r.AllowInvites = e.Public.or(r.Public, r.Public), e.MembersOnly.or(r.MembersOnly, r.MembersOnly), e.AllowInvites.or(r.AllowInvites, r.AllowInvites)
	} else {
		r.Public, r.MembersOnly, r.AllowInvites = e.Public.or(r.Public, true), e.MembersOnly.or(r.MembersOnly, false), e.AllowInvites.or(r.AllowInvites, true)
	}
	if e.MaxUsers != nil {
		r.MaxUsers = *e.MaxUsers
	}
	was := w.room
	same := r.Public == was.Public && r.MembersOnly == was.MembersOnly && r.AllowInvites == was.AllowInvites && r.MaxUsers == was.MaxUsers
	if w.rank < Owner && (!same || e.NewOwner != 0 && IMName(e.NewOwner) != was.Owner) {
		return ErrForbidden.In(w.room.ID)
	}
	checked := r
	if r.MaxUsers == was.MaxUsers { // apps send back what they were told, which the management API may have set
		checked.MaxUsers = 1
	} else if r.MaxUsers >= 1 && r.MaxUsers < r.Members {
		return ErrMaxUsersLow.In(r.ID)
	}
	if err := checkCommunity(w.app, checked); err != nil {
		return err
	}
	w.room = r
	return nil
}

// putFace gives the room a face, which its avatar shows to others.
func (s *Service) putFace(w *work, f *Face) error {
	if f == nil {
		return nil
	}
	face := *f
	face.Room = w.room.ID
	if face.File != 0 && s.directory == nil {
		if _, err := UsePicture(w.tx, w.app.ID, face.File, "group_face "+string(w.room.ID)); err != nil {
			return err
		}
	}
	w.room.Avatar = face.URL
	return w.tx.PutFace(w.app.ID, face)
}

// DissolveGroup removes a group of the caller's; any other is as good as none. Errors: ErrRoomNotFound, ErrRoomDisabled.
func (s *Service) DissolveGroup(ctx context.Context, c Caller, id RoomID) error {
	return s.inCommunity(ctx, c, id, func(w *work) error {
		if w.rank < Owner {
			return ErrRoomNotFound.In(id)
		}
		return w.destroy()
	})
}

// InvitePeople puts people into a group and returns those who were not in it. Any member may, whatever the group says of
// invitations: apps offer it to everyone. Who is none may join a public group that asks nobody. All or nothing. Errors:
// ErrUserNotFound, ErrRoomNotFound, ErrForbidden, ErrRoomDisabled, ErrTooManyMembers.
func (s *Service) InvitePeople(ctx context.Context, c Caller, id RoomID, ids []int64) (added []Profile, err error) {
	me, err := person(c)
	if err != nil {
		return nil, err
	}
	people, err := s.people(ctx, c.App, ids)
	if err != nil {
		return nil, err
	}
	joins := len(ids) == 1 && ids[0] == me
	err = s.inCommunity(ctx, c, id, func(w *work) error {
		if w.rank == Stranger && (!joins || w.room.MembersOnly) {
			return ErrForbidden.In(id)
		}
		if err := s.makeUsersIn(w.tx, c.App.ID, people); err != nil {
			return err
		}
		all, err := w.registered(dedupe(namesOf(people)))
		if err != nil {
			return err
		}
		for _, st := range all {
			if st.Blocked && w.rank < Admin {
				return ErrForbidden.For(st.User).In(id)
			}
		}
		names, err := w.admit(all, ErrTooManyMembers)
		added = those(people, names)
		return err
	})
	return added, err
}

// those returns the people who have these names.
func those(people []Profile, names []Username) (some []Profile) {
	among := make(map[Username]bool, len(names))
	for _, n := range names {
		among[n] = true
	}
	for _, p := range people {
		if among[IMName(p.ID)] {
			some = append(some, p)
		}
	}
	return some
}

// RemovePeople takes people out of a group and returns those who were in it; of one who is gone only the number is known. The
// owner and admins may take out anyone but the owner, a member the own person. All or nothing. Errors: ErrRoomNotFound,
// ErrForbidden, ErrRoomDisabled, ErrOnOwner, ErrUserNotFound of who neither exists nor is a member.
func (s *Service) RemovePeople(ctx context.Context, c Caller, id RoomID, ids []int64) (removed []Profile, err error) {
	me, err := person(c)
	if err != nil {
		return nil, err
	}
	found, err := s.Profiles(ctx, c.App, ids)
	if err != nil {
		return nil, err
	}
	known := make(map[int64]Profile, len(found))
	for _, p := range found {
		known[p.ID] = p
	}
	people := make([]Profile, len(ids))
	for i, n := range ids {
		if people[i] = known[n]; people[i].ID == 0 {
			people[i] = Profile{ID: n, Name: strconv.FormatInt(n, 10)}
		}
	}
	leaves := len(ids) == 1 && ids[0] == me
	err = s.inCommunity(ctx, c, id, func(w *work) error {
		removed = nil
		if w.rank < Admin && !(leaves && w.rank == Plain) {
			return ErrForbidden.In(id)
		}
		fit, err := w.removablePeople(people, known)
		if err != nil || len(fit) == 0 {
			return err
		}
		removed = those(people, usersOf(fit))
		if leaves {
			return w.take(fit, MembersLeft)
		}
		return w.take(fit, MembersRemoved)
	})
	return removed, err
}

// removablePeople returns those who are in the room, none of whom may be its owner.
func (w *work) removablePeople(people []Profile, known map[int64]Profile) (fit []Standing, err error) {
	all, err := w.standings(dedupe(namesOf(people)))
	if err != nil {
		return nil, err
	}
	for _, st := range all {
		n, _ := AccountID(st.User)
		switch _, exists := known[n]; {
		case st.Role == Owner:
			return nil, ErrOnOwner.For(st.User).In(w.room.ID)
		case st.Member:
			fit = append(fit, st)
		case !exists:
			return nil, w.missing(st.User)
		}
	}
	return fit, nil
}
