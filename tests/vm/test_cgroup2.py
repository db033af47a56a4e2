# SPDX-License-Identifier: Apache-2.0
"""What the machine's own kernel may not show: control groups of version 2, under Debian's stock kernel."""
import importlib.util
import pathlib

import pytest

spec = importlib.util.spec_from_file_location("vm_machine", pathlib.Path(__file__).with_name("machine.py"))
machine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(machine)


def run(command, **options):
    try:
        return machine.run(command, **options)
    except machine.Unavailable as reason:
        pytest.skip(str(reason))


def test_unit_tests_of_control_groups_and_filters_pass_with_version_2():
    program = machine.BUILD / "tests" / "test_linux"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    status, output = run(f"grep -q cgroup2 /proc/mounts && {program} --gtest_filter='Cgroup*:Device*:Seccomp.ALoaded*'")
    assert status == 0, output
    assert "[  PASSED  ]" in output, output
    for test in ("DevicesAreClosedButForTheListed", "AnOomKillIsAnnouncedAndCounted", "FrozenProcessesStandStill"):
        assert f"[       OK ] CgroupTest.{test}" in output, output


def script(name, busybox, **options):
    """Runs a script of this directory with the programs and the image as its arguments."""
    # The machine sees the host's files, but not what lies in a directory that it mounts itself.
    tar = machine.BUILD / "vm" / "busybox.tar"
    tar.parent.mkdir(exist_ok=True)
    tar.write_bytes(pathlib.Path(busybox).read_bytes())
    return run(f"{pathlib.Path(__file__).with_name(name)} {machine.BUILD / 'bin'} {tar}", **options)


def test_containers_have_limits_devices_and_statistics_with_version_2(busybox):
    status, output = script("containers.sh", busybox)
    assert status == 0, output
    lines = output.splitlines()
    for expected in ("memory.max 67108864", "cpu.max 50000 100000", "pids.max 50", "frozen frozen 1", "exec 0::/", "device null",
                     "privileged /sys/fs/cgroup/cgroup.controllers"):
        assert expected in lines, output
    assert any(line.startswith("stats 1 ") and line.endswith("/ 64MiB") for line in lines), output
    assert "left behind" not in output, output


def test_systemd_makes_the_groups_and_keeps_the_limits(busybox):
    status, output = script("systemd.sh", busybox, systemd=True)
    assert status == 0, output
    lines = output.splitlines()
    for expected in ("driver systemd", "group 0::/system.slice/hull-ID.scope", "MemoryMax=67108864", "TasksMax=50", "CPUWeight=59",
                     "CPUQuotaPerSecUSec=500ms", "Delegate=yes", "DevicePolicy=strict", "device null", "device refused",
                     "after reload memory.max 67108864", "after update memory.max 134217728", "MemoryMax=134217728",
                     "slice 0::/special.slice/special-one.slice/hull-ID.scope", "failed start 127", "exited 137"):
        assert expected in lines, output
    assert "left behind" not in output, output
