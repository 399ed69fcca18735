package im

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// RoomID names a Room in its App.
type RoomID string

// RoomKind tells chatrooms from groups. Both are rooms: one roster, one set of rules.
type RoomKind int8

// The kinds of room.
const (
	Chatroom RoomKind = 1
	Group    RoomKind = 2
)

// Room is a conversation of many members under moderation.
type Room struct {
	App          AppID
	ID           RoomID
	Kind         RoomKind
	Name         string
	Description  string
	Custom       string // the application's own text
	Owner        Username
	MaxUsers     int  // places, the owner's included
	Members      int  // members now, the owner included; kept by the store
	Muted        bool // RoomMute: only owner, admins and those allowed may speak
	Announcement string
	Created      time.Time

	// Of groups; zero in a chatroom, which everybody finds and enters.
	Public            bool // listed among the public groups
	MembersOnly       bool // who wants to join is asked about
	AllowInvites      bool // plain members may add and invite others
	InviteNeedConfirm bool // who is invited by a user is asked
	Disabled          bool // nobody may speak in it nor change it until it is enabled again
	Avatar            string

	Seq     int64 // place in the list of the app's rooms of this kind: grows with creation; given by the store
	Version int64 // how many changes were announced; kept by the store (ADR 14)
}

// Limits of a room's fields (wire/easemob.md §13).
const (
	maxRoomName     = 128  // characters
	maxDescription  = 512  // characters
	maxCustom       = 8192 // bytes
	maxAnnouncement = 512  // characters
	maxAvatar       = 1024 // characters
	maxChosenID     = 64
	// detailMembers is how many members a call for details lists in all: as many as the largest documented room has.
	// Of more only the owner is told; they are read page by page (ADR 7).
	detailMembers = 5000
	// idTries bounds the search for a free generated id; each try hits a taken one with tiny probability.
	idTries = 20
)

// NewRoom is a room to be made.
type NewRoom struct {
	Kind        RoomKind
	ID          RoomID // empty: generated, 14 digits
	Name        string
	Description string
	Custom      string
	Owner       string   // ignored for user tokens: the caller becomes the owner
	Members     []string // besides the owner
	MaxUsers    *int     // nil: the app's default

	// Of groups; see [Room].
	Public, MembersOnly, AllowInvites bool
	InviteNeedConfirm                 *bool // nil: true
	Avatar                            string
}

// ParseRoomID checks an id chosen by a caller: 2 to 64 lower-case letters and digits (ADR 11).
func ParseRoomID(s string) (RoomID, error) {
	ok := len(s) >= 2 && len(s) <= maxChosenID && !routeWord(s)
	for i := 0; ok && i < len(s); i++ {
		ok = s[i] >= 'a' && s[i] <= 'z' || s[i] >= '0' && s[i] <= '9'
	}
	if !ok {
		return "", ErrInvalid.With("roomid")
	}
	return RoomID(s), nil
}

// routeWord knows the words that stand beside room ids, or behind them, in the paths of the management API.
func routeWord(s string) bool {
	switch s {
	case "admin", "announcement", "apply", "ban", "blocks", "broadcast", "chatgroups", "chatrooms", "count", "disable",
		"enable", "invite", "mute", "quit", "roles", "shield", "user", "users", "white":
		return true
	}
	return false
}

// CreateRoom makes a room; its members are in it at once. All or nothing. For a chatroom a user token needs the right
// of a super admin. Errors: ErrForbidden, ErrFieldMissing, ErrInvalid, ErrNameTooLong, ErrDescTooLong, ErrMaxUsersHigh,
// ErrTooManyMembers, ErrUserNotFound, ErrTooManyRooms, ErrAppRooms, ErrRoomExists.
func (s *Service) CreateRoom(ctx context.Context, c Caller, n NewRoom) (Room, error) {
	if err := s.mayCreate(ctx, c, n.Kind); err != nil {
		return Room{}, err
	}
	if !c.IsApp() {
		n.Owner = string(c.User)
	}
	room, err := s.newRoom(c.App, n)
	if err != nil {
		return Room{}, err
	}
	return s.openRoom(ctx, c, room, n.ID, roster(room.Owner, n.Members), nil)
}

