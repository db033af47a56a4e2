# SPDX-License-Identifier: Apache-2.0
"""Bundles for hull-runtime, and what is left of them when it is done."""
import contextlib
import copy
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from conftest import BIN, SLOT, wait_until

RUNTIME = str(BIN / "hull-runtime")
APPLETS = ("sh cat id ls true false sleep mount umount stat hostname ip tty readlink touch echo grep env pwd wc head mkdir rm "
           "ln dd chmod chown ps kill nice ionice mknod mkfifo sysctl seq tail od tr httpd nc").split()
NAMESPACES = ["mount", "pid", "ipc", "uts", "network"]
MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
]
CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_MKNOD",
                "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT"]


def make_rootfs(directory):
    """A root file system of busybox alone."""
    root = pathlib.Path(directory)
    for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "root"):
        (root / name).mkdir(parents=True, exist_ok=True)
    os.chmod(root, 0o755)
    shutil.copy("/bin/busybox", root / "bin" / "busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")
    return root


def cgroup_mounts():
    return [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()
            if line.split()[2] in ("cgroup", "cgroup2")]


class Runtime:
    """One OCI runtime with a root and a parent of control groups of its own, and bundles in a directory of their own."""

    def __init__(self, program=RUNTIME):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hull-runtime-test-"))
        os.chmod(self.directory, 0o755)
        self.root = self.directory / "state"
        self.parent = f"/hull-runtime-test-{SLOT}-{self.directory.name[-8:]}"
        self.program = program
        self.count = 0
        self.rootfs = make_rootfs(self.directory / "rootfs")

    def command(self, *arguments):
        return [*([self.program] if isinstance(self.program, str) else self.program), "--root", str(self.root),
                *map(str, arguments)]

    def __call__(self, *arguments, check=True, timeout=60, **options):
        """Runs one command to its end. Output that a container inherits must not be a pipe that we read to its end: see
        create()."""
        options.setdefault("input", "")
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=timeout, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def bundle(self, *args, rootfs=None, **changes):
        """A new bundle whose program is `args`; `changes` are laid over the configuration."""
        self.count += 1
        path = self.directory / f"bundle{self.count}"
        path.mkdir()
        config = {
            "ociVersion": "1.2.0",
            "process": {"user": {"uid": 0, "gid": 0}, "args": list(args) or ["true"], "env": ["PATH=/bin"], "cwd": "/",
                        "capabilities": {name: CAPABILITIES for name in ("bounding", "effective", "permitted")}},
            "root": {"path": str(rootfs or self.rootfs)},
            "mounts": copy.deepcopy(MOUNTS),
            "linux": {"namespaces": [{"type": name} for name in NAMESPACES],
                      "cgroupsPath": f"{self.parent}/c{self.count}"},
        }
        merge(config, changes)
        (path / "config.json").write_text(json.dumps(config))
        return Bundle(self, path, f"c{self.count}", config)

    def cgroups(self):
        """Every control group below our parent."""
        found = []
        for point in cgroup_mounts():
            for path, directories, _ in os.walk(point + self.parent):
                found += [os.path.join(path, name) for name in directories]
        return found

    def left_behind(self):
        left = [f"control group {path}" for path in self.cgroups()]
        if self.root.is_dir():
            left += [f"state {path}" for path in self.root.iterdir()]
        left += [f"mount {line.split()[1]}" for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()
                 if str(self.directory) in line]
        return left

    def assert_clean(self):
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.left_behind(), 5)
        assert not self.left_behind()

    def remove_all(self):
        if self.root.is_dir():
            for path in self.root.iterdir():
                self("delete", "--force", path.name, check=False)

    def close(self):
        self.remove_all()
        for path in sorted(self.cgroups(), key=len, reverse=True):
            with contextlib.suppress(OSError):
                os.rmdir(path)
        for point in cgroup_mounts():
            with contextlib.suppress(OSError):
                os.rmdir(point + self.parent)
        shutil.rmtree(self.directory, ignore_errors=True)


def merge(into, changes):
    """Objects are merged, everything else replaced; None removes."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        elif value is None:
            into.pop(key, None)
        else:
            into[key] = value


class Bundle:
    def __init__(self, runtime, path, name, config):
        self.runtime, self.path, self.name, self.config = runtime, path, name, config
        self.output = path / "output"

    def rewrite(self, **changes):
        merge(self.config, changes)
        (self.path / "config.json").write_text(json.dumps(self.config))

    def run(self, *flags, check=True, **options):
        return self.runtime("run", *flags, "--bundle", self.path, self.name, check=check, **options)

    def create(self, *flags, check=True, **options):
        """What the container writes goes to self.output."""
        with open(self.output, "wb") as output, open(self.path / "errors", "w+", encoding="utf-8") as errors:
            done = subprocess.run(self.runtime.command("create", *flags, "--bundle", self.path, self.name), stdout=output,
                                  stderr=errors, stdin=subprocess.DEVNULL, timeout=60, check=False, **options)
            errors.seek(0)
            done.stderr = errors.read()
        assert not check or done.returncode == 0, done.stderr
        return done

    def start(self, **options):
        return self.runtime("start", self.name, **options)

    def begin(self, *flags, **options):
        self.create(*flags, **options)
        self.start()
        return self

    def state(self):
        return json.loads(self.runtime("state", self.name).stdout)

    def wait_for(self, status, patience=10):
        wait_until(lambda: self.state()["status"] == status, patience)

    def text(self):
        return self.output.read_text(errors="replace")

    def exec(self, *arguments, flags=(), **options):
        return self.runtime("exec", *flags, self.name, *arguments, **options)

    def delete(self, *flags, **options):
        return self.runtime("delete", *flags, self.name, **options)


@pytest.fixture
def runtime():
    """hull-runtime with a root of its own; nothing of its containers may be left at the end. Tests import it by name."""
    made = Runtime()
    try:
        yield made
        made.remove_all()
        made.assert_clean()
    finally:
        made.close()
