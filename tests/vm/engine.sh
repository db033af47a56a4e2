# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034
# Read by the scripts of this directory, whose first two arguments are the directory of the programs and a busybox tar.
bin=$1
tar=$2
export HULL_HOST=unix:///run/hull.sock
export PATH="$PATH:/usr/sbin:/sbin"

hull() { "$bin/hull" "$@"; }

# An engine with the image busybox, and with these options besides. Its data is in $root.
root=/var/lib/hull
serve() {
  "$bin/hulld" -H "$HULL_HOST" --data-root "$root" --exec-root /run/hull --pidfile /run/hulld.pid "$@" >>/run/hulld.log 2>&1 &
  for _ in $(seq 200); do
    hull version >/dev/null 2>&1 && break
    sleep 0.1
  done
  hull image inspect busybox >/dev/null 2>&1 || hull import "$tar" busybox >/dev/null || {
    cat /run/hulld.log
    exit 1
  }
}
