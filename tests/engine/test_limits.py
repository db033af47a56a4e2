# SPDX-License-Identifier: Apache-2.0
"""Limits of resources: what is asked for is in the control group, and the kernel keeps to it."""
import json
import os
import pathlib
import subprocess
import time

import pytest

from conftest import wait_until

V1 = os.path.isdir("/sys/fs/cgroup/memory")
v1_only = pytest.mark.skipif(not V1, reason="names the files of control groups of version 1")
DISK = next((f"/dev/{name}" for name in sorted(os.listdir("/sys/block")) if name.startswith(("vd", "sd", "nvme"))), None)
needs_disk = pytest.mark.skipif(DISK is None, reason="needs a block device")


class Group:
    """The control group of a running container."""

    def __init__(self, cli, *options, command=("sleep", "100")):
        self.cli = cli
        self.id = cli("run", "-d", *options, "busybox", *command).stdout.strip()

    def read(self, subsystem, file):
        return (pathlib.Path("/sys/fs/cgroup") / subsystem / self.cli.engine.cgroup_parent.lstrip("/") / self.id / file).read_text().strip()

    def sh(self, script):
        return self.cli("exec", self.id, "sh", "-c", script, check=False).stdout


def device_number(path):
    number = os.stat(path).st_rdev
    return f"{os.major(number)}:{os.minor(number)}"


@v1_only
def test_memory_limits_are_in_the_group(cli):
    group = Group(cli, "-m", "64m", "--memory-swap", "96m", "--memory-reservation", "32m", "--memory-swappiness", "7", "--oom-kill-disable")
    assert group.read("memory", "memory.limit_in_bytes") == str(64 << 20)
    assert group.read("memory", "memory.soft_limit_in_bytes") == str(32 << 20)
    assert group.read("memory", "memory.swappiness") == "7"
    assert "oom_kill_disable 1" in group.read("memory", "memory.oom_control")
    if os.path.exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"):
        assert group.read("memory", "memory.memsw.limit_in_bytes") == str(96 << 20)


def test_the_first_process_is_killed_at_its_limit(cli):
    since = str(time.time() - 1)
    cli("run", "--name", "hog", "-m", "8m", "--memory-swap", "8m", "busybox", "tail", "-f", "-c", "100m", "/dev/zero", check=False)
    assert cli.engine.inspect("hog", "{{.State.OOMKilled}} {{.State.ExitCode}} {{.State.Status}}") == "true 137 exited"
    shown = cli("events", "--since", since, "--until", str(time.time()), "--filter", "container=hog",
                          "--format", "{{.Action}}").stdout.split()
    assert "oom" in shown and shown.index("oom") < shown.index("die")


@v1_only
def test_processes_that_wait_for_memory_are_told_of(cli):
    since = str(time.time() - 1)
    cli("run", "-d", "--name", "waits", "-m", "8m", "--memory-swap", "8m", "--oom-kill-disable", "busybox", "sh", "-c",
        "x=a; while true; do x=$x$x$x$x; done")
    events = lambda: cli("events", "--since", since, "--until", str(time.time()), "--filter", "container=waits", "--format",
                         "{{.Action}}").stdout.split()
    wait_until(lambda: "oom" in events(), 10)
    assert cli.engine.inspect("waits", "{{.State.OOMKilled}} {{.State.Running}}").endswith(" true")
    cli("rm", "-f", "waits")


def test_what_runs_before_is_forgotten_by_the_next_start(cli):
    script = "test -e /ran && exit 0; touch /ran; exec tail -f -c 100m /dev/zero"
    cli("run", "--name", "again", "-m", "8m", "--memory-swap", "8m", "busybox", "sh", "-c", script, check=False)
    assert cli.engine.inspect("again", "{{.State.OOMKilled}}") == "true"
    cli("start", "-a", "again")
    assert cli.engine.inspect("again", "{{.State.OOMKilled}} {{.State.ExitCode}}") == "false 0"


@v1_only
def test_cpu_quota_throttles(cli):
    group = Group(cli, "--cpus", "0.2", command=("sh", "-c", "while :; do :; done"))
    assert (group.read("cpu", "cpu.cfs_quota_us"), group.read("cpu", "cpu.cfs_period_us")) == ("20000", "100000")
    usage = lambda: int(group.read("cpuacct", "cpuacct.usage"))  # noqa: E731
    before, began = usage(), time.monotonic()
    time.sleep(1)
    share = (usage() - before) / 1e9 / (time.monotonic() - began)
    assert share < 0.35
    statistics = dict(line.split() for line in group.read("cpu", "cpu.stat").splitlines())
    assert int(statistics["nr_throttled"]) > 0 and int(statistics["throttled_time"]) > 0


