#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (Debian's kernel, which has AppArmor): the default profile of containers.
# Usage: apparmor.sh BIN-DIRECTORY BUSYBOX-TAR. Prints what the test compares.
set -u
bin=$1
tar=$2
export HULL_HOST=unix:///run/hull.sock
hull() { "$bin/hull" "$@"; }
confined() { hull run --rm --network none "$@" busybox cat /proc/self/attr/current; }
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
grep -q docker-default /sys/kernel/security/apparmor/profiles && echo "it was there before"
"$bin/hulld" -H "$HULL_HOST" --data-root /var/lib/hull --exec-root /run/hull --pidfile /run/hulld.pid --bridge none >/run/hulld.log 2>&1 &
for _ in $(seq 100); do
  hull version >/dev/null 2>&1 && break
  sleep 0.1
done
hull import "$tar" busybox >/dev/null || { cat /run/hulld.log; exit 1; }
cat /run/hulld.log
grep docker-default /sys/kernel/security/apparmor/profiles
echo "default: $(confined)"
echo "unconfined: $(confined --security-opt apparmor=unconfined)"
echo "privileged: $(confined --privileged)"
hull run -d --name box --network none --cap-add SYS_ADMIN --security-opt seccomp=unconfined busybox sleep 1000 >/dev/null
echo "shown: $(hull inspect --format '{{.AppArmorProfile}}' box)"
echo "exec: $(hull exec box cat /proc/self/attr/current)"
echo "privileged exec: $(hull exec --privileged box cat /proc/self/attr/current)"
hull exec box mount -t tmpfs none /tmp 2>/dev/null && echo "mounted" || echo "mount denied"
hull exec box sh -c 'kill -0 1 && echo signalled'
hull exec box sh -c 'echo x >/tmp/file && cat /tmp/file'
hull stop -t 5 box >/dev/null && echo "stopped $(hull inspect --format '{{.State.ExitCode}}' box)"
hull run --rm --network none --security-opt apparmor=nothing busybox true 2>&1 | head -n 1
kill "$(cat /run/hulld.pid)"
