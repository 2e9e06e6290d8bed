# Installs what the steps need besides Go: into $tools, and Debian packages where that is possible. Sourced by .ci/run.

install() {
	install_packages gcc libc6-dev make git python3-venv docker.io busybox-static iproute2 valgrind jq \
		chromium-headless-shell &&
		install_python sam aws-sam-cli==1.170.0 cfn-lint==1.58.0 &&
		install_python ministack 'ministack[full]==1.5.33' &&
		install_python moto 'moto[server]==5.2.1' &&
		install_python checkov checkov==3.3.30 &&
		install_python aws awscli==1.46.3 &&
		install_python boto3 boto3==1.44.8 &&
		install_node node @aws-sdk/client-dynamodb@3.1169.0 @aws-sdk/lib-dynamodb@3.1169.0 \
			electrodb@3.9.3 dynamodb-toolbox@2.10.6 typescript@5.9.3 &&
		install_node axe axe-core@4.14.1
}

# install_packages NAME... installs the Debian packages that are missing. Without root or apt it installs none, and the
# tests that need them skip themselves.
install_packages() {
	local missing=()
	for p in "$@"; do dpkg -s "$p" >/dev/null 2>&1 || missing+=("$p"); done
	[ ${#missing[@]} -eq 0 ] && return
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "not root, or no apt: ${missing[*]} are not installed"
		return
	fi
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
}

# install_python NAME PACKAGE... makes a Python environment for these versions, unless it exists already.
install_python() {
	local dir=$tools/$1 want
	shift
	want="$*"
	[ "$(cat "$dir/made" 2>/dev/null)" = "$want" ] && return
	rm -rf "$dir" && python3 -m venv "$dir" && "$dir/bin/pip" install --quiet --disable-pip-version-check "$@" &&
		echo "$want" >"$dir/made"
}

# install_node NAME PACKAGE... makes a folder node_modules with these versions, unless it exists already. Without npm it
# makes none, and the tests that need it skip themselves.
install_node() {
	local dir=$tools/$1 want
	shift
	want="$*"
	command -v npm >/dev/null || install_packages nodejs npm
	if ! command -v npm >/dev/null; then
		echo "npm is not installed"
		return
	fi
	[ "$(cat "$dir/made" 2>/dev/null)" = "$want" ] && return
	rm -rf "$dir" && mkdir -p "$dir" && npm install --prefix "$dir" --no-audit --no-fund --loglevel=error "$@" &&
		echo "$want" >"$dir/made"
}
