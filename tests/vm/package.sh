#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine, on a Debian that never saw hull, under systemd: its package is installed, upgraded under a
# running container, removed and purged. Usage: package.sh DIRECTORY (old.deb, new.deb, busybox.tar). Prints what the test
# compares.
set -u
directory=$1
export DEBIAN_FRONTEND=noninteractive
systemctl start --quiet basic.target
state() { systemctl show -p ActiveState --value "$1"; }
running() { hull inspect --format '{{.State.Status}} {{.State.Pid}}' "$1"; }
wait_for() { for _ in $(seq 20); do "$@" > /dev/null 2>&1 && return; sleep 0.5; done; echo "waited in vain for: $*"; }

apt-get install -y -q "$directory/old.deb" > /tmp/install 2>&1 || cat /tmp/install
wait_for hull version
echo "installed: socket $(state hull.socket) $(systemctl is-enabled hull.socket), service $(state hull.service) $(systemctl is-enabled hull.service)"
echo "socket $(stat -c '%a %U:%G' /run/hull/hull.sock)"
useradd member && usermod -aG hull member && useradd stranger
echo "member sees $(su member -c "hull version --format '{{.Server.Version}}'" 2>&1)"
echo "stranger: $(su stranger -c 'hull ps' 2>&1 | tr '\n' ' ')"

hull run --rm hello 2>&1 | head -2
hull import "$directory/busybox.tar" busybox > /dev/null
hull network create net1 > /dev/null
hull run -d --name web --restart always --network net1 -p 8080:80 busybox sh -c 'mkdir /w; echo page > /w/index.html; exec busybox httpd -f -h /w' > /dev/null
page() { hull run --rm --network net1 busybox busybox wget -qO- http://web/; }
wait_for page
[ -n "$(page)" ] || exit 1
before=$(running web)
main=$(systemctl show -p MainPID --value hull.service)
dpkg -i "$directory/new.deb" > /tmp/upgrade 2>&1 || cat /tmp/upgrade
wait_for hull version
[ "$before" = "$(running web)" ] && echo "upgraded to $(dpkg-query -W -f '${Version}' hull) under the same container"
[ "$main" != "$(systemctl show -p MainPID --value hull.service)" ] && echo "the engine is another one"
echo "page after upgrade: $(page)"

systemctl kill --kill-whom main --signal KILL hull.service
wait_for hull version
[ "$before" = "$(running web)" ] && echo "killed engine came back to the same container"
systemctl stop hull.service 2> /dev/null
echo "stopped: $(state hull.service)"
[ "$before" = "$(running web)" ] && echo "activated by its socket: $(state hull.service)"

dpkg -r hull > /tmp/remove 2>&1 || cat /tmp/remove
grep -c 'Stopping the containers' /tmp/remove | sed 's/^/told about containers: /'
echo "removed: socket $(state hull.socket), service $(state hull.service), processes $(pgrep -c 'hull|httpd')"
[ -d /var/lib/hull ] && echo "what it kept is still there"
dpkg -i "$directory/new.deb" > /tmp/again 2>&1 || cat /tmp/again
wait_for page
echo "after another install: $(hull inspect --format '{{.State.Status}}' web), $(page)"
dpkg -P hull > /tmp/purge 2>&1 || cat /tmp/purge
grep 'rm -rf' /tmp/purge
systemctl list-unit-files --no-legend 'hull*' | sed 's/^/left behind: /'
