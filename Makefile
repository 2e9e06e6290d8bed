# `make` prints what there is. sam calls the two build-* targets (BuildMethod: makefile in template.yaml).

.DEFAULT_GOAL := help
.PHONY: help package test simulate samples lint fmt build check-arch validate demo deploy bench build-local sign-events invoke-ingest invoke-sync start-api \
	logs build-IngestFunction build-SyncFunction

SAM ?= sam
ENV ?= default
GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SIGNED := .aws-sam/events
INGEST_EVENT ?= $(SIGNED)/apigw/valid.json
SYNC_EVENT ?= events/sqs/mixed.json

export SAM_CLI_TELEMETRY := 0

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target words; do \
		printf '  %-14s %s\n' "$$target" "$$words"; done

# --- on the laptop ----------------------------------------------------------------------------------------------------

test: ## run every test
	go test ./...

lint: ## vet, golangci-lint and format check
	go vet ./...
	$(GOLANGCI_LINT) run ./...

fmt: ## format all Go files
	$(GOLANGCI_LINT) fmt ./...

bench: ## every figure beside its floor and its target
	go test -run '^$$' -bench . -benchtime 1x ./test/bench
	START_GATE=1 go test -count=1 -v -run 'Start|TableRequests' ./test/bench

N ?= 10000
simulate: ## random histories under faults, N=10000; SIMULATION_SEED=S replays one
	SIMULATION_HISTORIES=$(N) go test -count=1 -v -timeout 0 -run Simulation ./...

# The secret is a sample too, and the time fixed, so that the files are the same each time; they are signed afresh by
# sign-events before they are used.
SAMPLE_SECRET := whsec_Y2xlcmtzeW5jLXNhbXBsZS1zZWNyZXQhIQ==
samples: ## write events/apigw and events/sqs as they are in the repository
	go run ./cmd/clerksync sign --secret $(SAMPLE_SECRET) --at 2026-03-02T10:31:00Z

demo: ## send a small company's first week through the whole pipeline, here
	go run ./cmd/clerksync dev --demo --once

# --- build ------------------------------------------------------------------------------------------------------------

validate: ## sam validate --lint
	$(SAM) validate --lint --config-env $(ENV)

build: ## sam build, then check-arch; ENV=default|dev|prod|local
	$(SAM) build --config-env $(ENV)
	$(MAKE) --no-print-directory check-arch

# What the binaries are built for: GOARCH where it is set; else what sam says that it is building (it writes build.toml
# before it calls make); else the default of the template's parameter Architecture.
GOARCH_arm64 := arm64
GOARCH_x86_64 := amd64
SAM_ARCH := $(if $(ARTIFACTS_DIR),$(shell \
	sed -n 's/^architecture = "\(.*\)"/\1/p' '$(ARTIFACTS_DIR)/../../build.toml' 2>/dev/null | sort -u))
GOARCH ?= $(or $(GOARCH_$(SAM_ARCH)),arm64)

# Static (the runtime's glibc need not match the builder's), stripped, without what is never spoken here (RPC to Lambda,
# HTTP/2 to AWS), and the same bytes from the same sources wherever they lie.
BUILD_FUNCTION := CGO_ENABLED=0 GOOS=linux go build -tags lambda.norpc,nethttpomithttp2 -trimpath -buildvcs=false -ldflags '-s -w -buildid='
define build-function
	GOARCH=$(GOARCH) $(BUILD_FUNCTION) -o '$(ARTIFACTS_DIR)/bootstrap' $(1)
endef

build-IngestFunction:
	$(if $(ARTIFACTS_DIR),,$(error ARTIFACTS_DIR is not set: this target is for sam build))
	$(call build-function,./functions/ingest)

build-SyncFunction:
	$(if $(ARTIFACTS_DIR),,$(error ARTIFACTS_DIR is not set: this target is for sam build))
	$(call build-function,./functions/sync)

