#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (Debian's kernel): --storage-opt size= on the file systems that keep project quotas.
# Usage: quotas.sh BIN-DIRECTORY BUSYBOX-TAR. Prints what the test compares.
set -u
. "$(dirname "$0")/engine.sh"
engine() { # data root
  root=$1
  serve --bridge none
}
fill() { # file
  echo "dd if=/dev/zero of=$1 bs=1M count=40 2>/dev/null; size=\$(stat -c %s $1); [ \$size -le 20971520 ] && echo limited || echo unlimited"
}

for module in loop ext4 xfs quota_v2; do modprobe -q $module; done
mkdir -p /disks
mount -t tmpfs none /disks
for fs in ext4 xfs; do
  truncate -s 400M "/disks/$fs.image"
  mkdir -p "/disks/$fs"
  if [ $fs = ext4 ]; then
    mkfs.ext4 -q -O quota,project -E quotatype=prjquota "/disks/$fs.image" && mount -o loop,prjquota "/disks/$fs.image" "/disks/$fs" || exit 1
  else
    command -v mkfs.xfs >/dev/null || { echo "no mkfs.xfs"; continue; }
    mkfs.xfs -q "/disks/$fs.image" && mount -o loop,pquota "/disks/$fs.image" "/disks/$fs" || exit 1
  fi
  engine "/disks/$fs"
  echo "$fs with a size: $(hull run --rm --network none --storage-opt size=20M busybox sh -c "$(fill /big)")"
  echo "$fs without: $(hull run --rm --network none busybox sh -c "$(fill /big)")"
  echo "$fs shows $(hull run --rm --network none --storage-opt size=30M busybox df -k / | tail -n 1 | awk '{print $2}')"
  hull volume create -o size=20M small >/dev/null
  hull volume create free >/dev/null
  for volume in small free; do
    echo "$fs volume $volume: $(hull run --rm --network none -v $volume:/v busybox sh -c "$(fill /v/big)")"
  done
  echo "$fs volume shows $(hull run --rm --network none -v small:/v busybox df -k /v | tail -n 1 | awk '{print $2}')"
  hull volume rename small renamed
  echo "$fs renamed volume shows $(hull run --rm --network none -v renamed:/v busybox df -k /v | tail -n 1 | awk '{print $2}')"
  hull volume rm renamed free >/dev/null
  kill "$(cat /run/hulld.pid)"
  wait
  umount "/disks/$fs" && echo "$fs is free"
done
engine /var/lib/hull
hull volume create -o size=20M small 2>&1 | head -n 1
hull run --rm --network none --storage-opt size=20M busybox true 2>&1 | head -n 1
kill "$(cat /run/hulld.pid)"
