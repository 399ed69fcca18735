package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"teahouse/internal/server"
)

// accountCmd is about the people of the social app.
type accountCmd struct {
	Import   accountImportCmd   `cmd:"" help:"Bring accounts along from a CSV file or a ThinkSNS+ database dump. Can be repeated."`
	Create   accountCreateCmd   `cmd:"" help:"Make an account."`
	List     accountListCmd     `cmd:"" help:"List accounts."`
	Show     accountShowCmd     `cmd:"" help:"Show an account."`
	Password accountPasswordCmd `cmd:"" help:"Give an account a new password; its sessions end."`
	Disable  accountDisableCmd  `cmd:"" help:"Keep a person out: no login, and the sessions end."`
	Enable   accountEnableCmd   `cmd:"" help:"Let a disabled person in again."`
	Delete   accountDeleteCmd   `cmd:"" help:"Delete an account: it leaves its groups, and those it owns pass to another member."`
	Admin    accountAdminCmd    `cmd:"" help:"Make an account an admin, who may act for others."`
}

// accountFlags are shared by the commands about accounts.
type accountFlags struct {
	App string `help:"App that it is about. Default: the only one there is." env:"TEAHOUSE_APP" placeholder:"ORG#APP"`
	toolFlags
}

// whoFlags are accountFlags of commands about one account.
type whoFlags struct {
	Who string `arg:"" name:"account" help:"Its id, name, email address or phone number."`
	accountFlags
}

type accountImportCmd struct {
	File   string `arg:"" help:"CSV whose first line names the columns (id, name, email, phone, password, bio, sex, location, avatar, bg, created_at, updated_at, deleted_at; only name is needed), or what mysqldump wrote of the table users; - reads standard input."`
	Format string `help:"csv or sql. Default: by the file's name." placeholder:"FORMAT"`
	Prefix string `help:"Prefix of the dump's table names." placeholder:"PREFIX"`
	Site   string `help:"Base address of the ThinkSNS+, to show avatars that it keeps." placeholder:"URL"`
	JSON   bool   `help:"Print JSON."`
	accountFlags
}

// Run implements the command.
func (c accountImportCmd) Run(s *surroundings) error {
	t := c.tool(s)
	t.JSON = c.JSON
	return t.ImportAccounts(s.ctx, c.App, server.AccountImport{File: c.File, Format: c.Format, Prefix: c.Prefix, Site: c.Site, Stdin: os.Stdin})
}

type accountCreateCmd struct {
	Name     string `arg:"" help:"The new account's name."`
	ID       int64  `name:"id" help:"Its id. Default: the next one." placeholder:"ID"`
	Email    string `help:"Its email address." placeholder:"ADDRESS"`
	Phone    string `help:"Its phone number." placeholder:"NUMBER"`
	Password string `help:"Its password; - reads it from standard input. Default: generated and printed." placeholder:"PASSWORD"`
	Admin    bool   `help:"It may act for others."`
	JSON     bool   `help:"Print JSON."`
	accountFlags
}

// Run implements the command.
func (c accountCreateCmd) Run(s *surroundings) error {
	password, err := readPassword(c.Password)
	if err != nil {
		return err
	}
	t := c.tool(s)
	t.JSON = c.JSON
	return t.CreateAccount(s.ctx, c.App, server.NewAccount{ID: c.ID, Name: c.Name, Email: c.Email, Phone: c.Phone, Password: password, Admin: c.Admin})
}

// readPassword reads "-" from standard input, where it shows neither in the list of processes nor in a shell's history.
func readPassword(given string) (string, error) {
	if given != "-" {
		return given, nil
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("no password on standard input: %w", err)
	}
	return line, nil
}

type accountListCmd struct {
	Keyword string `help:"Only names that hold this." placeholder:"TEXT"`
	After   int64  `help:"Only ids above this." placeholder:"ID"`
	Limit   int    `help:"How many." default:"100" placeholder:"N"`
	JSON    bool   `help:"Print JSON."`
	accountFlags
}

// Run implements the command.
func (c accountListCmd) Run(s *surroundings) error {
	t := c.tool(s)
	t.JSON = c.JSON
	return t.ListAccounts(s.ctx, c.App, c.Keyword, c.After, c.Limit)
}

type accountShowCmd struct {
	JSON bool `help:"Print JSON."`
	whoFlags
}

// Run implements the command.
func (c accountShowCmd) Run(s *surroundings) error {
	t := c.tool(s)
	t.JSON = c.JSON
	return t.ShowAccount(s.ctx, c.App, c.Who)
}

type accountPasswordCmd struct {
	Password string `help:"The new password; - reads it from standard input. Default: generated and printed." placeholder:"PASSWORD"`
	whoFlags
}

// Run implements the command.
func (c accountPasswordCmd) Run(s *surroundings) error {
	password, err := readPassword(c.Password)
	if err != nil {
		return err
	}
	return c.tool(s).SetAccountPassword(s.ctx, c.App, c.Who, password)
}

type accountDisableCmd struct{ whoFlags }

// Run implements the command.
func (c accountDisableCmd) Run(s *surroundings) error {
	return c.tool(s).DisableAccount(s.ctx, c.App, c.Who, true)
}

type accountEnableCmd struct{ whoFlags }

// Run implements the command.
func (c accountEnableCmd) Run(s *surroundings) error {
	return c.tool(s).DisableAccount(s.ctx, c.App, c.Who, false)
}

type accountDeleteCmd struct {
	Yes bool `help:"Really delete it; there is no way back."`
	whoFlags
}

// Run implements the command.
func (c accountDeleteCmd) Run(s *surroundings) error {
	if !c.Yes {
		return fmt.Errorf("this deletes the account %s for good; add --yes to do it", c.Who)
	}
	return c.tool(s).DeleteAccount(s.ctx, c.App, c.Who)
}

type accountAdminCmd struct {
	Revoke bool `help:"Make it an ordinary account again."`
	whoFlags
}

// Run implements the command.
func (c accountAdminCmd) Run(s *surroundings) error {
	return c.tool(s).SetAdmin(s.ctx, c.App, c.Who, !c.Revoke)
}