@v1_only
def test_cpu_shares_period_quota_and_sets(cli):
    group = Group(cli, "--cpu-shares", "300", "--cpu-period", "50000", "--cpu-quota", "25000", "--cpuset-cpus", "0", "--cpuset-mems", "0")
    assert [group.read("cpu", f"cpu.{name}") for name in ("shares", "cfs_period_us", "cfs_quota_us")] == ["300", "50000", "25000"]
    assert [group.read("cpuset", f"cpuset.{name}") for name in ("cpus", "mems")] == ["0", "0"]
    assert group.sh("grep Cpus_allowed_list /proc/self/status").split()[1] == "0"


def test_the_limit_of_processes_is_hit(cli):
    output = cli("run", "--rm", "--pids-limit", "10", "busybox", "sh", "-c",
                           "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done 2>&1; kill $(jobs -p) 2>/dev/null; true", check=False)
    assert "fork" in output.stdout + output.stderr
    assert cli("run", "--rm", "--pids-limit", "-1", "busybox", "echo", "unlimited").stdout == "unlimited\n"


@v1_only
@needs_disk
def test_block_device_limits_are_in_the_group(cli):
    group = Group(cli, "--device-read-bps", f"{DISK}:1mb", "--device-write-bps", f"{DISK}:2mb", "--device-read-iops", f"{DISK}:300",
                  "--device-write-iops", f"{DISK}:400")
    number = device_number(DISK)
    for file, value in (("read_bps_device", 1 << 20), ("write_bps_device", 2 << 20), ("read_iops_device", 300), ("write_iops_device", 400)):
        assert group.read("blkio", f"blkio.throttle.{file}") == f"{number} {value}"


@v1_only
@needs_disk
def test_writes_to_a_block_device_are_slowed_down(cli):
    name = os.path.basename(DISK)
    if not any(line.split()[0] == DISK and line.split()[1] == "/" for line in pathlib.Path("/proc/mounts").read_text().splitlines()) and \
            f"/{name}" not in os.path.realpath("/dev/root"):
        pytest.skip("the data root is on another device")
    group = Group(cli, "--device-write-bps", f"{DISK}:1mb")
    began = time.monotonic()
    group.sh("dd if=/dev/zero of=/file bs=256k count=6 oflag=direct 2>/dev/null || dd if=/dev/zero of=/file bs=256k count=6 conv=fsync")
    assert time.monotonic() - began > 0.9


@v1_only
def test_block_weight_is_in_the_group_or_a_warning(cli):
    created = cli("create", "--blkio-weight", "300", "--name", "weighty", "busybox", "sleep", "100")
    if "weight" in created.stderr.lower():
        assert cli.engine.inspect("weighty", "{{.HostConfig.BlkioWeight}}") == "0"
    else:
        cli("start", "weighty")
        identifier = cli.engine.inspect("weighty", "{{.Id}}")
        directory = pathlib.Path("/sys/fs/cgroup/blkio") / cli.engine.cgroup_parent.lstrip("/") / identifier
        assert any("300" in file.read_text() for file in directory.glob("blkio*.weight"))


def test_ulimits_are_soft_and_hard(cli):
    output = cli("run", "--rm", "--ulimit", "nofile=512:1024", "--ulimit", "core=0", "--ulimit", "nproc=77", "busybox", "cat",
                           "/proc/self/limits").stdout
    limits = {line[:26].strip(): line[26:].split()[:2] for line in output.splitlines()}
    assert limits["Max open files"] == ["512", "1024"]
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max processes"] == ["77", "77"]


def test_shared_memory_has_the_size(cli):
    assert "8192" in cli("run", "--rm", "--shm-size", "8m", "busybox", "df", "-k", "/dev/shm").stdout
    assert "65536" in cli("run", "--rm", "busybox", "df", "-k", "/dev/shm").stdout


def test_the_oom_score_is_the_one_asked_for(cli):
    assert cli("run", "--rm", "--oom-score-adj", "321", "busybox", "cat", "/proc/self/oom_score_adj").stdout == "321\n"


@pytest.mark.parametrize("options,message", [
    (["--memory", "10m", "--memory-swap", "5m"], "Minimum memoryswap limit should be larger than memory limit"),
    (["--memory-swap", "64m"], "You should always set the Memory limit when using Memoryswap limit"),
    (["--memory", "16m", "--memory-reservation", "32m"], "Minimum memory limit can not be less than memory reservation limit"),
    (["--cpu-period", "10"], "CPU cfs period can not be less than 1ms"),
    (["--cpus", "1", "--cpu-period", "100000"], "Nano CPUs and CPU Period cannot both be set"),
    (["--cpuset-cpus", "4000"], "Requested CPUs are not available"),
    (["--blkio-weight", "5"], "Range of blkio weight is from 10 to 1000"),
    (["--device-read-bps", "/dev/no-such-disk:1mb"], "/dev/no-such-disk"),
    (["--oom-score-adj", "2000"], "range for oom score adj is [-1000, 1000]"),
])
def test_limits_without_sense_are_refused(cli, options, message):
    result = cli("run", "--rm", *options, "busybox", "true", check=False)
    assert result.returncode != 0 and message in result.stderr
