# SPDX-License-Identifier: Apache-2.0
"""hull-runtime on its own with control groups of version 2, and under systemd, under Debian's stock kernel."""
import copy
import importlib.util
import json
import os
import pathlib
import shutil

import pytest

HERE = pathlib.Path(__file__).parent


def module(path):
    spec = importlib.util.spec_from_file_location(f"vm_{path.stem}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


machine = module(HERE / "machine.py")
suite = module(HERE.parent / "conformance" / "runtime_suite.py")

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
NOTIFIED = "/usr/bin/systemd-notify --ready; exec sleep 1000"
ANNOTATIONS = {"scope": {"org.systemd.property.TimeoutStopSec": "1.5", "org.systemd.property.Description": "'our own'"},
               "property": {"org.systemd.property.TimeoutStopUSec": "soon"}}
COUNT = "exec 0</dev/null; i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done"
PROGRAMS = [program for program in suite.PROGRAMS if program not in suite.ONLY_VERSION_1]
BPS, IOPS = ([{"major": 7, "minor": 0, "rate": rate}] for rate in (102400, 300))
# In the place of each program that knows version 1 alone: the resources that it asks for, the files that show them in version
# 2, and what is done inside.
CASES = {
    "linux_cgroups_blkio": ({"blockIO": {"throttleReadBpsDevice": BPS, "throttleWriteBpsDevice": BPS, "throttleReadIOPSDevice": IOPS,
                                         "throttleWriteIOPSDevice": IOPS}}, {"io.max": "7:0 rbps=102400 wbps=102400 riops=300 wiops=300"}),
    "linux_cgroups_cpus": ({"cpu": {"shares": 1024, "quota": 40000, "period": 100000, "cpus": "0-1", "mems": "0"}},
                           {"cpu.weight": "100", "cpu.max": "40000 100000", "cpuset.cpus": "0-1", "cpuset.mems": "0"}),
    "linux_cgroups_devices": ({"devices": [{"allow": False, "access": "rwm"},
                                           {"allow": True, "type": "c", "major": 4, "minor": 0, "access": "rw"}]}, {}),
    "linux_cgroups_hugetlb": ({"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}, {"hugetlb.2MB.max": "4194304"}),
    "linux_cgroups_memory": ({"memory": {"limit": 50593792, "reservation": 33554432, "swap": 101187584}},
                             {"memory.max": "50593792", "memory.low": "33554432", "memory.swap.max": "50593792"}),
    "linux_cgroups_network": ({"network": {"classID": 255}}, {}),
    "linux_cgroups_pids": ({"pids": {"limit": 1000}}, {"pids.max": "1000"}),
    "delete_resources": ({"pids": {"limit": 1000}}, {"pids.max": "1000"}),
    "delete_only_create_resources": ({}, {}),
}
INSIDE = {"linux_cgroups_devices": "mknod /tmp/in c 4 0; mknod /tmp/out c 4 1; (: </tmp/in) && echo opened; (: </tmp/out) || echo refused; rm /tmp/in /tmp/out"}


@pytest.fixture
def bundles():
    """On the host's disk, where the machine sees them."""
    top = machine.BUILD / "vm" / "oci-bundles"
    shutil.rmtree(top, ignore_errors=True)
    root = top / "rootfs"
    for name in ("bin", "proc", "dev", "tmp"):
        (root / name).mkdir(parents=True)
    for name in ("lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    shutil.copy("/bin/busybox", root / "bin")
    for applet in ("sh", "cat", "sleep", "mknod", "rm", "tail", "hostname", "echo"):
        (root / "bin" / applet).symlink_to("busybox")
    for name, path, resources, args in (
            ("limits", "/hull-vm/box", LIMITS, None), ("counter", "/hull-vm/counter", {}, ["sh", "-c", COUNT]),
            ("scope", "system.slice:hull:vmbox", {"memory": {"limit": 67108864}, "pids": {"limit": 50}}, None),
            ("notified", "system.slice:hull:vmnotified", {}, ["sh", "-c", NOTIFIED]), ("property", "system.slice:hull:vmproperty", {}, None), ("slashes", "/not/for/systemd", {}, None)):
        config = copy.deepcopy(CONFIG)
        config["annotations"] = ANNOTATIONS.get(name, {})
        config["root"] = {"path": str(root)}
        config["linux"].update(cgroupsPath=path, resources=resources)
        config["process"]["args"] = args or config["process"]["args"]
        if name == "notified":
            config["mounts"].append({"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]})
        (top / name).mkdir()
        (top / name / "config.json").write_text(json.dumps(config))
    for name, (resources, files) in CASES.items():
        for case, path in ((name, f"/hull-vm/{name}"), (name.replace("cgroups", "cgroups_relative"), f"hull-vm/relative-{name}")):
            write_case(top / "cgroupfs" / case, root, path, resources, files, INSIDE.get(name))
        write_case(top / "systemd" / name, root, f"system.slice:hull:{name}", resources, files, INSIDE.get(name))
    yield top
    shutil.rmtree(top, ignore_errors=True)


def write_case(directory, root, path, resources, files, inside):
    config = copy.deepcopy(CONFIG)
    config["root"] = {"path": str(root)}
    config["linux"].update(cgroupsPath=path, resources=resources)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "files").write_text("".join(f"{file}\n" for file in files))
    if inside:
        (directory / "inside").write_text(inside)


def check_cases(output, names):
    """What look_at_groups must have printed of them."""
    lines = output.splitlines()
    for name in names:
        case = name.replace("_relative", "")
        for file, value in CASES[case][1].items():
            assert f"{name} {file} {value}" in lines, output
        if case in INSIDE:
            assert f"{name} opened" in lines and f"{name} refused" in lines, output
        if case == "linux_cgroups_network":
            assert any(line.startswith(f"{name}: ") and "cgroup v2 has no such controller" in line for line in lines), output
        else:
            assert not any(line.startswith(f"{name}: ") for line in lines), output
    assert "left " not in output, output


def run(script, *arguments, **options):
    try:
        status, output = machine.run(" ".join(map(str, [HERE / script, machine.BUILD / "bin", *arguments])),
                                     **options)
    except machine.Unavailable as reason:
        pytest.skip(str(reason))
    assert status == 0, output
    return output


def test_limits_events_and_checkpoints_with_version_2(bundles):
    output = run("oci_runtime.sh", bundles)
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


@pytest.mark.parametrize("driver", ["cgroupfs", "systemd"])
def test_the_suite_with_version_2(bundles, driver):
    """Every program of the suite that knows it, and what stands in for the others."""
    directory = machine.BUILD / "runtime-tools"
    if not (directory / "installed").exists():
        pytest.skip("the suite is not installed: the test of all its programs with version 1 does that")
    cases, *parts = run("oci_suite.sh", bundles, driver, directory, *PROGRAMS, memory=2048, timeout=600,
                        systemd=driver == "systemd").split("\n=== ")
    answers = {}
    for part in parts[:-1]:
        (program, code), output = part.split("\n", 1)[0].split(), part.split("\n", 1)[-1]
        answers[program] = int(code), output
    assert sorted(answers) == sorted(PROGRAMS)
    failed = {program: output for program, (code, output) in answers.items() if suite.unexpected(program, code, output)}
    assert not failed, failed
    check_cases(cases, sorted(CASES if driver == "systemd" else suite.ONLY_VERSION_1))
    assert "hull-" not in parts[-1], parts[-1]


def test_scopes_of_systemd(bundles):
    lines = (output := run("oci_runtime_systemd.sh", bundles, systemd=True)).splitlines()
    for expected in ("group 0::/system.slice/hull-vmbox.scope", "MemoryMax=67108864", "TasksMax=50", "Slice=system.slice", "Delegate=yes",
                     "TimeoutStopUSec=1.500000s", "Description=our own", "after reload 67108864", "MemoryMax=33554432", "exec 0::/", "thawed", "slice:prefix:name", "notified  active hull-runtime", "notified --detach active sleep",
                     "annotation org.systemd.property.TimeoutStopUSec"):
        assert expected in lines, output
    assert "left behind" not in output, output
