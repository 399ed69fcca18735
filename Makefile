# The commands of a contributor. "make help" lists them.

GO    ?= go
SHELL := /bin/bash

# Packages whose tests run under the race detector: those that run goroutines, or are run by several.
RACE_PACKAGES  := ./internal/blob/... ./internal/bus/... ./internal/easemob/... ./internal/hub/... ./internal/im/... ./internal/msync/... ./internal/passwords/... ./internal/pictures/... \
	./internal/plus/... ./internal/server/... ./internal/sqlstore/... ./internal/thinksns/...
# Their tests look at the built binary, of which the test cache knows nothing: they always run.
BINARY_PACKAGES := ./test/...

# SQLite, translated from C, keeps its data outside of Go's memory, of which alone the race detector knows; watching those lines finds
# nothing and takes two thirds of the tests' time. Two goroutines on one connection are still found: in libc, and in what is ours.
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-d=checkptr=0 -gcflags=modernc.org/memory=-d=checkptr=0

# The race detector needs a C compiler.
ifeq ($(shell command -v $$($(GO) env CC)),)
TEST_RACE :=
RACE_SKIP := "the race detector: SKIPPED: no C compiler"
else
TEST_RACE := $(RACE)
endif

# A number of runs, not a time: at the end of a time the go command now and then reports its own deadline as a failure. One that signs
# in on a real store is slow.
FUZZTIME  ?= 20000x
SLOW_FUZZ := FuzzFrame
SLOW_FUZZTIME ?= 2000x
# Runs that make a new input smaller count, too: by default a minute of them for each input, and nothing else would be tried.
FUZZMINIMIZE ?= 50x
BENCHFLAGS ?=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the binary ./teahouse, without cgo
	CGO_ENABLED=0 $(GO) build -o teahouse ./cmd/teahouse

# Parts whose engine is absent are skipped and counted; each engine that TEAHOUSE_TEST_REQUIRE names (a comma list of
# postgres, sdk, browser) must be there.
.PHONY: test
test: ## Run every test; what is skipped is listed at the end
	@set -o pipefail; { \
		code=0; \
		$(GO) test -json $(TEST_RACE) $(RACE_PACKAGES) || code=1; \
		$(GO) test -json $$($(GO) list ./... | grep -vxFf <($(GO) list $(RACE_PACKAGES) $(BINARY_PACKAGES))) || code=1; \
		$(GO) test -json -count=1 $(BINARY_PACKAGES) || code=1; \
		exit $$code; \
	} | $(GO) run ./test/report $(RACE_SKIP)

.PHONY: vectors
vectors: ## Record the frames of published SDKs again: internal/msync/testdata/vectors
	$(GO) test ./test/sdk -count=1 -run WebSDK/jsdom -record

.PHONY: race
race: ## Run all tests of packages with goroutines again and again under the race detector
	$(GO) test $(RACE) -count=3 $(RACE_PACKAGES)

.PHONY: lint
lint: ## Check formatting, vet and staticcheck
	@unformatted=$$(gofmt -l cmd internal test tools); \
		if [ -n "$$unformatted" ]; then echo "not formatted:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

.PHONY: generate
generate: ## Write what tests write: answers of transcripts, docs/errors.md; read the difference before a commit
	$(GO) test ./internal/easemob ./internal/thinksns -update
	$(GO) test ./internal/msync -update

.PHONY: proto
proto: ## Write internal/msync/pb/msync.pb.go from the schema; needs protoc and protoc-gen-go
	cd internal/msync/pb && protoc --go_out=. --go_opt=paths=source_relative msync.proto

.PHONY: verify
verify: ## Check go.mod, the modules, and that nothing generated is out of date
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff
	$(GO) mod verify
	$(GO) test ./internal/easemob ./internal/msync ./internal/archtest

.PHONY: run
run: ## Run the emulator with demo data
	$(GO) run ./cmd/teahouse dev

.PHONY: bench
bench: ## Measure against the performance targets; BENCHFLAGS=-short for a few minutes only
	$(GO) run ./internal/bench $(BENCHFLAGS)

.PHONY: cover
cover: ## Measure the coverage of all packages by all tests in this module: cover.out, cover.html
	$(GO) test -coverpkg=./internal/... -coverprofile=cover.out ./internal/...
	$(GO) tool cover -html=cover.out -o cover.html
	@$(GO) tool cover -func=cover.out | tail -1

.PHONY: fuzz
fuzz: ## Run every Fuzz function FUZZTIME (20000x) times
	@set -o pipefail; work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && cache=$$($(GO) env GOCACHE)/fuzz && \
		folders=$$(grep -rl --include='*_test.go' '^func Fuzz' cmd internal test | xargs -n 1 dirname | sort -u) || exit 1; \
		for folder in $$folders; do \
			$(GO) test -c -fuzz . -o "$$work/fuzz" "./$$folder" && cd "$$folder" && names=$$("$$work/fuzz" -test.list '^Fuzz') || exit 1; \
			for name in $$names; do \
				echo "$$folder $$name"; \
				runs=$(FUZZTIME); case " $(SLOW_FUZZ) " in *" $$name "*) runs=$(SLOW_FUZZTIME);; esac; \
				"$$work/fuzz" -test.run '^$$' -test.fuzz "^$$name\$$" -test.fuzztime "$$runs" -test.fuzzminimizetime $(FUZZMINIMIZE) \
					-test.fuzzcachedir "$$cache/teahouse/$$folder" || { tail -n +1 "testdata/fuzz/$$name"/*; exit 1; }; \
			done; \
			cd - >/dev/null || exit 1; \
		done

.PHONY: cross
cross: ## Build for the other systems, into nothing
	CGO_ENABLED=0 GOOS=linux   GOARCH=arm64 $(GO) build -o /dev/null ./cmd/teahouse
	CGO_ENABLED=0 GOOS=darwin  GOARCH=arm64 $(GO) build -o /dev/null ./cmd/teahouse
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build -o /dev/null ./cmd/teahouse