// openRoom stores a new room whose first member is the owner, under the chosen id or a generated one. prepare, which may be
// nil, comes first in the transaction.
func (s *Service) openRoom(ctx context.Context, c Caller, room Room, id RoomID, names []Username, prepare func(*work) error) (Room, error) {
	if len(names) > room.MaxUsers {
		return Room{}, ErrTooManyMembers.With("members")
	}
	members := make([]Member, len(names))
	for i, name := range names {
		members[i] = Member{User: name, Joined: room.Created, ByREST: true}
	}
	members[0].Role = Owner
	room.Members = len(members)
	err := s.update(ctx, c.App.ID, c.User, func(tx Tx, emit func(Event)) error {
		room.Version = 0
		w := &work{tx: tx, app: c.App, room: room, by: c.User, device: c.Device, publish: emit, aside: emit}
		if id != "" { // wait for who destroys the room of that id before anybody else is locked
			if _, err := tx.LockRoom(c.App.ID, room.Kind, id); err != nil && !errors.Is(err, ErrRoomNotFound) {
				return err
			}
		}
		if prepare != nil {
			if err := prepare(w); err != nil {
				return err
			}
		}
		all, err := w.registered(names)
		if err != nil {
			return err
		}
		if err := joinQuota(c.App, room, all); err != nil {
			return err
		}
		if err := s.addRoom(tx, c.App, &room, id, members); err != nil {
			return err
		}
		w.room = room
		w.firstPlaces(names)
		w.emit(RoomCreated, names...)
		w.noticeOthers(MembersJoined, names)
		room.Version = 1
		return nil
	})
	return room, err
}

// mayCreate: any user may create a group.
func (s *Service) mayCreate(ctx context.Context, c Caller, kind RoomKind) error {
	if !c.Known() {
		return ErrUnauthenticated
	}
	if c.IsApp() || kind == Group {
		return nil
	}
	return s.store.View(ctx, func(tx Tx) error {
		ok, err := tx.IsSuperAdmin(c.App.ID, c.User)
		if err == nil && !ok {
			err = ErrForbidden
		}
		return err
	})
}

// newRoom checks what the caller gave and fills in the rest.
func (s *Service) newRoom(app *App, n NewRoom) (Room, error) {
	standard, most := app.Settings.places(n.Kind)
	room := Room{App: app.ID, ID: n.ID, Kind: n.Kind, Name: n.Name, Description: n.Description, Custom: n.Custom,
		MaxUsers: min(standard, most), Created: s.clock.Now()}
	if n.Kind == Group {
		room.Public, room.MembersOnly, room.AllowInvites, room.Avatar = n.Public, n.MembersOnly, n.AllowInvites, n.Avatar
		room.InviteNeedConfirm = n.InviteNeedConfirm == nil || *n.InviteNeedConfirm
	}
	if n.Name == "" {
		return Room{}, ErrFieldMissing.With("name")
	}
	if n.Owner == "" {
		return Room{}, ErrFieldMissing.With("owner")
	}
	room.Owner = foldName(n.Owner)
	if n.ID != "" {
		if _, err := ParseRoomID(string(n.ID)); err != nil {
			return Room{}, err
		}
	}
	if n.MaxUsers != nil {
		room.MaxUsers = *n.MaxUsers
	}
	return room, checkRoom(room, most)
}

// checkRoom checks the fields a caller may choose; most is the highest number of places.
func checkRoom(r Room, most int) error {
	switch {
	case utf8.RuneCountInString(r.Name) > maxRoomName:
		return ErrNameTooLong.With("128")
	case utf8.RuneCountInString(r.Description) > maxDescription:
		return ErrDescTooLong.With("512")
	case len(r.Custom) > maxCustom:
		return ErrInvalid.With("custom")
	case utf8.RuneCountInString(r.Avatar) > maxAvatar:
		return ErrInvalid.With("avatar")
	case r.MaxUsers < 1:
		return ErrInvalid.With("maxusers")
	case r.MaxUsers > most:
		return ErrMaxUsersHigh.With(itoa(most))
	}
	return nil
}

// roster returns the owner and then the other names, folded, each once.
func roster(owner Username, others []string) []Username {
	return dedupe(append([]Username{owner}, fold(others)...))
}

// joinQuota refuses users who have no room of this kind left to join.
func joinQuota(app *App, room Room, standings []Standing) error {
	for _, st := range standings {
		if room.Kind == Chatroom && st.Joined >= app.Settings.JoinedRooms {
			return ErrTooManyRooms.For(st.User).In(room.ID)
		}
	}
	return nil
}