# A release: for both architectures the two functions, zipped, each with a list of what is in it. The same bytes from the
# same commit; dist/SHA256SUMS says which.
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
package: ## reproducible bundles and their SBOMs in dist/
	rm -rf dist && mkdir -p dist/tools
	GOBIN=$(CURDIR)/dist/tools go install $(CYCLONEDX)
	for arch in arm64 amd64; do for function in ingest sync; do \
		GOARCH=$$arch $(BUILD_FUNCTION) \
			-o dist/$$function-$$arch/bootstrap ./functions/$$function && \
		go run ./cmd/bundle dist/$$function-$$arch dist/$$function-$$arch.zip && \
		GOARCH=$$arch dist/tools/cyclonedx-gomod app -json -noserial -main functions/$$function -output dist/$$function-$$arch.cdx.json . && \
		sed -i '/^ *"timestamp": ".*",$$/d' dist/$$function-$$arch.cdx.json && \
		rm -r dist/$$function-$$arch || exit 1; done; done
	rm -r dist/tools && cp template.yaml samconfig.toml dist/
	cd dist && sha256sum *.zip *.cdx.json template.yaml samconfig.toml > SHA256SUMS

# Field e_machine of the ELF header (bytes 18 and 19, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html).
ELF_MACHINE_arm64 := 183
ELF_MACHINE_x86_64 := 62

check-arch: ## hold the built binaries' ELF headers against the template's architecture
	@arch=$$(sed -n 's/^architecture = "\(.*\)"/\1/p' .aws-sam/build.toml | sort -u); \
	case "$$arch" in \
	arm64) want=$(ELF_MACHINE_arm64) ;; \
	x86_64) want=$(ELF_MACHINE_x86_64) ;; \
	*) echo "check-arch: no one architecture in .aws-sam/build.toml: run sam build" >&2; exit 1 ;; \
	esac; \
	for function in IngestFunction SyncFunction; do \
		file=.aws-sam/build/$$function/bootstrap; \
		got=$$(od -An -j18 -N1 -tu1 "$$file" | tr -d ' ') && [ -n "$$got" ] || exit 1; \
		if [ "$$got" != "$$want" ]; then \
			echo "check-arch: $$file: ELF machine $$got, want $$want ($$arch)" >&2; exit 1; \
		fi; \
	done

# --- sam local, against a running `clerksync dev` ---------------------------------------------------------------------

# Built for this machine's architecture, and beside the build that `sam deploy` would take.
LOCAL_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
LOCAL_BUILD := .aws-sam/local/build
LOCAL := --config-file $(CURDIR)/samconfig.toml --config-env local --parameter-overrides Architecture=$(LOCAL_ARCH)
RUN_LOCAL := $(LOCAL) --template $(LOCAL_BUILD)/template.yaml

build-local: ## sam build for this machine, for the three targets below
	$(SAM) build $(LOCAL) --build-dir $(LOCAL_BUILD)

sign-events: ## sign the sample requests afresh, below .aws-sam/events: a signature ages out in 5 minutes
	go run ./cmd/clerksync sign --dir $(SIGNED)

invoke-ingest: build-local sign-events ## sam local invoke of ingest; INGEST_EVENT=file
	$(SAM) local invoke IngestFunction $(RUN_LOCAL) --event $(INGEST_EVENT)

invoke-sync: build-local ## sam local invoke of sync; SYNC_EVENT=file
	$(SAM) local invoke SyncFunction $(RUN_LOCAL) --event $(SYNC_EVENT)

start-api: build-local ## sam local start-api on port 3001
	$(SAM) local start-api $(RUN_LOCAL)

# --- in an account ----------------------------------------------------------------------------------------------------

deploy: build ## build and sam deploy; ENV=default|dev|prod|local
	$(SAM) deploy --config-env $(ENV)

# Without names sam would follow the API's access log too.
logs: ## follow the logs of both functions; ENV=default|dev|prod|local
	$(SAM) logs --config-env $(ENV) --name IngestFunction --name SyncFunction --tail
