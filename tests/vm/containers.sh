#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (cgroup version 2): containers with limits through hull's own command line.
# Usage: containers.sh BIN-DIRECTORY BUSYBOX-TAR. Prints what the test compares. Without networks: the machine has only
# the modules that its start needs.
set -eu
. "$(dirname "$0")/engine.sh"
ip link set lo up 2>/dev/null || busybox ip link set lo up
serve --bridge none
hull run -d --name box --network none -m 64m --cpus 0.5 --pids-limit 50 --cpu-shares 512 busybox sleep 100 >/dev/null || { cat /run/hulld.log; exit 1; }
group=/sys/fs/cgroup/hull/$(hull inspect --format '{{.Id}}' box)
for file in memory.max cpu.max pids.max; do echo "$file $(cat "$group/$file")"; done
hull pause box >/dev/null
echo "frozen $(grep frozen "$group/cgroup.events")"
hull unpause box >/dev/null
hull exec box sh -c 'echo "exec $(cat /proc/self/cgroup)"; : < /dev/null && echo "device null"'
hull run --rm --network none --privileged busybox sh -c 'echo "privileged $(ls /sys/fs/cgroup/cgroup.controllers)"'
hull stats --no-stream --format 'stats {{.PIDs}} {{.MemUsage}}' box
hull rm -f box >/dev/null
sleep 1
[ -d "$group" ] && echo "left behind: $group"
kill "$(cat /run/hulld.pid)"
