# `make` lists the targets. sam calls the targets build-*Function (BuildMethod: makefile in template.yaml).

.DEFAULT_GOAL := help
.PHONY: help test lint fmt bench bench-backfill browser picture simulate mutate samples roots demo validate build \
	build-IngestFunction build-SyncFunction build-ProbeFunction package check-arch build-local sign-events invoke-ingest \
	invoke-sync start-api deploy accept logs

SAM ?= sam
ENV ?= default
CONFIG ?= samconfig.toml
GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SIGNED := .aws-sam/events
INGEST_EVENT ?= $(SIGNED)/apigw/valid.json
SYNC_EVENT ?= events/sqs/mixed.json

export SAM_CLI_TELEMETRY := 0

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do \
		printf '  %-14s %s\n' "$$target" "$$text"; done

# --- on the laptop ----------------------------------------------------------------------------------------------------

test: ## run every test
	go test ./...

lint: ## go vet, golangci-lint and the format check
	go vet ./...
	$(GOLANGCI_LINT) run ./...

fmt: ## format all Go files
	$(GOLANGCI_LINT) fmt ./...

bench: ## measure every figure with its floor and its target
	go test -run '^$$' -bench . -benchtime 1x ./test/bench
	START_GATE=1 go test -count=1 -v -run 'Start|TableRequests' ./test/bench

bench-backfill: ## fill a table from 200,000 users, 20,000 organizations, 300,000 memberships
	BACKFILL_USERS=200000 nice go test -run '^$$' -bench Backfill -benchtime 1x -timeout 0 -v ./test/bench

browser: ## the console in Chromium; make browser BROWSER=/path/to/chrome
	go test -count=1 -v ./test/browser

picture: ## make the README's picture, docs/console.png, from the running console
	BROWSER_REQUIRED=1 BROWSER_PICTURE=$(CURDIR)/docs/console.png go test -count=1 -run Picture ./test/browser

N ?= 10000
simulate: ## random histories with faults, N=10000; SIMULATION_SEED=S replays one
	SIMULATION_HISTORIES=$(N) go test -count=1 -v -timeout 0 -run Simulation ./...

MUTATE ?=
mutate: ## change operators in the code that makes rows, and see tests fail; MUTATE="pkg/svix pkg/clerk"
	nice -n 19 go run ./test/mutants $(MUTATE)

# The secret and the time are fixed, so that the files are always the same. sign-events signs them anew before they are
# used.
SAMPLE_SECRET := whsec_Y2xlcmtzeW5jLXNhbXBsZS1zZWNyZXQhIQ==
samples: ## generate events/apigw and events/sqs
	go run ./cmd/clerksync sign --secret $(SAMPLE_SECRET) --at 2026-03-02T10:31:00Z

# A function verifies AWS's own endpoints by these five, the roots of Amazon Trust Services.
MOZILLA_ROOTS := /usr/share/ca-certificates/mozilla
roots: ## write pkg/awsclient/roots.pem anew from Debian's ca-certificates
	for root in Amazon_Root_CA_1 Amazon_Root_CA_2 Amazon_Root_CA_3 Amazon_Root_CA_4 \
		Starfield_Services_Root_Certificate_Authority_-_G2; do \
		echo "# $$root" && cat $(MOZILLA_ROOTS)/$$root.crt || exit 1; done > pkg/awsclient/roots.pem

demo: ## send the sample company's first week through the whole pipeline, on this machine
	go run ./cmd/clerksync dev --demo --once

# --- build ------------------------------------------------------------------------------------------------------------

validate: ## sam validate --lint
	$(SAM) validate --lint --config-env $(ENV)

build: ## sam build, then check-arch; ENV=default|dev|prod|local
	$(SAM) build --config-env $(ENV)
	$(MAKE) --no-print-directory check-arch

# The binaries are built for GOARCH if it is set, else for the architecture that sam builds (it writes build.toml before
# it calls make), else for the default of the template's parameter Architecture.
GOARCH_arm64 := arm64
GOARCH_x86_64 := amd64
SAM_ARCH := $(if $(ARTIFACTS_DIR),$(shell \
	sed -n 's/^architecture = "\(.*\)"/\1/p' '$(ARTIFACTS_DIR)/../../build.toml' 2>/dev/null | sort -u))
GOARCH ?= $(or $(GOARCH_$(SAM_ARCH)),arm64)

# The binaries are static, because Lambda's glibc may differ from the builder's; stripped; without code that is never
# used (Lambda's old RPC, HTTP/2); and the same bytes from the same sources in any folder.
BUILD_FUNCTION := CGO_ENABLED=0 GOOS=linux go build -tags lambda.norpc,nethttpomithttp2 -trimpath -buildvcs=false \
	-ldflags '-s -w -buildid='
define build-function
	$(if $(filter-out $(GOARCH),$(GOARCH_$(SAM_ARCH))),$(error GOARCH is $(GOARCH), but sam builds for $(SAM_ARCH)))
	GOARCH=$(GOARCH) $(BUILD_FUNCTION) -o '$(ARTIFACTS_DIR)/bootstrap' $(1)
endef

build-IngestFunction:
	$(if $(ARTIFACTS_DIR),,$(error ARTIFACTS_DIR is not set: this target is for sam build))
	$(call build-function,./functions/ingest)

