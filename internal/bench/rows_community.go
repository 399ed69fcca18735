package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"teahouse/internal/im"
)

// Of the groups of a social app.
const (
	communityGroups = 500
	communitySize   = 50
	communityPeople = 200
)

// communityRow asks for all groups of somebody who is in many, with the profiles of their members, as the iOS client does at its
// start: GET /api/v2/easemob/group, the whole way.
func (b *bench) communityRow() (err error) {
	dir := filepath.Join(b.dir, "community")
	ids, err := b.community(dir)
	if err != nil {
		return err
	}
	p, err := b.serve(dir, "--thinksns", "standalone", "--thinksns-app", org+"#"+app)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	c, err := dial(p.addr)
	if err != nil {
		return err
	}
	defer c.close()
	social := api{addr: p.addr, prefix: "/api/v2"}
	body, err := c.do(social.post("/auth/login", `{"login":"person1","password":"secret"}`))
	if err != nil {
		return err
	}
	var login struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &login); err != nil {
		return err
	}
	social.token = login.Token
	request := social.get("/easemob/group?im_group_id=" + strings.Join(ids, ","))
	var took []time.Duration
	for range b.pick(20, 5) {
		began := time.Now()
		body, err := c.do(request)
		if err != nil {
			return err
		}
		took = append(took, time.Since(began))
		if n := strings.Count(string(body), `"affiliations_count"`); n != communityGroups {
			return fmt.Errorf("%d groups in the answer, want %d", n, communityGroups)
		}
		if n := strings.Count(string(body), `"is_owner"`); n != communityGroups*communitySize {
			return fmt.Errorf("%d members in the answer, want %d", n, communityGroups*communitySize)
		}
	}
	b.within("12", fmt.Sprintf("GET /api/v2/easemob/group, %d groups of %d members", communityGroups, communitySize), median(took), time.Second,
		fmt.Sprintf("(the first %s)", round(took[0])))
	return nil
}

// community makes groups that person 1 is in, and returns their ids.
func (b *bench) community(dir string) (ids []string, err error) {
	store, service, err := b.open(dir, 0, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	a, err := service.CreateApp(b.ctx, im.NewApp{Key: im.AppKey{Org: org, Name: app}})
	if err != nil {
		return nil, err
	}
	operator := im.AppCaller(&a)
	people := make([]im.NewAccount, communityPeople)
	for i := range people {
		people[i] = im.NewAccount{ID: int64(i + 1), Name: fmt.Sprint("person", i+1), Password: "secret"}
	}
	if _, err := service.ImportAccounts(b.ctx, operator, people); err != nil {
		return nil, err
	}
	if err := service.RegisterAllIM(b.ctx, operator, nil); err != nil {
		return nil, err
	}
	for g := range communityGroups {
		members := []string{"1"}
		for i := 0; len(members) < communitySize; i++ {
			members = append(members, fmt.Sprint(2+(g+i)%(communityPeople-1)))
		}
		room, err := service.CreateRoom(b.ctx, operator, im.NewRoom{Kind: im.Group, Name: fmt.Sprint("group ", g), Description: "a group of the benchmark",
			Owner: members[g%communitySize], Members: members})
		if err != nil {
			return nil, err
		}
		ids = append(ids, string(room.ID))
	}
	return ids, nil
}