// addRoom stores the room under the chosen id, or under a generated one that is free.
func (s *Service) addRoom(tx Tx, app *App, room *Room, chosen RoomID, members []Member) error {
	quota := app.Settings.MaxChatrooms
	if room.Kind == Group {
		quota = app.Settings.MaxGroups
	}
	for range idTries {
		if room.ID = chosen; chosen == "" {
			room.ID = s.ids.RoomID()
		}
		rooms, added, err := tx.AddRoom(*room, members)
		switch {
		case err != nil:
			return err
		case added && quota > 0 && rooms > quota:
			return ErrAppRooms.With(app.Key.String())
		case added:
			return nil
		case chosen != "":
			return ErrRoomExists.In(chosen)
		}
	}
	return ErrInternal.With("no free room id")
}

// RoomChange names the fields of a room to change; nil leaves one as it is.
type RoomChange struct {
	Name, Description, Custom *string
	MaxUsers                  *int
	NewOwner                  *string // must be a member; the old owner stays as a plain one

	// Of groups; see [Room].
	Public, MembersOnly, AllowInvites, InviteNeedConfirm *bool
	Avatar                                               *string
}

// ChangeRoom changes a room's fields and, in the same call, its owner. All or nothing. What describes a group its admins
// may change, too. Errors: ErrRoomNotFound, ErrForbidden, ErrInvalid (a '/' in a name, seed 004), ErrNameTooLong, ErrDescTooLong, ErrMaxUsersHigh,
// ErrMaxUsersLow, ErrUserNotFound, ErrSameOwner, ErrNotMember.
func (s *Service) ChangeRoom(ctx context.Context, c Caller, kind RoomKind, id RoomID, ch RoomChange) error {
	need := Owner
	if kind == Group && ch.describes() {
		need = Admin
	}
	var owner Username
	err := s.inRoom(ctx, c, kind, id, need, func(w *work) error {
		was := w.room
		owner = was.Owner
		if err := changeFields(c.App, &w.room, ch); err != nil {
			return err
		}
		if ch != (RoomChange{NewOwner: ch.NewOwner}) {
			w.emitUpdate(was)
		}
		if ch.NewOwner != nil {
			if err := w.transfer(foldName(*ch.NewOwner)); err != nil {
				return err
			}
		}
		return w.tx.PutRoom(w.room)
	})
	if err == nil && ch.NewOwner != nil {
		s.demoted(ctx, c.App.ID, kind, owner)
	}
	return err
}

func changeFields(app *App, r *Room, ch RoomChange) error {
	if ch.Name != nil {
		r.Name = *ch.Name
		if r.Name == "" || strings.Contains(r.Name, "/") {
			return ErrInvalid.With("name")
		}
	}
	if ch.Description != nil {
		r.Description = *ch.Description
		if strings.Contains(r.Description, "/") {
			return ErrInvalid.With("description")
		}
	}
	if ch.Custom != nil {
		r.Custom = *ch.Custom
	}
	if ch.MaxUsers != nil {
		r.MaxUsers = *ch.MaxUsers
	}
	if r.Kind == Group {
		changeGroup(r, ch)
	}
	_, most := app.Settings.places(r.Kind)
	if ch.MaxUsers == nil { // a room made under a higher cap keeps its places
		most = max(most, r.MaxUsers)
	}
	checked := *r
	if ch.Name == nil { // that of a group of the social app may be longer
		checked.Name = ""
	}
	if ch.Description == nil {
		checked.Description = ""
	}
	if err := checkRoom(checked, most); err != nil {
		return err
	}
	if ch.MaxUsers != nil && r.MaxUsers < r.Members {
		return ErrMaxUsersLow.In(r.ID)
	}
	return nil
}

// transfer makes a member the owner; the old owner becomes a plain member. An owner cannot be muted nor shield the room, so
// both end for the new one.
func (w *work) transfer(to Username) error {
	both, err := w.registered([]Username{to, w.room.Owner})
	switch {
	case err != nil:
		return err
	case to == w.room.Owner:
		return ErrSameOwner.For(to).In(w.room.ID)
	case !both[0].Member:
		return ErrNotMember.For(to).In(w.room.ID)
	}
	from := w.room.Owner
	w.room.Owner = to
	w.emit(OwnerChanged, to, from)
	w.noticeOwner(to, from)
	if err := firstError(w.unmute([]Username{to}), w.shield(to, false)); err != nil {
		return err
	}
	if err := w.tx.SetRole(w.room, from, Plain); err != nil {
		return err
	}
	return w.tx.SetRole(w.room, to, Owner)
}

