#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine, under systemd: containers whose control groups are scopes of systemd.
# Usage: systemd.sh BIN-DIRECTORY BUSYBOX-TAR. Prints what the test compares.
set -eu
. "$(dirname "$0")/engine.sh"
busybox ip link set lo up
serve --bridge none --exec-opt native.cgroupdriver=systemd
hull() { "$bin/hull" "$@" || { echo "hull $1 ended with $?"; cat /run/hulld.log; exit 1; }; }
echo "driver $(hull info --format '{{.CgroupDriver}}')"
hull run -d --name box --network none -m 64m --cpus 0.5 --pids-limit 50 --cpu-shares 512 busybox sleep 100 >/dev/null
id=$(hull inspect --format '{{.Id}}' box)
unit=hull-$id.scope
group=/sys/fs/cgroup/system.slice/$unit
pid=$(hull inspect --format '{{.State.Pid}}' box)
echo "group $(sed "s/$id/ID/" "/proc/$pid/cgroup")"
systemctl show "$unit" -p MemoryMax,TasksMax,CPUWeight,CPUQuotaPerSecUSec,Delegate,DevicePolicy
hull exec box sh -c ': < /dev/null && echo "device null"; mknod /tmp/sda b 8 0 2>/dev/null; cat /tmp/sda >/dev/null 2>&1 || echo "device refused"'
systemctl daemon-reload
echo "after reload memory.max $(cat "$group/memory.max")"
hull update -m 128m --memory-swap 128m box >/dev/null
echo "after update memory.max $(cat "$group/memory.max")"
systemctl show "$unit" -p MemoryMax

hull run -d --name special --network none --cgroup-parent special-one.slice busybox sleep 100 >/dev/null
special=$(hull inspect --format '{{.Id}}' special)
echo "slice $(sed "s/$special/ID/" "/proc/$(hull inspect --format '{{.State.Pid}}' special)/cgroup")"
"$bin/hull" run --name broken --network none busybox /nothing 2>/dev/null || echo "failed start $?"
hull kill box >/dev/null
echo "exited $(hull wait box)"
hull rm -f box special broken >/dev/null
sleep 2
systemctl list-units --all --no-legend 'hull-*' | sed 's/^/left behind: /'
ls -d /sys/fs/cgroup/system.slice/hull-* 2>/dev/null | sed 's/^/left behind: /'
kill "$(cat /run/hulld.pid)"
