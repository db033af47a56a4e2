#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (cgroup version 2): hull-runtime on its own.
# Usage: oci_runtime.sh BIN-DIRECTORY BUNDLES. Prints what the test compares.
set -eu
runtime="$1/hull-runtime --root /run/hull-runtime"
bundles=$2
group=/sys/fs/cgroup/hull-vm
$runtime create --bundle "$bundles/limits" box >/run/output
for file in memory.max memory.low memory.swap.max cpu.max cpu.max.burst cpu.weight pids.max memory.high cpuset.cpus; do
  echo "$file $(cat "$group/box/$file")"
done
$runtime start box
mkdir "$group/box/sub"
$runtime exec box sh -c 'echo "exec $(cat /proc/self/cgroup)"; : </dev/null && mknod /tmp/disk b 8 0; (: </tmp/disk) 2>/dev/null && echo "a disk" || true'
$runtime exec --cgroup sub box sh -c 'echo "below $(cat /proc/self/cgroup)"'
rmdir "$group/box/sub"
$runtime update --memory 32M --memory-swap 48M --pids-limit 40 --cpu-quota 30000 --cpu-period 60000 box
for file in memory.max memory.swap.max pids.max cpu.max; do echo "updated $file $(cat "$group/box/$file")"; done
$runtime pause box
echo "paused $(grep frozen "$group/box/cgroup.events") $($runtime list | awk 'NR == 2 { print $3 }')"
$runtime resume box
$runtime events --stats box | grep -o '"pids":{[^}]*}'
$runtime events --interval 1h box >/run/events &
sleep 0.3
$runtime exec box sh -c 'tail /dev/zero' 2>/dev/null || echo "killed $?"
for _ in $(seq 50); do grep -q oom /run/events && break; sleep 0.1; done
cat /run/events
$runtime kill box KILL
$runtime delete --force box
[ -d "$group/box" ] && echo "left behind: $group/box"

# A checkpoint, and what comes back from it.
{ $runtime run --detach --bundle "$bundles/counter" counter </dev/null 2>&1; } | cat >/run/counted &
for _ in $(seq 100); do [ "$(wc -l </run/counted)" -gt 3 ] && break; sleep 0.1; done
$runtime checkpoint --image-path /run/images --leave-running counter && echo "checkpoint while it runs"
$runtime checkpoint --image-path /run/images2 --work-path /run counter
$runtime state counter 2>/dev/null && echo "still there"
before=$(wc -l </run/counted)
{ $runtime restore --detach --image-path /run/images2 --work-path /run --bundle "$bundles/counter" counter </dev/null 2>&1; } |
  cat >>/run/counted &
for _ in $(seq 50); do [ "$(wc -l </run/counted)" -gt "$before" ] && break; sleep 0.1; done
[ "$(wc -l </run/counted)" -gt "$before" ] && echo "writes again"
$runtime exec counter sh -c 'echo "restored $(hostname) $(cat /proc/self/cgroup)"' || true
awk 'NR - 1 != $1 { print "the count is broken at line " NR ": " $1; exit }' /run/counted
$runtime delete --force counter
ls /run/hull-runtime | sed 's/^/left behind: /'
ls -d "$group"/*/ 2>/dev/null | sed 's/^/left behind: /' || true
