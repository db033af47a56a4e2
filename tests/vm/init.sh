#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# First program of the virtual machine, in its initramfs: mounts the host's files under an overlay, and goes there.
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
for module in $(busybox cat /modules/order); do
  busybox insmod "/modules/$module.ko" || echo "cannot load $module"
done

options=trans=virtio,version=9p2000.L,msize=524288
busybox mount -t 9p -o "ro,cache=loose,$options" host /host || echo "cannot mount the host's files"
busybox mount -t tmpfs tmpfs /over
busybox mkdir /over/upper /over/work
busybox mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work overlay /root

busybox mount -t proc proc /root/proc
busybox mount -t sysfs sysfs /root/sys
busybox mount -t devtmpfs dev /root/dev
busybox mkdir -p /root/dev/pts /root/dev/shm /root/lib/modules
busybox mount -t devpts -o ptmxmode=666 devpts /root/dev/pts
for directory in dev/shm run; do busybox mount -t tmpfs -o mode=1777 tmpfs "/root/$directory"; done
busybox mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
busybox mkdir -p /root/run/vm /root/var/lib/hull
# Overlays of containers cannot have their upper directories on an overlay.
busybox mount -t tmpfs tmpfs /root/var/lib/hull
busybox mount -t 9p -o "$options" exchange /root/run/vm
busybox mount -t 9p -o "ro,cache=loose,$options" modules /root/lib/modules
busybox umount /proc /dev
exec busybox switch_root /root /bin/sh /run/vm/second.sh
