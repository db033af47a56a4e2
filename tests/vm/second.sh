#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First program of the virtual machine once it has its files: runs the command, leaves its output and status.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
hostname vm
ip link set lo up
if [ $$ = 1 ] && [ -e /run/vm/systemd ]; then
  mkdir -p /run/systemd/system
  printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/sh /run/vm/second.sh\n' \
    > /run/systemd/system/vm.service
  exec /lib/systemd/systemd --unit=vm.service
fi
if [ $$ = 1 ]; then
  # The command gets a group of its own, so that the root group can hand its controllers on.
  mkdir /sys/fs/cgroup/init
  echo $$ > /sys/fs/cgroup/init/cgroup.procs
  echo "+cpu +cpuset +memory +io +pids +hugetlb" > /sys/fs/cgroup/cgroup.subtree_control 2> /dev/null
fi
sh /run/vm/command > /run/vm/output 2>&1 < /dev/null
echo $? > /run/vm/status
sync
echo o > /proc/sysrq-trigger
sleep 60