build-SyncFunction:
	$(if $(ARTIFACTS_DIR),,$(error ARTIFACTS_DIR is not set: this target is for sam build))
	$(call build-function,./functions/sync)

build-ProbeFunction:
	$(if $(ARTIFACTS_DIR),,$(error ARTIFACTS_DIR is not set: this target is for sam build))
	$(call build-function,./functions/probe)

# A release, in dist: each function as a zip file for each architecture, with its SBOM; the template that deploys them
# from the same folder, for each architecture; and the command for the usual systems. The same commit gives the same bytes:
# dist/SHA256SUMS lists their checksums. For that the toolchain is exactly the one of go.mod, and the timestamp of an SBOM
# is removed.
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
SYSTEMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
package: export GOTOOLCHAIN := $(shell sed -n 's/^toolchain //p' go.mod)
package: ## build a release in dist/: reproducible bundles, templates, commands, SBOMs
	rm -rf dist && mkdir -p dist/tools
	GOBIN=$(CURDIR)/dist/tools go install $(CYCLONEDX)
	for arch in arm64 amd64; do for function in ingest sync probe; do \
		name=dist/$$function-$$arch; \
		GOARCH=$$arch $(BUILD_FUNCTION) -o $$name/bootstrap ./functions/$$function && \
		go run ./cmd/bundle zip $$name $$name.zip && \
		GOARCH=$$arch dist/tools/cyclonedx-gomod app -json -noserial -main functions/$$function -output $$name/sbom . && \
		sed '/^ *"timestamp": ".*",$$/d' $$name/sbom >$$name.cdx.json && \
		rm -r $$name || exit 1; done; done
	rm -r dist/tools
	go run ./cmd/bundle template arm64 dist/template.yaml
	go run ./cmd/bundle template x86_64 dist/template-x86_64.yaml
	cp samconfig.toml dist/
	for system in $(SYSTEMS); do \
		os=$${system%/*} arch=$${system#*/}; \
		name=dist/clerksync-$$os-$$arch; [ $$os != windows ] || name=$$name.exe; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -ldflags '-s -w -buildid=' -o $$name ./cmd/clerksync || \
			exit 1; done
	cd dist && sha256sum * >../SHA256SUMS && mv ../SHA256SUMS .

check-arch: ## compare the architecture of the built binaries with the template's
	@arch=$$(sed -n 's/^architecture = "\(.*\)"/\1/p' .aws-sam/build.toml | sort -u); \
	case "$$arch" in \
	arm64) want=$(GOARCH_arm64) ;; \
	x86_64) want=$(GOARCH_x86_64) ;; \
	*) echo "check-arch: .aws-sam/build.toml has no single architecture: run sam build" >&2; exit 1 ;; \
	esac; \
	for function in IngestFunction SyncFunction ProbeFunction; do \
		file=.aws-sam/build/$$function/bootstrap; \
		got=$$(go version -m "$$file" | sed -n 's/.*GOARCH=//p'); \
		if [ "$$got" != "$$want" ]; then \
			echo "check-arch: $$file is built for GOARCH=$$got, want $$want ($$arch)" >&2; exit 1; \
		fi; \
	done

# --- sam local, against a running `clerksync dev` ---------------------------------------------------------------------

# It builds for this machine's architecture, into a folder of its own, so that `sam deploy` never takes that build.
LOCAL_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
LOCAL_BUILD := .aws-sam/local/build
LOCAL := --config-file $(CURDIR)/samconfig.toml --config-env local --parameter-overrides Architecture=$(LOCAL_ARCH)
RUN_LOCAL := $(LOCAL) --template $(LOCAL_BUILD)/template.yaml

build-local: ## sam build for this machine, for the three targets below
	$(SAM) build $(LOCAL) --build-dir $(LOCAL_BUILD)

sign-events: ## sign the sample requests anew, in .aws-sam/events: a signature is valid for 5 minutes
	go run ./cmd/clerksync sign --dir $(SIGNED)

invoke-ingest: build-local sign-events ## sam local invoke of ingest; INGEST_EVENT=file
	$(SAM) local invoke IngestFunction $(RUN_LOCAL) --event $(INGEST_EVENT)

invoke-sync: build-local ## sam local invoke of sync; SYNC_EVENT=file
	$(SAM) local invoke SyncFunction $(RUN_LOCAL) --event $(SYNC_EVENT)

start-api: build-local ## sam local start-api on port 3001
	$(SAM) local start-api $(RUN_LOCAL)

# --- in an account ----------------------------------------------------------------------------------------------------

deploy: build ## build and sam deploy; ENV=default|dev|prod|local CONFIG=samconfig.toml
	$(SAM) deploy --config-file $(CURDIR)/$(CONFIG) --config-env $(ENV)

accept: ## try on a stack without traffic what only AWS can prove; STACK=clerksync-dev
	go run ./cmd/clerksync/internal/accept --stack '$(or $(STACK),$(error name the stack: make accept STACK=NAME))'

# Without the names sam would follow the API's access log too. Of a stack without the probe it warns, and follows the rest.
logs: ## follow the logs of the functions; ENV and CONFIG as for deploy
	$(SAM) logs --config-file $(CURDIR)/$(CONFIG) --config-env $(ENV) --name IngestFunction --name SyncFunction \
		--name ProbeFunction --tail
