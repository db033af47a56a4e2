#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command as root under Debian's stock kernel, with cgroup v2, over the files of this machine:
#   tests/vm/run.sh [--memory MiB] [--timeout seconds] COMMAND [ARGUMENT…]
# Its output and exit status become ours. What it writes is gone afterwards. See machine.py.
exec /usr/bin/python3 "$(dirname "$0")/machine.py" "$@"
