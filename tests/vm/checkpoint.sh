#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (its kernel is one that Debian's criu knows): containers are checkpointed and come back.
# Usage: checkpoint.sh BIN-DIRECTORY BUSYBOX-TAR DOCKER. Prints what the test compares.
set -eu
bin=$1
tar=$2
docker=$3
export HULL_HOST=unix:///run/hull.sock DOCKER_HOST=unix:///run/hull.sock
hull() { "$bin/hull" "$@"; }
serve() {
  "$bin/hulld" -H "$HULL_HOST" --data-root /var/lib/hull --exec-root /run/hull --pidfile /run/hulld.pid \
    --experimental >>/run/hulld.log 2>&1 &
  for _ in $(seq 200); do
    hull version >/dev/null 2>&1 && return
    sleep 0.1
  done
  cat /run/hulld.log
  exit 1
}
lines() { hull logs "$1" | wc -l; }
# Until the container has written more lines than that.
wait_for_more() {
  for _ in $(seq 200); do
    [ "$(lines "$1")" -gt "$2" ] && return
    sleep 0.1
  done
  echo "$1 writes nothing"
}
state() { hull inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$1"; }

mount --make-rshared / 2>/dev/null || true
serve
hull import "$tar" busybox >/dev/null || { cat /run/hulld.log; exit 1; }
mkdir -p /run/volume
echo "from the host" >/run/volume/file
# It counts, keeps a file open in a tmpfs and one in the volume, and has a child that serves the volume on its network.
hull run -d --name counter -m 64m -v /run/volume:/volume --tmpfs /scratch --hostname counts busybox sh -c '
  exec 5>/scratch/kept 6</volume/file; httpd -f -p 8080 -h /volume & i=0
  while :; do echo $i; echo $i >&5; i=$((i+1)); sleep 0.1; done' >/dev/null
wait_for_more counter 3

hull checkpoint create --leave-running counter first || cat /run/hulld.log
echo "after first: $(state counter)"
wait_for_more counter "$(lines counter)"
"$docker" checkpoint create counter second || cat /run/hulld.log
echo "after second: $(state counter)"
hull checkpoint ls counter
"$docker" checkpoint ls counter | tail -n +2 | tr '\n' ' '
echo "listed by docker"
before=$(lines counter)

hull start --checkpoint second counter >/dev/null || { cat /run/hulld.log; find /run/hull -name restore.log -exec cat {} \; ; }
echo "restored: $(state counter)"
wait_for_more counter "$before"
hull logs counter | awk 'NR - 1 != $1 { print "the count is broken at line " NR ": " $1; exit }'
hull exec counter sh -c 'echo "exec $(hostname) $(cat /proc/self/cgroup) $(cat /volume/file)"'
hull exec counter sh -c 'tail -n 1 /scratch/kept | grep -q "[0-9]" && echo "kept its file"'
echo "served: $(busybox wget -qO- "http://$(hull inspect --format '{{.NetworkSettings.IPAddress}}' counter):8080/file")"
group=/sys/fs/cgroup/hull/$(hull inspect --format '{{.Id}}' counter)
echo "memory.max $(cat "$group/memory.max")"
hull pause counter >/dev/null && echo "paused: $(state counter)"
hull unpause counter >/dev/null

# The engine dies; the container and its log go on.
kill -9 "$(cat /run/hulld.pid)"
serve
before=$(lines counter)
wait_for_more counter "$before"
echo "new engine: $(state counter)"
hull stop -t 1 counter >/dev/null
echo "stopped: $(state counter)"

# Again from the first one.
"$docker" start --checkpoint first counter >/dev/null
echo "from the first: $(state counter)"
pid=$(hull inspect --format '{{.State.Pid}}' counter)
kill -9 "$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")"
for _ in $(seq 50); do
  [ "$(state counter)" = "exited 137" ] && break
  sleep 0.1
done
echo "without its shim: $(state counter)"
hull checkpoint rm counter first
hull checkpoint ls counter | tail -n +2

# In a directory of its own.
mkdir -p /var/lib/hull/elsewhere
hull start counter >/dev/null
wait_for_more counter "$(lines counter)"
hull checkpoint create --checkpoint-dir /var/lib/hull/elsewhere counter away
echo "away: $(state counter)"
hull start --checkpoint away --checkpoint-dir /var/lib/hull/elsewhere counter >/dev/null
echo "back: $(state counter)"
hull rm -f counter >/dev/null

# Standard input is a pipe; what belongs to the root file system must not have changed since.
hull run -di --name reader --network none busybox sh -c 'exec 5>/tmp/file; while read -r line; do echo "got $line"; done' >/dev/null
hull checkpoint create reader now
hull start --checkpoint now reader >/dev/null
echo "a line" | timeout -s KILL 5 "$bin/hull" attach reader >/dev/null 2>&1 || true
wait_for_more reader 0
hull logs reader
hull stop -t 0 reader >/dev/null
echo more >/run/volume/more
hull cp /run/volume/more reader:/tmp/file >/dev/null
hull start --checkpoint now reader 2>&1 | sed 's/^/changed: /'
hull start reader >/dev/null && echo "reader: $(state reader)"
hull rm -f reader >/dev/null
sleep 1
[ -d "$group" ] && echo "left behind: $group"
grep hull /proc/self/mounts | grep -v ' /var/lib/hull ' | sed 's/^/left behind: /' || true
kill "$(cat /run/hulld.pid)"
