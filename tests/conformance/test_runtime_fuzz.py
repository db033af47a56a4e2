# SPDX-License-Identifier: Apache-2.0
"""Random configurations, valid and not: hull-runtime never crashes, hangs or leaves anything behind, and an error names
the field. HULL_FUZZ_SEED and HULL_FUZZ_COUNT make it another or a longer run."""
import copy
import json
import os
import random
import subprocess

import pytest

from runtime_bundles import MOUNTS, Runtime

SEED = int(os.environ.get("HULL_FUZZ_SEED", "20261127"))
COUNT = int(os.environ.get("HULL_FUZZ_COUNT", "150"))

# Fields with values that are fine, and with values that are not.
FIELDS = {
    "ociVersion": (["1.0.0", "1.2.0", "1.3.0", "1.0.2-dev"], ["2.0.0", "", 7, None, "x"]),
    "hostname": (["a", "name-1"], ["x" * 100, 5]),
    "domainname": (["d.example"], ["y" * 100, []]),
    "process.cwd": (["/", "/tmp", "/new/place"], ["", "relative", "/proc/self/fd/5", "/etc/passwd", 3]),
    "process.args": ([["true"], ["sh", "-c", "exit 3"], ["/bin/true", ""]], [[], ["no-such"], "true", ["a\0b"], [1]]),
    "process.env": ([[], ["A=B", "PATH=/bin"], ["PATH=/bin", "E=" + "x" * 10000]], [[5], "A=B", ["A\0=B", "PATH=/bin"]]),
    "process.user": ([{"uid": 0, "gid": 0}, {"uid": 1000, "gid": 5, "additionalGids": [7]}, {"uid": 65534, "gid": 1, "umask": 63}],
                     [{"uid": -1, "gid": 0}, {"uid": 1 << 40, "gid": 0}, {"uid": "root", "gid": 0}, []]),
    "process.rlimits": ([[], [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}]],
                        [[{"type": "RLIMIT_X", "soft": 1, "hard": 1}], [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}],
                         [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}] * 2, [{"soft": 1}]]),
    "process.capabilities": ([{}, {"bounding": ["CAP_CHOWN"]}, {"permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]}],
                             [{"bounding": "CAP_KILL"}, {"ambient": [5]}]),
    "process.oomScoreAdj": ([0, 100, 1000], [1001, -1001, "0", 1e30]),
    "process.scheduler": ([{"policy": "SCHED_BATCH"}, {"policy": "SCHED_OTHER", "nice": 3}], [{"policy": "X"}, {}, 5]),
    "process.ioPriority": ([{"class": "IOPRIO_CLASS_BE", "priority": 4}], [{"class": "X", "priority": 0}, {"class": "IOPRIO_CLASS_BE", "priority": 99}]),
    "process.noNewPrivileges": ([True, False], ["yes", 1]),
    "process.terminal": ([False], [5, "no"]),
    "root.path": ([], ["", "/no/such/root", "/etc/passwd", 5]),
    "root.readonly": ([True, False], ["true"]),
    "mounts": ([[], MOUNTS, MOUNTS[:2], [*MOUNTS, {"destination": "/t", "type": "tmpfs", "source": "t"}],
                [*MOUNTS, {"destination": "/e", "type": "bind", "source": "/etc", "options": ["rbind", "ro", "rprivate"]}]],
               [[{"destination": "/x"}], [{"destination": "", "type": "tmpfs"}], [{"destination": "/", "type": "tmpfs"}],
                [{"destination": "/x", "type": "no-such-fs", "source": "s"}], [{"destination": "/x", "source": "/none", "options": ["bind"]}],
                [{"destination": "/x", "type": "tmpfs", "options": ["size=lots"]}], [5], {}, [{"destination": "/bin/busybox/x", "type": "tmpfs"}],
                [*MOUNTS, {"destination": "/proc/self", "type": "tmpfs", "source": "t"}], [{"destination": "/x\0y", "type": "tmpfs"}],
                [{"destination": "/x", "type": "bind", "source": "/etc", "options": ["idmap"]}]]),
    "hooks": ([{}, {"poststop": [{"path": "/bin/true"}]}, {"prestart": [{"path": "/bin/true", "timeout": 5}]}],
              [{"prestart": [{"path": "true"}]}, {"poststart": [{"path": "/bin/false"}]}, {"createRuntime": [{"path": "/none"}]},
               {"startContainer": [{"path": "/bin/true", "timeout": -1}]}, {"prestart": {}}, 5]),
    "linux.namespaces": ([[{"type": "mount"}, {"type": "pid"}], [{"type": "mount"}],
                          [{"type": t} for t in ("mount", "pid", "ipc", "uts", "network", "cgroup", "time")]],
                         [[{"type": "x"}], [{"type": "mount"}, {"type": "mount"}], [{"type": "mount"}, {"type": "network", "path": "/etc/passwd"}],
                          [{"type": "mount"}, {"type": "uts", "path": "relative"}], [{}], 5]),
    "linux.uidMappings": ([[]], [[{"containerID": 0, "hostID": 0, "size": 0}], [{"containerID": -1}], [{"containerID": 0, "hostID": 1, "size": 5}]]),
    "linux.devices": ([[], [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}], [{"path": "/p", "type": "p"}]],
                      [[{"path": "x", "type": "c"}], [{"path": "/dev/y", "type": "q"}], [{"path": "/dev/y", "type": "c", "major": -1}], [{}]]),
    "linux.cgroupsPath": ([], ["/../..", "a:b:c", 5, "/a/../../b"]),
    "linux.resources": ([{}, {"pids": {"limit": 20}}, {"memory": {"limit": 33554432}}, {"cpu": {"shares": 100}},
                         {"devices": [{"allow": False, "access": "rwm"}]}],
                        [{"pids": {"limit": "x"}}, {"memory": {"limit": 1 << 70}}, {"cpu": {"cpus": "900"}}, {"cpu": {"quota": 1, "period": 1}},
                         {"devices": [{"allow": True, "type": "z"}]}, {"unified": {"../x": "1"}}, {"rdma": {"none": {"hcaHandles": 1}}},
                         {"hugepageLimits": [{"pageSize": "3MB", "limit": 1}]}, {"blockIO": {"throttleReadBpsDevice": [{"major": 999, "minor": 0, "rate": 1}]}}]),
    "linux.rootfsPropagation": (["", "private", "rslave", "shared", "unbindable"], ["x", 5]),
    "linux.maskedPaths": ([[], ["/proc/kcore", "/nothing"]], [["relative"], [5], {}]),
    "linux.readonlyPaths": ([[], ["/proc/sys", "/none"]], [["x"], "y"]),
    "linux.sysctl": ([{}, {"net.ipv4.ip_forward": "1"}], [{"kernel.panic": "1"}, {"net..x": "1"}, {"net/../../x": "1"}, {"net.ipv4.none": "1"}, []]),
    "linux.seccomp": ([{"defaultAction": "SCMP_ACT_ALLOW"},
                       {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "no_such"], "action": "SCMP_ACT_ERRNO"}]}],
                      [{}, {"defaultAction": "X"}, {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["X"]},
                       {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_ERRNO",
                                                                         "args": [{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]}]}]),
    "linux.personality": ([{"domain": "LINUX"}], [{"domain": "X"}, {"domain": "LINUX", "flags": ["F"]}]),
    "linux.timeOffsets": ([{}], [{"monotonic": {"secs": 5}}, {"realtime": {"secs": 1}}]),
    "linux.netDevices": ([{}], [{"no-such-device": {}}, {"lo": {"name": "a/b"}}]),
    "linux.intelRdt": ([], [{"closID": "../x"}, {"closID": "class", "l3CacheSchema": "x"}]),
    "annotations": ([{}, {"a": "b"}], [{"a": 5}, []]),
}


