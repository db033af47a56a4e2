#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine: podman and dockerd with hull-runtime checkpoint containers, and bring them back.
# Usage: checkpoint_callers.sh BIN-DIRECTORY BUSYBOX-TAR DOCKER. Prints what the test compares.
set -eu
runtime=$1/hull-runtime
tar=$2
docker=$3
top=/var/lib/hull
cd "$top"
COUNT='i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done'
podman() {
  command podman --root "$top/podman" --runroot /run/podman/run --tmpdir /run/podman/tmp --runtime "$runtime" \
    --cgroup-manager cgroupfs --storage-driver vfs --events-backend file --log-level error "$@"
}
docker() { timeout 60 "$docker" -H unix:///run/docker/sock "$@"; }
# CLIENT NAME: until the container has written more lines than it has.
wait_for_more() {
  lines=$("$1" logs "$2" | wc -l)
  for _ in $(seq 40); do
    [ "$("$1" logs "$2" | wc -l)" -gt "$lines" ] && { echo "$2 writes"; return; }
    sleep 0.2
  done
  echo "$2 is silent"
}
# CLIENT NAME: what it has written is one count without a gap.
check_count() { "$1" logs "$2" | awk 'NR - 1 != $1 { print "the count is broken at line " NR ": " $1; exit }'; }

podman import "$tar" busybox >/dev/null 2>&1
mkdir "$top/volume"
podman run -d --name one --network none --log-driver k8s-file -v "$top/volume:/volume" busybox sh -c "$COUNT" >/dev/null
sleep 1
podman container checkpoint one >/dev/null && echo "podman: $(podman inspect --format '{{.State.Status}}' one)"
podman container restore one >/dev/null && echo "podman: $(podman inspect --format '{{.State.Status}}' one)"
wait_for_more podman one
check_count podman one
podman container checkpoint --leave-running --export "$top/exported.tar" one >/dev/null && podman exec one echo "podman: exec"
podman container restore --import "$top/exported.tar" --name two >/dev/null
wait_for_more podman two
podman rm -f -t 0 one two >/dev/null

mkdir /run/docker
dockerd -H unix:///run/docker/sock --data-root "$top/docker" --exec-root /run/docker/exec --pidfile /run/docker/pid --experimental \
  --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --storage-driver vfs \
  --add-runtime "hull=$runtime" --shutdown-timeout 3 >/run/docker/log 2>&1 &
for _ in $(seq 300); do
  docker version >/dev/null 2>&1 && break
  sleep 0.2
done
docker import "$tar" busybox >/dev/null || cat /run/docker/log
docker run -d --runtime hull --name three --network none busybox sh -c "$COUNT" >/dev/null
docker checkpoint create --leave-running three first && echo "docker: $(docker inspect --format '{{.State.Status}}' three)"
wait_for_more docker three
docker checkpoint create three second && echo "docker: $(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' three)"
docker start --checkpoint second three && echo "docker: $(docker inspect --format '{{.State.Status}}' three)"
wait_for_more docker three
docker exec three echo "docker: exec"
check_count docker three
docker rm -f three >/dev/null
kill "$(cat /run/docker/pid)"
find /sys/fs/cgroup -name '*libpod-[0-9a-f]*' | sed 's/^/left behind: /'
