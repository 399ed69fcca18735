package main

import (
	"os"

	"teahouse/internal/server"
)

// thinksnsCmd is about moving from a ThinkSNS+.
type thinksnsCmd struct {
	ImportGroups importGroupsCmd `cmd:"" help:"Make the groups of the table im_group that are missing, and give groups their pictures. Can be repeated."`
}

type importGroupsCmd struct {
	File   string `arg:"" help:"CSV whose first line names the columns (im_group_id, user_id, group_face), or what mysqldump wrote of the table im_group; - reads standard input."`
	Format string `help:"csv or sql. Default: by the file's name." placeholder:"FORMAT"`
	Prefix string `help:"Prefix of the dump's table names." placeholder:"PREFIX"`
	URL    string `name:"thinksns-url" help:"Address of the ThinkSNS+, which is asked for owners and for the addresses of pictures." env:"TEAHOUSE_THINKSNS_URL" placeholder:"URL"`
	accountFlags
}

// Run implements the command.
func (c importGroupsCmd) Run(s *surroundings) error {
	return c.tool(s).ImportGroups(s.ctx, c.App, server.GroupImport{File: c.File, Format: c.Format, Prefix: c.Prefix, URL: c.URL, Stdin: os.Stdin})
}
