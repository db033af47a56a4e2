#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (Debian's kernel, which has AppArmor): the default profile of containers.
# Usage: apparmor.sh BIN-DIRECTORY BUSYBOX-TAR. Prints what the test compares.
set -u
. "$(dirname "$0")/engine.sh"
confined() { hull run --rm --network none "$@" busybox cat /proc/self/attr/current; }
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
grep -q docker-default /sys/kernel/security/apparmor/profiles && echo "it was there before"
serve --bridge none
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
