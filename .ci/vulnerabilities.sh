# Scans for known vulnerabilities in the code that the functions and the command call. Sourced by .ci/run.

# The database is built from its Go module, because its own host is not reachable everywhere. The scan uses the toolchain
# that go.mod names, with which releases are built.
vulnerabilities() {
	local toolchain db=$tools/vulndb version
	toolchain=$(sed -n 's/^toolchain //p' go.mod)
	version=$(go list -m -f '{{.Version}}' golang.org/x/vulndb@latest) || return 1
	if [ ! -e "$db/$version/index/modules.json" ]; then
		build_vulnerability_database "$db" "$version" || return 1
	fi
	GOTOOLCHAIN=$toolchain go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 -db "file://$db/$version" ./functions/... ./cmd/...
}

# build_vulnerability_database DIR VERSION removes older databases in DIR. The generator reads a git repository.
build_vulnerability_database() {
	local db=$1 version=$2 dir
	dir=$(go mod download -json "golang.org/x/vulndb@$version" | sed -n 's/.*"Dir": "\(.*\)",*/\1/p') || return 1
	rm -rf "$db" && mkdir -p "$db/src" "$db/$version" && cp -R "$dir/." "$db/src" && chmod -R u+w "$db/src" || return 1
	(cd "$db/src" && git init -q && git add data &&
		git -c user.name=ci -c user.email=ci@example.com commit -qm data &&
		go run ./cmd/gendb -repo . -out "$db/$version") || return 1
	rm -rf "$db/src"
}
