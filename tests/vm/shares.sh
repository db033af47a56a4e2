#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (Debian's kernel): volumes of the types nfs, served by the kernel's own server, and cifs, served
# by Samba.
# Usage: shares.sh BIN-DIRECTORY BUSYBOX-TAR. Prints what the test compares.
set -u
. "$(dirname "$0")/engine.sh"
engine() { serve --bridge none; }
engine
box() { hull run --rm --network none "$@"; }
mounted() { grep -c " /var/lib/hull/volumes/$1/_data " /proc/mounts; }
echo "127.0.0.1 files.example" >>/etc/hosts
mkdir -p /srv
mount -t tmpfs tmpfs /srv
mkdir -p /srv/nfs/sub /srv/share

nfs() {
  command -v exportfs >/dev/null || { echo "nfs: no server here"; return; }
  for module in nfsd nfs nfsv4; do modprobe -q $module; done
  mkdir -p /run/rpc_pipefs /var/lib/nfs/v4recovery /var/lib/nfs/rpc_pipefs
  touch /var/lib/nfs/etab /var/lib/nfs/rmtab
  mount -t nfsd nfsd /proc/fs/nfsd
  mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
  exportfs -i -o rw,no_root_squash,fsid=0,no_subtree_check '*:/srv/nfs'
  rpc.mountd --no-udp --no-nfs-version 2 --no-nfs-version 3
  rpc.nfsd --no-udp --no-nfs-version 3 --grace-time 10 --lease-time 10 2 || { echo "nfs: the server does not start"; return; }

  hull volume create -o type=nfs -o device=:/ -o o=addr=127.0.0.1,vers=4.2,rw shared >/dev/null
  hull volume create -o type=nfs -o device=files.example:/sub -o o=vers=4.2,ro readonly >/dev/null
  hull volume create -o type=nfs -o device=:/nothing -o o=addr=127.0.0.1,vers=4.2 missing >/dev/null
  hull volume create -o type=nfs -o device=nowhere.invalid:/ -o o=vers=4.2 nowhere >/dev/null
  echo "nfs: before its use $(mounted shared)"
  box -v shared:/data busybox sh -c 'echo over the wire >/data/file' && echo "nfs: $(cat /srv/nfs/file)"
  hull run -d --name user --network none -v shared:/data busybox sleep 1000 >/dev/null
  echo "nfs: in use $(mounted shared) $(hull exec user grep -c ' /data nfs4 ' /proc/mounts)"
  kill -9 "$(cat /run/hulld.pid)"
  engine
  hull exec user sh -c 'echo after a crash >/data/file' && echo "nfs: $(cat /srv/nfs/file)"
  hull rm -f user >/dev/null
  sleep 1
  echo "nfs: after its use $(mounted shared)"
  box -v readonly:/data busybox touch /data/file 2>&1 | sed 's/^/nfs: /'
  for volume in missing nowhere; do
    box -v $volume:/data busybox true 2>&1 | sed "s/^/nfs $volume: /"
  done
  rpc.nfsd 0
  hull volume create -o type=nfs -o device=:/ -o o=addr=127.0.0.1,vers=4.2,soft,timeo=10,retrans=1 down >/dev/null
  box -v down:/data busybox true 2>&1 | sed "s/^/nfs down: /"
  hull volume rm shared readonly missing nowhere down >/dev/null && echo "nfs: removed, $(ls /srv/nfs/file)"
}

smb_server() {
  command -v smbd >/dev/null || { echo "cifs: no server here"; return 1; }
  mkdir -p /run/samba /var/lib/samba/private /var/cache/samba /var/log/samba
  echo 'someone:x:1234:1234::/:/bin/false' >>/etc/passwd
  chown 1234 /srv/share
  printf '%s\n' '[global]' 'bind interfaces only = yes' 'interfaces = lo' 'smb ports = 445' 'disable netbios = yes' \
    'load printers = no' '[share]' 'path = /srv/share' 'read only = no' 'valid users = someone' >/etc/samba/smb.conf
  printf 'secret\nsecret\n' | smbpasswd -s -a someone >/dev/null
  smbd -D || { echo "cifs: the server does not start"; return 1; }
  for _ in $(seq 300); do grep -q ':01BD ' /proc/net/tcp && return 0; sleep 0.1; done
  echo "cifs: the server does not listen"
  return 1
}

cifs() {
  modprobe -q cifs
  login=username=someone,password=secret,vers=3.0
  hull volume create -o type=cifs -o device=//files.example/share -o o=$login office >/dev/null
  box -v office:/data busybox true 2>&1 | sed 's/^/cifs: /'
  if smb_server; then
    hull volume create -o type=cifs -o device=//127.0.0.1/share -o o=$login,ro readonly >/dev/null
    hull volume create -o type=cifs -o device=//127.0.0.1/share -o o=username=someone,password=wrong,vers=3.0 locked >/dev/null
    hull volume create -o type=cifs -o device=//127.0.0.1/nothing -o o=$login missing >/dev/null
    box -v office:/data busybox sh -c 'echo over the wire >/data/file' && echo "cifs: $(cat /srv/share/file)"
    hull run -d --name user --network none -v office:/data busybox sleep 1000 >/dev/null
    echo "cifs: in use $(mounted office) $(hull exec user grep -c ' /data cifs ' /proc/mounts)"
    hull rm -f user >/dev/null
    sleep 1
    echo "cifs: after its use $(mounted office)"
    box -v readonly:/data busybox touch /data/file 2>&1 | sed 's/^/cifs: /'
    for volume in locked missing; do box -v $volume:/data busybox true 2>&1 | sed "s/^/cifs $volume: /"; done
    hull volume rm readonly locked missing >/dev/null
    pkill smbd
  fi
  hull volume rm office >/dev/null && echo "cifs: removed"
}

nfs
cifs
kill "$(cat /run/hulld.pid)"
