#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine, under systemd: hull-runtime with --systemd-cgroup.
# Usage: oci_runtime_systemd.sh BIN-DIRECTORY BUNDLES. Prints what the test compares.
set -eu
runtime="$1/hull-runtime --systemd-cgroup --root /run/hull-runtime"
$runtime create --bundle "$2/scope" box >/run/output
echo "group $(cat "/proc/$($runtime list -f json | grep -o '"pid":[0-9]*' | cut -d: -f2)/cgroup")"
$runtime start box
systemctl show hull-vmbox.scope -p MemoryMax,TasksMax,Slice,Delegate,TimeoutStopUSec,Description
systemctl daemon-reload
echo "after reload $(cat /sys/fs/cgroup/system.slice/hull-vmbox.scope/memory.max)"
$runtime update --memory 32M box
systemctl show hull-vmbox.scope -p MemoryMax
echo "exec $($runtime exec box cat /proc/self/cgroup)"
$runtime pause box && $runtime resume box && echo thawed
$runtime delete --force box
$runtime run --bundle "$2/slashes" other 2>&1 | grep -o 'slice:prefix:name' || true
$runtime run --bundle "$2/property" other 2>&1 | grep -o 'annotation org.systemd.property.TimeoutStopUSec' || true
# A service that is started when its container says so, and goes on by the container's process when that is detached.
for flags in "" "--detach"; do
  systemd-run --quiet --collect --service-type=notify --unit=notified $runtime run $flags --bundle "$2/notified" notified
  echo "notified $flags $(systemctl is-active notified) $(cat "/proc/$(systemctl show notified -P MainPID)/comm")"
  $runtime delete --force notified
  while systemctl --quiet is-active notified; do sleep 0.1; done
done
sleep 1
systemctl list-units --all --no-legend 'hull-*' | sed 's/^/left behind: /'
ls -d /sys/fs/cgroup/system.slice/hull-* 2>/dev/null | sed 's/^/left behind: /' || true
