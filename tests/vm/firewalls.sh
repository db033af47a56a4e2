#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (Debian's kernel): ours beside the firewalls that people have. Each of them is switched on,
# asked to let containers through in the words of our own warning, reloaded, and switched off again.
# Usage: firewalls.sh BIN-DIRECTORY BUSYBOX-TAR. Prints what the test compares.
set -u
. "$(dirname "$0")/engine.sh"
serve

# A machine outside, on a wire with this one: it asks for what is published here, and serves something itself.
ip netns add machine
ip link add wire type veth peer name eth0 netns machine
ip addr add 192.0.2.2/24 dev wire
ip link set wire up
ip -n machine addr add 192.0.2.1/24 dev eth0
ip -n machine link set eth0 up
mkdir -p /run/outside && echo outside >/run/outside/index.html
ip netns exec machine busybox httpd -p 8000 -h /run/outside
hull run -d --name web -p 8080:80 busybox sh -c 'mkdir /www && echo served >/www/index.html && exec httpd -f -p 80 -h /www' >/dev/null

first=""
say() { echo "$first: $*"; }
in_words() { [ "$1" = "$2" ] && echo reached || echo not reached; }
try() { # what is published, from outside; and the way out of a container
  say "$1: the port is $(in_words served "$(ip netns exec machine curl -s -m 2 http://192.0.2.2:8080/)")," \
    "outside is $(in_words outside "$(hull exec web sh -c 'printf "GET / HTTP/1.0\r\n\r\n" | nc -w 2 192.0.2.1 8000' 2>/dev/null | tail -n 1)")"
}
warnings() { hull info 2>/dev/null | sed -n 's/^ *WARNING: //p;/^ *Warnings:/,$p'; hull info 2>&1 >/dev/null | sed -n 's/^WARNING: //p'; }
ours() { for family in ip ip6; do nft list table $family hull; done 2>/dev/null | cksum; }
# Everything of everybody else.
theirs() {
  nft -s list ruleset 2>/dev/null | awk '/^table /{ours = $3 ~ /^hull/} !ours'
  iptables-legacy-save 2>/dev/null | grep -v '^[#:]'
}
obey() { # does what the warning says
  warnings | sed -n 's/.* until it lets [a-z]* through: //p' | sort -u | tr ';' '\n' | while read -r command; do
    say "told to: $command"
    eval "$command" >/run/foreign.log 2>&1 || say "which says: $(tail -n 1 /run/foreign.log)"
  done
}
busy() { # what an engine does all day
  hull network create busy >/dev/null
  hull run --rm --network busy -p 8081:80 busybox true 2>/dev/null
  hull network connect busy web && hull network disconnect busy web
  hull network rm busy >/dev/null
}
case_of() { # name, on, reload, off
  first=$1
  say "begins at $(cut -d . -f 1 /proc/uptime) s"
  mine=$(ours)
  eval "$2" >/run/foreign.log 2>&1 || { say "cannot be switched on: $(tail -n 1 /run/foreign.log)"; return; }
  try "on"
  hull create --name warned -p 0:80 busybox true 2>&1 >/dev/null | sed "s/^WARNING: \(.*\), and .*/$first: at publish: \1/;s/^WARNING: /$first: at publish: /" | cut -c 1-120
  hull rm warned >/dev/null
  obey
  try "allowed"
  say "warnings left: $(warnings | grep -c drops)"
  before=$(theirs)
  busy
  [ "$(theirs)" = "$before" ] && say "theirs are untouched" || { say "theirs have changed"; echo "$before" >/run/a; theirs >/run/b; diff /run/a /run/b; }
  eval "$3" >/run/foreign.log 2>&1 || say "reload fails: $(tail -n 1 /run/foreign.log)"
  sleep 1
  try "reloaded"
  eval "$4" >/run/foreign.log 2>&1
  sleep 1
  [ "$(ours)" = "$mine" ] && say "ours are as before" || say "ours have changed"
  try "off"
}

first=alone
try "at first"
for kind in nft legacy; do
  command -v iptables-$kind >/dev/null || continue
  update-alternatives --set iptables /usr/sbin/iptables-$kind >/dev/null 2>&1
  case_of "iptables-$kind" "iptables-$kind -P FORWARD DROP" \
    "iptables-$kind-save >/run/rules && iptables-$kind-restore </run/rules" "iptables-$kind -P FORWARD ACCEPT; iptables-$kind -F"
done
update-alternatives --set iptables /usr/sbin/iptables-nft >/dev/null 2>&1
nft delete table ip filter 2>/dev/null

# A ruleset of the administrator's own, as nftables.service loads it: it begins by throwing everything away.
printf 'flush ruleset\ntable inet filter {\nchain forward { type filter hook forward priority filter; policy drop; ct state established,related accept; }\n}\n' >/run/nftables.conf
case_of nftables "nft -f /run/nftables.conf; sleep 1" \
  "nft -s list table inet filter >/run/table && { echo 'flush ruleset'; cat /run/table; } >/run/nftables.conf && nft -f /run/nftables.conf" "nft flush ruleset"

if command -v ufw >/dev/null; then
  case_of ufw "ufw --force enable" "ufw reload" "ufw --force disable"
  nft flush ruleset
  sleep 1
fi

if command -v firewalld >/dev/null; then
  mkdir -p /run/dbus
  dbus-daemon --system --fork
  case_of firewalld "firewalld --nofork --nopid >/run/firewalld.log 2>&1 & for _ in \$(seq 200); do firewall-cmd --state && break; sleep 0.5; done; firewall-cmd --state" \
    "firewall-cmd --reload" "kill \$(pgrep -f sbin/firewalld); sleep 2; nft delete table inet firewalld"
fi

hull rm -f web >/dev/null
kill "$(cat /run/hulld.pid)"
