#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches and builds programs that were written for Docker, from the registries of their languages, as clients for the
# tests: tests/clients/install.sh DIRECTORY python|node|go|compose. Does nothing when that version is there already.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
directory=$1 client=$2
mkdir -p "$directory"
cd "$directory"

python_packages=(docker==7.2.0 testcontainers==4.15.0 websocket-client==1.9.2 paramiko==5.1.0 pytest==9.2.0 pytest-timeout==2.4.0)
# The last source archive of the SDK that has its integration tests in it.
python_suite=docker==6.1.3
node_packages=(dockerode@5.0.1 testcontainers@11.14.0 @devcontainers/cli@0.89.0)
compose_version=v2.40.3

install_python() {
  /usr/bin/python3 -m venv python
  python/bin/pip install -q "${python_packages[@]}"
  python/bin/pip download -q --no-deps --no-binary docker -d sdist "$python_suite"
  rm -rf suite && mkdir suite
  tar -xzf sdist/docker-*.tar.gz -C suite --strip-components=1 --wildcards '*/tests' '*/pytest.ini'
}

install_node() {
  mkdir -p node
  (cd node && npm init -y >/dev/null && npm install --silent --no-audit --no-fund --ignore-scripts "${node_packages[@]}")
}

install_go() {
  rm -rf go-client && cp -r "$here/go" go-client
  (cd go-client && go mod tidy -e 2>/dev/null && go build -o ../go-client.bin .)
}

# Compose's own module has directives that keep `go install` from building it: a module of ours requires it instead.
install_compose() {
  rm -rf compose && mkdir compose
  (cd compose
    printf 'module compose\n\ngo 1.24\n' >go.mod
    go get -v "github.com/docker/compose/v2/cmd@$compose_version" 2>/dev/null
    go build -trimpath -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$compose_version" \
      -o ../cli-plugins/docker-compose github.com/docker/compose/v2/cmd)
}

wanted=$(cat "$here/install.sh" "$here"/go/* | sha256sum)
[ "$(cat "$client.installed" 2>/dev/null)" != "$wanted" ] || exit 0
"install_$client"
echo "$wanted" >"$client.installed"
