# The steps of .ci/run. Sourced by .ci/run.
sam=$tools/sam/bin/sam
ministack=$tools/ministack/bin/ministack

up_to_date() { # a generated file equals what its generator would write now
	make samples && git diff --exit-code -- events && go mod tidy -diff &&
		"$tools/sam/bin/python" test/template/testdata/handlers.py | diff test/template/testdata/handlers.json -
}

coverage() { # 95 % of the statements of the field and the work
	local covered=(./pkg/svix ./pkg/clerk ./pkg/directory ./pkg/delivery ./pkg/ingest ./pkg/projector ./pkg/consumer)
	go test -short -coverprofile="$tools/coverage.out" -coverpkg="$(IFS=,; echo "${covered[*]}")" \
		"${covered[@]}" ./pkg/lambdafn/... &&
		go tool cover -func="$tools/coverage.out" | awk '/^total:/ { print; exit !($3 + 0 >= 95) }'
}

# Once more with the race detector, in another order, and in another time zone, on which no result may depend. Left out
# is what has no goroutines of its own: what reads files, and what runs other programs, which have no detector. Tests
# that wait for real seconds run beside the others, one package at a time.
waiting='/(internal/emulator/eventsource|cmd/clerksync)$'

race() {
	local without='/(test/(bench|browser|crash|deployed|functions|imports|mutants|program|reading|runbook|template)'
	without+='|docs/examples/integration|cmd/clerksync/internal/console/view)$'
	with_detector $(go list ./... | grep -vE "$waiting|$without")
}

race_waiting() {
	with_detector -p 1 $(go list ./... | grep -E "$waiting")
}

with_detector() { # it needs cgo
	CGO_ENABLED=1 TZ=Asia/Kolkata go test -short -race -shuffle=on "$@"
}

lint_template() {
	make validate SAM="$sam" && "$tools/sam/bin/cfn-lint" template.yaml docs/examples/adopt-tables.yaml &&
		"$tools/checkov/bin/checkov" -f template.yaml --framework cloudformation --compact --quiet --skip-download
}

binaries() { # each is static, and smaller than 11 MB
	for function in IngestFunction SyncFunction ProbeFunction; do
		local binary=.aws-sam/build/$function/bootstrap size
		size=$(stat -c %s "$binary") || return 1
		{ ldd "$binary" 2>&1 || true; } | grep -qE 'not a dynamic executable|statically linked' ||
			{ echo "$binary is not static"; return 1; }
		[ "$size" -lt 11000000 ] || { echo "$binary has $size bytes, want less than 11000000"; return 1; }
	done
}

reproducible() { # a release has the same bytes twice; of the commands, this system's stands for all
	make package SYSTEMS=linux/amd64 && cp dist/SHA256SUMS "$tools/SHA256SUMS" &&
		make package SYSTEMS=linux/amd64 && cmp dist/SHA256SUMS "$tools/SHA256SUMS" &&
		"$sam" validate --lint --region us-east-1 --template dist/template.yaml
}

node_modules() { # prints nothing where there are none
	if [ -d "$tools/node/node_modules" ]; then echo "$tools/node/node_modules"; fi
}

foreign_engine() { # foreign_engine TEST VARIABLE=VALUE...: the suites ran only if their last line is there
	env "${@:2}" go test -count=1 -v -parallel 16 -run "$1" ./test/engines && grep -q ' checks left out' "$log"
}

sam_local() {
	DEPLOYED_SAM=$sam DEPLOYED_DOCKERD=$(command -v dockerd) DEPLOYED_BUSYBOX=$(command -v busybox) \
		in_own_network go test -count=1 -v -timeout 15m -run SAMLocal ./test/deployed
}

# in_own_network COMMAND... hides Docker's bridge from the rest of the machine, where the machine allows it.
in_own_network() {
	if unshare --net true; then
		unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
	else
		"$@"
	fi
}

# The console, in a browser. Its screenshots are the newest run's. What needs no browser, and takes long, has a step of
# its own.
browser() {
	rm -rf "$tools/screenshots" && BROWSER_REQUIRED=1 BROWSER_SCREENSHOTS=$tools/screenshots \
		BROWSER_AXE=$tools/axe/node_modules/axe-core/axe.min.js \
		go test -count=1 -v -timeout 15m -skip '^TestMemory$' ./test/browser
}

console_memory() {
	CONSOLE_MESSAGES=3000 go test -count=1 -v -timeout 15m -run '^TestMemory$' ./test/browser &&
		grep -q '^--- PASS: TestMemory' "$log"
}

# What builds with sam. sam keeps one file about all that it builds, so these steps follow one another.
with_sam() {
	step "template: sam validate --lint, cfn-lint, checkov" lint_template
	step "sam build, architecture" make build SAM="$sam"
	step "binaries are static and smaller than 11 MB" binaries
	step_may_skip "deployed: sam deploy onto ministack" \
		env DEPLOYED_SAM="$sam" DEPLOYED_MINISTACK="$ministack" go test -count=1 -v -timeout 15m -run Deployed ./test/deployed
	step_may_skip "sam local in containers" sam_local
	step "race detector: what waits for real seconds" race_waiting
}

# What talks to a browser, to an emulator of somebody else or over HTTP, or downloads.
elsewhere() {
	step "the console in a browser; screenshots: $tools/screenshots" browser
	step "the console's memory after 3,000 messages" console_memory
	step "suites and 200 histories on ministack" foreign_engine Ministack MINISTACK="$ministack" SIMULATION_ENDPOINT=200
	step "suites on moto" foreign_engine Moto MOTO_SERVER="$tools/moto/bin/moto_server" SIMULATION_ENDPOINT=0
	step_may_skip "runbook: its lines, pasted against moto" \
		env RUNBOOK_AWS="$tools/aws/bin/aws" MOTO_SERVER="$tools/moto/bin/moto_server" go test -count=1 -v ./test/runbook
	step_may_skip "docs/reading.md: its examples in TypeScript and Python" \
		env READING_PYTHON="$tools/boto3/bin/python" READING_NODE_MODULES="$(node_modules)" go test -count=1 -v ./test/reading
	step "simulation: 500 histories over HTTP" \
		env SIMULATION_HTTP=500 go test -count=1 -run SimulationOverHTTP ./test/engines
	step "known vulnerabilities" vulnerabilities
}

step "tools" install
step "README: go test ./..." env BROWSER=off go test ./... # the browser has a step of its own
step "README: clerksync dev --demo --once" \
	go run ./cmd/clerksync dev --demo --once --addr 127.0.0.1:0 --aws-addr 127.0.0.1:0
beside with_sam
beside elsewhere
renice -n 5 -p $$ >/dev/null # what follows computes, and lets those go first that wait for real seconds and for a browser
step "coverage of the field and the work is 95 % or more" coverage
step "race detector, shuffled, in another time zone" race
step "go vet, golangci-lint" make lint
step "a release is the same bytes twice" reproducible
step "the deletion of an organization of 1,000,000 members" \
	env CASCADE_MEMBERS=1000000 go test -count=1 -run AMillionMembers ./pkg/consumer
step "simulation: 10,000 histories, planted bugs, interleavings" \
	env SIMULATION_HISTORIES=10000 go test -count=1 -v ./test/simulation
await
step "a backfill of thousands: requests, writes, kills, memory" \
	env BACKFILL_SCALE=1 go test -count=1 -run 'BackfillCounts|BackfillMemory' ./test/bench
step "generated files are up to date" up_to_date
step_may_skip "start-up: instructions and memory" env START_GATE=1 go test -count=1 -v -run Start ./test/bench