def put(config, field, value):
    *above, last = field.split(".")
    for name in above:
        config = config.setdefault(name, {})
    config[last] = value


def random_json(random_numbers, depth=0):
    kind = random_numbers.randrange(7 if depth < 3 else 5)
    if kind == 5:
        return [random_json(random_numbers, depth + 1) for _ in range(random_numbers.randrange(4))]
    if kind == 6:
        return {random_numbers.choice(["type", "path", "x", "", "args"]): random_json(random_numbers, depth + 1)
                for _ in range(random_numbers.randrange(3))}
    return [None, True, random_numbers.randrange(-1 << 63, 1 << 64), random_numbers.random() * 1e300, "\u00e9\n\\" * 3][kind]


@pytest.fixture(scope="module")
def runtime():
    made = Runtime()
    yield made
    made.close()


def run(runtime, bundle):
    """Ends by itself, not by a signal, and in time; with a sentence when it fails."""
    done = bundle.run(check=False, timeout=30)
    assert 0 <= done.returncode < 128, (done.returncode, bundle.config)
    if done.returncode == 1 and "level=error" in done.stderr:
        assert "terminate called" not in done.stderr
    runtime.assert_clean()
    return done


def test_random_choices_of_fields(runtime):
    numbers = random.Random(SEED)
    names = list(FIELDS)
    for _ in range(COUNT):
        bundle = runtime.bundle("true")
        broken = None
        for field in numbers.sample(names, numbers.randrange(1, 9)):
            good, bad = FIELDS[field]
            if good:
                put(bundle.config, field, copy.deepcopy(numbers.choice(good)))
        if numbers.random() < 0.5:
            broken = numbers.choice(names)
            put(bundle.config, broken, copy.deepcopy(numbers.choice(FIELDS[broken][1])))
        (bundle.path / "config.json").write_text(json.dumps(bundle.config))
        run(runtime, bundle)


