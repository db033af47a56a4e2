#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the validation suite of the OCI runtime-tools: tests/conformance/install-runtime-tools.sh DIRECTORY. Afterwards that
# has the programs in bin/, and beside it what they look for where they are started: runtimetest, and the root file system
# of their bundles. Does nothing when this version is there already.
set -euo pipefail

version=v0.9.1-0.20251205004911-5e639034dcdc
mkdir -p "$1"
cd "$1"
[ "$(cat installed 2>/dev/null)" != "$version" ] || exit 0

rm -rf source bin
mkdir -p module bin
(cd module && printf 'module suite\n\ngo 1.21\n' >go.mod &&
  go mod download -json "github.com/opencontainers/runtime-tools@$version" >../download.json)
cp -r "$(/usr/bin/python3 -c 'import json; print(json.load(open("download.json"))["Dir"])')" source
chmod -R u+w source
export CGO_ENABLED=0
(cd source && go build -mod=mod -trimpath -ldflags '-s -w' -o ../runtimetest ./cmd/runtimetest &&
  go build -mod=mod -trimpath -ldflags '-s -w' -o ../bin/ ./validation/...)
cp source/rootfs-*.tar.gz .
rm -rf source module download.json
echo "$version" >installed
