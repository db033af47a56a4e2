# SPDX-License-Identifier: Apache-2.0
"""hull-runtime on its own with control groups of version 2, and under systemd, under Debian's stock kernel."""
import copy
import importlib.util
import json
import os
import pathlib
import shutil

import pytest

spec = importlib.util.spec_from_file_location("vm_machine", pathlib.Path(__file__).with_name("machine.py"))
machine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(machine)

MOUNTS = [{"destination": "/proc", "type": "proc", "source": "proc"},
          {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
          {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}]
CONFIG = {
    "ociVersion": "1.2.0", "hostname": "inside",
    "process": {"user": {"uid": 0, "gid": 0}, "args": ["sleep", "1000"], "env": ["PATH=/bin"], "cwd": "/", "capabilities": {
        name: ["CAP_CHOWN", "CAP_MKNOD"] for name in ("bounding", "effective", "permitted")}},
    "mounts": MOUNTS,
    "linux": {"namespaces": [{"type": name} for name in ("mount", "pid", "ipc", "uts", "network", "cgroup")]},
}
DEVICES = [{"allow": False, "access": "rwm"}]
LIMITS = {"memory": {"limit": 67108864, "reservation": 33554432, "swap": 100663296}, "pids": {"limit": 50}, "devices": DEVICES,
          "cpu": {"shares": 512, "quota": 20000, "period": 50000, "burst": 10000, "cpus": "0"}, "unified": {"memory.high": "50331648"}}
COUNT = "exec 0</dev/null; i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done"
# Those whose subject differs with control groups of version 2, and that know them or do not look at them.
PROGRAMS = ["linux_ns_nopath", "linux_rootfs_propagation", "mounts"]


@pytest.fixture
def bundles():
    """On the host's disk, where the machine sees them."""
    top = machine.BUILD / "vm" / "oci-bundles"
    shutil.rmtree(top, ignore_errors=True)
    root = top / "rootfs"
    for name in ("bin", "proc", "dev", "tmp"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin")
    for applet in ("sh", "cat", "sleep", "mknod", "tail", "hostname", "echo"):
        (root / "bin" / applet).symlink_to("busybox")
    for name, path, resources, args in (
            ("limits", "/hull-vm/box", LIMITS, None), ("counter", "/hull-vm/counter", {}, ["sh", "-c", COUNT]),
            ("scope", "system.slice:hull:vmbox", {"memory": {"limit": 67108864}, "pids": {"limit": 50}}, None),
            ("slashes", "/not/for/systemd", {}, None)):
        config = copy.deepcopy(CONFIG)
        config["root"] = {"path": str(root)}
        config["linux"].update(cgroupsPath=path, resources=resources)
        config["process"]["args"] = args or config["process"]["args"]
        (top / name).mkdir()
        (top / name / "config.json").write_text(json.dumps(config))
    yield top
    shutil.rmtree(top, ignore_errors=True)


def run(script, *arguments, **options):
    try:
        status, output = machine.run(" ".join(map(str, [pathlib.Path(__file__).with_name(script), machine.BUILD / "bin", *arguments])),
                                     **options)
    except machine.Unavailable as reason:
        pytest.skip(str(reason))
    assert status == 0, output
    return output


def test_limits_events_checkpoints_and_the_suite_with_version_2(bundles):
    suite = machine.BUILD / "runtime-tools"
    programs = [suite, *PROGRAMS] if (suite / "installed").exists() else []
    output = run("oci_runtime.sh", bundles, *programs)
    lines = output.splitlines()
    for expected in ("memory.max 67108864", "memory.low 33554432", "memory.swap.max 33554432", "cpu.max 20000 50000",
                     "cpu.max.burst 10000", "cpu.weight 59", "pids.max 50", "memory.high 50331648", "cpuset.cpus 0", "exec 0::/",
                     "below 0::/sub", "updated memory.max 33554432", "updated memory.swap.max 16777216", "updated pids.max 40",
                     "updated cpu.max 30000 60000", "paused frozen 1 paused", "killed 137", '{"type":"oom","id":"box"}'):
        assert expected in lines, output
    assert any(line.startswith('"pids":{"current":1') for line in lines), output
    assert "left behind" not in output and "a disk" not in output and "broken" not in output and "still there" not in output, output
    if shutil.which("criu", path=os.environ["PATH"] + ":/usr/sbin"):
        for expected in ("checkpoint while it runs", "writes again", "restored inside 0::/"):
            assert expected in lines, output
    for program in programs[1:]:
        assert f"{program} ended" in lines, output
    assert "not ok" not in output, output


def test_scopes_of_systemd(bundles):
    lines = (output := run("oci_runtime_systemd.sh", bundles, systemd=True)).splitlines()
    for expected in ("group 0::/system.slice/hull-vmbox.scope", "MemoryMax=67108864", "TasksMax=50", "Slice=system.slice", "Delegate=yes",
                     "after reload 67108864", "MemoryMax=33554432", "exec 0::/", "thawed", "slice:prefix:name"):
        assert expected in lines, output
    assert "left behind" not in output, output