@pytest.mark.parametrize("field", list(FIELDS))
def test_an_error_names_the_field(runtime, field):
    """Each value that is not fine, alone in a configuration that is: the message has the field's name, or the value."""
    for value in FIELDS[field][1]:
        bundle = runtime.bundle("true")
        put(bundle.config, field, copy.deepcopy(value))
        (bundle.path / "config.json").write_text(json.dumps(bundle.config))
        done = run(runtime, bundle)
        if done.returncode == 0:
            continue  # null is what is not given; the kernel takes more than one expects
        words = [field.split(".")[-1], *strings_in(value)]
        assert any(word and word.lower() in done.stderr.lower() for word in words), (value, done.stderr)


def strings_in(value):
    """What a message may quote of a value."""
    if isinstance(value, str):
        return [value, value.split(":")[0].split("=")[0]]
    if isinstance(value, (list, dict)):
        parts = list(value) + (list(value.values()) if isinstance(value, dict) else [])
        return [text for part in parts for text in strings_in(part)]
    return [str(value)]


def test_random_types(runtime):
    """Anything in place of anything."""
    numbers = random.Random(SEED + 1)
    for _ in range(COUNT):
        bundle = runtime.bundle("true")
        put(bundle.config, numbers.choice(list(FIELDS)), random_json(numbers))
        text = json.dumps(bundle.config)
        (bundle.path / "config.json").write_text(text)
        run(runtime, bundle)


def test_broken_files(runtime):
    """Bytes changed, cut off and repeated."""
    numbers = random.Random(SEED + 2)
    good = json.dumps(runtime.bundle("true").config).encode()
    for _ in range(COUNT):
        bundle = runtime.bundle("true")
        text = bytearray(json.dumps(bundle.config).encode())
        for _ in range(numbers.randrange(1, 4)):
            at = numbers.randrange(len(text))
            how = numbers.randrange(4)
            if how == 0:
                text[at] = numbers.randrange(256)
            elif how == 1:
                del text[at:]
                break
            elif how == 2:
                del text[at:at + 5]
            else:
                text[at:at] = good[at:at + 40]
        if not text:
            continue
        # A path that became another one by chance must not be the host's.
        if bundle.config["linux"]["cgroupsPath"].encode() not in bytes(text) or str(runtime.rootfs).encode() not in bytes(text):
            continue
        (bundle.path / "config.json").write_bytes(bytes(text))
        run(runtime, bundle)


def test_broken_process_files(runtime):
    numbers = random.Random(SEED + 3)
    bundle = runtime.bundle("sleep", "1000").begin()
    fields = [name.removeprefix("process.") for name in FIELDS if name.startswith("process.")]
    for _ in range(COUNT // 3):
        process = copy.deepcopy(bundle.config["process"]) | {"args": ["true"]}
        field = numbers.choice(fields)
        process[field] = numbers.choice([random_json(numbers), copy.deepcopy(numbers.choice(FIELDS["process." + field][1]))])
        path = bundle.path / "process.json"
        path.write_text(json.dumps(process))
        done = subprocess.run(runtime.command("exec", "--process", path, bundle.name), capture_output=True, text=True, timeout=30,
                              check=False, stdin=subprocess.DEVNULL)
        assert done.returncode in (0, 1, 2, 3, 127, 255), (process, done)
    assert bundle.state()["status"] == "running"
    bundle.delete("--force")
    runtime.assert_clean()
