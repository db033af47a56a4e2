#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian's sshd into DIRECTORY: tests/engine/install-ssh-server.sh DIRECTORY. It is not installed: as a package it
# would listen on port 22 of this machine from its next start on. Does nothing when it is there already.
set -euo pipefail

mkdir -p "$1"
cd "$1"
[ ! -x usr/sbin/sshd ] || exit 0
rm -rf fresh && mkdir fresh && cd fresh
apt-get download -qq openssh-server libwrap0 2>/dev/null || { apt-get update -qq && apt-get download -qq openssh-server libwrap0; }
for package in *.deb; do dpkg-deb -x "$package" .; done
rm -- *.deb
cd ..
cp -a fresh/. .
rm -rf fresh
