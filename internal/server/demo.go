package server

import (
	"context"
	"errors"
	"slices"

	"teahouse/internal/im"
)

// demoRoom is a room that the documents' examples name.
type demoRoom struct {
	id, name, description, owner string
	members                      []string
	maxUsers                     int
	admin                        string
}

const demoPassword = "123456"

func demoUsers() []string {
	return []string{
		"jma1", "jma2", "jma3", "ceshia", "hxt001", "zp300", "55", "z1", "z2", "z3", "user1", "user2",
		"jianxin1", "jianxin2", "13800138001", "v3y0kf9arx", "xc6xrnbzci",
	}
}

// demoRooms lists the rooms of the examples in the order of their creation. Lists show the newest room first, and the
// second page of three is to be that of the documents: hence the place of the second to fourth room.
func demoRooms() []demoRoom {
	return []demoRoom{
		{id: "1432259621444159", name: "hxt001room0516", description: "chatroom description", owner: "hxt001", maxUsers: 2000},
		{id: "132598658687304132", name: "123456", description: "demo", owner: "55", maxUsers: 1000},
		{id: "124375913398796852", name: "azpp", description: "demo", owner: "zp300", maxUsers: 1000},
		{id: "124375842267595332", name: "testchatroom", description: "demo", owner: "zp300", maxUsers: 1000},
		// The second page of two members is user1, user2.
		{id: "1265710621211", name: "moderated", description: "z1 is an admin", owner: "13800138001",
			members: []string{"z1", "user1", "user2", "z2", "z3"}, maxUsers: 200, admin: "z1"},
		// jianxin1 and jianxin2 join it in the examples.
		{id: "96330911796167468", name: "open house", description: "come in", owner: "13800138001",
			members: []string{"v3y0kf9arx", "xc6xrnbzci"}, maxUsers: 200},
		{id: "1432266600611977", name: "testchatroom", description: "jma1 is in it", owner: "jma2", members: []string{"jma1"}, maxUsers: 200},
	}
}

// demo fills the app with what the documents' examples speak of, so that each of them works as it stands. What is there
// stays; what is missing is made, also when an earlier start was killed in the middle; what the app's settings forbid by
// now is left out.
func (s *server) demo(ctx context.Context, app *im.App) error {
	caller, password := im.AppCaller(app), demoPassword
	for names := range slices.Chunk(demoUsers(), app.Settings.BatchRegister) {
		var users []im.NewUser
		for _, name := range names {
			users = append(users, im.NewUser{Name: name, Password: &password})
		}
		if _, _, err := s.service.RegisterBatch(ctx, caller, users); err != nil {
			return err
		}
	}
	for _, r := range demoRooms() {
		err := r.make(ctx, s.service, caller)
		if kind := im.AsError(err).Kind; err != nil && (kind == im.Internal || kind == im.Unavailable) {
			return err
		}
		if err != nil {
			s.log.Info("demo data left out", "room", r.id, "err", err)
		}
	}
	return nil
}

func (r demoRoom) make(ctx context.Context, service *im.Service, caller im.Caller) error {
	_, err := service.CreateRoom(ctx, caller, im.NewRoom{
		Kind: im.Chatroom, ID: im.RoomID(r.id), Name: r.name, Description: r.description,
		Owner: r.owner, Members: r.members, MaxUsers: &r.maxUsers,
	})
	if errors.Is(err, im.ErrRoomExists) {
		err = nil
	}
	if err != nil || r.admin == "" {
		return err
	}
	return service.AddAdmin(ctx, caller, im.Chatroom, im.RoomID(r.id), r.admin)
}
