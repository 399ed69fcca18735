// Command teahouse is a self-hosted instant messaging server that speaks the APIs of Easemob and of ThinkSNS+.
//
// It turns arguments into a server.Config and calls server.Run, or one function of server.Tool per command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments.
func run(args []string, stdout, stderr io.Writer) int {
	var c cli
	ended := -1 // --help asked to end with this code
	parser, err := newParser(&c, stdout, stderr, func(code int) { ended = code })
	if err != nil {
		panic(err) // our own declarations are wrong
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if len(args) == 1 && args[0] == "--version" {
		args = []string{"version"}
	}
	command, err := parser.Parse(args)
	if ended >= 0 {
		return ended
	}
	if err == nil {
		err = checkEnvironment(parser.Model, os.Environ())
	}
	if err != nil {
		fmt.Fprintf(stderr, "teahouse: %v\n%s\n", err, hint(err))
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err = command.Run(&surroundings{ctx, parser, stdout, stderr})
	var misused *kong.ParseError // help about what there is not
	switch {
	case ended >= 0:
		return ended
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "teahouse: interrupted")
		return exitFailed
	case errors.As(err, &misused):
		fmt.Fprintf(stderr, "teahouse: %v\n%s\n", err, hint(err))
		return exitUsage
	case err != nil:
		fmt.Fprintf(stderr, "teahouse: %v\n", err)
		return exitFailed
	}
	return 0
}

// hint tells where the usage of the command that was meant stands.
func hint(err error) string {
	var p *kong.ParseError
	if errors.As(err, &p) {
		if node := p.Context.Selected(); node != nil {
			return fmt.Sprintf("Type \"%s --help\" to see how it is used.", node.FullPath())
		}
	}
	return "Type \"teahouse --help\" to see the commands."
}

// surroundings are what the commands' Run methods need besides their flags.
type surroundings struct {
	ctx            context.Context // of the one command this process runs
	parser         *kong.Kong
	stdout, stderr io.Writer
}
