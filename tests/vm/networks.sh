#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (Debian's kernel): networks of the drivers that the build machine's kernel lacks, and other
# firewalls beside ours. Usage: networks.sh BIN-DIRECTORY BUSYBOX-TAR. Prints what the test compares.
set -u
. "$(dirname "$0")/engine.sh"
serve

# The physical network: a wire, with another machine at its end.
ip netns add machine
ip link add wire type veth peer name eth0 netns machine
ip link set wire up
ip -n machine addr add 192.0.2.1/24 dev eth0
ip -n machine link set eth0 up
ip -n machine link set lo up

reach() { # from to what
  if hull exec "$1" ping -c 1 -W 3 "$2" >/dev/null 2>&1; then echo "$3 reached"; else echo "$3 not reached"; fi
}
pair() { # network
  hull run -d --name one --network "$1" busybox sleep 1000 >/dev/null && hull run -d --name two --network "$1" busybox sleep 1000 >/dev/null
}
address() { hull inspect -f "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}" "$1"; }
gone() { hull rm -f one two >/dev/null; hull network rm "$1" >/dev/null; }

for mode in bridge private vepa passthru; do
  hull network create -d macvlan -o parent=wire -o macvlan_mode=$mode --subnet 192.0.2.0/24 --gateway 192.0.2.1 --ip-range 192.0.2.64/26 net >/dev/null || continue
  if [ $mode = passthru ]; then
    hull run -d --name one --network net busybox sleep 1000 >/dev/null
  else
    pair net
    reach one "$(address two)" "macvlan $mode neighbour"
  fi
  reach one 192.0.2.1 "macvlan $mode machine"
  gone net
done

hull network create -d macvlan -o parent=wire.50 --subnet 198.51.100.0/24 net >/dev/null
ip -d link show wire.50 | grep -o 'vlan protocol 802.1Q id 50' | head -1
pair net
reach one "$(address two)" "802.1q neighbour"
gone net
ip link show wire.50 >/dev/null 2>&1 && echo "wire.50 is left" || echo "wire.50 is gone"

hull network create -d macvlan net >/dev/null
pair net
reach one "$(address two)" "without a parent"
hull network inspect -f '{{.Internal}}' net
gone net

for mode in l2 l3 l3s; do
  hull network create -d ipvlan -o parent=wire -o ipvlan_mode=$mode --subnet 192.0.2.0/24 --ip-range 192.0.2.64/26 net >/dev/null || continue
  pair net
  reach one "$(address two)" "ipvlan $mode neighbour"
  echo "ipvlan $mode route: $(hull exec one ip route show default)"
  echo "ipvlan $mode mac: $([ "$(hull exec one cat /sys/class/net/eth0/address)" = "$(cat /sys/class/net/wire/address)" ] && echo the parent\'s || echo another)"
  [ $mode = l2 ] && reach one 192.0.2.1 "ipvlan $mode machine"
  gone net
done

# Connected and disconnected while it runs, and over a crash of the engine.
hull network create -d macvlan -o parent=wire --subnet 192.0.2.0/24 net >/dev/null
hull run -d --name one busybox sleep 1000 >/dev/null
hull network connect --ip 192.0.2.77 net one
reach one 192.0.2.1 "connected machine"
kill -9 "$(cat /run/hulld.pid)"
"$bin/hulld" -H "$HULL_HOST" --data-root /var/lib/hull --exec-root /run/hull --pidfile /run/hulld.pid >>/run/hulld.log 2>&1 &
for _ in $(seq 100); do
  hull version >/dev/null 2>&1 && break
  sleep 0.1
done
reach one 192.0.2.1 "after a crash machine"
hull network disconnect net one
reach one 192.0.2.1 "disconnected machine"
hull rm -f one >/dev/null
hull network rm net >/dev/null

ip link del wire
kill "$(cat /run/hulld.pid)"
