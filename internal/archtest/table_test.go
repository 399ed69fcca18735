package archtest

// layer says what one package may import besides the standard library.
type layer struct {
	ours  []string // packages of this module, from its root
	third []string // modules of others, or folders of them
	tests []string // what only its tests import besides, ours and others'; any package ending in test is allowed anyway
	pure  bool     // neither net/http nor database/sql nor encoding/json
}

// layers is the table: a package that is missing here fails. Imports point from the outside in: cmd/teahouse, server,
// then surfaces and adapters side by side, then im.
func layers() map[string]layer {
	return map[string]layer{
		// The domain.
		"internal/im": {pure: true, tests: []string{"internal/blob", "internal/bus", "internal/passwords", "internal/pictures", "internal/sqlstore"}},

		// Adapters: im and their engine. They do not import each other.
		"internal/blob":      {ours: []string{"internal/im"}},
		"internal/bus":       {ours: []string{"internal/im"}},
		"internal/pictures":  {ours: []string{"internal/im"}},
		"internal/passwords": {ours: []string{"internal/im"}, third: []string{"golang.org/x/crypto"}},
		"internal/plus":      {ours: []string{"internal/im"}},
		"internal/dump":      {ours: []string{"internal/im"}},
		"internal/sqlstore": {ours: []string{"internal/im"},
			third: []string{"github.com/jackc/pgx/v5", "github.com/pressly/goose/v3", "modernc.org/libc", "modernc.org/sqlite"}},

		// Surfaces: im. They import neither each other nor an adapter.
		"internal/easemob": {ours: []string{"internal/im", "internal/webapi"}, third: []string{"golang.org/x/time/rate"},
			tests: []string{"internal/apidoc", "internal/blob", "internal/pictures", "internal/sqlstore", "github.com/getkin/kin-openapi"}},
		"internal/thinksns": {ours: []string{"internal/im", "internal/webapi"}, third: []string{"github.com/golang-jwt/jwt/v5", "golang.org/x/time/rate"},
			tests: []string{"internal/apidoc", "internal/blob", "internal/easemob", "internal/pictures", "internal/plus", "internal/sqlstore", "github.com/getkin/kin-openapi"}},
		"internal/hub": {ours: []string{"internal/im"}, tests: []string{"internal/bus"}},
		"internal/msync": {ours: []string{"internal/hub", "internal/im", "internal/msync/pb"},
			third: []string{"github.com/gobwas/ws", "golang.org/x/time/rate", "google.golang.org/protobuf"},
			tests: []string{"internal/blob", "internal/bus", "internal/pictures", "internal/sqlstore"}},
		"internal/msync/pb": {ours: []string{"internal/im"}, third: []string{"google.golang.org/protobuf"}}, // a leaf that surfaces may share, like webapi
		"internal/webapi":   {},
		"internal/apidoc":   {third: []string{"github.com/swaggest/swgui"}},

		// The composition root, and the command.
		"internal/server": {ours: []string{"internal/apidoc", "internal/blob", "internal/pictures", "internal/bus", "internal/dump", "internal/easemob", "internal/hub", "internal/im", "internal/msync", "internal/passwords", "internal/plus", "internal/sqlstore", "internal/thinksns", "internal/webapi"},
			third: []string{"github.com/lmittmann/tint", "github.com/prometheus/client_golang"}, tests: []string{"internal/msync/pb", "github.com/golang-jwt/jwt/v5", "google.golang.org/protobuf"}},
		"cmd/teahouse": {ours: []string{"internal/server"}, third: []string{"github.com/alecthomas/kong"}},

		// For development only.
		"internal/bench": {ours: []string{"internal/bus", "internal/im", "internal/msync/pb", "internal/passwords", "internal/server", "internal/sqlstore"},
			third: []string{"github.com/gobwas/ws", "google.golang.org/protobuf"}},
		"test/*": {}, // they look at the built binary from outside

		"internal/archtest":       {},
		"internal/blobtest":       {ours: []string{"internal/im"}},
		"internal/im/imtest":      {ours: []string{"internal/im"}},
		"internal/bustest":        {ours: []string{"internal/im"}},
		"internal/msynctest":      {ours: []string{"internal/msync/pb"}, third: []string{"github.com/gobwas/ws", "google.golang.org/protobuf"}},
		"internal/plustest":       {},
		"internal/storetest":      {ours: []string{"internal/im"}, third: []string{"github.com/jackc/pgx/v5/stdlib"}},
		"internal/transcripttest": {},
		"internal/apidoctest": {ours: []string{"internal/apidoc"}, third: []string{"github.com/getkin/kin-openapi",
			"github.com/oasdiff/yaml", "github.com/santhosh-tekuri/jsonschema/v6", "golang.org/x/text"}},
	}
}

// anyTest lists modules of others that every test may import.
func anyTest() []string {
	return []string{"go.uber.org/goleak", "github.com/rogpeppe/go-internal", "golang.org/x/tools/txtar"}
}

// onlyImportedBy names packages that nobody but these may import.
func onlyImportedBy() map[string][]string {
	return map[string][]string{"internal/server": {"cmd/teahouse", "internal/bench"}}
}

// longFunctions may have more than sixty lines: each is a table that reads better in one piece.
func longFunctions() map[string]string {
	return map[string]string{
		"internal/easemob.wires": "the error table, one error a line",
	}
}

// development reports whether the server's binary does not hold the package.
func development(dir string) bool {
	return isTestPackage(dir) || dir == "internal/bench"
}

// goroutines lists the functions that start goroutines, with who waits for them. docs/architecture.md tells the same
// story.
func goroutines() map[string]string {
	return map[string]string{
		"cmd/teahouse.run":                     "context.AfterFunc: restores the signals' default when the first came; ends at once",
		"internal/hub.(*Hub).Close":            "waits for the writers while Close watches the clock; Close waits for it",
		"internal/hub.(*Hub).dip":              "a pen, or one connection's queue when the reader is behind, until it is empty; Hub.Close waits for it",
		"internal/hub.(*Line).startLocked":     "a pen, or where system calls are not to be had one connection's queue, until it is empty; Hub.Close waits for it",
		"internal/msync.(*Server).Close":       "AfterFunc: cuts connections off when the patience ends; ends at once",
		"internal/msync.(*Server).upgrade":     "reads the first message of a connection; Server.Close waits for it",
		"internal/msync.(*acker).note":         "writes how far devices have read until nothing waits; Server.Close waits for it",
		"internal/msync.(*conn).fetchLocked":   "reads what waits for a device until nothing does; Server.Close waits for it",
		"internal/hub.(*Group).Go":             "counts the goroutines of lines for Hub.Close, those of connections for msync.Server.Close",
		"internal/plus.(*Directory).renew":     "up to three calls for profiles beside its own; renew waits for all",
		"internal/server.(*server).serve":      "the listeners and the due loop; serve waits for all",
		"internal/sqlstore.startWriter":        "the writer of SQLite; Store.Close waits for it",
		"internal/sqlstore.(*writer).run":      "its successor when a function of a batch ended the goroutine",
		"internal/sqlstore.(*postgresDB).once": "AfterFunc: ends the transaction's context when the caller's ended or the end takes too long; ends at once",
	}
}

// variables may stand at package level although a statement could change them.
func variables() map[string]string {
	return map[string]string{
		"internal/storetest.theCluster":  "one PostgreSQL for all tests of a process",
		"internal/storetest.theTemplate": "the tables are made once for all tests of a process",
	}
}