// DestroyRoom removes a room; a disabled one needs an app token. Errors: ErrRoomNotFound, ErrForbidden, ErrRoomDisabled.
func (s *Service) DestroyRoom(ctx context.Context, c Caller, kind RoomKind, id RoomID) error {
	return s.inAnyRoom(ctx, c, kind, id, Owner, func(w *work) error {
		if w.room.Disabled && w.rank < appRank {
			return ErrRoomDisabled.In(id)
		}
		return w.destroy()
	})
}

func (w *work) destroy() error {
	w.gone = true
	w.emit(RoomDestroyed)
	return firstError(w.noticeEnd(), w.tx.DeleteRoom(w.room))
}

// RoomsPage lists rooms, newest first, page by page from 1.
func (s *Service) RoomsPage(ctx context.Context, c Caller, kind RoomKind, page Page) (rooms []Room, err error) {
	if !c.Known() {
		return nil, ErrUnauthenticated
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		rooms, err = tx.RoomsAt(c.App.ID, kind, page.offset(), page.Size)
		return err
	})
	return rooms, err
}

// RoomsAfter lists rooms, newest first, after the place of a former answer (0 to begin). next is 0 on the last page.
func (s *Service) RoomsAfter(ctx context.Context, c Caller, kind RoomKind, after int64, limit int) ([]Room, int64, error) {
	return s.roomsBefore(ctx, c, after, limit, func(tx Tx, before int64, limit int) ([]Room, error) {
		return tx.RoomsBefore(c.App.ID, kind, before, limit)
	})
}

// roomsBefore lists rooms, newest first: those after the place of a former answer, and the place to go on from.
func (s *Service) roomsBefore(ctx context.Context, c Caller, after int64, limit int, look func(tx Tx, before int64, limit int) ([]Room, error)) (rooms []Room, next int64, err error) {
	if !c.Known() {
		return nil, 0, ErrUnauthenticated
	}
	if after <= 0 {
		after = 1<<63 - 1
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		rooms, err = look(tx, after, limit+1)
		return err
	})
	if len(rooms) > limit {
		rooms = rooms[:limit]
		next = rooms[limit-1].Seq
	}
	return rooms, next, err
}

// RoomDetail is a room with its first members, the owner foremost (seed 004).
type RoomDetail struct {
	Room
	Roster []Member

	// Of groups, for a user who asks.
	Role     Role // Stranger for an app token
	Shielded bool // does not receive the messages
}

// RoomDetails returns those of the named rooms that exist. Of a group that is not public strangers are told the owner only. Errors: ErrRoomNotFound, which names the first, when none does.
func (s *Service) RoomDetails(ctx context.Context, c Caller, kind RoomKind, ids []RoomID) (details []RoomDetail, err error) {
	if !c.Known() {
		return nil, ErrUnauthenticated
	}
	err = s.store.View(ctx, func(tx Tx) error {
		rooms, err := tx.Rooms(c.App.ID, kind, ids)
		switch {
		case err != nil:
			return err
		case len(ids) == 0:
			return ErrRoomNotFound
		case len(rooms) == 0:
			return ErrRoomNotFound.In(ids[0])
		}
		roles, err := rolesOf(tx, c, kind, rooms)
		if err != nil {
			return err
		}
		details = make([]RoomDetail, len(rooms))
		left := detailMembers
		for i, r := range rooms {
			var members []Member
			outside := r.Kind == Group && !r.Public && !c.IsApp() && roles[i] == Stranger
			if left > 0 && !outside {
				if members, err = tx.MembersFrom(r, 0, false, left); err != nil {
					return err
				}
			}
			left -= len(members)
			details[i] = RoomDetail{Room: r, Roster: ownerFirst(r, members), Role: roles[i]}
			if roles[i] > Stranger {
				shields, err := tx.Shields(r, c.User)
				if err != nil {
					return err
				}
				details[i].Shielded = len(shields) > 0
			}
		}
		return nil
	})
	return details, err
}

// ownerFirst moves the owner to the front; a list that was cut before the owner's place gets the owner anyway.
func ownerFirst(r Room, members []Member) []Member {
	i := slices.IndexFunc(members, func(m Member) bool { return m.Role == Owner })
	switch {
	case i < 0:
		return append([]Member{{User: r.Owner, Role: Owner}}, members...)
	case i > 0:
		owner := members[i]
		copy(members[1:i+1], members[:i])
		members[0] = owner
	}
	return members
}
