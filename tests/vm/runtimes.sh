#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (cgroup version 2): containers that other OCI runtimes start.
# Usage: runtimes.sh BIN-DIRECTORY BUSYBOX-TAR RUNTIME… (paths). Prints what the test compares.
set -eu
. "$(dirname "$0")/engine.sh"
shift 2
options=
for runtime in "$@"; do options="$options --add-runtime other-${runtime##*/}=$runtime"; done
# shellcheck disable=SC2086
serve --bridge none $options
for path in "$@"; do
  name=other-${path##*/}
  hull run -d --name box --network none --runtime "$name" -m 64m --cpus 0.5 --pids-limit 50 busybox sleep 1000 \
    >/dev/null || { cat /run/hulld.log; exit 1; }
  group=/sys/fs/cgroup/hull/$(hull inspect --format '{{.Id}}' box)
  for file in memory.max cpu.max pids.max; do echo "$name $file $(cat "$group/$file")"; done
  hull exec box sh -c 'echo "exec $(cat /proc/self/cgroup)"; : </dev/null && mknod /tmp/disk b 8 0; (: </tmp/disk) 2>/dev/null && echo "a disk" || true' |
    sed "s/^/$name /"
  hull update -m 32m --memory-swap 32m box >/dev/null
  echo "$name updated memory.max $(cat "$group/memory.max")"
  hull pause box >/dev/null
  echo "$name $(grep frozen "$group/cgroup.events")"
  hull unpause box >/dev/null
  hull stats --no-stream --format "$name stats {{.PIDs}} {{.MemUsage}}" box
  hull stop -t 0 box >/dev/null
  hull start box >/dev/null
  pid=$(hull inspect --format '{{.State.Pid}}' box)
  kill -9 "$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")"
  for _ in $(seq 50); do
    [ "$(hull inspect --format '{{.State.Status}}' box)" = exited ] && break
    sleep 0.1
  done
  echo "$name $(hull inspect --format '{{.State.Status}} {{.State.ExitCode}}' box)"
  hull rm -f box >/dev/null
  for _ in $(seq 100); do # the engine tidies up behind the answer
    [ -d "$group" ] || [ -n "$(ls /run/hull/containers)" ] || break
    sleep 0.1
  done
  [ -d "$group" ] && echo "left behind: $group"
  ls /run/hull/containers | sed 's/^/left behind: /'
done
kill "$(cat /run/hulld.pid)"
