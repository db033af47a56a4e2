#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine (cgroup version 2): programs of the validation suite of the OCI runtime-tools, two at a time.
# Usage: oci_suite.sh BIN-DIRECTORY BUNDLES DRIVER SUITE PROGRAM…, with the control groups' driver cgroupfs or systemd. Prints
# what look_at_groups prints; then what each program says, but for what is well, after its name and exit code.
set -u

# RUNTIME-COMMAND DIRECTORY: every bundle in there is created, and the files of its control group that are listed beside its
# configuration are printed after its name. Then its `inside` is executed in there. Nothing may be left of its group.
look_at_groups() {
  for bundle in "$2"/*/; do
    name=$(basename "$bundle")
    $1 create --bundle "$bundle" "$name" >/run/said 2>&1 </dev/null || { sed "s/^/$name: /" /run/said; continue; }
    group=/sys/fs/cgroup$(sed 's/^0:://' "/proc/$($1 list -f json | grep -o '"pid":[0-9]*' | cut -d: -f2)/cgroup")
    while read -r file; do echo "$name $file $(grep -v '^default' "$group/$file")"; done <"$bundle/files"
    if [ -e "$bundle/inside" ]; then
      $1 start "$name"
      $1 exec "$name" sh -c "$(cat "$bundle/inside")" 2>/dev/null | sed "s/^/$name /"
    fi
    $1 delete --force "$name"
    [ -d "$group" ] && echo "left behind: $group"
    [ -d "$(dirname "$group")" ] || echo "left nothing of its parent: $group"
  done
}

runtime="$1/hull-runtime --root /run/hull-runtime"
[ "$3" = systemd ] && runtime="$runtime --systemd-cgroup"
look_at_groups "$runtime" "$2/$3"
driver=$3 suite=$4
shift 4
printf '#!/bin/sh\nexec %s "$@"\n' "$runtime" >/run/runtime
chmod +x /run/runtime
# One of them wants a profile of that name to be there.
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
echo 'profile acme_secure_profile { file, capability, network, mount, umount, pivot_root, signal, ptrace, unix, }' |
  apparmor_parser -r 2>/dev/null
mkdir /run/tmp /run/said.d
cd "$suite" || exit 1
lane() {
  while read -r program; do
    RUNTIME=/run/runtime TMPDIR=/run/tmp timeout -k 5 120 "bin/$program" >"/run/said.d/$program" 2>&1 </dev/null
    echo $? >"/run/said.d/$program.code"
  done
}
printf '%s\n' "$@" | awk 'NR % 2' | lane &
printf '%s\n' "$@" | awk 'NR % 2 == 0' | lane &
wait
for program in "$@"; do
  echo "=== $program $(cat "/run/said.d/$program.code")"
  grep -v '^ok ' "/run/said.d/$program"
done
echo "=== end 0"
[ "$driver" = systemd ] && sleep 1 && systemctl list-units --all --no-legend '*.scope'
exit 0
